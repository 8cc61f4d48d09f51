//! What could trigger what in small scenarios: loops, what cuts them, and what shares locks.

mod programs;
mod shipped;

use multiverse::engine::RunOptions;
use multiverse::report::{DiagramFormat, diagram};
use multiverse::run;
use multiverse::testing::Folder;
use proptest::prelude::*;

/// A world with two steps: an Update of a case, with one of these columns, makes one of a task in
/// this place; an Update of a task writes the case's note.
fn world(filter: &str, mode: &str, place: &str) -> String {
    format!(
        "scenario: A case and its task\n\
         tables:\n  case: {{ columns: {{ owner: text, note: text }} }}\n  \
         task: {{ columns: {{ state: text }} }}\n\
         instances: {{ us: {{ tables: [case, task] }}, eu: {{ tables: [case, task] }} }}\n\
         rows: {{ us: {{ case: {{ c: {{}} }}, task: {{ t: {{}} }} }}, \
         eu: {{ case: {{ c: {{}} }}, task: {{ t: {{}} }} }} }}\n\
         plug-ins:\n  - name: follow\n    on: Update case\n    in: us\n    stage: PostOperation\n    \
         filter: [{filter}]\n{mode}    do:\n      \
         - update: {{ in: {place}, table: task, row: t, set: {{ state: x }} }}\n  \
         - name: answer\n    on: Update task\n    in: us\n    stage: PostOperation\n    do:\n      \
         - update: {{ table: case, row: c, set: {{ note: x }} }}\n\
         actors:\n  ann: {{ at: 0ms, in: us, do: [ {{ update: {{ table: case, row: c, \
         set: {{ owner: x }} }} }} ] }}\n"
    )
}

fn dot(text: &str) -> String {
    let plans =
        run::parse("small.yaml", text).unwrap_or_else(|it| panic!("{}", it.render(80, false)));
    diagram(&plans[0], None, DiagramFormat::Dot)
}

#[test]
fn two_steps_that_write_what_the_other_listens_to_are_a_loop() {
    let text = dot(&world("owner, note", "", "us"));
    assert!(text.contains("note, loop, cut at depth 8"), "{text}");
    assert_eq!(text.matches("one transaction in us").count(), 1, "{text}");
}

#[test]
fn a_filter_on_another_column_cuts_the_loop() {
    let text = dot(&world("owner", "", "us"));
    assert!(!text.contains("loop"), "{text}");
    assert!(text.contains("sync, on owner"), "{text}");
}

#[test]
fn a_loop_through_a_job_is_a_loop_too_and_its_job_is_outside_the_transaction() {
    let text = dot(&world("note", "    mode: async\n", "us"));
    assert!(text.contains("loop, cut at depth 8"), "{text}");
    assert!(text.contains("style=\"dashed\""), "{text}");
    // What is in no frame comes first.
    let (before, frames) = text.split_once("subgraph").expect("a frame");
    assert!(before.contains("40 follow") && frames.contains("40 answer"), "{text}");
}

#[test]
fn a_call_to_another_instance_neither_loops_nor_shares_locks() {
    let text = dot(&world("note", "", "eu"));
    assert!(!text.contains("loop"), "{text}");
    assert!(text.contains("one transaction in eu"), "{text}");
}

#[test]
fn the_diagrams_of_three_scenarios() {
    for name in [
        "transaction-patterns/chain-of-plug-ins",
        "transaction-patterns/unintended-loop",
        "pipeline/loop-through-jobs",
    ] {
        let plans = shipped::plans(name);
        let trace = &shipped::runs(&plans)[0].trace;
        let formats = [
            (DiagramFormat::Dot, "dot"),
            (DiagramFormat::Mermaid, "mmd"),
            (DiagramFormat::Svg, "svg"),
        ];
        for (format, word) in formats {
            let text = diagram(&plans[0], Some(trace), format);
            shipped::is_kept("diagrams", &format!("{name}.{word}"), &text);
        }
    }
}

#[test]
fn an_upsert_is_seen_as_what_it_became_and_an_action_without_rollback_is_in_no_frame() {
    let text = "scenario: Both
tables: { row: { columns: { value: text } } }
instances: { here: { tables: [row] } }
messages:
  new_Act:
    in: here
    kind: process action
    enable rollback: false
    do: [ { upsert: { table: row, row: a, set: { value: x } } } ]
actors: { ann: { in: here, do: [ { execute: { message: new_Act } } ] } }
";
    let plans = run::parse("small.yaml", text).expect("a sound scenario");
    let trace = run::run(&plans[0], &RunOptions::default()).expect("a sound plan").trace;
    let text = diagram(&plans[0], Some(&trace), DiagramFormat::Dot);
    assert!(text.contains("Create row\\nhere\\nseen 1×"), "{text}");
    assert!(text.contains("Update row\\nhere\\nseen 0×"), "{text}");
    let (before, _) = text.split_once("subgraph").expect("a frame");
    assert!(before.contains("new_Act\\nhere\\nseen 1×"), "{text}");
    assert!(before.contains("30 new_Act"), "{text}");
}

proptest! {
    /// Whatever things are called, each format stays what it is.
    #[test]
    fn any_names_can_be_drawn(name in ".{0,40}", other in "\\PC{0,40}", long: bool) {
        let mut plan = (*run::parse("small.yaml", &world("note", "", "us")).unwrap()[0]).clone();
        let long = if long { "x\u{202e}<".repeat(5_000) } else { String::new() };
        plan.title = format!("{name}{long}");
        plan.plug_ins[0].name = format!("{other}{name}").into();
        plan.actors[0].name = name.as_str().into();
        plan.tables[0].name = format!("{other}{long}").into();
        let svg = diagram(&plan, None, DiagramFormat::Svg);
        let document = roxmltree::Document::parse(&svg);
        prop_assert!(document.is_ok(), "{:?} {svg}", document.err());
        prop_assert!(svg.len() < 20_000 + 6 * plan.title.len());
        let has_mark = |text: &str| text.contains('\u{202e}');
        prop_assert!(!has_mark(&svg));
        let dot = diagram(&plan, None, DiagramFormat::Dot);
        prop_assert!(!has_mark(&dot));
    }
}

#[test]
fn graphviz_and_mermaid_read_the_diagram_of_every_scenario() {
    let mut flowcharts = Vec::new();
    let mut is_read = true;
    for case in Folder::new("scenarios").cases() {
        let plan = case.plan().expect("the scenario is accepted");
        flowcharts.push(diagram(plan, None, DiagramFormat::Mermaid));
        let text = diagram(plan, None, DiagramFormat::Svg);
        roxmltree::Document::parse(&text).unwrap_or_else(|it| panic!("{}: {it}", case.name()));
        let text = diagram(plan, None, DiagramFormat::Dot);
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{}", case.name());
        if is_read && !plan.plug_ins.is_empty() {
            let complaint = programs::graphviz("dot", &text);
            is_read = complaint.is_some();
            assert_eq!(complaint.unwrap_or_default(), "", "{text}");
        }
    }
    if !is_read {
        println!("skipped: Graphviz (`dot`) is not installed");
    }
    match programs::mermaid(&flowcharts) {
        Some(complaint) => assert_eq!(complaint, ""),
        None => println!("skipped: Mermaid is not installed (`npm ci` in tests/mermaid)"),
    }
}
