//! Strongly connected components, by Tarjan's algorithm with a stack of its own: a chain of a
//! hundred thousand transactions must not end the program.

use std::collections::BTreeMap;

use crate::check::dependency::graph::{Filter, Graph, Node};

/// Which component each node belongs to.
#[derive(Debug)]
pub(super) struct Components {
    /// The component of each node. The components are numbered against the edges: an edge from one
    /// to another goes from the greater number to the smaller.
    pub(super) of: Vec<u32>,
}

/// Not numbered yet.
const UNSEEN: u32 = u32::MAX;

/// The search, as far as it has come.
struct Tarjan<'g> {
    graph: &'g Graph,
    filter: Filter<'g>,
    /// When each node was first seen.
    seen: Vec<u32>,
    /// The oldest node on the stack that each reaches.
    low: Vec<u32>,
    components: Vec<u32>,
    count: u32,
    clock: u32,
    /// The nodes whose component is open.
    open: Vec<Node>,
    /// The nodes that are being looked at, each with its next edge.
    path: Vec<(Node, usize)>,
}

impl Components {
    pub(super) fn of(graph: &Graph, filter: Filter<'_>) -> Self {
        let size = graph.edges.len();
        let mut tarjan = Tarjan {
            graph,
            filter,
            seen: vec![UNSEEN; size],
            low: vec![UNSEEN; size],
            components: vec![UNSEEN; size],
            count: 0,
            clock: 0,
            open: Vec::new(),
            path: Vec::new(),
        };
        for root in 0..Node::try_from(size).unwrap_or(Node::MAX) {
            if tarjan.seen[root as usize] == UNSEEN {
                tarjan.enter(root);
                tarjan.run();
            }
        }
        Self { of: tarjan.components }
    }

    pub(super) fn are_together(&self, a: Node, b: Node) -> bool {
        self.of[a as usize] == self.of[b as usize]
    }

    /// The nodes of each component in which two parties or more are in a circle, in the order of
    /// their first parties.
    pub(super) fn circles(&self, graph: &Graph) -> Vec<Vec<Node>> {
        let mut parties: BTreeMap<u32, u32> = BTreeMap::new();
        for component in &self.of[..graph.party_count] {
            *parties.entry(*component).or_default() += 1;
        }
        parties.retain(|_, count| *count > 1);
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        let mut circles: Vec<Vec<Node>> = Vec::new();
        for (node, component) in (0..).zip(&self.of) {
            if !parties.contains_key(component) {
                continue;
            }
            let place = *places.entry(*component).or_insert_with(|| {
                circles.push(Vec::new());
                circles.len() - 1
            });
            circles[place].push(node);
        }
        circles
    }
}

impl Tarjan<'_> {
    fn enter(&mut self, node: Node) {
        self.seen[node as usize] = self.clock;
        self.low[node as usize] = self.clock;
        self.clock += 1;
        self.open.push(node);
        self.path.push((node, 0));
    }

    fn run(&mut self) {
        while let Some((node, next)) = self.path.last_mut() {
            let from = *node;
            let Some(edge) = self.graph.of_node(from).get(*next) else {
                self.leave(from);
                continue;
            };
            *next += 1;
            if !edge.counts(self.filter) {
                continue;
            }
            let (from, to) = (from as usize, edge.to as usize);
            if self.seen[to] == UNSEEN {
                self.enter(edge.to);
            } else if self.components[to] == UNSEEN {
                self.low[from] = self.low[from].min(self.seen[to]);
            }
        }
    }

    fn leave(&mut self, node: Node) {
        self.path.pop();
        let low = self.low[node as usize];
        if let Some((parent, _)) = self.path.last() {
            let parent = &mut self.low[*parent as usize];
            *parent = low.min(*parent);
        }
        if low != self.seen[node as usize] {
            return;
        }
        while let Some(member) = self.open.pop() {
            self.components[member as usize] = self.count;
            if member == node {
                break;
            }
        }
        self.count += 1;
    }
}
