//! The parts of which a lock table is built: requests in doubly linked lists, and the heads that
//! the lists hang from. Links are positions in two slabs, so that a table is a handful of arrays,
//! whatever is locked in it.

use super::mode::{MODES, ModeSet};
use super::{Owner, Resource};
use crate::words::LockMode;

/// The link that leads nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// Things that are numbered while they last. The number that was given back last is used first,
/// since its memory is still near.
#[derive(Clone)]
pub(super) struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }

    /// Stores `item` and tells its number.
    ///
    /// # Panics
    ///
    /// With 4,294,967,295 things at once, which no memory holds.
    pub(super) fn add(&mut self, item: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.items[number as usize] = item;
            return number;
        }
        let number = u32::try_from(self.items.len()).unwrap_or(NONE);
        assert_ne!(number, NONE, "more locks than can be numbered");
        self.items.push(item);
        number
    }

    /// The number of a thing that was given back, for who can use the thing as it was left.
    pub(super) fn reuse(&mut self) -> Option<u32> {
        self.free.pop()
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.free.push(number);
    }

    /// How many things there are now.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, number: u32) -> &T {
        &self.items[number as usize]
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.items[number as usize]
    }
}

/// Which of a head's three lists a request is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is held.
    Granted,
    /// Its owner holds the resource already and waits for a stronger mode.
    Converting,
    /// Its owner waits for its first lock on the resource.
    Waiting,
}

/// One owner's lock on one resource, or its wait for one. An owner that waits for a conversion
/// has two requests on the resource: the one that it holds and the one that it waits for.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) owner: Owner,
    pub(super) head: u32,
    pub(super) mode: LockMode,
    pub(super) place: Place,
    /// The neighbours in the head's list.
    pub(super) before: u32,
    pub(super) after: u32,
    /// The neighbours in the chain of what the owner holds; only of a granted request.
    pub(super) older: u32,
    pub(super) newer: u32,
}

/// The ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Ends {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    pub(super) const fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// How many requests there are in each mode, and which modes occur at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    modes: ModeSet,
    counts: [u32; MODES],
}

impl Tally {
    pub(super) const EMPTY: Self = Self { modes: ModeSet::EMPTY, counts: [0; MODES] };

    pub(super) const fn modes(&self) -> ModeSet {
        self.modes
    }

    /// The modes that would be left without one request of this mode.
    pub(super) const fn modes_without_one(&self, mode: LockMode) -> ModeSet {
        if self.counts[mode as usize] == 1 { self.modes.without(mode) } else { self.modes }
    }

    pub(super) const fn add(&mut self, mode: LockMode) {
        self.counts[mode as usize] += 1;
        self.modes = self.modes.with(mode);
    }

    pub(super) const fn subtract(&mut self, mode: LockMode) {
        self.modes = self.modes_without_one(mode);
        self.counts[mode as usize] -= 1;
    }
}

/// A resource that somebody holds or waits for.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) resource: Resource,
    pub(super) granted: Ends,
    pub(super) converting: Ends,
    pub(super) waiting: Ends,
    /// The modes of the granted requests.
    pub(super) held: Tally,
    /// The modes of the requests that wait, conversions too.
    pub(super) pending: Tally,
}

impl Head {
    pub(super) const fn new(resource: Resource) -> Self {
        Self {
            resource,
            granted: Ends::EMPTY,
            converting: Ends::EMPTY,
            waiting: Ends::EMPTY,
            held: Tally::EMPTY,
            pending: Tally::EMPTY,
        }
    }

    pub(super) const fn ends(&mut self, place: Place) -> &mut Ends {
        match place {
            Place::Granted => &mut self.granted,
            Place::Converting => &mut self.converting,
            Place::Waiting => &mut self.waiting,
        }
    }

    pub(super) const fn tally(&mut self, place: Place) -> &mut Tally {
        match place {
            Place::Granted => &mut self.held,
            Place::Converting | Place::Waiting => &mut self.pending,
        }
    }

    pub(super) const fn has_pending(&self) -> bool {
        !self.converting.is_empty() || !self.waiting.is_empty()
    }
}

/// What one owner has.
#[derive(Clone, Copy)]
pub(super) struct Holdings {
    /// The chain of what it holds, in the order in which it was granted.
    pub(super) chain: Ends,
    /// How long the chain is.
    pub(super) held: u32,
    /// The request that it waits for.
    pub(super) pending: u32,
}

impl Holdings {
    pub(super) const NOTHING: Self = Self { chain: Ends::EMPTY, held: 0, pending: NONE };
}
