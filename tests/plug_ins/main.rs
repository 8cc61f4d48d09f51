//! Plug-ins in Rust, as stories: what they are given, what they may ask for, and what a world is
//! worth in the middle of one.

mod contexts;
mod faults;
mod host;
mod messages;
mod queries;
mod registrations;
mod replay;

use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Context, Interruption};
use multiverse::testing::{Setup, Step, Testbed};

/// Accounts with tickets, in one instance.
fn desk() -> Setup {
    Setup::new("A help desk")
        .table("account", &[("name", "text"), ("open", "whole number"), ("credit", "money")])
        .key(&["name"])
        .table("ticket", &[("title", "text"), ("customer", "{ lookup: account }")])
        .row("account", "contoso", &[("name", "Contoso".into()), ("open", 3.into())])
        .row("account", "fabrikam", &[("name", "Fabrikam".into())])
}

/// The setup with a plug-in on this message.
fn with(
    message: Message,
    table: &str,
    stage: Stage,
    plug_in: impl Fn(&mut Context<'_>) -> Result<(), Interruption> + Send + Sync + 'static,
) -> Testbed {
    start(&desk().step(Step::new("the step", plug_in).on(message, table).stage(stage)))
}

fn start(setup: &Setup) -> Testbed {
    setup.start().unwrap()
}

/// What a test ends with: the engine has kept its promises.
fn sound(bed: &Testbed) {
    let violations = bed.violations();
    assert!(violations.is_empty(), "{violations:#?}\n{}", bed.story());
}
