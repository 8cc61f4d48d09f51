//! What one index has: its entries, sorted, and of an alternate key the rows by a hash too.
//!
//! A key is looked for far more often than a stretch of keys: by every write of one, to see that
//! nobody else has it, and by every request that names a row by it. The sorted entries could
//! answer, at the price of a miss of the cache for each level of the tree.

use super::RowNumber;
use super::index::{Index, append_row};
use super::row_index::RowIndex;
use super::tree::Tree;

/// See the module.
#[derive(Clone)]
pub(super) struct Entries {
    pub(super) sorted: Tree,
    /// The row of each entry, by the half hash of its values ([`Index::half_hash`]).
    pub(super) hashed: Option<RowIndex>,
}

impl Entries {
    pub(super) fn of(index: &Index) -> Self {
        Self { sorted: Tree::new(), hashed: index.is_key().then(RowIndex::new) }
    }

    /// Adds an entry of these values, which become its bytes, unless it is there.
    pub(super) fn insert(
        &mut self,
        values: &mut Vec<u8>,
        row: RowNumber,
        half_hash: impl FnOnce() -> Option<u32>,
    ) {
        append_row(row, values);
        if self.sorted.insert(values)
            && let Some((rows, hash)) = self.hashed.as_mut().zip(half_hash())
        {
            rows.insert(hash, row);
        }
    }

    /// Takes the entry of these values, which become its bytes, out, if it is there.
    pub(super) fn remove(
        &mut self,
        values: &mut Vec<u8>,
        row: RowNumber,
        half_hash: impl FnOnce() -> Option<u32>,
    ) {
        append_row(row, values);
        if self.sorted.remove(values)
            && let Some((rows, hash)) = self.hashed.as_mut().zip(half_hash())
        {
            rows.remove(hash, row);
        }
    }

    /// How many bytes they take.
    pub(super) fn memory(&self) -> usize {
        self.sorted.memory() + self.hashed.as_ref().map_or(0, RowIndex::memory)
    }
}
