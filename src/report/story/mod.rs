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
//! request is indented below it. The first line of a session's step begins with the step's label.
//! Waits and outages have marks of their own. Quiet time is folded, and so is what repeats: the
//! story always says how much it leaves out. Meaning never depends on colour, and red is for
//! failure alone.

mod access;
mod advice;
mod body;
mod fold;
mod jobs;
mod line;
mod locking;
mod page;
mod reads;
mod requests;
mod sentence;
mod sessions;
mod teller;
#[cfg(test)]
mod tests;
mod versions;

use std::time::Duration;

use crate::check::{Check, Finding, History, Moment, Verdict};
use crate::trace::Trace;
use crate::words::{LaneId, format_duration};

use body::body;
use fold::{Folded, fold};
use teller::Teller;

pub(in crate::report) use line::Mark as LineMark;
pub(in crate::report) use page::{Page, Piece, Tone, columns};
pub(in crate::report) use sentence::{facts, judged, outage_word};

/// The most lines of events that an ordinary story has.
const LINES_MAX: usize = 200;

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
        Self { width: 100, colour: false, ascii: false, verbosity: Verbosity::Normal }
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
    opening(&mut page, &history, verdict);
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
    closing(&mut page, &history, verdict);
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

/// One check, with what was found against it.
fn told_check(page: &mut Page, history: &History, check: &Check) {
    let (mark, tone) = if check.holds { ("✓ ", Tone::Good) } else { ("✗ ", Tone::Bad) };
    let place =
        if check.at.line == 0 { String::new() } else { format!(" (line {})", check.at.line) };
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

/// One line of a story, for views that lay it out themselves.
#[derive(Debug)]
pub(in crate::report) struct ToldLine {
    /// When.
    pub at: Moment,
    /// The lane that it is about; `None` for an instance, or nobody.
    pub lane: Option<LaneId>,
    /// Who it is about, in words.
    pub speaker: String,
    /// What happened.
    pub text: String,
    /// What kind of thing it is.
    pub mark: LineMark,
}

/// All lines of a story, unfolded; with `verbose`, one at least for each event.
pub(in crate::report) fn told(history: &History, verbose: bool) -> Vec<ToldLine> {
    let lines = Teller::new(history, verbose).tell().into_iter();
    lines
        .map(|line| {
            let text = line.pieces().1.text;
            let lane = match line.speaker_tone {
                Tone::Lane(lane) => Some(LaneId(lane)),
                _ => None,
            };
            ToldLine { at: line.at, lane, speaker: line.speaker, text, mark: line.mark }
        })
        .collect()
}

/// Title, what ran, why, and the verdict: how every text about a run begins.
pub(in crate::report) fn opening(page: &mut Page, history: &History, verdict: &Verdict) {
    head(page, history);
    page.blank();
    page.paragraph(&sentence::verdict(history, verdict));
}

/// Every event, with its number.
pub(in crate::report) fn every_event(page: &mut Page, history: &History) {
    let lines = Teller::new(history, true).tell();
    let lines: Vec<_> = lines.into_iter().map(Folded::Line).collect();
    body(page, history, &lines, true);
}

/// The checks, and what multiverse itself did wrong: how every text about a run ends.
pub(in crate::report) fn closing(page: &mut Page, history: &History, verdict: &Verdict) {
    if !verdict.checks.is_empty() {
        page.blank();
        for check in &verdict.checks {
            told_check(page, history, check);
        }
    }
    violations(page, history, verdict);
}
