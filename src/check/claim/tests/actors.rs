//! Claims about actors: success, faults, ends, waits, bindings, plug-ins.

use std::time::Duration;

use crate::check::claim::tests::{NORTH, SOUTH, at_least, at_most, judged, millis};
use crate::fault::FaultKind;
use crate::plan::{Bounds, Claim, Counted, Message, Stage};
use crate::trace::tale::{Tale, as_read, two_teams, whole};
use crate::words::{ActorId, Delta, Name, PlugInId, Value};

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
    let waits =
        |actor, holder, row, total, longest| Claim::Waits { actor, holder, row, total, longest };
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
        of: Counted::PlugInRuns { plug_in: validation },
        by: None,
        is: Bounds::exactly(count),
    };
    let claims =
        vec![runs(validation, false), count(1), runs(validation, true), runs(idle, true), count(2)];
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
fn an_answer_of_changes_says_what_is_there_and_what_is_gone() {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(3))]);
    let app = tale.begins("app");
    let there = as_read(&mut tale, "us/user/x");
    let gone = tale.key("us/user/y");
    let delta = Delta {
        table: gone.1,
        rows: [there].into(),
        deleted: [Value::Id(gone.2)].into(),
        token: None,
        next: None,
    };
    tale.binds(app, "delta", Value::Delta(delta.into())).binds(app, "count", whole(1)).done(app);
    let deleted = |name: &str, rows: &[&str]| Claim::Deletions {
        actor: ActorId(0),
        name: Name::from(name),
        rows: rows.iter().copied().map(Name::from).collect(),
    };
    let rows = |names: &[&str], columns| Claim::Bound {
        actor: ActorId(0),
        name: Name::from("delta"),
        size: Some(Bounds::exactly(names.len() as u64)),
        value: Some(Value::List(names.iter().copied().map(Value::text).collect())),
        columns,
        missing: false,
    };
    let teams = |number| vec![(Name::from("teams"), whole(number))];
    let claims = vec![
        deleted("delta", &["y"]),
        rows(&["x"], teams(3)),
        deleted("delta", &[]),
        deleted("delta", &["x"]),
        deleted("count", &["y"]),
        rows(&["x", "y"], teams(4)),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by Some(2)
    holds, by Some(2)
    expected delta has the deletions []
      found it has [y]
      by Some(2)
    expected delta has the deletions ["x"]
      found it has [y]
      by Some(2)
    expected count has the deletions ["y"]
      found count is no answer of changes
      by Some(3)
    expected delta has size 2
      found its size is 1: {rows: [x {teams: 3}], deleted: [y], more pages}
      by Some(2)
    expected delta is ["x", "y"]
      found it is {rows: [x {teams: 3}], deleted: [y], more pages}
      by Some(2)
    expected delta has teams = 4
      found teams is 3
      by Some(2)
    "#);
}
