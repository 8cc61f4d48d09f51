//! Who acts, and when: flows between instances, and actors.

use std::time::Duration;

use crate::fault::FaultKind;
use crate::plan::{
    Actor, ActorKind, Backoff, ChangesFrom, RowSelector, Schedule, Step, UpsertWhen, Verb,
};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::steps::given_names;
use crate::scenario::lower::{CallSite, Lowering};
use crate::scenario::reading_limits as limits;
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{Expression, InstanceId, Name, ProgramId, SimInstant, TableId};

/// The default retry policy of a Logic App's action: exponential, up to 4 retries, scaled by
/// 7.5 s, at most 45 s apart.
///
/// Source: Microsoft Learn, "Handle errors and exceptions in Azure Logic Apps", Default retry
/// policy. Assumed: each wait is drawn from the upper half of its interval, which the page's table
/// of ranges comes to for all waits but the last (30 s instead of 22.5 s at least).
const LOGIC_APP_RETRIES: u32 = 4;
const LOGIC_APP_BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(7_500),
    factor: 2,
    most: Duration::from_secs(45),
    jitter: true,
};

/// The binding of a flow for the changed rows, and for one of them.
const CHANGES: &str = "changes";
const CHANGE: &str = "change";

/// How a flow repeats a request that failed.
struct Policy {
    up_to: u32,
    wait: Backoff,
    on: Vec<FaultKind>,
}

impl Lowering<'_> {
    pub(super) fn flows(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(flow) = self.flow(entry) {
                self.plan.actors.push(flow);
            }
        }
    }

    fn flow(&mut self, entry: &Entry) -> Checked<Actor> {
        let node = &entry.value;
        let from = self.required(node, "from")?;
        let from_id = self.instance(from);
        let to = self.required(node, "to")?;
        let to_id = self.instance(to);
        let schedule = self.flow_schedule(node);
        let policy = self.flow_policy(node);
        let (from_id, to_id) = (from_id?, to_id?);
        if from_id == to_id {
            let message = "a flow copies from one instance to another";
            let label = "this is the one that it reads";
            self.diagnostics.report(to.span, "wrong value", message, label, None);
        }
        let tables = self.flow_tables(node, from_id, to_id)?;
        let policy = policy?;
        let steps = self.flow_steps(entry, from_id, to_id, &tables, policy.as_ref());
        let program = self.add_program(entry.key.clone(), None);
        self.plan.programs[program.index()].steps = steps;
        Ok(Actor {
            name: entry.key.clone(),
            kind: ActorKind::Flow { from: from_id, to: to_id, tables },
            home: None,
            user: None,
            count: 1,
            schedule: schedule?,
            program,
            with: Vec::new(),
            at: self.location(entry.key_span),
        })
    }

    fn flow_tables(
        &mut self,
        node: &Node,
        from: InstanceId,
        to: InstanceId,
    ) -> Checked<Vec<TableId>> {
        let Some(list) = node.get("table").or_else(|| node.get("tables")) else {
            return Err(self.diagnostics.misshapen(node.pointer()));
        };
        let mut tables = Vec::new();
        for item in list.one_or_many() {
            let table = self.table(item)?;
            self.check_instance_has(from, table, item.span)?;
            self.check_instance_has(to, table, item.span)?;
            self.track(table, item.span)?;
            tables.push(table);
        }
        if tables.is_empty() {
            return Err(self.empty_list(list));
        }
        Ok(tables)
    }

    fn flow_schedule(&mut self, node: &Node) -> Checked<Schedule> {
        let schedule = if let Some(every) = node.get("every") {
            let every = self.interval(every)?;
            (SimInstant::START, Some(every))
        } else if let Some(daily) = node.get("every day at") {
            let first = self.moment(daily, SimInstant::START)?;
            (first, Some(Duration::from_secs(86_400)))
        } else {
            let once = self.required(node, "at")?;
            (self.moment(once, SimInstant::START)?, None)
        };
        let until = node.get("until").map(|node| self.moment(node, schedule.0));
        Ok(Schedule { first: schedule.0, every: schedule.1, until: until.transpose()? })
    }

    fn interval(&mut self, node: &Node) -> Checked<Duration> {
        let every = self.duration(node)?;
        if every.is_zero() {
            let message = "runs need some time between them";
            return Err(self.diagnostics.report(
                node.span,
                "impossible time",
                message,
                "this is none",
                None,
            ));
        }
        Ok(every)
    }

    fn flow_policy(&mut self, node: &Node) -> Checked<Option<Policy>> {
        let Some(retry) = node.get("retry") else {
            return Ok(Some(Policy {
                up_to: LOGIC_APP_RETRIES,
                wait: LOGIC_APP_BACKOFF,
                on: Vec::new(),
            }));
        };
        if let Form::Scalar(scalar) = &retry.form {
            if &*scalar.text == "none" {
                return Ok(None);
            }
            let (message, label) = ("expected `none`, or a map", "this is neither");
            return Err(self.diagnostics.report(retry.span, "wrong value", message, label, None));
        }
        let (up_to, wait, on) = self.retry_policy(retry)?;
        Ok(Some(Policy { up_to, wait, on }))
    }

    /// What a flow does in each run: it reads the changed rows of each table and upserts them one
    /// by one, and moves its cursors when all is done, so that a run that failed is made up for by
    /// the next.
    fn flow_steps(
        &self,
        entry: &Entry,
        from: InstanceId,
        to: InstanceId,
        tables: &[TableId],
        policy: Option<&Policy>,
    ) -> Vec<Step> {
        let at = self.location(entry.key_span);
        let step = |verb| Step { at, verb };
        let retried = |verb| match policy {
            None => step(verb),
            Some(policy) => step(Verb::Retry {
                up_to: policy.up_to,
                wait: policy.wait,
                on: policy.on.clone(),
                body: vec![step(verb)],
            }),
        };
        let (changes, change) = (Name::from(CHANGES), Name::from(CHANGE));
        let cursor = |table: TableId| {
            let table = &self.plan.tables[table.index()].name;
            Name::from(format!("{}: {table}", entry.key))
        };
        let mut steps = Vec::new();
        for &table in tables {
            steps.push(retried(Verb::Changes {
                instance: Some(from),
                table,
                from: ChangesFrom::Cursor(cursor(table)),
                columns: None,
                page_size: None,
                bind: Some(changes.clone()),
            }));
            let row = Expression::Binding(change.clone());
            let upsert = retried(Verb::Upsert {
                instance: Some(to),
                table,
                row: RowSelector::Row(row.clone()),
                from: Some(row),
                set: Vec::new(),
                when: UpsertWhen::Always,
                precondition: None,
                bind: None,
            });
            steps.push(step(Verb::ForEach {
                bind: change.clone(),
                list: Expression::Member(
                    Box::new(Expression::Binding(changes.clone())),
                    Name::from("rows"),
                ),
                body: vec![upsert],
            }));
        }
        let accepted =
            tables.iter().map(|&table| step(Verb::AcceptChanges { cursor: cursor(table) }));
        steps.extend(accepted);
        steps
    }

    pub(super) fn actors(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(actor) = self.actor_definition(entry) {
                self.plan.actors.push(actor);
            }
        }
    }

    fn actor_definition(&mut self, entry: &Entry) -> Checked<Actor> {
        let node = &entry.value;
        let home = node.get("in").map(|node| self.instance(node));
        let schedule = self.actor_schedule(node);
        let count = self.actor_count(node);
        let home = home.transpose();
        let user = node.get("as").map(|node| self.acting_user(node)).transpose();
        let program = match node.get("call") {
            Some(call) => self.called_program(entry, call, home.ok().flatten()),
            None => self.own_program(entry, home.ok().flatten(), home.is_err()),
        };
        let (program, with) = program?;
        Ok(Actor {
            name: entry.key.clone(),
            kind: ActorKind::Client,
            home: home?,
            user: user?,
            count: count?,
            schedule: schedule?,
            program,
            with,
            at: self.location(entry.key_span),
        })
    }

    /// `count`: how many of an actor or session there are.
    pub(super) fn actor_count(&mut self, node: &Node) -> Checked<u32> {
        let Some(count) = node.get("count") else {
            return Ok(1);
        };
        let message = "there is at least one of an actor or a session";
        let help = Some("`none` takes it away in a variant");
        self.at_least_one(count, limits::ACTOR_COUNT, message, help)
    }

    /// `at`, `from`, `every` and `until` of an actor or session.
    pub(super) fn actor_schedule(&mut self, node: &Node) -> Checked<Schedule> {
        if let (Some(at), Some(every)) = (node.entry("at"), node.entry("every")) {
            return Err(self.diagnostics.report(
                at.key_span,
                "out of place",
                "`at` is for a single run",
                format!("with `{}`, write `from`", every.key),
                None,
            ));
        }
        let first = node.get("at").or_else(|| node.get("from"));
        let first = first.map(|node| self.moment(node, SimInstant::START));
        let first = first.transpose();
        let every = node.get("every").map(|node| self.interval(node));
        let until_node = node.get("until");
        let not_before = first.unwrap_or_default().unwrap_or_default();
        let until = until_node.map(|node| self.moment(node, not_before));
        let (first, until) = (first?.unwrap_or_default(), until.transpose()?);
        if let (Some(until), Some(node)) = (until, until_node)
            && until <= first
        {
            let message = "a schedule ends after it began";
            let label = "no run begins before this";
            return Err(self.diagnostics.report(
                node.span,
                "impossible time",
                message,
                label,
                None,
            ));
        }
        Ok(Schedule { first, every: every.transpose()?, until })
    }

    fn called_program(
        &mut self,
        entry: &Entry,
        call: &Node,
        home: Option<InstanceId>,
    ) -> Checked<(ProgramId, Vec<(Name, Expression)>)> {
        let program = self.program(call, false);
        let mut body = Body::default();
        body.bind(&Name::from("n"), Bound::Any);
        let given = entry.value.get("with");
        let with = self.given(given, &mut body);
        let program = program?;
        if let Some(&actor) = self.names.actors.get(&entry.key) {
            self.actor_programs.insert(actor, program);
        }
        self.sites.push(CallSite {
            program,
            span: call.span,
            given: given_names(given),
            implied: vec![Name::from("n")],
        });
        self.check_needs(program, call.span, home.is_some(), None);
        Ok((program, with?))
    }

    fn own_program(
        &mut self,
        entry: &Entry,
        home: Option<InstanceId>,
        home_is_wrong: bool,
    ) -> Checked<(ProgramId, Vec<(Name, Expression)>)> {
        let node = &entry.value;
        let steps = match &node.form {
            Form::List(_) => node,
            _ => self.required(node, "do")?,
        };
        let mut body = Body {
            home,
            // An unknown instance has been told where it stands, and not at every step.
            is_named: home_is_wrong,
            ..Body::default()
        };
        body.bind(&Name::from("n"), Bound::Any);
        let program = self.add_program(entry.key.clone(), home);
        let lowered = self.steps(steps, &mut body);
        self.facts[program.index()] = body.facts;
        if let Some(&actor) = self.names.actors.get(&entry.key) {
            self.actor_programs.insert(actor, program);
        }
        self.plan.programs[program.index()].steps = lowered?;
        let has_home = home.is_some() || home_is_wrong;
        self.check_needs(program, steps.pointer(), has_home, None);
        Ok((program, Vec::new()))
    }
}
