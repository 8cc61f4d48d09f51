//! Sound tales break no promise; a tale in which one thing is wrong breaks the one that forbids
//! it, and is told with the event.

mod batches;
mod changes;
mod jobs;
mod locking;
mod reads;
mod sessions;

use crate::check::invariant::violations;
use crate::fault::FaultKind;
use crate::plan::{Isolation, Message, OutageKind, Stage};
use crate::trace::tale::{Tale, two_teams, whole};
use crate::trace::{Event, RequestBegan, RowWritten, WaitEnd, WriteKind};
use crate::words::{LockMode, PlugInId, SimInstant, TransactionId};

const X: &str = "us/user/x";
const STUB: &str = "europe/account/fabrikam";

/// The broken promises of a tale, one a line.
fn broken(tale: &Tale) -> String {
    let violations = violations(&tale.trace);
    let lines = violations.iter().map(|it| {
        let (word, event) = (it.invariant.word(), it.at.sequence);
        format!("{word}: {} (event {event})\n", it.text)
    });
    lines.collect()
}

/// The tale without the first event of this kind, and numbered anew.
fn without(mut tale: Tale, is_it: impl Fn(&Event) -> bool) -> Tale {
    let entries = &mut tale.trace.entries;
    let place = entries.iter().position(|it| is_it(&it.event)).unwrap();
    entries.remove(place);
    renumber(&mut tale);
    tale
}

fn renumber(tale: &mut Tale) {
    for (number, entry) in (0..).zip(&mut tale.trace.entries) {
        entry.sequence = number;
    }
}

/// The tale with the first event of this kind changed.
fn changed(mut tale: Tale, change: impl Fn(&mut Event) -> bool) -> Tale {
    let entries = &mut tale.trace.entries;
    assert!(entries.iter_mut().any(|it| change(&mut it.event)));
    tale
}

/// A request creates a row, with plug-ins before and after.
fn pipeline(validation: bool, operation: bool) -> Tale {
    let mut tale = Tale::usual();
    let before = tale.plug_in("before", Stage::PreValidation);
    let after = tale.plug_in("after", Stage::PostOperation);
    let app = tale.begins("app");
    let request = tale.request(app, Message::Create, X, None);
    tale.runs(app, before, validation).returns(app, before);
    let a = tale.transaction(app, 0);
    if let Event::TransactionBegan { request: of, .. } =
        &mut tale.trace.entries.last_mut().unwrap().event
    {
        *of = Some(request);
    }
    tale.lock(a, X, LockMode::Exclusive);
    tale.at(5).write(a, X, WriteKind::Insert, &[("teams", whole(1))]);
    tale.runs(app, after, operation).returns(app, after);
    tale.commits(a).end(app, None).done(app);
    tale
}

/// Two runs write one row, the second after it read a version.
fn two_writers(isolation: Isolation, version: u64) -> Tale {
    let mut tale = Tale::usual();
    tale.load(X, &[("teams", whole(3))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let a = tale.transaction(ann, 0);
    let b = tale.transaction_at(bob, 0, isolation);
    tale.reads_version(ann, X, Some(a), 1);
    if version == 1 {
        tale.reads_version(bob, X, Some(b), 1);
    }
    tale.at(10).writes(a, X, &[("teams", whole(4))]);
    if version == 2 {
        tale.reads_version(bob, X, Some(b), 2);
    }
    tale.at(20).commits(a).done(ann);
    tale.at(30).writes(b, X, &[("teams", whole(5))]);
    tale.at(40).commits(b).done(bob);
    tale
}

#[test]
fn sound_tales_break_no_promise() {
    assert_eq!(broken(&two_teams()), "");
    assert_eq!(broken(&pipeline(false, true)), "");
    assert_eq!(broken(&two_writers(Isolation::default(), 1)), "");
    assert_eq!(broken(&Tale::usual()), "");
}

#[test]
fn time_and_numbers_run_forward() {
    let mut tale = two_teams();
    tale.trace.entries[9].at = SimInstant(5_000);
    tale.trace.entries[20].sequence = 7;
    insta::assert_snapshot!(broken(&tale), @r"
    time runs forward: event 20 has the sequence number 7 (event 7)
    time runs forward: time runs back from 20 ms to 5 ms (event 9)
    ");
}

#[test]
fn lanes_and_transactions_begin_once_and_end_once() {
    let endless = without(two_teams(), |it| matches!(it, Event::LaneEnded { .. }));
    insta::assert_snapshot!(broken(&endless), @r"
    lanes begin and end once: lane 1 does not end (event 31)
    ");

    let mut twice = two_teams();
    twice.push(Event::Committed { transaction: TransactionId(0) });
    insta::assert_snapshot!(broken(&twice), @r"
    transactions begin and end once: transaction 0 ends twice (event 33)
    ");

    let open = without(two_teams(), |it| matches!(it, Event::Committed { .. }));
    insta::assert_snapshot!(broken(&open), @r"
    transactions begin and end once: transaction 0 does not end (event 31)
    ");
}

#[test]
fn no_two_hold_a_row_exclusively() {
    let mut tale = Tale::usual();
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 0));
    tale.lock(a, X, LockMode::Shared).lock(b, X, LockMode::Shared);
    tale.lock(a, X, LockMode::Exclusive);
    tale.commits(a).commits(b).done(ann).done(bob);
    insta::assert_snapshot!(broken(&tale), @r"
    no two incompatible holders: transaction 0 holds us/user/x in mode exclusive beside transaction 1 in mode shared (event 6)
    ");
}

#[test]
fn locks_end_with_their_transaction() {
    let kept = without(
        two_teams(),
        |it| matches!(it, Event::LocksReleased { transaction, .. } if transaction.0 == 0),
    );
    insta::assert_snapshot!(broken(&kept), @r"
    locks end with their transaction: transaction 0 has ended and still holds locks (event 30)
    ");

    let miscounted = changed(two_teams(), |it| match it {
        Event::LocksReleased { count, .. } => {
            *count += 1;
            true
        }
        _ => false,
    });
    insta::assert_snapshot!(broken(&miscounted), @r"
    locks end with their transaction: transaction 1 holds 1 locks and releases 2 (event 23)
    ");

    let mut late = two_teams();
    late.lock(TransactionId(0), X, LockMode::Exclusive);
    insta::assert_snapshot!(broken(&late), @r"
    transactions begin and end once: transaction 0 is granted a lock after it was committed (event 33)
    ");
}

#[test]
fn a_wait_has_a_holder_an_end_and_a_length() {
    let mut tale = Tale::usual();
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 0));
    tale.lock(a, X, LockMode::Exclusive);
    tale.waits(b, X, &[TransactionId(9)]);
    insta::assert_snapshot!(broken(&tale), @r"
    every wait ends once: transaction 1 waits for us/user/x behind transaction 9, which is not in its way (event 5)
    lanes begin and end once: lane 0 does not end (event 5)
    lanes begin and end once: lane 1 does not end (event 5)
    transactions begin and end once: transaction 0 does not end (event 5)
    transactions begin and end once: transaction 1 does not end (event 5)
    every wait ends once: transaction 1's wait for us/user/x does not end (event 5)
    ");

    let longer = changed(two_teams(), |it| match it {
        Event::WaitEnded { waited, .. } => {
            *waited *= 2;
            true
        }
        _ => false,
    });
    insta::assert_snapshot!(broken(&longer), @r"
    every wait ends once: transaction 1 waited 100ms, and the trace says 200ms (event 20)
    ");

    let ungranted = without(two_teams(), |it| {
        matches!(it, Event::LockGranted { transaction, resource, .. }
            if transaction.0 == 0 && resource == &two_teams_y())
    });
    insta::assert_snapshot!(broken(&ungranted), @r"
    no lost wake-up: transaction 0 is not woken though nothing keeps it from us/user/y any more (event 23)
    every wait ends once: transaction 0's wait for us/user/y ended as granted, and it was not granted (event 24)
    writes under exclusive locks: transaction 0 writes us/user/y without an exclusive lock on it (event 27)
    locks end with their transaction: transaction 0 holds 1 locks and releases 2 (event 30)
    ");
}

/// The lock on the row for which team north waits.
fn two_teams_y() -> crate::trace::LockResource {
    let (instance, table, row) = two_teams().key("us/user/y");
    crate::trace::LockResource::Row { instance, table, row }
}

#[test]
fn a_forgotten_wake_up_is_seen() {
    let mut tale = Tale::usual();
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 0));
    tale.lock(a, X, LockMode::Exclusive);
    tale.at(10).waits(b, X, &[a]);
    tale.at(20).commits(a).done(ann);
    tale.at(21).wait_ends(b, X, WaitEnd::Granted);
    tale.commits(b).done(bob);
    insta::assert_snapshot!(broken(&tale), @r"
    no lost wake-up: transaction 1 is not woken though nothing keeps it from us/user/x any more (event 7)
    ");
}

#[test]
fn a_write_needs_an_exclusive_lock_and_an_open_transaction() {
    let unlocked = without(two_teams(), |it| matches!(it, Event::LockGranted { .. }));
    insta::assert_snapshot!(broken(&unlocked), @r"
    writes under exclusive locks: transaction 0 writes us/user/x without an exclusive lock on it (event 5)
    every wait ends once: transaction 1 waits for us/user/x behind transaction 0, which is not in its way (event 16)
    locks end with their transaction: transaction 0 holds 1 locks and releases 2 (event 30)
    ");

    let mut tale = Tale::usual();
    let app = tale.begins("app");
    let a = tale.transaction(app, 0);
    tale.commits(a);
    tale.writes(a, X, &[]).releases(a).done(app);
    insta::assert_snapshot!(broken(&tale), @r"
    transactions begin and end once: transaction 0 is granted a lock after it was committed (event 5)
    transactions begin and end once: transaction 0 writes a row after it was committed (event 6)
    ");
}

#[test]
fn row_versions_ascend_and_replace_what_is_there() {
    let set = |before: u64, after: u64| {
        changed(two_teams(), move |it| match it {
            Event::RowWritten(RowWritten { version_before, version_after, .. }) => {
                (*version_before, *version_after) = (before, after);
                true
            }
            _ => false,
        })
    };
    insta::assert_snapshot!(broken(&set(1, 2)), @r"
    row versions ascend: us/user/x gets version 2 after version 2 was given (event 6)
    ");
    insta::assert_snapshot!(broken(&set(2, 3)), @r"
    row versions ascend: a write replaces version 2 of us/user/x, which has version 1 (event 6)
    ");
}

#[test]
fn a_rollback_restores_every_row_to_what_it_was() {
    let missing = without(two_teams(), |it| matches!(it, Event::RowRestored { .. }));
    insta::assert_snapshot!(broken(&missing), @r"
    a rollback restores every row: the rollback of transaction 1 misses us/user/y (event 21)
    row versions ascend: a write replaces version 2 of us/user/y, which has version 4 (event 27)
    ");

    let wrong = changed(two_teams(), |it| match it {
        Event::RowRestored { row_version, .. } => {
            *row_version = 0;
            true
        }
        _ => false,
    });
    insta::assert_snapshot!(broken(&wrong), @r"
    a rollback restores every row: transaction 1 restores us/user/y to version 0, and had version 2 (event 22)
    row versions ascend: a write replaces version 2 of us/user/y, which has version 0 (event 28)
    ");
}

#[test]
fn reads_see_what_was_committed_or_their_own() {
    insta::assert_snapshot!(broken(&two_writers(Isolation::default(), 2)), @r"
    reads see what their level shows: version 2 of us/user/x is read, which transaction 0 has not committed (event 13)
    ");

    let mut stale = two_writers(Isolation::default(), 1);
    let carl = stale.begins("carl");
    stale.reads_version(carl, X, None, 2).done(carl);
    insta::assert_snapshot!(broken(&stale), @r"
    reads see what their level shows: version 2 of us/user/x is read, which was out of date when the request began (event 27)
    ");

    let mut blind = Tale::usual();
    blind.load(X, &[("teams", whole(3))]);
    let app = blind.begins("app");
    let a = blind.transaction(app, 0);
    blind.writes(a, X, &[("teams", whole(4))]);
    blind.reads_version(app, X, Some(a), 1).commits(a).done(app);
    insta::assert_snapshot!(broken(&blind), @r"
    reads see what their level shows: version 1 of us/user/x is read, and not what its own transaction wrote (event 8)
    ");
}

#[test]
fn isolation_levels_keep_their_promise() {
    let lost = two_writers(Isolation::RepeatableRead, 1);
    insta::assert_snapshot!(broken(&lost), @r"
    isolation levels keep their promise: read skew (G-single) at repeatable read: bob read us/user/x at 0 ms before ann's write of it at 10 ms; bob overwrote ann's us/user/x at 30 ms (event 20)
    isolation levels keep their promise: a lost update at repeatable read: bob overwrote ann's update of us/user/x at 40 ms, from what it read at 0 ms (event 22)
    ");

    let mut aborted = Tale::usual();
    aborted.load(X, &[("teams", whole(3))]);
    let (ann, bob) = (aborted.begins("ann"), aborted.begins("bob"));
    let a = aborted.transaction(ann, 0);
    aborted.writes(a, X, &[("teams", whole(4))]);
    aborted.reads(bob, X, None).done(bob);
    aborted.rolls_back(a, FaultKind::PlugInAborted).done(ann);
    insta::assert_snapshot!(broken(&aborted), @r"
    reads see what their level shows: version 2 of us/user/x is read, which transaction 0 has not committed (event 9)
    isolation levels keep their promise: us/user/x was read as written by transaction 0, which was rolled back (G1a) (event 9)
    ");
}

#[test]
fn an_outage_begins_and_ends_on_the_dot() {
    let outage_until = |called: u64, ended: u64| {
        let mut tale = Tale::usual();
        let outage = tale.outage(1, OutageKind::Unreachable, 1_000);
        let app = tale.begins("app");
        if called <= ended {
            tale.at(called).reads_version(app, STUB, None, 0);
        }
        tale.at(ended).outage_ends(outage, 1);
        if called > ended {
            tale.at(called).refused(app, Message::Update, STUB, outage);
        }
        tale.done(app);
        without(tale, |it| matches!(it, Event::RowRead(..) | Event::RequestSent { .. }))
    };
    insta::assert_snapshot!(broken(&outage_until(1_000, 1_000)), @"");
    insta::assert_snapshot!(broken(&outage_until(999, 1_000)), @r"
    an outage silences its instance: europe begins a request during the outage, which lasts until 1000 ms (event 2)
    ");
    insta::assert_snapshot!(broken(&outage_until(0, 1_001)), @r"
    an outage silences its instance: europe begins a request during the outage, which lasts until 1000 ms (event 2)
    an outage silences its instance: the outage is not over at the promised instant (event 4)
    ");
    insta::assert_snapshot!(broken(&outage_until(1_001, 1_000)), @r"
    an outage silences its instance: the outage refuses at 1001 ms, when it is not on (event 3)
    ");
}

#[test]
fn requests_nest() {
    let endless = without(two_teams(), |it| matches!(it, Event::RequestEnded { .. }));
    insta::assert_snapshot!(broken(&endless), @r"requests nest: request 0 does not end (event 31)");

    let mut tale = Tale::usual();
    let app = tale.begins("app");
    let outer = tale.request(app, Message::Create, X, None);
    tale.request(app, Message::Update, X, None);
    let deep = changed(tale, |it| match it {
        Event::RequestBegan(RequestBegan { depth, .. }) if *depth == 2 => {
            *depth = 3;
            true
        }
        _ => false,
    });
    let mut tale = deep;
    tale.push(Event::RequestEnded { request: outer, fault: None });
    tale.done(app);
    insta::assert_snapshot!(broken(&tale), @r"
    requests nest: request 1 has a depth that is not one more than its parent's (event 2)
    requests nest: request 0 ends before one that is nested in it (event 3)
    requests nest: request 1 does not end (event 4)
    ");
}

#[test]
fn stages_ascend_and_the_transaction_begins_between_validation_and_operation() {
    insta::assert_snapshot!(broken(&pipeline(true, true)), @r"
    PreValidation is outside the transaction: plug-in before (PreValidation, depth 1) runs inside a transaction, and none is open (event 3)
    ");
    insta::assert_snapshot!(broken(&pipeline(false, false)), @r"
    PreValidation is outside the transaction: plug-in after (PostOperation, depth 1) runs outside a transaction, and one is open (event 9)
    ");

    let mut tale = pipeline(false, true);
    let began = |it: &Event| matches!(it, Event::StageBegan { .. });
    let entries = &mut tale.trace.entries;
    let first = entries.iter().position(|it| began(&it.event)).unwrap();
    let last = entries.iter().rposition(|it| began(&it.event)).unwrap();
    let stage = entries[first].event.clone();
    entries[first].event = std::mem::replace(&mut entries[last].event, stage);
    insta::assert_snapshot!(broken(&tale), @r"
    stages ascend: plug-in before runs outside its stage PreValidation or depth 1 (event 3)
    stages ascend: request 0 enters PreValidation after PostOperation (event 8)
    stages ascend: plug-in after runs outside its stage PostOperation or depth 1 (event 9)
    ");

    let early = without(pipeline(false, true), |it| {
        matches!(it, Event::PlugInEnded { plug_in: PlugInId(1), .. })
    });
    insta::assert_snapshot!(broken(&early), @r"
    requests nest: request 0 ends before its plug-in (event 12)
    ");
}
