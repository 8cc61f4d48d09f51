//! Each kind of claim, once true and once or more false, over tales that were made by hand.

use std::time::Duration;

use crate::check::verdict;
use crate::fault::FaultKind;
use crate::plan::{
    Bounds, Claim, Counted, Expectation, Happening, Message, OutageKind, Phenomenon, Plan,
    RowState, Stage,
};
use crate::trace::WriteKind;
use crate::trace::tale::{Tale, two_teams, whole};
use crate::words::{
    ActorId, ColumnId, InstanceId, Name, OutageId, PlugInId, SimInstant, TableId, Value,
};

const NORTH: ActorId = ActorId(0);
const SOUTH: ActorId = ActorId(1);
const TEAMS: ColumnId = ColumnId(0);

/// What comes of each claim: that it holds and which event says so, or what was found.
fn judged(tale: &Tale, claims: Vec<Claim>) -> String {
    let mut plan = Plan::empty("");
    for claim in claims {
        plan.expectations.push(Expectation {
            at: Default::default(),
            text: String::new(),
            claims: vec![claim],
        });
    }
    let told = verdict(&plan, &tale.trace).checks.into_iter().map(|check| {
        if check.holds {
            let by = check.decided_by.map(|it| it.sequence);
            return format!("holds, by {by:?}\n");
        }
        let findings = check.findings.into_iter().map(|it| {
            let by = it.decided_by.map(|it| it.sequence);
            let nearest = it
                .nearest
                .map_or_else(String::new, |it| format!("\n  nearest {it}"));
            let (expected, found) = (it.expected, it.found);
            format!("expected {expected}\n  found {found}\n  by {by:?}{nearest}\n")
        });
        findings.collect()
    });
    told.collect()
}

fn millis(millis: u64) -> SimInstant {
    SimInstant(millis * 1_000)
}

fn at_least<T>(value: T) -> Bounds<T> {
    Bounds {
        at_least: Some(value),
        at_most: None,
    }
}

fn at_most<T>(value: T) -> Bounds<T> {
    Bounds {
        at_least: None,
        at_most: Some(value),
    }
}

#[test]
fn an_actor_succeeds_or_does_not() {
    let succeeds = |actor, succeeds| Claim::Succeeds { actor, succeeds };
    let claims = vec![
        succeeds(NORTH, true),
        succeeds(SOUTH, false),
        succeeds(NORTH, false),
        succeeds(SOUTH, true),
        succeeds(ActorId(7), true),
    ];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(32)
    holds, by Some(27)
    expected a run of team north ends in a fault
      found team north succeeds
      by Some(32)
    expected every run of team south succeeds
      found team south ends in deadlock victim (0x80044150): so it is
      by Some(27)
    expected every run of actor 7 succeeds
      found actor 7 never begins
      by None
    ");
}

#[test]
fn an_actor_meets_a_fault_or_another_or_none() {
    let meets = |actor, fault| Claim::MeetsFault { actor, fault };
    let claims = vec![
        meets(Some(SOUTH), FaultKind::DeadlockVictim),
        meets(None, FaultKind::DeadlockVictim),
        meets(Some(NORTH), FaultKind::DeadlockVictim),
        meets(Some(SOUTH), FaultKind::SqlTimeout),
        meets(None, FaultKind::SqlTimeout),
    ];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(21)
    holds, by Some(21)
    expected team north meets the fault deadlock victim (0x80044150)
      found team north meets no such fault
      by None
      nearest team south met deadlock victim (0x80044150): so it is at 190 ms
    expected team south meets the fault sql timeout (0x80044151)
      found team south meets no such fault
      by None
      nearest team south met deadlock victim (0x80044150): so it is at 190 ms
    expected anybody meets the fault sql timeout (0x80044151)
      found nobody meets such a fault
      by None
      nearest team south met deadlock victim (0x80044150): so it is at 190 ms
    ");
}

#[test]
fn an_actor_ends_in_time_or_not() {
    let ends = |actor, within| Claim::Ends { actor, within };
    let claims = vec![
        ends(NORTH, at_most(millis(250))),
        ends(NORTH, at_most(millis(249))),
        ends(NORTH, Bounds::exactly(millis(90))),
        ends(NORTH, at_least(millis(251))),
    ];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(32)
    expected team north ends by 249 ms
      found it ends at 250 ms
      by Some(32)
    expected team north ends at 90 ms
      found it ends at 250 ms
      by Some(32)
    expected team north ends at 251 ms or later
      found it ends at 250 ms
      by Some(32)
    ");
}

#[test]
fn an_actor_waits_for_a_holder_and_a_row() {
    let mut tale = two_teams();
    let (x, y) = (tale.row("us/user/x"), tale.row("us/user/y"));
    let waits = |actor, holder, row, total, longest| Claim::Waits {
        actor,
        holder,
        row,
        total,
        longest,
    };
    let (any, ms) = (Bounds::any(), Duration::from_millis);
    let claims = vec![
        waits(Some(NORTH), Some(SOUTH), Some(y), any, false),
        waits(None, None, None, Bounds::exactly(ms(210)), false),
        waits(None, None, None, Bounds::exactly(ms(110)), true),
        waits(Some(NORTH), None, Some(x), any, false),
        waits(Some(NORTH), Some(NORTH), None, any, false),
        waits(Some(NORTH), None, None, at_most(ms(50)), false),
        waits(None, None, None, at_least(ms(200)), true),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(24)
    holds, by Some(24)
    holds, by Some(24)
    expected team north waits for us/user/x
      found there is no such wait
      by None
      nearest team north waited 110 ms for us/user/y, held by team south, from 80 ms
    expected team north waits, held by team north
      found there is no such wait
      by None
      nearest team north waited 110 ms for us/user/y, held by team south, from 80 ms
    expected team north waits, at most 50 ms in all
      found 110 ms in all, the longest: team north waited 110 ms for us/user/y, held by team south, from 80 ms
      by Some(24)
    expected somebody waits, at least 200 ms at once
      found team north waited 110 ms for us/user/y, held by team south, from 80 ms
      by Some(24)
    ");
}

/// A stub is created, rolled back once, hydrated, and deleted at last.
fn stub() -> Tale {
    let mut tale = Tale::usual();
    let text = Value::text;
    tale.load("us/account/fabrikam", &[("name", text("Fabrikam"))]);
    tale.load("us/user/x", &[("teams", whole(3))]);
    let app = tale.begins("lob app");
    let a = tale.transaction(app, 1);
    tale.at(10).writes(a, "europe/account/fabrikam", &[]);
    tale.at(20).rolls_back(a, FaultKind::PlugInAborted);
    let b = tale.transaction(app, 1);
    tale.at(30).writes(b, "europe/account/fabrikam", &[]);
    tale.at(40).commits(b).done(app);
    let flow = tale.begins("flow");
    let c = tale.transaction(flow, 1);
    let name = [("name", text("Fabrikam"))];
    tale.at(50).writes(c, "europe/account/fabrikam", &name);
    tale.at(60).commits(c).done(flow);
    let job = tale.begins("job");
    let d = tale.transaction(job, 0);
    tale.request(job, Message::Delete, "us/user/x", Some(d));
    tale.lock(d, "us/user/x", crate::words::LockMode::Exclusive);
    tale.at(70).write(d, "us/user/x", WriteKind::Delete, &[]);
    tale.end(job, None).at(80).commits(d).done(job);
    tale
}

#[test]
fn a_row_is_missing_or_unchanged_at_any_time() {
    let mut tale = stub();
    let fabrikam = tale.row("europe/account/fabrikam");
    let original = tale.row("us/account/fabrikam");
    let nobody = tale.row("europe/account/nobody");
    let user = tale.row("us/user/x");
    let name = |text: &str| RowState::Is(vec![(ColumnId(0), Value::text(text))]);
    let blank = || RowState::Is(vec![(ColumnId(0), Value::Null), (ColumnId(1), Value::Null)]);
    let row = |row: &_, by: Option<u64>, state| Claim::Row {
        row: std::clone::Clone::clone(row),
        by: by.map(millis),
        state,
    };
    let claims = vec![
        row(&fabrikam, Some(39), RowState::Missing),
        row(&fabrikam, Some(40), blank()),
        row(&fabrikam, None, name("Fabrikam")),
        row(&original, None, RowState::Unchanged),
        row(&user, None, RowState::Missing),
        row(&fabrikam, Some(40), RowState::Missing),
        row(&fabrikam, Some(15), blank()),
        row(&fabrikam, Some(45), name("Fabrikam")),
        row(&fabrikam, None, blank()),
        row(&fabrikam, None, name("Contoso")),
        row(&nobody, None, blank()),
        row(&user, None, RowState::Is(vec![(TEAMS, whole(3))])),
        row(&user, Some(75), RowState::Missing),
        row(&fabrikam, None, RowState::Unchanged),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by None
    holds, by Some(16)
    holds, by Some(25)
    holds, by Some(0)
    holds, by Some(34)
    expected europe/account/fabrikam does not exist at 40 ms
      found it exists, committed by lob app at 40 ms
      by Some(16)
      nearest it did not exist before 40 ms
    expected europe/account/fabrikam exists at 15 ms
      found it does not
      by None
      nearest it exists from 40 ms on
    expected europe/account/fabrikam has name = "Fabrikam" at 45 ms
      found name = null, committed by lob app at 40 ms
      by Some(16)
      nearest name = "Fabrikam" from 60 ms on
    expected europe/account/fabrikam has name = null
      found name = "Fabrikam", committed by flow at 60 ms
      by Some(25)
    expected europe/account/fabrikam has name = "Contoso"
      found name = "Fabrikam", committed by flow at 60 ms
      by Some(25)
    expected europe/account/nobody exists
      found it does not
      by None
      nearest europe has 1 other row of account
    expected us/user/x exists
      found it does not
      by Some(34)
      nearest it was deleted, committed by job at 80 ms
    expected us/user/x does not exist at 75 ms
      found it exists, as loaded
      by Some(1)
      nearest it was deleted at 80 ms
    expected europe/account/fabrikam is as it was loaded
      found it was updated (name = "Fabrikam"), committed by flow at 60 ms
      by Some(25)
    "#);
}

#[test]
fn an_uncommitted_value_is_the_nearest_where_it_was_rolled_back() {
    let mut tale = two_teams();
    let mut y = tale.row("us/user/y");
    let is = |row: &_, number| Claim::Row {
        row: std::clone::Clone::clone(row),
        by: Some(millis(100)),
        state: RowState::Is(vec![(TEAMS, whole(number))]),
    };
    let mut claims = vec![is(&y, 5), is(&y, 6)];
    y.instance = InstanceId(1);
    claims.push(is(&y, 5));
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(1)
    expected us/user/y has teams = 6 at 100 ms
      found teams = 5, as loaded
      by Some(1)
      nearest teams = 6 from 250 ms on
    expected europe/user/y exists at 100 ms
      found it does not
      by None
      nearest us has user/y
    ");
}

#[test]
fn the_values_of_a_column_come_in_the_order_of_creation() {
    let rows = |values: &[i64]| Claim::Rows {
        instance: InstanceId(0),
        table: TableId(0),
        column: TEAMS,
        values: values.iter().copied().map(whole).collect(),
    };
    let claims = vec![rows(&[4, 6]), rows(&[6, 4]), rows(&[4])];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(30)
    expected teams of us/user is [6, 4]
      found it is [4, 6]
      by Some(30)
      nearest the same values, in another order
    expected teams of us/user is [4]
      found it is [4, 6]
      by Some(30)
    ");
}

#[test]
fn things_are_counted() {
    let mut tale = two_teams();
    let y = tale.row("us/user/y");
    let count = |of, by: Option<u64>, is| Claim::Count {
        of,
        by: by.map(millis),
        is,
    };
    let requests = |actor, message| Counted::Requests {
        actor,
        instance: None,
        message,
        table: None,
    };
    let users = || Counted::Rows {
        instance: InstanceId(0),
        table: TableId(0),
    };
    let commits = |actor| Counted::Commits {
        actor,
        instance: None,
    };
    let rollbacks = Counted::Rollbacks {
        actor: Some(SOUTH),
        instance: Some(InstanceId(0)),
    };
    let faults = |actor, fault| Counted::Faults { actor, fault };
    let exactly = Bounds::exactly;
    let claims = vec![
        count(users(), None, exactly(2)),
        count(Counted::Deadlocks, None, exactly(1)),
        count(Counted::Deadlocks, Some(189), exactly(0)),
        count(requests(None, None), None, exactly(4)),
        count(
            requests(Some(NORTH), Some(Message::Update)),
            None,
            exactly(2),
        ),
        count(faults(None, None), None, exactly(1)),
        count(Counted::Waits { actor: None }, None, exactly(2)),
        count(commits(Some(NORTH)), None, exactly(1)),
        count(rollbacks, None, exactly(1)),
        count(Counted::Writes { row: y.clone() }, None, exactly(1)),
        count(Counted::Retries { actor: None }, None, exactly(0)),
        count(Counted::Deadlocks, None, exactly(0)),
        count(Counted::Deadlocks, Some(100), exactly(1)),
        count(requests(Some(NORTH), None), None, exactly(3)),
        count(
            requests(Some(NORTH), Some(Message::Create)),
            None,
            at_least(1),
        ),
        count(faults(Some(NORTH), None), None, at_least(1)),
        count(Counted::Waits { actor: Some(SOUTH) }, None, exactly(2)),
        count(commits(Some(SOUTH)), None, exactly(1)),
        count(Counted::Writes { row: y }, None, exactly(2)),
        count(users(), None, at_most(1)),
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

#[test]
fn a_deadlocks_victim_is_told_from_its_survivor() {
    let victim = |actor| Claim::Victim { actor };
    let claims = vec![victim(SOUTH), victim(NORTH)];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(19)
    expected team north is the victim of a deadlock
      found the victim is team south: least log
      by Some(19)
      nearest team north waited 110 ms for us/user/y, held by team south, from 80 ms
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
    tale.at(5)
        .reads(ann, "us/user/counter", inside.then_some(a));
    tale.at(6)
        .reads(bob, "us/user/counter", inside.then_some(b));
    tale.at(10)
        .writes(a, "us/user/counter", &[("teams", whole(8))]);
    tale.at(20).commits(a).done(ann);
    tale.at(30)
        .writes(b, "us/user/counter", &[("teams", whole(8))]);
    tale.at(40).commits(b).done(bob);
    tale
}

#[test]
fn a_phenomenon_happens_or_never_does() {
    let happens = |phenomenon, happens| Claim::Happens {
        phenomenon,
        happens,
    };
    let mut tale = counter(true);
    let row = tale.row("us/user/counter");
    let write = |message| Phenomenon::Write {
        message,
        row: row.clone(),
    };
    let claims = vec![
        happens(Phenomenon::LostUpdate, true),
        happens(Phenomenon::Deadlock, false),
        happens(Phenomenon::DirtyRead, false),
        happens(write(Some(Message::Update)), true),
        happens(write(Some(Message::Delete)), false),
        happens(Phenomenon::LostUpdate, false),
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
    let lost = |happens| Claim::Happens {
        phenomenon: Phenomenon::LostUpdate,
        happens,
    };
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
    let dirty = |happens| Claim::Happens {
        phenomenon: Phenomenon::DirtyRead,
        happens,
    };
    insta::assert_snapshot!(judged(&tale, vec![dirty(true), dirty(false)]), @r"
    holds, by Some(9)
    expected never: dirty read
      found us/user/x was read at 20 ms as written by ann, which was rolled back
      by Some(9)
    ");
}

#[test]
fn instances_converge_or_differ() {
    let tale = stub();
    let converged = |table, by: Option<u64>, converged| Claim::Converged {
        table,
        by: by.map(millis),
        converged,
    };
    let accounts = Some(TableId(1));
    let claims = vec![
        converged(accounts, None, true),
        converged(None, None, true),
        converged(accounts, Some(45), false),
        converged(accounts, Some(45), true),
        converged(accounts, Some(5), true),
        converged(accounts, None, false),
        converged(None, Some(75), true),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by Some(25)
    holds, by Some(34)
    holds, by Some(16)
    expected the instances hold the same rows of account at 45 ms
      found account/fabrikam has name = "Fabrikam" in us and null in europe
      by Some(16)
      nearest they hold the same from 60 ms on
    expected the instances hold the same rows of account at 5 ms
      found europe lacks account/fabrikam, which us has
      by Some(0)
      nearest they hold the same from 60 ms on
    expected the instances differ in account
      found they hold the same
      by Some(25)
    expected the instances hold the same rows of every shared table at 75 ms
      found europe lacks user/x, which us has
      by Some(1)
      nearest they hold the same from 80 ms on
    "#);
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
        Claim::Order(vec![
            written(None, &user),
            written(Some(Message::Update), &user),
        ]),
        Claim::Order(vec![
            Happening::OutageEnds(OutageId(0)),
            Happening::Ends(app),
        ]),
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
fn a_binding_is_what_the_last_run_bound() {
    let mut tale = Tale::usual();
    let app = tale.begins("app");
    tale.binds(app, "count", whole(3));
    tale.binds(app, "rows", Value::List([whole(1), whole(2)].into()));
    tale.done(app);
    let bound = |name: &str, size, value, missing| Claim::Bound {
        actor: ActorId(0),
        name: Name::from(name),
        size,
        value,
        columns: Vec::new(),
        missing,
    };
    let list = |numbers: &[i64]| Value::List(numbers.iter().copied().map(whole).collect());
    let claims = vec![
        bound("count", None, Some(Value::Decimal(3.into())), false),
        bound("rows", Some(Bounds::exactly(2)), Some(list(&[1, 2])), false),
        bound("report", None, None, true),
        bound("count", None, Some(whole(4)), false),
        bound("rows", Some(at_least(3)), Some(list(&[1])), false),
        bound("report", None, None, false),
        bound("count", None, None, true),
        Claim::Bound {
            actor: ActorId(0),
            name: Name::from("count"),
            size: None,
            value: None,
            columns: vec![(Name::from("name"), whole(1))],
            missing: false,
        },
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(1)
    holds, by Some(2)
    holds, by Some(3)
    expected count is 4
      found it is 3
      by Some(1)
    expected rows has size at least 3
      found its size is 2: [1, 2]
      by Some(2)
    expected rows is [1]
      found it is [1, 2]
      by Some(2)
    expected app binds report
      found nothing is bound to it
      by None
    expected app never binds count
      found it is 3
      by Some(1)
    expected count has name = 1
      found count is 3, no row
      by Some(1)
    ");
}

#[test]
fn a_plug_in_step_runs_inside_or_outside() {
    let mut tale = Tale::usual();
    let validation = tale.plug_in("validation", Stage::PreValidation);
    let idle = tale.plug_in("idle", Stage::PostOperation);
    let app = tale.begins("app");
    tale.request(app, Message::Create, "us/user/x", None);
    tale.at(10).runs(app, validation, false);
    let runs = |plug_in: PlugInId, inside| Claim::InTransaction { plug_in, inside };
    let count = |count| Claim::Count {
        of: Counted::PlugInRuns {
            plug_in: validation,
        },
        by: None,
        is: Bounds::exactly(count),
    };
    let claims = vec![
        runs(validation, false),
        count(1),
        runs(validation, true),
        runs(idle, true),
        count(2),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by Some(3)
    holds, by Some(3)
    expected plug-in "validation" always runs inside a transaction
      found it runs outside one at 10 ms
      by Some(3)
    expected plug-in "idle" always runs inside a transaction
      found it never runs
      by None
    expected runs of plug-in "validation": 2
      found there is 1, the last at 10 ms
      by Some(3)
    "#);
}

#[test]
fn an_outage_hits_those_who_call() {
    let mut tale = Tale::usual();
    let outage = tale.outage(1, OutageKind::Unreachable, 1_000);
    let flow = tale.begins("flow");
    tale.at(10)
        .refused(flow, Message::Upsert, "europe/account/fabrikam", outage)
        .retries(flow, FaultKind::Unreachable, 1);
    tale.at(1_000).outage_ends(outage, 1);
    tale.at(1_010).done(flow);
    let count = |of, count| Claim::Count {
        of,
        by: None,
        is: Bounds::exactly(count),
    };
    let faults = || Counted::Faults {
        actor: None,
        fault: Some(FaultKind::Unreachable),
    };
    let retries = || Counted::Retries { actor: None };
    let order = vec![Happening::OutageEnds(outage), Happening::Ends(ActorId(0))];
    let claims = vec![
        count(Counted::OutageHits { outage }, 1),
        count(faults(), 1),
        count(retries(), 1),
        Claim::Order(order),
        count(Counted::OutageHits { outage }, 2),
        count(retries(), 0),
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
