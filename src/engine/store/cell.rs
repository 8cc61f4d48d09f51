//! A cell: the fixed stretch of bytes in which a row's newest version lies.
//!
//! ```text
//!   id (16) | row version (8) | stamp (8) | length (4) | writer (4) | marks (1) | image …
//! ```

use std::hint::black_box;

use super::View;
use super::image::{narrow, word};
use crate::words::{RowId, TransactionId};

/// Where the image begins in a cell.
pub(super) const HEADER: usize = 41;

const ROW_VERSION: usize = 16;
const STAMP: usize = 24;
const LENGTH: usize = 32;
const WRITER: usize = 36;
const MARKS: usize = 40;

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
    /// There are older versions.
    pub(super) const HAS_OLDER: Self = Self(32);

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
    /// Asks for the whole cell. Who looks at its beginning will want the rest too; the lines of the
    /// cache come side by side if they are asked for together, and one after the other if not.
    pub(super) fn fetch(self) {
        let mut at = LINE;
        while let Some(byte) = self.0.get(at) {
            black_box(*byte);
            at += LINE;
        }
    }

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

    /// The newest version, whose image is `long` where it is too long for the cell.
    pub(super) fn newest(self, long_image: impl FnOnce() -> &'a [u8]) -> Version<'a> {
        let marks = self.marks();
        Version {
            row_version: long(self.0, ROW_VERSION),
            stamp: long(self.0, STAMP),
            same_entries: marks.has(Marks::SAME_ENTRIES),
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

/// A cell to be written.
pub(super) struct CellMut<'a>(pub(super) &'a mut [u8]);

impl CellMut<'_> {
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
        self.0[WRITER..MARKS].copy_from_slice(&number.to_le_bytes());
        self.mark(Marks::WRITTEN, writer.is_some());
    }

    /// Makes the newest version a committed one.
    pub(super) fn commit(&mut self, stamp: u64) {
        self.set_writer(None);
        self.set_stamp(stamp);
    }

    /// Puts the newest version of a row into the cell. Whether its image fits; if not, only the
    /// rest is there.
    pub(super) fn put(
        &mut self,
        version: &Version<'_>,
        writer: Option<TransactionId>,
        has_older: bool,
    ) -> bool {
        self.0[ROW_VERSION..STAMP].copy_from_slice(&version.row_version.to_le_bytes());
        self.set_stamp(version.stamp);
        self.set_marks(
            Marks::IN_USE
                .set(Marks::DELETED, version.image.is_none())
                .set(Marks::SAME_ENTRIES, version.same_entries)
                .set(Marks::HAS_OLDER, has_older),
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
