//! The README's tables of figures are written from what `cargo bench` has left in
//! `target/criterion`:
//!
//! `UPDATE_README=1 cargo test --test performance`
//!
//! Without that the tests only look whether the README has a line for each benchmark that there is,
//! and none besides.

mod figures;
mod lines;
// Listing the benchmarks runs none, and needs little of what measures them.
#[path = "../../benches/subject/mod.rs"]
mod subject;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use figures::{Figures, Target, Unit, date_of, fresh};
use lines::{Line, TABLES, Table};
use subject::suite::Suite;

/// Between these comments stands what is generated.
const OPENING: &str = "<!-- figures -->\n";
const CLOSING: &str = "<!-- /figures -->";

/// How wide the README's prose is.
const WIDTH: usize = 118;

/// What stands in the head of a line.
fn head(table: &Table) -> Vec<&'static str> {
    let mut head = vec![table.what];
    head.extend(table.columns);
    if table.has_targets() {
        head.push("target");
    }
    head
}

/// The cells of a line.
fn cells(table: &Table, line: &Line) -> Vec<String> {
    let mut cells = vec![line.what.to_owned()];
    let measured: Vec<_> = line.cases.iter().map(|case| Figures::of((line.group, case))).collect();
    match line.unit {
        Unit::Bound(_) => cells.extend(measured.iter().flat_map(|it| {
            [line.unit.told(it), it.ratio.map(|ratio| ratio.to_string()).unwrap_or_default()]
        })),
        unit => cells.extend(measured.iter().map(|it| unit.told(it))),
    }
    if table.has_targets() {
        let last = measured.last().expect("a line has a case");
        cells.push(line.target.map(|target| target.told(line.unit, last)).unwrap_or_default());
    }
    cells
}

fn row(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Prose at the README's width.
fn wrapped(text: &str) -> String {
    let (mut wrapped, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

/// Where, when, and all tables.
fn generated() -> String {
    let cases = TABLES.iter().flat_map(Table::cases);
    let files: Vec<PathBuf> = cases.map(Figures::file).collect();
    let missing = files.iter().find(|file| !file.exists());
    assert_eq!(missing, None, "`cargo bench` first");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let date = date_of(fresh(&files));
    let mut text = format!(
        "\nMeasured on {date} on {cores} cores of an {}, in one run of `cargo bench`.\n",
        figures::processor()
    );
    for table in TABLES {
        write!(text, "\n### {}\n\n", table.subject).expect("a text");
        if !table.about.is_empty() {
            write!(text, "{}\n\n", wrapped(table.about)).expect("a text");
        }
        let head = head(table);
        text += &row(&head);
        text += &format!("|{}\n", "---|".repeat(head.len()));
        for line in table.lines {
            text += &row(&cells(table, line));
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_readme_tells_of_every_benchmark() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(OPENING).expect("the comment before the tables");
    let (shown, after) = rest.split_once(CLOSING).expect("the comment after the tables");
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}{OPENING}{}{CLOSING}{after}", generated());
        fs::write(&path, text).expect("a README that can be written");
        return;
    }
    let first_cell = |line: &str| line.split(" | ").next().unwrap_or_default().to_owned();
    let shown: Vec<_> = shown.lines().filter(|it| it.starts_with("| ")).map(first_cell).collect();
    let all = |table: &Table| {
        let lines = table.lines.iter().map(|line| format!("| {}", line.what));
        [format!("| {}", table.what)].into_iter().chain(lines).collect::<Vec<_>>()
    };
    let expected: Vec<_> = TABLES.iter().flat_map(all).collect();
    assert_eq!(shown, expected, "UPDATE_README=1 cargo test --test performance");
}

#[test]
fn every_benchmark_is_named_and_every_named_one_is_there() {
    let mut suite = Suite::Listing(Vec::new());
    for bench in subject::ALL {
        bench(&mut suite);
    }
    let Suite::Listing(listed) = suite else { unreachable!("it was listing") };
    let there: BTreeSet<_> = listed.iter().map(|(group, case)| (&**group, &**case)).collect();
    assert_eq!(there.len(), listed.len(), "two benchmarks have one name");
    let named: BTreeSet<_> = TABLES.iter().flat_map(Table::cases).collect();
    let unnamed: Vec<_> = there.difference(&named).collect();
    assert!(unnamed.is_empty(), "no line of the README tells of {unnamed:#?}");
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(gone.is_empty(), "the README tells of what there is not: {gone:#?}");
}

#[test]
fn every_line_has_a_case_for_each_column() {
    for table in TABLES {
        for line in table.lines {
            let columns = match line.unit {
                Unit::Bound(_) => 2 * line.cases.len(),
                _ => line.cases.len(),
            };
            assert_eq!(columns, table.columns.len(), "{}", line.what);
        }
    }
}

#[test]
fn a_missed_target_says_so() {
    let target = Target::AtLeast(300_000.0);
    let figures = |nanoseconds| Figures { nanoseconds, ..Figures::default() };
    assert_eq!(target.told(Unit::Rate(""), &figures(2_000.0)), "300,000");
    assert_eq!(target.told(Unit::Rate(""), &figures(4_000.0)), "300,000, missed");
    let target = Target::AtMost(2_000.0);
    assert_eq!(target.told(Unit::Each, &figures(2_000.0)), "2 µs");
    assert_eq!(target.told(Unit::Each, &figures(2_001.0)), "2 µs, missed");
}
