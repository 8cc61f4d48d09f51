//! What worlds cost as values: to fill one with rows, and to copy one in the middle of its work.

use std::cell::LazyCell;
use std::hint::black_box;
use std::sync::Arc;

use multiverse::engine::{InOrder, World};
use multiverse::plug_in::PlugIns;

use super::simulated::{FREE, SEED, plan, world};
use super::suite::{Pace, Suite};

/// Rows of the large world.
const ROWS: u64 = 1_000_000;
/// Rows of the small one, and its actors.
const SMALL_ROWS: u64 = 20;
const SMALL_ACTORS: u32 = 5;

/// A table of ten columns with so many named rows, of about 100 bytes of values each.
pub fn table_of(rows: u64) -> String {
    let texts = |value: &str| {
        (2..10).map(|number| format!(", c{number}: {value}")).collect::<Vec<_>>().concat()
    };
    format!(
        "scenario: bench\n{FREE}
tables:
  account:
    columns: {{ number: whole number, value: whole number{} }}
    keys: {{ by number: [number] }}
instances: {{ us: {{ tables: [account] }} }}
rows:
  us:
    account: {{ count: {rows}, named: 'row {{n}}', set: {{ number: =n, value: 0{} }} }}
",
        texts("text"),
        texts("twelve bytes"),
    )
}

/// Loading a million named rows of ten columns with an alternate key.
pub fn load(suite: &mut Suite) {
    let plan = LazyCell::new(|| plan(&table_of(ROWS)));
    let case = ("World", "load of 1000000 named rows");
    suite.case(case, Pace::LONG, ROWS, |bencher| {
        bencher.iter_with_large_drop(|| {
            World::new(Arc::clone(&plan), SEED, PlugIns::default(), false)
        });
    });
}

/// A small world in the middle of its work.
fn small() -> World {
    let mut world = world(&plan(&format!(
        "scenario: bench
tables: {{ account: {{ columns: {{ name: text, number: whole number, note: text }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows: {{ us: {{ account: {{ count: {SMALL_ROWS}, named: 'row {{n}}', set: {{ number: 0 }} }} }} }}
actors:
  ann:
    count: {SMALL_ACTORS}
    in: us
    do:
      - repeat:
          times: 20
          do: [ {{ update: {{ table: account, row: 'row {{n}}', set: {{ note: read }} }} }} ]
"
    )));
    for _ in 0..50 {
        world.advance(&mut InOrder);
    }
    world
}

/// A copy shares what it can: its cost is that of what is under way, hardly that of the rows.
pub fn clones(suite: &mut Suite) {
    let (small, large) = (LazyCell::new(small), LazyCell::new(|| world(&plan(&table_of(ROWS)))));
    suite.case(("World", "clone of 20 rows and 5 fibers"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| black_box(&*small).clone());
    });
    suite.case(("World", "clone of 1000000 rows"), Pace::USUAL, 1, |bencher| {
        bencher.iter(|| black_box(&*large).clone());
    });
}
