//! The rows of a table by primary key: a hash table in parts that a clone shares until it writes to
//! them.
//!
//! An entry is one number: half of the id's hash above, the row's number below. The ids themselves
//! are in the rows, and only the row that is meant is looked at. A part is one block with linear
//! probing, so finding a row costs one miss of the cache here and one in the page. That is why this
//! is not a general hash table, whose control bytes, buckets and header lie in three places.
//!
//! The order inside the parts is never observed.

use std::sync::Arc;

use prefetch_index::prefetch_index;

use super::RowNumber;
use crate::words::RowId;

/// A place without an entry. No row has the number in its lower half.
const EMPTY: u64 = u64::MAX;

/// How many places a part begins with.
const PLACES_LEAST: usize = 8;

/// How many rows a part has on average when the parts are doubled.
const PART_ROWS: usize = 2_720;

/// See the module.
#[derive(Clone)]
pub(super) struct IdIndex {
    /// A power of two of them; the lowest bits of the half hash choose one.
    parts: Vec<Part>,
    rows: usize,
}

#[derive(Clone)]
struct Part {
    /// At most four fifths of them are taken, and not many fewer: the denser they are, the more of
    /// them the cache keeps. The half hash, as a fraction of its range, says where an entry would
    /// like to be; it is there or in one of the places after it, with no empty place between. The
    /// first place comes after the last one.
    places: Arc<[u64]>,
    taken: u32,
}

impl IdIndex {
    pub(super) fn new() -> Self {
        Self { parts: vec![Part::with_room(0)], rows: 0 }
    }

    pub(super) fn find(&self, id: RowId, id_of: impl Fn(u32) -> RowId) -> Option<RowNumber> {
        let hash = half_hash(id);
        let places = &self.parts[self.part(hash)].places;
        let mut at = home(hash, places.len());
        loop {
            let entry = places[at];
            if entry == EMPTY {
                return None;
            }
            if hash_of(entry) == hash && id_of(row_of(entry)) == id {
                return Some(RowNumber(row_of(entry)));
            }
            at = after(at, places.len());
        }
    }

    /// Asks the cache for the place where the search for this id begins.
    pub(super) fn expect(&self, id: RowId) {
        let hash = half_hash(id);
        let places = &self.parts[self.part(hash)].places;
        prefetch_index(places, home(hash, places.len()));
    }

    /// The row that has this id, unless the row that is told only has a like hash: good enough for
    /// a look ahead, which costs nothing but time where it is mistaken.
    pub(super) fn guess(&self, id: RowId) -> Option<RowNumber> {
        let hash = half_hash(id);
        let places = &self.parts[self.part(hash)].places;
        let (front, back) = places.split_at(home(hash, places.len()));
        let mut entries = back.iter().chain(front).take_while(|entry| **entry != EMPTY);
        entries.find(|entry| hash_of(**entry) == hash).map(|entry| RowNumber(row_of(*entry)))
    }

    /// Adds a row whose id is not in the index.
    pub(super) fn insert(&mut self, id: RowId, row: RowNumber) {
        if self.rows >= self.parts.len() * PART_ROWS {
            self.double();
        }
        let hash = half_hash(id);
        let part = self.part(hash);
        self.parts[part].insert(u64::from(hash) << 32 | u64::from(row.0));
        self.rows += 1;
    }

    pub(super) fn remove(&mut self, id: RowId, row: RowNumber) {
        let hash = half_hash(id);
        let part = self.part(hash);
        if self.parts[part].remove(u64::from(hash) << 32 | u64::from(row.0)) {
            self.rows -= 1;
        }
    }

    /// How many bytes the index takes.
    pub(super) fn memory(&self) -> usize {
        let part = |part: &Part| size_of::<Part>() + size_of_val(&*part.places);
        self.parts.iter().map(part).sum()
    }

    fn part(&self, hash: u32) -> usize {
        hash as usize & (self.parts.len() - 1)
    }

    /// Splits every part in two.
    fn double(&mut self) {
        let old = std::mem::take(&mut self.parts);
        let bit = old.len();
        self.parts = (0..bit * 2)
            .map(|number| {
                let part = &old[number & (bit - 1)];
                let mut half = Part::with_room(part.taken as usize / 2);
                for entry in part.places.iter().filter(|entry| **entry != EMPTY) {
                    if hash_of(*entry) as usize & bit == number & bit {
                        half.insert(*entry);
                    }
                }
                half
            })
            .collect();
    }
}

impl Part {
    fn with_room(rows: usize) -> Self {
        let places = (rows * 3 / 2).max(PLACES_LEAST);
        Self { places: std::iter::repeat_n(EMPTY, places).collect(), taken: 0 }
    }

    fn insert(&mut self, entry: u64) {
        if (self.taken as usize + 1) * 5 > self.places.len() * 4 {
            let mut larger = Self::with_room(self.taken as usize + 1);
            for entry in self.places.iter().filter(|entry| **entry != EMPTY) {
                larger.insert(*entry);
            }
            *self = larger;
        }
        let places = Arc::make_mut(&mut self.places);
        let mut at = home(hash_of(entry), places.len());
        while places[at] != EMPTY {
            at = after(at, places.len());
        }
        places[at] = entry;
        self.taken += 1;
    }

    /// Takes an entry out, and moves entries behind it up, so that no gap parts one of them from
    /// where it would like to be.
    fn remove(&mut self, entry: u64) -> bool {
        let places = Arc::make_mut(&mut self.places);
        let count = places.len();
        let mut gap = home(hash_of(entry), count);
        while places[gap] != entry {
            if places[gap] == EMPTY {
                return false;
            }
            gap = after(gap, count);
        }
        let mut at = gap;
        loop {
            at = after(at, count);
            if places[at] == EMPTY {
                break;
            }
            let wish = home(hash_of(places[at]), count);
            let way_from = |from: usize| if from <= at { at - from } else { at + count - from };
            if way_from(wish) >= way_from(gap) {
                places[gap] = places[at];
                gap = at;
            }
        }
        places[gap] = EMPTY;
        self.taken -= 1;
        true
    }
}

/// The place where an entry would like to be.
fn home(hash: u32, places: usize) -> usize {
    let share = u64::from(hash) * places as u64;
    hash_of(share) as usize
}

/// The next place.
const fn after(at: usize, places: usize) -> usize {
    if at + 1 == places { 0 } else { at + 1 }
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half of 64 bits")]
const fn hash_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half of 64 bits")]
const fn row_of(entry: u64) -> u32 {
    entry as u32
}

/// Spreads an id over 32 bits. Ids that count up differ in few bits, which the finalizer of
/// `SplitMix64` carries to all places.
fn half_hash(id: RowId) -> u32 {
    let (high, low) = id.0.as_u64_pair();
    let number = high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash_of(number)
}
