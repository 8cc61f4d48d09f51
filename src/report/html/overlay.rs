//! What lies over the tracks: circles of waits, arrows from waits to holders, messages between
//! instances, and the numbers of the chapters.

use std::collections::BTreeSet;

use crate::report::html::plot::{GUTTER, Plot, RIBBON, WIDTH};
use crate::report::html::svg::Svg;
use crate::report::html::text::{number, sentence, width};
use crate::report::timeline::{Arrival, Ribbon, SegmentState};

/// The most arrows of waits; with more, the ribbons alone tell.
const ARROWS_MAX: usize = 40;

/// The most arrows that have a head and a label; more are thin lines.
const LABELS_MAX: usize = 6;

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

/// A wait and the ribbon of who is in its way.
struct Arrow {
    x: f64,
    /// The tops of the two ribbons.
    from: f64,
    to: f64,
    waiter: usize,
    holder: usize,
    /// Where its label stands.
    label: f64,
}

/// From each wait to the ribbon of who is in its way.
pub(super) fn arrows(plot: &Plot, svg: &mut Svg) {
    let mut arrows = found(plot);
    if arrows.len() > ARROWS_MAX {
        return;
    }
    let is_labelled = arrows.len() <= LABELS_MAX;
    let mut taken: Vec<f64> = Vec::new();
    for arrow in &mut arrows {
        while taken.iter().any(|it| (*it - arrow.x).abs() < 5.0) {
            arrow.x += 6.0;
        }
        taken.push(arrow.x);
        let colour = colour(plot, arrow);
        if is_labelled {
            head_and_line(svg, arrow, colour);
        } else {
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"1\" opacity=\".45\"");
            let half = RIBBON / 2.0;
            svg.line((arrow.x, arrow.from + half), (arrow.x, arrow.to + half), &stroke);
        }
    }
    if is_labelled {
        labels(plot, svg, &arrows);
    }
}

/// The waits whose ribbon and whose holder's are both drawn.
fn found(plot: &Plot) -> Vec<Arrow> {
    let view = plot.view;
    let mut arrows = Vec::new();
    for (at, track) in view.tracks.iter().enumerate() {
        let Some(place) = plot.places[at] else {
            continue;
        };
        for (number, ribbon) in track.ribbons.iter().take(place.ribbons).enumerate() {
            for segment in &ribbon.segments {
                let SegmentState::Waits { behind: Some(holder) } = segment.state else {
                    continue;
                };
                let other = view.track(holder, track.instance).filter(|it| *it != at);
                let Some((other, there)) = other.and_then(|it| Some((it, plot.places[it]?))) else {
                    continue;
                };
                let of_same = |it: &Ribbon| it.resource == ribbon.resource;
                let target = view.tracks[other].ribbons.iter().position(of_same);
                if let Some(target) = target.filter(|it| *it < there.ribbons) {
                    arrows.push(Arrow {
                        x: plot.x(segment.from),
                        from: place.ribbon(number),
                        to: there.ribbon(target),
                        waiter: track.lane,
                        holder,
                        label: place.top.max(there.top) - 11.0,
                    });
                }
            }
        }
    }
    arrows
}

/// Red for an arrow of a circle, once that has closed.
fn colour(plot: &Plot, arrow: &Arrow) -> &'static str {
    let edge = (arrow.waiter, arrow.holder);
    let is_bad = plot.view.circles.iter().any(|it| it.edges.contains(&edge));
    if is_bad { "var(--circle)" } else { "var(--ink)" }
}

/// Who waits for whom, beside each arrow where there is room.
fn labels(plot: &Plot, svg: &mut Svg, arrows: &[Arrow]) {
    let lanes = &plot.view.lanes;
    let mut placed: Vec<(f64, f64, f64)> = Vec::new();
    for arrow in arrows {
        let (x, y) = (arrow.x, arrow.label);
        let (waiter, holder) = (&lanes[arrow.waiter].badge, &lanes[arrow.holder].badge);
        let label = format!("{waiter} waits for {holder}");
        let wide = width(&label, 11.0) + 14.0;
        let is_free = |left: &f64| {
            let is_near = |(from, to, at): &(f64, f64, f64)| {
                (*at - y).abs() < 16.0 && *left < *to && *left + wide > *from
            };
            *left > GUTTER && !placed.iter().any(is_near)
        };
        let sides = [x - wide - 4.0, x + 4.0, x + 8.0 + wide];
        if let Some(left) = sides.into_iter().find(is_free) {
            placed.push((left, left + wide, y));
            let fill = format!("fill=\"{}\"", colour(plot, arrow));
            svg.rect((left, y - 8.0), (wide, 16.0), 8.0, &fill);
            let attributes =
                "text-anchor=\"middle\" font-size=\"11\" font-weight=\"700\" fill=\"var(--panel)\"";
            svg.text((left + wide / 2.0, y + 4.0), attributes, &label);
        }
    }
}

/// A vertical arrow from one ribbon to another.
fn head_and_line(svg: &mut Svg, arrow: &Arrow, colour: &str) {
    let Arrow { x, from, to, .. } = *arrow;
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
        let after = (plot.view.chapters.len() - 1 - index) as f64;
        let shown = x.max(right + 19.0).min(WIDTH - 10.0 - after * 19.0);
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
