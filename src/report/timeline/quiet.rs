//! Quiet time: everybody waits or pauses, and nothing changes. A picture folds it, and says how
//! long it was.
//!
//! Time in which somebody works is no quiet time, even if nothing else happens: how long a lock is
//! held over long work is what many pictures are there to show. It is folded only where everything
//! else would be too short to be seen beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::check::History;
use crate::trace::Event;
use crate::words::{LaneId, SimInstant};

/// From this share of the run on, a gap is folded.
const GAP_SHARE: f64 = 0.06;

/// And only if it is so many times as long as the mean of all gaps, itself among them.
const TIMES_MEAN: f64 = 2.5;

/// Work is folded only if it takes at least this share of the run …
const WORK_SHARE: f64 = 0.5;

/// … and is so many times as long as the mean of the short gaps: beside it, what happens in those
/// could not be seen.
const TIMES_SHORT: f64 = 200.0;

/// The most folds of one picture.
const FOLDS_MAX: usize = 16;

/// A stretch of time that is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Quiet {
    /// Its begin.
    pub from: SimInstant,
    /// Its end.
    pub to: SimInstant,
}

impl Quiet {
    /// How much time it hides.
    pub fn length(&self) -> Duration {
        self.to.duration_since(self.from)
    }
}

/// A stretch of time without an event.
#[derive(Clone, Copy)]
struct Gap {
    from: u64,
    to: u64,
    busy: bool,
    folded: bool,
}

impl Gap {
    fn length(&self) -> f64 {
        (self.to - self.from) as f64
    }
}

/// The stretches of quiet time of a run, in order.
pub(super) fn quiet(history: &History) -> Vec<Quiet> {
    let mut gaps = gaps(history);
    let end = history.end().0 as f64;
    let mut live = end;
    let mut folds = 0;
    loop {
        let open: Vec<_> = gaps.iter().filter(|it| !it.folded).map(Gap::length).collect();
        let short: Vec<_> = open.iter().filter(|it| **it < live * GAP_SHARE).collect();
        let short = short.iter().copied().sum::<f64>() / short.len().max(1) as f64;
        let mean = live / open.len().max(1) as f64;
        let fits = |gap: &&mut Gap| {
            let length = gap.length();
            let is_long = length >= live * GAP_SHARE && length >= mean * TIMES_MEAN;
            let is_most = length >= live * WORK_SHARE && length >= short * TIMES_SHORT;
            !gap.folded && is_long && (!gap.busy || is_most)
        };
        let longest = gaps.iter_mut().filter(fits).max_by(|a, b| a.length().total_cmp(&b.length()));
        let Some(gap) = longest.filter(|_| folds < FOLDS_MAX) else {
            break;
        };
        gap.folded = true;
        live -= gap.length();
        folds += 1;
        if folds >= FOLDS_MAX || live <= 0.0 {
            break;
        }
    }
    // A little of each fold stays, so that what is beside it is not glued to it.
    let rest = ((live / 40.0) as u64).max(1);
    let trimmed = gaps.iter().filter(|it| it.folded && it.to - it.from > rest * 4);
    trimmed
        .map(|it| Quiet { from: SimInstant(it.from + rest), to: SimInstant(it.to - rest) })
        .collect()
}

/// Every stretch without an event, with whether somebody works in it.
fn gaps(history: &History) -> Vec<Gap> {
    let mut active: BTreeSet<LaneId> = BTreeSet::new();
    let mut waiting: BTreeMap<LaneId, usize> = BTreeMap::new();
    let mut gaps = Vec::new();
    let mut now = 0;
    for entry in &history.trace.entries {
        if entry.at.0 > now {
            let busy = active.iter().any(|it| !waiting.contains_key(it));
            gaps.push(Gap { from: now, to: entry.at.0, busy, folded: false });
            now = entry.at.0;
        }
        let lane_of = |transaction| history.transactions.get(transaction).map(|it| it.lane);
        match &entry.event {
            Event::Worked { lane, .. } | Event::RequestSent { lane, .. } => {
                active.insert(*lane);
            }
            Event::StatementBegan(began) => {
                active.insert(began.lane);
            }
            Event::RequestBegan(began) => {
                active.insert(began.lane);
            }
            Event::PlugInBegan { lane, .. } => {
                active.insert(*lane);
            }
            Event::Slept { lane, .. }
            | Event::LaneEnded { lane, .. }
            | Event::RequestRefused { lane, .. }
            | Event::ResponseDelivered { lane, .. }
            | Event::StepEnded { lane, .. }
            | Event::Retried { lane, .. } => {
                active.remove(lane);
            }
            Event::LockQueued { transaction, .. } => {
                if let Some(lane) = lane_of(transaction) {
                    *waiting.entry(lane).or_default() += 1;
                }
            }
            Event::WaitEnded { transaction, .. } => {
                if let Some(lane) = lane_of(transaction) {
                    waiting.remove(&lane);
                }
            }
            _ => {}
        }
    }
    gaps
}
