//! The values of the built-in functions.

use std::cmp::Ordering;

use rust_decimal::prelude::ToPrimitive;

use crate::words::calendar::beginning;
use crate::words::evaluate::{Clock, Trouble, compare, compare_for_order, number, text_of};
use crate::words::like::is_like;
use crate::words::{Function, Value};

/// The value of a function for these arguments.
///
/// # Errors
///
/// As [`crate::words::evaluate::evaluate`].
pub(super) fn call(
    function: Function,
    arguments: &[Value],
    clock: Clock,
) -> Result<Value, Trouble> {
    let first = arguments.first().unwrap_or(&Value::Null);
    match function {
        Function::Now => Ok(Value::DateTime(clock.moment())),
        Function::String => Ok(Value::Text(text_of(first).into())),
        Function::Whole => {
            let whole = match first {
                Value::Text(text) => text.trim().parse().ok(),
                other => number(other).and_then(|number| number.trunc().to_i64()),
            };
            whole.map(Value::Whole).ok_or_else(|| format!("{} is no number", text_of(first)))
        }
        Function::Decimal => {
            let decimal = match first {
                Value::Text(text) => text.trim().parse().ok(),
                other => number(other),
            };
            decimal.map(Value::Decimal).ok_or_else(|| format!("{} is no number", text_of(first)))
        }
        Function::Size => {
            let size = match first {
                Value::List(items) => items.len(),
                Value::Text(text) => text.chars().count(),
                other => return Err(format!("{} has no size", other.kind())),
            };
            Ok(Value::Whole(i64::try_from(size).unwrap_or(i64::MAX)))
        }
        Function::Min => extreme(arguments, Ordering::Less),
        Function::Max => extreme(arguments, Ordering::Greater),
        Function::Sort => match first {
            Value::List(items) => {
                let mut items = items.to_vec();
                items.sort_by(compare_for_order);
                Ok(Value::List(items.into()))
            }
            other => Err(format!("{} can't be sorted", other.kind())),
        },
        Function::Like => match (first, arguments.get(1)) {
            (Value::Text(text), Some(Value::Text(pattern))) => {
                Ok(Value::Boolean(is_like(text, pattern)))
            }
            _ => Ok(Value::Boolean(false)),
        },
        _ => match first {
            Value::Whole(steps) => beginning(function, clock.moment(), *steps)
                .map(Value::DateTime)
                .ok_or_else(|| "the calendar does not reach so far".to_owned()),
            other => Err(format!("{} is no number of steps", other.kind())),
        },
    }
}

fn extreme(arguments: &[Value], wanted: Ordering) -> Result<Value, Trouble> {
    let items = match arguments {
        [Value::List(items)] => items,
        several => several,
    };
    let mut best: Option<&Value> = None;
    for item in items {
        best = match best {
            None => Some(item),
            Some(best) => match compare(item, best) {
                Some(order) if order == wanted => Some(item),
                Some(_) => Some(best),
                None => {
                    return Err(format!("{} and {} have no order", item.kind(), best.kind()));
                }
            },
        };
    }
    Ok(best.cloned().unwrap_or_default())
}
