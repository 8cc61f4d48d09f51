//! What becomes of a world that runs for very long: nothing grows that is of no use any more, and
//! numbers that come to their end begin anew.

use std::sync::Arc;

use multiverse::check::invariant;
use multiverse::engine::{Answer, Arrival, Ask, GuestId, InOrder, Input, Output, World};
use multiverse::plan::{Outage, OutageKind, Plan};
use multiverse::plug_in::PlugIns;
use multiverse::run;
use multiverse::trace::{Event, Trace, write_jsonl};
use multiverse::words::{ActorId, InstanceId, Name, SimInstant, Value};

/// How many outages there are, one after the other.
const OUTAGES: u64 = 100_000;

/// How many names callers make up.
const NAMES: u64 = 20_000;

fn plan(text: &str) -> Arc<Plan> {
    match run::parse("endurance.yaml", text) {
        Ok(mut plans) => plans.remove(0),
        Err(rejection) => panic!("{rejection}"),
    }
}

fn world(text: &str, is_trace: bool) -> World {
    World::new(plan(text), 1, PlugIns::default(), is_trace).expect("the plan is sound")
}

/// Callers whose transactions wait for one another, some of which deadlock, with a plug-in that
/// calls another instance, and jobs.
const TROUBLES: &str = "
scenario: Troubles
tables: { account: { columns: { name: text, total: whole number } } }
instances: { us: { tables: [account] }, europe: { tables: [account] } }
rows:
  us: { account: { count: 4, named: 'acct {n}', set: { total: 0 } } }
plug-ins:
  - { name: copy, on: Update account, in: us, stage: PostOperation, do: [
      create: { in: europe, table: account, set: { total: 1 } } ] }
  - { name: later, on: Update account, in: us, stage: PostOperation, mode: async, do: [
      work: 5ms ] }
actors:
  ups: { in: us, count: 6, every: 300ms, until: 3 s, do: [ transaction: { do: [
      { update: { table: account, row: 'acct 1', set: { total: =total + 1 } } },
      { update: { table: account, row: 'acct 2', set: { total: =total + 1 } } } ] } ] }
  downs: { in: us, count: 6, every: 300ms, until: 3 s, do: [ transaction: { do: [
      { update: { table: account, row: 'acct 2', set: { total: =total + 1 } } },
      { update: { table: account, row: 'acct 1', set: { total: =total + 1 } } } ] } ] }
outages:
  - { instance: europe, from: 1 s, until: 1.2 s, as: unreachable }
";

/// What a run says, line by line, with everything numbered as if from 0.
fn told(first: u32) -> Vec<String> {
    let mut world = world(TROUBLES, true).numbered_from(first);
    world.run_to_end(&mut InOrder);
    let trace = Trace { header: world.header(), entries: world.take_events() };
    let offences = invariant::violations(&trace);
    assert!(offences.is_empty(), "{offences:?}");
    let mut lines = Vec::new();
    write_jsonl(&trace, &mut lines).expect("memory takes it");
    let lines = String::from_utf8(lines).expect("it is text");
    let says = lines.lines().skip(1).map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        let says = line["says"].as_str().expect("each says something").to_owned();
        format!("{} {}", line["at"], numbered_from_zero(&says, first))
    });
    says.collect()
}

/// The sentence with the numbers that follow these words counted from the first one; the highest
/// number is never given.
fn numbered_from_zero(says: &str, first: u32) -> String {
    let mut is_number = false;
    let words = says.split(' ').map(|word| {
        let digits = word.trim_end_matches(|it: char| !it.is_ascii_digit());
        let number = digits.parse::<u32>().ok().filter(|_| is_number);
        is_number = ["transaction", "request", "lane"].contains(&word);
        let Some(number) = number else { return word.to_owned() };
        let since = if number < first { number + (u32::MAX - first) } else { number - first };
        format!("{since}{}", &word[digits.len()..])
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn numbers_that_come_to_their_end_begin_anew_and_nobody_notices() {
    let usual = told(0);
    assert!(usual.iter().any(|line| line.contains("deadlock")), "it has some troubles");
    for first in [u32::MAX - 400, u32::MAX - 60, u32::MAX - 7, u32::MAX - 1] {
        let late = told(first);
        let other = late.iter().zip(&usual).find(|(late, usual)| late != usual);
        assert!(other.is_none() && late.len() == usual.len(), "from {first}: {other:?}");
    }
}

#[test]
fn a_hundred_thousand_outages_from_outside_leave_the_world_as_it_was() {
    let quiet = "
scenario: Outages
tables: { account: { columns: { name: text } } }
instances: { us: { tables: [account] } }
actors: {}
outages: [ { instance: us, from: 1 h, until: 2 h, as: maintenance } ]
";
    let (mut world, mut other) = (world(quiet, true).open(), world(quiet, true).open());
    let name = Name::from("from outside");
    let (instance, kind) = (InstanceId(0), OutageKind::Unreachable);
    for number in 1..=OUTAGES {
        let (from, until) = (SimInstant(number * 10), SimInstant(number * 10 + 2));
        let outage = Outage { name: name.clone(), instance, from, until, kind };
        world.take_in(from, Input::Outage(outage));
    }
    let end = SimInstant(OUTAGES * 10 + 2);
    world.advance_until(end);
    let began = world.take_events().into_iter().filter_map(|entry| match entry.event {
        Event::OutageBegan { outage, .. } => Some(u64::from(outage.0)),
        _ => None,
    });
    assert!(began.eq(1..=OUTAGES), "each has a number of its own, after the plan's own");
    assert_eq!(world.header().outages.len() as u64, OUTAGES + 1);
    // One that there were no outages in is the same, but for the number of the next one.
    other.advance_until(end);
    assert_eq!(world.next_due_at(), other.next_due_at());
    let after = |world: &mut World| {
        world.advance_until(SimInstant(3_600_000_000));
        world.take_events()
    };
    let (began, again) = (after(&mut world), after(&mut other));
    assert_eq!((began.len(), &began[0].event), (1, &again[0].event), "the plan's own begins");
}

/// Asks for something, and hands over what is answered.
fn ask(world: &mut World, ask: Ask) -> Vec<Output> {
    let now = world.now();
    world.take_in(now, Input::Call(GuestId(0), ask));
    world.advance_until(SimInstant(now.0 + 1_000_000));
    world.take_outputs()
}

#[test]
fn a_world_forgets_the_names_of_rows_that_are_gone_and_keeps_those_of_rows_that_are_there() {
    let text = "
scenario: Names
tables: { account: { columns: { name: text, named: whole number } } }
instances: { us: { tables: [account] } }
rows: { us: { account: { old: { name: old } } } }
plug-ins:
  - { name: count those called by their name, on: Update account, in: us, stage: PreOperation, do: [
      query: { table: account, where: '=row == name', as: found },
      set: { named: '=size($found)' } ] }
actors: { nobody: { in: us, at: 1000 days, do: [ work: 1ms ] } }
";
    let mut world = world(text, false).open();
    let (instance, actor, user) = (InstanceId(0), ActorId(0), None);
    let arrival = Arrival { instance, actor, name: Name::from("a caller"), user };
    world.take_in(SimInstant::START, Input::Enter(GuestId(0), arrival));
    let named = Ask::create("account").row("new").set("name", Value::text("new"));
    let [Output::Reply(_, Ok(Answer::Id(new)))] = ask(&mut world, named)[..] else {
        panic!("it is created");
    };
    for number in 0..NAMES {
        let name = &*format!("short-lived {number}");
        ask(&mut world, Ask::retrieve("account", name));
        ask(&mut world, Ask::create("account").row(name));
        ask(&mut world, Ask::delete("account", name));
        let count = world.name_count();
        assert!(count < 2_000, "{count} names after {number} rows, of which two are left");
    }
    // Who says the name teaches it anew, so the row is asked for by its id.
    ask(&mut world, Ask::update("account", new).set("name", Value::text("new")));
    let answer = format!("{:?}", ask(&mut world, Ask::retrieve("account", new)));
    assert!(answer.contains("Whole(2)"), "both have their names still: {answer}");
}
