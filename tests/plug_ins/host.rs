//! The same plug-ins in a host, in real time.

use std::time::Duration;

use multiverse::check::invariant;
use multiverse::host::{Host, HostOptions, Kept};
use multiverse::plug_in::{Ask, Context, Interruption, PlugIns};
use multiverse::trace;

const WORLD: &str = "
scenario: Tickets are counted in real time
costs: { request: 0ms, read: 0ms, row: 0ms, column: 0ms, write: 0ms, plug-in: 0ms, network: 0ms }
tables:
  account: { columns: { open: whole number, touched: whole number } }
  ticket: { columns: { customer: { lookup: account } } }
  audit: { columns: { line: text } }
instances:
  org: { tables: [account, ticket] }
  archive: { tables: [audit] }
rows: { org: { account: { contoso: { open: 0 } } } }
plug-ins: [ { name: count, on: Create ticket, in: org, stage: PostOperation, rust: count } ]
";

/// Counts under the lock of a write that comes first, and tells another instance.
fn count(context: &mut Context<'_>) -> Result<(), Interruption> {
    context.update("account", "contoso", &[("touched", 1.into())])?;
    let open = context.retrieve("account", "contoso")?.value("open").as_whole().unwrap_or(0) + 1;
    context.update("account", "contoso", &[("open", open.into())])?;
    trace!(context, "{open}");
    let line = format!("{open} open");
    context.execute(Ask::create("audit").set("line", line).in_instance("archive")).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_come_at_once_are_counted_one_after_the_other_and_the_run_replays() {
    let plan = multiverse::run::parse("host.yaml", WORLD).expect("the text is right").remove(0);
    let mut plug_ins = PlugIns::default();
    plug_ins.insert("count", count);
    let host =
        Host::start(&plan, &HostOptions { plug_ins, kept: Kept::Recording }).expect("it starts");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let mut client = host.client("org", None).expect("there is such an instance");
            let create = Ask::create("ticket").set("customer", "contoso");
            tokio::spawn(async move { client.ask(create).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no task panics").expect("nothing is in its way for good");
    }
    let mut reader = host.client("org", None).expect("there is such an instance");
    let account = reader.retrieve("account", "contoso").await.expect("it is there");
    assert_eq!(account.value("open"), 20.into());
    drop(reader);
    for ended in host.stop(Duration::from_secs(5)).await {
        assert!(invariant::violations(&ended.trace).is_empty());
        let again = ended.recording.expect("it was recorded").replay().expect("it ran before");
        assert_eq!(again.trace.entries, ended.trace.entries);
        assert_eq!(again.digest, ended.digest);
    }
}
