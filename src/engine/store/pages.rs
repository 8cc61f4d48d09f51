//! Where a table's rows lie: in cells of equal size, and pages of cells.
//!
//! ```text
//!   page ─▶ cells   │ cell │ cell │ cell │ …       the newest version of each row, in place
//!     └───▶ long    slot 9 → image                 an image that is longer than its cell
//!
//!   cell 7 ──older──▶ cell ──older──▶ cell         what somebody can still see, newest first,
//!                                                  in pages of its own (`older`)
//! ```
//!
//! The cells of a page are one block of memory, and a cell is found by counting, so reading a row
//! costs one miss of the cache. What a page is beside its cells, and the count of those who share
//! it, lie elsewhere: so little for all pages together that the cache keeps it, and whoever writes
//! a row need not fetch the count from beside the row. A clone of a table shares its pages, and the
//! first write to a page copies it.
//!
//! The cells of a page are made larger when too many images don't fit.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::RowNumber;
use super::cell::{Cell, CellMut, Marks, Version};
use super::older::Older;
use super::page::{CELL_LEAST, Page, ROWS};
use crate::words::{RowId, TransactionId};

/// See the module. Slots are numbered through; `slots` of them were in use at some time.
#[derive(Clone)]
pub(super) struct Pages {
    pages: Vec<Arc<Page>>,
    slots: u32,
    older: Older,
}

/// A row to be read: its newest version where it lies, or one before it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    older: &'a Older,
    page: &'a Page,
    place: u16,
    pub(super) cell: Cell<'a>,
}

impl Pages {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), slots: 0, older: Older::new() }
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
    #[inline]
    pub(super) fn id(&self, row: u32) -> RowId {
        let (page, place) = locate(row);
        let cell = self.pages[page].cell(place);
        cell.expect();
        cell.id()
    }

    /// Asks the cache for a row.
    pub(super) fn expect(&self, row: RowNumber) {
        let (page, place) = locate(row.0);
        self.pages[page].cell(place).expect();
    }

    /// The row in this slot, where it is in use.
    #[inline]
    pub(super) fn row(&self, row: RowNumber) -> Option<Row<'_>> {
        if row.0 >= self.slots {
            return None;
        }
        let (page, place) = locate(row.0);
        let row = Row::new(&self.older, &self.pages[page], place);
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
        let pages = &self.pages[first..];
        let after = pages.iter().skip(1).map(|page| Some(&**page)).chain([None]);
        for ((page, next), number) in pages.iter().zip(after).zip(numbers) {
            for (place, cell) in page.cells(place, next) {
                if cell.marks().has(Marks::IN_USE) {
                    let row = Row { older: &self.older, page, place, cell };
                    visit(RowNumber(number + u32::from(place)), row)?;
                }
            }
            place = 0;
        }
        ControlFlow::Continue(())
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
            let stride = self.pages.last().map_or(CELL_LEAST, |page| page.stride());
            self.pages.push(Arc::new(Page::new(stride)));
        }
        let least = if page > 0 { ROWS } else { 0 };
        Arc::make_mut(&mut self.pages[page]).grow(place, least);
        self.slots += 1;
        RowNumber(row)
    }

    /// The cell of a row, to be written: what a clone shares is copied first.
    ///
    /// # Panics
    ///
    /// When the number was never in use.
    #[inline]
    pub(super) fn cell_mut(&mut self, row: RowNumber) -> CellMut<'_> {
        let (page, place) = locate(row.0);
        Arc::make_mut(&mut self.pages[page]).cell_mut(place)
    }

    /// Puts a version of this writer's, or a committed one, on top of the row's chain.
    pub(super) fn push(
        &mut self,
        row: RowNumber,
        version: &Version<'_>,
        writer: Option<TransactionId>,
    ) {
        let older = self.keep(row);
        let (page, place) = locate(row.0);
        Arc::make_mut(&mut self.pages[page]).put(place, version, writer, older);
    }

    /// Keeps the newest version as an older one, and tells the link to it; `None` in a free slot.
    fn keep(&mut self, row: RowNumber) -> Option<u32> {
        let (page, place) = locate(row.0);
        let page = &self.pages[page];
        let is_used = page.cell(place).marks().has(Marks::IN_USE);
        is_used.then(|| self.older.keep(page, place))
    }

    /// Puts a version in the place of the newest one, of the same writer.
    pub(super) fn replace(&mut self, row: RowNumber, version: &Version<'_>) {
        let (page, place) = locate(row.0);
        let page = Arc::make_mut(&mut self.pages[page]);
        let cell = page.cell(place);
        let (writer, older) = (cell.writer(), cell.older());
        page.put(place, version, writer, older);
    }

    /// Takes the newest version off the row's chain. Whether there is another one, which is
    /// committed.
    pub(super) fn pop(&mut self, row: RowNumber) -> bool {
        let (page, place) = locate(row.0);
        let page = Arc::make_mut(&mut self.pages[page]);
        let Some(link) = page.cell(place).older() else {
            page.clear(place);
            return false;
        };
        let (from, at) = self.older.at(link);
        page.copy(place, from, at);
        self.older.forget(link);
        true
    }

    /// Forgets all versions of the row but the `kept` newest ones, at least one.
    pub(super) fn cut(&mut self, row: RowNumber, kept: usize) {
        let mut last = self.cell_mut(row);
        let mut next = last.as_cell().older();
        for _ in 1..kept {
            let Some(link) = next else { return };
            let (page, place) = self.older.at_mut(link);
            last = page.cell_mut(place);
            next = last.as_cell().older();
        }
        last.set_older(None);
        while let Some(link) = next {
            next = self.older.before(link);
            self.older.forget(link);
        }
    }

    /// Makes the newest version of a row this transaction's own, with a new row version, and gives
    /// its image to be written, of which no index may take notice. Tells whether it was committed
    /// before, and is kept as an older one. `None` where the image does not lie in the cell, and
    /// nothing has changed.
    #[inline]
    pub(super) fn amend(
        &mut self,
        row: RowNumber,
        transaction: TransactionId,
        row_version: u64,
    ) -> Option<(bool, &mut [u8])> {
        let (page, place) = locate(row.0);
        let page = Arc::make_mut(&mut self.pages[page]);
        let cell = page.cell(place);
        if !cell.has_image() {
            return None;
        }
        let is_first = cell.writer().is_none();
        let older = is_first.then(|| self.older.keep(page, place));
        let mut cell = page.cell_mut(place);
        if is_first {
            cell.mark(Marks::SAME_ENTRIES, true);
            cell.set_writer(Some(transaction));
            cell.set_stamp(0);
            cell.set_older(older);
        }
        cell.set_row_version(row_version);
        Some((is_first, cell.into_image()))
    }

    /// Makes the newest version of a row a committed one. Whether, since `forgets` says that nobody
    /// can see what is below it, the only version below it was forgotten, of which the indexes need
    /// not know.
    #[inline]
    pub(super) fn commit(&mut self, row: RowNumber, stamp: u64, forgets: bool) -> bool {
        let (page, place) = locate(row.0);
        let mut cell = Arc::make_mut(&mut self.pages[page]).cell_mut(place);
        cell.commit(stamp);
        let committed = cell.as_cell();
        let (true, Some(link)) = (forgets && committed.has_same_entries(), committed.older())
        else {
            return false;
        };
        if self.older.before(link).is_some() {
            return false;
        }
        cell.set_older(None);
        self.older.forget(link);
        true
    }

    /// How many bytes the rows take.
    pub(super) fn memory(&self) -> usize {
        self.older.memory() + self.pages.iter().map(|page| page.memory()).sum::<usize>()
    }

    /// Proves that the pages are whole, and that every older version belongs to a row.
    pub(super) fn check(&self) {
        for page in &self.pages {
            page.check();
        }
        self.older.check();
        let mut older = 0;
        let _ = self.each_row(0, |_, row| {
            older += row.versions().skip(1).count();
            ControlFlow::Continue(())
        });
        assert_eq!(older, self.older.len(), "versions that no row has");
    }
}

impl<'a> Row<'a> {
    #[inline]
    fn new(older: &'a Older, page: &'a Page, place: u16) -> Self {
        Self { older, page, place, cell: page.cell(place) }
    }

    #[inline]
    pub(super) fn newest(self) -> Version<'a> {
        self.cell.version(|| self.page.long_image(self.place))
    }

    /// The row as it was before its newest version.
    fn before(self) -> Option<Self> {
        let (page, place) = self.older.at(self.cell.older()?);
        Some(Self::new(self.older, page, place))
    }

    /// All versions, the newest first.
    pub(super) fn versions(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        std::iter::successors(Some(self), |row| row.before()).map(Self::newest)
    }

    /// The committed versions, the newest first.
    pub(super) fn committed(self) -> impl Iterator<Item = Version<'a>> + Clone + use<'a> {
        let uncommitted = usize::from(self.cell.writer().is_some());
        self.versions().skip(uncommitted)
    }
}

/// The page of a cell, and its place in the page.
#[inline]
pub(super) const fn locate(cell: u32) -> (usize, u16) {
    let cell = cell as usize;
    #[allow(clippy::cast_possible_truncation, reason = "a page has fewer than 65,536 cells")]
    let place = (cell % ROWS) as u16;
    (cell / ROWS, place)
}
