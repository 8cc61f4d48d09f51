//! The cascades of access: what is shared with somebody shares the rows below, and a row that
//! comes below another gets the access to that one.
//!
//! ```text
//!   GrantAccess account ▶ its entry: rights     ▶ GrantAccess order ▶ its entry: inherited ▶ …
//!   Update order        ▶ account: contoso      ▶ GrantAccess order to contoso's owner, and to
//!                                                 everybody with whom contoso is shared
//! ```
//!
//! An entry of `principalobjectaccess` has what somebody has asked for beside what was inherited;
//! either gives access, and it goes when both are empty.
//!
//! Source: Microsoft Learn, "Record sharing and access", Sharing and inheritance: a row has shares
//! of its own and those that it inherits from its parent, and loses the latter with the parent's;
//! a row that is created below a parent inherits as well. "How to clean up inherited access": the
//! owner of a parent has access to the rows below. Assumed: the owner gets every right on them
//! (the mask 135069719 that `inheritedaccessrightsmask` has); a row has one parental parent, so
//! all that it has inherited comes from there, and goes with it; to lose a parent is to lose what
//! was inherited from it; each row's entry is written by a GrantAccess or RevokeAccess of its own,
//! which steps hear.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::children::Below;
use crate::engine::cascade::{Action, Cascade, Tie};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{AccessChange, Inherited, Request, Target};
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::{Message, Right};
use crate::words::{RowId, SimInstant, TableId, Value};

impl World {
    /// GrantAccess, RevokeAccess: of the row, then of the rows below.
    pub(in crate::engine) fn share(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        frame.with_cascade(|frame, cascade| self.share_below(fiber, frame, cascade, limit))
    }

    fn share_below(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        cascade: &mut Cascade,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        if !std::mem::replace(&mut cascade.is_begun, true)
            && let Some(part) = self.change_share(frame)?
        {
            return Ok(Done::Part(Box::new(part)));
        }
        let shared = Arc::clone(&self.shared);
        let (message, table) = (frame.request.message, frame.request.table);
        let (Some(AccessChange::Share { with, rights, inherited }), Some(row)) =
            (frame.request.access.as_deref().cloned(), frame.request.id())
        else {
            return Ok(Done::After(Duration::ZERO));
        };
        let (action, inherited) = match (inherited, message) {
            (Some(Inherited::Reparent), _) => (Action::Reparent, Inherited::Reparent),
            (_, Message::GrantAccess) => (Action::Share, Inherited::Share),
            _ => (Action::Unshare, Inherited::Share),
        };
        let list = shared.relationships.of_action(action, table);
        let owner = match list.is_empty() {
            true => return Ok(Done::After(Duration::ZERO)),
            false => self.owner_in(frame, (table, row)),
        };
        loop {
            let (tie, place) = match self.next_child(fiber, frame, (list, cascade), row, limit)? {
                Below::Child(tie, (child, _)) => (tie, (tie.child, child)),
                Below::Not(done) => return Ok(done),
                Below::Over => return Ok(Done::After(Duration::ZERO)),
            };
            if self.is_meant(frame, (tie, place), &owner) {
                let share = AccessChange::Share { with, rights, inherited: Some(inherited) };
                return Ok(Done::Part(Box::new(sharing(message, place, share))));
            }
        }
    }

    /// What follows when a Create or an Update has written its row: where that has come below
    /// another one, requests for its access. `done` is what the write itself came to.
    pub(in crate::engine) fn inherit(
        &self,
        frame: &mut RequestFrame,
        done: Done,
    ) -> Result<Done, Fault> {
        let Done::After(cost) = done else { return Ok(done) };
        let tie = self.shared.relationships.on_reparent.get(&frame.request.table);
        let (Some(tie), Some(row)) = (tie, frame.request.id()) else { return Ok(done) };
        let mut columns = frame.request.columns.iter();
        if !columns.any(|(column, _)| *column == tie.by) {
            return Ok(done);
        }
        let requests = self.inheritance(frame, tie, row);
        frame.cascade.get_or_insert_default().inheritance = Some(requests);
        Ok(Done::Took(cost))
    }

    /// The next request for the access of a row that has come below another; `None` while the row
    /// itself is not written.
    pub(in crate::engine) fn inherit_next(frame: &mut RequestFrame) -> Option<Done> {
        let requests = frame.cascade.as_mut()?.inheritance.as_mut()?;
        Some(match requests.pop() {
            Some(request) => Done::Part(Box::new(request)),
            None => Done::After(Duration::ZERO),
        })
    }

    /// The requests that give a row the access to the row above, and take what it had inherited
    /// before; the last one first.
    fn inheritance(&self, frame: &RequestFrame, tie: &Tie, row: RowId) -> Vec<Request> {
        let place = (tie.child, row);
        let Some(security) = self.shared.plan.security_of(frame.instance) else {
            return Vec::new();
        };
        let reader = frame.transaction.map(|transaction| transaction.id);
        let mut wanted: BTreeMap<RowId, Vec<Right>> = BTreeMap::new();
        if let Some(Value::Id(parent)) = self.column_of(frame, place, tie.by) {
            let above = (tie.parent, parent);
            let owner = self.owner_in(frame, above);
            if self.is_meant(frame, (tie, place), &owner) {
                for (with, own, inherited) in self.shares_of(security, parent, reader) {
                    let rights = Right::ALL.into_iter();
                    let given = rights.filter(|it| own.contains(it) || inherited.contains(it));
                    wanted.insert(with, given.collect());
                }
                if let Value::Id(owner) = owner {
                    wanted.insert(owner, Right::ALL.to_vec());
                }
            }
        }
        if let Value::Id(owner) = self.owner_in(frame, place) {
            // Its own owner needs no share.
            wanted.remove(&owner);
        }
        let mut requests = Vec::new();
        for (with, _, inherited) in self.shares_of(security, row, reader) {
            match wanted.get(&with) {
                Some(rights) if *rights == inherited => {
                    wanted.remove(&with);
                }
                None if !inherited.is_empty() => {
                    requests.push((Message::RevokeAccess, with, Vec::new()));
                }
                _ => {}
            }
        }
        requests.extend(wanted.into_iter().map(|(with, it)| (Message::GrantAccess, with, it)));
        let requests = requests.into_iter().rev().map(|(message, with, rights)| {
            let inherited = Some(Inherited::Reparent);
            sharing(message, place, AccessChange::Share { with, rights, inherited })
        });
        requests.collect()
    }
}

/// A request that shares a row, or no longer.
fn sharing(message: Message, (table, row): (TableId, RowId), share: AccessChange) -> Request {
    let mut request = Request::new(message, table, Target::Id(row));
    request.access = Some(Box::new(share));
    request
}
