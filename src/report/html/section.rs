//! One run of the page, from its verdict to its last event.

use serde_json::Value as Json;

use crate::check::{Anomalies, Check, History, Verdict};
use crate::report::Run;
use crate::report::html::budget::Budget;
use crate::report::html::data::{Data, data};
use crate::report::html::plot::{GUTTER, Plot, WIDTH};
use crate::report::html::state::States;
use crate::report::html::story;
use crate::report::html::text::{number, sentence};
use crate::report::story::{facts, judged, told};
use crate::report::timeline::{Ending, Step, Timeline};
use crate::words::format_duration;

/// The most rows of the table of one run.
const TABLE_MAX: usize = 4_000;

/// A run as a part of the page.
pub(super) struct Section {
    /// The variant's name.
    pub(super) name: String,
    /// Whether something went wrong in it, expected or not.
    pub(super) is_bad: bool,
    /// What is to be read.
    pub(super) html: String,
    /// What the script needs.
    pub(super) data: Json,
}

impl Section {
    /// The part of the page about this run, of so many.
    pub(super) fn of(run: &Run, at: usize, runs: usize) -> Self {
        let history = History::of(run.trace);
        let view = Timeline::of(&history);
        let budget = Budget::of(runs, run.trace.entries.len());
        let steps = budget.chosen(&view);
        let states = States::of(&history, &view);
        let mut plots = vec![Plot::new(&history, &view, &view.quiet, &format!("{at}f"))];
        if budget.is_detailed && !view.quiet.is_empty() {
            plots.push(Plot::new(&history, &view, &[], &format!("{at}u")));
        }
        let Data { mut json, graphs, chapters } =
            data(&history, &view, &states, &steps, &plots, budget);
        let variant = run.trace.header.variant.as_deref().unwrap_or("run");
        json["id"] = Json::from(slug(variant, at));
        json["left"] = Json::from(GUTTER);
        json["right"] = Json::from(plots.first().map_or(WIDTH, Plot::right));
        let is_bad = is_bad(&history, &view, run.verdict);
        let name = sentence(variant);
        let mut html = format!(
            "<section class=\"run\" id=\"run-{at}\"{}>\n",
            if runs > 1 {
                format!(" role=\"tabpanel\" aria-labelledby=\"tab-{at}\"")
            } else {
                String::new()
            }
        );
        if runs > 1 {
            html.push_str(&format!("<h2 class=\"variant no-script\">{name}</h2>\n"));
        }
        html.push_str(&verdict(&history, run.verdict, is_bad));
        html.push_str(&timeline(&history, &view, &plots));
        let drawn = graphs.iter().map(|it| it.draw(&history, &view, &states));
        html.push_str(&panels(drawn.collect()));
        html.push_str("<section class=\"sec frames\"><h2>The story</h2><ol class=\"story\">\n");
        html.push_str(&story::frames(&history, &view, &states, &chapters, &steps));
        html.push_str("</ol></section>\n");
        html.push_str(&table(&history, &view, &steps, budget));
        html.push_str(&replay(&history));
        html.push_str("</section>\n");
        Self { name: variant.to_owned(), is_bad, html, data: json }
    }
}

/// A name for links to a run: letters, digits and dashes.
fn slug(name: &str, at: usize) -> String {
    let dashed = name.to_lowercase().replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    let parts: Vec<_> = dashed.split('-').filter(|it| !it.is_empty()).collect();
    let mut slug = parts.join("-");
    slug.truncate(40);
    if slug.is_empty() { format!("run-{}", at + 1) } else { slug }
}

/// Whether something went wrong, expected or not.
fn is_bad(history: &History, view: &Timeline, verdict: &Verdict) -> bool {
    !verdict.holds()
        || !view.circles.is_empty()
        || view.lanes.iter().any(|it| matches!(it.ending, Ending::Failed(_)))
        || !Anomalies::of(history).lost_updates.is_empty()
        || !history.undone_reads.is_empty()
        || !history.disturbed_scans.is_empty()
}

/// What happened, in a sentence and its cause; beside it the checks.
fn verdict(history: &History, verdict: &Verdict, is_bad: bool) -> String {
    let facts = facts(history);
    let judged = judged(verdict);
    let mut sentences: Vec<String> = Vec::new();
    if !verdict.holds() {
        sentences.push(judged.clone());
    }
    sentences.extend(facts);
    let (first, rest) = sentences.split_first().map_or(("", &[][..]), |(it, rest)| (it, rest));
    let (class, symbol) = if is_bad { ("bad", "no") } else { ("ok", "ok") };
    let mut text = format!(
        "<section class=\"card verdict {class}\" aria-label=\"Result\"><div class=\"v\">\
         <svg class=\"ic big\" role=\"img\" aria-label=\"{}\"><use href=\"#{symbol}\"/></svg>\
         <strong>{}</strong>",
        if is_bad { "trouble" } else { "no trouble" },
        sentence(first)
    );
    if !rest.is_empty() {
        text.push_str(&format!("<div>{}</div>", sentence(&rest.join(" "))));
    }
    if verdict.holds() && !verdict.checks.is_empty() {
        let expected = if is_bad { " That is what the scenario expects." } else { "" };
        text.push_str(&format!("<div class=\"muted\">{judged}{expected}</div>"));
    }
    text.push_str("</div>");
    if !verdict.checks.is_empty() || !verdict.violations.is_empty() {
        text.push_str("<ul aria-label=\"Checks\">");
        for check in &verdict.checks {
            text.push_str(&told_check(history, check));
        }
        for violation in &verdict.violations {
            text.push_str(&button(
                false,
                &format!("a promise of multiverse: {}", violation.text),
                &history.names.moment(violation.at.at),
                Some(violation.at.sequence),
            ));
        }
        text.push_str("</ul>");
    }
    text.push_str("</section>\n");
    text
}

fn told_check(history: &History, check: &Check) -> String {
    let finding = check.findings.first();
    let value = match finding {
        Some(finding) => format!("found: {}", finding.found),
        None => check.decided_by.map_or_else(String::new, |it| history.names.moment(it.at)),
    };
    let decided = finding.and_then(|it| it.decided_by).or(check.decided_by);
    let text = without_variant(&check.text, history.trace.header.variant.as_deref());
    button(check.holds, text, &value, decided.map(|it| it.sequence))
}

/// A check without the words that say of which variants it is: the page is of one.
fn without_variant<'t>(text: &'t str, variant: Option<&str>) -> &'t str {
    let Some(rest) = text.strip_prefix("variant: ") else {
        return text;
    };
    let of_this = variant.and_then(|it| rest.strip_prefix(it)?.strip_prefix(", "));
    let behind = |open: char, close: &str| Some(rest.strip_prefix(open)?.split_once(close)?.1);
    let of_several =
        || behind('[', "], ").or_else(|| behind('"', "\", ")).or_else(|| behind('\'', "', "));
    of_this.or_else(of_several).unwrap_or(text)
}

/// A check, which leads to the moment that decided it.
fn button(holds: bool, name: &str, value: &str, event: Option<u32>) -> String {
    let (class, symbol, word) =
        if holds { ("", "ok", "holds") } else { (" class=\"f\"", "no", "does not hold") };
    let event = event.map_or_else(|| "last".to_owned(), |it| it.to_string());
    format!(
        "<li{class}><button type=\"button\" data-event=\"{event}\"><svg class=\"ic\" role=\"img\" \
         aria-label=\"{word}\"><use href=\"#{symbol}\"/></svg><span>{}</span><span>{}</span>\
         </button></li>",
        sentence(name),
        sentence(value)
    )
}

/// The pictures of time, and what moves the playhead over them.
fn timeline(history: &History, view: &Timeline, plots: &[Plot]) -> String {
    let told = facts(history).join(" ");
    let told = format!("Timeline. {told} Every step is in the table below.");
    let fold = if plots.len() > 1 {
        "<label class=\"ck needs-script\"><input type=\"checkbox\" class=\"do-fold\" checked>fold \
         quiet time</label>"
    } else {
        ""
    };
    let mut text = format!(
        "<section class=\"card tl\" aria-label=\"Timeline\"><div class=\"tlh\">\
         <h2>What happened</h2>{fold}<label class=\"ck needs-script\"><input type=\"checkbox\" \
         class=\"do-hide\">hide what comes next</label>{}</div>\n",
        legend()
    );
    if let Some(told) = view.selection().told {
        text.push_str(&format!("<p class=\"muted note\">Drawn: {}.</p>", sentence(&told)));
    }
    text.push_str(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Timeline, scrolls \
         sideways on small screens\"><div class=\"plots\">",
    );
    for (index, plot) in plots.iter().enumerate() {
        let class = if index == 0 { "plot" } else { "plot spare" };
        text.push_str(&format!("<div class=\"{class}\">{}</div>\n", plot.draw(&told)));
    }
    let left = number((GUTTER - 8.0) / WIDTH * 100.0);
    let wide = number((plots.first().map_or(0.0, |it| it.right() - GUTTER) + 16.0) / WIDTH * 100.0);
    text.push_str(&format!(
        "<div class=\"ctl needs-script\"><div class=\"btns\"><button class=\"b do-back\" \
         type=\"button\" aria-label=\"Previous step\">&#9664;</button><button class=\"b do-on\" \
         type=\"button\" aria-label=\"Next step\">&#9654;</button><span class=\"muted stepno\">\
         </span></div><input type=\"range\" min=\"0\" max=\"1000\" step=\"any\" value=\"0\" \
         aria-label=\"Moment in the run\" style=\"left:{left}%;width:{wide}%\"></div>\
         </div></div></section>\n"
    ));
    text
}

fn legend() -> &'static str {
    "<div class=\"legend\" aria-hidden=\"true\">\
     <span><svg width=\"26\" height=\"12\" class=\"h0\"><rect width=\"26\" height=\"12\" rx=\"3\" \
     fill=\"var(--t)\"/><rect width=\"2.5\" height=\"12\" fill=\"var(--c)\"/></svg>inside a \
     database transaction</span>\
     <span><svg width=\"26\" height=\"12\" class=\"h0\"><rect y=\"1\" width=\"26\" height=\"10\" \
     rx=\"3\" fill=\"var(--c)\"/></svg>write, or lock held</span>\
     <span><svg width=\"26\" height=\"12\" class=\"h0\"><rect x=\".5\" y=\"1\" width=\"25\" \
     height=\"10\" rx=\"3\" fill=\"url(#p0)\" stroke=\"var(--c)\" stroke-dasharray=\"4 3\"/></svg>\
     waits</span><span>Stages: <b>10</b> PreValidation <b>20</b> PreOperation <b>30</b> Main \
     <b>40</b> PostOperation</span></div>"
}

/// What holds at the moment that a reader has chosen.
fn panels(graphs: Vec<String>) -> String {
    let graphs: String = graphs.into_iter().map(|it| format!("<div hidden>{it}</div>\n")).collect();
    format!(
        "<section class=\"card insp needs-script\" aria-label=\"State at this moment\">\
         <section><h3 class=\"when\">Now</h3><p class=\"now\" aria-live=\"polite\"></p>\
         <div class=\"around\"></div></section>\
         <section><h3>Who waits for whom</h3><div class=\"graphs\">{graphs}</div>\
         <p class=\"muted still\">Nobody waits for a lock at this moment.</p></section>\
         <section><h3>Locks</h3><div class=\"locks\"></div></section>\
         <section><h3>Rows</h3><div class=\"rows\"></div></section></section>\n"
    )
}

/// Everything that happened, as text.
fn table(history: &History, view: &Timeline, steps: &[&Step], budget: Budget) -> String {
    let events = history.trace.entries.len();
    let mut rows = Vec::new();
    if budget.is_detailed {
        for line in told(history, true) {
            rows.push(row(
                history,
                view,
                line.at.sequence,
                line.at.at,
                line.lane,
                &line.speaker,
                &line.text,
            ));
        }
    } else {
        for step in steps.iter().take(TABLE_MAX) {
            rows.push(row(
                history,
                view,
                step.at.sequence,
                step.at.at,
                step.lane,
                &step.speaker,
                &step.text,
            ));
        }
    }
    let title = if budget.is_detailed {
        "Every event as a table".to_owned()
    } else if steps.len() < view.steps.len() {
        format!(
            "The table: {} of {} lines of the story, of {events} events in all; \
             `--export csv=DIR` writes them all",
            steps.len(),
            view.steps.len()
        )
    } else {
        format!("Every line of the story as a table, of {events} events in all")
    };
    format!(
        "<section class=\"sec all\"><details class=\"card\"><summary>{}</summary><table class=\"events\">\
         <thead><tr><th class=\"num\">Event</th><th class=\"num\">When</th><th>Who</th>\
         <th>What</th></tr></thead><tbody>\n{}</tbody></table></details></section>\n",
        sentence(&title),
        rows.concat()
    )
}

fn row(
    history: &History,
    view: &Timeline,
    event: u32,
    at: crate::words::SimInstant,
    lane: Option<crate::words::LaneId>,
    speaker: &str,
    text: &str,
) -> String {
    let lane = lane.and_then(|it| view.lane_of.get(&it)).copied();
    let badge = lane.map_or_else(String::new, |it| {
        let hue = crate::report::html::svg::hue(it);
        format!("<span class=\"bd h{hue}\">{}</span> ", view.lanes[it].badge)
    });
    format!(
        "<tr><td class=\"num\"><a href=\"#t={event}\">{event}</a></td><td class=\"num\">{}</td>\
         <td>{badge}{}</td><td>{}</td></tr>\n",
        sentence(&history.names.moment(at)),
        sentence(speaker),
        sentence(text)
    )
}

/// How to have the same run again.
fn replay(history: &History) -> String {
    let header = &history.trace.header;
    let variant = header
        .variant
        .as_ref()
        .map_or_else(String::new, |it| format!(" --variant '{}'", it.replace('\'', "'\\''")));
    let command = format!(
        "multiverse run '{}'{variant} --seed {}",
        header.file.replace('\'', "'\\''"),
        header.seed
    );
    let length = format_duration(std::time::Duration::from_micros(history.end().0));
    let mut levels: Vec<_> = history.transactions.values().map(|it| it.isolation.word()).collect();
    levels.sort_unstable();
    levels.dedup();
    let levels = match levels.as_slice() {
        [] => String::new(),
        some => format!(" Isolation: {}.", some.join(", ")),
    };
    format!(
        "<section class=\"sec\"><h2>Replay</h2><div class=\"card pad\"><p class=\"mono\">{}</p>\
         <p class=\"muted\">{} events in {length} of simulated time; no time here is measured. \
         Scenario, variant and seed decide everything: the same command tells the same \
         story.{} What no document states is listed by <span class=\"mono\">multiverse \
         assumptions</span>.</p></div></section>\n",
        sentence(&command),
        history.trace.entries.len(),
        sentence(&levels)
    )
}
