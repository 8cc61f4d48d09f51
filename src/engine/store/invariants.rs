//! What holds of a table store between any two calls.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::cell::Version;
use super::index::append_row;
use super::pages::Row;
use super::{RowNumber, TableStore};

impl TableStore {
    /// Proves that the table is whole. It reads every version of every row, so it is for tests and
    /// for debug builds.
    ///
    /// # Panics
    ///
    /// When versions overlap or are out of order, when an index and the rows disagree, or when
    /// something is kept that nobody can reach.
    pub fn check_invariants(&self) {
        let (mut committed, mut with_history) = (0, 0);
        for row in self.rows() {
            let found = self.find(self.id(row));
            assert_eq!(found, Some(row), "the id of {row:?} leads elsewhere");
            committed += usize::from(self.check_chain(row));
            with_history += usize::from(self.has_history(row));
        }
        assert_eq!(committed, self.committed, "committed rows");
        assert!(with_history <= self.history.len(), "forgotten versions");
        let stamps = self.history.iter().map(|(stamp, _)| stamp);
        assert!(stamps.is_sorted(), "stamps descend");
        self.check_free();
        self.check_indexes();
        self.pages.check();
    }

    /// Whether the row is committed.
    fn check_chain(&self, row: RowNumber) -> bool {
        let Some(found) = self.pages.row(row) else {
            return false;
        };
        if found.cell.writer().is_some() {
            let stamp = found.newest().stamp;
            assert_eq!(stamp, 0, "an uncommitted version of {row:?} has a stamp");
        }
        let committed: Vec<_> = found.committed().collect();
        let stamps = committed.iter().map(|version| Reverse(version.stamp));
        assert!(stamps.is_sorted(), "the versions of {row:?} are out of order");
        let oldest = committed.last();
        assert!(
            oldest.is_none_or(|version| version.image.is_some()),
            "{row:?} begins with a deletion"
        );
        for (version, older) in found.versions().zip(found.versions().skip(1)) {
            self.check_mark(version, older);
        }
        let newest = committed.first();
        newest.is_some_and(|version| version.image.is_some())
    }

    /// What is marked as having the index entries of the version below it has them.
    fn check_mark(&self, version: Version<'_>, older: Version<'_>) {
        if !version.same_entries {
            return;
        }
        let images = [version, older].map(|version| Some(self.packed(version.image?)));
        let [Some(image), Some(older)] = images else {
            unreachable!("a deletion is marked");
        };
        let mut indexes = self.shape.indexes.iter();
        assert!(indexes.all(|index| index.is_same(image, older)));
    }

    fn check_free(&self) {
        let free: BTreeSet<u32> = self.free.iter().map(|Reverse(row)| *row).collect();
        assert_eq!(free.len(), self.free.len(), "a slot is free twice");
        for row in 0..self.pages.slots() {
            let is_free = self.pages.row(RowNumber(row)).is_none();
            assert_eq!(free.contains(&row), is_free, "slot {row}");
        }
    }

    /// Each index has what a look at all versions of all rows finds, and no more.
    fn check_indexes(&self) {
        for (has, index) in self.entries.iter().zip(&self.shape.indexes) {
            let (mut entries, mut by_hash) = (BTreeSet::new(), Vec::new());
            for row in self.rows() {
                let versions = self.pages.row(row).into_iter().flat_map(Row::versions);
                for image in versions.filter_map(|version| version.image) {
                    let mut entry = Vec::new();
                    if index.encode(self.packed(image), &mut entry) {
                        append_row(row, &mut entry);
                        if entries.insert(entry) {
                            by_hash.extend(index.half_hash(self.packed(image)).zip(Some(row)));
                        }
                    }
                }
            }
            assert!(
                has.sorted.range(&[]).eq(entries.iter().map(Vec::as_slice)),
                "an index and the rows disagree"
            );
            if let Some(rows) = &has.hashed {
                let mut hashed: Vec<_> = rows.entries().collect();
                hashed.sort_unstable();
                by_hash.sort_unstable();
                assert_eq!(hashed, by_hash, "the rows by a key's hash, and the rows");
            }
        }
    }
}
