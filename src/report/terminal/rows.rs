//! The lines of the timeline: the scale, the instances, the lanes and their ribbons.

use std::collections::BTreeSet;

use crate::check::{History, Moment};
use crate::report::story::{Page, Piece, Tone, columns};
use crate::report::terminal::{Cells, Marks};
use crate::report::timeline::{
    Axis, BarKind, Detail, Group, MarkKind, Ribbon, SegmentState, Timeline, Track,
};
use crate::trace::Clock;
use crate::words::format_duration;

/// The most lines that one lane has for its depths.
const DEPTHS_MAX: usize = 5;

/// The most ribbons under one lane.
const RIBBONS_MAX: usize = 6;

type Line = Vec<Piece>;

/// What the lines are made from.
pub(super) struct Rows<'a, 'h> {
    pub(super) page: &'a Page,
    pub(super) history: &'a History<'h>,
    pub(super) view: &'a Timeline,
    pub(super) marks: Marks,
    pub(super) axis: &'a Axis,
    pub(super) gutter: usize,
    pub(super) room: usize,
    pub(super) named: bool,
    /// The lanes that are drawn, by name; `None` for all.
    pub(super) only: Option<&'a BTreeSet<String>>,
}

impl Rows<'_, '_> {
    /// The column of a moment.
    fn column(&self, at: Moment) -> usize {
        self.axis.of(at).round() as usize
    }

    fn cells(&self) -> Cells {
        let mut cells = Cells::new(self.room + 2);
        for quiet in &self.view.quiet {
            let middle = (self.axis.at(quiet.from) + self.axis.at(quiet.to)) / 2.0;
            cells.put(middle.round() as usize, self.marks.fold, Tone::Faint);
        }
        cells
    }

    /// A name in the gutter.
    fn name(&self, indent: usize, text: &str, tone: Tone) -> Line {
        let room = (self.gutter - 1).saturating_sub(indent);
        let text = self.page.fitted(text, room);
        let padding = self.gutter.saturating_sub(indent + columns(&text));
        vec![
            Piece::plain(" ".repeat(indent)),
            Piece::new(text, tone),
            Piece::plain(" ".repeat(padding)),
        ]
    }

    /// The line with the times.
    pub(super) fn scale(&self, clock: &Clock) -> Line {
        let apart = if clock.is_calendar() { 15.0 } else { 9.0 };
        let ticks = self.axis.ticks(apart);
        let labels: Vec<_> = ticks.iter().map(|it| (*it, clock.moment(*it))).collect();
        let in_millis = labels.iter().all(|(_, text)| text.ends_with(" ms"));
        let mut cells = self.cells();
        let mut free = 0;
        for (at, text) in &labels {
            let text = if in_millis { text.trim_end_matches(" ms") } else { text };
            let column = self.axis.at(*at).round() as usize;
            if column >= free && column + columns(text) <= self.room + 2 {
                cells.label((column, self.room + 2), [text], Tone::Faint, false);
                free = column + columns(text) + 1;
            }
        }
        let unit = if in_millis { "ms" } else { "" };
        let padding = " ".repeat(self.gutter - 1 - unit.len());
        cells.pieces(vec![Piece::plain(padding), Piece::new(format!("{unit} "), Tone::Faint)])
    }

    /// The lines of every instance.
    pub(super) fn groups(&self) -> Vec<Line> {
        let selection = self.view.selection();
        let alone = self.view.groups.len() == 1 && self.view.groups[0].outages.is_empty();
        let mut lines = Vec::new();
        for group in &self.view.groups {
            if !alone {
                lines.push(self.instance(group));
            }
            for at in group.tracks.clone() {
                let track = &self.view.tracks[at];
                let name = &self.view.lanes[track.lane].name;
                if let Some(detail) = selection.details[at]
                    && self.only.is_none_or(|only| only.contains(name))
                {
                    lines.extend(self.track(track, detail));
                }
            }
            lines.extend(self.circles(group));
        }
        lines
    }

    /// An instance, and when it was not as it should be.
    fn instance(&self, group: &Group) -> Line {
        let marks = self.marks;
        let mut cells = Cells::new(self.room + 2);
        if group.instance.is_some() {
            cells.fill(0, self.room, marks.reachable, Tone::Faint);
        }
        for outage in &group.outages {
            let from = self.column(outage.from);
            let to = (self.axis.at(outage.until).round() as usize).max(from + 1).min(self.room);
            cells.fill(from, to, marks.outage, Tone::Outage);
            let until = self.history.names.moment(outage.until);
            let texts =
                [format!(" {} until {until} ", outage.state), format!(" {} ", outage.state)];
            let texts = texts.iter().map(String::as_str);
            cells.label((from + 1, to.saturating_sub(1)), texts, Tone::Outage, true);
        }
        cells.pieces(self.name(0, &group.name, Tone::Strong))
    }

    fn track(&self, track: &Track, detail: Detail) -> Vec<Line> {
        let lane = &self.view.lanes[track.lane];
        let tone = Tone::Lane(lane.id.0);
        let name =
            if self.named { format!("{} {}", lane.badge, lane.name) } else { lane.badge.clone() };
        let depths = match detail {
            Detail::Full => track.depth().min(DEPTHS_MAX),
            Detail::Line => 1,
        };
        let mut lines = Vec::new();
        for depth in 0..depths {
            let cells = self.bars(track, depth, tone);
            let name = match depth {
                0 => self.name(0, &name, tone),
                _ => self.name(4, &format!("depth {}", depth + 1), Tone::Faint),
            };
            lines.push(cells.pieces(name));
        }
        if detail == Detail::Full {
            for ribbon in track.ribbons.iter().take(RIBBONS_MAX) {
                lines.push(self.ribbon(ribbon, tone));
            }
            if let Some(more) = track.ribbons.len().checked_sub(RIBBONS_MAX).filter(|it| *it > 0) {
                let text = format!("{more} more");
                lines.push(self.cells().pieces(self.name(2, &text, Tone::Faint)));
            }
        }
        lines
    }

    /// What a lane does at one depth.
    fn bars(&self, track: &Track, depth: usize, tone: Tone) -> Cells {
        let marks = self.marks;
        let mut cells = self.cells();
        if depth == 0 {
            for extent in &track.extents {
                let (from, to) = (self.column(extent.from), self.column(extent.to));
                cells.fill(from, to, marks.line, tone);
            }
        }
        let mut begins = Vec::new();
        for bar in track.bars.iter().filter(|it| it.depth == depth) {
            let (from, to) =
                (self.column(bar.from), self.column(bar.to).max(self.column(bar.from)));
            let labels = bar.labels.iter().map(String::as_str);
            let (mark, tone, centred) = match bar.kind {
                BarKind::Wait => continue,
                BarKind::Work => (marks.work, tone, true),
                BarKind::Pause => (marks.pause, Tone::Faint, true),
                BarKind::Call => (marks.call, tone, false),
                BarKind::Failed => (marks.call, Tone::Bad, false),
                BarKind::Request
                | BarKind::Stage(_)
                | BarKind::Write
                | BarKind::Read
                | BarKind::Job => (marks.line, tone, false),
            };
            cells.fill(from, to, mark, tone);
            let begins_here = !matches!(bar.kind, BarKind::Work | BarKind::Pause);
            if begins_here {
                begins.push(from);
                cells.put(from, marks.begin, tone);
            }
            let free = self.column(bar.free_until).max(from);
            let inside = (from + usize::from(begins_here), free);
            let is_named = bar.kind != BarKind::Failed;
            if is_named && (bar.kind != BarKind::Request || inside.1 > inside.0 + 3) {
                cells.label(inside, labels, tone, centred);
            }
        }
        if depth == 0 {
            self.edges(&mut cells, track, tone, &begins);
        }
        for mark in track.marks.iter().filter(|it| it.depth == depth) {
            let at = self.column(mark.at);
            match mark.kind {
                MarkKind::Commit => cells.put(at, marks.commit, Tone::Good),
                MarkKind::Rollback
                | MarkKind::Victim
                | MarkKind::Undelivered
                | MarkKind::Failed => cells.put(at, marks.fail, Tone::Bad),
            }
        }
        cells
    }

    /// Where transactions begin.
    fn edges(&self, cells: &mut Cells, track: &Track, tone: Tone, begins: &[usize]) {
        for extent in &track.extents {
            let from = self.column(extent.from);
            let free = cells.get(from) == self.marks.line || begins.contains(&from);
            if free {
                cells.put(from, self.marks.begin_transaction, tone);
            }
        }
    }

    fn ribbon(&self, ribbon: &Ribbon, tone: Tone) -> Line {
        let mut cells = self.cells();
        for segment in &ribbon.segments {
            let from = self.column(segment.from);
            let to = self.column(segment.to).max(from + 1);
            let length = format_duration(segment.length());
            match segment.state {
                SegmentState::Holds => cells.fill(from, to, self.marks.hold, tone),
                SegmentState::Waits { behind } => {
                    cells.fill(from, to, self.marks.wait, Tone::Wait);
                    let whom = behind.map_or_else(String::new, |it| {
                        format!(" for {}", self.view.lanes[it].badge)
                    });
                    let texts = [format!(" waits{whom} {length} "), format!(" {length} ")];
                    let texts = texts.iter().map(String::as_str);
                    cells.label((from + 1, to.saturating_sub(1)), texts, Tone::Wait, true);
                }
            }
        }
        let glyph = self.view.glyph(&ribbon.resource).unwrap_or(0);
        let name = if self.named {
            ribbon.name.as_str()
        } else {
            ribbon.name.rsplit('/').next().unwrap_or(&ribbon.name)
        };
        let name = format!("{} {name}", self.marks.glyph(glyph));
        cells.pieces(self.name(if self.named { 2 } else { 1 }, &name, Tone::Plain))
    }

    /// The circles that closed in an instance; one over several instances stands below the last.
    fn circles(&self, group: &Group) -> Vec<Line> {
        let last = self.view.groups.last().is_some_and(|it| it.instance == group.instance);
        let is_here = |it: &&crate::report::timeline::Circle| match it.instance {
            None => last,
            some => some == group.instance,
        };
        let mut lines = Vec::new();
        let mut cells: Option<Cells> = None;
        let mut free = 0;
        for circle in self.view.circles.iter().filter(is_here) {
            let from = self.column(circle.closed);
            let to = self.column(circle.over).max(from + 1);
            if from < free
                && let Some(full) = cells.take()
            {
                lines.push(full.pieces(self.name(0, "", Tone::Plain)));
            }
            let row = cells.get_or_insert_with(|| self.cells());
            let (left, middle, right) = self.marks.circle;
            row.fill(from, to, middle, Tone::Bad);
            row.put(from, left, Tone::Bad);
            row.put(to, right, Tone::Bad);
            row.label((from + 2, to.saturating_sub(1)), [" deadlock "], Tone::Bad, true);
            free = to + 1;
        }
        lines.extend(cells.map(|it| it.pieces(self.name(0, "", Tone::Plain))));
        lines
    }
}
