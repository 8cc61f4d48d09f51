//! The world's randomness: one seed, forked by label, so that a draw in one place never shifts
//! the draws of another.
//!
//! ChaCha8 by name, not the `rand` crate's standard generator: that one may give other numbers in
//! the next release, and traces are kept as goldens.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use uuid::Builder;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::words::RowId;

/// What draws are for.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    ids: ChaCha8Rng,
    waits: ChaCha8Rng,
    choices: ChaCha8Rng,
}

impl Random {
    /// The randomness of a world with this seed.
    pub fn new(seed: u64) -> Self {
        let fork =
            |label: &str| ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(label.as_bytes(), seed));
        Self { ids: fork("ids"), waits: fork("waits"), choices: fork("choices") }
    }

    /// An id for a row that nobody named: a UUID of version 4, as far as its bits tell.
    pub fn id(&mut self) -> RowId {
        let mut bytes = [0; 16];
        self.ids.fill_bytes(&mut bytes);
        RowId(Builder::from_random_bytes(bytes).into_uuid())
    }

    /// A wait from half of `wait` up to all of it.
    pub fn jitter(&mut self, wait: Duration) -> Duration {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        let half = micros / 2;
        Duration::from_micros(half + below(&mut self.waits, micros - half + 1))
    }

    /// A number below `count`, which is at least 1.
    pub fn choice(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        usize::try_from(below(&mut self.choices, count)).unwrap_or(0)
    }

    /// How far each fork has been drawn: what a digest needs to know.
    pub fn positions(&self) -> [u128; 3] {
        [&self.ids, &self.waits, &self.choices].map(ChaCha8Rng::get_word_pos)
    }
}

/// Puts a list in an order that only the seed and the label decide.
pub fn shuffle<T>(seed: u64, label: &str, list: &mut [T]) {
    let mut rng = ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(label.as_bytes(), seed));
    for last in (1..list.len()).rev() {
        let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
        list.swap(last, usize::try_from(below(&mut rng, bound)).unwrap_or(0));
    }
}

/// An even draw below `bound` (at least 1), by multiplication; the bias is below 2⁻³² for every
/// bound that occurs here.
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let product = u128::from(rng.next_u64()) * u128::from(bound);
    u64::try_from(product >> 64).unwrap_or(0)
}
