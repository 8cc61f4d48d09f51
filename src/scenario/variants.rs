//! Variants: one file, several designs that differ in the parts they name.
//!
//! A variant is laid over the file before anything is understood: maps are merged key by key, any
//! other value is replaced. The list of plug-ins is merged by their names. A session's step with
//! a verb takes the place of the file's; one without a verb changes the clauses that it names. A
//! variant can only change what is there: a named part (a table, an actor, a plug-in …) that the
//! file does not have is a mistake, so that a slip of the pen does not become a silent addition.
//! Two exceptions: rows may be added, and `none` takes a named part away.
//!
//! Every value keeps its place in the text, so a mistake in a variant points at the variant.

use std::sync::Arc;

use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::grammar::{DOCUMENT, LABELLED_STEP, PLUG_IN, Shape};
use crate::scenario::reading_limits as limits;
use crate::scenario::shape::map_for;
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::Name;

/// The key under which a file lists its variants.
pub const VARIANTS: &str = "variants";

/// One whole scenario: the file with one variant laid over it.
pub struct Merged {
    /// The variant's name; `None` for a file without variants.
    pub variant: Option<Name>,
    /// The scenario's text as a tree, without `variants`.
    pub tree: Node,
}

/// The scenarios of a file: one for each variant in the order of the file, or one alone.
pub fn merge(file: &Node, diagnostics: &mut Diagnostics) -> Vec<Merged> {
    let base = without_variants(file);
    let variants = file.get(VARIANTS).map_or(&[][..], Node::entries);
    if variants.is_empty() {
        let alone = Merged { variant: None, tree: base };
        return vec![alone];
    }
    if let Some(beyond) = variants.get(limits::VARIANTS) {
        diagnostics.report(
            beyond.key_span,
            "limit: variants",
            format!("a file has at most {} variants", limits::VARIANTS),
            "one too many",
            None,
        );
        return Vec::new();
    }
    let changes: usize = variants.iter().map(|entry| entry.value.size()).sum();
    if base.size().saturating_mul(variants.len()) + changes > limits::VALUES_IN_VARIANTS {
        diagnostics.report(
            variants[0].key_span,
            "limit: values",
            format!("the variants together have more than {} values", limits::VALUES_IN_VARIANTS),
            "the first of them",
            Some("each variant is a whole scenario; make it several files".to_owned()),
        );
        return Vec::new();
    }
    let mut scenarios = Vec::new();
    for variant in variants {
        if matches!(variant.value.form, Form::Map(_)) {
            let mut tree = base.clone();
            for key in ["variants", "expect", "scenario"] {
                if let Some(entry) = variant.value.entry(key) {
                    diagnostics.report(
                        entry.key_span,
                        "out of place",
                        format!("a variant can't change `{key}`"),
                        "here",
                        (key == "expect")
                            .then(|| "an expectation names its variant: `variant: …`".to_owned()),
                    );
                }
            }
            lay_over(&mut tree, &variant.value, &DOCUMENT, false, diagnostics);
            scenarios.push(Merged { variant: Some(variant.key.clone()), tree });
        }
    }
    scenarios
}

fn without_variants(file: &Node) -> Node {
    let mut base = file.clone();
    if let Form::Map(entries) = &mut base.form {
        entries.retain(|entry| &*entry.key != VARIANTS);
    }
    base
}

/// Lays `change` over `base`, which has this shape. `may_add`: whether names may be new.
fn lay_over(
    base: &mut Node,
    change: &Node,
    shape: &'static Shape,
    may_add: bool,
    diagnostics: &mut Diagnostics,
) {
    let is_plug_ins = shape.list.is_some_and(|item| std::ptr::eq(item, &raw const PLUG_IN));
    if is_plug_ins && let Form::Map(changes) = &change.form {
        change_plug_ins(base, changes, diagnostics);
        return;
    }
    if std::ptr::eq(shape, &raw const LABELLED_STEP) && has_verb(change) {
        *base = change.clone();
        return;
    }
    let map = shape.map.map(|map| map_for(base, map));
    let (Form::Map(entries), Form::Map(changes), Some(map)) = (&mut base.form, &change.form, map)
    else {
        *base = change.clone();
        return;
    };
    for change in changes {
        let key = map.key(&change.key);
        let position = entries.iter().position(|entry| entry.key == change.key);
        let other = map.others.as_ref().filter(|_| key.is_none());
        let may_add = may_add || &*change.key == "rows";
        match (position, other) {
            (Some(index), Some(_)) if is_none(&change.value) && has_map(map.others.as_ref()) => {
                entries.remove(index);
            }
            (Some(index), _) => {
                let below = key.map(|key| key.shape).or(other.map(|other| other.shape));
                match below {
                    Some(shape) => {
                        let value = &mut entries[index].value;
                        lay_over(value, &change.value, shape, may_add, diagnostics);
                    }
                    None => entries[index] = change.clone(),
                }
            }
            (None, Some(other)) if !may_add => {
                let known = entries.iter().map(|entry| &*entry.key);
                diagnostics.unknown(change.key_span, other.what, &change.key, known);
            }
            // A key that the file left at its default, or one that the shape check will tell.
            (None, _) => entries.push(change.clone()),
        }
    }
}

/// Whether a session's step says what is done, and not only how.
fn has_verb(step: &Node) -> bool {
    let Some(map) = LABELLED_STEP.map else {
        return false;
    };
    let keys = step.entries().iter().filter_map(|entry| map.key(&entry.key));
    keys.into_iter().any(|key| key.goes_with.is_empty())
}

/// Whether the author's names in this map stand for whole parts, which `none` can take away.
fn has_map(others: Option<&crate::scenario::grammar::Others>) -> bool {
    others.is_some_and(|other| other.shape.map.is_some())
}

fn is_none(value: &Node) -> bool {
    value.scalar().is_some_and(|scalar| scalar.is_plain && &*scalar.text == "none")
}

/// Changes plug-ins by their names: the file has a list of them, a variant a map.
fn change_plug_ins(base: &mut Node, changes: &[Entry], diagnostics: &mut Diagnostics) {
    let Form::List(items) = &mut base.form else {
        return;
    };
    for change in changes {
        let position = items.iter().position(|item| name_of(item) == Some(&change.key));
        match position {
            Some(index) if is_none(&change.value) => {
                items.remove(index);
            }
            Some(index) => lay_over(&mut items[index], &change.value, &PLUG_IN, false, diagnostics),
            None => {
                let known = items.iter().filter_map(name_of).map(|name| &**name);
                diagnostics.unknown(change.key_span, "plug-in", &change.key, known);
            }
        }
    }
}

fn name_of(item: &Node) -> Option<&Arc<str>> {
    Some(&item.get("name")?.scalar()?.text)
}
