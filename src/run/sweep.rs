//! The runs that show how far what happens depends on who comes when.

use std::sync::Arc;
use std::time::Duration;

use crate::check::History;
use crate::engine::{self, PlanError, RunOptions};
use crate::plan::{Plan, Shift};
use crate::report::{Meeting, Sweep};
use crate::trace::Trace;
use crate::words::ActorId;

/// Which runs a sweep is made of.
#[derive(Clone, Debug, Default)]
pub struct SweepOptions {
    /// Who begins earlier or later; `None`: the one, of those who meet at a lock in the first run,
    /// that begins last.
    pub actor: Option<ActorId>,
    /// How much earlier and later at most. `None`: a little more than what the longer of the two
    /// takes without its waits, in round steps.
    pub reach: Option<Duration>,
    /// How many starts to try, evenly spread. At least 3; even numbers are made odd, so that the
    /// start of the file is one of them.
    pub starts: u16,
}

/// Runs several plans of the same actors over the same starts of one of them. `None` where there
/// is nobody to move: nobody meets at a lock, or an order is fixed.
///
/// # Errors
///
/// A plan can't become a world.
pub fn sweep(
    plans: &[Arc<Plan>],
    traces: &[&Trace],
    options: &RunOptions,
    wanted: &SweepOptions,
) -> Result<Option<Sweep>, PlanError> {
    let is_fixed = plans.iter().any(|plan| !plan.order.is_empty());
    let met = traces.iter().find_map(|trace| meeting(trace));
    let Some(actor) = wanted.actor.or(met.map(|it| it.actor)).filter(|_| !is_fixed) else {
        return Ok(None);
    };
    let Some(name) = plans.first().and_then(|plan| plan.actors.get(actor.index())) else {
        return Ok(None);
    };
    let half = i64::from(wanted.starts.max(3) / 2);
    let step = match wanted.reach {
        Some(reach) => i64::try_from(reach.as_micros()).unwrap_or(i64::MAX) / half,
        None => round_step(met.map_or(Duration::from_millis(100), |it| it.longest), half),
    };
    let shift = |number: i64| Shift { micros: number.saturating_mul(step.max(1)) };
    let shifts: Vec<_> = (-half..=half).map(shift).collect();
    let mut outcomes = Vec::new();
    for plan in plans {
        let mut of_plan = Vec::new();
        for shift in &shifts {
            let moved = Arc::new(plan.shifted(actor, *shift));
            let trace = engine::run(&moved, options)?;
            of_plan.push(Meeting::of(&History::of(&trace), actor));
        }
        outcomes.push(of_plan);
    }
    Ok(Some(Sweep { actor: name.name.clone(), shifts, outcomes }))
}

/// The round step, in microseconds, of which so many are a little more than a length of time.
fn round_step(length: Duration, steps: i64) -> i64 {
    let wanted = i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 2) / steps;
    let wanted = wanted.saturating_add(wanted / 8);
    let powers = std::iter::successors(Some(1_i64), |power| power.checked_mul(10));
    let mut round = powers.flat_map(|power| [1, 2, 5].map(|it| power.saturating_mul(it)));
    round.find(|it| *it >= wanted).unwrap_or(wanted)
}

/// Two who meet at a lock.
#[derive(Clone, Copy)]
struct Met {
    /// The one who begins later.
    actor: ActorId,
    /// How long the longer of the two is at work, its waits for locks left out.
    longest: Duration,
}

/// The first who meet at a lock in a run.
fn meeting(trace: &Trace) -> Option<Met> {
    let history = History::of(trace);
    let end = history.end();
    history.waits.iter().find_map(|wait| {
        let holder = wait.holders.first().or_else(|| wait.ahead.first())?;
        let lanes = [wait.lane?, history.transactions.get(holder)?.lane];
        let [waiter, holder] = lanes.map(|lane| {
            let known = &history.lanes[&lane];
            let ended = known.ended.map_or(end, |(moment, _)| moment.at);
            let waits = history.waits.iter().filter(|it| it.lane == Some(lane));
            let waited: Duration = waits.map(|it| it.waited).sum();
            let took = ended.duration_since(known.began.at).saturating_sub(waited);
            (known.began, known.kind.actor(), took)
        });
        let later = if waiter.0 >= holder.0 { waiter } else { holder };
        let (actor, other) = (later.1?, if later.0 == waiter.0 { holder.1 } else { waiter.1 });
        // Two runs of one actor begin together wherever it begins.
        (Some(actor) != other).then_some(Met { actor, longest: waiter.2.max(holder.2) })
    })
}
