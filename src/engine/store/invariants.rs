//! What holds of a table store between any two calls.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::page::{NONE, Page, ROWS};
use super::{RowNumber, TableStore, key};

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
        self.check_keys_indexes();
        for first in (0..self.pages.slots()).step_by(ROWS) {
            self.pages.page(first).0.check();
        }
    }

    /// Whether the row is committed.
    fn check_chain(&self, row: RowNumber) -> bool {
        let (page, place) = self.pages.page(row.0);
        let slot = &page.slots[place];
        let mut committed = page.versions(slot.newest).map(|(_, version)| version);
        if slot.writer.is_some() {
            let stamp = committed.next().map(|version| version.stamp);
            assert_eq!(stamp, Some(0), "an uncommitted version of {row:?} has a stamp");
        }
        let committed: Vec<_> = committed.collect();
        let stamps = committed.iter().map(|version| Reverse(version.stamp));
        assert!(stamps.is_sorted(), "the versions of {row:?} are out of order");
        let oldest = committed.last();
        assert!(
            oldest.is_none_or(|version| version.image.is_some()),
            "{row:?} begins with a deletion"
        );
        self.check_marks(row);
        let newest = committed.first();
        newest.is_some_and(|version| version.image.is_some())
    }

    /// What is marked as having the keys of the version below it has them.
    fn check_marks(&self, row: RowNumber) {
        let (page, place) = self.pages.page(row.0);
        let versions = page.versions(page.slots[place].newest);
        for (_, version) in versions.filter(|(_, version)| version.same_keys) {
            let images = [version.image, page.version(version.older).image];
            let [Some(image), Some(older)] = images.map(|image| Some(self.packed(image?))) else {
                unreachable!("a deletion of {row:?} is marked");
            };
            let mut keys = self.shape.keys.iter();
            assert!(keys.all(|columns| key::is_same(image, older, columns)));
        }
    }

    fn check_free(&self) {
        let free: BTreeSet<u32> = self.free.iter().map(|Reverse(row)| *row).collect();
        assert_eq!(free.len(), self.free.len(), "a slot is free twice");
        for row in 0..self.pages.slots() {
            let is_free = self.pages.slot(RowNumber(row)).is_none();
            assert_eq!(free.contains(&row), is_free, "slot {row}");
        }
    }

    /// Each index has what a look at all versions of all rows finds, and no more.
    fn check_keys_indexes(&self) {
        for (tree, columns) in self.keys.iter().zip(&self.shape.keys) {
            let mut entries = BTreeSet::new();
            for row in self.rows() {
                let (page, place) = self.pages.page(row.0);
                let versions = page.versions(page.slots[place].newest);
                for image in versions.filter_map(|(_, version)| version.image) {
                    let mut entry = Vec::new();
                    if key::encode_image(self.packed(image), columns, &mut entry) {
                        entry.extend_from_slice(&row.0.to_be_bytes());
                        entries.insert(entry);
                    }
                }
            }
            assert!(
                tree.range(&[]).eq(entries.iter().map(Vec::as_slice)),
                "a key's index and the rows disagree"
            );
        }
    }
}

impl Page {
    fn check(&self) {
        let mut stretches = vec![];
        for slot in self.slots.iter().filter(|slot| slot.newest != NONE) {
            stretches.extend(self.versions(slot.newest).map(|(at, _)| self.stretch(at)));
        }
        stretches.sort_by_key(|stretch| stretch.start);
        let overlaps = stretches.windows(2).any(|pair| pair[0].end > pair[1].start);
        assert!(!overlaps, "versions overlap");
        let used: usize = stretches.iter().map(ExactSizeIterator::len).sum();
        self.check_heap(used);
    }
}
