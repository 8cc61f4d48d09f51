//! All pages of a table, in chunks, so that a clone of a table copies one short list.

use std::sync::Arc;

use super::RowNumber;
use super::page::{NONE, Page, ROWS, Slot};

/// How many pages a chunk has room for.
const PAGES: usize = 128;

/// How many slots a chunk has room for.
const CHUNK: usize = PAGES * ROWS;

/// See the module. Slots are numbered through; `slots` of them were in use at some time.
#[derive(Clone)]
pub(super) struct Pages {
    chunks: Vec<Arc<Vec<Arc<Page>>>>,
    slots: u32,
}

impl Pages {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), slots: 0 }
    }

    /// How many slots were in use at some time.
    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    /// The page that has this slot, and the slot's place in it.
    ///
    /// # Panics
    ///
    /// When the number was never in use.
    pub(super) fn page(&self, row: u32) -> (&Page, usize) {
        let row = row as usize;
        let page = &self.chunks[row / CHUNK][row % CHUNK / ROWS];
        (page, row % ROWS)
    }

    /// The same, to be written: what a clone shares is copied first.
    pub(super) fn page_mut(&mut self, row: u32) -> (&mut Page, usize) {
        let row = row as usize;
        let chunk = Arc::make_mut(&mut self.chunks[row / CHUNK]);
        let page = Arc::make_mut(&mut chunk[row % CHUNK / ROWS]);
        (page, row % ROWS)
    }

    /// The slot, where the number is in use.
    pub(super) fn slot(&self, row: RowNumber) -> Option<&Slot> {
        if row.0 >= self.slots {
            return None;
        }
        let (page, slot) = self.page(row.0);
        let slot = &page.slots[slot];
        (slot.newest != NONE).then_some(slot)
    }

    /// One more slot at the end.
    ///
    /// # Panics
    ///
    /// At 4,294,967,295 rows, which no memory holds.
    pub(super) fn grow(&mut self) -> u32 {
        let row = self.slots;
        assert_ne!(row, NONE, "more rows than can be numbered");
        let place = row as usize;
        if place.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::default());
        }
        if place.is_multiple_of(ROWS) {
            let before = row.checked_sub(1).map(|before| self.page(before).0);
            let page = Arc::new(Page::like(before));
            Arc::make_mut(&mut self.chunks[place / CHUNK]).push(page);
        }
        self.slots += 1;
        row
    }

    /// How many bytes the pages take.
    pub(super) fn memory(&self) -> usize {
        let chunk = |chunk: &Arc<Vec<Arc<Page>>>| {
            let pages: usize = chunk.iter().map(|page| page.memory()).sum();
            pages + chunk.capacity() * size_of::<Arc<Page>>()
        };
        self.chunks.iter().map(chunk).sum()
    }
}
