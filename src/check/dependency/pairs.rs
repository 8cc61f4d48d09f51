//! The two phenomena that are about the order of one reader's reads. Both are circles of two.
//!
//! **Observed transaction vanishes** (OTV). The reader sees a row as another transaction wrote it,
//! and *after that* a second row from before that transaction's write of it.
//!
//! **Predicate-many-preceders** (PMP). The reader searches, and *after that* another search of it
//! sees a change that the first did not see, of a row that concerns both.
//!
//! Source: Bailis et al., "Highly Available Transactions", appendix A.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::dependency::build::{Dependencies, Search};
use crate::check::dependency::component::Components;
use crate::check::dependency::parties::PartyIndex;
use crate::check::dependency::phenomena::is_any;
use crate::check::dependency::predicate::Flip;
use crate::check::dependency::{Cycle, DependencyKind};
use crate::check::{Moment, RowKey};
use crate::plan::{Anomaly, Isolation};

/// Finds them: of each kind at most one for each reader, its first.
pub(super) fn of(dependencies: &Dependencies<'_>) -> Vec<Cycle> {
    let graph = &dependencies.graph;
    let components = Components::of(graph, &is_any);
    let mut found = Vec::new();
    for party in components.circles(graph).into_iter().flatten() {
        if graph.is_party(party) {
            found.extend(vanishing(dependencies, &components, party));
            found.extend(many_preceders(dependencies, party));
        }
    }
    found
}

/// The first row that a reader saw from before a transaction that it had seen already.
fn vanishing(
    dependencies: &Dependencies<'_>,
    components: &Components,
    reader: PartyIndex,
) -> Option<Cycle> {
    /// A transaction that the reader has seen.
    #[derive(Clone, Copy)]
    struct Seen {
        writer: PartyIndex,
        /// Its first version of the row that must not be missed.
        position: usize,
        /// Where it was seen.
        key: RowKey,
        events: (Moment, Moment),
        level: Isolation,
    }
    let versions = &dependencies.versions;
    let mut must_see: BTreeMap<RowKey, Seen> = BTreeMap::new();
    let mut seen: BTreeSet<PartyIndex> = BTreeSet::new();
    for read in dependencies.reads.get(&reader)? {
        let Some(order) = versions.orders.get(&read.key) else {
            continue;
        };
        let Some(position) = order.position(read.row_version) else {
            continue;
        };
        if let Some(missed) = must_see.get(&read.key).filter(|it| position < it.position) {
            let written = order.versions[missed.position].written;
            let (writer, reader) = (missed.writer, reader);
            let (there, back) = (DependencyKind::Reads, DependencyKind::OverwritesRead);
            let circle = vec![
                dependencies.dependency(
                    (writer, reader),
                    there,
                    missed.key,
                    missed.events,
                    missed.level,
                ),
                dependencies.dependency(
                    (reader, writer),
                    back,
                    read.key,
                    (read.at, written),
                    dependencies.parties.owed(reader, read.level),
                ),
            ];
            return Some(Cycle::of(Anomaly::ObservedTransactionVanishes, circle));
        }
        let turn = order.turns.get(order.turn_of(position));
        let Some(writer) = turn.and_then(|it| it.party).filter(|it| *it != reader) else {
            continue;
        };
        if !components.are_together(writer, reader) || !seen.insert(writer) {
            continue;
        }
        let events = (order.versions[position].written, read.at);
        let level = dependencies.parties.owed(reader, read.level);
        for (key, position) in &versions.written_by[writer as usize] {
            let now = Seen { writer, position: *position, key: read.key, events, level };
            let known = must_see.entry(*key).or_insert(now);
            if known.position < *position {
                *known = now;
            }
        }
    }
    None
}

/// The first change that one search of the reader saw and an earlier one did not.
fn many_preceders(dependencies: &Dependencies<'_>, reader: PartyIndex) -> Option<Cycle> {
    let searches = dependencies.searches.get(&reader)?;
    // The first search of each condition: what it did not see, none of those before it saw.
    let mut earlier: BTreeMap<usize, &Search> = BTreeMap::new();
    for later in searches {
        for before in earlier.values().filter(|it| is_of_one_table(dependencies, it, later)) {
            if let Some(flip) = seen_late(dependencies, reader, before, later) {
                let at = (before.at, flip.written);
                let back = later.answered.get(&flip.key).map_or(later.at, |it| it.1);
                let (changes, finds) = (DependencyKind::ChangesFound, DependencyKind::Finds);
                let circle = vec![
                    dependencies.dependency(
                        (reader, flip.party),
                        changes,
                        flip.key,
                        at,
                        before.level,
                    ),
                    dependencies.dependency(
                        (flip.party, reader),
                        finds,
                        flip.key,
                        (flip.written, back),
                        later.level,
                    ),
                ];
                return Some(Cycle::of(Anomaly::PredicateManyPreceders, circle));
            }
        }
        earlier.entry(later.condition).or_insert(later);
    }
    None
}

fn is_of_one_table(dependencies: &Dependencies<'_>, one: &Search, other: &Search) -> bool {
    dependencies.changes[one.condition].table == dependencies.changes[other.condition].table
}

/// A change of what matches the condition of `before`, by another party, that `before` did not see
/// and `later` did, of a row that matches the condition of `later` too, before or after it.
fn seen_late(
    dependencies: &Dependencies<'_>,
    reader: PartyIndex,
    before: &Search,
    later: &Search,
) -> Option<Flip> {
    let changes = &dependencies.changes[before.condition];
    let others = &dependencies.changes[later.condition];
    let is_late = |flip: &Flip| {
        flip.party != reader && before.saw(flip) == Some(false) && later.saw(flip) == Some(true)
    };
    // Rows that the later search answered match its condition.
    let answered = later.answered.keys().flat_map(|key| changes.of_row(*key));
    if let Some(flip) = answered.copied().find(is_late) {
        return Some(flip);
    }
    // Rows that it did not answer: those that stopped to match.
    let chain = changes.chain(later.sight);
    let is_like = before.sight.is_like(later.sight);
    let from = if is_like { before.sight.reach(&chain.flips).1 } else { 0 };
    let to = later.sight.reach(&chain.flips).0;
    let window = chain.flips.get(from..to).unwrap_or_default();
    let concerns = |flip: &Flip| others.of_row(flip.key).iter().any(|it| it.first == flip.first);
    window.iter().copied().find(|flip| is_late(flip) && concerns(flip))
}
