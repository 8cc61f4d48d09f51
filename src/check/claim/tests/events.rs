//! Claims about what happens, how often, and in which order.

use crate::check::claim::tests::{NORTH, SOUTH, at_least, at_most, judged, millis, stub};
use crate::fault::FaultKind;
use crate::plan::{Anomaly, Bounds, Claim, Counted, Happening, Message, OutageKind, Phenomenon};
use crate::trace::tale::{Tale, two_teams, whole};
use crate::words::{ActorId, InstanceId, OutageId, TableId};

/// So many of these, by the end of that millisecond or of the run.
fn count(of: Counted, by: Option<u64>, is: Bounds<u64>) -> Claim {
    let by = by.map(millis);
    Claim::Count { of, by, is }
}

fn requests(actor: Option<ActorId>, message: Option<Message>) -> Counted {
    Counted::Requests { actor, instance: None, message, table: None }
}

fn commits(actor: ActorId) -> Counted {
    Counted::Commits { actor: Some(actor), instance: None }
}

fn users() -> Counted {
    Counted::Rows { instance: InstanceId(0), table: TableId(0) }
}

#[test]
fn things_are_counted() {
    let mut tale = two_teams();
    let row = tale.row("us/user/y");
    let rollbacks = Counted::Rollbacks { actor: Some(SOUTH), instance: Some(InstanceId(0)) };
    let any_fault = Counted::Faults { actor: None, fault: None };
    let updates = requests(Some(NORTH), Some(Message::Update));
    let exactly = Bounds::exactly;
    let claims = vec![
        count(users(), None, exactly(2)),
        count(Counted::Deadlocks, None, exactly(1)),
        count(Counted::Deadlocks, Some(189), exactly(0)),
        count(requests(None, None), None, exactly(4)),
        count(updates, None, exactly(2)),
        count(any_fault, None, exactly(1)),
        count(Counted::Waits { actor: None }, None, exactly(2)),
        count(commits(NORTH), None, exactly(1)),
        count(rollbacks, None, exactly(1)),
        count(Counted::Writes { row }, None, exactly(1)),
        count(Counted::Retries { actor: None }, None, exactly(0)),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(1)
    holds, by Some(19)
    holds, by None
    holds, by Some(16)
    holds, by Some(14)
    holds, by Some(21)
    holds, by Some(17)
    holds, by Some(30)
    holds, by Some(21)
    holds, by Some(30)
    holds, by None
    ");
}

#[test]
fn a_wrong_count_tells_the_one_too_many_or_the_last() {
    let mut tale = two_teams();
    let row = tale.row("us/user/y");
    let (north, south) = (Some(NORTH), Some(SOUTH));
    let faults = Counted::Faults { actor: north, fault: None };
    let creates = requests(north, Some(Message::Create));
    let exactly = Bounds::exactly;
    let claims = vec![
        count(Counted::Deadlocks, None, exactly(0)),
        count(Counted::Deadlocks, Some(100), exactly(1)),
        count(requests(north, None), None, exactly(3)),
        count(creates, None, at_least(1)),
        count(faults, None, at_least(1)),
        count(Counted::Waits { actor: south }, None, exactly(2)),
        count(commits(SOUTH), None, exactly(1)),
        count(Counted::Writes { row }, None, exactly(2)),
        count(users(), None, at_most(1)),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    expected deadlocks: 0
      found there is 1, one too many at 190 ms
      by Some(19)
    expected deadlocks by 100 ms: 1
      found there are none
      by None
      nearest 1 by 190 ms
    expected requests of team north: 3
      found there are 2, the last at 80 ms
      by Some(14)
      nearest requests: 4
    expected Create requests of team north: at least 1
      found there are none
      by None
    expected faults of team north: at least 1
      found there are none
      by None
    expected waits of team south: 2
      found there is 1, the last at 90 ms
      by Some(17)
      nearest waits: 2
    expected commits of team south: 1
      found there are none
      by None
      nearest commits: 1
    expected committed writes of us/user/y: 2
      found there is 1, the last at 250 ms
      by Some(30)
    expected rows of us/user: at most 1
      found there are 2, one too many at 0 ms
      by Some(1)
    ");
}

/// Two callers read a counter and write what they computed, in transactions or not.
fn counter(inside: bool) -> Tale {
    let mut tale = Tale::usual();
    tale.load("us/user/counter", &[("teams", whole(7))]);
    let ann = tale.begins("ann");
    let bob = tale.begins("bob");
    let a = tale.transaction(ann, 0);
    let b = tale.transaction(bob, 0);
    tale.at(5).reads(ann, "us/user/counter", inside.then_some(a));
    tale.at(6).reads(bob, "us/user/counter", inside.then_some(b));
    tale.at(10).writes(a, "us/user/counter", &[("teams", whole(8))]);
    tale.at(20).commits(a).done(ann);
    tale.at(30).writes(b, "us/user/counter", &[("teams", whole(8))]);
    tale.at(40).commits(b).done(bob);
    tale
}

#[test]
fn a_phenomenon_happens_or_never_does() {
    let happens = |phenomenon, happens| Claim::Happens { phenomenon, happens };
    let mut tale = counter(true);
    let row = tale.row("us/user/counter");
    let write = |message| Phenomenon::Write { message, row: row.clone() };
    let claims = vec![
        happens(Phenomenon::Anomaly(Anomaly::LostUpdate), true),
        happens(Phenomenon::Deadlock, false),
        happens(Phenomenon::Anomaly(Anomaly::DirtyRead), false),
        happens(write(Some(Message::Update)), true),
        happens(write(Some(Message::Delete)), false),
        happens(Phenomenon::Anomaly(Anomaly::LostUpdate), false),
        happens(Phenomenon::Deadlock, true),
        happens(Phenomenon::Fault(None), true),
        happens(Phenomenon::Wait, true),
        happens(write(Some(Message::Create)), true),
        happens(write(None), false),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(22)
    holds, by None
    holds, by None
    holds, by Some(15)
    holds, by None
    expected never: lost update
      found bob overwrote ann's update of us/user/counter at 40 ms, from what it read at 6 ms
      by Some(22)
    expected at least one deadlock
      found there is none
      by None
    expected at least one fault
      found there is none
      by None
    expected at least one wait
      found there is none
      by None
    expected at least one committed Create of us/user/counter
      found there is none
      by None
      nearest it was updated (teams = 8), committed by bob at 40 ms
    expected never: committed write of us/user/counter
      found it was updated (teams = 8), committed by ann at 20 ms
      by Some(15)
    ");
}

#[test]
fn a_phenomenon_that_should_never_happen_is_told() {
    let happens = |phenomenon, happens| Claim::Happens { phenomenon, happens };
    let claims = vec![
        happens(Phenomenon::Deadlock, false),
        happens(Phenomenon::Wait, false),
        happens(Phenomenon::Fault(Some(FaultKind::DeadlockVictim)), false),
        happens(Phenomenon::Fault(Some(FaultKind::SqlTimeout)), true),
    ];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    expected never: deadlock
      found a deadlock at 190 ms, its victim team south
      by Some(19)
    expected never: wait
      found team north waited 110 ms for us/user/y, held by team south, from 80 ms
      by Some(15)
    expected never: fault deadlock victim
      found team south met deadlock victim (0x80044150): so it is at 190 ms
      by Some(21)
    expected at least one fault sql timeout
      found there is none
      by None
      nearest team south met deadlock victim (0x80044150): so it is at 190 ms
    ");
}

#[test]
fn an_update_is_lost_outside_a_transaction_too_but_not_after_a_second_look() {
    let lost =
        |happens| Claim::Happens { phenomenon: Phenomenon::Anomaly(Anomaly::LostUpdate), happens };
    insta::assert_snapshot!(judged(&counter(false), vec![lost(false)]), @r"
    expected never: lost update
      found bob overwrote ann's update of us/user/counter at 40 ms, from what it read at 6 ms
      by Some(22)
    ");

    let mut tale = Tale::usual();
    tale.load("us/user/counter", &[("teams", whole(7))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    tale.reads(bob, "us/user/counter", None);
    let a = tale.transaction(ann, 0);
    tale.writes(a, "us/user/counter", &[("teams", whole(8))]);
    tale.commits(a);
    tale.reads(bob, "us/user/counter", None);
    let b = tale.transaction(bob, 0);
    tale.writes(b, "us/user/counter", &[("teams", whole(9))]);
    tale.commits(b);
    insta::assert_snapshot!(judged(&tale, vec![lost(false)]), @r"holds, by None");
}

#[test]
fn a_read_of_what_is_rolled_back_is_dirty() {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(7))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let a = tale.transaction(ann, 0);
    tale.at(10).writes(a, "us/user/x", &[("teams", whole(8))]);
    tale.at(20).reads(bob, "us/user/x", None);
    tale.at(30).rolls_back(a, FaultKind::PlugInAborted);
    let dirty =
        |happens| Claim::Happens { phenomenon: Phenomenon::Anomaly(Anomaly::DirtyRead), happens };
    insta::assert_snapshot!(judged(&tale, vec![dirty(true), dirty(false)]), @r"
    holds, by Some(9)
    expected never: dirty read
      found us/user/x was read at 20 ms as written by ann, which was rolled back
      by Some(9)
    ");
}

#[test]
fn what_is_written_again_was_read_too_early() {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(7))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let a = tale.transaction(ann, 0);
    tale.at(10).writes(a, "us/user/x", &[("teams", whole(8))]);
    tale.at(20).reads(bob, "us/user/x", None);
    tale.at(30).writes(a, "us/user/x", &[("teams", whole(9))]).at(40).commits(a);
    let never =
        |anomaly| Claim::Happens { phenomenon: Phenomenon::Anomaly(anomaly), happens: false };
    let claims = [Anomaly::IntermediateRead, Anomaly::AbortedRead, Anomaly::ReadSkew].map(never);
    insta::assert_snapshot!(judged(&tale, claims.to_vec()), @r"
    expected never: intermediate read
      found us/user/x was read at 20 ms as written by ann, which wrote it again
      by Some(9)
    holds, by None
    holds, by None
    ");
}

#[test]
fn a_circle_is_told_by_who_read_what_before_whom() {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(7))]);
    tale.load("us/user/y", &[("teams", whole(7))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let (a, b) = (tale.transaction(ann, 0), tale.transaction(bob, 0));
    tale.at(10).reads(ann, "us/user/x", Some(a));
    tale.at(20).reads(bob, "us/user/y", Some(b));
    tale.at(30).writes(a, "us/user/y", &[("teams", whole(8))]).at(40).commits(a);
    tale.at(50).writes(b, "us/user/x", &[("teams", whole(8))]).at(60).commits(b);
    let skew =
        |anomaly, happens| Claim::Happens { phenomenon: Phenomenon::Anomaly(anomaly), happens };
    let claims = vec![
        skew(Anomaly::WriteSkew, true),
        skew(Anomaly::WriteSkew, false),
        skew(Anomaly::Phantom, true),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(20)
    expected never: write skew
      found ann read us/user/x at 10 ms before bob's write of it at 50 ms; bob read us/user/y at 20 ms before ann's write of it at 30 ms
      by Some(20)
    expected at least one phantom
      found there is none
      by None
    ");
}

#[test]
fn things_happen_in_order() {
    let mut tale = stub();
    let copy = tale.row("europe/account/fabrikam");
    let user = tale.row("us/user/x");
    let [app, flow] = [ActorId(0), ActorId(1)];
    let written = |message, row: &_| Happening::Written(message, std::clone::Clone::clone(row));
    let claims = vec![
        Claim::Order(vec![
            Happening::Begins(app),
            written(Some(Message::Create), &copy),
            Happening::Ends(app),
            written(Some(Message::Update), &copy),
            Happening::Ends(flow),
            written(Some(Message::Delete), &user),
        ]),
        Claim::Order(vec![Happening::Ends(flow), Happening::Ends(app)]),
        Claim::Order(vec![written(None, &user), written(Some(Message::Update), &user)]),
        Claim::Order(vec![Happening::OutageEnds(OutageId(0)), Happening::Ends(app)]),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(34)
    expected lob app ends after flow ends (at 60 ms)
      found it does not happen after that
      by Some(27)
      nearest it happens before that, at 40 ms
    expected us/user/x is updated after us/user/x is written (at 80 ms)
      found it never happens
      by Some(34)
    expected outage 0 ends after the beginning
      found it never happens
      by None
    ");
}

#[test]
fn an_outage_hits_those_who_call() {
    let mut tale = Tale::usual();
    let outage = tale.outage(1, OutageKind::Unreachable, 1_000);
    let flow = tale.begins("flow");
    tale.at(10).refused(flow, Message::Upsert, "europe/account/fabrikam", outage).retries(
        flow,
        FaultKind::Unreachable,
        1,
    );
    tale.at(1_000).outage_ends(outage, 1);
    tale.at(1_010).done(flow);
    let exactly = |of, number| count(of, None, Bounds::exactly(number));
    let faults = || Counted::Faults { actor: None, fault: Some(FaultKind::Unreachable) };
    let retries = || Counted::Retries { actor: None };
    let order = vec![Happening::OutageEnds(outage), Happening::Ends(ActorId(0))];
    let claims = vec![
        exactly(Counted::OutageHits { outage }, 1),
        exactly(faults(), 1),
        exactly(retries(), 1),
        Claim::Order(order),
        exactly(Counted::OutageHits { outage }, 2),
        exactly(retries(), 0),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(3)
    holds, by Some(3)
    holds, by Some(4)
    holds, by Some(6)
    expected messages stopped by the outage: 2
      found there is 1, the last at 10 ms
      by Some(3)
    expected retries: 0
      found there is 1, one too many at 10 ms
      by Some(4)
    ");
}

#[test]
fn an_update_that_computes_from_the_rows_own_columns_loses_nothing() {
    let mut tale = Tale::usual();
    tale.load("us/user/counter", &[("teams", whole(7))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    tale.reads(ann, "us/user/counter", None);
    tale.reads(bob, "us/user/counter", None);
    for (lane, number) in [(ann, 8), (bob, 9)] {
        let transaction = tale.transaction(lane, 0);
        tale.adds(transaction, "us/user/counter", &[("teams", whole(number))]);
        tale.commits(transaction).done(lane);
    }
    let lost =
        Claim::Happens { phenomenon: Phenomenon::Anomaly(Anomaly::LostUpdate), happens: false };
    insta::assert_snapshot!(judged(&tale, vec![lost]), @"holds, by None");
}
