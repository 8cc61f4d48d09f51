//! The page that leads to the reports: every scenario is on it, under the chapters that its source
//! names, and nothing on it leads outside.

use multiverse::engine::RunOptions;
use multiverse::report::{Exhibit, gallery};
use multiverse::run::{self, Run};
use proptest::prelude::*;

fn exhibit(file: &str, text: &str, report: &str) -> Exhibit {
    let plans = run::parse(file, text).expect("a sound scenario");
    let runs: Vec<Run> = plans
        .iter()
        .map(|plan| run::run(plan, &RunOptions::default()).expect("a sound plan"))
        .collect();
    let runs: Vec<_> = runs.iter().map(Run::reported).collect();
    Exhibit::of(&runs, report.to_owned()).expect("there are runs")
}

fn shipped() -> Vec<Exhibit> {
    let search = run::scenario_files(&["scenarios"]);
    let files = search.files.iter();
    files
        .map(|file| {
            let text = std::fs::read_to_string(&file.path).expect("UTF-8");
            let report = format!("reports/{}.html", file.name);
            exhibit(&file.path.display().to_string(), &text, &report)
        })
        .collect()
}

#[test]
fn every_scenario_has_its_place_and_every_chapter_is_there() {
    let exhibits = shipped();
    let page = gallery(&exhibits);
    for exhibit in &exhibits {
        let link = format!("<a href=\"{}\">", exhibit.report);
        assert!(page.contains(&link), "{link}");
    }
    let (patterns, rest) = page
        .split_once("<h2 id=\"document-2\">")
        .and_then(|(_, rest)| rest.split_once("</section>"))
        .expect("the third document");
    assert!(!rest.is_empty());
    // What the patterns' document speaks of has all been replayed.
    assert!(!patterns.contains("No scenario yet."), "{patterns}");
    assert!(patterns.contains("Hold contentious locks for shortest period"), "{patterns}");
    let leads_outside = ["=\"http", "url(", "//", "src="].map(|it| page.contains(it));
    assert_eq!(leads_outside, [false; 4], "an address leads outside");
    assert!(!page.contains("<script"), "the page needs no script");
}

#[test]
fn what_is_not_as_expected_is_said_first() {
    let text = "scenario: Wrong\ntables: { a: { columns: { b: text } } }\n\
                instances: { c: { tables: [a] } }\nactors: { d: { in: c, do: [ { create: { table: \
                a } } ] } }\nexpect: [ { count: c/a, is: 2 } ]\n";
    let page = gallery(&[exhibit("wrong.yaml", text, "wrong.html")]);
    assert!(page.contains("1 scenarios, 1 runs. One scenario is not as expected."), "{page}");
    assert!(page.contains("not as expected</span>"), "{page}");
    assert!(page.contains("<h3>Without a source</h3>"), "{page}");
}

proptest! {
    /// Whatever a scenario is called, the page stays a page.
    #[test]
    fn any_names_can_be_shown(title in "\\PC{1,40}", source in "\\PC{0,60}", long: bool) {
        let quoted = |text: &str| serde_json::to_string(text).expect("a text");
        let long = if long { "<b>&\"'".repeat(2_000) } else { String::new() };
        let text = format!(
            "scenario: {}\nsource: {}\ntables: {{ a: {{ columns: {{ b: text }} }} }}\n\
             instances: {{ c: {{ tables: [a] }} }}\n",
            quoted(&format!("x{title}{long}")),
            quoted(&source)
        );
        prop_assume!(run::parse("hostile.yaml", &text).is_ok());
        let path = format!("reports/{title}.html");
        let page = gallery(&[exhibit("hostile.yaml", &text, &path)]);
        let body = page.split_once("<body>").expect("a body").1;
        let opened = body.matches("<a href=\"").count();
        prop_assert_eq!(opened, body.matches("</a>").count());
        prop_assert_eq!(opened, 6, "{}", body);
        prop_assert!(!body.contains("<b>"));
        prop_assert!(page.len() < 40_000, "{}", page.len());
    }
}
