//! The search for a cycle of waits.

use super::mode::conflicts;
use super::queue::{NONE, Place};
use super::{LockTable, Owner, Resource};
use crate::words::LockMode;

/// One edge of a cycle of waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Edge {
    /// Who waits.
    pub waiter: Owner,
    /// For what; the waiter of the next edge holds it, or waits for it ahead.
    pub resource: Resource,
    /// In which mode it will hold it.
    pub mode: LockMode,
}

/// What a search has found so far: the waits that it came to, each with the place of the one by
/// which it came, in the order in which they are looked at.
#[derive(Default)]
struct Search {
    reached: Vec<(u32, u32)>,
    /// The owners of these waits and of those that were passed by, one bit each.
    seen: Vec<u64>,
}

/// How many waits a search has room for at first.
const ROOM: usize = 16;

impl Search {
    /// Notes that the search has come to this owner. Whether it is the first time.
    fn mark(&mut self, owner: Owner, owners: usize) -> bool {
        if self.seen.is_empty() {
            self.seen.resize(owners.div_ceil(64), 0);
            self.reached.reserve(ROOM);
        }
        let (word, bit) = (owner.0 as usize / 64, 1 << (owner.0 % 64));
        let first = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        first
    }
}

impl LockTable {
    /// The shortest cycle of waits through `from`, in the order waiter, who it waits for, and so
    /// on; the last waits for the first. `None` when there is none. Of several shortest ones it is
    /// the one that grant order and queue order come to first.
    ///
    /// The search goes breadth first over the waiters, each once, without recursion. A waiter that
    /// another one waits for *in the same queue*, and that excludes no more than that one does, is
    /// passed by: it waits for nobody for whom that one does not wait too. So a long queue of
    /// writers costs one walk along it and not one for each of them.
    pub fn cycle(&self, from: Owner) -> Option<Vec<Edge>> {
        let first = self.pending_request(from)?;
        let mut search = Search::default();
        let (mut pending, mut place) = (first, NONE);
        while !self.expand(pending, from, place, &mut search) {
            place = place.wrapping_add(1);
            pending = search.reached.get(place as usize)?.0;
        }
        let mut cycle = Vec::new();
        while let Some(&(pending, before)) = search.reached.get(place as usize) {
            cycle.push(self.edge(pending));
            place = before;
        }
        cycle.push(self.edge(first));
        cycle.reverse();
        Some(cycle)
    }

    /// Adds whom a pending request waits for and who waits himself. Whether `from` is among them.
    fn expand(&self, pending: u32, from: Owner, place: u32, search: &mut Search) -> bool {
        let against = conflicts(self.requests[pending].mode);
        let mut found = false;
        self.each_blocker(pending, |blocker| {
            found = blocker.owner == from;
            if !found
                && let Some(next) = self.pending_request(blocker.owner)
                && search.mark(blocker.owner, self.owners.len())
            {
                let passed_by =
                    blocker.place != Place::Granted && conflicts(blocker.mode).is_within(against);
                if !passed_by {
                    search.reached.push((next, place));
                }
            }
            !found
        });
        found
    }

    fn edge(&self, pending: u32) -> Edge {
        let request = &self.requests[pending];
        Edge {
            waiter: request.owner,
            resource: self.heads[request.head].resource,
            mode: request.mode,
        }
    }
}
