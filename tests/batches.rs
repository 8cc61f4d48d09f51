//! Random requests sent as one, against a model that knows only which rows exist.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;
use proptest::prelude::*;

const HEAD: &str = "\
scenario: Batches
tables: { account: { columns: { number: whole number } } }
instances: { db: { tables: [account] } }
rows: { db: { account: { 'a1': { number: 1 }, 'a2': { number: 2 }, 'a3': { number: 3 } } } }
";

/// One item: a row is created, or deleted.
#[derive(Clone, Copy, Debug)]
enum Item {
    Create(u8),
    Delete(u8),
}

impl Item {
    /// Does it; answers the fault's word.
    fn apply(self, rows: &mut BTreeSet<u8>) -> Result<(), &'static str> {
        match self {
            Self::Create(number) => rows.insert(number).then_some(()).ok_or("duplicate row"),
            Self::Delete(number) => rows.remove(&number).then_some(()).ok_or("row does not exist"),
        }
    }

    fn written(self) -> String {
        match self {
            Self::Create(n) => {
                format!("{{ create: {{ table: account, row: a{n}, set: {{ number: {n} }} }} }}")
            }
            Self::Delete(n) => format!("{{ delete: {{ table: account, row: a{n} }} }}"),
        }
    }
}

/// How the items are sent.
#[derive(Clone, Copy, Debug)]
enum Batch {
    Multiple,
    MultipleOnAndOn,
    Transaction,
}

impl Batch {
    /// The rows at the end, the faults by item, and the fault in which the whole ends.
    fn apply(
        self,
        items: &[Item],
    ) -> (BTreeSet<u8>, Vec<Option<&'static str>>, Option<&'static str>) {
        let mut rows = BTreeSet::from([1, 2, 3]);
        let before = rows.clone();
        let mut faults = Vec::new();
        for item in items {
            let fault = item.apply(&mut rows).err();
            match (self, fault) {
                (Self::Transaction, Some(fault)) => return (before, Vec::new(), Some(fault)),
                (Self::Multiple, Some(fault)) => {
                    faults.push(Some(fault));
                    break;
                }
                (_, fault) => faults.push(fault),
            }
        }
        (rows, faults, None)
    }
}

fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![(1..7_u8).prop_map(Item::Create), (1..7_u8).prop_map(Item::Delete)]
}

fn any_batch() -> impl Strategy<Value = Batch> {
    prop_oneof![Just(Batch::Multiple), Just(Batch::MultipleOnAndOn), Just(Batch::Transaction)]
}

/// The scenario that sends the items, and expects what the model has found.
fn scenario(batch: Batch, items: &[Item]) -> String {
    let (rows, faults, ends_in) = batch.apply(items);
    let written: Vec<_> = items.iter().map(|item| item.written()).collect();
    let written = written.join(", ");
    let step = match batch {
        Batch::Multiple => format!("execute multiple: {{ do: [ {written} ], faults: faults }}"),
        Batch::MultipleOnAndOn => format!(
            "execute multiple: {{ continue on error: true, do: [ {written} ], faults: faults }}"
        ),
        Batch::Transaction => format!("execute transaction: {{ do: [ {written} ] }}"),
    };
    // Every row that an item may name has a name in the file, though it is not there.
    let named: Vec<_> = (1..7).map(|number| Item::Create(number).written()).collect();
    let named = format!("{{ if: =1 == 2, then: [ {} ] }}", named.join(", "));
    let mut text =
        format!("{HEAD}actors:\n  ann:\n    in: db\n    do:\n      - {named}\n      - {step}\n");
    if ends_in.is_none() && !matches!(batch, Batch::Transaction) {
        // The program itself compares what it was told, item by item.
        let _ = writeln!(text, "      - if: =size(faults) != {}", faults.len());
        let _ = writeln!(text, "        then: [ {{ fail: another number of items }} ]");
        for (index, fault) in faults.iter().enumerate() {
            let told = fault.map_or_else(|| "null".to_owned(), |fault| format!("'{fault}'"));
            let _ = writeln!(text, "      - if: \"=faults[{index}] != {told}\"");
            let _ = writeln!(text, "        then: [ {{ fail: another fault of an item }} ]");
        }
    }
    text.push_str("expect:\n");
    match ends_in {
        Some(fault) => drop(writeln!(text, "  - {{ actor: ann, fault: {fault} }}")),
        None => text.push_str("  - { actor: ann, succeeds: true }\n"),
    }
    let _ = writeln!(text, "  - {{ count: db/account, is: {} }}", rows.len());
    for number in rows {
        let is = format!("is: {{ number: {number} }}");
        let _ = writeln!(text, "  - {{ row: db/account/a{number}, {is} }}");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However requests are sent as one, the rows that exist at the end, and the item that has
    /// failed, are those of a plain walk over the items.
    #[test]
    fn a_batch_does_what_a_walk_over_its_items_does(
        batch in any_batch(),
        items in prop::collection::vec(any_item(), 1..8),
    ) {
        let text = scenario(batch, &items);
        let plan = match run::parse("test.yaml", &text) {
            Ok(mut plans) => plans.remove(0),
            Err(rejection) => panic!("{rejection}\n{text}"),
        };
        let run = run::run(&plan, &RunOptions::default()).expect("the plan is sound");
        prop_assert!(run.verdict.violations.is_empty(), "{:#?}", run.verdict.violations);
        prop_assert!(run.verdict.holds(), "{}\n{text}", run.story(&StoryOptions::default()));
    }
}
