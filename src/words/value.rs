//! What a column can hold, and rows as a reader gets them.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::words::{ColumnId, Delta, RowId, TableId};

/// A name that a scenario gives to something. Shared, since names travel into every trace.
pub type Name = Arc<str>;

/// One value: of a column, of a binding, or of an expression.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// No value. A column that was never set holds this.
    #[default]
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Whole(i64),
    /// An exact decimal number; also an amount of money.
    Decimal(Decimal),
    /// Text; also the label of a choice.
    Text(Arc<str>),
    /// A moment on the calendar, with microsecond precision.
    DateTime(Timestamp),
    /// A unique id: of a row (a lookup holds the id of the row it points to) or any other GUID.
    Id(RowId),
    /// A whole row, as a read answered it. Never stored in a column.
    Record(Arc<Record>),
    /// Several values, as a query answers. Never stored in a column.
    List(Arc<[Value]>),
    /// What a read of changes answered. Never stored in a column.
    Delta(Arc<Delta>),
}

impl Value {
    /// A text value.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// Whether this is [`Value::Null`].
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value this is, for messages: `a whole number`, `text`, …
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a decimal number",
            Self::Text(_) => "text",
            Self::DateTime(_) => "a date-time",
            Self::Id(_) => "a unique id",
            Self::Record(_) => "a row",
            Self::List(_) => "a list",
            Self::Delta(_) => "a delta",
        }
    }
}

/// One row as a reader got it: a copy, which later writes don't change.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The row's table.
    pub table: TableId,
    /// The row's primary key.
    pub id: RowId,
    /// The row version (ETag) that was read.
    pub row_version: u64,
    /// The columns that were asked for, with their names, in the order of the table.
    pub columns: Vec<(ColumnId, Name, Value)>,
    /// The rows that lookups pointed to, where the query expanded them, by the lookup's name. A
    /// lookup without a row behind it is absent.
    pub expanded: Vec<(Name, Arc<Record>)>,
}

/// What a column may hold. `null` fits every type.
///
/// Source: Microsoft Learn, "Data types in Dataverse": the subset that scenarios need.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// Text of at most `max_length` characters.
    Text {
        /// The longest text, in characters. Default 4,000, as a multi-line column's largest.
        max_length: u32,
    },
    /// A whole number.
    Whole,
    /// An exact decimal number.
    Decimal,
    /// An amount of money.
    Money,
    /// A calendar moment.
    DateTime,
    /// Yes or no.
    Boolean,
    /// One of these labels.
    Choice(Vec<Name>),
    /// The id of a row of another table. The row need not be in the same instance until it is
    /// written there.
    Lookup(TableId),
    /// A GUID.
    UniqueId,
}

impl ColumnType {
    /// The type as a scenario writes it.
    pub const fn keyword(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Whole => "whole number",
            Self::Decimal => "decimal",
            Self::Money => "money",
            Self::DateTime => "date-time",
            Self::Boolean => "boolean",
            Self::Choice(_) => "choice",
            Self::Lookup(_) => "lookup",
            Self::UniqueId => "unique id",
        }
    }
}
