//! The platform's own work: stage 30, and the look-up of an upsert. Each is one database command.
//!
//! A write takes an exclusive lock on its row first and applies itself the moment it has it; then
//! its cost passes, with the lock held. A command that must wait is simply tried again when its
//! lock was granted: up to the write it changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::evaluate::{RowAtHand, Scope, evaluate};
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame, TransactionRef};
use crate::engine::interpret::trouble;
use crate::engine::lock::Resource;
use crate::engine::names::Names;
use crate::engine::request::{Answer, Assigned, Target};
use crate::engine::scope::selected;
use crate::engine::store::{Clash, RowImage, RowNumber, TableStore, View};
use crate::engine::transaction::Locking;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Message, Table, UpsertWhen};
use crate::trace::{Event, WriteKind};
use crate::words::{
    ColumnId, ColumnType, LaneId, LockMode, Name, Record, RowId, TableId, TransactionId, Value,
};

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It waits for a lock.
    Waits,
    /// What it met may have changed: it must look again.
    Again,
    /// It is done, and takes this long.
    After(Duration),
}

/// What came of looking for a row to write.
enum Found {
    /// It is there, and locked.
    Row(RowNumber),
    /// There is no such row.
    Missing,
    /// Somebody else's transaction must end first.
    Waits,
}

/// The bytes that a written row adds to the transaction log, beside its columns' own.
///
/// Assumed: a round figure; only the comparison between transactions matters.
const LOG_BYTES_A_ROW: u64 = 100;
/// The bytes that each written column adds.
const LOG_BYTES_A_COLUMN: u64 = 16;

impl World {
    /// Finds the row that a key names, and decides what becomes of an upsert.
    ///
    /// Source: Microsoft Learn, "Use Upsert to create or update a record": the row is looked up by
    /// id, else by key; found, the key's columns are taken out of what is written and an Update
    /// follows; else the key's values are added where the columns lack them and a Create
    /// follows. The look-up and the write are not atomic.
    pub(super) fn resolve(&mut self, frame: &mut RequestFrame) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let cost = plan.costs.read;
        let table = frame.request.table;
        let view = View::Committed {
            reader: frame.transaction.map(|transaction| transaction.id),
        };
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        let found: Option<(RowId, u64)> = match &frame.request.target {
            Target::Id(id) => {
                let image = store.find(*id).and_then(|row| store.read(row, view));
                image.map(|image| (*id, image.row_version()))
            }
            Target::Key(key, values) => find_by_key(store, plan.table(table), *key, values, view),
            Target::Any => {
                let rows: Vec<_> = store
                    .rows()
                    .filter_map(|row| Some(store.read(row, view)?.id()))
                    .collect();
                let chosen = if rows.is_empty() {
                    None
                } else {
                    Some(self.random.choice(rows.len()))
                };
                chosen.map(|chosen| (rows[chosen], 0))
            }
            Target::None => None,
        };
        frame.phase = Phase::PreValidation;
        if frame.request.message == Message::Upsert {
            self.resolve_upsert(frame, plan.table(table), found);
            return Ok(Done::After(cost));
        }
        match found {
            Some((id, _)) => frame.request.target = Target::Id(id),
            None => {
                let (id, instance) = (frame.id, frame.instance);
                self.log.emit(self.now, || Event::RowMissed {
                    request: id,
                    instance,
                    table,
                    row: None,
                });
                let message = format!(
                    "A record with the specified key values does not exist in {} entity",
                    plan.table(table).name
                );
                return Err(Fault::new(FaultKind::KeyNotFound, message));
            }
        }
        Ok(Done::After(cost))
    }

    fn resolve_upsert(
        &mut self,
        frame: &mut RequestFrame,
        table: &Table,
        found: Option<(RowId, u64)>,
    ) {
        let key = match &frame.request.target {
            Target::Key(key, values) => table.keys[usize::from(*key)]
                .columns
                .iter()
                .copied()
                .zip(values.clone())
                .collect(),
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
                    if frame
                        .request
                        .columns
                        .iter()
                        .all(|(given, _)| *given != column)
                    {
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
        self.log.emit(self.now, || Event::UpsertResolved {
            request,
            became,
            row,
        });
        if let Some((id, _)) = found {
            frame.answer = Answer::Id(id);
        }
        match became {
            Some(message) => frame.request.message = message,
            None => frame.phase = Phase::Commit,
        }
    }

    /// The main operation.
    pub(super) fn operate(
        &mut self,
        fiber: FiberId,
        lane: LaneId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        if let Some(probe) = frame.probe.take()
            && let Some(transaction) = frame.transaction
        {
            self.release(frame.instance, transaction, probe);
        }
        let done = match frame.request.message {
            Message::Create => self.create(fiber, lane, frame)?,
            Message::Retrieve => self.retrieve(fiber, frame)?,
            Message::RetrieveMultiple => self.retrieve_multiple(fiber, frame)?,
            Message::Update | Message::Upsert => self.update(fiber, frame)?,
            Message::Delete => self.delete(fiber, frame)?,
        };
        if let Done::After(_) = done {
            frame.phase = Phase::PostOperation;
        }
        Ok(done)
    }

    fn create(
        &mut self,
        fiber: FiberId,
        _lane: LaneId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let (instance, table) = (frame.instance, frame.request.table);
        let transaction = in_transaction(frame)?;
        let id = match frame.request.target {
            Target::Id(id) => id,
            _ => {
                let id = self.random.id();
                frame.request.target = Target::Id(id);
                id
            }
        };
        let values = known_values(frame)?;
        self.check_lookups(frame, transaction, plan.table(table), &values)?;
        let version = self.instances[instance.index()].row_version + 1;
        let stamp = self.instances[instance.index()].stamp;
        let row = match self.row_being_created(frame, table, id) {
            Some(row) => row,
            None => {
                if let Some(twin) = self.twin(frame, table, id)? {
                    return Ok(self.probe(fiber, frame, transaction, Resource::Row(table, twin)));
                }
                let store = store_mut(&mut self.instances[instance.index()].tables, table)?;
                match store.insert(Some(transaction.id), id, &values, version, stamp) {
                    Ok(row) => {
                        self.note_write(frame, transaction, table, row, &values, true);
                        frame.scanned = 1;
                        row
                    }
                    Err(clash) => return self.meet_clash(fiber, frame, transaction, table, clash),
                }
            }
        };
        let resource = Resource::Row(table, row);
        if self.lock(fiber, instance, transaction, resource, LockMode::Exclusive)
            == Locking::Waiting
        {
            return Ok(Done::Waits);
        }
        let request = frame.id;
        let row_version = self.version_of(frame, table, row);
        self.log.emit(self.now, || Event::RowWritten {
            transaction: transaction.id,
            request,
            instance,
            table,
            row: id,
            kind: WriteKind::Insert,
            version_before: 0,
            version_after: row_version,
            columns: values
                .into_iter()
                .map(|(c, value)| (c, Value::Null, value))
                .collect(),
        });
        frame.answer = Answer::Id(id);
        Ok(Done::After(plan.costs.write))
    }

    /// The slot of the row that this very command has inserted and waited to lock.
    fn row_being_created(
        &self,
        frame: &RequestFrame,
        table: TableId,
        id: RowId,
    ) -> Option<RowNumber> {
        let store = self.instances[frame.instance.index()].tables[table.index()].as_ref()?;
        if frame.scanned == 1 {
            store.find(id)
        } else {
            None
        }
    }

    fn version_of(&self, frame: &RequestFrame, table: TableId, row: RowNumber) -> u64 {
        let store = self.instances[frame.instance.index()].tables[table.index()].as_ref();
        let image = store.and_then(|store| store.read(row, View::Latest));
        image.map_or(0, |image| image.row_version())
    }

    /// Another transaction's uncommitted row with the id that is about to be created. The create
    /// waits for that transaction's end.
    ///
    /// # Errors
    ///
    /// The row is there for good.
    fn twin(
        &self,
        frame: &RequestFrame,
        table: TableId,
        id: RowId,
    ) -> Result<Option<RowNumber>, Fault> {
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        let Some(row) = store.find(id) else {
            return Ok(None);
        };
        let own = frame.transaction.map(|transaction| transaction.id);
        if store.writer(row).is_some_and(|writer| Some(writer) != own) {
            return Ok(Some(row));
        }
        if store.read(row, View::Latest).is_some() {
            let message = "A record with matching key values already exists.";
            return Err(Fault::new(FaultKind::DuplicateRow, message));
        }
        Ok(None)
    }

    /// A unique key is taken: by a row that is there for good, or by a transaction that may still
    /// end either way.
    fn meet_clash(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        transaction: TransactionRef,
        table: TableId,
        clash: Clash,
    ) -> Result<Done, Fault> {
        let plan = &self.shared.plan;
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        if store
            .writer(clash.with)
            .is_some_and(|writer| writer != transaction.id)
        {
            let resource = Resource::Row(table, clash.with);
            return Ok(self.probe(fiber, frame, transaction, resource));
        }
        let definition = plan.table(table);
        let key = &definition.keys[usize::from(clash.key)];
        let columns: Vec<_> = key
            .columns
            .iter()
            .map(|c| &*definition.columns[c.index()].name)
            .collect();
        let message = format!(
            "Entity Key {} violated. A record with the same value for {} already exists. A \
             duplicate record cannot be created. Select one or more unique values and try again.",
            key.name,
            columns.join(", ")
        );
        Err(Fault::new(FaultKind::DuplicateKey, message))
    }

    /// Waits for the end of the transaction that holds a row, only to look again.
    ///
    /// Assumed: the duplicate probe waits with a shared lock; no page names its mode.
    fn probe(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        transaction: TransactionRef,
        resource: Resource,
    ) -> Done {
        frame.probe = Some(resource);
        match self.lock(
            fiber,
            frame.instance,
            transaction,
            resource,
            LockMode::Shared,
        ) {
            Locking::Waiting => Done::Waits,
            Locking::Held => Done::Again,
        }
    }

    fn update(&mut self, fiber: FiberId, frame: &mut RequestFrame) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let (instance, table) = (frame.instance, frame.request.table);
        let transaction = in_transaction(frame)?;
        let id = target_id(frame)?;
        let row = match self.find_and_lock(fiber, frame, transaction, id)? {
            Found::Waits => return Ok(Done::Waits),
            Found::Missing => return Err(self.missing(frame, id)),
            Found::Row(row) => row,
        };
        self.compute_late(frame, row)?;
        let values = known_values(frame)?;
        self.check_lookups(frame, transaction, plan.table(table), &values)?;
        self.take_image_of(frame, row);
        let version = self.instances[instance.index()].row_version + 1;
        let log_on = self.log.is_on();
        let store = store_mut(&mut self.instances[instance.index()].tables, table)?;
        let mut columns = Vec::new();
        let mut version_before = 0;
        if log_on && let Some(image) = store.read(row, View::Latest) {
            version_before = image.row_version();
            columns = values
                .iter()
                .map(|(c, v)| (*c, image.value(*c), v.clone()))
                .collect();
        }
        let first = store.writer(row) != Some(transaction.id);
        if let Err(clash) = store.update(transaction.id, row, &values, version) {
            return self.meet_clash(fiber, frame, transaction, table, clash);
        }
        self.note_write(frame, transaction, table, row, &values, first);
        let request = frame.id;
        self.log.emit(self.now, || Event::RowWritten {
            transaction: transaction.id,
            request,
            instance,
            table,
            row: id,
            kind: WriteKind::Update,
            version_before,
            version_after: version,
            columns,
        });
        Ok(Done::After(plan.costs.write))
    }

    fn delete(&mut self, fiber: FiberId, frame: &mut RequestFrame) -> Result<Done, Fault> {
        let (instance, table) = (frame.instance, frame.request.table);
        let cost = self.shared.plan.costs.write;
        let transaction = in_transaction(frame)?;
        let id = target_id(frame)?;
        let row = match self.find_and_lock(fiber, frame, transaction, id)? {
            Found::Waits => return Ok(Done::Waits),
            Found::Missing => return Err(self.missing(frame, id)),
            Found::Row(row) => row,
        };
        self.take_image_of(frame, row);
        let version = self.instances[instance.index()].row_version + 1;
        let log_on = self.log.is_on();
        let store = store_mut(&mut self.instances[instance.index()].tables, table)?;
        let mut columns = Vec::new();
        let mut version_before = 0;
        if log_on && let Some(image) = store.read(row, View::Latest) {
            version_before = image.row_version();
            let held = image
                .columns()
                .map(|(c, value)| (c, value.to_value(), Value::Null));
            columns = held.filter(|(_, value, _)| !value.is_null()).collect();
        }
        let first = store.writer(row) != Some(transaction.id);
        store.delete(transaction.id, row, version);
        self.note_write(frame, transaction, table, row, &[], first);
        let request = frame.id;
        self.log.emit(self.now, || Event::RowWritten {
            transaction: transaction.id,
            request,
            instance,
            table,
            row: id,
            kind: WriteKind::Delete,
            version_before,
            version_after: version,
            columns,
        });
        Ok(Done::After(cost))
    }

    /// Finds the row with this id and locks it exclusively. After a wait it looks again: the row
    /// may be gone, or its slot another row's.
    fn find_and_lock(
        &mut self,
        fiber: FiberId,
        frame: &RequestFrame,
        transaction: TransactionRef,
        id: RowId,
    ) -> Result<Found, Fault> {
        let (instance, table) = (frame.instance, frame.request.table);
        let store_of = |world: &Self| {
            world.instances[instance.index()].tables[table.index()]
                .as_ref()
                .map(|s| s.find(id))
        };
        loop {
            let Some(row) = store_of(self).flatten() else {
                return Ok(Found::Missing);
            };
            let resource = Resource::Row(table, row);
            if self.lock(fiber, instance, transaction, resource, LockMode::Exclusive)
                == Locking::Waiting
            {
                return Ok(Found::Waits);
            }
            if store_of(self).flatten() != Some(row) {
                self.release(instance, transaction, resource);
                continue;
            }
            let store = store(&self.instances[instance.index()].tables, table)?;
            let there = store.read(row, View::Latest).is_some();
            return Ok(if there {
                Found::Row(row)
            } else {
                Found::Missing
            });
        }
    }

    /// Computes the values that depend on the row, now that it is locked.
    fn compute_late(&self, frame: &mut RequestFrame, row: RowNumber) -> Result<(), Fault> {
        if frame
            .request
            .columns
            .iter()
            .all(|(_, value)| matches!(value, Assigned::Value(_)))
        {
            return Ok(());
        }
        let plan = &self.shared.plan;
        let table = frame.request.table;
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        let Some(image) = store.read(row, View::Latest) else {
            return Ok(());
        };
        let row = StoredRow {
            image,
            table: plan.table(table),
            names: &self.names,
        };
        let scope = Scope {
            bindings: &[],
            plug_in: None,
            row: Some(&row),
            clock: self.clock(),
        };
        for (column, assigned) in &mut frame.request.columns {
            if let Assigned::Late(expression) = assigned {
                let value = evaluate(expression, &scope).map_err(trouble)?;
                let kind = &plan.table(table).columns[column.index()].kind;
                *assigned = Assigned::Value(as_stored(kind, value));
            }
        }
        Ok(())
    }

    /// Counts a write for its transaction.
    fn note_write(
        &mut self,
        frame: &RequestFrame,
        transaction: TransactionRef,
        table: TableId,
        row: RowNumber,
        values: &[(ColumnId, Value)],
        first: bool,
    ) {
        let state = &mut self.instances[frame.instance.index()];
        let version = state.next_version();
        let written = state.transaction_mut(transaction.owner);
        if first {
            written.writes.push((table, row));
        }
        if written.first_version == 0 {
            written.first_version = version;
        }
        let columns = u64::try_from(values.len()).unwrap_or(u64::MAX);
        written.log_bytes += LOG_BYTES_A_ROW + LOG_BYTES_A_COLUMN * columns;
    }

    /// Checks that the rows which lookups point to are there for this transaction.
    ///
    /// Assumed: by a read at the transaction's own view, without a lock on the other row; no page
    /// says whether Dataverse has foreign keys behind its lookups.
    fn check_lookups(
        &self,
        frame: &RequestFrame,
        transaction: TransactionRef,
        table: &Table,
        values: &[(ColumnId, Value)],
    ) -> Result<(), Fault> {
        let tables = &self.instances[frame.instance.index()].tables;
        for (column, value) in values {
            let (ColumnType::Lookup(to), Value::Id(id)) =
                (&table.columns[column.index()].kind, value)
            else {
                continue;
            };
            let there = tables[to.index()].as_ref().is_some_and(|store| {
                let view = View::Committed {
                    reader: Some(transaction.id),
                };
                store
                    .find(*id)
                    .is_some_and(|row| store.read(row, view).is_some())
            });
            if !there {
                return Err(does_not_exist(self.shared.plan.table(*to), *id));
            }
        }
        Ok(())
    }

    /// The fault of a row that is not there, told to the trace as well.
    pub(super) fn missing(&mut self, frame: &RequestFrame, id: RowId) -> Fault {
        let (instance, table, request) = (frame.instance, frame.request.table, frame.id);
        self.log.emit(self.now, || Event::RowMissed {
            request,
            instance,
            table,
            row: Some(id),
        });
        does_not_exist(self.shared.plan.table(table), id)
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
        let Some(id) = frame.request.id() else { return };
        let tables = &self.instances[frame.instance.index()].tables;
        let Some(store) = &tables[frame.request.table.index()] else {
            return;
        };
        let view = View::Committed {
            reader: frame.transaction.map(|transaction| transaction.id),
        };
        if let Some(image) = store.find(id).and_then(|row| store.read(row, view)) {
            let table = self.shared.plan.table(frame.request.table);
            let columns = selected(table, None);
            frame.before = Some(Arc::new(record_of(frame.request.table, &image, &columns)));
        }
    }

    /// Keeps the row as it is right before it is written, under its lock.
    fn take_image_of(&self, frame: &mut RequestFrame, row: RowNumber) {
        let (instance, request) = (frame.instance, &frame.request);
        if !self
            .shared
            .steps
            .any(instance, request.table, request.message)
        {
            return;
        }
        let Some(store) = &self.instances[instance.index()].tables[request.table.index()] else {
            return;
        };
        if let Some(image) = store.read(row, View::Latest) {
            let columns = selected(self.shared.plan.table(request.table), None);
            frame.before = Some(Arc::new(record_of(request.table, &image, &columns)));
        }
    }
}

/// A stored row at hand for an expression.
pub(super) struct StoredRow<'a> {
    /// The row.
    pub image: RowImage<'a>,
    /// Its table.
    pub table: &'a Table,
    /// The rows' names.
    pub names: &'a Names,
}

impl RowAtHand for StoredRow<'_> {
    fn id(&self) -> RowId {
        self.image.id()
    }

    fn name(&self) -> Name {
        let id = self.image.id();
        self.names
            .get(id)
            .cloned()
            .unwrap_or_else(|| id.to_string().into())
    }

    fn table(&self) -> &Table {
        self.table
    }

    fn column(&self, name: &str) -> Option<Value> {
        Some(self.image.value(self.table.column(name)?))
    }
}

/// A row as a reader gets it.
pub(super) fn record_of(
    table: TableId,
    image: &RowImage<'_>,
    columns: &[(ColumnId, Name)],
) -> Record {
    Record {
        table,
        id: image.id(),
        row_version: image.row_version(),
        columns: columns
            .iter()
            .map(|(column, name)| (*column, name.clone(), image.value(*column)))
            .collect(),
        expanded: Vec::new(),
    }
}

/// The row with these key values in this view.
fn find_by_key(
    store: &TableStore,
    table: &Table,
    key: u16,
    values: &[Value],
    view: View,
) -> Option<(RowId, u64)> {
    let columns = &table.keys[usize::from(key)].columns;
    store.find_by_key(key, values).find_map(|row| {
        let image = store.read(row, view)?;
        let matches = columns
            .iter()
            .zip(values)
            .all(|(c, value)| image.value(*c) == *value);
        matches.then(|| (image.id(), image.row_version()))
    })
}

/// A computed value in the type of its column, where a whole number becomes a decimal one.
fn as_stored(kind: &ColumnType, value: Value) -> Value {
    match (kind, value) {
        (ColumnType::Decimal | ColumnType::Money, Value::Whole(number)) => {
            Value::Decimal(number.into())
        }
        (_, value) => value,
    }
}

/// The values that a request writes. All are known once the row is at hand.
fn known_values(frame: &RequestFrame) -> Result<Vec<(ColumnId, Value)>, Fault> {
    let values = frame
        .request
        .columns
        .iter()
        .map(|(column, assigned)| match assigned {
            Assigned::Value(value) => Ok((*column, value.clone())),
            Assigned::Late(_) => Err(trouble(
                "a new row has no columns to compute from yet".to_owned(),
            )),
        });
    values.collect()
}

/// The transaction of a request that writes.
fn in_transaction(frame: &RequestFrame) -> Result<TransactionRef, Fault> {
    frame.transaction.ok_or_else(|| {
        Fault::new(
            FaultKind::TransactionAborted,
            "There is no active transaction.",
        )
    })
}

fn target_id(frame: &RequestFrame) -> Result<RowId, Fault> {
    frame
        .request
        .id()
        .ok_or_else(|| trouble("the request names no row".to_owned()))
}

/// Source: Microsoft Learn, "Web service error codes": ObjectDoesNotExist, in its newer wording.
pub(super) fn does_not_exist(table: &Table, id: RowId) -> Fault {
    let message = format!("Entity '{}' With Id = {id} Does Not Exist", table.name);
    Fault::new(FaultKind::RowDoesNotExist, message)
}

/// A table of an instance.
pub(super) fn store(tables: &[Option<TableStore>], table: TableId) -> Result<&TableStore, Fault> {
    tables[table.index()].as_ref().ok_or_else(no_table)
}

fn store_mut(tables: &mut [Option<TableStore>], table: TableId) -> Result<&mut TableStore, Fault> {
    tables[table.index()].as_mut().ok_or_else(no_table)
}

fn no_table() -> Fault {
    Fault::new(FaultKind::NoSuchTable, "The instance has no such table.")
}

/// Whether reads of a transaction take locks.
pub(super) const fn reads_lock(isolation: Isolation) -> bool {
    match isolation {
        Isolation::ReadCommittedSnapshot => false,
        Isolation::RepeatableRead => true,
    }
}

/// The number of a transaction, if there is one.
pub(super) fn number_of(transaction: Option<TransactionRef>) -> Option<TransactionId> {
    transaction.map(|transaction| transaction.id)
}
