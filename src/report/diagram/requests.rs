//! The requests that the programs of a plan could make.

use std::collections::BTreeSet;

use crate::plan::{Assignment, Message, Plan, PlugInBody, Step, UpsertWhen, Verb};
use crate::report::diagram::{Asked, Columns, Maker, Target};
use crate::words::{Expression, InstanceId, MessageId, ProgramId, TableId};

/// The requests of all actors and steps.
pub(super) fn asked(plan: &Plan) -> Vec<Asked> {
    let actors = plan.actors.iter().enumerate();
    let actors = actors.map(|(at, it)| (Maker::Actor(at), it.home, Some(it.program)));
    let steps = plan.plug_ins.iter().enumerate().map(|(at, it)| {
        let program = match it.body {
            PlugInBody::Steps(program) => Some(program),
            PlugInBody::Rust(_) => None,
        };
        (Maker::Step(at), Some(it.instance), program)
    });
    let mut found = BTreeSet::new();
    for (maker, home, program) in actors.chain(steps) {
        let mut walk = Walk { plan, maker, calls: Vec::new(), found: &mut found };
        if let Some(program) = program {
            walk.program(program, home);
        }
    }
    found.into_iter().collect()
}

struct Walk<'a> {
    plan: &'a Plan,
    maker: Maker,
    /// The programs that are being read, so that one that calls itself is read once.
    calls: Vec<ProgramId>,
    found: &'a mut BTreeSet<Asked>,
}

impl Walk<'_> {
    fn program(&mut self, id: ProgramId, home: Option<InstanceId>) {
        let Some(program) = self.plan.programs.get(id.index()) else { return };
        if self.calls.contains(&id) {
            return;
        }
        self.calls.push(id);
        self.steps(&program.steps, program.home.or(home));
        self.calls.pop();
    }

    fn steps(&mut self, steps: &[Step], home: Option<InstanceId>) {
        for step in steps {
            self.verb(&step.verb, home);
        }
    }

    fn verb(&mut self, verb: &Verb, home: Option<InstanceId>) {
        match verb {
            Verb::Create { instance, table, from, set, .. } => {
                self.ask(instance.or(home), Message::Create, *table, written(from.as_ref(), set));
            }
            Verb::Update { instance, table, from, set, .. } => {
                self.ask(instance.or(home), Message::Update, *table, written(from.as_ref(), set));
            }
            Verb::Upsert { instance, table, from, set, when, .. } => {
                let place = instance.or(home);
                if *when != UpsertWhen::Exists {
                    self.ask(place, Message::Create, *table, written(from.as_ref(), set));
                }
                if *when != UpsertWhen::Missing {
                    self.ask(place, Message::Update, *table, written(from.as_ref(), set));
                }
            }
            Verb::Delete { instance, table, .. } => {
                self.ask(instance.or(home), Message::Delete, *table, none());
            }
            Verb::Retrieve { instance, table, .. } => {
                self.ask(instance.or(home), Message::Retrieve, *table, none());
            }
            Verb::Query { instance, selection, .. } => {
                self.ask(instance.or(home), Message::RetrieveMultiple, selection.table, none());
            }
            Verb::Merge { instance, table, set, .. } => {
                self.ask(instance.or(home), Message::Merge, *table, written(None, set));
            }
            Verb::Changes { instance, table, .. } => {
                self.ask(instance.or(home), Message::RetrieveEntityChanges, *table, none());
            }
            Verb::Share { instance, table, rights, .. } => {
                let message = match rights.is_empty() {
                    true => Message::RevokeAccess,
                    false => Message::GrantAccess,
                };
                self.ask(instance.or(home), message, *table, none());
            }
            Verb::Execute { message, .. } => self.execute(*message),
            Verb::If { then, otherwise, .. } => {
                self.steps(then, home);
                self.steps(otherwise, home);
            }
            Verb::ForEach { body, .. } | Verb::Repeat { body, .. } | Verb::Retry { body, .. } => {
                self.steps(body, home);
            }
            Verb::Try { body, on_fault, .. } => {
                self.steps(body, home);
                self.steps(on_fault, home);
            }
            Verb::Transaction { instance, body, .. } | Verb::Batch { instance, body, .. } => {
                self.steps(body, instance.or(home));
            }
            Verb::Call { program, .. } => self.program(*program, home),
            _ => {}
        }
    }

    /// A custom message is one of its own instance, and about its table or about none.
    fn execute(&mut self, id: MessageId) {
        let message = self.plan.custom_message(id);
        let instance = message.instance;
        let any = self.plan.instance(instance).tables.first().copied();
        let table = message.table.or(any).unwrap_or_default();
        self.ask(Some(instance), Message::Custom(id), table, none());
    }

    fn ask(
        &mut self,
        instance: Option<InstanceId>,
        message: Message,
        table: TableId,
        columns: Columns,
    ) {
        let Some(instance) = instance else { return };
        let target: Target = (instance, message, table);
        self.found.insert(Asked { maker: self.maker, target, columns });
    }
}

fn none() -> Columns {
    Columns::Listed(BTreeSet::new())
}

fn written(from: Option<&Expression>, set: &[Assignment]) -> Columns {
    match from {
        Some(_) => Columns::Any,
        None => Columns::Listed(set.iter().map(|it| it.column).collect()),
    }
}
