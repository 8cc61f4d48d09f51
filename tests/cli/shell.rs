//! A shell around the binary: folders with files in them, and what an invocation leaves behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A scenario that holds, in two variants.
pub const HOLDS: &str = "\
scenario: One note
tables:
  note: { columns: { text: text } }
instances:
  us: { tables: [note] }
actors:
  ann: { in: us, do: [ { create: { table: note, row: first, set: { text: Hello } } } ] }
variants:
  plain: {}
  twice as slow: { costs: { write: 10ms } }
expect:
  - { row: us/note/first, is: { text: Hello } }
";

/// The line of [`HOLDS`] with the expectation.
pub const EXPECTATION_LINE: usize = 12;

/// What an invocation left behind.
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The binary in a folder of its own, with nothing of this shell's own settings.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiverse"));
    command.current_dir(folder);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command
}

pub fn multiverse(folder: &Path, arguments: &[&str]) -> Answer {
    answer(command(folder).args(arguments))
}

pub fn answer(command: &mut Command) -> Answer {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

/// A folder with these files in it.
pub fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// [`HOLDS`] with an expectation that does not hold.
pub fn fails() -> String {
    HOLDS.replace("is: { text: Hello }", "is: { text: Goodbye }")
}

/// Every file below the folder, by its path, in order.
pub fn files_in(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        for entry in fs::read_dir(&current).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("a path below");
                files.push(below.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}
