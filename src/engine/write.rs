//! Writes: Create, Update and Delete, each with its row lock.
//!
//! A row that another transaction has written waits for that transaction's end; so does a create
//! whose id or unique key another transaction has created and not yet committed.

use std::sync::Arc;

use crate::engine::fiber::{FiberId, RequestFrame, TransactionRef};
use crate::engine::interpret::trouble;
use crate::engine::lock::Resource;
use crate::engine::operation::{Done, StoredRow, does_not_exist, no_table, number_of, store};
use crate::engine::request::{Answer, Assigned, Target};
use crate::engine::store::{Clash, RowImage, RowNumber, TableStore, View};
use crate::engine::transaction::Locking;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::Table;
use crate::trace::{Event, WriteKind};
use crate::words::evaluate::{Scope, evaluate};
use crate::words::{ColumnId, ColumnType, LockMode, RowId, TableId, Value};

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
    pub(super) fn create(
        &mut self,
        fiber: FiberId,
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
                        frame.inserted = true;
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
            columns: values.into_iter().map(|(c, value)| (c, Value::Null, value)).collect(),
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
        if frame.inserted { store.find(id) } else { None }
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
        if store.writer(clash.with).is_some_and(|writer| writer != transaction.id) {
            let resource = Resource::Row(table, clash.with);
            return Ok(self.probe(fiber, frame, transaction, resource));
        }
        let definition = plan.table(table);
        let key = &definition.keys[usize::from(clash.key)];
        let columns: Vec<_> =
            key.columns.iter().map(|c| &*definition.columns[c.index()].name).collect();
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
        match self.lock(fiber, frame.instance, transaction, resource, LockMode::Shared) {
            Locking::Waiting => Done::Waits,
            Locking::Held => Done::Again,
        }
    }

    /// Changes or removes the row that the request names.
    pub(super) fn change(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        kind: WriteKind,
    ) -> Result<Done, Fault> {
        let (instance, table) = (frame.instance, frame.request.table);
        let transaction = in_transaction(frame)?;
        let id =
            frame.request.id().ok_or_else(|| trouble("the request names no row".to_owned()))?;
        let row = match self.find_and_lock(fiber, frame, transaction, id)? {
            Found::Waits => return Ok(Done::Waits),
            Found::Missing => return Err(self.missing(frame, id)),
            Found::Row(row) => row,
        };
        let mut values = Vec::new();
        if kind == WriteKind::Update {
            self.compute_late(frame, row)?;
            values = known_values(frame)?;
            let plan = Arc::clone(&self.shared.plan);
            self.check_lookups(frame, transaction, plan.table(table), &values)?;
        }
        self.take_image_of(frame, row);
        let version = self.instances[instance.index()].row_version + 1;
        let log_on = self.log.is_on();
        let store = store_mut(&mut self.instances[instance.index()].tables, table)?;
        let before = store.read(row, View::Latest).filter(|_| log_on);
        let version_before = before.as_ref().map_or(0, RowImage::row_version);
        let columns = before.map(|image| difference(&image, kind, &values)).unwrap_or_default();
        let first = store.writer(row) != Some(transaction.id);
        if kind == WriteKind::Delete {
            store.delete(transaction.id, row, version);
        } else if let Err(clash) = store.update(transaction.id, row, &values, version) {
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
            kind,
            version_before,
            version_after: version,
            columns,
        });
        Ok(Done::After(self.shared.plan.costs.write))
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
            world.instances[instance.index()].tables[table.index()].as_ref().map(|s| s.find(id))
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
            return Ok(if there { Found::Row(row) } else { Found::Missing });
        }
    }

    /// Computes the values that depend on the row, now that it is locked: nobody can come between
    /// this read of the row and the write.
    fn compute_late(&mut self, frame: &mut RequestFrame, row: RowNumber) -> Result<(), Fault> {
        if frame.request.columns.iter().all(|(_, value)| matches!(value, Assigned::Value(_))) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let (instance, table) = (frame.instance, frame.request.table);
        let store = store(&self.instances[instance.index()].tables, table)?;
        let Some(image) = store.read(row, View::Latest) else { return Ok(()) };
        let (id, row_version) = (image.id(), image.row_version());
        let row = StoredRow { image, table: shared.plan.table(table), names: &self.names };
        let scope = Scope { bindings: &[], plug_in: None, row: Some(&row), clock: self.clock() };
        let mut computed = Vec::new();
        for (position, (_, assigned)) in frame.request.columns.iter().enumerate() {
            if let Assigned::Late(expression) = assigned {
                computed.push((position, evaluate(expression, &scope).map_err(trouble)?));
            }
        }
        for (position, value) in computed {
            let (column, assigned) = &mut frame.request.columns[position];
            *assigned = Assigned::Value(self.coerce(&shared, table, *column, value)?);
        }
        let (request, transaction) = (frame.id, number_of(frame.transaction));
        self.log.emit(self.now, || Event::RowRead {
            request,
            transaction,
            instance,
            table,
            row: id,
            row_version,
            level: crate::plan::Isolation::default(),
            kind: crate::trace::ReadKind::Computed,
            writer: None,
        });
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
                let view = View::Committed { reader: Some(transaction.id) };
                store.find(*id).is_some_and(|row| store.read(row, view).is_some())
            });
            if !there {
                return Err(does_not_exist(self.shared.plan.table(*to), *id));
            }
        }
        Ok(())
    }
}

/// The values that a request writes. All are known once the row is at hand.
fn known_values(frame: &RequestFrame) -> Result<Vec<(ColumnId, Value)>, Fault> {
    let values = frame.request.columns.iter().map(|(column, assigned)| match assigned {
        Assigned::Value(value) => Ok((*column, value.clone())),
        Assigned::Late(_) => {
            Err(trouble("a new row has no columns to compute from yet".to_owned()))
        }
    });
    values.collect()
}

/// The transaction of a request that writes.
fn in_transaction(frame: &RequestFrame) -> Result<TransactionRef, Fault> {
    frame
        .transaction
        .ok_or_else(|| Fault::new(FaultKind::TransactionAborted, "There is no active transaction."))
}

fn store_mut(tables: &mut [Option<TableStore>], table: TableId) -> Result<&mut TableStore, Fault> {
    tables[table.index()].as_mut().ok_or_else(no_table)
}

/// What a write does to a row, column by column: the value before and the value after.
fn difference(
    image: &RowImage<'_>,
    kind: WriteKind,
    values: &[(ColumnId, Value)],
) -> Vec<(ColumnId, Value, Value)> {
    if kind == WriteKind::Delete {
        let held = image.columns().map(|(column, value)| (column, value.to_value(), Value::Null));
        return held.filter(|(_, value, _)| !value.is_null()).collect();
    }
    values.iter().map(|(column, value)| (*column, image.value(*column), value.clone())).collect()
}
