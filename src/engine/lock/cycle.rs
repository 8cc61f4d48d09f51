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

/// What a search has found so far: the waiters that it came to, each with the one by which it came,
/// in the order in which they are visited.
struct Search {
    reached: Vec<(Owner, u32)>,
    seen: Vec<u64>,
}

impl Search {
    /// Notes that the search has come to this owner. Whether it is the first time.
    fn mark(&mut self, owner: Owner, owners: usize) -> bool {
        if self.seen.is_empty() {
            self.seen.resize(owners.div_ceil(64), 0);
        }
        let (word, bit) = (owner.0 as usize / 64, 1 << (owner.0 % 64));
        let first = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        first
    }

    /// The owners on the way from the beginning to the waiter at this place, in that order.
    fn way_to(&self, place: u32) -> Vec<Owner> {
        let mut way = Vec::new();
        let mut at = place;
        while let Some(&(owner, from)) = self.reached.get(at as usize) {
            way.push(owner);
            at = from;
        }
        way.reverse();
        way
    }
}

impl LockTable {
    /// The shortest cycle of waits through `from`, in the order waiter, who it waits for, and so on;
    /// the last waits for the first. `None` when there is none. Of several shortest ones it is the
    /// one that grant order and queue order come to first.
    ///
    /// The search goes breadth first over the waiters, each once, without recursion. A waiter that
    /// another one waits for *in the same queue*, and that excludes no more than that one does, is
    /// passed by: it waits for nobody for whom that one does not wait too. So a long queue of
    /// writers costs one walk along it and not one for each of them.
    pub fn cycle(&self, from: Owner) -> Option<Vec<Edge>> {
        let mut pending = self.pending_request(from)?;
        let mut search = Search { reached: Vec::new(), seen: Vec::new() };
        let mut place = NONE;
        loop {
            if self.expand(pending, from, place, &mut search) {
                let way = std::iter::once(from).chain(search.way_to(place));
                return Some(way.filter_map(|waiter| self.edge(waiter)).collect());
            }
            place = place.wrapping_add(1);
            let &(waiter, _) = search.reached.get(place as usize)?;
            pending = self.pending_request(waiter)?;
        }
    }

    /// Adds whom a pending request waits for and who waits himself. Whether `from` is among them.
    fn expand(&self, pending: u32, from: Owner, place: u32, search: &mut Search) -> bool {
        let asked = self.requests[pending];
        let mut found = false;
        self.each_blocker(pending, |blocker| {
            if blocker.owner == from {
                found = true;
                return false;
            }
            if self.pending_request(blocker.owner).is_some()
                && search.mark(blocker.owner, self.owners.len())
            {
                let passed_by = blocker.place != Place::Granted
                    && conflicts(blocker.mode).is_within(conflicts(asked.mode));
                if !passed_by {
                    search.reached.push((blocker.owner, place));
                }
            }
            true
        });
        found
    }

    fn edge(&self, waiter: Owner) -> Option<Edge> {
        let (resource, mode) = self.waiting(waiter)?;
        Some(Edge { waiter, resource, mode })
    }
}
