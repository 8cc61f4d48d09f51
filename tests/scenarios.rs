//! Every variant of every scenario file is a test of its own, named by its path.
//!
//! It passes when everything that it expects holds, when no invariant of the engine is broken,
//! when a second run gives the same trace byte for byte, and when its story is the one under
//! `tests/snapshots/scenarios/`. Review a changed story as code; accept it with
//! `INSTA_UPDATE=always cargo test --test scenarios`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use multiverse::testing::{Case, Folder};

/// Where the stories are, below the crate.
const SNAPSHOTS: &str = "tests/snapshots/scenarios";

/// The scenarios by which the language was designed. They hold as they were first written down.
const TARGETS: &[&str] = &["1-stub-upsert", "2-team-members", "4-auto-number"];

fn main() {
    let arguments = Arguments::from_args();
    // Relative paths, since stories name their file.
    let mut cases = Folder::new("scenarios").cases();
    for target in TARGETS {
        cases.extend(Folder::new(format!("tests/fixtures/{target}.yaml")).cases());
    }
    let places: BTreeSet<_> = cases.iter().map(place).collect();
    assert_eq!(places.len(), cases.len(), "two cases have one snapshot");
    let mut trials: Vec<_> = cases.into_iter().map(trial).collect();
    trials.push(Trial::test("no story is left without its scenario", move || no_orphans(&places)));
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(case: Case) -> Trial {
    Trial::test(case.name().to_owned(), move || {
        let outcome = case.run();
        if !outcome.holds() {
            return Err(Failed::from(outcome));
        }
        let (folder, name) = place(&case);
        // Relative to this file, as insta wants it.
        let folder = Path::new("..").join(SNAPSHOTS).join(folder);
        insta::with_settings!({
            snapshot_path => folder,
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, outcome.to_string());
        });
        Ok(())
    })
}

/// The folder below [`SNAPSHOTS`] and the name of a case's story:
/// `eventual-consistency`, `stub-by-guid.in-PreOperation`.
fn place(case: &Case) -> (PathBuf, String) {
    let variant = case.plan().and_then(|plan| plan.variant.clone());
    let file = match &variant {
        Some(variant) => case.name().strip_suffix(&format!("/{variant}")).unwrap_or(case.name()),
        None => case.name(),
    };
    let (folder, stem) = file.rsplit_once('/').unwrap_or(("", file));
    let name = match &variant {
        Some(variant) => format!("{stem}.{}", dashed(variant)),
        None => stem.to_owned(),
    };
    (PathBuf::from(folder), name)
}

/// The text with a dash in the place of everything that is neither letter nor digit.
fn dashed(text: &str) -> String {
    let parts = text.split(|it: char| !it.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

fn no_orphans(places: &BTreeSet<(PathBuf, String)>) -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOTS);
    let known: BTreeSet<_> =
        places.iter().map(|(folder, name)| folder.join(format!("{name}.snap"))).collect();
    let mut pending = vec![root.clone()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let below = path.strip_prefix(&root)?;
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|it| it == "snap") && !known.contains(below) {
                return Err(format!("no scenario for the story {}", below.display()).into());
            }
        }
    }
    Ok(())
}
