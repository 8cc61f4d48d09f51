//! One view of a run for every picture of it: who was at work when, inside which transaction,
//! which lock was held and waited for, and when an instance could not be reached.
//!
//! ```text
//!   Trace ──▶ History, locks, story lines ──▶ Timeline ──▶ the terminal's timeline
//!                                                     └──▶ the HTML report
//! ```
//!
//! - A *lane* is one run of an actor, flow, session or job, and has a letter. It has a *track* in
//!   each instance that works for it; the first is its home, where its own work, pauses and
//!   failed calls are drawn.
//! - A *bar* is something that lasts: a request, a stage, a plug-in step, work, a wait, a pause.
//!   Bars of nested requests are one row deeper.
//! - A *ribbon* is what one track has to do with one contended lock: held, or waited for.
//! - A *step* is a line of the story, the smallest thing that a reader can step to.
//!
//! Positions in time are [`Moment`]s: where several things happen at one instant, the picture
//! still shows their order (see [`axis`]).

pub(in crate::report) mod axis;
mod chapters;
mod crossing;
mod fold;
mod pipeline;
mod quiet;
mod ribbons;
mod selection;
mod steps;
#[cfg(test)]
mod tests;
mod track;
mod transactions;

use std::collections::BTreeMap;

use crate::check::{History, Moment};
use crate::report::export::locking::Locking;
use crate::trace::LockResource;
use crate::words::{InstanceId, LaneId, SimInstant};

pub(in crate::report) use axis::Axis;
pub(in crate::report) use chapters::Chapter;
pub(in crate::report) use crossing::{Arrival, Crossing};
pub(in crate::report) use quiet::Quiet;
pub(in crate::report) use ribbons::{Circle, Ribbon, Segment, SegmentState};
pub(in crate::report) use selection::Detail;
pub(in crate::report) use steps::Step;
pub(in crate::report) use track::{Bar, BarKind, Ending, Extent, LaneLine, MarkKind, Track};

/// A run, ready to be drawn.
#[derive(Debug)]
pub(in crate::report) struct Timeline {
    /// The lanes, in the order in which they began.
    pub lanes: Vec<LaneLine>,
    /// The position of each lane in `lanes`.
    pub lane_of: BTreeMap<LaneId, usize>,
    /// The instances that have something to show, in their order; those without a track too.
    pub groups: Vec<Group>,
    /// The tracks, grouped as in `groups`.
    pub tracks: Vec<Track>,
    /// The locks that somebody waited for, in the order in which that first happened.
    pub contended: Vec<LockResource>,
    /// The circles of waits, in the order in which they closed.
    pub circles: Vec<Circle>,
    /// What went from one instance to another, or did not arrive.
    pub crossings: Vec<Crossing>,
    /// The time in which everybody waits or pauses, folded away.
    pub quiet: Vec<Quiet>,
    /// Where the picture may have to tell apart what happens at one instant, in order.
    pub stops: Vec<axis::Stop>,
    /// The moments that explain the run.
    pub chapters: Vec<Chapter>,
    /// The lines of the story.
    pub steps: Vec<Step>,
}

/// An instance with its tracks.
#[derive(Debug)]
pub(in crate::report) struct Group {
    /// The instance; `None` for lanes that no instance works for.
    pub instance: Option<InstanceId>,
    /// Its name.
    pub name: String,
    /// Its outages.
    pub outages: Vec<OutageBand>,
    /// Its tracks: a range of `Timeline::tracks`.
    pub tracks: std::ops::Range<usize>,
}

/// An outage, drawn on its instance's own bar.
#[derive(Debug)]
pub(in crate::report) struct OutageBand {
    /// When it began.
    pub from: Moment,
    /// When it is over.
    pub until: SimInstant,
    /// What the instance is: `unreachable`.
    pub state: &'static str,
    /// How many messages it stopped.
    pub hits: usize,
}

impl Timeline {
    /// The view of a run.
    pub fn of(history: &History) -> Self {
        let locking = Locking::of(history.trace);
        let steps = steps::steps(history);
        let fold::Folded { lanes, lane_of, mut tracks, stops } = fold::fold(history);
        let contended = ribbons::contended(&locking);
        ribbons::attach(history, &locking, &contended, &mut tracks);
        let groups = groups(history, &mut tracks);
        let circles = ribbons::circles(history, &locking, &lane_of);
        let crossings = crossing::crossings(history, &lanes, &lane_of, &tracks);
        let chapters = chapters::chapters(history, &lanes, &lane_of, &steps);
        let quiet = quiet::quiet(history);
        Self {
            lanes,
            lane_of,
            groups,
            tracks,
            contended,
            circles,
            crossings,
            quiet,
            stops,
            chapters,
            steps,
        }
    }

    /// The track of a lane in an instance.
    pub fn track(&self, lane: usize, instance: Option<InstanceId>) -> Option<usize> {
        self.tracks.iter().position(|it| it.lane == lane && it.instance == instance)
    }

    /// The number of a contended lock, in the order of first contention.
    pub fn glyph(&self, resource: &LockResource) -> Option<usize> {
        self.contended.iter().position(|it| it == resource)
    }
}

/// Sorts the tracks by instance, and puts the instances' outages beside them.
fn groups(history: &History, tracks: &mut [Track]) -> Vec<Group> {
    let order = |track: &Track| (track.instance.is_none(), track.instance, track.lane);
    tracks.sort_by_key(order);
    let mut groups = Vec::new();
    let count = u16::try_from(history.trace.header.instances.len()).unwrap_or(u16::MAX);
    let mut known: Vec<_> = (0..count).map(|it| Some(InstanceId(it))).collect();
    let more: Vec<_> = tracks.iter().map(|it| it.instance).collect();
    known.extend(more.into_iter().filter(|it| it.is_none_or(|it| it.0 >= count)));
    known.dedup();
    for instance in known {
        let is_in = |track: &Track| track.instance == instance;
        let first = tracks.iter().position(is_in).unwrap_or(0);
        let range = first..first + tracks.iter().filter(|it| is_in(it)).count();
        let seen = history.outages.iter().filter(|it| Some(it.instance) == instance);
        let outages: Vec<_> = seen
            .map(|it| OutageBand {
                from: it.began,
                until: it.until,
                state: crate::report::story::outage_word(history, it),
                hits: it.hits.len(),
            })
            .collect();
        let rest = instance.is_none();
        let name = instance.map_or_else(|| "outside".to_owned(), |it| history.names.instance(it));
        if !range.is_empty() || !outages.is_empty() || !rest {
            groups.push(Group { instance, name, outages, tracks: range });
        }
    }
    groups
}
