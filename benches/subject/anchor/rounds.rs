//! How the kernel is held against the bare bound: in rounds, each of which measures both, one right
//! after the other, and who goes first takes turns. What else the machine has to do in a round
//! falls on both, so a round's ratio says more than the ratio of two medians.
//!
//! The kernel does a fixed number of things, and the round takes as long as that takes. The bare
//! bound does so too where it needs one thread. Where it has a thread for each session, all start
//! together and work for a fixed time, in which what they have done is counted: with a fixed number
//! for each, the first threads would be done before the last have begun, and nobody would ever be
//! in another's way.

use std::cell::RefCell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::suite::{self, Case, Pace, Suite};
use super::Draw;

/// Rounds whose medians are told.
const ROUNDS: usize = 15;
/// One round a sample: it takes what it takes.
const PACE: Pace = Pace { samples: ROUNDS, about: Duration::from_millis(10) };

/// How long threads work at once.
const AT_ONCE: Duration = Duration::from_millis(200);

/// What one round came to.
#[derive(Clone, Copy)]
struct Round {
    /// Seconds that the kernel took for a thing.
    kernel: f64,
    /// The same of the bare bound, all of whose threads share in the things.
    bare: f64,
}

/// How many things were done, and in which time.
pub struct Done {
    count: u64,
    took: Duration,
}

impl Done {
    #[allow(clippy::cast_precision_loss, reason = "a few digits are told")]
    fn seconds_each(&self) -> f64 {
        self.took.as_secs_f64() / self.count as f64
    }
}

/// Does so many things.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn timed(count: u64, action: impl FnOnce()) -> Done {
    let start = Instant::now();
    action();
    Done { count, took: start.elapsed() }
}

/// Lets so many threads work at once: they start together, and each acts again and again until the
/// time is over. An action is told its thread's number, from 0, and answers how many things it did.
/// The time ends with the last action.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn at_once(threads: u32, act: impl Fn(u32, &mut Draw) -> u64 + Sync) -> Done {
    let (count, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let together = Barrier::new(threads as usize + 1);
    let start = thread::scope(|scope| {
        for number in 0..threads {
            let (count, is_over, together, act) = (&count, &is_over, &together, &act);
            scope.spawn(move || {
                let (mut draw, mut done) = (Draw::of(number.into()), 0);
                together.wait();
                while !is_over.load(Ordering::Relaxed) {
                    done += act(number, &mut draw);
                }
                count.fetch_add(done, Ordering::Relaxed);
            });
        }
        together.wait();
        let start = Instant::now();
        thread::sleep(AT_ONCE);
        is_over.store(true, Ordering::Relaxed);
        start
    });
    Done { count: count.into_inner(), took: start.elapsed() }
}

/// Measures a claim: the kernel's time becomes Criterion's figure, and beside it the bare bound's
/// and the ratio are printed and kept. The kernel does `elements` things a round.
pub fn against_bare(
    suite: &mut Suite,
    case: Case<'_>,
    elements: u64,
    mut kernel: impl FnMut(),
    mut bare: impl FnMut() -> Done,
) {
    let rounds = RefCell::new(Vec::new());
    suite.case(case, PACE, elements, |bencher| {
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let mut rounds = rounds.borrow_mut();
                let (of_kernel, of_bare) = if rounds.len().is_multiple_of(2) {
                    let of_kernel = timed(elements, &mut kernel);
                    (of_kernel, bare())
                } else {
                    let of_bare = bare();
                    (timed(elements, &mut kernel), of_bare)
                };
                all += of_kernel.took;
                let (kernel, bare) = (of_kernel.seconds_each(), of_bare.seconds_each());
                rounds.push(Round { kernel, bare });
            }
            all
        });
    });
    // Those that Criterion did to warm up come first.
    let mut rounds = rounds.into_inner();
    if rounds.len() > ROUNDS {
        keep(case, &rounds.split_off(rounds.len() - ROUNDS));
    }
}

/// Prints the medians and writes them beside Criterion's own estimates.
fn keep((claim, case): Case<'_>, rounds: &[Round]) {
    let median = |of: fn(&Round) -> f64| {
        let mut all: Vec<_> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let ratios = || rounds.iter().map(|it| it.bare / it.kernel);
    let (least, most) = (ratios().fold(f64::MAX, f64::min), ratios().fold(0.0, f64::max));
    let ratio = median(|it| it.bare / it.kernel);
    let (kernel, bare) = (1.0 / median(|it| it.kernel), 1.0 / median(|it| it.bare));
    println!(
        "{claim}/{case}: {ratio:.3} times bare ({least:.3} to {most:.3}); {kernel:.0} a second, \
         bare {bare:.0}"
    );
    let told = json!({
        "kernel_a_second": kernel,
        "bare_a_second": bare,
        "ratio": { "median": ratio, "least": least, "most": most },
        "rounds": rounds.len(),
    });
    suite::tell((claim, case), &told);
}
