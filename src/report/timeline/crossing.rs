//! What goes from one instance to another, and what does not arrive.

use std::collections::BTreeMap;

use crate::check::{History, Moment};
use crate::report::timeline::track::{LaneLine, Track};
use crate::trace::Event;
use crate::words::{InstanceId, LaneId};

/// The most arrows of one picture.
const CROSSINGS_MAX: usize = 200;

/// One message between a lane's home and another instance.
#[derive(Debug)]
pub(in crate::report) struct Crossing {
    /// The track that it starts from.
    pub from: usize,
    /// When it leaves, and when it arrives or is lost.
    pub left: Moment,
    /// When it arrives or is lost.
    pub arrived: Moment,
    /// Where it goes.
    pub to: Arrival,
}

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Arrival {
    /// At a track.
    Track(usize),
    /// Short of this instance: it was not reached, or turned the call away.
    Lost(InstanceId),
}

/// The messages between instances, in order.
pub(super) fn crossings(
    history: &History,
    lanes: &[LaneLine],
    lane_of: &BTreeMap<LaneId, usize>,
    tracks: &[Track],
) -> Vec<Crossing> {
    let track = |lane: usize, instance: Option<InstanceId>| {
        tracks.iter().position(|it| it.lane == lane && it.instance == instance)
    };
    let mut sent = BTreeMap::new();
    let mut crossings = Vec::new();
    for entry in &history.trace.entries {
        if crossings.len() >= CROSSINGS_MAX {
            break;
        }
        let now = Moment::of(entry);
        match &entry.event {
            Event::RequestSent { lane, request, instance, .. } => {
                sent.insert(*request, (*lane, *instance, now));
            }
            Event::RequestBegan(began) => {
                let parent = began.parent.and_then(|it| history.requests.get(&it));
                let (from, left) = match (sent.get(&began.request), parent) {
                    (Some((_, _, left)), _) => (None, *left),
                    (None, Some(parent)) => (Some(parent.instance), now),
                    (None, None) => continue,
                };
                let Some(lane) = lane_of.get(&began.lane).copied() else {
                    continue;
                };
                let from = from.or(lanes[lane].home);
                if from == Some(began.instance) {
                    continue;
                }
                if let (Some(from), Some(to)) =
                    (track(lane, from), track(lane, Some(began.instance)))
                {
                    let to = Arrival::Track(to);
                    crossings.push(Crossing { from, left, arrived: now, to });
                }
            }
            Event::RequestRefused { request, .. } | Event::ResponseLost { request, .. } => {
                let Some((lane, instance, left)) = sent.get(request).copied() else {
                    continue;
                };
                let Some(lane) = lane_of.get(&lane).copied() else {
                    continue;
                };
                if let Some(from) = track(lane, lanes[lane].home) {
                    let to = Arrival::Lost(instance);
                    crossings.push(Crossing { from, left, arrived: now, to });
                }
            }
            _ => {}
        }
    }
    crossings
}
