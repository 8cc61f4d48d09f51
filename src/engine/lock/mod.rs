//! The lock table of one instance: who holds what, who waits for whom, and who is next.
//!
//! It decides and nothing else. It reads no clock, wakes nobody and writes no trace: every answer
//! is a value, and the caller acts on it. A request is answered at once with [`Decision::Held`],
//! [`Decision::Granted`] or [`Decision::Queued`]; whoever is granted later comes back in the list
//! `granted` of the call that made room.
//!
//! # The picture
//!
//! Only what is locked *now* is in the table, so its size follows the transactions and not the
//! rows.
//!
//! ```text
//!   index                head of a resource
//!   (resource ──▶ head)  ┌──────────────────────────────────────────────┐
//!                        │ granted     owner 1 S ⇄ owner 4 S ⇄ owner 2 U │  in grant order
//!                        │ converting  owner 4 X                         │  in order of arrival
//!                        │ waiting     owner 7 S ⇄ owner 3 X             │  in order of arrival
//!                        │ tallies     held {S: 2, U: 1}  pending {X: 2, S: 1}
//!                        └──────────────────────────────────────────────┘
//!   owner 4:  holds row 9 X ─▶ this row S ─▶ …  (oldest first);  waits for this row in X
//! ```
//!
//! # The rules
//!
//! 1. *Compatibility* and the mode that two modes make: see [`is_compatible`], [`combine`].
//! 2. *A new request* is granted when it is compatible with what others hold **and** with what
//!    others wait for. So nobody is overtaken by a request that stands in his way, and a reader
//!    queues behind a waiting writer. A request that stands in nobody's way does overtake:
//!    the queue is a relaxed FIFO.
//! 3. *A conversion* (its owner holds the resource in a weaker mode) is granted when it is
//!    compatible with what others *hold*. It overtakes all who wait.
//! 4. *When something is released or withdrawn*, the conversions are tried first, then those who
//!    wait in the order of their arrival, each against what is held and what still waits ahead.
//!    Whoever can be granted is granted at once, so nobody waits without somebody to wait for.
//! 5. *A waits-for edge* goes from a waiter to each owner who holds the resource in a mode that
//!    conflicts, and to each who waits ahead of it in a mode that conflicts. [`LockTable::cycle`]
//!    searches exactly these edges. Only a request that queues can close a cycle, so it is enough
//!    to ask after each [`Decision::Queued`].
//!
//! Source: B. Ward, "How It Works: lock fairness" (CSS SQL Server Engineers, 2009), for rules 2
//! and 3; Hermitage, `G2-two-edges` at serializable, for the edge to a pending conversion. Assumed:
//! the order among conversions, which no document states, is that of their arrival.
//!
//! # Where it differs from the real product
//!
//! There are no page locks and no lock partitions; there is no memory limit. Lock escalation is the
//! caller's decision, who can request a lock on the table and release its parts
//! ([`LockTable::release_table_parts`]). A key-range lock
//! "for an instant" is a request that the caller releases as soon as it is granted.

mod cycle;
mod invariants;
mod lists;
mod mode;
mod queue;
mod resource;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

pub use cycle::Edge;
pub use mode::{combine, is_compatible};
pub use resource::Resource;

use self::mode::conflicts;
use self::queue::{Head, Holdings, NONE, Place, Request, Slab};
use self::resource::{digest, mix};
use crate::words::{LockMode, TableId};

/// Who holds and waits: the slot of a transaction in its instance. A slot may be used again after
/// [`LockTable::release_all`].
///
/// Slots are small numbers that are given out again as soon as they are free: the table keeps a
/// few bytes for each slot below the largest one that it has seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner(pub u32);

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The owner held it already, in a mode at least as strong. Nothing has changed.
    Held,
    /// It is held now, in the mode that [`LockTable::mode_of`] tells.
    Granted,
    /// The owner waits.
    Queued,
}

/// Why an owner waits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Blockers {
    /// Who holds it in a mode that conflicts, in grant order.
    pub holders: Vec<Owner>,
    /// Who waits for it ahead, in a mode that conflicts, in the order of the queue. Empty for a
    /// conversion, which overtakes all who wait.
    pub ahead: Vec<Owner>,
}

/// All locks of one instance, and all waits for one.
///
/// Two tables in which the same owners hold and wait for the same, in the same order, have the same
/// [`Hash`], whatever went before, and on every machine.
#[derive(Clone)]
pub struct LockTable {
    index: HashTable<u32>,
    heads: Slab<Head>,
    requests: Slab<Request>,
    owners: Vec<Holdings>,
}

impl Default for LockTable {
    fn default() -> Self {
        Self::new()
    }
}

impl LockTable {
    /// A table in which nothing is locked.
    pub const fn new() -> Self {
        Self {
            index: HashTable::new(),
            heads: Slab::new(),
            requests: Slab::new(),
            owners: Vec::new(),
        }
    }

    /// Asks for a lock. One that the owner has already is made stronger where need be
    /// ([`combine`]).
    ///
    /// # Panics
    ///
    /// When the owner waits already: whoever waits can't ask for more.
    pub fn request(&mut self, owner: Owner, resource: Resource, mode: LockMode) -> Decision {
        let slot = owner.0 as usize;
        if self.owners.len() <= slot {
            self.owners.resize(slot + 1, Holdings::NOTHING);
        }
        let pending = self.owners[slot].pending;
        assert_eq!(pending, NONE, "{owner:?} asks for a lock while it waits");
        let heads = &mut self.heads;
        let found = self.index.entry(
            digest(resource),
            |&head| heads[head].resource == resource,
            |&head| digest(heads[head].resource),
        );
        match found {
            Entry::Vacant(vacant) => {
                // A head is given back when its lists are empty, so only its name is another one.
                let head = match heads.reuse() {
                    Some(head) => {
                        heads[head].resource = resource;
                        head
                    }
                    None => heads.add(Head::new(resource)),
                };
                vacant.insert(head);
                self.grant(owner, head, mode);
                Decision::Granted
            }
            Entry::Occupied(occupied) => {
                let head = *occupied.get();
                match self.granted_request(owner, head) {
                    Some(held) => self.convert(held, mode),
                    None => self.ask(owner, head, mode),
                }
            }
        }
    }

    /// Whether [`LockTable::request`] would answer [`Decision::Queued`], while the owner does not
    /// wait: for who passes by what is locked, or gives up at once. Nothing changes.
    pub fn would_wait(&self, owner: Owner, resource: Resource, mode: LockMode) -> bool {
        let Some(head) = self.head(resource) else {
            return false;
        };
        match self.granted_request(owner, head) {
            Some(held) => {
                let held = self.requests[held].mode;
                !self.can_convert(head, held, combine(held, mode))
            }
            None => !self.can_be_asked(head, mode),
        }
    }

    /// Whether one who holds nothing of the resource may have it in this mode at once.
    fn can_be_asked(&self, head: u32, mode: LockMode) -> bool {
        let Head { held, pending, .. } = &self.heads[head];
        !conflicts(mode).meets(held.modes().and(pending.modes()))
    }

    /// Lets the owner have its first lock on a resource, or wait for it.
    fn ask(&mut self, owner: Owner, head: u32, mode: LockMode) -> Decision {
        if !self.can_be_asked(head, mode) {
            self.wait(owner, head, mode, Place::Waiting);
            return Decision::Queued;
        }
        self.grant(owner, head, mode);
        Decision::Granted
    }

    /// Makes a lock that is held stronger, or lets its owner wait for that.
    fn convert(&mut self, held: u32, asked: LockMode) -> Decision {
        let Request { owner, head, mode, .. } = self.requests[held];
        let stronger = combine(mode, asked);
        if stronger == mode {
            return Decision::Held;
        }
        if self.can_convert(head, mode, stronger) {
            self.set_mode(held, stronger);
            return Decision::Granted;
        }
        self.wait(owner, head, stronger, Place::Converting);
        Decision::Queued
    }

    /// Whether one who holds the resource in the mode `held` may have it in the mode `stronger`.
    fn can_convert(&self, head: u32, held: LockMode, stronger: LockMode) -> bool {
        let others = self.heads[head].held.modes_without_one(held);
        !conflicts(stronger).meets(others)
    }

    /// What the owner waits for: the resource, and the mode in which it will hold it then.
    pub fn waiting(&self, owner: Owner) -> Option<(Resource, LockMode)> {
        let request = &self.requests[self.pending_request(owner)?];
        Some((self.heads[request.head].resource, request.mode))
    }

    /// Why the owner waits. Both lists are empty for one who does not.
    pub fn blockers(&self, owner: Owner) -> Blockers {
        let mut blockers = Blockers::default();
        let Some(pending) = self.pending_request(owner) else {
            return blockers;
        };
        self.each_blocker(pending, |other| {
            match other.place {
                Place::Granted => blockers.holders.push(other.owner),
                Place::Converting | Place::Waiting => blockers.ahead.push(other.owner),
            }
            true
        });
        blockers
    }

    /// Withdraws what the owner waits for, and appends to `granted` who is granted because of it,
    /// in that order. Whether it waited.
    pub fn cancel(&mut self, owner: Owner, granted: &mut Vec<Owner>) -> bool {
        let Some(pending) = self.pending_request(owner) else {
            return false;
        };
        let head = self.requests[pending].head;
        self.withdraw(pending);
        self.settle(head, granted);
        true
    }

    /// Withdraws what everybody waits for on a resource that is about to be no more, and appends
    /// who waited, conversions first, in the order of the queue.
    pub fn withdraw_all(&mut self, resource: Resource, withdrawn: &mut Vec<Owner>) {
        let Some(head) = self.head(resource) else {
            return;
        };
        for first in [self.heads[head].converting.first, self.heads[head].waiting.first] {
            let mut next = first;
            while next != NONE {
                let Request { owner, after, .. } = self.requests[next];
                self.withdraw(next);
                withdrawn.push(owner);
                next = after;
            }
        }
    }

    /// Releases one lock before its owner's end, as at the end of a statement, and appends to
    /// `granted` who is granted because of it. Whether the owner held it. A conversion of it that
    /// the owner waits for is withdrawn with it.
    pub fn release(&mut self, owner: Owner, resource: Resource, granted: &mut Vec<Owner>) -> bool {
        let found = self.find(owner, resource);
        if let Some((head, held)) = found {
            self.give_back(head, held, granted);
        }
        found.is_some()
    }

    fn give_back(&mut self, head: u32, held: u32, granted: &mut Vec<Owner>) {
        if let Some(pending) = self.pending_request(self.requests[held].owner)
            && self.requests[pending].head == head
        {
            self.withdraw(pending);
        }
        self.drop_granted(held);
        self.settle(head, granted);
    }

    /// Releases the owner's locks on the rows, index entries and index ends of one table, oldest
    /// first, and appends to `granted` who is granted because of it: what an escalation leaves is
    /// the lock on the table. Tells how many were released. A conversion of one of them that the
    /// owner waits for is withdrawn with it.
    pub fn release_table_parts(
        &mut self,
        owner: Owner,
        table: TableId,
        granted: &mut Vec<Owner>,
    ) -> u32 {
        let mut released = 0;
        let mut next = self.owners.get(owner.0 as usize).map_or(NONE, |found| found.chain.first);
        while next != NONE {
            let Request { head, newer, .. } = self.requests[next];
            if self.heads[head].resource.part_of() == Some(table) {
                self.give_back(head, next, granted);
                released += 1;
            }
            next = newer;
        }
        released
    }

    /// Goes back to a weaker mode in which the owner had the resource before a conversion, and
    /// appends to `granted` who is granted because of it. This is how a lock for a statement, or
    /// for an instant, ends where the owner held a weaker one before. Whether the mode changed: it
    /// does not when the owner holds nothing, waits for a conversion of it, or when `mode` is not
    /// weaker than what it holds.
    pub fn weaken(
        &mut self,
        owner: Owner,
        resource: Resource,
        mode: LockMode,
        granted: &mut Vec<Owner>,
    ) -> bool {
        let Some((head, held)) = self.find(owner, resource) else {
            return false;
        };
        let converts =
            self.pending_request(owner).is_some_and(|pending| self.requests[pending].head == head);
        let before = self.requests[held].mode;
        if converts || before == mode || combine(before, mode) != before {
            return false;
        }
        self.set_mode(held, mode);
        self.settle(head, granted);
        true
    }

    /// Releases all that the owner holds, oldest first, and withdraws what it waits for: the end
    /// of its transaction. Appends to `granted` who is granted because of it, and tells how many
    /// locks were held.
    pub fn release_all(&mut self, owner: Owner, granted: &mut Vec<Owner>) -> u32 {
        self.cancel(owner, granted);
        let Some(holdings) = self.owners.get_mut(owner.0 as usize) else {
            return 0;
        };
        let Holdings { chain, held, .. } = std::mem::replace(holdings, Holdings::NOTHING);
        let mut next = chain.first;
        while next != NONE {
            let Request { head, newer, .. } = self.requests[next];
            self.unlink(next);
            self.settle(head, granted);
            next = newer;
        }
        held
    }

    /// What the owner holds, in the order in which it was granted.
    pub fn held(&self, owner: Owner) -> impl Iterator<Item = (Resource, LockMode)> {
        let first = self.owners.get(owner.0 as usize).map_or(NONE, |holdings| holdings.chain.first);
        self.walk(first, |request| request.newer)
            .map(|request| (self.heads[request.head].resource, request.mode))
    }

    /// Who holds the resource, in the order in which it was granted.
    pub fn holders(&self, resource: Resource) -> impl Iterator<Item = (Owner, LockMode)> {
        let first = self.head(resource).map_or(NONE, |head| self.heads[head].granted.first);
        self.walk(first, |request| request.after).map(|request| (request.owner, request.mode))
    }

    /// In which mode the owner holds the resource.
    pub fn mode_of(&self, owner: Owner, resource: Resource) -> Option<LockMode> {
        let (_, held) = self.find(owner, resource)?;
        Some(self.requests[held].mode)
    }

    /// Whether nothing is locked.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    fn head(&self, resource: Resource) -> Option<u32> {
        let same = |&head: &u32| self.heads[head].resource == resource;
        self.index.find(digest(resource), same).copied()
    }

    /// The resource's head and the owner's granted request on it.
    fn find(&self, owner: Owner, resource: Resource) -> Option<(u32, u32)> {
        let head = self.head(resource)?;
        Some((head, self.granted_request(owner, head)?))
    }

    fn pending_request(&self, owner: Owner) -> Option<u32> {
        let pending = self.owners.get(owner.0 as usize)?.pending;
        (pending != NONE).then_some(pending)
    }

    /// The owner's granted request on a resource.
    ///
    /// It is in two lists, the resource's and the owner's, so both are walked side by side and the
    /// shorter one ends the search: a table that ten thousand hold is found among the few things
    /// that one of them holds, and a row that few hold is found there by one who holds thousands.
    fn granted_request(&self, owner: Owner, head: u32) -> Option<u32> {
        let mut by_head = self.heads[head].granted.first;
        let mut by_owner = self.owners.get(owner.0 as usize)?.chain.first;
        while by_head != NONE && by_owner != NONE {
            let (at_head, at_owner) = (&self.requests[by_head], &self.requests[by_owner]);
            if at_head.owner == owner {
                return Some(by_head);
            }
            if at_owner.head == head {
                return Some(by_owner);
            }
            (by_head, by_owner) = (at_head.after, at_owner.newer);
        }
        None
    }

    fn walk(&self, first: u32, next: impl Fn(&Request) -> u32) -> impl Iterator<Item = &Request> {
        let mut at = first;
        std::iter::from_fn(move || {
            (at != NONE).then(|| {
                let request = &self.requests[at];
                at = next(request);
                request
            })
        })
    }
}

impl Hash for LockTable {
    /// Owners in the order of their slots with what they hold, and for each resource its three
    /// lists. Numbers of heads and requests stay out of it, and so does the order of the index.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (slot, holdings) in self.owners.iter().enumerate() {
            for request in self.walk(holdings.chain.first, |request| request.newer) {
                let place = digest(self.heads[request.head].resource);
                state.write(&mix(place ^ slot as u64).to_le_bytes());
            }
        }
        let mut all = 0_u64;
        for &number in &self.index {
            let head = &self.heads[number];
            let mut one = digest(head.resource);
            for ends in [head.granted, head.converting, head.waiting] {
                for request in self.walk(ends.first, |request| request.after) {
                    let entry = u64::from(request.owner.0) << 8 | request.mode as u64;
                    one = mix(one ^ entry);
                }
                one = mix(one);
            }
            all = all.wrapping_add(one);
        }
        state.write(&all.to_le_bytes());
    }
}
