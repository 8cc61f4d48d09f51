//! Cascades that are too large for one transaction: a job goes on with the rows below.
//!
//! ```text
//!   Update account (ownerid)   the account is written, a job in the same transaction
//!   the job                    ┌ 100 orders ┐ commit ┌ 100 orders ┐ commit …
//!   Delete account             a job, and nothing else; the account goes last
//!   Merge account              both accounts are written, a job in the same transaction
//! ```
//!
//! The request is answered before the rows below are done, so for a while some are as before and
//! some are not. What a batch has committed stays, whatever becomes of the next one; a job that
//! fails is tried again, and goes on where it stopped.
//!
//! Two cascades of one row are run one after the other, by their dependency token: else two owners
//! that it gets one soon after the other would both be given to what is below it, in any order.
//!
//! Source: Microsoft Learn, "Asynchronous processing of cascading transactions": batches,
//! eventual consistency, several retries, completed rows stay; a row with plug-ins is processed in
//! a transaction of its own. Assumed: the row itself gets its owner with the request, is merged
//! with it, and is deleted last; a batch goes by the rows right below, each with what is below it;
//! the rows of a table are taken as they are stored, without a lock until their batch; cascades of
//! one row share a token.

use crate::engine::cascade::{Batch, Cascade, Deferred};
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame};
use crate::engine::jobs::{Origin, Work};
use crate::engine::operation::Done;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::{BatchKind, Plan};
use crate::words::Name;

impl World {
    /// Writes the job of a cascade that its request has put off, in its transaction.
    pub(super) fn queue_cascade(
        &mut self,
        (fiber, origin): (FiberId, Origin),
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let token = token_of(frame, &self.shared.plan);
        let (done, is_written) =
            self.insert_job((fiber, origin), frame, Work::Cascade, Some(token))?;
        if let Some(cascade) = frame.cascade.as_mut().filter(|_| is_written) {
            cascade.deferred = Deferred::Queued;
        }
        Ok(done)
    }

    /// Begins the next batch of the cascade that the job on top of the stack goes on with. Answers
    /// whether there was one.
    pub(in crate::engine) fn begin_cascade_batch(&mut self, fiber: &mut Fiber) -> bool {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else { return false };
        let Some(mut cascade) = frame.cascade.take() else { return false };
        let items = self.next_batch(frame, &mut cascade);
        let below = Cascade::below_job(frame);
        frame.cascade = Some(cascade);
        let request = match items {
            Batch::None => return false,
            Batch::Rows(items) => self.batch_of(frame.instance, BatchKind::Transaction, items),
            Batch::Last(request) => request,
        };
        let (depth, parent, instance) = (frame.depth + 1, frame.id, frame.instance);
        let number = self.number_request();
        let mut batch = RequestFrame::new(number, instance, request, None);
        batch.depth = depth;
        batch.parent = Some(parent);
        batch.cascade = Some(Box::new(below));
        fiber.frames.push(Frame::Request(Box::new(batch)));
        true
    }
}

/// The dependency token of the cascades of a request's row.
fn token_of(frame: &RequestFrame, plan: &Plan) -> Name {
    let table = &plan.table(frame.request.table).name;
    let row = frame.request.id().map(|id| id.to_string()).unwrap_or_default();
    Name::from(format!("cascade {table} {row}"))
}

/// What the job of a cascade needs of its request.
pub(super) fn cascade_context(frame: &RequestFrame, origin: Origin) -> RequestFrame {
    let mut context = RequestFrame::new(frame.id, frame.instance, frame.request.clone(), None);
    context.depth = frame.depth;
    context.phase = Phase::Job;
    context.correlation = origin.correlation;
    context.cascade = frame.cascade.as_ref().map(|cascade| Box::new(cascade.as_job()));
    context
}
