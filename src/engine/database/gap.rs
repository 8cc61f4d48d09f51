//! Gaps between rows and between index entries: what a serializable read locks so that nothing new
//! appears in it, and what everything new must ask before it does.
//!
//! A gap goes by the entry above it, as SQL Server's key-range locks do: the next row or entry, or
//! the end of the index. Who puts something new into a gap asks for RangeI-N on that entry, for an
//! instant. While no transaction locks any gap nobody asks.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Key-range locking.

use std::ops::Bound;

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, By};
use crate::engine::database::write::Writing;
use crate::engine::lock::{Owner, Resource};
use crate::engine::store::RowNumber;
use crate::fault::Fault;
use crate::trace::LockResource;
use crate::words::{LockMode, RowId, TableId};

impl Database {
    /// Tests the gap of an index into which a row's new entry goes.
    pub(super) fn test_gap(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, index): (TableId, u16),
        entry: Option<Vec<u8>>,
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        let Some(entry) = entry else {
            return Ok(Asked::Held);
        };
        let gap = self.gap_above(table, index, &entry)?;
        Ok(self.test(context, by, gap, writing))
    }

    /// What stands for the gap in which an entry is: the next entry, or the end of the index.
    pub(super) fn gap_above(
        &self,
        table: TableId,
        index: u16,
        entry: &[u8],
    ) -> Result<Resource, Fault> {
        Ok(match self.store(table)?.next_entry(index, Bound::Excluded(entry)) {
            Some(next) => Resource::Key { table, index, hash: next.hash },
            None => Resource::End { table, index },
        })
    }

    /// Asks for an instant whether nobody else has locked a gap.
    pub(super) fn test(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        gap: Resource,
        writing: &mut Writing,
    ) -> Asked {
        let mode = LockMode::RangeInsertNull;
        // Granted at once it would be given back at once.
        if self.ranging == 0 || !self.locks.would_wait(by.transaction.owner, gap, mode) {
            return Asked::Held;
        }
        self.lock_for_now(context, by, gap, mode, &mut writing.taken)
    }

    /// The mode for something new below this: exclusive, and with the gap where its transaction has
    /// locked that, since what goes into a gap cuts it in two and takes the lower part over.
    pub(super) fn mode_in_gap(&self, owner: Owner, next: Resource) -> LockMode {
        let has_gap = self.transaction(owner).locks_ranges
            && self.locks.mode_of(owner, next).is_some_and(|mode| {
                matches!(
                    mode,
                    LockMode::RangeSharedShared
                        | LockMode::RangeSharedUpdate
                        | LockMode::RangeExclusiveShared
                        | LockMode::RangeExclusiveUpdate
                        | LockMode::RangeExclusiveExclusive
                )
            });
        if has_gap { LockMode::RangeExclusiveExclusive } else { LockMode::Exclusive }
    }

    /// What stands for the gap in which a slot is: the next row, or the end of the table.
    pub(super) fn gap_above_row(&self, table: TableId, row: RowNumber) -> Result<Resource, Fault> {
        Ok(match self.store(table)?.next_row(row.0 + 1) {
            Some(next) => Resource::Row(table, next),
            None => Resource::End { table, index: LockResource::PRIMARY },
        })
    }
}

/// What a range lock on a row that is not there is on.
pub(super) fn absence(table: TableId, id: RowId) -> Resource {
    let (high, low) = id.0.as_u64_pair();
    let hash = high ^ low.rotate_left(32);
    Resource::Key { table, index: LockResource::PRIMARY, hash }
}
