//! The world: every instance, every fiber, the clock and the queue, as one value.
//!
//! [`World::advance`] makes one transition: it takes what is due first, lets one fiber run until
//! it has to wait for time, a lock or a message, and appends what happened to the log. Nothing
//! else moves the world. *Invariant:* the only owner of time and randomness.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::Relationships;
use crate::engine::changes::Cursor;
use crate::engine::code::Code;
use crate::engine::database::{Context, Database, TransactionRef};
use crate::engine::fiber::{
    Fiber, FiberId, Frame, Interrupt, ProgramFrame, Role, SessionFrame, State,
};
use crate::engine::guest::Border;
use crate::engine::jobs::Jobs;
use crate::engine::log::Log;
use crate::engine::names::Names;
use crate::engine::numbers::Numbers;
use crate::engine::outages::Outages;
use crate::engine::plug_in::PlugIns;
use crate::engine::queue::{Due, Queue, Scheduled};
use crate::engine::random::Random;
use crate::engine::schedule::Chooser;
use crate::engine::security::{USER_TABLE, UserCaches};
use crate::engine::steps::StepIndex;
use crate::plan::{ActorKind, Plan};
use crate::trace::{Entry, Event, LaneKind, Outcome};
use crate::words::evaluate::Clock;
use crate::words::{
    ActorId, InstanceId, LaneId, Name, OutageId, RowId, SimInstant, Value, format_duration,
};

/// What never changes while a world runs.
#[derive(Debug)]
pub struct Shared {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its programs.
    pub code: Code,
    /// Which plug-in steps run when.
    pub steps: StepIndex,
    /// What becomes of rows that refer to others.
    pub relationships: Relationships,
    /// The plug-ins in Rust.
    pub plug_ins: PlugIns,
}

/// The state of everything. A clone is independent of the original and shares what neither has
/// changed.
#[derive(Clone)]
pub struct World {
    pub(super) shared: Arc<Shared>,
    pub(super) now: SimInstant,
    pub(super) queue: Queue,
    /// By `FiberId`.
    pub(super) fibers: Vec<Fiber>,
    /// The places of fibers that have ended, the one to be taken next last.
    pub(super) free_fibers: Vec<u32>,
    /// By `InstanceId`.
    pub(super) databases: Vec<Database>,
    /// How many runs each actor has begun, by `ActorId`.
    pub(super) runs: Vec<u32>,
    /// Where the readers of changes stand that last over an actor's runs.
    pub(super) cursors: BTreeMap<(ActorId, Name), Cursor>,
    pub(super) names: Names,
    /// The jobs of the async service.
    pub(super) jobs: Jobs,
    /// What the instances have cached of users.
    pub(super) users: UserCaches,
    pub(super) random: Random,
    pub(super) numbers: Numbers,
    pub(super) transitions: u64,
    /// How many times a loop went round. They count against the run's limit like transitions, so
    /// that a loop in which no time passes ends as well.
    pub(super) turns: u64,
    pub(super) log: Log,
    /// How many steps of the sessions' order have begun.
    pub(super) ordered: usize,
    /// Those that may still be met.
    pub(super) outages: Outages,
    /// What goes in and out.
    pub(super) border: Border,
}

/// What a transition left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more to do.
    Advanced,
    /// Nothing is due any more: the run is over.
    Ended,
}

/// Whether a fiber can go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It goes on in the same transition.
    Continue,
    /// It waits.
    Suspend,
}

/// How many transitions there are between two looks of whoever watches a run.
const WATCHED_EVERY: u64 = 100_000;

impl World {
    /// The instant that the world has reached.
    pub const fn now(&self) -> SimInstant {
        self.now
    }

    /// How many transitions the world has made.
    pub const fn transitions(&self) -> u64 {
        self.transitions
    }

    /// Takes the events that happened since they were last taken.
    pub fn take_events(&mut self) -> Vec<Entry> {
        self.log.take()
    }

    /// What a database needs from around it.
    pub(super) fn surroundings(&mut self) -> Context<'_> {
        Context {
            plan: &self.shared.plan,
            names: &mut self.names,
            log: &mut self.log,
            now: self.now,
        }
    }

    /// A database, with what it needs from around it.
    pub(super) fn database(&mut self, instance: InstanceId) -> (&mut Database, Context<'_>) {
        let context = Context {
            plan: &self.shared.plan,
            names: &mut self.names,
            log: &mut self.log,
            now: self.now,
        };
        (&mut self.databases[instance.index()], context)
    }

    /// The calendar of this world.
    pub(super) fn clock(&self) -> Clock {
        Clock { start: self.shared.plan.start, now: self.now }
    }

    /// Makes one transition: what is due first, or what `chooser` picks of all that is due at
    /// the same instant.
    pub fn advance(&mut self, chooser: &mut dyn Chooser) -> Progress {
        let Some(next) = self.next_due(chooser) else {
            return Progress::Ended;
        };
        self.now = next.at;
        self.transitions += 1;
        match next.due {
            Due::Fiber { fiber, .. } => self.wake(fiber),
            Due::Actor(actor) => self.begin_runs(actor),
            Due::OutageBegins(outage) => self.outage_begins(outage),
            Due::OutageEnds(outage) => self.outage_ends(outage),
            Due::AsyncService(instance) => self.look_for_jobs(instance),
            Due::Monitor(instance) => self.search_deadlocks(instance),
            Due::TransactionLimit(instance, reference) => {
                self.transaction_time_is_up(instance, reference)
            }
        }
        self.conduct();
        Progress::Advanced
    }

    /// Advances until nothing is due any more, or a limit of the run is reached. Then every lane
    /// that is still at something is told to be unfinished, and why.
    pub fn run_to_end(&mut self, chooser: &mut dyn Chooser) {
        self.run_watched(chooser, &mut |_, _| {});
    }

    /// The same, and now and then tells the instant and how many transitions there were so far.
    pub fn run_watched(
        &mut self,
        chooser: &mut dyn Chooser,
        watch: &mut dyn FnMut(SimInstant, u64),
    ) {
        let limits = self.shared.plan.limits;
        let end_of_time = SimInstant::START + limits.virtual_time;
        let mut next_look = WATCHED_EVERY;
        let reason = loop {
            let made = self.transitions + self.turns;
            if made >= limits.transitions {
                break format!("the run was stopped after {} transitions", limits.transitions);
            }
            if made >= next_look {
                next_look = made + WATCHED_EVERY;
                watch(self.now, made);
            }
            if self.advance(chooser) == Progress::Ended {
                return;
            }
            if self.now > end_of_time {
                let limit = format_duration(limits.virtual_time);
                break format!("the run was stopped after {limit} of virtual time");
            }
        };
        let reason = Name::from(reason);
        for lane in self.unfinished().collect::<Vec<_>>() {
            let outcome = Outcome::Unfinished(reason.clone());
            self.log.emit(self.now, || Event::LaneEnded { lane, outcome });
        }
    }

    /// Takes the next entry that still means something out of the queue.
    fn next_due(&mut self, chooser: &mut dyn Chooser) -> Option<Scheduled> {
        loop {
            if chooser.takes_the_first() {
                let next = self.queue.pop()?;
                if is_stale(&self.fibers, &next.due) {
                    self.queue.forget_stale();
                    continue;
                }
                return Some(next);
            }
            let mut ties = self.queue.pop_ties();
            if ties.is_empty() {
                return None;
            }
            ties.retain(|entry| !is_stale(&self.fibers, &entry.due));
            if ties.is_empty() {
                continue;
            }
            let chosen = ties.remove(chooser.choose(&ties).min(ties.len() - 1));
            for entry in ties {
                self.queue.put_back(entry);
            }
            return Some(chosen);
        }
    }

    /// Notes that an entry of the queue has become stale.
    pub(super) fn note_stale(&mut self) {
        let fibers = &self.fibers;
        self.queue.note_stale(|due| is_stale(fibers, due));
    }

    /// A fiber is due: its wait is over, or its time is up.
    fn wake(&mut self, id: FiberId) {
        let mut fiber = std::mem::take(&mut self.fibers[id.0 as usize]);
        match fiber.state {
            State::Ready | State::Gated | State::Idle => {}
            State::Sleeping { until } if self.now < until => self.plug_in_time_is_up(&mut fiber),
            State::Sleeping { .. } => {}
            State::Locked => self.lock_time_is_up(&mut fiber),
            State::Calling(request) => {
                self.call_time_is_up(&mut fiber, request);
            }
            State::Travelling => {
                if !self.arrive(id, &mut fiber) {
                    self.fibers[id.0 as usize] = fiber;
                    return;
                }
            }
            State::Returning { carried_out } => {
                let answer = fiber.result.take();
                self.fibers[id.0 as usize] = fiber;
                self.deliver(id, carried_out, answer);
                return;
            }
        }
        fiber.state = State::Ready;
        self.run(id, fiber);
    }

    /// Lets a fiber run until it waits or ends.
    pub(super) fn run(&mut self, id: FiberId, mut fiber: Fiber) {
        loop {
            let flow = match fiber.interrupt.take() {
                Some(interrupt) => self.unwind(&mut fiber, *interrupt),
                None => match fiber.frames.last() {
                    Some(Frame::Program(_)) => self.step_program(id, &mut fiber),
                    Some(Frame::Request(_)) => self.step_request(id, &mut fiber),
                    Some(Frame::Native(_)) => self.step_native(id, &mut fiber),
                    Some(Frame::Job(_)) => self.step_job(id, &mut fiber),
                    Some(Frame::Session(_)) => self.step_session(&mut fiber),
                    Some(Frame::Statement(_)) => self.step_statement(id, &mut fiber),
                    None => break,
                },
            };
            if flow == Flow::Suspend {
                self.fibers[id.0 as usize] = fiber;
                return;
            }
        }
        self.end(id, fiber);
    }

    /// A fiber has nothing left to do.
    fn end(&mut self, id: FiberId, mut fiber: Fiber) {
        match fiber.role {
            Role::Server { .. } => self.respond(id, fiber),
            Role::Guest { .. } => self.answer_guest(id, fiber),
            Role::Client { .. } | Role::Job { .. } | Role::Free => {
                let outcome = match fiber.result.take() {
                    Some(Err(fault)) => Outcome::Failed(fault),
                    _ => Outcome::Succeeded,
                };
                let lane = fiber.lane;
                self.log.emit(self.now, || Event::LaneEnded { lane, outcome });
                self.free(id, fiber);
            }
        }
    }

    /// A slot for a new fiber.
    pub(super) fn allocate(&mut self) -> FiberId {
        let slot = self.free_fibers.pop().unwrap_or_else(|| {
            self.fibers.push(Fiber::default());
            u32::try_from(self.fibers.len() - 1).unwrap_or(u32::MAX)
        });
        FiberId(slot)
    }

    /// Gives a fiber's slot back, with the memory of its stack.
    pub(super) fn free(&mut self, id: FiberId, mut fiber: Fiber) {
        fiber.frames.clear();
        self.fibers[id.0 as usize] =
            Fiber { turn: fiber.turn.wrapping_add(1), frames: fiber.frames, ..Fiber::default() };
        self.free_fibers.push(id.0);
    }

    /// Lets a fiber wait until `wake_at`, or until a plug-in that it is in runs out of time.
    pub(super) fn wait(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        state: State,
        wake_at: SimInstant,
    ) {
        fiber.state = state;
        fiber.turn = fiber.turn.wrapping_add(1);
        // The slot knows the turn also while the fiber is out of it, so that a sweep of the
        // queue does not take what is scheduled here for stale.
        self.fibers[id.0 as usize].turn = fiber.turn;
        let at = match plug_in_deadline(fiber) {
            Some((_, deadline)) => wake_at.min(deadline),
            None => wake_at,
        };
        let due = Due::Fiber { fiber: id, turn: fiber.turn };
        match fiber.state {
            State::Calling(_) | State::Locked => {
                self.queue.schedule_timeout(at.max(self.now), due);
            }
            _ => self.queue.schedule(at.max(self.now), due),
        }
    }

    /// Lets virtual time pass for a fiber.
    pub(super) fn sleep(&mut self, id: FiberId, fiber: &mut Fiber, duration: Duration) -> Flow {
        if duration.is_zero() {
            return Flow::Continue;
        }
        let until = self.now + duration;
        self.wait(id, fiber, State::Sleeping { until }, until);
        Flow::Suspend
    }

    /// Interrupts a fiber whose plug-in step has run out of time.
    pub(super) fn plug_in_time_is_up(&self, fiber: &mut Fiber) {
        if let Some((frame, _)) = plug_in_deadline(fiber).filter(|(_, at)| *at <= self.now) {
            fiber.interrupt = Some(Box::new(Interrupt::PlugInTimeout { frame }));
        }
    }

    /// An outage begins.
    pub(super) fn outage_begins(&mut self, outage: OutageId) {
        let Some((instance, until)) = self.outages.extent(outage) else {
            return;
        };
        self.log.emit(self.now, || Event::OutageBegan { outage, instance, until });
    }

    /// An outage is over.
    fn outage_ends(&mut self, outage: OutageId) {
        let Some((instance, _)) = self.outages.extent(outage) else {
            return;
        };
        self.log.emit(self.now, || Event::OutageEnded { outage, instance });
        self.outages.remove(outage);
    }

    /// An actor's schedule has come: its runs begin, one for each of its count, and the next
    /// beginning is put into the queue.
    fn begin_runs(&mut self, id: ActorId) {
        let shared = Arc::clone(&self.shared);
        let actor = shared.plan.actor(id);
        for number in 1..=actor.count {
            self.begin_run(&shared.plan, id, number);
        }
        if let Some(every) = actor.schedule.every.filter(|every| !every.is_zero()) {
            let next = self.now + every;
            let in_time = match actor.schedule.until {
                Some(until) => next < until,
                None => next <= shared.plan.horizon,
            };
            if in_time {
                self.queue.schedule(next, Due::Actor(id));
            }
        }
    }

    fn begin_run(&mut self, plan: &Plan, id: ActorId, number: u32) {
        let actor = plan.actor(id);
        let lane = self.number_lane();
        let run = self.number_run(id);
        let kind = match actor.kind {
            ActorKind::Client => LaneKind::Actor { actor: id, run },
            ActorKind::Flow { .. } => LaneKind::Flow { actor: id, run },
            ActorKind::Session(_) => LaneKind::Session { actor: id, run },
        };
        let several = actor.count > 1 || actor.schedule.every.is_some();
        self.log.emit(self.now, || Event::LaneBegan {
            lane,
            kind,
            name: if several {
                format!("{} #{run}", actor.name).into()
            } else {
                actor.name.clone()
            },
        });
        let mut bindings: Vec<(Name, Value)> = Vec::with_capacity(actor.with.len() + 1);
        bindings.push((Name::from("n"), Value::Whole(i64::from(number))));
        let given = self.evaluate_all(&actor.with, &bindings);
        let fiber_id = self.allocate();
        let mut fiber = std::mem::take(&mut self.fibers[fiber_id.0 as usize]);
        fiber.lane = lane;
        fiber.role = Role::Client { actor: id };
        fiber.user = actor.user.as_ref().map(|user| RowId::named(USER_TABLE, user));
        match given {
            Ok(given) => {
                bindings.extend(given);
                fiber.frames.push(match &actor.kind {
                    ActorKind::Session(_) => {
                        Frame::Session(Box::new(SessionFrame::new(id, bindings)))
                    }
                    ActorKind::Client | ActorKind::Flow { .. } => {
                        let home = plan.programs[actor.program.index()].home.or(actor.home);
                        Frame::Program(ProgramFrame::new(actor.program, home, bindings))
                    }
                });
            }
            Err(fault) => fiber.result = Some(Err(fault)),
        }
        self.wait(fiber_id, &mut fiber, State::Ready, self.now);
        self.fibers[fiber_id.0 as usize] = fiber;
    }

    /// The lanes of the runs and jobs that have not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = LaneId> {
        self.fibers
            .iter()
            .filter(|fiber| matches!(fiber.role, Role::Client { .. } | Role::Job { .. }))
            .map(|fiber| fiber.lane)
    }

    /// The transaction, if the fiber has one open there by an explicit `transaction` step.
    pub(super) fn explicit_transaction(
        fiber: &Fiber,
        instance: InstanceId,
    ) -> Option<TransactionRef> {
        let open = fiber.transactions.iter().rev().find(|(place, _)| *place == instance);
        open.map(|(_, reference)| *reference)
    }
}

/// Whether what was scheduled belongs to a wait that is over.
pub(super) fn is_stale(fibers: &[Fiber], due: &Due) -> bool {
    match due {
        Due::Fiber { fiber, turn } => fibers[fiber.0 as usize].turn != *turn,
        _ => false,
    }
}

/// The earliest limit of the plug-in steps that a fiber is in, with the position of the request
/// frame that runs the step.
pub(super) fn plug_in_deadline(fiber: &Fiber) -> Option<(usize, SimInstant)> {
    let running = fiber.frames.iter().enumerate().filter_map(|(index, frame)| match frame {
        Frame::Request(frame) => frame.running.map(|(_, deadline)| (index, deadline)),
        _ => None,
    });
    running.min_by_key(|(_, deadline)| *deadline)
}
