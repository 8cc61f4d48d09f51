//! A page: some cells side by side in one block of memory, and beside it the images that are longer
//! than their cell.

use std::ops::Range;
use std::sync::Arc;

use super::cell::{Cell, CellMut, HEADER, Marks, Version, expect_beginning};
use crate::words::TransactionId;

/// How many cells a page has room for. With more, a first write after a clone copies more; with
/// fewer, a clone has more pages to count.
pub(super) const ROWS: usize = 256;

/// The cells of the first page, before anything is in them.
pub(super) const CELL_LEAST: usize = HEADER.next_multiple_of(8);

/// How many cells ahead of the one that is looked at a scan asks the cache for: as many as pass
/// while memory answers.
const LOOK_AHEAD: usize = 64;

/// The largest cell. A longer image lies elsewhere, and costs one more miss of the cache.
const CELL_MOST: usize = 1_024;

/// See the module.
#[derive(Clone)]
pub(super) struct Page {
    /// How many bytes a cell takes.
    stride: usize,
    /// The cells, of as many as there is room for by now.
    cells: Vec<u8>,
    /// The images that don't fit, in the order of their cells.
    long: Vec<(u16, Arc<[u8]>)>,
}

impl Page {
    pub(super) const fn new(stride: usize) -> Self {
        Self { stride, cells: Vec::new(), long: Vec::new() }
    }

    /// How many bytes a cell takes.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// How many cells there is room for by now.
    pub(super) const fn places(&self) -> usize {
        self.cells.len() / self.stride
    }

    #[inline]
    pub(super) fn cell(&self, place: u16) -> Cell<'_> {
        Cell(&self.cells[self.bytes_of(place)])
    }

    /// The cell to be written.
    #[inline]
    pub(super) fn cell_mut(&mut self, place: u16) -> CellMut<'_> {
        let bytes = self.bytes_of(place);
        CellMut(&mut self.cells[bytes])
    }

    #[inline]
    const fn bytes_of(&self, place: u16) -> Range<usize> {
        let begin = place as usize * self.stride;
        begin..begin + self.stride
    }

    /// The cells from this place on, each with its place. Each time the cache is asked for one that
    /// comes later, in the end on the page that is looked at next.
    pub(super) fn cells<'a>(
        &'a self,
        from: u16,
        next: Option<&'a Self>,
    ) -> impl Iterator<Item = (u16, Cell<'a>)> {
        let begin = usize::from(from) * self.stride;
        let (end, next) = (self.cells.len(), next.map_or(&[][..], |next| &next.cells));
        let mut later = begin + LOOK_AHEAD * self.stride;
        (from..).zip(self.cells[begin..].chunks_exact(self.stride).map(move |bytes| {
            match later.checked_sub(end) {
                None => expect_beginning(&self.cells, later),
                Some(later) => expect_beginning(next, later),
            }
            later += self.stride;
            Cell(bytes)
        }))
    }

    /// The version in a cell.
    #[inline]
    pub(super) fn version(&self, place: u16) -> Version<'_> {
        self.cell(place).version(|| self.long_image(place))
    }

    /// The image of a cell for which it is too long.
    pub(super) fn long_image(&self, place: u16) -> &[u8] {
        let found = self.long.get(self.long_places(place).start);
        found.map_or(&[], |(_, image)| image)
    }

    /// Puts a version into a cell whose id stands there, with the link to the one before it.
    pub(super) fn put(
        &mut self,
        place: u16,
        version: &Version<'_>,
        writer: Option<TransactionId>,
        older: Option<u32>,
    ) {
        let mut cell = self.cell_mut(place);
        let was_long = cell.as_cell().marks().has(Marks::LONG);
        let fits = cell.put(version, writer, older);
        if fits && !was_long {
            return;
        }
        let found = self.long_places(place);
        match version.image {
            Some(image) if !fits => {
                let entry = (place, Arc::from(image));
                self.long.splice(found, [entry]);
                self.make_room(image.len());
            }
            _ => {
                self.long.drain(found);
            }
        }
    }

    /// Makes a cell the same as a cell of another page, its id and its link included.
    #[inline]
    pub(super) fn copy(&mut self, place: u16, from: &Self, other: u16) {
        let source = from.cell(other);
        let is_long = |cell: Cell<'_>| cell.marks().has(Marks::LONG);
        if self.stride == from.stride && !is_long(source) && !is_long(self.cell(place)) {
            self.cell_mut(place).0.copy_from_slice(source.0);
            return;
        }
        self.cell_mut(place).set_id(source.id());
        self.put(place, &from.version(other), source.writer(), source.older());
    }

    /// Makes a cell a free one.
    pub(super) fn clear(&mut self, place: u16) {
        if self.cell(place).marks().has(Marks::LONG) {
            self.long.drain(self.long_places(place));
        }
        self.cell_mut(place).set_marks(Marks::NONE);
    }

    fn long_places(&self, place: u16) -> Range<usize> {
        let start = self.long.partition_point(|(other, _)| *other < place);
        let is_there = self.long.get(start).is_some_and(|(other, _)| *other == place);
        start..start + usize::from(is_there)
    }

    /// Room for the cell at this place, the next one, and for `least` cells. The first page of a
    /// table has no more room than it must: it doubles until it is full.
    pub(super) fn grow(&mut self, place: u16, least: usize) {
        let needed = usize::from(place) + 1;
        if self.cells.len() < needed * self.stride {
            let room = needed.next_power_of_two().max(least) * self.stride;
            self.cells.reserve_exact(room - self.cells.len());
            self.cells.resize(room, 0);
        }
    }

    /// Makes the cells larger when more than an eighth of the images don't fit, and this one would
    /// then.
    fn make_room(&mut self, image: usize) {
        let many = self.long.len() * 8 > self.places();
        let needed = (HEADER + image).next_multiple_of(8);
        if !many || needed > CELL_MOST {
            return;
        }
        let stride = needed.max(self.stride * 9 / 8).next_multiple_of(8);
        let mut cells = vec![0; self.places() * stride];
        let old = self.cells.chunks_exact(self.stride);
        for (old, new) in old.zip(cells.chunks_exact_mut(stride)) {
            new[..self.stride].copy_from_slice(old);
        }
        self.cells = cells;
        self.stride = stride;
        for (place, image) in std::mem::take(&mut self.long) {
            if !self.cell_mut(place).set_image(&image) {
                self.long.push((place, image));
            }
        }
    }

    /// How many bytes the page takes, those of its own description included.
    pub(super) fn memory(&self) -> usize {
        let counts = 2 * size_of::<usize>();
        let images: usize = self.long.iter().map(|(_, image)| counts + image.len()).sum();
        let list = self.long.capacity() * size_of::<(u16, Arc<[u8]>)>();
        size_of::<Arc<Self>>() + counts + size_of::<Self>() + self.cells.capacity() + list + images
    }

    /// Proves that the list of long images fits the cells.
    pub(super) fn check(&self) {
        assert!(self.long.is_sorted_by(|(a, _), (b, _)| a < b));
        for (place, cell) in self.cells(0, None) {
            let is_long = !self.long_places(place).is_empty();
            assert_eq!(cell.marks().has(Marks::LONG), is_long, "cell {place}");
        }
    }
}
