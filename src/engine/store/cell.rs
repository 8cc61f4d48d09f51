//! A cell: the fixed stretch of bytes in which one version of a row lies.
//!
//! ```text
//!   id (16) | row version (8) | stamp (8) | length (4) | writer (4) | older (4) | marks (1) |
//!   image …
//! ```
//!
//! `older` is the link to the version before it, counted from 1; 0 where there is none.

use prefetch_index::prefetch_index;

use super::View;
use super::image::{narrow, word};
use crate::words::{RowId, TransactionId};

/// Where the image begins in a cell.
pub(super) const HEADER: usize = 45;

const ROW_VERSION: usize = 16;
const STAMP: usize = 24;
const LENGTH: usize = 32;
const WRITER: usize = 36;
const OLDER: usize = 40;
const MARKS: usize = 44;

/// How many bytes the cache fetches at once.
const LINE: usize = 64;

/// What a byte of marks can say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// Nothing is said: the cell is free.
    pub(super) const NONE: Self = Self(0);
    /// A row is in the cell.
    pub(super) const IN_USE: Self = Self(1);
    /// The newest version is not committed.
    pub(super) const WRITTEN: Self = Self(2);
    /// The version says that the row is not there.
    pub(super) const DELETED: Self = Self(4);
    /// The image is too long for the cell and lies elsewhere.
    pub(super) const LONG: Self = Self(8);
    /// The version is known to have the index entries of the one before it.
    pub(super) const SAME_ENTRIES: Self = Self(16);

    /// What hinders a view from seeing just what lies in the cell of a row.
    #[inline]
    pub(super) const fn hindrances_of(view: View) -> Self {
        match view {
            View::Latest => Self(Self::DELETED.0 | Self::LONG.0),
            View::Committed { .. } => Self(Self::DELETED.0 | Self::LONG.0 | Self::WRITTEN.0),
            View::Snapshot { .. } => Self::IN_USE,
        }
    }

    /// Whether one of these marks is set.
    pub(super) const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    pub(super) const fn set(self, mark: Self, on: bool) -> Self {
        Self(if on { self.0 | mark.0 } else { self.0 & !mark.0 })
    }
}

/// One version of a row.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) row_version: u64,
    /// When it was committed; 0 while it is not.
    pub(super) stamp: u64,
    /// Whether it is known to have the index entries of the version before it.
    pub(super) same_entries: bool,
    /// The packed columns; `None` when the row was deleted.
    pub(super) image: Option<&'a [u8]>,
}

/// A cell to be read.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a>(pub(super) &'a [u8]);

impl<'a> Cell<'a> {
    /// Asks the cache for the whole cell. Who looks at its beginning will want the rest too; the
    /// lines come side by side if they are asked for together, and one after the other if not.
    #[inline]
    pub(super) fn expect(self) {
        let mut at = 0;
        while at < self.0.len() {
            prefetch_index(self.0, at);
            at += LINE;
        }
    }

    #[inline]
    pub(super) fn id(self) -> RowId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..ROW_VERSION]);
        RowId(uuid::Uuid::from_bytes(id))
    }

    pub(super) fn marks(self) -> Marks {
        Marks(self.0[MARKS])
    }

    pub(super) fn writer(self) -> Option<TransactionId> {
        let written = self.marks().has(Marks::WRITTEN);
        written.then(|| TransactionId(word(self.0, WRITER)))
    }

    /// Whether its version is known to have the index entries of the one before it.
    pub(super) fn has_same_entries(self) -> bool {
        self.marks().has(Marks::SAME_ENTRIES)
    }

    /// Whether its version has an image, and it lies in the cell.
    pub(super) fn has_image(self) -> bool {
        !self.marks().has(Marks::DELETED) && !self.marks().has(Marks::LONG)
    }

    fn length(self) -> usize {
        word(self.0, LENGTH) as usize
    }

    #[inline]
    pub(super) fn row_version(self) -> u64 {
        long(self.0, ROW_VERSION)
    }

    /// The image of its version, unless one of these marks is set: those of an image that is not
    /// in the cell are among them.
    #[inline]
    pub(super) fn image_unless(self, hindrances: Marks) -> Option<&'a [u8]> {
        let is_seen = !self.marks().has(hindrances);
        is_seen.then(|| &self.0[HEADER..HEADER + self.length()])
    }

    /// The link to the version before this one.
    #[inline]
    pub(super) fn older(self) -> Option<u32> {
        word(self.0, OLDER).checked_sub(1)
    }

    /// The version, whose image is `long_image` where it is too long for the cell.
    #[inline]
    pub(super) fn version(self, long_image: impl FnOnce() -> &'a [u8]) -> Version<'a> {
        let marks = self.marks();
        Version {
            row_version: long(self.0, ROW_VERSION),
            stamp: long(self.0, STAMP),
            same_entries: self.has_same_entries(),
            image: if marks.has(Marks::DELETED) {
                None
            } else if marks.has(Marks::LONG) {
                Some(long_image())
            } else {
                Some(&self.0[HEADER..HEADER + self.length()])
            },
        }
    }
}

/// Asks the cache for the beginning of the cell at a place among others, where its header is and
/// its first columns are.
#[inline]
pub(super) fn expect_beginning(cells: &[u8], at: usize) {
    prefetch_index(cells, at);
    prefetch_index(cells, at + LINE);
}

/// A cell to be written.
pub(super) struct CellMut<'a>(pub(super) &'a mut [u8]);

impl<'a> CellMut<'a> {
    /// The image, of a cell that has it.
    pub(super) fn into_image(self) -> &'a mut [u8] {
        let end = HEADER + self.as_cell().length();
        &mut self.0[HEADER..end]
    }

    pub(super) fn as_cell(&self) -> Cell<'_> {
        Cell(self.0)
    }

    pub(super) fn set_id(&mut self, id: RowId) {
        self.0[..ROW_VERSION].copy_from_slice(id.0.as_bytes());
    }

    pub(super) fn set_marks(&mut self, marks: Marks) {
        self.0[MARKS] = marks.0;
    }

    pub(super) fn mark(&mut self, mark: Marks, on: bool) {
        let marks = self.as_cell().marks().set(mark, on);
        self.set_marks(marks);
    }

    pub(super) fn set_stamp(&mut self, stamp: u64) {
        self.0[STAMP..LENGTH].copy_from_slice(&stamp.to_le_bytes());
    }

    pub(super) fn set_writer(&mut self, writer: Option<TransactionId>) {
        let number = writer.map_or(0, |writer| writer.0);
        self.0[WRITER..OLDER].copy_from_slice(&number.to_le_bytes());
        self.mark(Marks::WRITTEN, writer.is_some());
    }

    pub(super) fn set_older(&mut self, link: Option<u32>) {
        let number = link.map_or(0, |link| link + 1);
        self.0[OLDER..MARKS].copy_from_slice(&number.to_le_bytes());
    }

    pub(super) fn set_row_version(&mut self, row_version: u64) {
        self.0[ROW_VERSION..STAMP].copy_from_slice(&row_version.to_le_bytes());
    }

    /// Makes the newest version a committed one.
    pub(super) fn commit(&mut self, stamp: u64) {
        self.set_writer(None);
        self.set_stamp(stamp);
    }

    /// Puts a version of a row into the cell, with the link to the one before it. Whether its
    /// image fits; if not, only the rest is there.
    pub(super) fn put(
        &mut self,
        version: &Version<'_>,
        writer: Option<TransactionId>,
        older: Option<u32>,
    ) -> bool {
        self.set_row_version(version.row_version);
        self.set_stamp(version.stamp);
        self.set_older(older);
        self.set_marks(
            Marks::IN_USE
                .set(Marks::DELETED, version.image.is_none())
                .set(Marks::SAME_ENTRIES, version.same_entries),
        );
        self.set_writer(writer);
        self.set_image(version.image.unwrap_or_default())
    }

    /// Puts an image into the cell. Whether it fits; if not, only its length is there.
    pub(super) fn set_image(&mut self, image: &[u8]) -> bool {
        self.0[LENGTH..WRITER].copy_from_slice(&narrow(image.len()).to_le_bytes());
        let place = self.0.get_mut(HEADER..HEADER + image.len());
        let fits = place.map(|place| place.copy_from_slice(image)).is_some();
        self.mark(Marks::LONG, !fits);
        fits
    }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
