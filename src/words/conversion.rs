//! Values to and from Rust's own types, for those who write plug-ins and tests in Rust.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::words::{Name, Record, RowId, Value};

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Name> for Value {
    fn from(text: Name) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Boolean(is_so)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Whole(i64::from(number))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Decimal(number)
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::DateTime(moment)
    }
}

impl From<RowId> for Value {
    fn from(id: RowId) -> Self {
        Self::Id(id)
    }
}

impl From<Arc<Record>> for Value {
    fn from(record: Arc<Record>) -> Self {
        Self::Record(record)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// The text or the choice's label; `None` for any other value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number; `None` for any other value.
    pub const fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, whole or not, or the amount of money; `None` for any other value.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Decimal(number) => Some(*number),
            Self::Whole(number) => Some(Decimal::from(*number)),
            _ => None,
        }
    }

    /// Yes or no; `None` for any other value.
    pub const fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(is_so) => Some(*is_so),
            _ => None,
        }
    }

    /// The moment; `None` for any other value.
    pub const fn as_date_time(&self) -> Option<Timestamp> {
        match self {
            Self::DateTime(moment) => Some(*moment),
            _ => None,
        }
    }

    /// The id, of a lookup that of the row it points to, of a row its own; `None` for any other
    /// value.
    pub fn as_id(&self) -> Option<RowId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Record(record) => Some(record.id),
            _ => None,
        }
    }

    /// The row; `None` for any other value.
    pub const fn as_record(&self) -> Option<&Arc<Record>> {
        match self {
            Self::Record(record) => Some(record),
            _ => None,
        }
    }
}

impl Record {
    /// The value of a column; null where the row has none, or the column was not asked for.
    pub fn value(&self, column: &str) -> Value {
        let found = self.columns.iter().find(|(_, name, _)| &**name == column);
        found.map_or(Value::Null, |(_, _, value)| value.clone())
    }

    /// The row that a lookup pointed to, where the query expanded it.
    pub fn behind(&self, lookup: &str) -> Option<&Arc<Self>> {
        self.expanded.iter().find(|(name, _)| &**name == lookup).map(|(_, record)| record)
    }
}
