//! How the kernel is held against the bare bound: in rounds, each of which measures both, one right
//! after the other, and who goes first takes turns. What else the machine has to do in a round
//! falls on both, so a round's ratio says more than the ratio of two medians.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use serde_json::json;

/// Rounds whose medians are told.
const ROUNDS: usize = 15;
/// Criterion's own measure of how long it goes on; a round takes what it takes.
const ABOUT: Duration = Duration::from_secs(3);

/// How long both took for one round.
#[derive(Clone, Copy)]
struct Round {
    kernel: f64,
    bare: f64,
}

/// Measures a claim: the kernel's time becomes Criterion's figure, and beside it the bare bound's
/// and the ratio are printed and kept. Each action does `elements` things.
pub fn against_bare(
    criterion: &mut Criterion,
    (claim, case): (&str, &str),
    elements: u64,
    mut kernel: impl FnMut(),
    mut bare: impl FnMut(),
) {
    let rounds = RefCell::new(Vec::new());
    let mut group = group_of(criterion, claim, elements);
    group.bench_function(case, |bencher| {
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let mut rounds = rounds.borrow_mut();
                let round: Round = if rounds.len().is_multiple_of(2) {
                    let kernel = seconds(&mut kernel);
                    Round { kernel, bare: seconds(&mut bare) }
                } else {
                    let bare = seconds(&mut bare);
                    Round { kernel: seconds(&mut kernel), bare }
                };
                rounds.push(round);
                all += Duration::from_secs_f64(round.kernel);
            }
            all
        });
    });
    group.finish();
    // Those that Criterion did to warm up come first.
    let mut rounds = rounds.into_inner();
    if rounds.len() > ROUNDS {
        keep((claim, case), elements, &rounds.split_off(rounds.len() - ROUNDS));
    }
}

/// A group with the settings of all anchors.
pub fn group_of<'a>(
    criterion: &'a mut Criterion,
    claim: &str,
    elements: u64,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(claim);
    group.sample_size(ROUNDS).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(ABOUT);
    group.throughput(Throughput::Elements(elements));
    group
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn seconds(action: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    action();
    start.elapsed().as_secs_f64()
}

/// Prints the medians and writes them beside Criterion's own estimates.
#[allow(clippy::cast_precision_loss, reason = "a few digits are told")]
fn keep((claim, case): (&str, &str), elements: u64, rounds: &[Round]) {
    let median = |of: fn(&Round) -> f64| {
        let mut all: Vec<_> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let ratios = || rounds.iter().map(|it| it.bare / it.kernel);
    let (least, most) = (ratios().fold(f64::MAX, f64::min), ratios().fold(0.0, f64::max));
    let ratio = median(|it| it.bare / it.kernel);
    let rate = |seconds: f64| elements as f64 / seconds;
    let (kernel, bare) = (rate(median(|it| it.kernel)), rate(median(|it| it.bare)));
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
    let folder = criterion_folder().join("against_bare").join(claim);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("{case}.json")), told.to_string()).expect("a file");
}

/// Where Criterion keeps what it measures.
fn criterion_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from)
}
