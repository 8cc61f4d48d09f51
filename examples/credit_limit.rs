//! A plug-in that says no: orders beyond a customer's credit are refused.
//!
//! ```sh
//! cargo run --example credit_limit
//! ```
//!
//! # What it is about
//!
//! Every customer has a credit. Whoever creates an order, or changes its amount, must stay within
//! what is left of it, and is told in plain words when not. The plug-in runs in PreOperation:
//! inside the transaction, so that what it writes stands or falls with the order, and before the
//! order's row is written, so that little has to be undone when it says no.
//!
//! # What it shows
//!
//! - The *target* of an Update has only the columns that the caller has put in. What the order cost
//!   before is in the pre-image `was`, of which the registration says that it wants one column.
//! - `fail` is the `InvalidPluginExecutionException`: its text is what the user reads.
//! - `trace!` writes to the plug-in trace log, which stays when the transaction does not.
//! - The test bed is a whole instance. Nothing is mocked: the plug-in's own requests pass all
//!   stages, hold locks, and could be refused for want of privileges.

use multiverse::fault::Fault;
use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIn};
use multiverse::testing::{Setup, Step, Testbed};
use multiverse::trace;
use rust_decimal::Decimal;

/// Keeps the sum of a customer's orders within the customer's credit.
///
/// The fields are what stands in the *unsecure configuration* of a step on the platform: they are
/// set once, and no request changes them.
#[derive(Clone, Copy)]
pub struct CreditLimit {
    /// Orders up to this amount are nobody's concern.
    pub free_up_to: Decimal,
}

impl PlugIn for CreditLimit {
    fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption> {
        let amount = context.target("amount").as_decimal().unwrap_or_default();
        if amount <= self.free_up_to {
            trace!(context, "{amount} is free");
            return Ok(());
        }
        // A Create brings the customer; an Update has it in its image, with the amount so far.
        let (customer, before) = match context.message() {
            Message::Create => (context.target("customer"), Decimal::ZERO),
            _ => {
                let was = context.image("was")?;
                (was.value("customer"), was.value("amount").as_decimal().unwrap_or_default())
            }
        };
        let Some(customer) = customer.as_id() else {
            return Err(context.fail("An order needs a customer."));
        };
        let account = context.retrieve("account", customer)?;
        let credit = account.value("credit").as_decimal().unwrap_or_default();
        let used = account.value("used").as_decimal().unwrap_or_default() + amount - before;
        trace!(context, "{used} of {credit} used with this order");
        if used > credit {
            let name = account.value("name");
            let name = name.as_text().unwrap_or("The customer").to_owned();
            let over = used - credit;
            return Err(context.fail(&format!("{name} would be {over} beyond the credit.")));
        }
        context.update("account", customer, &[("used", used.into())])
    }
}

/// An instance with a customer who has a credit of 100, and the plug-in on both messages.
pub fn shop() -> Testbed {
    let plug_in = CreditLimit { free_up_to: Decimal::from(5) };
    Setup::new("A credit that is kept")
        .table("account", &[("name", "text"), ("credit", "money"), ("used", "money")])
        .table("order", &[("customer", "{ lookup: account }"), ("amount", "money")])
        .row("account", "contoso", &[("name", "Contoso".into()), ("credit", 100.into())])
        .step(
            Step::new("credit limit of a new order", plug_in)
                .on(Message::Create, "order")
                .stage(Stage::PreOperation),
        )
        .step(
            Step::new("credit limit of another amount", plug_in)
                .on(Message::Update, "order")
                .stage(Stage::PreOperation)
                .filter(&["amount"])
                .pre_image("was", &["customer", "amount"]),
        )
        .start()
        .expect("the setup is right")
}

/// Orders something for Contoso.
///
/// # Errors
///
/// The credit does not suffice.
pub fn order(shop: &mut Testbed, name: &str, amount: i64) -> Result<(), Fault> {
    let ask = Ask::create("order").row(name).set("customer", "contoso").set("amount", amount);
    shop.ask(ask).map(drop)
}

/// Plays it through, and tells it.
pub fn tell() -> String {
    let mut shop = shop();
    let mut told = Vec::new();
    let mut tell = |what: &str, result: Result<(), Fault>| match result {
        Ok(()) => told.push(format!("{what}: done")),
        Err(fault) => told.push(format!("{what}: {fault}")),
    };
    tell("60 chairs", order(&mut shop, "chairs", 60));
    tell("50 tables", order(&mut shop, "tables", 50));
    tell("a pencil", order(&mut shop, "pencil", 1));
    tell("30 chairs more", shop.update("order", "chairs", &[("amount", 90.into())]));
    tell("another customer", shop.update("order", "chairs", &[("customer", "contoso".into())]));
    let used = shop.value("account", "contoso", "used").as_decimal().unwrap_or_default();
    told.push(format!("used: {used}"));
    told.push(String::new());
    told.push("The plug-in trace log:".to_owned());
    told.extend(shop.trace_log().into_iter().map(|line| format!("  {line}")));
    told.join("\n")
}

fn main() {
    println!("{}", tell());
}
