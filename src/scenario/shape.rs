//! The first look at a file: does every value stand where the grammar lets it stand?
//!
//! Keys, forms and closed words are checked here, with suggestions. What a single value means is
//! left to the lowering, which relies on this check having told every wrong form.

use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::grammar::{Key, Kind, Map, Others, Shape, Standing, Word};
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, listed, shorten};
use crate::scenario::tree::{Entry, Form, Node, Scalar};

/// Reports every place where `node` is not of this shape.
pub fn check(node: &Node, shape: &Shape, diagnostics: &mut Diagnostics) {
    match &node.form {
        Form::Scalar(scalar) => match shape.scalar {
            Some(kind) => check_scalar(node, scalar, kind, shape, diagnostics),
            None => wrong_form(node, shape, diagnostics),
        },
        Form::List(items) => match shape.list {
            Some(item) => items.iter().for_each(|node| check(node, item, diagnostics)),
            None => wrong_form(node, shape, diagnostics),
        },
        Form::Map(entries) => match shape.map {
            Some(map) => check_map(node, entries, map_for(node, map), shape, diagnostics),
            None => wrong_form(node, shape, diagnostics),
        },
    }
}

/// The kind of map that this one is meant to be.
pub fn map_for(node: &Node, map: &'static Map) -> &'static Map {
    match map.or_with {
        Some((key, other)) if node.get(key).is_some_and(|value| value.scalar().is_some()) => other,
        _ => map,
    }
}

fn wrong_form(node: &Node, shape: &Shape, diagnostics: &mut Diagnostics) {
    let found = match node.scalar() {
        Some(scalar) if scalar.text.is_empty() => "nothing stands here".to_owned(),
        Some(scalar) => format!("this is `{}`", shorten(&scalar.text)),
        None => format!("this is {}", node.form_name()),
    };
    let help = match &node.form {
        Form::Scalar(scalar) if scalar.text.is_empty() && shape.map.is_some() => {
            Some("write `{}` for an empty one".to_owned())
        }
        Form::Scalar(scalar) if known_key(shape, &scalar.text).is_some() => {
            known_key(shape, &scalar.text).map(|key| match key.standing {
                Standing::Elsewhere(instead) => instead.to_owned(),
                _ => format!("write `{{ {}: … }}`", key.name),
            })
        }
        Form::Scalar(_) | Form::Map(_) if shape.scalar.is_none() && shape.list.is_some() => {
            Some("a list is written `[a, b]`, or with `- ` before each element".to_owned())
        }
        _ => None,
    };
    diagnostics.report(
        node.pointer(),
        "wrong form",
        match shape.example {
            Some(example) => format!("expected {} such as `{example}`", a_map(shape)),
            None => format!("expected {}", shape.what),
        },
        found,
        help,
    );
}

/// The key of this name in a shape's map: a word that stands alone may have been meant as one.
fn known_key(shape: &Shape, name: &str) -> Option<&'static Key> {
    shape.map.and_then(|map| map.key(name))
}

/// What a value with an example is called: a verb's arguments are just a map.
fn a_map(shape: &Shape) -> &'static str {
    if shape.what.starts_with('`') { "a map" } else { shape.what }
}

fn check_scalar(
    node: &Node,
    scalar: &Scalar,
    kind: Kind,
    shape: &Shape,
    diagnostics: &mut Diagnostics,
) {
    if scalar.is_missing() {
        let help = (kind == Kind::Value).then(|| "write `null` for no value".to_owned());
        diagnostics.report(
            node.span,
            "missing value",
            format!("expected {}", shape.what),
            "nothing stands behind this",
            help,
        );
        return;
    }
    if let Kind::Word(words) = kind {
        check_word(node, &scalar.text, words, shape, diagnostics);
    }
}

fn check_word(
    node: &Node,
    text: &str,
    words: &[Word],
    shape: &Shape,
    diagnostics: &mut Diagnostics,
) {
    match words.iter().find(|word| word.word == text) {
        Some(word) => {
            check_standing(node.span, word.standing, word.word, word.about, diagnostics);
        }
        None => {
            let known: Vec<&str> =
                words.iter().filter(|word| word.is_here()).map(|word| word.word).collect();
            diagnostics.report(
                node.span,
                "unknown word",
                format!("expected {}", shape.what),
                format!("`{}` is none", shorten(text)),
                suggestion::help(text, &known),
            );
        }
    }
}

/// Tells a key or word that may not be written in its place.
fn check_standing(
    span: Span,
    standing: Standing,
    name: &str,
    about: &str,
    diagnostics: &mut Diagnostics,
) {
    let (code, message, help) = match standing {
        Standing::Here => return,
        Standing::Later => {
            let message = format!("`{name}` is not in this version of multiverse");
            ("not in this version", message, None)
        }
        Standing::Elsewhere(instead) => {
            let message = format!("`{name}` has no place here");
            ("out of place", message, Some(instead.to_owned()))
        }
    };
    diagnostics.report(span, code, message, about, help);
}

fn check_map(
    node: &Node,
    entries: &[Entry],
    map: &'static Map,
    shape: &Shape,
    diagnostics: &mut Diagnostics,
) {
    let strangers = entries.iter().filter_map(|entry| {
        let key = map.key(&entry.key)?;
        matches!(key.standing, Standing::Elsewhere(_)).then_some((entry, key))
    });
    let strangers: Vec<_> = strangers.collect();
    if let [(entry, key), ..] = *strangers {
        // What stands beside a key of another place is of that place, too.
        check_standing(entry.key_span, key.standing, key.name, key.about, diagnostics);
        return;
    }
    let mut meant: Vec<&str> = Vec::new();
    let mut others = 0;
    for entry in entries {
        if let Some(key) = map.key(&entry.key) {
            check_key(node, entry, key, diagnostics);
        } else if let Some(other) = &map.others {
            others += 1;
            check_other(entry, other, others, diagnostics);
        } else {
            meant.extend(unknown_key(entry, map, shape, diagnostics));
        }
    }
    let is_there = |name: &str| node.entry(name).is_some() || meant.contains(&name);
    for key in map.keys.iter().filter(|key| key.is_required) {
        if !is_there(key.name) {
            missing(node, key.name, key.about, shape, diagnostics);
        }
    }
    if map.others.as_ref().is_some_and(|other| other.is_single) && others == 0 {
        let what = map.others.as_ref().map_or("", |other| other.what);
        diagnostics.report(
            node.pointer(),
            "missing key",
            format!("a {what} is missing"),
            "its name, and the list",
            shape.example.map(|example| format!("write `{example}`")),
        );
    }
    let has_unknown = entries.iter().any(|entry| match map.key(&entry.key) {
        Some(key) => !key.is_here() || lacks_company(node, key),
        None => map.others.is_none(),
    });
    for group in map.one_of {
        check_group(node, group, shape, has_unknown, diagnostics);
    }
}

/// Whether a key stands without any of those that it goes with.
fn lacks_company(node: &Node, key: &Key) -> bool {
    !key.goes_with.is_empty() && key.goes_with.iter().all(|other| node.entry(other).is_none())
}

fn check_key(node: &Node, entry: &Entry, key: &Key, diagnostics: &mut Diagnostics) {
    if !key.is_here() {
        check_standing(entry.key_span, key.standing, key.name, key.about, diagnostics);
        return;
    }
    if lacks_company(node, key) {
        diagnostics.report(
            entry.key_span,
            "out of place",
            format!("`{}` stands here without {}", key.name, any_of(key.goes_with)),
            key.about,
            None,
        );
    }
    check(&entry.value, key.shape, diagnostics);
}

fn check_other(entry: &Entry, other: &Others, number: usize, diagnostics: &mut Diagnostics) {
    if entry.key.trim().is_empty() {
        diagnostics.report(
            entry.key_span,
            "missing name",
            format!("the name of a {} is empty", other.what),
            "here",
            None,
        );
    }
    if other.is_single && number > 1 {
        diagnostics.report(
            entry.key_span,
            "unknown key",
            format!("a second {}", other.what),
            "one is enough",
            None,
        );
        return;
    }
    check(&entry.value, other.shape, diagnostics);
}

/// Tells an unknown key; answers the key that was probably meant, so that it is not called
/// missing, too.
fn unknown_key(
    entry: &Entry,
    map: &'static Map,
    shape: &Shape,
    diagnostics: &mut Diagnostics,
) -> Option<&'static str> {
    let known: Vec<&'static str> =
        map.keys.iter().filter(|key| key.is_here()).map(|key| key.name).collect();
    let near = if diagnostics.are_many() { None } else { suggestion::nearest(&entry.key, &known) };
    let on_their_own = known
        .iter()
        .copied()
        .filter(|name| map.key(name).is_some_and(|key| key.goes_with.is_empty()));
    let help = match near {
        None if is_word_of(shape, &entry.key) => {
            Some(format!("`{}` stands alone, without a colon", entry.key))
        }
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => suggestion::help("", &on_their_own.collect::<Vec<_>>()),
    };
    diagnostics.report(
        entry.key_span,
        "unknown key",
        format!("unknown key `{}`", shorten(&entry.key)),
        format!("not a key of {}", shape.what),
        help,
    );
    near
}

/// Whether this is a word that may stand in the place of the map.
fn is_word_of(shape: &Shape, name: &str) -> bool {
    let Some(Kind::Word(words)) = shape.scalar else {
        return false;
    };
    words.iter().any(|word| word.word == name)
}

fn missing(node: &Node, name: &str, about: &str, shape: &Shape, diagnostics: &mut Diagnostics) {
    diagnostics.report(
        node.pointer(),
        "missing key",
        format!("`{name}` is missing"),
        format!("{} needs it", shape.what),
        Some(format!("`{name}`: {about}")),
    );
}

fn check_group(
    node: &Node,
    group: &'static [&'static str],
    shape: &Shape,
    has_unknown: bool,
    diagnostics: &mut Diagnostics,
) {
    let mut found = node.entries().iter().filter(|entry| group.contains(&&*entry.key));
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            diagnostics.report(
                second.key_span,
                "out of place",
                format!("`{}` stands beside `{}`", second.key, first.key),
                "only one of them can be meant",
                (group.len() > 6)
                    .then(|| "each step is an element of its own, with its own `- `".to_owned()),
            );
        }
        // Whoever mistyped the key has been told so already.
        (None, _) if !has_unknown => {
            let message = match group {
                [_, .., _] if group.len() > 6 => "the verb is missing".to_owned(),
                [_, ..] => format!("{} is missing", any_of(group)),
                [] => return,
            };
            let help = (group.len() > 6).then(|| format!("the verbs are {}", listed(group)));
            diagnostics.report(
                node.pointer(),
                "missing key",
                message,
                format!("{} needs it", shape.what),
                help,
            );
        }
        _ => {}
    }
}

/// The names in quotes, with commas and a last `or`.
fn any_of(names: &[&str]) -> String {
    let quoted = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match names {
        [] | [_] => quoted(names),
        [first @ .., last] => format!("{} or `{last}`", quoted(first)),
    }
}
