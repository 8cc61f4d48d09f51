//! The anchors W1 to W7: what the kernel's database costs, trace off, each beside the bare bound
//! (a `DashMap` and a `parking_lot` mutex a row) in the same run. One function a claim.
//!
//! One update is: lock the row, read it, write it with its version counted up; a transaction is ten
//! of them, and holds its locks to its end. Where there are sessions, the kernel has them on one
//! thread, and the bare bound has a real thread for each; these start together and work for a fixed
//! time, in which the transactions that they commit are counted (`anchor/rounds.rs`).

use std::cell::{LazyCell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use multiverse::engine::database::{Assigned, Caller, Execution, Looked, Query, Step, Writing};
use multiverse::engine::store::{RowImage, ValueRef};
use multiverse::plan::{Hint, Hints, Isolation};
use multiverse::words::{BinaryOperator, Expression, Name, RequestId, Value};

use super::anchor::bare::Bare;
use super::anchor::instance::{Instance, Keyed, TEST, caller};
use super::anchor::rounds::{against_bare, at_once, timed};
use super::anchor::sessions::{Notice, Sessions, Work};
use super::anchor::{Draw, HOT_ROWS, KEY, NUMBER, Order, ROWS, key_of, row_id, values};
use super::suite::{Pace, Suite};

/// Transactions of one round.
const COMMITS: u64 = 50_000;
/// Sessions that work at once.
const SESSIONS: [u32; 3] = [1, 2, 16];
/// Deadlocks of one round, of which little more than a tenth is measured.
const DEADLOCKS: u64 = 10_000;
const DEADLOCKS_PACE: Pace = Pace { samples: 15, about: Duration::from_millis(200) };
/// Rows that a scan passes between two transactions of the writer.
const ROWS_A_WRITE: u64 = 1_000;
/// Point reads of one round.
const READS: u64 = 500_000;

fn bare_of(rows: u64) -> Bare {
    let mut bare = Bare::default();
    let values = values();
    for number in 0..rows {
        bare.load(row_id(number), Some(&key_of(number)), &values);
    }
    bare
}

/// Committed transactions of sessions on so many rows, beside the bare bound's, whose attempts
/// answer whether they have committed.
fn transactions(
    suite: &mut Suite,
    claim: &str,
    work: Work,
    bare_attempt: fn(&Bare, &mut Draw) -> bool,
) {
    // Made only when it is measured: a bench that a filter leaves out costs nothing.
    let mut bare = None;
    for count in SESSIONS {
        let case = if count == 1 { "1 session".into() } else { format!("{count} sessions") };
        let mut sessions = None;
        against_bare(
            suite,
            (claim, &case),
            COMMITS,
            || sessions.get_or_insert_with(|| Sessions::new(count, work)).run(COMMITS),
            || {
                let bare = &*bare.get_or_insert_with(|| bare_of(work.rows));
                at_once(count, |_, draw| bare_attempt(bare, draw).into())
            },
        );
        if let Some(sessions) = sessions
            && sessions.deadlocks > 0
        {
            println!("{claim}/{case}: {} deadlocks in all", sessions.deadlocks);
        }
    }
}

/// W1: random rows of a million, with nobody in the way.
pub fn w1_uncontended(suite: &mut Suite) {
    w1(suite, "W1 uncontended", Notice::Together);
}

/// The same where the kernel does not know a transaction's rows in advance.
pub fn w1_row_by_row(suite: &mut Suite) {
    w1(suite, "W1 row by row", Notice::RowByRow);
}

fn w1(suite: &mut Suite, claim: &str, notice: Notice) {
    let work = Work { rows: ROWS, order: Order::Sorted, notice };
    transactions(suite, claim, work, |bare, draw| {
        bare.transact(&draw.rows(ROWS, Order::Sorted).map(row_id));
        true
    });
}

/// A hundred rows that everybody wants.
const fn hot(order: Order) -> Work {
    Work { rows: HOT_ROWS, order, notice: Notice::RowByRow }
}

/// W2: a hundred hot rows in ascending order, so that sessions wait and never deadlock.
pub fn w2_hot_rows_sorted(suite: &mut Suite) {
    transactions(suite, "W2 hot rows sorted", hot(Order::Sorted), |bare, draw| {
        bare.transact(&draw.rows(HOT_ROWS, Order::Sorted).map(row_id));
        true
    });
}

/// W3: a hundred hot rows in any order, so that sessions deadlock. The bare bound's sessions can't
/// find a deadlock, so none of them waits: who meets a locked row begins again with others.
pub fn w3_hot_rows_unsorted(suite: &mut Suite) {
    transactions(suite, "W3 hot rows unsorted", hot(Order::AsDrawn), |bare, draw| {
        bare.try_transact(&draw.rows(HOT_ROWS, Order::AsDrawn).map(row_id))
    });
}

/// What the trace costs: W2 with it, and in place of the bare bound the same without it.
pub fn trace(suite: &mut Suite) {
    let of = |on: bool| {
        let instance = Instance::of(HOT_ROWS, Keyed::No).with_trace(on);
        Sessions::on(instance, 16, hot(Order::Sorted))
    };
    let (mut on, mut off) = (None, None);
    against_bare(
        suite,
        ("Trace", "on beside off"),
        COMMITS,
        || on.get_or_insert_with(|| of(true)).run(COMMITS),
        || timed(COMMITS, || off.get_or_insert_with(|| of(false)).run(COMMITS)),
    );
}

/// W4: two users in opposite order: from the request that closes the cycle to the victim's error.
/// The bare bound finds no deadlocks.
pub fn w4_cycle_to_victim(suite: &mut Suite) {
    let mut made = None;
    let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
    let case = ("W4 deadlock", "closing request to victim");
    suite.case(case, DEADLOCKS_PACE, DEADLOCKS, |bencher| {
        let instance = made.get_or_insert_with(|| Instance::of(HOT_ROWS, Keyed::No));
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            for _ in 0..times * DEADLOCKS {
                let (a, b) = (instance.begin(), instance.begin());
                let (of_a, of_b) = (caller(a, 0), caller(b, 1));
                let (mut first, mut second) = (Writing::default(), Writing::default());
                let _ = instance.update(&of_a, row_id(1), &mut values, &mut first);
                let _ = instance.update(&of_b, row_id(2), &mut values, &mut second);
                let _ = instance.update(&of_a, row_id(2), &mut values, &mut first);
                #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
                let start = Instant::now();
                let _ = instance.update(&of_b, row_id(1), &mut values, &mut second);
                instance.search_deadlocks();
                all += start.elapsed();
                let awakened = instance.database.take_awakened();
                assert!(awakened.iter().any(|it| it.fault.is_some()), "somebody is the victim");
                instance.database.keep_room(awakened);
                instance.roll_back(b);
                instance.roll_back(a);
            }
            all
        });
    });
}

/// A scan of all rows for a number that none has. Between stretches of it `write` has its turn.
fn scan(instance: &mut Instance, hints: Hints, mut write: impl FnMut(&mut Instance)) {
    let filter = Expression::Binary(
        BinaryOperator::Equal,
        Box::new(Expression::Column(Name::from("column 1"))),
        Box::new(Expression::Literal(Value::Whole(-1))),
    );
    let query = Arc::new(Query { filter: Some(filter), hints, ..Query::default() });
    let transaction = instance.begin();
    let level = hints.level(Isolation::ReadCommittedSnapshot);
    let caller = Caller { level, ..caller(transaction, 0) };
    let made = Execution::select(&instance.database, &instance.plan, &caller, TEST, query);
    let mut execution = made.expect("there is such a table");
    let room = instance.plan.costs.row * u32::try_from(ROWS_A_WRITE).expect("few");
    loop {
        let (database, mut context) = instance.parts();
        let step = database.step(&mut context, &caller, &mut execution, room);
        if step.expect("nobody is in the way") == Step::Done {
            break;
        }
        write(instance);
    }
    let (database, mut context) = instance.parts();
    let _ = database.finish(&mut context, &caller, &mut execution);
    instance.commit(transaction);
}

/// A transaction of ten updates of random rows.
fn write(instance: &mut Instance, draw: &mut Draw) {
    let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
    let transaction = instance.begin();
    let caller = caller(transaction, 1);
    let mut writing = Writing::default();
    let rows = draw.rows(ROWS, Order::Sorted).map(row_id);
    instance.database.expect(rows.iter().map(|row| (TEST, *row)));
    for row in rows {
        black_box(instance.update(&caller, row, &mut values, &mut writing));
    }
    instance.commit(transaction);
}

/// W5: a scan of a million rows: with nolock beside a writer, and with locks.
pub fn w5_scan(suite: &mut Suite) {
    let claim = "W5 scan";
    let (mut instance, mut bare) = (None, None);
    let made = RefCell::new(|| Instance::of(ROWS, Keyed::No));
    let mut draw = Draw::of(0);
    against_bare(
        suite,
        (claim, "nolock beside a writer"),
        ROWS,
        || {
            let instance = instance.get_or_insert_with(|| made.borrow_mut()());
            scan(instance, Hints::NONE.with(Hint::NoLock), |instance| write(instance, &mut draw));
        },
        || {
            let bare = &*bare.get_or_insert_with(|| bare_of(ROWS));
            at_once(2, |number, draw| {
                if number == 0 {
                    black_box(bare.scan(u64::MAX));
                    return ROWS;
                }
                bare.transact(&draw.rows(ROWS, Order::Sorted).map(row_id));
                0
            })
        },
    );
    let levels = [
        ("committed versions", Hints::NONE),
        ("read committed, with locks", Hints::NONE.with(Hint::ReadCommittedLock)),
    ];
    for (case, hints) in levels {
        against_bare(
            suite,
            (claim, case),
            ROWS,
            || scan(instance.get_or_insert_with(|| made.borrow_mut()()), hints, |_| ()),
            || {
                let bare = &*bare.get_or_insert_with(|| bare_of(ROWS));
                timed(ROWS, || {
                    black_box(bare.scan_locking(u64::MAX));
                })
            },
        );
    }
}

/// W6: loading a million records of ten columns with a unique alternate key.
pub fn w6_load(suite: &mut Suite) {
    let keys: LazyCell<Vec<_>> =
        LazyCell::new(|| (0..ROWS).map(|number| Value::text(&key_of(number))).collect());
    let mut values = values();
    let mut bare_values = values.clone();
    against_bare(
        suite,
        ("W6 load", "records with an alternate key"),
        ROWS,
        || {
            let mut instance = Instance::empty(Keyed::Yes);
            for (number, key) in (0..).zip(&*keys) {
                values[usize::from(KEY.0)].1 = key.clone();
                instance.load(row_id(number), &values);
            }
            black_box(&instance);
        },
        || {
            timed(ROWS, || {
                let mut bare = Bare::default();
                for (number, key) in (0..).zip(&*keys) {
                    let Value::Text(text) = key else { unreachable!("keys are texts") };
                    bare_values[usize::from(KEY.0)].1 = key.clone();
                    bare.load(row_id(number), Some(text), &bare_values);
                }
                black_box(&bare);
            })
        },
    );
}

/// W7: point reads of one column, by id and by alternate key.
pub fn w7_point_reads(suite: &mut Suite) {
    let claim = "W7 point read";
    let instance = RefCell::new(None);
    let bare = RefCell::new(None);
    let keys: LazyCell<Vec<_>> =
        LazyCell::new(|| (0..ROWS).map(|number| [Value::text(&key_of(number))]).collect());
    let caller =
        Caller { request: RequestId(0), by: None, level: Isolation::ReadCommittedSnapshot };
    let (mut draw, mut bare_draw) = (Draw::of(0), Draw::of(0));
    let read = |row: RowImage<'_>| match row.get(NUMBER) {
        ValueRef::Whole(number) => Some(number),
        _ => None,
    };
    let reads = |read: &mut dyn FnMut(&mut Instance)| {
        let mut made = instance.borrow_mut();
        let instance = made.get_or_insert_with(|| Instance::of(ROWS, Keyed::Yes));
        for _ in 0..READS {
            read(instance);
        }
    };
    let bare_reads = |read: &mut dyn FnMut(&Bare) -> u64| {
        let mut made = bare.borrow_mut();
        let bare = made.get_or_insert_with(|| bare_of(ROWS));
        timed(READS, || {
            for _ in 0..READS {
                black_box(read(bare));
            }
        })
    };
    let mut taken = Vec::new();
    against_bare(
        suite,
        (claim, "by id"),
        READS,
        || {
            reads(&mut |instance| {
                let id = row_id(draw.below(ROWS));
                let (database, mut context) = instance.parts();
                let looked = database.look(&mut context, &caller, (TEST, id), &mut taken, read);
                assert!(black_box(looked).is_ok_and(|it| matches!(it, Looked::Row(Some(_)))));
            });
        },
        || bare_reads(&mut |bare| bare.read(row_id(bare_draw.below(ROWS)))),
    );
    against_bare(
        suite,
        (claim, "by alternate key"),
        READS,
        || {
            reads(&mut |instance| {
                let key = &keys[usize::try_from(draw.below(ROWS)).expect("it fits")];
                let (database, mut context) = instance.parts();
                let store = database.store(TEST).expect("it is there");
                let row = store.find_by_key(0, key).next().expect("it is there");
                let read = database.retrieve(&mut context, &caller, (TEST, row), read);
                assert!(black_box(read.flatten()).is_some());
            });
        },
        || {
            bare_reads(&mut |bare| {
                let [key] = &keys[usize::try_from(bare_draw.below(ROWS)).expect("it fits")];
                let Value::Text(key) = key else { unreachable!("keys are texts") };
                bare.read_by_key(key)
            })
        },
    );
}
