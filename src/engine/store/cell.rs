//! A cell: the fixed stretch of bytes in which a row's newest version lies.
//!
//! ```text
//!   id (16) | row version (8) | stamp (8) | length (4) | writer (4) | marks (1) | image …
//! ```
//!
//! An older version, kept elsewhere, begins with the same fields but id, length and writer.

use super::image::{narrow, word};
use crate::words::{RowId, TransactionId};

/// Where the image begins in a cell.
pub(super) const HEADER: usize = 41;

const ROW_VERSION: usize = 16;
const STAMP: usize = 24;
const LENGTH: usize = 32;
const WRITER: usize = 36;
const MARKS: usize = 40;

/// Where the image begins in an older version.
const OLD_HEADER: usize = 17;

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

impl<'a> Version<'a> {
    /// What [`Version::keep`] wrote.
    pub(super) fn kept(bytes: &'a [u8]) -> Self {
        let marks = Marks(bytes[16]);
        Self {
            row_version: long(bytes, 0),
            stamp: long(bytes, 8),
            same_entries: marks.has(Marks::SAME_ENTRIES),
            image: (!marks.has(Marks::DELETED)).then(|| &bytes[OLD_HEADER..]),
        }
    }

    /// Writes the version into `out`, replacing what is there.
    pub(super) fn keep(&self, out: &mut Vec<u8>) {
        let marks = Marks::NONE
            .set(Marks::SAME_ENTRIES, self.same_entries)
            .set(Marks::DELETED, self.image.is_none());
        out.clear();
        out.extend_from_slice(&self.row_version.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.push(marks.0);
        out.extend_from_slice(self.image.unwrap_or_default());
    }
}

/// A cell to be read.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a>(pub(super) &'a [u8]);

impl<'a> Cell<'a> {
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

    /// Puts a version into the cell. Whether its image fits; if not, only the rest is there.
    pub(super) fn set_version(&mut self, version: &Version<'_>) -> bool {
        self.0[ROW_VERSION..STAMP].copy_from_slice(&version.row_version.to_le_bytes());
        self.set_stamp(version.stamp);
        let marks = self.as_cell().marks();
        self.set_marks(
            marks
                .set(Marks::IN_USE, true)
                .set(Marks::DELETED, version.image.is_none())
                .set(Marks::SAME_ENTRIES, version.same_entries),
        );
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
