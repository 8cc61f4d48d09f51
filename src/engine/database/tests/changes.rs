//! Change tracking against a plain copy: whatever is committed, rolled back and deleted between two
//! polls, and whatever is open while they are made, a reader that does what the answers say ends
//! with the committed rows.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::engine::database::tests::{ACCOUNT, Bench};
use crate::engine::database::{Caller, ChangesQuery, ChangesStart, TransactionRef};
use crate::plan::{DeltaTokens, Isolation};
use crate::words::{Delta, DeltaToken, RequestId, RowId, Value};

/// How many rows, and how many transactions at a time, a history has.
const ROWS: usize = 6;
const OPEN: usize = 3;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A transaction writes a row, or takes it away.
    Write { transaction: usize, row: usize, number: Option<i64> },
    /// A transaction is committed.
    Commit(usize),
    /// A transaction is rolled back.
    RollBack(usize),
    /// The reader asks for one page of changes, of this size.
    Poll(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let number = prop_oneof![3 => (0..100_i64).prop_map(Some), 2 => Just(None)];
    prop_oneof![
        6 => (0..OPEN, 0..ROWS, number)
            .prop_map(|(transaction, row, number)| Act::Write { transaction, row, number }),
        2 => (0..OPEN).prop_map(Act::Commit),
        1 => (0..OPEN).prop_map(Act::RollBack),
        2 => (1..4_u32).prop_map(Act::Poll),
    ]
}

/// A copy of the table, kept up to date by reading its changes.
#[derive(Default)]
struct Reader {
    token: Option<DeltaToken>,
    /// The page that comes next, within one poll.
    page: Option<ChangesStart>,
    copy: BTreeMap<RowId, i64>,
}

impl Reader {
    fn poll(&mut self, bench: &mut Bench, page_size: u32) -> Delta {
        let start = self.token.map_or(ChangesStart::Beginning, ChangesStart::Token);
        let from = self.page.take().unwrap_or(start);
        let query = ChangesQuery { from, page_size, select: None };
        let caller =
            Caller { request: RequestId(0), by: None, level: Isolation::ReadCommittedSnapshot };
        let (database, mut context) = bench.parts();
        let taken = &mut Vec::new();
        let delta = database.changes(&mut context, &caller, ACCOUNT, &query, taken).unwrap();
        let delta = delta.expect("nobody changes the table's definition");
        assert!(delta.rows.len() + delta.deleted.len() <= page_size as usize);
        for row in &*delta.rows {
            let Value::Record(record) = row else { panic!("{row:?} is no row") };
            let Value::Whole(number) = record.columns[0].2 else { panic!("{record:?}") };
            self.copy.insert(record.id, number);
        }
        for id in &*delta.deleted {
            let Value::Id(id) = id else { panic!("{id:?} is no id") };
            self.copy.remove(id);
        }
        self.page = delta.next.map(ChangesStart::Page);
        self.token = delta.token.or(self.token);
        delta
    }

    /// Asks for pages until there is nothing left.
    fn catch_up(&mut self, bench: &mut Bench, page_size: u32) {
        // The first round may be the rest of an answer that is older than what was committed last.
        for _ in 0..2 {
            while self.poll(bench, page_size).next.is_some() {}
        }
    }
}

/// What a transaction has made of each row; `None` of one that it has taken away.
type Written = BTreeMap<RowId, Option<i64>>;

/// Who has what, as a history goes on.
#[derive(Default)]
struct Oracle {
    committed: BTreeMap<RowId, i64>,
    open: [Option<(TransactionRef, Written)>; OPEN],
}

impl Oracle {
    fn is_written_by_another(&self, transaction: usize, row: RowId) -> bool {
        let others = self.open.iter().enumerate().filter(|(other, _)| *other != transaction);
        others.filter_map(|(_, it)| it.as_ref()).any(|(_, rows)| rows.contains_key(&row))
    }

    fn carry_out(&mut self, bench: &mut Bench, act: Act) {
        match act {
            Act::Write { transaction, row, number } => {
                let id = RowId::named("account", &format!("row {row}"));
                if self.is_written_by_another(transaction, id) {
                    return;
                }
                let (open, written) =
                    self.open[transaction].get_or_insert_with(|| (bench.begin(), BTreeMap::new()));
                bench.write(*open, id, number);
                // Who only asks for a row that is not there has written nothing.
                let was = written.get(&id).copied().unwrap_or(self.committed.get(&id).copied());
                if was.is_some() || number.is_some() {
                    written.insert(id, number);
                }
            }
            Act::Commit(transaction) => {
                let Some((open, written)) = self.open[transaction].take() else { return };
                bench.commit(open);
                for (id, number) in written {
                    match number {
                        Some(number) => self.committed.insert(id, number),
                        None => self.committed.remove(&id),
                    };
                }
            }
            Act::RollBack(transaction) => {
                if let Some((open, _)) = self.open[transaction].take() {
                    bench.roll_back(open);
                }
            }
            Act::Poll(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_reader_of_changes_ends_with_the_committed_rows(
        acts in prop::collection::vec(act(), 0..60),
        page_size in 1..4_u32,
    ) {
        let (mut bench, mut oracle) = (Bench::new(DeltaTokens::Bounded), Oracle::default());
        let mut reader = Reader::default();
        for act in acts {
            oracle.carry_out(&mut bench, act);
            if let Act::Poll(page_size) = act {
                reader.poll(&mut bench, page_size);
            }
        }
        // What is open stays open: it must not be seen, and must not be skipped later.
        reader.catch_up(&mut bench, page_size);
        prop_assert_eq!(&reader.copy, &oracle.committed);
        for transaction in 0..OPEN {
            oracle.carry_out(&mut bench, Act::Commit(transaction));
        }
        reader.catch_up(&mut bench, page_size);
        prop_assert_eq!(&reader.copy, &oracle.committed);
    }
}

#[test]
fn a_token_is_below_every_transaction_that_is_open() {
    for (tokens, sees_it) in [(DeltaTokens::Bounded, true), (DeltaTokens::Latest, false)] {
        let (mut bench, mut reader) = (Bench::new(tokens), Reader::default());
        let (slow, quick) = (RowId::named("account", "slow"), RowId::named("account", "quick"));
        let open = bench.begin();
        bench.write(open, slow, Some(1));
        let other = bench.begin();
        bench.write(other, quick, Some(2));
        bench.commit(other);
        reader.catch_up(&mut bench, 10);
        assert_eq!(reader.copy, BTreeMap::from([(quick, 2)]));
        bench.commit(open);
        reader.catch_up(&mut bench, 10);
        assert_eq!(reader.copy.contains_key(&slow), sees_it, "{tokens:?}");
    }
}

#[test]
fn what_comes_and_goes_between_two_polls_is_told_to_be_gone() {
    let (mut bench, mut reader) = (Bench::new(DeltaTokens::Bounded), Reader::default());
    let id = RowId::named("account", "brief");
    let first = reader.poll(&mut bench, 10);
    assert!(first.rows.is_empty() && first.deleted.is_empty());
    for number in [Some(1), None] {
        let transaction = bench.begin();
        bench.write(transaction, id, number);
        bench.commit(transaction);
    }
    let second = reader.poll(&mut bench, 10);
    assert!(second.rows.is_empty());
    assert_eq!(&*second.deleted, [Value::Id(id)]);
    let beginner = Reader::default().poll(&mut bench, 10);
    assert!(beginner.deleted.is_empty(), "who begins is told of no deletion");
}
