//! A value where it lies, without a copy.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::words::{RowId, Value};

/// A value as a row holds it: a [`Value`] that borrows its text.
///
/// # Comparison
///
/// Values of one kind compare as one expects: numbers by size, texts by their characters' code
/// points, dates from early to late, `false` before `true`, ids by their bytes. A whole number and
/// a decimal number compare by size too. Null equals null. All other pairs are unequal, and have no
/// order.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// No value.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Whole(i64),
    /// An exact decimal number.
    Decimal(Decimal),
    /// Text.
    Text(&'a str),
    /// A moment on the calendar.
    DateTime(Timestamp),
    /// A unique id.
    Id(RowId),
}

impl<'a> ValueRef<'a> {
    /// The same value, borrowed; `None` for a row or a list, which no column holds.
    pub fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Whole(value) => Self::Whole(*value),
            Value::Decimal(value) => Self::Decimal(*value),
            Value::Text(value) => Self::Text(value),
            Value::DateTime(value) => Self::DateTime(*value),
            Value::Id(value) => Self::Id(*value),
            Value::Record(_) | Value::List(_) | Value::Delta(_) => return None,
        })
    }

    /// The same value, on its own.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Whole(value) => Value::Whole(value),
            Self::Decimal(value) => Value::Decimal(value),
            Self::Text(value) => Value::Text(Arc::from(value)),
            Self::DateTime(value) => Value::DateTime(value),
            Self::Id(value) => Value::Id(value),
        }
    }

    /// Whether this is [`ValueRef::Null`].
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for ValueRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Whole(a), Self::Decimal(b)) => Decimal::from(*a).cmp(b),
            (Self::Decimal(a), Self::Whole(b)) => a.cmp(&Decimal::from(*b)),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::DateTime(a), Self::DateTime(b)) => a.cmp(b),
            (Self::Id(a), Self::Id(b)) => a.cmp(b),
            _ => return None,
        })
    }
}
