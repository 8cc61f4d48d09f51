//! A page that leads to the reports of many scenarios: by the documents that they come from,
//! chapter by chapter, so that a teacher can go through a document page by page.

mod documents;
mod thumbnail;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::History;
use crate::report::Run;
use crate::report::comparison::{Figures, trade};
use crate::report::export::escape;
use crate::report::gallery::documents::{DOCUMENTS, Document, first_title};
use crate::report::gallery::thumbnail::thumbnail;
use crate::report::story::facts;
use crate::report::timeline::Timeline;

const STYLE: &str = include_str!("gallery.css");

/// What the page may do: nothing but look as it does.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The most facts of a run that a card tells.
const FACTS_MAX: usize = 2;

/// The most characters of a sentence.
const SENTENCE_MAX: usize = 400;

/// One scenario, ready for its card.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// Where its report is, from the page on, with `/` between the parts.
    pub report: String,
    title: String,
    file: String,
    source: String,
    /// What there is to see, in a sentence or two.
    sentence: String,
    /// The pictures of its first and its last variant, with their names.
    pictures: Vec<(String, String)>,
    /// Its variants, each with whether it is as expected.
    variants: Vec<(String, bool)>,
}

impl Exhibit {
    /// The card of a scenario: its runs, one for each variant, and where its report will be.
    /// `None` without runs.
    pub fn of(runs: &[Run], report: String) -> Option<Self> {
        let histories: Vec<_> = runs.iter().map(|run| History::of(run.trace)).collect();
        let (first, last) = (histories.first()?, histories.last()?);
        let header = &first.trace.header;
        let named = |history: &History| {
            history.trace.header.variant.as_ref().map_or_else(String::new, ToString::to_string)
        };
        let sentence = match histories.len() {
            1 => {
                let told = facts(first).into_iter().take(FACTS_MAX);
                told.collect::<Vec<_>>().join(" ")
            }
            _ => {
                let trade = trade(&Figures::of(first), &Figures::of(last));
                format!("{} {}", trade.gain, trade.cost)
            }
        };
        let drawn = if histories.len() > 1 { vec![first, last] } else { vec![first] };
        let picture = |history: &&History| (named(history), thumbnail(&Timeline::of(history)));
        Some(Self {
            report,
            title: header.title.clone(),
            file: header.file.clone(),
            source: header.source.split_whitespace().collect::<Vec<_>>().join(" "),
            sentence,
            pictures: drawn.iter().map(picture).collect(),
            variants: histories
                .iter()
                .zip(runs)
                .map(|(history, run)| (named(history), run.verdict.holds()))
                .collect(),
        })
    }

    fn holds(&self) -> bool {
        self.variants.iter().all(|(_, holds)| *holds)
    }
}

/// The page with the cards of all these scenarios.
pub fn gallery(exhibits: &[Exhibit]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>Scenarios</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<div class=\"wrap\">\n"
    );
    heading(&mut page, exhibits);
    let mut placed = vec![false; exhibits.len()];
    for (number, document) in DOCUMENTS.iter().enumerate() {
        chapters(&mut page, exhibits, document, number, &mut placed);
    }
    others(&mut page, exhibits, &placed);
    page.push_str("</main>\n</div>\n</body>\n</html>\n");
    page
}

fn heading(page: &mut String, exhibits: &[Exhibit]) {
    let runs: usize = exhibits.iter().map(|it| it.variants.len()).sum();
    let wrong = exhibits.iter().filter(|it| !it.holds()).count();
    let verdict = match wrong {
        0 => "Everything that had to hold holds.".to_owned(),
        1 => "One scenario is not as expected.".to_owned(),
        _ => format!("{wrong} scenarios are not as expected."),
    };
    let _ = write!(
        page,
        "<header><h1>Scenarios</h1><p>{} scenarios, {runs} runs. {verdict}</p><nav \
         aria-label=\"Documents\"><ul>",
        exhibits.len()
    );
    for (number, document) in DOCUMENTS.iter().enumerate() {
        let title = escape::xml(document.title);
        let _ = write!(page, "<li><a href=\"#document-{number}\">{title}</a></li>");
    }
    page.push_str("<li><a href=\"#others\">Other documents</a></li></ul></nav></header>\n<main>\n");
}

/// A document, chapter by chapter, those without a scenario too.
fn chapters(
    page: &mut String,
    exhibits: &[Exhibit],
    document: &Document,
    number: usize,
    placed: &mut [bool],
) {
    let title = escape::xml(document.title);
    let _ = writeln!(page, "<section><h2 id=\"document-{number}\">{title}</h2>");
    let mut of_chapter: BTreeMap<usize, Vec<&Exhibit>> = BTreeMap::new();
    let mut elsewhere = Vec::new();
    for (exhibit, placed) in exhibits.iter().zip(placed) {
        let Some(chapters) = document.chapters_in(&exhibit.source) else { continue };
        *placed = true;
        if chapters.is_empty() {
            elsewhere.push(exhibit);
        }
        for chapter in chapters {
            of_chapter.entry(chapter).or_default().push(exhibit);
        }
    }
    for (at, chapter) in document.chapters.iter().enumerate() {
        let _ = write!(page, "<h3>{}</h3>", escape::xml(chapter.title));
        if !chapter.figures.is_empty() {
            let figures: Vec<_> = chapter.figures.iter().map(|it| escape::xml(it)).collect();
            let _ = write!(page, "<p class=\"figures\">In it: {}.</p>", figures.join("; "));
        }
        cards(page, of_chapter.get(&at).map_or(&[][..], Vec::as_slice));
    }
    if !elsewhere.is_empty() {
        page.push_str("<h3>Elsewhere in it</h3>");
        cards(page, &elsewhere);
    }
    page.push_str("</section>\n");
}

/// What comes from other documents, by their titles.
fn others(page: &mut String, exhibits: &[Exhibit], placed: &[bool]) {
    let mut by_title: BTreeMap<&str, Vec<&Exhibit>> = BTreeMap::new();
    for (exhibit, _) in exhibits.iter().zip(placed).filter(|(_, placed)| !**placed) {
        let title = match first_title(&exhibit.source) {
            "" => "Without a source",
            title => title,
        };
        by_title.entry(title).or_default().push(exhibit);
    }
    page.push_str("<section><h2 id=\"others\">Other documents</h2>");
    for (title, exhibits) in by_title {
        let title = escape::shortened(title, SENTENCE_MAX);
        let _ = write!(page, "<h3>{}</h3>", escape::xml(&title));
        cards(page, &exhibits);
    }
    page.push_str("</section>\n");
}

fn cards(page: &mut String, exhibits: &[&Exhibit]) {
    if exhibits.is_empty() {
        page.push_str("<p class=\"none\">No scenario yet.</p>\n");
        return;
    }
    page.push_str("<ul class=\"cards\">");
    for exhibit in exhibits {
        card(page, exhibit);
    }
    page.push_str("</ul>\n");
}

fn card(page: &mut String, exhibit: &Exhibit) {
    let text = |it: &str| escape::xml(&escape::shortened(it, SENTENCE_MAX));
    let _ = write!(
        page,
        "<li class=\"card\"><h4><a href=\"{}\">{}</a></h4><p>{}</p>",
        address(&exhibit.report),
        text(&exhibit.title),
        text(&exhibit.sentence)
    );
    for (name, picture) in &exhibit.pictures {
        let caption = match &name[..] {
            "" => String::new(),
            name => format!("<figcaption>{}</figcaption>", text(name)),
        };
        let _ = write!(page, "<figure>{picture}{caption}</figure>");
    }
    page.push_str("<ul class=\"variants\">");
    for (name, holds) in &exhibit.variants {
        let (class, mark, word) =
            if *holds { ("good", "✓", "as expected") } else { ("bad", "✗", "not as expected") };
        let name = if name.is_empty() { word.to_owned() } else { text(name) };
        let _ = write!(
            page,
            "<li class=\"{class}\"><span aria-hidden=\"true\">{mark}</span> {name}\
             <span class=\"unseen\">: {word}</span></li>"
        );
    }
    let file = text(&exhibit.file);
    let _ = write!(page, "</ul><p class=\"file\">{file}</p></li>");
}

/// A path as an address on the page: every byte that an address could take for its own is written
/// as its number.
fn address(path: &str) -> String {
    let mut address = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                address.push(char::from(byte));
            }
            other => {
                let _ = write!(address, "%{other:02X}");
            }
        }
    }
    address
}
