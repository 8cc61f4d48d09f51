//! Where a table's rows lie: in cells of equal size, and pages of cells.
//!
//! ```text
//!   page ─▶ cells   │ cell │ cell │ cell │ …       the newest version of each row, in place
//!     ├───▶ older   slot 7 → version, version      what somebody can still see, newest first
//!     └───▶ long    slot 9 → image                 an image that is longer than its cell
//! ```
//!
//! The cells of a page are one block of memory, and a cell is found by counting, so reading a row
//! costs one miss of the cache. What a page is beside its cells, and the count of those who share
//! it, lie elsewhere: so little for all pages together that the cache keeps it, and whoever writes
//! a row need not fetch the count from beside the row. A clone of a table shares its pages, and the
//! first write to a page copies it.
//!
//! The cells of a page are made larger when too many images don't fit.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::RowNumber;
use super::cell::{Cell, CellMut, HEADER, Marks, Version};
use crate::words::{RowId, TransactionId};

/// How many cells a page has room for. With more, a first write after a clone copies more; with
/// fewer, a clone has more pages to count.
const ROWS: usize = 256;

/// The cells of the first page, before anything is in them.
const CELL_LEAST: usize = HEADER.next_multiple_of(8);

/// The largest cell. A longer image lies elsewhere, and costs one more miss of the cache.
const CELL_MOST: usize = 1_024;

/// See the module. Slots are numbered through; `slots` of them were in use at some time.
#[derive(Clone)]
pub(super) struct Pages {
    pages: Vec<Arc<Page>>,
    slots: u32,
}

/// A part of the table. Both lists are in the order of the cells.
#[derive(Clone)]
pub(super) struct Page {
    /// How many bytes a cell takes.
    stride: usize,
    /// The cells, of as many as there is room for by now.
    cells: Vec<u8>,
    older: Vec<Older>,
    long: Vec<(u16, Arc<[u8]>)>,
}

/// A version that is no more the newest.
#[derive(Clone)]
struct Older {
    place: u16,
    same_entries: bool,
    row_version: u64,
    stamp: u64,
    image: Option<Arc<[u8]>>,
}

impl Older {
    fn version(&self) -> Version<'_> {
        Version {
            row_version: self.row_version,
            stamp: self.stamp,
            same_entries: self.same_entries,
            image: self.image.as_deref(),
        }
    }
}

/// A row to be read.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    page: &'a Page,
    place: u16,
    pub(super) cell: Cell<'a>,
}

impl Pages {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), slots: 0 }
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
        let (page, place) = locate(row);
        let cell = self.pages[page].cell(place);
        cell.fetch();
        cell.id()
    }

    /// The row in this slot, where it is in use.
    pub(super) fn row(&self, row: RowNumber) -> Option<Row<'_>> {
        if row.0 >= self.slots {
            return None;
        }
        let (page, place) = locate(row.0);
        let row = self.pages[page].row(place);
        row.cell.fetch();
        row.cell.marks().has(Marks::IN_USE).then_some(row)
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
        let numbers = (from - u32::from(place)..).step_by(ROWS);
        for (page, number) in self.pages[first..].iter().zip(numbers) {
            page.each_row(place, |row| visit(RowNumber(number + u32::from(row.place)), row))?;
            place = 0;
        }
        ControlFlow::Continue(())
    }

    /// The page with this slot, and the slot's place in it, to be written: what a clone shares is
    /// copied first.
    ///
    /// # Panics
    ///
    /// When the number was never in use.
    pub(super) fn page_mut(&mut self, row: RowNumber) -> (&mut Page, u16) {
        let (page, place) = locate(row.0);
        (Arc::make_mut(&mut self.pages[page]), place)
    }

    /// One more slot at the end.
    ///
    /// # Panics
    ///
    /// At 4,294,967,295 rows, which no memory holds.
    pub(super) fn grow(&mut self) -> RowNumber {
        let row = self.slots;
        assert_ne!(row, u32::MAX, "more rows than can be numbered");
        let (page, place) = locate(row);
        if page == self.pages.len() {
            let stride = self.pages.last().map_or(CELL_LEAST, |page| page.stride);
            self.pages.push(Arc::new(Page::new(stride)));
        }
        let least = if page > 0 { ROWS } else { 0 };
        Arc::make_mut(&mut self.pages[page]).grow(place, least);
        self.slots += 1;
        RowNumber(row)
    }

    /// How many bytes the rows take.
    pub(super) fn memory(&self) -> usize {
        self.pages.iter().map(|page| page.memory()).sum()
    }

    /// Proves that the lists of every page fit its cells.
    pub(super) fn check(&self) {
        for page in &self.pages {
            page.check();
        }
    }
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn newest(self) -> Version<'a> {
        let (page, place) = (self.page, self.place);
        self.cell.newest(|| {
            let found = page.long.get(page.long_places(place).start);
            found.map_or(&[], |(_, image)| image)
        })
    }

    /// All versions, the newest first.
    pub(super) fn versions(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        let older = if self.cell.marks().has(Marks::HAS_OLDER) {
            &self.page.older[self.page.older_places(self.place)]
        } else {
            &[]
        };
        std::iter::once(self.newest()).chain(older.iter().map(Older::version))
    }

    /// The committed versions, the newest first.
    pub(super) fn committed(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        let uncommitted = usize::from(self.cell.writer().is_some());
        self.versions().skip(uncommitted)
    }
}

impl Page {
    const fn new(stride: usize) -> Self {
        Self { stride, cells: Vec::new(), older: Vec::new(), long: Vec::new() }
    }

    fn cell(&self, place: u16) -> Cell<'_> {
        Cell(&self.cells[self.bytes_of(place)])
    }

    /// The cell to be written.
    pub(super) fn cell_mut(&mut self, place: u16) -> CellMut<'_> {
        let bytes = self.bytes_of(place);
        CellMut(&mut self.cells[bytes])
    }

    fn bytes_of(&self, place: u16) -> Range<usize> {
        let begin = usize::from(place) * self.stride;
        begin..begin + self.stride
    }

    /// Shows every row in use from this place on, until `visit` says that it is enough.
    fn each_row<'a>(
        &'a self,
        from: u16,
        mut visit: impl FnMut(Row<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let cells = &self.cells[usize::from(from) * self.stride..];
        for (bytes, place) in cells.chunks_exact(self.stride).zip(from..) {
            let cell = Cell(bytes);
            if cell.marks().has(Marks::IN_USE) {
                visit(Row { page: self, place, cell })?;
            }
        }
        ControlFlow::Continue(())
    }

    pub(super) fn row(&self, place: u16) -> Row<'_> {
        Row { page: self, place, cell: self.cell(place) }
    }

    /// Puts a version of this writer's, or a committed one, on top of the row's chain.
    pub(super) fn push(
        &mut self,
        place: u16,
        version: &Version<'_>,
        writer: Option<TransactionId>,
    ) {
        let row = self.row(place);
        let is_first = !row.cell.marks().has(Marks::IN_USE);
        if !is_first {
            let Version { row_version, stamp, same_entries, image } = row.newest();
            let image = image.map(Arc::from);
            let older = Older { place, same_entries, row_version, stamp, image };
            let first = self.older_places(place).start;
            self.older.insert(first, older);
        }
        self.put(place, version, writer, !is_first);
    }

    /// Puts a version in the place of the newest one, of the same writer.
    pub(super) fn replace(&mut self, place: u16, version: &Version<'_>) {
        let cell = self.cell(place);
        let (writer, marks) = (cell.writer(), cell.marks());
        self.put(place, version, writer, marks.has(Marks::HAS_OLDER));
    }

    fn put(
        &mut self,
        place: u16,
        version: &Version<'_>,
        writer: Option<TransactionId>,
        has_older: bool,
    ) {
        let mut cell = self.cell_mut(place);
        let was_long = cell.as_cell().marks().has(Marks::LONG);
        let fits = cell.put(version, writer, has_older);
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

    /// Takes the newest version off the row's chain. Whether there is another one, which is
    /// committed.
    pub(super) fn pop(&mut self, place: u16) -> bool {
        let found = self.older_places(place);
        if found.is_empty() {
            self.long.drain(self.long_places(place));
            self.cell_mut(place).set_marks(Marks::NONE);
            return false;
        }
        let older = self.older.remove(found.start);
        self.put(place, &older.version(), None, found.len() > 1);
        true
    }

    /// Forgets all versions of the row but the `kept` newest ones, at least one.
    pub(super) fn cut(&mut self, place: u16, kept: usize) {
        let mut found = self.older_places(place);
        found.start = found.end.min(found.start + kept - 1);
        self.older.drain(found);
        self.cell_mut(place).mark(Marks::HAS_OLDER, kept > 1);
    }

    fn older_places(&self, place: u16) -> Range<usize> {
        places_of(&self.older, |older| older.place, place)
    }

    fn long_places(&self, place: u16) -> Range<usize> {
        places_of(&self.long, |(place, _)| *place, place)
    }

    /// Room for the cell at this place, the next one, and for `least` cells. The first page of a
    /// table has no more room than it must: it doubles until it is full.
    fn grow(&mut self, place: u16, least: usize) {
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
        let many = self.long.len() * 8 * self.stride > self.cells.len();
        let needed = (HEADER + image).next_multiple_of(8);
        if !many || needed > CELL_MOST {
            return;
        }
        let stride = needed.max(self.stride * 9 / 8).next_multiple_of(8);
        let mut cells = vec![0; self.cells.len() / self.stride * stride];
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

    fn memory(&self) -> usize {
        let counts = 2 * size_of::<usize>();
        let long = self.long.iter().map(|(_, image)| image);
        let images: usize = self
            .older
            .iter()
            .filter_map(|older| older.image.as_ref())
            .chain(long)
            .map(|image| counts + image.len())
            .sum();
        let lists = self.older.capacity() * size_of::<Older>()
            + self.long.capacity() * size_of::<(u16, Arc<[u8]>)>();
        let itself = size_of::<Arc<Self>>() + counts + size_of::<Self>();
        itself + self.cells.capacity() + lists + images
    }

    fn check(&self) {
        assert!(self.older.is_sorted_by_key(|older| older.place));
        assert!(self.long.is_sorted_by(|(a, _), (b, _)| a < b));
        for place in (0..).take(self.cells.len() / self.stride) {
            let marks = self.cell(place).marks();
            let older = !self.older_places(place).is_empty();
            let long = !self.long_places(place).is_empty();
            assert_eq!(marks.has(Marks::HAS_OLDER), older, "cell {place}");
            assert_eq!(marks.has(Marks::LONG), long, "cell {place}");
        }
    }
}

/// Where a sorted list of a page has what belongs to one cell.
fn places_of<T>(list: &[T], of: impl Fn(&T) -> u16, place: u16) -> Range<usize> {
    let start = list.partition_point(|other| of(other) < place);
    let same = list[start..].iter().take_while(|other| of(other) == place);
    start..start + same.count()
}

/// The page of a slot, and its place in the page.
fn locate(row: u32) -> (usize, u16) {
    let row = row as usize;
    #[allow(clippy::cast_possible_truncation, reason = "a page has fewer than 65,536 cells")]
    let place = (row % ROWS) as u16;
    (row / ROWS, place)
}
