//! The same plan with one actor who begins earlier or later than all the others: what a comparison
//! asks for that wants to know how far its outcome depends on the timing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plan::{Actor, ActorKind, Plan, Step, Verb};
use crate::words::{ActorId, ProgramId, SimInstant};

/// By how much an actor begins apart from where the plan has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    /// The time, in microseconds: later where it is positive, earlier where it is negative.
    pub micros: i64,
}

impl Shift {
    /// The time without its sign.
    pub const fn length(self) -> Duration {
        Duration::from_micros(self.micros.unsigned_abs())
    }
}

impl Plan {
    /// The plan in which an actor does everything so much earlier or later. What is earlier than
    /// all others is told as all others later, outages included, so that nothing begins before the
    /// start of the world. What the actor does in programs that others call as well stays where it
    /// is.
    #[must_use]
    pub fn shifted(&self, actor: ActorId, shift: Shift) -> Self {
        let mut plan = self.clone();
        let own = own_programs(self, actor);
        let by = shift.length();
        let moves_actor = shift.micros >= 0;
        for (number, other) in (0..).map(ActorId).zip(&mut plan.actors) {
            if (number == actor) == moves_actor {
                move_actor(other, by);
            }
        }
        for (number, program) in (0..).map(ProgramId).zip(&mut plan.programs) {
            if own.contains(&number) == moves_actor {
                move_steps(&mut program.steps, by);
            }
        }
        if !moves_actor {
            for outage in &mut plan.outages {
                outage.from = outage.from + by;
                outage.until = outage.until + by;
            }
        }
        plan.horizon = plan.horizon + by;
        plan
    }
}

/// The programs that are an actor's own: its body, and the steps of a session.
fn own_programs(plan: &Plan, actor: ActorId) -> BTreeSet<ProgramId> {
    let mut own = BTreeSet::new();
    if let Some(actor) = plan.actors.get(actor.index()) {
        own.insert(actor.program);
        if let ActorKind::Session(session) = &actor.kind {
            own.extend(session.steps.iter().map(|step| step.program));
        }
    }
    own
}

fn move_actor(actor: &mut Actor, by: Duration) {
    let schedule = &mut actor.schedule;
    schedule.first = schedule.first + by;
    schedule.until = schedule.until.map(|until: SimInstant| until + by);
}

/// Moves the instants for which steps wait.
fn move_steps(steps: &mut [Step], by: Duration) {
    for step in steps {
        match &mut step.verb {
            Verb::WaitUntil(instant) => *instant = *instant + by,
            Verb::If { then, otherwise, .. } => {
                move_steps(then, by);
                move_steps(otherwise, by);
            }
            Verb::Try { body, on_fault, .. } => {
                move_steps(body, by);
                move_steps(on_fault, by);
            }
            Verb::ForEach { body, .. }
            | Verb::Repeat { body, .. }
            | Verb::Retry { body, .. }
            | Verb::Transaction { body, .. }
            | Verb::Batch { body, .. } => move_steps(body, by),
            _ => {}
        }
    }
}
