//! The text of a scenario file, and places in it.

use crate::plan::Location;

/// A piece of the file, in bytes: what a message underlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The span from the beginning of this one to the end of the other.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, self.end.max(other.end))
    }
}

/// A file's name and text, with its lines found.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as it was given.
    pub file: String,
    /// The whole text, without a byte order mark.
    pub text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// The source of this text.
    pub fn new(file: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let bytes = text.as_bytes();
        let mut line_starts = vec![0];
        for (index, byte) in bytes.iter().enumerate() {
            let is_break = match byte {
                b'\n' => true,
                b'\r' => bytes.get(index + 1) != Some(&b'\n'),
                _ => false,
            };
            if is_break {
                line_starts.push(index + 1);
            }
        }
        Self { file: file.to_owned(), text, line_starts }
    }

    /// The text of a span; empty where the span does not fall on characters.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The number of the line that holds this byte, from 0.
    pub fn line_of(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    /// The text of a line, without its line break.
    pub fn line(&self, index: usize) -> &str {
        let start = self.line_start(index);
        let end = self.line_start(index + 1);
        self.slice(Span::new(start, end)).trim_end_matches(['\n', '\r'])
    }

    /// The first byte of a line; the end of the text for a line beyond the last.
    pub fn line_start(&self, index: usize) -> usize {
        self.line_starts.get(index).copied().unwrap_or(self.text.len())
    }

    /// The line and column of a span's beginning, both from 1, the column in characters.
    pub fn location(&self, span: Span) -> Location {
        let line = self.line_of(span.start);
        let before = self.slice(Span::new(self.line_start(line), span.start));
        Location {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}

/// From the number of a character to its first byte.
#[derive(Debug)]
pub struct ByteIndex {
    /// The first byte of every character; empty for a text in which the two agree.
    starts: Vec<usize>,
    length: usize,
}

impl ByteIndex {
    /// The index of this text.
    pub fn new(text: &str) -> Self {
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(byte, _)| byte).collect()
        };
        Self { starts, length: text.len() }
    }

    /// The first byte of a character; the end of the text for one beyond the last.
    pub fn of(&self, character: usize) -> usize {
        if self.starts.is_empty() {
            return character.min(self.length);
        }
        self.starts.get(character).copied().unwrap_or(self.length)
    }
}
