//! A plug-in in the middle of a call: it waits, it can be copied, and it must not change its mind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use multiverse::fault::FaultKind;
use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIns};
use multiverse::testing::{Caller, Folder, Step, Testbed};
use multiverse::trace;
use multiverse::words::Value;

use crate::{desk, sound, start, with};

/// Counts a customer's open tickets.
fn count_open(context: &mut Context<'_>) -> Result<(), Interruption> {
    let Some(customer) = context.target("customer").as_id() else {
        return Ok(());
    };
    trace!(context, "counts at {}", context.now());
    let open = context.retrieve("account", customer)?.value("open").as_whole().unwrap_or(0);
    context.update("account", customer, &[("open", (open + 1).into())])?;
    trace!(context, "{} open since {}", open + 1, context.now());
    Ok(())
}

fn counting() -> Testbed {
    with(Message::Create, "ticket", Stage::PostOperation, count_open)
}

fn ticket(name: &str) -> Ask {
    Ask::create("ticket").row(name).set("customer", "contoso")
}

/// The first holds the account in a transaction; the ticket of the second is about to count it.
fn waiting() -> (Testbed, [Caller; 2]) {
    let mut bed = counting();
    let [ann, bob] = ["ann", "bob"].map(|name| bed.caller(name, "org"));
    bed.begin_transaction(ann).unwrap();
    bed.ask_as(ann, Ask::update("account", "contoso").set("open", 10)).unwrap();
    bed.begin(bob, ticket("t1"));
    (bed, [ann, bob])
}

#[test]
fn a_nested_call_waits_for_who_holds_the_row_and_goes_on_when_it_is_free() {
    let (mut bed, [ann, bob]) = waiting();
    bed.pass(Duration::from_secs(20));
    assert_eq!((bed.blocked_count(), bed.answer_so_far(bob)), (1, None));
    assert_eq!(bed.value("ticket", "t1", "customer"), Value::Null, "nothing is committed yet");
    bed.commit(ann).unwrap();
    bed.answer(bob).unwrap();
    // It had read 3 before it came to wait: the lost update of everyone who reads and then writes.
    assert_eq!(bed.value("account", "contoso", "open"), 4.into());
    assert_eq!(bed.runs("the step"), 1, "it is one run, however often its function is");
    sound(&bed);
}

#[test]
fn a_line_of_the_trace_log_is_written_once_and_at_its_time() {
    let mut bed = counting();
    bed.ask(ticket("t1")).unwrap();
    insta::assert_debug_snapshot!(bed.trace_log(), @r#"
    [
        "counts at 2026-01-05T08:00:00.012Z",
        "4 open since 2026-01-05T08:00:00.029Z",
    ]
    "#);
    sound(&bed);
}

#[test]
fn a_copy_from_the_middle_of_a_plug_in_goes_on_alike() {
    let (mut bed, [ann, bob]) = waiting();
    bed.pass(Duration::from_secs(1));
    let mut copy = bed.clone();
    assert_eq!(copy.digest(), bed.digest());
    for bed in [&mut bed, &mut copy] {
        bed.commit(ann).unwrap();
        bed.answer(bob).unwrap();
        bed.settle();
    }
    assert_eq!(copy.digest(), bed.digest());
    assert_eq!(copy.trace().entries, bed.trace().entries);
    // Another copy goes another way, and the original knows nothing of it.
    let before = bed.digest();
    let mut other = bed.clone();
    other.ask(ticket("t2")).unwrap();
    assert_eq!(other.value("account", "contoso", "open"), 5.into());
    assert_eq!(bed.value("account", "contoso", "open"), 4.into());
    assert_eq!(bed.digest(), before);
}

#[test]
fn so_does_a_copy_from_any_instant_of_it() {
    let mut bed = counting();
    let callers = ["ann", "bob", "cid"].map(|name| bed.caller(name, "org"));
    for (number, caller) in callers.into_iter().enumerate() {
        bed.begin(caller, ticket(&format!("t{number}")));
    }
    let mut copies = Vec::new();
    for _ in 0..60 {
        copies.push(bed.clone());
        bed.pass(Duration::from_millis(2));
    }
    bed.settle();
    assert_eq!(bed.runs("the step"), 3);
    for mut copy in copies {
        copy.settle();
        // A copy is done as soon as nothing is due; the original was looked at a little longer.
        copy.pass(bed.now().duration_since(copy.now()));
        assert_eq!(copy.digest(), bed.digest());
        assert_eq!(copy.trace().entries, bed.trace().entries);
    }
    sound(&bed);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_other_ids() {
    let run = |seed| {
        let draw = |context: &mut Context<'_>| {
            let id = context.new_id()?;
            context.set_target("title", id.0.to_string())
        };
        let step = Step::new("draw", draw).on(Message::Create, "ticket").stage(Stage::PreOperation);
        let mut bed = start(&desk().step(step).seed(seed));
        bed.ask(ticket("t1")).unwrap();
        (bed.value("ticket", "t1", "title"), bed.trace().entries)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

/// A plug-in with a memory of its own: it asks for something else each time it is run.
fn forgetful() -> impl Fn(&mut Context<'_>) -> Result<(), Interruption> {
    let runs = AtomicU32::new(0);
    move |context: &mut Context<'_>| {
        if runs.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            context.create("account", &[]).map(drop)
        } else {
            context.delete("account", "fabrikam")
        }
    }
}

/// The fault that a plug-in ends in, where nothing compares it with a second time.
fn fault_of(
    plug_in: impl Fn(&mut Context<'_>) -> Result<(), Interruption> + Send + Sync + 'static,
) -> (FaultKind, String) {
    let text = "
scenario: A plug-in that changes its mind
tables: { account: { columns: { name: text } } }
instances: { org: { tables: [account] } }
rows: { org: { account: { fabrikam: { name: Fabrikam } } } }
plug-ins: [ { name: p, on: Update account, in: org, stage: PreOperation, rust: p } ]
actors: { ann: { in: org, do: [ { update: { table: account, row: fabrikam, set: { name: F } } } ] } }
";
    let plan = multiverse::run::parse("text", text).unwrap().remove(0);
    let mut plug_ins = PlugIns::default();
    plug_ins.insert("p", plug_in);
    let options = multiverse::engine::RunOptions { plug_ins, ..Default::default() };
    let run = multiverse::run::run(&plan, &options).unwrap();
    let ended = run.trace.entries.iter().find_map(|entry| match &entry.event {
        multiverse::trace::Event::PlugInEnded { fault: Some(fault), .. } => Some(fault),
        _ => None,
    });
    let fault = ended.expect("the plug-in fails");
    (fault.kind, fault.message.clone())
}

/// How a plug-in has departed from what it did before, as its fault tells.
fn departure(
    plug_in: impl Fn(&mut Context<'_>) -> Result<(), Interruption> + Send + Sync + 'static,
) -> String {
    let (kind, message) = fault_of(plug_in);
    assert_eq!(kind, FaultKind::PlugInFailed);
    let rule = " when it was run again: it must use no clock, no randomness, no I/O and no state \
                but those of its context.";
    message.strip_suffix(rule).expect("the rule is told").to_owned()
}

#[test]
fn a_plug_in_that_asks_for_something_else_when_it_is_run_again_is_caught() {
    assert_eq!(
        departure(forgetful()),
        "The plug-in asked for Create account, and asked for Delete account"
    );
}

#[test]
fn so_is_one_that_asks_for_less_or_writes_another_line_or_other_values() {
    let runs = AtomicU32::new(0);
    let less = move |context: &mut Context<'_>| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => context.create("account", &[]).map(drop),
        _ => Ok(()),
    };
    assert_eq!(departure(less), "The plug-in asked for Create account, and ended");

    let runs = AtomicU32::new(0);
    let lines = move |context: &mut Context<'_>| {
        trace!(context, "run {}", runs.fetch_add(1, Ordering::Relaxed));
        context.work(Duration::from_millis(1))
    };
    assert_eq!(departure(lines), "The plug-in traced \"run 0\", and traced \"run 1\"");

    let runs = AtomicU32::new(0);
    let values = move |context: &mut Context<'_>| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        context.create("account", &[("name", format!("run {run}").into())]).map(drop)
    };
    assert_eq!(departure(values), "The plug-in asked for Create account with other values");
}

#[test]
fn who_swallows_the_divergence_is_caught_all_the_same() {
    let fickle = forgetful();
    let (kind, _) = fault_of(move |context| {
        let _ = fickle(context);
        Ok(())
    });
    assert_eq!(kind, FaultKind::PlugInFailed);
}

#[test]
#[should_panic(expected = "went two ways")]
fn a_testbed_catches_a_memory_also_where_nothing_is_run_again() {
    let runs = AtomicU32::new(0);
    let mut bed = with(Message::Create, "ticket", Stage::PreOperation, move |context| {
        context.set_target("title", format!("run {}", runs.fetch_add(1, Ordering::Relaxed)))
    });
    let _ = bed.ask(ticket("t1"));
}

#[test]
fn who_ignores_that_it_waits_is_asked_nothing_more_until_the_answer_is_there() {
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, move |context| {
        count.fetch_add(1, Ordering::Relaxed);
        for _ in 0..3 {
            if context.create("account", &[]).is_ok() {
                trace!(context, "created");
            }
        }
        Ok(())
    });
    bed.ask(ticket("t1")).unwrap();
    assert_eq!(bed.trace_log(), ["created"; 3]);
    // Four runs of the function, and as many on the copy.
    assert_eq!(runs.load(Ordering::Relaxed), 8);
    sound(&bed);
}

#[test]
fn who_waits_for_good_in_a_loop_is_stopped() {
    let (kind, message) = fault_of(|context| {
        while context.work(Duration::from_millis(1)).is_err() {}
        Ok(())
    });
    assert_eq!(kind, FaultKind::PlugInFailed);
    assert_eq!(message, "An unexpected error occurred from ISV code.");
}

#[test]
fn a_scenario_file_names_the_plug_in_and_the_folder_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "
scenario: Tickets are counted
tables:
  account: { columns: { open: whole number } }
  ticket: { columns: { customer: { lookup: account } } }
instances: { org: { tables: [account, ticket] } }
rows: { org: { account: { contoso: { open: 3 } } } }
plug-ins: [ { name: count, on: Create ticket, in: org, stage: PostOperation, rust: count open } ]
actors:
  ann: { count: 4, in: org, do: [ { create: { table: ticket, set: { customer: contoso } } } ] }
expect:
  - { plug-in: count, runs: 4 }
  - { row: org/account/contoso, is: { open: 4 } }
";
    std::fs::write(folder.path().join("count.yaml"), text).unwrap();
    let outcomes = Folder::new(folder.path()).plug_in("count open", count_open).run();
    assert!(outcomes[0].holds(), "{}", outcomes[0]);
}
