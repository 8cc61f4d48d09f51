//! Nothing in the grammar is out of reach, and grammar, schema and plan agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::fault::FaultKind;
use crate::plan::{Claim, Counted, Plan, Step, Verb};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::grammar::{ANYTHING, DOCUMENT, Kind, Map, Shape, VARIANT};
use crate::scenario::shape::map_for;
use crate::scenario::source::Source;
use crate::scenario::tests::{EVERYTHING, GOOD, plans, with};
use crate::scenario::tree::{Form, Node, read};
use crate::scenario::{parse, schema};

fn tree(text: &str) -> Node {
    let mut diagnostics = Diagnostics::new(Arc::new(Source::new("test.yaml", text)));
    read(&mut diagnostics).expect("the text is YAML")
}

/// Every key and word that the grammar knows in this version, named by where it belongs.
fn all_of(shape: &'static Shape, seen: &mut BTreeSet<usize>, words: &mut BTreeSet<String>) {
    let address = std::ptr::from_ref(shape) as usize;
    if std::ptr::eq(shape, &raw const ANYTHING) || !seen.insert(address) {
        return;
    }
    if let Some(Kind::Word(set)) = shape.scalar {
        let known = set.iter().filter(|word| word.is_here());
        words.extend(known.map(|word| format!("{}: {}", shape.what, word.word)));
    }
    if let Some(item) = shape.list {
        all_of(item, seen, words);
    }
    if let Some(map) = shape.map {
        all_of_map(shape, map, seen, words);
    }
}

fn all_of_map(
    shape: &'static Shape,
    map: &'static Map,
    seen: &mut BTreeSet<usize>,
    words: &mut BTreeSet<String>,
) {
    for key in map.keys.iter().filter(|key| key.is_here()) {
        words.insert(format!("{}, {}", shape.what, key.name));
        all_of(key.shape, seen, words);
    }
    if let Some(others) = &map.others {
        all_of(others.shape, seen, words);
    }
    if let Some((_, other)) = map.or_with {
        all_of_map(shape, other, seen, words);
    }
}

/// The keys and words that a file uses, in the same spelling.
fn used_by(node: &Node, shape: &'static Shape, words: &mut BTreeSet<String>) {
    if std::ptr::eq(shape, &raw const VARIANT) {
        // A variant is a file again, of which it says only what differs.
        used_by(node, &DOCUMENT, words);
        return;
    }
    match (&node.form, shape.scalar, shape.list, shape.map) {
        (Form::Scalar(scalar), Some(Kind::Word(_)), ..) => {
            words.insert(format!("{}: {}", shape.what, scalar.text));
        }
        (Form::List(items), _, Some(item), _) => {
            items.iter().for_each(|node| used_by(node, item, words));
        }
        (Form::Map(entries), _, _, Some(map)) => {
            let map = map_for(node, map);
            for entry in entries {
                if let Some(key) = map.key(&entry.key) {
                    words.insert(format!("{}, {}", shape.what, key.name));
                    used_by(&entry.value, key.shape, words);
                } else if let Some(others) = &map.others {
                    used_by(&entry.value, others.shape, words);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_and_word_of_the_grammar_is_used_and_understood() {
    let (mut all, mut used) = (BTreeSet::new(), BTreeSet::new());
    all_of(&DOCUMENT, &mut BTreeSet::new(), &mut all);
    used_by(&tree(EVERYTHING), &DOCUMENT, &mut used);
    let unused: Vec<_> = all.difference(&used).collect();
    assert!(unused.is_empty(), "the fixture does not use {unused:#?}");
    assert_eq!(plans(EVERYTHING).len(), 3);
}

fn count_verbs(steps: &[Step], seen: &mut BTreeSet<u8>) {
    for step in steps {
        let (number, bodies): (u8, Vec<&[Step]>) = match &step.verb {
            Verb::Create { .. } => (0, vec![]),
            Verb::Retrieve { .. } => (1, vec![]),
            Verb::Query { .. } => (2, vec![]),
            Verb::Update { .. } => (3, vec![]),
            Verb::Upsert { .. } => (4, vec![]),
            Verb::Delete { .. } => (5, vec![]),
            Verb::Changes { .. } => (6, vec![]),
            Verb::AcceptChanges { .. } => (7, vec![]),
            Verb::Work(_) => (8, vec![]),
            Verb::Wait(_) => (9, vec![]),
            Verb::WaitUntil(_) => (10, vec![]),
            Verb::Fail { .. } => (11, vec![]),
            Verb::SetTarget(_) => (12, vec![]),
            Verb::Let(_) => (13, vec![]),
            Verb::If { then, otherwise, .. } => (14, vec![then, otherwise]),
            Verb::ForEach { body, .. } => (15, vec![body]),
            Verb::Repeat { body, .. } => (16, vec![body]),
            Verb::Retry { body, .. } => (17, vec![body]),
            Verb::Try { body, on_fault, .. } => (18, vec![body, on_fault]),
            Verb::Transaction { body, .. } => (19, vec![body]),
            Verb::Call { .. } => (20, vec![]),
            Verb::Note(_) => (21, vec![]),
            Verb::Statement(..) => (22, vec![]),
            Verb::Share { .. } => (23, vec![]),
            Verb::Members { .. } => (24, vec![]),
            Verb::Throw(_) => (25, vec![]),
            Verb::SetShared(_) => (26, vec![]),
            Verb::Trace(_) => (27, vec![]),
            Verb::Merge { .. } => (29, vec![]),
            Verb::Batch { body, .. } => (28, vec![body]),
            Verb::Execute { .. } => (30, vec![]),
            Verb::SetParameters(..) => (31, vec![]),
            Verb::Associate { .. } => (32, vec![]),
            Verb::Assign { .. } => (33, vec![]),
            Verb::SetState { .. } => (34, vec![]),
        };
        seen.insert(number);
        for body in bodies {
            count_verbs(body, seen);
        }
    }
}

fn count_claims(plan: &Plan, seen: &mut BTreeSet<u8>) {
    for claim in plan.expectations.iter().flat_map(|line| &line.claims) {
        seen.insert(match claim {
            Claim::Succeeds { .. } => 0,
            Claim::MeetsFault { .. } => 1,
            Claim::Ends { .. } => 2,
            Claim::Waits { .. } => 3,
            Claim::Row { .. } => 4,
            Claim::Rows { .. } => 5,
            Claim::Victim { .. } => 6,
            Claim::Happens { .. } => 7,
            Claim::Converged { .. } => 8,
            Claim::Order(_) => 9,
            Claim::Bound { .. } => 10,
            Claim::InTransaction { .. } => 11,
            Claim::Step { .. } => 23,
            Claim::Deletions { .. } => 27,
            Claim::Count { of, .. } => match of {
                Counted::Rows { .. } => 12,
                Counted::Deadlocks => 13,
                Counted::Requests { .. } => 14,
                Counted::Faults { .. } => 15,
                Counted::Retries { .. } => 16,
                Counted::Waits { .. } => 17,
                Counted::Commits { .. } => 18,
                Counted::Rollbacks { .. } => 19,
                Counted::PlugInRuns { .. } => 20,
                Counted::OutageHits { .. } => 21,
                Counted::Writes { .. } => 22,
                Counted::Escalations { .. } => 24,
                Counted::CrossInstanceWaits => 25,
                Counted::RowsExamined { .. } => 26,
                Counted::Recalculations { .. } => 28,
            },
        });
    }
}

#[test]
fn every_verb_and_every_claim_of_a_plan_has_a_spelling() {
    let plan = plans(EVERYTHING).remove(0);
    let (mut verbs, mut claims) = (BTreeSet::new(), BTreeSet::new());
    for program in &plan.programs {
        count_verbs(&program.steps, &mut verbs);
    }
    count_claims(&plan, &mut claims);
    assert_eq!(verbs, (0..=34).collect());
    assert_eq!(claims, (0..=28).collect());
}

#[test]
fn every_fault_is_named_by_its_word_and_its_codes() {
    for kind in FaultKind::ALL {
        let facts = kind.facts();
        for name in [facts.word.to_owned(), facts.hex(), facts.decimal().to_string()] {
            let line = format!("expect: [ {{ fault: {name} }}, {{ never: {name} }} ]");
            assert!(parse("test.yaml", &with(&line)).is_ok(), "{name}");
        }
    }
}

/// The tree as JSON, with plain scalars read as YAML 1.2 reads them.
fn as_json(node: &Node) -> Json {
    match &node.form {
        Form::List(items) => items.iter().map(as_json).collect(),
        Form::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.to_string(), as_json(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Form::Scalar(scalar) if scalar.is_plain => match &*scalar.text {
            "" | "~" | "null" => Json::Null,
            "true" => json!(true),
            "false" => json!(false),
            text => number(text).unwrap_or_else(|| json!(text)),
        },
        Form::Scalar(scalar) => json!(*scalar.text),
    }
}

fn number(text: &str) -> Option<Json> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(|n| json!(n));
    }
    let whole = text.parse::<i64>().ok().map(|n| json!(n));
    whole.or_else(|| text.parse::<f64>().ok().map(|n| json!(n)))
}

/// The scenario files that are shipped, wherever they stand below this folder.
fn shipped(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            shipped(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).expect("the file can be read");
            files.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn the_schema_accepts_every_file_that_is_right() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is a schema");
    let mut files = GOOD.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    shipped(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut files);
    for (name, text) in files {
        let json = as_json(&tree(&text));
        let errors: Vec<String> = validator
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert!(parse(&name, &text).is_ok(), "{name}");
    }
}

/// The wrong files whose mistake a schema can see: in keys, forms, words, the look of times.
const SEEN_BY_A_SCHEMA: &[&str] = &[
    "a-list-not-a-scenario",
    "a-mistake-in-one-variant",
    "a-very-long-line",
    "many-mistakes",
    "missing-keys",
    "missing-sections",
    "missing-values",
    "outage-ends-before-it-begins",
    "step-is-a-word",
    "two-verbs-in-one-step",
    "unknown-top-level-key",
    "unknown-verb",
    "words-of-a-later-version",
    "wrong-expectations",
    "wrong-forms",
    "impossible-times",
    "listens-to-upsert",
    "no-such-key-of-the-table",
    "a-variant-names-what-is-not-there",
    "hints-that-contradict",
    "requests-in-a-session",
    "sessions-and-their-order",
    "statements-outside-a-session",
    "wrong-indexes",
    "wrong-step-claims",
];

#[test]
fn the_schema_rejects_what_a_schema_can() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is a schema");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    for name in SEEN_BY_A_SCHEMA {
        let text =
            fs::read_to_string(folder.join(format!("{name}.yaml"))).expect("the file can be read");
        assert!(!validator.is_valid(&as_json(&tree(&text))), "{name}");
    }
}

#[test]
fn the_schema_tells_statements_from_requests() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is a schema");
    let actor = |step: &str| format!("actors: {{ ann: {{ in: us, do: [ {step} ] }} }}");
    let session = |step: &str| format!("sessions: {{ t1: {{ in: us, steps: {{ a: {step} }} }} }}");
    let program = |step: &str| format!("programs: {{ p: {{ sql: [ {step} ] }} }}");
    let valid = |lines: String| validator.is_valid(&as_json(&tree(&with(&lines))));
    let requests = [
        "{ query: { table: account, where: =number > 1, hint: nolock } }",
        "{ update: { table: account, row: fabrikam, set: { number: 2 } } }",
        "{ transaction: { isolation: serializable, do: [] } }",
    ];
    let statements = [
        "{ select: account, where: =number > 1, hint: [updlock, holdlock], as: found }",
        "{ update: account, set: { number: 2 } }",
        "{ insert: account, row: contoso }",
        "{ repeat: { times: 2, do: [ begin, { delete: account }, commit ] } }",
        "{ begin: snapshot }",
        "commit",
    ];
    for request in requests {
        assert!(valid(actor(request)), "{request}");
        assert!(!valid(session(request)), "{request}");
        assert!(!valid(program(request)), "{request}");
    }
    for statement in statements {
        assert!(!valid(actor(statement)), "{statement}");
        assert!(valid(session(statement)), "{statement}");
        assert!(valid(session(&format!("[ {statement} ]"))), "{statement}");
        assert!(valid(program(statement)), "{statement}");
    }
    for wrong in [
        "{ select: account, set: { number: 2 } }",
        "{ insert: account, where: =true }",
        "{ delete: account, row: fabrikam }",
        "{ select: account, hint: no-lock }",
        "{ where: =true }",
        "{ select: account, update: account }",
        "comit",
    ] {
        assert!(!valid(session(wrong)), "{wrong}");
    }
    assert!(!valid(actor("{ query: { table: account, hint: updlock } }")));
}

#[test]
fn the_schema_explains_every_key() {
    let text = schema().to_string();
    for about in ["the scenario's one-line title", "adds a row", "whom the line is about"] {
        assert!(text.contains(about), "{about}");
    }
}
