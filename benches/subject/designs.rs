//! Designs for the same task, in virtual time, and what the kernel takes for a transaction of each.
//! One function a claim.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use multiverse::check::History;
use multiverse::plan::Plan;
use multiverse::words::{ColumnId, TableId, Value};

use super::simulated::{Simulated, no_note, plan, plans, simulated};
use super::suite::Suite;

/// The scenario of the counter row, whose variants are the designs.
const AUTO_NUMBER: &str = "scenarios/transaction-patterns/auto-number.yaml";
/// Who creates accounts at once.
const CREATORS: [u32; 3] = [1, 8, 64];
/// Accounts of each.
const ACCOUNTS: u32 = 10;
/// The designs, by the variants' names.
const DESIGNS: [&str; 7] = [
    "outside the transaction",
    "in the transaction",
    "in the transaction, reads lock",
    "in the transaction, reads of a snapshot",
    "locked first",
    "locked last",
    "in blocks of ten",
];
/// The last design, which the scenario does not have: whoever is about to create accounts takes ten
/// numbers at once, in a transaction of their own.
const IN_BLOCKS: &str = "
  in blocks of ten:
    plug-ins: { numbering: none }
    actors:
      creator:
        do:
          - transaction:
              do:
                - update: { table: counter, row: accounts, set: { next: =next + 10 } }
                - retrieve: { table: counter, row: accounts, as: counter }
          - repeat:
              times: 10
              do: [ { create: { table: account, set: { number: =counter.next - 10 + n } } } ]
";
/// The accounts of the scenario, and their number.
const ACCOUNT: TableId = TableId(0);
const NUMBER: ColumnId = ColumnId(1);
/// Updates of a transaction.
const LENGTHS: [u32; 4] = [1, 10, 100, 1_000];
/// Who makes them at once, and how many updates each makes in all.
const WRITERS: u32 = 8;
const UPDATES: u32 = 2_000;
/// Rows among which they are, in ascending order.
const ROWS: u32 = 10_000;

/// The design of this name with so many creators.
fn numbering(design: &str, creators: u32) -> Arc<Plan> {
    let text = fs::read_to_string(AUTO_NUMBER).expect("the file is there");
    let (before, rest) = text.split_once("\nactors:").expect("it has actors");
    let (_, variants) = rest.split_once("\nvariants:").expect("it has variants");
    let (variants, _) = variants.split_once("\nexpect:").expect("it expects something");
    let text = format!(
        "{before}
limits: {{ transitions: 100_000_000 }}
actors:
  creator:
    count: {creators}
    in: us
    do:
      - repeat:
          times: {ACCOUNTS}
          do:
            - retry:
                up to: 1000
                on: [deadlock victim, update conflict]
                wait: 50ms
                jitter: true
                do: [ {{ create: {{ table: account, set: {{ name: Adatum }} }} }} ]
variants:{variants}{IN_BLOCKS}"
    );
    let mut plans = plans(&text).into_iter();
    let named = |plan: &Arc<Plan>| plan.variant.as_deref() == Some(design);
    plans.find(named).expect("the scenario has this design")
}

/// How many accounts have a number that another one has too.
fn numbers_given(history: &History<'_>) -> String {
    let mut given = BTreeMap::new();
    for (_, row) in history.rows.iter().filter(|(key, _)| key.table == ACCOUNT) {
        if let Some(Value::Whole(number)) = row.image(None).and_then(|it| it.get(&NUMBER).copied())
        {
            *given.entry(*number).or_insert(0) += 1;
        }
    }
    let doubled: u32 = given.values().filter(|count| **count > 1).sum();
    match doubled {
        0 => String::new(),
        count => format!("{count} accounts have the number of another."),
    }
}

/// Numbers without gaps and without doubles: what each design costs the more who create.
pub fn auto_number(suite: &mut Suite) {
    for design in DESIGNS {
        for creators in CREATORS {
            let case = format!("{design}, {creators} at once");
            let things = u64::from(creators * ACCOUNTS);
            let it =
                Simulated { things, plan: || numbering(design, creators), note: numbers_given };
            simulated(suite, ("Auto-number", &case), it);
        }
    }
}

/// The same updates in transactions of one to a thousand: the longer, the longer others wait.
pub fn transaction_length(suite: &mut Suite) {
    for length in LENGTHS {
        let (times, stride) = (UPDATES / length, ROWS / length);
        let plan = || {
            plan(&format!(
                "scenario: bench
limits: {{ transitions: 100_000_000 }}
tables: {{ account: {{ columns: {{ total: whole number }} }} }}
instances: {{ us: {{ tables: [account] }} }}
rows: {{ us: {{ account: {{ count: {ROWS}, named: 'row {{n}}', set: {{ total: 0 }} }} }} }}
actors:
  writer:
    count: {WRITERS}
    in: us
    do:
      - let: {{ at: =n, speed: '=2 * n + 7' }}
      - repeat:
          times: {times}
          do:
            - let: {{ at: '=(at + speed) % {stride}' }}
            - transaction:
                do:
                  - repeat:
                      times: {length}
                      do:
                        - update:
                            table: account
                            row: 'row {{at + (n - 1) * {stride} + 1}}'
                            set: {{ total: =total + 1 }}
"
            ))
        };
        let it = Simulated { things: u64::from(WRITERS * times), plan, note: no_note };
        simulated(suite, ("Transaction", &format!("of {length} updates")), it);
    }
}
