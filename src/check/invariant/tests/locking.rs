//! Locks on tables, entries and transactions; locks that end early, weaken and give way.

use crate::check::invariant::tests::{X, broken};
use crate::trace::tale::{Tale, two_sessions, whole};
use crate::trace::{DeadlockEdge, Event, LockResource, WaitEnd, WriteKind};
use crate::words::{InstanceId, LaneId, LockMode, TableId, TransactionId};

const USERS: LockResource = LockResource::Table { instance: InstanceId(0), table: TableId(0) };
const ENTRY: LockResource =
    LockResource::Key { instance: InstanceId(0), table: TableId(0), index: 0, hash: 7 };
const END: LockResource =
    LockResource::End { instance: InstanceId(0), table: TableId(0), index: 0 };

const fn itself(transaction: TransactionId) -> LockResource {
    LockResource::Transaction { instance: InstanceId(0), transaction }
}

/// Two runs with a transaction each, which are committed in the end.
fn two(act: impl Fn(&mut Tale, TransactionId, TransactionId)) -> String {
    let mut tale = Tale::usual();
    tale.load(X, &[("teams", whole(3))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 0));
    act(&mut tale, a, b);
    tale.at(90).commits(a).commits(b).done(ann).done(bob);
    broken(&tale)
}

fn updates(tale: &mut Tale, of: TransactionId) {
    let lane = LaneId(of.0);
    tale.request(lane, crate::plan::Message::Update, X, Some(of));
    tale.write(of, X, WriteKind::Update, &[("teams", whole(4))]).end(lane, None);
}

#[test]
fn locks_of_every_kind_go_together_or_do_not() {
    use LockMode as M;
    let sound = [
        (USERS, M::IntentExclusive, M::IntentExclusive),
        (USERS, M::Shared, M::IntentShared),
        (ENTRY, M::RangeInsertNull, M::Exclusive),
        (END, M::RangeSharedShared, M::RangeSharedUpdate),
    ];
    for (resource, one, other) in sound {
        let told = two(|tale, a, b| {
            tale.locks(a, resource, one).locks(b, resource, other);
        });
        assert_eq!(told, "", "{one:?} {other:?}");
    }
    let told = two(|tale, a, b| {
        tale.locks(a, USERS, M::SharedIntentExclusive).locks(b, USERS, M::IntentExclusive);
        tale.locks(a, ENTRY, M::RangeSharedShared).locks(b, ENTRY, M::RangeInsertNull);
        tale.locks(a, END, M::RangeSharedShared).locks(b, END, M::RangeExclusiveExclusive);
    });
    insta::assert_snapshot!(told, @r"
    no two incompatible holders: transaction 1 holds us/user in mode intent exclusive beside transaction 0 in mode shared with intent exclusive (event 6)
    no two incompatible holders: transaction 1 holds an entry of us/user's index number 0 in mode range insert beside transaction 0 in mode range shared (event 8)
    no two incompatible holders: transaction 1 holds the end of us/user's index number 0 in mode range exclusive beside transaction 0 in mode range shared (event 10)
    ");
}

#[test]
fn a_lock_goes_back_to_a_weaker_mode_and_lets_others_in() {
    let to = |mode| {
        two(|tale, a, b| {
            let on_table = |tale: &mut Tale, mode| {
                tale.push(Event::LockWeakened { transaction: a, resource: USERS, mode });
            };
            tale.locks(a, USERS, LockMode::SharedIntentExclusive);
            tale.queues(b, USERS, LockMode::IntentExclusive, &[a], &[]);
            tale.at(10);
            on_table(tale, mode);
            tale.queue_ends(b, USERS, LockMode::IntentExclusive, WaitEnd::Granted);
        })
    };
    assert_eq!(to(LockMode::IntentExclusive), "");
    insta::assert_snapshot!(to(LockMode::Exclusive), @r"
    locks end with their transaction: transaction 0 goes back from shared with intent exclusive to exclusive on us/user: no weaker mode (event 7)
    no two incompatible holders: transaction 1 holds us/user in mode intent exclusive beside transaction 0 in mode exclusive (event 9)
    ");

    let unheld = two(|tale, a, _| {
        let mode = LockMode::Shared;
        tale.push(Event::LockWeakened { transaction: a, resource: USERS, mode });
    });
    insta::assert_snapshot!(unheld, @r"
    locks end with their transaction: transaction 0 goes back to shared on us/user, and holds no lock (event 5)
    ");

    let forgotten = two(|tale, a, b| {
        tale.locks(a, USERS, LockMode::SharedIntentExclusive);
        tale.queues(b, USERS, LockMode::IntentExclusive, &[a], &[]);
        let mode = LockMode::IntentExclusive;
        tale.at(10).push(Event::LockWeakened { transaction: a, resource: USERS, mode });
        tale.at(11).queue_ends(b, USERS, mode, WaitEnd::Granted);
    });
    insta::assert_snapshot!(forgotten, @r"
    no lost wake-up: transaction 1 is not woken though nothing keeps it from us/user any more (event 7)
    ");
}

#[test]
fn a_written_row_stays_locked_to_the_end() {
    let row = |tale: &mut Tale| tale.resource(X);
    let early = two(|tale, a, _| {
        let row = row(tale);
        tale.locks(a, row, LockMode::Exclusive);
        updates(tale, a);
        tale.unlocks(a, row);
    });
    insta::assert_snapshot!(early, @r"
    locks end with their transaction: transaction 0 gives up us/user/x before its end, and has written it (event 9)
    ");

    let weakened = two(|tale, a, _| {
        let row = row(tale);
        tale.locks(a, row, LockMode::Exclusive);
        updates(tale, a);
        let mode = LockMode::Shared;
        tale.push(Event::LockWeakened { transaction: a, resource: row, mode });
    });
    insta::assert_snapshot!(weakened, @r"
    locks end with their transaction: transaction 0 gives up us/user/x before its end, and has written it (event 9)
    ");

    let looked_at = two(|tale, a, _| {
        let row = row(tale);
        tale.locks(a, row, LockMode::Update).unlocks(a, row);
    });
    assert_eq!(looked_at, "");

    let optimized = two(|tale, a, _| {
        let row = row(tale);
        tale.locks(a, itself(a), LockMode::Exclusive).locks(a, row, LockMode::Exclusive);
        updates(tale, a);
        tale.unlocks(a, row);
    });
    assert_eq!(optimized, "");
}

#[test]
fn nobody_writes_over_what_is_not_committed() {
    let told = two(|tale, a, b| {
        let row = tale.resource(X);
        for transaction in [a, b] {
            tale.locks(transaction, itself(transaction), LockMode::Exclusive);
            tale.locks(transaction, row, LockMode::Exclusive);
            updates(tale, transaction);
            tale.unlocks(transaction, row);
        }
    });
    insta::assert_snapshot!(told, @r"
    writes under exclusive locks: transaction 1 writes us/user/x, which transaction 0 has written and not committed (event 14)
    ");
}

#[test]
fn locks_on_rows_give_way_to_one_on_the_table() {
    let sound = two(|tale, a, _| {
        let row = tale.resource(X);
        tale.locks(a, row, LockMode::Exclusive).locks(a, ENTRY, LockMode::Exclusive);
        tale.locks(a, USERS, LockMode::IntentExclusive);
        tale.escalates(a, "us/user", LockMode::Exclusive);
        updates(tale, a);
    });
    assert_eq!(sound, "");

    let shared = two(|tale, a, _| {
        let row = tale.resource(X);
        tale.locks(a, row, LockMode::Exclusive);
        updates(tale, a);
        tale.escalates(a, "us/user", LockMode::Shared);
        updates(tale, a);
    });
    insta::assert_snapshot!(shared, @r"
    locks end with their transaction: transaction 0 escalates to us/user and has locks that shared on the table does not stand for (event 10)
    writes under exclusive locks: transaction 0 writes us/user/x without an exclusive lock on it (event 12)
    ");

    let (instance, table, mode) = (InstanceId(0), TableId(0), LockMode::Exclusive);
    let unheld = two(|tale, a, _| {
        let row = tale.resource(X);
        tale.locks(a, row, LockMode::Exclusive);
        let released = 2;
        tale.push(Event::LocksEscalated { transaction: a, instance, table, mode, released });
    });
    insta::assert_snapshot!(unheld, @r"
    locks end with their transaction: transaction 0 escalates to us/user and does not hold the table in mode exclusive (event 6)
    locks end with their transaction: transaction 0 escalates to us/user and releases 2 locks and holds 1 (event 6)
    locks end with their transaction: transaction 0 holds 0 locks and releases 1 (event 8)
    ");
}

#[test]
fn a_definition_changes_under_its_own_lock() {
    let under = |mode| {
        two(|tale, a, _| {
            tale.locks(a, USERS, mode);
            let (instance, table) = (InstanceId(0), TableId(0));
            tale.push(Event::SchemaAltered { transaction: a, instance, table });
        })
    };
    assert_eq!(under(LockMode::SchemaModification), "");
    insta::assert_snapshot!(under(LockMode::SchemaStability), @r"
    writes under exclusive locks: transaction 0 changes the definition of us/user without its lock (event 6)
    ");
}

#[test]
fn who_is_ahead_is_in_the_way() {
    let behind = |mode| {
        two(|tale, a, b| {
            tale.locks(a, USERS, LockMode::IntentExclusive);
            let carl = tale.begins("carl");
            let c = tale.transaction(carl, 0);
            tale.queues(b, USERS, LockMode::Shared, &[a], &[]);
            tale.queues(c, USERS, mode, &[], &[b]);
            tale.at(10).unlocks(a, USERS);
            tale.queue_ends(b, USERS, LockMode::Shared, WaitEnd::Granted);
            tale.unlocks(b, USERS).queue_ends(c, USERS, mode, WaitEnd::Granted);
            tale.commits(c).done(carl);
        })
    };
    assert_eq!(behind(LockMode::IntentExclusive), "");
    insta::assert_snapshot!(behind(LockMode::IntentShared), @r"
    every wait ends once: transaction 2 waits for us/user after transaction 1, which is not in its way (event 9)
    ");
}

#[test]
fn a_circle_of_waits_is_made_of_waits() {
    let mut tale = two_sessions();
    let edge = DeadlockEdge {
        waiter: TransactionId(1),
        lane: LaneId(1),
        resource: ENTRY,
        mode: LockMode::Shared,
        priority: 0,
        log_bytes: 0,
    };
    tale.push(Event::CrossInstanceWaitClosed { cycle: vec![edge] });
    insta::assert_snapshot!(broken(&tale), @r"
    every wait ends once: transaction 1 is in a circle of waits and does not wait for an entry of us/user's index number 0 (event 32)
    ");
}
