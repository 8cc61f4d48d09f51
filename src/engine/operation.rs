//! The platform's own work: stage 30, and before it the look-up of a row that a request names by a
//! key, or does not know to be there. Each is one database command.
//!
//! A write takes its locks first and applies itself the moment it has them; then its cost passes,
//! with the locks held. A command that must wait is simply tried again when its lock was granted:
//! up to the write it changes nothing. A query goes through its rows bit by bit, unless it reads
//! committed versions, which are as of one instant.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::batch::carry_out;
use crate::engine::concurrency::{Upsert, decide_upsert};
use crate::engine::database::{
    Answered, Assigned, Beside, By, Caller, Change, Execution, Looked, Query, Step, Waiter, Wrote,
    broken, does_not_exist, record_of, selected,
};
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame};
use crate::engine::jobs::JobAccess;
use crate::engine::request::{Answer, Request, Target};
use crate::engine::store::{TableStore, View};
use crate::engine::world::{World, plug_in_deadline};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Message, Table, UpsertWhen};
use crate::trace::{Event, WriteKind};
use crate::words::{InstanceId, Record, RowId, SimInstant, Value};

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Done {
    /// It waits for a lock.
    Waits,
    /// What it met may have changed: it must look again.
    Again,
    /// It has done a bit, which takes this long; then it goes on.
    Took(Duration),
    /// It needs a request of the platform's own, in its own transaction. When that has ended, the
    /// command goes on, with the answer in [`RequestFrame::parts`].
    Part(Box<Request>),
    /// It is done, and takes this long.
    After(Duration),
}

impl World {
    /// Who makes a request's reads and writes.
    pub(super) fn caller(&self, fiber: FiberId, frame: &RequestFrame) -> Caller {
        let database = &self.databases[frame.instance.index()];
        let isolation = match frame.transaction {
            Some(transaction) => database.isolation_of(transaction),
            None => self.shared.plan.instance(frame.instance).isolation,
        };
        let waiter = Waiter(fiber.0);
        Caller {
            request: frame.id,
            by: frame.transaction.map(|transaction| By { transaction, waiter }),
            level: frame.request.hints.level(isolation),
        }
    }

    /// Finds the row that a key names, and decides what becomes of an upsert.
    ///
    /// Source: Microsoft Learn, "Use Upsert to create or update a record": the row is looked up by
    /// id, else by key; found, the key's columns are taken out of what is written and an Update
    /// follows; else the key's values are added where the columns lack them and a Create
    /// follows. The look-up and the write are not atomic. Assumed: the look-up takes no locks.
    pub(super) fn resolve(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let cost = plan.costs.read;
        let table = frame.request.table;
        let level = self.caller(fiber, frame).level;
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let store = self.databases[frame.instance.index()].store(table)?;
        let found: Option<(RowId, u64)> = match &frame.request.target {
            Target::Id(id) => {
                let image = store.find(*id).and_then(|row| store.read(row, view));
                image.map(|image| (*id, image.row_version()))
            }
            Target::Key(key, values) => find_by_key(store, plan.table(table), *key, values, view),
            Target::Any => {
                let rows: Vec<_> =
                    store.rows().filter_map(|row| Some(store.read(row, view)?.id())).collect();
                let chosen =
                    if rows.is_empty() { None } else { Some(self.random.choice(rows.len())) };
                chosen.map(|chosen| (rows[chosen], 0))
            }
            Target::None => None,
        };
        frame.phase = Phase::PreValidation;
        if frame.request.message == Message::Upsert {
            match decide_upsert(frame.request.required, found.is_some()) {
                Upsert::GoesOn => self.resolve_upsert(frame, plan.table(table), found, level),
                Upsert::Missed => return Err(self.unresolved(frame, level)),
                Upsert::Refused(fault) => return Err(fault),
            }
            return Ok(Done::After(cost));
        }
        match found {
            Some((id, _)) => frame.request.target = Target::Id(id),
            None => return Err(self.unresolved(frame, level)),
        }
        Ok(Done::After(cost))
    }

    /// Tells that a request has not found its row.
    fn tell_missed(&mut self, frame: &RequestFrame, level: Isolation) {
        let (request, instance, table) = (frame.id, frame.instance, frame.request.table);
        let row = frame.request.id();
        self.log.emit(self.now, || Event::RowMissed { request, instance, table, row, level });
    }

    /// The fault of a row that a look-up has not found, told to the trace as well.
    fn unresolved(&mut self, frame: &RequestFrame, level: Isolation) -> Fault {
        self.tell_missed(frame, level);
        let definition = self.shared.plan.table(frame.request.table);
        if let Some(id) = frame.request.id() {
            return does_not_exist(definition, id);
        }
        let message = format!(
            "A record with the specified key values does not exist in {} entity",
            definition.name
        );
        Fault::new(FaultKind::KeyNotFound, message)
    }

    fn resolve_upsert(
        &mut self,
        frame: &mut RequestFrame,
        table: &Table,
        found: Option<(RowId, u64)>,
        level: Isolation,
    ) {
        let key = match &frame.request.target {
            Target::Key(key, values) => {
                table.keys[usize::from(*key)].columns.iter().copied().zip(values.clone()).collect()
            }
            _ => Vec::new(),
        };
        let became = match (found, frame.request.when) {
            (Some(_), UpsertWhen::Missing) | (None, UpsertWhen::Exists) => None,
            (Some((id, _)), _) => {
                frame
                    .request
                    .columns
                    .retain(|(column, _)| key.iter().all(|(keyed, _)| keyed != column));
                frame.request.target = Target::Id(id);
                Some(Message::Update)
            }
            (None, _) => {
                for (column, value) in key {
                    if frame.request.columns.iter().all(|(given, _)| *given != column) {
                        frame.request.columns.push((column, Assigned::Value(value)));
                    }
                }
                if let Target::Key(..) = frame.request.target {
                    frame.request.target = Target::None;
                }
                Some(Message::Create)
            }
        };
        let request = frame.id;
        let row = found.map(|(id, _)| id).or_else(|| frame.request.id());
        if became.is_none() && found.is_none() {
            self.tell_missed(frame, level);
        }
        self.log.emit(self.now, || Event::UpsertResolved { request, became, row });
        if let Some((id, _)) = found {
            frame.answer = Answer::Id(id);
        }
        match became {
            Some(message) => frame.request.message = message,
            None => frame.phase = Phase::Commit,
        }
    }

    /// The main operation. Until `limit` nothing else is due.
    pub(super) fn operate(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        if let Some(done) = Self::inherit_next(frame) {
            return Ok(self.end_operation(frame, done));
        }
        let done = match frame.request.message {
            Message::Create => {
                let done = self.create(fiber, frame)?;
                self.inherit(frame, done)?
            }
            Message::Retrieve => self.retrieve(fiber, frame)?,
            Message::RetrieveMultiple => self.retrieve_multiple(fiber, frame, limit)?,
            Message::Update | Message::Upsert => {
                let done = self.update(fiber, frame, limit)?;
                self.inherit(frame, done)?
            }
            Message::Delete => self.delete(fiber, frame, limit)?,
            Message::Assign | Message::SetState => self.update_instead(frame)?,
            Message::Merge => self.merge(fiber, frame, limit)?,
            Message::GrantAccess | Message::RevokeAccess => self.share(fiber, frame, limit)?,
            Message::Associate | Message::Disassociate if frame.request.access.is_some() => {
                self.change_members(frame)?
            }
            Message::Associate | Message::Disassociate => self.change_association(fiber, frame)?,
            Message::RetrieveEntityChanges => self.retrieve_changes(fiber, frame)?,
            message if message.carries() => {
                self.expect_rows(frame);
                carry_out(frame)
            }
            other => {
                let message = format!("the platform has no operation for {}", other.name());
                return Err(broken(message));
            }
        };
        Ok(self.end_operation(frame, done))
    }

    /// Goes on to stage 40 when the operation is done.
    fn end_operation(&mut self, frame: &mut RequestFrame, done: Done) -> Done {
        if let Done::After(_) = done {
            self.note_written_user(frame);
            frame.phase = Phase::PostOperation;
        }
        done
    }

    fn create(&mut self, fiber: FiberId, frame: &mut RequestFrame) -> Result<Done, Fault> {
        let id = match frame.request.target {
            Target::Id(id) => id,
            _ => {
                let id = self.random.id();
                frame.request.target = Target::Id(id);
                id
            }
        };
        let caller = self.caller(fiber, frame);
        let row = (frame.request.table, id);
        let (database, mut context) = self.database(frame.instance);
        let columns = &frame.request.columns;
        let wrote = database.insert(&mut context, &caller, row, columns, &mut frame.writing)?;
        frame.answer = Answer::Id(id);
        Ok(self.written(wrote))
    }

    /// Locks the row that the request names, and checks what the caller knows of it.
    pub(super) fn lock_for_change(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Wrote, Fault> {
        let table = frame.request.table;
        let id = frame.request.id().ok_or_else(|| broken("the request names no row".to_owned()))?;
        let caller = self.caller(fiber, frame);
        let jobs = self.shared.plan.jobs;
        let (database, mut context) = self.database(frame.instance);
        let writing = &mut frame.writing;
        let row = match database.lock_to_write(&mut context, &caller, (table, id), writing)? {
            Wrote::Row(row) => row,
            Wrote::Missing => {
                database.end_writing(&mut context, &caller, writing);
                return Err(self.missing(frame, caller.level, id));
            }
            other => return Ok(other),
        };
        if frame.request.required.is_some() || frame.job_access != JobAccess::None {
            let image = database.store(table)?.read(row, View::Latest);
            let version = image.as_ref().map_or(0, |image| image.row_version());
            let state = image.zip(jobs).map(|(it, jobs)| it.value(jobs.state));
            self.check_version(frame, id, version)?;
            self.check_job_access(frame, &state.unwrap_or_default())?;
            // It is locked: what its own transaction makes of it from here on is no matter.
            frame.request.required = None;
        }
        Ok(Wrote::Row(row))
    }

    /// Changes or removes the row that the request names.
    pub(super) fn change(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        kind: WriteKind,
    ) -> Result<Done, Fault> {
        let table = frame.request.table;
        let row = match self.lock_for_change(fiber, frame)? {
            Wrote::Row(row) => row,
            other => return Ok(self.written(other)),
        };
        let caller = self.caller(fiber, frame);
        let shared = Arc::clone(&self.shared);
        let (database, mut context) = self.database(frame.instance);
        let writing = &mut frame.writing;
        if shared.steps.any(frame.instance, table, frame.request.message) {
            // For `$before`: the row right before it is written, under its lock.
            let columns = selected(shared.plan.table(table), None);
            let image = database.store(table)?.read(row, View::Latest);
            frame.before = image.map(|image| Arc::new(record_of(table, &image, &columns)));
        }
        let change = match kind {
            WriteKind::Delete => Change::Delete,
            _ => Change::Update(&mut frame.request.columns),
        };
        let wrote = database.change(&mut context, &caller, (table, row), change, writing)?;
        Ok(self.written(wrote))
    }

    /// What came of a write as what comes of its command.
    pub(super) fn written(&self, wrote: Wrote) -> Done {
        match wrote {
            Wrote::Waits => Done::Waits,
            Wrote::Again | Wrote::Missing => Done::Again,
            Wrote::Row(_) => Done::After(self.shared.plan.costs.write),
        }
    }

    /// Reads one row.
    fn retrieve(&mut self, fiber: FiberId, frame: &mut RequestFrame) -> Result<Done, Fault> {
        let table = frame.request.table;
        let Some(id) = frame.request.id() else {
            return Err(broken("the request names no row".to_owned()));
        };
        let caller = self.caller(fiber, frame);
        let shared = Arc::clone(&self.shared);
        let (database, mut context) = self.database(frame.instance);
        let looked = database.look(&mut context, &caller, table, id, &mut frame.taken)?;
        let row = match looked {
            Looked::Waits => return Ok(Done::Waits),
            Looked::Missing => {
                database.end_look(&mut context, &caller, &mut frame.taken);
                return Err(self.missing(frame, caller.level, id));
            }
            Looked::Row(row) => row,
        };
        let columns = selected(shared.plan.table(table), frame.request.select.as_deref());
        let image = database.retrieve(&mut context, &caller, table, row);
        let record = image.map(|image| record_of(table, &image, &columns));
        database.end_look(&mut context, &caller, &mut frame.taken);
        let record = record.ok_or_else(|| does_not_exist(shared.plan.table(table), id))?;
        frame.answer = self.answer_if_modified(frame, record);
        Ok(Done::After(shared.plan.costs.read))
    }

    /// Reads the rows that a query selects, bit by bit.
    fn retrieve_multiple(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let table = frame.request.table;
        let caller = self.caller(fiber, frame);
        let costs = self.shared.plan.costs;
        let room = limit.duration_since(self.now);
        let query = frame.execution.is_none().then(|| self.query_to_begin(frame));
        let (database, mut context) = self.database(frame.instance);
        if let Some(query) = query {
            let plan = context.plan;
            let execution = Execution::select(database, plan, &caller, table, query)?;
            frame.execution = Some(Box::new(execution));
        }
        let Some(execution) = &mut frame.execution else { return Ok(Done::Again) };
        let step = database.step(&mut context, &caller, execution, room);
        if step == Ok(Step::Done) {
            database.finish(&mut context, &caller, execution)?;
        }
        self.now = context.now;
        match step? {
            Step::Waits => Ok(Done::Waits),
            Step::Took(cost) => Ok(Done::Took(cost)),
            Step::Done => {
                let taken = frame.execution.take().and_then(|mut it| it.take_answer());
                let Answered { records, beside } = taken.unwrap_or_default();
                let transfer = costs.column.saturating_mul(Execution::values(&records));
                let rows = records.into_iter().map(|record| Value::Record(Arc::new(record)));
                frame.answer = if beside == Beside::default() {
                    Answer::List(rows.collect())
                } else {
                    Answer::Page(rows.collect(), Box::new(beside))
                };
                Ok(Done::After(costs.read.saturating_add(transfer)))
            }
        }
    }

    /// What a RetrieveMultiple that begins looks for, and what its user may see of it.
    fn query_to_begin(&self, frame: &RequestFrame) -> Arc<Query> {
        let query = frame.request.query.clone().unwrap_or_default();
        match frame.sees_as {
            Some(user) => self.with_sight(frame, user, &query),
            None => query,
        }
    }

    /// Gives back what a command that failed, or that its request gives up, held for itself.
    pub(super) fn end_command(&mut self, frame: &mut RequestFrame) {
        // Nothing is waited for any more.
        let caller = self.caller(FiberId(u32::MAX), frame);
        let (database, mut context) = self.database(frame.instance);
        if caller.by.is_none_or(|by| !database.is_open(by.transaction)) {
            return;
        }
        database.end_writing(&mut context, &caller, &mut frame.writing);
        database.end_look(&mut context, &caller, &mut frame.taken);
        if let Some(mut execution) = frame.execution.take() {
            database.undo_statement(&mut context, &caller, &mut execution, false);
        }
        self.settle(frame.instance);
    }

    /// The fault of a row that is not there, told to the trace as well.
    fn missing(&mut self, frame: &RequestFrame, level: Isolation, id: RowId) -> Fault {
        self.tell_missed(frame, level);
        does_not_exist(self.shared.plan.table(frame.request.table), id)
    }

    /// Keeps the row as it is before the main operation, for steps that want to know: as its
    /// transaction sees it, when a step is about to begin.
    pub(super) fn take_image(&self, fiber: &mut Fiber) {
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return;
        };
        if frame.before.is_some() || frame.phase == Phase::PostOperation {
            return;
        }
        frame.before = self.image_of(frame);
    }

    /// The row that a request names, whole, as its transaction sees it now.
    pub(super) fn image_of(&self, frame: &RequestFrame) -> Option<Arc<Record>> {
        let id = frame.request.id()?;
        let table = frame.request.table;
        let store = self.databases[frame.instance.index()].store(table).ok()?;
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let image = store.find(id).and_then(|row| store.read(row, view))?;
        let columns = selected(self.shared.plan.table(table), None);
        Some(Arc::new(record_of(table, &image, &columns)))
    }

    /// Until when nothing else is due: the time that one statement may take in one go. None where
    /// callers come from outside, since the next one may come at any instant.
    pub(super) fn free_until(&self, fiber: &Fiber, deadline: SimInstant) -> SimInstant {
        if self.is_open() {
            return self.now;
        }
        let next = self.queue.next_at().unwrap_or(SimInstant::END);
        let plug_in = plug_in_deadline(fiber).map(|(_, at)| at);
        next.min(deadline).min(plug_in.unwrap_or(SimInstant::END)).max(self.now)
    }

    /// Whether reads of this instance that are in no transaction need one: to hold locks.
    pub(super) fn needs_transaction(&self, instance: InstanceId, frame: &RequestFrame) -> bool {
        let isolation = self.shared.plan.instance(instance).isolation;
        let level = match frame.request.message {
            Message::RetrieveEntityChanges => Isolation::ReadCommittedSnapshot,
            _ => frame.request.hints.level(isolation),
        };
        let lasts = frame.request.message == Message::RetrieveMultiple;
        !level.reads_versions() && (lasts || level != Isolation::ReadUncommitted)
            || self.databases[instance.index()].is_altering()
    }
}

/// The row with these key values in this view.
pub(super) fn find_by_key(
    store: &TableStore,
    table: &Table,
    key: u16,
    values: &[Value],
    view: View,
) -> Option<(RowId, u64)> {
    let columns = &table.keys[usize::from(key)].columns;
    store.find_by_key(key, values).find_map(|row| {
        let image = store.read(row, view)?;
        let matches = columns.iter().zip(values).all(|(c, value)| image.value(*c) == *value);
        matches.then(|| (image.id(), image.row_version()))
    })
}
