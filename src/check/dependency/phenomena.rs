//! The named circles of a run: of each kind a shortest one for each component.
//!
//! | phenomenon | circle |
//! |---|---|
//! | dirty write (G0) | ww alone |
//! | circular information flow (G1c) | ww and wr, one wr at least |
//! | read skew (G-single) | one rw or rwp, the rest ww and wr |
//! | write skew (G2-item) | no rwp, and an rw that is on no circle without a second rw; or two rw |
//! | phantom (G2) | one rwp at least |
//!
//! Of a write skew's "two rw", each of two transactions overwrote what the other had read. A circle
//! with one rwp alone is a read skew and a phantom.

use std::collections::BTreeSet;

use crate::check::dependency::build::Dependencies;
use crate::check::dependency::component::Components;
use crate::check::dependency::graph::{Node, Step};
use crate::check::dependency::search::{Asked, shortest};
use crate::check::dependency::single::Singles;
use crate::check::dependency::{Cycle, DependencyKind as K};
use crate::plan::{Anomaly, Isolation};

/// Whether an edge is no anti-dependency.
pub(super) fn is_forward(kind: K, _: Isolation) -> bool {
    !kind.is_anti()
}

/// Every kind of edge.
pub(super) fn is_any(_: K, _: Isolation) -> bool {
    true
}

/// Finds the named circles.
pub(super) fn of(dependencies: &Dependencies<'_>) -> Vec<Cycle> {
    let graph = &dependencies.graph;
    let all = Components::of(graph, &is_any);
    // No circle at all, as in most runs: then none of any kind.
    if all.circles(graph).is_empty() {
        return Vec::new();
    }
    let mut cycles = Vec::new();
    let mut add = |anomaly, components: &Components, asked: Asked<'_>, chosen: &Chosen<'_>| {
        for members in components.circles(graph) {
            let parties = members.into_iter().filter(|it| graph.is_party(*it) && chosen(*it));
            let starts = parties.map(|it| (it, None));
            let circle = shortest(dependencies, components, asked, starts);
            cycles.extend(circle.map(|circle| Cycle::of(anomaly, circle)));
        }
    };

    let overwrites = |kind, _| kind == K::Overwrites;
    let writes = Components::of(graph, &overwrites);
    let asked = Asked { first: &overwrites, rest: &overwrites };
    add(Anomaly::DirtyWrite, &writes, asked, &|_| true);

    let reads = |kind, _| matches!(kind, K::Reads | K::Finds);
    let forward = Components::of(graph, &is_forward);
    let asked = Asked { first: &reads, rest: &is_forward };
    add(Anomaly::CircularInformationFlow, &forward, asked, &|_| true);

    let anti = |kind: K, _| kind.is_anti();
    let asked = Asked { first: &anti, rest: &is_forward };
    let singles = Singles::of(graph, &all, &forward, asked);
    let readers = singles.readers();
    add(Anomaly::ReadSkew, &all, asked, &|node| readers.contains(&node));

    let on_rows = |kind, _| kind != K::ChangesFound;
    let rows = Components::of(graph, &on_rows);
    let on_predicates = |kind, _| kind == K::ChangesFound;
    let asked = Asked { first: &on_predicates, rest: &is_any };
    add(Anomaly::Phantom, &all, asked, &|_| true);
    for members in rows.circles(graph) {
        cycles.extend(write_skew(dependencies, &rows, &singles, &members));
    }
    cycles
}

/// Which parties a circle may begin with.
type Chosen<'c> = dyn Fn(Node) -> bool + 'c;

/// The write skew of one component of the graph without rwp, where there is one.
fn write_skew(
    dependencies: &Dependencies<'_>,
    components: &Components,
    singles: &Singles,
    members: &[Node],
) -> Option<Cycle> {
    let graph = &dependencies.graph;
    let mut pairs: BTreeSet<(Node, Node)> = BTreeSet::new();
    let mut candidates = BTreeSet::new();
    for reader in members.iter().copied().filter(|it| graph.is_party(*it)) {
        for (place, edge) in graph.of_node(reader).iter().enumerate() {
            let is_on_a_row = matches!(edge.step, Step::Depends { kind: K::OverwritesRead, .. });
            if !is_on_a_row || !components.are_together(reader, edge.to) {
                continue;
            }
            pairs.insert((reader, edge.to));
            if !singles.edges.contains(&(reader, place)) {
                candidates.insert((reader, edge.to));
            }
        }
    }
    let first = |kind, _| kind == K::OverwritesRead;
    let rest = |kind, _| kind != K::ChangesFound;
    let mutual = pairs.iter().find(|(a, b)| pairs.contains(&(*b, *a)));
    let circle = match mutual {
        Some((a, b)) => {
            let asked = Asked { first: &first, rest: &first };
            shortest(dependencies, components, asked, [(*a, Some(*b))].into_iter())
        }
        None => {
            let asked = Asked { first: &first, rest: &rest };
            let starts = candidates.into_iter().map(|(reader, to)| (reader, Some(to)));
            shortest(dependencies, components, asked, starts)
        }
    };
    circle.map(|it| Cycle::of(Anomaly::WriteSkew, it))
}
