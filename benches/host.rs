//! What the host costs, in real time, with every cost of the plan zero. One function a claim.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use multiverse::host::{Client, Host, HostOptions};
use multiverse::plan::Plan;
use multiverse::run::parse;
use multiverse::words::Value;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of each instance.
const ROWS: u64 = 10_000;
/// Calls that each client makes in one measured round.
const CALLS: u64 = 1_000;

fn plan() -> Arc<Plan> {
    let rows =
        format!("{{ account: {{ count: {ROWS}, named: 'acct {{n}}', set: {{ total: 0 }} }} }}");
    let text = format!(
        "
scenario: Two instances without costs
costs: {{ request: 0ms, read: 0ms, write: 0ms, plug-in: 0ms, network: 0ms, client: 0ms }}
tables: {{ account: {{ columns: {{ total: whole number }} }} }}
instances: {{ us: {{ tables: [account] }}, europe: {{ tables: [account] }} }}
rows: {{ us: {rows}, europe: {rows} }}
actors: {{}}
expect: []
"
    );
    parse("bench.yaml", &text).expect("the text is right").remove(0)
}

fn runtime(threads: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).enable_time().build().expect("threads")
}

async fn calls(mut client: Client) {
    for number in 1..=CALLS {
        let row = format!("acct {}", number * 7_919 % ROWS + 1);
        let total = [("total", Value::Whole(1))];
        client.update("account", &row, &total).await.expect("the row is there");
    }
}

/// Updates a second through clients: each a request, its pipeline, transaction, and trace. One
/// client of each instance, on one thread and on two.
fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("host_updates");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(2 * CALLS));
    let plan = plan();
    for threads in [1, 2] {
        let runtime = runtime(threads);
        let label = format!("two_instances_{threads}_threads");
        group.bench_function(label, |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let host = Host::start(&plan, &HostOptions::default()).expect("sound");
                    let begun = tokio::time::Instant::now();
                    for _ in 0..rounds {
                        let tasks = ["us", "europe"].map(|instance| {
                            let client = host.client(instance, None).expect("it is there");
                            tokio::spawn(calls(client))
                        });
                        for task in tasks {
                            task.await.expect("no panic");
                        }
                    }
                    let took = begun.elapsed();
                    black_box(host.stop(Duration::from_secs(1)).await);
                    took
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, updates);
criterion_main!(benches);
