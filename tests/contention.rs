//! Many sessions that want the same rows: nobody starves, however they queue and whoever falls.
//!
//! A kernel that is deterministic can repeat the same quarrel for ever: two victims that try again
//! at the same instant meet again in the same way, and two waiters that hand a lock to each other
//! never get to use it. So progress is asserted for each session, in virtual time, and each run is
//! made twice and must give the same bytes.

use std::fmt::Write as _;
use std::sync::Arc;

use multiverse::engine::RunOptions;
use multiverse::plan::Plan;
use multiverse::report::StoryOptions;
use multiverse::run::{self, Run};
use multiverse::trace::{Event, write_jsonl};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// How many rows all sessions fight for.
const ROWS: usize = 6;
/// How many of them one transaction writes, in an order of its own.
const ROWS_A_TRANSACTION: usize = 3;
/// How many transactions each session must commit.
const TRANSACTIONS: usize = 3;

/// The tables, and a limit that a run without progress meets soon.
const HEAD: &str = "\
scenario: Contention
limits: { transitions: 300_000 }
tables:
  account:
    columns: { number: whole number, state: text }
    keys: { by number: [number] }
    indexes: { by state: [state] }
rows: { db: { account: { count: 6, named: 'row {n}', set: { number: =n } } } }
";

fn plan(rest: &str) -> Arc<Plan> {
    match run::parse("test.yaml", &format!("{HEAD}{rest}")) {
        Ok(mut plans) => plans.remove(0),
        Err(rejection) => panic!("{rejection}"),
    }
}

/// Runs the scenario twice; everything that it expects must hold, and both runs be the same.
fn holds(rest: &str) -> Run {
    let plan = plan(rest);
    let run = || run::run(&plan, &RunOptions::default()).expect("the plan is sound");
    let (first, second) = (run(), run());
    assert!(first.verdict.violations.is_empty(), "{:#?}", first.verdict.violations);
    assert!(first.verdict.holds(), "{}", first.story(&StoryOptions::default()));
    let bytes = |run: &Run| {
        let mut bytes = Vec::new();
        write_jsonl(&run.trace, &mut bytes).expect("memory does not fail");
        bytes
    };
    assert!(bytes(&first) == bytes(&second), "two runs of one plan differ");
    first
}

/// Some of the rows, in a drawn order.
fn drawn(random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut rows: Vec<_> = (1..=ROWS).collect();
    for place in 0..ROWS_A_TRANSACTION {
        let left = (ROWS - place) as u64;
        let other = place + usize::try_from(random.next_u64() % left).expect("a small number");
        rows.swap(place, other);
    }
    rows.truncate(ROWS_A_TRANSACTION);
    rows
}

/// So many sessions, each with transactions over hot rows in drawn orders. A victim tries again, as
/// often as the language lets it; each session must be through after so many seconds.
fn quarrel(sessions: usize, instance: &str, pause: &str, seconds: usize) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(sessions as u64);
    let mut text = format!("instances: {{ db: {{ tables: [account]{instance} }} }}\nsessions:\n");
    for session in 0..sessions {
        let _ = writeln!(text, "  s{session}:\n    in: db\n    steps:");
        for transaction in 0..TRANSACTIONS {
            let _ = write!(
                text,
                "      t{transaction}:
        retry:
          up to: 1_000
          on: deadlock victim
          {pause}
          do:
            - begin
"
            );
            for row in drawn(&mut random) {
                let set = format!("set: {{ state: s{session} }}");
                let row = format!("\"=row == 'row {row}'\"");
                let _ = writeln!(text, "            - {{ update: account, where: {row}, {set} }}");
            }
            text += "            - commit\n";
        }
    }
    text += "expect:\n  - { happens: deadlock }\n";
    for session in 0..sessions {
        let ends = format!("ends: {{ by: {seconds}s }}");
        let _ = writeln!(text, "  - {{ actor: s{session}, commits: {TRANSACTIONS}, {ends} }}");
    }
    text
}

#[test]
fn every_session_gets_through_however_many_quarrel() {
    for sessions in [2, 4, 8, 16, 32, 64] {
        holds(&quarrel(sessions, "", "wait: 50ms\n          jitter: true", 6 + sessions));
    }
}

#[test]
fn victims_that_try_again_at_once_get_through_too() {
    for sessions in [2, 4, 8, 16, 32, 64] {
        holds(&quarrel(sessions, "", "wait: 0ms", 6 + sessions));
    }
}

#[test]
fn with_optimized_locking_every_session_gets_through() {
    for sessions in [4, 8, 16, 32] {
        let optimized = ", locking: optimized";
        holds(&quarrel(
            sessions,
            optimized,
            "wait: 50ms\n          jitter: true",
            6 + 5 * sessions,
        ));
    }
}

#[test]
fn those_who_wait_for_one_row_get_it_one_after_the_other() {
    for instance in ["", ", locking: optimized"] {
        let run = holds(&format!(
            "
costs: {{ row: 0us, write: 10ms }}
instances: {{ db: {{ tables: [account]{instance} }} }}
sessions:
  s: {{ in: db, count: 5, steps: {{ add: [ {{ update: account, where: =number == 1, set: {{ state: x }} }}, commit ] }} }}
expect:
  - {{ actor: s, commits: 5, waits: {{ at least: 4 }}, ends: {{ after: 50ms, by: 50ms }} }}
"
        ));
        assert!(run.verdict.holds());
    }
}

#[test]
fn twins_that_wait_for_one_key_learn_one_after_the_other_that_it_is_taken() {
    for instance in ["", ", locking: optimized"] {
        holds(&format!(
            "
costs: {{ row: 0us, write: 10ms }}
instances: {{ db: {{ tables: [account]{instance} }} }}
sessions:
  first: {{ in: db, steps: {{ add: [ {{ insert: account, set: {{ number: 7 }} }}, rollback ] }} }}
  twin: {{ in: db, count: 4, steps: {{ add: [ {{ insert: account, set: {{ number: 7 }} }}, commit ] }} }}
expect:
  - {{ actor: twin, commits: 1, faults: 3, fault: duplicate key }}
  - {{ count: db/account, is: 7 }}
"
        ));
    }
}

#[test]
fn inserts_that_wait_side_by_side_stand_in_nobodys_way_afterwards() {
    holds(
        "
costs: { row: 0us, write: 10ms, read: 0ms, column: 0us }
instances: { db: { tables: [account] } }
sessions:
  reader:
    in: db
    isolation: serializable
    steps: { read: [ { select: account, where: =number > 100 }, { wait: 100ms }, commit ] }
  writer:
    in: db
    at: 50ms
    count: 5
    steps: { add: [ { insert: account, set: { number: =100 + n, state: new } }, { wait: 1s }, commit ] }
expect:
  - { actor: writer, commits: 5, waits: 5, ends: { after: 1.11s, by: 1.11s } }
",
    );
}

#[test]
fn with_optimized_locking_a_transaction_ends_with_two_locks_however_many_rows_it_has_written() {
    let released = |instance: &str| -> u32 {
        let run = holds(&format!(
            "
instances: {{ db: {{ tables: [account]{instance} }} }}
sessions:
  s: {{ in: db, steps: {{ write: {{ update: account, set: {{ state: x }} }}, end: commit }} }}
"
        ));
        let events = run.trace.entries.iter().map(|entry| &entry.event);
        events.map(|it| if let Event::LocksReleased { count, .. } = it { *count } else { 0 }).sum()
    };
    // Six rows, the entries that they leave and those that they get, and the table.
    assert_eq!(released(""), 6 + 2 * 6 + 1);
    // The transaction, and the table.
    assert_eq!(released(", locking: optimized"), 2);
}
