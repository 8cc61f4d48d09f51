//! Where a table's rows lie: in cells of equal size, pages of cells, and chunks of pages.
//!
//! ```text
//!   chunk ─▶ page  │ cell │ cell │ cell │ …        the newest version of each row, in place
//!     │      page  │ cell │ …
//!     ├────▶ older:  slot 7 → version, version     what somebody can still see, newest first
//!     └────▶ long:   slot 9 → image                an image that is longer than its cell
//! ```
//!
//! A page is one block of memory, and a cell is found by counting, so reading a row costs one miss
//! of the cache. A clone of a table shares its chunks; the first write to a chunk copies the
//! chunk's lists, and the first write to a page copies the page.
//!
//! The cells of a chunk are made larger when too many images don't fit.

use std::hint::black_box;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::RowNumber;
use super::cell::{Cell, CellMut, HEADER, Marks, Version};
use crate::words::RowId;

/// How many cells a page has room for.
const ROWS: usize = 64;

/// How many pages a chunk has room for.
const PAGES: usize = 32;

/// How many cells a chunk has room for.
const CELLS: usize = PAGES * ROWS;

/// The cells of the first chunk, before anything is in them.
const CELL_LEAST: usize = HEADER.next_multiple_of(8);

/// The largest cell. A longer image lies elsewhere, and costs one more miss of the cache.
const CELL_MOST: usize = 1_024;

/// See the module. Slots are numbered through; `slots` of them were in use at some time.
#[derive(Clone)]
pub(super) struct Pages {
    chunks: Vec<Arc<Chunk>>,
    slots: u32,
}

/// A part of the table. Both lists are in the order of the cells.
#[derive(Clone)]
pub(super) struct Chunk {
    /// How many bytes a cell takes.
    stride: usize,
    pages: Vec<Arc<[u8]>>,
    older: Vec<(u16, Arc<[u8]>)>,
    long: Vec<(u16, Arc<[u8]>)>,
}

/// A row to be read.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    chunk: &'a Chunk,
    place: u16,
    pub(super) cell: Cell<'a>,
}

impl Pages {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), slots: 0 }
    }

    /// How many slots were in use at some time.
    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    /// The id of the row in this slot, or of the one that was in it last.
    ///
    /// # Panics
    ///
    /// When the number was never in use.
    pub(super) fn id(&self, row: u32) -> RowId {
        let (chunk, place) = locate(row);
        self.chunks[chunk].cell(place).id()
    }

    /// The row in this slot, where it is in use.
    pub(super) fn row(&self, row: RowNumber) -> Option<Row<'_>> {
        if row.0 >= self.slots {
            return None;
        }
        let (chunk, place) = locate(row.0);
        let chunk = &*self.chunks[chunk];
        let cell = chunk.cell(place);
        let in_use = cell.marks().has(Marks::IN_USE);
        in_use.then_some(Row { chunk, place, cell })
    }

    /// Shows every row in use from this slot on, in the order of the slots, until `visit` says that
    /// it is enough. It goes page by page, so a row costs no more than a look at its cell.
    pub(super) fn each_row<'a>(
        &'a self,
        from: u32,
        mut visit: impl FnMut(RowNumber, Row<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if from >= self.slots {
            return ControlFlow::Continue(());
        }
        let (first, mut place) = locate(from);
        let numbers = (from - u32::from(place)..).step_by(CELLS);
        for (chunk, number) in self.chunks[first..].iter().zip(numbers) {
            chunk.each_row(place, |row| visit(RowNumber(number + u32::from(row.place)), row))?;
            place = 0;
        }
        ControlFlow::Continue(())
    }

    /// The chunk with this slot, and the slot's place in it, to be written: what a clone shares is
    /// copied first.
    ///
    /// # Panics
    ///
    /// When the number was never in use.
    pub(super) fn chunk_mut(&mut self, row: RowNumber) -> (&mut Chunk, u16) {
        let (chunk, place) = locate(row.0);
        (Arc::make_mut(&mut self.chunks[chunk]), place)
    }

    /// One more slot at the end.
    ///
    /// # Panics
    ///
    /// At 4,294,967,295 rows, which no memory holds.
    pub(super) fn grow(&mut self) -> RowNumber {
        let row = self.slots;
        assert_ne!(row, u32::MAX, "more rows than can be numbered");
        let (chunk, place) = locate(row);
        if chunk == self.chunks.len() {
            let stride = self.chunks.last().map_or(CELL_LEAST, |chunk| chunk.stride);
            self.chunks.push(Arc::new(Chunk::new(stride)));
        }
        Arc::make_mut(&mut self.chunks[chunk]).grow(place);
        self.slots += 1;
        RowNumber(row)
    }

    /// How many bytes the rows take.
    pub(super) fn memory(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.memory()).sum()
    }

    /// Proves that the lists of every chunk fit its cells.
    pub(super) fn check(&self) {
        for chunk in &self.chunks {
            chunk.check();
        }
    }
}

impl<'a> Row<'a> {
    pub(super) fn newest(self) -> Version<'a> {
        let (chunk, place) = (self.chunk, self.place);
        self.cell.newest(|| {
            let found = chunk.long.get(places_of(&chunk.long, place).start);
            found.map_or(&[], |(_, image)| image)
        })
    }

    /// All versions, the newest first.
    pub(super) fn versions(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        let older = if self.cell.marks().has(Marks::HAS_OLDER) {
            &self.chunk.older[places_of(&self.chunk.older, self.place)]
        } else {
            &[]
        };
        let older = older.iter().map(|(_, bytes)| Version::kept(bytes));
        std::iter::once(self.newest()).chain(older)
    }

    /// The committed versions, the newest first.
    pub(super) fn committed(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        let uncommitted = usize::from(self.cell.writer().is_some());
        self.versions().skip(uncommitted)
    }
}

impl Chunk {
    const fn new(stride: usize) -> Self {
        Self { stride, pages: Vec::new(), older: Vec::new(), long: Vec::new() }
    }

    fn cell(&self, place: u16) -> Cell<'_> {
        let place = usize::from(place);
        let begin = place % ROWS * self.stride;
        let page = &self.pages[place / ROWS];
        // Whoever writes next must know whether a clone shares the page. The count of its owners
        // is in another line of memory, which comes while this one does, if it is asked for now.
        black_box(Arc::strong_count(page));
        Cell(&page[begin..begin + self.stride])
    }

    /// Shows every row in use from this place on, until `visit` says that it is enough.
    fn each_row<'a>(
        &'a self,
        from: u16,
        mut visit: impl FnMut(Row<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (first, mut cell) = (usize::from(from) / ROWS, usize::from(from) % ROWS);
        let mut place = from;
        for page in &self.pages[first..] {
            for bytes in page[cell * self.stride..].chunks_exact(self.stride) {
                let cell = Cell(bytes);
                if cell.marks().has(Marks::IN_USE) {
                    visit(Row { chunk: self, place, cell })?;
                }
                place += 1;
            }
            cell = 0;
        }
        ControlFlow::Continue(())
    }

    /// The cell to be written.
    pub(super) fn cell_mut(&mut self, place: u16) -> CellMut<'_> {
        let place = usize::from(place);
        let begin = place % ROWS * self.stride;
        let page = Arc::make_mut(&mut self.pages[place / ROWS]);
        CellMut(&mut page[begin..begin + self.stride])
    }

    pub(super) fn row(&self, place: u16) -> Row<'_> {
        Row { chunk: self, place, cell: self.cell(place) }
    }

    /// Puts a version on top of the row's chain. `out` is working space.
    pub(super) fn push(&mut self, place: u16, version: &Version<'_>, out: &mut Vec<u8>) {
        let row = self.row(place);
        if row.cell.marks().has(Marks::IN_USE) {
            row.newest().keep(out);
            let first = places_of(&self.older, place).start;
            self.older.insert(first, (place, Arc::from(out.as_slice())));
            self.cell_mut(place).mark(Marks::HAS_OLDER, true);
        }
        self.replace(place, version);
    }

    /// Puts a version in the place of the newest one.
    pub(super) fn replace(&mut self, place: u16, version: &Version<'_>) {
        let mut cell = self.cell_mut(place);
        let was_long = cell.as_cell().marks().has(Marks::LONG);
        let fits = cell.set_version(version);
        if fits && !was_long {
            return;
        }
        let found = places_of(&self.long, place);
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

    /// Takes the newest version off the row's chain. Whether there is another one.
    pub(super) fn pop(&mut self, place: u16) -> bool {
        let found = places_of(&self.older, place);
        if found.is_empty() {
            self.long.drain(places_of(&self.long, place));
            self.cell_mut(place).set_marks(Marks::NONE);
            return false;
        }
        let last = found.len() == 1;
        let (_, bytes) = self.older.remove(found.start);
        self.replace(place, &Version::kept(&bytes));
        self.cell_mut(place).mark(Marks::HAS_OLDER, !last);
        true
    }

    /// Forgets all versions of the row but the `kept` newest ones, at least one.
    pub(super) fn cut(&mut self, place: u16, kept: usize) {
        let mut found = places_of(&self.older, place);
        found.start = found.end.min(found.start + kept - 1);
        self.older.drain(found);
        self.cell_mut(place).mark(Marks::HAS_OLDER, kept > 1);
    }

    /// Room for the cell at this place, the next one. A page has no more room than it must: it
    /// doubles until it is full.
    fn grow(&mut self, place: u16) {
        let (page, cell) = (usize::from(place) / ROWS, usize::from(place) % ROWS);
        let room = if self.pages.len() > page {
            self.pages[page].len() / self.stride
        } else {
            self.pages.push(Arc::default());
            0
        };
        if room > cell {
            return;
        }
        let room = if page > 0 { ROWS } else { (cell + 1).next_power_of_two() };
        self.pages[page] = resized(&self.pages[page], self.stride, self.stride, room);
    }

    /// Makes the cells larger when more than an eighth of the images don't fit, and this one would
    /// then.
    fn make_room(&mut self, image: usize) {
        let cells: usize = self.pages.iter().map(|page| page.len()).sum();
        let many = self.long.len() * 8 * self.stride > cells;
        let needed = (HEADER + image).next_multiple_of(8);
        if !many || needed > CELL_MOST {
            return;
        }
        let stride = needed.max(self.stride * 9 / 8).next_multiple_of(8);
        for page in &mut self.pages {
            let room = page.len() / self.stride;
            *page = resized(page, self.stride, stride, room);
        }
        self.stride = stride;
        for (place, image) in std::mem::take(&mut self.long) {
            if !self.cell_mut(place).set_image(&image) {
                self.long.push((place, image));
            }
        }
    }

    fn memory(&self) -> usize {
        let entry = size_of::<(u16, Arc<[u8]>)>();
        let counts = 2 * size_of::<usize>();
        let block = |block: &Arc<[u8]>| counts + block.len();
        let pages: usize = self.pages.iter().map(block).sum();
        let lists = self.older.iter().chain(&self.long);
        let lists: usize = lists.map(|(_, bytes)| entry + block(bytes)).sum();
        size_of::<Self>() + self.pages.capacity() * size_of::<Arc<[u8]>>() + pages + lists
    }

    fn check(&self) {
        assert!(self.older.is_sorted_by_key(|(place, _)| *place));
        assert!(self.long.is_sorted_by(|(a, _), (b, _)| a < b));
        let marked = |list: &[(u16, Arc<[u8]>)], mark| {
            let mut places = list.iter().map(|(place, _)| *place);
            assert!(places.all(|place| self.cell(place).marks().has(mark)));
        };
        marked(&self.older, Marks::HAS_OLDER);
        marked(&self.long, Marks::LONG);
        let bytes = self.pages.iter().map(|page| page.len()).sum::<usize>();
        for place in (0..).take(bytes / self.stride) {
            let marks = self.cell(place).marks();
            let older = !places_of(&self.older, place).is_empty();
            let long = !places_of(&self.long, place).is_empty();
            assert_eq!(marks.has(Marks::HAS_OLDER), older, "cell {place}");
            assert_eq!(marks.has(Marks::LONG), long, "cell {place}");
        }
    }
}

/// The same page with cells of another size, and room for so many.
fn resized(page: &[u8], from: usize, to: usize, room: usize) -> Arc<[u8]> {
    let mut larger: Arc<[u8]> = std::iter::repeat_n(0, room * to).collect();
    let cells = page.chunks_exact(from).zip(Arc::make_mut(&mut larger).chunks_exact_mut(to));
    for (old, new) in cells {
        new[..from].copy_from_slice(old);
    }
    larger
}

/// Where a list of a chunk has the entries of one cell.
fn places_of(list: &[(u16, Arc<[u8]>)], place: u16) -> Range<usize> {
    let start = list.partition_point(|(other, _)| *other < place);
    let same = list[start..].iter().take_while(|(other, _)| *other == place);
    start..start + same.count()
}

/// The chunk of a slot, and its place in the chunk.
fn locate(row: u32) -> (usize, u16) {
    let row = row as usize;
    #[allow(clippy::cast_possible_truncation, reason = "a chunk has fewer than 65,536 cells")]
    let place = (row % CELLS) as u16;
    (row / CELLS, place)
}
