//! Runs as one HTML page, complete in itself: for a class, a design review, a bug report.
//!
//! ```text
//!   history ──▶ Timeline ──▶ plot (SVG), twice where time is folded
//!      │           └───────▶ chapters with a picture each, the table of what happened
//!      └─────▶ states ─────▶ what holds at each step, as data for the page's script
//! ```
//!
//! Everything that can be read is written here; the script only moves the playhead, fills the four
//! panels from the data, and switches. It sets texts and never markup, so no name of a scenario
//! can become any. Without scripts there are still the verdict, the checks, the timeline, the
//! story and the table. The page's policy lets it load nothing and ask nobody.
//!
//! Colours: one hue a lane, of six; red for failure and green for success alone, and never alone.

mod bars;
mod budget;
mod compared;
mod data;
mod graph;
mod overlay;
mod picture;
mod plot;
mod rows;
mod section;
mod state;
mod story;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use compared::compared;
pub(in crate::report) use picture::picture;
use serde_json::json;

use crate::report::Run;
use crate::report::html::section::Section;
use crate::report::html::text::sentence;

/// The colours, which pictures outside of pages have as well.
const TOKENS: &str = include_str!("tokens.css");
const STYLE: &str = concat!(include_str!("tokens.css"), include_str!("report.css"));
const SCRIPT: &str = include_str!("report.js");
const SYMBOLS: &str = include_str!("symbols.svg");

/// What the page may do: use what is in it, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:";

/// These runs, the variants of one scenario, as an HTML page.
pub fn html(runs: &[Run]) -> String {
    let sections: Vec<_> =
        runs.iter().enumerate().map(|(at, run)| Section::of(run, at, runs.len())).collect();
    let title = runs.first().map_or("Nothing ran", |it| &it.trace.header.title);
    let title = sentence(title);
    let mut page = beginning(&title, "");
    page.push_str(&heading(runs, &title));
    page.push_str(&tabs(&sections));
    page.push_str(
        "<div class=\"needs-script tools\"><button class=\"b\" id=\"theme\" type=\"button\">Dark\
         </button><button class=\"b\" id=\"print\" type=\"button\">Print</button></div>\n\
         </header>\n<main>\n",
    );
    for section in &sections {
        page.push_str(&section.html);
    }
    let data: Vec<_> = sections.into_iter().map(|it| it.data).collect();
    let data = json!({ "format": "multiverse report page", "version": 1, "runs": data });
    // In a script's text only `<` could end it, or begin a comment in it.
    let data = data.to_string().replace('<', "\\u003c");
    page.push_str("</main>\n</div>\n<script type=\"application/json\" id=\"data\">");
    page.push_str(&data);
    page.push_str("</script>\n<script>\n");
    page.push_str(SCRIPT);
    page.push_str("</script>\n</body>\n</html>\n");
    page
}

/// What a page begins with, up to what its header has in it. `title` is escaped.
fn beginning(title: &str, more_style: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{more_style}</style>\n</head>\n<body>\n{SYMBOLS}\
         <div class=\"wrap\">\n<header>\n"
    )
}

/// Title, file and reason.
fn heading(runs: &[Run], title: &str) -> String {
    let Some(first) = runs.first() else {
        return format!("<div class=\"grow\"><h1>{title}</h1></div>\n");
    };
    let header = &first.trace.header;
    let about = header.about.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "<div class=\"grow\"><div class=\"muted mono\">{} · seed {}</div><h1>{title}</h1>",
        sentence(&header.file),
        header.seed
    );
    if !about.is_empty() {
        text.push_str(&format!("<p class=\"about\">{}</p>", sentence(&about)));
    }
    if !header.source.trim().is_empty() {
        let source = sentence(header.source.trim());
        text.push_str(&format!("<p class=\"muted source\">Source: {source}</p>"));
    }
    text.push_str("</div>\n");
    text
}

/// The variants, to choose from.
fn tabs(sections: &[Section]) -> String {
    if sections.len() < 2 {
        return String::new();
    }
    let mut text =
        "<div class=\"seg needs-script\" role=\"tablist\" aria-label=\"Variant\">".to_owned();
    for (at, section) in sections.iter().enumerate() {
        let (chosen, stop) = if at == 0 { ("true", 0) } else { ("false", -1) };
        let (symbol, word) = if section.is_bad { ("no", "trouble") } else { ("ok", "no trouble") };
        text.push_str(&format!(
            "<button type=\"button\" role=\"tab\" id=\"tab-{at}\" aria-controls=\"run-{at}\" \
             aria-selected=\"{chosen}\" tabindex=\"{stop}\">\
             <svg class=\"ic\" role=\"img\" aria-label=\"{word}\"><use href=\"#{symbol}\"/></svg>\
             {}</button>",
            sentence(&section.name)
        ));
    }
    text.push_str("</div>\n");
    text
}
