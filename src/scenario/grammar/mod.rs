//! The grammar of scenario files, as data.
//!
//! One table says which keys a file may have, what may stand behind each, which are required, and
//! what each is for. The shape check, its suggestions and the JSON Schema are all read off it, so
//! they can't disagree.
//!
//! A [`Shape`] says in which of the three forms (single value, list, map) a value may stand. What
//! a single value *means* (an instant, a column, a binding) is for the lowering to find out.

mod batches;
mod control;
mod document;
mod expectations;
mod messages;
mod queries;
mod relationships;
mod security;
mod sessions;
mod steps;
mod words;

pub use document::{ANYTHING, DOCUMENT, PLUG_IN, VARIANT};
pub use expectations::EXPECTATION;
pub use queries::LINKED;
pub use security::{DEPTHS, TEAM_KINDS};
pub use sessions::{LABELLED_STEP, SESSION_STEP};
pub use steps::STEP;
pub use words::{
    ANOMALY_WORDS, CASCADING, CUSTOM_STEPS, Choice, DELTA_TOKENS, HINTS, ISOLATION, LINK_KINDS,
    LOCKING, MODES, ON_DELETE, OPERATION_STATUSES, PHENOMENA, PRIORITIES, STAGES, STEP_KINDS,
    UPSERT_WHEN, WRITES,
};

/// What may stand in one place.
#[derive(Debug)]
pub struct Shape {
    /// What it is, for messages: `a duration`.
    pub what: &'static str,
    /// How one is written, where that helps more than what it is.
    pub example: Option<&'static str>,
    /// The single values that may stand here.
    pub scalar: Option<Kind>,
    /// What each element must be where a list may stand.
    pub list: Option<&'static Self>,
    /// The maps that may stand here.
    pub map: Option<&'static Map>,
}

/// The kinds of single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any value: text, number, `true`, `null`, `$binding`, `=expression`.
    Value,
    /// A whole number from 0.
    Count,
    /// A whole number of either sign.
    Whole,
    /// `true` or `false`.
    Boolean,
    /// `150ms`, `2 min`.
    Duration,
    /// `06:00`, `2026-01-06T02:10`, or a duration after the start.
    Moment,
    /// The same, or `end`.
    MomentOrEnd,
    /// A full date and time.
    DateTime,
    /// One of these words.
    Word(&'static [Word]),
    /// A fault's word or code.
    Fault,
    /// The same, or `none`.
    FaultOrNone,
    /// `Create ticket`, or the message alone.
    Event,
    /// The same, or `europe/account`.
    EventOrPath,
    /// `europe/account`.
    TablePath,
    /// `europe/account/fabrikam`.
    RowPath,
    /// `2s`, or `exponential from 2s to 30s`.
    Backoff,
    /// A number of something, or `europe/account`.
    CountOrPath,
    /// `unreachable`, `maintenance`, `slow by 2s`.
    Outage,
    /// `session.step`.
    StepPath,
    /// `low`, `normal`, `high`, or a number from -10 to 10.
    Priority,
}

/// Whether a key or a word may be written in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Here,
    /// A later version will know it.
    Later,
    /// It belongs somewhere else; what to write instead.
    Elsewhere(&'static str),
}

/// One word of a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether it may be written.
    pub standing: Standing,
}

/// A kind of map.
#[derive(Debug)]
pub struct Map {
    /// The keys it may have.
    pub keys: &'static [Key],
    /// What any other key is, where other keys may stand.
    pub others: Option<Others>,
    /// Of each group exactly one key must be there.
    pub one_of: &'static [&'static [&'static str]],
    /// Another kind of map that is meant where this key stands in it.
    pub or_with: Option<(&'static str, &'static Self)>,
}

/// The keys of a map that its author chooses.
#[derive(Debug)]
pub struct Others {
    /// What such a key names: `table`.
    pub what: &'static str,
    /// What stands behind it.
    pub shape: &'static Shape,
    /// Whether exactly one must be there.
    pub is_single: bool,
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What stands behind it.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub is_required: bool,
    /// The keys without any of which it makes no sense; empty for a key that needs none.
    pub goes_with: &'static [&'static str],
    /// What it is for, in one line.
    pub about: &'static str,
    /// Whether it may be written.
    pub standing: Standing,
}

impl Key {
    /// Whether the key may be written here.
    pub fn is_here(&self) -> bool {
        self.standing == Standing::Here
    }
}

impl Word {
    /// Whether the word may be written here.
    pub fn is_here(&self) -> bool {
        self.standing == Standing::Here
    }
}

impl Shape {
    const fn new(what: &'static str) -> Self {
        Self { what, example: None, scalar: None, list: None, map: None }
    }

    const fn of(what: &'static str, kind: Kind) -> Self {
        Self::new(what).or_scalar(kind)
    }

    const fn like(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }

    const fn or_scalar(mut self, kind: Kind) -> Self {
        self.scalar = Some(kind);
        self
    }

    const fn or_list(mut self, item: &'static Self) -> Self {
        self.list = Some(item);
        self
    }

    const fn or_map(mut self, map: &'static Map) -> Self {
        self.map = Some(map);
        self
    }
}

impl Map {
    const fn of(keys: &'static [Key]) -> Self {
        Self { keys, others: None, one_of: &[], or_with: None }
    }

    /// A map whose keys are all names of such things.
    const fn named(what: &'static str, shape: &'static Shape) -> Self {
        Self::of(&[]).and_others(what, shape)
    }

    const fn and_others(mut self, what: &'static str, shape: &'static Shape) -> Self {
        self.others = Some(Others { what, shape, is_single: false });
        self
    }

    const fn and_one_other(mut self, what: &'static str, shape: &'static Shape) -> Self {
        self.others = Some(Others { what, shape, is_single: true });
        self
    }

    const fn one_of(mut self, groups: &'static [&'static [&'static str]]) -> Self {
        self.one_of = groups;
        self
    }

    const fn or_with(mut self, key: &'static str, map: &'static Self) -> Self {
        self.or_with = Some((key, map));
        self
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// A key that may be left out.
const fn may(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    let standing = Standing::Here;
    Key { name, shape, is_required: false, goes_with: &[], about, standing }
}

/// A key that must be there.
const fn must(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    let mut key = may(name, shape, about);
    key.is_required = true;
    key
}

/// A key that makes sense only beside one of these others.
const fn with(
    others: &'static [&'static str],
    name: &'static str,
    shape: &'static Shape,
    about: &'static str,
) -> Key {
    let mut key = may(name, shape, about);
    key.goes_with = others;
    key
}

/// A key that a later version will know.
const fn later(name: &'static str, about: &'static str) -> Key {
    let mut key = may(name, &document::ANYTHING, about);
    key.standing = Standing::Later;
    key
}

/// A key of some other place, with what to write here instead.
const fn elsewhere(name: &'static str, about: &'static str, instead: &'static str) -> Key {
    let mut key = may(name, &document::ANYTHING, about);
    key.standing = Standing::Elsewhere(instead);
    key
}

const fn word(word: &'static str, about: &'static str) -> Word {
    Word { word, about, standing: Standing::Here }
}

const fn later_word(word: &'static str, about: &'static str) -> Word {
    Word { word, about, standing: Standing::Later }
}
