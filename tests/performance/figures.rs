//! What was measured of one benchmark, and how it is told.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use crate::subject::suite::{Case, criterion_folder, told_file};

/// The longest that one run of all benchmarks can have taken: older figures are of another.
const ONE_RUN: Duration = Duration::from_secs(2 * 60 * 60);

/// The figures of one benchmark.
#[derive(Default)]
pub struct Figures {
    /// For one element, the median.
    pub nanoseconds: f64,
    /// Against the bound.
    pub ratio: Option<Ratio>,
    /// What it came to in virtual time, and whatever else it told.
    pub told: Value,
}

/// How many times the bound: the median of all rounds, and the extremes.
#[derive(Clone, Copy)]
pub struct Ratio {
    median: f64,
    least: f64,
    most: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

/// In what the figure of a line is told.
#[derive(Clone, Copy)]
pub enum Unit {
    /// The time for one.
    Each,
    /// So many of these a second.
    Rate(&'static str),
    /// The same, with the ratio to the bound in a cell of its own.
    Bound(&'static str),
    /// So many of these a simulated second, with what stood in their way; and the real time of one.
    Simulated(&'static str),
    /// A figure that the benchmark tells under this key, with what it counts.
    Told(&'static str, &'static str),
}

/// What a figure should reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// So many times the bound.
    Times(f64),
    /// So many a second.
    AtLeast(f64),
    /// So many nanoseconds for one, or so much of what is told.
    AtMost(f64),
}

impl Figures {
    /// The file with the time of a case.
    pub fn file((group, case): Case<'_>) -> PathBuf {
        criterion_folder().join(group).join(case).join("new/estimates.json")
    }

    /// The figures of a case.
    ///
    /// # Panics
    ///
    /// They are not there.
    pub fn of(case: Case<'_>) -> Self {
        let file = Self::file(case);
        let estimates = read(&file).unwrap_or_else(|| panic!("{case:?} was not measured"));
        let median = estimates["median"]["point_estimate"].as_f64().expect("a number");
        let kept = read(&file.with_file_name("benchmark.json")).unwrap_or_default();
        let elements = kept["throughput"]["Elements"].as_f64().unwrap_or(1.0);
        let told = read(&told_file(case)).unwrap_or_default();
        let ratio = ["median", "least", "most"].map(|which| told["ratio"][which].as_f64());
        let ratio = match ratio {
            [Some(median), Some(least), Some(most)] => Some(Ratio { median, least, most }),
            _ => None,
        };
        Self { nanoseconds: median / elements, ratio, told }
    }

    fn a_second(&self) -> f64 {
        1e9 / self.nanoseconds
    }

    fn number(&self, key: &str) -> f64 {
        self.told[key].as_f64().unwrap_or(f64::NAN)
    }
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

impl Unit {
    /// The figures in this unit.
    pub fn told(self, figures: &Figures) -> String {
        match self {
            Self::Each => time(figures.nanoseconds),
            Self::Rate(what) | Self::Bound(what) => {
                format!("{} {what}", rounded(figures.a_second()))
            }
            Self::Simulated(what) => simulated(figures, what),
            Self::Told(key, what) => format!("{} {what}", rounded(figures.number(key))),
        }
    }
}

/// `7.5 transactions a second; 461 deadlocks; waits up to 5.48 s; 48 % wasted; 8.2 µs each`
fn simulated(figures: &Figures, what: &str) -> String {
    let mut parts = vec![format!("{} {what} a second", rounded(figures.number("a_second")))];
    let waits = figures.number("waits");
    if waits > 0.0 {
        let longest = time(figures.number("longest_wait_us") * 1e3);
        parts.push(format!("{}, up to {longest}", counted(waits, "wait")));
    }
    let (deadlocks, rolled_back) = (figures.number("deadlocks"), figures.number("rolled_back"));
    if deadlocks > 0.0 {
        parts.push(counted(deadlocks, "deadlock"));
    }
    if rolled_back > deadlocks {
        parts.push(format!("{} rolled back", exact(rolled_back)));
    }
    let wasted = 100.0 * figures.number("wasted_share");
    if wasted > 0.0 {
        parts.push(format!("{wasted:.0} % of the writes undone"));
    }
    let note = figures.told["note"].as_str().unwrap_or_default();
    if !note.is_empty() {
        parts.push(note.trim_end_matches('.').to_owned());
    }
    parts.push(format!("*{}*", time(figures.nanoseconds)));
    parts.join("; ")
}

impl Target {
    /// The target, and whether these figures miss it.
    pub fn told(self, unit: Unit, figures: &Figures) -> String {
        let (told, is_missed) = match (self, unit) {
            (Self::Times(times), _) => {
                (times.to_string(), figures.ratio.is_none_or(|ratio| ratio.median < times))
            }
            (Self::AtLeast(rate), _) => (rounded(rate), figures.a_second() < rate),
            (Self::AtMost(most), Unit::Told(key, _)) => (rounded(most), figures.number(key) > most),
            (Self::AtMost(most), _) => (time(most), figures.nanoseconds > most),
        };
        if is_missed { format!("{told}, missed") } else { told }
    }
}

/// Three digits of a time.
pub fn time(nanoseconds: f64) -> String {
    let (amount, unit) = match nanoseconds {
        it if it < 999.5 => (it, "ns"),
        it if it < 999.5e3 => (it / 1e3, "µs"),
        it if it < 999.5e6 => (it / 1e6, "ms"),
        it => (it / 1e9, "s"),
    };
    format!("{} {unit}", rounded(amount))
}

/// A number of three digits, with its thousands set apart.
#[allow(clippy::cast_possible_truncation, reason = "a handful")]
pub fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let magnitude = number.abs().log10().floor();
    let unit = 10_f64.powf(magnitude - 2.0);
    let number = (number / unit).round() * unit;
    let places = (2.0 - number.abs().log10().floor()).clamp(0.0, 3.0) as usize;
    match places {
        0 => exact(number),
        _ if number.fract().abs() < 1e-9 => format!("{number:.0}"),
        _ => format!("{number:.places$}"),
    }
}

/// How many there are of something.
fn counted(count: f64, noun: &str) -> String {
    let ending = if count > 1.0 { "s" } else { "" };
    format!("{} {noun}{ending}", exact(count))
}

/// A whole number with its thousands set apart.
fn exact(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// When the newest of these files was written.
///
/// # Panics
///
/// One of them is of another run.
pub fn fresh(files: &[PathBuf]) -> SystemTime {
    let written = |file: &PathBuf| fs::metadata(file).and_then(|it| it.modified());
    let times: Vec<_> = files.iter().map(|file| written(file).expect("a file")).collect();
    let newest = times.iter().copied().max().expect("there are files");
    for (file, time) in files.iter().zip(times) {
        let age = newest.duration_since(time).unwrap_or_default();
        assert!(age < ONE_RUN, "{} is of an older run: `cargo bench` first", file.display());
    }
    newest
}

/// The day of an instant.
pub fn date_of(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).expect("an instant of this era");
    time.strftime("%Y-%m-%d").to_string()
}

/// What the system calls its processor.
pub fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let Some((_, name)) = name else { return std::env::consts::ARCH.to_owned() };
    let number = |key| {
        let line = told.lines().find(|line| line.starts_with(key))?;
        line.split_once(": ")?.1.trim().parse::<u32>().ok()
    };
    match (number("cpu family"), number("model\t")) {
        (Some(family), Some(model)) => {
            format!("{name} (family {family}, model {model})", name = name.trim())
        }
        _ => name.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{rounded, time};

    #[test]
    fn numbers_have_three_digits_and_their_thousands_apart() {
        assert_eq!(rounded(1_234_567.0), "1,230,000");
        assert_eq!(rounded(98_760.0), "98,800");
        assert_eq!(rounded(1_364.0), "1,360");
        assert_eq!(rounded(123.4), "123");
        assert_eq!(rounded(12.34), "12.3");
        assert_eq!(rounded(7.0), "7");
        assert_eq!(rounded(9.999), "10");
        assert_eq!(rounded(7.5), "7.50");
        assert_eq!(rounded(0.1234), "0.123");
        assert_eq!(rounded(0.0), "0");
        assert_eq!(rounded(999.7), "1,000");
        assert_eq!(rounded(1.0), "1");
    }

    #[test]
    fn times_have_a_unit_that_fits() {
        assert_eq!(time(25.31), "25.3 ns");
        assert_eq!(time(999.7), "1 µs");
        assert_eq!(time(4_720_000_000.0), "4.72 s");
        assert_eq!(time(30_000_000.0), "30 ms");
    }
}
