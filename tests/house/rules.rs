//! The rules, each a function from a file to its offences.

use std::str::FromStr;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::ROOMS;

const LINE_WIDTH_MAX: usize = 100;
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Words that say nothing of what a thing is.
const EMPTY_WORDS: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "handler"];

/// One source file.
pub struct Source {
    /// Its path below the crate, with `/`: `src/engine/lock/mod.rs`.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// `engine::lock` for `src/engine/lock/mod.rs`.
    fn module(&self) -> String {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let stem = below.strip_suffix(".rs").unwrap_or(below);
        stem.strip_suffix("/mod").unwrap_or(stem).replace('/', "::")
    }

    fn syntax(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    fn offence(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Whether `path` is `room` or something inside it.
pub fn is_within(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The room of this module path: the longest that it begins with.
fn room_of(module: &str) -> Option<(&'static str, &'static [&'static str])> {
    ROOMS
        .iter()
        .filter(|(room, _)| is_within(module, room))
        .max_by_key(|(room, _)| room.len())
        .copied()
}

pub fn homeless(source: &Source) -> Vec<String> {
    match room_of(&source.module()) {
        Some(_) => Vec::new(),
        None => vec![source.offence(1, "is in no room of the house: add it to ROOMS")],
    }
}

/// Imports that don't go down. Comments and texts may speak of anything.
pub fn upward_imports(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some((room, usable)) = room_of(&module) else {
        return Vec::new();
    };
    if room == "lib" {
        return Vec::new();
    }
    let tokens = TokenStream::from_str(&source.text).expect("Rust source");
    let mut uses = Vec::new();
    collect_uses(tokens, &module, &mut uses);
    uses.iter()
        .filter_map(|it| {
            let offence = match room_of(&it.target) {
                _ if it.is_winding => "`super::super` hides where it leads: say `crate::`".into(),
                Some((target, _)) if target == room || usable.contains(&target) => return None,
                Some((target, _)) => format!("`{room}` may not use `{target}`"),
                None if it.is_from_root => {
                    format!("`{}` is in no room: import it from where it lives", it.target)
                }
                None => return None,
            };
            Some(source.offence(it.line, offence))
        })
        .collect()
}

/// A path to another place in the crate.
struct Use {
    /// Where it leads, from the root of the crate: `engine::lock::LockTable`.
    target: String,
    line: usize,
    /// Whether it begins at the root, with `crate` or the crate's name.
    is_from_root: bool,
    /// Whether it goes up more than once.
    is_winding: bool,
}

/// Collects every path that begins at the root of the crate or with `super`.
/// `use crate::{a::b, c}` gives two.
fn collect_uses(tokens: TokenStream, module: &str, uses: &mut Vec<Use>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let (base, is_from_root) = match &token {
            TokenTree::Group(group) => {
                collect_uses(group.stream(), module, uses);
                continue;
            }
            TokenTree::Ident(name) if name == "crate" || name == "multiverse" => ("", true),
            TokenTree::Ident(name) if name == "super" => (parent(module), false),
            _ => continue,
        };
        let line = token.span().start().line;
        let rest: Vec<_> = std::iter::from_fn(|| {
            tokens.next_if(|next| match next {
                TokenTree::Punct(punct) => punct.as_char() == ':',
                TokenTree::Ident(_) => true,
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Literal(_) => false,
            })
        })
        .collect();
        let mut targets = Vec::new();
        follow(base, &rest, &mut targets);
        uses.extend(targets.into_iter().map(|target| Use {
            is_winding: target.split("::").any(|part| part == "super"),
            target,
            line,
            is_from_root,
        }));
    }
}

/// Follows a path from `base` through `:: name` parts and `{ … }` groups, to each of its ends.
/// A mere `super` or `crate`, as in `pub(super)`, leads nowhere.
fn follow(base: &str, rest: &[TokenTree], targets: &mut Vec<String>) {
    let [colon @ .., next] = &rest[..rest.len().min(3)] else {
        return;
    };
    if colon.len() < 2 || !colon.iter().all(is_colon) {
        return;
    }
    let rest = &rest[3..];
    match next {
        TokenTree::Ident(name) => follow_name(base, name, rest, targets),
        TokenTree::Group(group) => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let is_comma = |it: &TokenTree| matches!(it, TokenTree::Punct(p) if p.as_char() == ',');
            for branch in tokens.split(is_comma) {
                if let Some((TokenTree::Ident(name), rest)) = branch.split_first() {
                    follow_name(base, name, rest, targets);
                }
            }
        }
        _ => {}
    }
}

/// Follows a path through one of its names; the name is its end where no other comes after it.
fn follow_name(base: &str, name: &Ident, rest: &[TokenTree], targets: &mut Vec<String>) {
    let here = joined(base, name);
    let known = targets.len();
    follow(&here, rest, targets);
    if targets.len() == known {
        targets.push(here);
    }
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn joined(base: &str, name: &Ident) -> String {
    if base.is_empty() { name.to_string() } else { format!("{base}::{name}") }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// Lines that are too wide. A text that is quoted over several lines is as wide as it is: a story
/// in a test can't be wrapped.
pub fn wide_lines(source: &Source) -> Vec<String> {
    let mut quoted = Vec::new();
    if let Ok(tokens) = TokenStream::from_str(&source.text) {
        collect_quotations(tokens, &mut quoted);
    }
    let is_quoted = |line: usize| quoted.iter().any(|(from, to)| (*from..=*to).contains(&line));
    let lines = source.text.lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line.chars().count()))
        .filter(|(line, width)| *width > LINE_WIDTH_MAX && !is_quoted(*line))
        .map(|(line, _)| source.offence(line, "is wider than 100 columns"))
        .collect()
}

/// Collects the first and last line of every literal that is longer than a line.
fn collect_quotations(tokens: TokenStream, quoted: &mut Vec<(usize, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_quotations(group.stream(), quoted),
            TokenTree::Literal(literal) => {
                let (from, to) = (literal.span().start().line, literal.span().end().line);
                if to > from {
                    quoted.push((from, to));
                }
            }
            _ => {}
        }
    }
}

pub fn long_files(source: &Source) -> Vec<String> {
    let line_count = source.text.lines().count();
    if line_count <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![
        source.offence(line_count, format!("has {line_count} lines; {FILE_LINES_MAX} are allowed")),
    ]
}

pub fn long_functions(source: &Source) -> Vec<String> {
    struct Functions<'a>(&'a Source, Vec<String>);
    impl Functions<'_> {
        fn measure(&mut self, name: &Ident, function: &impl Spanned) {
            let span = function.span();
            let count = span.end().line - name.span().start().line + 1;
            if count > FUNCTION_LINES_MAX {
                let line = name.span().start().line;
                let what = format!("`{name}` has {count} lines; {FUNCTION_LINES_MAX} are allowed");
                self.1.push(self.0.offence(line, what));
            }
        }
    }
    impl Visit<'_> for Functions<'_> {
        fn visit_item_fn(&mut self, it: &syn::ItemFn) {
            self.measure(&it.sig.ident, it);
            visit::visit_item_fn(self, it);
        }
        fn visit_impl_item_fn(&mut self, it: &syn::ImplItemFn) {
            self.measure(&it.sig.ident, it);
            visit::visit_impl_item_fn(self, it);
        }
        fn visit_trait_item_fn(&mut self, it: &syn::TraitItemFn) {
            self.measure(&it.sig.ident, it);
            visit::visit_trait_item_fn(self, it);
        }
    }
    let mut functions = Functions(source, Vec::new());
    functions.visit_file(&source.syntax());
    functions.1
}

/// Names of our own making that say nothing. What other crates call their things is their affair.
pub fn empty_names(source: &Source) -> Vec<String> {
    struct Names(Vec<(String, usize)>);
    impl Names {
        fn add(&mut self, name: &Ident) {
            self.0.push((name.to_string(), name.span().start().line));
        }
    }
    macro_rules! names_of {
        ($($visit:ident($node:ident): $($name:ident).+;)*) => {
            impl Visit<'_> for Names {$(
                fn $visit(&mut self, it: &syn::$node) {
                    self.add(&it.$($name).+);
                    visit::$visit(self, it);
                }
            )*}
        };
    }
    names_of! {
        visit_item_struct(ItemStruct): ident;
        visit_item_enum(ItemEnum): ident;
        visit_item_trait(ItemTrait): ident;
        visit_item_type(ItemType): ident;
        visit_item_mod(ItemMod): ident;
        visit_item_const(ItemConst): ident;
        visit_item_static(ItemStatic): ident;
        visit_item_fn(ItemFn): sig.ident;
        visit_impl_item_fn(ImplItemFn): sig.ident;
        visit_trait_item_fn(TraitItemFn): sig.ident;
        visit_variant(Variant): ident;
        visit_pat_ident(PatIdent): ident;
    }
    let mut names = Names(vec![(source.module().replace("::", "_"), 1)]);
    names.visit_file(&source.syntax());
    let empty = |name: &str| words_of(name).into_iter().find(|it| EMPTY_WORDS.contains(&&**it));
    let offence = |(name, line): &(String, usize)| {
        let word = empty(name)?;
        Some(source.offence(*line, format!("`{name}`: `{word}` says nothing of what it is")))
    };
    names.0.iter().filter_map(offence).collect()
}

/// The words of `LockTable`, `lock_table` and `LOCK_TABLE`, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase();
    }
    words
}

/// Figures without an origin: in the files of costs and limits, every public constant and every
/// field with a default says `Source:` or `Assumed:`, itself or through its type or its file.
pub fn unsourced_figures(source: &Source) -> Vec<String> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    if !["costs.rs", "limits.rs"].contains(&name) {
        return Vec::new();
    }
    struct Figures<'a>(&'a Source, Vec<String>);
    impl Figures<'_> {
        fn expect(&mut self, name: &Ident, docs: &str) {
            if !has_origin(docs) {
                let line = name.span().start().line;
                let what = format!("`{name}` says neither `Source:` nor `Assumed:`");
                self.1.push(self.0.offence(line, what));
            }
        }
    }
    impl Visit<'_> for Figures<'_> {
        fn visit_item_const(&mut self, it: &syn::ItemConst) {
            if matches!(it.vis, syn::Visibility::Public(_)) {
                self.expect(&it.ident, &docs_of(&it.attrs));
            }
        }
        fn visit_item_struct(&mut self, it: &syn::ItemStruct) {
            if has_origin(&docs_of(&it.attrs)) {
                return;
            }
            for field in &it.fields {
                if let (Some(name), docs) = (&field.ident, docs_of(&field.attrs))
                    && docs.contains("Default ")
                {
                    self.expect(name, &docs);
                }
            }
        }
    }
    let syntax = source.syntax();
    if has_origin(&docs_of(&syntax.attrs)) {
        return Vec::new();
    }
    let mut figures = Figures(source, Vec::new());
    figures.visit_file(&syntax);
    figures.1
}

fn has_origin(docs: &str) -> bool {
    docs.contains("Source:") || docs.contains("Assumed:")
}

fn docs_of(attributes: &[syn::Attribute]) -> String {
    let mut docs = String::new();
    for attribute in attributes {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(literal) = &pair.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            docs.push_str(&text.value());
            docs.push('\n');
        }
    }
    docs
}
