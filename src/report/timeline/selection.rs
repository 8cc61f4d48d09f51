//! Which tracks a picture has room for. Whatever is left out is said.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::report::timeline::Timeline;
use crate::report::timeline::ribbons::{Ribbon, SegmentState};
use crate::report::timeline::track::Ending;

/// Up to this many tracks, everything is drawn.
const FULL_MAX: usize = 12;

/// Up to this many tracks, each has a line at least.
const TRACKS_MAX: usize = 60;

/// From this many transactions on, only the worst tracks are drawn.
const TRANSACTIONS_MAX: usize = 1_000;

/// How many are drawn where there are more.
const WORST: usize = 20;

/// How much of a track is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Detail {
    /// All of it.
    Full,
    /// One line: nobody waits on it and nothing fails.
    Line,
}

/// What is drawn of the tracks.
#[derive(Debug)]
pub(in crate::report) struct Selection {
    /// For each track, how much of it; `None` where it is left out.
    pub details: Vec<Option<Detail>>,
    /// What a reader must know about that, in words.
    pub told: Option<String>,
}

impl Timeline {
    /// What is drawn of the tracks.
    pub fn selection(&self) -> Selection {
        let count = self.tracks.len();
        let transactions: usize = self.tracks.iter().map(|it| it.extents.len()).sum();
        if count <= FULL_MAX && transactions < TRANSACTIONS_MAX {
            return Selection { details: vec![Some(Detail::Full); count], told: None };
        }
        if count <= TRACKS_MAX && transactions < TRANSACTIONS_MAX {
            let detail = |it: &crate::report::timeline::Track| {
                Some(if it.is_eventful() { Detail::Full } else { Detail::Line })
            };
            let details: Vec<_> = self.tracks.iter().map(detail).collect();
            let lines = details.iter().filter(|it| **it == Some(Detail::Line)).count();
            let told = (lines > 0)
                .then(|| format!("{lines} more without a wait or a failure, one line each"));
            return Selection { details, told };
        }
        let edges = self.circles.iter().flat_map(|it| &it.edges);
        let circled: BTreeSet<_> = edges.map(|(waiter, _)| *waiter).collect();
        let mut worst: Vec<_> = (0..count).collect();
        worst.sort_by_cached_key(|at| {
            let track = &self.tracks[*at];
            let is_circled = circled.contains(&track.lane);
            let waited: Duration = track.ribbons.iter().map(Ribbon::waited).sum();
            let failed = matches!(self.lanes[track.lane].ending, Ending::Failed(_));
            (Reverse(is_circled), Reverse(waited), Reverse(failed), *at)
        });
        if count <= WORST {
            let told = format!("{transactions} transactions, too many to be told apart");
            return Selection { details: vec![Some(Detail::Full); count], told: Some(told) };
        }
        worst.truncate(WORST - 1);
        let mut kept: BTreeSet<_> = worst.into_iter().collect();
        kept.extend(self.in_the_way(&kept));
        let details = (0..count).map(|it| kept.contains(&it).then_some(Detail::Full)).collect();
        let told = format!(
            "the {} of {count} lanes with deadlocks, the longest waits and failures; \
             {transactions} transactions in all",
            kept.len()
        );
        Selection { details, told: Some(told) }
    }

    /// The track that most waits of these tracks are for.
    fn in_the_way(&self, of: &BTreeSet<usize>) -> Option<usize> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for track in of.iter().map(|at| &self.tracks[*at]) {
            for segment in track.ribbons.iter().flat_map(|it| &it.segments) {
                if let SegmentState::Waits { behind: Some(holder) } = segment.state
                    && let Some(at) = self.track(holder, track.instance)
                {
                    *counts.entry(at).or_default() += 1;
                }
            }
        }
        counts.into_iter().max_by_key(|(at, count)| (*count, Reverse(*at))).map(|(at, _)| at)
    }
}
