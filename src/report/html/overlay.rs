//! What lies over the tracks: circles of waits, arrows from waits to holders, messages between
//! instances, and the numbers of the chapters.

use std::collections::BTreeSet;

use crate::report::html::plot::{GUTTER, Plot, RIBBON};
use crate::report::html::svg::Svg;
use crate::report::html::text::{number, sentence, width};
use crate::report::timeline::{Arrival, SegmentState};

/// The most arrows of waits; with more, the ribbons alone tell.
const ARROWS_MAX: usize = 40;

/// The most arrows that have a label.
const LABELS_MAX: usize = 8;

/// From the moment at which a circle of waits closed to its end: a band over its tracks.
pub(super) fn circles(plot: &Plot, svg: &mut Svg) {
    for circle in &plot.view.circles {
        let lanes: BTreeSet<_> = circle.edges.iter().map(|(waiter, _)| *waiter).collect();
        let is_in = |at: &usize| {
            let track = &plot.view.tracks[*at];
            lanes.contains(&track.lane)
                && (circle.instance.is_none() || track.instance == circle.instance)
        };
        let tracks: Vec<_> = (0..plot.view.tracks.len()).filter(is_in).collect();
        let places: Vec<_> = tracks.iter().filter_map(|it| plot.places[*it]).collect();
        let top = places.iter().map(|it| it.top).fold(f64::INFINITY, f64::min);
        let bottom = places.iter().map(|it| it.top + it.height).fold(0.0, f64::max);
        if places.is_empty() {
            continue;
        }
        let (from, to) = (plot.x(circle.closed), plot.x(circle.over).max(plot.x(circle.closed)));
        let size = (to - from, bottom - top + 9.0);
        svg.rect((from, top - 5.0), size, 0.0, "fill=\"var(--bad)\" opacity=\".10\"");
        let stroke = "stroke=\"var(--bad)\" stroke-width=\"1.5\"";
        svg.line((from, top - 5.0), (from, bottom + 4.0), stroke);
        svg.line((to, top - 5.0), (to, bottom + 4.0), stroke);
        let group = tracks.first().and_then(|it| plot.group_of(*it)).unwrap_or(0);
        let label = if circle.instance.is_some() { "deadlock" } else { "circle over instances" };
        pill(svg, (from + to) / 2.0, plot.headers[group] + 11.0, label, "var(--bad)");
    }
}

/// A label of its own, in the middle of this point.
fn pill(svg: &mut Svg, x: f64, y: f64, label: &str, colour: &str) {
    let wide = width(label, 11.5) + 16.0;
    let fill = format!("fill=\"{colour}\"");
    svg.rect((x - wide / 2.0, y - 8.5), (wide, 17.0), 8.5, &fill);
    let attributes =
        "text-anchor=\"middle\" font-size=\"11.5\" font-weight=\"700\" fill=\"var(--on)\"";
    svg.text((x, y + 4.0), attributes, label);
}

/// From each wait to the ribbon of who is in its way.
pub(super) fn arrows(plot: &Plot, svg: &mut Svg) {
    let mut arrows = Vec::new();
    for (at, track) in plot.view.tracks.iter().enumerate() {
        let Some(place) = plot.places[at] else {
            continue;
        };
        for (number, ribbon) in track.ribbons.iter().take(place.ribbons).enumerate() {
            for segment in &ribbon.segments {
                let SegmentState::Waits { behind: Some(behind) } = segment.state else {
                    continue;
                };
                let Some(other) = plot.view.track(behind, track.instance) else {
                    continue;
                };
                let of_same = |it: &crate::report::timeline::Ribbon| it.resource == ribbon.resource;
                let target = plot.view.tracks[other].ribbons.iter().position(of_same);
                let (Some(target), Some(there)) = (target, plot.places[other]) else {
                    continue;
                };
                if target >= there.ribbons || other == at {
                    continue;
                }
                let (from, to) = (place.ribbon(number), there.ribbon(target));
                let x = plot.x(segment.from);
                arrows.push((x, from, to, (track.lane, behind), (place.top, there.top)));
            }
        }
    }
    if arrows.len() > ARROWS_MAX {
        return;
    }
    let is_labelled = arrows.len() <= LABELS_MAX;
    let mut taken: Vec<f64> = Vec::new();
    let mut labels: Vec<(f64, f64, String, &str)> = Vec::new();
    for (x, from, to, (waiter, holder), tops) in arrows {
        let mut x = x;
        while taken.iter().any(|it| (*it - x).abs() < 5.0) {
            x += 6.0;
        }
        taken.push(x);
        let bad = plot.view.circles.iter().any(|it| it.edges.contains(&(waiter, holder)));
        let colour = if bad { "var(--bad)" } else { "var(--ink)" };
        arrow(svg, x, (from, to), colour);
        let lanes = &plot.view.lanes;
        let label = format!("{} waits for {}", lanes[waiter].badge, lanes[holder].badge);
        let y = tops.0.max(tops.1) - 11.0;
        if is_labelled {
            labels.push((x, y, label, colour));
        }
    }
    let mut placed: Vec<(f64, f64, f64)> = Vec::new();
    for (x, y, label, colour) in labels {
        let wide = width(&label, 11.0) + 14.0;
        let is_free = |left: f64| {
            left > GUTTER
                && !placed.iter().any(|(from, to, at)| {
                    (*at - y).abs() < 16.0 && left < *to && left + wide > *from
                })
        };
        let sides = [x - wide - 4.0, x + 4.0, x + 8.0 + wide];
        if let Some(left) = sides.into_iter().find(|it| is_free(*it)) {
            placed.push((left, left + wide, y));
            let fill = format!("fill=\"{colour}\"");
            svg.rect((left, y - 8.0), (wide, 16.0), 8.0, &fill);
            let attributes =
                "text-anchor=\"middle\" font-size=\"11\" font-weight=\"700\" fill=\"var(--panel)\"";
            svg.text((left + wide / 2.0, y + 4.0), attributes, &label);
        }
    }
}

/// A vertical arrow from one ribbon to another.
fn arrow(svg: &mut Svg, x: f64, (from, to): (f64, f64), colour: &str) {
    let down = to > from;
    let sign = if down { 1.0 } else { -1.0 };
    let start = from + RIBBON / 2.0;
    let end = to + RIBBON / 2.0 - sign * RIBBON / 2.0;
    let halo = "stroke=\"var(--panel)\" stroke-width=\"5.5\" fill=\"none\"";
    svg.line((x, start), (x, end), halo);
    svg.line((x, start), (x, end), &format!("stroke=\"{colour}\" stroke-width=\"2\""));
    let (left, right, back) = (number(x - 6.0), number(x + 6.0), number(end - sign * 11.0));
    let (tip, middle) = (number(end), number(x));
    svg.raw(&format!(
        "<path d=\"M{left} {back}L{middle} {tip}L{right} {back}Z\" fill=\"{colour}\" \
         stroke=\"var(--panel)\" stroke-width=\"1.4\"/><circle cx=\"{middle}\" cy=\"{}\" r=\"4\" \
         fill=\"{colour}\" stroke=\"var(--panel)\" stroke-width=\"1.5\"/>",
        number(start)
    ));
}

/// Messages between instances; one that is lost stops short.
pub(super) fn crossings(plot: &Plot, svg: &mut Svg) {
    for crossing in &plot.view.crossings {
        let Some(from) = plot.places[crossing.from] else {
            continue;
        };
        let start = (plot.x(crossing.left), from.top + 12.0);
        let x = plot.x(crossing.arrived);
        match crossing.to {
            Arrival::Track(track) => {
                let Some(place) = plot.places[track] else {
                    continue;
                };
                let end = if place.top > from.top { place.top - 3.0 } else { place.top + 27.0 };
                svg.line(
                    start,
                    (x, end),
                    "stroke=\"var(--ink2)\" stroke-width=\"1.8\" fill=\"none\" \
                     marker-end=\"url(#hn)\"",
                );
            }
            Arrival::Lost(instance) => {
                let group = plot.view.groups.iter().position(|it| it.instance == Some(instance));
                let Some(header) = group.map(|it| plot.headers[it]) else {
                    continue;
                };
                let end = if header > from.top { header - 7.0 } else { header + 31.0 };
                let dashed = "stroke=\"var(--bad)\" stroke-width=\"1.8\" stroke-dasharray=\"4 3\"";
                svg.line((x, start.1 + 12.0), (x, end), dashed);
                let (left, top) = (number(x - 5.0), number(end - 5.0));
                let cross = format!("m{left} {top} 10 10m0-10-10 10");
                svg.raw(&format!(
                    "<path d=\"{cross}\" stroke=\"var(--panel)\" stroke-width=\"5\"/>\
                     <path d=\"{cross}\" stroke=\"var(--bad)\" stroke-width=\"2.5\"/>"
                ));
            }
        }
    }
}

/// The numbers of the chapters above the scale.
pub(super) fn chapters(plot: &Plot, svg: &mut Svg, top: f64) {
    let mut right = f64::NEG_INFINITY;
    for (index, chapter) in plot.view.chapters.iter().enumerate() {
        let x = plot.x(chapter.at);
        let shown = x.max(right + 19.0);
        right = shown;
        let colour = if chapter.is_bad { "var(--bad)" } else { "var(--ink)" };
        svg.raw(&format!("<g class=\"chapter\" data-step=\"{}\"><title>", chapter.step));
        svg.raw(&sentence(&chapter.title)).raw("</title>");
        let stroke = format!("stroke=\"{colour}\" fill=\"none\"");
        svg.line((shown, 17.0), (x, top - 22.0), &stroke);
        let cx = number(shown);
        svg.raw(&format!("<circle cx=\"{cx}\" cy=\"9.5\" r=\"8.5\" fill=\"{colour}\"/>"));
        let attributes =
            "text-anchor=\"middle\" font-size=\"11.5\" font-weight=\"700\" fill=\"var(--panel)\"";
        svg.text((shown, 13.5), attributes, &(index + 1).to_string()).raw("</g>");
    }
}
