//! Whatever happens to a good file, reading it ends, and ends in plans or in a rejection.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::scenario::parse;
use crate::scenario::tests::{GOOD, with};

/// One change of a text. Positions are parts of its length, so they fit any text.
#[derive(Clone, Debug)]
enum Change {
    DeleteToken(f64),
    DuplicateToken(f64),
    SwapTokens(f64, f64),
    ReplaceToken(f64, &'static str),
    InsertText(f64, &'static str),
    DeleteLine(f64),
    DuplicateLine(f64),
    Indent(f64, usize),
    Outdent(f64, usize),
    Truncate(f64),
    Byte(f64, u8),
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "-",
    "#",
    "&a",
    "*a",
    "!!str",
    "<<",
    "|",
    ">-",
    "'",
    "\"",
    "\t",
    "null",
    "~",
    "true",
    "=",
    "$",
    "$x",
    "=1 +",
    "={{",
    "{n}",
    "none",
    "any",
    "0",
    "-1",
    "99999999999999999999",
    "1e9",
    "25:00",
    "0x80044150",
    "\u{0}",
    "\u{202e}",
    "é",
    "\u{feff}",
    "---",
    "...",
    "? ",
    "%YAML 1.2",
    "@",
    "`",
    "count",
    "variants",
    "expect",
    "us",
    "account",
    "\r",
    "\n\n",
    "[[[[[[[[",
    "{{{{{{{{",
    "=((((((((((",
    "params",
    "target",
    "any",
];

fn change() -> impl Strategy<Value = Change> {
    let at = 0.0..1.0f64;
    let token = || prop::sample::select(TOKENS);
    prop_oneof![
        at.clone().prop_map(Change::DeleteToken),
        at.clone().prop_map(Change::DuplicateToken),
        (at.clone(), at.clone()).prop_map(|(a, b)| Change::SwapTokens(a, b)),
        (at.clone(), token()).prop_map(|(at, token)| Change::ReplaceToken(at, token)),
        (at.clone(), token()).prop_map(|(at, token)| Change::InsertText(at, token)),
        at.clone().prop_map(Change::DeleteLine),
        at.clone().prop_map(Change::DuplicateLine),
        (at.clone(), 1..5usize).prop_map(|(at, by)| Change::Indent(at, by)),
        (at.clone(), 1..5usize).prop_map(|(at, by)| Change::Outdent(at, by)),
        at.clone().prop_map(Change::Truncate),
        (at, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
    ]
}

/// The text in pieces that can be taken apart: words, spaces and marks.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let class = |c: char| match c {
        c if c.is_alphanumeric() => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut last = 3;
    for character in text.chars() {
        let this = class(character);
        match tokens.last_mut() {
            Some(token) if this == last && this != 2 => token.push(character),
            _ => tokens.push(character.to_string()),
        }
        last = this;
    }
    tokens
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn position(at: f64, length: usize) -> usize {
    ((at * length as f64) as usize).min(length.saturating_sub(1))
}

fn changed(text: &str, change: &Change) -> String {
    let mut words = tokens(text);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if words.is_empty() || lines.is_empty() {
        return text.to_owned();
    }
    let (word_count, line_count) = (words.len(), lines.len());
    match *change {
        Change::DeleteToken(at) => drop(words.remove(position(at, word_count))),
        Change::DuplicateToken(at) => {
            let index = position(at, word_count);
            words.insert(index, words[index].clone());
        }
        Change::SwapTokens(a, b) => words.swap(position(a, word_count), position(b, word_count)),
        Change::ReplaceToken(at, token) => token.clone_into(&mut words[position(at, word_count)]),
        Change::InsertText(at, token) => words.insert(position(at, word_count), token.to_owned()),
        Change::Truncate(at) => words.truncate(position(at, word_count)),
        Change::Byte(at, byte) => {
            let mut bytes = text.as_bytes().to_vec();
            let index = position(at, bytes.len());
            bytes[index] = byte;
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        Change::DeleteLine(at) => {
            lines.remove(position(at, line_count));
            return lines.concat();
        }
        Change::DuplicateLine(at) => {
            let index = position(at, line_count);
            lines.insert(index, lines[index].clone());
            return lines.concat();
        }
        Change::Indent(at, by) => {
            lines[position(at, line_count)].insert_str(0, &" ".repeat(by));
            return lines.concat();
        }
        Change::Outdent(at, by) => {
            let line = &mut lines[position(at, line_count)];
            let spaces = line.len() - line.trim_start_matches(' ').len();
            line.replace_range(..spaces.min(by), "");
            return lines.concat();
        }
    }
    words.concat()
}

/// Anything that can be printed, or much of what means something to YAML.
const ANY_TEXT: &str = "\\PC{0,200}|[ \\n:{}\\[\\]\"'#&*!|>%@,=$a-]{0,200}";

/// Much of what means something in an expression.
const ANY_EXPRESSION: &str = "[=$a-c0-9+*/<>!?:.,()\\[\\]'\" &|{}-]{0,80}";

/// Reading a small file takes milliseconds; this much only on a machine that is very busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[allow(clippy::disallowed_methods)]
fn read_through(text: &str) {
    let begun = Instant::now();
    if let Err(rejection) = parse("mutated.yaml", text) {
        assert!(rejection.count() > 0);
        let rendered = rejection.render(80, false);
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(rendered.chars().all(is_plain), "{rendered:?}");
        for mistake in rejection.diagnostics() {
            assert!(!mistake.message.is_empty());
        }
    }
    assert!(begun.elapsed() < PATIENCE, "reading took {:?}", begun.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn a_changed_file_is_accepted_or_rejected_and_never_breaks_the_reader(
        file in 0..GOOD.len(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut text = GOOD[file].1.to_owned();
        for change in &changes {
            text = changed(&text, change);
        }
        read_through(&text);
    }

    #[test]
    fn any_text_at_all_is_accepted_or_rejected(text in ANY_TEXT) {
        read_through(&text);
    }

    #[test]
    fn any_expression_is_accepted_or_rejected(text in ANY_EXPRESSION) {
        let quoted = text.replace('\'', "''");
        read_through(&with(&format!(
            "actors:
  ann: {{ in: us, do: [ {{ let: {{ a: '={quoted}', b: '{quoted}' }} }} ] }}"
        )));
    }
}

#[test]
fn nothing_large_takes_long_or_overflows() {
    let head = with("");
    let deep = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    let texts = [
        deep("[", "]", 100_000),
        deep("{a: ", "}", 100_000),
        "- ".repeat(200_000),
        (0..20_000).map(|n| format!("{}a:\n", " ".repeat(n % 40))).collect(),
        format!("{head}params: {{ a: '={}' }}\n", deep("(", ")", 4_000)),
        format!("{head}params: {{ a: '={}1' }}\n", "-".repeat(9_000)),
        format!("{head}params: {{ a: '={}1' }}\n", "1+".repeat(4_000)),
        format!("{head}params: {{ a: '=b{}' }}\n", ".b".repeat(4_000)),
        format!("{head}params: {{ a: '${}b' }}\n", "b.".repeat(4_000)),
        format!("{head}params: {{ a: '{}' }}\n", "{1}".repeat(3_000)),
        format!("{head}expect:\n{}", "  - { nver: deadlck }\n".repeat(15_000)),
        format!(
            "{head}params:\n{}",
            (0..15_000).map(|n| format!("  p{n}: x\n")).collect::<String>()
        ),
        format!(
            "{head}programs:\n{}",
            (0..5_000)
                .map(|n| { format!("  p{n}: {{ do: [ {{ call: p{} }} ] }}\n", n + 1) })
                .collect::<String>()
        ),
        format!(
            "{head}variants:\n{}",
            (0..15_000).map(|n| format!("  v{n}: {{}}\n")).collect::<String>()
        ),
        "x".repeat(900_000),
        format!("scenario: {}", "x".repeat(900_000)),
    ];
    for text in texts {
        read_through(&text);
    }
}
