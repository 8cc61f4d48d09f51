//! One SQL Server database: its rows, its locks, its transactions, and the statements that work on
//! them. It is what stands behind one Dataverse instance, and it knows neither the pipeline above
//! it nor any other instance.
//!
//! It is a value, and it never waits. A statement is asked for bit by bit; each bit is done at one
//! instant, and the answer says what came of it: it is done and took so long, or it must wait for a
//! lock. Who waits is told when the lock is granted ([`Awakening`]), and then simply asks again.
//!
//! ```text
//!   statement ─▶ access (seek or scan) ─▶ scan: row by row ─▶ read │ change │ insert
//!                                            │                        │
//!                                            ▼                        ▼
//!                              locking: who may do what now     store: versions, indexes
//! ```
//!
//! *Invariants.* Nothing is written without its lock. What a transaction wrote is restored to the
//! last byte by its rollback. A version of a row is kept as long as a snapshot can see it, and no
//! longer. No clock is read: the caller says what time it is.

mod aggregate;
mod answer;
mod candidate;
mod changes;
mod condition;
mod conditional_write;
mod context;
mod cookie;
mod deadlock;
mod disturbance;
mod escalation;
mod execution;
mod free_run;
mod gap;
mod insert;
mod join;
mod joined_row;
mod locking;
mod manner;
mod marks;
mod monitor;
mod read;
mod scan;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod tombstone;
mod transaction;
mod visible;
mod write;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

pub use answer::{Answered, Beside, Page};
pub use changes::{ChangesQuery, ChangesStart};
pub use context::Context;
pub use cookie::Cookie;
pub use execution::{Execution, Query, Step};
pub use locking::{Asked, By, Temporary, Waiter};
pub use read::{Caller, Looked, record_of, selected};
pub use search::Search;
pub use transaction::{Beginning, TransactionRef, TransactionState};
pub use visible::{Sight, Visible};
pub use write::{Assigned, Change, Writing, Wrote};

use self::monitor::Monitor;
use self::tombstone::Tombstones;
use self::transaction::Transaction;
use crate::engine::lock::{LockTable, Owner};
use crate::engine::store::{Clash, TableStore};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Locking, Plan, Table};
use crate::words::{ColumnId, InstanceId, RowId, SimInstant, TableId, Value};

/// See the module.
#[derive(Clone)]
pub struct Database {
    id: InstanceId,
    /// Its tables; `None` for those that it does not have.
    tables: Vec<Option<TableStore>>,
    locks: LockTable,
    /// The slots of its transactions, by `Owner`.
    transactions: Vec<Transaction>,
    free: Vec<u32>,
    /// The version of the latest write. Versions count up over the whole database.
    ///
    /// Source: Microsoft Learn, "Use change tracking": the version number is a database-wide
    /// rowversion.
    row_version: u64,
    /// The number of the latest commit.
    stamp: u64,
    /// The commits as of which somebody reads, each with how many do.
    snapshots: BTreeMap<u64, u32>,
    /// What is left of the rows that were deleted from each table whose changes are tracked.
    tombstones: Vec<Option<Tombstones>>,
    /// Whether there is such a table.
    tracks: bool,
    /// For each table, the commit that last changed its definition; 0 for none.
    altered: Vec<u64>,
    /// How many changes of a table's definition are under way.
    altering: u32,
    /// How many transactions lock gaps between rows.
    ranging: u32,
    locking: Locking,
    monitor: Monitor,
    /// Whose waits closed the cycles for which no victim has been chosen yet.
    closers: Vec<Owner>,
    next_wait: u64,
    /// When the monitor wants to search; for the caller to take.
    search: Option<SimInstant>,
    /// Who is to go on; for the caller to take.
    awakened: Vec<Awakening>,
    /// Scratch for the owners whose locks were granted; empty between uses.
    granted: Vec<Owner>,
}

/// Somebody who waited for a lock is to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awakening {
    /// Who.
    pub waiter: Waiter,
    /// What has befallen it; `None` when the lock was granted.
    pub fault: Option<Fault>,
}

impl Database {
    /// The database of an instance of the plan, with empty tables.
    pub fn new(plan: &Plan, id: InstanceId) -> Self {
        let mut tables: Vec<Option<TableStore>> = plan.tables.iter().map(|_| None).collect();
        for table in &plan.instance(id).tables {
            tables[table.index()] = Some(TableStore::new(plan.table(*table)));
        }
        let tombstones: Vec<_> = (tables.iter().zip(&plan.tables))
            .map(|(store, table)| {
                let is_tracked = store.is_some() && table.change_tracking;
                is_tracked.then(Tombstones::default)
            })
            .collect();
        let limits = &plan.limits;
        Self {
            id,
            tracks: tombstones.iter().any(Option::is_some),
            tombstones,
            altered: vec![0; tables.len()],
            tables,
            locks: LockTable::new(),
            transactions: Vec::new(),
            free: Vec::new(),
            row_version: 0,
            stamp: 0,
            snapshots: BTreeMap::new(),
            altering: 0,
            ranging: 0,
            locking: plan.instance(id).locking,
            monitor: Monitor::new(limits.deadlock_monitor, limits.deadlock_monitor_least),
            closers: Vec::new(),
            next_wait: 0,
            search: None,
            awakened: Vec::new(),
            granted: Vec::new(),
        }
    }

    /// Adds a row that is there from the beginning, and answers its version; 0 where there is no
    /// such table.
    ///
    /// # Errors
    ///
    /// Another row has its id or one of its keys.
    pub fn load(
        &mut self,
        table: TableId,
        id: RowId,
        values: &[(ColumnId, Value)],
    ) -> Result<u64, Clash> {
        let version = self.next_version();
        let Some(store) = &mut self.tables[table.index()] else {
            return Ok(0);
        };
        store.insert(None, id, values, version, 0)?;
        Ok(version)
    }

    /// Whether a transaction is under way: neither ended nor rolled back under its owner's hands.
    pub fn is_open(&self, reference: TransactionRef) -> bool {
        matches!(self.state_of(reference), TransactionState::Active | TransactionState::Doomed(_))
    }

    /// Tells which rows are about to be looked at, so that their memory is asked for all at once.
    /// No effect but on time.
    pub fn expect(&self, rows: impl Iterator<Item = (TableId, RowId)> + Clone) {
        let stores = || rows.clone().filter_map(|(table, id)| Some((self.store(table).ok()?, id)));
        stores().for_each(|(store, id)| store.expect(id));
        stores().for_each(|(store, id)| store.expect_row(id));
    }

    /// The rows of a table.
    ///
    /// # Errors
    ///
    /// The instance has no such table.
    pub fn store(&self, table: TableId) -> Result<&TableStore, Fault> {
        self.tables[table.index()].as_ref().ok_or_else(no_table)
    }

    fn store_mut(&mut self, table: TableId) -> Result<&mut TableStore, Fault> {
        self.tables[table.index()].as_mut().ok_or_else(no_table)
    }

    /// Whether the instance has the table.
    pub fn has(&self, table: TableId) -> bool {
        self.tables[table.index()].is_some()
    }

    /// Whether anything is known of a row: it is there, or was or will be for somebody.
    pub fn knows(&self, table: TableId, id: RowId) -> bool {
        self.store(table).is_ok_and(|store| store.find(id).is_some())
    }

    /// When the deadlock monitor wants to search next, if that has changed.
    pub const fn take_search(&mut self) -> Option<SimInstant> {
        self.search.take()
    }

    /// Who is to go on, in order, since this was last asked. `into` is working space, to be
    /// given back by [`Database::keep_room`].
    pub fn take_awakened(&mut self) -> Vec<Awakening> {
        std::mem::take(&mut self.awakened)
    }

    /// Gives the room of a list from [`Database::take_awakened`] back.
    pub fn keep_room(&mut self, mut emptied: Vec<Awakening>) {
        emptied.clear();
        if self.awakened.is_empty() {
            self.awakened = emptied;
        }
    }

    /// The version for the next write.
    const fn next_version(&mut self) -> u64 {
        self.row_version += 1;
        self.row_version
    }

    /// The version up to which everything is committed or will never be: below the first write of
    /// every transaction that is open.
    fn settled_version(&self) -> u64 {
        let open = self.transactions.iter().filter(|transaction| {
            matches!(transaction.state, TransactionState::Active | TransactionState::Doomed(_))
                && transaction.first_version > 0
        });
        let first = open.map(|transaction| transaction.first_version).min();
        first.map_or(self.row_version, |first| first - 1)
    }
}

impl Hash for Database {
    /// Everything that decides what the database will do. Free slots and what is waiting to be
    /// taken do not.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tables.hash(state);
        self.locks.hash(state);
        self.transactions.hash(state);
        (self.row_version, self.stamp, &self.altered, &self.tombstones).hash(state);
        self.monitor.hash(state);
    }
}

/// The fault of a table that the instance does not have.
pub fn no_table() -> Fault {
    Fault::new(FaultKind::NoSuchTable, "The instance has no such table.")
}

/// The fault of a statement that waited for a lock longer than it may.
///
/// Source: Microsoft Learn, "SET LOCK_TIMEOUT": error 1222; the transaction is not rolled back.
pub fn lock_timeout() -> Fault {
    let message = "Sql error: Generic SQL error. CRM ErrorCode: -2147204784 Sql ErrorCode: \
                   -2146232060 Sql Number: 1222. Lock request time out period exceeded.";
    Fault::new(FaultKind::LockTimeout, message)
}

/// Source: Microsoft Learn, "Web service error codes": ObjectDoesNotExist, in its newer wording.
pub fn does_not_exist(table: &Table, id: RowId) -> Fault {
    let message = format!("Entity '{}' With Id = {id} Does Not Exist", table.name);
    Fault::new(FaultKind::RowDoesNotExist, message)
}

/// The fault of an id that a row has already.
///
/// Source: Microsoft Learn, "Perform conditional operations using the Web API", Limit upsert
/// operations: DuplicateRecord, 412.
pub fn already_exists() -> Fault {
    let message = "A record with matching key values already exists.";
    Fault::new(FaultKind::DuplicateRow, message)
}

/// What an expression could not compute, as the fault of a program that broke.
pub fn broken(message: String) -> Fault {
    Fault::new(FaultKind::PlugInFailed, format!("An unexpected error occurred: {message}."))
}
