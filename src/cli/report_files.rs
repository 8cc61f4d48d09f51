//! Where HTML reports are written: one page for each scenario file, with all its variants.

use std::path::PathBuf;

use multiverse::report;
use multiverse::run::Run;

use super::export_files::{ends_in_separator, write_whole};

/// The pages of an invocation.
#[derive(Debug)]
pub enum ReportFiles {
    /// There is one scenario, and this is its page.
    One(PathBuf),
    /// Each scenario has a page of its own in this folder.
    Folder(PathBuf),
}

impl ReportFiles {
    /// Decides what the path means for this many scenarios: a file for one, a folder for several.
    /// A path that is a folder already, or ends in a separator, is a folder also for one.
    ///
    /// # Errors
    ///
    /// Why several pages can't go there, in words.
    pub fn new(path: PathBuf, scenario_count: usize) -> Result<Self, String> {
        if scenario_count <= 1 && !path.is_dir() && !ends_in_separator(&path) {
            return Ok(Self::One(path));
        }
        if !path.is_dir() && path.exists() {
            let path = path.display();
            return Err(format!(
                "`{path}` is a file, and there are {scenario_count} scenarios: name a folder"
            ));
        }
        Ok(Self::Folder(path))
    }

    /// Writes the page of the runs of the scenario called `scenario`.
    ///
    /// # Errors
    ///
    /// Which file can't be written, and why. There is no partial file then.
    pub fn write(&self, scenario: &str, runs: &[Run]) -> Result<(), String> {
        let runs: Vec<_> = runs.iter().map(Run::reported).collect();
        self.write_page(scenario, &report::html(&runs))
    }

    /// Writes a page about the scenario called `scenario`.
    ///
    /// # Errors
    ///
    /// Which file can't be written, and why. There is no partial file then.
    pub fn write_page(&self, scenario: &str, page: &str) -> Result<(), String> {
        let path = match self {
            Self::One(path) => path.clone(),
            Self::Folder(folder) => folder.join(format!("{scenario}.html")),
        };
        write_whole(&path, page)
            .map_err(|error| format!("cannot write the report `{}`: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn one_scenario_has_a_file_and_several_have_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        ReportFiles::new(path.clone(), 1).unwrap().write("stub", &[]).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("<!doctype html>"));
        let refused = ReportFiles::new(path, 2).unwrap_err();
        assert!(refused.contains("is a file, and there are 2 scenarios"), "{refused}");
        let pages = folder.path().join("pages");
        ReportFiles::new(pages.clone(), 2).unwrap().write("deep/stub", &[]).unwrap();
        assert!(pages.join("deep/stub.html").is_file());
    }
}
