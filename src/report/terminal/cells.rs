//! A line of cells, and the marks that stand in them.

use crate::report::story::{Piece, Tone, columns};

/// The marks of the timeline, in Unicode or in ASCII. Each takes one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) line: char,
    pub(super) begin: char,
    pub(super) begin_transaction: char,
    pub(super) work: char,
    pub(super) call: char,
    pub(super) pause: char,
    pub(super) hold: char,
    pub(super) wait: char,
    pub(super) outage: char,
    pub(super) reachable: char,
    pub(super) commit: char,
    pub(super) fail: char,
    pub(super) fold: char,
    pub(super) circle: (char, char, char),
    glyphs: [char; 6],
}

impl Marks {
    pub(super) const fn of(ascii: bool) -> Self {
        if ascii {
            return Self {
                line: '-',
                begin: '|',
                begin_transaction: '[',
                work: ':',
                call: '~',
                pause: ' ',
                hold: '=',
                wait: '.',
                outage: '#',
                reachable: '-',
                commit: 'V',
                fail: 'X',
                fold: '%',
                circle: ('+', '~', '+'),
                glyphs: ['^', '*', 'o', '@', '$', '&'],
            };
        }
        Self {
            line: '─',
            begin: '├',
            begin_transaction: '┣',
            work: '·',
            call: '╌',
            pause: ' ',
            hold: '█',
            wait: '░',
            outage: '▓',
            reachable: '─',
            commit: '✓',
            fail: '✗',
            fold: '≈',
            circle: ('┗', '━', '┛'),
            glyphs: ['▲', '◆', '●', '■', '★', '▼'],
        }
    }

    /// The mark of a contended lock.
    pub(super) const fn glyph(&self, number: usize) -> char {
        self.glyphs[number % self.glyphs.len()]
    }
}

/// A line of cells.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    cells: Vec<(char, Tone)>,
}

impl Cells {
    /// An empty line of this width.
    pub(super) fn new(width: usize) -> Self {
        Self { cells: vec![(' ', Tone::Plain); width] }
    }

    pub(super) fn put(&mut self, at: usize, mark: char, tone: Tone) {
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = (mark, tone);
        }
    }

    pub(super) fn get(&self, at: usize) -> char {
        self.cells.get(at).map_or(' ', |it| it.0)
    }

    /// Fills from one column up to, and without, another.
    pub(super) fn fill(&mut self, from: usize, to: usize, mark: char, tone: Tone) {
        for at in from..to.min(self.cells.len()) {
            self.put(at, mark, tone);
        }
    }

    /// Writes the first of the texts that fits between two columns, in their middle or at their
    /// beginning. A text with a character that does not take one column does not fit.
    pub(super) fn label<'a>(
        &mut self,
        (from, to): (usize, usize),
        texts: impl IntoIterator<Item = &'a str>,
        tone: Tone,
        centred: bool,
    ) {
        let room = to.min(self.cells.len()).saturating_sub(from);
        let plain =
            |it: &&str| it.chars().count() == columns(it) && !it.is_empty() && columns(it) <= room;
        if let Some(text) = texts.into_iter().find(plain) {
            let spare = room - columns(text);
            let first = from + if centred { spare / 2 } else { 0 };
            for (offset, character) in text.chars().enumerate() {
                self.put(first + offset, character, tone);
            }
        }
    }

    /// The line as pieces, behind what stands in the gutter.
    pub(super) fn pieces(&self, mut gutter: Vec<Piece>) -> Vec<Piece> {
        for (mark, tone) in &self.cells {
            match gutter.last_mut().filter(|it| it.tone == *tone) {
                Some(last) => last.text.push(*mark),
                None => gutter.push(Piece::new(mark.to_string(), *tone)),
            }
        }
        gutter
    }
}
