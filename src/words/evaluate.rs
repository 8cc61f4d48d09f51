//! Values of expressions.
//!
//! An expression is evaluated in a [`Scope`]: the bindings of a program, the `target` of the
//! plug-in that runs, and, inside a statement, the row that the statement looks at. Evaluation has
//! no effects and reads no machine's clock: `now()` is part of the scope.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::words::function::call;
use crate::words::{
    BinaryOperator, Expression, Name, Record, RowId, SimInstant, UnaryOperator, Value,
};

/// What went wrong while an expression was evaluated, as a sentence.
pub type Trouble = String;

/// The row that a statement is looking at.
pub trait RowAtHand {
    /// The row's id.
    fn id(&self) -> RowId;
    /// The row's name, or its id as text.
    fn name(&self) -> Name;
    /// The name of the row's table.
    fn table_name(&self) -> &str;
    /// The value of a column; `None` when the table has no such column.
    fn column(&self, name: &str) -> Option<Value>;
    /// The value of a column of the row that a lookup points to, null where it points to none;
    /// `None` when that is not known here, or there is no such lookup.
    fn linked(&self, lookup: &str, member: &str) -> Option<Value> {
        let _ = (lookup, member);
        None
    }
}

/// Where an expression finds what its names mean.
pub struct Scope<'a> {
    /// The bindings, the latest of a name last.
    pub bindings: &'a [(Name, Value)],
    /// The plug-in's own names, asked before the bindings.
    pub plug_in: Option<&'a dyn PlugInNames>,
    /// The row at hand.
    pub row: Option<&'a dyn RowAtHand>,
    /// The calendar.
    pub clock: Clock,
}

/// The world's virtual clock, as a calendar.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The calendar moment of instant 0.
    pub start: Timestamp,
    /// The instant that the world has reached.
    pub now: SimInstant,
}

impl Clock {
    /// The calendar moment that the world has reached.
    pub fn moment(self) -> Timestamp {
        let micros = i64::try_from(self.now.0).unwrap_or(i64::MAX);
        self.start.checked_add(SignedDuration::from_micros(micros)).unwrap_or(Timestamp::MAX)
    }

    /// The instant of a calendar moment; that of the start for an earlier one.
    pub fn instant(self, moment: Timestamp) -> SimInstant {
        let micros = moment.duration_since(self.start).as_micros();
        SimInstant(u64::try_from(micros).unwrap_or(0))
    }
}

/// The names that only a plug-in has: `target` and `before`.
pub trait PlugInNames {
    /// The whole row behind `name`; `None` when it is none of the plug-in's names.
    fn record(&self, name: &str) -> Option<Value>;
    /// One member of it, without building the whole; `None` as above.
    fn member(&self, name: &str, member: &str) -> Option<Value>;
}

impl Scope<'_> {
    fn binding(&self, name: &Name) -> Result<Value, Trouble> {
        if let Some(value) = self.plug_in.and_then(|names| names.record(name)) {
            return Ok(value);
        }
        self.bound(name).cloned().ok_or_else(|| format!("nothing is bound to `{name}`"))
    }

    fn bound(&self, name: &Name) -> Option<&Value> {
        let found = self.bindings.iter().rev();
        found.into_iter().find(|(bound, _)| Arc::ptr_eq(bound, name) || bound == name).map(|b| &b.1)
    }

    fn member(&self, base: &Expression, member: &Name) -> Result<Value, Trouble> {
        if let Expression::Binding(name) = base {
            if let Some(value) = self.plug_in.and_then(|names| names.member(name, member)) {
                return Ok(value);
            }
            if let Some(Value::Record(record)) = self.bound(name) {
                return member_of(record, member);
            }
        }
        if let (Expression::Column(lookup), Some(row)) = (base, self.row)
            && let Some(value) = row.linked(lookup, member)
        {
            return Ok(value);
        }
        let value = evaluate(base, self)?;
        match (&value, self.row) {
            (Value::Record(record), _) => member_of(record, member),
            (Value::Delta(delta), _) => {
                delta.member(member).ok_or_else(|| format!("a delta has no `{member}`"))
            }
            (Value::Null, _) => Err(format!("there is no row to take `{member}` from: it is null")),
            (_, Some(row)) if names_row(&value, row) => {
                row.column(member).ok_or_else(|| format!("the row has no column `{member}`"))
            }
            (other, _) => Err(format!("{} has no `{member}`", other.kind())),
        }
    }
}

/// Whether `value` is the id or the name of the row at hand, so that `member.column` in an
/// update of `$member` means the row's own column.
fn names_row(value: &Value, row: &dyn RowAtHand) -> bool {
    match value {
        Value::Id(id) => *id == row.id(),
        Value::Text(text) => RowId::named(row.table_name(), text) == row.id(),
        _ => false,
    }
}

fn member_of(record: &Record, member: &str) -> Result<Value, Trouble> {
    if let Some(linked) = record.expanded.iter().find(|(name, _)| &**name == member) {
        return Ok(Value::Record(Arc::clone(&linked.1)));
    }
    if let Some(column) = record.columns.iter().find(|(_, name, _)| &**name == member) {
        return Ok(column.2.clone());
    }
    match member {
        "id" => Ok(Value::Id(record.id)),
        "row version" => Ok(Value::Whole(i64::try_from(record.row_version).unwrap_or(i64::MAX))),
        _ => Err(format!("the row as read has no column `{member}`")),
    }
}

/// The value of `expression` in `scope`.
///
/// # Errors
///
/// A sentence that says what could not be computed: a null in arithmetic, an unknown member, an
/// overflow, …
pub fn evaluate(expression: &Expression, scope: &Scope<'_>) -> Result<Value, Trouble> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Binding(name) => scope.binding(name),
        Expression::Column(name) => {
            let row = scope.row.ok_or_else(|| format!("there is no row to take `{name}` from"))?;
            match row.column(name) {
                Some(value) => Ok(value),
                None if &**name == "id" => Ok(Value::Id(row.id())),
                None => Err(format!("table `{}` has no column `{name}`", row.table_name())),
            }
        }
        Expression::RowName => match scope.row {
            Some(row) => Ok(Value::Text(row.name())),
            None => Err("there is no row at hand".to_owned()),
        },
        Expression::Member(base, member) => scope.member(base, member),
        Expression::Index(list, index) => {
            element(&evaluate(list, scope)?, &evaluate(index, scope)?)
        }
        Expression::Unary(UnaryOperator::Not, operand) => {
            Ok(Value::Boolean(!is_true(&evaluate(operand, scope)?)))
        }
        Expression::Unary(UnaryOperator::Negate, operand) => {
            arithmetic(BinaryOperator::Subtract, &Value::Whole(0), &evaluate(operand, scope)?)
        }
        Expression::Binary(operator, left, right) => binary(*operator, left, right, scope),
        Expression::Conditional(condition, yes, no) => {
            let chosen = if is_true(&evaluate(condition, scope)?) { yes } else { no };
            evaluate(chosen, scope)
        }
        Expression::Call(function, arguments) => {
            let arguments: Result<Vec<_>, _> =
                arguments.iter().map(|argument| evaluate(argument, scope)).collect();
            call(*function, &arguments?, scope.clock)
        }
        Expression::List(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| evaluate(item, scope)).collect();
            Ok(Value::List(items?.into()))
        }
    }
}

/// Whether a condition holds: only `true` does; null, as SQL's unknown, does not.
pub fn is_true(value: &Value) -> bool {
    *value == Value::Boolean(true)
}

fn element(list: &Value, index: &Value) -> Result<Value, Trouble> {
    let (Value::List(items), Value::Whole(index)) = (list, index) else {
        return Err(format!("{} has no element {}", list.kind(), text_of(index)));
    };
    let item = usize::try_from(*index).ok().and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| format!("the list has {} elements, not [{index}]", items.len()))
}

fn binary(
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
    scope: &Scope<'_>,
) -> Result<Value, Trouble> {
    use BinaryOperator as O;
    let left = evaluate(left, scope)?;
    match operator {
        O::And if !is_true(&left) => return Ok(Value::Boolean(false)),
        O::Or if is_true(&left) => return Ok(Value::Boolean(true)),
        _ => {}
    }
    let right = evaluate(right, scope)?;
    let holds = match operator {
        O::And | O::Or => is_true(&right),
        O::Equal => equal(&left, &right),
        O::NotEqual => !equal(&left, &right),
        O::Less => compare(&left, &right) == Some(Ordering::Less),
        O::LessOrEqual => compare(&left, &right).is_some_and(Ordering::is_le),
        O::Greater => compare(&left, &right) == Some(Ordering::Greater),
        O::GreaterOrEqual => compare(&left, &right).is_some_and(Ordering::is_ge),
        O::In => match &right {
            Value::List(items) => items.iter().any(|item| equal(&left, item)),
            other => return Err(format!("`in` wants a list, not {}", other.kind())),
        },
        _ => return arithmetic(operator, &left, &right),
    };
    Ok(Value::Boolean(holds))
}

/// Whether two values are the same, whole and decimal numbers compared by amount. A row equals
/// its id.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Record(record), Value::Id(id)) | (Value::Id(id), Value::Record(record)) => {
            record.id == *id
        }
        _ => compare(left, right).map_or_else(|| left == right, Ordering::is_eq),
    }
}

/// The order of two values of one kind; `None` for null and for kinds that have no order.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Whole(a), Value::Whole(b)) => Some(a.cmp(b)),
        (Value::Whole(a), Value::Decimal(b)) => Some(Decimal::from(*a).cmp(b)),
        (Value::Decimal(a), Value::Whole(b)) => Some(a.cmp(&Decimal::from(*b))),
        (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Id(a), Value::Id(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// The order in which an answer's rows stand: null first, then by value, as SQL Server orders.
///
/// Source: Microsoft Learn, "ORDER BY clause": null values are the lowest possible values.
pub fn compare_for_order(left: &Value, right: &Value) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(left, right).unwrap_or(Ordering::Equal),
    }
}

fn arithmetic(operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, Trouble> {
    use BinaryOperator as O;
    let overflow = || "the number is too large".to_owned();
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => {
            Err("a value is null where a number or a text is needed".to_owned())
        }
        (Value::Text(_), _) | (_, Value::Text(_)) if operator == O::Add => {
            Ok(Value::Text(format!("{}{}", text_of(left), text_of(right)).into()))
        }
        (Value::Whole(a), Value::Whole(b)) => match operator {
            O::Add => a.checked_add(*b),
            O::Subtract => a.checked_sub(*b),
            O::Multiply => a.checked_mul(*b),
            O::Divide | O::Remainder if *b == 0 => return Err("division by zero".to_owned()),
            O::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Value::Whole)
        .ok_or_else(overflow),
        _ => {
            let (Some(a), Some(b)) = (number(left), number(right)) else {
                return Err(format!("no arithmetic with {} and {}", left.kind(), right.kind()));
            };
            match operator {
                O::Add => a.checked_add(b),
                O::Subtract => a.checked_sub(b),
                O::Multiply => a.checked_mul(b),
                O::Divide | O::Remainder if b.is_zero() => {
                    return Err("division by zero".to_owned());
                }
                O::Divide => a.checked_div(b),
                _ => a.checked_rem(b),
            }
            .map(Value::Decimal)
            .ok_or_else(overflow)
        }
    }
}

/// A number as a decimal one.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Whole(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(*number),
        _ => None,
    }
}

/// A value as text, as `string(x)` gives it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Whole(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::DateTime(moment) => moment.to_string(),
        Value::Id(id) => id.to_string(),
        Value::Record(record) => record.id.to_string(),
        Value::Delta(delta) => delta.token.map(|token| token.to_string()).unwrap_or_default(),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(text_of).collect();
            items.join(", ")
        }
    }
}

/// Whether `expression` can only be computed with the row at hand: it names a column, or takes a
/// member of a binding that holds a row's id or name instead of a row that was read.
pub fn needs_row(expression: &Expression, scope: &Scope<'_>) -> bool {
    match expression {
        Expression::Column(_) | Expression::RowName => true,
        Expression::Literal(_) | Expression::Binding(_) => false,
        Expression::Member(base, _) => match &**base {
            Expression::Binding(name) => {
                let known = scope.plug_in.is_some_and(|names| names.record(name).is_some());
                !known && matches!(scope.bound(name), Some(Value::Id(_) | Value::Text(_)))
            }
            other => needs_row(other, scope),
        },
        Expression::Unary(_, operand) => needs_row(operand, scope),
        Expression::Index(a, b) | Expression::Binary(_, a, b) => {
            needs_row(a, scope) || needs_row(b, scope)
        }
        Expression::Conditional(a, b, c) => {
            needs_row(a, scope) || needs_row(b, scope) || needs_row(c, scope)
        }
        Expression::Call(_, items) | Expression::List(items) => {
            items.iter().any(|item| needs_row(item, scope))
        }
    }
}

/// Whether `expression` needs the row at hand and nothing else, so that it means the same wherever
/// it is evaluated.
pub fn is_about_the_row_alone(expression: &Expression) -> bool {
    fn visit(expression: &Expression, mentions_row: &mut bool) -> bool {
        match expression {
            Expression::Binding(_) => false,
            Expression::Column(_) | Expression::RowName => {
                *mentions_row = true;
                true
            }
            Expression::Literal(_) => true,
            Expression::Member(inner, _) | Expression::Unary(_, inner) => {
                visit(inner, mentions_row)
            }
            Expression::Index(a, b) | Expression::Binary(_, a, b) => {
                visit(a, mentions_row) && visit(b, mentions_row)
            }
            Expression::Conditional(a, b, c) => {
                [a, b, c].into_iter().all(|inner| visit(inner, mentions_row))
            }
            Expression::Call(_, items) | Expression::List(items) => {
                items.iter().all(|item| visit(item, mentions_row))
            }
        }
    }
    let mut mentions_row = false;
    visit(expression, &mut mentions_row) && mentions_row
}

/// The same expression with everything that the row does not decide replaced by its value, so that
/// it can travel to where the row is. A part that can't be computed without the row either is left
/// for there.
///
/// # Errors
///
/// As [`evaluate`].
pub fn close(expression: &Expression, scope: &Scope<'_>) -> Result<Expression, Trouble> {
    let boxed = |inner: &Expression| close(inner, scope).map(Box::new);
    let all = |items: &[Expression]| -> Result<Vec<_>, Trouble> {
        items.iter().map(|item| close(item, scope)).collect()
    };
    let is_simple = matches!(expression, Expression::Literal(_) | Expression::Binding(_));
    if !is_simple
        && !needs_row(expression, scope)
        && let Ok(value) = evaluate(expression, scope)
    {
        return Ok(Expression::Literal(value));
    }
    Ok(match expression {
        Expression::Binding(_) => Expression::Literal(evaluate(expression, scope)?),
        Expression::Literal(_) | Expression::Column(_) | Expression::RowName => expression.clone(),
        Expression::Member(base, member) => {
            if needs_row(expression, scope) {
                Expression::Member(boxed(base)?, member.clone())
            } else {
                Expression::Literal(evaluate(expression, scope)?)
            }
        }
        Expression::Unary(operator, operand) => Expression::Unary(*operator, boxed(operand)?),
        Expression::Index(list, index) => Expression::Index(boxed(list)?, boxed(index)?),
        Expression::Binary(operator, left, right) => {
            Expression::Binary(*operator, boxed(left)?, boxed(right)?)
        }
        Expression::Conditional(condition, yes, no) => {
            Expression::Conditional(boxed(condition)?, boxed(yes)?, boxed(no)?)
        }
        Expression::Call(function, arguments) => Expression::Call(*function, all(arguments)?),
        Expression::List(items) => Expression::List(all(items)?),
    })
}
