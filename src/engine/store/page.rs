//! A page: a few rows that lie together, with all their versions. It is the unit in which a clone
//! of a table and its original share memory: the first write to a page copies that page alone.
//!
//! The versions lie in one run of bytes, which the page manages as a small heap. So a row costs no
//! allocation of its own, and copying a page is copying two blocks of memory.
//!
//! ```text
//!   slot 3 ─▶ newest version ─▶ older ─▶ oldest that somebody can still see
//!
//!   a version:  row version (8) | stamp (8) | place of the older one (4) | length (4) | image
//! ```
//!
//! The lowest bit of the older one's place, which is free, says whether both have the same keys.

use std::ops::Range;

use super::image::{narrow, word};
use crate::words::{RowId, TransactionId};

/// How many rows a page has room for.
pub(super) const ROWS: usize = 32;

/// The place or number that is none. Places are multiples of 8, and so is this.
pub(super) const NONE: u32 = u32::MAX - 7;

/// The length of a version that says that the row is not there.
const ABSENT: u32 = u32::MAX;

const HEADER: usize = 24;

/// One row's place in its page.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) id: RowId,
    /// The place of the row's newest version; [`NONE`] when the slot is free.
    pub(super) newest: u32,
    /// Who wrote the newest version and has not committed it.
    pub(super) writer: Option<TransactionId>,
}

impl Slot {
    pub(super) const FREE: Self = Self { id: RowId(uuid::Uuid::nil()), newest: NONE, writer: None };
}

/// One version of a row.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) row_version: u64,
    /// When it was committed; 0 while it is not.
    pub(super) stamp: u64,
    /// The place of the version before it.
    pub(super) older: u32,
    /// Whether it is known to have the alternate keys of the version before it.
    pub(super) same_keys: bool,
    /// The packed columns; `None` when the row was deleted.
    pub(super) image: Option<&'a [u8]>,
}

/// See the module.
pub(super) struct Page {
    pub(super) slots: [Slot; ROWS],
    heap: Vec<u8>,
    /// How many bytes of the heap belong to no version.
    garbage: u32,
    /// A stretch of garbage that the next version may take.
    hole: Hole,
}

#[derive(Clone, Copy)]
struct Hole {
    at: u32,
    length: u32,
}

impl Hole {
    const EMPTY: Self = Self { at: 0, length: 0 };
}

impl Clone for Page {
    /// Keeps the spare room of the original, since a page is cloned to be written.
    fn clone(&self) -> Self {
        let mut heap = Vec::with_capacity(self.heap.capacity());
        heap.extend_from_slice(&self.heap);
        Self { slots: self.slots, heap, garbage: self.garbage, hole: self.hole }
    }
}

impl Page {
    /// An empty page with room for as many bytes as `like` uses, if it is full of rows: the next
    /// rows are probably as long.
    pub(super) fn like(like: Option<&Self>) -> Self {
        Self {
            slots: [Slot::FREE; ROWS],
            heap: Vec::with_capacity(like.map_or(0, |page| page.heap.len())),
            garbage: 0,
            hole: Hole::EMPTY,
        }
    }

    /// The version at this place.
    pub(super) fn version(&self, at: u32) -> Version<'_> {
        let bytes = &self.heap[at as usize..];
        let (link, length) = (word(bytes, 16), word(bytes, 20));
        Version {
            row_version: long(bytes, 0),
            stamp: long(bytes, 8),
            older: link & !1,
            same_keys: link & 1 != 0,
            image: (length != ABSENT).then(|| &bytes[HEADER..HEADER + length as usize]),
        }
    }

    /// The versions from this place on, the newer ones first, with their places.
    pub(super) fn versions(&self, from: u32) -> impl Iterator<Item = (u32, Version<'_>)> {
        let mut at = from;
        std::iter::from_fn(move || {
            (at != NONE).then(|| {
                let found = (at, self.version(at));
                at = found.1.older;
                found
            })
        })
    }

    /// Puts an uncommitted version on top of the slot's chain.
    pub(super) fn push(
        &mut self,
        slot: usize,
        image: Option<&[u8]>,
        row_version: u64,
        same_keys: bool,
    ) {
        let at = self.allocate(extent(image));
        let link = self.slots[slot].newest | u32::from(same_keys);
        let bytes = &mut self.heap[at as usize..];
        bytes[0..8].copy_from_slice(&row_version.to_le_bytes());
        bytes[8..16].fill(0);
        bytes[16..20].copy_from_slice(&link.to_le_bytes());
        let length = image.map_or(ABSENT, |image| narrow(image.len()));
        bytes[20..24].copy_from_slice(&length.to_le_bytes());
        if let Some(image) = image {
            bytes[HEADER..HEADER + image.len()].copy_from_slice(image);
        }
        self.slots[slot].newest = at;
    }

    /// Takes the newest version off the slot's chain.
    pub(super) fn pop(&mut self, slot: usize) {
        let at = self.slots[slot].newest;
        self.slots[slot].newest = self.version(at).older;
        self.free(at);
    }

    /// Forgets all versions older than the one at this place.
    pub(super) fn cut(&mut self, at: u32) {
        let mut next = self.version(at).older;
        self.set_older(at, NONE);
        while next != NONE {
            let older = self.version(next).older;
            self.free(next);
            next = older;
        }
    }

    pub(super) fn set_stamp(&mut self, at: u32, stamp: u64) {
        let at = at as usize;
        self.heap[at + 8..at + 16].copy_from_slice(&stamp.to_le_bytes());
    }

    fn set_older(&mut self, at: u32, older: u32) {
        let at = at as usize;
        self.heap[at + 16..at + 20].copy_from_slice(&older.to_le_bytes());
    }

    /// Gives back the spare room, but for one more version of this size, once the page is full.
    pub(super) fn fit(&mut self, image: usize) {
        self.heap.shrink_to(self.heap.len() + rounded(HEADER + image));
    }

    /// How many bytes the page takes.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.heap.capacity()
    }

    /// The bytes that the version at this place takes.
    pub(super) fn stretch(&self, at: u32) -> Range<usize> {
        let length = extent(self.version(at).image);
        at as usize..(at + length) as usize
    }

    /// Proves that `used` bytes and the garbage make up the heap.
    pub(super) fn check_heap(&self, used: usize) {
        let garbage = self.garbage as usize;
        assert_eq!(used + garbage, self.heap.len(), "bytes are lost");
        assert!(self.hole.length <= self.garbage, "a hole in use");
    }

    /// Room for a version: in the hole, at the end, or made by moving the versions together. The
    /// heap grows by an eighth at most, so that a million rows don't carry a million rows' worth
    /// of spare room.
    fn allocate(&mut self, length: u32) -> u32 {
        if self.hole.length < length && self.heap.capacity() - self.heap.len() < length as usize {
            if self.garbage >= length && self.garbage as usize >= self.heap.len() / 4 {
                self.compact(length);
            } else {
                let more = (length as usize).max(self.heap.len() / 8);
                self.heap.reserve_exact(more);
            }
        }
        if length <= self.hole.length {
            let at = self.hole.at;
            self.hole.at += length;
            self.hole.length -= length;
            self.garbage -= length;
            return at;
        }
        let at = narrow(self.heap.len());
        self.heap.resize(self.heap.len() + length as usize, 0);
        at
    }

    /// Gives back a version's bytes. The largest stretch that was given back is remembered, and
    /// bytes at the end are cut off.
    fn free(&mut self, at: u32) {
        let length = extent(self.version(at).image);
        let end = at + length;
        if end as usize == self.heap.len() {
            self.heap.truncate(at as usize);
            return;
        }
        self.garbage += length;
        if end == self.hole.at {
            self.hole.at = at;
            self.hole.length += length;
        } else if at == self.hole.at + self.hole.length {
            self.hole.length += length;
        } else if length > self.hole.length {
            self.hole = Hole { at, length };
        }
    }

    /// Moves all versions together, with room for one more of this length.
    fn compact(&mut self, length: u32) {
        let used = self.heap.len() - self.garbage as usize;
        let mut heap = Vec::with_capacity(used + (used / 8).max(length as usize));
        for slot in 0..ROWS {
            let mut link: Option<usize> = None;
            let mut next = self.slots[slot].newest;
            while next != NONE {
                let at = narrow(heap.len());
                heap.extend_from_slice(&self.heap[self.stretch(next)]);
                next = self.version(next).older;
                match link {
                    None => self.slots[slot].newest = at,
                    Some(newer) => {
                        let link = at | word(&heap, newer + 16) & 1;
                        heap[newer + 16..newer + 20].copy_from_slice(&link.to_le_bytes());
                    }
                }
                link = Some(at as usize);
            }
        }
        self.heap = heap;
        self.garbage = 0;
        self.hole = Hole::EMPTY;
    }
}

/// How many bytes a version with this image takes.
fn extent(image: Option<&[u8]>) -> u32 {
    narrow(rounded(HEADER + image.map_or(0, <[u8]>::len)))
}

/// Versions take a multiple of 8 bytes, so that one fits where a slightly different one was.
const fn rounded(length: usize) -> usize {
    length.next_multiple_of(8)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
