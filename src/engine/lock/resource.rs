//! What can be locked, and the number by which it is found.

use crate::engine::store::RowNumber;
use crate::words::{TableId, TransactionId};

/// What can be locked. Two requests meet only when all parts are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Resource {
    /// A whole table: for intent and schema modes, and for locks that stand for all its rows.
    Table(TableId),
    /// One row of a table.
    Row(TableId, RowNumber),
    /// One entry of an index of a table, and the gap below it.
    Key {
        /// The table.
        table: TableId,
        /// The number of the index.
        index: u16,
        /// A stable hash of the entry. Two entries with one hash share their lock, as keys do in
        /// SQL Server; so they can wait for each other without need, never the reverse.
        hash: u64,
    },
    /// The gap above the last entry of an index: what SQL Server's documents call infinity.
    End {
        /// The table.
        table: TableId,
        /// The number of the index.
        index: u16,
    },
    /// A transaction, which holds itself: who waits for its end asks for it.
    Transaction(TransactionId),
}

impl Resource {
    /// The table of which it is a part: of a row, an entry or the end of an index.
    pub(super) const fn part_of(self) -> Option<TableId> {
        match self {
            Self::Row(table, _) | Self::Key { table, .. } | Self::End { table, .. } => Some(table),
            Self::Table(_) | Self::Transaction(_) => None,
        }
    }
}

/// A hash of a resource that is the same on every machine.
pub(super) const fn digest(resource: Resource) -> u64 {
    match resource {
        Resource::Table(table) => mix(table.0 as u64 | 1 << 48),
        Resource::Row(table, row) => mix(row.0 as u64 | (table.0 as u64) << 32 | 2 << 48),
        Resource::Key { table, index, hash } => {
            mix(mix(index as u64 | (table.0 as u64) << 32 | 3 << 48) ^ hash)
        }
        Resource::End { table, index } => mix(index as u64 | (table.0 as u64) << 32 | 4 << 48),
        Resource::Transaction(transaction) => mix(transaction.0 as u64 | 5 << 48),
    }
}

/// Spreads a number over all bits of another (the finalizer of SplitMix64).
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}
