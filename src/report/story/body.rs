//! The lines of a story, laid out in columns: when, who, what.
//!
//! On a page of less than 60 columns the names stand on lines of their own above what is told of
//! them, so that no name has to be cut.

use std::time::Duration;

use jiff::civil::Date;

use crate::check::History;
use crate::report::story::fold::Folded;
use crate::report::story::line::Line;
use crate::report::story::page::{Page, Piece, Tone, columns};
use crate::words::format_duration;

/// From this much time on without an event, a story says so: 1 min.
const QUIET: Duration = Duration::from_secs(60);

/// The narrowest page on which names have a column of their own.
const NAMED_FROM: usize = 60;

/// Writes the lines on the page.
pub(super) fn body(page: &mut Page, history: &History, lines: &[Folded], verbose: bool) {
    let layout = Layout::of(page, history, lines, verbose);
    let mut body = Body { page, history, layout, day: None, before: None, speaker: None };
    for folded in lines {
        match folded {
            Folded::Line(line) => body.line(line),
            Folded::LeftOut { told, .. } => body.aside(&format!("… {told}")),
        }
    }
}

/// Where things stand on the page.
struct Layout {
    /// Digits after the point of a time.
    decimals: usize,
    /// How wide sequence numbers are; `None` where they are not told.
    number: Option<usize>,
    /// How wide times are.
    time: usize,
    /// How wide names are; `None` where they stand on lines of their own.
    name: Option<usize>,
    /// Where the text begins.
    text: usize,
}

impl Layout {
    fn of(page: &Page, history: &History, lines: &[Folded], verbose: bool) -> Self {
        let clock = history.names.clock();
        let told = || {
            lines.iter().filter_map(|it| match it {
                Folded::Line(line) => Some(line),
                Folded::LeftOut { .. } => None,
            })
        };
        let decimals = told().map(|line| clock.decimals(line.at.at));
        let decimals = decimals.max().unwrap_or(0);
        let time = |line: &Line| columns(&clock.column(line.at.at, decimals));
        let time = told().map(time).max().unwrap_or(0);
        let entries = &history.trace.entries;
        let number = verbose.then(|| entries.len().to_string().len());
        let widest = told().map(|line| columns(&page.harmless(&line.speaker)));
        let widest = widest.max().unwrap_or(0);
        let named = page.width() >= NAMED_FROM;
        let name = named.then(|| widest.min(page.width() / 4));
        let gap = |width: Option<usize>| width.map_or(0, |width| width + 2);
        Self { decimals, number, time, name, text: gap(number) + time + 2 + gap(name) }
    }
}

/// The lines that are being written.
struct Body<'p, 'h, 't> {
    page: &'p mut Page,
    history: &'h History<'t>,
    layout: Layout,
    day: Option<Date>,
    before: Option<&'p Line>,
    speaker: Option<&'p str>,
}

impl<'p> Body<'p, '_, '_> {
    /// Something beside the story: that time passes, or that lines are left out.
    fn aside(&mut self, text: &str) {
        let text = Piece::new(text, Tone::Faint);
        self.page.hanging(&[], self.layout.text, &[text]);
        self.speaker = None;
    }

    fn line(&mut self, line: &'p Line) {
        let pause = self.before.map(|it| line.at.at.duration_since(it.at.at));
        if let Some(pause) = pause.filter(|it| *it >= QUIET) {
            self.aside(&format!("… {} later", format_duration(rounded(pause))));
        }
        self.before = Some(line);
        self.day(line);
        let changed = self.speaker != Some(&line.speaker);
        self.speaker = Some(&line.speaker);
        let name = Piece::new(line.speaker.as_str(), line.speaker_tone);
        let mut head = Vec::new();
        if let Some(width) = self.layout.number {
            let number = format!("{:>width$}  ", line.at.sequence);
            head.push(Piece::new(number, Tone::Faint));
        }
        let clock = self.history.names.clock();
        let time = clock.column(line.at.at, self.layout.decimals);
        let padding = self.layout.time.saturating_sub(columns(&time));
        let time = format!("{}{time}  ", " ".repeat(padding));
        head.push(Piece::new(time, Tone::Faint));
        match self.layout.name {
            Some(room) if changed => {
                let name = self.page.fitted(&line.speaker, room);
                head.push(Piece::new(name, line.speaker_tone));
            }
            None if changed && !line.speaker.is_empty() => self.page.paragraph(&[name]),
            _ => {}
        }
        let deepest = (self.page.width() / 2).saturating_sub(self.layout.text);
        let indent = self.layout.text + line.indent.min(deepest);
        let (mark, text) = line.pieces();
        match mark {
            None => self.page.hanging(&head, indent, &[text]),
            Some(mark) => {
                let shown: usize = head.iter().map(|it| columns(&it.text)).sum();
                head.push(Piece::plain(" ".repeat(indent.saturating_sub(shown))));
                head.push(mark);
                self.page.hanging(&head, indent + 2, &[text]);
            }
        }
    }

    /// Tells the date when it is another one than before.
    fn day(&mut self, line: &Line) {
        let clock = self.history.names.clock();
        let date = clock.date_time(line.at.at).map(|it| it.date());
        if !clock.is_calendar() || date.is_none() || date == self.day {
            return;
        }
        self.day = date;
        self.speaker = None;
        let date = date.map(|it| it.strftime("%A %Y-%m-%d").to_string());
        let text = format!("── {}", date.unwrap_or_default());
        self.page.paragraph(&[Piece::new(text, Tone::Faint)]);
    }
}

/// A long time as people say it: in whole minutes from an hour on, else in whole seconds.
const fn rounded(pause: Duration) -> Duration {
    let unit = if pause.as_secs() >= 3_600 { 60 } else { 1 };
    let seconds = pause.as_millis() as u64 / 1_000;
    Duration::from_secs((seconds + unit / 2) / unit * unit)
}
