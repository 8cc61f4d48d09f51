//! One track: its name, its transactions, its bars, its ribbons and its marks.

use crate::plan::Stage;
use crate::report::html::plot::{GUTTER, Place, Plot, RIBBON, RIBBONS_MAX, ROW, plate};
use crate::report::html::svg::{Svg, hue};
use crate::report::html::text::{cut, fitting, sentence, width};
use crate::report::timeline::{
    Bar, BarKind, Detail, Ending, Extent, MarkKind, Ribbon, Segment, SegmentState, Track,
};
use crate::words::format_duration;

/// The size of what is written on bars.
const SIZE: f64 = 11.5;

/// The name of a track, how its lane ended, and the names of its ribbons.
pub(super) fn gutter(plot: &Plot, svg: &mut Svg, track: &Track, place: &Place) {
    let lane = &plot.view.lanes[track.lane];
    let top = place.top;
    let told = format!("{}, {}", lane.name, lane.kind);
    svg.raw(&format!("<g class=\"h{}\"><title>{}</title>", hue(track.lane), sentence(&told)));
    svg.rect((8.0, top), (22.0, 22.0), 5.0, "fill=\"var(--c)\"");
    let size = if lane.badge.len() > 2 { 9 } else { 13 };
    let attributes = format!(
        "text-anchor=\"middle\" font-weight=\"700\" font-size=\"{size}\" fill=\"var(--on)\""
    );
    svg.text((19.0, top + 15.6), &attributes, &lane.badge).raw("</g>");
    let name = cut(&lane.name, 13.0, GUTTER - 48.0);
    svg.text((37.0, top + 11.0), "font-weight=\"700\" font-size=\"13\"", &name);
    if place.detail == Detail::Full {
        ending(plot, svg, track, top);
    }
    for (at, ribbon) in track.ribbons.iter().take(place.ribbons).enumerate() {
        let y = place.ribbon(at);
        let parts = ribbon.name.split_once('/').map_or(&*ribbon.name, |(_, rest)| rest);
        let name = cut(parts, 12.0, GUTTER - 40.0);
        let attributes = "text-anchor=\"end\" font-size=\"12\"";
        svg.text((GUTTER - 10.0, y + 11.5), attributes, &name);
        let glyph = plot.view.glyph(&ribbon.resource).unwrap_or(0);
        let x = GUTTER - 10.0 - width(&name, 12.0) - 15.0;
        svg.symbol((x, y + 2.0), 11.0, &format!("g{}", glyph % 6));
    }
    if place.detail == Detail::Full && track.ribbons.len() > RIBBONS_MAX {
        let more = format!("and {} more locks", track.ribbons.len() - RIBBONS_MAX);
        let at = (8.0, place.top + place.height - 3.0);
        svg.text(at, "font-size=\"11.5\" fill=\"var(--ink2)\"", &more);
    }
}

/// What a lane is, and how it ended.
fn ending(plot: &Plot, svg: &mut Svg, track: &Track, top: f64) {
    let lane = &plot.view.lanes[track.lane];
    let muted = "font-size=\"12\" fill=\"var(--ink2)\"";
    if !track.is_home {
        svg.text((37.0, top + 27.0), muted, "works here too");
        return;
    }
    let at = lane.ended.map(|it| plot.history.names.moment(it.at)).unwrap_or_default();
    let (symbol, colour, labels) = match &lane.ending {
        Ending::Open => {
            svg.text((37.0, top + 27.0), muted, lane.kind);
            return;
        }
        Ending::Done => {
            ("ok", "ok", [format!("{}, done at {at}", lane.kind), format!("done {at}")])
        }
        Ending::Failed(word) => ("no", "bad", [format!("{word}, {at}"), word.clone()]),
    };
    svg.raw("<g class=\"ending\">");
    svg.symbol((37.0, top + 16.5), 13.0, symbol);
    let room = GUTTER - 64.0;
    let label = fitting(labels.iter().map(String::as_str), 12.0, room).map(str::to_owned);
    let label = label.unwrap_or_else(|| cut(&labels[1], 12.0, room));
    let attributes = format!("font-size=\"12\" font-weight=\"600\" fill=\"var(--{colour})\"");
    svg.text((54.0, top + 27.0), &attributes, &label).raw("</g>");
}

/// Everything of a track that is on the time axis.
pub(super) fn track(plot: &Plot, svg: &mut Svg, track: &Track, place: &Place) {
    let bottom = place.top + place.height + 5.5;
    svg.line((0.0, bottom), (plot.right() + 16.0, bottom), "stroke=\"var(--line)\"");
    svg.raw(&format!("<g class=\"h{}\">", hue(track.lane)));
    let mut right = f64::NEG_INFINITY;
    for extent in &track.extents {
        if plot.x(extent.to) > right + plot.hair() {
            right = plot.x(extent.to);
            block(plot, svg, extent, place);
        }
    }
    let mut rights = vec![f64::NEG_INFINITY; place.rows.max(1)];
    for bar in &track.bars {
        if bar.depth >= place.rows || place.detail == Detail::Line && bar.depth > 0 {
            continue;
        }
        let (from, to) = (plot.x(bar.from), plot.x(bar.to));
        let is_hair = to - from < 2.0;
        if is_hair && to <= rights[bar.depth] + plot.hair() {
            continue;
        }
        rights[bar.depth] = rights[bar.depth].max(to);
        draw(plot, svg, track, bar, place);
    }
    for (at, ribbon) in track.ribbons.iter().take(place.ribbons).enumerate() {
        self::ribbon(plot, svg, ribbon, place.ribbon(at), track.lane);
    }
    marks(plot, svg, track, place);
    svg.raw("</g>");
}

/// A database transaction: a tinted block with solid edges.
fn block(plot: &Plot, svg: &mut Svg, extent: &Extent, place: &Place) {
    let (from, to) = (plot.x(extent.from), plot.x(extent.to));
    let (top, height) = (place.top - 3.0, place.height + 3.0);
    svg.rect(
        (from - 1.0, top),
        (to - from + 2.0, height),
        4.0,
        "fill=\"var(--t)\" opacity=\".85\"",
    );
    svg.rect((from - 2.0, top), (2.5, height), 0.0, "fill=\"var(--c)\"");
    let end = match extent.committed {
        Some(true) => "fill=\"var(--c)\"",
        Some(false) => "fill=\"var(--bad)\"",
        None => "fill=\"var(--t)\"",
    };
    svg.rect((to - 0.5, top), (2.5, height), 0.0, end);
}

/// How a kind of bar looks: its fill, its stroke, and the colour of what is written on it.
const fn look(kind: BarKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        BarKind::Request => {
            ("var(--panel)", "stroke=\"var(--c)\" stroke-opacity=\".45\"", "var(--i)")
        }
        BarKind::Stage(Stage::PreValidation) => {
            ("var(--panel)", "stroke=\"var(--c)\" stroke-dasharray=\"3 2.5\"", "var(--i)")
        }
        BarKind::Stage(_) => ("var(--panel)", "stroke=\"var(--c)\"", "var(--i)"),
        BarKind::Write => ("var(--c)", "stroke=\"var(--c)\"", "var(--on)"),
        BarKind::Read => ("var(--t)", "stroke=\"var(--c)\" stroke-opacity=\".6\"", "var(--i)"),
        BarKind::Work => {
            ("var(--chip)", "stroke=\"var(--c)\" stroke-opacity=\".35\"", "var(--ink)")
        }
        BarKind::Job => {
            ("var(--panel)", "stroke=\"var(--c)\" stroke-dasharray=\"6 3\"", "var(--i)")
        }
        BarKind::Call => ("var(--t)", "stroke=\"var(--c)\" stroke-dasharray=\"1 3\"", "var(--i)"),
        BarKind::Failed => ("var(--panel)", "stroke=\"var(--bad)\"", "var(--bad)"),
        BarKind::Wait | BarKind::Pause => ("none", "", "var(--i)"),
    }
}

/// One bar.
fn draw(plot: &Plot, svg: &mut Svg, track: &Track, bar: &Bar, place: &Place) {
    let y = place.row(bar.depth);
    let (from, to) = (plot.x(bar.from), plot.x(bar.to));
    let wide = (to - from).max(3.0);
    let names = &plot.history.names;
    let length = format_duration(bar.to.at.duration_since(bar.from.at));
    let (begin, end) = (names.moment(bar.from.at), names.moment(bar.to.at));
    let label = bar.labels.first().map_or("", String::as_str);
    if to - from < 1.0 && plot.is_dense() {
        let (fill, ..) = look(bar.kind);
        let fill = if bar.kind == BarKind::Wait { "var(--i)" } else { fill };
        svg.rect((from, y + 0.7), (wide, ROW - 1.4), 0.0, &format!("fill=\"{fill}\""));
        return;
    }
    let told = format!("{label}, {begin} to {end} ({length})");
    match bar.kind {
        BarKind::Wait => {
            let attributes = format!(
                "fill=\"url(#p{})\" stroke=\"var(--c)\" stroke-dasharray=\"4 3\"",
                hue(track.lane)
            );
            svg.told_rect((from, y + 0.7), (wide, ROW - 1.5), &attributes, &told);
            let room = (from + 3.0, to - 3.0);
            plate(svg, room, y + ROW / 2.0, &bar.labels, "var(--i)", true);
        }
        BarKind::Pause => {
            let attributes = "stroke=\"var(--c)\" stroke-width=\"2\" stroke-dasharray=\"2 4\"";
            let middle = y + ROW / 2.0;
            svg.line((from + 2.0, middle), (from + wide - 2.0, middle), attributes);
            plate(svg, (from + 8.0, to - 8.0), middle, &bar.labels, "var(--ink2)", true);
        }
        kind => {
            let (fill, stroke, colour) = look(kind);
            let attributes = format!("fill=\"{fill}\" stroke-width=\"1.2\" {stroke}");
            svg.told_rect((from + 0.7, y + 0.7), (wide - 1.4, ROW - 1.4), &attributes, &told);
            let free = free(plot, track, bar);
            let labels = bar.labels.iter().map(String::as_str);
            let start = free.0 + if wide < 40.0 { 3.0 } else { 6.0 };
            if let Some(label) = fitting(labels, SIZE, free.1 - start - 3.0) {
                let weight = if matches!(kind, BarKind::Work) { 400 } else { 600 };
                let attributes =
                    format!("font-size=\"{SIZE}\" font-weight=\"{weight}\" fill=\"{colour}\"");
                svg.text((start, y + 16.3), &attributes, label);
            }
        }
    }
}

/// The part of a bar on which nothing else is drawn: up to the next bar, or behind its last wait
/// where there is more room.
fn free(plot: &Plot, track: &Track, bar: &Bar) -> (f64, f64) {
    let until = plot.x(bar.free_until);
    let is_on = |it: &&Bar| {
        it.kind == BarKind::Wait
            && it.depth == bar.depth
            && it.from.sequence >= bar.from.sequence
            && it.to.sequence <= bar.to.sequence
    };
    let mut waits = track.bars.iter().filter(is_on);
    let Some(first) = waits.next() else {
        return (plot.x(bar.from), until);
    };
    let last = waits.next_back().unwrap_or(first);
    let (before, after) = (plot.x(first.from), plot.x(last.to));
    if until - after > before - plot.x(bar.from) {
        (after, until)
    } else {
        (plot.x(bar.from), before.min(until))
    }
}

/// One ribbon.
fn ribbon(plot: &Plot, svg: &mut Svg, ribbon: &Ribbon, y: f64, lane: usize) {
    let mut right = f64::NEG_INFINITY;
    for segment in &ribbon.segments {
        let (from, to) = (plot.x(segment.from), plot.x(segment.to));
        if to - from < 2.0 && to <= right + plot.hair() {
            continue;
        }
        right = right.max(to);
        self::segment(plot, svg, (ribbon, segment), (from, to, y), lane);
    }
}

fn segment(
    plot: &Plot,
    svg: &mut Svg,
    (ribbon, segment): (&Ribbon, &Segment),
    (from, to, y): (f64, f64, f64),
    lane: usize,
) {
    let names = &plot.history.names;
    let length = format_duration(segment.length());
    let (begin, end) = (names.moment(segment.from.at), names.moment(segment.to.at));
    let badge = &plot.view.lanes[lane].badge;
    let wide = (to - from).max(2.5);
    if to - from < 1.0 && plot.is_dense() {
        let fill = if segment.state == SegmentState::Holds { "var(--c)" } else { "var(--i)" };
        svg.rect((from, y + 0.5), (wide, RIBBON - 1.0), 0.0, &format!("fill=\"{fill}\""));
        return;
    }
    let place = (from + 0.5, y + 0.5);
    match segment.state {
        SegmentState::Holds => {
            let told = format!(
                "{badge} holds {} ({}), {begin} to {end} ({length})",
                ribbon.name, segment.mode
            );
            svg.told_rect(place, (wide - 1.0, RIBBON - 1.0), "fill=\"var(--c)\"", &told);
            let labels = [
                format!("holds for {length}, {}", segment.mode),
                format!("holds for {length}"),
                format!("holds {length}"),
                length,
            ];
            let labels = labels.iter().map(String::as_str);
            if let Some(label) = fitting(labels, 11.0, to - from - 12.0) {
                let attributes =
                    "class=\"len\" font-size=\"11\" font-weight=\"600\" fill=\"var(--on)\"";
                svg.text((from + 7.0, y + 11.4), attributes, label);
            }
        }
        SegmentState::Waits { behind } => {
            let whom = behind
                .map_or_else(String::new, |it| format!(", behind {}", plot.view.lanes[it].badge));
            let told = format!(
                "{badge} waits for {} ({}){whom}, {begin} to {end} ({length})",
                ribbon.name, segment.mode
            );
            let attributes = format!(
                "fill=\"url(#p{})\" stroke=\"var(--c)\" stroke-dasharray=\"4 3\"",
                hue(lane)
            );
            svg.told_rect(place, (wide - 1.0, RIBBON - 1.0), &attributes, &told);
            let labels = [format!("waits {length}{whom}"), format!("waits {length}"), length];
            svg.raw("<g class=\"len\">");
            plate(svg, (from + 2.0, to - 2.0), y + RIBBON / 2.0, &labels, "var(--i)", true);
            svg.raw("</g>");
        }
    }
}

/// How transactions and lanes end.
fn marks(plot: &Plot, svg: &mut Svg, track: &Track, place: &Place) {
    let mut right = f64::NEG_INFINITY;
    for mark in &track.marks {
        let x = plot.x(mark.at);
        let (symbol, size, y) = match mark.kind {
            MarkKind::Rollback | MarkKind::Failed => ("no", 13.0, place.top - 8.0),
            MarkKind::Victim => ("no", 20.0, place.row(mark.depth) + 2.0),
            MarkKind::Undelivered => continue,
            MarkKind::Commit if plot.is_dense() => continue,
            MarkKind::Commit => ("ok", 13.0, place.top - 8.0),
        };
        if mark.kind != MarkKind::Victim && x < right + 9.0 {
            continue;
        }
        right = x;
        svg.raw("<g><title>").raw(&sentence(&mark.text)).raw("</title>");
        svg.symbol((x - size / 2.0, y), size, symbol).raw("</g>");
    }
}
