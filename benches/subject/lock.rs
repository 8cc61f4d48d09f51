//! What the lock table costs by itself. One function a claim; the same seed each time.

use std::cell::RefCell;
use std::hint::black_box;

use multiverse::engine::lock::{Decision, LockTable, Owner, Resource};
use multiverse::engine::store::RowNumber;
use multiverse::words::{LockMode, TableId};

use super::anchor::Draw;
use super::suite::{Pace, Suite};

/// Rows among which a transaction's are drawn.
const ROWS: [u32; 2] = [100, 1_000_000];
/// Locks that others hold.
const LOCKED: [u32; 2] = [1_000, 1_000_000];
/// Waiters that are there already.
const WAITERS: [u32; 4] = [1, 10, 100, 1_000];
/// Locks of a transaction.
const LOCKS: u32 = 10;
/// Waiters that get a lock one after the other.
const QUEUES: [u32; 2] = [2, 256];
/// Owners in a circle of waits.
const CYCLES: [u32; 3] = [2, 16, 64];

fn row(number: u32) -> Resource {
    Resource::Row(TableId(0), RowNumber(number))
}

fn drawn(draw: &mut Draw, rows: u32) -> u32 {
    u32::try_from(draw.below(rows.into())).expect("below the bound")
}

/// A lock of ten and its release: the cost does not grow with the rows among which they are.
pub fn uncontended(suite: &mut Suite) {
    for rows in ROWS {
        let case = format!("one of {rows} rows");
        suite.case(("Lock and release", &case), Pace::USUAL, LOCKS.into(), |bencher| {
            let (mut table, mut draw, mut granted) = (LockTable::new(), Draw::of(0), Vec::new());
            bencher.iter(|| {
                for _ in 0..LOCKS {
                    table.request(Owner(3), row(drawn(&mut draw, rows)), LockMode::Exclusive);
                }
                black_box(table.release_all(Owner(3), &mut granted))
            });
        });
    }
}

/// The cost grows with the locks that others hold only as far as they leave the cache.
pub fn beside_the_locks_of_others(suite: &mut Suite) {
    for locked in LOCKED {
        let made = RefCell::new(None);
        let case = format!("beside {locked} locks of others");
        suite.case(("Lock and release", &case), Pace::USUAL, 1, |bencher| {
            let mut made = made.borrow_mut();
            let table = made.get_or_insert_with(|| {
                let mut table = LockTable::new();
                for number in 0..locked {
                    table.request(Owner(number % 16), row(number), LockMode::Shared);
                }
                table
            });
            let (mut draw, mut granted) = (Draw::of(0), Vec::new());
            bencher.iter(|| {
                let taken = row(locked + drawn(&mut draw, locked));
                table.request(Owner(20), taken, LockMode::Exclusive);
                table.release(Owner(20), taken, &mut granted)
            });
        });
    }
}

/// A request on a row for which so many wait already, the search for a circle, which walks along
/// the queue, and its end.
pub fn behind_waiters(suite: &mut Suite) {
    for waiters in WAITERS {
        let case = format!("behind {waiters}");
        suite.case(("Wait and look for a circle", &case), Pace::USUAL, 1, |bencher| {
            let (mut table, mut granted) = (LockTable::new(), Vec::new());
            for owner in 0..=waiters {
                table.request(Owner(owner), row(7), LockMode::Exclusive);
            }
            let last = Owner(waiters + 1);
            bencher.iter(|| {
                let decision = table.request(last, row(7), LockMode::Exclusive);
                assert_eq!(decision, Decision::Queued);
                assert!(black_box(table.cycle(last)).is_none());
                table.cancel(last, &mut granted)
            });
        });
    }
}

/// All wait for one row; each in turn ends and lets the next one go on. The cost of one of them
/// does not grow with the queue.
pub fn queue(suite: &mut Suite) {
    for waiters in QUEUES {
        let case = format!("one of {waiters}");
        suite.case(("Queue on one row", &case), Pace::USUAL, waiters.into(), |bencher| {
            let (mut table, mut granted) = (LockTable::new(), Vec::new());
            bencher.iter(|| {
                for owner in 0..=waiters {
                    table.request(Owner(owner), row(7), LockMode::Exclusive);
                }
                for owner in 0..=waiters {
                    table.release_all(Owner(owner), &mut granted);
                }
                granted.clear();
            });
        });
    }
}

/// The last of them asks for what the first one holds, and the search finds the circle.
pub fn cycle(suite: &mut Suite) {
    for owners in CYCLES {
        suite.case(
            ("Close and find a circle", &format!("of {owners}")),
            Pace::USUAL,
            1,
            |bencher| {
                let (mut table, mut granted) = (LockTable::new(), Vec::new());
                for owner in 0..owners {
                    table.request(Owner(owner), row(owner), LockMode::Exclusive);
                }
                for owner in 1..owners {
                    table.request(Owner(owner), row(owner - 1), LockMode::Exclusive);
                }
                bencher.iter(|| {
                    let decision = table.request(Owner(0), row(owners - 1), LockMode::Exclusive);
                    assert_eq!(decision, Decision::Queued);
                    let cycle = black_box(table.cycle(Owner(0)));
                    assert!(cycle.is_some());
                    table.cancel(Owner(0), &mut granted)
                });
            },
        );
    }
}
