//! Runs before each build: collects the `Assumed:` marks of the whole source, for
//! `multiverse::assumptions`.

mod scan;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this"));
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo runs this"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let below = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        // What is about the marks themselves spells them out, and assumes nothing.
        if below.starts_with("src/assumptions/") {
            continue;
        }
        for scan::Found { text, line, item } in scan::scan(&below, &fs::read_to_string(&path)?) {
            let line = format!("file: {below:?}, line: {line}, item: {item:?}");
            // Writing to a text never fails.
            let _ = writeln!(list, "Assumption {{ text: {text:?}, {line} }},");
        }
    }
    list.push_str("]\n");
    fs::write(target.join("assumptions.rs"), list)
}

/// Every Rust file in a folder and those below it.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
