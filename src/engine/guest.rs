//! The border of a world: how callers from outside come in, and how answers leave.
//!
//! A host that runs in real time owns one world for each instance. It hands the world an
//! [`Input`] with the instant at which it came, and takes [`Output`]s away. A caller from outside
//! is a *guest*: a fiber with an empty stack that waits for what its caller asks for. What is
//! asked of an instance that lives in another world *departs*; its answer comes back as an input.
//!
//! *Invariant:* a world is a function of its plan, its seed, its inputs with their instants, and
//! the instant up to which it was advanced. When somebody looked at it does not matter, since
//! everything that was due before an input happens before it. So a list of inputs is a recording.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use crate::engine::ask::Ask;
use crate::engine::database::{TransactionRef, broken};
use crate::engine::fiber::{Fiber, FiberId, Frame, Role, State};
use crate::engine::queue::Due;
use crate::engine::request::{Answer, Request};
use crate::engine::schedule::InOrder;
use crate::engine::security::USER_TABLE;
use crate::engine::world::{World, is_stale};
use crate::fault::Fault;
use crate::plan::{Isolation, Outage};
use crate::trace::{Event, LaneKind, Outcome, RollbackReason};
use crate::words::{ActorId, InstanceId, Name, RequestId, RowId, SimInstant};

/// A caller from outside; its host never uses a number twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestId(pub u64);

/// What comes into a world from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A guest comes; it makes its requests one after the other.
    Enter(GuestId, Arrival),
    /// A guest makes a request and waits for its answer.
    Call(GuestId, Ask),
    /// A guest opens a transaction, in which its requests are from now on.
    Begin(GuestId, Option<Isolation>),
    /// A guest commits its transaction.
    Commit(GuestId),
    /// A guest rolls its transaction back.
    RollBack(GuestId),
    /// A guest goes, or has vanished. Its transaction is rolled back; a request that is under way
    /// outside it is carried out all the same, as on the platform.
    Leave(GuestId),
    /// A request comes from an instance in another world.
    Foreign(GuestId, Box<Foreign>),
    /// The answer to a request that departed from here.
    Answered(Box<Foreign>, Result<Answer, Fault>),
    /// An outage begins now and lasts until the instant that it names.
    Outage(Outage),
}

/// Who comes.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// The instance that it calls.
    pub instance: InstanceId,
    /// The actor of the plan as a run of which the trace tells of it.
    pub actor: ActorId,
    /// Its name in the trace.
    pub name: Name,
    /// The user as whom it makes its requests; `None` for a system administrator.
    pub user: Option<Name>,
}

/// A request between two worlds.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// The instance that is asked.
    pub to: InstanceId,
    /// The name of the instance that asks.
    pub from: Name,
    /// Who waits for the answer, and in which turn.
    caller: (FiberId, u32),
    /// Its number where it was made.
    number: RequestId,
    /// As whom it is made.
    user: Option<RowId>,
    request: Request,
}

/// What leaves a world.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The answer to the last thing that a guest asked for.
    Reply(GuestId, Result<Answer, Fault>),
    /// A request departs for another world.
    Depart(Box<Foreign>),
}

/// What goes in and out.
#[derive(Clone, Debug, Default)]
pub(super) struct Border {
    /// Whether callers come from outside.
    is_open: bool,
    /// The only instance that lives in this world; `None` when all do.
    home: Option<InstanceId>,
    guests: BTreeMap<GuestId, FiberId>,
    outputs: Vec<Output>,
}

impl World {
    /// Lets callers come from outside, at instants of which the world does not know.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.border.is_open = true;
        self
    }

    /// Makes this the world of one instance, with callers from outside: the other instances live
    /// elsewhere.
    #[must_use]
    pub const fn of_one_instance(mut self, instance: InstanceId) -> Self {
        self.border.home = Some(instance);
        self.open()
    }

    /// Takes what has left since the last time.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        mem::take(&mut self.border.outputs)
    }

    /// The guests, the first to come first.
    pub fn guests(&self) -> Vec<GuestId> {
        self.border.guests.keys().copied().collect()
    }

    /// How many names of rows the world knows, beside those of its beginning.
    pub fn name_count(&self) -> usize {
        self.names.count()
    }

    /// How many fibers wait for a lock.
    pub fn blocked_count(&self) -> usize {
        self.fibers.iter().filter(|fiber| fiber.state == State::Locked).count()
    }

    /// How many fibers are under way, guests among them.
    pub fn fiber_count(&self) -> usize {
        self.fibers.len() - self.free_fibers.len()
    }

    /// When something is due next.
    pub fn next_due_at(&mut self) -> Option<SimInstant> {
        while let Some(first) = self.queue.first() {
            if !is_stale(&self.fibers, &first.due) {
                return Some(first.at);
            }
            self.queue.pop();
            self.queue.forget_stale();
        }
        None
    }

    /// Whether callers come from outside.
    pub(super) const fn is_open(&self) -> bool {
        self.border.is_open
    }

    /// Drops what is scheduled for waits that are over, so that equal states have equal digests
    /// however often somebody looked for what is due.
    pub fn sweep(&mut self) {
        let fibers = &self.fibers;
        self.queue.sweep(|due| is_stale(fibers, due));
    }

    /// Makes every transition that is due by `until`, and lets the clock show that instant. What is
    /// past stays past: the clock never goes back.
    pub fn advance_until(&mut self, until: SimInstant) {
        while self.next_due_at().is_some_and(|at| at <= until) {
            self.advance(&mut InOrder);
        }
        self.now = self.now.max(until);
    }

    /// Takes in what came from outside at `at`, after everything that was due by then. What
    /// concerns a guest or a caller that is no longer there is without effect.
    pub fn take_in(&mut self, at: SimInstant, input: Input) {
        self.advance_until(at);
        match input {
            Input::Enter(guest, arrival) => {
                let user = arrival.user.as_ref().map(|user| RowId::named(USER_TABLE, user));
                let hop = self.shared.plan.costs.client;
                let who = (arrival.actor, arrival.name, user);
                let fiber = self.enter(guest, who, (arrival.instance, hop, true));
                self.fibers[fiber.0 as usize].state = State::Idle;
            }
            Input::Call(guest, ask) => self.with_guest(guest, |world, id, fiber| {
                let (instance, request) = world.asked(fiber, home_of(fiber)?, &ask)?;
                let transaction = Self::explicit_transaction(fiber, instance);
                world.send(id, fiber, instance, request, transaction);
                Ok(None)
            }),
            Input::Begin(guest, isolation) => self.with_guest(guest, |world, _, fiber| {
                let home = home_of(fiber)?;
                if !fiber.transactions.is_empty() {
                    return Err(broken("the client has a transaction already".to_owned()));
                }
                let of_instance = world.shared.plan.instance(home).isolation;
                let isolation = isolation.unwrap_or(of_instance);
                let reference = world.begin(home, fiber.lane, (isolation, 0), None);
                fiber.transactions.push((home, reference));
                Ok(Some(Answer::Done))
            }),
            Input::Commit(guest) => self.with_guest(guest, |world, _, fiber| {
                let (home, reference) = transaction_of(fiber)?;
                world.commit(home, reference).map(|()| Some(Answer::Done))
            }),
            Input::RollBack(guest) => self.with_guest(guest, |world, _, fiber| {
                let (home, reference) = transaction_of(fiber)?;
                world.roll_back(home, reference, RollbackReason::Asked);
                Ok(Some(Answer::Done))
            }),
            Input::Leave(guest) => self.leave(guest),
            Input::Foreign(guest, foreign) => self.receive(guest, *foreign),
            Input::Answered(foreign, answer) => self.receive_answer(&foreign, answer),
            Input::Outage(outage) => self.inject(outage),
        }
        self.conduct();
        self.advance_until(at);
        self.forget_names();
    }

    /// Forgets, now and then, the names of rows that are nowhere, so that a world whose callers go
    /// on naming new ones does not grow for that. A row that a request under way is about keeps
    /// its name: it may be about to come.
    fn forget_names(&mut self) {
        if !self.names.have_grown() {
            return;
        }
        let frames = self.fibers.iter().flat_map(|fiber| &fiber.frames);
        let requests = frames.filter_map(|frame| match frame {
            Frame::Request(frame) => Some(&frame.request),
            _ => None,
        });
        let asked: BTreeSet<RowId> = requests.flat_map(Request::ids).collect();
        let databases = &self.databases;
        self.names.forget(|table, id| {
            asked.contains(&id) || databases.iter().any(|database| database.knows(table, id))
        });
    }

    /// A guest's fiber begins, with its lane.
    fn enter(
        &mut self,
        guest: GuestId,
        (actor, name, user): (ActorId, Name, Option<RowId>),
        (home, hop, stays): (InstanceId, Duration, bool),
    ) -> FiberId {
        let lane = self.number_lane();
        let run = self.number_run(actor);
        let kind = LaneKind::Actor { actor, run };
        self.log.emit(self.now, || Event::LaneBegan { lane, kind, name });
        let id = self.allocate();
        let fiber = &mut self.fibers[id.0 as usize];
        (fiber.lane, fiber.user) = (lane, user);
        fiber.role = Role::Guest { guest, home, hop, stays };
        self.border.guests.insert(guest, id);
        id
    }

    /// Does what a guest asks for, and replies unless it has to wait.
    fn with_guest(
        &mut self,
        guest: GuestId,
        action: impl FnOnce(&mut Self, FiberId, &mut Fiber) -> Result<Option<Answer>, Fault>,
    ) {
        let Some(id) = self.border.guests.get(&guest).copied() else {
            return;
        };
        let mut fiber = mem::take(&mut self.fibers[id.0 as usize]);
        let result = match fiber.state {
            State::Idle => action(self, id, &mut fiber),
            _ => Err(broken("the client waits for an answer already".to_owned())),
        };
        self.fibers[id.0 as usize] = fiber;
        if let Some(reply) = result.transpose() {
            self.border.outputs.push(Output::Reply(guest, reply));
        }
    }

    /// What a guest waited for is there, or has failed.
    pub(super) fn answer_guest(&mut self, id: FiberId, mut fiber: Fiber) {
        let Role::Guest { guest, stays, .. } = fiber.role else {
            return;
        };
        let result = fiber.result.take().unwrap_or(Ok(Answer::Done));
        if stays {
            fiber.state = State::Idle;
            self.fibers[id.0 as usize] = fiber;
        } else {
            let outcome = match &result {
                Ok(_) => Outcome::Succeeded,
                Err(fault) => Outcome::Failed(fault.clone()),
            };
            self.see_off(guest, id, fiber, outcome);
        }
        self.border.outputs.push(Output::Reply(guest, result));
    }

    fn leave(&mut self, guest: GuestId) {
        let Some(id) = self.border.guests.get(&guest).copied() else {
            return;
        };
        let mut fiber = mem::take(&mut self.fibers[id.0 as usize]);
        let lane = fiber.lane;
        if let State::Calling(request) = fiber.state {
            self.log.emit(self.now, || Event::RequestAbandoned { lane, request });
            fiber.turn = fiber.turn.wrapping_add(1);
            self.fibers[id.0 as usize].turn = fiber.turn;
            self.note_stale();
        }
        if let Some((home, reference)) = fiber.transactions.pop() {
            self.roll_back(home, reference, RollbackReason::Asked);
        }
        self.see_off(guest, id, fiber, Outcome::Succeeded);
    }

    fn see_off(&mut self, guest: GuestId, id: FiberId, fiber: Fiber, outcome: Outcome) {
        let lane = fiber.lane;
        self.log.emit(self.now, || Event::LaneEnded { lane, outcome });
        self.border.guests.remove(&guest);
        self.free(id, fiber);
    }

    /// Whether a request to this instance leaves the world.
    pub(super) fn leaves(&self, instance: InstanceId) -> bool {
        self.border.home.is_some_and(|home| home != instance)
    }

    /// A request departs; its caller waits already.
    pub(super) fn depart(
        &mut self,
        caller_id: FiberId,
        caller: &Fiber,
        instance: InstanceId,
        request: Request,
    ) {
        let State::Calling(number) = caller.state else {
            return;
        };
        let home = self.border.home.unwrap_or(instance);
        let foreign = Foreign {
            to: instance,
            from: self.shared.plan.instance(home).name.clone(),
            caller: (caller_id, caller.turn),
            number,
            user: caller.user,
            request,
        };
        self.border.outputs.push(Output::Depart(Box::new(foreign)));
    }

    /// A request from another world comes: a guest that goes when it has its answer.
    fn receive(&mut self, guest: GuestId, foreign: Foreign) {
        let hop = self.shared.plan.costs.network;
        let who = (ActorId(0), foreign.from, foreign.user);
        let id = self.enter(guest, who, (foreign.to, hop, false));
        let mut fiber = mem::take(&mut self.fibers[id.0 as usize]);
        self.send(id, &mut fiber, foreign.to, foreign.request, None);
        self.fibers[id.0 as usize] = fiber;
    }

    /// The answer to a request that departed from here, if its caller still waits for it.
    fn receive_answer(&mut self, foreign: &Foreign, answer: Result<Answer, Fault>) {
        let (caller, turn) = foreign.caller;
        let fiber = &self.fibers[caller.0 as usize];
        if fiber.turn != turn {
            return;
        }
        let (lane, request) = (fiber.lane, foreign.number);
        self.log.emit(self.now, || Event::ResponseDelivered {
            lane,
            request,
            fault: answer.as_ref().err().cloned(),
        });
        self.resume(caller, answer);
    }

    /// An outage that nobody planned begins.
    fn inject(&mut self, outage: Outage) {
        // It may have waited for others to be served until it is over.
        let outage = Outage { from: self.now, until: outage.until.max(self.now), ..outage };
        let until = outage.until;
        let id = self.outages.add(outage);
        self.queue.schedule(until, Due::OutageEnds(id));
        self.outage_begins(id);
    }
}

/// The instance that a guest calls.
fn home_of(fiber: &Fiber) -> Result<InstanceId, Fault> {
    match fiber.role {
        Role::Guest { home, .. } => Ok(home),
        _ => Err(broken("only a guest calls from outside".to_owned())),
    }
}

/// Takes the transaction that a guest has open, with its instance.
fn transaction_of(fiber: &mut Fiber) -> Result<(InstanceId, TransactionRef), Fault> {
    fiber.transactions.pop().ok_or_else(|| broken("the client has no transaction".to_owned()))
}
