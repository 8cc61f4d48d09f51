//! The HTML pages in a browser: no message, no request, nothing that keeps anybody out. Of the
//! report also: every control by keyboard, the panels follow the slider, and an address leads back
//! to its moment. Comparisons and the gallery have no script.
//!
//! Skipped, with a message, where there is no Chromium or `npm ci` was not run in
//! `tests/browser`; `.ci/run` installs both.

#[path = "../shipped/mod.rs"]
mod shipped;

use std::path::{Path, PathBuf};
use std::process::Command;

use multiverse::engine::RunOptions;
use multiverse::report::{self, Exhibit};
use multiverse::run::{self, Run, SweepOptions};

/// A deadlock and its cures, an outage with a stub, and many who wait: so many steps that the page
/// jumps from one whole state to the next.
const USED: [&str; 3] = [
    "transaction-patterns/team-members",
    "eventual-consistency/stub-by-guid",
    "transaction-patterns/ten-creators-behind-one-counter",
];

#[test]
fn a_reader_can_use_the_report_in_a_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut pages, mut stills, mut exhibits) = (Vec::new(), Vec::new(), Vec::new());
    for name in USED {
        let plans = shipped::plans(name);
        let runs = shipped::runs(&plans);
        let runs: Vec<_> = runs.iter().map(Run::reported).collect();
        let page = folder.path().join(format!("{}.html", name.replace('/', "-")));
        std::fs::write(&page, report::html(&runs)).expect("a page");
        exhibits.extend(Exhibit::of(&runs, page.display().to_string()));
        pages.push(page);
        let traces: Vec<_> = runs.iter().map(|run| run.trace).collect();
        let wanted = SweepOptions { starts: 21, ..SweepOptions::default() };
        let sweep = run::sweep(&plans, &traces, &RunOptions::default(), &wanted);
        let compared = folder.path().join(format!("{}.compared.html", name.replace('/', "-")));
        let sweep = sweep.expect("the plans are sound");
        std::fs::write(&compared, report::compared(&runs, sweep.as_ref())).expect("a page");
        stills.push(compared);
    }
    let gallery = folder.path().join("index.html");
    std::fs::write(&gallery, report::gallery(&exhibits)).expect("a page");
    stills.push(gallery);
    match complaint(&pages, &stills) {
        Some(complaint) => assert_eq!(complaint, ""),
        None => println!("skipped: no Chromium, or no `npm ci` in tests/browser"),
    }
}

/// What a browser complains of in pages that are used as a reader uses them; `None` where no
/// browser is installed, or what drives it is not.
fn complaint(pages: &[PathBuf], stills: &[PathBuf]) -> Option<String> {
    if !Path::new("tests/browser/node_modules/playwright-core").is_dir() {
        return None;
    }
    let folders = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&folders).collect();
    let mut places = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let browser = places.find(|it| it.is_file())?;
    let mut command = Command::new("node");
    command.arg("tests/browser/use.mjs").arg(browser).args(pages).arg("--still").args(stills);
    let output = command.output().ok()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { String::new() } else { format!("it fails: {complaint}") })
}
