//! Going through the rows of a table, in the order of their slots.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use super::{RowImage, RowNumber, TableStore, View};

impl TableStore {
    /// Every slot that is in use, in the order of the slots.
    pub fn rows(&self) -> impl Iterator<Item = RowNumber> {
        let after = |row: &RowNumber| self.next_row(row.0.checked_add(1)?);
        std::iter::successors(self.next_row(0), after)
    }

    /// The first slot in use whose number is at least this: the next step of a scan that others
    /// may come between.
    pub fn next_row(&self, from: u32) -> Option<RowNumber> {
        let mut found = None;
        let _ = self.pages.each_row(from, |row, _| {
            found = Some(row);
            ControlFlow::Break(())
        });
        found
    }

    /// Where the next new row will go: the free slot with the lowest number, or the end.
    pub fn next_slot(&self) -> RowNumber {
        let free = self.free.peek().map(|Reverse(row)| *row);
        RowNumber(free.unwrap_or_else(|| self.pages.slots()))
    }

    /// Shows every row from this slot on, as the view has it, until `visit` says that it is enough.
    pub fn scan<'a>(
        &'a self,
        from: RowNumber,
        view: View,
        mut visit: impl FnMut(RowNumber, RowImage<'a>) -> ControlFlow<()>,
    ) {
        let _ = self.pages.each_row(from.0, |number, row| match self.seen(row, view) {
            Some(image) => visit(number, image),
            None => ControlFlow::Continue(()),
        });
    }
}
