//! What triggers what, from the registrations alone: which requests callers and steps make, which
//! steps listen to them, and where that comes round to where it began.
//!
//! A request triggers a step only where what it writes meets what the step listens to: an Update
//! must contain a column of the step's filter. So a circle in the picture of messages is no loop
//! yet; a loop is a circle of steps of which each triggers the next ([`Graph::loops`]).
//!
//! Both sides of an `if`, the body of a `retry` and every `on fault` count: the graph says what
//! could happen. What a plug-in in Rust asks for is in no plan and not drawn.

mod draw;
mod layout;
mod requests;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

pub use draw::{DiagramFormat, diagram};

use crate::plan::{Message, Mode, Plan, PlugIn, Stage};
use crate::trace::{Event, Trace};
use crate::words::{ColumnId, InstanceId, TableId};

/// A message about a table of an instance.
type Target = (InstanceId, Message, TableId);

/// Who makes a request: an actor or a step, by its position in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Maker {
    Actor(usize),
    Step(usize),
}

/// The columns that a request writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Columns {
    /// These.
    Listed(BTreeSet<ColumnId>),
    /// Those of another row, whichever it has: any.
    Any,
}

/// A request that somebody may make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    maker: Maker,
    target: Target,
    columns: Columns,
}

/// What could trigger what.
#[derive(Debug)]
struct Graph<'p> {
    plan: &'p Plan,
    /// The requests, each kind once for each maker and set of columns.
    asked: Vec<Asked>,
    /// For each step, the loop that it is in.
    loops: Vec<Option<usize>>,
}

impl<'p> Graph<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut graph = Self { plan, asked: requests::asked(plan), loops: Vec::new() };
        let count = plan.plug_ins.len();
        let next: Vec<BTreeSet<usize>> = (0..count).map(|it| graph.triggered_by(it)).collect();
        let reached: Vec<_> = next.iter().map(|first| reachable(&next, first)).collect();
        graph.loops = (0..count)
            .map(|it| {
                let circle =
                    |other: &usize| reached[it].contains(other) && reached[*other].contains(&it);
                reached[it].contains(&it).then(|| (0..count).find(circle)).flatten()
            })
            .collect();
        graph
    }

    /// The steps that what this step asks for could trigger.
    fn triggered_by(&self, step: usize) -> BTreeSet<usize> {
        let own = self.asked.iter().filter(|it| it.maker == Maker::Step(step));
        own.flat_map(|asked| self.listeners(asked)).collect()
    }

    /// The steps that a request triggers.
    fn listeners(&self, asked: &Asked) -> Vec<usize> {
        let steps = self.plan.plug_ins.iter().enumerate();
        steps.filter(|(_, step)| listens(step, asked)).map(|(at, _)| at).collect()
    }

    /// Whether the request leads from a step of a loop to the next of the same loop.
    fn is_in_loop(&self, asked: &Asked) -> bool {
        let Maker::Step(maker) = asked.maker else { return false };
        let of = self.loops[maker];
        of.is_some() && self.listeners(asked).into_iter().any(|it| self.loops[it] == of)
    }

    /// What is drawn as a request: all that triggers a step, and every write.
    fn targets(&self) -> BTreeSet<Target> {
        let is_drawn = |it: &&Asked| !it.target.1.is_read() || !self.listeners(it).is_empty();
        self.asked.iter().filter(is_drawn).map(|it| it.target).collect()
    }

    /// For each request and step, the transaction in which it takes its locks, as the position of
    /// the first request in it; `None` for what runs outside any.
    fn transactions(&self) -> BTreeMap<Node, Target> {
        let targets = self.targets();
        let mut of: BTreeMap<Target, Target> = targets.iter().map(|it| (*it, *it)).collect();
        // What a synchronous step asks of its own instance joins the transaction of its request.
        for asked in &self.asked {
            let Maker::Step(step) = asked.maker else { continue };
            let registered = &self.plan.plug_ins[step];
            let is_outside = registered.mode == Mode::Asynchronous
                || self.acts_in_none(registered.message)
                || registered.instance != asked.target.0
                || self.is_before_transaction(step);
            if is_outside || !targets.contains(&asked.target) {
                continue;
            }
            for target in targets.iter().filter(|it| hears(registered, **it)) {
                let (kept, gone) = (of[target], of[&asked.target]);
                let (kept, gone) = (kept.min(gone), kept.max(gone));
                of.values_mut().filter(|it| **it == gone).for_each(|it| *it = kept);
            }
        }
        of.retain(|target, _| !self.acts_in_none(target.1));
        let mut nodes: BTreeMap<Node, Target> =
            of.iter().map(|(target, first)| (Node::Request(*target), *first)).collect();
        for (at, step) in self.plan.plug_ins.iter().enumerate() {
            let is_inside = step.mode == Mode::Synchronous && !self.is_before_transaction(at);
            let heard = targets.iter().find(|it| hears(step, **it));
            if let (true, Some(first)) = (is_inside, heard.and_then(|it| of.get(it))) {
                nodes.insert(Node::Step(at), *first);
            }
        }
        nodes
    }

    /// A process action without rollback is in no transaction.
    fn acts_in_none(&self, message: Message) -> bool {
        message.custom().is_some_and(|id| !self.plan.custom_message(id).acts_in_transaction())
    }

    /// PreValidation is outside the transaction for a request that no step makes.
    fn is_before_transaction(&self, step: usize) -> bool {
        let registered = &self.plan.plug_ins[step];
        let mut asked = self.asked.iter().filter(|it| listens(registered, it));
        registered.stage == Stage::PreValidation
            && !asked.any(|it| matches!(it.maker, Maker::Step(_)))
    }
}

/// Something that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Actor(usize),
    Request(Target),
    Step(usize),
}

/// Whether the step is registered for this message, whatever the columns.
fn hears(step: &PlugIn, (instance, message, table): Target) -> bool {
    step.enabled
        && step.instance == instance
        && step.message == message
        && step.table.is_none_or(|it| it == table)
}

/// Whether the request triggers the step.
fn listens(step: &PlugIn, asked: &Asked) -> bool {
    let meets = match &asked.columns {
        Columns::Any => true,
        Columns::Listed(columns) => step.filter.iter().any(|it| columns.contains(it)),
    };
    let is_filtered = step.message == Message::Update && !step.filter.is_empty();
    hears(step, asked.target) && (meets || !is_filtered)
}

/// All that can be reached from these.
fn reachable(next: &[BTreeSet<usize>], first: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut pending: Vec<_> = first.iter().copied().collect();
    let mut reached = BTreeSet::new();
    while let Some(at) = pending.pop() {
        if reached.insert(at) {
            pending.extend(&next[at]);
        }
    }
    reached
}

/// How often each request and step was seen in a run.
fn seen(trace: &Trace) -> BTreeMap<Node, u32> {
    let mut counts = BTreeMap::new();
    let mut upserts = BTreeMap::new();
    for entry in &trace.entries {
        let node = match &entry.event {
            Event::RequestBegan(it) => {
                if it.message == Message::Upsert {
                    upserts.insert(it.request, (it.instance, it.table));
                }
                Node::Request((it.instance, it.message, it.table))
            }
            Event::UpsertResolved { request, became: Some(became), .. } => {
                let Some((instance, table)) = upserts.get(request) else { continue };
                Node::Request((*instance, *became, *table))
            }
            Event::PlugInBegan { plug_in, .. } => Node::Step(plug_in.index()),
            _ => continue,
        };
        *counts.entry(node).or_default() += 1;
    }
    counts
}
