//! One plug-in, in a scenario file and in a host that runs in real time.
//!
//! ```sh
//! cargo run --example stub_account
//! ```
//!
//! # What it is about
//!
//! Several instances keep copies of the same accounts, which come over by night. Whoever writes a
//! ticket for an account of today would be told that the account does not exist. The plug-in sees
//! to it that it does: in PreValidation, before the ticket's transaction, it creates a *stub*, a
//! row with the account's id and nothing else, which the night fills in. An account that is there
//! is left alone.
//!
//! Source: *Eventual consistency between multiple Power Apps instances*.
//!
//! # What it shows
//!
//! - A scenario file (`stub_account.yaml`, beside this one) names the plug-in with
//!   `rust: ensure account`, and says what must hold. Here is given what that name means. In a test
//!   of a crate of yours, `multiverse::testing::Folder` does so for a folder of files.
//! - The same plug-in runs in the host: the instances of the file in real time, called by tokio
//!   tasks. The plug-in knows nothing of either.

use std::sync::Arc;
use std::time::Duration;

use multiverse::engine::RunOptions;
use multiverse::fault::{Fault, FaultKind};
use multiverse::host::{Client, Host, HostOptions};
use multiverse::plan::{Plan, UpsertWhen};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIns};
use multiverse::report::StoryOptions;
use multiverse::run::{self, Run};

/// Sees to it that the customer of a ticket exists, be it as a stub.
pub fn ensure_account(context: &mut Context<'_>) -> Result<(), Interruption> {
    let Some(customer) = context.target("customer").as_id() else {
        return Err(context.fail("A ticket needs a customer."));
    };
    context.execute(Ask::upsert("account", customer).when(UpsertWhen::Missing)).map(drop)
}

/// What the scenario calls `ensure account`.
pub fn plug_ins() -> PlugIns {
    let mut plug_ins = PlugIns::default();
    plug_ins.insert("ensure account", ensure_account);
    plug_ins
}

/// The plan of the scenario file.
pub fn plan() -> Arc<Plan> {
    let plans = run::parse("stub_account.yaml", include_str!("stub_account.yaml"));
    plans.unwrap_or_else(|rejection| panic!("{rejection}")).remove(0)
}

/// Runs the scenario in virtual time.
pub fn in_virtual_time() -> Run {
    let options = RunOptions { plug_ins: plug_ins(), ..RunOptions::default() };
    run::run(&plan(), &options).expect("every plug-in is there")
}

/// Hosts the scenario's instances, and lets five tasks write a ticket each for the same account.
/// Answers how many of them had to try again: two upserts of a missing row can both find it
/// missing, and then one of them creates it and the other comes too late.
///
/// # Errors
///
/// A request's fault.
pub async fn in_real_time() -> Result<u32, Fault> {
    let options = HostOptions { plug_ins: plug_ins(), ..HostOptions::default() };
    let host = Host::start(&plan(), &options).expect("every plug-in is there");
    let writers = (0..5).map(|number| {
        let client = host.client("europe", None).expect("there is such an instance");
        tokio::spawn(write_ticket(client, format!("ticket {number}")))
    });
    let writers: Vec<_> = writers.collect();
    let mut late = 0;
    for writer in writers {
        late += writer.await.expect("no task panics")?;
    }
    host.stop(Duration::from_secs(1)).await;
    Ok(late)
}

/// Writes a ticket, and looks whether it and its account are there. Answers how often it had to be
/// tried again.
async fn write_ticket(mut client: Client, name: String) -> Result<u32, Fault> {
    let mut late = 0;
    while let Err(fault) =
        client.create("ticket", Some(&name), &[("customer", "fabrikam".into())]).await
    {
        if fault.kind != FaultKind::DuplicateRow {
            return Err(fault);
        }
        late += 1;
    }
    client.retrieve("ticket", &name).await?;
    client.retrieve("account", "fabrikam").await?;
    Ok(late)
}

/// The scenario's story.
pub fn tell() -> String {
    in_virtual_time().story(&StoryOptions::default())
}

#[tokio::main]
async fn main() {
    println!("{}", tell());
    match in_real_time().await {
        Ok(late) => println!("In the host: five tickets and one account; {late} came too late."),
        Err(fault) => println!("In the host: {fault}"),
    }
}
