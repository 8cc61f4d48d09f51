//! The README's tables, as one list: which line tells of which benchmarks.

mod bound;
mod costs;
mod designs;

use bound::{ANCHORS, HOST, HOST_PAIR, TRACE};
use costs::{ACTORS, FILES, GROWTH, LOCKS, PIPELINE, STORE, WORLDS};
use designs::{EARLY, LENGTH, LEVELS, NUMBERS, ORDER, READERS, VICTIMS};

use crate::figures::{Target, Unit};

/// One table.
pub struct Table {
    /// Its heading.
    pub subject: &'static str,
    /// What a reader has to know.
    pub about: &'static str,
    /// What its lines tell apart.
    pub what: &'static str,
    /// What its columns tell apart: a line's cases, or with a bound its figure and its ratio.
    pub columns: &'static [&'static str],
    /// Its lines.
    pub lines: &'static [Line],
}

/// One line of a table.
pub struct Line {
    /// What is measured.
    pub what: &'static str,
    /// The benchmarks' group.
    pub group: &'static str,
    /// The case of each column.
    pub cases: &'static [&'static str],
    /// In what they are told.
    pub unit: Unit,
    /// What the last of them should reach.
    pub target: Option<Target>,
}

impl Table {
    /// The names of all its benchmarks.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.lines.iter().flat_map(|line| line.cases.iter().map(|case| (line.group, *case)))
    }

    /// Whether there is anything that should be reached.
    pub fn has_targets(&self) -> bool {
        self.lines.iter().any(|line| line.target.is_some())
    }
}

impl Line {
    /// The same, with what it should reach.
    const fn reaches(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }
}

const fn line(
    what: &'static str,
    group: &'static str,
    cases: &'static [&'static str],
    unit: Unit,
) -> Line {
    Line { what, group, cases, unit, target: None }
}

/// All tables, in their order.
pub const TABLES: &[Table] = &[
    ANCHORS, TRACE, HOST, HOST_PAIR, ORDER, NUMBERS, EARLY, LEVELS, READERS, VICTIMS, LENGTH,
    GROWTH, ACTORS, WORLDS, PIPELINE, LOCKS, STORE, FILES,
];
