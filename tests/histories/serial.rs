//! The plain oracle: what the sessions of a history would have seen and left behind one after the
//! other, in every order.

use std::collections::BTreeMap;

use multiverse::fault::FaultKind;
use multiverse::trace::{Event, Outcome, RowWritten, Trace, WriteKind};
use multiverse::words::{RowId, Value};

use super::generate::{Act, History, ROWS, VALUES};

/// The rows by their place in [`ROWS`], with what they hold.
type Rows = BTreeMap<usize, i64>;

/// What one step answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// The rows of a select.
    Rows(Rows),
    /// How many rows were written.
    Count(i64),
    /// The row was there already.
    Taken,
    /// The transaction was rolled back.
    Aborted,
    /// Another fault: the statement has done nothing.
    Failed,
    /// Nothing to see.
    Nothing,
}

/// What a run shows: the transactions that were committed, each with what its steps saw, and the
/// rows at the end.
#[derive(Debug, PartialEq)]
pub struct Shown {
    pub committed: Vec<Vec<(Act, Seen)>>,
    pub rows: Rows,
}

/// One session, as its steps end.
#[derive(Default)]
struct Session {
    /// What its transaction has seen so far.
    open: Vec<(Act, Seen)>,
    /// Whether that transaction has ended: then each statement is one of its own.
    is_over: bool,
}

/// What a trace shows.
pub fn shown(history: &History, trace: &Trace) -> Shown {
    let mut sessions: Vec<_> = history.sessions.iter().map(|_| Session::default()).collect();
    let mut committed = Vec::new();
    let mut rows = initial();
    let mut lanes = BTreeMap::new();
    let mut pending: BTreeMap<_, Vec<(usize, Option<i64>)>> = BTreeMap::new();
    for entry in &trace.entries {
        match &entry.event {
            Event::LaneBegan { lane, kind, .. } => {
                lanes.insert(*lane, kind.actor().unwrap().index());
            }
            Event::StepEnded { lane, fault, answer, step } => {
                let number = lanes[lane];
                let act = history.sessions[number][usize::from(*step)];
                let session = &mut sessions[number];
                let seen = seen(fault.as_ref().map(|fault| fault.kind), answer);
                end_step(session, (act, seen), &mut committed);
            }
            Event::RowWritten(RowWritten { transaction, row, columns, kind, .. }) => {
                let value = match (kind, columns.first()) {
                    (WriteKind::Delete, _) => None,
                    (_, Some((_, _, Value::Whole(value)))) => Some(*value),
                    _ => panic!("a row without a value"),
                };
                pending.entry(*transaction).or_default().push((place(*row), value));
            }
            Event::RowRestored { transaction, row, .. } => {
                // A statement is taken back only after it has waited in vain, and what it had
                // written is what its transaction wrote to these rows last.
                let writes = pending.entry(*transaction).or_default();
                let last = writes.iter().rposition(|(written, _)| *written == place(*row));
                writes.remove(last.expect("it was written"));
            }
            Event::Committed { transaction } => {
                for (row, value) in pending.remove(transaction).unwrap_or_default() {
                    match value {
                        Some(value) => rows.insert(row, value),
                        None => rows.remove(&row),
                    };
                }
            }
            Event::LaneEnded { outcome: Outcome::Unfinished(why), .. } => {
                panic!("the run does not end: {why}");
            }
            _ => {}
        }
    }
    Shown { committed, rows }
}

fn seen(fault: Option<FaultKind>, answer: &Value) -> Seen {
    match (fault, answer) {
        (Some(FaultKind::DuplicateRow), _) => Seen::Taken,
        (Some(FaultKind::DeadlockVictim | FaultKind::UpdateConflict), _) => Seen::Aborted,
        (Some(_), _) => Seen::Failed,
        (None, Value::List(items)) => Seen::Rows(items.iter().map(row).collect()),
        (None, Value::Whole(count)) => Seen::Count(*count),
        (None, _) => Seen::Nothing,
    }
}

fn end_step(session: &mut Session, step: (Act, Seen), committed: &mut Vec<Vec<(Act, Seen)>>) {
    match step {
        (_, Seen::Aborted) | (Act::Rollback, _) => {
            session.open.clear();
            session.is_over = true;
        }
        (_, Seen::Failed) => {}
        (Act::Commit, _) => {
            committed.push(std::mem::take(&mut session.open));
            session.is_over = true;
        }
        step if session.is_over => committed.push(vec![step]),
        step => session.open.push(step),
    }
}

/// Whether one transaction after the other, in some order, would have shown the same.
pub fn is_serial(shown: &Shown) -> bool {
    let mut order: Vec<usize> = (0..shown.committed.len()).collect();
    any_permutation(&mut order, 0, &mut |order| {
        let mut rows = initial();
        let agrees = order.iter().all(|place| {
            let mut steps = shown.committed[*place].iter();
            steps.all(|(act, seen)| carry_out(*act, &mut rows) == *seen)
        });
        agrees && rows == shown.rows
    })
}

fn any_permutation(
    order: &mut [usize],
    from: usize,
    holds: &mut impl FnMut(&[usize]) -> bool,
) -> bool {
    if from == order.len() {
        return holds(order);
    }
    for place in from..order.len() {
        order.swap(from, place);
        let found = any_permutation(order, from + 1, holds);
        order.swap(from, place);
        if found {
            return true;
        }
    }
    false
}

fn carry_out(act: Act, rows: &mut Rows) -> Seen {
    match act {
        Act::Select(condition) => {
            let matching = rows.iter().filter(|(row, value)| condition.holds(**row, **value));
            Seen::Rows(matching.map(|(row, value)| (*row, *value)).collect())
        }
        Act::Insert(row, value) => match rows.get(&row) {
            Some(_) => Seen::Taken,
            None => {
                rows.insert(row, value);
                Seen::Nothing
            }
        },
        Act::Update(condition, set) => {
            let mut count = 0;
            for (row, value) in rows.iter_mut() {
                if condition.holds(*row, *value) {
                    *value = set.of(*value);
                    count += 1;
                }
            }
            Seen::Count(count)
        }
        Act::Delete(condition) => {
            let before = rows.len();
            rows.retain(|row, value| !condition.holds(*row, *value));
            Seen::Count(i64::try_from(before - rows.len()).expect("few rows"))
        }
        Act::Commit | Act::Rollback => Seen::Nothing,
    }
}

fn initial() -> Rows {
    VALUES.into_iter().enumerate().collect()
}

fn row(item: &Value) -> (usize, i64) {
    let Value::Record(record) = item else { panic!("{item:?} is no row") };
    let Value::Whole(value) = record.columns[0].2 else { panic!("a row without a value") };
    (place(record.id), value)
}

fn place(row: RowId) -> usize {
    let named = ROWS.iter().position(|name| RowId::named("test", name) == row);
    named.expect("a row that the history knows")
}
