//! The graph: parties, and between them the edges and the chains of conditions.
//!
//! A search depends on every earlier change of what matches its condition, and every later change
//! on it. Written out, that is an edge for each pair of a search and a change. So the changes of
//! one condition stand in a row, twice:
//!
//! ```text
//!   search ─▶ c3 ─▶ c4 ─▶ c5        a search enters where the changes that it did not see begin,
//!             │     │     │         and reaches the writer of each of them
//!             ▼     ▼     ▼
//!             w3    w4    w5
//!
//!   w1    w2    w3                  the writer of each change reaches every search that comes
//!   │     │     │                   after it
//!   ▼     ▼     ▼
//!   c1 ─▶ c2 ─▶ c3 ─▶ search
//! ```
//!
//! A way along a chain from a party to *another* party is exactly one edge between the two. A way
//! from a party back to itself is none: who changes what matches its own search depends on nobody.

use crate::check::dependency::parties::{Parties, PartyIndex};
use crate::check::dependency::predicate::Flip;
use crate::check::dependency::{Dependency, DependencyKind};
use crate::check::{Moment, RowKey};
use crate::plan::Isolation;

/// A node: a party below `Graph::party_count`, a place of a chain from there on.
pub(super) type Node = u32;

/// One edge as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: Node,
    pub(super) step: Step,
}

/// What an edge is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// From party to party.
    Depends { kind: DependencyKind, key: RowKey, first: Moment, second: Moment, level: Isolation },
    /// From a search onto the chain of changes that it did not see.
    Searches { at: Moment, level: Isolation },
    /// From that chain to the writer of a change.
    ChangedBy { key: RowKey, at: Moment },
    /// From the writer of a change onto the chain of changes that searches saw.
    Changes { key: RowKey, at: Moment },
    /// From that chain to a search.
    SeenBy { at: Moment, level: Isolation },
    /// Along a chain.
    Along,
}

/// Which edges count: asked with the kind, and with the level of the read (for a write over a
/// write, of the transaction that wrote first).
pub(super) type Filter<'f> = &'f dyn Fn(DependencyKind, Isolation) -> bool;

/// Parties and chains, with their edges.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) party_count: usize,
    pub(super) edges: Vec<Vec<Edge>>,
}

impl Graph {
    pub(super) fn of(parties: &Parties) -> Self {
        let party_count = parties.count();
        Self { party_count, edges: vec![Vec::new(); party_count] }
    }

    pub(super) fn is_party(&self, node: Node) -> bool {
        (node as usize) < self.party_count
    }

    /// A new place of a chain.
    pub(super) fn add_place(&mut self) -> Node {
        let node = Node::try_from(self.edges.len()).unwrap_or(Node::MAX);
        self.edges.push(Vec::new());
        node
    }

    pub(super) fn add(&mut self, from: Node, to: Node, step: Step) {
        if from != to
            && let Some(edges) = self.edges.get_mut(from as usize)
        {
            edges.push(Edge { to, step });
        }
    }

    /// The edge between a search, of this event and level, and a change that it saw or did not see.
    pub(super) fn found(
        &mut self,
        searcher: PartyIndex,
        flip: &Flip,
        saw: bool,
        (at, level): (Moment, Isolation),
    ) {
        let (key, written) = (flip.key, flip.written);
        if saw {
            let kind = DependencyKind::Finds;
            let step = Step::Depends { kind, key, first: written, second: at, level };
            self.add(flip.party, searcher, step);
        } else {
            let kind = DependencyKind::ChangesFound;
            let step = Step::Depends { kind, key, first: at, second: written, level };
            self.add(searcher, flip.party, step);
        }
    }

    pub(super) fn of_node(&self, node: Node) -> &[Edge] {
        self.edges.get(node as usize).map_or(&[], Vec::as_slice)
    }
}

impl Edge {
    /// Whether a filter lets this edge count. Inside a chain every edge does: the way onto it or
    /// off it is what counts.
    pub(super) fn counts(&self, filter: Filter<'_>) -> bool {
        use DependencyKind as K;
        match self.step {
            Step::Depends { kind, level, .. } => filter(kind, level),
            Step::Searches { level, .. } => filter(K::ChangesFound, level),
            Step::SeenBy { level, .. } => filter(K::Finds, level),
            Step::ChangedBy { .. } | Step::Changes { .. } | Step::Along => true,
        }
    }
}

/// Puts the steps of a walk together to edges between parties.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) dependencies: Vec<Dependency>,
    entered: Option<Entered>,
}

/// How a walk went onto a chain.
#[derive(Clone, Copy)]
enum Entered {
    /// By a search of this party, at this level.
    Search(PartyIndex, Moment, Isolation),
    /// By this party's change of this row.
    Change(PartyIndex, Moment, RowKey),
}

impl Walk {
    pub(super) fn step(&mut self, parties: &Parties, from: Node, edge: Edge) {
        let mut push = |from, kind, key, (first, second), level| {
            let party = |index: PartyIndex| parties.all[index as usize];
            let (from, to) = (party(from), party(edge.to));
            self.dependencies.push(Dependency { from, to, kind, key, first, second, level });
        };
        match edge.step {
            Step::Depends { kind, key, first, second, level } => {
                push(from, kind, key, (first, second), level);
            }
            Step::Searches { at, level } => self.entered = Some(Entered::Search(from, at, level)),
            Step::Changes { key, at } => self.entered = Some(Entered::Change(from, at, key)),
            Step::ChangedBy { key, at } => {
                if let Some(Entered::Search(searcher, first, level)) = self.entered.take() {
                    push(searcher, DependencyKind::ChangesFound, key, (first, at), level);
                }
            }
            Step::SeenBy { at, level } => {
                if let Some(Entered::Change(writer, first, key)) = self.entered.take() {
                    push(writer, DependencyKind::Finds, key, (first, at), level);
                }
            }
            Step::Along => {}
        }
    }
}
