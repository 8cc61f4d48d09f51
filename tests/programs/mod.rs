//! The programs whose formats are written here: asked to read what was written, where they are
//! installed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program answers to a text; `None` where it is not installed.
fn answer(program: &str, arguments: &[&str], text: &str) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut input = child.stdin.take()?;
    // A program that does not read to the end says so by its exit code.
    let _ = input.write_all(text.as_bytes());
    drop(input);
    let output = child.wait_with_output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// What Graphviz complains of in a graph, drawn to this format; `None` where it is not installed.
pub fn graphviz(format: &str, graph: &str) -> Option<String> {
    answer("dot", &["-V"], "")?;
    let (reads, complaint) = answer("dot", &[&format!("-T{format}")], graph)?;
    Some(if reads { complaint } else { format!("it does not read it: {complaint}") })
}

/// What Mermaid complains of in diagrams; `None` where it is not installed.
pub fn mermaid(diagrams: &[String]) -> Option<String> {
    if !Path::new("tests/mermaid/node_modules/mermaid").is_dir() {
        return None;
    }
    let list = serde_json::to_string(diagrams).expect("a list of texts");
    let (parses, complaint) = answer("node", &["tests/mermaid/parse.mjs"], &list)?;
    Some(if parses { String::new() } else { format!("it does not parse them: {complaint}") })
}
