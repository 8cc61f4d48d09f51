//! One line of `expect:` while its claims are read: which of its keys some claim had a use for.

use std::collections::BTreeSet;

use crate::plan::Bounds;
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::source::{Source, Span};
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{ActorId, SimInstant};

/// A line with the keys that were used.
pub struct Line<'n> {
    node: &'n Node,
    used: BTreeSet<&'n str>,
}

impl<'n> Line<'n> {
    /// A line of which nothing was used.
    pub fn new(node: &'n Node) -> Self {
        Self { node, used: BTreeSet::from(["variant"]) }
    }

    /// Whether the key is there. Does not count as use.
    pub fn has(&self, key: &str) -> bool {
        self.node.entry(key).is_some()
    }

    /// The value of a key, which is thereby used.
    pub fn take(&mut self, key: &str) -> Option<&'n Node> {
        let entry = self.node.entry(key)?;
        self.used.insert(&entry.key);
        Some(&entry.value)
    }

    /// The whole entry of a key. Does not count as use.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.node.entry(key)
    }

    /// The keys that no claim had a use for.
    pub fn unused(&self) -> impl Iterator<Item = &'n Entry> + '_ {
        let entries = self.node.entries().iter();
        entries.filter(|entry| !self.used.contains(&*entry.key))
    }

    /// The keys that are none of the grammar's own, used from here on: columns.
    pub fn take_others(&mut self, is_own: impl Fn(&str) -> bool) -> Vec<&'n Entry> {
        let entries = self.node.entries().iter();
        let others: Vec<&Entry> = entries.filter(|entry| !is_own(&entry.key)).collect();
        self.used.extend(others.iter().map(|entry| &*entry.key));
        others
    }

    /// What to underline for the whole line.
    pub fn pointer(&self) -> Span {
        self.node.pointer()
    }
}

impl Lowering<'_> {
    /// The line's actor, if it has one.
    pub(super) fn line_actor(&mut self, line: &mut Line<'_>) -> Checked<Option<ActorId>> {
        line.take("actor").map(|node| self.actor(node)).transpose()
    }

    /// The line's `by`, if it has one.
    pub(super) fn line_by(&mut self, line: &mut Line<'_>) -> Checked<Option<SimInstant>> {
        let by = line.take("by");
        by.map(|node| match node.scalar() {
            Some(scalar) if &*scalar.text == "end" => Ok(SimInstant::END),
            _ => self.moment(node, SimInstant::START),
        })
        .transpose()
    }

    /// `3`, or `{ at least: 3, at most: 5 }`.
    pub(super) fn number_bounds(&mut self, node: &Node) -> Checked<Bounds<u64>> {
        self.bounds(node, |lowering, node| lowering.count(node, u64::MAX))
    }

    /// Bounds of some kind: one exact value, or a map of least and most.
    pub(super) fn bounds<T: PartialOrd + Copy>(
        &mut self,
        node: &Node,
        read: impl Fn(&mut Self, &Node) -> Checked<T>,
    ) -> Checked<Bounds<T>> {
        if node.scalar().is_some() {
            return read(self, node).map(Bounds::exactly);
        }
        let (least, most) = (node.entry("at least"), node.entry("at most"));
        self.bounds_between(node.pointer(), least, most, read)
    }

    /// Bounds from their two entries, of which one must be there.
    pub(super) fn bounds_between<T: PartialOrd + Copy>(
        &mut self,
        span: Span,
        least: Option<&Entry>,
        most: Option<&Entry>,
        read: impl Fn(&mut Self, &Node) -> Checked<T>,
    ) -> Checked<Bounds<T>> {
        let at_least = least.map(|entry| read(self, &entry.value)).transpose();
        let at_most = most.map(|entry| read(self, &entry.value)).transpose();
        let (at_least, at_most) = (at_least?, at_most?);
        if let (Some(low), Some(high), Some(entry)) = (at_least, at_most, most)
            && high < low
        {
            let (message, label) = ("nothing fits these bounds", "less than the least");
            return Err(self.diagnostics.report(
                entry.value.span,
                "wrong value",
                message,
                label,
                None,
            ));
        }
        if at_least.is_none() && at_most.is_none() {
            let (message, label) =
                ("the bounds are missing", "at least how much, at most how much?");
            return Err(self.diagnostics.report(span, "missing key", message, label, None));
        }
        Ok(Bounds { at_least, at_most })
    }
}

/// The line as the file has it, on one line: without its outer braces, its comments and its
/// author's spacing.
pub fn text_of(node: &Node, source: &Source) -> String {
    let mut text = String::new();
    write_entries(node, source, &mut text);
    text
}

fn write_entries(node: &Node, source: &Source, text: &mut String) {
    for (index, entry) in node.entries().iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_piece(source.slice(entry.key_span), text);
        text.push_str(": ");
        write_node(&entry.value, source, text);
    }
}

fn write_node(node: &Node, source: &Source, text: &mut String) {
    match &node.form {
        Form::Scalar(_) => write_piece(source.slice(node.span), text),
        Form::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write_node(item, source, text);
            }
            text.push(']');
        }
        Form::Map(entries) if entries.is_empty() => text.push_str("{}"),
        Form::Map(_) => {
            text.push_str("{ ");
            write_entries(node, source, text);
            text.push_str(" }");
        }
    }
}

fn write_piece(piece: &str, text: &mut String) {
    for (index, word) in piece.split_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}
