//! The chain of a row's versions, and the entries that the keys' indexes have for them.

use std::cmp::Reverse;
use std::ops::Range;

use super::image::Packed;
use super::page::{NONE, ROWS};
use super::tree::Tree;
use super::write::Scratch;
use super::{RowNumber, Shape, TableStore, key};
use crate::words::{ColumnId, RowId, TransactionId};

impl TableStore {
    /// Puts a version on top of the row's chain, or in the place of the one that the same
    /// transaction has put there. `rekeys` is false when it has the keys of the newest one.
    pub(super) fn write(
        &mut self,
        transaction: Option<TransactionId>,
        row: RowNumber,
        image: Option<&[u8]>,
        row_version: u64,
        rekeys: bool,
    ) {
        let writer = self.writer(row);
        let replaces = writer.is_some() && writer == transaction;
        if rekeys {
            self.rekey(row, image, replaces);
        }
        let (page, place) = self.pages.page_mut(row.0);
        let mut same_keys = !rekeys;
        if replaces {
            same_keys &= page.version(page.slots[place].newest).same_keys;
            page.pop(place);
        }
        page.push(place, image, row_version, same_keys);
        page.slots[place].writer = transaction;
    }

    /// Makes a row that was just written without a transaction a committed one.
    pub(super) fn load(&mut self, row: RowNumber, stamp: u64, length: usize) {
        let (page, place) = self.pages.page_mut(row.0);
        page.set_stamp(page.slots[place].newest, stamp);
        if place + 1 == ROWS {
            page.fit(length);
        }
        self.committed += 1;
        if self.has_history(row) {
            self.history.push_back((stamp, row));
        }
    }

    /// A slot for a row that has none.
    pub(super) fn open(&mut self, id: RowId) -> RowNumber {
        let row = match self.free.pop() {
            Some(Reverse(row)) => row,
            None => self.pages.grow(),
        };
        let (page, place) = self.pages.page_mut(row);
        page.slots[place].id = id;
        self.ids.insert(id, RowNumber(row));
        RowNumber(row)
    }

    /// Makes the slot of a row without versions free.
    pub(super) fn vacate(&mut self, row: RowNumber) {
        let id = self.id(row);
        self.ids.remove(id, row);
        self.free.push(Reverse(row.0));
    }

    /// Whether the row has a committed version below another committed one.
    pub(super) fn has_history(&self, row: RowNumber) -> bool {
        self.current(row).is_some_and(|current| {
            let (page, _) = self.pages.page(row.0);
            page.version(current).older != NONE
        })
    }

    /// The place of the newest committed version.
    fn current(&self, row: RowNumber) -> Option<u32> {
        let slot = self.pages.slot(row)?;
        let (page, _) = self.pages.page(row.0);
        let current = match slot.writer {
            Some(_) => page.version(slot.newest).older,
            None => slot.newest,
        };
        (current != NONE).then_some(current)
    }

    /// Forgets the row's versions that nobody can see who reads as of `oldest_snapshot` or later:
    /// those below the first that was committed by then. A deletion with nothing below it says what
    /// no version says too, so it is forgotten as well.
    pub(super) fn trim(&mut self, row: RowNumber, oldest_snapshot: u64) {
        let Some(current) = self.current(row) else {
            return;
        };
        let (page, place) = self.pages.page(row.0);
        let newest = page.slots[place].newest;
        let Some((last, version)) = page
            .versions(current)
            .find(|(_, version)| version.older == NONE || version.stamp <= oldest_snapshot)
        else {
            return;
        };
        let (dropped, is_deletion) = (version.older, version.image.is_none());
        if dropped != NONE {
            let rekeyed =
                page.versions(last).any(|(_, version)| !version.same_keys && version.older != NONE);
            if rekeyed {
                self.retire(row, dropped..NONE, newest..dropped);
            }
            let (page, _) = self.pages.page_mut(row.0);
            page.cut(last);
        }
        if is_deletion {
            self.drop_deletion(row, last);
        }
    }

    /// Forgets the deletion at the end of the row's chain.
    fn drop_deletion(&mut self, row: RowNumber, deletion: u32) {
        let (page, place) = self.pages.page_mut(row.0);
        let newest = page.slots[place].newest;
        if newest == deletion {
            page.pop(place);
            self.vacate(row);
            return;
        }
        let above = page.versions(newest).find(|(_, version)| version.older == deletion);
        if let Some((above, _)) = above {
            page.cut(above);
        }
    }

    /// Brings the keys' indexes up to date with an image that is about to be the row's newest. With
    /// `replaces`, the version that is the newest now is going away.
    fn rekey(&mut self, row: RowNumber, image: Option<&[u8]>, replaces: bool) {
        let Self { pages, shape, keys, scratch, .. } = self;
        let Shape { columns: width, .. } = **shape;
        let (page, place) = pages.page(row.0);
        let newest = page.slots[place].newest;
        let mut versions = page.versions(newest);
        let old = versions.next().and_then(|(_, version)| version.image);
        let older: u32 = if newest == NONE { NONE } else { page.version(newest).older };
        let old = old.map(|old| Packed::new(old, width));
        let new = image.map(|image| Packed::new(image, width));
        for (tree, columns) in keys.iter_mut().zip(&shape.keys) {
            if let (Some(old), Some(new)) = (old, new)
                && key::is_same(old, new, columns)
            {
                continue;
            }
            if let Some(new) = new {
                add_entry(tree, columns, row, new, scratch);
            }
            if let (Some(old), true) = (old, replaces) {
                let kept = page
                    .versions(older)
                    .filter_map(|(_, version)| version.image)
                    .map(|image| Packed::new(image, width))
                    .chain(new);
                remove_entry(tree, columns, row, old, kept, scratch);
            }
        }
    }

    /// Takes out of the keys' indexes what only the `dropped` versions of a row have, and not the
    /// `kept` ones. Both are stretches of its chain: from the place of one version up to that of
    /// another.
    pub(super) fn retire(&mut self, row: RowNumber, dropped: Range<u32>, kept: Range<u32>) {
        let Self { pages, shape, keys, scratch, .. } = self;
        let (page, _) = pages.page(row.0);
        let images = |stretch: &Range<u32>| {
            let end = stretch.end;
            page.versions(stretch.start)
                .take_while(move |(at, _)| *at != end)
                .filter_map(|(_, version)| version.image)
                .map(|image| Packed::new(image, shape.columns))
        };
        for (tree, columns) in keys.iter_mut().zip(&shape.keys) {
            for image in images(&dropped) {
                remove_entry(tree, columns, row, image, images(&kept), scratch);
            }
        }
    }
}

/// Adds the entry of an image to a key's index, unless a column of the key is null.
fn add_entry(
    tree: &mut Tree,
    columns: &[ColumnId],
    row: RowNumber,
    image: Packed<'_>,
    scratch: &mut Scratch,
) {
    scratch.key.clear();
    if key::encode_image(image, columns, &mut scratch.key) {
        scratch.key.extend_from_slice(&row.0.to_be_bytes());
        tree.insert(&scratch.key);
    }
}

/// Takes the entry of an image out of a key's index, unless a version that is kept has the key too.
fn remove_entry<'a>(
    tree: &mut Tree,
    columns: &[ColumnId],
    row: RowNumber,
    dropped: Packed<'_>,
    kept: impl Iterator<Item = Packed<'a>>,
    scratch: &mut Scratch,
) {
    let Scratch { key, other, .. } = scratch;
    key.clear();
    for image in kept {
        if key::is_same(image, dropped, columns) {
            return;
        }
        if key.is_empty() && !key::encode_image(dropped, columns, key) {
            return;
        }
        other.clear();
        if key::encode_image(image, columns, other) && other == key {
            return;
        }
    }
    if !key.is_empty() || key::encode_image(dropped, columns, key) {
        key.extend_from_slice(&row.0.to_be_bytes());
        tree.remove(key);
    }
}
