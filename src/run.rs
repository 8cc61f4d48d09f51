//! The way through the house: a file becomes plans, a plan becomes a trace, a trace gets its
//! verdict.
//!
//! ```text
//!   path ──▶ scenario_files ──▶ load ──▶ Plan ──▶ run ──▶ Trace + Verdict ──▶ story
//! ```
//!
//! This is the only module that knows all three wings. The command line, the tests of this crate
//! and those of other crates go through it, so what a person reads on the terminal is what a test
//! compares. It decides nothing of its own: what a file means is the scenario front's business,
//! what happens is the engine's, what must hold is the checks'.

mod sweep;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::check::{self, Verdict};
use crate::engine::{self, PlanError, RunOptions};
use crate::plan::Plan;
use crate::report::{self, StoryOptions};
use crate::scenario::{self, Rejection};
use crate::trace::Trace;
use crate::words::SimInstant;

pub use sweep::{SweepOptions, sweep};

/// One variant of one scenario, run and judged.
#[derive(Clone, Debug)]
pub struct Run {
    /// What happened.
    pub trace: Trace,
    /// What of it had to hold, and whether it does.
    pub verdict: Verdict,
}

impl Run {
    /// The run as a person reads it.
    pub fn story(&self, options: &StoryOptions) -> String {
        report::story(&self.trace, &self.verdict, options)
    }

    /// The run as reports of several runs take it.
    pub const fn reported(&self) -> report::Run<'_> {
        report::Run { trace: &self.trace, verdict: &self.verdict }
    }

    /// The run as a picture of time, locks and outages.
    pub fn timeline(&self, options: &StoryOptions) -> String {
        report::timeline(&self.trace, &self.verdict, options)
    }
}

/// Reads a scenario file: one plan for each variant, in the order of the file.
///
/// # Errors
///
/// Everything that is wrong with the file, all at once.
pub fn load(path: &Path) -> Result<Vec<Arc<Plan>>, Rejection> {
    let scenario = scenario::load(path)?;
    Ok(scenario.plans.into_iter().map(Arc::new).collect())
}

/// Reads a scenario from a text; `file` is the name that messages give it.
///
/// # Errors
///
/// Everything that is wrong with the text, all at once.
pub fn parse(file: &str, text: &str) -> Result<Vec<Arc<Plan>>, Rejection> {
    let scenario = scenario::parse(file, text)?;
    Ok(scenario.plans.into_iter().map(Arc::new).collect())
}

/// Carries out a plan and judges what happened.
///
/// # Errors
///
/// The plan asks for something that the run was not given, such as a plug-in written in Rust
/// under a name that `options` does not know.
pub fn run(plan: &Arc<Plan>, options: &RunOptions) -> Result<Run, PlanError> {
    run_watched(plan, options, &mut |_, _| {})
}

/// The same, and now and then tells the instant and how many transitions there were so far.
///
/// # Errors
///
/// As [`run`].
pub fn run_watched(
    plan: &Arc<Plan>,
    options: &RunOptions,
    watch: &mut dyn FnMut(SimInstant, u64),
) -> Result<Run, PlanError> {
    let trace = engine::run_watched(plan, options, watch)?;
    let verdict = check::verdict(plan, &trace);
    Ok(Run { trace, verdict })
}

/// A scenario file that a search found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScenarioFile {
    /// Where it is, as the caller may open it.
    pub path: PathBuf,
    /// What to call it: its path below the folder that was searched, without the extension, with
    /// `/` between the parts on every system.
    pub name: String,
}

/// What a search for scenario files came to.
#[derive(Debug, Default)]
pub struct Search {
    /// The files, in the order of their paths, each once.
    pub files: Vec<ScenarioFile>,
    /// The paths that led nowhere.
    pub dead_ends: Vec<DeadEnd>,
}

/// A path that leads to no scenario file.
#[derive(Debug, thiserror::Error)]
pub enum DeadEnd {
    /// The path can't be read; most often there is nothing there.
    #[error("cannot read `{}`: {error}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder without scenario files.
    #[error("no scenario files (*.yaml) in the folder `{}`", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// Finds the scenario files behind these paths. A file is taken whatever its extension; a folder
/// is searched with all folders below it for `*.yaml`, except what begins with a dot. Symbolic
/// links to folders are not followed, so the search ends.
pub fn scenario_files<P: AsRef<Path>>(paths: &[P]) -> Search {
    let mut found = BTreeMap::new();
    let mut dead_ends = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        match files_behind(path) {
            Ok(files) if files.is_empty() => {
                dead_ends.push(DeadEnd::Empty { path: path.to_owned() })
            }
            Ok(files) => {
                for file in files {
                    found.entry(file.path).or_insert(file.name);
                }
            }
            Err(dead_end) => dead_ends.push(dead_end),
        }
    }
    let files = found.into_iter().map(|(path, name)| ScenarioFile { path, name }).collect();
    Search { files, dead_ends }
}

/// The scenario files behind one path, in no particular order.
fn files_behind(path: &Path) -> Result<Vec<ScenarioFile>, DeadEnd> {
    let unreadable = |path: &Path, error| DeadEnd::Unreadable { path: path.to_owned(), error };
    let is_folder = fs::metadata(path).map_err(|error| unreadable(path, error))?.is_dir();
    if !is_folder {
        let name = name_below(path.parent().unwrap_or(Path::new("")), path);
        let path = path.to_owned();
        return Ok(vec![ScenarioFile { path, name }]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, error))?;
            let below = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(below);
            } else if below.extension().is_some_and(|it| it == "yaml") && below.is_file() {
                let name = name_below(path, &below);
                files.push(ScenarioFile { path: below, name });
            }
        }
    }
    Ok(files)
}

/// The path of `file` below `folder`, without its extension, with `/` between its parts.
fn name_below(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(search: &Search) -> Vec<&str> {
        search.files.iter().map(|file| &*file.name).collect()
    }

    #[test]
    fn a_folder_is_searched_with_all_folders_below_it_in_the_order_of_the_paths() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/deep")).unwrap();
        fs::create_dir_all(folder.path().join(".hidden")).unwrap();
        for file in ["z.yaml", "a.yaml", "b/deep/c.yaml", ".hidden/d.yaml", "b/notes.md"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let search = scenario_files(&[folder.path()]);
        assert_eq!(names(&search), ["a", "b/deep/c", "z"]);
        assert!(search.dead_ends.is_empty());
    }

    #[test]
    fn a_file_is_taken_whatever_its_extension_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("draft.txt");
        fs::write(&file, "").unwrap();
        assert_eq!(names(&scenario_files(&[&file, &file])), ["draft"]);
    }

    #[test]
    fn an_empty_folder_and_a_missing_path_are_dead_ends_beside_what_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let empty = folder.path().join("empty");
        fs::write(&file, "").unwrap();
        fs::create_dir(&empty).unwrap();
        let search = scenario_files(&[empty, folder.path().join("missing"), file]);
        assert_eq!(names(&search), ["a"]);
        let messages: Vec<_> = search.dead_ends.iter().map(ToString::to_string).collect();
        assert!(messages[0].starts_with("no scenario files (*.yaml) in the folder"));
        assert!(messages[1].starts_with("cannot read"));
    }
}
