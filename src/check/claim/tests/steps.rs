//! Claims about the steps of sessions, over `two_sessions`: what t2.read waits for, t1.commit
//! frees.

use crate::check::claim::tests::judged;
use crate::fault::FaultKind;
use crate::plan::{Bounds, Claim, StepClaim, StepRef};
use crate::trace::tale::{two_sessions, whole};
use crate::words::{ActorId, Name, Value};

const WRITE: StepRef = StepRef { actor: ActorId(0), step: 0 };
const COMMIT: StepRef = StepRef { actor: ActorId(0), step: 1 };
const READ: StepRef = StepRef { actor: ActorId(1), step: 0 };
const LAST: StepRef = StepRef { actor: ActorId(1), step: 1 };
const NEVER: StepRef = StepRef { actor: ActorId(1), step: 7 };

fn steps(claims: Vec<(StepRef, StepClaim)>) -> String {
    let claims = claims.into_iter().map(|(step, claim)| Claim::Step { step, claim });
    judged(&two_sessions(), claims.collect())
}

#[test]
fn a_step_blocks_or_does_not() {
    let blocks = |step, blocks| (step, StepClaim::Blocks(blocks));
    insta::assert_snapshot!(steps(vec![
        blocks(READ, true),
        blocks(WRITE, false),
        blocks(READ, false),
        blocks(WRITE, true),
        blocks(NEVER, false),
    ]), @r"
    holds, by Some(14)
    holds, by Some(10)
    expected t2.read waits for no lock
      found it waits 3 ms for us/user/one, held by t1, from 6 ms to 9 ms, freed by t1.commit
      by Some(14)
    expected t1.write waits for a lock
      found it does not wait
      by Some(10)
      nearest t2.read waits 3 ms for us/user/one, held by t1, from 6 ms to 9 ms, freed by t1.commit
    expected step 8 of t2 waits for no lock
      found step 8 of t2 never begins
      by None
    ");
}

#[test]
fn what_a_step_waits_for_is_freed_by_another() {
    insta::assert_snapshot!(steps(vec![
        (READ, StepClaim::BlocksUntil(COMMIT)),
        (COMMIT, StepClaim::Unblocks(READ)),
        (READ, StepClaim::BlocksUntil(WRITE)),
        (COMMIT, StepClaim::Unblocks(LAST)),
    ]), @r"
    holds, by Some(18)
    holds, by Some(18)
    expected t2.read waits until t1.write frees what it waits for
      found t2.read waits 3 ms for us/user/one, held by t1, from 6 ms to 9 ms, freed by t1.commit
      by Some(18)
    expected t1.commit frees what t2.commit waits for
      found t2.commit does not wait
      by Some(29)
      nearest t1.commit frees t2.read
    ");
}

#[test]
fn a_step_ends_in_a_fault_or_in_none() {
    insta::assert_snapshot!(steps(vec![
        (READ, StepClaim::Fault(None)),
        (READ, StepClaim::Fault(Some(FaultKind::LockTimeout))),
    ]), @r"
    holds, by Some(25)
    expected t2.read ends in lock timeout (0x80044150)
      found it ends without a fault
      by Some(25)
    ");
    let mut tale = two_sessions();
    let t1 = crate::words::LaneId(0);
    tale.step(t1, "again").step_fails(t1, FaultKind::NoTransaction);
    let again = |kind| Claim::Step {
        step: StepRef { actor: ActorId(0), step: 2 },
        claim: StepClaim::Fault(kind),
    };
    let claims = vec![again(Some(FaultKind::NoTransaction)), again(None)];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(33)
    expected t1.again ends without a fault
      found it ends in no transaction (0x80044150): so it is
      by Some(33)
    ");
}

#[test]
fn a_step_ends_with_another_and_before_the_next() {
    insta::assert_snapshot!(steps(vec![
        (WRITE, StepClaim::When(WRITE)),
        (READ, StepClaim::When(COMMIT)),
        (READ, StepClaim::When(READ)),
        (READ, StepClaim::When(LAST)),
    ]), @r"
    holds, by Some(10)
    holds, by Some(25)
    expected t2.read ends with t2.read
      found it ends at 11 ms, with t1.commit
      by Some(25)
      nearest t2.read begins at 6 ms
    expected t2.read ends with t2.commit
      found it ends at 11 ms, with t1.commit
      by Some(25)
      nearest t2.commit begins at 11 ms
    ");
}

#[test]
fn a_step_answers_rows_or_how_many_it_has_written() {
    let row = |column: &str, value| vec![(Name::from(column), value)];
    let rows = |rows: Vec<Vec<(Name, Value)>>| (READ, StepClaim::Rows(rows));
    let affects = |step, count| (step, StepClaim::Affected(Bounds::exactly(count)));
    insta::assert_snapshot!(steps(vec![
        rows(vec![row("teams", whole(11))]),
        rows(vec![row("id", Value::text("one"))]),
        affects(WRITE, 1),
        rows(vec![row("teams", whole(10))]),
        rows(vec![]),
        rows(vec![row("number", whole(11))]),
        affects(WRITE, 2),
        affects(READ, 1),
        affects(COMMIT, 1),
        (WRITE, StepClaim::Rows(vec![])),
    ]), @r"
    holds, by Some(25)
    holds, by Some(25)
    holds, by Some(10)
    expected t2.read answers [{teams: 10}]
      found it answers [one {teams: 11}]
      by Some(25)
    expected t2.read answers []
      found it answers [one {teams: 11}]
      by Some(25)
    expected t2.read answers [{number: 11}]
      found it answers [one {teams: 11}]
      by Some(25)
    expected t1.write writes 2 rows
      found it writes 1 row
      by Some(10)
    expected t2.read writes 1 row
      found it answers [one {teams: 11}]
      by Some(25)
    expected t1.commit writes 1 row
      found it answers nothing
      by Some(20)
    expected t1.write answers []
      found it answers 1
      by Some(10)
    ");
}

#[test]
fn a_step_that_does_not_end_says_what_it_waits_for() {
    let mut tale = two_sessions();
    let commits = tale
        .trace
        .entries
        .iter()
        .position(|it| matches!(it.event, crate::trace::Event::Committed { .. }));
    tale.trace.entries.truncate(commits.unwrap());
    let claims = vec![Claim::Step { step: READ, claim: StepClaim::Fault(None) }];
    insta::assert_snapshot!(judged(&tale, claims), @r"
    expected t2.read ends without a fault
      found t2.read does not end
      by Some(11)
      nearest it waits 0 µs for us/user/one, held by t1, from 6 ms, and is still waiting at the end
    ");
}
