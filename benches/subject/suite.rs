//! What the benchmarks run in. A bench hands its cases to a [`Suite`], which measures each of them
//! with Criterion, or only lists them: the README has a line for each, and a test looks whether
//! that is so without measuring anything. For this, and so that a bench that is filtered away costs
//! nothing, a case makes what it needs only when it is measured.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Bencher, Criterion, SamplingMode, Throughput};

/// How long a case is warmed up.
const WARM_UP: Duration = Duration::from_millis(200);
/// How often the analysis draws from the samples: enough for the two digits that are told.
const RESAMPLES: usize = 5_000;

/// How much is measured of a case.
#[derive(Clone, Copy)]
pub struct Pace {
    /// How many samples.
    pub samples: usize,
    /// How long all of them take together, unless one iteration of each takes longer.
    pub about: Duration,
}

impl Pace {
    /// For what takes nanoseconds to milliseconds.
    pub const USUAL: Self = Self { samples: 15, about: Duration::from_millis(800) };
    /// For what takes seconds: one iteration a sample, and as few as Criterion allows.
    pub const LONG: Self = Self { samples: 10, about: Duration::from_millis(10) };
}

/// The name of a case: its group, and itself within that.
pub type Case<'a> = (&'a str, &'a str);

/// All cases, measured or listed.
pub enum Suite {
    /// Measures those that the command line chooses.
    Measuring(Box<Criterion>),
    /// Measures nothing.
    #[allow(dead_code, reason = "only the README's test lists")]
    Listing(Vec<(String, String)>),
}

impl Suite {
    /// A suite that measures.
    #[allow(dead_code, reason = "the README's test does not measure")]
    pub fn measuring() -> Self {
        let criterion = Criterion::default().without_plots().nresamples(RESAMPLES);
        Self::Measuring(Box::new(criterion.configure_from_args()))
    }

    /// Measures a case, of which one iteration does so many things.
    pub fn case(
        &mut self,
        (group, case): Case<'_>,
        pace: Pace,
        elements: u64,
        routine: impl FnMut(&mut Bencher<'_, WallTime>),
    ) {
        match self {
            Self::Measuring(criterion) => {
                let mut group = criterion.benchmark_group(group);
                group.sample_size(pace.samples).measurement_time(pace.about).warm_up_time(WARM_UP);
                group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(elements));
                group.bench_function(case, routine);
                group.finish();
            }
            Self::Listing(cases) => cases.push((group.to_owned(), case.to_owned())),
        }
    }

    /// Ends what was measured.
    #[allow(dead_code, reason = "the README's test does not measure")]
    pub fn finish(&self) {
        if let Self::Measuring(criterion) = self {
            criterion.final_summary();
        }
    }
}

/// Where Criterion keeps what it measures.
pub fn criterion_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from)
}

/// Where the figures are that a case tells beside its time.
pub fn told_file((group, case): Case<'_>) -> PathBuf {
    criterion_folder().join("told").join(group).join(format!("{case}.json"))
}

/// Keeps the figures that a case tells beside its time.
pub fn tell(case: Case<'_>, figures: &serde_json::Value) {
    let file = told_file(case);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder that can be made");
    fs::write(file, figures.to_string()).expect("a file that can be written");
}
