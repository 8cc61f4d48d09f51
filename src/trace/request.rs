//! What requests tell when they begin: the payloads of the events that most views look into.

use serde::{Deserialize, Serialize};

use crate::plan::{Hints, Message, StatementKind};
use crate::words::{
    ColumnId, InstanceId, LaneId, Name, RequestId, RowId, TableId, TransactionId, Value,
};

/// An instance began to carry out a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequestBegan {
    /// On whose behalf.
    pub lane: LaneId,
    /// The request.
    pub request: RequestId,
    /// The request whose plug-in made it; `None` for an outermost one.
    pub parent: Option<RequestId>,
    /// Where.
    pub instance: InstanceId,
    /// What it asks for.
    pub message: Message,
    /// Of which table.
    pub table: TableId,
    /// Of which row, where it names one by id.
    pub row: Option<RowId>,
    /// 1 for an outermost request, one more for each nesting.
    pub depth: u32,
    /// The transaction that it joins, if there is one already.
    pub transaction: Option<TransactionId>,
    /// The columns that it writes or asks for; empty for all.
    pub columns: Vec<ColumnId>,
    /// The parameters of a custom message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<(Name, Value)>,
}

/// A session's statement began. It has a number among the requests, under which it reads and
/// writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatementBegan {
    /// The session's lane.
    pub lane: LaneId,
    /// The statement.
    pub request: RequestId,
    /// Where.
    pub instance: InstanceId,
    /// Its table.
    pub table: TableId,
    /// What it does.
    pub kind: StatementKind,
    /// In which transaction.
    pub transaction: TransactionId,
    /// How it departs from the transaction's isolation level.
    pub hints: Hints,
}
