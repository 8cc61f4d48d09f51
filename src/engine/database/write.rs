//! Writes of single rows, each under its locks.
//!
//! A write asks for all its locks first and changes nothing until it has them: the row, the entries
//! of the indexes that it changes, before and after, and for a new entry the gap into which it
//! goes. So a write that has to wait is simply tried again.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide": an insert locks the new
//! key in every index, and tests the gap by RangeI-N on the next key; an update locks the keys that
//! change. "Transaction design patterns", Optimize requests: "The entries in the indexes are also
//! locked when the related record is updated".

use std::sync::Arc;

use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, By, Temporary};
use crate::engine::database::read::{Caller, LinkedRows, StoredRow};
use crate::engine::database::{Database, broken};
use crate::engine::lock::Resource;
use crate::engine::store::{EntryChange, NewValue, RowImage, RowNumber, View};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Table};
use crate::trace::{Event, ReadKind, RowWritten, WaitEnd, WriteKind};
use crate::words::evaluate::{Scope, evaluate};
use crate::words::{ColumnId, ColumnType, Expression, LockMode, RowId, TableId, Value};

/// The bytes that a written row adds to the transaction log, beside its columns' own.
///
/// Assumed: a round figure; only the comparison between transactions matters.
const LOG_BYTES_A_ROW: u64 = 100;
/// The bytes that each written column adds.
const LOG_BYTES_A_COLUMN: u64 = 16;

/// A column's new value.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Assigned {
    /// This.
    Value(Value),
    /// Whatever this gives for the row as it stands when it is written.
    Late(Arc<Expression>),
}

impl Assigned {
    /// The value, where it is known.
    pub(super) const fn known(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Late(_) => None,
        }
    }

    /// Its bytes in a message: those of a text in UTF-8, 8 for everything else.
    pub fn size(&self) -> u64 {
        match self {
            Self::Value(Value::Text(text)) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            _ => 8,
        }
    }
}

impl NewValue for (ColumnId, Assigned) {
    fn column(&self) -> ColumnId {
        self.0
    }

    /// Null for what was not computed in time. Nothing is written before all is.
    fn value(&self) -> &Value {
        self.1.known().unwrap_or(&Value::Null)
    }
}

/// What a write remembers while it waits.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Writing {
    /// The locks that it gives back when it is done.
    pub(super) taken: Vec<Temporary>,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// It is done.
    Row(RowNumber),
    /// There is no such row.
    Missing,
    /// It waits for a lock.
    Waits,
    /// What it met may have changed: it must look again.
    Again,
}

impl Database {
    /// Finds the row with this id and locks it exclusively, to be written. After a wait it looks
    /// again: the row may be gone, or its slot another row's.
    ///
    /// # Errors
    ///
    /// There is no such table, or the row has changed since the writer's snapshot: then the whole
    /// transaction is rolled back.
    pub fn lock_to_write(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, id): (TableId, RowId),
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let by = writer(caller)?;
        self.check_schema(context, caller, table)?;
        if self.enter_to_write(context, by, table) == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        let Some(row) = self.store(table)?.find(id) else {
            return Ok(Wrote::Missing);
        };
        if self.is_gone(table, row) {
            self.check_conflict(context, caller, table, row)?;
            return Ok(Wrote::Missing);
        }
        if self.lock_exclusively(context, by, (table, row), writing) == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        self.check_conflict(context, caller, table, row)?;
        // Who waits for a row that goes is not granted its lock; so only the transaction itself can
        // have removed it.
        let removes = self.transaction(by.transaction.owner).leaves_gaps;
        let there = !removes || self.store(table)?.read(row, View::Latest).is_some();
        Ok(if there { Wrote::Row(row) } else { Wrote::Missing })
    }

    /// Whether a row was deleted for good, and is kept for old snapshots only: nothing to lock.
    pub(super) fn is_gone(&self, table: TableId, row: RowNumber) -> bool {
        // Without a snapshot nothing is kept.
        if self.snapshots.is_empty() {
            return false;
        }
        self.tables[table.index()].as_ref().is_none_or(|store| {
            store.read(row, View::Latest).is_none() && store.writer(row).is_none()
        })
    }

    /// Locks a row that a scan has found exclusively, to be written.
    ///
    /// # Errors
    ///
    /// As [`Database::lock_to_write`].
    pub(super) fn lock_found(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, row): (TableId, RowNumber),
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        let by = writer(caller)?;
        if self.lock_transaction(context, by) == Asked::Waiting
            || self.lock_exclusively(context, by, (table, row), writing) == Asked::Waiting
        {
            return Ok(Asked::Waiting);
        }
        self.check_conflict(context, caller, table, row)?;
        Ok(Asked::Held)
    }

    /// Changes or removes a row that is locked exclusively.
    ///
    /// # Errors
    ///
    /// A key is taken, a lookup leads nowhere, or a value can't be computed.
    pub fn change(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, row): (TableId, RowNumber),
        change: Change<'_>,
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let by = writer(caller)?;
        let (kind, values): (_, &[_]) = match change {
            Change::Delete => (WriteKind::Delete, &[]),
            Change::Update(assigned) => {
                self.compute(context, caller, (table, row), assigned)?;
                self.check_lookups(context.plan.table(table), caller, assigned, context)?;
                (WriteKind::Update, assigned)
            }
        };
        if self.lock_entries(context, by, (table, row), kind, values, writing)? == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        let version = self.row_version + 1;
        let log_on = context.log.is_on();
        let store = self.store_mut(table)?;
        let before = if log_on { store.read(row, View::Latest) } else { None };
        let told = before.map(|image| {
            let columns = difference(&image, kind, values);
            (image.id(), image.row_version(), columns)
        });
        let first = match kind {
            WriteKind::Delete => {
                let first = store.delete(by.transaction.id, row, version);
                self.transaction_mut(by.transaction.owner).leaves_gaps = true;
                first
            }
            _ => match store.update(by.transaction.id, row, values, version) {
                Ok(first) => first,
                Err(clash) => return self.meet_clash(context, by, table, clash, writing),
            },
        };
        self.note_write(by, table, row, values.len(), first);
        let (transaction, request, instance) = (by.transaction.id, caller.request, self.id);
        if let Some((id, version_before, columns)) = told {
            context.emit(|| {
                Event::RowWritten(RowWritten {
                    transaction,
                    request,
                    instance,
                    table,
                    row: id,
                    kind,
                    version_before,
                    version_after: version,
                    columns,
                })
            });
        }
        self.give_back(context, by.transaction, &mut writing.taken);
        Ok(Wrote::Row(row))
    }

    /// Gives back what a write that failed had taken for now.
    pub fn end_writing(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        writing: &mut Writing,
    ) {
        if let Some(by) = caller.by {
            self.give_back(context, by.transaction, &mut writing.taken);
        }
    }

    pub(super) fn enter_to_write(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        table: TableId,
    ) -> Asked {
        if self.enter(context, by, table, LockMode::IntentExclusive) == Asked::Waiting {
            return Asked::Waiting;
        }
        self.lock_transaction(context, by)
    }

    /// With optimized locking, takes the lock on the transaction itself that stands for the rows
    /// which it writes.
    fn lock_transaction(&mut self, context: &mut Context<'_>, by: By) -> Asked {
        if !self.is_optimized(by.transaction.owner) {
            return Asked::Held;
        }
        let own = Resource::Transaction(by.transaction.id);
        self.lock(context, by, own, LockMode::Exclusive)
    }

    pub(super) fn lock_exclusively(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, row): (TableId, RowNumber),
        writing: &mut Writing,
    ) -> Asked {
        let owner = by.transaction.owner;
        if self.covers(owner, table, LockMode::Exclusive) {
            return Asked::Held;
        }
        let keeps = (!self.is_optimized(owner), &mut writing.taken);
        self.lock_row(context, by, (table, row), LockMode::Exclusive, keeps)
    }

    /// Takes an exclusive lock on an index entry: to the end, or with optimized locking for now.
    pub(super) fn lock_entry(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        resource: Resource,
        mode: LockMode,
        writing: &mut Writing,
    ) -> Asked {
        if self.is_optimized(by.transaction.owner) {
            return self.lock_for_now(context, by, resource, mode, &mut writing.taken);
        }
        self.lock(context, by, resource, mode)
    }

    /// Locks the entries that a change takes away and adds, and tests the gaps for those added.
    fn lock_entries(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, row): (TableId, RowNumber),
        kind: WriteKind,
        values: &[(ColumnId, Assigned)],
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        if self.covers(by.transaction.owner, table, LockMode::Exclusive) {
            return Ok(Asked::Held);
        }
        let store = self.store(table)?;
        let mut changes = Vec::new();
        if kind == WriteKind::Delete {
            let mut entries = Vec::new();
            store.entries(row, &mut entries);
            let gone = |(index, hash)| EntryChange { index, before: Some(hash), after: None };
            changes.extend(entries.into_iter().map(gone));
        } else {
            store.changed_entries(Some(row), values, &mut changes);
        }
        for EntryChange { index, before, after } in changes {
            for hash in [before, after].into_iter().flatten() {
                let key = Resource::Key { table, index, hash };
                if self.lock_entry(context, by, key, LockMode::Exclusive, writing) == Asked::Waiting
                {
                    return Ok(Asked::Waiting);
                }
            }
            if after.is_none() || self.ranging == 0 {
                continue;
            }
            let entry = self.store(table)?.position(index, row, values);
            if self.test_gap(context, by, (table, index), entry, writing)? == Asked::Waiting {
                return Ok(Asked::Waiting);
            }
        }
        Ok(Asked::Held)
    }

    /// Refuses a snapshot transaction a row that has changed since its snapshot: the whole
    /// transaction is rolled back.
    ///
    /// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL": SNAPSHOT, error 3960.
    pub(super) fn check_conflict(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        row: RowNumber,
    ) -> Result<(), Fault> {
        let by = writer(caller)?;
        if self.transaction(by.transaction.owner).isolation != Isolation::Snapshot {
            return Ok(());
        }
        let snapshot = self.snapshot_of(by.transaction.owner);
        if !self.store(table)?.changed_since(row, snapshot) {
            return Ok(());
        }
        let name = &context.plan.table(table).name;
        let message = format!(
            "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot \
             isolation to access table '{name}' directly or indirectly in database '{}' to update, \
             delete, or insert the row that has been modified or deleted by another transaction. \
             Retry the transaction or change the isolation level for the update/delete statement.",
            context.plan.instance(self.id).name
        );
        let fault = Fault::new(FaultKind::UpdateConflict, message).from_instance(self.id);
        self.abort(context, by.transaction, &fault, WaitEnd::TimedOut(fault.kind));
        Err(fault)
    }

    /// Computes the values that depend on the row, now that it is locked: nobody can come between
    /// this read of the row and the write.
    fn compute(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, row): (TableId, RowNumber),
        assigned: &mut [(ColumnId, Assigned)],
    ) -> Result<(), Fault> {
        if assigned.iter().all(|(_, value)| value.known().is_some()) {
            return Ok(());
        }
        let Some(image) = self.store(table)?.read(row, View::Latest) else { return Ok(()) };
        let mut computed = Vec::new();
        {
            let linked = LinkedRows {
                plan: context.plan,
                tables: &self.tables,
                view: View::Latest,
                visible: None,
            };
            let definition = context.plan.table(table);
            let names = &*context.names;
            let row = StoredRow { image, table: definition, names, linked: &linked };
            let clock = context.clock();
            let scope = Scope { bindings: &[], plug_in: None, row: Some(&row), clock };
            for (position, (_, assigned)) in assigned.iter().enumerate() {
                if let Assigned::Late(expression) = assigned {
                    computed.push((position, evaluate(expression, &scope).map_err(broken)?));
                }
            }
        }
        for (position, value) in computed {
            let (column, assigned) = &mut assigned[position];
            *assigned = Assigned::Value(context.coerce(table, *column, value)?);
        }
        let reader = Caller { level: self.write_level(caller), ..*caller };
        let view = self.view(&reader);
        self.tell_read(context, &reader, (table, row), view, ReadKind::Computed);
        Ok(())
    }

    /// The level at which a write reads its own row: under its lock, whatever the level.
    fn write_level(&self, caller: &Caller) -> Isolation {
        match caller.level {
            Isolation::ReadUncommitted => Isolation::ReadCommitted,
            level => level,
        }
    }

    /// Counts a write for its transaction.
    pub(super) fn note_write(
        &mut self,
        by: By,
        table: TableId,
        row: RowNumber,
        columns: usize,
        first: bool,
    ) {
        let version = self.next_version();
        let written = self.transaction_mut(by.transaction.owner);
        if first {
            written.writes.push((table, row));
        }
        if written.first_version == 0 {
            written.first_version = version;
        }
        let columns = u64::try_from(columns).unwrap_or(u64::MAX);
        written.log_bytes += LOG_BYTES_A_ROW + LOG_BYTES_A_COLUMN * columns;
    }

    /// Checks that the rows which lookups point to are there for this transaction.
    ///
    /// Assumed: by a read at the transaction's own view, without a lock on the other row; no page
    /// says whether Dataverse has foreign keys behind its lookups.
    pub(super) fn check_lookups(
        &self,
        table: &Table,
        caller: &Caller,
        values: &[(ColumnId, Assigned)],
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        let reader = caller.by.map(|by| by.transaction);
        for (column, value) in values {
            if let (ColumnType::Lookup(to), Assigned::Value(Value::Id(id))) =
                (&table.columns[column.index()].kind, value)
                && !self.is_there(*to, *id, reader)
            {
                return Err(super::does_not_exist(context.plan.table(*to), *id));
            }
        }
        Ok(())
    }
}

/// What a write does to a row that is there.
pub enum Change<'a> {
    /// These columns get new values. Those that depend on the row are computed, and stay so.
    Update(&'a mut [(ColumnId, Assigned)]),
    /// It is removed.
    Delete,
}

/// Refuses values of a new row that are to be computed from the row.
pub(super) fn check_known(assigned: &[(ColumnId, Assigned)]) -> Result<(), Fault> {
    if assigned.iter().all(|(_, value)| value.known().is_some()) {
        return Ok(());
    }
    Err(broken("a new row has no columns to compute from yet".to_owned()))
}

/// On whose behalf a caller writes.
pub(super) fn writer(caller: &Caller) -> Result<By, Fault> {
    caller
        .by
        .ok_or_else(|| Fault::new(FaultKind::TransactionAborted, "There is no active transaction."))
}

/// What a write does to a row, column by column: the value before and the value after.
fn difference(
    image: &RowImage<'_>,
    kind: WriteKind,
    values: &[(ColumnId, Assigned)],
) -> Vec<(ColumnId, Value, Value)> {
    if kind == WriteKind::Delete {
        let held = image.columns().map(|(column, value)| (column, value.to_value(), Value::Null));
        return held.filter(|(_, value, _)| !value.is_null()).collect();
    }
    let changed = |it: &(_, _)| (it.column(), image.value(it.column()), it.value().clone());
    values.iter().map(changed).collect()
}
