//! Where traces are written, in which form, and how: whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use multiverse::report::{self, Format};
use multiverse::trace::Trace;

/// A format and where its files go: `mermaid=PATH`.
#[derive(Clone, Debug)]
pub struct Export {
    pub format: Format,
    pub path: PathBuf,
}

impl FromStr for Export {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Format::ALL.map(Format::word).join(", ");
        let Some((word, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
            return Err(format!("write FORMAT=PATH; the formats are {known}"));
        };
        let format = Format::ALL.into_iter().find(|it| it.word() == word);
        let format = format.ok_or_else(|| {
            let near = |it: &Format| strsim::damerau_levenshtein(it.word(), word);
            let nearest = Format::ALL.into_iter().min_by_key(near).filter(|it| near(it) <= 2);
            let meant = nearest.map(|it| format!("; did you mean `{}`?", it.word()));
            let rest = meant.unwrap_or_else(|| format!("; there are {known}"));
            format!("no format `{word}`{rest}")
        })?;
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// The files of one form, for all runs of an invocation.
#[derive(Debug)]
pub struct ExportFiles {
    format: Format,
    place: Place,
}

/// The names that the files get, decided before anything runs.
#[derive(Debug)]
enum Place {
    /// There is one run, and this is its file.
    One(PathBuf),
    /// Each run has a file of its own in this folder.
    Folder {
        folder: PathBuf,
        /// The names that are taken, so that no file overwrites another of this invocation.
        taken: BTreeSet<PathBuf>,
    },
}

impl ExportFiles {
    /// Decides what the path means for this many runs: a file for one run, a folder for several.
    /// A path that is a folder already, or ends in a separator, is a folder also for one run, and
    /// so is that of a format of several files.
    ///
    /// # Errors
    ///
    /// Why several files can't go there, in words.
    pub fn new(export: Export, run_count: usize) -> Result<Self, String> {
        let Export { format, path } = export;
        let is_folder = path.is_dir() || ends_in_separator(&path) || format.is_several_files();
        if run_count <= 1 && !is_folder {
            return Ok(Self { format, place: Place::One(path) });
        }
        if !path.is_dir() && path.exists() {
            let path = path.display();
            return Err(if format.is_several_files() {
                format!("`{path}` is a file, and {} needs a folder", format.word())
            } else {
                format!(
                    "`{path}` is a file, and there are {run_count} runs: name a folder, or choose \
                     one run with `--variant`"
                )
            });
        }
        Ok(Self { format, place: Place::Folder { folder: path, taken: BTreeSet::new() } })
    }

    /// Writes the trace of a run of the scenario called `scenario`.
    ///
    /// # Errors
    ///
    /// Which file can't be written, and why. There is no partial file then.
    pub fn write(&mut self, scenario: &str, trace: &Trace) -> Result<(), String> {
        for document in report::export(trace, self.format) {
            let path = match &mut self.place {
                Place::One(path) => path.clone(),
                Place::Folder { folder, taken } => {
                    let variant = trace.header.variant.as_deref();
                    let parts = [variant.map(slug), document.part.clone()];
                    let name = free_name(scenario, parts, self.format.extension(), taken);
                    let path = folder.join(&name);
                    taken.insert(name);
                    path
                }
            };
            write_whole(&path, &document.text)
                .map_err(|error| format!("cannot write the trace `{}`: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// `eventual-consistency/nightly-sync.with-retry.jsonl`, with a number where that is taken.
fn free_name(
    scenario: &str,
    parts: [Option<String>; 2],
    extension: &str,
    taken: &BTreeSet<PathBuf>,
) -> PathBuf {
    let mut stem = scenario.to_owned();
    for part in parts.into_iter().flatten() {
        stem.push('.');
        stem.push_str(&part);
    }
    let name = |number: u32| match number {
        1 => PathBuf::from(format!("{stem}.{extension}")),
        _ => PathBuf::from(format!("{stem}-{number}.{extension}")),
    };
    (1..).map(name).find(|name| !taken.contains(name)).unwrap_or_else(|| name(1))
}

/// The text as a part of a file name on every system: letters and digits, the rest as dashes.
fn slug(text: &str) -> String {
    let dashed = text.replace(|it: char| !it.is_alphanumeric(), "-");
    let parts: Vec<_> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

pub(super) fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|&it| std::path::is_separator(it.into()))
}

/// Writes the text beside its place and moves it there when it is complete. What is there and
/// is no ordinary file, such as a pipe or `/dev/stdout`, is written to as it is.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    // Through a symbolic link, its target is replaced and the link stays.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|it| !it.is_file()) {
        let mut writer = BufWriter::new(File::options().write(true).open(&path)?);
        writer.write_all(text.as_bytes())?;
        return writer.flush();
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    fs::create_dir_all(folder)?;
    let mut draft_name = std::ffi::OsString::from(".");
    draft_name.push(name);
    draft_name.push(format!(".{}.tmp", std::process::id()));
    let draft = folder.join(draft_name);
    let written = write_draft(&draft, text).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // Best effort: the error that matters is the one that is returned.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(draft)?);
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use multiverse::plan::Plan;
    use multiverse::trace::Header;

    fn trace(variant: Option<&str>) -> Trace {
        let mut plan = Plan::empty("a trace to write");
        plan.variant = variant.map(Into::into);
        Trace { header: Header::of(&plan), entries: Vec::new() }
    }

    fn jsonl(path: &Path) -> Export {
        Export { format: Format::Jsonl, path: path.to_owned() }
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn one_run_goes_to_the_named_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        fs::write(&path, "an older trace").unwrap();
        let mut files = ExportFiles::new(jsonl(&path), 1).unwrap();
        files.write("stub", &trace(None)).unwrap();
        assert_eq!(names_in(folder.path()), ["run.jsonl"]);
        assert!(fs::read_to_string(&path).unwrap().starts_with('{'));
    }

    #[test]
    fn several_runs_go_to_a_folder_under_the_names_of_scenario_and_variant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces");
        let mut files = ExportFiles::new(jsonl(&path), 3).unwrap();
        files.write("deep/stub", &trace(None)).unwrap();
        files.write("deep/stub", &trace(Some("pre-lock, late"))).unwrap();
        files.write("deep/stub", &trace(Some("pre-lock: late"))).unwrap();
        assert_eq!(
            names_in(&path.join("deep")),
            ["stub.jsonl", "stub.pre-lock-late-2.jsonl", "stub.pre-lock-late.jsonl"],
        );
    }

    #[test]
    fn a_format_of_several_files_takes_a_folder_also_for_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheets");
        let export = Export { format: Format::Csv, path: path.clone() };
        ExportFiles::new(export, 1).unwrap().write("stub", &trace(Some("late"))).unwrap();
        assert_eq!(names_in(&path), ["stub.late.events.csv", "stub.late.locks.csv"]);
    }

    #[test]
    fn a_misspelt_format_gets_a_suggestion() {
        let complaint = "mermiad=out".parse::<Export>().unwrap_err();
        assert_eq!(complaint, "no format `mermiad`; did you mean `mermaid`?");
        assert!("mermaid".parse::<Export>().unwrap_err().starts_with("write FORMAT=PATH"));
    }

    #[test]
    fn several_runs_do_not_fit_into_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        fs::write(&path, "").unwrap();
        let refused = ExportFiles::new(jsonl(&path), 2).unwrap_err();
        assert!(refused.contains("is a file, and there are 2 runs"), "{refused}");
    }

    #[test]
    fn a_folder_in_the_place_of_the_file_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "in the way").unwrap();
        let mut files = ExportFiles::new(jsonl(&path.join("b.jsonl")), 1).unwrap();
        assert!(files.write("stub", &trace(None)).is_err());
        assert_eq!(names_in(folder.path()), ["a"]);
    }
}
