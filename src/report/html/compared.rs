//! Several designs side by side as one HTML page: the trade in a sentence, the pictures on one
//! axis, the figures, and what comes of each start.

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::check::History;
use crate::report::Run;
use crate::report::comparison::{
    Figures, Meeting, Sweep, of_interest, signed, telling, told, trade, windows,
};
use crate::report::html::plot::{Extent, Plot};
use crate::report::html::text::{cut, number, sentence, width};
use crate::report::html::{beginning, heading};
use crate::report::timeline::Timeline;
use crate::words::SimInstant;

const MORE_STYLE: &str = include_str!("compared.css");

/// The most designs whose pictures are drawn.
const PICTURES_MAX: usize = 8;

/// The width of a strip, its height, and where it begins behind its name.
const STRIP: (f64, f64) = (560.0, 24.0);
const NAMES: f64 = 160.0;

/// Compares these runs, the variants of one scenario, on an HTML page: the first with each of the
/// others.
pub fn compared(runs: &[Run], sweep: Option<&Sweep>) -> String {
    let histories: Vec<_> = runs.iter().map(|run| History::of(run.trace)).collect();
    let figures: Vec<_> = histories.iter().map(Figures::of).collect();
    let title = runs.first().map_or("Nothing ran", |it| &it.trace.header.title);
    let title = sentence(title);
    let mut page = beginning(&format!("{title}: compared"), MORE_STYLE);
    page.push_str(&heading(runs, &title));
    page.push_str("</header>\n<main>\n");
    if let [first, others @ ..] = &figures[..] {
        trades(&mut page, first, others);
        pictures(&mut page, &histories, &figures);
        page.push_str("<div class=\"two\">\n");
        if let Some(sweep) = sweep {
            strips(&mut page, &figures, sweep);
        }
        table(&mut page, first, others, &figures);
        page.push_str("</div>\n");
    }
    page.push_str("</main>\n</div>\n</body>\n</html>\n");
    page
}

fn trades(page: &mut String, first: &Figures, others: &[Figures]) {
    for other in others {
        let trade = trade(first, other);
        let (class, symbol, word) = match trade.is_better {
            true => ("ok", "ok", "better"),
            false => ("same", "no", "not better"),
        };
        let icon = format!(
            "<svg class=\"ic big\" role=\"img\" aria-label=\"{word}\"><use href=\"#{symbol}\"/>\
             </svg>"
        );
        let _ = writeln!(
            page,
            "<section class=\"card verdict whole {class}\"><div class=\"v\">{icon}<strong>{}\
             </strong><div>{}</div></div></section>",
            sentence(&trade.gain),
            sentence(&trade.cost)
        );
    }
}

/// The pictures of all designs on one axis, without folds: those who wait or are waited for.
fn pictures(page: &mut String, histories: &[History], figures: &[Figures]) {
    let views: Vec<_> = histories.iter().take(PICTURES_MAX).map(Timeline::of).collect();
    let end = histories.iter().map(History::end).max().unwrap_or(SimInstant::START);
    let only = of_interest(&views);
    for (at, ((history, view), design)) in histories.iter().zip(&views).zip(figures).enumerate() {
        let plot = Plot::sharing(history, view, Extent { end, only: &only }, &format!("c{at}"));
        let told = format!("Timeline of {}", design.name);
        let _ = writeln!(
            page,
            "<section class=\"card tl\"><div class=\"tlh\"><h2>{}</h2></div><div class=\"scroll\" \
             tabindex=\"0\" role=\"region\" aria-label=\"{}\"><div class=\"plots\"><div \
             class=\"plot\">{}</div></div></div></section>",
            sentence(&design.name),
            sentence(&told),
            plot.draw(&told)
        );
    }
    if let Some(more) = histories.len().checked_sub(PICTURES_MAX).filter(|it| *it > 0) {
        let _ = writeln!(page, "<p class=\"muted\">{more} more are not drawn.</p>");
    }
}

/// The figures: a line for each measure, a column for each design.
fn table(page: &mut String, first: &Figures, others: &[Figures], all: &[Figures]) {
    page.push_str(
        "<section class=\"card pad\"><h2>Figures</h2><div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Figures\"><table><thead><tr><th scope=\"col\">Measure</th>",
    );
    for design in all {
        let _ = write!(page, "<th scope=\"col\" class=\"num\">{}</th>", sentence(&design.name));
    }
    if others.len() == 1 {
        page.push_str("<th scope=\"col\" class=\"num\">Change</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for measure in telling(all) {
        let before = first.value(measure);
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", measure.label());
        for design in all {
            let value = design.value(measure);
            let (class, mark) = direction(value.cmp(&before));
            let value = measure.told(value);
            let _ = write!(page, "<td class=\"num {class}\">{mark}{value}</td>");
        }
        if let [other] = others {
            let value = other.value(measure);
            let (class, _) = direction(value.cmp(&before));
            let change = measure.change(before, value);
            let _ = write!(page, "<td class=\"num {class}\">{change}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
}

/// Less is better.
const fn direction(change: Ordering) -> (&'static str, &'static str) {
    match change {
        Ordering::Less => ("less", "▼ "),
        Ordering::Equal => ("same", ""),
        Ordering::Greater => ("more", "▲ "),
    }
}

/// For each design, what came of each start.
fn strips(page: &mut String, figures: &[Figures], sweep: &Sweep) {
    let actor = sentence(&sweep.actor);
    let count = sweep.shifts.len().max(1);
    let x = |at: usize| NAMES + STRIP.0 * at as f64 / count as f64;
    let height = figures.len() as f64 * (STRIP.1 + 12.0) + 40.0;
    let _ = write!(
        page,
        "<section class=\"card pad\"><h2>If {actor} began earlier or later</h2><p \
         class=\"muted\">One run for each of {count} starts and each variant.</p><div \
         class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Starts\"><svg \
         class=\"strips\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"What comes of each \
         start; the sentences below say the same\">",
        number(NAMES + STRIP.0 + 34.0),
        number(height)
    );
    let ends = height - 36.0;
    let _ = write!(
        page,
        "<path class=\"here\" d=\"M{} 0V{}\"/>",
        number(here(sweep, &x)),
        number(ends)
    );
    let mut y = 8.0;
    for (design, outcomes) in figures.iter().zip(&sweep.outcomes) {
        let name = sentence(&cut(&design.name, 12.5, NAMES - 14.0));
        let baseline = number(y + 16.5);
        let _ = write!(page, "<text x=\"0\" y=\"{baseline}\" font-size=\"12.5\">{name}</text>");
        for window in windows(outcomes) {
            let (from, to) = (x(window.first), x(window.last + 1));
            let (first, last) = (sweep.shifts[window.first], sweep.shifts[window.last]);
            let labels = [
                format!("{}, {} to {}", window.meeting.word(), signed(first), signed(last)),
                window.meeting.word().to_owned(),
            ];
            stretch(page, (from, to, y), window.meeting, &labels);
        }
        y += STRIP.1 + 12.0;
    }
    axis(page, sweep, &x, y);
    page.push_str("</svg></div><ul class=\"told\">");
    for (design, outcomes) in figures.iter().zip(&sweep.outcomes) {
        let text = format!("{}: {}.", design.name, told(sweep, outcomes));
        let _ = write!(page, "<li>{}</li>", sentence(&text));
    }
    page.push_str("</ul></section>\n");
}

/// A stretch of starts with one outcome.
fn stretch(page: &mut String, (from, to, y): (f64, f64, f64), meeting: Meeting, labels: &[String]) {
    let class = match meeting {
        Meeting::Apart => "s-apart",
        Meeting::Waits => "s-waits",
        Meeting::Fails => "s-fails",
        Meeting::Deadlock => "s-deadlock",
    };
    let (left, wide) = (number(from), number(to - from));
    let (top, high) = (number(y), number(STRIP.1));
    let _ = write!(
        page,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{wide}\" \
         height=\"{high}\" rx=\"3\"/>",
        sentence(&labels[0])
    );
    if let Some(label) = labels.iter().find(|it| width(it, 11.5) + 10.0 <= to - from) {
        let half = width(label, 11.5) / 2.0 + 4.0;
        let middle = (from + to) / 2.0;
        if meeting == Meeting::Waits {
            let (left, wide) = (number(middle - half), number(2.0 * half));
            let (top, high) = (number(y + 4.5), number(STRIP.1 - 9.0));
            let _ = write!(
                page,
                "<rect class=\"plate\" x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\" \
                 rx=\"3\"/>"
            );
        }
        let _ = write!(
            page,
            "<text class=\"{class}-text\" x=\"{}\" y=\"{}\" font-size=\"11.5\" \
             text-anchor=\"middle\">{}</text>",
            number(middle),
            number(y + 16.0),
            sentence(label)
        );
    }
    page.push_str("</g>");
}

/// Where the runs above are: the start that the file has.
fn here(sweep: &Sweep, x: &impl Fn(usize) -> f64) -> f64 {
    let zero = sweep.shifts.iter().position(|it| it.micros >= 0).unwrap_or(0);
    f64::midpoint(x(zero), x(zero + 1))
}

/// The scale below the strips.
fn axis(page: &mut String, sweep: &Sweep, x: &impl Fn(usize) -> f64, y: f64) {
    let count = sweep.shifts.len();
    let half = (x(1) - x(0)) / 2.0;
    for part in 0..=4_usize {
        let at = (count.saturating_sub(1)) * part / 4;
        let Some(shift) = sweep.shifts.get(at) else { continue };
        let _ = write!(
            page,
            "<text class=\"scale\" x=\"{}\" y=\"{}\" font-size=\"11.5\" \
             text-anchor=\"middle\">{}</text>",
            number(x(at) + half),
            number(y + 14.0),
            sentence(&signed(*shift))
        );
    }
}
