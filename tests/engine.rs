//! The engine, as stories: what ends what, with which fault, and what a world is worth as a value.

use std::sync::Arc;
use std::time::Duration;

use multiverse::engine::{InOrder, Progress, RunOptions, World};
use multiverse::plan::{Plan, UpsertWhen};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIn, PlugIns};
use multiverse::report::StoryOptions;
use multiverse::run::{self, Run};
use multiverse::words::Value;

/// Two tables, two instances, and whatever a test adds.
const HEAD: &str = "\
scenario: A test
tables:
  account: { columns: { name: text, number: whole number }, keys: { by number: [number] } }
  ticket: { columns: { title: text, customer: { lookup: account } } }
instances: { us: { tables: [account, ticket] }, europe: { tables: [account, ticket] } }
rows: { us: { account: { a: { name: A, number: 1 }, b: { name: B, number: 2 } } } }
";

fn plan(rest: &str) -> Arc<Plan> {
    let text = format!("{HEAD}{rest}");
    match run::parse("test.yaml", &text) {
        Ok(mut plans) => plans.remove(0),
        Err(rejection) => panic!("{rejection}"),
    }
}

fn run_with(rest: &str, options: &RunOptions) -> Run {
    let run = run::run(&plan(rest), options).expect("the plan is sound");
    assert!(run.verdict.violations.is_empty(), "{:#?}", run.verdict.violations);
    run
}

/// Runs the scenario; everything that it expects must hold.
fn holds(rest: &str) -> Run {
    let run = run_with(rest, &RunOptions::default());
    assert!(run.verdict.holds(), "{}", run.story(&StoryOptions::default()));
    run
}

#[test]
fn a_blocked_command_times_out_after_two_minutes_and_its_transaction_is_rolled_back() {
    holds(
        "
actors:
  ann:
    in: us
    do:
      - transaction:
          do: [ { update: { table: account, row: a, set: { name: Ann } } }, { work: 10 min } ]
  bob:
    at: 1s
    in: us
    do:
      - transaction:
          do:
            - update: { table: account, row: b, set: { name: Bob } }
            - update: { table: account, row: a, set: { name: Bob } }
limits: { client: 5 min }
expect:
  - { actor: bob, fault: sql timeout, ends: { by: 121.02s } }
  - { actor: bob, longest wait: 2 min }
  - { row: us/account/b, is: { name: B } }
  - { row: us/account/a, is: { name: Ann } }
  - { rollbacks: 1 }
",
    );
}

#[test]
fn a_transaction_that_lasts_too_long_is_gone_when_its_owner_comes_back_to_it() {
    holds(
        "
limits: { transaction: 20s }
actors:
  ann:
    in: us
    do:
      - transaction:
          do: [ { update: { table: account, row: a, set: { name: Ann } } }, { work: 1 min } ]
  bob:
    at: 1s
    in: us
    do: [ { update: { table: account, row: a, set: { name: Bob } } } ]
expect:
  - { actor: ann, fault: transaction timeout, ends: { after: 1 min } }
  - { never: transaction aborted }
  - { actor: bob, waits for: ann, at most: 19s }
  - { row: us/account/a, is: { name: Bob } }
",
    );
}

#[test]
fn a_client_that_gives_up_leaves_the_work_running() {
    holds(
        "
plug-ins:
  - name: slow check
    on: Create account
    in: us
    stage: PreOperation
    do: [ { work: 90s } ]
limits: { client: 30s }
actors:
  ann: { in: us, do: [ { create: { table: account, row: c, set: { name: C } } } ] }
expect:
  - { actor: ann, fault: client timeout, ends: { by: 30s } }
  - { row: us/account/c, by: 30s, is: missing }
  - { row: us/account/c, by: end, is: { name: C } }
",
    );
}

#[test]
fn a_plug_in_step_ends_after_two_minutes_and_nothing_in_it_can_handle_that() {
    holds(
        "
plug-ins:
  - name: endless check
    on: Create account
    in: us
    stage: PostOperation
    do: [ { try: { do: [ { work: 3 min } ], on fault: [ { note: never told } ] } } ]
limits: { client: 10 min }
actors:
  ann: { in: us, do: [ { create: { table: account, row: c, set: { name: C } } } ] }
expect:
  - { actor: ann, fault: plug-in timeout, ends: { after: 2 min, by: 2 min 1s } }
  - { row: us/account/c, is: missing }
",
    );
}

#[test]
fn exactly_two_minutes_are_within_the_limit() {
    holds(
        "
costs: { plug-in: 0ms }
plug-ins:
  - { name: check, on: Create account, in: us, stage: PostOperation, do: [ { work: 2 min } ] }
limits: { client: 10 min }
actors:
  ann: { in: us, do: [ { create: { table: account, row: c, set: { name: C } } } ] }
expect:
  - { actor: ann, succeeds: true }
",
    );
}

#[test]
fn a_chain_that_calls_itself_is_cut_below_depth_eight() {
    holds(
        "
plug-ins:
  - name: touch again
    on: Update account
    in: us
    stage: PostOperation
    do: [ { update: { table: account, row: $target.id, set: { name: again } } } ]
actors:
  ann: { in: us, do: [ { update: { table: account, row: a, set: { name: first } } } ] }
expect:
  - { actor: ann, fault: depth exceeded }
  - { requests: 9, of: Update account }
  - { plug-in: touch again, runs: 8 }
  - { row: us/account/a, is: { name: A } }
",
    );
}

#[test]
fn a_swallowed_fault_dooms_the_transaction() {
    holds(
        "
plug-ins:
  - name: hopeful
    on: Create ticket
    in: us
    stage: PostOperation
    do:
      - try:
          do: [ { update: { table: account, key: { number: 99 }, set: { name: X } } } ]
          on fault: [ { note: '{fault}' } ]
actors:
  ann: { in: us, do: [ { create: { table: ticket, row: t, set: { title: T } } } ] }
expect:
  - { actor: ann, fault: swallowed fault }
  - { row: us/ticket/t, is: missing }
",
    );
}

#[test]
fn outside_a_transaction_a_fault_can_be_handled() {
    holds(
        "
plug-ins:
  - name: hopeful
    on: Create ticket
    in: us
    stage: PreValidation
    do:
      - try:
          do: [ { update: { table: account, key: { number: 99 }, set: { name: X } } } ]
          on fault: [ { set: { title: 'met: {fault}' } } ]
actors:
  ann: { in: us, do: [ { create: { table: ticket, row: t, set: { title: T } } } ] }
expect:
  - { actor: ann, succeeds: true }
  - { row: us/ticket/t, is: { title: 'met: key not found' } }
",
    );
}

#[test]
fn a_second_creator_of_a_key_waits_and_then_learns_how_the_first_ended() {
    let design = |first: &str, expect: &str| {
        format!(
            "
actors:
  ann:
    in: us
    do:
      - try:
          do:
            - transaction:
                do: [ {{ create: {{ table: account, set: {{ number: 9 }} }} }}, {{ work: 1s }}, {first} ]
          on fault: [ {{ note: rolled back }} ]
  bob: {{ at: 100ms, in: us, do: [ {{ create: {{ table: account, row: c, set: {{ number: 9 }} }} }} ] }}
expect:
  - {{ actor: bob, waits for: ann, at least: 800ms }}
{expect}
"
        )
    };
    holds(&design("{ note: commits }", "  - { actor: bob, fault: duplicate key }"));
    holds(&design("{ fail: No }", "  - { row: us/account/c, is: { number: 9 } }"));
}

#[test]
fn a_loop_without_time_and_an_actor_without_end_are_stopped_and_named() {
    let endless = [
        "actors: { ann: { do: [ { repeat: { times: 9000000000, do: [ { let: { x: 1 } } ] } } ] } }",
        "actors: { ann: { do: [ { repeat: { times: 9000000000, do: [ { wait: 1s } ] } } ] } }",
    ];
    for actors in endless {
        let run =
            run_with(&format!("limits: {{ transitions: 5000 }}\n{actors}"), &RunOptions::default());
        let story = run.story(&StoryOptions::default());
        assert!(!run.verdict.holds(), "{story}");
        assert!(story.contains("ann") && story.contains("5000 transitions"), "{story}");
    }
}

/// Sees to it that a ticket's customer exists, as the step-language plug-in of the scenarios.
struct EnsureAccount;

impl PlugIn for EnsureAccount {
    fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption> {
        let Value::Id(customer) = context.target("customer") else {
            return Err(context.fail("A ticket needs a customer."));
        };
        context.work(Duration::from_millis(3))?;
        context.execute(Ask::upsert("account", customer).when(UpsertWhen::Missing))?;
        let stub = context.retrieve("account", customer)?;
        context.set_target("title", if stub.value("name").is_null() { "stub" } else { "known" })
    }
}

#[test]
fn a_plug_in_in_rust_does_what_the_same_steps_do() {
    let design = |body: &str| {
        format!(
            "
plug-ins:
  - {{ name: ensure, on: Create ticket, in: europe, stage: PreValidation, {body} }}
actors:
  app: {{ in: europe, do: [ {{ create: {{ table: ticket, row: t, set: {{ customer: a }} }} }} ] }}
expect:
  - {{ row: europe/account/a, is: {{ name: null }} }}
  - {{ row: europe/ticket/t, is: {{ title: stub, customer: a }} }}
"
        )
    };
    let steps = "do: [ { work: 3ms }, { upsert: { table: account, row: $target.customer, when: \
                 missing } }, { retrieve: { table: account, row: $target.customer, as: stub } }, \
                 { set: { title: \"=stub.name == null ? 'stub' : 'known'\" } } ]";
    let mut options = RunOptions::default();
    options.plug_ins.insert("ensure account", EnsureAccount);
    let in_rust = run_with(&design("rust: ensure account"), &options);
    let in_steps = run_with(&design(steps), &options);
    let story = in_rust.story(&StoryOptions::default());
    assert!(in_rust.verdict.holds() && in_steps.verdict.holds(), "{story}");
    let last = |run: &Run| run.trace.entries.last().map(|entry| entry.at);
    assert_eq!(last(&in_rust), last(&in_steps));
}

#[test]
fn a_plug_in_that_is_not_given_is_missed_before_anything_runs() {
    let plan = plan(
        "plug-ins: [ { name: x, on: Create ticket, in: us, stage: PreOperation, rust: nowhere } ]",
    );
    let error = run::run(&plan, &RunOptions::default()).expect_err("nobody gave it");
    insta::assert_snapshot!(
        error,
        @"x needs the Rust plug-in `nowhere`, which this run was not given"
    );
}

#[test]
fn a_world_is_a_value() {
    let plan = plan(
        "
actors:
  ann: { count: 5, in: us, do: [ { repeat: { times: 4, do: [ { update: { table: account, row: a, set: { number: =number + 10 } } }, { wait: 3ms } ] } } ] }
",
    );
    let mut world = World::new(plan, 7, PlugIns::default(), true).expect("the plan is sound");
    for _ in 0..40 {
        assert_eq!(world.advance(&mut InOrder), Progress::Advanced);
    }
    let _ = world.take_events();
    let mut twin = world.clone();
    let at_the_fork = world.digest();
    assert_eq!(twin.digest(), at_the_fork);
    world.run_to_end(&mut InOrder);
    assert_eq!(twin.digest(), at_the_fork, "the clone has moved with the original");
    assert_ne!(world.digest(), at_the_fork);
    twin.run_to_end(&mut InOrder);
    assert_eq!(twin.digest(), world.digest());
    assert_eq!(twin.take_events(), world.take_events());
}

#[test]
fn the_schedule_decides_between_what_is_due_at_one_instant() {
    let rest = "
actors:
  ann: { in: us, do: [ { update: { table: account, row: a, set: { name: Ann } } } ] }
  bob: { in: us, do: [ { update: { table: account, row: a, set: { name: Bob } } } ] }
expect: [ { row: us/account/a, is: { name: Bob } } ]
";
    let with =
        |schedule: Vec<u32>| run_with(rest, &RunOptions { schedule, ..RunOptions::default() });
    assert!(with(Vec::new()).verdict.holds(), "in the order of the file, Bob writes last");
    let schedules = (0..64).map(|bits: u32| (0..6).map(|place| bits >> place & 1).collect());
    let (bob_last, ann_last): (Vec<_>, Vec<_>) =
        schedules.partition(|schedule: &Vec<u32>| with(schedule.clone()).verdict.holds());
    assert!(!bob_last.is_empty() && !ann_last.is_empty());
    let schedule = ann_last[0].clone();
    assert_eq!(with(schedule.clone()).trace, with(schedule).trace);
}

#[test]
fn nobody_starves_when_victims_try_again_for_ever() {
    for sessions in [2, 8, 32] {
        let run = run_with(
            &format!(
                "
limits: {{ deadlock monitor: 50ms, deadlock monitor least: 5ms }}
actors:
  up: {{ count: {sessions}, in: us, do: [ {{ call: both, with: {{ first: a, second: b }} }} ] }}
  down: {{ count: {sessions}, in: us, do: [ {{ call: both, with: {{ first: b, second: a }} }} ] }}
programs:
  both:
    do:
      - retry:
          up to: 1000
          wait: 10ms
          jitter: true
          on: [deadlock victim]
          do:
            - transaction:
                do:
                  - update: {{ table: account, row: $first, set: {{ name: 'x' }} }}
                  - update: {{ table: account, row: $second, set: {{ name: 'y' }} }}
"
            ),
            &RunOptions::default(),
        );
        let story = run.story(&StoryOptions::default());
        assert!(run.verdict.holds(), "{story}");
    }
}

#[test]
fn at_repeatable_read_a_query_locks_what_it_follows_as_well() {
    holds(
        "
variants: { locked: { instances: { us: { isolation: repeatable read } } } }
actors:
  ann:
    in: us
    do:
      - create: { table: ticket, row: t, set: { title: T, customer: a } }
      - transaction:
          do: [ { update: { table: account, row: a, set: { name: Ann } } }, { work: 1s } ]
  bob:
    at: 100ms
    in: us
    do:
      - transaction:
          do: [ { query: { table: ticket, expand: customer, as: tickets } }, { work: 1s } ]
  cyd:
    at: 1500ms
    in: us
    do: [ { update: { table: account, row: a, set: { name: Cyd } } } ]
expect:
  - { actor: bob, waits for: ann, on: us/account/a, at least: 800ms }
  - { actor: cyd, waits for: bob, on: us/account/a, at least: 400ms }
",
    );
}

#[test]
fn what_can_be_computed_without_the_row_is_known_to_the_search() {
    holds(
        "
sessions:
  teller:
    in: us
    with: { last: 1 }
    steps:
      by key: { select: account, where: '=number == last + 1', as: found }
      by name: { select: account, where: \"=row in [string('a'), 'b']\" }
      not at all: { select: account, where: '=number == last / 0 || number == 2', as: other }
expect:
  - { actor: teller, answer: found, rows: 1, is: { name: B } }
  - { actor: teller, answer: other, rows: 0 }
  - { rows examined: 5 }
",
    );
}
