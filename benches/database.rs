//! What one database costs, in the calls by which the world and the host drive it, with the log
//! off. One function a claim; beside the claims that are about throughput stands the bare bound, a
//! hash map with a mutex a row, measured in the same run.
#![allow(missing_docs)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use multiverse::engine::database::{
    Assigned, Beginning, By, Caller, Change, Context, Database, Execution, Query, Step,
    TransactionRef, Waiter, Writing, Wrote,
};
use multiverse::engine::log::Log;
use multiverse::engine::names::Names;
use multiverse::plan::{Column, Hint, Hints, Instance, Isolation, Plan, Table};
use multiverse::words::{
    BinaryOperator, ColumnId, ColumnType, Expression, InstanceId, LaneId, Name, RequestId, RowId,
    SimInstant, TableId, TransactionId, Value,
};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of the large table.
const ROWS: u64 = 1_000_000;
/// Rows of the contended one.
const HOT_ROWS: u64 = 100;
/// Updates of one transaction.
const UPDATES: usize = 10;
/// Sessions on the hot rows.
const SESSIONS: [u32; 3] = [2, 16, 64];
/// The seed of every draw.
const SEED: u64 = 42;

const TEST: TableId = TableId(0);
const NUMBER: ColumnId = ColumnId(1);

/// A small generator (xorshift), so that drawing a row costs a nanosecond.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u64::try_from((u128::from(self.0) * u128::from(bound)) >> 64).expect("below the bound")
    }
}

/// An id with its bits spread as those of named rows are, worked out without a look into memory.
fn row_id(number: u64) -> RowId {
    let low = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = low.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    RowId(Uuid::from_u64_pair(high, low))
}

/// A database with what it needs from around it.
struct Bench {
    plan: Plan,
    names: Names,
    log: Log,
    database: Database,
    now: SimInstant,
    next: u32,
}

impl Bench {
    fn of(rows: u64, columns: u16) -> Self {
        let mut plan = Plan::empty("bench");
        let column = |index: u16| Column {
            name: Name::from(format!("column {index}")),
            kind: if index == 1 { ColumnType::Whole } else { ColumnType::Text { max_length: 100 } },
        };
        plan.tables.push(Table::new(Name::from("test"), (0..columns).map(column).collect()));
        plan.instances.push(Instance::new(Name::from("db"), vec![TEST]));
        plan.costs.row = Duration::from_nanos(0);
        // A monitor that comes by at once: what is measured is the search, not the pause before it.
        plan.limits.deadlock_monitor = Duration::ZERO;
        plan.limits.deadlock_monitor_least = Duration::ZERO;
        let mut database = Database::new(&plan, InstanceId(0));
        let values: Vec<_> = (0..columns)
            .map(|index| match index {
                1 => (NUMBER, Value::Whole(1)),
                _ => (ColumnId(index), Value::text("twelve bytes")),
            })
            .collect();
        for number in 0..rows {
            database.load(TEST, row_id(number), &values).expect("ids differ");
        }
        let names = Names::default();
        Self { plan, names, log: Log::new(false), database, now: SimInstant::START, next: 0 }
    }

    fn parts(&mut self) -> (&mut Database, Context<'_>) {
        let context =
            Context { plan: &self.plan, names: &mut self.names, log: &mut self.log, now: self.now };
        (&mut self.database, context)
    }

    fn begin(&mut self) -> TransactionRef {
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

    fn commit(&mut self, transaction: TransactionRef) {
        let (database, mut context) = self.parts();
        database.commit(&mut context, transaction).expect("it is open");
    }

    /// Updates a row, as far as it gets.
    fn update(
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
}

fn caller(transaction: TransactionRef, waiter: u32) -> Caller {
    Caller {
        request: RequestId(0),
        by: Some(By { transaction, waiter: Waiter(waiter) }),
        level: Isolation::ReadCommittedSnapshot,
    }
}

/// Committed transactions of ten updates of random rows of a million, with nobody in the way.
fn uncontended(criterion: &mut Criterion) {
    // Made only when it is measured: a bench that a filter leaves out costs nothing.
    let mut made = None;
    let mut at = 0;
    let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
    let mut group = criterion.benchmark_group("uncontended");
    group.throughput(Throughput::Elements(1));
    group.bench_function("transaction_of_10_updates_of_1000000_rows", |bencher| {
        let bench = made.get_or_insert_with(|| Bench::of(ROWS, 10));
        bencher.iter(|| {
            let transaction = bench.begin();
            let caller = caller(transaction, 0);
            let mut writing = Writing::default();
            for _ in 0..UPDATES {
                at = (at + 618_033) % ROWS;
                black_box(bench.update(&caller, row_id(at), &mut values, &mut writing));
            }
            bench.commit(transaction);
        });
    });
    let mut made = None;
    group.bench_function("bare_hash_map_of_mutexes", |bencher| {
        let rows: &HashMap<RowId, Mutex<[u64; 13]>, FixedState> = made.get_or_insert_with(|| {
            (0..ROWS).map(|number| (row_id(number), Mutex::new([0; 13]))).collect()
        });
        bencher.iter(|| {
            let mut guards = Vec::with_capacity(UPDATES);
            for _ in 0..UPDATES {
                at = (at + 618_033) % ROWS;
                let mut row = rows[&row_id(at)].lock().expect("nobody panics");
                row[1] += 1;
                guards.push(row);
            }
        });
    });
    group.finish();
}

/// One session on the hot rows: what it is about to do.
struct Session {
    transaction: TransactionRef,
    rows: [u64; UPDATES],
    done: usize,
    writing: Writing,
}

/// Sessions that update hot rows, each in the order that it draws, or in ascending order. A victim
/// begins again. Answers how many transactions were committed.
struct Contention {
    bench: Bench,
    sessions: Vec<Session>,
    ready: VecDeque<u32>,
    draw: Draw,
    sorted: bool,
    deadlocks: u64,
}

impl Contention {
    fn new(count: u32, sorted: bool) -> Self {
        let mut it = Self {
            bench: Bench::of(HOT_ROWS, 3),
            sessions: Vec::new(),
            ready: (0..count).collect(),
            draw: Draw(SEED),
            sorted,
            deadlocks: 0,
        };
        for _ in 0..count {
            let session = it.fresh();
            it.sessions.push(session);
        }
        it
    }

    fn fresh(&mut self) -> Session {
        let mut rows = [0; UPDATES];
        for row in &mut rows {
            *row = self.draw.below(HOT_ROWS);
        }
        if self.sorted {
            rows.sort_unstable();
        }
        let transaction = self.bench.begin();
        Session { transaction, rows, done: 0, writing: Writing::default() }
    }

    /// Lets sessions take turns, an update each, until so many transactions are committed.
    fn run(&mut self, commits: u64) {
        let mut committed = 0;
        let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
        while committed < commits {
            let number = self.ready.pop_front().expect("somebody can go on");
            let session = &mut self.sessions[number as usize];
            if session.done == UPDATES {
                self.bench.commit(session.transaction);
                committed += 1;
                self.sessions[number as usize] = self.fresh();
                self.ready.push_back(number);
            } else {
                let caller = caller(session.transaction, number);
                let row = row_id(session.rows[session.done]);
                let wrote = self.bench.update(&caller, row, &mut values, &mut session.writing);
                if let Wrote::Row(_) = wrote {
                    session.done += 1;
                    self.ready.push_back(number);
                }
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        if self.bench.database.take_search().is_some() {
            let (database, mut context) = self.bench.parts();
            database.search_deadlocks(&mut context);
        }
        let mut awakened = self.bench.database.take_awakened();
        for awakening in awakened.drain(..) {
            let number = awakening.waiter.0;
            if awakening.fault.is_some() {
                self.deadlocks += 1;
                let transaction = self.sessions[number as usize].transaction;
                let (database, mut context) = self.bench.parts();
                let reason = multiverse::trace::RollbackReason::Asked;
                database.roll_back(&mut context, transaction, reason);
                self.sessions[number as usize] = self.fresh();
                // It takes its time to try again, else it would meet the same neighbours at once.
                self.ready.push_back(number);
            } else {
                self.ready.push_front(number);
            }
        }
        self.bench.database.keep_room(awakened);
    }
}

/// Committed transactions of ten updates of a hundred hot rows.
fn hot_rows(criterion: &mut Criterion) {
    for (order, sorted) in [("sorted", true), ("unsorted", false)] {
        let mut group = criterion.benchmark_group(format!("hot_rows_{order}"));
        for count in SESSIONS {
            let mut contention = Contention::new(count, sorted);
            let batch = 1_000;
            group.throughput(Throughput::Elements(batch));
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| contention.run(batch));
            });
        }
        group.finish();
    }
    let rows: Vec<Mutex<[u64; 13]>> = (0..HOT_ROWS).map(|_| Mutex::new([0; 13])).collect();
    let mut draw = Draw(SEED);
    let mut group = criterion.benchmark_group("hot_rows_bare");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one_session", |bencher| {
        bencher.iter(|| {
            let mut numbers = [0; UPDATES];
            for number in &mut numbers {
                *number = usize::try_from(draw.below(HOT_ROWS)).expect("few rows");
            }
            numbers.sort_unstable();
            let mut guards = Vec::with_capacity(UPDATES);
            for (place, number) in numbers.iter().enumerate() {
                if place == 0 || numbers[place - 1] != *number {
                    let mut row = rows[*number].lock().expect("nobody panics");
                    row[1] += 1;
                    guards.push(row);
                }
            }
        });
    });
    group.finish();
}

/// From the request that closes a cycle of two to its victim, rolled back.
fn cycle_to_victim(criterion: &mut Criterion) {
    let mut bench = Bench::of(HOT_ROWS, 3);
    let mut group = criterion.benchmark_group("deadlock");
    group.bench_function("closing_request_to_victim_of_two", |bencher| {
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
            for _ in 0..times {
                let (a, b) = (bench.begin(), bench.begin());
                let (of_a, of_b) = (caller(a, 0), caller(b, 1));
                let (mut first, mut second) = (Writing::default(), Writing::default());
                let _ = bench.update(&of_a, row_id(1), &mut values, &mut first);
                let _ = bench.update(&of_b, row_id(2), &mut values, &mut second);
                let _ = bench.update(&of_a, row_id(2), &mut values, &mut first);
                #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
                let start = std::time::Instant::now();
                let _ = bench.update(&of_b, row_id(1), &mut values, &mut second);
                let (database, mut context) = bench.parts();
                if database.take_search().is_some() {
                    database.search_deadlocks(&mut context);
                }
                all += start.elapsed();
                let awakened = bench.database.take_awakened();
                bench.database.keep_room(awakened);
                let (database, mut context) = bench.parts();
                let reason = multiverse::trace::RollbackReason::Asked;
                database.roll_back(&mut context, b, reason.clone());
                database.roll_back(&mut context, a, reason);
            }
            all
        });
    });
    group.finish();
}

/// A scan of a million rows for a value that none has, with nolock and with locks.
fn scans(criterion: &mut Criterion) {
    let mut made = None;
    let mut group = criterion.benchmark_group("scan_of_1000000_rows");
    group.throughput(Throughput::Elements(ROWS));
    group.sample_size(20);
    let filter = Expression::Binary(
        BinaryOperator::Equal,
        Box::new(Expression::Column(Name::from("column 1"))),
        Box::new(Expression::Literal(Value::Whole(-1))),
    );
    let levels = [
        ("nolock", Hints::NONE.with(Hint::NoLock)),
        ("read_committed_snapshot", Hints::NONE),
        ("read_committed", Hints::NONE.with(Hint::ReadCommittedLock)),
    ];
    for (name, hints) in levels {
        let query = Arc::new(Query { filter: Some(filter.clone()), hints, ..Query::default() });
        group.bench_function(name, |bencher| {
            let bench = made.get_or_insert_with(|| Bench::of(ROWS, 10));
            bencher.iter(|| {
                let transaction = bench.begin();
                let level = hints.level(Isolation::ReadCommittedSnapshot);
                let caller = Caller { level, ..caller(transaction, 0) };
                let plan = bench.plan.clone();
                let made =
                    Execution::select(&bench.database, &plan, &caller, TEST, Arc::clone(&query));
                let mut execution = made.expect("there is such a table");
                let (database, mut context) = bench.parts();
                let room = Duration::from_secs(3_600);
                loop {
                    let step = database.step(&mut context, &caller, &mut execution, room);
                    if step.expect("nobody is in the way") == Step::Done {
                        break;
                    }
                }
                let _ = database.finish(&mut context, &caller, &mut execution);
                bench.commit(transaction);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, uncontended, hot_rows, cycle_to_victim, scans);
criterion_main!(benches);
