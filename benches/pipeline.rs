//! What the pipeline costs the kernel, in virtual time with the log off. One function a claim.
//!
//! **Nested requests.** A chain of plug-ins of depth *d* updates one row in each of *d* tables, in
//! one transaction. The figure for *d* is the difference between the chains of *d* and *d* - 1: all
//! that one more nested request costs, from finding and beginning its step to its end. It has the
//! lock and the write of its row in it, which `--bench kernel` measures by themselves, so that what
//! is beyond them is less.
//!
//! **Registered steps.** The same update where 10 or 1,000 steps are registered for the table, of
//! which one listens to the column that is written.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use multiverse::engine::{InOrder, World};
use multiverse::plug_in::PlugIns;
use multiverse::run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many chains a run makes, one after the other.
const CHAINS: u32 = 5_000;
/// The deepest chain: the platform's limit.
const DEPTH: u32 = 8;
/// How many updates a run makes of the table with steps.
const UPDATES: u32 = 10_000;

/// No virtual time passes, so that only the kernel's own time is measured.
const FREE: &str = "costs: { request: 0ms, read: 0ms, row: 0ms, column: 0ms, write: 0ms, \
                    plug-in: 0ms, network: 0ms, client: 0ms }\nlimits: { transitions: 1000000000 }\n";

fn world(text: &str) -> World {
    let plans = run::parse("bench.yaml", text).expect("the scenario is accepted");
    let plan = plans.into_iter().next().expect("one plan");
    World::new(plan, 1, PlugIns::default(), false).expect("the plan is sound")
}

/// Tables `t1` to `t8` with a row `x` each.
fn tables() -> String {
    let mut text = String::from("scenario: bench\n");
    text.push_str(FREE);
    let numbers = || 1..=DEPTH;
    text.push_str("tables:\n");
    for number in numbers() {
        writeln!(text, "  t{number}: {{ columns: {{ value: whole number }} }}").expect("a text");
    }
    let names: Vec<_> = numbers().map(|number| format!("t{number}")).collect();
    writeln!(text, "instances:\n  us: {{ tables: [{}] }}", names.join(", ")).expect("a text");
    text.push_str("rows:\n  us:\n");
    for name in names {
        writeln!(text, "    {name}: {{ x: {{ value: 0 }} }}").expect("a text");
    }
    text
}

/// Chains of this depth: each row's update is made by a plug-in on the one before.
fn chain(depth: u32) -> World {
    let mut text = tables();
    if depth > 1 {
        text.push_str("plug-ins:\n");
    }
    for number in 1..depth {
        let next = number + 1;
        writeln!(
            text,
            "  - {{ name: step {number}, on: Update t{number}, in: us, stage: PostOperation, \
             do: [ {{ update: {{ table: t{next}, row: x, set: {{ value: 1 }} }} }} ] }}"
        )
        .expect("a text");
    }
    writeln!(
        text,
        "actors:\n  ann: {{ in: us, do: [ {{ repeat: {{ times: {CHAINS}, do: [ {{ update: \
         {{ table: t1, row: x, set: {{ value: 1 }} }} }} ] }} }} ] }}"
    )
    .expect("a text");
    world(&text)
}

/// How long a run of this world takes.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed(start: &World) -> f64 {
    let mut world = start.clone();
    let began = Instant::now();
    world.run_to_end(&mut InOrder);
    let took = began.elapsed().as_secs_f64();
    black_box(world);
    took
}

/// One more nested request, at each depth.
fn nested_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nested_request");
    group.sample_size(20);
    let chains: Vec<_> = (1..=DEPTH).map(chain).collect();
    for depth in 2..=DEPTH as usize {
        group.bench_function(BenchmarkId::new("at_depth", depth), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut sum = 0.0;
                for _ in 0..iterations {
                    let more = timed(&chains[depth - 1]) - timed(&chains[depth - 2]);
                    sum += more / f64::from(CHAINS);
                }
                Duration::from_secs_f64(sum.max(0.0))
            });
        });
    }
    group.finish();
}

/// A table of ten columns with so many steps. The first listens to the column that the updates
/// write, each other one to one of the other columns.
fn with_steps(count: usize) -> World {
    let mut text = String::from("scenario: bench\n");
    text.push_str(FREE);
    let columns: Vec<_> = (0..10).map(|number| format!("c{number}: text")).collect();
    writeln!(text, "tables:\n  t: {{ columns: {{ {} }} }}", columns.join(", ")).expect("a text");
    text.push_str("instances:\n  us: { tables: [t] }\nrows:\n  us: { t: { x: { c0: a } } }\n");
    text.push_str("plug-ins:\n");
    for number in 1..=count {
        let column = if number == 1 { 0 } else { 1 + number % 9 };
        writeln!(
            text,
            "  - {{ name: step {number}, on: Update t, in: us, stage: PreOperation, \
             rank: {number}, filter: [c{column}], do: [] }}"
        )
        .expect("a text");
    }
    writeln!(
        text,
        "actors:\n  ann: {{ in: us, do: [ {{ repeat: {{ times: {UPDATES}, do: [ {{ update: \
         {{ table: t, row: x, set: {{ c0: b }} }} }} ] }} }} ] }}"
    )
    .expect("a text");
    world(&text)
}

/// An update of a table with 10 or 1,000 steps, of which one applies.
fn registered_steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update_with_one_step_that_applies");
    group.sample_size(20);
    group.throughput(Throughput::Elements(u64::from(UPDATES)));
    for count in [10, 1_000] {
        let start = with_steps(count);
        group.bench_function(BenchmarkId::new("of_registered", count), |bencher| {
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

criterion_group!(benches, nested_request, registered_steps);
criterion_main!(benches);
