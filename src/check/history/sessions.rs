//! Sessions: the runs of their steps.

use crate::check::Moment;
use crate::fault::Fault;
use crate::words::{LaneId, Name, Value};

/// One run of a session's step.
#[derive(Debug)]
pub struct StepRun<'t> {
    /// The session's lane.
    pub lane: LaneId,
    /// The position of the step in the session.
    pub step: u16,
    /// Its label.
    pub label: &'t Name,
    /// When it began.
    pub began: Moment,
    /// When and how it ended.
    pub ended: Option<StepEnd<'t>>,
    /// The waits for locks in it, as positions in [`crate::check::History::waits`].
    pub waits: Vec<usize>,
}

/// The end of a step.
#[derive(Clone, Copy, Debug)]
pub struct StepEnd<'t> {
    /// When.
    pub at: Moment,
    /// The fault, where it ended in one.
    pub fault: Option<&'t Fault>,
    /// What its last statement answered.
    pub answer: &'t Value,
}

impl StepRun<'_> {
    /// Whether it was under way at this moment.
    pub fn covers(&self, moment: Moment) -> bool {
        self.began <= moment && self.ended.is_none_or(|end| moment <= end.at)
    }
}
