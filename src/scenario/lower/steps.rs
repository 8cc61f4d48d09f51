//! Steps: control, and what is neither control nor a request.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{Backoff, Side, Step, Verb};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::grammar::{self, SESSION_STEP, STEP};
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::{CallSite, Lowering};
use crate::scenario::moment;
use crate::scenario::reading_limits as limits;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{Expression, Name, ProgramId, SimInstant, Value};

impl Lowering<'_> {
    /// The steps of a list; those that are wrong have been reported.
    pub(super) fn steps(&mut self, node: &Node, body: &mut Body) -> Checked<Vec<Step>> {
        let found: Vec<_> = node.items().iter().map(|item| self.step(item, body)).collect();
        found.into_iter().collect()
    }

    pub(super) fn steps_at(
        &mut self,
        node: &Node,
        key: &str,
        body: &mut Body,
    ) -> Checked<Vec<Step>> {
        let steps = self.required(node, key)?;
        self.steps(steps, body)
    }

    /// One step, of the kind that the body is made of.
    pub(super) fn step(&mut self, node: &Node, body: &mut Body) -> Checked<Step> {
        if body.is_sql && node.scalar().is_some() {
            let verb = self.transaction_word(node)?;
            return Ok(Step { at: self.location(node.span), verb });
        }
        let shape = if body.is_sql { &SESSION_STEP } else { &STEP };
        let is_verb = |entry: &&Entry| {
            let key = shape.map.and_then(|map| map.key(&entry.key));
            key.is_some_and(|key| key.goes_with.is_empty())
        };
        let Some(entry) = node.entries().iter().find(is_verb) else {
            return Err(self.diagnostics.misshapen(node.pointer()));
        };
        let at = self.location(entry.key_span);
        let verb = self.verb(node, entry, body)?;
        Ok(Step { at, verb })
    }

    fn verb(&mut self, step: &Node, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        let node = &entry.value;
        if body.batch.is_some() {
            self.check_item(entry, body)?;
        }
        match &*entry.key {
            "work" => self.duration(node).map(Verb::Work),
            "wait" => self.duration(node).map(Verb::Wait),
            "at" => self.moment(node, SimInstant::START).map(Verb::WaitUntil),
            "fail" => {
                let status = step.get("status");
                let status = status.map(|it| self.word(it, grammar::OPERATION_STATUSES));
                let message = self.text_value(node, body)?;
                Ok(Verb::Fail { message, status: status.transpose()?.unwrap_or_default() })
            }
            "throw" => self.text_value(node, body).map(Verb::Throw),
            "set shared" => self.set_shared(entry, body),
            "set input" => self.set_parameters(entry, Side::Input, body),
            "set output" => self.set_parameters(entry, Side::Output, body),
            "trace" => self.trace(entry, body),
            "note" => self.text_value(node, body).map(Verb::Note),
            "let" => self.let_bindings(node, body),
            "if" => self.choose(step, node, body),
            "for each" => self.for_each(node, body),
            "repeat" => self.repeat(node, body),
            "retry" => self.retry(node, body),
            "try" => self.try_steps(node, body),
            "call" => self.call(step, node, body),
            _ if body.is_sql => self.statement(step, entry, body),
            _ => self.request(entry, body),
        }
    }

    pub(super) fn set_target(&mut self, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        body.facts.target.get_or_insert(entry.key_span);
        if !body.is_named && body.plug_in.is_none() {
            return Err(self.diagnostics.report(
                entry.key_span,
                "out of place",
                "only a plug-in can `set` columns of its target",
                "this is no plug-in",
                Some("`update` changes a row; `let` binds a name".to_owned()),
            ));
        }
        let mut values = Vec::new();
        for column in entry.value.entries() {
            let value = match body.plug_in.flatten() {
                Some(table) => self.column_value(column, table, body, None).map(|(_, value)| value),
                None => {
                    let name = (column.key.clone(), column.key_span);
                    body.facts.target_columns.push(name);
                    self.value(&column.value, None, body, None)
                }
            };
            values.push(value.map(|value| (column.key.clone(), value)));
        }
        let values = values.into_iter().collect::<Checked<_>>()?;
        Ok(Verb::SetTarget(values))
    }

    /// Shared variables belong to a request's steps.
    fn set_shared(&mut self, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        body.facts.target.get_or_insert(entry.key_span);
        if !body.is_named && body.plug_in.is_none() {
            return Err(self.diagnostics.report(
                entry.key_span,
                "out of place",
                "only a plug-in can `set shared` variables for later steps",
                "this is no plug-in",
                Some("`let` binds a name".to_owned()),
            ));
        }
        self.given(Some(&entry.value), body).map(Verb::SetShared)
    }

    fn let_bindings(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let mut values = Vec::new();
        for entry in node.entries() {
            let name = self.check_binding_name(&entry.key, entry.key_span);
            let found = self.bound_value(&entry.value, None, body, None);
            // A name with a wrong value is bound all the same, so that its uses are not wrong, too.
            let bound = found.as_ref().map_or(Bound::Any, |(_, bound)| bound.clone());
            body.bind(&entry.key, bound);
            values.push(name.and(found.map(|(value, _)| (entry.key.clone(), value))));
        }
        let values = values.into_iter().collect::<Checked<_>>()?;
        Ok(Verb::Let(values))
    }

    fn choose(&mut self, step: &Node, node: &Node, body: &mut Body) -> Checked<Verb> {
        let condition = self.condition(node, body, None);
        if step.get("then").is_none() && step.get("else").is_none() {
            return Err(self.diagnostics.report(
                node.span,
                "missing key",
                "`then` is missing",
                "what happens if this holds?",
                None,
            ));
        }
        let before = body.bindings.clone();
        let mut branch = |key: &str, body: &mut Body| {
            let steps = match step.get(key) {
                Some(steps) => self.steps(steps, body),
                None => Ok(Vec::new()),
            };
            (steps, body.leave(&before, "`if`"))
        };
        let (then, bound_then) = branch("then", body);
        let (otherwise, bound_otherwise) = branch("else", body);
        body.join(&bound_then, &bound_otherwise);
        Ok(Verb::If { condition: condition?, then: then?, otherwise: otherwise? })
    }

    fn for_each(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let binding = node.entries().iter().find(|entry| &*entry.key != "do");
        let Some(binding) = binding else {
            return Err(self.diagnostics.misshapen(node.pointer()));
        };
        self.check_binding_name(&binding.key, binding.key_span)?;
        let list = self.bound_value(&binding.value, None, body, None);
        let element = match &list {
            Ok((_, Bound::Rows(table, expanded))) => Bound::Row(*table, expanded.clone()),
            Ok((_, Bound::Answers(shape))) => Bound::Answer(Arc::clone(shape)),
            _ => Bound::Any,
        };
        if let Ok((Expression::Literal(value), _)) = &list
            && !matches!(value, Value::List(_))
        {
            let label = format!("this is {}", value.kind());
            let help = "write `[a, b]`, or `$name` for a binding".to_owned();
            let message = "expected a list";
            let span = binding.value.span;
            self.diagnostics.report(span, "wrong value", message, label, Some(help));
        }
        let before = body.bindings.clone();
        body.bind(&binding.key, element);
        let steps = self.steps_at(node, "do", body);
        body.leave(&before, "`for each`");
        Ok(Verb::ForEach { bind: binding.key.clone(), list: list?.0, body: steps? })
    }

    fn repeat(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let times = self.required(node, "times")?;
        let count = self.value(times, None, body, None);
        if let Ok(Expression::Literal(value)) = &count
            && !matches!(value, Value::Whole(0..))
        {
            let label = format!("this is {}", value.kind());
            let message = "expected a number from 0";
            self.diagnostics.report(times.span, "wrong value", message, label, None);
        }
        let before = body.bindings.clone();
        body.bind(&Name::from("n"), Bound::Any);
        let steps = self.steps_at(node, "do", body);
        body.leave(&before, "`repeat`");
        Ok(Verb::Repeat { times: count?, body: steps? })
    }

    fn retry(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let policy = self.retry_policy(node);
        let steps = self.steps_at(node, "do", body);
        let (up_to, wait, on) = policy?;
        Ok(Verb::Retry { up_to, wait, on, body: steps? })
    }

    /// The keys `up to`, `wait`, `jitter`, `on`, of a step or a flow.
    pub(super) fn retry_policy(
        &mut self,
        node: &Node,
    ) -> Checked<(u32, Backoff, Vec<crate::fault::FaultKind>)> {
        let up_to = self.required(node, "up to")?;
        let up_to = self.count_u32(up_to, limits::RETRY_COUNT);
        let wait = self.required(node, "wait")?;
        let wait = self.backoff(wait);
        let jitter = node.get("jitter").map(|node| self.boolean(node));
        let on = self.faults(node.get("on"));
        let mut wait = wait?;
        wait.jitter = jitter.transpose()?.unwrap_or(false);
        Ok((up_to?, wait, on?))
    }

    /// `2s`, or `exponential from 2s to 30s`.
    fn backoff(&mut self, node: &Node) -> Checked<Backoff> {
        let text = self.text(node)?;
        let read = || -> Result<(Duration, Duration, u32), String> {
            let Some(rest) = text.strip_prefix("exponential") else {
                let wait = moment::duration(&text)?;
                return Ok((wait, wait, 1));
            };
            let bounds = rest.trim().strip_prefix("from ").and_then(|rest| rest.split_once(" to "));
            let (first, most) =
                bounds.ok_or_else(|| "write `exponential from 2s to 30s`".to_owned())?;
            Ok((moment::duration(first)?, moment::duration(most)?, 2))
        };
        let (first, most, factor) = match read() {
            Ok((first, most, _)) if most < first => {
                Err("the longest wait is shorter than the first".to_owned())
            }
            read => read,
        }
        .map_err(|label| {
            let help = "a wait is `2s`, or `exponential from 2s to 30s`".to_owned();
            let message = "expected a wait";
            self.diagnostics.report(node.span, "wrong value", message, label, Some(help))
        })?;
        Ok(Backoff { first, factor, most, jitter: false })
    }

    fn try_steps(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let on = self.faults(node.get("on"));
        let before = body.bindings.clone();
        let steps = self.steps_at(node, "do", body);
        let bound_steps = body.leave(&before, "`try`");
        body.bind(&Name::from("fault"), Bound::Any);
        body.bind(&Name::from("faulted"), Bound::Any);
        let on_fault = self.steps_at(node, "on fault", body);
        let bound_on_fault = body.leave(&before, "`on fault`");
        body.join(&bound_steps, &bound_on_fault);
        Ok(Verb::Try { body: steps?, on_fault: on_fault?, on: on? })
    }

    pub(super) fn transaction(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let instance = self.instance_of(node, body);
        let isolation =
            node.get("isolation").map(|node| self.word(node, grammar::ISOLATION)).transpose();
        let home = body.home;
        if let Ok(Some(instance)) = instance {
            body.home = Some(instance);
        }
        let steps = self.steps_at(node, "do", body);
        body.home = home;
        let (instance, mut steps) = (instance?, steps?);
        // Steps in it that name no instance mean its own, also where that is not the program's.
        if let Some(instance) = instance {
            at_home(&mut steps, instance);
        }
        Ok(Verb::Transaction { instance, isolation: isolation?, body: steps })
    }

    fn call(&mut self, step: &Node, node: &Node, body: &mut Body) -> Checked<Verb> {
        let program = self.program(node, body.is_sql);
        let with = self.given(step.get("with"), body);
        let program = program?;
        body.facts.calls.push((program, node.span));
        self.sites.push(CallSite {
            program,
            span: node.span,
            given: given_names(step.get("with")),
            implied: Vec::new(),
        });
        Ok(Verb::Call { program, with: with? })
    }

    /// The program of this name. `is_sql`: whether a session calls it.
    pub(super) fn program(&mut self, node: &Node, is_sql: bool) -> Checked<ProgramId> {
        let name = self.text(node)?;
        if let Some(&program) = self.names.programs.get(&name) {
            if self.sql_programs.contains(&program) != is_sql {
                return Err(self.other_kind_of_program(node, &name, is_sql));
            }
            return Ok(program);
        }
        let known = self.names.programs.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(node.span, "program", &shorten(&name), known))
    }

    fn other_kind_of_program(&mut self, node: &Node, name: &str, is_sql: bool) -> Reported {
        let name = shorten(name);
        let (message, help) = if is_sql {
            let message = format!("`{name}` is no program for a session");
            (message, "a program for sessions has `sql: [ … ]` in place of `do: [ … ]`")
        } else {
            let message = format!("`{name}` is a program for sessions");
            (message, "a program for actors and plug-ins has `do: [ … ]` in place of `sql: [ … ]`")
        };
        let label = "its steps are of the other kind";
        self.diagnostics.report(node.span, "out of place", message, label, Some(help.to_owned()))
    }

    /// The bindings of a `with:`.
    pub(super) fn given(
        &mut self,
        node: Option<&Node>,
        body: &mut Body,
    ) -> Checked<Vec<(Name, Expression)>> {
        let mut given = Vec::new();
        for entry in node.map_or(&[][..], Node::entries) {
            let name = self.check_binding_name(&entry.key, entry.key_span);
            let value = self.value(&entry.value, None, body, None);
            given.push(name.and(value.map(|value| (entry.key.clone(), value))));
        }
        given.into_iter().collect()
    }
}

/// The names that a `with:` gives, with their places.
pub fn given_names(node: Option<&Node>) -> Vec<(Name, crate::scenario::source::Span)> {
    node.map_or(&[][..], Node::entries)
        .iter()
        .map(|entry| (entry.key.clone(), entry.key_span))
        .collect()
}

/// Names the instance of every step in a transaction that leaves it open.
pub(super) fn at_home(steps: &mut [Step], home: crate::words::InstanceId) {
    for step in steps {
        match &mut step.verb {
            Verb::Create { instance, .. }
            | Verb::Retrieve { instance, .. }
            | Verb::Query { instance, .. }
            | Verb::Update { instance, .. }
            | Verb::Upsert { instance, .. }
            | Verb::Delete { instance, .. }
            | Verb::Merge { instance, .. }
            | Verb::Share { instance, .. }
            | Verb::Members { instance, .. }
            | Verb::Associate { instance, .. }
            | Verb::Assign { instance, .. }
            | Verb::SetState { instance, .. }
            | Verb::Changes { instance, .. } => {
                instance.get_or_insert(home);
            }
            Verb::Transaction { instance, body, .. } | Verb::Batch { instance, body, .. } => {
                let home = *instance.get_or_insert(home);
                at_home(body, home);
            }
            Verb::If { then, otherwise, .. } => {
                at_home(then, home);
                at_home(otherwise, home);
            }
            Verb::Try { body, on_fault, .. } => {
                at_home(body, home);
                at_home(on_fault, home);
            }
            Verb::ForEach { body, .. } | Verb::Repeat { body, .. } | Verb::Retry { body, .. } => {
                at_home(body, home);
            }
            _ => {}
        }
    }
}
