//! The locks on one row that a scan is about to look at: its index entry, the row itself, and the
//! rows to which lookups lead.

use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, By};
use crate::engine::database::manner::without_range;
use crate::engine::database::read::Caller;
use crate::engine::database::scan::{Candidate, Scan};
use crate::engine::database::search::Access;
use crate::engine::database::{Database, lock_timeout};
use crate::engine::lock::Resource;
use crate::engine::store::{RowNumber, View};
use crate::fault::Fault;
use crate::plan::{Hint, Hints};
use crate::words::{ColumnId, ColumnType, LockMode, Value};

/// What came of locking a candidate.
pub(super) enum Locked {
    /// It may be looked at.
    Held,
    /// A lock must be waited for.
    Waits,
    /// It is locked by somebody else, and the scan goes past it.
    PassedBy,
}

impl Database {
    /// Takes the locks on one candidate.
    pub(super) fn lock_candidate(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        candidate: &Candidate,
    ) -> Result<Locked, Fault> {
        let (Some(mode), Some(by)) = (scan.manner.lock, caller.by) else {
            return Ok(Locked::Held);
        };
        let table = scan.search.table;
        let row = (table, candidate.row);
        let row_mode = without_range(mode);
        let (row_mode, key) = match (&scan.search.access, &candidate.entry) {
            (Access::Index { index, unique, .. }, Some((_, hash))) => {
                let key = Resource::Key { table, index: *index, hash: *hash };
                (row_mode, Some((key, if *unique { row_mode } else { mode })))
            }
            (Access::Ids(_), _) => (row_mode, None),
            _ => (mode, None),
        };
        if scan.manner.ranges {
            self.note_ranges(by.transaction);
        }
        if let Some((key, mode)) = key
            && !self.covers(by.transaction.owner, table, mode)
        {
            if let Some(locked) = self.decline(by, scan.hints, key, mode)? {
                return Ok(locked);
            }
            if self.lock_at_hand(context, by, key, mode, scan) == Asked::Waiting {
                return Ok(Locked::Waits);
            }
        }
        if self.covers(by.transaction.owner, table, row_mode) || self.is_gone(table, candidate.row)
        {
            return Ok(Locked::Held);
        }
        if scan.reads_entries_only() {
            scan.locks += u32::from(scan.manner.keeps);
            return Ok(Locked::Held);
        }
        if let Some(locked) = self.decline(by, scan.hints, Resource::Row(table, row.1), row_mode)? {
            return Ok(locked);
        }
        let keeps = (scan.manner.keeps, &mut scan.taken);
        if self.lock_row(context, by, row, row_mode, keeps) == Asked::Waiting {
            return Ok(Locked::Waits);
        }
        scan.locks += u32::from(scan.manner.keeps);
        Ok(Locked::Held)
    }

    /// Takes a lock on an index entry for as long as the scan's manner says.
    fn lock_at_hand(
        &mut self,
        context: &mut Context<'_>,
        by: By,
        resource: Resource,
        mode: LockMode,
        scan: &mut Scan,
    ) -> Asked {
        if scan.manner.keeps {
            return self.lock(context, by, resource, mode);
        }
        self.lock_for_now(context, by, resource, mode, &mut scan.taken)
    }

    /// What the hints say about a lock that would have to be waited for.
    fn decline(
        &self,
        by: By,
        hints: Hints,
        resource: Resource,
        mode: LockMode,
    ) -> Result<Option<Locked>, Fault> {
        if hints.has(Hint::ReadPast) && self.locks.would_wait(by.transaction.owner, resource, mode)
        {
            return Ok(Some(Locked::PassedBy));
        }
        self.refuse_to_wait(by, hints, resource, mode)?;
        Ok(None)
    }

    /// Refuses to wait where the hints say so.
    pub(super) fn refuse_to_wait(
        &self,
        by: By,
        hints: Hints,
        resource: Resource,
        mode: LockMode,
    ) -> Result<(), Fault> {
        if hints.has(Hint::NoWait) && self.locks.would_wait(by.transaction.owner, resource, mode) {
            return Err(lock_timeout().from_instance(self.id));
        }
        Ok(())
    }

    /// Locks the rows to which a condition's lookups lead, before it is judged.
    pub(super) fn lock_lookups(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
        columns: &[ColumnId],
    ) -> Result<Asked, Fault> {
        let (Some(_), Some(by)) = (scan.manner.lock, caller.by) else {
            return Ok(Asked::Held);
        };
        for column in columns {
            let table = scan.search.table;
            let ColumnType::Lookup(to) = context.plan.table(table).columns[column.index()].kind
            else {
                continue;
            };
            let image = self.store(table)?.read(row, View::Latest);
            let Some(Value::Id(id)) = image.map(|image| image.value(*column)) else { continue };
            let Some(linked) = self.tables[to.index()].as_ref().and_then(|it| it.find(id)) else {
                continue;
            };
            let intent = if scan.manner.keeps {
                self.enter(context, by, to, LockMode::IntentShared)
            } else {
                let resource = Resource::Table(to);
                let taken = &mut scan.taken;
                self.lock_for_now(context, by, resource, LockMode::IntentShared, taken)
            };
            let keeps = (scan.manner.keeps, &mut scan.taken);
            if intent == Asked::Waiting
                || self.lock_row(context, by, (to, linked), LockMode::Shared, keeps)
                    == Asked::Waiting
            {
                return Ok(Asked::Waiting);
            }
        }
        Ok(Asked::Held)
    }
}
