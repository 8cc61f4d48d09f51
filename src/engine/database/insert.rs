//! New rows.
//!
//! An insert asks for everything before the row is in the table: the entries of every index with
//! the gaps into which they go, and the gap into which the row goes. Only then the row is put into
//! its slot, and locked there, which nobody can be in the way of.
//!
//! (A row that goes is left by all who wait for it, so a free slot is never locked.)
//!
//! A unique key is decided by its entry's lock: whoever creates or takes away a key holds the entry
//! to the end of its transaction, so a twin waits there, and then finds the key taken or free.

use crate::engine::database::context::Context;
use crate::engine::database::gap::absence;
use crate::engine::database::locking::{Asked, By, Temporary};
use crate::engine::database::read::Caller;
use crate::engine::database::write::{Assigned, Writing, Wrote, check_known, writer};
use crate::engine::database::{Database, already_exists};
use crate::engine::lock::Resource;
use crate::engine::store::{Clash, EntryChange, NewValue, RowNumber, View};
use crate::fault::{Fault, FaultKind};
use crate::plan::Isolation;
use crate::trace::{Event, RowWritten, WriteKind};
use crate::words::{ColumnId, LockMode, RowId, TableId, Value};

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
        check_known(assigned)?;
        self.check_schema(context, caller, table)?;
        self.check_lookups(context.plan.table(table), caller, assigned, context)?;
        if self.enter_to_write(context, by, table) == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        self.look_again(context, by, writing);
        match self.twin(by, table, id)? {
            Twin::None => {}
            Twin::Open(twin) => return Ok(self.probe(context, by, (table, twin), writing)),
            Twin::Taken(twin) => return self.meet_twin(context, caller, (table, twin), writing),
        }
        let again = self.store(table)?.find(id);
        // A row that was deleted, and that somebody can still see, comes back to its place.
        let slot = again.unwrap_or(self.store(table)?.next_slot());
        if again.is_some() {
            if self.lock_exclusively(context, by, (table, slot), writing) == Asked::Waiting {
                return Ok(Wrote::Waits);
            }
            self.check_conflict(context, caller, table, slot)?;
        }
        let row = (table, id, slot);
        if self.lock_for_insert(context, by, row, assigned, writing)? == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        self.put(context, caller, row, assigned, writing)
    }

    /// Gives back what was only looked at, before it is looked at again. What is locked to be
    /// written is kept: else whoever waits behind would get it, and the two would hand it to each
    /// other for ever.
    fn look_again(&mut self, context: &mut Context<'_>, by: By, writing: &mut Writing) {
        let taken = std::mem::take(&mut writing.taken);
        let is_kept = |it: &Temporary| it.mode == LockMode::Exclusive;
        let (kept, mut given_back) = taken.into_iter().partition(is_kept);
        writing.taken = kept;
        self.give_back(context, by.transaction, &mut given_back);
    }

    /// Puts a new row, for which everything is locked, into its slot.
    fn put(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, id, slot): (TableId, RowId, RowNumber),
        values: &[(ColumnId, Assigned)],
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let by = writer(caller)?;
        let (version, stamp) = (self.row_version + 1, self.stamp);
        let owner = Some(by.transaction.id);
        let first = self.store(table)?.writer(slot) != owner;
        let store = self.store_mut(table)?;
        let row = match store.insert(owner, id, values, version, stamp) {
            Ok(row) => row,
            Err(clash) => return self.meet_clash(context, by, table, clash, writing),
        };
        self.note_write(by, table, row, values.len(), first);
        self.transaction_mut(by.transaction.owner).leaves_gaps = true;
        if self.lock_new_row(context, by, (table, row), writing)? == Asked::Waiting {
            return Ok(Wrote::Waits);
        }
        let (transaction, request, instance) = (by.transaction.id, caller.request, self.id);
        let added = |it: &(_, _)| (it.column(), Value::Null, it.value().clone());
        context.emit(|| {
            Event::RowWritten(RowWritten {
                transaction,
                request,
                instance,
                table,
                row: id,
                kind: WriteKind::Insert,
                version_before: 0,
                version_after: version,
                columns: values.iter().map(added).collect(),
            })
        });
        self.give_back(context, by.transaction, &mut writing.taken);
        Ok(Wrote::Row(row))
    }

    /// The id is taken. Who may not see the row vanish again keeps it locked.
    fn meet_twin(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        twin: (TableId, RowNumber),
        writing: &mut Writing,
    ) -> Result<Wrote, Fault> {
        let by = writer(caller)?;
        let lock = (true, &mut writing.taken);
        if matches!(caller.level, Isolation::RepeatableRead | Isolation::Serializable)
            && self.lock_row(context, by, twin, LockMode::Shared, lock) == Asked::Waiting
        {
            return Ok(Wrote::Waits);
        }
        Err(already_exists())
    }

    /// Locks what a new row needs before it is there: its entries, and the gaps into which they and
    /// the row go.
    fn lock_for_insert(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        (table, id, slot): (TableId, RowId, RowNumber),
        values: &[(ColumnId, Assigned)],
        writing: &mut Writing,
    ) -> Result<Asked, Fault> {
        let owner = by.transaction.owner;
        if self.covers(owner, table, LockMode::Exclusive) {
            return Ok(Asked::Held);
        }
        let keys = context.plan.table(table).keys.len();
        let mut changes = Vec::new();
        self.store(table)?.changed_entries(None, values, &mut changes);
        let mut of_this_slot = Vec::new();
        for EntryChange { index, .. } in &changes {
            let store = self.store(table)?;
            let Some(entry) = store.position(*index, slot, values) else { continue };
            let Some(hash) = store.lock_hash(*index, &entry) else { continue };
            let gap = self.gap_above(table, *index, &entry)?;
            let mode = self.mode_in_gap(owner, gap);
            let key = Resource::Key { table, index: *index, hash };
            if usize::from(*index) >= keys {
                of_this_slot.push((key, mode));
            } else if self.lock_entry(context, by, key, mode, writing) == Asked::Waiting {
                return Ok(Asked::Waiting);
            }
            if self.test(context, by, gap, writing) == Asked::Waiting {
                return Ok(Asked::Waiting);
            }
        }
        for gap in [absence(table, id), self.gap_above_row(table, slot)?] {
            if self.test(context, by, gap, writing) == Asked::Waiting {
                return Ok(Asked::Waiting);
            }
        }
        // While an insert waits another one may take the slot, so what goes by the slot is locked
        // when there is nothing left to wait for.
        for (key, mode) in of_this_slot {
            if self.lock_entry(context, by, key, mode, writing) == Asked::Waiting {
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
    pub(super) fn meet_clash(
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
            return Err(already_exists());
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
}
