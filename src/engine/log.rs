//! Where the engine writes what happened.

use crate::trace::{Entry, Event};
use crate::words::SimInstant;

/// The events of a world that nobody has taken yet. Switched off it keeps nothing, and the
/// closures that would build the events never run.
#[derive(Clone, Debug, Default)]
pub struct Log {
    on: bool,
    next_sequence: u32,
    entries: Vec<Entry>,
}

impl Log {
    /// A log that keeps events, or none.
    pub const fn new(on: bool) -> Self {
        Self { on, next_sequence: 0, entries: Vec::new() }
    }

    /// Whether events are kept.
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Adds an event.
    #[inline]
    pub fn emit(&mut self, at: SimInstant, event: impl FnOnce() -> Event) {
        if self.on {
            self.entries.push(Entry { at, sequence: self.next_sequence, event: event() });
            self.next_sequence = self.next_sequence.wrapping_add(1);
        }
    }

    /// Takes the events that were added since the last time.
    pub fn take(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }
}
