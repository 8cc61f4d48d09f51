//! A shortest circle through a party.

use std::collections::{BTreeMap, VecDeque};

use crate::check::dependency::build::Dependencies;
use crate::check::dependency::component::Components;
use crate::check::dependency::graph::{Edge, Filter, Graph, Node, Step, Walk};
use crate::check::dependency::parties::PartyIndex;
use crate::check::dependency::{Dependency, DependencyKind};

/// The most parties of one component through which a circle is searched for: the shortest of these
/// circles is told. A bound, so that a component costs a few searches however large it is.
const TRIES_MAX: usize = 64;

/// What kind of circle is looked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'f> {
    /// Which edge it must begin with.
    pub(super) first: Filter<'f>,
    /// Which edges it may go on with.
    pub(super) rest: Filter<'f>,
}

/// The shortest circle that begins at one of these parties, with an edge to the second of the pair
/// where there is one, within one component; the first of several.
pub(super) fn shortest(
    dependencies: &Dependencies<'_>,
    components: &Components,
    asked: Asked<'_>,
    starts: impl Iterator<Item = (PartyIndex, Option<PartyIndex>)>,
) -> Option<Vec<Dependency>> {
    let mut best: Option<Vec<Dependency>> = None;
    let circles = starts.filter_map(|it| circle(dependencies, components, asked, it));
    for circle in circles.take(TRIES_MAX) {
        let length = circle.len();
        if best.as_ref().is_none_or(|best| length < best.len()) {
            best = Some(circle);
        }
        if length == 2 {
            break;
        }
    }
    best
}

/// A shortest circle that begins with an edge from `origin`.
fn circle(
    dependencies: &Dependencies<'_>,
    components: &Components,
    asked: Asked<'_>,
    (origin, second): (PartyIndex, Option<PartyIndex>),
) -> Option<Vec<Dependency>> {
    let graph = &dependencies.graph;
    // How each node was reached: from which one, by which of its edges; an index into `begun` for
    // those that the first edge reaches.
    let mut reached: BTreeMap<Node, Reached> = BTreeMap::new();
    let mut pending: VecDeque<(Node, Reached)> = VecDeque::new();
    let mut begun = first_edges(dependencies, components, asked.first, origin);
    begun.retain(|(to, _)| second.is_none_or(|second| *to == second));
    for (place, (to, _)) in begun.iter().enumerate() {
        if components.are_together(origin, *to) {
            pending.push_back((*to, Reached::First(place)));
        }
    }
    while let Some((node, by)) = pending.pop_front() {
        if node == origin {
            return Some(told(dependencies, &begun, &reached, by));
        }
        if reached.contains_key(&node) {
            continue;
        }
        reached.insert(node, by);
        for edge in graph.of_node(node) {
            if !edge.counts(asked.rest) || !components.are_together(origin, edge.to) {
                continue;
            }
            let next = (edge.to, Reached::By(node, *edge));
            // The way along a chain is one edge however long it is.
            if graph.is_party(edge.to) {
                pending.push_back(next);
            } else {
                pending.push_front(next);
            }
        }
    }
    None
}

#[derive(Clone, Copy)]
enum Reached {
    First(usize),
    By(Node, Edge),
}

fn told(
    dependencies: &Dependencies<'_>,
    begun: &[(PartyIndex, Dependency)],
    reached: &BTreeMap<Node, Reached>,
    last: Reached,
) -> Vec<Dependency> {
    let mut edges = Vec::new();
    let mut by = last;
    let mut walk = Walk::default();
    loop {
        match by {
            Reached::First(place) => {
                walk.dependencies.push(begun[place].1);
                break;
            }
            Reached::By(from, edge) => {
                edges.push((from, edge));
                let Some(before) = reached.get(&from) else {
                    break;
                };
                by = *before;
            }
        }
    }
    for (from, edge) in edges.into_iter().rev() {
        walk.step(&dependencies.parties, from, edge);
    }
    walk.dependencies
}

/// The edges of one party to others, those along chains included.
fn first_edges(
    dependencies: &Dependencies<'_>,
    components: &Components,
    filter: Filter<'_>,
    origin: PartyIndex,
) -> Vec<(PartyIndex, Dependency)> {
    let graph = &dependencies.graph;
    let mut found = Vec::new();
    for edge in graph.of_node(origin) {
        let mut add = |kind, to, key, events, level| {
            let ends = (origin, to);
            found.push((to, dependencies.dependency(ends, kind, key, events, level)));
        };
        match edge.step {
            Step::Depends { kind, key, first, second, level } if edge.counts(filter) => {
                add(kind, edge.to, key, (first, second), level);
            }
            Step::Searches { at: first, level } if edge.counts(filter) => {
                along(graph, components, (origin, edge.to), |exit| {
                    if let Step::ChangedBy { key, at } = exit.step {
                        let kind = DependencyKind::ChangesFound;
                        add(kind, exit.to, key, (first, at), level);
                    }
                });
            }
            Step::Changes { key, at: first } => {
                along(graph, components, (origin, edge.to), |exit| {
                    if let Step::SeenBy { at, level } = exit.step
                        && exit.counts(filter)
                    {
                        add(DependencyKind::Finds, exit.to, key, (first, at), level);
                    }
                });
            }
            _ => {}
        }
    }
    found.retain(|(to, _)| *to != origin);
    found
}

/// Every edge that leaves a chain from this place on, as far as the chain is in the component of
/// `origin`.
fn along(
    graph: &Graph,
    components: &Components,
    (origin, place): (PartyIndex, Node),
    mut exit: impl FnMut(&Edge),
) {
    let mut here = Some(place);
    while let Some(node) = here.take() {
        if !components.are_together(origin, node) {
            return;
        }
        for edge in graph.of_node(node) {
            match edge.step {
                Step::Along => here = Some(edge.to),
                _ => exit(edge),
            }
        }
    }
}
