//! What is due, and when: one queue for the whole world.
//!
//! Equal instants pop in the order in which they were scheduled, so the order of a run never
//! depends on hashing, addresses or the heap's layout. An entry whose fiber has moved on is
//! *stale*: it stays where it is until it is popped or swept out, and the sweep keeps the queue's
//! size in proportion to what is really pending.
//!
//! Most time-outs never come: their waits end long before. They are scheduled in the order in which
//! they are due, since all of a kind last as long, so they queue up in a list of their own and cost
//! the heap nothing.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::engine::database::TransactionRef;
use crate::engine::fiber::FiberId;
use crate::words::{ActorId, InstanceId, OutageId, SimInstant};

/// Something that is due at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// A fiber goes on, if it is still in this turn: its sleep is over, its lock was granted, its
    /// message arrived, or its time is up.
    Fiber {
        /// Which.
        fiber: FiberId,
        /// The turn for which this was scheduled.
        turn: u32,
    },
    /// A run of an actor begins.
    Actor(ActorId),
    /// An outage begins.
    OutageBegins(OutageId),
    /// An outage is over.
    OutageEnds(OutageId),
    /// An instance's async service looks for jobs.
    AsyncService(InstanceId),
    /// An instance's deadlock monitor searches.
    Monitor(InstanceId),
    /// The time of a transaction is up, if it is still under way.
    TransactionLimit(InstanceId, TransactionRef),
}

/// One entry of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scheduled {
    /// When it is due.
    pub at: SimInstant,
    /// The order among entries of one instant.
    pub sequence: u64,
    /// What is due.
    pub due: Due,
}

impl Ord for Scheduled {
    /// The earliest is the greatest, since the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Everything that is due, in order.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    heap: BinaryHeap<Scheduled>,
    /// Entries that were scheduled in the order in which they are due.
    timeouts: VecDeque<Scheduled>,
    next_sequence: u64,
    stale_count: usize,
}

/// Below this size a queue is not swept.
const SWEEP_LEAST: usize = 1_024;

impl Queue {
    /// Adds an entry after all others of its instant.
    pub fn schedule(&mut self, at: SimInstant, due: Due) {
        self.heap.push(Scheduled { at, sequence: self.next_sequence, due });
        self.next_sequence += 1;
    }

    /// Adds an entry that will probably be stale before it is due.
    pub fn schedule_timeout(&mut self, at: SimInstant, due: Due) {
        if self.timeouts.back().is_some_and(|last| last.at > at) {
            self.schedule(at, due);
            return;
        }
        self.timeouts.push_back(Scheduled { at, sequence: self.next_sequence, due });
        self.next_sequence += 1;
    }

    /// Takes the first entry.
    pub fn pop(&mut self) -> Option<Scheduled> {
        match (self.heap.peek(), self.timeouts.front()) {
            (Some(next), Some(timeout)) if next < timeout => self.timeouts.pop_front(),
            (None, Some(_)) => self.timeouts.pop_front(),
            _ => self.heap.pop(),
        }
    }

    /// The first entry, stale or not.
    pub fn first(&self) -> Option<&Scheduled> {
        match (self.heap.peek(), self.timeouts.front()) {
            (Some(next), Some(timeout)) if next < timeout => Some(timeout),
            (None, timeout) => timeout,
            (next, _) => next,
        }
    }

    /// When the first entry is due, stale or not.
    pub fn next_at(&self) -> Option<SimInstant> {
        let timeout = self.timeouts.front().map(|entry| entry.at);
        self.heap.peek().map(|entry| entry.at).into_iter().chain(timeout).min()
    }

    /// Takes every entry that is due at the same instant as the first, in order.
    pub fn pop_ties(&mut self) -> Vec<Scheduled> {
        let mut ties: Vec<Scheduled> = Vec::new();
        while let Some(next) = self.pop() {
            if ties.first().is_some_and(|first| first.at != next.at) {
                self.put_back(next);
                break;
            }
            ties.push(next);
        }
        ties
    }

    /// Puts an entry back as it was.
    pub fn put_back(&mut self, entry: Scheduled) {
        self.heap.push(entry);
    }

    /// Notes that one more entry has become stale, and sweeps when most of them are.
    pub fn note_stale(&mut self, is_stale: impl Fn(&Due) -> bool) {
        self.stale_count += 1;
        let size = self.heap.len() + self.timeouts.len();
        if size >= SWEEP_LEAST && self.stale_count * 2 > size {
            self.sweep(is_stale);
        }
    }

    /// Drops every stale entry.
    pub fn sweep(&mut self, is_stale: impl Fn(&Due) -> bool) {
        self.heap.retain(|entry| !is_stale(&entry.due));
        self.timeouts.retain(|entry| !is_stale(&entry.due));
        self.stale_count = 0;
    }

    /// Notes that a stale entry was popped.
    pub fn forget_stale(&mut self) {
        self.stale_count = self.stale_count.saturating_sub(1);
    }

    /// The entries in the order in which they will pop.
    pub fn in_order(&self) -> Vec<Scheduled> {
        let mut entries: Vec<_> = self.heap.iter().chain(&self.timeouts).copied().collect();
        entries.sort_unstable_by_key(|entry| (entry.at, entry.sequence));
        entries
    }
}
