//! The rules of the house, held by reading the source.
//!
//! Three wings (`scenario`, `engine`, `check` with `report`) meet in two hallways of plain data
//! (`plan` and `trace`) and never import one another. So a report can't peek at a lock table, the
//! language can't know how a lock is queued, and a trace that was read from a file serves as well
//! as a fresh one. [`ROOMS`] is the floor plan; every file is in one of its rooms.
//!
//! Each rule is a function from a file to its offences, and is itself tested on small planted ones.

mod planted;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use rules::{
    Source, empty_names, homeless, is_within, long_files, long_functions, unsourced_figures,
    upward_imports, wide_lines,
};

/// The floor plan, from the ground up: each room, and the rooms that it may use. A file belongs to
/// the longest room that its module path begins with.
#[rustfmt::skip]
const ROOMS: &[(&str, &[&str])] = &[
    ("assumptions", &[]),
    ("words", &[]),
    ("fault", &["words"]),
    ("plan", &["words", "fault"]),
    ("trace", &["words", "fault", "plan"]),
    ("scenario", &["words", "fault", "plan"]),
    ("engine::store", &["words", "fault", "plan"]),
    ("engine::lock", &["words", "engine::store"]),
    ("engine", &["words", "fault", "plan", "trace", "engine::store", "engine::lock"]),
    ("host", &["words", "fault", "plan", "trace", "engine"]),
    ("check", &["words", "fault", "plan", "trace"]),
    ("report", &["words", "fault", "plan", "trace", "check"]),
    ("run", &["words", "plan", "trace", "scenario", "engine", "check", "report"]),
    ("testing", &["words", "fault", "plan", "trace", "scenario", "engine", "check", "report",
                  "run"]),
    ("lib", &[]),
    ("cli", &["assumptions", "words", "plan", "trace", "scenario", "engine", "check", "report",
               "run"]),
    ("main", &["cli"]),
];

/// Rooms that never use one another, whatever [`ROOMS`] says.
const WINGS: &[&[&str]] = &[&["scenario"], &["engine"], &["check", "report"]];

/// Every Rust file below these folders of the crate, in the order of their paths.
fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending: Vec<PathBuf> = folders.iter().map(|it| root.join(it)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8 source");
                let below = path.strip_prefix(root).expect("a path below the crate");
                let path = below.to_string_lossy().replace('\\', "/");
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!sources.is_empty(), "no source in {folders:?}");
    sources
}

#[track_caller]
fn assert_kept(rule: fn(&Source) -> Vec<String>, folders: &[&str]) {
    let offences: Vec<_> = sources(folders).iter().flat_map(rule).collect();
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

const EVERYWHERE: &[&str] = &["src", "tests", "benches", "examples"];

#[test]
fn every_file_is_in_a_room() {
    assert_kept(homeless, &["src"]);
}

#[test]
fn imports_go_down_only() {
    assert_kept(upward_imports, &["src"]);
}

#[test]
fn lines_are_at_most_100_columns_wide() {
    assert_kept(wide_lines, EVERYWHERE);
}

#[test]
fn files_have_at_most_500_lines() {
    assert_kept(long_files, &["src"]);
}

#[test]
fn functions_have_at_most_70_lines() {
    assert_kept(long_functions, EVERYWHERE);
}

#[test]
fn names_say_what_things_are() {
    assert_kept(empty_names, EVERYWHERE);
}

#[test]
fn every_figure_says_where_it_comes_from() {
    assert_kept(unsourced_figures, &["src"]);
}

#[test]
fn the_floor_plan_has_stairs_that_go_down_and_no_door_between_wings() {
    for (index, (room, usable)) in ROOMS.iter().enumerate() {
        for below in *usable {
            let floor = ROOMS.iter().position(|(room, _)| room == below);
            assert!(floor.is_some_and(|floor| floor < index), "`{below}` is not below `{room}`");
        }
    }
    let wing_of =
        |room: &str| WINGS.iter().position(|wing| wing.iter().any(|part| is_within(room, part)));
    for (room, usable) in ROOMS {
        for below in *usable {
            let (Some(here), Some(there)) = (wing_of(room), wing_of(below)) else {
                continue;
            };
            assert_eq!(here, there, "a door between the wings `{room}` and `{below}`");
        }
    }
}
