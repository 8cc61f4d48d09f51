//! How the cost of a request grows with what is around it, in virtual time that does not pass and
//! with the trace off: with the rows of its table, and with the actors that work at once.

use std::cell::LazyCell;
use std::fmt::Write as _;
use std::time::Instant;

use multiverse::engine::{InOrder, Progress, World};

use super::kernel::table_of;
use super::simulated::{FREE, each, plan, timed, world};
use super::suite::{Pace, Suite};

/// Rows of the table.
const ROWS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// From one row to the next: a walk in an order that no cache can follow, and that comes to all
/// rows of each table.
const STRIDE: u64 = 618_033;
/// What is asked for, again and again.
const REQUESTS: [(&str, &str); 3] = [
    ("Retrieve", "retrieve: { table: account, row: 'row {at}', columns: [value], as: it }"),
    ("Update", "update: { table: account, row: 'row {at}', set: { value: =value + 1 } }"),
    ("Upsert by key", "upsert: { table: account, key: { number: =at }, set: { value: 1 } }"),
];
/// Requests of a world that only shows how many transitions one takes.
const SAMPLE: u64 = 100;
/// Actors that work at once, each on a row of its own.
const ACTORS: [u32; 4] = [10, 100, 1_000, 10_000];
/// The rows for which the most actors compete instead.
const HOT_ROWS: u32 = 100;
/// How many updates all of them make together.
const UPDATES: u32 = 100_000;

/// One actor that makes so many requests.
fn requesting(rows: u64, request: &str, times: u64) -> World {
    let mut text = table_of(rows);
    let next = format!("let: {{ at: '=(at + {STRIDE}) % {rows} + 1' }}");
    let body = format!("{{ {next} }}, {{ {request} }}");
    let repeated = format!("repeat: {{ times: {times}, do: [ {body} ] }}");
    writeln!(
        text,
        "actors:\n  ann:\n    in: us\n    do: [ {{ let: {{ at: 1 }} }}, {{ {repeated} }} ]"
    )
    .expect("a text");
    world(&plan(&text))
}

/// How many transitions one request takes.
fn transitions_each(request: &str) -> u64 {
    let all = |times| {
        let mut world = requesting(ROWS[0], request, times);
        world.run_to_end(&mut InOrder);
        world.transitions()
    };
    (all(2 * SAMPLE) - all(SAMPLE)) / SAMPLE
}

/// A whole request (step, message, pipeline, transaction, answer) for one row of so many.
#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn rows(suite: &mut Suite) {
    for (name, request) in REQUESTS {
        for rows in ROWS {
            let mut made = None;
            suite.case((name, &format!("of {rows} rows")), Pace::USUAL, 1, |bencher| {
                let (world, transitions) = made.get_or_insert_with(|| {
                    (requesting(rows, request, u64::from(u32::MAX)), transitions_each(request))
                });
                bencher.iter_custom(|times| {
                    let began = Instant::now();
                    for _ in 0..times * *transitions {
                        assert_eq!(world.advance(&mut InOrder), Progress::Advanced);
                    }
                    began.elapsed()
                });
            });
        }
    }
}

/// So many actors that each update a row again and again, with a pause between.
fn busy(actors: u32, rows: u32) -> World {
    let times = UPDATES / actors;
    world(&plan(&format!(
        "scenario: bench\n{FREE}
tables: {{ account: {{ columns: {{ name: text, value: whole number, note: text }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows:
  us:
    account: {{ count: {rows}, named: 'row {{n}}', set: {{ name: twelve bytes, value: 0 }} }}
actors:
  worker:
    count: {actors}
    in: us
    do:
      - let: {{ row: '=n % {rows} + 1' }}
      - retrieve: {{ table: account, row: 'row {{row}}', as: mine }}
      - repeat:
          times: {times}
          do:
            - update: {{ table: account, row: $mine, set: {{ note: another text }} }}
            - wait: 1ms
"
    )))
}

/// An update and a pause of one of so many actors.
pub fn actors(suite: &mut Suite) {
    let own = ACTORS.map(|actors| (actors, actors, format!("{actors} with rows of their own")));
    let most = ACTORS[ACTORS.len() - 1];
    let hot = (most, HOT_ROWS, format!("{most} on {HOT_ROWS} rows"));
    for (actors, rows, case) in own.into_iter().chain([hot]) {
        let start = LazyCell::new(|| busy(actors, rows));
        suite.case(("Actors", &case), Pace::LONG, 1, |bencher| {
            bencher.iter_custom(|times| each(UPDATES.into(), times, || timed(&start)));
        });
    }
}
