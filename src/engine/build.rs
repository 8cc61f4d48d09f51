//! From a plan to a world at its first instant: tables, rows, and what is in the queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::engine::cascade::Relationships;
use crate::engine::code::{Code, called, named_rows};
use crate::engine::database::Database;
use crate::engine::guest::Border;
use crate::engine::jobs::Jobs;
use crate::engine::log::Log;
use crate::engine::names::Names;
use crate::engine::numbers::Numbers;
use crate::engine::outages::Outages;
use crate::engine::plug_in::PlugIns;
use crate::engine::queue::{Due, Queue};
use crate::engine::random::Random;
use crate::engine::security::UserCaches;
use crate::engine::steps::StepIndex;
use crate::engine::world::{Shared, World};
use crate::plan::{
    Claim, Counted, Happening, Location, Phenomenon, Plan, PlugInBody, RowGroup, RowRef,
};
use crate::trace::{Event, Header};
use crate::words::evaluate::{Scope, evaluate, text_of};
use crate::words::{
    ActorId, ColumnId, InstanceId, Name, OutageId, RowId, SimInstant, TableId, Value,
};

/// Why a plan can't become a world. The scenario front finds most mistakes before; these are
/// the ones that only show when rows get their values, and those of plans built in Rust.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    /// A plug-in step refers to a plug-in in Rust that the run was not given.
    #[error("{plug_in} needs the Rust plug-in `{name}`, which this run was not given{known}")]
    UnknownPlugIn {
        /// The step.
        plug_in: Name,
        /// What it refers to.
        name: Name,
        /// What there is, as the end of the sentence.
        known: String,
        /// Where the file says so.
        at: Location,
    },
    /// A row that exists from the start can't be made.
    #[error("the row can't be loaded: {trouble}")]
    BadRow {
        /// Why.
        trouble: String,
        /// Where the file says so.
        at: Location,
    },
    /// The plan refers to something that it does not define.
    #[error("the plan refers to {what}, which it does not define")]
    Dangling {
        /// What, with its number.
        what: String,
    },
}

impl PlanError {
    /// Where the scenario file says what is wrong; nowhere for a plan built in Rust.
    pub fn location(&self) -> Location {
        match self {
            Self::UnknownPlugIn { at, .. } | Self::BadRow { at, .. } => *at,
            Self::Dangling { .. } => Location::default(),
        }
    }
}

impl World {
    /// The world of a plan at its first instant.
    ///
    /// # Errors
    ///
    /// The plan refers to something that is not there, or a row can't be loaded.
    pub fn new(
        plan: Arc<Plan>,
        seed: u64,
        plug_ins: PlugIns,
        log: bool,
    ) -> Result<Self, PlanError> {
        crate::engine::soundness::check(&plan)?;
        check_plug_ins(&plan, &plug_ins)?;
        let databases = (0..plan.instances.len())
            .map(|index| Database::new(&plan, InstanceId(u16::try_from(index).unwrap_or(0))))
            .collect();
        let shared = Arc::new(Shared {
            code: Code::of(&plan),
            steps: StepIndex::of(&plan),
            relationships: Relationships::of(&plan),
            plan: Arc::clone(&plan),
            plug_ins,
        });
        let mut world = Self {
            shared,
            now: SimInstant::START,
            queue: Queue::default(),
            fibers: Vec::new(),
            free_fibers: Vec::new(),
            databases,
            runs: vec![0; plan.actors.len()],
            cursors: BTreeMap::new(),
            names: Names::new(planned_names(&plan)),
            jobs: Jobs::default(),
            users: UserCaches::default(),
            random: Random::new(seed),
            numbers: Numbers::default(),
            transitions: 0,
            turns: 0,
            log: Log::new(log),
            ordered: 0,
            outages: Outages::new(&plan.outages, log),
            border: Border::default(),
        };
        for group in &plan.rows {
            world.load(&plan, group)?;
        }
        world.names.seal();
        world.schedule_beginnings(&plan);
        Ok(world)
    }

    /// The header of this world's trace.
    pub fn header(&self) -> Header {
        let mut header = Header::of(&self.shared.plan);
        header.row_names = self.names.planned();
        (header.outages, header.outage_kinds) = self.outages.told().unzip();
        header
    }

    /// Loads the rows of a group.
    fn load(&mut self, plan: &Plan, group: &RowGroup) -> Result<(), PlanError> {
        let bad = |trouble: String| PlanError::BadRow { trouble, at: group.at };
        let counter = Name::from("n");
        let mut bindings = vec![(counter, Value::Null)];
        let mut values: Vec<(ColumnId, Value)> = Vec::with_capacity(group.set.len());
        for number in 1..=group.count {
            bindings[0].1 = Value::Whole(i64::try_from(number).unwrap_or(i64::MAX));
            let scope =
                Scope { bindings: &bindings, plug_in: None, row: None, clock: self.clock() };
            let name = match &group.name {
                Some(name) => Some(text_of(&evaluate(name, &scope).map_err(bad)?)),
                None => None,
            };
            values.clear();
            for (column, expression) in &group.set {
                values.push((*column, evaluate(expression, &scope).map_err(bad)?));
            }
            for (column, value) in &mut values {
                let given = std::mem::take(value);
                *value =
                    self.coerce(group.table, *column, given).map_err(|fault| bad(fault.message))?;
            }
            values.retain(|(_, value)| !value.is_null());
            let id = match &name {
                Some(name) => self.row_called(group.table, name),
                None => self.random.id(),
            };
            self.load_row(plan, group, id, &values).map_err(bad)?;
        }
        Ok(())
    }

    fn load_row(
        &mut self,
        plan: &Plan,
        group: &RowGroup,
        id: RowId,
        values: &[(ColumnId, Value)],
    ) -> Result<(), String> {
        let (instance, table) = (group.instance, group.table);
        let definition = plan.table(table);
        let database = &mut self.databases[instance.index()];
        if !database.has(table) {
            return Err(format!(
                "`{}` has no table `{}`",
                plan.instance(instance).name,
                definition.name
            ));
        }
        let row_version = database.load(table, id, values).map_err(|clash| {
            match definition.keys.get(usize::from(clash.key)) {
                Some(key) => format!("another row has the same values of the key `{}`", key.name),
                None => "there is a row of this name already".to_owned(),
            }
        })?;
        self.log.emit(self.now, || Event::RowLoaded {
            instance,
            table,
            row: id,
            row_version,
            columns: values.to_vec(),
        });
        Ok(())
    }

    /// Puts the beginnings of actors and outages into the queue. What begins at one instant:
    /// outages that end, then those that begin, then actors, each in the order of the file.
    fn schedule_beginnings(&mut self, plan: &Plan) {
        let outages = || {
            let numbered = plan.outages.iter().enumerate();
            numbered.map(|(index, outage)| (OutageId(u32::try_from(index).unwrap_or(0)), outage))
        };
        for (id, outage) in outages() {
            self.queue.schedule(outage.until, Due::OutageEnds(id));
        }
        for (id, outage) in outages() {
            self.queue.schedule(outage.from, Due::OutageBegins(id));
        }
        for (index, actor) in plan.actors.iter().enumerate() {
            let id = ActorId(u32::try_from(index).unwrap_or(0));
            if actor.schedule.until.is_none_or(|until| actor.schedule.first < until) {
                self.queue.schedule(actor.schedule.first, Due::Actor(id));
            }
        }
    }
}

fn check_plug_ins(plan: &Plan, plug_ins: &PlugIns) -> Result<(), PlanError> {
    for step in &plan.plug_ins {
        let PlugInBody::Rust(name) = &step.body else {
            continue;
        };
        if plug_ins.get(name).is_none() {
            let known: Vec<_> = plug_ins.names().map(|name| format!("`{name}`")).collect();
            return Err(PlanError::UnknownPlugIn {
                plug_in: step.name.clone(),
                name: name.clone(),
                known: match &known[..] {
                    [] => String::new(),
                    known => format!("; it has {}", known.join(", ")),
                },
                at: step.at,
            });
        }
    }
    Ok(())
}

/// The rows that the plan calls by name: in programs and in expectations. Those that are loaded
/// learn their names as they are.
fn planned_names(plan: &Plan) -> impl Iterator<Item = (RowId, (TableId, Name))> {
    let mut names: Vec<(TableId, Name)> = named_rows(plan);
    for expectation in &plan.expectations {
        for claim in &expectation.claims {
            names.extend(rows_of(claim).map(|row| (row.table, row.name.clone())));
        }
    }
    names.into_iter().map(|(table, name)| (called(plan, table, &name), (table, name)))
}

/// The rows that a claim names.
fn rows_of(claim: &Claim) -> impl Iterator<Item = &RowRef> {
    let one = match claim {
        Claim::Row { row, .. } => Some(row),
        Claim::Waits { row, .. } => row.as_ref(),
        Claim::Count { of: Counted::Writes { row }, .. } => Some(row),
        Claim::Happens { phenomenon: Phenomenon::Write { row, .. }, .. } => Some(row),
        _ => None,
    };
    let several = match claim {
        Claim::Order(happenings) => &happenings[..],
        _ => &[],
    };
    one.into_iter().chain(several.iter().filter_map(|happening| match happening {
        Happening::Written(_, row) => Some(row),
        _ => None,
    }))
}
