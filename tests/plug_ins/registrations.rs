//! Registrations in Rust are held to the rules of the scenario language, in its words.

use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Context, Interruption};
use multiverse::testing::Step;
use multiverse::words::Value;

use crate::{desk, start};

fn nothing(_: &mut Context<'_>) -> Result<(), Interruption> {
    Ok(())
}

fn step() -> Step {
    Step::new("a step", nothing)
}

/// What the setup with this step is refused with.
fn refusal(step: Step) -> String {
    desk().step(step).start().map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_the_platform_refuses_to_register_is_refused_with_its_words() {
    let refused = [
        step().on(Message::Create, "ticket").pre_image("was", &[]),
        step().on(Message::Update, "ticket").stage(Stage::PreOperation).post_image("is", &[]),
        step().on(Message::Update, "ticket").stage(Stage::PreOperation).asynchronous(),
        step().on(Message::Create, "ticket").filter(&["title"]),
        step().on(Message::Upsert, "ticket"),
        step().on(Message::Update, "tickets"),
        step().on(Message::Update, "ticket").filter(&["titel"]),
        step().on(Message::Update, "ticket").in_instance("mars"),
    ];
    let refusals: Vec<_> = refused.into_iter().map(refusal).collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn everything_that_a_step_can_be_registered_with_is_written_as_a_scenario_has_it() {
    let setup = desk().step(
        step()
            .on(Message::Update, "account")
            .asynchronous()
            .rank(7)
            .filter(&["open", "credit"])
            .pre_image("was", &["open"])
            .post_image("is", &[])
            .run_as("system")
            .about("Says \"nothing\": it's quiet.")
            .disabled(),
    );
    insta::assert_snapshot!(setup.text(), @r#"
    scenario: "A help desk"
    seed: 0
    tables:
      "account":
        columns: { "name": text, "open": whole number, "credit": money }
        keys: { "by name": ["name"] }
      "ticket":
        columns: { "title": text, "customer": { lookup: account } }
    instances:
      "org": { tables: ["account", "ticket"] }
    rows:
      "org":
        "account":
          "contoso": { "name": "Contoso", "open": 3 }
          "fabrikam": { "name": "Fabrikam" }
    plug-ins:
      - name: "a step"
        on: "Update account"
        in: "org"
        stage: PostOperation
        mode: async
        rank: 7
        filter: ["open", "credit"]
        images: { "was": { pre: ["open"] }, "is": { post: all } }
        run as: "system"
        enabled: false
        about: "Says \"nothing\": it's quiet."
        rust: "a step"
    "#);
    let mut bed = start(&setup);
    bed.update("account", "contoso", &[("open", 4.into())]).unwrap();
    bed.settle();
    assert_eq!(bed.runs("a step"), 0, "it is disabled");
}

#[test]
fn a_step_on_every_table_runs_for_each() {
    let setup = desk().step(step().on_every_table(Message::Create).stage(Stage::PreValidation));
    let mut bed = start(&setup);
    bed.create("ticket", "t1", &[]).unwrap();
    bed.create("account", "a1", &[]).unwrap();
    assert_eq!(bed.runs("a step"), 2);
}

#[test]
fn texts_that_look_like_expressions_are_texts() {
    let odd = ["=1 + 1", "$target", "{n} it's", "null", "007", "two\nlines \"quoted\" \\", "true"];
    let mut setup = desk();
    for text in odd {
        setup = setup.row("ticket", text, &[("title", text.into())]);
    }
    let bed = start(&setup);
    for text in odd {
        assert_eq!(bed.value("ticket", text, "title"), Value::text(text));
    }
}

#[test]
fn rows_stand_in_the_instance_that_they_name() {
    let setup = desk().instance("us").instance("europe").row_in(
        "europe",
        "ticket",
        "t1",
        &[("title", "Hilfe".into())],
    );
    let bed = start(&setup);
    assert!(bed.row("account", "contoso").is_some());
    assert!(bed.row("ticket", "t1").is_none());
    assert_eq!(bed.row_in("europe", "ticket", "t1").unwrap().value("title"), "Hilfe".into());
}
