//! Which transaction depends on which, and the circles in which they do.
//!
//! The *direct serialization graph* has one node for each committed transaction (a read outside
//! any transaction is a transaction of one statement, committed at once), and an edge from the one
//! that must come first in any serial order to the one that must come later:
//!
//! ```text
//!   ww   a wrote a version of a row,             b wrote the next one
//!   wr   a wrote a version of a row,             b read it
//!   rw   a read a version of a row,              b wrote the next one      (anti-dependency)
//!   wrp  a changed which rows match a condition, b searched by it later
//!   rwp  a searched by a condition,              b changed which rows match it later
//! ```
//!
//! A circle means that no serial order explains the run, and the kinds of its edges give the
//! phenomenon its name. Nothing is inferred: the trace tells the order of versions, the version
//! that each read saw, and the values before and after each write, so whether a version matches a
//! condition is computed and not guessed.
//!
//! | file | tells |
//! |---|---|
//! | `parties` | the nodes, and when each one's snapshot was taken |
//! | `versions` | the order of each row's versions |
//! | `predicate` | which versions changed which rows match a condition |
//! | `sight` | what a search saw of the rows that it did not answer |
//! | `build`, `graph` | the edges, each with its read's level; those of conditions in chains |
//! | `component` | strongly connected components (Tarjan) |
//! | `search` | a shortest circle through a node |
//! | `single` | which anti-dependencies have a way back without another one |
//! | `phenomena` | the named circles of a run |
//! | `pairs` | the two that are about the order of one reader's reads (OTV, PMP) |
//! | `level` | what each level forbids, and the circles that break it |
//!
//! **Cost.** Linear in the trace for the graph, where a search by `column = value` looks only at
//! rows that ever had the value; then one search for each component, and one pass over a component
//! for each 64 of its readers.
//!
//! **Left out**: a condition that follows a lookup to another row, which other rows can change (the
//! reads of those rows count); and a query that stops when it has rows enough, of which nobody
//! knows what more it would have seen (its answers count).
//!
//! Source: Adya, "Weak Consistency", chapters 3 and 4; Bailis et al., "Highly Available
//! Transactions" (OTV, PMP).

mod build;
mod component;
mod graph;
mod level;
mod pairs;
mod parties;
mod phenomena;
mod predicate;
mod search;
mod sight;
mod single;
#[cfg(test)]
mod tests;
mod versions;

pub use level::{Forbidden, forbids};
pub use parties::Party;

use crate::check::{History, Moment, RowKey};
use crate::plan::{Anomaly, Isolation};
use build::Dependencies;
use parties::Parties;

/// How one transaction depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// It overwrote what the other wrote (ww).
    Overwrites,
    /// It read what the other wrote (wr).
    Reads,
    /// It overwrote what the other had read (rw).
    OverwritesRead,
    /// It searched after the other changed which rows match (wrp).
    Finds,
    /// It changed which rows match after the other searched (rwp).
    ChangesFound,
}

impl DependencyKind {
    /// Whether it is an anti-dependency: on a row or on a predicate.
    pub const fn is_anti(self) -> bool {
        matches!(self, Self::OverwritesRead | Self::ChangesFound)
    }
}

/// One edge of a circle, with the two events that make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Who comes first in any serial order.
    pub from: Party,
    /// Who comes later.
    pub to: Party,
    /// How it depends on the first.
    pub kind: DependencyKind,
    /// On which row; for a search, a row that matched before or after and not both.
    pub key: RowKey,
    /// What the first did: its write, read or search.
    pub first: Moment,
    /// What the other did.
    pub second: Moment,
    /// At which level the one that reads or searches did so; for a write over a write, the level of
    /// the transaction that wrote first.
    pub level: Isolation,
}

/// A phenomenon with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Which phenomenon.
    pub anomaly: Anomaly,
    /// The circle: each depends on the one before, the first on the last.
    pub dependencies: Vec<Dependency>,
    /// The last of its events.
    pub at: Moment,
}

impl Cycle {
    /// The circle of these edges, told from the one that begins first.
    fn of(anomaly: Anomaly, mut dependencies: Vec<Dependency>) -> Self {
        let begins = (0..dependencies.len()).min_by_key(|it| dependencies[*it].first);
        dependencies.rotate_left(begins.unwrap_or(0));
        let moments = dependencies.iter().map(|it| it.first.max(it.second));
        let at = moments.max().unwrap_or_default();
        Self { anomaly, dependencies, at }
    }

    /// What happened, in a sentence: who read or wrote what, before or after whom.
    pub fn told(&self, history: &History) -> String {
        let parts: Vec<_> = self.dependencies.iter().map(|it| self.edge(it, history)).collect();
        parts.join("; ")
    }

    /// Who it is: by its lane, and by its number too where two of the circle have one lane.
    fn party(&self, party: Party, history: &History) -> String {
        let lane = party.lane(history);
        let others = self.dependencies.iter().map(|it| it.from);
        let twin = others.filter(|it| *it != party).any(|it| it.lane(history) == lane);
        let name = lane.map_or_else(|| party.number(), |lane| history.lane_name(lane));
        if twin { format!("{name} ({})", party.number()) } else { name }
    }

    fn edge(&self, edge: &Dependency, history: &History) -> String {
        use DependencyKind as K;
        let names = &history.names;
        let (from, to) = (self.party(edge.from, history), self.party(edge.to, history));
        let (first, second) = (names.moment(edge.first.at), names.moment(edge.second.at));
        let RowKey { instance, table, row } = edge.key;
        let place = names.place(instance, table, row);
        let table = || format!("{}/{}", names.instance(instance), names.table(table));
        match edge.kind {
            K::Overwrites => format!("{to} overwrote {from}'s {place} at {second}"),
            K::Reads => format!("{to} read {place} at {second} as {from} wrote it at {first}"),
            K::OverwritesRead => {
                format!("{from} read {place} at {first} before {to}'s write of it at {second}")
            }
            K::Finds => format!(
                "{to} searched {} at {second} after {from}'s write of {place} at {first} changed \
                 what matches",
                table()
            ),
            K::ChangesFound => format!(
                "{from} searched {} at {first} before {to}'s write of {place} at {second} changed \
                 what matches",
                table()
            ),
        }
    }
}

/// A circle that the level of one of its reads forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The circle.
    pub cycle: Cycle,
    /// The level that forbids it.
    pub level: Isolation,
}

/// What the dependencies of one run come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Circles {
    /// The named circles, in the order of their last events.
    pub(super) cycles: Vec<Cycle>,
    /// Those that a level forbids, likewise.
    pub(super) breaches: Vec<Breach>,
}

impl Circles {
    /// Finds the circles of a run.
    pub(super) fn of(history: &History) -> Self {
        Self::among(&Dependencies::of(history, Parties::of(history)))
    }

    fn among(dependencies: &Dependencies<'_>) -> Self {
        let mut pairs = pairs::of(dependencies);
        let mut breaches = level::breaches(dependencies, &pairs);
        let mut cycles = phenomena::of(dependencies);
        cycles.append(&mut pairs);
        cycles.sort_by_key(|it| (it.at, it.anomaly));
        breaches.sort_by_key(|it| (it.cycle.at, it.cycle.anomaly));
        Self { cycles, breaches }
    }
}
