//! From the tree to the plan: names become numbers, literals get their column's type, times become
//! instants, sugar is written out.
//!
//! ```text
//! header ─ tables ─ instances ─▶ names of all else ─▶ rows, programs, plug-ins, flows, actors,
//!                                                      sessions ─▶ calls checked ─▶ expectations
//! ```
//!
//! All names are declared before anything that uses them is lowered, so their order in the file
//! does not matter and one mistake is told once. Whatever can't be lowered has been reported: the
//! functions hand back that proof ([`Checked`]) and go on with the rest.

mod access;
mod batches;
mod body;
mod calls;
mod changes;
mod claims;
mod definitions;
mod expectations;
mod fetch;
mod images;
mod keys;
mod legacy;
mod line;
mod links;
mod literal;
mod many_to_many;
mod messages;
mod names;
mod own_names;
mod queries;
mod reading;
mod registrations;
mod relationships;
mod requests;
mod resolve;
mod rows;
mod schedules;
mod scope;
mod searches;
mod security;
mod sessions;
mod statements;
mod step_claims;
mod steps;
mod system_tables;
mod tracing;

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Location, Plan, Program, StepRef};
use crate::scenario::diagnostic::{Checked, Diagnostics};
use crate::scenario::lower::body::Facts;
use crate::scenario::lower::names::RowNames;
use crate::scenario::source::Span;
use crate::scenario::tree::Node;
use crate::scenario::variants::Merged;
use crate::words::{
    ActorId, InstanceId, MessageId, Name, OutageId, PlugInId, ProgramId, SimInstant, TableId, Value,
};

/// Lowers one whole scenario. The plan is of use only when nothing was reported.
pub fn lower(merged: &Merged, all_variants: &[Name], diagnostics: &mut Diagnostics) -> Plan {
    let mut plan = Plan::empty("");
    plan.file.clone_from(&diagnostics.source().file);
    plan.variant.clone_from(&merged.variant);
    let mut lowering = Lowering {
        diagnostics,
        plan,
        names: Names::default(),
        all_variants: all_variants.to_vec(),
        params: BTreeMap::new(),
        latest: SimInstant::START,
        untracked: BTreeSet::new(),
        facts: Vec::new(),
        sites: Vec::new(),
        parameters: BTreeMap::new(),
        rows: RowNames::default(),
        row_count: 0,
        actor_programs: BTreeMap::new(),
        sql_programs: BTreeSet::new(),
        step_programs: BTreeMap::new(),
    };
    lowering.scenario(&merged.tree);
    lowering.plan
}

/// What the names of the file stand for.
#[derive(Debug, Default)]
struct Names {
    tables: BTreeMap<Name, TableId>,
    instances: BTreeMap<Name, InstanceId>,
    programs: BTreeMap<Name, ProgramId>,
    messages: BTreeMap<Name, MessageId>,
    plug_ins: BTreeMap<Name, PlugInId>,
    outages: BTreeMap<Name, OutageId>,
    actors: BTreeMap<Name, ActorId>,
    sessions: BTreeMap<Name, SessionNames>,
}

/// The names of a session's steps.
#[derive(Clone, Debug)]
struct SessionNames {
    actor: ActorId,
    /// By the position of the step.
    labels: Vec<Name>,
}

/// A place that calls a program.
#[derive(Debug)]
struct CallSite {
    program: ProgramId,
    /// The place of the program's name.
    span: Span,
    /// The bindings that it gives.
    given: Vec<(Name, Span)>,
    /// Bindings that are there without being given: the `n` of an actor.
    implied: Vec<Name>,
}

/// The state of lowering one scenario.
struct Lowering<'d> {
    diagnostics: &'d mut Diagnostics,
    plan: Plan,
    names: Names,
    all_variants: Vec<Name>,
    params: BTreeMap<Name, Value>,
    /// The last moment that the file mentions.
    latest: SimInstant,
    /// The tables whose changes are not tracked, as the file says.
    untracked: BTreeSet<TableId>,
    /// What is known of each program, by `ProgramId`.
    facts: Vec<Facts>,
    sites: Vec<CallSite>,
    /// The parameters of each program: the names that its call sites give it.
    parameters: BTreeMap<Name, BTreeSet<Name>>,
    rows: RowNames,
    row_count: u64,
    actor_programs: BTreeMap<ActorId, ProgramId>,
    /// The named programs that are for sessions.
    sql_programs: BTreeSet<ProgramId>,
    /// The programs of the sessions' steps, as far as they are right.
    step_programs: BTreeMap<StepRef, ProgramId>,
}

impl Lowering<'_> {
    fn scenario(&mut self, tree: &Node) {
        self.header(tree);
        self.params(tree.get("params"));
        self.costs(tree.get("costs"));
        self.limits(tree.get("limits"));
        self.tables(tree.get("tables"), &system_tables::needed(tree));
        self.intersects(tree.get("relationships"));
        self.instances(tree.get("instances"));
        self.place_intersects();
        self.security(tree.get("security"));
        self.jobs(tree);
        self.relationships(tree.get("relationships"));
        self.declare(tree);
        self.outages(tree.get("outages"));
        self.row_groups(tree.get("rows"));
        self.find_parameters(tree);
        self.programs(tree.get("programs"));
        self.plug_ins(tree.get("plug-ins"));
        self.main_operations(tree.get("messages"));
        self.flows(tree.get("flows"));
        self.actors(tree.get("actors"));
        self.sessions(tree.get("sessions"));
        self.order_of_steps(tree);
        self.check_calls();
        self.expectations(tree.get("expect"));
        self.check_row_names();
        let until = tree.get("until").and_then(|node| self.moment(node, SimInstant::START).ok());
        self.plan.horizon = until.unwrap_or(self.latest);
    }

    /// Gives numbers to everything that has a name, in the order of the file.
    fn declare(&mut self, tree: &Node) {
        let names = |key: &str| -> Vec<(Name, Span)> {
            let entries = tree.get(key).map_or(&[][..], Node::entries);
            entries.iter().map(|entry| (entry.key.clone(), entry.key_span)).collect()
        };
        for (number, (name, _)) in (0..).zip(names("programs")) {
            self.names.programs.insert(name.clone(), ProgramId(number));
            self.add_program(name, None);
        }
        self.declare_sql_programs(tree.get("programs"));
        let mut kinds: BTreeMap<Name, &str> = BTreeMap::new();
        let actors = [("flows", "a flow"), ("actors", "an actor"), ("sessions", "a session")]
            .into_iter()
            .flat_map(|(key, kind)| names(key).into_iter().map(move |found| (found, kind)));
        for (number, ((name, span), kind)) in (0..).zip(actors) {
            if let Some(known) = kinds.insert(name.clone(), kind) {
                let message = format!("`{name}` is {known} already");
                self.diagnostics.report(span, "duplicate name", message, "the same name", None);
            }
            self.names.actors.insert(name, ActorId(number));
        }
        self.declare_sessions(tree.get("sessions"));
        self.declare_plug_ins(tree.get("plug-ins"));
        let plug_ins = tree.get("plug-ins").map_or(0, |node| node.items().len());
        self.declare_messages(tree.get("messages"), plug_ins);
        self.declare_outages(tree.get("outages"));
    }

    fn location(&self, span: Span) -> Location {
        self.diagnostics.source().location(span)
    }

    /// Makes room for a program; its steps follow.
    fn add_program(&mut self, name: Name, home: Option<InstanceId>) -> ProgramId {
        let number = u32::try_from(self.plan.programs.len()).unwrap_or(u32::MAX);
        self.plan.programs.push(Program { name, home, steps: Vec::new() });
        self.facts.push(Facts::default());
        ProgramId(number)
    }

    /// The node behind a key that the grammar requires.
    fn required<'n>(&mut self, node: &'n Node, key: &str) -> Checked<&'n Node> {
        match node.get(key) {
            Some(value) => Ok(value),
            None => Err(self.diagnostics.misshapen(node.pointer())),
        }
    }
}
