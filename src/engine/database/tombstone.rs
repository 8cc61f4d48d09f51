//! What is left of the rows that were deleted from a tracked table: enough to tell a reader of
//! changes that they are gone.
//!
//! A row that comes back under its id keeps its tombstone, and who reads the changes leaves out
//! those of rows that are there. So a deletion is written once and never looked for again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::words::{RowId, SimInstant};

/// One deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tombstone {
    /// The row.
    pub(super) row: RowId,
    /// The version of the deletion.
    pub(super) version: u64,
    /// When it was committed.
    buried: SimInstant,
}

/// The deletions from one table, in the order in which they were committed. A clone shares them
/// with its original until one of the two changes.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(super) struct Tombstones(Arc<VecDeque<Tombstone>>);

impl Tombstones {
    /// Notes a deletion that was just committed, and forgets those that are older than anybody may
    /// ask for.
    pub(super) fn bury(&mut self, row: RowId, version: u64, now: SimInstant, kept: Duration) {
        let tombstones = Arc::make_mut(&mut self.0);
        while tombstones.front().is_some_and(|it| it.buried + kept < now) {
            tombstones.pop_front();
        }
        tombstones.push_back(Tombstone { row, version, buried: now });
    }

    /// The deletions after this version, in the order of their versions, each row's last one only.
    pub(super) fn after(&self, version: u64) -> Vec<Tombstone> {
        let mut found: Vec<_> = self.0.iter().filter(|it| version < it.version).copied().collect();
        found.sort_unstable_by_key(|it| (it.row, it.version));
        let mut latest: Vec<Tombstone> = Vec::with_capacity(found.len());
        for tombstone in found {
            match latest.last_mut().filter(|it| it.row == tombstone.row) {
                Some(earlier) => *earlier = tombstone,
                None => latest.push(tombstone),
            }
        }
        latest.sort_unstable_by_key(|it| it.version);
        latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    fn rows(tombstones: &Tombstones, version: u64) -> Vec<(RowId, u64)> {
        tombstones.after(version).into_iter().map(|it| (it.row, it.version)).collect()
    }

    #[test]
    fn a_row_that_went_twice_is_told_once() {
        let (one, two) = (RowId::named("account", "one"), RowId::named("account", "two"));
        let mut tombstones = Tombstones::default();
        tombstones.bury(one, 3, SimInstant(1), WEEK);
        tombstones.bury(two, 5, SimInstant(2), WEEK);
        tombstones.bury(one, 8, SimInstant(3), WEEK);
        assert_eq!(rows(&tombstones, 0), [(two, 5), (one, 8)]);
        assert_eq!(rows(&tombstones, 5), [(one, 8)]);
        assert_eq!(rows(&tombstones, 8), []);
    }

    #[test]
    fn a_deletion_is_kept_for_as_long_as_a_token_may_ask_for_it() {
        let (one, two) = (RowId::named("account", "one"), RowId::named("account", "two"));
        let mut tombstones = Tombstones::default();
        tombstones.bury(one, 3, SimInstant::START, WEEK);
        tombstones.bury(two, 4, SimInstant::START + WEEK, WEEK);
        assert_eq!(rows(&tombstones, 0), [(one, 3), (two, 4)], "it is not older than a week yet");
        tombstones.bury(two, 5, SimInstant(1) + WEEK, WEEK);
        assert_eq!(rows(&tombstones, 0), [(two, 5)]);
    }
}
