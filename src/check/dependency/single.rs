//! Which anti-dependencies `a → b` have a way back from `b` to `a` without another one.
//!
//! A search back from each would visit a large component once for each of its readers. Instead 64
//! readers share a pass: each has a bit, and what a node reaches is the union of what its
//! successors reach, in the order of the components of the graph without anti-dependencies.

use std::collections::BTreeSet;

use crate::check::dependency::component::Components;
use crate::check::dependency::graph::{Edge, Filter, Graph, Node, Step};
use crate::check::dependency::parties::PartyIndex;
use crate::check::dependency::search::Asked;

/// How many readers share a pass: the bits of a word.
const READERS: usize = 64;

/// The anti-dependencies that are alone on a circle.
#[derive(Debug, Default)]
pub(super) struct Singles {
    /// Each reader with the position of such an edge among its edges.
    pub(super) edges: BTreeSet<(PartyIndex, usize)>,
}

impl Singles {
    /// Looks through the circles of `components`, the components of all edges. `forward` are those
    /// of the graph of the edges by which a circle may go on, none of them an anti-dependency; it
    /// begins with one of the anti-dependencies that are asked about.
    pub(super) fn of(
        graph: &Graph,
        components: &Components,
        forward: &Components,
        asked: Asked<'_>,
    ) -> Self {
        let mut singles = Self::default();
        let size = graph.edges.len();
        let mut board = Board { bits: vec![0; size], reach: vec![0; size] };
        for mut members in components.circles(graph) {
            members.sort_by_key(|it| (forward.of[*it as usize], *it));
            let readers: Vec<PartyIndex> = members
                .iter()
                .copied()
                .filter(|it| graph.is_party(*it) && reads(graph, *it, asked.first))
                .collect();
            let pass = Pass { graph, components, forward, asked, members: &members };
            for readers in readers.chunks(READERS) {
                pass.run(readers, &mut board, &mut singles);
            }
        }
        singles
    }

    /// The readers, each once.
    pub(super) fn readers(&self) -> BTreeSet<PartyIndex> {
        self.edges.iter().map(|(reader, _)| *reader).collect()
    }
}

fn reads(graph: &Graph, node: Node, first: Filter<'_>) -> bool {
    graph.of_node(node).iter().any(|edge| is_first(edge, first))
}

/// Whether a circle may begin with this edge of a party.
fn is_first(edge: &Edge, first: Filter<'_>) -> bool {
    let is_anti = match edge.step {
        Step::Depends { kind, .. } => kind.is_anti(),
        Step::Searches { .. } => true,
        Step::ChangedBy { .. } | Step::Changes { .. } | Step::SeenBy { .. } | Step::Along => false,
    };
    is_anti && edge.counts(first)
}

/// What the passes write on, each in turn: one allocation for all.
struct Board {
    /// The bit of each node that is a reader of the pass.
    bits: Vec<u64>,
    /// What each forward component reaches; there are at most as many as nodes.
    reach: Vec<u64>,
}

/// One pass over one component.
struct Pass<'a> {
    graph: &'a Graph,
    components: &'a Components,
    forward: &'a Components,
    asked: Asked<'a>,
    /// Those of later forward components after those that they reach.
    members: &'a [Node],
}

impl Pass<'_> {
    fn run(&self, readers: &[PartyIndex], board: &mut Board, singles: &mut Singles) {
        let Board { bits, reach } = board;
        let component_of = |node: Node| self.forward.of[node as usize] as usize;
        for node in self.members {
            reach[component_of(*node)] = 0;
        }
        for (reader, bit) in readers.iter().zip(0..) {
            bits[*reader as usize] = 1u64 << bit;
        }
        for node in self.members {
            let mut reached = bits[*node as usize];
            for edge in self.graph.of_node(*node) {
                let is_here = self.components.are_together(*node, edge.to);
                if !is_here || !edge.counts(self.asked.rest) {
                    continue;
                }
                let next = reach[component_of(edge.to)];
                // Off a chain of changes, a search reaches others' changes and never its own.
                let own = matches!(edge.step, Step::ChangedBy { .. });
                reached |= if own { next & !bits[edge.to as usize] } else { next };
            }
            reach[component_of(*node)] |= reached;
        }
        for reader in readers {
            for (place, edge) in self.graph.of_node(*reader).iter().enumerate() {
                let reached = reach[component_of(edge.to)];
                let is_here = self.components.are_together(*reader, edge.to);
                if is_here
                    && is_first(edge, self.asked.first)
                    && reached & bits[*reader as usize] != 0
                {
                    singles.edges.insert((*reader, place));
                }
            }
        }
        for reader in readers {
            bits[*reader as usize] = 0;
        }
    }
}
