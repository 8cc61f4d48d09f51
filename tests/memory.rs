//! What the kernel needs of memory, by an allocator that counts: for a row, and over a long run,
//! in which nothing may grow.
//!
//! `cargo test --release --test memory -- --nocapture` makes the run of ten million transactions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use multiverse::engine::{InOrder, Progress, World};
use multiverse::plug_in::PlugIns;
use multiverse::run;
use multiverse::words::SimInstant;

/// How many transactions the long run makes; a debug build makes a sample of it.
const TRANSACTIONS: u64 = if cfg!(debug_assertions) { 100_000 } else { 10_000_000 };
/// How many actors make them.
const ACTORS: u64 = 10;
/// Requests of an actor each time that it comes by, each a transaction of its own.
const REQUESTS: u64 = 5;
/// How much of the run passes before its memory is looked at for the first time: what only fills
/// up once is full then.
const SETTLES: u64 = 10;
/// What may come and go with the moment at which one looks.
const SLACK: usize = 64 * 1024;
/// Rows of the table whose memory is measured.
const ROWS: usize = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
/// The most that a row of ten columns with a name may take.
const BYTES_A_ROW: usize = 400;

/// The system's allocator, and how many bytes of it are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it hands everything on to the system's allocator, and only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests of this file run one at a time, since each counts what the whole process has.
static ALONE: Mutex<()> = Mutex::new(());

fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

fn world(text: &str) -> World {
    let plan = run::parse("memory.yaml", text).expect("the text is right").remove(0);
    World::new(plan, 1, PlugIns::default(), false).expect("the plan is sound")
}

/// Actors who come by every second for ever. Each updates two of ten rows one after the other in a
/// transaction, adds a row, reads it, and removes it, so that some wait for one another and a
/// plug-in has its part in each update.
fn busy_for_ever() -> World {
    world(&format!(
        "
scenario: Busy for ever
limits: {{ transitions: 1000000000 }}
tables: {{ account: {{ columns: {{ total: whole number, note: text }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows: {{ us: {{ account: {{ count: 10, named: 'acct {{n}}', set: {{ total: 0 }} }} }} }}
plug-ins:
  - name: keep a note
    on: Update account
    in: us
    stage: PreOperation
    do: [ set: {{ note: seen }} ]
actors:
  clerk:
    in: us
    count: {ACTORS}
    every: 1 s
    until: 366 days
    do:
      - update: {{ table: account, row: 'acct 1', set: {{ total: =total + 1 }} }}
      - update: {{ table: account, row: 'acct 2', set: {{ total: =total + 1 }} }}
      - create: {{ table: account, set: {{ total: 1 }}, as: mine }}
      - retrieve: {{ table: account, row: $mine, as: seen }}
      - delete: {{ table: account, row: $mine }}
"
    ))
}

/// Goes on until a world has come to an instant.
fn advance_to(world: &mut World, until: SimInstant) {
    while world.now() < until && world.advance(&mut InOrder) == Progress::Advanced {}
    assert!(world.now() >= until, "it is over at {:?}, before {until:?}", world.now());
}

#[test]
fn nothing_grows_with_time_in_a_steady_run() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut world = busy_for_ever();
    let rounds = TRANSACTIONS / ACTORS / REQUESTS;
    let at = |round: u64| SimInstant(round * 1_000_000);
    advance_to(&mut world, at(rounds / SETTLES));
    let before = in_use();
    for part in 2..=SETTLES {
        advance_to(&mut world, at(rounds * part / SETTLES));
        let now = in_use();
        assert!(now <= before + SLACK, "{before} bytes became {now} in {part} of {SETTLES} parts");
    }
    println!("{TRANSACTIONS} transactions: {before} bytes in use, then {}", in_use());
}

#[test]
fn a_row_takes_little_more_than_what_is_in_it() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let columns: Vec<_> = (0..10).map(|number| format!("c{number}: text")).collect();
    let values: Vec<_> = (0..10).map(|number| format!("c{number}: ten bytes!")).collect();
    let text = |rows: usize| {
        format!(
            "
scenario: Many rows
tables: {{ account: {{ columns: {{ {} }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows: {{ us: {{ account: {{ count: {rows}, named: 'acct {{n}}', set: {{ {} }} }} }} }}
actors: {{}}
",
            columns.join(", "),
            values.join(", ")
        )
    };
    let empty = in_use();
    let few = world(&text(1));
    let base = in_use() - empty;
    let before = in_use();
    let many = world(&text(ROWS));
    let bytes = (in_use() - before - base) / ROWS;
    println!("{bytes} bytes a row of ten columns of ten bytes, with its name");
    assert!((100..=BYTES_A_ROW).contains(&bytes), "{bytes} bytes a row");
    drop((few, many));
}
