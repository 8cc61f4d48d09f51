//! The few lines around a mistake, made fit to print: long lines are cut to the piece that
//! matters, and control and direction characters are shown as `·`, so that no file can play
//! tricks on a terminal.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use unicode_width::UnicodeWidthChar;

use crate::scenario::source::{Source, Span};
use crate::words::is_obeyed;

/// What stands for the part of a line that was cut away.
const ELLIPSIS: &str = "…";

/// A mistake's line, with the one before it.
#[derive(Debug)]
pub struct Excerpt {
    file: String,
    text: String,
    first_line: usize,
    label: (usize, usize),
    label_line: usize,
    label_column: usize,
}

impl Excerpt {
    /// The excerpt around `span`, for a terminal of this width.
    pub fn new(source: &Source, span: Span, width: usize) -> Self {
        let line = source.line_of(span.start);
        // The frame that miette draws takes a few columns and the line number.
        let room = width.saturating_sub(12).max(24);
        let mut text = String::new();
        let first_line = line.saturating_sub(1);
        if first_line < line {
            text.push_str(&Window::new(source.line(first_line), 0, 0, room).text);
            text.push('\n');
        }
        let content = source.line(line);
        let start = source.line_start(line);
        let label_start = span.start.saturating_sub(start).min(content.len());
        let label_end = span.end.saturating_sub(start).clamp(label_start, content.len());
        let window = Window::new(content, label_start, label_end, room);
        let label = (text.len() + window.start, window.end - window.start);
        text.push_str(&window.text);
        text.push('\n');
        Self {
            file: source.file.chars().map(printable).collect(),
            text,
            first_line,
            label,
            label_line: line,
            label_column: source.location(span).column.saturating_sub(1) as usize,
        }
    }

    /// The underlined piece of the excerpt: first byte and length.
    pub const fn label(&self) -> (usize, usize) {
        self.label
    }
}

impl SourceCode for Excerpt {
    /// Answers the whole excerpt. Asked without context, miette wants to know where the label
    /// is; that is told in terms of the file.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (span, line, column) = if lines_before == 0 {
            (*span, self.label_line, self.label_column)
        } else {
            ((0, self.text.len()).into(), self.first_line, 0)
        };
        let data = self.text.as_bytes();
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            data,
            span,
            line,
            column,
            data.len(),
        )))
    }
}

/// A line as far as it fits, around the piece between two of its bytes.
struct Window {
    text: String,
    start: usize,
    end: usize,
}

impl Window {
    fn new(line: &str, label_start: usize, label_end: usize, room: usize) -> Self {
        let characters: Vec<(usize, char)> = line.char_indices().collect();
        let position = |byte: usize| characters.partition_point(|&(at, _)| at < byte);
        let (label_start, label_end) = (position(label_start), position(label_end));
        let widths: Vec<usize> = characters.iter().map(|&(_, c)| width_of(c)).collect();
        let all: usize = widths.iter().sum();
        let (mut from, mut to) = (0, characters.len());
        if all > room {
            // A third of the room goes to what stands before the label.
            from = label_start;
            let mut lead = 0;
            while from > 0 && lead + widths[from - 1] <= room / 3 {
                from -= 1;
                lead += widths[from];
            }
            to = from;
            let mut used = 0;
            while to < characters.len() && used + widths[to] <= room - 2 {
                used += widths[to];
                to += 1;
            }
        }
        let mut text = String::new();
        if from > 0 {
            text.push_str(ELLIPSIS);
        }
        let (mut start, mut end) = (text.len(), text.len());
        for (index, &(_, character)) in characters.iter().enumerate().take(to).skip(from) {
            if index == label_start {
                start = text.len();
            }
            text.push(printable(character));
            if index < label_end {
                end = text.len();
            }
        }
        if label_start >= to {
            start = text.len();
        }
        if to < characters.len() {
            text.push_str(ELLIPSIS);
        }
        Self { end: end.max(start), text, start }
    }
}

fn width_of(character: char) -> usize {
    printable(character).width().unwrap_or(1)
}

/// The character as it may be printed.
pub fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        _ if is_obeyed(character) => '·',
        _ => character,
    }
}
