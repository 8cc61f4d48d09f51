//! Writes of single rows, each under its locks.
//!
//! A write asks for all its locks first and changes nothing until it has them: the row, the entries
//! of the indexes that it changes, before and after, and for a new entry the gap into which it goes.
//! So a write that has to wait is simply tried again.
//!
//! A unique key is decided by its entry's lock: whoever creates or takes away a key holds the entry to
//! the end of its transaction, so a twin waits there, and then finds the key taken or free.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide": an insert locks the new
//! key in every index, and tests the gap by RangeI-N on the next key; an update locks the keys that
//! change. "Transaction design patterns", Optimize requests: "The entries in the indexes are also
//! locked when the related record is updated".

use std::ops::Bound;
use std::sync::Arc;

use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, By, Temporary};
use crate::engine::database::read::{Caller, LinkedRows, StoredRow};
use crate::engine::database::{Database, broken};
use crate::engine::lock::{Owner, Resource};
use crate::engine::store::{Clash, EntryChange, RowImage, RowNumber, View};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Table};
use crate::trace::{Event, LockResource, ReadKind, WaitEnd, WriteKind};
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
    /// Adds a row.
    ///
    /// # Errors
    ///
    /// The id or a key is taken, a lookup leads nowhere, or there is no such table.
    pub fn insert(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, id): (TableId, RowId),
        assigned: &[(ColumnId, Assigned)],
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let by = writer(caller)?;
        let values = known(assigned)?;
        self.check_schema(context, caller, table)?;
        self.check_lookups(context.plan.table(table), caller, &values, context)?;
        if self.enter_to_write(context, by, table) == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        self.give_back(context, by.transaction, &mut writing.taken);
        match self.twin(by, table, id)? {
            Twin::None => {}
            Twin::Open(twin) => return Ok(self.probe(context, by, (table, twin), writing)),
            Twin::Taken(row) => {
                // Who may not see the row vanish again keeps it.
                let keeps =
                    matches!(caller.level, Isolation::RepeatableRead | Isolation::Serializable);
                let lock = (true, &mut writing.taken);
                if keeps
                    && self.lock_row(context, by, (table, row), LockMode::Shared, lock)
                        == Asked::Waiting
                {
                    return Ok(Wrote::Waits);
                }
                let message = "A record with matching key values already exists.";
                return Err(Fault::new(FaultKind::DuplicateRow, message));
            }
        }
        let again = self.store(table)?.find(id);
        let slot = match again {
            Some(own) => own,
            // A slot whose last row somebody has locked or waits for is left alone.
            None => self
                .store(table)?
                .next_slot_but(|slot| self.locks.is_locked(Resource::Row(table, slot))),
        };
        if again.is_some()
            && self.lock_exclusively(context, by, (table, slot), writing) == Asked::Waiting
        {
            return Ok(Wrote::Waits);
        }
        if self.lock_for_insert(context, by, (table, id, slot), &values, writing)? == Asked::Waiting
        {
            return Ok(Wrote::Waits);
        }
        let (version, stamp) = (self.row_version + 1, self.stamp);
        let owner = Some(by.transaction.id);
        let store = self.store_mut(table)?;
        let row = match store.insert_into(slot, owner, id, &values, (version, stamp)) {
            Ok(row) => row,
            Err(clash) => return self.meet_clash(context, by, table, clash, writing),
        };
        let first = again.is_none() || !self.has_written(by, table, row);
        self.note_write(by, table, row, values.len(), first);
        if self.lock_new_row(context, by, (table, row), writing)? == Asked::Waiting {
            // Nobody else can have locked it, so this can't be.
            return Ok(Wrote::Waits);
        }
        let (transaction, request, instance) = (by.transaction.id, caller.request, self.id);
        context.emit(|| Event::RowWritten {
            transaction,
            request,
            instance,
            table,
            row: id,
            kind: WriteKind::Insert,
            version_before: 0,
            version_after: version,
            columns: values.into_iter().map(|(c, value)| (c, Value::Null, value)).collect(),
        });
        self.give_back(context, by.transaction, &mut writing.taken);
        Ok(Wrote::Row(row))
    }

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
        loop {
            let Some(row) = self.store(table)?.find(id) else {
                return Ok(Wrote::Missing);
            };
            if self.lock_exclusively(context, by, (table, row), writing) == Asked::Waiting {
                return Ok(Wrote::Waits);
            }
            if self.store(table)?.find(id) != Some(row) {
                let resource = Resource::Row(table, row);
                writing.taken.retain(|taken| taken.resource != resource);
                self.lower(context, by.transaction, resource, None);
                continue;
            }
            self.check_conflict(context, caller, table, row)?;
            let there = self.store(table)?.read(row, View::Latest).is_some();
            return Ok(if there { Wrote::Row(row) } else { Wrote::Missing });
        }
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
        let (kind, values) = match change {
            Change::Delete => (WriteKind::Delete, Vec::new()),
            Change::Update(assigned) => {
                self.compute(context, caller, (table, row), assigned)?;
                let values = known(assigned)?;
                self.check_lookups(context.plan.table(table), caller, &values, context)?;
                (WriteKind::Update, values)
            }
        };
        if self.lock_entries(context, by, (table, row), kind, &values, writing)? == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        let version = self.row_version + 1;
        let log_on = context.log.is_on();
        let store = self.store_mut(table)?;
        let id = store.id(row);
        let before = store.read(row, View::Latest).filter(|_| log_on);
        let version_before = before.as_ref().map_or(0, RowImage::row_version);
        let columns = before.map(|image| difference(&image, kind, &values)).unwrap_or_default();
        let first = store.writer(row) != Some(by.transaction.id);
        if kind == WriteKind::Delete {
            store.delete(by.transaction.id, row, version);
        } else if let Err(clash) = store.update(by.transaction.id, row, &values, version) {
            return self.meet_clash(context, by, table, clash, writing);
        }
        self.note_write(by, table, row, values.len(), first);
        let (transaction, request, instance) = (by.transaction.id, caller.request, self.id);
        context.emit(|| Event::RowWritten {
            transaction,
            request,
            instance,
            table,
            row: id,
            kind,
            version_before,
            version_after: version,
            columns,
        });
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

    fn enter_to_write(&mut self, context: &mut Context<'_>, by: By, table: TableId) -> Asked {
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

    fn lock_exclusively(
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
    fn lock_entry(
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
        values: &[(ColumnId, Value)],
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

    /// Locks what a new row needs before it is there: its entries, and the gaps into which they and
    /// the row go.
    fn lock_for_insert(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, id, slot): (TableId, RowId, RowNumber),
        values: &[(ColumnId, Value)],
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        let owner = by.transaction.owner;
        if self.covers(owner, table, LockMode::Exclusive) {
            return Ok(Asked::Held);
        }
        let mut changes = Vec::new();
        self.store(table)?.changed_entries(None, values, &mut changes);
        for EntryChange { index, .. } in &changes {
            let store = self.store(table)?;
            let Some(entry) = store.position(*index, slot, values) else { continue };
            let Some(hash) = store.lock_hash(*index, &entry) else { continue };
            let gap = self.gap_above(table, *index, &entry)?;
            let mode = self.mode_in_gap(owner, gap);
            let key = Resource::Key { table, index: *index, hash };
            if self.lock_entry(context, by, key, mode, writing) == Asked::Waiting
                || self.test(context, by, gap, writing) == Asked::Waiting
            {
                return Ok(Asked::Waiting);
            }
        }
        for gap in [super::read::absence(table, id), self.gap_above_row(table, slot)?] {
            if self.test(context, by, gap, writing) == Asked::Waiting {
                return Ok(Asked::Waiting);
            }
        }
        Ok(Asked::Held)
    }

    /// Locks a row that was just inserted. Nobody else can have locked it before.
    fn lock_new_row(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, row): (TableId, RowNumber),
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        if self.covers(by.transaction.owner, table, LockMode::Exclusive) {
            return Ok(Asked::Held);
        }
        let gap = self.gap_above_row(table, row)?;
        let mode = self.mode_in_gap(by.transaction.owner, gap);
        Ok(self.lock_entry(context, by, Resource::Row(table, row), mode, writing))
    }

    /// What stands for the gap in which a slot is: the next row, or the end of the table.
    fn gap_above_row(&self, table: TableId, row: RowNumber) -> Result<Resource, Fault> {
        Ok(match self.store(table)?.next_row(row.0 + 1) {
            Some(next) => Resource::Row(table, next),
            None => Resource::End { table, index: LockResource::PRIMARY },
        })
    }

    /// Tests the gap of an index into which a row's new entry goes.
    fn test_gap(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, index): (TableId, u16),
        entry: Option<Vec<u8>>,
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        let Some(entry) = entry else {
            return Ok(Asked::Held);
        };
        let gap = self.gap_above(table, index, &entry)?;
        Ok(self.test(context, by, gap, writing))
    }

    /// What stands for the gap in which an entry is: the next entry, or the end of the index.
    fn gap_above(&self, table: TableId, index: u16, entry: &[u8]) -> Result<Resource, Fault> {
        Ok(match self.store(table)?.next_entry(index, Bound::Excluded(entry)) {
            Some(next) => Resource::Key { table, index, hash: next.hash },
            None => Resource::End { table, index },
        })
    }

    /// Asks for an instant whether nobody else has locked a gap.
    fn test(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        gap: Resource,
        writing: &mut Writing,
    ) -> Asked {
        let mode = LockMode::RangeInsertNull;
        // Granted at once it would be given back at once.
        if self.ranging == 0 || !self.locks.would_wait(by.transaction.owner, gap, mode) {
            return Asked::Held;
        }
        self.lock_for_now(context, by, gap, mode, &mut writing.taken)
    }

    /// The mode for something new below this: exclusive, and with the gap where its transaction has
    /// locked that, since what goes into a gap cuts it in two and takes the lower part over.
    fn mode_in_gap(&self, owner: Owner, next: Resource) -> LockMode {
        let has_gap = self.transaction(owner).locks_ranges
            && self.locks.mode_of(owner, next).is_some_and(|mode| {
                matches!(
                    mode,
                    LockMode::RangeSharedShared
                        | LockMode::RangeSharedUpdate
                        | LockMode::RangeExclusiveShared
                        | LockMode::RangeExclusiveUpdate
                        | LockMode::RangeExclusiveExclusive
                )
            });
        if has_gap { LockMode::RangeExclusiveExclusive } else { LockMode::Exclusive }
    }

    /// Refuses a snapshot transaction a row that has changed since its snapshot: the whole
    /// transaction is rolled back.
    ///
    /// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL": SNAPSHOT, error 3960.
    fn check_conflict(
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

    /// Who has the id that is about to be created.
    fn twin(&self, by: By, table: TableId, id: RowId) -> Result<Twin, Fault> {
        let store = self.store(table)?;
        let Some(row) = store.find(id) else {
            return Ok(Twin::None);
        };
        if store.writer(row).is_some_and(|writer| writer != by.transaction.id) {
            return Ok(Twin::Open(row));
        }
        let is_there = store.read(row, View::Latest).is_some();
        Ok(if is_there { Twin::Taken(row) } else { Twin::None })
    }

    /// A unique key is taken: by a row that is there for good, or by a transaction that may still
    /// end either way.
    fn meet_clash(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        table: TableId,
        clash: Clash,
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let holder = self.store(table)?.writer(clash.with);
        if holder.is_some_and(|holder| holder != by.transaction.id) {
            return Ok(self.probe(context, by, (table, clash.with), writing));
        }
        let definition = context.plan.table(table);
        let Some(key) = definition.keys.get(usize::from(clash.key)) else {
            let message = "A record with matching key values already exists.";
            return Err(Fault::new(FaultKind::DuplicateRow, message));
        };
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

    /// Waits for the end of the transaction that has written a row, only to look again.
    ///
    /// Assumed: the duplicate probe waits with a shared lock; no page names its mode.
    fn probe(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        row: (TableId, RowNumber),
        writing: &mut Writing,
    ) -> Wrote {
        let keeps = (false, &mut writing.taken);
        match self.lock_row(context, by, row, LockMode::Shared, keeps) {
            Asked::Waiting => Wrote::Waits,
            Asked::Held => Wrote::Again,
        }
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
        if assigned.iter().all(|(_, value)| matches!(value, Assigned::Value(_))) {
            return Ok(());
        }
        let Some(image) = self.store(table)?.read(row, View::Latest) else { return Ok(()) };
        let mut computed = Vec::new();
        {
            let linked =
                LinkedRows { plan: context.plan, tables: &self.tables, view: View::Latest };
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
    fn note_write(&mut self, by: By, table: TableId, row: RowNumber, columns: usize, first: bool) {
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

    fn has_written(&self, by: By, table: TableId, row: RowNumber) -> bool {
        self.transaction(by.transaction.owner).writes.contains(&(table, row))
    }

    /// Checks that the rows which lookups point to are there for this transaction.
    ///
    /// Assumed: by a read at the transaction's own view, without a lock on the other row; no page
    /// says whether Dataverse has foreign keys behind its lookups.
    fn check_lookups(
        &self,
        table: &Table,
        caller: &Caller,
        values: &[(ColumnId, Value)],
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        let reader = caller.by.map(|by| by.transaction);
        for (column, value) in values {
            if let (ColumnType::Lookup(to), Value::Id(id)) =
                (&table.columns[column.index()].kind, value)
                && !self.is_there(*to, *id, reader)
            {
                return Err(super::does_not_exist(context.plan.table(*to), *id));
            }
        }
        Ok(())
    }
}

/// Who has an id that is about to be created.
enum Twin {
    /// Nobody.
    None,
    /// Another transaction that has written the row and may still end either way: the insert waits
    /// for its end.
    Open(RowNumber),
    /// A row that is there for good.
    Taken(RowNumber),
}

/// What a write does to a row that is there.
pub enum Change<'a> {
    /// These columns get new values. Those that depend on the row are computed, and stay so.
    Update(&'a mut [(ColumnId, Assigned)]),
    /// It is removed.
    Delete,
}

/// The values that a write writes, when all are known.
fn known(assigned: &[(ColumnId, Assigned)]) -> Result<Vec<(ColumnId, Value)>, Fault> {
    let values = assigned.iter().map(|(column, assigned)| match assigned {
        Assigned::Value(value) => Ok((*column, value.clone())),
        Assigned::Late(_) => Err(broken("a new row has no columns to compute from yet".to_owned())),
    });
    values.collect()
}

/// On whose behalf a caller writes.
fn writer(caller: &Caller) -> Result<By, Fault> {
    caller
        .by
        .ok_or_else(|| Fault::new(FaultKind::TransactionAborted, "There is no active transaction."))
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
