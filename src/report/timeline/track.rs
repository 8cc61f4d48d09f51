//! Lanes and their tracks, with everything on them that lasts.

use crate::check::Moment;
use crate::plan::Stage;
use crate::report::timeline::ribbons::Ribbon;
use crate::trace::LaneKind;
use crate::words::{InstanceId, LaneId, TransactionId};

/// One lane: who it is, and how it ended.
#[derive(Debug)]
pub(in crate::report) struct LaneLine {
    /// Which.
    pub id: LaneId,
    /// Its letter: `A`.
    pub badge: String,
    /// Its name.
    pub name: String,
    /// What it is: `actor`, `flow`, `session`, `job`.
    pub kind: &'static str,
    /// Where it is at home: the first instance that works for it.
    pub home: Option<InstanceId>,
    /// How it ended.
    pub ending: Ending,
    /// When it ended.
    pub ended: Option<Moment>,
}

/// How a lane ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) enum Ending {
    /// It did not.
    Open,
    /// Well.
    Done,
    /// In this fault, or at this limit of the run.
    Failed(String),
}

/// What one instance does for one lane.
#[derive(Debug)]
pub(in crate::report) struct Track {
    /// The lane, by its position among the lanes.
    pub lane: usize,
    /// The instance.
    pub instance: Option<InstanceId>,
    /// Whether the lane is at home here.
    pub is_home: bool,
    /// What lasts, in the order in which it began.
    pub bars: Vec<Bar>,
    /// Its database transactions, in the order in which they began.
    pub extents: Vec<Extent>,
    /// What happened at one moment, in order.
    pub marks: Vec<Mark>,
    /// Its contended locks, in the order of first contention.
    pub ribbons: Vec<Ribbon>,
}

impl Track {
    /// How many rows of bars it has, at least 1.
    pub fn depth(&self) -> usize {
        self.bars.iter().map(|it| it.depth + 1).max().unwrap_or(1)
    }

    /// Whether anything on it deserves a reader's eye: a wait, or a failure.
    pub fn is_eventful(&self) -> bool {
        self.ribbons.iter().any(Ribbon::has_wait)
            || self.marks.iter().any(|it| it.kind != MarkKind::Commit)
    }
}

/// Something that lasts.
#[derive(Debug)]
pub(in crate::report) struct Bar {
    /// What it is.
    pub kind: BarKind,
    /// Its row, from 0: that of its request.
    pub depth: usize,
    /// Its begin.
    pub from: Moment,
    /// Its end, or that of the run.
    pub to: Moment,
    /// Where another bar begins on top of it, or else its end.
    pub free_until: Moment,
    /// What to write on it, up to there: the longest that fits is taken.
    pub labels: Vec<String>,
}

/// What a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum BarKind {
    /// A request, from the instance's first look at it to its end.
    Request,
    /// Plug-in steps of this stage.
    Stage(Stage),
    /// The database's part of a write: stage 30, or a session's statement.
    Write,
    /// The database's part of a read.
    Read,
    /// Work of the caller, or of a plug-in step.
    Work,
    /// A wait for a lock.
    Wait,
    /// A pause, or the wait before another try.
    Pause,
    /// A call to another instance, until its answer is there.
    Call,
    /// A call that failed on its way.
    Failed,
    /// A job of the async service.
    Job,
}

/// One database transaction.
#[derive(Debug)]
pub(in crate::report) struct Extent {
    /// Which.
    pub transaction: TransactionId,
    /// Its begin.
    pub from: Moment,
    /// Its end, or that of the run.
    pub to: Moment,
    /// Whether it was committed; `None` where it came to no end.
    pub committed: Option<bool>,
}

/// Something that happens at one moment.
#[derive(Debug)]
pub(in crate::report) struct Mark {
    /// What.
    pub kind: MarkKind,
    /// When.
    pub at: Moment,
    /// In which row.
    pub depth: usize,
    /// In words.
    pub text: String,
}

/// What happens at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum MarkKind {
    /// A commit.
    Commit,
    /// A rollback.
    Rollback,
    /// The choice of a deadlock's victim.
    Victim,
    /// A call or an answer that did not arrive.
    Undelivered,
    /// The lane's end in a fault.
    Failed,
}

/// What a reader calls the kind of a lane.
pub(super) const fn kind_word(kind: &LaneKind) -> &'static str {
    match kind {
        LaneKind::Actor { .. } => "actor",
        LaneKind::Flow { .. } => "flow",
        LaneKind::Session { .. } => "session",
        LaneKind::Job { .. } => "async job",
    }
}

/// The letters of the lane at this position: `A` to `Z`, then `AA`.
pub(in crate::report) fn letters(position: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = position + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        rest /= 26;
    }
    letters.iter().rev().map(|it| char::from(*it)).collect()
}
