//! Numbers without gaps and without doubles, and what they cost.
//!
//! ```sh
//! cargo run --example auto_number
//! ```
//!
//! # What it is about
//!
//! Every invoice gets the next number. The number stands in a row of its own, which the plug-in
//! reads, and writes one more into. Tested by one user, both plug-ins below do that. Then two
//! users create invoices at the same moment, and the first plug-in gives both the same number:
//! between its read and its write, the other's read came.
//!
//! The second plug-in writes *before* it reads. Its write has no meaning but the lock that comes
//! with it: whoever comes second waits there until the first is committed, and then reads what the
//! first has written. Now there are no doubles, and invoices are created one after the other, each
//! for as long as its whole transaction lasts.
//!
//! Source: Microsoft Learn, *Scalable Customization Design: Auto-numbering*.
//!
//! # What it shows
//!
//! - A service call *waits*. The function of the plug-in has been left through `?` by then, and is
//!   run again from its start when the row is free; to its author it looks as if it had waited.
//! - Callers side by side: `begin` sends a request, `answer` takes its answer later.
//! - A test bed is a value. The story of two callers begins here from a copy of one bed.

use multiverse::plan::{Message, Stage};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIn};
use multiverse::testing::{Setup, Step, Testbed};
use multiverse::trace;

/// Reads the counter, and then writes it: right as long as nobody else does.
pub fn read_then_write(context: &mut Context<'_>) -> Result<(), Interruption> {
    take_number(context)
}

/// Locks the counter by a write, and reads it under the lock.
pub fn lock_first(context: &mut Context<'_>) -> Result<(), Interruption> {
    context.update("counter", "invoices", &[("touched", context.now().into())])?;
    trace!(context, "has the counter at {}", context.now());
    take_number(context)
}

/// Takes the number that comes next.
fn take_number(context: &mut Context<'_>) -> Result<(), Interruption> {
    let next = context.retrieve("counter", "invoices")?.value("next").as_whole().unwrap_or(1);
    context.update("counter", "invoices", &[("next", (next + 1).into())])?;
    context.set_target("number", next)
}

/// An instance whose invoices are numbered by this plug-in.
pub fn office(plug_in: impl PlugIn + 'static) -> Testbed {
    Setup::new("Two invoices at the same moment")
        .table("invoice", &[("number", "whole number")])
        .table("counter", &[("next", "whole number"), ("touched", "date-time")])
        .row("counter", "invoices", &[("next", 1.into())])
        .step(
            Step::new("number the invoice", plug_in)
                .on(Message::Create, "invoice")
                .stage(Stage::PreOperation),
        )
        .start()
        .expect("the setup is right")
}

/// Two users create an invoice each at the same moment. Answers the numbers that they get.
pub fn two_at_once(office: &mut Testbed) -> [i64; 2] {
    let ann = office.caller("ann", "org");
    let bob = office.caller("bob", "org");
    office.begin(ann, Ask::create("invoice").row("of ann"));
    office.begin(bob, Ask::create("invoice").row("of bob"));
    for caller in [ann, bob] {
        office.answer(caller).expect("nothing is in its way for good");
    }
    ["of ann", "of bob"].map(|row| office.value("invoice", row, "number").as_whole().unwrap_or(0))
}

/// Plays both designs through, and tells them.
pub fn tell() -> String {
    let mut told = Vec::new();
    let mut careless = office(read_then_write);
    let mut careful = office(lock_first);
    for (design, office) in [("read, then write", &mut careless), ("lock first", &mut careful)] {
        let [first, second] = two_at_once(office);
        told.push(format!("{design}: ann gets {first}, bob gets {second}"));
    }
    told.push(String::new());
    told.push(careful.story());
    told.join("\n")
}

fn main() {
    println!("{}", tell());
}
