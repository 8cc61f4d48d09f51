//! The versions that are no more the newest of their row: cells like those of the rows, in pages of
//! their own.
//!
//! A first write to a row copies the row's cell here as it stands, and leaves a link to the copy in
//! the row's own cell; the copy has the link to the version before it. So a rollback copies the
//! cell back, and a commit, after which nobody can see the copy, only notes that its place is free.
//! The place that was given back last is used first, so as long as versions come and go they stay
//! in the same few lines of the cache, and nothing is allocated.

use std::sync::Arc;

use super::cell::Marks;
use super::page::{Page, ROWS};
use super::pages::locate;

/// See the module.
#[derive(Clone)]
pub(super) struct Older {
    pages: Vec<Arc<Page>>,
    /// How many places were in use at some time.
    used: u32,
    /// Those of them that are free now.
    free: Vec<u32>,
}

impl Older {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), used: 0, free: Vec::new() }
    }

    /// How many versions there are.
    pub(super) fn len(&self) -> usize {
        self.used as usize - self.free.len()
    }

    /// The page in which a version lies, and its place there.
    #[inline]
    pub(super) fn at(&self, link: u32) -> (&Page, u16) {
        let (page, place) = locate(link);
        (&self.pages[page], place)
    }

    /// The same, to be written.
    pub(super) fn at_mut(&mut self, link: u32) -> (&mut Page, u16) {
        let (page, place) = locate(link);
        (Arc::make_mut(&mut self.pages[page]), place)
    }

    /// The link to the version before this one.
    #[inline]
    pub(super) fn before(&self, link: u32) -> Option<u32> {
        let (page, place) = self.at(link);
        page.cell(place).older()
    }

    /// Keeps a copy of a cell, and tells the link to it.
    ///
    /// # Panics
    ///
    /// With 4,294,967,295 versions, which no memory holds.
    pub(super) fn keep(&mut self, from: &Page, cell: u16) -> u32 {
        let link = match self.free.pop() {
            Some(link) => link,
            None => self.grow(from.stride()),
        };
        let (page, place) = self.at_mut(link);
        page.copy(place, from, cell);
        link
    }

    fn grow(&mut self, stride: usize) -> u32 {
        let link = self.used;
        assert_ne!(link, u32::MAX, "more versions than can be numbered");
        let (page, place) = locate(link);
        if page == self.pages.len() {
            self.pages.push(Arc::new(Page::new(stride)));
        }
        let least = if page > 0 { ROWS } else { 0 };
        Arc::make_mut(&mut self.pages[page]).grow(place, least);
        self.used += 1;
        link
    }

    /// Forgets a version.
    #[inline]
    pub(super) fn forget(&mut self, link: u32) {
        let (page, place) = self.at(link);
        if page.cell(place).marks().has(Marks::LONG) {
            let (page, place) = self.at_mut(link);
            page.clear(place);
        }
        self.free.push(link);
    }

    /// How many bytes the versions take.
    pub(super) fn memory(&self) -> usize {
        let pages: usize = self.pages.iter().map(|page| page.memory()).sum();
        pages + self.free.capacity() * size_of::<u32>()
    }

    /// Proves that the pages are whole.
    pub(super) fn check(&self) {
        for page in &self.pages {
            page.check();
        }
    }
}
