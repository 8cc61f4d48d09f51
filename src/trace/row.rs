//! What reads and writes of rows tell: the payloads of the events that views and checks look into
//! most.

use serde::{Deserialize, Serialize};

use crate::plan::Isolation;
use crate::trace::detail::{AccessPath, ReadKind, WriteKind};
use crate::words::{
    ColumnId, Expression, InstanceId, Name, RequestId, RowId, TableId, TransactionId, Value,
};

/// A row was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RowRead {
    /// For which request.
    pub request: RequestId,
    /// In which transaction; `None` for a read outside any.
    pub transaction: Option<TransactionId>,
    /// Where.
    pub instance: InstanceId,
    /// Its table.
    pub table: TableId,
    /// The row.
    pub row: RowId,
    /// The version that was read.
    pub row_version: u64,
    /// At which level it was read: the transaction's, or what a hint made of it.
    pub level: Isolation,
    /// Why.
    pub kind: ReadKind,
    /// Who had written the version and not committed it, when that was somebody else: a dirty
    /// read.
    pub writer: Option<TransactionId>,
}

/// A statement has looked through the rows of a table. Those that match were read before, each
/// when the statement came to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RowsSelected {
    /// For which request.
    pub request: RequestId,
    /// In which transaction; `None` for a query outside any.
    pub transaction: Option<TransactionId>,
    /// Where.
    pub instance: InstanceId,
    /// Which table.
    pub table: TableId,
    /// Its condition on a row; `None` for every row.
    pub filter: Option<Expression>,
    /// At which level it read.
    pub level: Isolation,
    /// How it found the rows.
    pub access: AccessPath,
    /// How many rows or index entries it examined.
    pub examined: u32,
    /// How many of them matched.
    pub matched: u32,
    /// Whether it came to the end of what there was to look at; false for a query that stopped
    /// when it had as many rows as it wanted.
    pub whole: bool,
    /// The name of the link by whose rows it looked, one such search for each row that they hang
    /// on; `None` for the statement's own table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Name>,
    /// What the statement answered, where that is not one row for each that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<RowsAnswered>,
}

/// How many rows a query answered, of those that it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RowsAnswered {
    /// How many.
    pub rows: u32,
    /// Whether there are more behind the page.
    pub more: bool,
}

/// A row was written, not yet committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RowWritten {
    /// By which transaction.
    pub transaction: TransactionId,
    /// For which request.
    pub request: RequestId,
    /// Where.
    pub instance: InstanceId,
    /// Its table.
    pub table: TableId,
    /// The row.
    pub row: RowId,
    /// What was done to it.
    pub kind: WriteKind,
    /// The version that it had; 0 for an insert.
    pub version_before: u64,
    /// The version that it has now.
    pub version_after: u64,
    /// For each column that was written (for a delete, each that was not null): the column,
    /// the value before and the value after.
    pub columns: Vec<(ColumnId, Value, Value)>,
}
