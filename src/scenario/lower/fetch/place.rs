//! Where in the file a piece of a text stands that YAML may have folded or indented.
//!
//! A text over several lines differs from what stands in the file by its white space only, as long
//! as nothing in it is escaped. So its letters are found again one by one, and each has its place.

use std::ops::Range;

use crate::scenario::source::{Source, Span};
use crate::scenario::tree::Node;

/// The places of the letters of one text.
pub(super) struct TextPlace {
    /// The whole text.
    whole: Span,
    /// The byte of the file at which each byte of the text stands, of white space the next
    /// letter's; empty where the two texts differ by more than white space.
    bytes: Vec<usize>,
}

impl TextPlace {
    /// The places of a scalar's text.
    pub(super) fn of(source: &Source, node: &Node, text: &str) -> Self {
        let from = match source.slice(node.span).chars().next() {
            // The content of a block begins on the line after its sign.
            Some('|' | '>') => source.line_start(source.line_of(node.span.start) + 1),
            Some('"' | '\'') => node.span.start + 1,
            _ => node.span.start,
        };
        let bytes = found_again(text.as_bytes(), source.text.as_bytes(), from);
        Self { whole: node.span, bytes: bytes.unwrap_or_default() }
    }

    /// The place of a piece of the text; of all of it where that is not known.
    pub(super) fn span(&self, piece: Range<usize>) -> Span {
        let last = piece.end.max(piece.start + 1) - 1;
        match (self.bytes.get(piece.start), self.bytes.get(last)) {
            (Some(start), Some(last)) => Span::new(*start, last + 1),
            _ => self.whole,
        }
    }
}

/// For each byte of the text, where it is found in the file; `None` when one is not.
fn found_again(text: &[u8], file: &[u8], from: usize) -> Option<Vec<usize>> {
    let mut at = from;
    let mut places = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_whitespace() {
            places.push(at);
            continue;
        }
        while file.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if file.get(at) != Some(byte) {
            return None;
        }
        places.push(at);
        at += 1;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_found_again_in_a_folded_text() {
        let file = "fetch: >-\n    <a\n      b='c d'/>\n";
        let places = found_again(b"<a b='c d'/>", file.as_bytes(), 10).unwrap();
        let b = file.find('b').unwrap();
        assert_eq!(&places[3..5], [b, b + 1]);
        assert_eq!(found_again(b"<a b=\"", file.as_bytes(), 10), None);
    }
}
