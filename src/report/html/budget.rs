//! How much of a long run a page has room for. What is left out is said on the page.

use std::collections::BTreeSet;

use crate::report::story::LineMark;
use crate::report::timeline::{Step, Timeline};

/// The most steps of all runs of a page together.
const STEPS_MAX: usize = 4_000;

/// The fewest steps that a run gets.
const STEPS_LEAST: usize = 400;

/// Up to this many steps, the whole state is told at times, so that jumps are fast.
const KEYED_MAX: usize = 2_500;

/// The most different pictures of waits in one run.
pub(super) const GRAPHS_MAX: usize = 80;

/// Up to this many events of all runs together, the timeline is drawn without folds as well, and
/// the table has every event.
const EVENTS_DETAILED: usize = 1_500;

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) steps: usize,
    pub(super) graphs: usize,
    pub(super) is_detailed: bool,
}

impl Budget {
    /// The share of one of so many runs, which has so many events.
    pub(super) fn of(runs: usize, events: usize) -> Self {
        let runs = runs.max(1);
        Self {
            steps: (STEPS_MAX / runs).max(STEPS_LEAST),
            graphs: (GRAPHS_MAX / runs).max(12),
            is_detailed: events * runs <= EVENTS_DETAILED,
        }
    }

    /// Whether the whole state is told at times.
    pub(super) const fn is_keyed(steps: usize) -> bool {
        steps <= KEYED_MAX
    }

    /// The steps that are kept: all; or else the chapters, what fails or waits, and as many of the
    /// others as there is room for, evenly.
    pub(super) fn chosen<'v>(&self, view: &'v Timeline) -> Vec<&'v Step> {
        let steps = &view.steps;
        if steps.len() <= self.steps {
            return steps.iter().collect();
        }
        let mut kept: BTreeSet<usize> = view.chapters.iter().map(|it| it.step).collect();
        kept.extend([0, steps.len() - 1]);
        let is_key = |at: &usize| {
            matches!(steps[*at].mark, LineMark::Failed | LineMark::Wait | LineMark::Outage)
        };
        kept.extend((0..steps.len()).filter(is_key).take(self.steps / 2));
        let room = self.steps.saturating_sub(kept.len()).max(1);
        let stride = steps.len().div_ceil(room);
        kept.extend((0..steps.len()).step_by(stride));
        kept.into_iter().map(|at| &steps[at]).collect()
    }
}
