//! The expectations bite. Every value that a shipped scenario expects is changed, one at a time,
//! in the text of its file; each time the run must fail, and say in which line.
//!
//! What an expectation is *about* (an actor, a row, a variant, the instant of `by:`) is not what
//! it expects, and stays: [`SUBJECTS`]. Everything else has a change in [`changes`], and a key
//! that this test does not know fails it, so that the language can't grow past it.

mod yaml;

use std::process::Command;

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run::{self, ScenarioFile};
use yaml::{Form, Node};

/// The keys of an expectation that say what it is about.
const SUBJECTS: &[&str] = &[
    "variant", "by", "actor", "step", "row", "count", "writes", "answer", "plug-in", "outage",
    "table", "in", "of",
];

/// The keys whose values are changed as any value is.
const PLAIN: &[&str] = &[
    "is",
    "deleted",
    "rows",
    "succeeds",
    "in transaction",
    "runs",
    "hits",
    "requests",
    "retries",
    "faults",
    "waits",
    "commits",
    "rollbacks",
    "deadlocks",
    "longest wait",
    "total wait",
    "blocks",
    "affected",
    "escalations",
    "recalculations",
    "cross-instance waits",
    "rows examined",
];

/// One change of the text of a file: the characters from here to there become this.
#[derive(Clone, Debug)]
struct Change {
    from: usize,
    to: usize,
    text: String,
}

impl Change {
    fn new(node: &Node, text: impl Into<String>) -> Self {
        Self { from: node.from, to: node.to, text: text.into() }
    }

    fn applied(&self, letters: &[char]) -> String {
        let (before, after) = (&letters[..self.from], &letters[self.to..]);
        before.iter().copied().chain(self.text.chars()).chain(after.iter().copied()).collect()
    }
}

/// The changes of one expectation: for each value that it expects, the texts to try. The first
/// that the language accepts in that place counts.
fn changes(root: &Node, expectation: &Node, letters: &[char]) -> Vec<Vec<Change>> {
    let mut changes = Vec::new();
    let about_rows = expectation.get("rows").is_some_and(|rows| rows.text().contains('/'));
    for (key, value) in expectation.entries() {
        let is_subject = SUBJECTS.contains(&key.text()) || (key.text() == "rows" && about_rows);
        if is_subject {
            continue;
        }
        match key.text() {
            "at least" | "at most" => changes.push(of_bound(expectation, key.text(), value)),
            "ends" => {
                let bounds = value.entries().iter();
                changes.extend(bounds.map(|(key, bound)| of_bound(value, key.text(), bound)));
            }
            "unchanged" => changes.push(vec![Change {
                // The language knows no `unchanged: false`; that the row is gone, it knows.
                from: key.from,
                to: value.to,
                text: "is: missing".to_owned(),
            }]),
            "never" => changes.push(vec![Change::new(key, "happens")]),
            "happens" => changes.push(vec![Change::new(key, "never")]),
            "order" => changes.push(vec![reversed(value, letters)]),
            "fault" => {
                let is_depth = value.text() == "depth exceeded";
                let other = if is_depth { "key not defined" } else { "depth exceeded" };
                changes.push(vec![Change::new(value, other)]);
            }
            "anomaly" => changes.push(vec![Change::new(key, "never")]),
            "finally" => {
                let other = if value.text() == "converged" { "diverged" } else { "converged" };
                changes.push(vec![Change::new(value, other)]);
            }
            "waits for" | "victim" => changes.push(others(root, expectation, value)),
            "on" => changes.push(other_rows(root, value)),
            "blocks until" | "unblocks" | "when" => changes.push(other_steps(root, value)),
            key if PLAIN.contains(&key) => changes.extend(of_values(value)),
            _ if about_rows => changes.extend(of_values(value)),
            key => panic!("this test does not know how to change `{key}`"),
        }
    }
    changes
}

/// The changes of a value, or of each value in a list or map.
fn of_values(value: &Node) -> Vec<Vec<Change>> {
    match &value.form {
        Form::Scalar(_) => vec![of_scalar(value)],
        // No rows: that there is one, whatever it is.
        Form::List(items) if items.is_empty() => {
            vec![["[{}]", "[x]"].map(|one| Change::new(value, one)).into()]
        }
        Form::List(items) => items.iter().flat_map(of_values).collect(),
        Form::Map(entries) => entries
            .iter()
            .flat_map(|(key, item)| match key.text() {
                bound @ ("at least" | "at most") => vec![of_bound(value, bound, item)],
                _ => of_values(item),
            })
            .collect(),
    }
}

fn of_scalar(value: &Node) -> Vec<Change> {
    let text = value.text();
    let change = |to: &str| Change::new(value, to);
    match text {
        "true" => vec![change("false")],
        "false" => vec![change("true")],
        "null" => vec![change("x"), change("1"), change("true")],
        // A row that is missing: that it exists. A binding: that it holds something.
        "missing" => vec![change("{}"), change("x")],
        _ => match text.parse::<i64>() {
            Ok(number) => vec![change(&(number + 1).to_string())],
            // Another text, or a longer time; and none of the labels of a choice.
            Err(_) => {
                vec![change(&format!("'1{}'", text.replace('\'', "''"))), change("null")]
            }
        },
    }
}

/// The other actors of the file in the place of this one.
fn others(root: &Node, expectation: &Node, value: &Node) -> Vec<Change> {
    let about = expectation.get("actor").map_or("", Node::text);
    let parts = ["actors", "sessions"].into_iter().filter_map(|key| root.get(key));
    let actors = parts.flat_map(Node::entries);
    let names = actors.map(|(name, _)| name.text()).filter(|name| *name != value.text());
    let mut others: Vec<_> = names.map(|name| Change::new(value, name)).collect();
    // Whom the line is about first: nobody waits for itself.
    others.sort_by_key(|change| change.text != about);
    assert!(!others.is_empty(), "only one actor: `{}` can't be anybody else", value.text());
    others
}

/// The other steps of the file's sessions in the place of this one.
fn other_steps(root: &Node, step: &Node) -> Vec<Change> {
    let sessions = root.get("sessions").map_or(&[][..], Node::entries).iter();
    let labels = sessions.flat_map(|(session, it)| {
        let steps = it.get("steps").map_or(&[][..], Node::entries).iter();
        steps.map(move |(label, _)| format!("{}.{}", session.text(), label.text()))
    });
    let others: Vec<_> = labels.filter(|label| label != step.text()).collect();
    assert!(!others.is_empty(), "there is no other step than `{}`", step.text());
    others.into_iter().map(|label| Change::new(step, label)).collect()
}

/// A bound in the place of its partner: what lies between the two, but on neither, is then out of
/// bounds. A bound on its own moves to where nothing in a shipped scenario is.
fn of_bound(map: &Node, key: &str, bound: &Node) -> Vec<Change> {
    let (partner, alone) = match key {
        "at least" => ("at most", &["1000000", "300 days"][..]),
        "at most" => ("at least", &["0", "0ms"][..]),
        "after" => ("by", &["23:59"][..]),
        _ => ("after", &["0ms"][..]),
    };
    match map.get(partner) {
        Some(partner) => vec![Change::new(bound, partner.text())],
        None => alone.iter().map(|text| Change::new(bound, *text)).collect(),
    }
}

/// Other rows of the file in the place of this one: each that some map names with its table, in
/// each instance.
fn other_rows(root: &Node, path: &Node) -> Vec<Change> {
    let mut named = Vec::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        pending.extend(node.items());
        pending.extend(node.entries().iter().map(|(_, value)| value));
        if let (Some(table), Some(row)) = (node.get("table"), node.get("row")) {
            named.push(format!("{}/{}", table.text(), row.text()));
        }
    }
    let mut paths = Vec::new();
    for (instance, _) in root.get("instances").map_or(&[][..], Node::entries) {
        paths.extend(named.iter().map(|row| format!("{}/{row}", instance.text())));
        let loaded = root.get("rows").and_then(|rows| rows.get(instance.text()));
        for (table, rows) in loaded.map_or(&[][..], Node::entries) {
            let prefix = format!("{}/{}", instance.text(), table.text());
            let names = rows.entries().iter().map(|(name, _)| name.text());
            paths.extend(names.map(|name| format!("{prefix}/{name}")));
        }
    }
    paths.retain(|it| it != path.text());
    assert!(!paths.is_empty(), "there is no other row than `{}`", path.text());
    paths.into_iter().map(|it| Change::new(path, it)).collect()
}

/// The list's items in the opposite order.
fn reversed(list: &Node, letters: &[char]) -> Change {
    let items = list.items();
    assert!(items.len() > 1, "an order of one thing expects nothing");
    let source = |node: &Node| letters[node.from..node.to].iter().collect::<String>();
    let flow: Vec<_> = items.iter().rev().map(|item| source(item).trim().to_owned()).collect();
    let first = items.first().map_or(list.from, |item| item.from);
    let last = items.last().map_or(list.to, |item| item.to);
    let is_block = letters[first..last].contains(&'\n');
    let column = letters[..first].iter().rev().take_while(|it| **it != '\n').count();
    let between = if is_block {
        format!("\n{}- ", " ".repeat(column.saturating_sub(2)))
    } else {
        ", ".to_owned()
    };
    Change { from: first, to: last, text: flow.join(&between) }
}

/// Whether a run of this text fails at the expectation in this line; `None` when the text is
/// rejected.
fn fails_at(file: &ScenarioFile, text: &str, line: usize) -> Option<bool> {
    let path = file.path.display().to_string();
    let plans = run::parse(&path, text).ok()?;
    let place = format!("{path}:{line}");
    Some(plans.iter().any(|plan| {
        let run = run::run(plan, &RunOptions::default()).expect("a plan that runs");
        let at_line = |check: &multiverse::check::Check| check.at.line as usize == line;
        let failed = run.verdict.checks.iter().any(|check| !check.holds && at_line(check));
        assert!(!failed || run.story(&StoryOptions::default()).contains(&place), "{place}");
        failed
    }))
}

#[test]
fn every_changed_expectation_fails_and_names_its_line() {
    let search = run::scenario_files(&["scenarios"]);
    let mut toothless = Vec::new();
    let mut change_count = 0;
    for file in &search.files {
        let text = std::fs::read_to_string(&file.path).expect("UTF-8");
        let letters: Vec<_> = text.chars().collect();
        let root = yaml::read(&text);
        let expectations = root.get("expect").expect("expectations").items();
        assert!(!expectations.is_empty(), "{}", file.name);
        for expectation in expectations {
            let changes = changes(&root, expectation, &letters);
            assert!(!changes.is_empty(), "{}:{} expects nothing", file.name, expectation.line);
            for candidates in changes {
                change_count += 1;
                let tried = candidates
                    .iter()
                    .find_map(|it| fails_at(file, &it.applied(&letters), expectation.line));
                if tried != Some(true) {
                    let what = if tried.is_none() { "is rejected" } else { "still holds" };
                    let shown = &candidates[0];
                    let (file, line) = (file.path.display(), expectation.line);
                    toothless.push(format!("{file}:{line}: changed to {shown:?}, it {what}"));
                }
            }
        }
    }
    assert!(change_count > 100, "only {change_count} changes: the reading is broken");
    assert!(toothless.is_empty(), "\n{}\n", toothless.join("\n"));
}

#[test]
fn the_binary_exits_with_1_and_names_the_line() {
    for file in &run::scenario_files(&["scenarios"]).files {
        let text = std::fs::read_to_string(&file.path).expect("UTF-8");
        let letters: Vec<_> = text.chars().collect();
        let root = yaml::read(&text);
        let last = root.get("expect").and_then(|it| it.items().last()).expect("an expectation");
        let change = &changes(&root, last, &letters)[0][0];
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("changed.yaml"), change.applied(&letters)).expect("room");
        let mut command = Command::new(env!("CARGO_BIN_EXE_multiverse"));
        command.current_dir(folder.path()).args(["run", "changed.yaml"]);
        let output = command.output().expect("the binary runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{}: {change:?}\n{stdout}", file.name);
        let place = format!("changed.yaml:{}", last.line);
        assert!(stdout.contains(&place), "{}: {change:?}\n{stdout}", file.name);
    }
}
