//! Each rule finds what was planted for it, and only that.

use super::rules::*;

#[track_caller]
fn assert_found(rule: fn(&Source) -> Vec<String>, path: &str, text: &str, found: &[&str]) {
    assert_eq!(rule(&Source::new(path, text)), found);
}

#[test]
fn a_file_outside_the_house() {
    let found = ["src/attic/box.rs:1: is in no room of the house: add it to ROOMS"];
    assert_found(homeless, "src/attic/box.rs", "", &found);
    assert_found(homeless, "src/engine/lock/queue.rs", "", &[]);
}

#[test]
fn imports_between_wings_and_up_in_every_spelling() {
    let text = "use crate::{words::Value, engine::World};\n\
                use crate::plan::{Plan, Step};\n\
                fn f() -> crate::report::StoryOptions { loop {} }\n\
                /// As [`crate::check`] says.\n\
                fn g() { println!(\"{}\", crate::run::run()) }\n";
    let found = [
        "src/scenario/mod.rs:1: `scenario` may not use `engine`",
        "src/scenario/mod.rs:3: `scenario` may not use `report`",
        "src/scenario/mod.rs:5: `scenario` may not use `run`",
    ];
    assert_found(upward_imports, "src/scenario/mod.rs", text, &found);
}

#[test]
fn imports_up_the_back_stairs() {
    let text = "pub(super) fn f() {}\npub(crate) fn g() {}\nuse super::*;\nuse crate::Lift;";
    let found = ["src/run.rs:4: `Lift` is in no room: import it from where it lives"];
    assert_found(upward_imports, "src/run.rs", text, &found);
    let found = ["src/plan/mod.rs:1: `plan` may not use `engine`"];
    assert_found(upward_imports, "src/plan/mod.rs", "use super::engine::World;", &found);
    let found = ["src/engine/lock/mod.rs:1: `engine::lock` may not use `engine`"];
    assert_found(upward_imports, "src/engine/lock/mod.rs", "use super::World;", &found);
    let found = ["src/check/a.rs:1: `super::super` hides where it leads: say `crate::`"];
    assert_found(upward_imports, "src/check/a.rs", "use super::super::engine;", &found);
    assert_found(upward_imports, "src/check/a.rs", "use super::History;", &[]);
}

#[test]
fn the_binary_comes_in_by_the_same_doors() {
    let found = ["src/cli/run.rs:1: `cli` may not use `fault`"];
    assert_found(upward_imports, "src/cli/run.rs", "use multiverse::fault::Fault;", &found);
}

#[test]
fn a_wide_line_counts_characters_not_bytes() {
    let text = format!("{}\n{}\n", "é".repeat(100), "e".repeat(101));
    let found = ["src/run.rs:2: is wider than 100 columns"];
    assert_found(wide_lines, "src/run.rs", &text, &found);
    let story = format!("fn f() {{ g(\"\n{}\n\") }}", "e".repeat(101));
    assert_found(wide_lines, "src/run.rs", &story, &[]);
}

#[test]
fn a_long_file_and_a_long_function() {
    let found = ["src/run.rs:501: has 501 lines; 500 are allowed"];
    assert_found(long_files, "src/run.rs", &"\n".repeat(501), &found);
    assert_found(long_files, "src/run.rs", &"\n".repeat(500), &[]);
    let of_lines =
        |count: usize| format!("/// Docs.\nimpl A {{ fn f() {{{}}} }}", "\n".repeat(count - 1));
    let found = ["src/run.rs:2: `f` has 71 lines; 70 are allowed"];
    assert_found(long_functions, "src/run.rs", &of_lines(71), &found);
    assert_found(long_functions, "src/run.rs", &of_lines(70), &[]);
}

#[test]
fn an_empty_name() {
    let text = "struct LockManager;\nfn on_fault() {}\nfn fault_helpers() {}\n";
    let found = [
        "src/run.rs:1: `LockManager`: `manager` says nothing of what it is",
        "src/run.rs:3: `fault_helpers`: `helpers` says nothing of what it is",
    ];
    assert_found(empty_names, "src/run.rs", text, &found);
    let found = ["src/engine/utils.rs:1: `engine_utils`: `utils` says nothing of what it is"];
    assert_found(empty_names, "src/engine/utils.rs", "", &found);
}

#[test]
fn a_figure_out_of_the_blue() {
    let text = "/// At most. Source: a page.\npub const A: u32 = 1;\n\
                /// At most.\npub const B: u32 = 2;\n\
                pub struct C {\n/// Default 5 ms.\npub d: u32,\n/// No figure.\npub e: u32 }\n";
    let found = [
        "src/plan/costs.rs:4: `B` says neither `Source:` nor `Assumed:`",
        "src/plan/costs.rs:7: `d` says neither `Source:` nor `Assumed:`",
    ];
    assert_found(unsourced_figures, "src/plan/costs.rs", text, &found);
    assert_found(unsourced_figures, "src/plan/mod.rs", text, &[]);
    let ours = format!("//! Our own. Assumed: enough for anybody.\n{text}");
    assert_found(unsourced_figures, "src/plan/costs.rs", &ours, &[]);
}
