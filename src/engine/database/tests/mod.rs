//! A database by itself, without a world around it.

mod changes;
mod conditions;

use crate::engine::database::{
    Assigned, Beginning, By, Caller, Change, Context, Database, TransactionRef, Waiter, Writing,
    Wrote,
};
use crate::engine::log::Log;
use crate::engine::names::Names;
use crate::plan::{Column, DeltaTokens, Instance, Isolation, Plan, Table};
use crate::trace::RollbackReason;
use crate::words::{
    ColumnId, ColumnType, InstanceId, LaneId, RequestId, RowId, SimInstant, TableId, TransactionId,
    Value,
};

const ACCOUNT: TableId = TableId(0);
const NUMBER: ColumnId = ColumnId(0);

/// A database with one tracked table, what it needs around it, and what time it is.
struct Bench {
    plan: Plan,
    database: Database,
    names: Names,
    log: Log,
    now: SimInstant,
    transactions: u32,
}

impl Bench {
    fn new(tokens: DeltaTokens) -> Self {
        let mut plan = Plan::empty("a database by itself");
        let number = Column { name: "number".into(), kind: ColumnType::Whole };
        let mut account = Table::new("account".into(), vec![number]);
        account.change_tracking = true;
        plan.tables.push(account);
        let mut instance = Instance::new("us".into(), vec![ACCOUNT]);
        instance.delta_tokens = tokens;
        plan.instances.push(instance);
        let database = Database::new(&plan, InstanceId(0));
        let names = Names::new(std::iter::empty());
        let (log, now) = (Log::new(false), SimInstant::START);
        Self { plan, database, names, log, now, transactions: 0 }
    }

    /// The database, with what it needs around it.
    fn parts(&mut self) -> (&mut Database, Context<'_>) {
        let Self { plan, database, names, log, now, .. } = self;
        (database, Context { plan, names, log, now: *now })
    }

    fn begin(&mut self) -> TransactionRef {
        let id = TransactionId(self.transactions);
        self.transactions += 1;
        let (database, mut context) = self.parts();
        database.begin(
            &mut context,
            Beginning {
                id,
                lane: LaneId(0),
                isolation: Isolation::ReadCommittedSnapshot,
                priority: 0,
                request: None,
            },
        )
    }

    fn commit(&mut self, transaction: TransactionRef) {
        let (database, mut context) = self.parts();
        database.commit(&mut context, transaction).expect("nothing was swallowed");
    }

    fn roll_back(&mut self, transaction: TransactionRef) {
        let (database, mut context) = self.parts();
        database.roll_back(&mut context, transaction, RollbackReason::Asked);
    }

    /// Gives the row this number, or takes it away; a row that is not there is added. Nobody else
    /// has written it.
    fn write(&mut self, transaction: TransactionRef, id: RowId, number: Option<i64>) {
        let caller = caller(transaction);
        let (database, mut context) = self.parts();
        let mut writing = Writing::default();
        let found = database.lock_to_write(&mut context, &caller, (ACCOUNT, id), &mut writing);
        let value = |number| vec![(NUMBER, Assigned::Value(Value::Whole(number)))];
        match (found, number) {
            (Ok(Wrote::Missing), None) => {}
            (Ok(Wrote::Missing), Some(number)) => {
                let (row, values) = ((ACCOUNT, id), value(number));
                let wrote =
                    database.insert(&mut context, &caller, row, &values, &mut writing).unwrap();
                assert!(matches!(wrote, Wrote::Row(_)), "{wrote:?}");
            }
            (Ok(Wrote::Row(row)), number) => {
                let mut values = number.map(value);
                let change = match &mut values {
                    Some(values) => Change::Update(values),
                    None => Change::Delete,
                };
                let row = (ACCOUNT, row);
                let wrote = database.change(&mut context, &caller, row, change, &mut writing);
                assert!(matches!(wrote, Ok(Wrote::Row(_))), "{wrote:?}");
            }
            (found, _) => panic!("{found:?}"),
        }
    }
}

fn caller(transaction: TransactionRef) -> Caller {
    Caller {
        request: RequestId(0),
        by: Some(By { transaction, waiter: Waiter(0) }),
        level: Isolation::ReadCommittedSnapshot,
    }
}
