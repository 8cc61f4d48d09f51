//! Rows over time: their versions, and what was read and looked for.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::plan::Isolation;
use crate::trace::{AccessPath, Disturbance, ReadKind, RowsAnswered, WriteKind};
use crate::words::{
    ColumnId, Expression, InstanceId, Name, RequestId, RowId, SimInstant, TableId, TransactionId,
    Value,
};

/// One row of one table of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Where.
    pub instance: InstanceId,
    /// Its table.
    pub table: TableId,
    /// The row.
    pub row: RowId,
}

impl RowKey {
    /// The row of this id, in this table of this instance.
    pub const fn of(instance: InstanceId, table: TableId, row: RowId) -> Self {
        Self { instance, table, row }
    }
}

/// The life of one row.
#[derive(Debug, Default)]
pub struct RowHistory<'t> {
    /// Its committed states, in the order in which they were committed.
    pub versions: Vec<Version<'t>>,
    /// The writes to it that were rolled back, with their transaction or with their statement, in
    /// the order in which that was done.
    pub undone: Vec<Version<'t>>,
}

/// One version of one row.
#[derive(Clone, Copy, Debug)]
pub struct Version<'t> {
    /// When it was loaded or written.
    pub written: Moment,
    /// When its transaction was committed; for an undone version, when it was rolled back, or the
    /// statement that wrote it was taken back.
    pub settled: Moment,
    /// Its row version.
    pub row_version: u64,
    /// The row version that it replaced; 0 for none.
    pub replaced: u64,
    /// Who wrote it; `None` for a row that was there when the world began.
    pub writer: Option<TransactionId>,
    /// For which request.
    pub request: Option<RequestId>,
    /// How.
    pub kind: WriteKind,
    /// What it changed.
    pub change: Change<'t>,
}

/// The columns of one version.
#[derive(Clone, Copy, Debug)]
pub enum Change<'t> {
    /// Columns with their values, as loaded.
    Loaded(&'t [(ColumnId, Value)]),
    /// Columns with their values before and after.
    Written(&'t [(ColumnId, Value, Value)]),
}

impl<'t> Change<'t> {
    /// The value that this version gives to a column, where it gives one.
    pub fn value(&self, column: ColumnId) -> Option<&'t Value> {
        match self {
            Self::Loaded(columns) => {
                let found = columns.iter().find(|(it, _)| *it == column);
                found.map(|(_, value)| value)
            }
            Self::Written(columns) => {
                let found = columns.iter().find(|(it, ..)| *it == column);
                found.map(|(_, _, after)| after)
            }
        }
    }
}

/// A row's committed state: its columns that are not null.
pub type RowImage<'t> = BTreeMap<ColumnId, &'t Value>;

impl<'t> RowHistory<'t> {
    /// The committed versions up to the end of the instant `by`; all when it is `None`.
    pub fn versions_by(&self, by: Option<SimInstant>) -> &[Version<'t>] {
        let end = by.map_or(self.versions.len(), |by| {
            self.versions.partition_point(|it| it.settled.at <= by)
        });
        &self.versions[..end]
    }

    /// The committed state at the end of the instant `by` (of the run when it is `None`); `None`
    /// when the row does not exist then.
    pub fn image(&self, by: Option<SimInstant>) -> Option<RowImage<'t>> {
        let versions = self.versions_by(by);
        if versions.last()?.kind == WriteKind::Delete {
            return None;
        }
        let born = versions.iter().rposition(|it| it.kind == WriteKind::Insert).unwrap_or(0);
        let mut image = RowImage::new();
        for version in &versions[born..] {
            match version.change {
                Change::Loaded(columns) => {
                    image.extend(columns.iter().map(|(column, value)| (*column, value)));
                }
                Change::Written(columns) => {
                    image.extend(columns.iter().map(|(column, _, after)| (*column, after)));
                }
            }
        }
        image.retain(|_, value| !value.is_null());
        Some(image)
    }

    /// The insert or load from which the row exists at the end of the instant `by`.
    pub fn created(&self, by: Option<SimInstant>) -> Option<&Version<'t>> {
        let versions = self.versions_by(by);
        if versions.last()?.kind == WriteKind::Delete {
            return None;
        }
        versions.iter().rev().find(|it| it.kind == WriteKind::Insert)
    }
}

/// A read of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRead {
    /// When.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// In which transaction.
    pub transaction: Option<TransactionId>,
    /// Which row.
    pub key: RowKey,
    /// Which version.
    pub row_version: u64,
    /// At which level.
    pub level: Isolation,
    /// Why.
    pub kind: ReadKind,
    /// Who had written the version and not committed it, when that was somebody else.
    pub writer: Option<TransactionId>,
}

/// A search of a table by a condition. The rows that a query answers are reads of the same request
/// that go before.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'t> {
    /// When it was done.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// In which transaction.
    pub transaction: Option<TransactionId>,
    /// Where.
    pub instance: InstanceId,
    /// Which table.
    pub table: TableId,
    /// The condition on a row; `None` for every row.
    pub filter: Option<&'t Expression>,
    /// At which level.
    pub level: Isolation,
    /// How it found the rows.
    pub access: AccessPath,
    /// How many rows or index entries it examined.
    pub examined: u32,
    /// How many of them matched.
    pub matched: u32,
    /// Whether it came to the end of what there was to look at.
    pub whole: bool,
    /// The link by whose rows it looked; `None` for the statement's own table.
    pub link: Option<&'t Name>,
    /// What was answered, where that is not one row for each that matched.
    pub answered: Option<RowsAnswered>,
}

/// A row that was looked for by id and not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowMiss {
    /// When.
    pub at: Moment,
    /// For which request.
    pub request: RequestId,
    /// Which row.
    pub key: RowKey,
    /// At which level.
    pub level: Isolation,
}

/// A row that moved in an index under a scan, which got it wrong for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisturbedScan {
    /// When.
    pub at: Moment,
    /// The scan's request.
    pub request: RequestId,
    /// Which row.
    pub key: RowKey,
    /// What became of it.
    pub how: Disturbance,
}

/// A dirty read whose reader learns that what it read was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoneRead {
    /// When.
    pub at: Moment,
    /// Who had read.
    pub request: RequestId,
    /// Who was rolled back.
    pub writer: TransactionId,
    /// Which row.
    pub key: RowKey,
}
