//! The timeline on a terminal.
//!
//! ```text
//!                      ms 0       20        40        60        80
//!   A team north      ┣30─────·works 50 ms·········├30───────  ✓
//!     ▲ us/user/x          ███████████████████████████████████
//!     ◆ us/user/y                                  ░ waits ░██
//! ```
//!
//! A lane is a line for each depth of its requests, and under it a ribbon for each contended lock:
//! solid while it is held, light while it is waited for. Nothing depends on colour, and a label
//! that does not fit goes away instead of wrapping.

mod cells;
mod comparison;
mod rows;
#[cfg(test)]
mod tests;

use crate::check::{History, Verdict};
use crate::report::story::{self, Page, Piece, Tone, columns};
use crate::report::timeline::{Axis, Circle, Timeline};
use crate::report::{StoryOptions, Verbosity};
use crate::trace::Trace;
use crate::words::format_duration;

use cells::{Cells, Marks};
pub use comparison::comparison;
use rows::Rows;

/// On a narrower page the story is told instead.
const WIDTH_LEAST: usize = 50;

/// On a narrower page, names shrink to letters and marks.
const WIDTH_NAMED: usize = 76;

/// Tells a run as a timeline: title, verdict, the picture, and the checks. Every line ends with a
/// newline, and none is wider than the options allow. On less than 50 columns, and with
/// [`Verbosity::Quiet`], it is the story; with [`Verbosity::Verbose`], every event follows.
pub fn timeline(trace: &Trace, verdict: &Verdict, options: &StoryOptions) -> String {
    if options.width < WIDTH_LEAST || options.verbosity == Verbosity::Quiet {
        return story::story(trace, verdict, options);
    }
    let history = History::of(trace);
    let mut page = Page::new(options.width, options.colour, options.ascii);
    story::opening(&mut page, &history, verdict);
    let view = Timeline::of(&history);
    if !view.tracks.is_empty() || view.groups.iter().any(|it| !it.outages.is_empty()) {
        page.blank();
        draw(&mut page, &history, &view, options.ascii);
    }
    if options.verbosity == Verbosity::Verbose {
        page.blank();
        story::every_event(&mut page, &history);
    }
    story::closing(&mut page, &history, verdict);
    page.into_text()
}

/// Draws the picture.
fn draw(page: &mut Page, history: &History, view: &Timeline, ascii: bool) {
    let marks = Marks::of(ascii);
    let width = page.width();
    let named = width >= WIDTH_NAMED;
    let gutter = gutter(page, view, named);
    // Two columns at the end are for the mark of what ends the run.
    let room = width - gutter - 2;
    let axis = Axis::new(&view.stops, &view.quiet, room as f64, 3.0);
    let clock = history.names.clock();
    let rows = Rows { page, history, view, marks, axis: &axis, gutter, room, named, only: None };
    let mut lines = vec![rows.scale(clock)];
    lines.extend(rows.groups());
    for line in lines {
        page.drawn(&line);
    }
    for circle in &view.circles {
        page.paragraph(&[Piece::new(told(history, view, circle), Tone::Bad)]);
    }
    if !view.quiet.is_empty() {
        let times: Vec<_> = view.quiet.iter().map(|it| format_duration(it.length())).collect();
        let mark = marks.fold;
        let times = listed(&times);
        let text = format!("{mark} {times} left out, in which nothing changes");
        page.paragraph(&[Piece::new(text, Tone::Faint)]);
    }
    if let Some(told) = view.selection().told {
        page.paragraph(&[Piece::new(format!("Drawn: {told}."), Tone::Faint)]);
    }
}

/// How wide the names may be.
fn gutter(page: &Page, view: &Timeline, named: bool) -> usize {
    let widths = view.tracks.iter().flat_map(|track| {
        let lane = &view.lanes[track.lane];
        let name = columns(&page.harmless(&lane.name)) + columns(&lane.badge) + 1;
        let ribbons = track.ribbons.iter().map(|it| columns(&page.harmless(&it.name)) + 4);
        std::iter::once(name).chain(ribbons)
    });
    let widest = widths.chain(view.groups.iter().map(|it| columns(&it.name))).max().unwrap_or(0);
    let most = if named { page.width() / 4 } else { 9 };
    widest.clamp(6, most.max(6)) + 1
}

/// A few times, and how many more.
fn listed(times: &[String]) -> String {
    match times {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] if times.len() <= 4 => format!("{} and {last}", rest.join(", ")),
        [first, second, third, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more times", rest.len())
        }
        _ => times.join(", "),
    }
}

/// A circle of waits in a sentence.
fn told(history: &History, view: &Timeline, circle: &Circle) -> String {
    let badge = |lane: usize| view.lanes.get(lane).map_or("?", |it| &it.badge);
    let waits = circle
        .edges
        .iter()
        .map(|(waiter, holder)| format!("{} waits for {}", badge(*waiter), badge(*holder)));
    let waits = waits.collect::<Vec<_>>().join(", ");
    let names = &history.names;
    let (from, to) = (names.moment(circle.closed.at), names.moment(circle.over.at));
    let end = match circle.victim {
        Some(victim) => format!("{} is ended as the victim.", badge(victim)),
        None => "Only a time-out ends it.".to_owned(),
    };
    let word = if circle.instance.is_some() { "deadlock" } else { "circle over instances" };
    format!("{word} {from} to {to}: {waits}. {end}")
}
