//! The OpenTelemetry spans of every shipped scenario: their form, and that each is within the one
//! around it; and those of one scenario, whole.

use std::collections::{BTreeMap, BTreeSet};

use multiverse::engine::RunOptions;
use multiverse::report;
use multiverse::run;
use multiverse::testing::Folder;
use serde_json::Value;

/// All spans of an export, by trace and span id, each with its service.
fn spans_of(export: &Value) -> BTreeMap<(String, String), (String, Value)> {
    let mut spans = BTreeMap::new();
    for resource in export["resourceSpans"].as_array().expect("a list of resources") {
        let attributes = resource["resource"]["attributes"].as_array().expect("attributes");
        let service = attributes.iter().find(|it| it["key"] == "service.name");
        let service = service.expect("a service")["value"]["stringValue"].as_str().expect("a text");
        for scope in resource["scopeSpans"].as_array().expect("a list of scopes") {
            assert_eq!(scope["scope"]["name"], "multiverse");
            for span in scope["spans"].as_array().expect("a list of spans") {
                let id = (text(span, "traceId"), text(span, "spanId"));
                let known = spans.insert(id.clone(), (service.to_owned(), span.clone()));
                assert!(known.is_none(), "{id:?} is there twice");
            }
        }
    }
    spans
}

fn text(span: &Value, key: &str) -> String {
    span[key].as_str().unwrap_or_else(|| panic!("{key} of {span} is no text")).to_owned()
}

fn nanos(span: &Value, key: &str) -> u64 {
    text(span, key).parse().unwrap_or_else(|_| panic!("{key} of {span} is no number"))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
        && text.bytes().any(|it| it != b'0')
}

/// What the protocol says of a span's fields, and of a span and the one around it.
fn check(name: &str, export: &Value) {
    let spans = spans_of(export);
    for ((trace, id), (_, span)) in &spans {
        assert!(is_hex(trace, 32) && is_hex(id, 16), "{name}: {span}");
        assert!((1..=3).contains(&span["kind"].as_u64().expect("a kind")), "{name}: {span}");
        let (began, ended) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
        assert!(began <= ended, "{name}: {span}");
        let keys = [
            "traceId",
            "spanId",
            "parentSpanId",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "attributes",
            "status",
        ];
        let known: BTreeSet<_> = keys.into_iter().collect();
        assert!(span.as_object().expect("a map").keys().all(|key| known.contains(&**key)));
        let parent = text(span, "parentSpanId");
        if parent.is_empty() {
            assert_eq!(span["kind"], 1, "{name}: only a lane has nothing around it: {span}");
            continue;
        }
        let around = &spans.get(&(trace.clone(), parent)).expect("the span around it").1;
        assert!(nanos(around, "startTimeUnixNano") <= began, "{name}: {span} in {around}");
        // An instance goes on when its caller has given up; nothing else outlasts what it is in.
        if span["kind"] != 2 {
            assert!(ended <= nanos(around, "endTimeUnixNano"), "{name}: {span} in {around}");
        }
    }
}

#[test]
fn every_span_of_every_scenario_is_well_formed_and_within_the_one_around_it() {
    let mut count = 0;
    for case in Folder::new("scenarios").cases() {
        let plan = case.plan().expect("the scenario is accepted");
        let run = run::run(plan, &RunOptions::default()).expect("the plan is sound");
        let export = report::otel(&run.trace);
        let export: Value = serde_json::from_str(&export).expect("JSON");
        check(case.name(), &export);
        count += spans_of(&export).len();
    }
    assert!(count > 2_000, "{count} spans of all scenarios");
}

#[test]
fn the_spans_of_a_stub_in_words() {
    let file = "scenarios/eventual-consistency/stub-by-guid.yaml";
    let text = std::fs::read_to_string(file).expect("the file is there");
    let plans = run::parse(file, &text).expect("the file is accepted");
    let run = run::run(&plans[0], &RunOptions::default()).expect("the plan is sound");
    let export: Value = serde_json::from_str(&report::otel(&run.trace)).expect("JSON");
    let spans = spans_of(&export);
    let depth = |(trace, id): &(String, String)| {
        let mut depth = 0;
        let mut at = id.clone();
        while let Some((_, span)) = spans.get(&(trace.clone(), at)) {
            depth += 1;
            at = span["parentSpanId"].as_str().expect("a text").to_owned();
        }
        depth
    };
    let first = spans.values().map(|(_, it)| nanos(it, "startTimeUnixNano")).min().expect("spans");
    let mut told = String::new();
    let mut order: Vec<_> = spans.keys().collect();
    order.sort_by_key(|(trace, id)| (trace.clone(), id.clone()));
    for id in order {
        let (service, span) = &spans[id];
        let millis = |key| (nanos(span, key) - first) as f64 / 1e6;
        let (began, ended) = (millis("startTimeUnixNano"), millis("endTimeUnixNano"));
        let indent = "  ".repeat(depth(id) - 1);
        let name = span["name"].as_str().expect("a text");
        told.push_str(&format!("{indent}{name} ({service}) {began} to {ended} ms\n"));
    }
    insta::assert_snapshot!(told);
}
