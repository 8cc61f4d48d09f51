//! The host: instances in real time, called from several threads; and every run again on the pure
//! kernel.

mod hosted;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use multiverse::fault::{Fault, FaultKind};
use multiverse::host::{Client, Ended, Host, HostOptions, Transaction};
use multiverse::plan::{OutageKind, Plan};
use multiverse::trace::Event;
use multiverse::words::Value;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// One plug-in works longer than any test lasts, another one for a while.
const WORK: &str = "
  - name: work long
    on: Delete account
    in: europe
    stage: PreOperation
    do: [ work: 1 h ]
  - name: work a while
    on: Delete account
    in: us
    stage: PreOperation
    do: [ work: 200 ms ]
";

/// How long a host that stops waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a test waits for what must come about.
const LIMIT: Duration = Duration::from_secs(60);

fn plan() -> Arc<Plan> {
    hosted::two_instances(10, "row: twin", WORK)
}

fn start() -> Host {
    hosted::start(&plan())
}

/// Lets others work until something holds; a test that waits in vain is stopped by its limit.
async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, wait).await.expect("it comes about in time");
}

fn client(host: &Host, instance: &str) -> Client {
    host.client(instance, None).expect("there is such an instance")
}

/// A transaction that has written an account.
async fn holding(client: &mut Client) -> Transaction<'_> {
    let mut open = client.begin(None).await.expect("it answers");
    let mine = open.client().update("account", "acct 1", &[("total", Value::Whole(1))]).await;
    mine.expect("it is free");
    open
}

/// A write of that account by somebody else, who waits for it.
async fn blocked(host: &Host, mut client: Client) -> JoinHandle<Result<(), Fault>> {
    let blocked = tokio::spawn(async move {
        client.update("account", "acct 1", &[("total", Value::Whole(2))]).await
    });
    until(|| host.blocked_count("us") == 1).await;
    blocked
}

/// Stops the host, and holds every instance to what must hold of any run.
async fn stop(host: Host) -> Vec<Ended> {
    let ended = host.stop(PATIENCE).await;
    hosted::hold(&ended);
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_writes_and_reads_back() {
    let host = start();
    let mut anna = client(&host, "us");
    anna.update("account", "acct 1", &[("total", Value::Whole(5))]).await.expect("it is there");
    let row = anna.retrieve("account", "acct 1").await.expect("it is there");
    assert!(format!("{row:?}").contains("Whole(5)"), "{row:?}");
    let fault = anna.update("account", "nobody", &[]).await.expect_err("it is not there");
    assert_eq!(fault.kind, FaultKind::RowDoesNotExist);
    assert!(host.client("mars", None).is_none());
    drop(anna);
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_waits_for_a_transaction_and_goes_on_when_it_commits() {
    let host = start();
    let mut anna = client(&host, "us");
    let bert = client(&host, "us");
    let open = holding(&mut anna).await;
    let blocked = blocked(&host, bert).await;
    assert!(!blocked.is_finished());
    open.commit().await.expect("nothing is in its way");
    blocked.await.expect("no panic").expect("the row is free");
    drop(anna);
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transaction_is_rolled_back_and_frees_its_rows() {
    let host = start();
    let mut anna = client(&host, "us");
    let open = holding(&mut anna).await;
    drop(open);
    let mut bert = client(&host, "us");
    let row = bert.retrieve("account", "acct 1").await.expect("it is there");
    assert!(format!("{row:?}").contains("Whole(0)"), "{row:?}");
    bert.update("account", "acct 1", &[("total", Value::Whole(2))]).await.expect("it is free");
    drop((anna, bert));
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_gives_up_in_a_transaction_has_lost_it() {
    let host = start();
    let mut anna = client(&host, "us");
    let bert = client(&host, "us");
    let mut bert = bert.with_patience(Duration::from_millis(300));
    let open = holding(&mut anna).await;
    let mut theirs = bert.begin(None).await.expect("it answers");
    let late = theirs.client().update("account", "acct 1", &[]).await;
    let late = match late {
        Ok(()) => theirs.client().update("account", "acct 1", &[("total", Value::Null)]).await,
        late => late,
    };
    assert_eq!(late.expect_err("it waits").kind, FaultKind::ClientTimeout);
    let lost = theirs.client().update("account", "acct 2", &[("total", Value::Null)]).await;
    assert_eq!(lost.expect_err("no transaction").kind, FaultKind::TransactionAborted);
    drop(theirs);
    open.commit().await.expect("nothing is in its way");
    drop((anna, bert));
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_in_calls_the_other_instance_and_an_outage_there_fails_it() {
    let host = start();
    let mut anna = client(&host, "us");
    let title = [("title", Value::text("Ten chairs"))];
    anna.create("order", Some("first"), &title).await.expect("Europe answers");
    let mut chris = client(&host, "europe");
    chris.retrieve("order", "twin").await.expect("it came over");
    chris.delete("order", "twin").await.expect("it is there");
    assert!(host.outage("europe", OutageKind::Unreachable, Duration::from_millis(100)));
    let fault = anna.create("order", Some("second"), &title).await.expect_err("no way through");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    let fault = chris.retrieve("order", "twin").await.expect_err("no way through");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    let over = async {
        while anna.create("order", Some("third"), &title).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, over).await.expect("the outage is over");
    drop((anna, chris));
    let ended = stop(host).await;
    let began = |event: &Event| matches!(event, Event::OutageBegan { .. });
    assert_eq!(ended[1].trace.entries.iter().filter(|it| began(&it.event)).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_instance_holds_up_nobody_in_the_other() {
    let host = start();
    let mut chris = client(&host, "europe");
    let slow = tokio::spawn(async move { chris.delete("account", "acct 1").await });
    let mut anna = client(&host, "us");
    for number in 0..100 {
        let columns = [("total", Value::Whole(number))];
        anna.update("account", "acct 1", &columns).await.expect("it is there");
    }
    assert!(!slow.is_finished(), "a hundred updates took longer than an hour");
    drop(anna);
    let ended = host.stop(Duration::ZERO).await;
    let fault = slow.await.expect("no panic").expect_err("it is abandoned");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(ended[0].fiber_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_refuses_new_calls_and_abandons_what_lasts_too_long() {
    let host = start();
    let mut anna = client(&host, "us");
    let bert = client(&host, "us");
    let mut late = client(&host, "us");
    let _open = holding(&mut anna).await;
    let blocked = blocked(&host, bert).await;
    let ended = host.stop(Duration::from_millis(20)).await;
    let fault = blocked.await.expect("no panic").expect_err("it is abandoned");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    let fault = late.retrieve("account", "acct 1").await.expect_err("it is over");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    let again = ended[0].recording.as_ref().expect("it was recorded").replay();
    assert_eq!(again.expect("it ran before").digest, ended[0].digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_lets_what_is_under_way_come_to_its_end() {
    let host = start();
    let mut anna = client(&host, "us");
    let slow = tokio::spawn(async move { anna.delete("account", "acct 1").await });
    until(|| host.waiting_count() == 1).await;
    let ended = stop(host).await;
    slow.await.expect("no panic").expect("it has the time to end");
    assert!(ended.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_calls_while_a_host_stops_is_answered_or_refused_but_never_forgotten() {
    for _ in 0..50 {
        let host = start();
        let callers = (0..8).map(|number| {
            let mut client = client(&host, "us");
            let row = format!("acct {}", number % 2 + 1);
            tokio::spawn(async move {
                while client.update("account", &row, &[("total", Value::Null)]).await.is_ok() {}
            })
        });
        let callers: Vec<_> = callers.collect();
        tokio::task::yield_now().await;
        host.stop(Duration::ZERO).await;
        for caller in callers {
            timeout(LIMIT, caller).await.expect("nobody waits for ever").expect("no panic");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_dropped_lets_go_of_its_callers_and_its_tasks() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let host = start();
    let (mut anna, bert) = (client(&host, "us"), client(&host, "us"));
    let _open = holding(&mut anna).await;
    let blocked = blocked(&host, bert).await;
    drop(host);
    let fault = timeout(LIMIT, blocked).await.expect("it ends").expect("no panic");
    assert_eq!(fault.expect_err("it is abandoned").kind, FaultKind::Unreachable);
    until(|| tasks() == before).await;
}

/// How many callers crowd one instance, and how often they have their turn together.
const CROWD: u64 = 16;
const TURNS: u64 = 8_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_crowd_one_row_have_their_turns_in_equal_shares() {
    let host = start();
    let turns = Arc::new(AtomicU64::new(0));
    let callers = (0..CROWD).map(|_| {
        let mut client = client(&host, "us");
        let turns = Arc::clone(&turns);
        tokio::spawn(async move {
            let mut own = 0;
            while turns.fetch_add(1, Ordering::Relaxed) < TURNS {
                let done = client.update("account", "acct 1", &[("total", Value::Null)]).await;
                done.expect("it is there");
                own += 1;
            }
            own
        })
    });
    let mut shares = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        let share = timeout(LIMIT, caller).await.expect("everybody has turns");
        shares.push(share.expect("no panic"));
    }
    let least = shares.iter().min().copied().unwrap_or(0);
    assert!(
        least * CROWD * 4 >= TURNS,
        "somebody had less than a quarter of its share: {shares:?}"
    );
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_callers_keeps_no_call_of_another_instance_waiting() {
    let host = start();
    let is_over = Arc::new(AtomicBool::new(false));
    let crowd = (0..CROWD * 4).map(|number| {
        let mut client = client(&host, "europe");
        let (is_over, row) = (Arc::clone(&is_over), format!("acct {}", number % 10 + 1));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                client.retrieve("account", &row).await.expect("it is there");
            }
        })
    });
    let crowd: Vec<_> = crowd.collect();
    let anna = client(&host, "us");
    let mut anna = anna.with_patience(PATIENCE);
    let title = [("title", Value::text("Ten chairs"))];
    let asked = anna.create("order", None, &title).await.map(drop);
    let begun = tokio::time::Instant::now();
    let asked_again = anna.create("order", None, &title).await.map(drop);
    let lasted = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    for caller in crowd {
        timeout(LIMIT, caller).await.expect("everybody has turns").expect("no panic");
    }
    asked.expect("Europe has time for it");
    let fault = asked_again.expect_err("its twin is there");
    assert!(fault.kind != FaultKind::ClientTimeout && lasted < PATIENCE / 2, "{lasted:?}");
    drop(anna);
    assert!(stop(host).await.iter().all(|it| it.fiber_count == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_is_taken_away_is_the_whole_trace_in_parts() {
    let host = start();
    let mut anna = client(&host, "us");
    let mut parts = Vec::new();
    for number in 0..3 {
        let columns = [("total", Value::Whole(number))];
        anna.update("account", "acct 1", &columns).await.expect("it is there");
        parts.extend(host.take_trace("us").expect("there is such an instance"));
        assert_eq!(host.take_trace("us").map(|it| it.len()), Some(0), "it was just taken");
    }
    assert!(host.take_trace("mars").is_none());
    drop(anna);
    let ended = host.stop(PATIENCE).await;
    parts.extend(ended[0].trace.entries.iter().cloned());
    let again = ended[0].recording.as_ref().expect("it was recorded").replay();
    assert_eq!(parts, again.expect("it ran before").trace.entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_keeps_nothing_unless_it_is_asked_to() {
    let host = Host::start(&plan(), &HostOptions::default()).expect("the plan is sound");
    let mut anna = client(&host, "us");
    anna.update("account", "acct 1", &[("total", Value::Whole(1))]).await.expect("it is there");
    drop(anna);
    let ended = host.stop(PATIENCE).await;
    assert!(ended[0].trace.entries.is_empty() && ended[0].recording.is_none());
}

/// How many clients make trouble at once, and how often each.
const CLIENTS: u64 = 16;
const ROUNDS: u64 = 12;

/// One client's troubles: transactions over rows in any order, so that some deadlock; calls that
/// are cancelled or time out; orders that go to the other instance.
async fn troubles(host: Arc<Host>, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = if seed.is_multiple_of(2) { "us" } else { "europe" };
    for _ in 0..ROUNDS {
        let client = client(&host, place);
        let mut client = client.with_patience(Duration::from_millis(random.next_u64() % 20 + 1));
        match random.next_u64() % 4 {
            0 => {
                let title = [("title", Value::text("An order"))];
                let _ = client.create("order", None, &title).await;
            }
            1 => {
                let row = format!("acct {}", random.next_u64() % 10 + 1);
                let call = client.retrieve("account", &row);
                let _ = timeout(Duration::from_micros(random.next_u64() % 500), call).await;
            }
            _ => {
                let Ok(mut open) = client.begin(None).await else {
                    continue;
                };
                for _ in 0..3 {
                    let row = format!("acct {}", random.next_u64() % 10 + 1);
                    let columns = [("total", Value::Whole(1))];
                    let call = open.client().update("account", &row, &columns);
                    let brief = Duration::from_micros(random.next_u64() % 30_000);
                    if timeout(brief, call).await.is_err() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                if random.next_u64().is_multiple_of(2) {
                    let _ = open.commit().await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_leaves_nothing_behind_and_replays_to_the_same_state() {
    for seed in 0..4 {
        let host = Arc::new(start());
        let tasks = (0..CLIENTS)
            .map(|client| tokio::spawn(troubles(Arc::clone(&host), seed * CLIENTS + client)));
        let tasks: Vec<_> = tasks.collect();
        let lasts = Duration::from_millis(15);
        host.outage("europe", OutageKind::Unreachable, lasts);
        for (number, task) in tasks.into_iter().enumerate() {
            task.await.expect("no client panics");
            if number == 0 {
                host.outage("us", OutageKind::Maintenance, lasts);
            }
        }
        // What nobody waits for any more is carried out to its end.
        until(|| host.waiting_count() == 0).await;
        let host = Arc::into_inner(host).expect("the clients are gone");
        let ended = stop(host).await;
        assert!(ended.iter().all(|it| it.fiber_count == 0), "seed {seed}: something leaks");
        assert!(ended.iter().all(|it| it.trace.entries.len() > 100));
    }
}
