//! The operators of FetchXML's conditions, as expressions.
//!
//! Source: Microsoft Learn, "condition operator values (FetchXml)", for the operators and what they
//! compare. A null is not like, not in and not between anything, and not equal to any value: those
//! operators hold for it.
//!
//! Source: the tracker of SQL 4 CDS (issue 167) reports it of `ne`. Assumed: of the other negative
//! operators, too; no page says.

use crate::words::{BinaryOperator as B, Expression, Function, UnaryOperator, Value};

/// What an operator wants to know beside its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Nothing.
    Nothing,
    /// One value.
    One,
    /// One value, or another column.
    OneOrColumn,
    /// One text.
    Text,
    /// One date.
    Date,
    /// A number of steps.
    Number,
    /// Two values.
    Two,
    /// Any number of values.
    Many,
}

/// What an operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A comparison.
    Compares(B),
    /// The text is like the value between these, or is not.
    Like { before: &'static str, after: &'static str, negated: bool },
    /// One of the values, or none of them.
    In { negated: bool },
    /// Between the two values, both included, or not.
    Between { negated: bool },
    /// Null, or not.
    Null { negated: bool },
    /// On the day of a date.
    On,
    /// On that day or later.
    OnOrAfter,
    /// On that day or earlier.
    OnOrBefore,
    /// In the stretch of the calendar so many after today's.
    Stretch(Function, i64),
    /// From the beginning of the stretch of the calendar `x` before this one, up to now.
    Last(Function),
    /// From now to the end of the stretch of the calendar `x` after this one.
    Next(Function),
    /// The same with seven days.
    LastSevenDays,
    /// The same with seven days.
    NextSevenDays,
    /// Before the stretch of the calendar that is `x` before this one.
    Older(Function),
    /// Known, and not supported: why.
    Refused(&'static str),
}

const USER: &str = "who asks is not known here";
const HIERARCHY: &str = "tables have no hierarchies here";
const FISCAL: &str = "an organization has no fiscal year here";
const MULTIPLE: &str = "a choice holds one value here";

/// Every operator, with what it wants.
pub(super) const OPERATORS: &[(&str, Wants, Meaning)] = {
    use Meaning as M;
    use Wants as W;
    &[
        ("eq", W::OneOrColumn, M::Compares(B::Equal)),
        ("ne", W::OneOrColumn, M::Compares(B::NotEqual)),
        ("neq", W::OneOrColumn, M::Compares(B::NotEqual)),
        ("gt", W::OneOrColumn, M::Compares(B::Greater)),
        ("ge", W::OneOrColumn, M::Compares(B::GreaterOrEqual)),
        ("lt", W::OneOrColumn, M::Compares(B::Less)),
        ("le", W::OneOrColumn, M::Compares(B::LessOrEqual)),
        ("like", W::Text, like("", "", false)),
        ("not-like", W::Text, like("", "", true)),
        ("begins-with", W::Text, like("", "%", false)),
        ("not-begin-with", W::Text, like("", "%", true)),
        ("ends-with", W::Text, like("%", "", false)),
        ("not-end-with", W::Text, like("%", "", true)),
        ("in", W::Many, M::In { negated: false }),
        ("not-in", W::Many, M::In { negated: true }),
        ("between", W::Two, M::Between { negated: false }),
        ("not-between", W::Two, M::Between { negated: true }),
        ("null", W::Nothing, M::Null { negated: false }),
        ("not-null", W::Nothing, M::Null { negated: true }),
        ("on", W::Date, M::On),
        ("on-or-after", W::Date, M::OnOrAfter),
        ("on-or-before", W::Date, M::OnOrBefore),
        ("yesterday", W::Nothing, M::Stretch(Function::Day, -1)),
        ("today", W::Nothing, M::Stretch(Function::Day, 0)),
        ("tomorrow", W::Nothing, M::Stretch(Function::Day, 1)),
        ("last-week", W::Nothing, M::Stretch(Function::Week, -1)),
        ("this-week", W::Nothing, M::Stretch(Function::Week, 0)),
        ("next-week", W::Nothing, M::Stretch(Function::Week, 1)),
        ("last-month", W::Nothing, M::Stretch(Function::Month, -1)),
        ("this-month", W::Nothing, M::Stretch(Function::Month, 0)),
        ("next-month", W::Nothing, M::Stretch(Function::Month, 1)),
        ("last-year", W::Nothing, M::Stretch(Function::Year, -1)),
        ("this-year", W::Nothing, M::Stretch(Function::Year, 0)),
        ("next-year", W::Nothing, M::Stretch(Function::Year, 1)),
        ("last-seven-days", W::Nothing, M::LastSevenDays),
        ("next-seven-days", W::Nothing, M::NextSevenDays),
        ("last-x-hours", W::Number, M::Last(Function::Hour)),
        ("next-x-hours", W::Number, M::Next(Function::Hour)),
        ("last-x-days", W::Number, M::Last(Function::Day)),
        ("next-x-days", W::Number, M::Next(Function::Day)),
        ("last-x-weeks", W::Number, M::Last(Function::Week)),
        ("next-x-weeks", W::Number, M::Next(Function::Week)),
        ("last-x-months", W::Number, M::Last(Function::Month)),
        ("next-x-months", W::Number, M::Next(Function::Month)),
        ("last-x-years", W::Number, M::Last(Function::Year)),
        ("next-x-years", W::Number, M::Next(Function::Year)),
        ("olderthan-x-minutes", W::Number, M::Older(Function::Minute)),
        ("olderthan-x-hours", W::Number, M::Older(Function::Hour)),
        ("olderthan-x-days", W::Number, M::Older(Function::Day)),
        ("olderthan-x-weeks", W::Number, M::Older(Function::Week)),
        ("olderthan-x-months", W::Number, M::Older(Function::Month)),
        ("olderthan-x-years", W::Number, M::Older(Function::Year)),
        ("above", W::One, M::Refused(HIERARCHY)),
        ("eq-or-above", W::One, M::Refused(HIERARCHY)),
        ("under", W::One, M::Refused(HIERARCHY)),
        ("not-under", W::One, M::Refused(HIERARCHY)),
        ("eq-or-under", W::One, M::Refused(HIERARCHY)),
        ("eq-userid", W::Nothing, M::Refused(USER)),
        ("ne-userid", W::Nothing, M::Refused(USER)),
        ("eq-userteams", W::Nothing, M::Refused(USER)),
        ("eq-useroruserteams", W::Nothing, M::Refused(USER)),
        ("eq-useroruserhierarchy", W::Nothing, M::Refused(USER)),
        ("eq-useroruserhierarchyandteams", W::Nothing, M::Refused(USER)),
        ("eq-businessid", W::Nothing, M::Refused(USER)),
        ("ne-businessid", W::Nothing, M::Refused(USER)),
        ("eq-userlanguage", W::Nothing, M::Refused(USER)),
        ("contain-values", W::Many, M::Refused(MULTIPLE)),
        ("not-contain-values", W::Many, M::Refused(MULTIPLE)),
        ("this-fiscal-year", W::Nothing, M::Refused(FISCAL)),
        ("this-fiscal-period", W::Nothing, M::Refused(FISCAL)),
        ("next-fiscal-year", W::Nothing, M::Refused(FISCAL)),
        ("next-fiscal-period", W::Nothing, M::Refused(FISCAL)),
        ("last-fiscal-year", W::Nothing, M::Refused(FISCAL)),
        ("last-fiscal-period", W::Nothing, M::Refused(FISCAL)),
        ("last-x-fiscal-years", W::Number, M::Refused(FISCAL)),
        ("last-x-fiscal-periods", W::Number, M::Refused(FISCAL)),
        ("next-x-fiscal-years", W::Number, M::Refused(FISCAL)),
        ("next-x-fiscal-periods", W::Number, M::Refused(FISCAL)),
        ("in-fiscal-year", W::Number, M::Refused(FISCAL)),
        ("in-fiscal-period", W::Number, M::Refused(FISCAL)),
        ("in-fiscal-period-and-year", W::Two, M::Refused(FISCAL)),
        ("in-or-before-fiscal-period-and-year", W::Two, M::Refused(FISCAL)),
        ("in-or-after-fiscal-period-and-year", W::Two, M::Refused(FISCAL)),
    ]
};

const fn like(before: &'static str, after: &'static str, negated: bool) -> Meaning {
    Meaning::Like { before, after, negated }
}

/// The condition that a column and the values of a condition make.
///
/// Assumed: the last `x` days begin at midnight `x` days ago and end now, and the next `x` days end
/// at the end of the day `x` days ahead, and so with the other stretches; the documentation of the
/// operators does not say where within a day.
pub(super) fn condition(
    column: &Expression,
    meaning: Meaning,
    values: &[Expression],
) -> Expression {
    let column = || column.clone();
    let first = || values.first().cloned().unwrap_or(Expression::Literal(Value::Null));
    let now = || Expression::Call(Function::Now, Vec::new());
    let between = |from: Expression, until: (B, Expression)| {
        let from = binary(B::GreaterOrEqual, column(), from);
        binary(B::And, from, binary(until.0, column(), until.1))
    };
    match meaning {
        Meaning::Compares(operator) => binary(operator, column(), first()),
        Meaning::Like { before, after, negated } => {
            let pattern = around(before, first(), after);
            let like = Expression::Call(Function::Like, vec![column(), pattern]);
            not(negated, like)
        }
        Meaning::In { negated } => {
            let known: Option<Vec<Value>> = values.iter().map(known).collect();
            let list = match known {
                Some(values) => Expression::Literal(Value::List(values.into())),
                None => Expression::List(values.to_vec()),
            };
            not(negated, binary(B::In, column(), list))
        }
        Meaning::Between { negated } => {
            let last = values.last().cloned().unwrap_or(Expression::Literal(Value::Null));
            not(negated, between(first(), (B::LessOrEqual, last)))
        }
        Meaning::Null { negated } => {
            let operator = if negated { B::NotEqual } else { B::Equal };
            binary(operator, column(), Expression::Literal(Value::Null))
        }
        Meaning::On => {
            let (from, until) = day_of(&first());
            between(from, (B::Less, until))
        }
        Meaning::OnOrAfter => binary(B::GreaterOrEqual, column(), day_of(&first()).0),
        Meaning::OnOrBefore => binary(B::Less, column(), day_of(&first()).1),
        Meaning::Stretch(unit, step) => {
            between(steps(unit, whole(step)), (B::Less, steps(unit, whole(step + 1))))
        }
        Meaning::Last(unit) => between(steps(unit, negative(first())), (B::LessOrEqual, now())),
        Meaning::LastSevenDays => between(steps(Function::Day, whole(-7)), (B::LessOrEqual, now())),
        Meaning::Next(unit) => between(now(), (B::Less, steps(unit, one_more(first())))),
        Meaning::NextSevenDays => between(now(), (B::Less, steps(Function::Day, whole(8)))),
        Meaning::Older(unit) => binary(B::Less, column(), steps(unit, negative(first()))),
        Meaning::Refused(_) => Expression::Literal(Value::Boolean(false)),
    }
}

fn binary(operator: B, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}

fn not(negated: bool, condition: Expression) -> Expression {
    match negated {
        true => Expression::Unary(UnaryOperator::Not, Box::new(condition)),
        false => condition,
    }
}

fn whole(number: i64) -> Expression {
    Expression::Literal(Value::Whole(number))
}

fn steps(unit: Function, number: Expression) -> Expression {
    Expression::Call(unit, vec![number])
}

fn negative(number: Expression) -> Expression {
    match number {
        Expression::Literal(Value::Whole(number)) => whole(number.saturating_neg()),
        number => Expression::Unary(UnaryOperator::Negate, Box::new(number)),
    }
}

fn one_more(number: Expression) -> Expression {
    match number {
        Expression::Literal(Value::Whole(number)) => whole(number.saturating_add(1)),
        number => binary(B::Add, number, whole(1)),
    }
}

/// A pattern with something before and after it.
fn around(before: &str, pattern: Expression, after: &str) -> Expression {
    if let Expression::Literal(Value::Text(text)) = &pattern {
        return Expression::Literal(Value::Text(format!("{before}{text}{after}").into()));
    }
    let text = |it: &str| Expression::Literal(Value::text(it));
    match (before, after) {
        ("", "") => pattern,
        (before, "") => binary(B::Add, text(before), pattern),
        (_, after) => binary(B::Add, pattern, text(after)),
    }
}

fn known(value: &Expression) -> Option<Value> {
    match value {
        Expression::Literal(value) => Some(value.clone()),
        _ => None,
    }
}

/// The beginning of a date's day, and of the day after it.
fn day_of(date: &Expression) -> (Expression, Expression) {
    let Expression::Literal(Value::DateTime(moment)) = date else {
        return (date.clone(), date.clone());
    };
    let begins = |steps: i64| {
        let found = crate::words::calendar::beginning(Function::Day, *moment, steps);
        Expression::Literal(found.map_or(Value::Null, Value::DateTime))
    };
    (begins(0), begins(1))
}
