//! Who decides what comes first when several things are due at one instant.

use crate::engine::queue::Scheduled;

/// Decides between transitions that are enabled at the same instant. The choices that it made
/// are the *schedule*: plan, seed and schedule together give a run, byte for byte.
pub trait Chooser {
    /// Picks one of `enabled`, by position. There is at least one; a position beyond the end
    /// means the last.
    fn choose(&mut self, enabled: &[Scheduled]) -> usize;

    /// Whether it always picks the first, so that the list need not be made.
    fn takes_the_first(&self) -> bool {
        false
    }
}

/// Takes things in the order in which they were scheduled: the order of a plain run.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

impl Chooser for InOrder {
    fn choose(&mut self, _enabled: &[Scheduled]) -> usize {
        0
    }

    fn takes_the_first(&self) -> bool {
        true
    }
}

/// Makes given choices, one for each instant at which more than one thing is due, then takes
/// things in order. Records every choice that was open.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    given: Vec<u32>,
    made: Vec<u32>,
}

impl Recorded {
    /// A chooser that makes these choices first.
    pub const fn new(given: Vec<u32>) -> Self {
        Self { given, made: Vec::new() }
    }

    /// The choices that were made: a schedule that gives the same run again.
    pub fn made(&self) -> &[u32] {
        &self.made
    }
}

impl Chooser for Recorded {
    fn choose(&mut self, enabled: &[Scheduled]) -> usize {
        if enabled.len() < 2 {
            return 0;
        }
        let wanted = self.given.get(self.made.len()).copied().unwrap_or(0);
        let last = u32::try_from(enabled.len() - 1).unwrap_or(u32::MAX);
        let choice = wanted.min(last);
        self.made.push(choice);
        choice as usize
    }
}
