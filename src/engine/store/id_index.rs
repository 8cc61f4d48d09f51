//! The rows of a table by primary key: a hash table of row numbers, in parts that a clone shares
//! until it writes to them.
//!
//! The ids themselves are in the rows, so an entry takes a few bytes. The order inside the parts is
//! never observed.

use std::sync::Arc;

use hashbrown::HashTable;

use super::RowNumber;
use crate::words::RowId;

/// How many rows a part has on average when the parts are doubled: a little less than a table of
/// 1,024 places takes.
const PART_ROWS: usize = 760;

/// See the module.
#[derive(Clone)]
pub(super) struct IdIndex {
    /// A power of two of them.
    parts: Vec<Arc<HashTable<u32>>>,
    rows: usize,
}

impl IdIndex {
    pub(super) fn new() -> Self {
        Self {
            parts: vec![Arc::default()],
            rows: 0,
        }
    }

    pub(super) fn find(&self, id: RowId, id_of: impl Fn(u32) -> RowId) -> Option<RowNumber> {
        let hash = hash(id);
        self.parts[self.part(hash)]
            .find(hash, |&row| id_of(row) == id)
            .map(|&row| RowNumber(row))
    }

    /// Adds a row whose id is not in the index.
    pub(super) fn insert(&mut self, id: RowId, row: RowNumber, id_of: impl Fn(u32) -> RowId) {
        if self.rows >= self.parts.len() * PART_ROWS {
            self.double(&id_of);
        }
        let digest = hash(id);
        let part = self.part(digest);
        Arc::make_mut(&mut self.parts[part]).insert_unique(digest, row.0, |&row| hash(id_of(row)));
        self.rows += 1;
    }

    pub(super) fn remove(&mut self, id: RowId, row: RowNumber) {
        let hash = hash(id);
        let part = self.part(hash);
        let found = Arc::make_mut(&mut self.parts[part]).find_entry(hash, |&other| other == row.0);
        if let Ok(entry) = found {
            entry.remove();
            self.rows -= 1;
        }
    }

    /// How many bytes the index takes.
    pub(super) fn memory(&self) -> usize {
        let part = |part: &Arc<HashTable<u32>>| part.allocation_size() + size_of::<Arc<()>>();
        self.parts.iter().map(part).sum()
    }

    fn part(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.parts.len() - 1)
    }

    /// Splits every part in two.
    fn double(&mut self, id_of: &impl Fn(u32) -> RowId) {
        let old = std::mem::take(&mut self.parts);
        let bit = old.len() as u64;
        let mut upper = Vec::with_capacity(old.len());
        self.parts.reserve(old.len() * 2);
        for part in old {
            let room = part.len() / 2;
            let mut halves = [
                HashTable::with_capacity(room),
                HashTable::with_capacity(room),
            ];
            for &row in part.iter() {
                let digest = hash(id_of(row));
                let half = usize::from((digest >> 32) & bit != 0);
                halves[half].insert_unique(digest, row, |&row| hash(id_of(row)));
            }
            let [low, high] = halves;
            self.parts.push(Arc::new(low));
            upper.push(Arc::new(high));
        }
        self.parts.append(&mut upper);
    }
}

/// Spreads an id over 64 bits. Ids that count up differ in few bits, which the finalizer of
/// `SplitMix64` carries to all places.
fn hash(id: RowId) -> u64 {
    let (high, low) = id.0.as_u64_pair();
    let number = high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}
