//! Stories of deadlocks, with what would have avoided them, and of other things that locks do.

use crate::check::History;
use crate::report::story::advice::advice;
use crate::trace::tale::{Tale, two_teams};
use crate::trace::{DeadlockEdge, Event, LockResource, WaitEnd};
use crate::words::{InstanceId, LaneId, LockMode, TableId, TransactionId};

/// A circle of named runs: who waits for what, in which mode, and whether the next one holds it or
/// is ahead in the queue.
fn avoided(waits: &[(&str, LockResource, LockMode, bool)]) -> String {
    let mut tale = Tale::usual();
    tale.trace.header.tables[0].indexes.push("by teams".into());
    for name in ["one", "two", "three", "four", "five"] {
        tale.key(&format!("us/user/{name}"));
    }
    let runs: Vec<_> = waits
        .iter()
        .map(|(name, ..)| {
            let lane = tale.begins(name);
            (lane, tale.transaction(lane, 0))
        })
        .collect();
    let mut cycle = Vec::new();
    for (place, (_, resource, mode, held)) in waits.iter().enumerate() {
        let ((lane, waiter), (_, next)) = (runs[place], runs[(place + 1) % runs.len()]);
        let (holders, ahead) = if *held { ([next].to_vec(), vec![]) } else { (vec![], vec![next]) };
        tale.queues(waiter, *resource, *mode, &holders, &ahead);
        let (resource, mode) = (*resource, *mode);
        cycle.push(DeadlockEdge { waiter, lane, resource, mode, priority: 0, log_bytes: 0 });
    }
    tale.push(Event::DeadlockClosed { instance: InstanceId(0), cycle: cycle.clone() });
    let closed = crate::check::Moment::of(tale.trace.entries.last().unwrap());
    advice(&History::of(&tale.trace), closed, &cycle).unwrap_or_default()
}

fn row(name: &str) -> LockResource {
    Tale::usual().resource(&format!("us/user/{name}"))
}

const fn entry(hash: u64) -> LockResource {
    LockResource::Key { instance: InstanceId(0), table: TableId(0), index: 0, hash }
}

const X: LockMode = LockMode::Exclusive;
const S: LockMode = LockMode::Shared;

#[test]
fn one_order_of_what_all_take_avoids_a_deadlock() {
    insta::assert_snapshot!(
        avoided(&[("ann", row("two"), X, true), ("bob", row("one"), X, true)]),
        @r"
    Had all taken us/user/one before us/user/two, one would have waited for the other.
    "
    );
    insta::assert_snapshot!(
        avoided(&[
            ("ann", row("one"), X, true),
            ("bob", row("two"), X, true),
            ("carl", row("three"), X, true),
        ]),
        @r"
    Had all taken us/user/one, then us/user/three, then us/user/two, in this order, they would have waited in a row and not in a circle.
    "
    );
    let five = ["one", "two", "three", "four", "five"];
    let five = five.map(|it| (it, row(it), X, true));
    insta::assert_snapshot!(avoided(&five), @r"
    Had all taken us/user/five, then us/user/four, then us/user/one, then us/user/three, and so on in one order, they would have waited in a row and not in a circle.
    ");
    insta::assert_snapshot!(
        avoided(&[("ann", entry(1), X, true), ("bob", entry(2), X, true)]),
        @r"
    Had all taken what they share of us/user in one order, one would have waited for the other.
    "
    );
}

#[test]
fn two_that_want_more_of_what_both_hold_should_have_asked_for_it_at_once() {
    insta::assert_snapshot!(
        avoided(&[("ann", row("one"), X, true), ("bob", row("one"), X, true)]),
        @r"
    Had each taken an update lock on us/user/one at its first look, the second would have waited there and held nothing.
    "
    );
    let table = LockResource::Table { instance: InstanceId(0), table: TableId(0) };
    insta::assert_snapshot!(avoided(&[("ann", table, X, true), ("bob", table, X, true)]), @r"
    Had each taken its strongest lock on us/user first, the second would have waited there and held nothing.
    ");
}

#[test]
fn who_comes_from_an_index_meets_who_comes_from_the_row() {
    insta::assert_snapshot!(
        avoided(&[("ann", row("one"), S, true), ("bob", entry(1), X, true)]),
        @r"
    ann comes from the index by teams to the row, bob from the row to the index: an index with all columns that ann asks for, or a read of versions, would have avoided it.
    "
    );
    // Two writers: the order of what they write is theirs to choose.
    insta::assert_snapshot!(
        avoided(&[("ann", row("one"), X, true), ("bob", entry(1), X, true)]),
        @r"
    Had all taken an entry of us/user's index by teams before us/user/one, one would have waited for the other.
    "
    );
}

#[test]
fn who_only_came_first_holds_nothing() {
    insta::assert_snapshot!(
        avoided(&[
            ("d2", row("one"), S, false),
            ("e1", row("one"), X, true),
            ("d1", row("two"), S, false),
            ("e2", row("two"), X, true),
        ]),
        @r"
    e1 and e2 hold nothing of it and only came first. Had d1 and d2 taken us/user/one before us/user/two, one would have waited for the other.
    "
    );
}

#[test]
fn who_waits_for_a_transaction_waits_for_a_row_that_is_not_named() {
    let of = |transaction| LockResource::Transaction {
        instance: InstanceId(0),
        transaction: TransactionId(transaction),
    };
    insta::assert_snapshot!(avoided(&[("ann", of(1), S, true), ("bob", of(0), S, true)]), @r"
    Had all written the rows that they share in one order, one would have waited for the other.
    ");
}

/// What the normal story says of these events, after those of `two_teams`.
fn told_after(events: Vec<Event>) -> String {
    let mut tale = two_teams();
    for event in events {
        tale.at(300).push(event);
    }
    let verdict = crate::check::verdict(&crate::plan::Plan::empty(""), &tale.trace);
    let story = super::told(&tale, &verdict, 100);
    story
        .lines()
        .skip_while(|it| !it.contains("✓ done"))
        .skip(1)
        .take_while(|it| !it.is_empty())
        .map(|it| format!("{it}\n"))
        .collect()
}

#[test]
fn locks_that_give_way_to_one_are_counted() {
    let escalated = |released| Event::LocksEscalated {
        transaction: TransactionId(0),
        instance: InstanceId(0),
        table: TableId(1),
        mode: X,
        released,
    };
    insta::assert_snapshot!(told_after(vec![escalated(5_000), escalated(1)]), @r"
    300 ms              5,000 row locks give way to one on us/account (exclusive)
    300 ms              1 row lock gives way to one on us/account (exclusive)
    ");
}

#[test]
fn waits_that_go_round_over_instances_are_told_with_where() {
    let edge = |transaction: u32, place: &str| DeadlockEdge {
        waiter: TransactionId(transaction),
        lane: LaneId(transaction),
        resource: Tale::usual().resource(place),
        mode: X,
        priority: 0,
        log_bytes: 0,
    };
    let cycle = vec![edge(0, "us/user/x"), edge(1, "europe/user/x")];
    insta::assert_snapshot!(told_after(vec![Event::CrossInstanceWaitClosed { cycle }]), @r"
    300 ms  europe and us  ✗ waits go round: team north waits for team south in us, team south waits for
                             team north in europe; no deadlock monitor sees it, so that only a time-out
                             can end it
    ");
}

#[test]
fn who_waits_for_a_transaction_waits_for_its_end() {
    let resource =
        LockResource::Transaction { instance: InstanceId(0), transaction: TransactionId(1) };
    let (transaction, mode) = (TransactionId(0), S);
    let holders = vec![TransactionId(1)];
    let waited = std::time::Duration::ZERO;
    let end = WaitEnd::Granted;
    insta::assert_snapshot!(told_after(vec![
        Event::LockQueued { transaction, resource, mode, holders, ahead: vec![] },
        Event::WaitEnded { transaction, resource, end, waited },
    ]), @r"
    300 ms              ▒ waits for team south to end
    300 ms              goes on after 0 µs: team south has ended
    ");
}

#[test]
fn locks_on_tables_and_entries_are_told_in_full_detail_only() {
    let (transaction, resource) = (TransactionId(0), entry(1));
    let table = LockResource::Table { instance: InstanceId(0), table: TableId(0) };
    let told = told_after(vec![
        Event::LockGranted { transaction, resource: table, mode: LockMode::IntentExclusive },
        Event::LockGranted { transaction, resource, mode: X },
        Event::LockWeakened { transaction, resource, mode: S },
        Event::LockReleased { transaction, resource },
    ]);
    assert_eq!(told, "");
}
