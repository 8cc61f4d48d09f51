//! What the pipeline costs the kernel, in virtual time with the log off. One function a claim.
//!
//! **Nested requests.** A chain of plug-ins of depth *d* updates one row in each of *d* tables, in
//! one transaction. What a chain takes beyond one update is what its nested requests cost, from
//! finding and beginning their steps to their ends. It has their rows' locks and writes in it.
//!
//! **Registered steps.** The same update where few or many steps are registered for the table, of
//! which one listens to the column that is written; and where all of them do.

use std::cell::LazyCell;
use std::fmt::Write;
use std::time::Duration;

use multiverse::engine::World;

use super::simulated::{FREE, each, plan, timed, world};
use super::suite::{Pace, Suite};

/// How many chains a run makes, one after the other.
const CHAINS: u32 = 2_000;
/// The deepest chain: the platform's limit.
const DEPTH: u32 = 8;
/// The depths that are measured: from an update alone to the deepest.
const DEPTHS: [u32; 3] = [1, 4, DEPTH];
/// The least that a difference comes to, were the machine never so busy in its first part.
const LEAST: Duration = Duration::from_micros(1);
/// How many steps are registered where one applies.
const REGISTERED: [usize; 2] = [10, 1_000];
/// How many run where all apply.
const RUNNING: [usize; 3] = [1, 10, 100];
/// How many updates a run makes of the table with steps.
const UPDATES: u32 = 2_000;

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
    world(&plan(&text))
}

/// A chain of this depth, all of it; and one nested request, as the mean of all in the deepest.
pub fn nested_request(suite: &mut Suite) {
    let chains = DEPTHS.map(|depth| (depth, LazyCell::new(move || chain(depth))));
    for (depth, start) in &chains {
        suite.case(
            ("Chain of requests", &format!("of depth {depth}")),
            Pace::USUAL,
            1,
            |bencher| {
                bencher.iter_custom(|times| each(CHAINS.into(), times, || timed(start)));
            },
        );
    }
    let [(_, alone), .., (_, deepest)] = &chains;
    suite.case(("Chain of requests", "each nested one"), Pace::USUAL, 1, |bencher| {
        bencher.iter_custom(|times| {
            let nested = || timed(deepest).saturating_sub(timed(alone)).max(LEAST);
            each((CHAINS * (DEPTH - 1)).into(), times, nested)
        });
    });
}

/// Which column the steps listen to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listening {
    /// The first to the one that the updates write, each other one to one of the others.
    One,
    /// All to the one that the updates write.
    All,
}

/// A table of ten columns with so many steps that do nothing.
fn with_steps(count: usize, listening: Listening) -> World {
    let mut text = String::from("scenario: bench\n");
    text.push_str(FREE);
    let columns: Vec<_> = (0..10).map(|number| format!("c{number}: text")).collect();
    writeln!(text, "tables:\n  t: {{ columns: {{ {} }} }}", columns.join(", ")).expect("a text");
    text.push_str("instances:\n  us: { tables: [t] }\nrows:\n  us: { t: { x: { c0: a } } }\n");
    text.push_str("plug-ins:\n");
    for number in 1..=count {
        let listens = number == 1 || listening == Listening::All;
        let column = if listens { 0 } else { 1 + number % 9 };
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
    world(&plan(&text))
}

/// An update of a table for which so many steps are registered, of which one applies.
pub fn registered_steps(suite: &mut Suite) {
    for count in REGISTERED {
        let start = LazyCell::new(|| with_steps(count, Listening::One));
        let case = format!("of {count} registered");
        suite.case(("Update with one step", &case), Pace::USUAL, 1, |bencher| {
            bencher.iter_custom(|times| each(UPDATES.into(), times, || timed(&start)));
        });
    }
}

/// An update with so many steps, all of which run and do nothing.
pub fn steps_that_run(suite: &mut Suite) {
    for count in RUNNING {
        let start = LazyCell::new(|| with_steps(count, Listening::All));
        let case = format!("{count} that run");
        suite.case(("Update with steps", &case), Pace::USUAL, 1, |bencher| {
            bencher.iter_custom(|times| each(UPDATES.into(), times, || timed(&start)));
        });
    }
}
