//! Plug-ins written in Rust.
//!
//! A plug-in is an ordinary function over a [`Service`]. Each call of the service either returns
//! the platform's answer or leaves the function early through `?`; the engine carries the request
//! out in virtual time, keeps the answer, and runs the function again from its start, now with one
//! answer more at hand. So the function needs no `async`, and the world stays a value that can be
//! copied. The rule for authors is one line: **no clock, no randomness, no I/O except through
//! `service`**, so that every run of the function asks for the same things.
//!
//! ```
//! use multiverse::plug_in::{Interruption, PlugIn, Service};
//!
//! /// Creates a task for every new account.
//! struct Welcome;
//!
//! impl PlugIn for Welcome {
//!     fn execute(&self, service: &mut Service<'_>) -> Result<(), Interruption> {
//!         let name = service.target("name");
//!         if name.is_null() {
//!             return Err(service.fail("An account needs a name."));
//!         }
//!         service.create("task", None, &[("subject", name)])?;
//!         Ok(())
//!     }
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::asking::Asking;
use crate::engine::database::Assigned;
use crate::engine::fiber::Asked;
use crate::engine::request::{Answer, Request, Target};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, Plan, Stage, UpsertWhen};
use crate::words::{InstanceId, Name, Record, RowId, TableId, Value};

/// A plug-in step's behaviour in Rust.
pub trait PlugIn: Send + Sync {
    /// Does the plug-in's work. It is run several times, each time a call further; see the module.
    ///
    /// # Errors
    ///
    /// Whatever a call of the service returned, passed on with `?`, or [`Service::fail`].
    fn execute(&self, service: &mut Service<'_>) -> Result<(), Interruption>;
}

/// Why a plug-in's function returned before its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Interruption {
    /// It waits for an answer; the engine will run it again. Pass it on with `?`.
    Waiting,
    /// A fault: of a service call, or of its own.
    Fault(Fault),
}

impl From<Fault> for Interruption {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The plug-ins in Rust that a run is given, by the names under which scenarios refer to them
/// (`rust: <name>`).
#[derive(Clone, Default)]
pub struct PlugIns(BTreeMap<Name, Arc<dyn PlugIn>>);

impl PlugIns {
    /// Adds a plug-in, in place of one of the same name.
    pub fn insert(&mut self, name: &str, plug_in: impl PlugIn + 'static) {
        self.0.insert(Name::from(name), Arc::new(plug_in));
    }

    /// The plug-in of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn PlugIn>> {
        self.0.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }
}

impl fmt::Debug for PlugIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Which row a plug-in means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Row<'a> {
    /// The row with this id.
    Id(RowId),
    /// The row that scenarios call so.
    Named(&'a str),
    /// The row with these values of an alternate key.
    Key(&'a [(&'a str, Value)]),
}

/// What the platform offers a plug-in: what it runs for, and requests to the instance.
pub struct Service<'a> {
    pub(super) plan: &'a Plan,
    pub(super) instance: InstanceId,
    pub(super) context: Context,
    pub(super) target: Request,
    pub(super) before: Option<Arc<Record>>,
    pub(super) log: &'a [(Asked, Result<Answer, Fault>)],
    pub(super) answered: usize,
    pub(super) pending: Option<Asked>,
}

/// What a plug-in runs for.
///
/// Source: Microsoft Learn, "Understand the execution context".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The message.
    pub message: Message,
    /// The stage.
    pub stage: Stage,
    /// 1 for an outermost request's step.
    pub depth: u32,
    /// Whether it runs inside a database transaction.
    pub in_transaction: bool,
}

impl Service<'_> {
    /// What the plug-in runs for.
    pub const fn context(&self) -> Context {
        self.context
    }

    /// The value that the request gives a column; null when it gives none.
    pub fn target(&self, column: &str) -> Value {
        let id = self.plan.table(self.target.table).column(column);
        let found = self.target.columns.iter().find(|(assigned, _)| Some(*assigned) == id);
        match found {
            Some((_, Assigned::Value(value))) => value.clone(),
            _ => Value::Null,
        }
    }

    /// The id of the row that the request is about, where it is known.
    pub const fn target_id(&self) -> Option<RowId> {
        self.target.id()
    }

    /// Gives a column of the target another value. It is written if the main operation is still
    /// to come.
    ///
    /// # Errors
    ///
    /// The table has no such column.
    pub fn set_target(&mut self, column: &str, value: Value) -> Result<(), Interruption> {
        let column = Asking(self.plan).column(self.target.table, column)?;
        self.target.assign(column, Assigned::Value(value));
        Ok(())
    }

    /// The row as it was before the main operation, for Update and Delete.
    pub fn before(&self) -> Option<&Record> {
        self.before.as_deref()
    }

    /// A fault with the author's own message (`InvalidPluginExecutionException`), to be returned.
    pub fn fail(&self, message: &str) -> Interruption {
        Interruption::Fault(Fault::new(FaultKind::PlugInAborted, message))
    }

    /// Adds a row and answers its id. Without a name the platform draws the id.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn create(
        &mut self,
        table: &str,
        name: Option<&str>,
        columns: &[(&str, Value)],
    ) -> Result<RowId, Interruption> {
        let table = self.table(table)?;
        let target =
            name.map_or(Target::None, |name| Target::Id(Asking(self.plan).called(table, name)));
        let request = self.request(Message::Create, table, target, columns)?;
        match self.ask(request)? {
            Answer::Id(id) => Ok(id),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads one row.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve(&mut self, table: &str, row: Row<'_>) -> Result<Arc<Record>, Interruption> {
        let table = self.table(table)?;
        let target = self.row(table, row)?;
        let request = self.request(Message::Retrieve, table, target, &[])?;
        match self.ask(request)? {
            Answer::Record(record) => Ok(record),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads every row of a table, in the table's own order: that of creation, until a new row
    /// takes the place of a deleted one.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve_all(&mut self, table: &str) -> Result<Vec<Arc<Record>>, Interruption> {
        let table = self.table(table)?;
        let request = self.request(Message::RetrieveMultiple, table, Target::None, &[])?;
        match self.ask(request)? {
            Answer::List(items) => Ok(items
                .iter()
                .filter_map(|item| match item {
                    Value::Record(record) => Some(Arc::clone(record)),
                    _ => None,
                })
                .collect()),
            _ => Err(self.unexpected()),
        }
    }

    /// Changes a row.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn update(
        &mut self,
        table: &str,
        row: Row<'_>,
        columns: &[(&str, Value)],
    ) -> Result<(), Interruption> {
        let table = self.table(table)?;
        let target = self.row(table, row)?;
        let request = self.request(Message::Update, table, target, columns)?;
        self.ask(request).map(drop)
    }

    /// Creates or updates a row and answers its id, where it is known.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn upsert(
        &mut self,
        table: &str,
        row: Row<'_>,
        columns: &[(&str, Value)],
        when: UpsertWhen,
    ) -> Result<Option<RowId>, Interruption> {
        let table = self.table(table)?;
        let target = self.row(table, row)?;
        let mut request = self.request(Message::Upsert, table, target, columns)?;
        request.when = when;
        match self.ask(request)? {
            Answer::Id(id) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Removes a row.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn delete(&mut self, table: &str, row: Row<'_>) -> Result<(), Interruption> {
        let table = self.table(table)?;
        let target = self.row(table, row)?;
        let request = self.request(Message::Delete, table, target, &[])?;
        self.ask(request).map(drop)
    }

    /// Takes virtual time: computing, or a call to something that is not simulated.
    ///
    /// # Errors
    ///
    /// [`Interruption::Waiting`].
    pub fn work(&mut self, duration: Duration) -> Result<(), Interruption> {
        self.next(Asked::Work(duration)).map(drop)
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Interruption> {
        self.next(Asked::Request(self.instance, Box::new(request)))
    }

    /// The logged answer to what is asked, or the way out.
    fn next(&mut self, asked: Asked) -> Result<Answer, Interruption> {
        if self.pending.is_some() {
            return Err(Interruption::Waiting);
        }
        let Some((before, answer)) = self.log.get(self.answered) else {
            self.pending = Some(asked);
            return Err(Interruption::Waiting);
        };
        if *before != asked {
            let message = "The plug-in asked for something else when it was run again: it must \
                           use no clock, no randomness and no I/O except through its service.";
            return Err(Interruption::Fault(Fault::new(FaultKind::PlugInFailed, message)));
        }
        self.answered += 1;
        answer.clone().map_err(Interruption::Fault)
    }

    fn unexpected(&self) -> Interruption {
        let message = "The platform's answer is not of the kind that was asked for.";
        Interruption::Fault(Fault::new(FaultKind::PlugInFailed, message))
    }

    fn table(&self, name: &str) -> Result<TableId, Interruption> {
        Ok(Asking(self.plan).table(name)?)
    }

    fn row(&self, table: TableId, row: Row<'_>) -> Result<Target, Interruption> {
        Ok(Asking(self.plan).row(table, row)?)
    }

    fn request(
        &self,
        message: Message,
        table: TableId,
        target: Target,
        columns: &[(&str, Value)],
    ) -> Result<Request, Interruption> {
        let columns = columns.iter().map(|(name, value)| (*name, value.clone()));
        Ok(Asking(self.plan).request(message, table, target, columns)?)
    }
}
