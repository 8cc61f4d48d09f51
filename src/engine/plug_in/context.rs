//! What a plug-in is given: what it runs for, and the way to ask for more.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::engine::asking::Asking;
use crate::engine::database::Assigned;
use crate::engine::fiber::{Phase, RequestFrame};
use crate::engine::plug_in::Interruption;
use crate::engine::plug_in::replay::Replay;
use crate::engine::request::{Answer, Request};
use crate::engine::scope::{PlugInScope, stage_of};
use crate::engine::sharing::SharedVariables;
use crate::fault::{Fault, FaultKind, OperationStatus};
use crate::plan::{Message, Mode, PlugIn as Registration, Side, Stage};
use crate::words::evaluate::{Clock, PlugInNames};
use crate::words::own_names::{CONTEXT, RELATED, RELATIONSHIP};
use crate::words::{ColumnId, Name, Record, RowId, Value};

/// The execution context of a plug-in, with its services.
///
/// What stands here of the request is a copy: the plug-in changes the *target*, and sets shared
/// variables. The calls of its services are in the second half of this page; each may wait, and
/// is passed on with `?`.
///
/// Source: Microsoft Learn, "Understand the execution context".
pub struct Context<'a> {
    pub(in crate::engine) scope: PlugInScope<'a>,
    pub(in crate::engine) step: &'a Registration,
    pub(in crate::engine) replay: Replay<'a>,
    /// The request, with what the plug-in has changed of its target.
    pub(in crate::engine) target: Request,
    pub(in crate::engine) shared: SharedVariables,
    /// The parameters that the plug-in has set.
    pub(in crate::engine) parameters: Vec<(Side, Name, Value)>,
    pub(in crate::engine) users: Users,
}

/// As whom a plug-in runs; `None` for a system administrator.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Users {
    /// Who has made the outermost request.
    pub initiating: Option<RowId>,
    /// As whom the plug-in's own requests are made.
    pub acting: Option<RowId>,
}

/// The execution context of the request around a plug-in's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its message.
    pub message: Message,
    /// Its table.
    pub table: Name,
    /// Its row, where it is about one.
    pub row: Option<RowId>,
    /// The stage that it is in; the main operation for a request that the platform makes there.
    pub stage: Stage,
    /// Its depth.
    pub depth: u32,
    /// Whether it is in a database transaction.
    pub in_transaction: bool,
}

impl Context<'_> {
    /// The message: what is asked for.
    pub const fn message(&self) -> Message {
        self.target.message
    }

    /// The table of the request, in the SDK the primary entity.
    pub fn table(&self) -> &str {
        &self.scope.plan.table(self.target.table).name
    }

    /// The instance in which it runs.
    pub fn instance(&self) -> &str {
        &self.scope.plan.instance(self.request().instance).name
    }

    /// The name of the step as which it runs.
    pub fn step(&self) -> &str {
        &self.step.name
    }

    /// The stage.
    pub const fn stage(&self) -> Stage {
        stage_of(self.request().phase)
    }

    /// Whether it runs within the request, or as a job after it.
    pub const fn mode(&self) -> Mode {
        self.step.mode
    }

    /// 1 in a step of a request that a client has made, one more in each request within.
    pub const fn depth(&self) -> u32 {
        self.request().depth
    }

    /// Whether it runs inside a database transaction.
    pub const fn is_in_transaction(&self) -> bool {
        self.request().transaction.is_some()
    }

    /// The same for all that follows from one outermost request, across plug-ins and jobs.
    ///
    /// Source: Microsoft Learn, "Use webhooks to create external handlers", `CorrelationId`.
    pub fn correlation_id(&self) -> Uuid {
        let id = self.scope.member(CONTEXT, "correlation id");
        id.and_then(|id| id.as_id()).map_or(Uuid::nil(), |id| id.0)
    }

    /// The user who has made the request that began it all; `None` for a system administrator.
    pub const fn initiating_user_id(&self) -> Option<RowId> {
        self.users.initiating
    }

    /// The user as whom this plug-in makes its requests: the step's `run as`, else as
    /// [`Context::initiating_user_id`].
    pub const fn user_id(&self) -> Option<RowId> {
        self.users.acting
    }

    /// The moment on the virtual calendar. It is later after a call than before.
    pub fn now(&self) -> Timestamp {
        Clock { start: self.scope.plan.start, now: self.replay.now }.moment()
    }

    /// The context of the request around; `None` in a step of an outermost request, and in a job.
    pub fn parent(&self) -> Option<Parent> {
        let around = self.scope.around().next()?;
        Some(Parent {
            message: around.request.message,
            table: self.scope.plan.table(around.request.table).name.clone(),
            row: around.request.id(),
            stage: stage_of(around.phase),
            depth: around.depth,
            in_transaction: around.transaction.is_some(),
        })
    }

    /// The id of the row that the request is about, where it is known.
    ///
    /// Assumed: that of a new row which its creator has given none is known after the main
    /// operation; no page read says so.
    pub const fn target_id(&self) -> Option<RowId> {
        self.target.id()
    }

    /// The value that the request gives a column; null when it gives none. See
    /// [`Context::has_target`] for the difference.
    pub fn target(&self, column: &str) -> Value {
        match self.assigned(column) {
            Some(Assigned::Value(value)) => value.clone(),
            _ => Value::Null,
        }
    }

    /// Whether the request gives this column a value, be it null. An Update brings only the
    /// columns that its caller has put in, changed or not.
    pub fn has_target(&self, column: &str) -> bool {
        self.assigned(column).is_some()
    }

    /// The targets of a bulk message (`Targets`); of any other the only one.
    pub fn targets(&self) -> Vec<Arc<Record>> {
        match self.scope.targets_of(&self.target) {
            Value::List(items) => items.iter().filter_map(Value::as_record).cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Gives a column of the target another value, or a value at all. Before the main operation it
    /// is written with the rest; after it, nobody will look.
    ///
    /// # Errors
    ///
    /// The table has no such column.
    pub fn set_target(
        &mut self,
        column: &str,
        value: impl Into<Value>,
    ) -> Result<(), Interruption> {
        let column = self.column(column)?;
        self.target.assign_target(column, Assigned::Value(value.into()));
        Ok(())
    }

    /// Takes a column out of the target, so that it is not written.
    ///
    /// # Errors
    ///
    /// The table has no such column.
    pub fn remove_target(&mut self, column: &str) -> Result<(), Interruption> {
        let column = self.column(column)?;
        let items = self.target.batch.iter_mut().flat_map(|batch| &mut batch.items);
        for item in items {
            item.columns.retain(|(assigned, _)| *assigned != column);
        }
        self.target.columns.retain(|(assigned, _)| *assigned != column);
        Ok(())
    }

    /// An input parameter: of a custom message by the name that its maker has given it, of another
    /// by the platform's: `Target` (a row with the columns that are given; the id for Retrieve and
    /// Delete), `Targets`, `SubordinateId`, `Relationship` and `RelatedEntities`. Null for one that
    /// is not there.
    pub fn input(&self, name: &str) -> Value {
        if let Some(value) = self.parameter(Side::Input, name) {
            return value;
        }
        match name {
            "Target" => match self.target.message {
                Message::Delete | Message::Retrieve => self.target.id().into(),
                Message::RetrieveMultiple | Message::RetrieveEntityChanges => Value::Null,
                _ if self.target.batch.is_some() => Value::Null,
                _ => self.targets().into_iter().next().into(),
            },
            "Targets" if self.target.batch.is_some() => self.scope.targets_of(&self.target),
            "SubordinateId" => self.target.subordinate.into(),
            "Relationship" => self.scope.record(RELATIONSHIP).unwrap_or_default(),
            "RelatedEntities" => self.scope.record(RELATED).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// An output parameter, from the main operation on: of a custom message by its maker's name, of
    /// another by the platform's: `id` of a Create, `BusinessEntity` of a Retrieve,
    /// `BusinessEntityCollection` of a RetrieveMultiple. Null for one that is not there.
    pub fn output(&self, name: &str) -> Value {
        if let Some(value) = self.parameter(Side::Output, name) {
            return value;
        }
        let request = self.request();
        match (name, &request.answer) {
            _ if request.phase < Phase::PostOperation => Value::Null,
            ("id", Answer::Id(id)) => Value::Id(*id),
            ("BusinessEntity", Answer::Record(record)) => Value::Record(Arc::clone(record)),
            ("BusinessEntityCollection", Answer::List(rows) | Answer::Page(rows, _)) => {
                Value::List(Arc::clone(rows))
            }
            _ => Value::Null,
        }
    }

    /// Gives an input parameter of a custom message another value.
    pub fn set_input(&mut self, name: &str, value: impl Into<Value>) {
        self.parameters.push((Side::Input, Name::from(name), value.into()));
    }

    /// Gives an output parameter of a custom message its value; of a Retrieve, a column of the row
    /// that it answers. That there is such a parameter shows when the plug-in is done.
    pub fn set_output(&mut self, name: &str, value: impl Into<Value>) {
        self.parameters.push((Side::Output, Name::from(name), value.into()));
    }

    /// A parameter that the plug-in has set, or one of a custom message.
    fn parameter(&self, side: Side, name: &str) -> Option<Value> {
        let set = self.parameters.iter().rev().find(|(of, it, _)| *of == side && **it == *name);
        if let Some((.., value)) = set {
            return Some(value.clone());
        }
        self.target.message.custom()?;
        match (side, &self.target.input, &self.request().answer) {
            (Side::Input, Some(record), _) | (Side::Output, _, Answer::Record(record)) => {
                Some(record.value(name))
            }
            _ => None,
        }
    }

    /// The image with which the step is registered under this alias.
    ///
    /// # Errors
    ///
    /// There is none: the step is not registered with it, or the row was not there. On the
    /// platform the key is not in the dictionary, an exception that few plug-ins expect.
    pub fn image(&self, alias: &str) -> Result<Arc<Record>, Interruption> {
        match self.scope.image(alias) {
            Some(Value::Record(record)) => Ok(record),
            Some(_) => Err(self.throw(&format!("The row of the image `{alias}` is not there."))),
            None => {
                let known: Vec<_> =
                    self.step.images.iter().map(|image| format!("`{}`", image.name)).collect();
                let known = match &known[..] {
                    [] => "it has none".to_owned(),
                    known => format!("it has {}", known.join(", ")),
                };
                let step = &self.step.name;
                Err(self.throw(&format!("The step `{step}` has no image `{alias}`; {known}.")))
            }
        }
    }

    /// The whole row as it was before the main operation of an Update or Delete, image or not.
    pub fn before(&self) -> Option<&Record> {
        self.request().before.as_deref()
    }

    /// A shared variable of the request; null where no step has set it. What PreValidation has
    /// set, the stages inside the transaction find with [`Context::parent_shared`].
    pub fn shared(&self, name: &str) -> Value {
        self.shared.own(self.request().phase, name)
    }

    /// A shared variable of the contexts around; null where there is none.
    pub fn parent_shared(&self, name: &str) -> Value {
        SharedVariables::of_parents(self.request(), self.scope.around(), name)
    }

    /// Sets a shared variable of the request, for the steps that follow.
    pub fn set_shared(&mut self, name: &str, value: impl Into<Value>) {
        let phase = self.request().phase;
        self.shared.set(phase, Name::from(name), value.into());
    }

    /// A fault with the author's own message (`InvalidPluginExecutionException`), to be returned.
    pub fn fail(&self, message: &str) -> Interruption {
        self.fail_with(message, OperationStatus::Failed)
    }

    /// The same, with what the async service is to do with the job that the plug-in runs in.
    pub fn fail_with(&self, message: &str, status: OperationStatus) -> Interruption {
        Interruption::Fault(Fault { status, ..Fault::new(FaultKind::PlugInAborted, message) })
    }

    /// An exception that is no `InvalidPluginExecutionException`, to be returned: the caller
    /// learns only that the plug-in broke, and the text goes to the story. So does a panic.
    pub fn throw(&self, text: &str) -> Interruption {
        Interruption::Exception(text.to_owned())
    }

    pub(in crate::engine) const fn request(&self) -> &RequestFrame {
        self.scope.request
    }

    fn assigned(&self, column: &str) -> Option<&Assigned> {
        let table = self.scope.plan.table(self.target.table);
        let column = table.column(column).filter(|it| self.request().part.has(table, *it))?;
        let found = self.target.columns.iter().find(|(assigned, _)| *assigned == column);
        found.map(|(_, assigned)| assigned)
    }

    fn column(&self, name: &str) -> Result<ColumnId, Interruption> {
        Ok(Asking(self.scope.plan).column(self.target.table, name)?)
    }
}
