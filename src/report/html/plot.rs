//! The timeline as one finished SVG: the layout, the scale, the instances.

use std::collections::BTreeSet;

use crate::check::{History, Moment};
use crate::report::html::bars;
use crate::report::html::overlay;
use crate::report::html::svg::Svg;
use crate::report::html::text::{cut, number, sentence, width};
use crate::report::timeline::{Axis, Detail, Group, Quiet, Timeline, Track};
use crate::words::{SimInstant, format_duration};

/// The whole picture's width, in the units of its view box.
pub(super) const WIDTH: f64 = 1_180.0;

/// How much of it the names take.
pub(super) const GUTTER: f64 = 214.0;

/// What stays free on the right.
const MARGIN: f64 = 16.0;

/// How wide a fold is.
const FOLD: f64 = 40.0;

/// Where the instances begin.
const TOP: f64 = 44.0;

/// Heights: a row of bars, a ribbon, an instance's own bar.
pub(super) const ROW: f64 = 24.0;
pub(super) const RIBBON: f64 = 15.0;
const HEADER: f64 = 22.0;
const GAP: f64 = 3.0;

/// What stands below: how long the folds are.
const FOOTER: f64 = 20.0;

/// From this many events on, a picture is dense.
const DENSE: usize = 4_000;

/// The most ribbons under one track.
pub(super) const RIBBONS_MAX: usize = 8;

/// Where a track is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its first row.
    pub(super) top: f64,
    /// How many rows it has.
    pub(super) rows: usize,
    /// How many ribbons.
    pub(super) ribbons: usize,
    /// How high it is.
    pub(super) height: f64,
    /// How much of it is drawn.
    pub(super) detail: Detail,
}

impl Place {
    /// The top of a row of bars.
    pub(super) fn row(&self, depth: usize) -> f64 {
        self.top + depth.min(self.rows.saturating_sub(1)) as f64 * (ROW + GAP)
    }

    /// The top of a ribbon.
    pub(super) fn ribbon(&self, ribbon: usize) -> f64 {
        let ribbon = ribbon.min(self.ribbons) as f64;
        self.top + self.rows as f64 * (ROW + GAP) + 2.0 + ribbon * (RIBBON + GAP)
    }
}

/// What pictures have in common that stand one below the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent<'a> {
    /// When the longest of the runs ends.
    pub(super) end: SimInstant,
    /// The lanes that are drawn, by name; all where it is empty.
    pub(super) only: &'a BTreeSet<String>,
}

/// A picture in the making.
pub(super) struct Plot<'a, 'h> {
    pub(super) history: &'a History<'h>,
    pub(super) view: &'a Timeline,
    pub(super) axis: Axis,
    quiet: &'a [Quiet],
    /// What tells this picture from the others of the page.
    id: String,
    /// Where each track is; `None` where it is left out.
    pub(super) places: Vec<Option<Place>>,
    /// The top of each group's own bar.
    pub(super) headers: Vec<f64>,
    height: f64,
}

impl<'a, 'h> Plot<'a, 'h> {
    /// Lays a run out, with these stretches of time folded.
    pub(super) fn new(
        history: &'a History<'h>,
        view: &'a Timeline,
        quiet: &'a [Quiet],
        id: &str,
    ) -> Self {
        let axis = Axis::new(&view.stops, quiet, WIDTH - GUTTER - MARGIN, FOLD);
        Self::on(history, view, (axis, quiet), id, view.selection().details)
    }

    /// Lays a run out on an axis that it shares with others.
    pub(super) fn sharing(
        history: &'a History<'h>,
        view: &'a Timeline,
        extent: Extent<'_>,
        id: &str,
    ) -> Self {
        let axis = Axis::shared(&view.stops, extent.end, WIDTH - GUTTER - MARGIN);
        let mut details = view.selection().details;
        for (detail, track) in details.iter_mut().zip(&view.tracks) {
            let name = &view.lanes[track.lane].name;
            if !extent.only.is_empty() && !extent.only.contains(name) {
                *detail = None;
            }
        }
        Self::on(history, view, (axis, &[]), id, details)
    }

    fn on(
        history: &'a History<'h>,
        view: &'a Timeline,
        (axis, quiet): (Axis, &'a [Quiet]),
        id: &str,
        details: Vec<Option<Detail>>,
    ) -> Self {
        let mut places = vec![None; view.tracks.len()];
        let mut headers = Vec::new();
        let mut y = TOP;
        for group in &view.groups {
            headers.push(y);
            y += HEADER + 2.0;
            for at in group.tracks.clone() {
                let Some(detail) = details[at] else {
                    continue;
                };
                let place = place(&view.tracks[at], detail, y + 7.0);
                y += place.height + 13.0;
                places[at] = Some(place);
            }
        }
        let id = id.to_owned();
        let height = y + 4.0 + if quiet.is_empty() { 0.0 } else { FOOTER };
        Self { history, view, axis, quiet, id, places, headers, height }
    }

    /// The position of a moment.
    pub(super) fn x(&self, at: Moment) -> f64 {
        GUTTER + self.axis.of(at)
    }

    /// How far things that are no wider than a hair are drawn apart: more would not be seen, and
    /// would make the page large.
    pub(super) fn hair(&self) -> f64 {
        if self.is_dense() { 1.5 + self.tracks().count() as f64 / 8.0 } else { 0.4 }
    }

    /// Whether there is more than a picture can show.
    pub(super) fn is_dense(&self) -> bool {
        self.history.trace.entries.len() > DENSE
    }

    /// The end of the time axis.
    pub(super) fn right(&self) -> f64 {
        GUTTER + self.axis.width()
    }

    /// The group of an instance, by its position.
    pub(super) fn group_of(&self, track: usize) -> Option<usize> {
        self.view.groups.iter().position(|it| it.tracks.contains(&track))
    }

    /// The picture.
    pub(super) fn draw(&self, told: &str) -> String {
        let (width, height) = (number(WIDTH), number(self.height));
        let mut svg = Svg::default();
        svg.raw(&format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            sentence(told)
        ));
        self.fill(&mut svg);
        self.playhead(&mut svg);
        svg.raw("</svg>");
        svg.into_text()
    }

    /// How high the picture is.
    pub(super) const fn height(&self) -> f64 {
        self.height
    }

    /// Everything in the picture.
    pub(super) fn fill(&self, svg: &mut Svg) {
        let (width, height) = (number(WIDTH), number(self.height));
        let clip = format!("clip{}", self.id);
        svg.raw(&format!(
            "<clipPath id=\"{clip}\"><rect class=\"clip\" x=\"0\" y=\"0\" width=\"{width}\" \
             height=\"{height}\"/></clipPath>"
        ));
        self.scale(svg);
        self.folds(svg);
        for (group, top) in self.view.groups.iter().zip(&self.headers) {
            header(svg, group, *top);
        }
        for (track, place) in self.tracks() {
            bars::gutter(self, svg, track, &place);
        }
        svg.raw(&format!("<g clip-path=\"url(#{clip})\">"));
        for (group, top) in self.view.groups.iter().zip(&self.headers) {
            self.availability(svg, group, *top);
        }
        for (track, place) in self.tracks() {
            bars::track(self, svg, track, &place);
        }
        overlay::circles(self, svg);
        overlay::arrows(self, svg);
        overlay::crossings(self, svg);
        svg.raw("</g>");
        overlay::chapters(self, svg, TOP);
    }

    /// The tracks that are drawn.
    pub(super) fn tracks(&self) -> impl Iterator<Item = (&'a Track, Place)> {
        self.view.tracks.iter().zip(&self.places).filter_map(|(it, place)| Some((it, (*place)?)))
    }

    /// The grid and its times.
    fn scale(&self, svg: &mut Svg) {
        let clock = self.history.names.clock();
        let apart = if clock.is_calendar() { 128.0 } else { 84.0 };
        let mut free = f64::NEG_INFINITY;
        for tick in self.axis.ticks(apart) {
            let x = GUTTER + self.axis.at(tick);
            svg.line((x, TOP - 4.0), (x, self.height), "stroke=\"var(--grid)\"");
            let text = clock.moment(tick);
            let half = width(&text, 11.5) / 2.0;
            if x - half > free && x + half < WIDTH {
                let attributes = "text-anchor=\"middle\" font-size=\"11.5\" fill=\"var(--ink2)\"";
                svg.text((x, TOP - 9.0), attributes, &text);
                free = x + half + 8.0;
            }
        }
    }

    /// When an instance can be reached, and when it can't.
    fn availability(&self, svg: &mut Svg, group: &Group, top: f64) {
        if group.instance.is_none() {
            return;
        }
        let middle = top + HEADER / 2.0;
        svg.rect(
            (GUTTER, middle - 2.0),
            (self.axis.width(), 4.0),
            2.0,
            "fill=\"var(--ok)\" opacity=\".55\"",
        );
        for outage in &group.outages {
            let from = self.x(outage.from);
            let to = (GUTTER + self.axis.at(outage.until)).max(from + 4.0);
            let moment = |at| self.history.names.moment(at);
            let (begin, end) = (moment(outage.from.at), moment(outage.until));
            let hits = match outage.hits {
                0 => String::new(),
                1 => ", stops 1 message".to_owned(),
                more => format!(", stops {more} messages"),
            };
            let told = format!("{} {}, {begin} to {end}{hits}", group.name, outage.state);
            svg.told_rect(
                (from, top + 2.0),
                (to - from, HEADER - 4.0),
                "fill=\"url(#po)\" stroke=\"var(--out)\"",
                &told,
            );
            let labels = [
                format!("{} {begin} to {end}", outage.state),
                outage.state.to_owned(),
                "down".to_owned(),
            ];
            plate(svg, (from + 6.0, to - 6.0), middle, &labels, "var(--ink)", false);
        }
    }

    /// The time that is left out, behind everything; below it, how long it is.
    fn folds(&self, svg: &mut Svg) {
        let bottom = self.height - FOOTER;
        let mut free = GUTTER;
        for quiet in self.quiet {
            let from = GUTTER + self.axis.at(quiet.from);
            let to = GUTTER + self.axis.at(quiet.to);
            let middle = (from + to) / 2.0;
            let length = format_duration(quiet.length());
            svg.raw("<g class=\"fold\"><title>");
            svg.raw(&sentence(&format!("{length} folded: nothing changes"))).raw("</title>");
            svg.rect((from, TOP), (to - from, bottom - TOP), 0.0, "fill=\"var(--chip)\"");
            svg.line((from, TOP), (from, bottom), "stroke=\"var(--line)\"");
            svg.line((to, TOP), (to, bottom), "stroke=\"var(--line)\"");
            let x = number(middle - 11.0);
            for y in [TOP - 10.0, bottom] {
                let y = number(y);
                svg.raw(&format!(
                    "<path d=\"m{x} {y} 4-6 6 9 6-9 6 9\" fill=\"none\" stroke=\"var(--ink2)\" \
                     stroke-width=\"1.5\"/>"
                ));
            }
            let labels = [format!("{length} folded"), length];
            let fits = |it: &&String| {
                let half = width(it, 11.5) / 2.0;
                middle - half > free && middle + half < WIDTH
            };
            if let Some(label) = labels.iter().find(fits) {
                let attributes = "text-anchor=\"middle\" font-size=\"11.5\" fill=\"var(--ink2)\"";
                svg.text((middle, self.height - 3.0), attributes, label);
                free = middle + width(label, 11.5) / 2.0 + 6.0;
            }
            svg.raw("</g>");
        }
    }

    /// The line that the page's script moves.
    fn playhead(&self, svg: &mut Svg) {
        let clock = self.history.names.clock();
        let steps = self.view.steps.iter().map(|it| clock.moment(it.at.at));
        let widest = steps.map(|it| width(&it, 12.0)).fold(40.0, f64::max) + 12.0;
        svg.raw("<g class=\"playhead\">");
        svg.line(
            (0.0, TOP - 8.0),
            (0.0, self.height),
            "stroke=\"var(--ink)\" stroke-width=\"1.8\"",
        );
        svg.raw(&format!("<g class=\"flag\" data-half=\"{}\">", number(widest / 2.0)));
        svg.rect((-widest / 2.0, TOP - 24.0), (widest, 17.0), 4.0, "fill=\"var(--ink)\"");
        let attributes = "text-anchor=\"middle\" font-size=\"12\" font-weight=\"700\" \
                          fill=\"var(--panel)\"";
        svg.text((0.0, TOP - 11.5), attributes, "").raw("</g></g>");
    }
}

fn place(track: &Track, detail: Detail, top: f64) -> Place {
    let (rows, ribbons) = match detail {
        Detail::Full => (track.depth(), track.ribbons.len().min(RIBBONS_MAX)),
        Detail::Line => (1, 0),
    };
    let mut height = rows as f64 * (ROW + GAP);
    if ribbons > 0 {
        height += 2.0 + ribbons as f64 * (RIBBON + GAP);
    }
    if detail == Detail::Full {
        height = height.max(34.0);
    }
    Place { top, rows, ribbons, height, detail }
}

/// The name of an instance.
fn header(svg: &mut Svg, group: &Group, top: f64) {
    svg.rect((0.0, top), (WIDTH, HEADER), 0.0, "fill=\"var(--chip)\"");
    let name = cut(&group.name, 13.0, GUTTER - 16.0);
    svg.text((8.0, top + 15.5), "font-weight=\"700\" font-size=\"13\"", &name);
}

/// The longest label that fits, on a plate of its own, in the middle between two positions or at
/// the first.
pub(super) fn plate(
    svg: &mut Svg,
    (from, to): (f64, f64),
    middle: f64,
    labels: &[String],
    colour: &str,
    centred: bool,
) {
    let fits = |it: &&String| !it.is_empty() && width(it, 11.5) + 10.0 <= to - from;
    if let Some(label) = labels.iter().find(fits) {
        let wide = width(label, 11.5) + 8.0;
        let x = if centred { (from + to - wide) / 2.0 } else { from };
        svg.rect((x, middle - 7.2), (wide, 14.4), 3.0, "fill=\"var(--panel)\"");
        let attributes = format!(
            "text-anchor=\"middle\" font-size=\"11.5\" font-weight=\"700\" fill=\"{colour}\""
        );
        svg.text((x + wide / 2.0, middle + 4.2), &attributes, label);
    }
}
