//! What each level of isolation forbids, and the circles that break it.
//!
//! Reads of several levels meet in one history, also in one transaction, and each is owed what its
//! own level promises. So an edge counts as an *obligation* where the level of its read makes sure
//! that the one it comes from is committed first:
//!
//! | edge | obligation where the read is at |
//! |---|---|
//! | ww | any level: writes are locked to the end |
//! | wr, wrp | read committed or above |
//! | rw | repeatable read or serializable: the row stays locked |
//! | rwp | serializable: the range stays locked |
//!
//! Obligations follow the order of the commits, so a circle of them breaks a promise. Under
//! snapshot a reader has no obligations of this kind, but a circle in which its anti-dependency is
//! the only one and the rest are obligations breaks its promise, too: who it depends on was
//! committed before its snapshot, and who depends on it after. That holds of a transaction all of
//! whose reads are of the snapshot. Where a hint has made one of them lock, what it saw is newer,
//! and the others are owed only what each statement is owed by itself, as at read committed
//! snapshot.
//!
//! Source: Adya, "Weak Consistency", 4.2.4 (mixing of levels); the table: Kleppmann, "Hermitage",
//! SQL Server (CC BY 4.0).

use crate::check::dependency::build::Dependencies;
use crate::check::dependency::component::Components;
use crate::check::dependency::search::{Asked, shortest};
use crate::check::dependency::single::Singles;
use crate::check::dependency::{Breach, Cycle, Dependency, DependencyKind as K};
use crate::plan::{Anomaly, Isolation};

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

/// Whether a level forbids a phenomenon to its transactions.
///
/// Source: Hermitage, SQL Server. Assumed: dirty read, which is not in that table, as G1a.
pub const fn forbids(level: Isolation, anomaly: Anomaly) -> Forbidden {
    use Anomaly as A;
    use Isolation as I;
    let forbidden = match anomaly {
        A::DirtyWrite => true,
        A::DirtyRead
        | A::AbortedRead
        | A::IntermediateRead
        | A::CircularInformationFlow
        | A::ObservedTransactionVanishes => !matches!(level, I::ReadUncommitted),
        A::PredicateManyPreceders => matches!(level, I::Snapshot | I::Serializable),
        A::LostUpdate => matches!(level, I::RepeatableRead | I::Snapshot | I::Serializable),
        A::ReadSkew if matches!(level, I::RepeatableRead) => return Forbidden::OnRows,
        A::ReadSkew => matches!(level, I::Snapshot | I::Serializable),
        A::WriteSkew => matches!(level, I::RepeatableRead | I::Serializable),
        A::Phantom => matches!(level, I::Serializable),
    };
    if forbidden { Forbidden::Yes } else { Forbidden::No }
}

/// Whether an edge into or out of a read at this level is an obligation.
const fn obliges(level: Isolation, kind: K) -> bool {
    use Isolation as I;
    match kind {
        K::Overwrites => true,
        K::Reads | K::Finds => !matches!(level, I::ReadUncommitted),
        K::OverwritesRead => matches!(level, I::RepeatableRead | I::Serializable),
        K::ChangesFound => matches!(level, I::Serializable),
    }
}

/// The circles that a level forbids: a shortest one for each component, and for snapshot for each
/// component likewise; and those of `pairs` whose reads are of one level that forbids them.
pub(super) fn breaches(dependencies: &Dependencies<'_>, pairs: &[Cycle]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    broken_obligations(dependencies, &mut breaches);
    broken_snapshots(dependencies, &mut breaches);
    for cycle in pairs {
        let mut levels = cycle.dependencies.iter().map(|it| it.level);
        let level = levels.next().filter(|first| levels.all(|it| it == *first));
        if let Some(level) = level.filter(|it| forbids(*it, cycle.anomaly) == Forbidden::Yes) {
            breaches.push(Breach { cycle: cycle.clone(), level });
        }
    }
    breaches
}

fn broken_obligations(dependencies: &Dependencies<'_>, breaches: &mut Vec<Breach>) {
    let graph = &dependencies.graph;
    let obliged = |kind, level| obliges(level, kind);
    let components = Components::of(graph, &obliged);
    for members in components.circles(graph) {
        let parties = members.into_iter().filter(|it| graph.is_party(*it));
        let asked = Asked { first: &obliged, rest: &obliged };
        let starts = parties.map(|it| (it, None));
        if let Some(circle) = shortest(dependencies, &components, asked, starts) {
            let cycle = Cycle::of(named(&circle), circle);
            let levels = cycle.dependencies.iter().map(|it| it.level);
            let level = levels.filter(|it| forbids(*it, cycle.anomaly) != Forbidden::No).max();
            let level = level.unwrap_or_default();
            breaches.push(Breach { cycle, level });
        }
    }
}

fn broken_snapshots(dependencies: &Dependencies<'_>, breaches: &mut Vec<Breach>) {
    let graph = &dependencies.graph;
    if !dependencies.parties.snapshots.iter().any(Option::is_some) {
        return;
    }
    let rest = |kind: K, level| !kind.is_anti() && obliges(level, kind);
    let first = |kind: K, level| kind.is_anti() && level == Isolation::Snapshot;
    let both = |kind, level| rest(kind, level) || first(kind, level);
    let all = Components::of(graph, &both);
    let forward = Components::of(graph, &rest);
    let singles = Singles::of(graph, &all, &forward, Asked { first: &first, rest: &rest });
    let readers = singles.readers();
    for members in all.circles(graph) {
        let starts = members.into_iter().filter(|it| readers.contains(it)).map(|it| (it, None));
        let asked = Asked { first: &first, rest: &rest };
        if let Some(circle) = shortest(dependencies, &all, asked, starts) {
            let cycle = Cycle::of(Anomaly::ReadSkew, circle);
            breaches.push(Breach { cycle, level: Isolation::Snapshot });
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
