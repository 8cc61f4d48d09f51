//! The story of a run: what happened, when and to whom, for somebody who has not read the file.
//!
//! ```text
//!   Two teams update the same two users                          title
//!   team-members.yaml · unordered · seed 0 · 315 ms simulated    what ran
//!
//!   ✓ All 5 checks hold. A deadlock at 130 ms: …                 verdict, then the facts
//!
//!      20 ms  team north  updates us/user/x: teams 3 → 4         when, who, what
//!      90 ms  team south  ▒ waits for us/user/x, held by …
//!
//!   ✓ deadlocks: 1, victim: team south                           checks
//! ```
//!
//! The verdict comes first. One line is one thing that happened; what an instance does within a
//! request is indented below it. Waits and outages have marks of their own. Quiet time is folded,
//! and so is what repeats: the story always says how much it leaves out. Meaning never depends on
//! colour, and red is for failure alone.

mod fold;
mod line;
mod locking;
mod page;
mod requests;
mod sentence;
mod teller;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::check::{Check, Finding, History, Verdict};
use crate::trace::Trace;
use crate::words::format_duration;

use fold::{Folded, fold};
use line::Line;
use page::{Page, Piece, Tone, columns};
use teller::Teller;

/// The most lines of events that an ordinary story has.
const LINES_MAX: usize = 200;

/// From this much time on without an event, a story says so: 1 min.
const QUIET: Duration = Duration::from_secs(60);

/// How a story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoryOptions {
    /// The width of the page, in columns. At least 40; a smaller one counts as 40. Default 100.
    pub width: usize,
    /// Whether to use the 16 ANSI colours. Default false.
    pub colour: bool,
    /// Whether to use ASCII characters alone; others in names are shown as their codes. Default
    /// false.
    pub ascii: bool,
    /// How much is told. Default [`Verbosity::Normal`].
    pub verbosity: Verbosity,
}

impl Default for StoryOptions {
    fn default() -> Self {
        Self {
            width: 100,
            colour: false,
            ascii: false,
            verbosity: Verbosity::Normal,
        }
    }
}

/// How much a story tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// The verdict alone.
    Quiet,
    /// What matters, in at most about 200 lines, and the checks.
    #[default]
    Normal,
    /// Every event, with its number.
    Verbose,
}

/// Tells the story of a run. Every line ends with a newline, and none is wider than the options
/// allow.
pub fn story(trace: &Trace, verdict: &Verdict, options: &StoryOptions) -> String {
    let history = History::of(trace);
    let mut page = Page::new(options.width, options.colour, options.ascii);
    if options.verbosity == Verbosity::Quiet {
        page.paragraph(&sentence::quiet(&history, verdict));
        return page.into_text();
    }
    head(&mut page, &history);
    page.blank();
    page.paragraph(&sentence::verdict(&history, verdict));
    let verbose = options.verbosity == Verbosity::Verbose;
    let lines = Teller::new(&history, verbose).tell();
    let lines = if verbose {
        lines.into_iter().map(Folded::Line).collect()
    } else {
        fold(lines, LINES_MAX)
    };
    if !lines.is_empty() {
        page.blank();
        body(&mut page, &history, &lines, verbose);
    }
    if !verdict.checks.is_empty() {
        page.blank();
        for check in &verdict.checks {
            told_check(&mut page, &history, check);
        }
    }
    violations(&mut page, &history, verdict);
    page.into_text()
}

/// Title, what ran, and why.
fn head(page: &mut Page, history: &History) {
    let header = &history.trace.header;
    page.paragraph(&[Piece::new(header.title.as_str(), Tone::Strong)]);
    let mut facts = vec![header.file.clone()];
    if let Some(variant) = &header.variant {
        facts.push(format!("variant {variant}"));
    }
    facts.push(format!("seed {}", header.seed));
    let length = Duration::from_micros(history.end().0);
    facts.push(format!("{} simulated", format_duration(length)));
    page.paragraph(&[Piece::new(facts.join(" · "), Tone::Faint)]);
    if !header.about.trim().is_empty() {
        let about = header.about.split_whitespace().collect::<Vec<_>>();
        page.paragraph(&[Piece::plain(about.join(" "))]);
    }
}

/// The columns of a story's body.
struct Columns {
    /// Digits after the point of a time in milliseconds.
    decimals: usize,
    /// Where the lanes' names begin.
    lane: usize,
    /// Where the text begins.
    text: usize,
}

impl Columns {
    fn of(page: &Page, history: &History, lines: &[Folded], verbose: bool) -> Self {
        let clock = history.names.clock();
        let told = || {
            lines.iter().filter_map(|it| match it {
                Folded::Line(line) => Some(line),
                Folded::LeftOut { .. } => None,
            })
        };
        let decimals = told()
            .map(|line| match line.at.at.0 % 1_000 {
                0 => 0,
                micros if micros % 100 == 0 => 1,
                micros if micros % 10 == 0 => 2,
                _ => 3,
            })
            .max()
            .unwrap_or(0);
        let time = |line: &Line| columns(&clock.column(line.at.at, decimals));
        let number = if verbose {
            sequence_width(history) + 2
        } else {
            0
        };
        let lane = told().map(time).max().unwrap_or(0) + 2 + number;
        let widest = told().map(|line| columns(&page.harmless(&line.speaker)));
        let room = (page.width() / 5).clamp(6, 24);
        let name = widest.max().unwrap_or(0).min(room);
        Self {
            decimals,
            lane,
            text: lane + name + 2,
        }
    }
}

/// How many digits the largest sequence number has.
fn sequence_width(history: &History) -> usize {
    history.trace.entries.len().to_string().len()
}

/// The lines, with their times and lanes.
fn body(page: &mut Page, history: &History, lines: &[Folded], verbose: bool) {
    let clock = history.names.clock();
    let layout = Columns::of(page, history, lines, verbose);
    let mut day = None;
    let mut before: Option<&Line> = None;
    let mut speaker = None;
    for folded in lines {
        let line = match folded {
            Folded::Line(line) => line,
            Folded::LeftOut { told, .. } => {
                let text = Piece::new(format!("… {told}"), Tone::Faint);
                page.hanging(&[], layout.text, &[text]);
                speaker = None;
                continue;
            }
        };
        let pause = before.map(|it| line.at.at.duration_since(it.at.at));
        if let Some(pause) = pause.filter(|it| *it >= QUIET) {
            let text = format!("… {} later", format_duration(pause));
            page.hanging(&[], layout.text, &[Piece::new(text, Tone::Faint)]);
            speaker = None;
        }
        if clock.is_calendar() {
            let date = clock.date_time(line.at.at).map(|it| it.date());
            if date.is_some() && date != day {
                let date_told = date.map(|it| it.strftime("%A %Y-%m-%d").to_string());
                let text = format!("── {}", date_told.unwrap_or_default());
                page.paragraph(&[Piece::new(text, Tone::Faint)]);
                speaker = None;
                day = date;
            }
        }
        let time = clock.column(line.at.at, layout.decimals);
        let padding = layout.lane.saturating_sub(columns(&time) + 2);
        let mut head = Vec::new();
        if verbose {
            let width = sequence_width(history);
            let number = format!("{:>width$}  ", line.at.sequence);
            let padding = padding.saturating_sub(width + 2);
            head.push(Piece::new(number, Tone::Faint));
            head.push(Piece::new(" ".repeat(padding), Tone::Plain));
        } else {
            head.push(Piece::new(" ".repeat(padding), Tone::Plain));
        }
        head.push(Piece::new(format!("{time}  "), Tone::Faint));
        if speaker != Some(&line.speaker) {
            let room = layout.text - layout.lane - 2;
            let name = page.fitted(&line.speaker, room);
            head.push(Piece::new(name, line.speaker_tone));
        }
        speaker = Some(&line.speaker);
        let deepest = (page.width() / 2).saturating_sub(layout.text);
        page.hanging(
            &head,
            layout.text + line.indent.min(deepest),
            &line.pieces(),
        );
        before = Some(line);
    }
}

/// One check, with what was found against it.
fn told_check(page: &mut Page, history: &History, check: &Check) {
    let (mark, tone) = if check.holds {
        ("✓ ", Tone::Good)
    } else {
        ("✗ ", Tone::Bad)
    };
    let place = if check.at.line == 0 {
        String::new()
    } else {
        format!("  line {}", check.at.line)
    };
    let mut pieces = vec![Piece::plain(check.text.clone())];
    if check.holds {
        pieces.push(Piece::new(place, Tone::Faint));
        page.hanging(&[Piece::new(mark, tone)], 2, &pieces);
        return;
    }
    page.hanging(&[Piece::new(mark, tone)], 2, &pieces);
    let file = &history.trace.header.file;
    let place = match check.at.line {
        0 => file.clone(),
        line => format!("{file}:{line}:{}", check.at.column),
    };
    page.hanging(&[], 4, &[Piece::plain(place)]);
    for finding in &check.findings {
        told_finding(page, history, finding);
    }
}

fn told_finding(page: &mut Page, history: &History, finding: &Finding) {
    let decided = finding.decided_by.map(|event| {
        let moment = history.names.moment(event.at);
        format!("event {} at {moment}", event.sequence)
    });
    let parts = [
        ("expected", Some(finding.expected.clone()), Tone::Plain),
        ("found", Some(finding.found.clone()), Tone::Bad),
        ("decided by", decided, Tone::Plain),
        ("nearest", finding.nearest.clone(), Tone::Plain),
    ];
    for (label, text, tone) in parts {
        if let Some(text) = text {
            let head = [Piece::plain("    "), Piece::new(label, Tone::Faint)];
            page.hanging(&head, 16, &[Piece::new(text, tone)]);
        }
    }
}

/// The invariants that do not hold, which are never the scenario's fault.
fn violations(page: &mut Page, history: &History, verdict: &Verdict) {
    if verdict.violations.is_empty() {
        return;
    }
    page.blank();
    let title = "This run breaks promises of multiverse itself: a bug, and not the scenario's.";
    page.paragraph(&[Piece::new(title, Tone::Strong)]);
    for violation in &verdict.violations {
        let moment = history.names.moment(violation.at.at);
        let (word, event) = (violation.invariant.word(), violation.at.sequence);
        let text = format!("{word}: {} (event {event} at {moment})", violation.text);
        page.hanging(&[Piece::new("✗ ", Tone::Bad)], 2, &[Piece::plain(text)]);
    }
}
