//! Who is drawn in a comparison.

use std::collections::BTreeSet;

use crate::report::timeline::Timeline;

/// The lanes, by name, that wait, are waited for or fail in any of the runs; empty where nobody
/// does.
pub(in crate::report) fn of_interest(views: &[Timeline]) -> BTreeSet<String> {
    views
        .iter()
        .flat_map(|view| view.tracks.iter().map(move |track| (view, track)))
        .filter(|(_, track)| !track.ribbons.is_empty() || track.is_eventful())
        .map(|(view, track)| view.lanes[track.lane].name.clone())
        .collect()
}
