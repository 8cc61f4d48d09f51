//! Every message that a plug-in may ask for, beside those on a single row.

use multiverse::fault::FaultKind;
use multiverse::plan::{Message, Right, Stage};
use multiverse::plug_in::{Ask, Context, Interruption, Rows, Which, column};
use multiverse::testing::{Setup, Step};
use multiverse::trace;
use multiverse::words::Value;

use crate::{desk, sound, start, with};

/// A custom API that prices an order, and what others add to it.
fn pricing() -> Setup {
    let price = |context: &mut Context<'_>| {
        let pieces = context.retrieve("order", context.target_id().unwrap())?.value("pieces");
        let unit = context.input("unit price").as_whole().unwrap_or(0);
        context.set_output("price", pieces.as_whole().unwrap_or(0) * unit);
        trace!(context, "{:?} in {:?}", context.output("price"), context.stage());
        Ok(())
    };
    let at_least_five = |context: &mut Context<'_>| {
        if context.input("unit price").as_whole() < Some(5) {
            context.set_input("unit price", 5);
        }
        Ok(())
    };
    let by_the_dozen = |context: &mut Context<'_>| {
        let price = context.output("price").as_whole().unwrap_or(0);
        context.set_output("price", price - 10);
        Ok(())
    };
    Setup::new("A custom API in Rust")
        .table("order", &[("pieces", "whole number")])
        .row("order", "o1", &[("pieces", 12.into())])
        .plug_in("price", price)
        .step(
            Step::new("at least five", at_least_five)
                .on_custom("new_PriceOrder")
                .stage(Stage::PreOperation),
        )
        .step(Step::new("by the dozen", by_the_dozen).on_custom("new_PriceOrder"))
        .more(
            "
messages:
  new_PriceOrder:
    in: org
    kind: custom API
    custom steps: sync and async
    table: order
    parameters: { unit price: whole number }
    response: { price: whole number }
    rust: price
",
        )
}

#[test]
fn a_custom_api_is_a_plug_in_between_the_steps_of_others() {
    let mut bed = start(&pricing());
    let ask = Ask::custom("new_PriceOrder").row("o1").set("unit price", 4);
    let answer = bed.ask(ask).unwrap().into_value();
    assert_eq!(answer.as_record().unwrap().value("price"), 50.into());
    assert_eq!(bed.trace_log(), ["Whole(60) in MainOperation"]);
    sound(&bed);
}

#[test]
fn a_plug_in_asks_for_a_custom_message_and_for_none_that_is_not_there() {
    let ask = |context: &mut Context<'_>| {
        let ask = Ask::custom("new_PriceOrder").row("o1").set("unit price", 7);
        let priced = context.execute(ask)?.into_value();
        trace!(context, "{:?}", priced.as_record().map(|it| it.value("price")));
        let unknown = context.attempt(|it| it.execute(Ask::custom("new_Nothing")))?;
        trace!(context, "{}", unknown.unwrap_err());
        Ok(())
    };
    let step = Step::new("ask", ask).on(Message::Update, "order").stage(Stage::PreValidation);
    let mut bed = start(&pricing().step(step));
    bed.update("order", "o1", &[("pieces", 10.into())]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    Whole(84) in MainOperation
    Some(Whole(74))
    plug-in failed (0x80040224): An unexpected error occurred: there is no message `new_Nothing`.
    "#);
    sound(&bed);
}

#[test]
fn an_output_of_a_retrieve_is_what_its_caller_reads() {
    let hide = |context: &mut Context<'_>| {
        context.set_output("name", "***");
        Ok(())
    };
    let mut bed = with(Message::Retrieve, "account", Stage::PostOperation, hide);
    let read = bed.ask(Ask::retrieve("account", "contoso")).unwrap().into_value();
    assert_eq!(read.as_record().unwrap().value("name"), "***".into());
    assert_eq!(bed.value("account", "contoso", "name"), "Contoso".into());
    let wrong = |context: &mut Context<'_>| {
        context.set_output("nam", "***");
        Ok(())
    };
    let mut bed = with(Message::Retrieve, "account", Stage::PostOperation, wrong);
    let fault = bed.ask(Ask::retrieve("account", "contoso")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::PlugInFailed, "{fault}");
}

#[test]
fn requests_in_one_are_all_or_none_or_each_for_itself() {
    let wrong = || Ask::update("account", "nobody").set("name", "X");
    let right = |name: &str| Ask::create("account").row(name).set("name", name);
    let all = move |context: &mut Context<'_>| {
        let batch = Ask::transaction([right("a"), wrong(), right("b")]);
        let fault = context.attempt(|it| it.execute(batch))?.unwrap_err();
        trace!(context, "transaction: {}", fault.kind.facts().word);
        let batch = Ask::multiple([right("c"), wrong(), right("d")], true);
        let answer = context.execute(batch)?;
        trace!(
            context,
            "multiple: {}",
            matches!(answer.into_value(), Value::List(it) if it.len() == 3)
        );
        Ok(())
    };
    let mut bed = with(Message::Create, "ticket", Stage::PreValidation, all);
    bed.create("ticket", "t1", &[]).unwrap();
    let there = ["a", "b", "c", "d"].map(|name| bed.row("account", name).is_some());
    assert_eq!(there, [false, false, true, true]);
    assert_eq!(bed.trace_log(), ["transaction: row does not exist", "multiple: true"]);
    sound(&bed);
}

#[test]
fn a_merge_an_association_and_a_version_are_asked_for_by_names() {
    let ask = |context: &mut Context<'_>| {
        let row = context.retrieve("account", "contoso")?;
        context.execute(
            Ask::update("account", "contoso").set("open", 9).if_version(row.row_version),
        )?;
        let stale = Ask::update("account", "contoso").set("open", 8).if_version(row.row_version);
        let fault = context.attempt(|it| it.execute(stale))?.unwrap_err();
        trace!(context, "{}", fault.kind.facts().word);
        let there = Ask::upsert("account", "contoso").set("open", 7).if_missing();
        let fault = context.attempt(|it| it.execute(there))?.unwrap_err();
        trace!(context, "{}", fault.kind.facts().word);
        context.execute(Ask::associate(
            "tags of an account",
            "account",
            "contoso",
            ["vip", "old"],
        ))?;
        context.execute(Ask::disassociate("tags of an account", "account", "contoso", ["old"]))?;
        let no = Ask::associate("tags", "account", "contoso", ["vip"]);
        trace!(context, "{}", context.attempt(|it| it.execute(no))?.unwrap_err().message);
        context.execute(Ask::merge("account", "contoso", "fabrikam").set("open", 12))?;
        Ok(())
    };
    let setup = desk()
        .table("tag", &[("label", "text")])
        .row("tag", "vip", &[])
        .row("tag", "old", &[])
        .more(
            "
relationships:
  tags of an account: { kind: many-to-many, between: [account, tag], intersect: accounttag }
",
        );
    let hear = |context: &mut Context<'_>| {
        let related = context.input("RelatedEntities");
        let count = if let Value::List(rows) = related { rows.len() } else { 0 };
        let relationship = context.input("Relationship");
        trace!(context, "{} {count} by {relationship:?}", context.message().name());
        Ok(())
    };
    let step = Step::new("ask", ask).on(Message::Create, "ticket").stage(Stage::PreValidation);
    let hears = Step::new("hear", hear).on_every_table(Message::Associate);
    let mut bed = start(&setup.step(step).step(hears));
    bed.create("ticket", "t1", &[]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    concurrency mismatch
    duplicate row
    Associate 2 by Text("tags of an account")
    An unexpected error occurred: `account` has no relationship `tags`.
    "#);
    assert_eq!(bed.value("account", "contoso", "open"), 12.into());
    sound(&bed);
}

#[test]
fn rows_are_shared_and_teams_get_members() {
    let security = "
security:
  org:
    business units: { contoso: {} }
    roles: { clerk: { account: { read: user }, ticket: { create: organization } } }
    users: { ann: { roles: [clerk] }, bob: { roles: [clerk] } }
    teams: { desk: { kind: access } }
";
    let share = |context: &mut Context<'_>| {
        context.execute(Ask::share("account", "contoso", "bob", &[Right::Read]))?;
        context.execute(Ask::share("account", "fabrikam", "desk", &[Right::Read]))?;
        context.execute(Ask::add_members("desk", ["bob"]))?;
        Ok(())
    };
    let step = Step::new("share", share).on(Message::Create, "ticket").run_as("system");
    let mut bed = start(&desk().step(step).more(security));
    let (ann, bob) = (bed.user("ann", "org"), bed.user("bob", "org"));
    let sees = |bed: &mut multiverse::testing::Testbed| {
        ["contoso", "fabrikam"].map(|row| bed.ask_as(bob, Ask::retrieve("account", row)).is_ok())
    };
    assert_eq!(sees(&mut bed), [false, false]);
    bed.ask_as(ann, Ask::create("ticket")).unwrap();
    assert_eq!(sees(&mut bed), [true, true]);
    sound(&bed);
}

#[test]
fn an_ask_that_means_nothing_is_a_fault() {
    let asks = |context: &mut Context<'_>| -> Result<(), Interruption> {
        for ask in [
            Ask::new(Message::Update, "account"),
            Ask::new(Message::Merge, "account").row("contoso"),
            Ask::merge("account", "contoso", Which::key(&[("name", "Fabrikam".into())])),
            Ask::transaction([Ask::create("account").in_instance("org"), Ask::create("nothing")]),
            Ask::retrieve_multiple(Rows::of("account").only(column("open").equal("three"))),
        ] {
            match context.attempt(|it| it.execute(ask))? {
                Ok(answer) => trace!(context, "{answer:?}"),
                Err(fault) => trace!(context, "{fault}"),
            }
        }
        Ok(())
    };
    let mut bed = with(Message::Create, "ticket", Stage::PreValidation, asks);
    bed.create("ticket", "t1", &[]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    plug-in failed (0x80040224): An unexpected error occurred: Update account names no row.
    plug-in failed (0x80040224): An unexpected error occurred: Merge is asked for in its own words.
    plug-in failed (0x80040224): An unexpected error occurred: a row is named here by its id or name.
    no such table (0x80041102): The entity with a name = 'nothing' was not found.
    List([])
    "#);
}
