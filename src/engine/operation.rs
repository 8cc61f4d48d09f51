//! The platform's own work: stage 30, and the look-up of an upsert. Each is one database command.
//!
//! A write takes an exclusive lock on its row first and applies itself the moment it has it; then
//! its cost passes, with the lock held. A command that must wait is simply tried again when its
//! lock was granted: up to the write it changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame, TransactionRef};
use crate::engine::names::Names;
use crate::engine::request::{Answer, Assigned, Target};
use crate::engine::scope::selected;
use crate::engine::store::{RowImage, RowNumber, TableStore, View};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Message, Table, UpsertWhen};
use crate::trace::{Event, WriteKind};
use crate::words::evaluate::RowAtHand;
use crate::words::{ColumnId, Name, Record, RowId, TableId, TransactionId, Value};

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
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
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
                    level: Isolation::default(),
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
        self.log.emit(self.now, || Event::UpsertResolved { request, became, row });
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
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        if let Some(probe) = frame.probe.take()
            && let Some(transaction) = frame.transaction
        {
            self.release(frame.instance, transaction, probe);
        }
        let done = match frame.request.message {
            Message::Create => self.create(fiber, frame)?,
            Message::Retrieve => self.retrieve(fiber, frame)?,
            Message::RetrieveMultiple => self.retrieve_multiple(fiber, frame)?,
            Message::Update | Message::Upsert => self.change(fiber, frame, WriteKind::Update)?,
            Message::Delete => self.change(fiber, frame, WriteKind::Delete)?,
        };
        if let Done::After(_) = done {
            frame.phase = Phase::PostOperation;
        }
        Ok(done)
    }

    /// The fault of a row that is not there, told to the trace as well.
    pub(super) fn missing(&mut self, frame: &RequestFrame, id: RowId) -> Fault {
        let (instance, table, request) = (frame.instance, frame.request.table, frame.id);
        self.log.emit(self.now, || Event::RowMissed {
            request,
            instance,
            table,
            row: Some(id),
            level: Isolation::default(),
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
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        if let Some(image) = store.find(id).and_then(|row| store.read(row, view)) {
            let table = self.shared.plan.table(frame.request.table);
            let columns = selected(table, None);
            frame.before = Some(Arc::new(record_of(frame.request.table, &image, &columns)));
        }
    }

    /// Keeps the row as it is right before it is written, under its lock.
    pub(super) fn take_image_of(&self, frame: &mut RequestFrame, row: RowNumber) {
        let (instance, request) = (frame.instance, &frame.request);
        if !self.shared.steps.any(instance, request.table, request.message) {
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
        self.names.get(id).cloned().unwrap_or_else(|| id.to_string().into())
    }

    fn table_name(&self) -> &str {
        &self.table.name
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
        let matches = columns.iter().zip(values).all(|(c, value)| image.value(*c) == *value);
        matches.then(|| (image.id(), image.row_version()))
    })
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

pub(super) fn no_table() -> Fault {
    Fault::new(FaultKind::NoSuchTable, "The instance has no such table.")
}

/// Whether reads of a transaction take locks.
pub(super) const fn reads_lock(isolation: Isolation) -> bool {
    match isolation {
        Isolation::RepeatableRead => true,
        _ => false,
    }
}

/// The number of a transaction, if there is one.
pub(super) fn number_of(transaction: Option<TransactionRef>) -> Option<TransactionId> {
    transaction.map(|transaction| transaction.id)
}
