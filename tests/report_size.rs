//! A report of a long run stays a page that a browser opens.

use multiverse::engine::RunOptions;
use multiverse::report;
use multiverse::run;

/// Forty workers who update fifty rows, again and again.
const MANY: &str = "
scenario: Many updates of a few rows
tables: { row: { columns: { value: whole number } } }
instances: { here: { tables: [row] } }
rows: { here: { row: { count: 50, named: 'row {n}', set: { value: 0 } } } }
actors:
  worker:
    in: here
    count: 40
    do:
      - repeat:
          times: 200
          do:
            - transaction:
                do:
                  - update: { table: row, row: any, set: { value: =value + 1 } }
                  - work: 3ms
";

#[test]
fn a_report_of_100000_events_is_under_5_megabytes_and_says_what_it_leaves_out() {
    let plans = run::parse("many.yaml", MANY).expect("a sound scenario");
    let run = run::run(&plans[0], &RunOptions::default()).expect("a sound plan");
    let events = run.trace.entries.len();
    assert!((95_000..130_000).contains(&events), "{events} events");
    let page = report::html(&[run.reported()]);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(page.contains("lanes with deadlocks, the longest waits and failures"), "what is drawn");
}
