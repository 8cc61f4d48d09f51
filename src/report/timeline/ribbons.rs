//! Contended locks: what each track held of them and waited for, and the circles that closed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{History, Moment};
use crate::report::export::locking::Locking;
use crate::report::timeline::track::Track;
use crate::trace::{DeadlockEdge, LockResource};
use crate::words::{InstanceId, LaneId, SimInstant, TransactionId};

/// What one track has to do with one contended lock.
#[derive(Debug)]
pub(in crate::report) struct Ribbon {
    /// The lock.
    pub resource: LockResource,
    /// Its name.
    pub name: String,
    /// When it is held and waited for, in order.
    pub segments: Vec<Segment>,
}

impl Ribbon {
    /// Whether it has a wait in it.
    pub fn has_wait(&self) -> bool {
        self.segments.iter().any(|it| matches!(it.state, SegmentState::Waits { .. }))
    }

    /// All its waits together.
    pub fn waited(&self) -> Duration {
        let waits = self.segments.iter().filter(|it| it.state != SegmentState::Holds);
        waits.map(Segment::length).sum()
    }
}

/// One stretch of a ribbon.
#[derive(Debug)]
pub(in crate::report) struct Segment {
    /// Held, or waited for.
    pub state: SegmentState,
    /// In which mode, in words.
    pub mode: &'static str,
    /// Its begin.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
}

impl Segment {
    /// How long it lasts.
    pub fn length(&self) -> Duration {
        self.to.at.duration_since(self.from.at)
    }
}

/// What a transaction has to do with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum SegmentState {
    /// It holds it.
    Holds,
    /// It waits for it.
    Waits {
        /// The lane in the way, by its position.
        behind: Option<usize>,
    },
}

/// A circle of waits.
#[derive(Debug)]
pub(in crate::report) struct Circle {
    /// Where; `None` for one over several instances.
    pub instance: Option<InstanceId>,
    /// When it closed.
    pub closed: Moment,
    /// When it was over: the victim was chosen, or somebody's time was up.
    pub over: Moment,
    /// Who waits for whom: lanes by their positions.
    pub edges: Vec<(usize, usize)>,
    /// The victim, by its lane's position.
    pub victim: Option<usize>,
}

/// The locks that somebody waited for, in the order of first contention.
pub(super) fn contended(locking: &Locking) -> Vec<LockResource> {
    let mut seen = std::collections::BTreeSet::new();
    let waits = locking.spans.iter().filter(|it| it.is_wait);
    waits.map(|it| it.resource).filter(|it| seen.insert(*it)).collect()
}

/// Puts the ribbons on their tracks.
pub(super) fn attach(
    history: &History,
    locking: &Locking,
    contended: &[LockResource],
    tracks: &mut [Track],
) {
    let order: BTreeMap<_, _> = contended.iter().enumerate().map(|(at, it)| (*it, at)).collect();
    let mut track_of = BTreeMap::new();
    let mut lane_of: BTreeMap<TransactionId, usize> = BTreeMap::new();
    for (at, track) in tracks.iter().enumerate() {
        for extent in &track.extents {
            track_of.insert(extent.transaction, at);
            lane_of.insert(extent.transaction, track.lane);
        }
    }
    let mut places: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for span in &locking.spans {
        let (Some(number), Some(at)) = (order.get(&span.resource), track_of.get(&span.transaction))
        else {
            continue;
        };
        let ribbons = &mut tracks[*at].ribbons;
        let ribbon = *places.entry((*at, *number)).or_insert_with(|| {
            let name = history.resource(&span.resource);
            ribbons.push(Ribbon { resource: span.resource, name, segments: Vec::new() });
            ribbons.len() - 1
        });
        let behind = span.behind.first().and_then(|it| lane_of.get(it)).copied();
        let state = if span.is_wait { SegmentState::Waits { behind } } else { SegmentState::Holds };
        let from = Moment { sequence: span.events.0, at: span.from };
        let to = Moment { sequence: span.events.1, at: span.to };
        let segments = &mut ribbons[ribbon].segments;
        segments.push(Segment { state, mode: span.mode.word(), from, to });
    }
    for track in tracks {
        track.ribbons.sort_by_key(|it| order.get(&it.resource).copied());
    }
}

/// The circles that closed, with the lanes in them.
pub(super) fn circles(
    history: &History,
    locking: &Locking,
    lane_of: &BTreeMap<LaneId, usize>,
) -> Vec<Circle> {
    let edges = |cycle: &[DeadlockEdge]| -> Vec<(usize, usize)> {
        let lanes: Vec<_> = cycle.iter().filter_map(|it| lane_of.get(&it.lane).copied()).collect();
        let next = lanes.iter().cycle().skip(1);
        lanes.iter().zip(next).map(|(waiter, holder)| (*waiter, *holder)).collect()
    };
    let last = history.end();
    let over = |cycle: &[DeadlockEdge], from: SimInstant| {
        let is_in = |it: &&crate::check::Wait| {
            cycle.iter().any(|edge| edge.waiter == it.transaction && edge.resource == it.resource)
                && it.queued.at <= from
        };
        let ends = history.waits.iter().filter(is_in);
        let ends = ends.filter_map(|it| it.ended.map(|(at, _)| at)).filter(|it| it.at >= from);
        ends.min().unwrap_or(Moment { sequence: u32::MAX, at: last })
    };
    let mut circles = Vec::new();
    for deadlock in &locking.deadlocks {
        let lane = |transaction: TransactionId| {
            let lane = history.transactions.get(&transaction)?.lane;
            lane_of.get(&lane).copied()
        };
        circles.push(Circle {
            instance: Some(deadlock.instance),
            closed: Moment { sequence: deadlock.event, at: deadlock.closed },
            over: over(&deadlock.cycle, deadlock.closed),
            edges: edges(&deadlock.cycle),
            victim: deadlock.victim.as_ref().and_then(|(_, victim, _)| lane(*victim)),
        });
    }
    for circle in &history.cross_instance_waits {
        circles.push(Circle {
            instance: None,
            closed: circle.closed,
            over: over(circle.cycle, circle.closed.at),
            edges: edges(circle.cycle),
            victim: None,
        });
    }
    circles.sort_by_key(|it| it.closed);
    circles
}
