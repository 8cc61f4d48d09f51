//! What a plug-in can ask for: requests to instances, time, ids, and lines of the trace log.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::ask::{Ask, Which};
use crate::engine::plug_in::replay::Asked;
use crate::engine::plug_in::{Beside, Changes, Context, Interruption, Rows};
use crate::engine::request::Answer;
use crate::fault::{Fault, FaultKind};
use crate::words::{Delta, Record, RowId, Value};

/// The services of the platform: the organization service and the tracing service in one.
///
/// Each call is a request of its own, with stages, privileges, locks and a depth one more. Within
/// a transaction it is part of it. It may wait for a row that somebody else holds; then the
/// function is left through `?`, and run again when the answer is there.
impl Context<'_> {
    /// Adds a row and answers its id.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn create(
        &mut self,
        table: &str,
        columns: &[(&str, Value)],
    ) -> Result<RowId, Interruption> {
        match self.execute(Ask::create(table).set_all(columns))? {
            Answer::Id(id) => Ok(id),
            _ => Err(unexpected()),
        }
    }

    /// Reads one row, with all its columns.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve(
        &mut self,
        table: &str,
        row: impl Into<Which>,
    ) -> Result<Arc<Record>, Interruption> {
        match self.execute(Ask::retrieve(table, row))? {
            Answer::Record(record) => Ok(record),
            _ => Err(unexpected()),
        }
    }

    /// Reads the rows that a query finds, 5,000 at most.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve_multiple(&mut self, rows: Rows) -> Result<Vec<Arc<Record>>, Interruption> {
        match self.execute(Ask::retrieve_multiple(rows))?.into_value() {
            Value::List(items) => Ok(records(&items)),
            _ => Err(unexpected()),
        }
    }

    /// Reads a page of the rows that a query finds, and what is told beside it: whether there are
    /// more, and the cookie with which to ask for them.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve_page(
        &mut self,
        rows: Rows,
    ) -> Result<(Vec<Arc<Record>>, Beside), Interruption> {
        match self.execute(Ask::retrieve_multiple(rows))? {
            Answer::Page(items, beside) => Ok((records(&items), *beside)),
            // The last page, beside which there is nothing to tell.
            Answer::List(items) => Ok((records(&items), Beside::default())),
            _ => Err(unexpected()),
        }
    }

    /// Reads what has changed in a table.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn retrieve_changes(&mut self, changes: Changes) -> Result<Arc<Delta>, Interruption> {
        match self.execute(Ask::retrieve_changes(changes))? {
            Answer::Changes(delta) => Ok(delta),
            _ => Err(unexpected()),
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
        row: impl Into<Which>,
        columns: &[(&str, Value)],
    ) -> Result<(), Interruption> {
        self.execute(Ask::update(table, row).set_all(columns)).map(drop)
    }

    /// Creates or updates a row and answers its id, where it is known.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn upsert(
        &mut self,
        table: &str,
        row: impl Into<Which>,
        columns: &[(&str, Value)],
    ) -> Result<Option<RowId>, Interruption> {
        match self.execute(Ask::upsert(table, row).set_all(columns))? {
            Answer::Id(id) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Removes a row.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn delete(&mut self, table: &str, row: impl Into<Which>) -> Result<(), Interruption> {
        self.execute(Ask::delete(table, row)).map(drop)
    }

    /// Makes any request: with conditions, or to another instance, which is no part of the
    /// transaction and may not be reached.
    ///
    /// # Errors
    ///
    /// The request's fault, or [`Interruption::Waiting`].
    pub fn execute(&mut self, ask: Ask) -> Result<Answer, Interruption> {
        self.replay.next(Asked::Request(Box::new(ask)))
    }

    /// Does something, and hands its fault over instead of passing it on, as a `try` block does.
    /// What waits still waits.
    ///
    /// In a transaction the request that has failed has doomed it, whatever is done with the
    /// fault: see [`FaultKind::TransactionNotStarted`] and its neighbours.
    ///
    /// # Errors
    ///
    /// [`Interruption::Waiting`] and [`Interruption::Exception`], to be passed on with `?`.
    pub fn attempt<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T, Interruption>,
    ) -> Result<Result<T, Fault>, Interruption> {
        match what(self) {
            Ok(value) => Ok(Ok(value)),
            Err(Interruption::Fault(fault)) => Ok(Err(fault)),
            Err(other) => Err(other),
        }
    }

    /// Takes virtual time: computing, or a call to something that is not simulated.
    ///
    /// # Errors
    ///
    /// [`Interruption::Waiting`].
    pub fn work(&mut self, duration: Duration) -> Result<(), Interruption> {
        self.replay.next(Asked::Work(duration)).map(drop)
    }

    /// A new unique id, drawn from the seed, in place of `Guid.NewGuid()`.
    ///
    /// # Errors
    ///
    /// [`Interruption::Waiting`].
    pub fn new_id(&mut self) -> Result<RowId, Interruption> {
        match self.replay.next(Asked::Id)? {
            Answer::Id(id) => Ok(id),
            _ => Err(unexpected()),
        }
    }

    /// Writes a line to the plug-in trace log. It stays there when the transaction is rolled back.
    /// The macro [`trace!`](crate::trace!) writes one with values in it.
    pub fn trace(&mut self, line: impl Into<String>) {
        self.replay.trace(line.into());
    }
}

/// The rows of an answer.
fn records(items: &[Value]) -> Vec<Arc<Record>> {
    items.iter().filter_map(Value::as_record).cloned().collect()
}

fn unexpected() -> Interruption {
    let message = "The platform's answer is not of the kind that was asked for.";
    Interruption::Fault(Fault::new(FaultKind::PlugInFailed, message))
}
