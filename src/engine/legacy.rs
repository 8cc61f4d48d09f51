//! Assign and SetState: messages that say with a name of their own what an Update of the owner or
//! of the state says as well.
//!
//! ```text
//!   Assign account  ▶ steps on Assign  ▶ ┌ Update account (ownerid) ▶ steps on Update ┐ ▶ …
//!   Update account (ownerid)           ▶ steps on Update; those on Assign hear nothing
//! ```
//!
//! Source: Microsoft Learn, "Special update operation behavior": both are deprecated, keep working
//! and are to be replaced by Update. Nishant Rana, "When does the plug-in registered on SetState
//! message fire" (2018): a step on SetState does not run for an Update. Stack Overflow 24357198:
//! the Update event takes place during Assign and SetState. Assumed: that nested Update is one
//! deeper, as any request that the platform makes for another; and the owner or the state stands
//! in the target of the message, in place of its parameters `Assignee`, `State` and `Status`.

use std::time::Duration;

use crate::engine::code::RequestCode;
use crate::engine::database::broken;
use crate::engine::fiber::{Fiber, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::world::{Shared, World};
use crate::fault::Fault;
use crate::plan::{Message, Verb};
use crate::words::InstanceId;

impl World {
    /// The request of an `assign` or a `set state`.
    pub(super) fn build_legacy(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        code: &RequestCode,
    ) -> Result<(InstanceId, Request), Fault> {
        match &code.verb {
            Verb::Assign { instance, table, row, to } => {
                let place = self.place(fiber, *instance)?;
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::Assign, *table, target);
                let (ownership, owner) = self.new_owner(shared, fiber, (place, *table), to)?;
                ownership.give(&shared.plan, place, &mut request, &owner);
                Ok((place, request))
            }
            Verb::SetState { instance, table, row, set } => {
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::SetState, *table, target);
                self.assign_all(shared, fiber, &mut request, None, set, &code.late)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            _ => Err(broken("the step is no message of old".to_owned())),
        }
    }

    /// The main operation of Assign and SetState: an Update of the same columns.
    pub(super) fn update_instead(&self, frame: &mut RequestFrame) -> Result<Done, Fault> {
        if !frame.parts.is_empty() {
            return Ok(Done::After(Duration::ZERO));
        }
        let (table, message) = (frame.request.table, frame.request.message);
        let row =
            frame.request.id().ok_or_else(|| broken("the request names no row".to_owned()))?;
        if self.shared.steps.any(frame.instance, table, message) {
            frame.before = self.image_of(frame);
        }
        let mut request = Request::new(Message::Update, table, Target::Id(row));
        request.columns.clone_from(&frame.request.columns);
        Ok(Done::Part(Box::new(request)))
    }
}
