//! What holds of a lock table between any two calls.

use super::mode::{ModeSet, conflicts};
use super::queue::{Ends, Head, NONE, Place, Request, Tally};
use super::{LockTable, Owner, digest, is_compatible};

impl LockTable {
    /// Proves that the table is whole. It takes time in proportion to the locks, and to their
    /// square on one resource, so it is for tests and for debug builds.
    ///
    /// # Panics
    ///
    /// When two owners hold what excludes each other, when somebody waits for nobody, or when the
    /// lists, the tallies and the index disagree.
    pub fn check_invariants(&self) {
        assert_eq!(self.index.len(), self.heads.len(), "heads outside the index");
        let mut requests = 0;
        for &number in &self.index {
            let head = &self.heads[number];
            assert_eq!(self.head(head.resource), Some(number), "{:?}", head.resource);
            assert!(
                !head.granted.is_empty(),
                "nobody holds {:?}, though it is in the table",
                head.resource
            );
            requests += self.check_list(number, Place::Granted, head.granted);
            requests += self.check_list(number, Place::Converting, head.converting);
            requests += self.check_list(number, Place::Waiting, head.waiting);
            self.check_tallies(head);
            self.check_exclusion(head);
            self.check_waits(head);
        }
        assert_eq!(requests, self.requests.len(), "requests outside all lists");
        for (slot, _) in self.owners.iter().enumerate() {
            self.check_owner(Owner(u32::try_from(slot).unwrap_or(NONE)));
        }
    }

    fn check_list(&self, head: u32, place: Place, ends: Ends) -> usize {
        let (mut before, mut at, mut count) = (NONE, ends.first, 0);
        while at != NONE {
            let request = &self.requests[at];
            assert_eq!((request.head, request.place), (head, place));
            assert_eq!(request.before, before, "a list is broken");
            let pending = self.pending_request(request.owner);
            assert_eq!(pending == Some(at), place != Place::Granted);
            (before, at, count) = (at, request.after, count + 1);
        }
        assert_eq!(ends.last, before, "a list is cut off");
        count
    }

    fn check_tallies(&self, head: &Head) {
        let (mut held, mut pending) = (Tally::EMPTY, Tally::EMPTY);
        for request in self.list(head.granted) {
            held.add(request.mode);
        }
        for request in self.list(head.converting).chain(self.list(head.waiting)) {
            pending.add(request.mode);
        }
        assert_eq!((held, pending), (head.held, head.pending));
    }

    fn check_exclusion(&self, head: &Head) {
        for (index, a) in self.list(head.granted).enumerate() {
            for b in self.list(head.granted).skip(index + 1) {
                assert_ne!(a.owner, b.owner, "{:?} is held twice", head.resource);
                assert!(
                    is_compatible(a.mode, b.mode),
                    "{:?} is held by {:?} in {:?} and by {:?} in {:?}",
                    head.resource,
                    a.owner,
                    a.mode,
                    b.owner,
                    b.mode
                );
            }
        }
    }

    /// Nobody waits whom nothing keeps from being granted.
    fn check_waits(&self, head: &Head) {
        let mut ahead = head.held.modes();
        for request in self.list(head.converting) {
            let held = self.list(head.granted).find(|granted| granted.owner == request.owner);
            let others = held.map_or(ModeSet::EMPTY, |held| head.held.modes_without_one(held.mode));
            assert!(
                conflicts(request.mode).meets(others),
                "lost wake-up: {:?} waits for a conversion of {:?}",
                request.owner,
                head.resource
            );
            ahead = ahead.with(request.mode);
        }
        for request in self.list(head.waiting) {
            assert!(
                conflicts(request.mode).meets(ahead),
                "lost wake-up: {:?} waits for {:?}",
                request.owner,
                head.resource
            );
            ahead = ahead.with(request.mode);
        }
    }

    fn check_owner(&self, owner: Owner) {
        let holdings = &self.owners[owner.0 as usize];
        let (mut older, mut at, mut count) = (NONE, holdings.chain.first, 0);
        while at != NONE {
            let request = &self.requests[at];
            assert_eq!((request.owner, request.place), (owner, Place::Granted));
            assert_eq!(request.older, older, "the chain of {owner:?} is broken");
            (older, at, count) = (at, request.newer, count + 1);
        }
        assert_eq!((holdings.chain.last, holdings.held), (older, count));
        if let Some(pending) = self.pending_request(owner) {
            let request = &self.requests[pending];
            assert_eq!(request.owner, owner);
            let resource = self.heads[request.head].resource;
            let found = self.index.find(digest(resource), |&head| head == request.head);
            assert!(found.is_some(), "{owner:?} waits for what is not locked");
        }
    }

    fn list(&self, ends: Ends) -> impl Iterator<Item = &Request> {
        self.walk(ends.first, |request| request.after)
    }
}
