//! The kernel's contestant: one database with what it needs from around it, its log off.

use std::time::Duration;

use multiverse::engine::database::{
    Assigned, Beginning, By, Caller, Change, Context, Database, TransactionRef, Waiter, Writing,
    Wrote,
};
use multiverse::engine::log::Log;
use multiverse::engine::names::Names;
use multiverse::plan::{AlternateKey, Column, Instance as Place, Isolation, Plan, Table};
use multiverse::trace::RollbackReason;
use multiverse::words::{
    ColumnId, ColumnType, InstanceId, LaneId, Name, RequestId, RowId, SimInstant, TableId,
    TransactionId, Value,
};

use super::{COLUMNS, KEY, NUMBER, key_of, row_id, values};

/// The one table.
pub const TEST: TableId = TableId(0);

/// Whether the table has its unique alternate key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    Yes,
    No,
}

/// See the module.
pub struct Instance {
    pub plan: Plan,
    pub database: Database,
    pub now: SimInstant,
    names: Names,
    log: Log,
    next: u32,
}

impl Instance {
    /// One without rows.
    pub fn empty(keyed: Keyed) -> Self {
        let mut plan = Plan::empty("bench");
        let column = |column: ColumnId| Column {
            name: Name::from(format!("column {}", column.0)),
            kind: match column {
                NUMBER => ColumnType::Whole,
                _ => ColumnType::Text { max_length: 100 },
            },
        };
        let columns = (0..COLUMNS).map(ColumnId).map(column).collect();
        let mut table = Table::new(Name::from("test"), columns);
        if keyed == Keyed::Yes {
            table.keys.push(AlternateKey { name: Name::from("key"), columns: vec![KEY] });
        }
        plan.tables.push(table);
        plan.instances.push(Place::new(Name::from("db"), vec![TEST]));
        plan.costs.row = Duration::from_micros(1);
        // A monitor that comes by at once: what is measured is the search, not the pause before it.
        plan.limits.deadlock_monitor = Duration::ZERO;
        plan.limits.deadlock_monitor_least = Duration::ZERO;
        let database = Database::new(&plan, InstanceId(0));
        let (names, log) = (Names::default(), Log::new(false));
        Self { plan, database, now: SimInstant::START, names, log, next: 0 }
    }

    /// One with rows.
    pub fn of(rows: u64, keyed: Keyed) -> Self {
        let mut it = Self::empty(keyed);
        let mut values = values();
        for number in 0..rows {
            values[usize::from(KEY.0)].1 = Value::text(&key_of(number));
            it.load(row_id(number), &values);
        }
        it
    }

    pub fn load(&mut self, id: RowId, values: &[(ColumnId, Value)]) {
        self.database.load(TEST, id, values).expect("ids and keys differ");
    }

    /// The same, with its trace on or off.
    pub fn with_trace(mut self, on: bool) -> Self {
        self.log = Log::new(on);
        self
    }

    /// Forgets what the trace has told so far.
    pub fn forget_trace(&mut self) {
        drop(self.log.take());
    }

    /// The database, and what its calls need.
    pub fn parts(&mut self) -> (&mut Database, Context<'_>) {
        let context =
            Context { plan: &self.plan, names: &mut self.names, log: &mut self.log, now: self.now };
        (&mut self.database, context)
    }

    pub fn begin(&mut self) -> TransactionRef {
        self.next = self.next.wrapping_add(1);
        let beginning = Beginning {
            id: TransactionId(self.next),
            lane: LaneId(0),
            isolation: Isolation::ReadCommittedSnapshot,
            priority: 0,
            request: None,
        };
        let (database, mut context) = self.parts();
        database.begin(&mut context, beginning)
    }

    pub fn commit(&mut self, transaction: TransactionRef) {
        let (database, mut context) = self.parts();
        database.commit(&mut context, transaction).expect("it is open");
    }

    pub fn roll_back(&mut self, transaction: TransactionRef) {
        let (database, mut context) = self.parts();
        database.roll_back(&mut context, transaction, RollbackReason::Asked);
    }

    /// Updates a row, as far as it gets.
    pub fn update(
        &mut self,
        caller: &Caller,
        id: RowId,
        values: &mut [(ColumnId, Assigned)],
        writing: &mut Writing,
    ) -> Wrote {
        let (database, mut context) = self.parts();
        let locked = database.lock_to_write(&mut context, caller, (TEST, id), writing);
        match locked.expect("there is such a table") {
            Wrote::Row(row) => {
                let change = Change::Update(values);
                let wrote = database.change(&mut context, caller, (TEST, row), change, writing);
                wrote.expect("nothing is in the way")
            }
            other => other,
        }
    }

    /// Lets the deadlock monitor search, where it wants to.
    pub fn search_deadlocks(&mut self) {
        if self.database.take_search().is_some() {
            let (database, mut context) = self.parts();
            database.search_deadlocks(&mut context);
        }
    }
}

/// Who works in a transaction.
pub fn caller(transaction: TransactionRef, waiter: u32) -> Caller {
    Caller {
        request: RequestId(0),
        by: Some(By { transaction, waiter: Waiter(waiter) }),
        level: Isolation::ReadCommittedSnapshot,
    }
}
