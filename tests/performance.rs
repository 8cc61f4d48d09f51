//! The README's table of the anchors, W1 to W7, is written from what `cargo bench --bench anchors`
//! has left in `target/criterion`:
//!
//! `UPDATE_README=1 cargo test --test performance`
//!
//! Without that the test only looks whether the README tells of every anchor, with its target.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One line of the table.
struct Anchor {
    /// What is measured.
    what: &'static str,
    /// The bench's group and case.
    bench: (&'static str, &'static str),
    /// Of what there are so many a second.
    unit: &'static str,
    /// How many times the bare bound it should reach.
    target: Option<f64>,
}

const fn anchor(
    what: &'static str,
    bench: (&'static str, &'static str),
    unit: &'static str,
    target: Option<f64>,
) -> Anchor {
    Anchor { what, bench, unit, target }
}

const ANCHORS: [Anchor; 14] = [
    anchor(
        "W1: transactions of ten updates of random rows of 1,000,000, 1 session",
        ("W1 uncontended", "1 session"),
        "a second",
        Some(0.35),
    ),
    anchor("W1: 16 sessions", ("W1 uncontended", "16 sessions"), "a second", None),
    anchor(
        "W2: the same on 100 hot rows in ascending order, 1 session",
        ("W2 hot rows sorted", "1 session"),
        "a second",
        None,
    ),
    anchor("W2: 16 sessions", ("W2 hot rows sorted", "16 sessions"), "a second", Some(0.8)),
    anchor(
        "W3: the same in any order, 2 sessions; bare waits for nobody and begins again",
        ("W3 hot rows unsorted", "2 sessions"),
        "committed a second",
        None,
    ),
    anchor(
        "W3: 16 sessions",
        ("W3 hot rows unsorted", "16 sessions"),
        "committed a second",
        Some(0.1),
    ),
    anchor(
        "W5: a nolock scan of 1,000,000 rows, a writer beside it",
        ("W5 scan", "nolock beside a writer"),
        "rows a second",
        Some(0.25),
    ),
    anchor(
        "W5: a scan of committed versions, nobody beside it; bare locks each row",
        ("W5 scan", "committed versions"),
        "rows a second",
        None,
    ),
    anchor(
        "W5: the same with a lock on each row",
        ("W5 scan", "read committed, with locks"),
        "rows a second",
        None,
    ),
    anchor(
        "W6: loading records of 10 columns with an alternate key",
        ("W6 load", "records with an alternate key"),
        "a second",
        Some(0.3),
    ),
    anchor("W7: point reads of a column by id", ("W7 point read", "by id"), "a second", Some(0.8)),
    anchor(
        "W7: the same by alternate key",
        ("W7 point read", "by alternate key"),
        "a second",
        Some(0.8),
    ),
    anchor(
        "W2 with 16 sessions and the trace on; in place of bare the same with it off",
        ("Trace", "on beside off"),
        "a second",
        Some(0.5),
    ),
    anchor(
        "W4: deadlocks of two from the request that closes the circle to the victim's error",
        ("W4 deadlock", "closing request to victim"),
        "a second",
        None,
    ),
];

/// How many deadlocks one iteration of the bench makes.
const DEADLOCKS: f64 = 10_000.0;

/// What was measured of an anchor.
struct Measured {
    a_second: f64,
    /// Against the bare bound: the median of all rounds, and the extremes.
    ratio: Option<[f64; 3]>,
}

fn measured(anchor: &Anchor) -> Option<Measured> {
    let folder = folder();
    let read = |path: PathBuf| -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    };
    let (claim, case) = anchor.bench;
    if let Some(told) = read(folder.join("against_bare").join(claim).join(format!("{case}.json"))) {
        let ratio = ["median", "least", "most"].map(|which| told["ratio"][which].as_f64());
        let [Some(median), Some(least), Some(most)] = ratio else { return None };
        let a_second = told["kernel_a_second"].as_f64()?;
        return Some(Measured { a_second, ratio: Some([median, least, most]) });
    }
    let told = read(folder.join(claim).join(case).join("new/estimates.json"))?;
    let nanoseconds = told["median"]["point_estimate"].as_f64()? / DEADLOCKS;
    Some(Measured { a_second: 1e9 / nanoseconds, ratio: None })
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from)
}

/// A number of three digits, with its thousands set apart.
fn rounded(number: f64) -> String {
    let unit = 10_f64.powf(number.log10().floor() - 2.0).max(1.0);
    let digits = format!("{:.0}", (number / unit).round() * unit);
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A line of the table, as far as it is known without measuring, and then whole.
fn line(anchor: &Anchor, measured: Option<&Measured>) -> String {
    let mut line = format!("| {} | ", anchor.what);
    let Some(Measured { a_second, ratio }) = measured else {
        return line;
    };
    write!(line, "{} {} | ", rounded(*a_second), anchor.unit).expect("a text");
    if let Some([median, least, most]) = ratio {
        write!(line, "{median:.2} ({least:.2} to {most:.2})").expect("a text");
    }
    line.push_str(" | ");
    if let (Some(target), Some([median, ..])) = (anchor.target, ratio) {
        let missed = if *median < target { ", missed" } else { "" };
        write!(line, "{target}{missed}").expect("a text");
    }
    line.push_str(" |");
    line
}

#[test]
fn the_readme_tells_of_every_anchor() {
    let (opening, closing) = ("<!-- anchors -->\n", "<!-- /anchors -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(opening).expect("the comment before the table");
    let (shown, after) = rest.split_once(closing).expect("the comment after the table");
    if std::env::var_os("UPDATE_README").is_some() {
        let lines = ANCHORS.iter().map(|anchor| {
            let measured = measured(anchor);
            assert!(measured.is_some(), "`cargo bench --bench anchors` first: {}", anchor.what);
            line(anchor, measured.as_ref())
        });
        let lines: Vec<_> = lines.collect();
        let head = "| what | measured | times bare | target |\n|---|---|---|---|";
        let table = format!("{head}\n{}", lines.join("\n"));
        fs::write(&path, format!("{before}{opening}\n{table}\n\n{closing}{after}"))
            .expect("a README that can be written");
        return;
    }
    let mut shown = shown.lines().filter(|line| line.starts_with("| W"));
    for anchor in &ANCHORS {
        let found = shown.next().unwrap_or_default();
        assert!(found.starts_with(&line(anchor, None)), "{found} is not about {}", anchor.what);
    }
    assert_eq!(shown.next(), None, "there is one line more than anchors");
}

#[test]
fn numbers_have_three_digits_and_their_thousands_apart() {
    assert_eq!(rounded(1_234_567.0), "1,230,000");
    assert_eq!(rounded(98_760.0), "98,800");
    assert_eq!(rounded(123.4), "123");
    assert_eq!(rounded(7.0), "7");
}
