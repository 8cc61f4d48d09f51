//! Steps and statements that begin and end where they should not.

use crate::check::invariant::tests::{broken, without};
use crate::plan::StatementKind;
use crate::trace::Event;
use crate::trace::tale::{Tale, two_sessions};
use crate::words::Value;

#[test]
fn a_step_begins_once_and_ends_once() {
    let endless = without(two_sessions(), |it| matches!(it, Event::StepEnded { .. }));
    insta::assert_snapshot!(broken(&endless), @r"
    steps and statements nest: step commit begins before the one before it has ended (event 14)
    ");
    let unbegun = without(two_sessions(), |it| matches!(it, Event::StepBegan { .. }));
    insta::assert_snapshot!(broken(&unbegun), @r"
    steps and statements nest: request 0 is in no step (event 5)
    steps and statements nest: step 0 of lane 0 ends and is not under way (event 9)
    ");

    let mut tale = Tale::usual();
    let app = tale.begins("app");
    tale.step(app, "read").done(app);
    insta::assert_snapshot!(broken(&tale), @r"
    steps and statements nest: step read begins in lane 0, no session (event 1)
    ");

    let mut tale = Tale::usual();
    let t1 = tale.session("t1");
    tale.step(t1, "read").done(t1);
    insta::assert_snapshot!(broken(&tale), @r"
    steps and statements nest: step 0 of lane 0 does not end (event 2)
    ");
}

#[test]
fn a_statement_is_within_a_step_and_a_transaction_of_its_own_session() {
    let endless = without(two_sessions(), |it| matches!(it, Event::StatementEnded { .. }));
    insta::assert_snapshot!(broken(&endless), @r"
    steps and statements nest: step 0 of lane 0 ends before its request 0 (event 9)
    steps and statements nest: step 1 of lane 0 ends before its request 0 (event 19)
    steps and statements nest: request 0 does not end (event 30)
    ");

    let mut tale = Tale::usual();
    let (t1, t2) = (tale.session("t1"), tale.session("t2"));
    let a = tale.transaction(t1, 0);
    tale.statement(t1, StatementKind::Select, "us/user", a);
    tale.statement_ends(t1, None).commits(a).step(t1, "late").step(t2, "other");
    tale.statement(t1, StatementKind::Select, "us/user", a);
    tale.statement_ends(t1, None).answers(t1, Value::Null);
    let b = tale.transaction(t2, 0);
    tale.statement(t2, StatementKind::Select, "europe/user", b);
    let request = tale.statement(t2, StatementKind::Select, "us/user", b);
    tale.push(Event::StatementUndone { transaction: a, request });
    tale.statement_ends(t2, None).statement_ends(t2, None);
    tale.answers(t2, Value::Null).commits(b).done(t1).done(t2);
    insta::assert_snapshot!(broken(&tale), @r"
    steps and statements nest: request 0 is in no step (event 3)
    steps and statements nest: request 1 is in a transaction that is not open (event 9)
    steps and statements nest: request 2 is in another session's transaction (event 13)
    steps and statements nest: request 3 begins before the one before it has ended (event 14)
    steps and statements nest: request 3 is taken back, no statement of transaction 0 (event 15)
    steps and statements nest: request 2 ends and is not under way (event 17)
    ");
}
