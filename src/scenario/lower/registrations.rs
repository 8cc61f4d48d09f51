//! What is registered with an instance: plug-in steps; and what happens to it: outages.

use crate::plan::{Message, Mode, Outage, OutageKind, PlugIn, PlugInBody, Stage, StepKind};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::moment;
use crate::scenario::reading_limits as limits;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::Node;
use crate::words::{Name, OutageId, PlugInId, SimInstant, TableId};

impl Lowering<'_> {
    pub(super) fn declare_plug_ins(&mut self, node: Option<&Node>) {
        let items = node.map_or(&[][..], Node::items);
        if let Some(beyond) = items.get(limits::DEFINITIONS) {
            let message = format!("there are more than {} plug-ins", limits::DEFINITIONS);
            let span = beyond.pointer();
            self.diagnostics.report(span, "limit: definitions", message, "one too many", None);
        }
        for (number, item) in (0..).zip(items) {
            let Some(name) = item.get("name") else {
                continue;
            };
            let Some(text) = name.scalar().map(|scalar| scalar.text.clone()) else {
                continue;
            };
            let known = self.names.plug_ins.insert(text.clone(), PlugInId(number));
            if known.is_some() {
                let message = format!("there is a plug-in `{}` already", shorten(&text));
                self.diagnostics.report(
                    name.span,
                    "duplicate name",
                    message,
                    "the same name",
                    None,
                );
            }
        }
    }

    pub(super) fn plug_ins(&mut self, node: Option<&Node>) {
        for item in node.map_or(&[][..], Node::items) {
            if let Ok(plug_in) = self.plug_in(item) {
                self.plan.plug_ins.push(plug_in);
            }
        }
    }

    fn plug_in(&mut self, node: &Node) -> Checked<PlugIn> {
        let name_node = self.required(node, "name")?;
        let name = self.text(name_node)?;
        let instance_node = self.required(node, "in")?;
        let instance = self.instance(instance_node);
        let event = self.listened(node);
        let stage = self.stage(node);
        let rank = node.get("rank").map(|node| self.whole(node)).transpose();
        let (message, table) = match event {
            Ok((message, table)) => (Some(message), Some(table)),
            Err(_) => (None, None),
        };
        let images = match event {
            Ok((message, table)) => self.images(node, message, table, stage.as_ref().ok().copied()),
            Err(_) => Ok(Vec::new()),
        };
        let known = images.clone().unwrap_or_default();
        let body = match (message, table, &stage) {
            (Some(message), Some(table), Ok(stage)) => self.body_of(message, table, *stage),
            _ => Body { plug_in: Some(None), is_named: true, ..Body::default() },
        };
        let body = Body { home: instance.ok(), images: known, ..body };
        let program = self.plug_in_body(node, &name, body);
        let (instance, message, table) = (instance?, message, table);
        let (Some(message), Some(table)) = (message, table) else {
            return Err(self.diagnostics.misshapen(node.pointer()));
        };
        if let (Some(table), Some(on)) = (table, node.get("on")) {
            self.check_instance_has(instance, table, on.span)?;
        }
        let filter = self.filter(node, message, table)?;
        let mode = match node.get("mode") {
            Some(node) => self.word(node, grammar::MODES)?,
            None => Mode::Synchronous,
        };
        if let (Mode::Asynchronous, Ok(stage), Some(at)) = (mode, &stage, node.entry("mode"))
            && *stage != Stage::PostOperation
        {
            return Err(self.not_after(at.key_span, stage.name()));
        }
        if let Some(on) = node.get("on") {
            self.check_custom_steps(message, mode, on.span)?;
        }
        let kind = self.step_kind(node, message, stage.as_ref().ok().copied())?;
        let run_as = self.run_as(node, instance)?;
        let enabled = node.get("enabled").map(|node| self.boolean(node)).transpose()?;
        let about = node.get("about").map(|node| self.text(node)).transpose()?;
        Ok(PlugIn {
            name,
            kind,
            instance,
            message,
            table,
            stage: stage?,
            rank: rank?.unwrap_or(1),
            filter,
            mode,
            images: images?,
            run_as,
            enabled: enabled.unwrap_or(true),
            about: about.map(|about| about.to_string()).unwrap_or_default(),
            body: program?,
            at: self.location(name_node.span),
        })
    }

    fn step_kind(
        &mut self,
        node: &Node,
        message: Message,
        stage: Option<Stage>,
    ) -> Checked<StepKind> {
        let kind = match node.get("kind") {
            Some(node) => self.word(node, grammar::STEP_KINDS)?,
            None => StepKind::PlugIn,
        };
        if let (StepKind::Workflow, Some(stage)) = (kind, stage) {
            self.check_workflow(node, message, stage)?;
        }
        Ok(kind)
    }

    /// What a step listens to.
    fn listened(&mut self, node: &Node) -> Checked<(Message, Option<TableId>)> {
        let on = self.required(node, "on")?;
        let (message, table) = self.event(on)?;
        let Some((label, help)) = Self::unheard(message, table) else {
            return Ok((message, table));
        };
        let text = format!("no plug-in step can listen to {}", self.plan.message_name(message));
        let help = Some(help.to_owned());
        Err(self.diagnostics.report(on.span, "out of place", text, label, help))
    }

    /// Why no request would ever meet a step that listens to this, and what to listen to instead.
    ///
    /// Source: delegateas/XrmMockup, `PluginTrigger`, for Associate and Disassociate.
    fn unheard(message: Message, table: Option<TableId>) -> Option<(&'static str, &'static str)> {
        Some(match message {
            Message::Upsert | Message::UpsertMultiple => (
                "it has no stages of its own",
                "the platform turns every upsert into a Create or an Update: listen to those",
            ),
            Message::ExecuteMultiple | Message::ExecuteTransaction => {
                ("it has no stages of its own", "listen to the messages in it")
            }
            Message::Associate | Message::Disassociate if table.is_some() => (
                "it has no primary table: a step hears it for every relationship",
                "leave the table out, and ask for `$relationship` in the step",
            ),
            _ => return None,
        })
    }

    fn stage(&mut self, node: &Node) -> Checked<Stage> {
        let stage = self.required(node, "stage")?;
        self.word(stage, grammar::STAGES)
    }

    fn filter(
        &mut self,
        node: &Node,
        message: Message,
        table: Option<TableId>,
    ) -> Checked<Vec<crate::words::ColumnId>> {
        let Some(entry) = node.entry("filter") else {
            return Ok(Vec::new());
        };
        match table {
            Some(table) if message == Message::Update => self.columns(&entry.value, table),
            _ => Err(self.diagnostics.report(
                entry.key_span,
                "out of place",
                "only a step on Update of one table can filter columns",
                format!("this one listens to {}", self.plan.message_name(message)),
                None,
            )),
        }
    }

    /// What a step does. `body`: what its steps know when they begin.
    pub(super) fn plug_in_body(
        &mut self,
        node: &Node,
        name: &Name,
        mut body: Body,
    ) -> Checked<PlugInBody> {
        if let Some(rust) = node.get("rust") {
            return self.text(rust).map(PlugInBody::Rust);
        }
        let steps = self.required(node, "do")?;
        let (home, table) = (body.home, body.plug_in.flatten());
        let program = self.add_program(name.clone(), home);
        // An unknown instance has been told where it stands, and not at every step.
        body.is_named |= home.is_none();
        let lowered = self.steps(steps, &mut body);
        self.facts[program.index()] = body.facts;
        self.plan.programs[program.index()].steps = lowered?;
        self.check_needs(program, steps.pointer(), true, Some(table));
        Ok(PlugInBody::Steps(program))
    }

    pub(super) fn declare_outages(&mut self, node: Option<&Node>) {
        let mut numbers: std::collections::BTreeMap<Name, u32> = std::collections::BTreeMap::new();
        for (number, item) in (0..).zip(node.map_or(&[][..], Node::items)) {
            let scalar = |key: &str| Some(item.get(key)?.scalar()?.text.clone());
            let name = scalar("name").unwrap_or_else(|| {
                let instance = scalar("instance").unwrap_or_else(|| Name::from("?"));
                let number = numbers.entry(instance.clone()).or_default();
                *number += 1;
                match number {
                    1 => Name::from(format!("outage of {instance}")),
                    _ => Name::from(format!("outage of {instance} {number}")),
                }
            });
            let known = self.names.outages.insert(name.clone(), OutageId(number));
            if known.is_some() {
                let message = format!("there is an outage `{}` already", shorten(&name));
                let span = item.get("name").map_or(item.pointer(), |node| node.span);
                self.diagnostics.report(span, "duplicate name", message, "the same name", None);
            }
        }
    }

    pub(super) fn outages(&mut self, node: Option<&Node>) {
        let mut names: Vec<(OutageId, Name)> =
            self.names.outages.iter().map(|(name, &id)| (id, name.clone())).collect();
        names.sort();
        let items = node.map_or(&[][..], Node::items);
        for (item, (_, name)) in items.iter().zip(names) {
            if let Ok(outage) = self.outage(item, name) {
                self.plan.outages.push(outage);
            }
        }
    }

    fn outage(&mut self, node: &Node, name: Name) -> Checked<Outage> {
        let instance = self.required(node, "instance")?;
        let instance = self.instance(instance);
        let from = self.required(node, "from")?;
        let from = self.moment(from, SimInstant::START);
        let until_node = self.required(node, "until")?;
        let until = self.moment(until_node, from.unwrap_or(SimInstant::START));
        let kind = self.required(node, "as")?;
        let kind = self.outage_kind(kind);
        let (from, until) = (from?, until?);
        if until <= from {
            return Err(self.diagnostics.report(
                until_node.span,
                "impossible time",
                "an outage ends after it began",
                "this is not after its `from`",
                None,
            ));
        }
        Ok(Outage { name, instance: instance?, from, until, kind: kind? })
    }

    fn outage_kind(&mut self, node: &Node) -> Checked<OutageKind> {
        let text = self.text(node)?;
        match &*text {
            "unreachable" => return Ok(OutageKind::Unreachable),
            "maintenance" => return Ok(OutageKind::Maintenance),
            _ => {}
        }
        let (label, help) = match text.strip_prefix("slow by ").map(moment::duration) {
            Some(Ok(duration)) => return Ok(OutageKind::Slow(duration)),
            Some(Err(label)) => (label, None),
            None => {
                let known = ["unreachable", "maintenance", "slow by"];
                let help = suggestion::help(&text, &known);
                (format!("`{}` is none", shorten(&text)), help)
            }
        };
        let message = "expected `unreachable`, `maintenance` or `slow by 2s`";
        Err(self.diagnostics.report(node.span, "wrong value", message, label, help))
    }
}
