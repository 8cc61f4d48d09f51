//! The scanner against small planted files; the list against the source, read another way.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, iter};

use syn::visit::{self, Visit};

use crate::assumptions::scan::{Found, MARK, scan};
use crate::assumptions::{Assumption, Subject, all, json, text};

fn found(text: &str, line: usize, item: &str) -> Found {
    Found { text: text.to_owned(), line, item: item.to_owned() }
}

#[test]
fn a_mark_lasts_to_the_end_of_its_paragraph_or_to_the_next_mark() {
    let source = "\
//! A header. Assumed: it is read
//! over two lines.
//!
//! No part of it. `Assumed:` is only spoken of.

/// What it is.
///
/// Assumed: the first. Source: a page. Assumed: [`Second`] holds.
/// And more of it.
///
/// ```
/// // Assumed: an example.
/// ```
#[derive(
    Clone, Debug,
)]
pub struct Thing {}
";
    let expected = [
        found("It is read over two lines.", 1, "engine::thing"),
        found("The first.", 8, "engine::thing::Thing"),
        found("`Second` holds. And more of it.", 8, "engine::thing::Thing"),
    ];
    assert_eq!(scan("src/engine/thing.rs", source), expected);
}

#[test]
fn an_item_is_named_by_all_that_it_is_in() {
    let source = "\
pub enum Fate {
    Lost,
    /// Assumed: a variant.
    Found {
        /// Assumed: a field of it.
        by: u8,
    },
    /// Assumed: a variant with a number.
    Late = 0x80,
}

impl<T: Iterator<Item = u8>> Iterator for Walk<T> {
    /// Assumed: a function.
    #[must_use]
    pub(super) const fn next(&mut self) {}
}

impl Walk<'_> {
    /// Assumed: a constant.
    const LEAST: u8 = 1;
}

mod inner {
    /// Assumed: a function in a module.
    fn alone() {}
}

/// Assumed: a type alias.
pub type Both = (u8, u8);
";
    let names: Vec<_> = scan("src/fate.rs", source).into_iter().map(|it| it.item).collect();
    let expected = [
        "fate::Fate::Found",
        "fate::Fate::Found::by",
        "fate::Fate::Late",
        "fate::Walk::next",
        "fate::Walk::LEAST",
        "fate::inner::alone",
        "fate::Both",
    ];
    assert_eq!(names, expected);
}

/// Every Rust file of the crate's source but those about the marks themselves.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending = vec![root.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let below = path.strip_prefix(root).expect("a path below the crate");
            let below = below.to_string_lossy().replace('\\', "/");
            if below.ends_with(".rs") && !below.starts_with("src/assumptions/") {
                sources.push((below, fs::read_to_string(&path).expect("UTF-8 source")));
            }
        }
    }
    sources
}

/// The lines that carry a mark, each as often as it carries one.
fn marked_lines(text: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let count = line.matches(MARK).count() - line.matches(&format!("`{MARK}")).count();
        iter::repeat_n(index + 1, count)
    })
}

#[test]
fn every_mark_of_the_source_is_listed_once_at_its_line() {
    let mut expected = Vec::new();
    for (path, text) in sources() {
        expected.extend(marked_lines(&text).map(|line| (path.clone(), line)));
    }
    expected.sort();
    let listed: Vec<_> = all().iter().map(|it| (it.file.to_owned(), it.line as usize)).collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_text_is_whole_sentences() {
    for Assumption { text, file, line, .. } in all() {
        let place = format!("{file}:{line}: {text}");
        assert!(text.ends_with('.'), "{place}: it does not end as a sentence");
        let first = text.chars().next().expect("a text");
        assert!(first.is_uppercase() || "`\"".contains(first), "{place}: it begins in the middle");
        assert!(text.split(' ').count() >= 4, "{place}: it says too little");
        assert!(!text.contains("``"), "{place}: an empty quotation");
    }
}

/// The paths of all documented items of a file that carry a mark, as the syntax has them.
#[derive(Default)]
struct Marked {
    scopes: Vec<String>,
    paths: BTreeSet<String>,
}

impl Marked {
    fn note(&mut self, attributes: &[syn::Attribute], name: Option<String>) {
        let docs = attributes.iter().filter_map(|it| match &it.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
            _ => None,
        });
        let is_marked = docs.into_iter().any(|value| match value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                marked_lines(&text.value()).next().is_some()
            }
            _ => false,
        });
        if is_marked {
            let names: Vec<_> = self.scopes.iter().cloned().chain(name).collect();
            self.paths.insert(names.join("::"));
        }
    }
}

macro_rules! note_each {
    ($($visit:ident($node:ident): |$it:ident| $name:expr;)*) => {
        impl Visit<'_> for Marked {$(
            fn $visit(&mut self, $it: &syn::$node) {
                let name: Option<String> = $name;
                self.note(&$it.attrs, name.clone());
                let depth = self.scopes.len();
                self.scopes.extend(name);
                visit::$visit(self, $it);
                self.scopes.truncate(depth);
            }
        )*}
    };
}

note_each! {
    visit_file(File): |it| None;
    visit_item_struct(ItemStruct): |it| Some(it.ident.to_string());
    visit_item_enum(ItemEnum): |it| Some(it.ident.to_string());
    visit_item_trait(ItemTrait): |it| Some(it.ident.to_string());
    visit_item_type(ItemType): |it| Some(it.ident.to_string());
    visit_item_mod(ItemMod): |it| Some(it.ident.to_string());
    visit_item_const(ItemConst): |it| Some(it.ident.to_string());
    visit_item_static(ItemStatic): |it| Some(it.ident.to_string());
    visit_item_fn(ItemFn): |it| Some(it.sig.ident.to_string());
    visit_impl_item_fn(ImplItemFn): |it| Some(it.sig.ident.to_string());
    visit_impl_item_const(ImplItemConst): |it| Some(it.ident.to_string());
    visit_trait_item_fn(TraitItemFn): |it| Some(it.sig.ident.to_string());
    visit_variant(Variant): |it| Some(it.ident.to_string());
    visit_field(Field): |it| it.ident.as_ref().map(ToString::to_string);
    visit_item_impl(ItemImpl): |it| match &*it.self_ty {
        syn::Type::Path(path) => path.path.segments.last().map(|it| it.ident.to_string()),
        _ => None,
    };
}

#[test]
fn every_item_is_named_as_the_syntax_has_it() {
    let mut count = 0;
    for (path, text) in sources() {
        let mut marked = Marked::default();
        let below = path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = below.trim_end_matches("/mod").replace('/', "::");
        marked.scopes.push(module);
        marked.visit_file(&syn::parse_file(&text).expect("Rust source"));
        let listed: BTreeSet<_> =
            all().iter().filter(|it| it.file == path).map(|it| it.item.to_owned()).collect();
        // What is inside of a macro has no syntax of its own.
        if !text.contains("macro_rules!") {
            assert_eq!(listed, marked.paths, "{path}");
        }
        count += marked.paths.len();
    }
    assert!(count > 20, "the syntax shows only {count} marked items");
}

#[test]
fn the_list_is_the_same_for_people_and_for_programs() {
    let (text, json) = (text(80), json());
    let objects = json.as_array().expect("a list");
    assert_eq!(objects.len(), all().len());
    for object in objects {
        let (file, line) = (&object["file"], &object["line"]);
        let place = format!("  {}:{line}\n", file.as_str().expect("a path"));
        assert!(text.contains(&place), "{place}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.ends_with(" behaviours that no source states.\n"), "{text}");
}

#[test]
fn each_subject_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Subject::ALL.into_iter().map(Subject::name).collect();
    assert_eq!(names.len(), Subject::ALL.len());
}
