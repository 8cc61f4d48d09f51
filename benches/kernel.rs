//! What the kernel costs, in virtual time with the log off. One function a claim.
//!
//! Plans are built in Rust, so that only the engine is measured.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use multiverse::engine::{InOrder, Progress, World};
use multiverse::plan::{
    Actor, ActorKind, Assignment, Column, Costs, Hints, Instance, Location, Plan, Program,
    RowGroup, RowSelector, Schedule, Selection, Step, Table, Verb,
};
use multiverse::plug_in::PlugIns;
use multiverse::words::{
    BinaryOperator, ColumnId, ColumnType, Expression, Function, InstanceId, Name, ProgramId,
    SimInstant, TableId, Value,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many actors work at once in the busy world.
const ACTORS: u32 = 10_000;
/// How often each of them updates its row.
const UPDATES_EACH: i64 = 50;
/// Rows of the large table.
const ROWS: u64 = 1_000_000;
/// The seed of every world.
const SEED: u64 = 42;

const US: InstanceId = InstanceId(0);
const ACCOUNT: TableId = TableId(0);
const NAME: ColumnId = ColumnId(0);
const NUMBER: ColumnId = ColumnId(1);

fn step(verb: Verb) -> Step {
    Step { at: Location::default(), verb }
}

fn binding(name: &str) -> Expression {
    Expression::Binding(Name::from(name))
}

fn whole(number: i64) -> Expression {
    Expression::Literal(Value::Whole(number))
}

/// `'row ' + string(n)`
fn row_name() -> Expression {
    let number = Expression::Call(Function::String, vec![binding("n")]);
    let text = Expression::Literal(Value::text("row "));
    Expression::Binary(BinaryOperator::Add, Box::new(text), Box::new(number))
}

fn plan(rows: u64, columns: usize, costs: Costs) -> Plan {
    let mut plan = Plan::empty("bench");
    let column = |index: usize| Column {
        name: Name::from(format!("column {index}")),
        kind: if index == 1 { ColumnType::Whole } else { ColumnType::Text { max_length: 100 } },
    };
    plan.tables.push(Table::new(Name::from("account"), (0..columns).map(column).collect()));
    plan.instances.push(Instance::new(Name::from("us"), vec![ACCOUNT]));
    let text = |index: usize| match index {
        1 => (NUMBER, whole(0)),
        index => {
            let column = ColumnId(u16::try_from(index).expect("few columns"));
            (column, Expression::Literal(Value::text("twelve bytes")))
        }
    };
    plan.rows.push(RowGroup {
        instance: US,
        table: ACCOUNT,
        count: rows,
        name: Some(row_name()),
        set: (0..columns).map(text).collect(),
        at: Location::default(),
    });
    plan.costs = costs;
    plan.limits.transitions = u64::MAX;
    plan
}

fn actor(plan: &mut Plan, count: u32, steps: Vec<Step>) {
    let program = ProgramId(u32::try_from(plan.programs.len()).expect("few programs"));
    plan.programs.push(Program { name: Name::from("work"), home: Some(US), steps });
    plan.actors.push(Actor {
        name: Name::from("worker"),
        kind: ActorKind::Client,
        home: Some(US),
        user: None,
        count,
        schedule: Schedule { first: SimInstant::START, every: None, until: None },
        program,
        with: Vec::new(),
        at: Location::default(),
    });
}

const FREE: Costs = Costs {
    request: Duration::ZERO,
    read: Duration::ZERO,
    row: Duration::ZERO,
    column: Duration::ZERO,
    write: Duration::ZERO,
    plug_in: Duration::ZERO,
    network: Duration::ZERO,
    client: Duration::ZERO,
    async_service: Duration::ZERO,
};

fn increment(row: RowSelector) -> Step {
    let sum = Expression::Binary(
        BinaryOperator::Add,
        Box::new(Expression::Column(Name::from("column 1"))),
        Box::new(whole(1)),
    );
    step(Verb::Update {
        instance: None,
        table: ACCOUNT,
        row,
        from: None,
        set: vec![Assignment { column: NUMBER, value: sum }],
        precondition: None,
    })
}

fn set_name(row: RowSelector) -> Step {
    step(Verb::Update {
        instance: None,
        table: ACCOUNT,
        row,
        from: None,
        set: vec![Assignment {
            column: NAME,
            value: Expression::Literal(Value::text("another name")),
        }],
        precondition: None,
    })
}

/// Every actor reads its own row once, then updates it again and again with a pause between.
fn busy_plan(per_actor_row: bool) -> Plan {
    let rows = if per_actor_row { u64::from(ACTORS) } else { 100 };
    let mut plan = plan(rows, 3, FREE);
    let mine = Expression::Binary(
        BinaryOperator::Add,
        Box::new(Expression::Literal(Value::text("row "))),
        Box::new(Expression::Call(
            Function::String,
            vec![Expression::Binary(
                BinaryOperator::Add,
                Box::new(Expression::Binary(
                    BinaryOperator::Remainder,
                    Box::new(binding("n")),
                    Box::new(whole(i64::try_from(rows).expect("few rows"))),
                )),
                Box::new(whole(1)),
            )],
        )),
    );
    let read = step(Verb::Retrieve {
        instance: None,
        table: ACCOUNT,
        row: RowSelector::Row(mine),
        columns: None,
        hints: Hints::NONE,
        precondition: None,
        bind: Some(Name::from("mine")),
    });
    let body = vec![
        set_name(RowSelector::Row(binding("mine"))),
        step(Verb::Wait(Duration::from_millis(1))),
    ];
    let work = step(Verb::Repeat { times: whole(UPDATES_EACH), body });
    actor(&mut plan, ACTORS, vec![read, work]);
    plan
}

fn world(plan: Plan) -> World {
    World::new(Arc::new(plan), SEED, PlugIns::default(), false).expect("the plan is sound")
}

/// Transitions a second of 10,000 actors that lock, update and release rows, with virtual sleeps.
fn transitions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transitions");
    group.sample_size(10);
    for (label, own) in [("10000_actors_own_rows", true), ("10000_actors_100_hot_rows", false)] {
        let start = world(busy_plan(own));
        let mut end = start.clone();
        end.run_to_end(&mut InOrder);
        group.throughput(Throughput::Elements(end.transitions()));
        group.bench_function(label, |bencher| {
            bencher.iter_batched(
                || start.clone(),
                |mut world| {
                    world.run_to_end(&mut InOrder);
                    world
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// One locked update of a random existing row in a table of a million, with everything that a
/// request goes through.
fn locked_update(criterion: &mut Criterion) {
    let mut plan = plan(ROWS, 10, FREE);
    // One answer has all rows.
    plan.limits.page_size = u32::MAX;
    // A walk by a large step visits the rows in an order that no cache can follow.
    let next = Expression::Binary(
        BinaryOperator::Remainder,
        Box::new(Expression::Binary(
            BinaryOperator::Add,
            Box::new(binding("at")),
            Box::new(whole(618_033)),
        )),
        Box::new(whole(i64::try_from(ROWS).expect("it fits"))),
    );
    let rows = step(Verb::Query {
        instance: None,
        selection: Box::new(Selection { columns: Some(Vec::new()), ..Selection::of(ACCOUNT) }),
        bind: Some(Name::from("rows")),
        parts: Vec::new(),
    });
    let begin = step(Verb::Let(vec![(Name::from("at"), whole(0))]));
    let chosen = Expression::Index(Box::new(binding("rows")), Box::new(binding("at")));
    let body =
        vec![step(Verb::Let(vec![(Name::from("at"), next)])), increment(RowSelector::Row(chosen))];
    let work = step(Verb::Repeat { times: whole(i64::MAX), body });
    let pause = step(Verb::Wait(Duration::from_secs(1)));
    actor(&mut plan, 1, vec![rows, begin, pause, work]);
    let mut ready = world(plan);
    while ready.now() < SimInstant(1_000_000) && ready.advance(&mut InOrder) == Progress::Advanced {
    }
    let mut group = criterion.benchmark_group("locked_update");
    group.throughput(Throughput::Elements(1));
    // A request's way to the instance and its arrival are one transition each.
    group.bench_function("random_row_of_1000000", |bencher| {
        bencher.iter(|| ready.advance(&mut InOrder));
    });
    group.finish();
}

/// Clones of a small world in the middle of its work, and of one with a million rows.
fn clones(criterion: &mut Criterion) {
    let mut small = plan(20, 3, Costs::default());
    let body = vec![set_name(RowSelector::Row(row_name()))];
    actor(&mut small, 5, vec![step(Verb::Repeat { times: whole(20), body })]);
    let mut small = world(small);
    for _ in 0..50 {
        small.advance(&mut InOrder);
    }
    let mut group = criterion.benchmark_group("clone");
    group.bench_function("20_rows_5_fibers", |bencher| {
        bencher.iter(|| black_box(&small).clone());
    });
    group.sample_size(10);
    let large = world(plan(ROWS, 10, FREE));
    group.bench_function("1000000_rows", |bencher| bencher.iter(|| black_box(&large).clone()));
    group.finish();
}

/// Loading a million rows of ten columns.
fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS));
    let plan = Arc::new(plan(ROWS, 10, FREE));
    group.bench_function("1000000_rows_of_10_columns", |bencher| {
        bencher.iter(|| World::new(Arc::clone(&plan), SEED, PlugIns::default(), false));
    });
    group.finish();
}

criterion_group!(benches, transitions, locked_update, clones, load);
criterion_main!(benches);
