//! The graph of triggers as Graphviz and Mermaid texts. What shares its locks stands in one frame;
//! async steps are dashed; loops are red, with the depth at which the platform cuts them.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Message, Mode, Plan};
use crate::report::diagram::{Asked, Columns, Graph, Maker, Node, Target, hears, listens, seen};
use crate::report::export::escape;
use crate::trace::Trace;
use crate::words::{ColumnId, TableId};

const RED: &str = "#b00f3c";
const GREY: &str = "#8a8f83";
const INK: &str = "#44483f";

/// The format of a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiagramFormat {
    /// A Graphviz graph.
    Dot,
    /// A Mermaid flowchart.
    Mermaid,
    /// A picture.
    Svg,
}

/// An arrow of the picture.
pub(super) struct Arrow {
    pub(super) from: Node,
    pub(super) to: Node,
    /// The columns that are written.
    pub(super) columns: String,
    /// For an arrow of a loop: where that is cut.
    pub(super) note: Option<String>,
    pub(super) is_loop: bool,
    pub(super) is_dashed: bool,
}

impl Arrow {
    /// All that is said of it.
    pub(super) fn label(&self) -> String {
        match &self.note {
            None => self.columns.clone(),
            Some(note) if self.columns.is_empty() => note.clone(),
            Some(note) => format!("{}, {note}", self.columns),
        }
    }
}

/// What triggers what in a plan, and over it how often each was seen in a run.
pub fn diagram(plan: &Plan, trace: Option<&Trace>, format: DiagramFormat) -> String {
    let graph = Graph::of(plan);
    let picture = Picture {
        arrows: arrows(&graph),
        frames: graph.transactions(),
        seen: trace.map(seen),
        graph,
    };
    match format {
        DiagramFormat::Dot => picture.dot(),
        DiagramFormat::Mermaid => picture.mermaid(),
        DiagramFormat::Svg => picture.svg(),
    }
}

pub(super) struct Picture<'p> {
    pub(super) graph: Graph<'p>,
    pub(super) arrows: Vec<Arrow>,
    frames: BTreeMap<Node, Target>,
    seen: Option<BTreeMap<Node, u32>>,
}

fn arrows(graph: &Graph<'_>) -> Vec<Arrow> {
    let targets = graph.targets();
    let mut arrows = Vec::new();
    let mut last: Option<(Maker, Target)> = None;
    for asked in graph.asked.iter().filter(|it| targets.contains(&it.target)) {
        let is_loop = graph.is_in_loop(asked);
        let columns = columns_of(graph.plan, asked);
        // Several sets of columns are one arrow with all of them.
        if last == Some((asked.maker, asked.target))
            && let Some(arrow) = arrows.last_mut()
        {
            let arrow: &mut Arrow = arrow;
            arrow.is_loop |= is_loop;
            if !columns.is_empty() {
                arrow.columns = format!("{}; {columns}", arrow.columns);
            }
            continue;
        }
        last = Some((asked.maker, asked.target));
        let (from, is_dashed) = match asked.maker {
            Maker::Actor(at) => (Node::Actor(at), false),
            Maker::Step(at) => (Node::Step(at), graph.plan.plug_ins[at].mode == Mode::Asynchronous),
        };
        arrows.push(Arrow {
            from,
            to: Node::Request(asked.target),
            columns,
            note: None,
            is_loop,
            is_dashed,
        });
    }
    let depth = graph.plan.limits.depth;
    for arrow in arrows.iter_mut().filter(|it| it.is_loop) {
        arrow.note = Some(format!("loop, cut at depth {depth}"));
    }
    for (at, step) in graph.plan.plug_ins.iter().enumerate() {
        for target in targets.iter().filter(|it| hears(step, **it)) {
            let asked = || graph.asked.iter().filter(|it| it.target == *target);
            if !asked().any(|it| listens(step, it)) {
                continue;
            }
            let is_loop = asked().any(|it| graph.is_in_loop(it) && listens(step, it))
                && graph.loops[at].is_some();
            arrows.push(Arrow {
                from: Node::Request(*target),
                to: Node::Step(at),
                columns: String::new(),
                note: None,
                is_loop,
                is_dashed: step.mode == Mode::Asynchronous,
            });
        }
    }
    arrows
}

fn columns_of(plan: &Plan, asked: &Asked) -> String {
    match &asked.columns {
        Columns::Any => "any column".to_owned(),
        Columns::Listed(columns) => named(plan, asked.target.2, columns.iter()),
    }
}

fn named<'c>(plan: &Plan, table: TableId, columns: impl Iterator<Item = &'c ColumnId>) -> String {
    let names = columns.map(|it| plan.table(table).columns[it.index()].name.to_string());
    names.collect::<Vec<_>>().join(", ")
}

impl Picture<'_> {
    /// Every node that has an arrow or a frame, and every step.
    fn nodes(&self) -> Vec<Node> {
        let ends = self.arrows.iter().flat_map(|it| [it.from, it.to]);
        let steps = (0..self.graph.plan.plug_ins.len()).map(Node::Step);
        let all: BTreeSet<_> = ends.chain(steps).chain(self.frames.keys().copied()).collect();
        all.into_iter().collect()
    }

    /// The lines of a node's label.
    pub(super) fn lines(&self, node: Node) -> Vec<String> {
        let plan = self.graph.plan;
        let mut lines = match node {
            Node::Actor(at) => vec![plan.actors[at].name.to_string()],
            Node::Request((instance, message, table)) => {
                let name = plan.message_name(message);
                let what = match message {
                    Message::Custom(_) => name.to_owned(),
                    _ => format!("{name} {}", plan.table(table).name),
                };
                vec![what, plan.instance(instance).name.to_string()]
            }
            Node::Step(at) => {
                let step = &plan.plug_ins[at];
                let mode = match (step.mode, step.enabled) {
                    (_, false) => "disabled",
                    (Mode::Synchronous, true) => "sync",
                    (Mode::Asynchronous, true) => "async",
                };
                let heard = match (step.table, &step.filter[..]) {
                    (Some(table), filter @ [_, ..]) => {
                        format!(", on {}", named(plan, table, filter.iter()))
                    }
                    _ => String::new(),
                };
                vec![format!("{} {}", step.stage.number(), step.name), format!("{mode}{heard}")]
            }
        };
        if let Some(seen) = &self.seen
            && !matches!(node, Node::Actor(_))
        {
            lines.push(format!("seen {}×", seen.get(&node).copied().unwrap_or(0)));
        }
        lines
    }

    pub(super) fn is_async(&self, node: Node) -> bool {
        matches!(node, Node::Step(at) if self.graph.plan.plug_ins[at].mode == Mode::Asynchronous)
    }

    /// Whether a run that was looked at has not had it.
    pub(super) fn is_unseen(&self, node: Node) -> bool {
        !matches!(node, Node::Actor(_))
            && self.seen.as_ref().is_some_and(|it| !it.contains_key(&node))
    }

    pub(super) fn is_in_loop(&self, node: Node) -> bool {
        matches!(node, Node::Step(at) if self.graph.loops[at].is_some())
    }

    fn colour(&self, node: Node) -> &'static str {
        match node {
            _ if self.is_unseen(node) => GREY,
            _ if self.is_in_loop(node) => RED,
            _ => INK,
        }
    }

    /// The nodes by their frames; what is in no frame comes first.
    pub(super) fn framed(&self) -> BTreeMap<Option<Target>, Vec<(usize, Node)>> {
        let mut framed = BTreeMap::<_, Vec<_>>::new();
        for (at, node) in self.nodes().into_iter().enumerate() {
            framed.entry(self.frames.get(&node).copied()).or_default().push((at, node));
        }
        framed
    }

    pub(super) fn frame_name(&self, (instance, ..): Target) -> String {
        format!("one transaction in {}", self.graph.plan.instance(instance).name)
    }

    fn dot(&self) -> String {
        let mut text = format!(
            "digraph triggers {{\n  label=\"{}\";\n  rankdir=LR;\n  \
             node [fontname=\"Helvetica\", fontsize=11];\n  \
             edge [fontname=\"Helvetica\", fontsize=10];\n",
            escape::dot(&self.graph.plan.title)
        );
        for (number, (frame, nodes)) in self.framed().into_iter().enumerate() {
            if let Some(frame) = frame {
                let name = escape::dot(&self.frame_name(frame));
                text.push_str(&format!(
                    "  subgraph cluster_{number} {{\n  label=\"{name}\";\n  style=rounded;\n  \
                     color=\"{GREY}\";\n"
                ));
            }
            for (at, node) in nodes {
                let lines: Vec<_> = self.lines(node).iter().map(|it| escape::dot(it)).collect();
                let (shape, style) = match node {
                    Node::Actor(_) => ("ellipse", "solid"),
                    Node::Request(_) => ("box", "rounded,filled"),
                    Node::Step(_) if self.is_async(node) => ("box", "dashed"),
                    Node::Step(_) => ("box", "solid"),
                };
                text.push_str(&format!(
                    "  n{at} [label=\"{}\", shape={shape}, style=\"{style}\", color=\"{}\", \
                     fillcolor=\"#eef0ea\"];\n",
                    lines.join("\\n"),
                    self.colour(node)
                ));
            }
            if frame.is_some() {
                text.push_str("  }\n");
            }
        }
        let nodes = self.nodes();
        let id = |node: Node| nodes.iter().position(|it| *it == node).unwrap_or(0);
        for arrow in &self.arrows {
            let (from, to, label) = (id(arrow.from), id(arrow.to), escape::dot(&arrow.label()));
            let colour = if arrow.is_loop { RED } else { INK };
            let style = if arrow.is_dashed { "dashed" } else { "solid" };
            text.push_str(&format!(
                "  n{from} -> n{to} [label=\"{label}\", style={style}, color=\"{colour}\", \
                 fontcolor=\"{colour}\"];\n"
            ));
        }
        text.push_str("}\n");
        text
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        let mut classes = BTreeMap::<_, Vec<_>>::new();
        for (number, (frame, nodes)) in self.framed().into_iter().enumerate() {
            if let Some(frame) = frame {
                let name = escape::mermaid(&self.frame_name(frame));
                text.push_str(&format!("  subgraph f{number}[\"{name}\"]\n"));
            }
            for (at, node) in nodes {
                let lines: Vec<_> = self.lines(node).iter().map(|it| escape::mermaid(it)).collect();
                let (open, close) = match node {
                    Node::Actor(_) => ("([", "])"),
                    Node::Request(_) => ("(", ")"),
                    Node::Step(_) => ("[", "]"),
                };
                text.push_str(&format!("  n{at}{open}\"{}\"{close}\n", lines.join("<br/>")));
                classes.entry((self.colour(node), self.is_async(node))).or_default().push(at);
            }
            if frame.is_some() {
                text.push_str("  end\n");
            }
        }
        let nodes = self.nodes();
        let id = |node: Node| nodes.iter().position(|it| *it == node).unwrap_or(0);
        for arrow in &self.arrows {
            let line = if arrow.is_dashed { "-.->" } else { "-->" };
            let label = match &arrow.label()[..] {
                "" => String::new(),
                label => format!("|\"{}\"|", escape::mermaid(label)),
            };
            text.push_str(&format!("  n{} {line}{label} n{}\n", id(arrow.from), id(arrow.to)));
        }
        for (at, _) in self.arrows.iter().enumerate().filter(|(_, it)| it.is_loop) {
            text.push_str(&format!("  linkStyle {at} stroke:{RED}\n"));
        }
        for (number, ((colour, is_async), members)) in classes.into_iter().enumerate() {
            let dashes = if is_async { ",stroke-dasharray:4 3" } else { "" };
            text.push_str(&format!("  classDef c{number} stroke:{colour}{dashes}\n"));
            let ids: Vec<_> = members.iter().map(|it| format!("n{it}")).collect();
            text.push_str(&format!("  class {} c{number}\n", ids.join(",")));
        }
        text
    }
}
