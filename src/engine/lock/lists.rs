//! How the lists of a lock table change, and in which order waiters are granted.

use super::mode::{ModeSet, conflicts};
use super::queue::{Ends, Head, NONE, Place, Request};
use super::{LockTable, Owner, digest};
use crate::words::LockMode;

impl LockTable {
    pub(super) fn grant(&mut self, owner: Owner, head: u32, mode: LockMode) {
        let request = self.append(owner, head, mode, Place::Granted);
        let holdings = &mut self.owners[owner.0 as usize];
        let newest = holdings.chain.last;
        holdings.chain.last = request;
        holdings.held += 1;
        if newest == NONE {
            holdings.chain.first = request;
        } else {
            self.requests[newest].newer = request;
            self.requests[request].older = newest;
        }
    }

    pub(super) fn wait(&mut self, owner: Owner, head: u32, mode: LockMode, place: Place) {
        self.owners[owner.0 as usize].pending = self.append(owner, head, mode, place);
    }

    pub(super) fn withdraw(&mut self, pending: u32) {
        self.owners[self.requests[pending].owner.0 as usize].pending = NONE;
        self.unlink(pending);
    }

    /// Takes a granted request out of its owner's chain and its head's list.
    pub(super) fn drop_granted(&mut self, held: u32) {
        let Request { owner, older, newer, .. } = self.requests[held];
        let holdings = &mut self.owners[owner.0 as usize];
        holdings.held -= 1;
        match older {
            NONE => holdings.chain.first = newer,
            older => self.requests[older].newer = newer,
        }
        match newer {
            NONE => self.owners[owner.0 as usize].chain.last = older,
            newer => self.requests[newer].older = older,
        }
        self.unlink(held);
    }

    /// Puts a request at the end of one of its head's lists.
    fn append(&mut self, owner: Owner, head: u32, mode: LockMode, place: Place) -> u32 {
        let Ends { first, last } = *self.heads[head].ends(place);
        let request = self.requests.add(Request {
            owner,
            head,
            mode,
            place,
            before: last,
            after: NONE,
            older: NONE,
            newer: NONE,
        });
        if last != NONE {
            self.requests[last].after = request;
        }
        let head = &mut self.heads[head];
        head.tally(place).add(mode);
        *head.ends(place) =
            Ends { first: if first == NONE { request } else { first }, last: request };
        request
    }

    /// Takes a request out of its head's list and forgets it.
    pub(super) fn unlink(&mut self, request: u32) {
        let Request { head, mode, place, before, after, .. } = self.requests[request];
        if before != NONE {
            self.requests[before].after = after;
        }
        if after != NONE {
            self.requests[after].before = before;
        }
        let head = &mut self.heads[head];
        head.tally(place).subtract(mode);
        let ends = head.ends(place);
        if before == NONE {
            ends.first = after;
        }
        if after == NONE {
            ends.last = before;
        }
        self.requests.remove(request);
    }

    pub(super) fn set_mode(&mut self, held: u32, mode: LockMode) {
        let request = &mut self.requests[held];
        let before = std::mem::replace(&mut request.mode, mode);
        let tally = &mut self.heads[request.head].held;
        tally.subtract(before);
        tally.add(mode);
    }

    /// Grants what can be granted after something was taken away from a head, or forgets the head
    /// when nothing is left.
    pub(super) fn settle(&mut self, head: u32, granted: &mut Vec<Owner>) {
        if self.heads[head].has_pending() {
            self.promote_conversions(head, granted);
            self.promote_waiters(head, granted);
        } else if self.heads[head].granted.is_empty() {
            let same = |&other: &u32| other == head;
            if let Ok(found) = self.index.find_entry(digest(self.heads[head].resource), same) {
                found.remove();
            }
            self.heads.remove(head);
        }
    }

    /// One pass is enough: a conversion that is granted only leaves less room for the others.
    fn promote_conversions(&mut self, head: u32, granted: &mut Vec<Owner>) {
        let mut next = self.heads[head].converting.first;
        while next != NONE {
            let pending = self.requests[next];
            if let Some(held) = self.granted_request(pending.owner, head)
                && self.can_convert(head, self.requests[held].mode, pending.mode)
            {
                self.withdraw(next);
                self.set_mode(held, pending.mode);
                granted.push(pending.owner);
            }
            next = pending.after;
        }
    }

    fn promote_waiters(&mut self, head: u32, granted: &mut Vec<Owner>) {
        let mut ahead = ModeSet::EMPTY;
        for conversion in self.walk(self.heads[head].converting.first, |request| request.after) {
            ahead = ahead.with(conversion.mode);
        }
        let mut next = self.heads[head].waiting.first;
        while next != NONE {
            let Head { held, pending, .. } = &self.heads[head];
            let taken = held.modes().and(ahead);
            if pending.modes().modes().all(|mode| conflicts(mode).meets(taken)) {
                return;
            }
            let Request { owner, mode, after, .. } = self.requests[next];
            if conflicts(mode).meets(taken) {
                ahead = ahead.with(mode);
            } else {
                self.withdraw(next);
                self.grant(owner, head, mode);
                granted.push(owner);
            }
            next = after;
        }
    }

    /// Shows each request that a pending request waits for: first what is granted, in grant order,
    /// then what is ahead in the queue. Ends early when `show` returns false.
    pub(super) fn each_blocker(&self, pending: u32, mut show: impl FnMut(&Request) -> bool) {
        let asked = &self.requests[pending];
        let head = &self.heads[asked.head];
        let against = conflicts(asked.mode);
        if against.meets(head.held.modes()) {
            for request in self.walk(head.granted.first, |request| request.after) {
                let blocks = request.owner != asked.owner && against.contains(request.mode);
                if blocks && !show(request) {
                    return;
                }
            }
        }
        if asked.place == Place::Converting || !against.meets(head.pending.modes()) {
            return;
        }
        let conversions = self.walk(head.converting.first, |request| request.after);
        let waiters = self.walk(head.waiting.first, |request| request.after);
        for request in conversions.chain(waiters) {
            if request.owner == asked.owner || against.contains(request.mode) && !show(request) {
                return;
            }
        }
    }
}
