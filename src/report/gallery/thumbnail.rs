//! A run as a picture of a few centimetres: who was at work, who waited, what was down.

use std::fmt::Write as _;

use crate::report::lettering::number;
use crate::report::timeline::{Axis, MarkKind, SegmentState, Timeline};

/// How large it is.
const WIDTH: f64 = 260.0;
const ROW: f64 = 7.0;

/// The most tracks in it.
const ROWS_MAX: usize = 9;

/// The picture of a run. `id` tells its pattern apart from those of the page's other pictures.
pub(super) fn thumbnail(view: &Timeline) -> String {
    let axis = Axis::new(&view.stops, &view.quiet, WIDTH - 8.0, 6.0);
    let mut rows = String::new();
    let mut y = 2.0;
    let mut drawn = 0;
    for group in &view.groups {
        for outage in &group.outages {
            let (from, to) = (axis.of(outage.from), axis.at(outage.until));
            bar(&mut rows, (from, to.max(from + 2.0)), (y, 4.0), "t-out");
        }
        if !group.outages.is_empty() {
            y += 6.0;
        }
        for track in &view.tracks[group.tracks.clone()] {
            if drawn == ROWS_MAX {
                break;
            }
            drawn += 1;
            for extent in &track.extents {
                let class = if extent.committed == Some(false) { "t-lost" } else { "t-work" };
                let (from, to) = (axis.of(extent.from), axis.of(extent.to));
                bar(&mut rows, (from, to.max(from + 1.5)), (y, 4.0), class);
            }
            let segments = track.ribbons.iter().flat_map(|ribbon| &ribbon.segments);
            for wait in segments.filter(|it| it.state != SegmentState::Holds) {
                bar(&mut rows, (axis.of(wait.from), axis.of(wait.to)), (y, 4.0), "t-wait");
            }
            for mark in track.marks.iter().filter(|it| it.kind != MarkKind::Commit) {
                let x = axis.of(mark.at) + 4.0;
                let (left, right) = (number(x - 2.5), number(x + 2.5));
                let (top, bottom) = (number(y - 0.5), number(y + 4.5));
                let _ = write!(
                    rows,
                    "<path class=\"t-fail\" d=\"M{left} {top}L{right} {bottom}M{right} {top}L{left} \
                     {bottom}\"/>"
                );
            }
            y += ROW;
        }
    }
    let height = number(y.max(12.0) + 1.0);
    let width = number(WIDTH);
    format!(
        "<svg class=\"thumb\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         aria-hidden=\"true\">{rows}</svg>"
    )
}

fn bar(rows: &mut String, (from, to): (f64, f64), (y, height): (f64, f64), class: &str) {
    if to > from {
        let (x, width) = (number(from + 4.0), number(to - from));
        let (y, height) = (number(y), number(height));
        let _ = write!(
            rows,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" \
             height=\"{height}\" rx=\"1\"/>"
        );
    }
}
