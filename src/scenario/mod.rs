//! The scenario language: text in, plans out.
//!
//! ```text
//! text ─▶ tree ─▶ one tree for each variant ─▶ shape check ─▶ lowering ─▶ plans
//!         spans   merged by names              grammar       names, types, times
//! ```
//!
//! Either every variant of a file becomes a [`Plan`], or all its mistakes come back at once in a
//! [`Rejection`], each with its place, what was expected, and a near name where there is one. No
//! input makes this panic, recurse without bound or allocate out of proportion: a file's size,
//! depth and counts have limits ([`reading_limits`]), each with its own error.

mod diagnostic;
mod excerpt;
mod grammar;
mod lower;
mod moment;
pub mod reading_limits;
mod schema;
mod shape;
mod source;
mod suggestion;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod variants;

use std::path::Path;
use std::sync::Arc;

pub use diagnostic::{Diagnostic, Rejection};
pub use schema::schema;
pub use source::Span;

use crate::plan::Plan;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::grammar::DOCUMENT;
use crate::scenario::reading_limits as limits;
use crate::scenario::source::Source;
use crate::words::Name;

/// What a scenario file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// One plan for each variant, in the order of the file; one alone for a file without
    /// variants.
    pub plans: Vec<Plan>,
}

/// A small commented scenario that runs, as `multiverse init` writes it.
pub const STARTER: &str = include_str!("starter.yaml");

/// Reads a scenario file.
///
/// # Errors
///
/// When the file can't be read, is empty, too large or not UTF-8, or when anything in it is wrong.
pub fn load(path: &Path) -> Result<Scenario, Rejection> {
    let file = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let message = format!("this file can't be read: {error}");
        Rejection::of_file(&file, "unreadable file", message, "is it a file, and may you read it?")
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > limits::FILE_BYTES as u64 {
        return Err(too_large(&file));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    match String::from_utf8(bytes) {
        Ok(text) => parse(&file, &text),
        Err(error) => {
            let place = error.utf8_error().valid_up_to();
            let message = format!("this file is not UTF-8 text: byte {} is wrong", place + 1);
            let help = "save it as UTF-8";
            Err(Rejection::of_file(&file, "not UTF-8", message, help))
        }
    }
}

/// Reads the text of a scenario file. `file` is its name in messages.
///
/// # Errors
///
/// When anything in it is wrong: all mistakes at once.
pub fn parse(file: &str, text: &str) -> Result<Scenario, Rejection> {
    if text.len() > limits::FILE_BYTES {
        return Err(too_large(file));
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let message = "this file is empty".to_owned();
        let help = "`multiverse init DIR` writes a first scenario";
        return Err(Rejection::of_file(file, "empty file", message, help));
    }
    let mut diagnostics = Diagnostics::new(Arc::new(Source::new(file, text)));
    let plans = plans(&mut diagnostics);
    match diagnostics.into_rejection() {
        Some(rejection) => Err(rejection),
        None => Ok(Scenario { plans }),
    }
}

fn plans(diagnostics: &mut Diagnostics) -> Vec<Plan> {
    let Ok(tree) = tree::read(diagnostics) else {
        return Vec::new();
    };
    // The rest is checked in each variant, as it stands there.
    let variants = DOCUMENT.map.and_then(|map| map.key(variants::VARIANTS));
    if !matches!(tree.form, tree::Form::Map(_)) {
        shape::check(&tree, &DOCUMENT, diagnostics);
        return Vec::new();
    }
    if let (Some(node), Some(key)) = (tree.get(variants::VARIANTS), variants) {
        shape::check(node, key.shape, diagnostics);
    }
    let merged = variants::merge(&tree, diagnostics);
    let names: Vec<Name> = merged.iter().filter_map(|merged| merged.variant.clone()).collect();
    let mut plans = Vec::new();
    for scenario in &merged {
        shape::check(&scenario.tree, &DOCUMENT, diagnostics);
        plans.push(lower::lower(scenario, &names, diagnostics));
    }
    plans
}

fn too_large(file: &str) -> Rejection {
    let message = format!("this file is larger than {} KiB", limits::FILE_BYTES / 1024);
    let help = "`count:` makes many rows or actors of one pattern";
    Rejection::of_file(file, "limit: file", message, help)
}
