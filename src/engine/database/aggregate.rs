//! What a query computes over its rows: one row for each group, in the order of the groups'
//! values.

use std::cmp::Ordering as Order;

use rust_decimal::Decimal;

use crate::engine::database::answer::reach;
use crate::engine::database::broken;
use crate::engine::database::execution::Query;
use crate::fault::Fault;
use crate::plan::{AggregateFunction, Aggregation, DatePart, Group, Measure};
use crate::words::calendar::{date_of, week_of};
use crate::words::evaluate::compare_for_order;
use crate::words::{ColumnId, Record, RowId, TableId, Value};

/// The rows of an aggregation, each with the values of its group and its measures as columns.
///
/// Without groups there is one row, also over no rows at all.
pub(super) fn aggregated(
    records: &[Record],
    aggregation: &Aggregation,
    query: &Query,
) -> Result<Vec<Record>, Fault> {
    let groups = &aggregation.groups;
    let mut rows: Vec<(Vec<Value>, &Record)> = records
        .iter()
        .map(|record| (groups.iter().map(|it| group_value(record, it, query)).collect(), record))
        .collect();
    rows.sort_by(|(a, _), (b, _)| in_order(a, b));
    let table = records.first().map_or(TableId(0), |record| record.table);
    let mut answer = Vec::new();
    let mut rest = &rows[..];
    while let [(key, _), ..] = rest {
        let count = rest.partition_point(|(other, _)| in_order(other, key).is_le());
        let (group, after) = rest.split_at(count);
        answer.push(row_of(table, key, group, aggregation, query)?);
        rest = after;
    }
    if answer.is_empty() && groups.is_empty() {
        answer.push(row_of(table, &[], &[], aggregation, query)?);
    }
    Ok(answer)
}

fn in_order(a: &[Value], b: &[Value]) -> Order {
    let pairs = a.iter().zip(b);
    pairs.fold(Order::Equal, |order, (a, b)| order.then_with(|| compare_for_order(a, b)))
}

/// One row of the answer.
fn row_of(
    table: TableId,
    key: &[Value],
    group: &[(Vec<Value>, &Record)],
    aggregation: &Aggregation,
    query: &Query,
) -> Result<Record, Fault> {
    let Aggregation { groups, measures, .. } = aggregation;
    let mut columns = Vec::with_capacity(groups.len() + measures.len());
    let mut add = |name: &crate::words::Name, value: Value| {
        let number = u16::try_from(columns.len()).unwrap_or(u16::MAX);
        columns.push((ColumnId(number), name.clone(), value));
    };
    for (Group { name, .. }, value) in groups.iter().zip(key) {
        add(name, value.clone());
    }
    for measure in measures {
        let values = group.iter().map(|(_, record)| reach(record, measure.of, &query.links));
        add(&measure.name, measured(measure, group.len(), values)?);
    }
    let id = RowId(uuid::Uuid::nil());
    Ok(Record { table, id, row_version: 0, columns, expanded: Vec::new() })
}

/// What a row belongs to.
fn group_value(record: &Record, group: &Group, query: &Query) -> Value {
    let value = reach(record, group.of, &query.links);
    let (Some(part), Value::DateTime(moment)) = (group.part, &value) else {
        return value;
    };
    let date = date_of(*moment);
    Value::Whole(match part {
        DatePart::Day => i64::from(date.day()),
        DatePart::Week => week_of(date),
        DatePart::Month => i64::from(date.month()),
        DatePart::Quarter => i64::from((date.month() - 1) / 3 + 1),
        DatePart::Year => i64::from(date.year()),
    })
}

/// One value over a group.
fn measured(
    measure: &Measure,
    rows: usize,
    values: impl Iterator<Item = Value>,
) -> Result<Value, Fault> {
    use AggregateFunction as F;
    if measure.function == F::Count {
        return Ok(counted(rows));
    }
    let mut values: Vec<Value> = values.filter(|value| !value.is_null()).collect();
    if measure.distinct {
        values.sort_by(compare_for_order);
        values.dedup_by(|a, b| compare_for_order(a, b).is_eq());
    }
    Ok(match measure.function {
        F::Count | F::CountColumn => counted(values.len()),
        F::Sum => sum(&values)?,
        F::Avg if values.is_empty() => Value::Null,
        F::Avg => average(&sum(&values)?, values.len()),
        F::Min => values.into_iter().min_by(compare_for_order).unwrap_or_default(),
        F::Max => values.into_iter().max_by(compare_for_order).unwrap_or_default(),
    })
}

fn counted(rows: usize) -> Value {
    Value::Whole(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// The sum: whole of whole numbers, else decimal; 0 of none.
///
/// Assumed: a sum that does not fit is SQL Server's arithmetic overflow.
fn sum(values: &[Value]) -> Result<Value, Fault> {
    let mut whole: i128 = 0;
    let mut decimal: Option<Decimal> = None;
    let overflow = || broken("arithmetic overflow in a sum".to_owned());
    for value in values {
        match value {
            Value::Whole(number) => whole += i128::from(*number),
            Value::Decimal(number) => {
                let so_far = decimal.unwrap_or_default();
                decimal = Some(so_far.checked_add(*number).ok_or_else(overflow)?);
            }
            _ => {}
        }
    }
    match decimal {
        Some(decimal) => Ok(Value::Decimal(decimal)),
        None => i64::try_from(whole).map(Value::Whole).map_err(|_| overflow()),
    }
}

fn average(sum: &Value, count: usize) -> Value {
    let count = i64::try_from(count).unwrap_or(i64::MAX).max(1);
    match sum {
        Value::Whole(sum) => Value::Whole(sum / count),
        Value::Decimal(sum) => {
            let quotient = sum.checked_div(Decimal::from(count)).unwrap_or(*sum);
            Value::Decimal(quotient.normalize())
        }
        _ => Value::Null,
    }
}
