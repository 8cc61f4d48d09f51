//! What comes of it when many want the same rows, in virtual time with the platform's default costs
//! and its deadlock monitor, and what the kernel takes for a transaction of it. One function a
//! claim.

use std::fmt::Write as _;
use std::fs;

use multiverse::check::{Anomalies, History};

use super::anchor::Draw;
use super::simulated::{Simulated, no_note, plan, simulated};
use super::suite::Suite;

/// Sessions at once, and the rows for which they compete.
const SESSIONS: [u64; 3] = [2, 16, 64];
const HOT_ROWS: [u64; 3] = [10, 100, 10_000];
/// Rows that one transaction updates.
const UPDATES: usize = 4;
/// Transactions of each session.
const TRANSACTIONS: u64 = 10;
/// Tries of a victim, with a pause that is drawn.
const RETRY: &str = "up to: 1000, on: [deadlock victim, update conflict], wait: 50ms, jitter: true";
/// The scenario of the row that everybody needs, and how many book at once.
const EARLY_AND_LATE: &str = "scenarios/transaction-patterns/contended-lock-early-and-late.yaml";
const BOOKERS: [u32; 2] = [8, 64];
/// Bookings of each.
const BOOKINGS: u64 = 5;
/// Scans of each reader, and transactions of each writer beside them.
const SCANS: u64 = 20;
/// Rows of those who read and then write one.
const LEVELLED_ROWS: u64 = 20;

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

/// Sessions that each do these steps with rows of its own choice in a transaction, again and again.
/// The rows stand in the binding `rows`.
fn sessions_on(
    sessions: u64,
    (rows, updates): (u64, usize),
    is_sorted: bool,
    steps: &str,
) -> String {
    let mut text = head(rows);
    let body = format!("{{ transaction: {{ do: [ {steps} ] }} }}");
    writeln!(text, "programs:\n  book: {{ do: [ {{ retry: {{ {RETRY}, do: [ {body} ] }} }} ] }}")
        .expect("a text");
    text += "actors:\n";
    let mut draw = Draw::of(sessions);
    for session in 1..=sessions {
        writeln!(text, "  s{session}:\n    in: us\n    do:").expect("a text");
        for _ in 0..TRANSACTIONS {
            let mut chosen = drawn(&mut draw, updates, rows);
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
    let update = "{ update: { table: account, row: 'row {row}', set: { total: =total + 1 } } }";
    let steps = format!("{{ for each: {{ row: $rows, do: [ {update} ] }} }}");
    for (group, is_sorted) in [("Rows in one order", true), ("Rows in any order", false)] {
        for sessions in SESSIONS {
            for rows in HOT_ROWS {
                let case = format!("{sessions} sessions, {rows} rows");
                let plan = || plan(&sessions_on(sessions, (rows, UPDATES), is_sorted, &steps));
                let things = sessions * TRANSACTIONS;
                simulated(suite, (group, &case), Simulated { things, plan, note: no_note });
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
                        "            , {{ update: account, where: \"=row == 'row {row}'\", set: \
                         {{ total: 1 }} }}"
                    )
                    .expect("a text");
                }
                text += "            , commit ] }\n";
            }
        }
    }
    text
}

/// Who falls decides how much work is lost: sixteen sessions, of which half write much, half
/// little; and sixteen that write two rows each, so that all have written as much where they meet.
pub fn victim_rules(suite: &mut Suite) {
    let half = |updates, priority| Quarrelers { count: 8, updates, priority };
    let cases = [
        ("who has written the least", [half(12, "normal"), half(2, "normal")], 50),
        (
            "who has the lowest priority, here who writes much",
            [half(12, "low"), half(2, "normal")],
            50,
        ),
        (
            "who has closed the circle, all else being equal",
            [half(2, "normal"), half(2, "normal")],
            10,
        ),
    ];
    for (case, parties, rows) in cases {
        let plan = || plan(&quarrel(&parties, rows));
        let it = Simulated { things: 16 * TRANSACTIONS, plan, note: no_note };
        simulated(suite, ("Victim", case), it);
    }
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
        let plan = || {
            plan(&format!(
                "{}sessions:
  reader:
    count: 8
    in: us
    steps:
      read:
        - repeat:
            times: {SCANS}
            do: [ begin, {{ select: account, where: '=total < 0'{hint}, as: none }}, commit ]
  writer:
    count: 8
    in: us
    steps:
      write:
        - let: {{ mine: =n }}
        - repeat:
            times: {SCANS}
            do:
              - begin
              - update: account
                where: \"=row == 'row ' + string(mine)\"
                set: {{ total: =total + 1 }}
              - {{ wait: 15ms }}
              - commit
",
                head(1_000)
            ))
        };
        let it = Simulated { things: 16 * SCANS, plan, note: no_note };
        simulated(suite, ("Readers beside writers", case), it);
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
    let steps = "{ retrieve: { table: account, row: 'row {rows[0]}', as: it } }, \
                 { update: { table: account, row: 'row {rows[0]}', set: { total: =it.total + 1 } } }";
    let sessions = 16;
    for level in levels {
        let plan = || {
            let text = sessions_on(sessions, (LEVELLED_ROWS, 1), false, steps);
            let tables = "tables: [account]";
            plan(&text.replace(tables, &format!("{tables}, isolation: {level}")))
        };
        let it = Simulated { things: sessions * TRANSACTIONS, plan, note: lost_updates };
        simulated(suite, ("Read, then update", level), it);
    }
}

/// How many writes were overwritten by somebody who had not seen them.
fn lost_updates(history: &History<'_>) -> String {
    match Anomalies::of(history).lost_updates.len() {
        0 => String::new(),
        count => format!("{count} updates are lost."),
    }
}

/// The row that everybody needs, taken first and taken last in the transaction.
pub fn early_and_late(suite: &mut Suite) {
    for (case, program) in [("taken first", "total first"), ("taken last", "total last")] {
        for bookers in BOOKERS {
            let plan = || {
                let text = fs::read_to_string(EARLY_AND_LATE).expect("the file is there");
                let (before, _) = text.split_once("\nactors:").expect("it has actors");
                plan(&format!(
                    "{before}
actors:
  booker:
    count: {bookers}
    in: us
    do: [ {{ repeat: {{ times: {BOOKINGS}, do: [ {{ call: {program} }} ] }} }} ]
"
                ))
            };
            let it = Simulated { things: u64::from(bookers) * BOOKINGS, plan, note: no_note };
            simulated(suite, ("Contended row", &format!("{case}, {bookers} at once")), it);
        }
    }
}
