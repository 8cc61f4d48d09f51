//! What sessions, their steps and the claims about them mean; and what tables, instances and
//! queries say of locks.

use std::time::Duration;

use crate::fault::FaultKind;
use crate::plan::{
    ActorKind, Bounds, Claim, Counted, Hint, Hints, Isolation, Locking, Ordering, Phenomenon, Plan,
    RowSelector, Selection, Session, Statement, StepClaim, StepRef, Verb,
};
use crate::scenario::parse;
use crate::scenario::tests::{LOST_UPDATE, mistakes, plan_with, plans, with};
use crate::words::{ActorId, BinaryOperator, ColumnId, Expression, InstanceId, TableId, Value};

const ACCOUNT: TableId = TableId(0);
const TICKET: TableId = TableId(1);
const NUMBER: ColumnId = ColumnId(1);

fn session(plan: &Plan, index: usize) -> &Session {
    match &plan.actors[index].kind {
        ActorKind::Session(session) => session,
        other => panic!("{other:?}"),
    }
}

/// The verbs of one step of a session.
fn verbs(plan: &Plan, actor: usize, step: usize) -> Vec<Verb> {
    let program = session(plan, actor).steps[step].program;
    plan.programs[program.index()].steps.iter().map(|step| step.verb.clone()).collect()
}

/// A session with these steps, in a list.
fn plan_of(steps: &str) -> Plan {
    plan_with(&format!("sessions: {{ t1: {{ in: europe, steps: {{ all: [ {steps} ] }} }} }}"))
}

/// The statements of such a session, with what they bind.
fn statements(steps: &str) -> Vec<(Statement, Option<String>)> {
    let statement = |verb| match verb {
        Verb::Statement(statement, bind) => (statement, bind.map(|name| name.to_string())),
        other => panic!("{other:?}"),
    };
    verbs(&plan_of(steps), 0, 0).into_iter().map(statement).collect()
}

/// An actor with this one step.
fn actor(step: &str) -> String {
    format!("actors: {{ ann: {{ in: us, do: [ {{ {step} }} ] }} }}")
}

fn step(actor: u32, step: u16) -> StepRef {
    StepRef { actor: ActorId(actor), step }
}

/// What the lines of `expect` claim of steps.
fn step_claims(plan: &Plan) -> Vec<(StepRef, StepClaim)> {
    let claims = plan.expectations.iter().flat_map(|line| &line.claims);
    claims
        .filter_map(|claim| match claim {
            Claim::Step { step, claim } => Some((step.clone(), claim.clone())),
            _ => None,
        })
        .collect()
}

fn column(name: &str) -> Box<Expression> {
    Box::new(Expression::Column(name.into()))
}

fn equal(left: Expression, right: Value) -> Expression {
    let (left, right) = (Box::new(left), Box::new(Expression::Literal(right)));
    Expression::Binary(BinaryOperator::Equal, left, right)
}

#[test]
fn the_lost_update_is_told_step_by_step() {
    let plans = plans(LOST_UPDATE);
    let levels: Vec<_> = plans.iter().map(|plan| plan.instances[0].isolation.word()).collect();
    assert_eq!(levels, ["read committed snapshot", "repeatable read", "snapshot"]);
    let plan = &plans[0];
    let order = [step(0, 0), step(1, 0), step(0, 1), step(1, 1), step(0, 2), step(1, 2)];
    assert_eq!(plan.order, order);
    let labels: Vec<_> = session(plan, 0).steps.iter().map(|step| &*step.label).collect();
    assert_eq!(labels, ["read", "write", "commit"]);
    assert!(matches!(verbs(plan, 1, 2)[..], [Verb::Statement(Statement::Commit, None)]));
    let until = StepClaim::BlocksUntil(step(0, 2));
    assert_eq!(step_claims(plan), [(step(1, 1), until)]);
    let snapshot = [
        (step(1, 1), StepClaim::Fault(Some(FaultKind::UpdateConflict))),
        (step(1, 1), StepClaim::When(step(0, 2))),
    ];
    assert_eq!(step_claims(&plans[2]), snapshot);
}

#[test]
fn a_session_says_how_it_waits_and_at_which_level() {
    let plan = plan_with(
        "sessions:
  plain: { in: us, steps: { read: { select: account } } }
  careful:
    in: europe
    at: 5ms
    isolation: serializable
    lock timeout: 0ms
    deadlock priority: high
    steps: {}
  many: { in: us, from: 1s, every: 10s, until: 1 min, count: 3, deadlock priority: -10, steps: {} }
",
    );
    let plain = session(&plan, 0);
    assert_eq!((plain.isolation, plain.lock_timeout, plain.deadlock_priority), (None, None, 0));
    assert_eq!(plan.actors[0].home, Some(InstanceId(0)));
    assert_eq!(plan.actors[0].count, 1);
    let careful = session(&plan, 1);
    assert_eq!(careful.instance, InstanceId(1));
    assert_eq!(careful.isolation, Some(Isolation::Serializable));
    assert_eq!(careful.lock_timeout, Some(Duration::ZERO));
    assert_eq!(careful.deadlock_priority, 5);
    assert_eq!(plan.actors[1].schedule.first.0, 5_000);
    let many = &plan.actors[2];
    assert_eq!((many.count, session(&plan, 2).deadlock_priority), (3, -10));
    assert_eq!(many.schedule.every, Some(Duration::from_secs(10)));
    assert!(plan.order.is_empty());
}

#[test]
fn a_select_has_its_clauses_beside_the_verb() {
    let found = statements(
        "{ select: ticket, where: \"=title == 'A'\", order: [-title], top: 2, expand: customer,
           columns: [title], hint: [holdlock, updlock], as: found }",
    );
    let selection = Selection {
        filter: Some(equal(*column("title"), Value::text("A"))),
        order: vec![Ordering::of(ColumnId(0), true)],
        top: Some(Expression::Literal(Value::Whole(2))),
        expand: vec![ColumnId(1)],
        columns: Some(vec![ColumnId(0)]),
        hints: Hints::NONE.with(Hint::UpdLock).with(Hint::HoldLock),
        ..Selection::of(TICKET)
    };
    assert_eq!(found, [(Statement::Select(Box::new(selection)), Some("found".to_owned()))]);
}

#[test]
fn statements_write_by_condition_and_from_the_row_as_it_stands() {
    let found = statements(
        "{ insert: account, row: contoso, set: { number: 2 }, as: added },
         { update: account, where: =number % 3 == 0, set: { number: =number + 10 }, hint: tablock },
         { delete: account, as: gone },
         { alter: account }",
    );
    let [(insert, added), (update, None), (delete, gone), (alter, None)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((added.as_deref(), gone.as_deref()), (Some("added"), Some("gone")));
    assert!(
        matches!(insert, Statement::Insert { table: ACCOUNT, row: Some(_), set } if set.len() == 1)
    );
    let Statement::Update { table: ACCOUNT, filter: Some(_), set, hints } = update else {
        panic!("{update:?}");
    };
    let ten = Box::new(Expression::Literal(Value::Whole(10)));
    let sum = Expression::Binary(BinaryOperator::Add, column("number"), ten);
    assert_eq!((set[0].column, &set[0].value), (NUMBER, &sum));
    assert_eq!(*hints, Hints::NONE.with(Hint::TabLock));
    let all = Statement::Delete { table: ACCOUNT, filter: None, hints: Hints::NONE };
    assert_eq!(*delete, all);
    assert_eq!(*alter, Statement::AlterTable { table: ACCOUNT });
}

#[test]
fn transactions_begin_and_end_by_a_word() {
    let found = statements("begin, { begin: read uncommitted }, commit, rollback");
    let found: Vec<_> = found.into_iter().map(|(statement, _)| statement).collect();
    let expected = [
        Statement::Begin { isolation: None },
        Statement::Begin { isolation: Some(Isolation::ReadUncommitted) },
        Statement::Commit,
        Statement::Rollback,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_where_knows_the_rows_name_and_id_and_looks_behind_its_lookups() {
    let found = statements(
        "{ select: ticket, where: \"=row == 't1'\" },
         { select: ticket, where: =id == null },
         { select: ticket, where: \"=customer.`full name` == 'F'\" },
         { select: ticket, where: =customer.id == null }",
    );
    let filters: Vec<_> = found
        .into_iter()
        .map(|(statement, _)| match statement {
            Statement::Select(selection) => selection.filter.expect("each has a condition"),
            other => panic!("{other:?}"),
        })
        .collect();
    let behind = Expression::Member(column("customer"), "full name".into());
    let expected = [
        equal(Expression::RowName, Value::text("t1")),
        equal(*column("id"), Value::Null),
        equal(behind, Value::text("F")),
        equal(*column("customer"), Value::Null),
    ];
    assert_eq!(filters, expected);
}

#[test]
fn a_binding_that_selects_the_row_of_an_update_still_means_the_row() {
    let plan = plan_with(
        "actors:
  ann:
    in: europe
    do:
      - for each:
          member: [fabrikam]
          do: [ { update: { table: account, row: $member, set: { number: =member.number + 1 } } } ]
",
    );
    let program = &plan.programs[plan.actors[0].program.index()];
    let Verb::ForEach { body, .. } = &program.steps[0].verb else {
        panic!("{program:?}");
    };
    let Verb::Update { row: RowSelector::Row(row), set, .. } = &body[0].verb else {
        panic!("{body:?}");
    };
    let member = Expression::Member(Box::new(row.clone()), "number".into());
    let one = Box::new(Expression::Literal(Value::Whole(1)));
    assert_eq!(set[0].value, Expression::Binary(BinaryOperator::Add, Box::new(member), one));
}

#[test]
fn the_steps_of_a_session_share_its_bindings() {
    let text = with(
        "sessions:
  t1:
    in: us
    with: { least: =n * 2 }
    steps:
      read: { select: account, where: =number > least, as: found }
      write: { update: account, where: \"=id == found[0].id\", set: { number: =n } }
",
    );
    let plan = plans(&text).remove(0);
    assert_eq!(plan.actors[0].with.len(), 1);
    let wrong = text.replace("as: found", "as: fuond");
    let found = mistakes(&wrong);
    assert_eq!(found, ["16:48 nothing is called `found` here"]);
}

#[test]
fn a_program_of_statements_is_for_sessions() {
    let plan = plan_with(
        "programs: { add: { sql: [ { update: account, set: { number: =number + by } } ] } }
sessions: { t1: { in: us, steps: { add: { call: add, with: { by: 2 } } } } }
",
    );
    let Verb::Call { program, with } = &verbs(&plan, 0, 0)[0] else {
        panic!("the step is a call");
    };
    assert_eq!(with.len(), 1);
    let called = &plan.programs[program.index()];
    assert_eq!((&*called.name, called.home), ("add", None));
    assert!(matches!(called.steps[0].verb, Verb::Statement(Statement::Update { .. }, None)));
}

#[test]
fn a_step_is_claimed_to_wait_to_free_to_fail_and_to_answer() {
    let plan = plan_with(
        "sessions:
  t1: { in: us, steps: { read: { select: account }, write: { delete: account }, end: commit } }
  t2: { in: us, steps: { write: [ { update: account, set: { number: 1 } }, commit ] } }
order: [t1.read, t1.write, t2.write, t1.end, t1.read]
expect:
  - { step: t2.write, blocks: true, blocks until: t1.end, fault: none, when: t1.end, affected: 0 }
  - { step: t1.end, unblocks: t2.write, fault: 1205 }
  - { step: t1.read, rows: [ { number: 1, name: 007 }, {} ] }
  - { step: t1.read, rows: [], blocks: false }
  - { step: t1.write, affected: { at least: 1 } }
",
    );
    assert_eq!(plan.order.len(), 5);
    let (read, write, end, other) = (step(0, 0), step(0, 1), step(0, 2), step(1, 0));
    let number = ("number".into(), Value::Whole(1));
    let rows = vec![vec![number, ("name".into(), Value::text("007"))], Vec::new()];
    let expected = [
        (&other, StepClaim::Blocks(true)),
        (&other, StepClaim::BlocksUntil(end.clone())),
        (&other, StepClaim::Fault(None)),
        (&other, StepClaim::When(end.clone())),
        (&other, StepClaim::Affected(Bounds::exactly(0))),
        (&end, StepClaim::Unblocks(other.clone())),
        (&end, StepClaim::Fault(Some(FaultKind::DeadlockVictim))),
        (&read, StepClaim::Rows(rows)),
        (&read, StepClaim::Blocks(false)),
        (&read, StepClaim::Rows(Vec::new())),
        (&write, StepClaim::Affected(Bounds { at_least: Some(1), at_most: None })),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(step, claim)| (step.clone(), claim)).collect();
    assert_eq!(step_claims(&plan), expected);
}

#[test]
fn a_session_is_an_actor_to_every_other_claim() {
    let plan = plan_with(
        "actors: { ann: { in: us, do: [] } }
sessions: { t1: { in: us, steps: { read: { select: account, as: found } } } }
expect:
  - { actor: t1, succeeds: true }
  - { actor: t1, waits for: ann }
  - { actor: t1, answer: found, rows: 1, is: { number: 1 } }
",
    );
    assert_eq!(plan.actors.len(), 2);
    let [Claim::Succeeds { actor, .. }] = plan.expectations[0].claims[..] else {
        panic!("{:?}", plan.expectations[0]);
    };
    assert_eq!(actor, ActorId(1));
}

#[test]
fn a_variant_changes_the_clauses_of_a_step_or_the_whole_of_it() {
    let plans = plans(&with(
        "sessions:
  t1:
    in: us
    steps:
      read: { select: account, where: =number > 1, hint: nolock }
      end: commit
order: [t1.read, t1.end]
variants:
  as it is: {}
  locked: { sessions: { t1: { isolation: serializable, steps: { read: { hint: updlock } } } } }
  other verb: { sessions: { t1: { steps: { read: { delete: account }, end: rollback } } } }
  shorter: { sessions: { t1: { steps: { end: none } } }, order: [t1.read, t1.read] }
  no order: { order: [], sessions: { t1: { at: 1s } } }
",
    ));
    let read = |index: usize| verbs(&plans[index], 0, 0).remove(0);
    let hints = |verb| match verb {
        Verb::Statement(Statement::Select(selection), None) => {
            assert!(selection.filter.is_some());
            selection.hints
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(hints(read(0)), Hints::NONE.with(Hint::NoLock));
    assert_eq!(hints(read(1)), Hints::NONE.with(Hint::UpdLock));
    assert_eq!(session(&plans[1], 0).isolation, Some(Isolation::Serializable));
    let all = Statement::Delete { table: ACCOUNT, filter: None, hints: Hints::NONE };
    assert_eq!(read(2), Verb::Statement(all, None));
    assert_eq!(verbs(&plans[2], 0, 1), [Verb::Statement(Statement::Rollback, None)]);
    assert_eq!(session(&plans[3], 0).steps.len(), 1);
    assert_eq!(plans[3].order, [step(0, 0), step(0, 0)]);
    assert_eq!((plans[4].order.len(), plans[4].actors[0].schedule.first.0), (0, 1_000_000));
}

#[test]
fn indexes_are_numbered_keys_first_and_lookups_bring_their_own() {
    let text = with("").replace(
        "ticket: { columns: { title: text, customer: { lookup: account } } }",
        "ticket:
    columns:
      title: text
      customer: { lookup: account }
      payer: { lookup: account }
      owner: { lookup: account }
    keys: { by payer: [payer, title] }
    indexes: { by title: [title, customer], by owner: [owner] }",
    );
    let plan = plans(&text).remove(0);
    let table = &plan.tables[1];
    let names: Vec<_> = table.index_names().map(|name| &**name).collect();
    assert_eq!(names, ["by payer", "by title", "by owner", "customer"]);
    assert_eq!(table.index_columns(1), [ColumnId(0), ColumnId(1)]);
    assert_eq!(table.index_columns(3), [ColumnId(1)]);
    let plain = plan_with("");
    let names: Vec<_> = plain.tables[1].index_names().map(|name| &**name).collect();
    assert_eq!(names, ["customer"]);
}

#[test]
fn every_level_and_every_hint_goes_by_its_own_word() {
    for level in Isolation::ALL {
        let word = level.word();
        let instance =
            format!("us: {{ tables: [account], isolation: {word}, locking: optimized }}");
        let plan = plans(&with("").replace("us: { tables: [account] }", &instance)).remove(0);
        assert_eq!(plan.instances[0].isolation, level);
        assert_eq!(plan.instances[0].locking, Locking::Optimized);
        assert_eq!(plan.instances[1].locking, Locking::Classic);
        let plan = plan_with(&actor(&format!("transaction: {{ isolation: {word}, do: [] }}")));
        let Verb::Transaction { isolation, .. } = &plan.programs[0].steps[0].verb else {
            panic!("{plan:?}");
        };
        assert_eq!(*isolation, Some(level));
    }
    for hint in Hint::ALL {
        let word = hint.word();
        let (statement, _) = statements(&format!("{{ select: account, hint: {word} }}")).remove(0);
        let Statement::Select(selection) = statement else {
            panic!("{statement:?}");
        };
        assert_eq!(selection.hints, Hints::NONE.with(hint));
        let query = actor(&format!("query: {{ table: account, hint: {word} }}"));
        assert_eq!(parse("test.yaml", &with(&query)).is_ok(), hint == Hint::NoLock, "{word}");
    }
}

#[test]
fn nolock_is_for_the_platforms_reads() {
    let plan = plan_with(
        "actors:
  ann:
    in: us
    do:
      - query: { table: account, hint: [nolock] }
      - retrieve: { table: account, row: fabrikam, hint: nolock }
      - query: { table: account, hint: [] }
",
    );
    let hints = plan.programs[0].steps.iter().map(|step| match &step.verb {
        Verb::Query { selection, .. } => selection.hints,
        Verb::Retrieve { hints, .. } => *hints,
        other => panic!("{other:?}"),
    });
    let nolock = Hints::NONE.with(Hint::NoLock);
    assert_eq!(hints.collect::<Vec<_>>(), [nolock, nolock, Hints::NONE]);
}

#[test]
fn costs_and_limits_of_locks_have_names_of_their_own() {
    let plan = plan_with(
        "costs: { column: 3us }
limits: { lock escalation: 100, lock escalation retry: 25, transaction: 2 min }
",
    );
    assert_eq!(plan.costs.column, Duration::from_micros(3));
    assert_eq!((plan.limits.lock_escalation, plan.limits.lock_escalation_retry), (100, 25));
    assert_eq!(plan.limits.transaction, Some(Duration::from_secs(120)));
    assert_eq!(plan_with("").limits.transaction, None);
}

#[test]
fn what_scans_and_locks_do_can_be_counted_and_forbidden() {
    let plan = plan_with(
        "actors: { ann: { in: us, do: [] } }
expect:
  - { escalations: 1, actor: ann }
  - { cross-instance waits: 0 }
  - { rows examined: { at most: 200 }, actor: ann, of: us/account }
  - { rows examined: 3 }
  - { happens: cross-instance wait }
  - { never: escalation }
  - { never: missed row }
  - { never: doubled row }
",
    );
    let claims: Vec<_> = plan.expectations.iter().map(|line| line.claims[0].clone()).collect();
    let ann = Some(ActorId(0));
    let table = Some((InstanceId(0), ACCOUNT));
    let count = |of, is| Claim::Count { of, by: None, is };
    let most = Bounds { at_least: None, at_most: Some(200) };
    let happens = |phenomenon, happens| Claim::Happens { phenomenon, happens };
    let expected = [
        count(Counted::Escalations { actor: ann }, Bounds::exactly(1)),
        count(Counted::CrossInstanceWaits, Bounds::exactly(0)),
        count(Counted::RowsExamined { actor: ann, table }, most),
        count(Counted::RowsExamined { actor: None, table: None }, Bounds::exactly(3)),
        happens(Phenomenon::CrossInstanceWait, true),
        happens(Phenomenon::Escalation, false),
        happens(Phenomenon::MissedRow, false),
        happens(Phenomenon::DoubledRow, false),
    ];
    assert_eq!(claims, expected);
}
