//! The chain of a row's versions, and the entries that the indexes have for them.

use std::cmp::Reverse;
use std::ops::Range;

use super::cell::Version;
use super::entries::Entries;
use super::image::Packed;
use super::index::Index;
use super::write::Scratch;
use super::{RowNumber, TableStore, half_hash_of};
use crate::words::{RowId, TransactionId};

impl TableStore {
    /// Puts a version on top of the row's chain, or in the place of the one that the same
    /// transaction has put there. `reindexes` is false when it has the index entries of the
    /// newest one. Whether it is on top.
    pub(super) fn write(
        &mut self,
        transaction: Option<TransactionId>,
        row: RowNumber,
        image: Option<&[u8]>,
        row_version: u64,
        reindexes: bool,
    ) -> bool {
        let writer = self.writer(row);
        let replaces = writer.is_some() && writer == transaction;
        if reindexes {
            self.reindex(row, image, replaces);
        }
        let mut version = Version { row_version, stamp: 0, same_entries: !reindexes, image };
        if replaces {
            version.same_entries &= self.pages.cell_mut(row).as_cell().has_same_entries();
            self.pages.replace(row, &version);
        } else {
            self.pages.push(row, &version, transaction);
        }
        !replaces
    }

    /// Makes a row that was just written without a transaction a committed one.
    pub(super) fn load(&mut self, row: RowNumber, stamp: u64) {
        self.pages.cell_mut(row).set_stamp(stamp);
        self.committed += 1;
        if self.has_history(row) {
            self.history.push_back((stamp, row));
        }
    }

    /// A slot for a row that has none.
    pub(super) fn open(&mut self, id: RowId) -> RowNumber {
        let row = match self.free.pop() {
            Some(Reverse(row)) => RowNumber(row),
            None => self.pages.grow(),
        };
        self.pages.cell_mut(row).set_id(id);
        self.ids.insert(half_hash_of(id), row);
        row
    }

    /// Makes the slot of a row without versions free.
    pub(super) fn vacate(&mut self, row: RowNumber) {
        let id = self.id(row);
        self.ids.remove(half_hash_of(id), row);
        self.free.push(Reverse(row.0));
    }

    /// Whether the row has a committed version below another committed one.
    pub(super) fn has_history(&self, row: RowNumber) -> bool {
        let row = self.pages.row(row);
        row.is_some_and(|row| row.committed().nth(1).is_some())
    }

    /// Forgets the row's versions that nobody can see who reads as of `oldest_snapshot` or later:
    /// those below the first that was committed by then. Deletions with nothing below them say what
    /// no version says too, so they are forgotten as well.
    pub(super) fn trim(&mut self, row: RowNumber, oldest_snapshot: u64) {
        let Some(found) = self.pages.row(row) else {
            return;
        };
        let all = found.versions().count();
        let uncommitted = all - found.committed().count();
        let visible = found
            .committed()
            .position(|version| version.stamp <= oldest_snapshot)
            .map_or(all, |last| last + 1);
        let images = found.committed().take(visible).zip(uncommitted + 1..);
        let kept = images
            .filter(|(version, _)| version.image.is_some())
            .last()
            .map_or(uncommitted, |(_, count)| count);
        if kept == all {
            return;
        }
        let least = kept.max(1);
        let links = found.versions().skip(least - 1).take(all - least);
        let reindexed = links.filter(|version| !version.same_entries).count() > 0;
        if reindexed {
            self.retire(row, kept..all, 0..kept);
        }
        self.pages.cut(row, least);
        if kept == 0 {
            self.pages.pop(row);
            self.vacate(row);
        }
    }

    /// Brings the indexes up to date with an image that is about to be the row's newest. With
    /// `replaces`, the version that is the newest now is going away.
    pub(super) fn reindex(&mut self, row: RowNumber, image: Option<&[u8]>, replaces: bool) {
        let Self { pages, shape, entries, scratch, .. } = self;
        let width = shape.columns;
        let found = pages.row(row);
        let old = found.and_then(|found| found.newest().image);
        let old = old.map(|old| Packed::new(old, width));
        let new = image.map(|image| Packed::new(image, width));
        for (entries, index) in entries.iter_mut().zip(&shape.indexes) {
            if let (Some(old), Some(new)) = (old, new)
                && index.is_same(old, new)
            {
                continue;
            }
            if let Some(new) = new {
                add_entry(entries, index, row, new, scratch);
            }
            if let (Some(found), Some(old), true) = (found, old, replaces) {
                let older = found.versions().skip(1);
                let kept = older
                    .filter_map(|version| version.image)
                    .map(|image| Packed::new(image, width))
                    .chain(new);
                remove_entry(entries, index, row, old, kept, scratch);
            }
        }
    }

    /// Takes out of the indexes what only the `dropped` versions of a row have, and not the
    /// `kept` ones. Versions count from the newest, which is 0.
    pub(super) fn retire(&mut self, row: RowNumber, dropped: Range<usize>, kept: Range<usize>) {
        let Self { pages, shape, entries, scratch, .. } = self;
        let Some(found) = pages.row(row) else {
            return;
        };
        let images = |range: &Range<usize>| {
            found
                .versions()
                .skip(range.start)
                .take(range.len())
                .filter_map(|version| version.image)
                .map(|image| Packed::new(image, shape.columns))
        };
        for (entries, index) in entries.iter_mut().zip(&shape.indexes) {
            for image in images(&dropped) {
                remove_entry(entries, index, row, image, images(&kept), scratch);
            }
        }
    }
}

/// Adds the entry of an image to an index, unless it is outside the index.
fn add_entry(
    entries: &mut Entries,
    index: &Index,
    row: RowNumber,
    image: Packed<'_>,
    scratch: &mut Scratch,
) {
    scratch.key.clear();
    if index.encode(image, &mut scratch.key) {
        entries.insert(&mut scratch.key, row, || index.half_hash(image));
    }
}

/// Takes the entry of an image out of an index, unless a version that is kept has it too.
fn remove_entry<'a>(
    entries: &mut Entries,
    index: &Index,
    row: RowNumber,
    dropped: Packed<'_>,
    kept: impl Iterator<Item = Packed<'a>>,
    scratch: &mut Scratch,
) {
    let Scratch { key, other, .. } = scratch;
    key.clear();
    for image in kept {
        if index.is_same(image, dropped) {
            return;
        }
        if key.is_empty() && !index.encode(dropped, key) {
            return;
        }
        other.clear();
        if index.encode(image, other) && other == key {
            return;
        }
    }
    if !key.is_empty() || index.encode(dropped, key) {
        entries.remove(key, row, || index.half_hash(dropped));
    }
}
