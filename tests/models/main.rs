//! Models of the host's two protocols, of which loom runs every order of their steps: the place
//! where a caller waits (`src/host/parking.rs`), and the queue before a kernel's one owner
//! (`src/host/intake.rs`).
//!
//! The sources are those of the host; only the primitives under them are loom's. Two threads are
//! gone through exhaustively, three with at most [`PREEMPTIONS`] preemptions. Each fault of
//! `src/host/planted.rs` is planted once, and a named model must find it.

#![allow(clippy::duplicate_mod, reason = "once sound, and once for each planted fault")]

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

/// The most times that three threads are interrupted in one order.
const PREEMPTIONS: usize = 3;

/// Loom's primitives, for the sources below.
mod sync {
    pub use loom::sync::Mutex;
}

#[allow(dead_code, reason = "what the host itself plants is not used here")]
#[path = "../../src/host/planted.rs"]
mod planted;

/// The sources with one fault in them, or none.
macro_rules! protocols {
    ($name:ident, $planted:expr) => {
        #[path = "."]
        mod $name {
            use super::sync;
            mod planted {
                pub use crate::planted::Planted;
                pub const PLANTED: Option<Planted> = $planted;
            }
            #[allow(dead_code, reason = "not every model uses all of it")]
            #[path = "../../src/host/intake.rs"]
            pub mod intake;
            #[allow(dead_code, reason = "not every model uses all of it")]
            #[path = "../../src/host/parking.rs"]
            pub mod parking;
        }
    };
}

protocols!(sound, None);
protocols!(lost_wake_up, Some(Planted::LostWakeUp));
protocols!(double_wake, Some(Planted::DoubleWake));
protocols!(park_after_grant, Some(Planted::ParkAfterGrant));
protocols!(wake_after_cancel, Some(Planted::WakeAfterCancel));
protocols!(gone_between_looks, Some(Planted::GoneBetweenLooks));

/// Wakes a thread of the model, and counts.
struct Alarm {
    bell: loom::sync::Notify,
    wakes: AtomicUsize,
}

impl Alarm {
    fn new() -> Arc<Self> {
        Arc::new(Self { bell: loom::sync::Notify::new(), wakes: AtomicUsize::new(0) })
    }

    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.bell.notify();
    }
}

/// Goes through every order of two threads.
fn exhaustively(model: impl Fn() + Sync + Send + 'static) {
    loom::model::Builder::new().check(model);
}

/// Goes through the orders of three threads with few interruptions.
fn bounded(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

/// The models over one version of the sources.
macro_rules! models {
    ($protocols:ident) => {
        use super::$protocols::{intake::Intake, parking::Parking};
        use super::*;

        fn wait<T>(parking: &Parking<T>, alarm: &Arc<Alarm>) -> T {
            let waker = Waker::from(Arc::clone(alarm));
            loop {
                match parking.poll(&waker) {
                    Poll::Ready(outcome) => return outcome,
                    Poll::Pending => alarm.bell.wait(),
                }
            }
        }

        /// A caller parks while its answer is granted: it has it, and was woken at most once.
        pub fn grant_against_park() {
            exhaustively(|| {
                let parking = loom::sync::Arc::new(Parking::new());
                let grant = loom::sync::Arc::clone(&parking);
                let granter = loom::thread::spawn(move || assert!(grant.settle("granted")));
                let alarm = Alarm::new();
                assert_eq!(wait(&parking, &alarm), "granted");
                granter.join().unwrap();
                assert!(alarm.wakes() <= 1, "woken {} times", alarm.wakes());
            });
        }

        /// The caller goes while its answer is granted: one of the two wins, and after a
        /// cancellation that won nobody is woken.
        pub fn grant_against_cancel() {
            exhaustively(|| {
                let parking = loom::sync::Arc::new(Parking::new());
                let alarm = Alarm::new();
                let waker = Waker::from(Arc::clone(&alarm));
                assert!(parking.poll(&waker).is_pending());
                let grant = loom::sync::Arc::clone(&parking);
                let granter = loom::thread::spawn(move || grant.settle("granted"));
                let cancelled = parking.cancel();
                let granted = granter.join().unwrap();
                assert!(cancelled != granted, "cancelled: {cancelled}, granted: {granted}");
                assert_eq!(alarm.wakes(), usize::from(granted), "woken after it was cancelled");
            });
        }

        /// A caller waits while a grant and a time-out race: one of them wins, the caller has
        /// that one's outcome, and is woken at most once.
        pub fn grant_against_time_out() {
            bounded(|| {
                let parking = loom::sync::Arc::new(Parking::new());
                let racer = |outcome: &'static str| {
                    let parking = loom::sync::Arc::clone(&parking);
                    loom::thread::spawn(move || parking.settle(outcome))
                };
                let (grant, time_out) = (racer("granted"), racer("timed out"));
                let alarm = Alarm::new();
                let outcome = wait(&parking, &alarm);
                let (granted, timed_out) = (grant.join().unwrap(), time_out.join().unwrap());
                assert!(granted != timed_out, "granted: {granted}, timed out: {timed_out}");
                assert_eq!(outcome == "granted", granted, "it has the loser's outcome");
                assert!(alarm.wakes() <= 1, "woken {} times", alarm.wakes());
            });
        }

        /// Grant, time-out and cancellation race: exactly one wins.
        pub fn all_three() {
            bounded(|| {
                let parking = loom::sync::Arc::new(Parking::new());
                let alarm = Alarm::new();
                assert!(parking.poll(&Waker::from(Arc::clone(&alarm))).is_pending());
                let racer = |outcome: &'static str| {
                    let parking = loom::sync::Arc::clone(&parking);
                    loom::thread::spawn(move || parking.settle(outcome))
                };
                let (grant, time_out) = (racer("granted"), racer("timed out"));
                let cancelled = parking.cancel();
                let (granted, timed_out) = (grant.join().unwrap(), time_out.join().unwrap());
                let winners = [granted, timed_out, cancelled].iter().filter(|it| **it).count();
                assert_eq!(winners, 1, "{granted} {timed_out} {cancelled}");
                assert_eq!(alarm.wakes(), usize::from(!cancelled), "woken after all");
            });
        }

        fn bring(intake: &Intake<u8>, served: &loom::sync::Mutex<Vec<u8>>, item: u8) {
            if intake.bring(item) {
                while let Some(item) = intake.next() {
                    // Held by the server alone: else this would not be free.
                    served.try_lock().expect("two owners").push(item);
                }
            }
        }

        fn bring_from(threads: u8) {
            let intake = loom::sync::Arc::new(Intake::new());
            let served = loom::sync::Arc::new(loom::sync::Mutex::new(Vec::new()));
            let others: Vec<_> = (1..threads)
                .map(|item| {
                    let intake = loom::sync::Arc::clone(&intake);
                    let served = loom::sync::Arc::clone(&served);
                    loom::thread::spawn(move || bring(&intake, &served, item))
                })
                .collect();
            bring(&intake, &served, 0);
            for other in others {
                other.join().unwrap();
            }
            let mut served = served.lock().unwrap().clone();
            served.sort_unstable();
            let all: Vec<_> = (0..threads).collect();
            assert_eq!(served, all, "something waits and nobody serves");
        }

        /// Two bring something at once: both are served, by one owner at a time.
        pub fn two_at_the_intake() {
            exhaustively(|| bring_from(2));
        }

        /// Three do.
        pub fn three_at_the_intake() {
            bounded(|| bring_from(3));
        }
    };
}

mod of_sound {
    models!(sound);

    #[test]
    fn a_caller_that_parks_while_it_is_granted_has_its_answer() {
        grant_against_park();
    }

    #[test]
    fn a_grant_or_a_cancellation_wins() {
        grant_against_cancel();
    }

    #[test]
    fn a_grant_or_a_time_out_wins_and_the_caller_has_its_outcome() {
        grant_against_time_out();
    }

    #[test]
    fn one_of_grant_time_out_and_cancellation_wins() {
        all_three();
    }

    #[test]
    fn what_two_bring_is_served() {
        two_at_the_intake();
    }

    #[test]
    fn what_three_bring_is_served() {
        three_at_the_intake();
    }
}

/// Runs a model over a planted fault in a process of its own, since a model that fails may take
/// its process with it, and sees it fail with these words.
fn assert_found(test: &str, words: &str, model: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        model();
        return;
    }
    let this = env::current_exe().expect("this test");
    let mut inner = Command::new(this);
    inner.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = inner.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the fault was not found");
    assert!(said.contains(words), "it failed in another way:\n{said}");
}

/// Set in the process that runs the model itself.
const INSIDE: &str = "MULTIVERSE_MODEL_INSIDE";

/// A fault, and the model that finds it.
macro_rules! finds {
    ($module:ident, $protocols:ident, $test:ident, $model:ident, $words:literal) => {
        #[allow(dead_code, reason = "one model finds it")]
        mod $module {
            models!($protocols);

            #[test]
            fn $test() {
                let test = concat!(stringify!($module), "::", stringify!($test));
                assert_found(test, $words, $model);
            }
        }
    };
}

finds!(of_lost_wake_up, lost_wake_up, is_found, grant_against_park, "deadlock");
finds!(of_double_wake, double_wake, is_found, grant_against_time_out, "granted: true");
finds!(of_park_after_grant, park_after_grant, is_found, grant_against_park, "deadlock");
finds!(of_wake_after_cancel, wake_after_cancel, is_found, grant_against_cancel, "granted: true");
finds!(of_gone_between_looks, gone_between_looks, is_found, two_at_the_intake, "nobody serves");
