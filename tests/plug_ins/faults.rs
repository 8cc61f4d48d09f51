//! How a plug-in fails, and what becomes of what it has done.

use std::time::Duration;

use multiverse::fault::{FaultKind, OperationStatus};
use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Ask, Context, Interruption};
use multiverse::testing::Step;
use multiverse::trace;
use multiverse::words::Value;

use crate::{desk, sound, start, with};

#[test]
fn a_fault_rolls_everything_back_and_the_trace_log_stays() {
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, |context| {
        context.update("account", "contoso", &[("open", 4.into())])?;
        trace!(context, "counted, but no");
        Err(context.fail("Contoso has enough tickets."))
    });
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::PlugInAborted);
    assert_eq!(fault.message, "Contoso has enough tickets.");
    assert!(bed.row("ticket", "t1").is_none());
    assert_eq!(bed.value("account", "contoso", "open"), 3.into());
    assert_eq!(bed.trace_log(), ["counted, but no"]);
    sound(&bed);
}

/// Goes on after a nested request that has failed.
fn hopeful(context: &mut Context<'_>) -> Result<(), Interruption> {
    let missing = context.attempt(|it| it.update("account", "nobody", &[]))?;
    trace!(context, "met {}", missing.unwrap_err().kind.facts().word);
    Ok(())
}

#[test]
fn a_swallowed_fault_dooms_the_transaction() {
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, hopeful);
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!((fault.kind, fault.kind.facts().code), (FaultKind::SwallowedFault, 0x8009_000c));
    assert_eq!(bed.trace_log(), ["met row does not exist"]);
    assert!(bed.row("ticket", "t1").is_none());
    sound(&bed);
}

#[test]
fn a_request_after_a_swallowed_fault_finds_the_transaction_gone() {
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, |context| {
        hopeful(context)?;
        context.create("account", &[]).map(drop)
    });
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!(
        (fault.kind, fault.kind.facts().code),
        (FaultKind::TransactionNotStarted, 0x8004_0251)
    );
    sound(&bed);
}

#[test]
fn a_swallowed_deadlock_has_a_code_of_its_own() {
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, |context| {
        context.update("account", "contoso", &[("open", 4.into())])?;
        let met = context.attempt(|it| it.update("account", "fabrikam", &[("open", 1.into())]))?;
        trace!(context, "met {}", met.unwrap_err().kind.facts().word);
        context.create("account", &[]).map(drop)
    });
    let (ann, bob) = (bed.caller("ann", "org"), bed.caller("bob", "org"));
    bed.begin_transaction(bob).unwrap();
    // Bob has written more, so he is not the victim.
    for number in 0..10 {
        bed.ask_as(bob, Ask::create("account").set("open", number)).unwrap();
    }
    bed.ask_as(bob, Ask::update("account", "fabrikam").set("open", 9)).unwrap();
    bed.begin(ann, Ask::create("ticket").row("t1"));
    bed.pass(Duration::from_secs(1));
    bed.begin(bob, Ask::update("account", "contoso").set("open", 9));
    let fault = bed.answer(ann).unwrap_err();
    let facts = fault.kind.facts();
    assert_eq!((fault.kind, facts.code), (FaultKind::TransactionAborted, 0x8004_0255));
    assert_eq!(bed.trace_log(), ["met deadlock victim"]);
    bed.answer(bob).unwrap();
    bed.commit(bob).unwrap();
    assert!(bed.row("ticket", "t1").is_none());
    assert_eq!(bed.value("account", "contoso", "open"), 9.into());
    sound(&bed);
}

#[test]
fn before_the_transaction_a_fault_can_be_met() {
    let mut bed = with(Message::Create, "ticket", Stage::PreValidation, hopeful);
    bed.create("ticket", "t1", &[]).unwrap();
    assert!(bed.row("ticket", "t1").is_some());
    sound(&bed);
}

#[test]
fn an_exception_and_a_panic_tell_the_caller_nothing_and_the_story_their_text() {
    let throws = |context: &mut Context<'_>| Err(context.throw("the key was not present"));
    let panics = |_: &mut Context<'_>| -> Result<(), Interruption> {
        let accounts: [u32; 0] = [];
        Err(Interruption::Exception(accounts[accounts.len()].to_string()))
    };
    for (plug_in, text) in [
        (throws as fn(&mut Context<'_>) -> Result<(), Interruption>, "the key was not present"),
        (panics, "index out of bounds"),
    ] {
        let mut bed = with(Message::Create, "ticket", Stage::PostOperation, plug_in);
        let fault = bed.create("ticket", "t1", &[]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::PlugInFailed);
        assert_eq!(fault.message, "An unexpected error occurred from ISV code.");
        assert!(bed.story().contains(text), "{}", bed.story());
        assert!(bed.row("ticket", "t1").is_none());
        sound(&bed);
    }
}

#[test]
fn a_job_is_tried_again_where_its_plug_in_asks_for_it() {
    let impatient = |context: &mut Context<'_>| {
        let known = context.retrieve("account", "contoso")?.value("open");
        context.update(
            "account",
            "contoso",
            &[("open", known.as_whole().map(|it| it + 1).into())],
        )?;
        match known.as_whole() {
            Some(5..) => Ok(()),
            _ => Err(context.fail_with("Not yet.", OperationStatus::Retry)),
        }
    };
    let step = Step::new("impatient", impatient).on(Message::Create, "ticket").asynchronous();
    let mut bed = start(&desk().step(step));
    bed.create("ticket", "t1", &[]).unwrap();
    assert_eq!(bed.runs("impatient"), 0, "nobody waits for it");
    bed.settle();
    // What a job has done stays done, each request being a transaction of its own.
    assert_eq!(bed.value("account", "contoso", "open"), Value::Whole(6));
    assert_eq!(bed.runs("impatient"), 3);
    sound(&bed);
}

#[test]
fn a_value_that_does_not_fit_its_column_is_a_fault() {
    let mut bed = with(Message::Create, "ticket", Stage::PreOperation, |context| {
        context.set_target("customer", 7)
    });
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!(fault.kind.facts().word, "invalid argument", "{fault}");
    let mut bed = with(Message::Create, "ticket", Stage::PreOperation, |context| {
        context.set_target("titel", "x")
    });
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NoSuchColumn);
}
