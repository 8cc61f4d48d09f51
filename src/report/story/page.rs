//! Text on a page of a given width: wrapped by what characters take on a terminal, with colours
//! or without, in Unicode or in ASCII.
//!
//! Everything that is printed goes through here, and here is where names are made harmless: a
//! control or direction character in a name is shown as its code and does nothing.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use crate::words::is_obeyed;

/// The narrowest page. A narrower terminal gets this one.
const WIDTH_LEAST: usize = 40;

/// What a piece of text is, which decides its colour. Red is for failure alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// A heading or a verdict.
    Strong,
    /// What a reader may skip.
    Faint,
    /// Something holds or succeeds.
    Good,
    /// Something fails.
    Bad,
    /// A wait.
    Wait,
    /// An outage.
    Outage,
    /// The name of a lane, by its number.
    Lane(u32),
}

impl Tone {
    const fn style(self) -> Style {
        const LANES: [AnsiColor; 4] =
            [AnsiColor::Blue, AnsiColor::Magenta, AnsiColor::Cyan, AnsiColor::BrightBlue];
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Wait => AnsiColor::Yellow.on_default(),
            Self::Outage => AnsiColor::Yellow.on_default().bold(),
            Self::Lane(number) => LANES[number as usize % LANES.len()].on_default(),
        }
    }
}

/// A piece of text of one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Piece {
    pub(in crate::report) text: String,
    pub(in crate::report) tone: Tone,
}

impl Piece {
    pub(in crate::report) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub(in crate::report) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A page that is being written.
pub(in crate::report) struct Page {
    width: usize,
    colour: bool,
    ascii: bool,
    text: String,
}

impl Page {
    pub(in crate::report) fn new(width: usize, colour: bool, ascii: bool) -> Self {
        Self { width: width.max(WIDTH_LEAST), colour, ascii, text: String::new() }
    }

    /// The width on which the text is laid out, in columns.
    pub(in crate::report) const fn width(&self) -> usize {
        self.width
    }

    /// Everything written so far.
    pub(in crate::report) fn into_text(self) -> String {
        self.text
    }

    /// An empty line.
    pub(in crate::report) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A paragraph of the width of the page.
    pub(in crate::report) fn paragraph(&mut self, pieces: &[Piece]) {
        self.hanging(&[], 0, pieces);
    }

    /// A paragraph that stands beside `head`, whose further lines begin at the column `indent`.
    /// The head is cut to fit. The text keeps at least a third of the page.
    pub(in crate::report) fn hanging(&mut self, head: &[Piece], indent: usize, pieces: &[Piece]) {
        let indent = indent.min(self.width * 2 / 3);
        let mut line = Line::default();
        for piece in head {
            let text = self.harmless(&piece.text);
            let room = indent.saturating_sub(line.width);
            line.push(&cut(&text, room, self.ellipsis()), piece.tone);
        }
        line.pad(indent);
        let mut fresh = true;
        for (word, tone, glued) in self.words(pieces) {
            let space = usize::from(!fresh && !glued);
            let room = self.width.saturating_sub(line.width);
            let needed = space + columns(&word);
            if needed <= room {
                // Within one tone, the space belongs to it: one pair of codes for all its words.
                let last = line.pieces.last().map(|it| it.tone);
                let between = if last == Some(tone) { tone } else { Tone::Plain };
                line.push(if space == 1 { " " } else { "" }, between);
                line.push(&word, tone);
                fresh = false;
                continue;
            }
            if !fresh {
                self.end(&mut line, indent);
            }
            let mut rest = word.as_str();
            while columns(rest) > self.width - indent {
                let mut part = prefix(rest, self.width - indent);
                if part.is_empty() {
                    part = &rest[..rest.chars().next().map_or(0, char::len_utf8)];
                }
                line.push(part, tone);
                rest = &rest[part.len()..];
                self.end(&mut line, indent);
            }
            line.push(rest, tone);
            fresh = rest.is_empty();
        }
        self.end(&mut line, 0);
    }

    /// A line that is drawn: its pieces as they are, cut at the page's edge.
    pub(in crate::report) fn drawn(&mut self, pieces: &[Piece]) {
        let mut line = Line::default();
        for piece in pieces {
            let text = self.harmless(&piece.text);
            let room = self.width.saturating_sub(line.width);
            line.push(prefix(&text, room), piece.tone);
        }
        self.end(&mut line, 0);
    }

    /// Puts a line on the page and begins the next one.
    fn end(&mut self, line: &mut Line, indent: usize) {
        let full = std::mem::take(line);
        let mut pieces = full.pieces;
        while let Some(last) = pieces.last_mut() {
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                break;
            }
            pieces.pop();
        }
        for piece in pieces {
            let style = piece.tone.style();
            if self.colour && style != Style::new() && !piece.text.trim().is_empty() {
                let (on, off) = (style.render(), style.render_reset());
                self.text.push_str(&format!("{on}{}{off}", piece.text));
            } else {
                self.text.push_str(&piece.text);
            }
        }
        self.text.push('\n');
        line.pad(indent);
    }

    /// The words of a paragraph, each with its tone and whether it sticks to the one before.
    fn words(&self, pieces: &[Piece]) -> Vec<(String, Tone, bool)> {
        let mut words = Vec::new();
        let mut glued = false;
        for piece in pieces {
            let text = self.harmless(&piece.text);
            for (index, word) in text.split(' ').enumerate() {
                glued &= index == 0;
                if !word.is_empty() {
                    words.push((word.to_owned(), piece.tone, glued));
                    glued = true;
                }
            }
        }
        words
    }

    /// The text with everything shown that a terminal would obey, and in ASCII where asked.
    pub(in crate::report) fn harmless(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            if is_obeyed(character) {
                shown.extend(character.escape_unicode());
            } else if self.ascii && !character.is_ascii() {
                match plain_ascii(character) {
                    Some(known) => shown.push_str(known),
                    None => shown.extend(character.escape_unicode()),
                }
            } else {
                shown.push(character);
            }
        }
        shown
    }

    /// A name in at most this many columns, cut in its middle: names often differ at their ends.
    pub(in crate::report) fn fitted(&self, name: &str, room: usize) -> String {
        let name = self.harmless(name);
        if columns(&name) <= room {
            return name;
        }
        let mut ending = name.as_str();
        while columns(ending) > room / 3 {
            let first = ending.chars().next().map_or(0, char::len_utf8);
            ending = &ending[first..];
        }
        let front = room.saturating_sub(columns(ending));
        format!("{}{ending}", cut(&name, front, self.ellipsis()))
    }

    const fn ellipsis(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }
}

/// A line that is being filled.
#[derive(Default)]
struct Line {
    pieces: Vec<Piece>,
    width: usize,
}

impl Line {
    fn push(&mut self, text: &str, tone: Tone) {
        if text.is_empty() {
            return;
        }
        self.width += columns(text);
        let joins = |last: &&mut Piece| last.tone == tone;
        match self.pieces.last_mut().filter(joins) {
            Some(last) => last.text.push_str(text),
            None => self.pieces.push(Piece::new(text, tone)),
        }
    }

    fn pad(&mut self, column: usize) {
        let missing = column.saturating_sub(self.width);
        self.push(&" ".repeat(missing), Tone::Plain);
    }
}

/// The ASCII form of the marks that reports use.
const fn plain_ascii(character: char) -> Option<&'static str> {
    Some(match character {
        '✓' => "V",
        '✗' => "X",
        '▒' => ".",
        '▓' => "#",
        '↺' => "~",
        '→' => "->",
        '…' => "...",
        '·' => "-",
        '─' => "-",
        '▼' => "v",
        '▲' => "^",
        '“' | '”' => "\"",
        'µ' => "u",
        _ => return None,
    })
}

/// How many columns a text takes on a terminal.
pub(in crate::report) fn columns(text: &str) -> usize {
    text.chars().map(|it| it.width().unwrap_or(0)).sum()
}

/// The longest beginning of a text that takes at most this many columns.
fn prefix(text: &str, room: usize) -> &str {
    let mut width = 0;
    for (index, character) in text.char_indices() {
        width += character.width().unwrap_or(0);
        if width > room {
            return &text[..index];
        }
    }
    text
}

/// The text in at most this many columns.
fn cut(text: &str, room: usize, ellipsis: &str) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    match room.checked_sub(columns(ellipsis)) {
        Some(kept) => format!("{}{ellipsis}", prefix(text, kept).trim_end()),
        None => prefix(text, room).to_owned(),
    }
}
