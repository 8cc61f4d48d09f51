//! Messages that somebody has added to the platform: their definitions, the steps that ask for
//! them, and the names that the steps have which run for them.

use std::sync::Arc;

use crate::plan::{
    Column, CustomKind, CustomMessage, CustomSteps, Message, Mode, PlugIn, Side, Stage, StepKind,
    Verb,
};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AnswerShape, Body, Bound};
use crate::scenario::source::Span;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{Expression, MessageId, Name, PlugInId, TableId};

impl Lowering<'_> {
    /// Gives the messages their numbers, with all that a request for one needs to know. Their main
    /// operations are steps: they are numbered behind the plug-ins, and called as the messages.
    pub(super) fn declare_messages(&mut self, node: Option<&Node>, plug_ins: usize) {
        let mut next_step = u32::try_from(plug_ins).unwrap_or(u32::MAX);
        for (number, entry) in (0..).zip(node.map_or(&[][..], Node::entries)) {
            self.check_message_name(&entry.key, entry.key_span);
            self.names.messages.insert(entry.key.clone(), MessageId(number));
            if has_main(&entry.value) {
                let step = PlugInId(next_step);
                next_step += 1;
                if self.names.plug_ins.insert(entry.key.clone(), step).is_some() {
                    let message = format!("there is a plug-in `{}` already", shorten(&entry.key));
                    let label = "a message's main operation is a step of that name";
                    self.diagnostics.report(entry.key_span, "duplicate name", message, label, None);
                }
            }
            let message = self.message(entry);
            self.plan.messages.push(message);
        }
    }

    fn check_message_name(&mut self, name: &Name, span: Span) {
        if Message::ALL.iter().any(|own| own.name() == &**name) {
            let message = format!("the platform has a message `{name}` of its own");
            self.diagnostics.report(span, "duplicate name", message, "taken", None);
        } else if !is_unique_name(name) {
            let message = "a message's name has a publisher's prefix, letters and digits";
            let help = Some("such as `new_CloseCase`".to_owned());
            let label = format!("`{}` is none", shorten(name));
            self.diagnostics.report(span, "wrong name", message, label, help);
        }
    }

    /// What a message is. What is wrong with it has been reported, and is as if it were not there.
    fn message(&mut self, entry: &Entry) -> CustomMessage {
        let node = &entry.value;
        let instance = self.required(node, "in").and_then(|node| self.instance(node));
        let table = node.get("table").and_then(|node| {
            let table = self.table(node).ok()?;
            self.check_instance_has(instance.ok()?, table, node.span).ok()?;
            Some(table)
        });
        CustomMessage {
            name: entry.key.clone(),
            instance: instance.unwrap_or_default(),
            kind: self.custom_kind(node),
            table,
            parameters: self.table_columns(node.get("parameters")),
            response: self.table_columns(node.get("response")),
            at: self.location(entry.key_span),
        }
    }

    fn custom_kind(&mut self, node: &Node) -> CustomKind {
        let kind = node.get("kind").and_then(Node::scalar).map(|scalar| scalar.text.clone());
        let is_action = kind.as_deref() == Some("process action");
        let (other, says) = match is_action {
            true => ("custom steps", "every step may listen to a process action"),
            false => ("enable rollback", "a custom API acts in a transaction"),
        };
        if let Some(entry) = node.entry(other).filter(|_| kind.is_some()) {
            let message = format!("a {} has no `{other}`", kind.as_deref().unwrap_or("message"));
            let span = entry.key_span;
            self.diagnostics.report(span, "out of place", message, says, None);
        }
        if is_action {
            let enabled = node.get("enable rollback").map(|node| self.boolean(node));
            let enable_rollback = enabled.and_then(Result::ok).unwrap_or(true);
            return CustomKind::ProcessAction { enable_rollback };
        }
        let steps = node.get("custom steps").map(|node| self.word(node, grammar::CUSTOM_STEPS));
        CustomKind::CustomApi { steps: steps.and_then(Result::ok).unwrap_or_default() }
    }

    /// The main operations of the messages, as steps.
    pub(super) fn main_operations(&mut self, node: Option<&Node>) {
        let entries = node.map_or(&[][..], Node::entries).iter();
        for (number, entry) in (0..).zip(entries) {
            if let Some(key) = entry.value.entry("rust").filter(|_| entry.value.get("do").is_some())
            {
                let message = "`do` and `rust` exclude each other";
                let label = "the main operation is either";
                self.diagnostics.report(key.key_span, "conflicting keys", message, label, None);
            }
            if has_main(&entry.value)
                && let Ok(step) = self.main_operation(MessageId(number), entry)
            {
                self.plan.plug_ins.push(step);
            }
        }
    }

    fn main_operation(&mut self, id: MessageId, entry: &Entry) -> Checked<PlugIn> {
        let node = &entry.value;
        let message = self.plan.custom_message(id).clone();
        let body = self.body_of(Message::Custom(id), message.table, Stage::MainOperation);
        let body = Body { home: Some(message.instance), ..body };
        let program = self.plug_in_body(node, &entry.key, body);
        let run_as = self.run_as(node, message.instance)?;
        let about = node.get("about").map(|node| self.text(node)).transpose()?;
        let (on, stage) = (Message::Custom(id), Stage::MainOperation);
        Ok(PlugIn {
            kind: match message.kind {
                CustomKind::ProcessAction { .. } => StepKind::Workflow,
                CustomKind::CustomApi { .. } => StepKind::PlugIn,
            },
            table: message.table,
            run_as,
            about: about.map(|about| about.to_string()).unwrap_or_default(),
            at: message.at,
            ..PlugIn::new(message.name, message.instance, on, stage, program?)
        })
    }

    /// What the steps of a registration know of the request that they run for.
    pub(super) fn body_of(&self, message: Message, table: Option<TableId>, stage: Stage) -> Body {
        let mut body = Body { plug_in: Some(table), ..Body::default() };
        match message {
            Message::Custom(id) => {
                let message = self.plan.custom_message(id);
                body.input = Some(bound_of(&message.parameters));
                body.output = Some(bound_of(&message.response));
            }
            Message::Retrieve if stage == Stage::PostOperation => {
                body.output = Some(table.map_or(Bound::Any, |it| Bound::Row(it, Vec::new())));
            }
            _ => {}
        }
        body
    }

    /// `execute`.
    pub(super) fn execute(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let name_node = self.required(node, "message")?;
        let name = self.text(name_node)?;
        let Some(&id) = self.names.messages.get(&name) else {
            let known = self.names.messages.keys().map(|name| &**name);
            return Err(self.diagnostics.unknown(name_node.span, "message", &name, known));
        };
        let message = self.plan.custom_message(id).clone();
        if body.batch.is_some() && body.home.is_some_and(|home| home != message.instance) {
            let place = self.plan.instance(message.instance).name.clone();
            let text = format!("`{name}` is a message of `{place}`");
            let label = "the batch goes elsewhere";
            return Err(self.diagnostics.report(name_node.span, "out of place", text, label, None));
        }
        let row = match (message.table, node.entry("row").or_else(|| node.entry("key"))) {
            (Some(table), Some(_)) => Some(self.selector(node, table, body, true)),
            (None, None) => None,
            (Some(table), None) => {
                let table = &self.plan.table(table).name;
                let text = format!("`{name}` is about a row of `{table}`");
                let help = Some("`row: …` says which".to_owned());
                let label = "this names none";
                return Err(self.diagnostics.report(
                    name_node.span,
                    "missing key",
                    text,
                    label,
                    help,
                ));
            }
            (None, Some(entry)) => {
                let text = format!("`{name}` is about no row");
                let label = "it has no `table`";
                let span = entry.key_span;
                return Err(self.diagnostics.report(span, "out of place", text, label, None));
            }
        };
        let with = self.parameters(node.get("with"), &message.parameters, body);
        let bind = self.bind(node, body, bound_of(&message.response));
        Ok(Verb::Execute { message: id, row: row.transpose()?, with: with?, bind: bind? })
    }

    /// Values for parameters, each of its type.
    fn parameters(
        &mut self,
        node: Option<&Node>,
        definitions: &[Column],
        body: &mut Body,
    ) -> Checked<Vec<(Name, Expression)>> {
        let mut given = Vec::new();
        for entry in node.map_or(&[][..], Node::entries) {
            let found = definitions.iter().find(|it| it.name == entry.key);
            let value = self.value(&entry.value, found.map(|it| &it.kind), body, None);
            if found.is_none() {
                let known = definitions.iter().map(|it| &*it.name);
                let span = entry.key_span;
                given.push(Err(self.diagnostics.unknown(span, "parameter", &entry.key, known)));
            }
            given.push(value.map(|value| (entry.key.clone(), value)));
        }
        given.into_iter().collect()
    }

    /// `set input`, `set output`: what a step may set depends on what it listens to.
    pub(super) fn set_parameters(
        &mut self,
        entry: &Entry,
        side: Side,
        body: &mut Body,
    ) -> Checked<Verb> {
        body.facts.target.get_or_insert(entry.key_span);
        let (shape, what) = match side {
            Side::Input => (body.input.clone(), "input"),
            Side::Output => (body.output.clone(), "output"),
        };
        if shape.is_none() && !body.is_named {
            return Err(self.no_parameters(entry.key_span, what, body));
        }
        let mut values = Vec::new();
        for parameter in entry.value.entries() {
            let known = match &shape {
                Some(Bound::Answer(shape)) => {
                    self.member_of_answer(shape, &parameter.key, parameter.key_span).map(|_| ())
                }
                Some(Bound::Row(table, _)) => {
                    self.column_named(&parameter.key, parameter.key_span, *table).map(|_| ())
                }
                _ => Ok(()),
            };
            let value = self.value(&parameter.value, None, body, None);
            values.push(known.and(value.map(|value| (parameter.key.clone(), value))));
        }
        Ok(Verb::SetParameters(side, values.into_iter().collect::<Checked<_>>()?))
    }

    /// A step has no such parameters.
    pub(super) fn no_parameters(&mut self, span: Span, what: &str, body: &Body) -> Reported {
        let (message, help) = match what {
            "input" => (
                "only a step on a custom message has `input`",
                "`$target` is what another message writes",
            ),
            _ => (
                "only a custom message, and a Retrieve in PostOperation, have `output`",
                "`set` sets what a message writes",
            ),
        };
        let label = match body.plug_in {
            Some(_) => "this one listens to another",
            None => "this is no step of a pipeline",
        };
        self.diagnostics.report(span, "out of place", message, label, Some(help.to_owned()))
    }

    /// A custom API says which steps may listen to it.
    pub(super) fn check_custom_steps(
        &mut self,
        message: Message,
        mode: Mode,
        span: Span,
    ) -> Checked<()> {
        let Some(message) = message.custom().map(|id| self.plan.custom_message(id)) else {
            return Ok(());
        };
        let label = match (message.kind, mode) {
            (CustomKind::CustomApi { steps: CustomSteps::None }, _) => "it says so",
            (CustomKind::CustomApi { steps: CustomSteps::AsyncOnly }, Mode::Synchronous) => {
                "this one is synchronous"
            }
            _ => return Ok(()),
        };
        let name = &message.name;
        let text = match mode {
            Mode::Synchronous => format!("no synchronous step may listen to `{name}`"),
            Mode::Asynchronous => format!("no other step may listen to `{name}`"),
        };
        let help = "`custom steps: sync and async` on the message lets it";
        Err(self.diagnostics.report(span, "out of place", text, label, Some(help.to_owned())))
    }

    /// What a workflow can't have that a plug-in can.
    ///
    /// Source: Microsoft Learn, "Configure real-time workflow stages and steps": before or after
    /// the main operation; before a Delete and after a Create. Assumed: on which messages, from
    /// the starts that its form offers: created, changed (assignment and status included), deleted.
    pub(super) fn check_workflow(
        &mut self,
        node: &Node,
        message: Message,
        stage: Stage,
    ) -> Checked<()> {
        for key in ["rank", "images", "rust"] {
            if let Some(entry) = node.entry(key) {
                let text = format!("a workflow has no `{key}`");
                let label = "only a plug-in has it";
                let span = entry.key_span;
                return Err(self.diagnostics.report(span, "out of place", text, label, None));
            }
        }
        let text = match (message, stage) {
            (Message::Create, Stage::PostOperation) | (Message::Delete, Stage::PreOperation) => {
                return Ok(());
            }
            (Message::Update, Stage::PreOperation | Stage::PostOperation) => return Ok(()),
            (Message::Create, _) => "a workflow on Create runs after it",
            (Message::Delete, Stage::PostOperation) if is_background(node) => return Ok(()),
            (Message::Delete, _) => "a workflow on Delete runs before it",
            (Message::Update, _) => "a workflow runs in the transaction",
            _ => "a workflow starts at a Create, an Update or a Delete",
        };
        let place = self.required(node, "stage")?.span;
        let at = match message {
            Message::Create | Message::Update | Message::Delete => place,
            _ => self.required(node, "on")?.span,
        };
        let label = "not here";
        Err(self.diagnostics.report(at, "refused registration", text, label, None))
    }
}

/// Whether a step is registered to run in the background.
fn is_background(node: &Node) -> bool {
    node.get("mode").and_then(Node::scalar).is_some_and(|mode| &*mode.text == "async")
}

/// Whether a message can have this name.
///
/// Source: Microsoft Learn, "Create and use custom APIs", Custom API table columns, Unique Name.
fn is_unique_name(name: &str) -> bool {
    let rest = name.split_once('_').filter(|(prefix, _)| !prefix.is_empty()).map(|(_, rest)| rest);
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    name.chars().all(is_plain) && rest.is_some_and(|rest| !rest.is_empty())
}

fn has_main(node: &Node) -> bool {
    node.get("do").is_some() || node.get("rust").is_some()
}

/// What a step knows of parameters: their names.
fn bound_of(definitions: &[Column]) -> Bound {
    let named = definitions.iter().map(|it| (it.name.clone(), Bound::Any)).collect();
    Bound::Answer(Arc::new(AnswerShape { row: None, named }))
}
