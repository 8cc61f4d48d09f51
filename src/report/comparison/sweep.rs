//! What comes of each design when one of those who take part begins earlier or later.

use std::collections::BTreeSet;

use crate::check::History;
use crate::plan::Shift;
use crate::trace::DeadlockEdge;
use crate::words::{ActorId, LaneId, Name, TransactionId, format_duration};

/// How a run came out, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meeting {
    /// Nobody waits for the other, and nothing fails.
    Apart,
    /// Somebody waits for a lock, and all ends well.
    Waits,
    /// A caller meets a fault.
    Fails,
    /// A circle of waits closes.
    Deadlock,
}

impl Meeting {
    /// How this run came out for an actor, and for those whom it made wait or had to wait for.
    pub fn of(history: &History, actor: ActorId) -> Self {
        let is_own = |transaction: &TransactionId| history.actor_of(*transaction) == Some(actor);
        let lanes = history.lanes_of(actor).map(|(lane, _)| lane);
        let mut met: BTreeSet<LaneId> = lanes.collect();
        let mut waits = false;
        for wait in &history.waits {
            let mut others = wait.holders.iter().chain(wait.ahead);
            if is_own(&wait.transaction) || others.any(is_own) {
                waits = true;
                let others = wait.holders.iter().chain(wait.ahead);
                let others = others.filter_map(|it| history.transactions.get(it));
                met.extend(others.map(|it| it.lane).chain(wait.lane));
            }
        }
        let has_own = |cycle: &[DeadlockEdge]| cycle.iter().any(|edge| is_own(&edge.waiter));
        let circles = history.deadlocks.iter().filter_map(|it| it.closed);
        let across = history.cross_instance_waits.iter();
        if circles.into_iter().any(|(_, cycle)| has_own(cycle))
            || across.into_iter().any(|it| has_own(it.cycle))
        {
            return Self::Deadlock;
        }
        if history.faults.iter().any(|fault| met.contains(&fault.lane)) {
            return Self::Fails;
        }
        if waits { Self::Waits } else { Self::Apart }
    }

    /// What a reader calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Apart => "no wait",
            Self::Waits => "waits",
            Self::Fails => "fails",
            Self::Deadlock => "deadlock",
        }
    }
}

/// The runs of all designs over the same starts of one actor.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Who begins earlier or later.
    pub actor: Name,
    /// By how much, ascending.
    pub shifts: Vec<Shift>,
    /// For each design, how each of the runs came out, in the same order.
    pub outcomes: Vec<Vec<Meeting>>,
}

/// A stretch of starts with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Window {
    pub(in crate::report) meeting: Meeting,
    /// The positions of its first and its last start.
    pub(in crate::report) first: usize,
    pub(in crate::report) last: usize,
}

/// The stretches of one design, in order.
pub(in crate::report) fn windows(outcomes: &[Meeting]) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (at, meeting) in outcomes.iter().enumerate() {
        match windows.last_mut().filter(|it| it.meeting == *meeting) {
            Some(window) => window.last = at,
            None => windows.push(Window { meeting: *meeting, first: at, last: at }),
        }
    }
    windows
}

/// A shift as a number of milliseconds with its sign: `-100 ms`.
pub(in crate::report) fn signed(shift: Shift) -> String {
    let length = format_duration(shift.length());
    match shift.micros.signum() {
        1 => format!("+{length}"),
        -1 => format!("-{length}"),
        _ => "0".to_owned(),
    }
}

/// What the sweep shows of one design, in a sentence without its name.
pub(in crate::report) fn told(sweep: &Sweep, outcomes: &[Meeting]) -> String {
    let worst = outcomes.iter().copied().max().unwrap_or(Meeting::Apart);
    let count = outcomes.iter().filter(|it| **it == worst).count();
    let all = outcomes.len();
    let what = match worst {
        Meeting::Apart => return format!("they never meet, in {all} runs"),
        Meeting::Waits => "somebody waits",
        Meeting::Fails => "somebody meets a fault",
        Meeting::Deadlock => "a deadlock",
    };
    let found = windows(outcomes);
    let worst_ones: Vec<_> = found.iter().filter(|it| it.meeting == worst).collect();
    match &worst_ones[..] {
        [_] if count == all => format!("{what} in each of {all} runs"),
        [window] if window.first == window.last => {
            format!("{what} at {} (1 of {all} runs)", signed(sweep.shifts[window.first]))
        }
        [window] => {
            let (from, to) = (sweep.shifts[window.first], sweep.shifts[window.last]);
            format!("{what} from {} to {} ({count} of {all} runs)", signed(from), signed(to))
        }
        _ => format!("{what} in {count} of {all} runs"),
    }
}
