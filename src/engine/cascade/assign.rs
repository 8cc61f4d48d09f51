//! The cascade of a change of owner.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::children::Below;
use crate::engine::cascade::deferred::Reaching;
use crate::engine::cascade::{Action, Cascade, Deferred, Tie};
use crate::engine::database::Wrote;
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::ownership::Ownership;
use crate::engine::request::{Request, Target};
use crate::engine::store::{RowImage, View};
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::Message;
use crate::trace::WriteKind;
use crate::words::{SimInstant, Value};

impl World {
    /// Updates a row and, where it gets another owner, the rows below it.
    pub(in crate::engine) fn update(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let table = frame.request.table;
        let list = shared.relationships.of_action(Action::Assign, table);
        let ownership = Ownership::of(&shared.plan, frame.instance, table);
        self.leave_other_owner(frame);
        let owner = ownership.and_then(|it| Some((it, it.given(&frame.request)?)));
        let (false, Some((ownership, owner))) = (list.is_empty(), owner) else {
            return self.change(fiber, frame, WriteKind::Update);
        };
        frame.with_cascade(|frame, cascade| {
            self.assign_below(fiber, frame, (list, cascade), (ownership, &owner), limit)
        })
    }

    /// Writes a row's new owner, and gives it to the rows below.
    fn assign_below(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&[Tie], &mut Cascade),
        (ownership, owner): (Ownership, &Value),
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(row) => {
                    let store =
                        self.databases[frame.instance.index()].store(frame.request.table)?;
                    let image = store.read(row, View::Latest);
                    let had = |image: RowImage<'_>| ownership.read(|column| image.value(column));
                    cascade.old_owner = image.map_or(Value::Null, had);
                }
                other => return Ok(self.written(other)),
            }
            let done = self.change(fiber, frame, WriteKind::Update)?;
            let Done::After(cost) = done else { return Ok(done) };
            cascade.is_begun = true;
            // Nothing cascades from a value that stays what it is.
            let stays = cascade.old_owner == *owner;
            if !stays && self.puts_off(frame, cascade, Reaching::Assign) {
                cascade.deferred = Deferred::Wanted;
            }
            let is_over = stays || cascade.deferred == Deferred::Wanted;
            return Ok(if is_over { Done::After(cost) } else { Done::Took(cost) });
        }
        let Some(row) = frame.request.id() else { return Ok(Done::After(Duration::ZERO)) };
        loop {
            let (tie, place) = match self.next_child(fiber, frame, (list, cascade), row, limit)? {
                Below::Child(tie, (child, _)) => (tie, (tie.child, child)),
                Below::Not(done) => return Ok(done),
                Below::Over => return Ok(Done::After(Duration::ZERO)),
            };
            let plan = &self.shared.plan;
            let Some(owned) = Ownership::of(plan, frame.instance, tie.child) else { continue };
            let had = self.owner_in(frame, place);
            let is_meant = self.is_meant(frame, (tie, place), &cascade.old_owner);
            if is_meant && had != *owner {
                let mut request = Request::new(Message::Update, place.0, Target::Id(place.1));
                owned.give(plan, frame.instance, &mut request, owner);
                return Ok(Done::Part(Box::new(request)));
            }
        }
    }
}
