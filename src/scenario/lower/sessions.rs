//! Sessions, and the order of their steps.

use std::collections::BTreeSet;

use crate::plan::{Actor, ActorKind, Session, SessionStep, Step, StepRef};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::{Lowering, SessionNames};
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{InstanceId, Name, ProgramId};

/// How far from 0 a deadlock priority is at most.
///
/// Source: Microsoft Learn, "SET DEADLOCK_PRIORITY".
const PRIORITY_MOST: i8 = 10;

/// The keys by which a session has times of its own, which an order takes the place of.
const TIMES: &[&str] = &["at", "from", "every", "until", "count"];

impl Lowering<'_> {
    pub(super) fn declare_sql_programs(&mut self, node: Option<&Node>) {
        for (number, entry) in (0..).zip(node.map_or(&[][..], Node::entries)) {
            if entry.value.get("sql").is_some() {
                self.sql_programs.insert(ProgramId(number));
            }
        }
    }

    /// Gives numbers to the steps of every session, whose own number is known.
    pub(super) fn declare_sessions(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            let Some(&actor) = self.names.actors.get(&entry.key) else {
                continue;
            };
            let steps = entry.value.get("steps").map_or(&[][..], Node::entries);
            for step in steps.iter().filter(|step| step.key.contains('.')) {
                let message = "the label of a step has no `.`";
                let label = "steps are named `session.step`";
                self.diagnostics.report(step.key_span, "wrong name", message, label, None);
            }
            let labels = steps.iter().map(|step| step.key.clone()).collect();
            self.names.sessions.insert(entry.key.clone(), SessionNames { actor, labels });
        }
    }

    pub(super) fn sessions(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(session) = self.session(entry) {
                self.plan.actors.push(session);
            }
        }
    }

    fn session(&mut self, entry: &Entry) -> Checked<Actor> {
        let node = &entry.value;
        let instance_node = self.required(node, "in")?;
        let instance = self.instance(instance_node);
        let schedule = self.actor_schedule(node);
        let count = self.actor_count(node);
        let isolation = node.get("isolation").map(|node| self.word(node, grammar::ISOLATION));
        let lock_timeout = node.get("lock timeout").map(|node| self.duration(node));
        let deadlock_priority = node.get("deadlock priority").map(|node| self.priority(node));
        let mut body = Body { home: instance.ok(), is_sql: true, ..Body::default() };
        body.bind(&Name::from("n"), Bound::Any);
        let given = node.get("with");
        let with = self.given(given, &mut body);
        for entry in given.map_or(&[][..], Node::entries) {
            body.bind(&entry.key, Bound::Any);
        }
        // The session's own program has no steps; what is known of all its steps is kept by it.
        let program = self.add_program(entry.key.clone(), instance.ok());
        let steps = self.labelled_steps(entry, &mut body);
        if let Ok(instance) = instance {
            self.check_called_tables(&body.facts.calls, instance);
        }
        self.facts[program.index()] = body.facts;
        if let Some(&actor) = self.names.actors.get(&entry.key) {
            self.actor_programs.insert(actor, program);
        }
        self.check_needs(program, entry.key_span, true, None);
        let session = Session {
            instance: instance?,
            isolation: isolation.transpose()?,
            lock_timeout: lock_timeout.transpose()?,
            deadlock_priority: deadlock_priority.transpose()?.unwrap_or_default(),
            steps: steps?,
        };
        Ok(Actor {
            name: entry.key.clone(),
            home: Some(session.instance),
            user: None,
            kind: ActorKind::Session(session),
            count: count?,
            schedule: schedule?,
            program,
            with: with?,
            at: self.location(entry.key_span),
        })
    }

    /// The steps of a session, each a program that goes on with the bindings of those before it.
    fn labelled_steps(&mut self, session: &Entry, body: &mut Body) -> Checked<Vec<SessionStep>> {
        let steps = self.required(&session.value, "steps")?;
        let actor = self.names.actors.get(&session.key).copied();
        let mut found = Vec::new();
        for (number, entry) in (0..).zip(steps.entries()) {
            let lowered = self.steps_in_a_row(&entry.value, body);
            let name = Name::from(format!("{}.{}", session.key, entry.key));
            let program = self.add_program(name, body.home);
            found.push(lowered.map(|lowered| {
                self.plan.programs[program.index()].steps = lowered;
                if let Some(actor) = actor {
                    self.step_programs.insert(StepRef { actor, step: number }, program);
                }
                let at = self.location(entry.key_span);
                SessionStep { label: entry.key.clone(), program, at }
            }));
        }
        found.into_iter().collect()
    }

    /// One step, or a list of them.
    fn steps_in_a_row(&mut self, node: &Node, body: &mut Body) -> Checked<Vec<Step>> {
        match &node.form {
            Form::List(_) => self.steps(node, body),
            _ => self.step(node, body).map(|step| vec![step]),
        }
    }

    fn priority(&mut self, node: &Node) -> Checked<i8> {
        let text = self.text(node)?;
        let word = grammar::PRIORITIES.iter().find(|(word, _)| **word == *text);
        let number = text.parse().ok();
        let priority = word.map(|&(_, priority)| priority).or(number);
        let is_allowed = |priority: &i8| (-PRIORITY_MOST..=PRIORITY_MOST).contains(priority);
        priority.filter(is_allowed).ok_or_else(|| {
            let known: Vec<&str> = grammar::PRIORITIES.iter().map(|(word, _)| *word).collect();
            let message = "expected `low`, `normal`, `high`, or a number from -10 to 10";
            let label = format!("`{}` is none", shorten(&text));
            let help = suggestion::nearest(&text, &known);
            let help = help.map(|near| format!("did you mean `{near}`?"));
            self.diagnostics.report(node.span, "wrong value", message, label, help)
        })
    }

    /// Checks that a session's instance has the tables of all programs that the session calls.
    fn check_called_tables(&mut self, calls: &[(ProgramId, Span)], instance: InstanceId) {
        let mut open = calls.to_vec();
        let mut seen = BTreeSet::new();
        while let Some((program, span)) = open.pop() {
            if !seen.insert(program) {
                continue;
            }
            let Some(facts) = self.facts.get(program.index()) else {
                continue;
            };
            // The outermost call is what the author of the session can change.
            open.extend(facts.calls.iter().map(|&(called, _)| (called, span)));
            for table in facts.tables.clone() {
                // What is wrong has been reported, and the other tables are looked at.
                let _ = self.check_instance_has(instance, table, span);
            }
        }
    }

    /// `order:`, the order in which the steps of the sessions begin.
    pub(super) fn order_of_steps(&mut self, tree: &Node) {
        let items = tree.get("order").map_or(&[][..], Node::items);
        for item in items {
            if let Ok(step) = self.step_ref(item) {
                self.plan.order.push(step);
            }
        }
        if items.is_empty() {
            return;
        }
        for session in tree.get("sessions").map_or(&[][..], Node::entries) {
            for entry in TIMES.iter().filter_map(|key| session.value.entry(key)) {
                self.diagnostics.report(
                    entry.key_span,
                    "out of place",
                    format!("`{}` has no place beside an `order`", entry.key),
                    "the order says when each step begins",
                    None,
                );
            }
        }
    }

    /// `t1.read`: a step of a session.
    pub(super) fn step_ref(&mut self, node: &Node) -> Checked<StepRef> {
        let text = self.text(node)?;
        let Some((session, label)) = text.rsplit_once('.') else {
            let label = "a session and a step of it, as in `t1.read`".to_owned();
            return Err(self.wrong(node, "a step", label));
        };
        let Some(names) = self.names.sessions.get(session) else {
            let span = self.piece(node, 0..session.len());
            let known = self.names.sessions.keys().map(|name| &**name);
            return Err(self.diagnostics.unknown(span, "session", session, known));
        };
        match (0..).zip(&names.labels).find(|(_, known)| ***known == *label) {
            Some((step, _)) => Ok(StepRef { actor: names.actor, step }),
            None => {
                let span = self.piece(node, session.len() + 1..text.len());
                let known = names.labels.iter().map(|name| &**name);
                Err(self.diagnostics.unknown_of(span, session, "step", label, known))
            }
        }
    }

    /// The session of a step, and the step's label.
    pub(super) fn step_named(&self, step: &StepRef) -> String {
        let is_meant = |names: &SessionNames| names.actor == step.actor;
        let found = self.names.sessions.iter().find(|(_, names)| is_meant(names));
        found.map_or_else(String::new, |(session, names)| {
            let label = names.labels.get(usize::from(step.step)).map_or("", |label| label);
            shorten(&format!("{session}.{label}"))
        })
    }
}
