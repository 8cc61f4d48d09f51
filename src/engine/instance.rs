//! One Dataverse environment: its tables, its locks, its transactions. It knows no other instance
//! and no clock.

use crate::engine::fiber::{FiberId, TransactionRef};
use crate::engine::lock::{LockTable, Owner, Resource};
use crate::engine::monitor::Monitor;
use crate::engine::store::{RowNumber, TableStore};
use crate::fault::FaultKind;
use crate::plan::{Isolation, Plan};
use crate::trace::LockResource;
use crate::words::{InstanceId, LaneId, LockMode, SimInstant, TableId, TransactionId};

/// The state of one instance.
#[derive(Clone)]
pub struct InstanceState {
    /// Which one it is.
    pub id: InstanceId,
    /// Its tables; `None` for those that it does not have.
    pub tables: Vec<Option<TableStore>>,
    /// Its lock table.
    pub locks: LockTable,
    /// The slots of its transactions, by `Owner`.
    pub transactions: Vec<Transaction>,
    free: Vec<u32>,
    /// The version of the latest write. Versions count up over the whole instance.
    ///
    /// Source: Microsoft Learn, "Use change tracking": the version number is a database-wide
    /// rowversion.
    pub row_version: u64,
    /// The number of the latest commit.
    pub stamp: u64,
    /// Its deadlock monitor.
    pub monitor: Monitor,
}

/// One slot for a transaction.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Transaction {
    /// Its number.
    pub id: TransactionId,
    /// On whose behalf it works.
    pub lane: LaneId,
    /// Its isolation level.
    pub isolation: Isolation,
    /// Where it is in its life.
    pub state: TransactionState,
    /// The rows that it has written, each once, in order.
    pub writes: Vec<(TableId, RowNumber)>,
    /// The version of its first write; 0 before it.
    pub first_version: u64,
    /// How much it has written: what a rollback would cost.
    pub log_bytes: u64,
    /// What it waits for.
    pub wait: Option<Wait>,
}

/// A transaction's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// The slot is free.
    Free,
    /// It is under way.
    Active,
    /// A request in it met this fault. It can only be rolled back, but has not been yet.
    Doomed(FaultKind),
    /// It was rolled back under its owner's hands, for this fault; the owner does not know yet.
    RolledBack(FaultKind),
}

/// A wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Who sleeps until it ends.
    pub fiber: FiberId,
    /// For what.
    pub resource: LockResource,
    /// In which mode.
    pub mode: LockMode,
    /// Since when.
    pub since: SimInstant,
    /// Its position among all waits of the world, in the order in which they began.
    pub number: u64,
}

impl InstanceState {
    /// An instance of the plan, with empty tables.
    pub fn new(plan: &Plan, id: InstanceId) -> Self {
        let mut tables: Vec<Option<TableStore>> = plan.tables.iter().map(|_| None).collect();
        for table in &plan.instance(id).tables {
            tables[table.index()] = Some(TableStore::new(plan.table(*table)));
        }
        let limits = &plan.limits;
        Self {
            id,
            tables,
            locks: LockTable::new(),
            transactions: Vec::new(),
            free: Vec::new(),
            row_version: 0,
            stamp: 0,
            monitor: Monitor::new(limits.deadlock_monitor, limits.deadlock_monitor_least),
        }
    }

    /// Opens a transaction.
    pub fn open(
        &mut self,
        id: TransactionId,
        lane: LaneId,
        isolation: Isolation,
    ) -> TransactionRef {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.transactions.push(Transaction::free());
            u32::try_from(self.transactions.len() - 1).unwrap_or(u32::MAX)
        });
        let transaction = &mut self.transactions[slot as usize];
        transaction.id = id;
        transaction.lane = lane;
        transaction.isolation = isolation;
        transaction.state = TransactionState::Active;
        TransactionRef { owner: Owner(slot), id }
    }

    /// Gives a transaction's slot back.
    pub fn close(&mut self, reference: TransactionRef) {
        let transaction = &mut self.transactions[reference.owner.0 as usize];
        transaction.state = TransactionState::Free;
        transaction.writes.clear();
        transaction.first_version = 0;
        transaction.log_bytes = 0;
        transaction.wait = None;
        self.free.push(reference.owner.0);
    }

    /// The transaction of this owner.
    pub fn transaction(&self, owner: Owner) -> &Transaction {
        &self.transactions[owner.0 as usize]
    }

    /// The transaction of this owner, to be changed.
    pub fn transaction_mut(&mut self, owner: Owner) -> &mut Transaction {
        &mut self.transactions[owner.0 as usize]
    }

    /// Where a transaction is in its life; free once its slot was given back.
    pub fn state_of(&self, reference: TransactionRef) -> TransactionState {
        let transaction = self.transaction(reference.owner);
        if transaction.id == reference.id { transaction.state } else { TransactionState::Free }
    }

    /// The version for the next write.
    pub const fn next_version(&mut self) -> u64 {
        self.row_version += 1;
        self.row_version
    }

    /// The version up to which everything is committed or will never be: what a reader of
    /// changes may take as read.
    ///
    /// Assumed: bounded by the oldest open transaction, as SQL Server's `MIN_ACTIVE_ROWVERSION`;
    /// no page says how Dataverse protects change tracking from transactions in flight.
    pub fn settled_version(&self) -> u64 {
        let open = self.transactions.iter().filter(|transaction| {
            transaction.state != TransactionState::Free && transaction.first_version > 0
        });
        let first = open.map(|transaction| transaction.first_version).min();
        first.map_or(self.row_version, |first| first - 1)
    }

    /// A lock's resource as traces name it.
    pub fn describe(&self, resource: Resource) -> Option<LockResource> {
        let instance = self.id;
        Some(match resource {
            Resource::Row(table, row) => {
                let row = self.tables[table.index()].as_ref()?.id(row);
                LockResource::Row { instance, table, row }
            }
            Resource::Key { table, index, hash } => {
                LockResource::Key { instance, table, index, hash }
            }
            Resource::End { table, index } => LockResource::End { instance, table, index },
            Resource::Transaction(transaction) => {
                LockResource::Transaction { instance, transaction }
            }
            Resource::Table(table) => LockResource::Table { instance, table },
        })
    }
}

impl Transaction {
    const fn free() -> Self {
        Self {
            id: TransactionId(u32::MAX),
            lane: LaneId(u32::MAX),
            isolation: Isolation::ReadCommittedSnapshot,
            state: TransactionState::Free,
            writes: Vec::new(),
            first_version: 0,
            log_bytes: 0,
            wait: None,
        }
    }
}
