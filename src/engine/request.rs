//! Requests and their answers: what crosses the border of an instance.

use std::sync::Arc;

use crate::engine::association::Association;
use crate::engine::database::{Assigned, Beside, ChangesQuery, Query};
use crate::plan::{AnswerPart, Hints, Message, Right, UpsertWhen};
use crate::words::{ColumnId, Delta, Record, RowId, TableId, Value};

/// One request to an instance, with every value that does not depend on the row itself.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Request {
    /// What it asks for.
    pub message: Message,
    /// Of which table.
    pub table: TableId,
    /// Of which row.
    pub target: Target,
    /// The columns that it writes, without repetition.
    pub columns: Vec<(ColumnId, Assigned)>,
    /// The columns that it wants to read; `None` for all.
    pub select: Option<Arc<[ColumnId]>>,
    /// For an upsert: which rows it leaves alone.
    pub when: UpsertWhen,
    /// For a query: what it looks for.
    pub query: Option<Arc<Query>>,
    /// For a read of changes: which.
    pub changes: Option<Arc<ChangesQuery>>,
    /// What must hold of the row's version.
    pub required: Option<Required>,
    /// How a read departs from its transaction's isolation level.
    pub hints: Hints,
    /// For a custom message: its parameters.
    pub input: Option<Arc<Record>>,
    /// For a merge: the row that is merged into the target.
    pub subordinate: Option<RowId>,
    /// What it changes of who may do what.
    pub access: Option<Box<AccessChange>>,
    /// Which rows it associates with its own, or no longer.
    pub association: Option<Box<Association>>,
    /// For a request that carries others: those.
    pub batch: Option<Box<Batch>>,
}

/// The requests that another one carries.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Batch {
    /// The requests, in their order.
    pub items: Vec<Request>,
    /// Whether the items after one that has failed are carried out all the same.
    pub continues: bool,
}

/// Why a row is shared, or no longer, without anybody having asked for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inherited {
    /// The row above is.
    Share,
    /// It has come below another row, or one above it has.
    Reparent,
}

/// What a request changes of who may do what.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum AccessChange {
    /// Its row is shared.
    Share {
        /// With which user or team.
        with: RowId,
        /// The rights that it gets.
        rights: Vec<Right>,
        /// What it comes along with; `None` where somebody asked for it.
        inherited: Option<Inherited>,
    },
    /// Users come into a team or leave it.
    Members {
        /// Which team.
        team: RowId,
        /// The users, in their order.
        users: Vec<RowId>,
        /// How many of them are done.
        done: usize,
        /// Whether the row of the one that comes next has been locked.
        is_locked: bool,
    },
}

impl Request {
    /// The row's id, where the request names one.
    pub const fn id(&self) -> Option<RowId> {
        match self.target {
            Target::Id(id) => Some(id),
            _ => None,
        }
    }

    /// The ids of the rows that it names, with those of the requests that it carries.
    pub fn ids(&self) -> impl Iterator<Item = RowId> {
        let carried = self.batch.iter().flat_map(|batch| &batch.items);
        self.id().into_iter().chain(carried.filter_map(Self::id))
    }

    /// Gives a column its value, in place of the one that it had in this request.
    pub fn assign(&mut self, column: ColumnId, value: Assigned) {
        match self.columns.iter_mut().find(|(assigned, _)| *assigned == column) {
            Some(found) => found.1 = value,
            None => self.columns.push((column, value)),
        }
    }
}

impl Request {
    /// Gives a column of its target a value; of a bulk message's targets each.
    pub fn assign_target(&mut self, column: ColumnId, value: Assigned) {
        match &mut self.batch {
            Some(batch) => {
                for item in &mut batch.items {
                    item.assign(column, value.clone());
                }
            }
            None => self.assign(column, value),
        }
    }
}

/// What must hold of a row for a request to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Required {
    /// It is there.
    Exists,
    /// It is not there.
    Missing,
    /// It has this version; `None` where the caller should have said which, and has not.
    Version(Option<u64>),
    /// It has another version than this.
    OtherVersion(u64),
}

/// Which row a request means.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Target {
    /// None, or not yet known: a query, or a create that leaves the id to the platform.
    None,
    /// The row with this id.
    Id(RowId),
    /// The row with these values of the table's alternate key of this position.
    Key(u16, Vec<Value>),
    /// Any row, by the seed.
    Any,
}

/// What an instance answers when there is no fault.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub enum Answer {
    /// Done.
    #[default]
    Done,
    /// The id of the row that was created, or that an upsert found.
    Id(RowId),
    /// The row.
    Record(Arc<Record>),
    /// The rows.
    List(Arc<[Value]>),
    /// A page of the rows, and what is told beside it.
    Page(Arc<[Value]>, Box<Beside>),
    /// What has changed.
    Changes(Arc<Delta>),
    /// How many rows were written.
    Count(u64),
    /// How the requests that this one carried have ended: for each the answer, and the fault's
    /// word; null for what there is not.
    Batch(Arc<[Value]>, Arc<[Value]>),
}

impl Answer {
    /// What is told beside the rows of a query's answer.
    pub fn part(&self, part: AnswerPart) -> Value {
        let nothing = Beside::default();
        let beside = match self {
            Self::Page(_, beside) => beside,
            _ => &nothing,
        };
        match part {
            AnswerPart::More => Value::Boolean(beside.more),
            AnswerPart::Cookie => beside.cookie.clone().map_or(Value::Null, Value::Text),
            AnswerPart::TotalCount => {
                let total = beside.total.map(|total| i64::try_from(total).unwrap_or(i64::MAX));
                Value::Whole(total.unwrap_or(-1))
            }
        }
    }

    /// The answer as a value to be bound to a name.
    pub fn into_value(self) -> Value {
        match self {
            Self::Done => Value::Null,
            Self::Id(id) => Value::Id(id),
            Self::Record(record) => Value::Record(record),
            Self::List(items) | Self::Page(items, _) | Self::Batch(items, _) => Value::List(items),
            Self::Changes(delta) => Value::Delta(delta),
            Self::Count(count) => Value::Whole(i64::try_from(count).unwrap_or(i64::MAX)),
        }
    }
}
