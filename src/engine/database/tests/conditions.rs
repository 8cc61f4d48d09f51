//! Conditions that are judged on the packed row, against the expressions that they are made of.

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::engine::database::Context;
use crate::engine::database::condition::Condition;
use crate::engine::database::read::{LinkedRows, StoredRow};
use crate::engine::log::Log;
use crate::engine::names::Names;
use crate::engine::store::{TableStore, View};
use crate::plan::{Column, Plan, Table};
use crate::words::evaluate::{Scope, evaluate, is_true};
use crate::words::{
    BinaryOperator as Operator, ColumnId, ColumnType, Expression, Name, RowId, SimInstant, TableId,
    Value,
};

const COLUMNS: [&str; 3] = ["a", "b", "c"];

/// Values of all kinds, often alike.
fn values() -> impl Strategy<Value = Value> {
    let id = |number: u128| Value::Id(RowId(uuid::Uuid::from_u128(number)));
    prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Boolean),
        6 => (-2..3_i64).prop_map(Value::Whole),
        1 => (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| Value::Whole(number >> shift)),
        3 => (-20..30_i64, 0..3_u32).prop_map(|(number, scale)| {
            Value::Decimal(Decimal::new(number, scale))
        }),
        4 => "[aBä]{0,2}".prop_map(|text| Value::text(&text)),
        1 => (0..3_i64).prop_map(|second| {
            Value::DateTime(jiff::Timestamp::from_second(second).expect("in range"))
        }),
        1 => (0..3_u128).prop_map(id),
    ]
}

fn operators() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ])
}

fn comparisons() -> impl Strategy<Value = Expression> {
    let column = || prop::sample::select(COLUMNS.to_vec()).prop_map(Name::from);
    let sides = (column(), values(), any::<bool>());
    (operators(), sides).prop_map(|(operator, (column, value, turned))| {
        let (column, value) = (Expression::Column(column), Expression::Literal(value));
        let (left, right) = if turned { (value, column) } else { (column, value) };
        Expression::Binary(operator, Box::new(left), Box::new(right))
    })
}

/// Comparisons joined by `&&`, and now and then something that is none.
fn conditions() -> impl Strategy<Value = Expression> {
    let joined =
        |operator, left, right| Expression::Binary(operator, Box::new(left), Box::new(right));
    let either = (comparisons(), comparisons());
    let part = prop_oneof![
        6 => comparisons(),
        1 => either.prop_map(move |(left, right)| joined(Operator::Or, left, right)),
    ];
    prop::collection::vec(part, 1..4).prop_map(move |parts| {
        let mut parts = parts.into_iter();
        let first = parts.next().expect("one at least");
        parts.fold(first, |all, part| joined(Operator::And, all, part))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_condition_holds_for_a_row_when_its_expression_is_true(
        row in prop::collection::vec(values(), COLUMNS.len()),
        filter in conditions(),
    ) {
        let columns = COLUMNS.map(|name| Column { name: name.into(), kind: ColumnType::Whole });
        let mut plan = Plan::empty("a row by itself");
        plan.tables.push(Table::new("account".into(), columns.to_vec()));
        let table = TableId(0);
        let mut store = TableStore::new(plan.table(table));
        let row: Vec<_> = (0..).map(ColumnId).zip(row).collect();
        let number = store.insert(None, RowId(uuid::Uuid::nil()), &row, 1, 0).expect("it is new");
        let image = store.read(number, View::Latest).expect("it is there");
        let (mut names, mut log) = (Names::default(), Log::new(false));
        let context =
            Context { plan: &plan, names: &mut names, log: &mut log, now: SimInstant::START };
        let linked = LinkedRows { plan: &plan, tables: &[], view: View::Latest, visible: None };

        let condition = Condition::of(Some(&filter), plan.table(table));
        let holds = condition.holds(Some(&filter), image, table, &context, &linked);

        let (table, names) = (plan.table(table), &*context.names);
        let row = StoredRow { image, table, names, linked: &linked };
        let clock = context.clock();
        let scope = Scope { bindings: &[], plug_in: None, row: Some(&row), clock };
        let expected = evaluate(&filter, &scope).is_ok_and(|value| is_true(&value));
        prop_assert_eq!(holds, expected);
        prop_assert!(condition.may_hold(&image) || !expected);
    }
}
