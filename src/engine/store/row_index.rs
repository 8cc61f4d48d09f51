//! The rows of a table by a hash, of their primary key or of an alternate key: a hash table in
//! parts that a clone shares until it writes to them.
//!
//! An entry is half a hash and the number of a row. What was hashed is in the rows, and as a rule
//! only the row that is meant is looked at. Places lie in groups of eight, each one line of the
//! cache: one half hash after the other, and then the rows'. So finding a row costs one miss of the
//! cache here and one in the page. That is why this is not a general hash table, whose control
//! bytes, buckets and header lie in three places. And since all places of a group are compared at
//! once, no branch hangs on what the cache has missed, but for the few entries that are not in
//! their first group: the processor goes on to the next read while it waits for this one.
//!
//! The order inside the parts is never observed.

use std::sync::Arc;

use prefetch_index::prefetch_index;

use super::RowNumber;

/// Stands for the row of a place without an entry. No row has this number.
const EMPTY: u32 = u32::MAX;

/// How many places a group has.
const GROUP: usize = 8;

/// How many entries a part has on average when the parts are doubled.
const PART_ENTRIES: usize = 2_720;

/// See the module.
#[derive(Clone)]
pub(super) struct RowIndex {
    /// A power of two of them; the lowest bits of the half hash choose one.
    parts: Vec<Part>,
    entries: usize,
}

#[derive(Clone)]
struct Part {
    /// At most four fifths of all places are taken, and not many fewer: the denser they are, the
    /// more of them the cache keeps. The half hash, as a fraction of its range, says in which group
    /// an entry would like to be; it is there or in one of the groups after it, and those between
    /// are full. The first group comes after the last one.
    groups: Arc<[Group]>,
    taken: u32,
}

/// Some places, of which those with an entry come first.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Group {
    hashes: [u32; GROUP],
    rows: [u32; GROUP],
}

/// Where an entry is: its group, and its place there.
type Place = (usize, usize);

impl RowIndex {
    pub(super) fn new() -> Self {
        Self { parts: vec![Part::with_room(0)], entries: 0 }
    }

    /// Asks the cache for where the search for this half hash begins.
    #[inline]
    pub(super) fn expect(&self, hash: u32) {
        let groups = &self.part(hash).groups;
        prefetch_index(groups, home(hash, groups.len()));
    }

    /// A row with this half hash that is the one that is meant.
    #[inline]
    pub(super) fn find(
        &self,
        hash: u32,
        mut is_meant: impl FnMut(RowNumber) -> bool,
    ) -> Option<RowNumber> {
        self.part(hash).visit(hash, |_, row| is_meant(row).then_some(row))
    }

    /// The first row with this half hash, in the order of their numbers, from `least` on that is
    /// one of those that are meant.
    #[inline]
    pub(super) fn find_from(
        &self,
        hash: u32,
        least: u32,
        mut is_meant: impl FnMut(RowNumber) -> bool,
    ) -> Option<RowNumber> {
        let mut found = None;
        self.part(hash).visit(hash, |_, row| {
            if row.0 >= least && found.is_none_or(|found| row < found) && is_meant(row) {
                found = Some(row);
            }
            None::<()>
        });
        found
    }

    /// Adds an entry.
    pub(super) fn insert(&mut self, hash: u32, row: RowNumber) {
        if self.entries >= self.parts.len() * PART_ENTRIES {
            self.double();
        }
        let part = self.part_number(hash);
        self.parts[part].insert(hash, row.0);
        self.entries += 1;
    }

    /// Takes an entry out, if it is there.
    pub(super) fn remove(&mut self, hash: u32, row: RowNumber) {
        let part = self.part_number(hash);
        self.entries -= usize::from(self.parts[part].remove(hash, row));
    }

    /// Every entry, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, RowNumber)> {
        let entries = self.parts.iter().flat_map(Part::all);
        entries.map(|(hash, row)| (hash, RowNumber(row)))
    }

    /// How many bytes the index takes.
    pub(super) fn memory(&self) -> usize {
        let part = |part: &Part| size_of::<Part>() + size_of_val(&*part.groups);
        self.parts.iter().map(part).sum()
    }

    fn part_number(&self, hash: u32) -> usize {
        hash as usize & (self.parts.len() - 1)
    }

    fn part(&self, hash: u32) -> &Part {
        &self.parts[self.part_number(hash)]
    }

    /// Splits every part in two.
    fn double(&mut self) {
        let old = std::mem::take(&mut self.parts);
        let bit = old.len();
        self.parts = (0..bit * 2)
            .map(|number| {
                let part = &old[number & (bit - 1)];
                let mut half = Part::with_room(part.taken as usize / 2);
                for (hash, row) in part.all() {
                    if hash as usize & bit == number & bit {
                        half.insert(hash, row);
                    }
                }
                half
            })
            .collect();
    }
}

impl Part {
    fn with_room(entries: usize) -> Self {
        let groups = (entries * 3 / 2).div_ceil(GROUP).max(1);
        Self { groups: std::iter::repeat_n(Group::EMPTY, groups).collect(), taken: 0 }
    }

    fn all(&self) -> impl Iterator<Item = (u32, u32)> {
        self.groups
            .iter()
            .flat_map(|group| group.hashes.into_iter().zip(group.rows).take(group.len()))
    }

    /// Shows the entries with this half hash, and where they are, until `visit` has what it wants.
    #[inline]
    fn visit<T>(
        &self,
        hash: u32,
        mut visit: impl FnMut(Place, RowNumber) -> Option<T>,
    ) -> Option<T> {
        let mut at = home(hash, self.groups.len());
        loop {
            let group = &self.groups[at];
            let mut matching = group.matching(hash);
            while matching != 0 {
                let place = matching.trailing_zeros() as usize;
                matching &= matching - 1;
                let row = group.rows[place];
                if row != EMPTY
                    && let Some(found) = visit((at, place), RowNumber(row))
                {
                    return Some(found);
                }
            }
            if !group.is_full() {
                return None;
            }
            at = after(at, self.groups.len());
        }
    }

    fn insert(&mut self, hash: u32, row: u32) {
        if (self.taken as usize + 1) * 5 > self.groups.len() * GROUP * 4 {
            let mut larger = Self::with_room(self.taken as usize + 1);
            for (hash, row) in self.all() {
                larger.insert(hash, row);
            }
            *self = larger;
        }
        let groups = Arc::make_mut(&mut self.groups);
        let mut at = home(hash, groups.len());
        while groups[at].is_full() {
            at = after(at, groups.len());
        }
        groups[at].push(hash, row);
        self.taken += 1;
    }

    /// Takes an entry out, and moves one from the groups behind it up wherever a full group would
    /// else part it from where it would like to be. Whether it was there.
    fn remove(&mut self, hash: u32, row: RowNumber) -> bool {
        let found = self.visit(hash, |place, other| (other == row).then_some(place));
        let Some((mut gap, place)) = found else {
            return false;
        };
        let groups = Arc::make_mut(&mut self.groups);
        let count = groups.len();
        let mut was_full = groups[gap].is_full();
        groups[gap].take(place);
        let mut at = gap;
        while was_full {
            at = after(at, count);
            let way_from = |from: usize| if from <= at { at - from } else { at + count - from };
            let came_by = |hash: &u32| way_from(home(*hash, count)) >= way_from(gap);
            let length = groups[at].len();
            was_full = length == GROUP;
            if let Some(place) = groups[at].hashes[..length].iter().position(came_by) {
                let (hash, row) = groups[at].take(place);
                groups[gap].push(hash, row);
                gap = at;
            }
        }
        self.taken -= 1;
        true
    }
}

impl Group {
    const EMPTY: Self = Self { hashes: [0; GROUP], rows: [EMPTY; GROUP] };

    fn is_full(&self) -> bool {
        self.rows[GROUP - 1] != EMPTY
    }

    fn len(&self) -> usize {
        self.rows.iter().take_while(|row| **row != EMPTY).count()
    }

    /// A bit for each place that has, or had, an entry with this half hash.
    #[inline]
    fn matching(&self, hash: u32) -> u32 {
        let same = self.hashes.iter().enumerate();
        same.fold(0, |bits, (place, other)| bits | u32::from(*other == hash) << place)
    }

    fn push(&mut self, hash: u32, row: u32) {
        let place = self.len();
        (self.hashes[place], self.rows[place]) = (hash, row);
    }

    fn take(&mut self, place: usize) -> (u32, u32) {
        let last = self.len() - 1;
        let taken = (self.hashes[place], self.rows[place]);
        (self.hashes[place], self.rows[place]) = (self.hashes[last], self.rows[last]);
        self.rows[last] = EMPTY;
        taken
    }
}

/// The group where an entry would like to be.
#[allow(clippy::cast_possible_truncation, reason = "a fraction of the number of groups")]
const fn home(hash: u32, groups: usize) -> usize {
    ((hash as u64 * groups as u64) >> 32) as usize
}

/// The next group.
const fn after(at: usize, groups: usize) -> usize {
    if at + 1 == groups { 0 } else { at + 1 }
}
