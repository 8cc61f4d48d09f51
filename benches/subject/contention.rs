//! What comes of it when many want the same rows, in virtual time with the platform's default costs
//! and its deadlock monitor, and what the kernel takes for a transaction of it. One function a
//! claim.

use std::fmt::Write as _;
use std::fs;

use super::anchor::Draw;
use super::simulated::{plan, plans, simulated};
use super::suite::Suite;

/// Sessions at once, and the rows for which they compete.
const SESSIONS: [u64; 3] = [2, 16, 64];
const HOT_ROWS: [u64; 3] = [10, 100, 10_000];
/// Rows that one transaction updates.
const UPDATES: usize = 4;
/// Transactions of each session.
const TRANSACTIONS: usize = 10;
/// Tries of a victim, with a pause that is drawn.
const RETRY: &str = "up to: 1000, on: [deadlock victim, update conflict], wait: 50ms, jitter: true";
/// The scenario of the row that everybody needs, and how many book at once.
const EARLY_AND_LATE: &str = "scenarios/transaction-patterns/contended-lock-early-and-late.yaml";
const BOOKERS: [u32; 2] = [8, 64];
/// Bookings of each.
const BOOKINGS: u32 = 5;

/// A table of so many rows.
fn head(rows: u64) -> String {
    format!(
        "scenario: bench
limits: {{ transitions: 100_000_000 }}
tables: {{ account: {{ columns: {{ total: whole number }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows: {{ us: {{ account: {{ count: {rows}, named: 'row {{n}}', set: {{ total: 0 }} }} }} }}
"
    )
}

/// So many different rows, numbered from 1.
fn drawn(draw: &mut Draw, count: usize, of: u64) -> Vec<u64> {
    let mut rows = Vec::new();
    while rows.len() < count {
        let row = draw.below(of) + 1;
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// Each session updates rows of its own choice in a transaction, again and again.
fn booking(sessions: u64, rows: u64, is_sorted: bool) -> String {
    let mut text = head(rows);
    text += &format!(
        "programs:
  book:
    do:
      - retry:
          {{ {RETRY}, do: [ {{ transaction: {{ do: [ {{ for each: {{ row: $rows, do: [ {{ update: \
         {{ table: account, row: 'row {{row}}', set: {{ total: =total + 1 }} }} }} ] }} }} ] }} }} ] }}
actors:
"
    );
    let mut draw = Draw::of(sessions);
    for session in 1..=sessions {
        writeln!(text, "  s{session}:\n    in: us\n    do:").expect("a text");
        for _ in 0..TRANSACTIONS {
            let mut chosen = drawn(&mut draw, UPDATES, rows);
            if is_sorted {
                chosen.sort_unstable();
            }
            writeln!(text, "      - {{ call: book, with: {{ rows: {chosen:?} }} }}")
                .expect("a text");
        }
    }
    text
}

/// In one order nobody deadlocks, and the price of any order is what the monitor takes to find out.
pub fn lock_order(suite: &mut Suite) {
    for (group, is_sorted) in [("Rows in one order", true), ("Rows in any order", false)] {
        for sessions in SESSIONS {
            for rows in HOT_ROWS {
                let case = format!("{sessions} sessions, {rows} rows");
                simulated(suite, (group, &case), || plan(&booking(sessions, rows, is_sorted)));
            }
        }
    }
}

/// Some of the sessions of a quarrel.
struct Quarrelers {
    count: usize,
    /// Rows that one of their transactions updates.
    updates: usize,
    /// Their deadlock priority.
    priority: &'static str,
}

/// Sessions at SQL level that update rows in any order.
fn quarrel(parties: &[Quarrelers], rows: u64) -> String {
    let mut text = head(rows) + "sessions:\n";
    let mut draw = Draw::of(0);
    for (party, it) in parties.iter().enumerate() {
        for session in 0..it.count {
            writeln!(
                text,
                "  s{party}-{session}:\n    in: us\n    deadlock priority: {}\n    steps:",
                it.priority
            )
            .expect("a text");
            for transaction in 0..TRANSACTIONS {
                writeln!(
                    text,
                    "      t{transaction}:\n        - retry:\n            {{ {RETRY}, do: [ begin"
                )
                .expect("a text");
                for row in drawn(&mut draw, it.updates, rows) {
                    writeln!(
                        text,
                        "            , {{ update: account, where: \"=row == 'row {row}'\", set: {{ total: 1 }} }}"
                    )
                    .expect("a text");
                }
                text += "            , commit ] }\n";
            }
        }
    }
    text
}

/// Who falls decides how much work is lost: sixteen sessions, of which half write much, half little.
pub fn victim_rules(suite: &mut Suite) {
    const HALF: usize = 8;
    let mixed = |long: &'static str, short: &'static str| {
        [(12, long), (2, short)].map(|(updates, priority)| Quarrelers {
            count: HALF,
            updates,
            priority,
        })
    };
    let cases = [
        ("the least written", mixed("normal", "normal")),
        ("a low priority: who writes little", mixed("normal", "low")),
        ("a low priority: who writes much", mixed("low", "normal")),
    ];
    for (case, parties) in cases {
        simulated(suite, ("Victim", case), || plan(&quarrel(&parties, 50)));
    }
    // Each holds one row and asks for another, so that all have written as much.
    let equal = [Quarrelers { count: 2 * HALF, updates: 2, priority: "normal" }];
    simulated(suite, ("Victim", "all equal: the one who closed the circle"), || {
        plan(&quarrel(&equal, 10))
    });
}

/// Readers that go over a table beside writers who hold its rows: with nolock, by committed
/// versions, and with locks.
pub fn readers_beside_writers(suite: &mut Suite) {
    let hints = [
        ("nolock", ", hint: nolock"),
        ("committed versions", ""),
        ("with locks", ", hint: readcommittedlock"),
    ];
    for (case, hint) in hints {
        simulated(suite, ("Readers beside writers", case), || {
            plan(&format!(
                "{}sessions:
  reader:
    count: 8
    in: us
    steps:
      read:
        - repeat:
            times: 20
            do: [ {{ select: account, where: '=total < 0'{hint}, as: none }}, commit ]
  writer:
    count: 8
    in: us
    steps:
      write:
        - let: {{ mine: =n }}
        - repeat:
            times: 20
            do:
              - begin
              - {{ update: account, where: \"=row == 'row {{mine}}'\", set: {{ total: =total + 1 }} }}
              - {{ wait: 10ms }}
              - commit
",
                head(1_000)
            ))
        });
    }
}

/// What each level of isolation makes of sixteen sessions that read a hot row and then change it.
pub fn isolation(suite: &mut Suite) {
    let levels = [
        "read uncommitted",
        "read committed",
        "read committed snapshot",
        "repeatable read",
        "snapshot",
        "serializable",
    ];
    for level in levels {
        simulated(suite, ("Read, then update", level), || {
            plan(&format!(
                "{}programs:
  raise:
    do:
      - retry:
          {{ {RETRY}, do: [ {{ transaction: {{ do: [ {{ retrieve: {{ table: account, row: 'row {{at}}', \
                 as: it }} }}, {{ update: {{ table: account, row: 'row {{at}}', set: {{ total: \
                 =it.total + 1 }} }} }} ] }} }} ] }}
actors:
  ann:
    count: 16
    in: us
    do:
      - let: {{ at: =n }}
      - repeat: {{ times: {TRANSACTIONS}, do: [ {{ let: {{ at: '=(at * 7 + n) % 20 + 1' }} }}, {{ call: raise, with: {{ at: $at }} }} ] }}
",
                head(20).replace("tables: [account]", &format!("tables: [account], isolation: {level}"))
            ))
        });
    }
}

/// The row that everybody needs, taken first and taken last in the transaction.
pub fn early_and_late(suite: &mut Suite) {
    for (number, case) in ["taken first", "taken last"].into_iter().enumerate() {
        for bookers in BOOKERS {
            simulated(suite, ("Contended row", &format!("{case}, {bookers} at once")), || {
                let text = fs::read_to_string(EARLY_AND_LATE).expect("the file is there");
                let (before, _) = text.split_once("\nactors:").expect("it has actors");
                let of = |program: &str| {
                    format!(
                        "{before}
actors:
  booker:
    count: {bookers}
    in: us
    do: [ {{ repeat: {{ times: {BOOKINGS}, do: [ {{ call: {program} }} ] }} }} ]
"
                    )
                };
                plans(&of(["total first", "total last"][number])).swap_remove(0)
            });
        }
    }
}
