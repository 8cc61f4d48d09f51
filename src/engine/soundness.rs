//! Whether a plan's numbers all mean something. The scenario front never makes a plan with a
//! dangling number; a plan that was built in Rust may, and is refused before it can do harm.

use crate::engine::build::PlanError;
use crate::plan::{
    ActorKind, Aggregation, Column, CustomMessage, Field, LinkNumber, ManyToManyId, OrderBy, Plan,
    PlugInBody, Reached, RowSelector, Selection, Statement, Step, StepRef, Verb,
};
use crate::words::{ColumnId, ColumnType, InstanceId, MessageId, ProgramId, TableId};

/// Checks every number in the plan that the engine follows.
///
/// # Errors
///
/// The first number that points beyond the end of its list.
pub(super) fn check(plan: &Plan) -> Result<(), PlanError> {
    let sound = Soundness { plan };
    for table in &plan.tables {
        table.columns.iter().try_for_each(|column| sound.column(column))?;
        let keys = table.keys.iter().flat_map(|key| &key.columns);
        for column in keys.chain(table.indexes.iter().flat_map(|index| &index.columns)) {
            if column.index() >= table.columns.len() {
                return dangling(format!("column {} in an index of `{}`", column.0, table.name));
            }
        }
    }
    for table in plan.instances.iter().flat_map(|instance| &instance.tables) {
        sound.table(*table)?;
    }
    for group in &plan.rows {
        sound.instance(group.instance)?;
        sound.columns(group.table, group.set.iter().map(|(column, _)| *column))?;
    }
    sound.many_to_many()?;
    for message in &plan.messages {
        sound.message(message)?;
    }
    for plug_in in &plan.plug_ins {
        if let Some(message) = plug_in.message.custom() {
            sound.custom(message)?;
        }
        sound.instance(plug_in.instance)?;
        if let Some(table) = plug_in.table {
            sound.columns(table, plug_in.filter.iter().copied())?;
        }
        if let PlugInBody::Steps(program) = plug_in.body {
            sound.program(program)?;
        }
    }
    for outage in &plan.outages {
        sound.instance(outage.instance)?;
    }
    for actor in &plan.actors {
        sound.program(actor.program)?;
        sound.place(actor.home)?;
        if let ActorKind::Flow { from, to, tables } = &actor.kind {
            sound.instance(*from)?;
            sound.instance(*to)?;
            for table in tables {
                sound.table(*table)?;
            }
        }
        if let ActorKind::Session(session) = &actor.kind {
            sound.instance(session.instance)?;
            for step in &session.steps {
                sound.program(step.program)?;
            }
        }
    }
    for StepRef { actor, step } in &plan.order {
        let steps = match plan.actors.get(actor.index()).map(|actor| &actor.kind) {
            Some(ActorKind::Session(session)) => session.steps.len(),
            _ => 0,
        };
        if usize::from(*step) >= steps {
            return dangling(format!("step {step} of actor {} in the order", actor.0));
        }
    }
    for program in &plan.programs {
        sound.place(program.home)?;
        sound.steps(&program.steps)?;
    }
    Ok(())
}

struct Soundness<'a> {
    plan: &'a Plan,
}

impl Soundness<'_> {
    fn table(&self, table: TableId) -> Result<(), PlanError> {
        if table.index() < self.plan.tables.len() {
            return Ok(());
        }
        dangling(format!("table {}", table.0))
    }

    fn custom(&self, message: MessageId) -> Result<&CustomMessage, PlanError> {
        let found = self.plan.messages.get(message.index());
        found.ok_or_else(|| PlanError::Dangling { what: format!("custom message {}", message.0) })
    }

    fn message(&self, message: &CustomMessage) -> Result<(), PlanError> {
        self.instance(message.instance)?;
        message.table.map_or(Ok(()), |table| self.table(table))?;
        message.parameters.iter().chain(&message.response).try_for_each(|it| self.column(it))
    }

    fn column(&self, column: &Column) -> Result<(), PlanError> {
        match column.kind {
            ColumnType::Lookup(to) => self.table(to),
            _ => Ok(()),
        }
    }

    fn instance(&self, instance: InstanceId) -> Result<(), PlanError> {
        if instance.index() < self.plan.instances.len() {
            return Ok(());
        }
        dangling(format!("instance {}", instance.0))
    }

    fn program(&self, program: ProgramId) -> Result<(), PlanError> {
        if program.index() < self.plan.programs.len() {
            return Ok(());
        }
        dangling(format!("program {}", program.0))
    }

    fn columns(
        &self,
        table: TableId,
        mut columns: impl Iterator<Item = ColumnId>,
    ) -> Result<(), PlanError> {
        self.table(table)?;
        let table = self.plan.table(table);
        match columns.find(|column| column.index() >= table.columns.len()) {
            Some(column) => dangling(format!("column {} of `{}`", column.0, table.name)),
            None => Ok(()),
        }
    }

    fn many_to_many(&self) -> Result<(), PlanError> {
        for relationship in &self.plan.many_to_many {
            let columns = relationship.ends.map(|end| end.column);
            self.columns(relationship.intersect, columns.into_iter())?;
            let table = self.plan.table(relationship.intersect);
            if table.keys.first().is_none_or(|key| key.columns != columns) {
                return dangling(format!("the key of the intersect table `{}`", table.name));
            }
        }
        Ok(())
    }

    fn end_of(&self, relationship: ManyToManyId, table: TableId) -> Result<(), PlanError> {
        let relationship = self.plan.many_to_many.get(relationship.index());
        match relationship.and_then(|it| it.end_of(table)) {
            Some(_) => Ok(()),
            None => dangling(format!("a many-to-many relationship of table {}", table.0)),
        }
    }

    fn steps(&self, steps: &[Step]) -> Result<(), PlanError> {
        steps.iter().try_for_each(|step| self.verb(&step.verb))
    }

    fn selection(&self, selection: &Selection) -> Result<(), PlanError> {
        let Selection { table, order, expand, columns, links, aggregation, .. } = selection;
        self.columns(*table, expand.iter().chain(columns.iter().flatten()).copied())?;
        for (number, link) in links.iter().enumerate() {
            if link.parent.is_some_and(|parent| parent.index() >= number) {
                return dangling(format!("the link that `{}` hangs on", link.name));
            }
            self.columns(link.table, link.columns.iter().flatten().copied())?;
            self.reached(selection, &Reached { link: link.parent, field: link.to })?;
            let this = LinkNumber(u16::try_from(number).unwrap_or(u16::MAX));
            self.reached(selection, &Reached { link: Some(this), field: link.from })?;
        }
        let mut values = 0;
        if let Some(Aggregation { groups, measures, .. }) = aggregation {
            values = groups.len() + measures.len();
            let reached = groups.iter().map(|it| &it.of).chain(measures.iter().map(|it| &it.of));
            { reached }.try_for_each(|reached| self.reached(selection, reached))?;
        }
        order.iter().try_for_each(|by| match &by.by {
            OrderBy::Field(reached) => self.reached(selection, reached),
            OrderBy::Value(number) if usize::from(*number) < values => Ok(()),
            OrderBy::Value(number) => dangling(format!("value {number} of an aggregation")),
        })
    }

    fn reached(&self, selection: &Selection, reached: &Reached) -> Result<(), PlanError> {
        let table = match reached.link {
            None => selection.table,
            Some(link) => match selection.links.get(link.index()) {
                Some(link) => link.table,
                None => return dangling(format!("link {} of a query", link.0)),
            },
        };
        match reached.field {
            Field::Id => self.table(table),
            Field::Column(column) => self.columns(table, std::iter::once(column)),
        }
    }

    fn statement(&self, statement: &Statement) -> Result<(), PlanError> {
        match statement {
            Statement::Select(selection) => self.selection(selection),
            Statement::Insert { table, set, .. } | Statement::Update { table, set, .. } => {
                self.columns(*table, set.iter().map(|assignment| assignment.column))
            }
            Statement::Delete { table, .. } | Statement::AlterTable { table } => self.table(*table),
            Statement::Begin { .. } | Statement::Commit | Statement::Rollback => Ok(()),
        }
    }

    fn verb(&self, verb: &Verb) -> Result<(), PlanError> {
        match verb {
            Verb::Create { instance, table, set, .. } => {
                self.place(*instance)?;
                self.columns(*table, set.iter().map(|assignment| assignment.column))
            }
            Verb::Update { instance, table, row, set, .. }
            | Verb::Upsert { instance, table, row, set, .. }
            | Verb::Merge { instance, table, row, set, .. }
            | Verb::SetState { instance, table, row, set } => {
                self.place(*instance)?;
                self.selector(*table, row)?;
                self.columns(*table, set.iter().map(|assignment| assignment.column))
            }
            Verb::Retrieve { instance, table, row, columns, .. } => {
                self.place(*instance)?;
                self.selector(*table, row)?;
                self.columns(*table, columns.iter().flatten().copied())
            }
            Verb::Delete { instance, table, row, .. }
            | Verb::Share { instance, table, row, .. }
            | Verb::Assign { instance, table, row, .. } => {
                self.place(*instance)?;
                self.selector(*table, row)
            }
            Verb::Members { instance, .. } => self.place(*instance),
            Verb::Associate { instance, table, row, relationship, .. } => {
                self.place(*instance)?;
                self.end_of(*relationship, *table)?;
                self.selector(*table, row)
            }
            Verb::Execute { message, row, .. } => self.execute(*message, row.as_ref()),
            Verb::Statement(statement, _) => self.statement(statement),
            Verb::Query { instance, selection, .. } => {
                self.place(*instance).and_then(|()| self.selection(selection))
            }
            Verb::Changes { instance, table, columns, .. } => {
                self.place(*instance)?;
                self.columns(*table, columns.iter().flatten().copied())
            }
            Verb::If { then, otherwise, .. } => {
                self.steps(then)?;
                self.steps(otherwise)
            }
            Verb::Try { body, on_fault, .. } => {
                self.steps(body)?;
                self.steps(on_fault)
            }
            Verb::ForEach { body, .. } | Verb::Repeat { body, .. } | Verb::Retry { body, .. } => {
                self.steps(body)
            }
            Verb::Transaction { instance, body, .. } | Verb::Batch { instance, body, .. } => {
                self.place(*instance)?;
                self.steps(body)
            }
            Verb::Call { program, .. } => self.program(*program),
            Verb::AcceptChanges { .. }
            | Verb::Work(_)
            | Verb::Wait(_)
            | Verb::WaitUntil(_)
            | Verb::Fail { .. }
            | Verb::Throw(_)
            | Verb::SetShared(_)
            | Verb::SetTarget(_)
            | Verb::SetParameters(..)
            | Verb::Let(_)
            | Verb::Note(_)
            | Verb::Trace(_) => Ok(()),
        }
    }

    fn execute(&self, message: MessageId, row: Option<&RowSelector>) -> Result<(), PlanError> {
        let message = self.custom(message)?;
        match (row, message.table) {
            (Some(row), Some(table)) => self.selector(table, row),
            (Some(_), None) => dangling(format!("the row of `{}`", message.name)),
            (None, _) => Ok(()),
        }
    }

    fn place(&self, instance: Option<InstanceId>) -> Result<(), PlanError> {
        instance.map_or(Ok(()), |instance| self.instance(instance))
    }

    fn selector(&self, table: TableId, selector: &RowSelector) -> Result<(), PlanError> {
        match selector {
            RowSelector::Key(key) => {
                self.columns(table, key.values.iter().map(|(column, _)| *column))
            }
            RowSelector::Row(_) | RowSelector::Any => self.table(table),
        }
    }
}

fn dangling(what: String) -> Result<(), PlanError> {
    Err(PlanError::Dangling { what })
}
