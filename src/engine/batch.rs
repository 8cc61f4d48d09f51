//! Requests that carry others: ExecuteMultiple, ExecuteTransaction and the bulk messages.
//!
//! A program collects the items and sends them as one request. Its main operation makes one item
//! after the other a request nested in it, at its own depth:
//!
//! | message            | transaction                        | after a fault                    |
//! |--------------------|------------------------------------|----------------------------------|
//! | ExecuteMultiple    | one for each item, or its caller's | goes on or stops; answers anyway |
//! | ExecuteTransaction | one for all, or its caller's       | ends in it, all is rolled back   |
//! | CreateMultiple, …  | the same                           | the same                         |
//!
//! Source: Microsoft Learn, "Execute multiple requests using the SDK for .NET", "Execute messages
//! in a single database transaction", and "Database transactions" (Scalable Customization Design).
//!
//! The pipelines of a bulk message and of its items are merged: a step on CreateMultiple runs once
//! for all rows of a CreateMultiple, and once for the one row of a Create; a step on Create runs
//! once for each row of either. Source: Microsoft Learn, "Use bulk operation messages", Message
//! processing pipelines merged. Assumed: where they are in one stage, the steps of the bulk message
//! come first before the main operation, and last after it; and each row of an UpsertMultiple
//! meets the steps of the bulk messages by itself.
//!
//! Assumed: an item costs what the request would cost by itself, without its travel.

use std::time::Duration;

use crate::engine::asking::elsewhere;
use crate::engine::fiber::{Fiber, FiberId, Frame, RequestFrame};
use crate::engine::interpret::{Next, with_program};
use crate::engine::operation::Done;
use crate::engine::request::{Answer, Batch, Request, Target};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{BatchKind, Message};
use crate::words::{InstanceId, Name, TableId, Value};

/// The most requests that one ExecuteMultiple or ExecuteTransaction may carry.
///
/// Source: Microsoft Learn, "Execute multiple requests using the SDK for .NET", Run-time
/// limitations: 1,000.
const ITEMS_MAX: usize = 1000;

/// The items of a batch, while a program makes them.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Collected {
    /// Where they go.
    instance: InstanceId,
    /// How they will be carried out.
    kind: BatchKind,
    /// Those that are made.
    items: Vec<Request>,
}

/// The operations that make a batch.
#[derive(Debug)]
pub enum BatchCode {
    /// From here on, up to the matching [`BatchCode::Send`], requests are collected.
    Collect {
        /// Where they go; the program's home when absent.
        instance: Option<InstanceId>,
        /// How they will be carried out.
        kind: BatchKind,
    },
    /// Sends what was collected as one request, or makes it an item of the batch around.
    Send {
        /// The binding that gets the answers.
        bind: Option<Name>,
        /// The binding that gets the faults.
        faults: Option<Name>,
    },
}

impl World {
    /// Begins to collect a batch, or sends it.
    pub(super) fn step_batch(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        code: &BatchCode,
    ) -> Result<Next, Fault> {
        match code {
            BatchCode::Collect { instance, kind } => {
                self.collect_batch(fiber, *instance, *kind)?;
                Ok(Next::Operation)
            }
            BatchCode::Send { .. } => self.send_batch(id, fiber),
        }
    }

    /// From here on the program's requests are collected.
    fn collect_batch(
        &mut self,
        fiber: &mut Fiber,
        instance: Option<InstanceId>,
        kind: BatchKind,
    ) -> Result<(), Fault> {
        let instance = self.place(fiber, instance)?;
        let batch = Collected { instance, kind, items: Vec::new() };
        with_program(fiber, |frame| frame.batches.push(batch));
        Ok(())
    }

    /// Makes a request an item of the program's batch; without one, hands it to its instance.
    pub(super) fn send_or_collect(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        instance: InstanceId,
        request: Request,
    ) -> Result<Next, Fault> {
        if let Some(Frame::Program(frame)) = fiber.frames.last_mut()
            && let Some(batch) = frame.batches.last_mut()
        {
            if batch.instance != instance {
                return Err(elsewhere());
            }
            batch.items.push(request);
            return Ok(Next::Operation);
        }
        Ok(self.hand_over(id, fiber, instance, request))
    }

    /// Sends what was collected.
    fn send_batch(&mut self, id: FiberId, fiber: &mut Fiber) -> Result<Next, Fault> {
        let mut collected = None;
        with_program(fiber, |frame| collected = frame.batches.pop());
        let Some(Collected { instance, kind, items }) = collected else {
            return Ok(Next::Operation);
        };
        let request = self.batch_of(instance, kind, items);
        self.send_or_collect(id, fiber, instance, request)
    }

    /// The request that carries these items.
    pub(super) fn batch_of(
        &self,
        instance: InstanceId,
        kind: BatchKind,
        items: Vec<Request>,
    ) -> Request {
        // A batch is about no table; the trace names that of its first item.
        let any = self.shared.plan.instance(instance).tables.first().copied();
        let table = items.first().map(|item| item.table).or(any).unwrap_or(TableId(0));
        let mut request = Request::new(kind.message(), table, Target::None);
        let continues = kind == BatchKind::Multiple { continues: true };
        request.batch = Some(Box::new(Batch { items, continues }));
        request
    }
}

impl World {
    /// Lets the database know the rows of a batch before its first item is carried out.
    pub(super) fn expect_rows(&self, frame: &RequestFrame) {
        let Some(batch) = frame.request.batch.as_ref().filter(|_| frame.parts.is_empty()) else {
            return;
        };
        let rows = batch.items.iter().filter_map(|item| match item.target {
            Target::Id(id) => Some((item.table, id)),
            _ => None,
        });
        self.databases[frame.instance.index()].expect(rows);
    }
}

/// Why a batch is not even begun.
///
/// Source: Microsoft Learn, "Execute multiple requests using the SDK for .NET" (1,000 items, no
/// ExecuteMultiple in another) and "Execute messages in a single database transaction" (neither
/// in an ExecuteTransaction); the text of the former as reported by its callers. Assumed: the
/// text for an ExecuteTransaction, by analogy; and the code and text for batches in batches and
/// for a bulk message whose items are not all of its message and table.
pub(super) fn unfit(request: &Request) -> Option<Fault> {
    let batch = request.batch.as_ref()?;
    let name = request.message.name();
    if let Some(single) = request.message.single() {
        let fits = |item: &Request| item.message == single && item.table == request.table;
        let message = format!("{name} carries {} requests of one table.", single.name());
        let all_fit = batch.items.iter().all(fits);
        return (!all_fit).then(|| Fault::new(FaultKind::InvalidArgument, message));
    }
    if batch.items.len() > ITEMS_MAX {
        let message = format!("{name} Request batch size exceeds the maximum batch size allowed!");
        return Some(Fault::new(FaultKind::BatchTooLarge, message));
    }
    let is_nested = |item: &&Request| {
        item.message == Message::ExecuteMultiple
            || item.message == Message::ExecuteTransaction
                && request.message == Message::ExecuteTransaction
    };
    batch.items.iter().find(is_nested).map(|item| {
        let message = format!("{name} can't carry {}.", item.message.name());
        Fault::new(FaultKind::InvalidArgument, message)
    })
}

/// The next bit of the main operation of a request that carries others.
pub(super) fn carry_out(frame: &mut RequestFrame) -> Done {
    let Some(batch) = &frame.request.batch else {
        return Done::After(Duration::ZERO);
    };
    let stops = !batch.continues && frame.parts.last().is_some_and(Result::is_err);
    if let Some(item) = batch.items.get(frame.parts.len()).filter(|_| !stops) {
        return Done::Part(Box::new(item.clone()));
    }
    let (answers, faults) = frame.parts.drain(..).map(ended).unzip::<_, _, Vec<_>, Vec<_>>();
    frame.answer = Answer::Batch(answers.into(), faults.into());
    Done::After(Duration::ZERO)
}

/// The answer and the fault's word of an item.
fn ended(result: Result<Answer, Fault>) -> (Value, Value) {
    match result {
        Ok(answer) => (answer.into_value(), Value::Null),
        Err(fault) => (Value::Null, Value::text(fault.kind.facts().word)),
    }
}

/// Whether the request on top of a stack is a row of a bulk message, which has met the steps of
/// that message.
pub(super) fn is_in_bulk(frames: &[Frame]) -> bool {
    let below = frames.len().checked_sub(2).and_then(|index| frames.get(index));
    let Some(Frame::Request(below)) = below else {
        return false;
    };
    let item = below.request.message.single();
    below.running.is_none() && item.is_some_and(|item| item.bulk().is_some())
}
