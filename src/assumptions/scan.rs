//! Finds the `Assumed:` marks of one source file.
//!
//! It reads lines, not syntax, because it runs before every build: what it relies on is the form
//! that `cargo fmt` gives the source, in which an item is indented deeper than what it is in.
//! A test compares what it finds with the syntax.

/// A mark: from the word to the end of its paragraph, or to the next mark in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is assumed, as one sentence or several.
    pub text: String,
    /// The line of the mark, from 1.
    pub line: usize,
    /// What it is said of, as a path below the crate: `plan::Table::keys`; for the header of a
    /// file, its module.
    pub item: String,
}

/// The word that begins what no source states. In back quotes it is only spoken of.
pub const MARK: &str = "Assumed:";
/// The word that begins what a source states.
const SOURCE: &str = "Source:";

/// The marks in a file, in their order. `path` is the file's path below the crate, with `/`.
pub fn scan(path: &str, text: &str) -> Vec<Found> {
    let mut scanner = Scanner { module: module(path), scopes: Vec::new(), found: Vec::new() };
    let mut header = Comment::default();
    let mut comment = Comment::default();
    let mut open_brackets = 0;
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(content) = code.strip_prefix("//!") {
            header.push(index + 1, content);
            continue;
        }
        scanner.tell(&mut header, None);
        if let Some(content) = code.strip_prefix("///") {
            comment.push(index + 1, content);
        } else if open_brackets > 0 || code.starts_with("#[") {
            open_brackets += brackets(code);
        } else if !code.is_empty() && !code.starts_with("//") {
            let declared = declared(code);
            let is_documented = !comment.lines.is_empty();
            if let (Some(item), true) = (&declared, is_documented || opens_scope(code)) {
                scanner.leave(indent);
                scanner.tell(&mut comment, Some(item));
                scanner.scopes.push((indent, item.clone()));
            }
            comment.lines.clear();
        }
    }
    scanner.tell(&mut header, None);
    scanner.found
}

/// `engine::lock` for `src/engine/lock/mod.rs`; `lib` for the root of the crate.
fn module(path: &str) -> String {
    let below = path.strip_prefix("src/").unwrap_or(path);
    let stem = below.strip_suffix(".rs").unwrap_or(below);
    stem.strip_suffix("/mod").unwrap_or(stem).replace('/', "::")
}

struct Scanner {
    module: String,
    /// The items that the current line is in, the innermost last, each with its indentation.
    scopes: Vec<(usize, String)>,
    found: Vec<Found>,
}

impl Scanner {
    /// Leaves every item that is indented at least so deep.
    fn leave(&mut self, indent: usize) {
        self.scopes.retain(|(outer, _)| *outer < indent);
    }

    /// Collects the marks of a comment on this item, and ends the comment.
    fn tell(&mut self, comment: &mut Comment, item: Option<&String>) {
        let names = self.scopes.iter().map(|(_, name)| name).chain(item);
        let path = names.fold(self.module.clone(), |path, name| format!("{path}::{name}"));
        for (line, text) in comment.marks() {
            self.found.push(Found { text, line, item: path.clone() });
        }
        comment.lines.clear();
    }
}

/// A documentation comment: its lines, with their numbers.
#[derive(Default)]
struct Comment {
    lines: Vec<(usize, String)>,
}

impl Comment {
    fn push(&mut self, number: usize, content: &str) {
        self.lines.push((number, content.trim().to_owned()));
    }

    /// What is marked in it, each with the line of its mark. Examples are no part of it.
    fn marks(&self) -> Vec<(usize, String)> {
        let mut marks: Vec<(usize, String)> = Vec::new();
        let (mut is_in_mark, mut is_in_example) = (false, false);
        for (number, line) in &self.lines {
            if line.starts_with("```") {
                is_in_example = !is_in_example;
            }
            if line.is_empty() || is_in_example || line.starts_with('#') {
                is_in_mark = false;
                continue;
            }
            for word in line.split_whitespace() {
                match word {
                    MARK => marks.push((*number, String::new())),
                    SOURCE => {}
                    _ => {
                        if let (true, Some((_, text))) = (is_in_mark, marks.last_mut()) {
                            text.push_str(if text.is_empty() { "" } else { " " });
                            text.push_str(word);
                        }
                        continue;
                    }
                }
                is_in_mark = word == MARK;
            }
        }
        marks.into_iter().map(|(line, text)| (line, sentence(&text))).collect()
    }
}

/// The text with a capital, and without the brackets of links.
fn sentence(text: &str) -> String {
    let text = text.replace("[`", "`").replace("`]", "`");
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// How many more brackets open than close in a line of an attribute.
fn brackets(line: &str) -> i32 {
    let count = |wanted: char| line.matches(wanted).count();
    i32::try_from(count('[')).unwrap_or(0) - i32::try_from(count(']')).unwrap_or(0)
}

/// Whether this line can have documented items inside it.
fn opens_scope(line: &str) -> bool {
    let keyword = |word: &str| matches!(word, "struct" | "enum" | "trait" | "impl" | "mod" | "fn");
    line.split_whitespace().take(4).any(|word| keyword(word) || word.starts_with("impl<"))
}

/// The name of the item, field or variant that a line declares.
fn declared(line: &str) -> Option<String> {
    let mut rest = line;
    if let Some(after) = rest.strip_prefix("pub") {
        rest = match after.strip_prefix('(') {
            Some(within) => within.split_once(')')?.1.trim_start(),
            None => after.trim_start(),
        };
    }
    loop {
        let name = identifier(rest);
        let after = rest[name.len()..].trim_start();
        match name {
            "impl" => return implemented(after),
            "const" if after.starts_with("fn ") || after.starts_with("unsafe ") => rest = after,
            "async" | "unsafe" => rest = after,
            "fn" | "struct" | "enum" | "trait" | "type" | "mod" | "const" | "static" | "union" => {
                return Some(identifier(after).to_owned());
            }
            "macro_rules" => return Some(identifier(after[1..].trim_start()).to_owned()),
            "use" => {
                let last = after.trim_end_matches(';').rsplit("::").next();
                return last.map(|it| it.trim_matches(['{', '}', ' ']).to_owned());
            }
            "" => return None,
            _ => return Some(name.to_owned()),
        }
    }
}

/// The type of an `impl`, from what stands after that word.
fn implemented(after: &str) -> Option<String> {
    let mut rest = after;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.find(|letter| {
            depth += i32::from(letter == '<') - i32::from(letter == '>');
            depth == 0
        })?;
        rest = rest[end + 1..].trim_start();
    }
    let rest = rest.split_once(" for ").map_or(rest, |(_, after)| after);
    let path = rest.split(['<', '{', ' ']).next()?;
    path.rsplit("::").next().map(|name| name.trim_start_matches('&').to_owned())
}

/// The identifier with which a text begins.
fn identifier(text: &str) -> &str {
    let end = text.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(text.len());
    &text[..end]
}
