//! What a plug-in is told of what it runs for.

use std::time::Duration;

use multiverse::plan::{Message, Mode, Stage, UpsertWhen};
use multiverse::plug_in::{Ask, Context, Interruption, Rows, Which, column};
use multiverse::testing::Step;
use multiverse::trace;
use multiverse::words::Value;

use crate::{desk, sound, start, with};

#[test]
fn a_step_learns_what_who_where_and_how_deep() {
    let tell = |context: &mut Context<'_>| {
        trace!(
            context,
            "{} {} in {} by {}: {:?}, {:?}, depth {}, in transaction: {}, parent {:?}",
            context.message().name(),
            context.table(),
            context.instance(),
            context.step(),
            context.stage(),
            context.mode(),
            context.depth(),
            context.is_in_transaction(),
            context.parent().map(|parent| (parent.message, parent.stage, parent.depth)),
        );
        Ok(())
    };
    let nest = |context: &mut Context<'_>| context.create("account", &[]).map(drop);
    let mut bed = start(
        &desk()
            .step(Step::new("outer", nest).on(Message::Create, "ticket"))
            .step(
                Step::new("early", tell).on(Message::Create, "ticket").stage(Stage::PreValidation),
            )
            .step(
                Step::new("inner", tell).on(Message::Create, "account").stage(Stage::PreOperation),
            )
            .step(Step::new("late", tell).on(Message::Create, "account").asynchronous()),
    );
    bed.create("ticket", "t1", &[]).unwrap();
    bed.settle();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    Create ticket in org by early: PreValidation, Synchronous, depth 1, in transaction: false, parent None
    Create account in org by inner: PreOperation, Synchronous, depth 2, in transaction: true, parent Some((Create, PostOperation, 1))
    Create account in org by late: PostOperation, Asynchronous, depth 2, in transaction: false, parent None
    "#);
    sound(&bed);
}

#[test]
fn the_target_is_changed_before_the_main_operation_and_not_after_it() {
    for (stage, title) in [(Stage::PreOperation, "new"), (Stage::PostOperation, "old")] {
        let mut bed = with(Message::Create, "ticket", stage, |context| {
            assert_eq!(context.target("title"), "old".into());
            assert!(context.has_target("customer") && context.target("customer").is_null());
            context.remove_target("customer")?;
            assert!(!context.has_target("customer"));
            context.set_target("title", "new")
        });
        let columns = [("title", "old".into()), ("customer", Value::Null)];
        bed.create("ticket", "t1", &columns).unwrap();
        assert_eq!(bed.value("ticket", "t1", "title"), title.into());
    }
}

#[test]
fn images_are_found_by_their_alias_and_have_their_columns() {
    let look = |context: &mut Context<'_>| {
        let (was, is) = (context.image("was")?, context.image("is")?);
        assert_eq!(was.value("name"), "Contoso".into(), "all of the row, as it was");
        assert_eq!((was.value("open"), is.value("open")), (3.into(), 4.into()));
        assert_eq!(is.value("name"), Value::Null, "it was registered with one column");
        context.image("typo").map(drop)
    };
    let step = Step::new("look", look)
        .on(Message::Update, "account")
        .filter(&["open"])
        .pre_image("was", &[])
        .post_image("is", &["open"]);
    let mut bed = start(&desk().step(step));
    bed.update("account", "contoso", &[("name", "Contoso Ltd".into())]).unwrap();
    bed.update("account", "contoso", &[("name", "Contoso".into())]).unwrap();
    assert_eq!(bed.runs("look"), 0, "no column of the filter was there");
    bed.update("account", "contoso", &[("open", 4.into())]).unwrap_err();
    assert!(bed.story().contains("has no image `typo`; it has `was`, `is`"), "{}", bed.story());
    assert_eq!(bed.value("account", "contoso", "open"), 3.into());
}

#[test]
fn parameters_have_the_names_of_the_platform() {
    let parameters = |context: &mut Context<'_>| {
        let names = ["Target", "id", "BusinessEntity", "BusinessEntityCollection"];
        let given = |value: &Value| value.kind();
        let inputs = names.map(|name| given(&context.input(name)));
        let outputs = names.map(|name| given(&context.output(name)));
        trace!(context, "{} {inputs:?} {outputs:?}", context.message().name());
        Ok(())
    };
    let mut setup = desk();
    for message in [Message::Create, Message::Retrieve, Message::RetrieveMultiple, Message::Delete]
    {
        setup = setup.step(Step::new(message.name(), parameters).on(message, "ticket"));
    }
    let mut bed = start(&setup);
    bed.create("ticket", "t1", &[]).unwrap();
    bed.ask(Ask::retrieve("ticket", "t1")).unwrap();
    bed.ask(Ask::retrieve_multiple(Rows::of("ticket"))).unwrap();
    bed.delete("ticket", "t1").unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    Create ["a row", "null", "null", "null"] ["null", "a unique id", "null", "null"]
    Retrieve ["a unique id", "null", "null", "null"] ["null", "null", "a row", "null"]
    RetrieveMultiple ["null", "null", "null", "null"] ["null", "null", "null", "a list"]
    Delete ["a unique id", "null", "null", "null"] ["null", "null", "null", "null"]
    "#);
}

#[test]
fn shared_variables_go_to_later_steps_and_to_requests_within() {
    let early = |context: &mut Context<'_>| {
        assert!(context.shared("from").is_null(), "nobody has set it yet, on no run");
        context.set_shared("from", "early");
        context.work(Duration::from_millis(1))?;
        assert_eq!(context.shared("from"), "early".into(), "it is there when run again");
        Ok(())
    };
    let outer = |context: &mut Context<'_>| {
        assert_eq!(context.shared("from"), Value::Null, "PreValidation is another context");
        let from = context.parent_shared("from");
        context.set_shared("count", 1);
        context.create("account", &[])?;
        context.set_shared("count", 2);
        trace!(context, "outer: {from:?} {:?}", context.shared("count"));
        Ok(())
    };
    let inner = |context: &mut Context<'_>| {
        let (own, around) = (context.shared("count"), context.parent_shared("count"));
        trace!(context, "inner: {own:?} {around:?}");
        Ok(())
    };
    let last = |context: &mut Context<'_>| {
        trace!(context, "last: {:?}", context.shared("count"));
        Ok(())
    };
    let on_ticket = |name, plug_in| Step::new(name, plug_in).on(Message::Create, "ticket");
    let mut bed = start(
        &desk()
            .step(
                on_ticket("early", early as fn(&mut Context<'_>) -> _).stage(Stage::PreValidation),
            )
            .step(on_ticket("outer", outer).stage(Stage::PreOperation))
            .step(Step::new("inner", inner).on(Message::Create, "account"))
            .step(on_ticket("last", last)),
    );
    bed.create("ticket", "t1", &[]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    inner: Null Whole(1)
    outer: Text("early") Whole(2)
    last: Whole(2)
    "#);
    sound(&bed);
}

#[test]
fn every_service_call_does_what_its_message_does() {
    let mut bed = with(Message::Create, "ticket", Stage::PostOperation, |context| {
        let id = context.create("account", &[("name", "Adventure".into()), ("open", 7.into())])?;
        context.update("account", id, &[("credit", 100.into())])?;
        context.upsert("account", Which::key(&[("name", "Adventure".into())]), &[])?;
        let stub = Ask::upsert("account", "litware").when(UpsertWhen::Missing);
        context.execute(stub.set("name", "Litware").set("open", 1))?;
        let busy = Rows::of("account")
            .only(column("open").at_least(3) & !column("name").equal("Contoso"))
            .columns(&["name"]);
        let found = context.retrieve_multiple(busy)?;
        trace!(context, "busy: {:?}", found.iter().map(|it| it.value("name")).collect::<Vec<_>>());
        let ordered = Rows::of("account").only(column("open").not_null());
        let ordered = ordered.descending_by("open").top(2);
        let found = context.retrieve_multiple(ordered)?;
        trace!(context, "top: {:?}", found.iter().map(|it| it.value("open")).collect::<Vec<_>>());
        let of_contoso = Rows::of("ticket").only(column("customer.name").like("Con%"));
        let found = context.retrieve_multiple(of_contoso.expand("customer"))?;
        let behind = found[0].behind("customer").map(|account| account.value("name"));
        trace!(context, "tickets: {} of {behind:?}", found.len());
        context.delete("account", "fabrikam")
    });
    bed.create("ticket", "t1", &[("customer", "contoso".into())]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    busy: [Text("Adventure")]
    top: [Whole(7), Whole(3)]
    tickets: 1 of Some(Text("Contoso"))
    "#);
    assert!(bed.row("account", "fabrikam").is_none());
    let adventure = bed.row("account", Which::key(&[("name", "Adventure".into())])).unwrap();
    assert_eq!(adventure.value("credit").as_decimal(), Some(100.into()));
    sound(&bed);
}

#[test]
fn what_is_named_and_not_there_is_a_fault_of_the_platform() {
    type Call = fn(&mut Context<'_>) -> Result<(), Interruption>;
    let faults = |context: &mut Context<'_>| {
        let wrong: [Call; 6] = [
            |it| it.create("acount", &[]).map(drop),
            |it| it.create("account", &[("nam", "x".into())]).map(drop),
            |it| it.update("account", Which::key(&[("open", 1.into())]), &[]),
            |it| it.retrieve_multiple(Rows::of("account").only(column("nam").null())).map(drop),
            |it| it.retrieve_multiple(Rows::of("ticket").only(column("title.x").null())).map(drop),
            |it| it.execute(Ask::create("account").in_instance("mars")).map(drop),
        ];
        for ask in wrong {
            let fault = context.attempt(ask)?.unwrap_err();
            trace!(context, "{fault}");
        }
        Ok(())
    };
    let mut bed = with(Message::Create, "ticket", Stage::PreValidation, faults);
    bed.create("ticket", "t1", &[]).unwrap();
    insta::assert_snapshot!(bed.trace_log().join("\n"), @r#"
    no such table (0x80041102): The entity with a name = 'acount' was not found.
    no such column (0x80041103): 'account' entity doesn't contain attribute with Name = 'nam'.
    key not defined (0x80060890): The specified key attributes are not a defined key for the account entity
    no such column (0x80041103): 'account' entity doesn't contain attribute with Name = 'nam'.
    invalid argument (0x80040203): `title` is no lookup: it leads to no `x`.
    plug-in failed (0x80040224): An unexpected error occurred: there is no instance `mars`.
    "#);
}

#[test]
fn another_instance_is_no_part_of_the_transaction_and_may_be_out_of_reach() {
    let copy = |context: &mut Context<'_>| {
        let title = context.target("title");
        let ask = Ask::create("ticket").set("title", title).in_instance("europe");
        context.execute(ask)?;
        Err(context.fail("Not here."))
    };
    let setup = desk()
        .instance("us")
        .instance("europe")
        .step(Step::new("copy", copy).on(Message::Create, "ticket"));
    let mut bed = start(&setup);
    let fault = bed.create("ticket", "t1", &[("title", "Help".into())]).unwrap_err();
    assert_eq!(fault.message, "Not here.");
    assert!(bed.row("ticket", "t1").is_none(), "rolled back here");
    let rows = bed.caller("reader", "europe");
    let found = bed.ask_as(rows, Ask::retrieve_multiple(Rows::of("ticket"))).unwrap();
    assert!(matches!(found.into_value(), Value::List(rows) if rows.len() == 1), "not there");
    let outage = "outages: [ { instance: europe, from: 0s, until: 1h, as: unreachable } ]";
    let mut bed = start(&setup.more(outage));
    let fault = bed.create("ticket", "t1", &[]).unwrap_err();
    assert_eq!(fault.kind.facts().word, "unreachable");
    sound(&bed);
}

#[test]
fn a_step_runs_as_its_user_or_as_the_caller() {
    let security = "
security:
  org:
    business units: { contoso: {} }
    roles: { clerk: { account: { create: organization, read: organization }, ticket: { create: organization, read: organization } } }
    users: { ann: { roles: [clerk] }, bob: { roles: [clerk] } }
";
    let tell = |context: &mut Context<'_>| {
        let (who, by) = (context.user_id(), context.initiating_user_id());
        trace!(context, "{} {}", who == by, who.is_some());
        context.create("account", &[]).map(drop)
    };
    let on_ticket = |name| Step::new(name, tell).on(Message::Create, "ticket");
    let setup = desk()
        .step(on_ticket("as the caller").rank(1))
        .step(on_ticket("as bob").rank(2).run_as("bob"))
        .step(on_ticket("as system").rank(3).run_as("system"))
        .more(security);
    let mut bed = start(&setup);
    let ann = bed.user("ann", "org");
    bed.ask_as(ann, Ask::create("ticket")).unwrap();
    assert_eq!(bed.trace_log(), ["true true", "false true", "false false"]);
    assert_eq!(Mode::default(), Mode::Synchronous);
    sound(&bed);
}
