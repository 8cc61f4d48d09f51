//! A long run of the host: 200 callers, a million transactions in a release build, and everything
//! that can come between. It must leave nobody waiting, keep every invariant, and replay on the
//! pure kernel to the same trace and the same state.
//!
//! `cargo test --release --test host_mixed -- --nocapture` makes the long run.

mod hosted;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use multiverse::host::{Client, Host};
use multiverse::plan::{OutageKind, Plan};
use multiverse::words::Value;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::time::{sleep, timeout};

/// How many callers there are at once.
const CALLERS: u64 = 200;
/// How many transactions they make together: a debug build makes a sample of the run.
const TRANSACTIONS: u64 = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };
/// The rows of each instance.
const ROWS: u64 = 200;
/// How long an outage lasts, and the longest pause before the next one.
const OUTAGE: Duration = Duration::from_millis(2);
const BETWEEN_OUTAGES: Duration = Duration::from_millis(500);
/// How long a caller waits for an answer: one that an outage has swallowed never comes.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest that the callers of a host may take.
const LIMIT: Duration = Duration::from_secs(300);

/// A deadlock is to be found soon.
const LIMITS: &str = "
limits: { deadlock monitor: 1ms, deadlock monitor least: 1ms }
";

/// What became of the transactions of all callers.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
}

impl Tally {
    fn count(&self, ended: Option<bool>) {
        let counter = match ended {
            Some(true) => &self.done,
            Some(false) => &self.refused,
            None => &self.given_up,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn account(random: &mut ChaCha8Rng) -> String {
    format!("acct {}", random.next_u64() % ROWS + 1)
}

/// One transaction: several updates in any order, so that some deadlock, or a single request. One
/// in sixteen is given up very soon. `Some(true)` when it was committed, `None` when given up.
async fn transaction(client: &mut Client, random: &mut ChaCha8Rng) -> Option<bool> {
    let gives_up = random.next_u64().is_multiple_of(16);
    let soon = Duration::from_micros(random.next_u64() % 300);
    let patience = if gives_up { soon } else { PATIENCE };
    match random.next_u64() % 8 {
        0 => {
            let title = [("title", Value::text("An order"))];
            let call = client.create("order", None, &title);
            timeout(patience, call).await.ok().map(|ended| ended.is_ok())
        }
        1 | 2 => {
            let row = account(random);
            let call = client.retrieve("account", &row);
            timeout(patience, call).await.ok().map(|ended| ended.is_ok())
        }
        3 | 4 => {
            let columns = [("total", Value::Whole(1))];
            let row = account(random);
            let call = client.update("account", &row, &columns);
            timeout(patience, call).await.ok().map(|ended| ended.is_ok())
        }
        _ => {
            let rows: Vec<_> = (0..3).map(|_| account(random)).collect();
            timeout(patience, several(client, &rows)).await.ok()
        }
    }
}

/// Several updates in one transaction.
async fn several(client: &mut Client, rows: &[String]) -> bool {
    let Ok(mut open) = client.begin(None).await else {
        return false;
    };
    for row in rows {
        let columns = [("total", Value::Whole(2))];
        if open.client().update("account", row, &columns).await.is_err() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    open.commit().await.is_ok()
}

/// One caller's share.
async fn call(host: Arc<Host>, seed: u64, share: u64, tally: Arc<Tally>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = if seed.is_multiple_of(2) { "us" } else { "europe" };
    let mut client = host.client(place, None).expect("there is such an instance");
    for _ in 0..share {
        tally.count(transaction(&mut client, &mut random).await);
    }
}

/// Outages now and then, here and there, for as long as the callers are at work.
async fn outages(host: Arc<Host>, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    loop {
        sleep(BETWEEN_OUTAGES.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX))).await;
        let place = if random.next_u64().is_multiple_of(2) { "us" } else { "europe" };
        let kind = if random.next_u64().is_multiple_of(2) {
            OutageKind::Unreachable
        } else {
            OutageKind::Maintenance
        };
        host.outage(place, kind, OUTAGE);
    }
}

/// Lets all callers make their transactions, and holds what is left of the host to all that must
/// hold.
async fn run(plan: &Plan, tally: &Arc<Tally>) {
    let host = Arc::new(hosted::start(plan));
    let troubles = tokio::spawn(outages(Arc::clone(&host), CALLERS));
    let callers = (0..CALLERS).map(|caller| {
        let (host, tally) = (Arc::clone(&host), Arc::clone(tally));
        tokio::spawn(call(host, caller, TRANSACTIONS / CALLERS, tally))
    });
    let callers: Vec<_> = callers.collect();
    let all = async {
        for caller in callers {
            caller.await.expect("no caller panics");
        }
        // What nobody waits for any more is carried out to its end.
        while host.waiting_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, all).await.expect("nobody waits for ever");
    troubles.abort();
    let _ = troubles.await;
    let host = Arc::into_inner(host).expect("the callers are gone");
    let ended = host.stop(Duration::from_secs(5)).await;
    assert!(ended.iter().all(|it| it.fiber_count == 0), "something leaks");
    hosted::hold(&ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_transactions_of_many_callers_leave_nothing_behind_and_replay() {
    let plan = hosted::two_instances(ROWS, "as: twin", LIMITS);
    let tally = Arc::new(Tally::default());
    run(&plan, &tally).await;
    let [done, refused, given_up] = [&tally.done, &tally.refused, &tally.given_up]
        .map(|counter| counter.load(Ordering::Relaxed));
    println!("{done} done, {refused} refused, {given_up} given up");
    assert_eq!(done + refused + given_up, TRANSACTIONS);
    assert!(done > TRANSACTIONS / 2 && refused > 0 && given_up > 0);
}
