//! A world's digest: the same for the same state, on every machine.
//!
//! Everything that decides what the world will do counts: the instant, what is due, every fiber,
//! row, lock and transaction, the state of the randomness. What only remembers how it came to
//! this, such as free slots and the log, does not.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use crate::engine::world::World;

impl World {
    /// The digest of this state: equal states have equal digests, and 128 bits make it as good as
    /// certain that different ones differ.
    pub fn digest(&self) -> u128 {
        let mut hasher = Stable(Xxh3::new());
        self.now.hash(&mut hasher);
        for entry in self.queue.in_order() {
            (entry.at, entry.due).hash(&mut hasher);
        }
        self.fibers.hash(&mut hasher);
        self.free_fibers.hash(&mut hasher);
        self.databases.hash(&mut hasher);
        self.ordered.hash(&mut hasher);
        self.runs.hash(&mut hasher);
        self.cursors.hash(&mut hasher);
        self.jobs.hash(&mut hasher);
        self.users.hash(&mut hasher);
        self.random.positions().hash(&mut hasher);
        self.numbers.hash(&mut hasher);
        self.outages.hash(&mut hasher);
        hasher.0.digest128()
    }
}

impl PartialEq for World {
    /// Two worlds are equal when their digests are.
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

/// A hasher whose result does not depend on the machine: every number goes in as little-endian
/// bytes of a fixed width.
struct Stable(Xxh3);

impl Hasher for Stable {
    fn finish(&self) -> u64 {
        self.0.digest()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.write(&[number]);
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_i8(&mut self, number: i8) {
        self.write(&number.to_le_bytes());
    }

    fn write_i16(&mut self, number: i16) {
        self.write(&number.to_le_bytes());
    }

    fn write_i32(&mut self, number: i32) {
        self.write(&number.to_le_bytes());
    }

    fn write_i64(&mut self, number: i64) {
        self.write(&number.to_le_bytes());
    }

    fn write_i128(&mut self, number: i128) {
        self.write(&number.to_le_bytes());
    }

    fn write_isize(&mut self, number: isize) {
        self.write_i64(number as i64);
    }
}
