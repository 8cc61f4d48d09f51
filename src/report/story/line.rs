//! One line of a story, before it is laid out.

use crate::check::Moment;
use crate::report::story::page::{Piece, Tone};
use crate::words::{Name, RequestId, TransactionId};

/// What kind of thing a line tells: its mark and its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    /// Something ordinary.
    None,
    /// Something that a reader may skip.
    Faint,
    /// Somebody is done.
    Done,
    /// Something failed.
    Failed,
    /// A wait for a lock.
    Wait,
    /// An outage, or what it does.
    Outage,
    /// Another try.
    Retry,
}

/// Which part of a longer happening a line is, so that the next part can join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing joins it.
    Whole,
    /// A request has begun.
    Request(RequestId),
    /// An upsert knows what it becomes.
    Resolved(RequestId),
    /// A deadlock's victim was chosen.
    Victim(TransactionId),
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// When.
    pub(super) at: Moment,
    /// Who it is about: a lane's or an instance's name.
    pub(super) speaker: String,
    /// The colour of that name.
    pub(super) speaker_tone: Tone,
    /// How far it is indented, in columns.
    pub(super) indent: usize,
    /// Its mark.
    pub(super) mark: Mark,
    /// The label of the step that it is the first line of.
    pub(super) label: Option<Name>,
    /// What happened.
    pub(super) text: String,
    /// What it is called when lines are compared: lines of one shape differ in names only.
    pub(super) shape: String,
    /// Which part of a longer happening it is.
    pub(super) part: Part,
}

impl Line {
    /// Whether a long story keeps it before others.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.mark, Mark::Failed | Mark::Outage)
    }

    /// The line's mark, where it has one, and its text.
    pub(super) fn pieces(&self) -> (Option<Piece>, Piece) {
        let (mark, tone) = match self.mark {
            Mark::None => ("", Tone::Plain),
            Mark::Faint => ("", Tone::Faint),
            Mark::Done => ("✓ ", Tone::Good),
            Mark::Failed => ("✗ ", Tone::Bad),
            Mark::Wait => ("▒ ", Tone::Wait),
            Mark::Outage => ("▓ ", Tone::Outage),
            Mark::Retry => ("↺ ", Tone::Plain),
        };
        let marked = (!mark.is_empty()).then(|| Piece::new(mark, tone));
        let text = match &self.label {
            // `commits` needs no label that says `commit`.
            Some(label) if !self.text.starts_with(&**label) => format!("{label}: {}", self.text),
            _ => self.text.clone(),
        };
        (marked, Piece::new(text, tone))
    }
}
