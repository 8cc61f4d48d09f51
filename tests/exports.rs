//! Five runs in every format, as a reader of the format gets them; and, where the formats' own
//! programs are installed, what these say.

mod programs;

use multiverse::engine::RunOptions;
use multiverse::report::{Format, Run, export, json, junit};
use multiverse::run;
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

fn runs(name: &str) -> Vec<Trace> {
    let file = format!("scenarios/{name}.yaml");
    let text = std::fs::read_to_string(&file).expect("the file is there");
    let plans = run::parse(&file, &text).expect("the file is accepted");
    let traces = plans.iter().map(|it| run::run(it, &RunOptions::default()).expect("sound").trace);
    traces.collect()
}

#[test]
fn the_exports_of_five_scenarios() {
    for name in KEPT {
        for trace in runs(name) {
            for format in Format::ALL {
                for document in export(&trace, format) {
                    let variant = trace.header.variant.as_deref().unwrap_or("run");
                    let part = document.part.as_deref().unwrap_or("whole");
                    let snapshot = format!("{name}.{variant}.{part}.{}", format.extension());
                    let snapshot = snapshot.replace(['/', ' '], "-");
                    let mut settings = insta::Settings::clone_current();
                    settings.set_snapshot_path("snapshots/exports");
                    settings.set_prepend_module_to_snapshot(false);
                    settings.set_omit_expression(true);
                    settings.bind(|| insta::assert_snapshot!(snapshot, document.text));
                }
            }
        }
    }
}

#[test]
fn the_test_results_of_five_scenarios() {
    for name in KEPT {
        let file = format!("scenarios/{name}.yaml");
        let text = std::fs::read_to_string(&file).expect("the file is there");
        let plans = run::parse(&file, &text).expect("the file is accepted");
        let runs: Vec<_> = plans
            .iter()
            .map(|plan| run::run(plan, &RunOptions::default()).expect("the plan is sound"))
            .collect();
        let runs: Vec<_> =
            runs.iter().map(|it| Run { trace: &it.trace, verdict: &it.verdict }).collect();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots/exports");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            let name = name.replace('/', "-");
            insta::assert_snapshot!(format!("{name}.junit.xml"), junit(&runs));
            insta::assert_snapshot!(format!("{name}.verdicts.json"), json(&runs));
        });
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
    for trace in KEPT.into_iter().flat_map(runs) {
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
    let diagrams = KEPT.into_iter().flat_map(runs).flat_map(|it| export(&it, Format::Mermaid));
    let texts: Vec<_> = diagrams.map(|it| it.text).collect();
    match programs::mermaid(&texts) {
        Some(complaint) => assert_eq!(complaint, ""),
        None => println!("skipped: Mermaid is not installed (`npm ci` in tests/mermaid)"),
    }
}
