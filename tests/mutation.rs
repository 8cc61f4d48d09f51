//! Broken scenario files break nothing else. Every shipped file, and every file that other tests
//! read, is changed at random, a few edits at a time, and goes the whole way: it is rejected with
//! a text, or it runs to an end, is judged, and its story, its JSON and its JUnit come out.
//! Nothing panics, and nothing goes on for ever.

use std::sync::{Arc, LazyLock};

use multiverse::engine::RunOptions;
use multiverse::plan::Plan;
use multiverse::plug_in::{Context, Interruption, PlugIn, Rows};
use multiverse::report::{self, StoryOptions};
use multiverse::run;
use proptest::prelude::*;
use proptest::sample::Index;

/// Enough for every shipped scenario, and soon over for one that has lost its end.
const TRANSITIONS_MAX: u64 = 20_000;

/// More rows than this are not loaded: the language may allow them, but a test has no time.
const ROWS_MAX: u64 = 5_000;

/// The files: name and text.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let search = run::scenario_files(&["scenarios", "tests/fixtures", "tests/errors"]);
    assert!(search.dead_ends.is_empty(), "{:?}", search.dead_ends);
    let read = |file: &run::ScenarioFile| std::fs::read_to_string(&file.path).expect("UTF-8");
    let mut files: Vec<_> =
        search.files.iter().map(|file| (file.name.clone(), read(file))).collect();
    files.push(("starter".to_owned(), multiverse::scenario::STARTER.to_owned()));
    files
});

/// Everything that stands between spaces and punctuation in the files, and what often
/// trips a reader.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let is_border = |it: char| it.is_whitespace() || "{}[],".contains(it);
    let mut words: Vec<_> = FILES
        .iter()
        .flat_map(|(_, text)| text.split(is_border))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.extend(
        [
            "null",
            "~",
            "-1",
            "0",
            "18446744073709551616",
            "1e400",
            "0x7fffffff",
            "true",
            "no",
            "=",
            "=1/0",
            "=n+n",
            "$",
            "$target",
            "=target.",
            "25:61",
            "99999 days",
            "0ms",
            "{{n}}",
            "\u{202e}",
            "\u{0}",
            "'",
            "\"",
            "&a",
            "*a",
            "!!int",
            "<<",
            "---",
            "? ",
            "#",
            ":",
        ]
        .map(str::to_owned),
    );
    words.sort();
    words.dedup();
    words
});

/// One change of a text.
#[derive(Clone, Debug)]
enum Edit {
    /// A word becomes another.
    Replace(Index, Index),
    /// A line is taken out.
    DropLine(Index),
    /// A line stands twice.
    DoubleLine(Index),
    /// Two lines change places.
    SwapLines(Index, Index),
    /// A line moves in or out.
    Indent(Index, i8),
    /// A stretch of characters is taken out.
    Cut(Index, u8),
    /// A word is put between two characters.
    Insert(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), at()).prop_map(|(place, word)| Edit::Replace(place, word)),
        2 => at().prop_map(Edit::DropLine),
        1 => at().prop_map(Edit::DoubleLine),
        1 => (at(), at()).prop_map(|(one, other)| Edit::SwapLines(one, other)),
        1 => (at(), -4..=4_i8).prop_map(|(line, by)| Edit::Indent(line, by)),
        1 => (at(), 1..20_u8).prop_map(|(place, length)| Edit::Cut(place, length)),
        1 => (at(), at()).prop_map(|(place, word)| Edit::Insert(place, word)),
    ]
}

fn edited(text: &str, edit: &Edit) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut letters: Vec<char> = text.chars().collect();
    if lines.is_empty() || letters.is_empty() {
        return text.to_owned();
    }
    match edit {
        Edit::Replace(place, word) => {
            let spans = words_in(text);
            if spans.is_empty() {
                return text.to_owned();
            }
            let (from, to) = spans[place.index(spans.len())];
            return format!("{}{}{}", &text[..from], word.get(&WORDS), &text[to..]);
        }
        Edit::DropLine(line) => drop(lines.remove(line.index(lines.len()))),
        Edit::DoubleLine(line) => {
            let line = line.index(lines.len());
            lines.insert(line, lines[line].clone());
        }
        Edit::SwapLines(one, other) => {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }
        Edit::Indent(line, by) => {
            let line = line.index(lines.len());
            let spaces = usize::from(by.unsigned_abs());
            lines[line] = match *by {
                0.. => format!("{}{}", " ".repeat(spaces), lines[line]),
                _ => lines[line].chars().skip(spaces).collect(),
            };
        }
        Edit::Cut(place, length) => {
            let from = place.index(letters.len());
            let to = (from + usize::from(*length)).min(letters.len());
            letters.drain(from..to);
            return letters.into_iter().collect();
        }
        Edit::Insert(place, word) => {
            let at = place.index(letters.len());
            letters.splice(at..at, word.get(&WORDS).chars());
            return letters.into_iter().collect();
        }
    }
    lines.join("\n")
}

/// The byte ranges of the text's words.
fn words_in(text: &str) -> Vec<(usize, usize)> {
    let is_border = |it: char| it.is_whitespace() || "{}[],:".contains(it);
    let mut spans = Vec::new();
    let mut from = 0;
    for (at, border) in text.match_indices(is_border) {
        if at > from {
            spans.push((from, at));
        }
        from = at + border.len();
    }
    spans
}

/// The plug-in in Rust that one of the files names.
struct Native;

impl PlugIn for Native {
    fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption> {
        context.retrieve_multiple(Rows::of("account"))?;
        Ok(())
    }
}

/// Takes a text the whole way. Panics only if multiverse does.
fn travel(file: &str, text: &str) {
    let plans = match run::parse(file, text) {
        Ok(plans) => plans,
        Err(rejection) => {
            assert!(rejection.count() > 0);
            assert!(!rejection.to_string().trim().is_empty());
            assert!(!rejection.render(40, true).trim().is_empty());
            return;
        }
    };
    let mut options = RunOptions::default();
    options.plug_ins.insert("native", Native);
    for plan in plans {
        if plan.rows.iter().map(|group| group.count).sum::<u64>() > ROWS_MAX {
            continue;
        }
        let mut plan = Plan::clone(&plan);
        plan.limits.transitions = plan.limits.transitions.min(TRANSITIONS_MAX);
        let Ok(run) = run::run(&Arc::new(plan), &options) else {
            continue;
        };
        let violations = &run.verdict.violations;
        assert!(violations.is_empty(), "{violations:#?}");
        assert!(!run.story(&StoryOptions::default()).is_empty());
        let runs = [run.reported()];
        serde_json::from_str::<serde_json::Value>(&report::json(&runs)).expect("JSON");
        quick_junit::Report::deserialize_from_str(&report::junit(&runs)).expect("JUnit");
    }
}

#[test]
fn every_file_travels_as_it_is() {
    for (file, text) in FILES.iter() {
        travel(file, text);
    }
}

/// What once stopped multiverse, found by a search below.
#[test]
fn a_block_text_that_begins_outside_ascii() {
    travel("found.yaml", "|\n¡");
}

proptest! {
    #![proptest_config(ProptestConfig {
        // `PROPTEST_CASES=20000` for a longer search.
        cases: ProptestConfig::default().cases.max(600),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_files_are_rejected_or_run(
        file in any::<Index>(),
        edits in prop::collection::vec(edit(), 1..5),
    ) {
        let (name, text) = file.get(&FILES);
        let text = edits.iter().fold(text.clone(), |text, edit| edited(&text, edit));
        travel(name, &text);
    }

    #[test]
    fn any_text_is_rejected_or_run(text in "(?s).{0,400}") {
        travel("any.yaml", &text);
    }

    #[test]
    fn the_beginning_of_a_file_is_rejected_or_run(file in any::<Index>(), end in any::<Index>()) {
        let (name, text) = file.get(&FILES);
        let letters: Vec<_> = text.chars().collect();
        travel(name, &letters[..end.index(letters.len())].iter().collect::<String>());
    }
}
