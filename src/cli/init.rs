//! `multiverse init`: a first scenario.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::Exit;
use super::output::Output;

/// The name of the file that is written.
const FILE_NAME: &str = "first.yaml";

/// Writes a first scenario into the folder, unless one is there.
pub fn init(folder: &Path, output: &mut Output) -> Exit {
    let path = folder.join(FILE_NAME);
    match write_new(folder, &path) {
        Ok(()) => {
            output.print(&format!(
                "Wrote {}. Read it, then run it:\n\n  multiverse run {}\n",
                path.display(),
                quoted(folder),
            ));
            Exit::AllHold
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            output.error(&format!("`{}` exists already; nothing was written", path.display()));
            Exit::Wrong
        }
        Err(error) => {
            output.error(&format!("cannot write `{}`: {error}", path.display()));
            Exit::Wrong
        }
    }
}

fn write_new(folder: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| match error.kind() {
        // "Exists already" would be said of the scenario; here something else is in the way.
        io::ErrorKind::AlreadyExists => io::Error::from(io::ErrorKind::NotADirectory),
        _ => error,
    })?;
    let mut file = fs::File::create_new(path)?;
    let written = file.write_all(multiverse::scenario::STARTER.as_bytes());
    if written.is_err() {
        // Best effort: half a scenario is worse than none.
        let _ = fs::remove_file(path);
    }
    written
}

/// The path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |it: char| it.is_alphanumeric() || "/\\._-:".contains(it);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
