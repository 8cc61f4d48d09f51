//! Claims about what only locking reads, escalation and scans show.

use crate::check::claim::tests::{NORTH, judged};
use crate::plan::{Bounds, Claim, Counted, Phenomenon, StatementKind};
use crate::trace::tale::{Tale, two_sessions, whole};
use crate::trace::{AccessPath, DeadlockEdge, Disturbance, Event};
use crate::words::{InstanceId, LockMode, TableId};

fn count(of: Counted, is: u64) -> Claim {
    Claim::Count { of, by: None, is: Bounds::exactly(is) }
}

fn happens(phenomenon: Phenomenon, happens: bool) -> Claim {
    Claim::Happens { phenomenon, happens }
}

#[test]
fn rows_that_were_examined_are_added_up() {
    let users = Some((InstanceId(0), TableId(0)));
    let accounts = Some((InstanceId(0), TableId(1)));
    let examined = |actor, table| Counted::RowsExamined { actor, table };
    let claims = vec![
        count(examined(None, None), 2),
        count(examined(None, users), 2),
        count(examined(None, accounts), 0),
        count(examined(None, None), 1),
        count(examined(Some(NORTH), users), 2),
    ];
    insta::assert_snapshot!(judged(&two_sessions(), claims), @r"
    holds, by Some(23)
    holds, by Some(23)
    holds, by None
    expected rows examined: 1
      found there are 2, one too many at 9 ms
      by Some(23)
    expected rows examined of us/user by t1: 2
      found there are none
      by None
      nearest rows examined: 2
    ");
}

#[test]
fn locks_give_way_to_one_on_their_table() {
    let mut tale = Tale::usual();
    let ann = tale.begins("ann");
    let a = tale.transaction(ann, 0);
    for name in ["x", "y", "z"] {
        tale.lock(a, &format!("us/user/{name}"), LockMode::Exclusive);
    }
    tale.at(5).escalates(a, "us/user", LockMode::Exclusive);
    tale.commits(a).done(ann);
    let claims = vec![
        count(Counted::Escalations { actor: Some(NORTH) }, 1),
        happens(Phenomenon::Escalation, true),
        happens(Phenomenon::Escalation, false),
        count(Counted::Escalations { actor: None }, 2),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(6)
    holds, by Some(6)
    expected never: escalation
      found 3 locks of ann gave way to one on us/user at 5 ms
      by Some(6)
    expected escalations: 2
      found there is 1, the last at 5 ms
      by Some(6)
    ");
}

#[test]
fn a_scan_misses_a_row_or_meets_it_twice() {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(1))]);
    let t1 = tale.session("t1");
    tale.step(t1, "read");
    let a = tale.transaction(t1, 0);
    let request = tale.statement(t1, StatementKind::Select, "us/user", a);
    let (instance, table, row) = tale.key("us/user/x");
    let how = Disturbance::Doubled;
    tale.at(3).push(Event::ScanDisturbed { request, instance, table, row, how });
    let found = (tale.level(Some(a)), AccessPath::Scan);
    tale.has_searched(t1, "us/user", None, found, (2, 2)).statement_ends(t1, None);
    let claims = vec![
        happens(Phenomenon::DoubledRow, true),
        happens(Phenomenon::DoubledRow, false),
        happens(Phenomenon::MissedRow, true),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(5)
    expected never: doubled row
      found t1 met us/user/x a second time at 3 ms: it had moved
      by Some(5)
    expected at least one missed row
      found there is none
      by None
      nearest t1 met us/user/x a second time at 3 ms: it had moved
    ");
}

#[test]
fn waits_go_round_over_instances() {
    let mut tale = Tale::usual();
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 1));
    let cycle = [(a, ann, "us/user/x"), (b, bob, "europe/user/x")].map(|(waiter, lane, place)| {
        let resource = tale.resource(place);
        let mode = LockMode::Exclusive;
        DeadlockEdge { waiter, lane, resource, mode, priority: 0, log_bytes: 0 }
    });
    tale.at(7).push(Event::CrossInstanceWaitClosed { cycle: cycle.to_vec() });
    let claims = vec![
        count(Counted::CrossInstanceWaits, 1),
        happens(Phenomenon::CrossInstanceWait, true),
        happens(Phenomenon::CrossInstanceWait, false),
        count(Counted::CrossInstanceWaits, 0),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(4)
    holds, by Some(4)
    expected never: cross-instance wait
      found ann, bob wait for one another at 7 ms
      by Some(4)
    expected cross-instance waits: 0
      found there is 1, one too many at 7 ms
      by Some(4)
    ");
}
