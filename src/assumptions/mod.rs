//! What multiverse takes for true and no source states.
//!
//! Every claimed behaviour of the platform says `Source:` or `Assumed:` where it is defined. The
//! second kind is collected here from the source itself at each build, so the list can't fall
//! behind the code. It is what to look at before a result is carried over to a real environment.
//!
//! ```
//! use multiverse::assumptions::{Subject, all};
//!
//! let of_locks = all().iter().filter(|it| it.subject() == Subject::Locks);
//! assert!(of_locks.clone().any(|it| it.item == "engine::lock::mode::combine"));
//! ```

#[cfg(test)]
mod scan;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

/// One behaviour that no source states, and where the code relies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What is assumed, in whole sentences.
    pub text: &'static str,
    /// The file, below the root of the crate.
    pub file: &'static str,
    /// The line of the mark, from 1.
    pub line: u32,
    /// The item, field, variant or module of which it is said, as a path below the crate.
    pub item: &'static str,
}

/// What an assumption is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Registered steps, stages, transactions, messages, faults.
    Pipeline,
    /// Jobs that run after the transaction.
    Async,
    /// Cascades, links between rows, merges.
    Relationships,
    /// Users, teams, privileges, sharing.
    Security,
    /// Alternate keys, row versions, change tracking.
    Keys,
    /// Which rows a search examines, and what it answers.
    Queries,
    /// Locks, isolation levels, deadlocks.
    Locks,
    /// Calls between clients and instances, outages, flows.
    Messages,
    /// What things take in virtual time, and the limits of a run.
    Costs,
    /// How scenario files are read and claims are judged.
    Language,
}

/// Which subject a file is about: the first of these that its path contains.
const SUBJECTS: &[(&str, Subject)] = &[
    ("async", Subject::Async),
    ("job", Subject::Async),
    ("relation", Subject::Relationships),
    ("cascad", Subject::Relationships),
    ("associat", Subject::Relationships),
    ("merge", Subject::Relationships),
    ("security", Subject::Security),
    ("privilege", Subject::Security),
    ("shar", Subject::Security),
    ("team", Subject::Security),
    ("changes", Subject::Keys),
    ("concurrency", Subject::Keys),
    ("key", Subject::Keys),
    ("etag", Subject::Keys),
    ("version", Subject::Keys),
    ("quer", Subject::Queries),
    ("fetch", Subject::Queries),
    ("aggregat", Subject::Queries),
    ("paging", Subject::Queries),
    ("search", Subject::Queries),
    ("costs", Subject::Costs),
    ("exchange", Subject::Messages),
    ("schedules", Subject::Messages),
    ("outage", Subject::Messages),
    ("isolation", Subject::Locks),
    ("engine/lock/", Subject::Locks),
    ("engine/database/", Subject::Locks),
    ("check/", Subject::Language),
    ("scenario/", Subject::Language),
    ("report/", Subject::Language),
];

impl Subject {
    /// Every subject, in the order in which they are listed.
    pub const ALL: [Self; 10] = [
        Self::Pipeline,
        Self::Async,
        Self::Relationships,
        Self::Security,
        Self::Keys,
        Self::Queries,
        Self::Locks,
        Self::Messages,
        Self::Costs,
        Self::Language,
    ];

    /// The heading under which its assumptions are listed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Async => "async service",
            Self::Relationships => "relationships",
            Self::Security => "security",
            Self::Keys => "keys and versions",
            Self::Queries => "queries",
            Self::Locks => "locks and transactions",
            Self::Messages => "calls between instances",
            Self::Costs => "costs and limits",
            Self::Language => "language and checks",
        }
    }
}

impl Assumption {
    /// What it is about.
    pub fn subject(&self) -> Subject {
        let mut words = SUBJECTS.iter();
        words.find(|(word, _)| self.file.contains(word)).map_or(Subject::Pipeline, |it| it.1)
    }
}

/// Every assumption, in the order of the files and their lines.
pub const fn all() -> &'static [Assumption] {
    const ALL: &[Assumption] = include!(concat!(env!("OUT_DIR"), "/assumptions.rs"));
    ALL
}

/// The assumptions of each subject that has any.
fn by_subject() -> impl Iterator<Item = (Subject, Vec<&'static Assumption>)> {
    let of = |subject| (subject, all().iter().filter(|it| it.subject() == subject).collect());
    Subject::ALL.into_iter().map(of).filter(|(_, list): &(_, Vec<_>)| !list.is_empty())
}

/// The list as a person reads it, by subject, in lines of at most `width` columns where the words
/// allow that.
pub fn text(width: usize) -> String {
    let mut text = String::new();
    for (subject, list) in by_subject() {
        text.push_str(&format!("{} ({})\n", subject.name(), list.len()));
        for assumption in list {
            let Assumption { file, line, item, .. } = assumption;
            text.push_str(&format!("\n  {item}\n  {file}:{line}\n"));
            text.push_str(&indented(assumption.text, width));
        }
        text.push('\n');
    }
    let count = all().len();
    text.push_str(&format!("{count} behaviours that no source states.\n"));
    text
}

/// The words in lines that are indented by four columns.
fn indented(words: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = width;
    for word in words.split(' ') {
        let length = word.chars().count();
        if column + 1 + length > width {
            text.push_str(if text.is_empty() { "    " } else { "\n    " });
            column = 4;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

/// The list for programs: one object for each assumption, in the order of [`text`].
pub fn json() -> Value {
    let object = |subject: Subject, it: &Assumption| {
        json!({
            "subject": subject.name(),
            "item": it.item,
            "file": it.file,
            "line": it.line,
            "text": it.text,
        })
    };
    by_subject()
        .flat_map(|(subject, list)| list.into_iter().map(move |it| object(subject, it)))
        .collect()
}
