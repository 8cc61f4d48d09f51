//! What each level of isolation forbids, and the circles that break it.
//!
//! Transactions of several levels meet in one history, and each is owed what its own level
//! promises. So an edge counts as an *obligation* where the level of its reader makes sure that
//! the one it comes from is committed first:
//!
//! | edge | obligation where the reader runs at |
//! |---|---|
//! | ww | any level: writes are locked to the end |
//! | wr, wrp | read committed or above |
//! | rw | repeatable read or serializable: the row stays locked |
//! | rwp | serializable: the range stays locked |
//!
//! Obligations follow the order of the commits, so a circle of them breaks a promise. Under
//! snapshot a reader has no obligations of this kind, but a circle in which its anti-dependency is
//! the only one and the rest are obligations breaks its promise, too.
//!
//! Source: Adya, "Weak Consistency", 4.2.4 (mixing of levels); the table: Kleppmann, "Hermitage",
//! SQL Server (CC BY 4.0).

use crate::check::dependency::build::Dependencies;
use crate::check::dependency::component::Components;
use crate::check::dependency::parties::Party;
use crate::check::dependency::search::{Asked, shortest};
use crate::check::dependency::single::Singles;
use crate::check::dependency::{Breach, Cycle, Dependency, DependencyKind as K};
use crate::plan::{Anomaly, Isolation};

/// A level of isolation, as SQL Server has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reads take no locks and see what is not committed.
    ReadUncommitted,
    /// A read waits for the writer, and locks the row for the statement.
    ReadCommitted,
    /// A statement sees what was committed when it began.
    ReadCommittedSnapshot,
    /// A read locks the row to the end of the transaction.
    RepeatableRead,
    /// A transaction sees what was committed when it began to read.
    Snapshot,
    /// A search locks what it covers to the end of the transaction.
    Serializable,
}

/// Whether a level forbids a phenomenon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// It may happen.
    No,
    /// It may happen through a predicate, and not on rows alone.
    OnRows,
    /// It may not.
    Yes,
}

impl Level {
    /// Every level, as SQL Server's documents order them.
    pub const ALL: [Self; 6] = [
        Self::ReadUncommitted,
        Self::ReadCommitted,
        Self::ReadCommittedSnapshot,
        Self::RepeatableRead,
        Self::Snapshot,
        Self::Serializable,
    ];

    /// The level of a read outside any transaction.
    ///
    /// Assumed: the default level, since the trace tells no other one.
    pub(super) const STATEMENT: Self = Self::ReadCommittedSnapshot;

    /// The level that a plan calls so.
    pub const fn of(isolation: Isolation) -> Self {
        match isolation {
            Isolation::ReadUncommitted => Self::ReadUncommitted,
            Isolation::ReadCommitted => Self::ReadCommitted,
            Isolation::ReadCommittedSnapshot => Self::ReadCommittedSnapshot,
            Isolation::RepeatableRead => Self::RepeatableRead,
            Isolation::Snapshot => Self::Snapshot,
            Isolation::Serializable => Self::Serializable,
        }
    }

    /// The level as scenarios call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "read uncommitted",
            Self::ReadCommitted => "read committed",
            Self::ReadCommittedSnapshot => "read committed snapshot",
            Self::RepeatableRead => "repeatable read",
            Self::Snapshot => "snapshot",
            Self::Serializable => "serializable",
        }
    }

    /// Whether this level forbids a phenomenon to its transactions.
    ///
    /// Source: Hermitage, SQL Server. Assumed: dirty read, which is not in that table, as G1a.
    pub const fn forbids(self, anomaly: Anomaly) -> Forbidden {
        use Anomaly as A;
        let forbidden = match anomaly {
            A::DirtyWrite => true,
            A::DirtyRead
            | A::AbortedRead
            | A::IntermediateRead
            | A::CircularInformationFlow
            | A::ObservedTransactionVanishes => !matches!(self, Self::ReadUncommitted),
            A::PredicateManyPreceders => matches!(self, Self::Snapshot | Self::Serializable),
            A::LostUpdate => {
                matches!(self, Self::RepeatableRead | Self::Snapshot | Self::Serializable)
            }
            A::ReadSkew if matches!(self, Self::RepeatableRead) => return Forbidden::OnRows,
            A::ReadSkew => matches!(self, Self::Snapshot | Self::Serializable),
            A::WriteSkew => matches!(self, Self::RepeatableRead | Self::Serializable),
            A::Phantom => matches!(self, Self::Serializable),
        };
        if forbidden { Forbidden::Yes } else { Forbidden::No }
    }

    /// Whether an edge into or out of a reader of this level is an obligation.
    const fn obliges(self, kind: K) -> bool {
        match kind {
            K::Overwrites => true,
            K::Reads | K::Finds => !matches!(self, Self::ReadUncommitted),
            K::OverwritesRead => matches!(self, Self::RepeatableRead | Self::Serializable),
            K::ChangesFound => matches!(self, Self::Serializable),
        }
    }
}

/// The circles that a level forbids: a shortest one for each component, and for snapshot for each
/// component likewise; and those of `pairs` that the reader's level forbids.
pub(super) fn breaches(dependencies: &Dependencies<'_>, pairs: &[Cycle]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    broken_obligations(dependencies, &mut breaches);
    broken_snapshots(dependencies, &mut breaches);
    for cycle in pairs {
        let reader = reader_of(cycle).and_then(|it| level_of(dependencies, it));
        if let Some(level) = reader.filter(|it| it.forbids(cycle.anomaly) == Forbidden::Yes) {
            breaches.push(Breach { cycle: cycle.clone(), level });
        }
    }
    breaches
}

fn broken_obligations(dependencies: &Dependencies<'_>, breaches: &mut Vec<Breach>) {
    let (graph, levels) = (&dependencies.graph, &dependencies.parties.levels);
    let obliges = |kind, party: u32| levels[party as usize].obliges(kind);
    let components = Components::of(graph, &obliges);
    for members in components.circles(graph) {
        let parties = members.into_iter().filter(|it| graph.is_party(*it));
        let asked = Asked { first: &obliges, rest: &obliges };
        let starts = parties.map(|it| (it, None));
        if let Some(circle) = shortest(dependencies, &components, asked, starts) {
            let cycle = Cycle::of(named(&circle), circle);
            let levels = cycle.dependencies.iter().filter_map(|it| level_of(dependencies, it.from));
            let forbids = |level: &Level| level.forbids(cycle.anomaly) != Forbidden::No;
            let level = levels.filter(forbids).max().unwrap_or(Level::STATEMENT);
            breaches.push(Breach { cycle, level });
        }
    }
}

fn broken_snapshots(dependencies: &Dependencies<'_>, breaches: &mut Vec<Breach>) {
    let (graph, levels) = (&dependencies.graph, &dependencies.parties.levels);
    let is_snapshot = |party: u32| levels[party as usize] == Level::Snapshot;
    if !levels.contains(&Level::Snapshot) {
        return;
    }
    let rest = |kind: K, party: u32| !kind.is_anti() && levels[party as usize].obliges(kind);
    let first = |kind: K, party: u32| kind.is_anti() && is_snapshot(party);
    let both = |kind, party| rest(kind, party) || first(kind, party);
    let all = Components::of(graph, &both);
    let forward = Components::of(graph, &rest);
    let singles = Singles::of(graph, &all, &forward, &rest, &is_snapshot);
    let readers = singles.readers();
    for members in all.circles(graph) {
        let starts = members.into_iter().filter(|it| readers.contains(it)).map(|it| (it, None));
        let asked = Asked { first: &first, rest: &rest };
        if let Some(circle) = shortest(dependencies, &all, asked, starts) {
            let cycle = Cycle::of(Anomaly::ReadSkew, circle);
            breaches.push(Breach { cycle, level: Level::Snapshot });
        }
    }
}

/// The phenomenon that a circle shows by the kinds of its edges.
pub(super) fn named(circle: &[Dependency]) -> Anomaly {
    let anti = circle.iter().filter(|it| it.kind.is_anti()).count();
    let has = |kind| circle.iter().any(|it| it.kind == kind);
    match anti {
        0 if has(K::Reads) || has(K::Finds) => Anomaly::CircularInformationFlow,
        0 => Anomaly::DirtyWrite,
        1 => Anomaly::ReadSkew,
        _ if has(K::ChangesFound) => Anomaly::Phantom,
        _ => Anomaly::WriteSkew,
    }
}

/// Whose reads a circle of two is about.
fn reader_of(cycle: &Cycle) -> Option<Party> {
    cycle.dependencies.iter().find(|it| it.kind.is_anti()).map(|it| it.from)
}

fn level_of(dependencies: &Dependencies<'_>, party: Party) -> Option<Level> {
    dependencies.parties.level(party)
}
