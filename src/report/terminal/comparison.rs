//! A comparison on a terminal.

use crate::check::History;
use crate::report::comparison::{
    Figures, Meeting, Sweep, Trade, of_interest, signed, telling, told, trade, windows,
};
use crate::report::story::{Page, Piece, Tone, columns};
use crate::report::terminal::cells::{Cells, Marks};
use crate::report::terminal::rows::Rows;
use crate::report::terminal::{WIDTH_NAMED, gutter};
use crate::report::timeline::{Axis, Timeline};
use crate::report::{Run, StoryOptions, Verbosity};
use crate::words::SimInstant;

/// The widest column of figures.
const FIGURE_MAX: usize = 26;

/// The most designs whose pictures are drawn.
const PICTURES_MAX: usize = 6;

/// Compares the runs of several designs: the first with each of the others. Every line ends with a
/// newline, and none is wider than the options allow. With [`Verbosity::Quiet`] only the sentences.
pub fn comparison(runs: &[Run], sweep: Option<&Sweep>, options: &StoryOptions) -> String {
    let histories: Vec<_> = runs.iter().map(|run| History::of(run.trace)).collect();
    let figures: Vec<_> = histories.iter().map(Figures::of).collect();
    let mut page = Page::new(options.width, options.colour, options.ascii);
    let Some(first) = histories.first() else {
        return page.into_text();
    };
    let header = &first.trace.header;
    page.paragraph(&[Piece::new(header.title.as_str(), Tone::Strong)]);
    let of = format!("{} · {} variants · seed {}", header.file, runs.len(), header.seed);
    page.paragraph(&[Piece::new(of, Tone::Faint)]);
    page.blank();
    for other in &figures[1..] {
        trade_told(&mut page, &trade(&figures[0], other));
    }
    if options.verbosity == Verbosity::Quiet {
        return page.into_text();
    }
    pictures(&mut page, &histories, options.ascii);
    page.blank();
    table(&mut page, &figures);
    if let Some(sweep) = sweep {
        page.blank();
        strips(&mut page, &figures, sweep, options.ascii);
    }
    page.into_text()
}

fn trade_told(page: &mut Page, trade: &Trade) {
    let (mark, tone) = if trade.is_better { ("▼ ", Tone::Good) } else { ("= ", Tone::Faint) };
    let pieces =
        [Piece::new(trade.gain.clone(), Tone::Strong), Piece::plain(format!(" {}", trade.cost))];
    page.hanging(&[Piece::new(mark, tone)], 2, &pieces);
}

/// The pictures of all designs on one axis, without folds: those who wait or are waited for.
fn pictures(page: &mut Page, histories: &[History], ascii: bool) {
    let mut views: Vec<_> = histories.iter().take(PICTURES_MAX).map(Timeline::of).collect();
    let end = histories.iter().map(History::end).max().unwrap_or(SimInstant::START);
    let of_interest = of_interest(&views);
    let width = page.width();
    let named = width >= WIDTH_NAMED;
    let widest = views.iter().map(|view| gutter(page, view, named)).max().unwrap_or(0);
    let room = width - widest - 2;
    for (history, view) in histories.iter().zip(&mut views) {
        view.quiet.clear();
        let axis = Axis::shared(&view.stops, end, room as f64);
        let marks = Marks::of(ascii);
        let only = Some(&of_interest).filter(|it| !it.is_empty());
        let rows =
            Rows { page, history, view, marks, axis: &axis, gutter: widest, room, named, only };
        let mut lines = vec![rows.scale(history.names.clock())];
        lines.extend(rows.groups());
        page.blank();
        page.paragraph(&[Piece::new(Figures::of(history).name, Tone::Strong)]);
        for line in lines {
            page.drawn(&line);
        }
    }
    if let Some(more) = histories.len().checked_sub(PICTURES_MAX).filter(|it| *it > 0) {
        page.paragraph(&[Piece::new(format!("{more} more are not drawn."), Tone::Faint)]);
    }
}

/// The figures: a line for each measure, a column for each design; as many designs at a time as
/// there is room for, each beside the first.
fn table(page: &mut Page, figures: &[Figures]) {
    let measures = telling(figures);
    let gutter = measures.iter().map(|it| it.label().len()).max().unwrap_or(0) + 2;
    let [first, others @ ..] = figures else { return };
    let most = (page.width().saturating_sub(gutter) / 2).max(10);
    let column = |it: &Figures| (columns(&it.name).clamp(12, FIGURE_MAX) + 2).min(most);
    let has_change = others.len() == 1 && page.width() >= WIDTH_NAMED;
    let room = page.width().saturating_sub(gutter + column(first));
    let widest = others.iter().map(column).max().unwrap_or(14);
    let at_a_time = if has_change { 1 } else { (room / widest).max(1) };
    for (number, some) in others.chunks(at_a_time).enumerate() {
        if number > 0 {
            page.blank();
        }
        let shown: Vec<&Figures> = std::iter::once(first).chain(some).collect();
        let mut head = vec![Piece::plain(" ".repeat(gutter))];
        for it in &shown {
            head.push(right(page, &it.name, column(it), Tone::Faint));
        }
        page.drawn(&head);
        for measure in &measures {
            let label = format!("{:gutter$}", measure.label());
            let mut line = vec![Piece::plain(label)];
            let before = first.value(*measure);
            for it in &shown {
                let value = it.value(*measure);
                let tone = match value.cmp(&before) {
                    std::cmp::Ordering::Less => Tone::Good,
                    std::cmp::Ordering::Equal => Tone::Plain,
                    std::cmp::Ordering::Greater => Tone::Bad,
                };
                line.push(right(page, &measure.told(value), column(it), tone));
            }
            if let ([_, other], true) = (&shown[..], has_change) {
                let value = other.value(*measure);
                let (mark, tone) = match value.cmp(&before) {
                    std::cmp::Ordering::Less => ("▼", Tone::Good),
                    std::cmp::Ordering::Equal => (" ", Tone::Faint),
                    std::cmp::Ordering::Greater => ("▲", Tone::Bad),
                };
                let text = format!("  {mark} {}", measure.change(before, value));
                line.push(Piece::new(page.fitted(&text, 24), tone));
            }
            page.drawn(&line);
        }
    }
}

/// A text at the right of its column.
fn right(page: &Page, text: &str, width: usize, tone: Tone) -> Piece {
    let text = page.fitted(text, width - 2);
    Piece::new(format!("{}{text}", " ".repeat(width - columns(&text))), tone)
}

/// The strips: for each design, what came of each start.
fn strips(page: &mut Page, figures: &[Figures], sweep: &Sweep, ascii: bool) {
    let title = format!("If {} began earlier or later", sweep.actor);
    page.paragraph(&[Piece::new(title, Tone::Strong)]);
    let names = figures.iter().map(|it| columns(&it.name)).max().unwrap_or(0);
    let gutter = names.clamp(8, page.width() / 4) + 2;
    let room = page.width() - gutter;
    let count = sweep.shifts.len().max(1);
    let column = |at: usize| at * room / count;
    for (design, outcomes) in figures.iter().zip(&sweep.outcomes) {
        let mut cells = Cells::new(room);
        for window in windows(outcomes) {
            let (from, to) = (column(window.first), column(window.last + 1));
            let (mark, tone) = mark_of(window.meeting, ascii);
            cells.fill(from, to, mark, tone);
            let (first, last) = (sweep.shifts[window.first], sweep.shifts[window.last]);
            let word = window.meeting.word();
            let texts =
                [format!(" {word} {} to {} ", signed(first), signed(last)), format!(" {word} ")];
            cells.label(
                (from + 1, to.saturating_sub(1)),
                texts.iter().map(String::as_str),
                tone,
                true,
            );
        }
        let name = page.fitted(&design.name, gutter - 2);
        let padding = " ".repeat(gutter - columns(&name));
        let line = cells.pieces(vec![Piece::plain(name), Piece::plain(padding)]);
        page.drawn(&line);
    }
    let mut cells = Cells::new(room);
    if let (Some(first), Some(last)) = (sweep.shifts.first(), sweep.shifts.last()) {
        let last = signed(*last);
        cells.label((0, room), [&*signed(*first)], Tone::Faint, false);
        let zero = sweep.shifts.iter().position(|it| it.micros >= 0).unwrap_or(0);
        let middle = column(zero) + column(1) / 2;
        cells.label((middle, room), ["0"], Tone::Faint, false);
        cells.label((room.saturating_sub(columns(&last)), room), [&*last], Tone::Faint, false);
    }
    page.drawn(&cells.pieces(vec![Piece::plain(" ".repeat(gutter))]));
    for (design, outcomes) in figures.iter().zip(&sweep.outcomes) {
        let text = format!("{}: {}.", design.name, told(sweep, outcomes));
        page.hanging(&[], 2, &[Piece::plain(text)]);
    }
}

const fn mark_of(meeting: Meeting, ascii: bool) -> (char, Tone) {
    match (meeting, ascii) {
        (Meeting::Apart, _) => ('.', Tone::Faint),
        (Meeting::Waits, false) => ('░', Tone::Wait),
        (Meeting::Waits, true) => ('-', Tone::Wait),
        (Meeting::Fails, false) => ('▒', Tone::Bad),
        (Meeting::Fails, true) => ('x', Tone::Bad),
        (Meeting::Deadlock, false) => ('█', Tone::Bad),
        (Meeting::Deadlock, true) => ('#', Tone::Bad),
    }
}
