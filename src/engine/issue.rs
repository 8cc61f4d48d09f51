//! From a step to a request: its values are computed, coerced to their columns' types, and it is
//! handed to the instance: nested, when a plug-in of that instance makes it; else as a message.

use std::sync::Arc;

use crate::engine::code::RequestCode;
use crate::engine::database::{Assigned, broken};
use crate::engine::fiber::{Fiber, FiberId, Frame, RequestFrame};
use crate::engine::interpret::Next;
use crate::engine::query::Asks;
use crate::engine::request::{Request, Target};
use crate::engine::world::{Shared, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Assignment, Hints, Message, RowSelector, UpsertWhen, Verb};
use crate::words::evaluate::{Scope, Trouble, close, evaluate, needs_row};
use crate::words::{ColumnId, Expression, InstanceId, Name, RowId, TableId, Value};

impl World {
    /// Makes the request that a step asks for.
    pub(super) fn issue(
        &mut self,
        shared: &Shared,
        id: FiberId,
        fiber: &mut Fiber,
        code: &RequestCode,
    ) -> Result<Next, Fault> {
        let (instance, request) = self.build(shared, fiber, code)?;
        self.send_or_collect(id, fiber, instance, request)
    }

    /// Hands a request to its instance.
    pub(super) fn hand_over(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        instance: InstanceId,
        request: Request,
    ) -> Next {
        let outer = fiber.frames.iter().rev().find_map(|frame| match frame {
            Frame::Request(outer) if outer.instance == instance => {
                Some((outer.id, outer.depth, outer.transaction))
            }
            _ => None,
        });
        let explicit = Self::explicit_transaction(fiber, instance);
        if let Some((parent, depth, transaction)) = outer {
            let number = self.number_request();
            let transaction = transaction.or(explicit);
            let mut frame = RequestFrame::new(number, instance, request, transaction);
            frame.depth = depth + 1;
            frame.parent = Some(parent);
            fiber.frames.push(Frame::Request(Box::new(frame)));
            return Next::Frame;
        }
        self.send(id, fiber, instance, request, explicit);
        Next::Wait
    }

    /// The instance that a step means.
    pub(super) fn place(
        &self,
        fiber: &Fiber,
        instance: Option<InstanceId>,
    ) -> Result<InstanceId, Fault> {
        let home = match fiber.frames.last() {
            Some(Frame::Program(frame)) => frame.home,
            _ => None,
        };
        instance.or(home).ok_or_else(|| broken("the step names no instance".to_owned()))
    }

    /// The request that a step asks for, and the instance that is to carry it out.
    pub(super) fn build(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        code: &RequestCode,
    ) -> Result<(InstanceId, Request), Fault> {
        match &code.verb {
            Verb::Create { instance, table, row, from, set, .. } => {
                let target = match row {
                    Some(row) => Target::Id(self.row(fiber, *table, row)?),
                    None => Target::None,
                };
                let mut request = Request::new(Message::Create, *table, target);
                self.assign_all(shared, fiber, &mut request, from.as_ref(), set, &code.late)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Update { instance, table, row, from, set, precondition } => {
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::Update, *table, target);
                request.required = self.required(fiber, precondition.as_ref())?;
                self.assign_all(shared, fiber, &mut request, from.as_ref(), set, &code.late)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Upsert { instance, table, row, from, set, when, precondition, .. } => {
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::Upsert, *table, target);
                request.when = *when;
                request.required = self.required(fiber, precondition.as_ref())?;
                self.assign_all(shared, fiber, &mut request, from.as_ref(), set, &code.late)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Retrieve { instance, table, row, columns, hints, precondition, .. } => {
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::Retrieve, *table, target);
                request.select = columns.as_deref().map(Arc::from);
                request.hints = *hints;
                request.required = self.required(fiber, precondition.as_ref())?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Delete { instance, table, row, precondition } => {
                let target = self.target(shared, fiber, *table, row)?;
                let mut request = Request::new(Message::Delete, *table, target);
                request.required = self.required(fiber, precondition.as_ref())?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Query { instance, .. } => {
                let request = self.build_query(fiber, &code.verb)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Changes { instance, .. } => {
                let request = self.build_changes(fiber, &code.verb)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Merge { instance, .. } => {
                Ok((self.place(fiber, *instance)?, self.build_merge(shared, fiber, code)?))
            }
            Verb::Associate { instance, .. } => {
                let request = self.build_association(shared, fiber, code)?;
                Ok((self.place(fiber, *instance)?, request))
            }
            Verb::Assign { .. } | Verb::SetState { .. } => self.build_legacy(shared, fiber, code),
            Verb::Execute { message, .. } => {
                let place = shared.plan.custom_message(*message).instance;
                Ok((place, self.build_execute(shared, fiber, &code.verb)?))
            }
            _ => self.build_access(shared, fiber, &code.verb),
        }
    }

    /// The request of a step that changes who may do what.
    fn build_access(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        verb: &Verb,
    ) -> Result<(InstanceId, Request), Fault> {
        match verb {
            Verb::Share { instance, table, row, with, rights } => {
                let place = self.place(fiber, *instance)?;
                let target = self.target(shared, fiber, *table, row)?;
                let with = self.principal(shared, fiber, place, with)?;
                Ok((place, Request::share((*table, target), with, rights)))
            }
            Verb::Members { instance, team, users, leave } => {
                let place = self.place(fiber, *instance)?;
                let request = self.build_members(shared, fiber, place, (team, users), *leave)?;
                Ok((place, request))
            }
            _ => Err(broken("the step asks for nothing".to_owned())),
        }
    }

    fn build_merge(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        code: &RequestCode,
    ) -> Result<Request, Fault> {
        let Verb::Merge { table, row, subordinate, set, .. } = &code.verb else {
            return Err(broken("the step is no merge".to_owned()));
        };
        let target = self.target(shared, fiber, *table, row)?;
        let mut request = Request::new(Message::Merge, *table, target);
        request.subordinate = Some(self.row(fiber, *table, subordinate)?);
        self.assign_all(shared, fiber, &mut request, None, set, &code.late)?;
        Ok(request)
    }

    fn build_query(&self, fiber: &Fiber, verb: &Verb) -> Result<Request, Fault> {
        let Verb::Query { selection, .. } = verb else {
            return Err(broken("the step is no query".to_owned()));
        };
        let mut request = Request::new(Message::RetrieveMultiple, selection.table, Target::None);
        let query = self.query_of(fiber, selection, Asks::ThePlatform)?;
        request.select = query.select.clone();
        request.hints = selection.hints;
        request.query = Some(Arc::new(query));
        Ok(request)
    }

    pub(super) fn target(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        table: TableId,
        selector: &RowSelector,
    ) -> Result<Target, Fault> {
        match selector {
            RowSelector::Row(row) => Ok(Target::Id(self.row(fiber, table, row)?)),
            RowSelector::Any => Ok(Target::Any),
            RowSelector::Key(key) => {
                let definition = shared.plan.table(table);
                let position = definition.keys.iter().position(|candidate| {
                    candidate.columns.len() == key.values.len()
                        && candidate
                            .columns
                            .iter()
                            .all(|column| key.values.iter().any(|(given, _)| given == column))
                });
                let Some(position) = position else {
                    let message = format!(
                        "The specified key attributes are not a defined key for the {} entity",
                        definition.name
                    );
                    return Err(Fault::new(FaultKind::KeyNotDefined, message));
                };
                let mut values = Vec::with_capacity(key.values.len());
                for column in &definition.keys[position].columns {
                    for (_, expression) in key.values.iter().filter(|(given, _)| given == column) {
                        let value = self.value(fiber, expression)?;
                        values.push(self.coerce(table, *column, value)?);
                    }
                }
                Ok(Target::Key(u16::try_from(position).unwrap_or(u16::MAX), values))
            }
        }
    }

    /// The id of the row that an expression means: a row that was read, an id, or a name.
    pub(super) fn row(
        &mut self,
        fiber: &Fiber,
        table: TableId,
        expression: &Expression,
    ) -> Result<RowId, Fault> {
        match self.value(fiber, expression)? {
            Value::Id(id) => Ok(id),
            Value::Record(record) => Ok(record.id),
            Value::Text(text) => Ok(self.row_called(table, &text)),
            Value::Null => Err(broken("the row to work on is null".to_owned())),
            other => Err(broken(format!("{} names no row", other.kind()))),
        }
    }

    /// The row that people call `name`; a GUID in text form is itself.
    pub(super) fn row_called(&mut self, table: TableId, name: &str) -> RowId {
        self.surroundings().row_called(table, name)
    }

    pub(super) fn assign_all(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        request: &mut Request,
        from: Option<&Expression>,
        set: &[Assignment],
        late: &[Option<Arc<Expression>>],
    ) -> Result<(), Fault> {
        if let Some(from) = from {
            match self.value(fiber, from)? {
                Value::Record(record) => {
                    for (_, name, value) in &record.columns {
                        if let Some(column) = shared.plan.table(request.table).column(name) {
                            let value = self.coerce(request.table, column, value.clone())?;
                            request.assign(column, Assigned::Value(value));
                        }
                    }
                }
                other => {
                    return Err(broken(format!("no columns to copy from {}", other.kind())));
                }
            }
        }
        for (assignment, late) in set.iter().zip(late) {
            let assigned = match (&assignment.value, late) {
                (_, Some(expression)) => Assigned::Late(Arc::clone(expression)),
                (Expression::Literal(value), None) => Assigned::Value(value.clone()),
                (expression, None) => {
                    self.with_scope(fiber, |scope| assigned(expression, scope))?
                }
            };
            let assigned = match assigned {
                Assigned::Value(value) => {
                    Assigned::Value(self.coerce(request.table, assignment.column, value)?)
                }
                late @ Assigned::Late(_) => late,
            };
            request.assign(assignment.column, assigned);
        }
        Ok(())
    }

    /// What each column of a statement gets.
    pub(super) fn assigned_values(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        table: TableId,
        set: &[Assignment],
        late: &[Option<Arc<Expression>>],
    ) -> Result<Vec<(ColumnId, Assigned)>, Fault> {
        let mut request = Request::new(Message::Update, table, Target::None);
        self.assign_all(shared, fiber, &mut request, None, set, late)?;
        Ok(request.columns)
    }

    /// A value as its column holds it: names become ids, whole numbers become decimals.
    ///
    /// # Errors
    ///
    /// The platform's fault for a value that the column can't hold.
    pub(super) fn coerce(
        &mut self,
        table: TableId,
        column: ColumnId,
        value: Value,
    ) -> Result<Value, Fault> {
        self.surroundings().coerce(table, column, value)
    }

    /// Sets columns of the target of the plug-in that runs. After the main operation it has no
    /// effect on the row any more, as on the platform.
    pub(super) fn set_target(
        &mut self,
        shared: &Shared,
        fiber: &mut Fiber,
        set: &[(Name, Expression)],
    ) -> Result<(), Fault> {
        for (name, value) in self.values(fiber, set)? {
            let request = fiber.frames.iter().rposition(|frame| matches!(frame, Frame::Request(_)));
            let Some(Frame::Request(frame)) = request.map(|index| &mut fiber.frames[index]) else {
                return Err(broken("there is no target to set columns of".to_owned()));
            };
            let table = frame.request.table;
            let Some(column) = shared.plan.table(table).column(&name) else {
                let message = format!(
                    "'{}' entity doesn't contain attribute with Name = '{name}'.",
                    shared.plan.table(table).name
                );
                return Err(Fault::new(FaultKind::NoSuchColumn, message));
            };
            let value = self.coerce(table, column, value)?;
            frame.request.assign_target(column, Assigned::Value(value));
        }
        Ok(())
    }
}

/// The value of an assignment, or the expression itself when only the row can tell.
fn assigned(expression: &Expression, scope: &Scope<'_>) -> Result<Assigned, Trouble> {
    if needs_row(expression, scope) {
        return Ok(Assigned::Late(Arc::new(close(expression, scope)?)));
    }
    evaluate(expression, scope).map(Assigned::Value)
}

impl Request {
    /// A request that writes nothing and asks for everything.
    pub const fn new(message: Message, table: TableId, target: Target) -> Self {
        Self {
            message,
            table,
            target,
            columns: Vec::new(),
            select: None,
            when: UpsertWhen::Always,
            query: None,
            changes: None,
            required: None,
            input: None,
            subordinate: None,
            hints: Hints::NONE,
            access: None,
            association: None,
            batch: None,
        }
    }
}
