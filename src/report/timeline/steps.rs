//! The steps of a run: the lines of its story, with what each of them covers.
//!
//! A line covers the events from the end of the line before it up to its own, and those after it
//! at the same instant that no line of their own tells: what a rollback restores and which locks
//! it releases belong to the line that tells of the rollback.

use std::collections::BTreeMap;

use crate::check::{History, Moment};
use crate::report::story::{LineMark, ToldLine, told};
use crate::words::LaneId;

/// One thing that a reader can step to.
#[derive(Debug)]
pub(in crate::report) struct Step {
    /// When it happened: its event.
    pub at: Moment,
    /// The number of the last event that it covers.
    pub last: u32,
    /// Whose lane it is about, if it is one's.
    pub lane: Option<LaneId>,
    /// Who it is about, in words; empty for nobody.
    pub speaker: String,
    /// What happened, in words.
    pub text: String,
    /// What kind of thing it is.
    pub mark: LineMark,
}

impl Step {
    /// The step as a sentence.
    pub fn sentence(&self) -> String {
        // Not every line of a story begins with what its speaker does.
        let first = self.text.split(' ').next().unwrap_or_default();
        let fault = self.text.split_once(" (0x").is_some_and(|(word, _)| {
            // `sql timeout (0x…)` is one, and `ends in sql timeout (0x…)` is a sentence.
            !word.contains(':') && !word.starts_with("ends ")
        });
        let is_no_verb = fault || first == "plug-in" || first.contains(['/', ':']);
        let is_done_by = self.lane.is_some() && !is_no_verb;
        match is_done_by {
            _ if self.speaker.is_empty() => self.text.clone(),
            true => format!("{} {}", self.speaker, self.text),
            false => format!("{}: {}", self.speaker, self.text),
        }
    }
}

/// The steps of a run, in order.
pub(super) fn steps(history: &History) -> Vec<Step> {
    let mut lines: Vec<ToldLine> = told(history, false);
    // What an advice tells of the same event belongs to the line before it.
    lines.sort_by_key(|it| it.at.sequence);
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        if let Some(before) = steps.last_mut().filter(|it| it.at.sequence == line.at.sequence) {
            before.text.push_str(if before.text.ends_with('.') { " " } else { ". " });
            before.text.push_str(&line.text);
            continue;
        }
        let ToldLine { at, lane, speaker, text, mark } = line;
        steps.push(Step { at, last: at.sequence, lane, speaker, text, mark });
    }
    let ends: BTreeMap<u64, u32> = ends(history);
    let next: Vec<u32> = steps.iter().skip(1).map(|it| it.at.sequence).collect();
    for (index, step) in steps.iter_mut().enumerate() {
        let end = ends.get(&step.at.at.0).copied().unwrap_or(step.at.sequence);
        let next = next.get(index).map_or(u32::MAX, |it| it.saturating_sub(1));
        step.last = end.min(next).max(step.at.sequence);
    }
    if let Some(last) = steps.last_mut() {
        last.last = u32::MAX;
    }
    steps
}

/// The number of the last event of each instant.
fn ends(history: &History) -> BTreeMap<u64, u32> {
    history.trace.entries.iter().map(|it| (it.at.0, it.sequence)).collect()
}
