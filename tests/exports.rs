//! Five runs in every format, as a reader of the format gets them; and, where the formats' own
//! programs are installed, what these say.

mod programs;
mod shipped;

use multiverse::engine::RunOptions;
use multiverse::report::{Format, export, json, junit};
use multiverse::run::{self, Run};
use multiverse::testing::Folder;
use multiverse::trace::Trace;

/// The scenarios whose exports are kept: a stub, a deadlock and its cure, a lock that is taken
/// early and late, a chain of plug-ins, and several instances with an outage.
const KEPT: [&str; 5] = [
    "eventual-consistency/stub-by-guid",
    "locks/deadlock-of-two",
    "transaction-patterns/contended-lock-early-and-late",
    "transaction-patterns/chain-of-plug-ins",
    "eventual-consistency/europe-still-down-when-the-app-calls",
];

fn traces(name: &str) -> Vec<Trace> {
    shipped::runs(&shipped::plans(name)).into_iter().map(|run| run.trace).collect()
}

#[test]
fn the_exports_of_five_scenarios() {
    for name in KEPT {
        for trace in traces(name) {
            for format in Format::ALL {
                for document in export(&trace, format) {
                    let variant = trace.header.variant.as_deref().unwrap_or("run");
                    let part = document.part.as_deref().unwrap_or("whole");
                    let snapshot = format!("{name}.{variant}.{part}.{}", format.extension());
                    shipped::is_kept("exports", &snapshot, &document.text);
                }
            }
        }
    }
}

#[test]
fn the_test_results_of_five_scenarios() {
    for name in KEPT {
        let runs = shipped::runs(&shipped::plans(name));
        let runs: Vec<_> = runs.iter().map(Run::reported).collect();
        shipped::is_kept("exports", &format!("{name}.junit.xml"), &junit(&runs));
        shipped::is_kept("exports", &format!("{name}.verdicts.json"), &json(&runs));
    }
}

#[test]
fn every_export_of_every_scenario_can_be_written_twice_alike() {
    for case in Folder::new("scenarios").cases() {
        let plan = case.plan().expect("the scenario is accepted");
        let trace = run::run(plan, &RunOptions::default()).expect("the plan is sound").trace;
        for format in Format::ALL {
            let documents = export(&trace, format);
            assert_eq!(documents, export(&trace, format), "{}", case.name());
            for document in documents {
                match format {
                    Format::Xdl | Format::Svg => {
                        let parsed = roxmltree::Document::parse(&document.text);
                        assert!(parsed.is_ok(), "{}: {parsed:?}", case.name());
                    }
                    Format::Perfetto | Format::Otel => {
                        let parsed: Result<serde_json::Value, _> =
                            serde_json::from_str(&document.text);
                        assert!(parsed.is_ok(), "{}", case.name());
                    }
                    Format::Mermaid => {
                        assert!(document.text.len() < 50_000, "{}", case.name());
                    }
                    Format::Jsonl | Format::Dot | Format::Csv => {}
                }
            }
        }
    }
}

#[test]
fn graphviz_reads_every_graph() {
    for trace in KEPT.into_iter().flat_map(traces) {
        for document in export(&trace, Format::Dot) {
            let Some(complaint) = programs::graphviz("svg", &document.text) else {
                println!("skipped: Graphviz (`dot`) is not installed");
                return;
            };
            assert_eq!(complaint, "", "{}", document.text);
        }
    }
}

#[test]
fn mermaid_parses_every_diagram() {
    let diagrams = KEPT.into_iter().flat_map(traces).flat_map(|it| export(&it, Format::Mermaid));
    let texts: Vec<_> = diagrams.map(|it| it.text).collect();
    match programs::mermaid(&texts) {
        Some(complaint) => assert_eq!(complaint, ""),
        None => println!("skipped: Mermaid is not installed (`npm ci` in tests/mermaid)"),
    }
}
