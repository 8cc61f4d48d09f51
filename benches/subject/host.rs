//! What the host makes of a workload in real time, with every cost of the plan zero and nothing
//! kept: 64 callers whose transactions each update two rows, locked in ascending order. The kernel
//! has the same workload in virtual time. One function a claim.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;

use multiverse::engine::Ask;
use multiverse::fault::Fault;
use multiverse::host::{Client, Host, HostOptions};
use multiverse::plan::Plan;
use multiverse::words::Value;
use tokio::runtime::{Builder, Runtime};

use super::anchor::Draw;
use super::anchor::rounds::{against_bare, timed};
use super::simulated::{self, FREE, each, world};
use super::suite::{Pace, Suite};

/// Callers at once, of all instances together.
const CALLERS: u64 = 64;
/// Transactions of each caller in one measured round.
const TRANSACTIONS: u64 = 500;
/// Rows of each instance.
const ROWS: u64 = 10_000;
/// One round a sample.
const PACE: Pace = Pace { samples: 15, about: Duration::from_millis(10) };

/// How a client makes its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As one request, an `ExecuteTransaction` of two updates.
    OneRequest,
    /// It begins a transaction, makes its two requests in it, and commits.
    CallByCall,
}

/// What is measured: a host that runs.
struct Running {
    runtime: Runtime,
    host: Option<Host>,
    names: Arc<Vec<String>>,
}

/// Two instances without costs; with actors, on the first.
fn plan(actors: &str) -> Arc<Plan> {
    let rows =
        format!("{{ account: {{ count: {ROWS}, named: 'acct {{n}}', set: {{ total: 0 }} }} }}");
    simulated::plan(&format!(
        "scenario: bench\n{FREE}
tables: {{ account: {{ columns: {{ total: whole number }} }} }}
instances: {{ us: {{ tables: [account] }}, europe: {{ tables: [account] }} }}
rows: {{ us: {rows}, europe: {rows} }}
{actors}"
    ))
}

/// Two different rows, in ascending order.
fn pair(draw: &mut Draw) -> [u64; 2] {
    let first = draw.below(ROWS - 1);
    [first, first + 1 + draw.below(ROWS - 1 - first)]
}

/// One transaction of a client.
async fn transact(client: &mut Client, manner: Manner, rows: [&str; 2]) -> Result<(), Fault> {
    let total = [("total", Value::Whole(1))];
    match manner {
        Manner::OneRequest => {
            let update = |row| Ask::update("account", row).set_all(&total);
            client.ask(Ask::transaction(rows.map(update))).await.map(drop)
        }
        Manner::CallByCall => {
            let mut transaction = client.begin(None).await?;
            for row in rows {
                transaction.client().update("account", row, &total).await?;
            }
            transaction.commit().await
        }
    }
}

impl Running {
    fn new(threads: usize) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(threads).enable_time().build().expect("threads");
        let entered = runtime.enter();
        let host = Host::start(&plan(""), &HostOptions::default()).expect("the plan is sound");
        drop(entered);
        let names = Arc::new((1..=ROWS).map(|number| format!("acct {number}")).collect());
        Self { runtime, host: Some(host), names }
    }

    /// All transactions of one round, spread over these instances.
    fn round(&self, manner: Manner, instances: &[&str]) {
        let host = self.host.as_ref().expect("it runs");
        let callers = (0..CALLERS).zip(instances.iter().cycle());
        let tasks: Vec<_> = callers
            .map(|(number, instance)| {
                let mut client = host.client(instance, None).expect("it is there");
                let names = Arc::clone(&self.names);
                self.runtime.spawn(async move {
                    let mut draw = Draw::of(number);
                    let name = |row: u64| names[usize::try_from(row).expect("few rows")].as_str();
                    for _ in 0..TRANSACTIONS {
                        let rows = pair(&mut draw).map(name);
                        transact(&mut client, manner, rows).await.expect("the rows are there");
                    }
                })
            })
            .collect();
        for task in tasks {
            self.runtime.block_on(task).expect("no panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(host) = self.host.take() {
            self.runtime.block_on(host.stop(Duration::from_secs(1)));
        }
    }
}

/// Transactions of the callers of one instance, on one thread and on two.
pub fn one_instance(suite: &mut Suite) {
    let manners = [("one request", Manner::OneRequest), ("call by call", Manner::CallByCall)];
    for (manner_told, manner) in manners {
        for threads in [1, 2] {
            let running = LazyCell::new(|| Running::new(threads));
            let case = format!("{manner_told}, {threads} threads");
            let elements = CALLERS * TRANSACTIONS;
            suite.case(("Host of one instance", &case), PACE, elements, |bencher| {
                bencher.iter(|| running.round(manner, &["us"]));
            });
        }
    }
}

/// The same callers on two instances: two threads, beside one.
pub fn two_instances(suite: &mut Suite) {
    let manners = [("one request", Manner::OneRequest), ("call by call", Manner::CallByCall)];
    for (case, manner) in manners {
        let [one, two] = [1, 2].map(|threads| LazyCell::new(move || Running::new(threads)));
        let (instances, elements) = (["us", "europe"], CALLERS * TRANSACTIONS);
        against_bare(
            suite,
            ("Host of two instances, 2 threads beside 1", case),
            elements,
            || two.round(manner, &instances),
            || timed(elements, || one.round(manner, &instances)),
        );
    }
}

/// The same workload on the kernel alone, in virtual time.
pub fn in_virtual_time(suite: &mut Suite) {
    let start = LazyCell::new(|| {
        // The second row is always the greater one.
        let actors = format!(
            "actors:
  caller:
    count: {CALLERS}
    in: us
    do:
      - let: {{ at: '=n * 97' }}
      - repeat:
          times: {TRANSACTIONS}
          do:
            - let: {{ at: '=(at + 61803) % ({ROWS} - 100) + 1' }}
            - let: {{ next: '=at + 99' }}
            - execute transaction:
                do:
                  - update: {{ table: account, row: 'acct {{at}}', set: {{ total: 1 }} }}
                  - update: {{ table: account, row: 'acct {{next}}', set: {{ total: 1 }} }}
"
        );
        world(&plan(&actors))
    });
    let case = ("Kernel in virtual time", "64 callers of one instance");
    suite.case(case, PACE, 1, |bencher| {
        let all = || simulated::timed(&start);
        bencher.iter_custom(|times| each(CALLERS * TRANSACTIONS, times, all));
    });
}
