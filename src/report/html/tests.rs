//! Pages of tales that were made by hand, of any events at all, and of names that try to be
//! something else than names.

use proptest::prelude::*;

use crate::check::{Verdict, verdict};
use crate::plan::Plan;
use crate::report::{Run, compared, html};
use crate::trace::tale::{Tale, any_events, two_teams};
use crate::trace::{Event, LaneKind, Trace};
use crate::words::Name;

fn judged(trace: &Trace) -> Verdict {
    verdict(&Plan::empty(""), trace)
}

fn page(traces: &[&Trace]) -> String {
    let verdicts: Vec<_> = traces.iter().map(|it| judged(it)).collect();
    let runs = traces.iter().zip(&verdicts);
    let runs: Vec<_> = runs.map(|(trace, verdict)| Run { trace, verdict }).collect();
    html(&runs)
}

/// What the page's script is told, as data.
fn told(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("there is data");
    let (data, _) = rest.split_once("</script>").expect("the data ends");
    serde_json::from_str(data).expect("the data is JSON")
}

#[test]
fn a_page_has_the_verdict_the_picture_the_story_and_the_table_without_any_script() {
    let page = page(&[&two_teams().trace]);
    for part in [
        "One deadlock, closed at 90 ms: team south is the victim",
        "<svg viewBox=\"0 0 1180 ",
        ">deadlock</text>",
        ">A waits for B</text>",
        "1. team north waits for team south",
        "Every event as a table",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let story = page.split("class=\"story\"").nth(1).unwrap();
    assert!(story.contains("a closed circle"));
}

#[test]
fn a_page_names_no_address_and_lets_itself_load_nothing() {
    let page = page(&[&two_teams().trace]);
    assert!(!page.contains("://"));
    assert!(!page.replace("http-equiv", "").contains("http"));
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline';"));
    assert!(!page.contains("innerHTML") && !page.contains("eval("));
}

#[test]
fn the_states_are_what_holds_after_each_step() {
    let page = page(&[&two_teams().trace]);
    let data = &told(&page)["runs"][0];
    let steps = data["steps"].as_array().unwrap();
    let circle = steps.iter().position(|it| it[5].as_str().unwrap().contains("deadlock:"));
    let circle = circle.expect("the circle is told");
    // As the script does: all changes up to the step, the last of each fact counts.
    let mut state = std::collections::BTreeMap::new();
    for changes in &data["changes"].as_array().unwrap()[..=circle] {
        for change in changes.as_array().unwrap() {
            let kind = change[0].as_u64().unwrap();
            let key = (kind.min(3), change[1].as_u64(), change[2].as_u64());
            let is_gone = kind == 2 || kind == 5;
            let lock = if kind <= 2 { (0, key.1, key.2) } else { (kind, key.1, key.2) };
            if is_gone {
                state.remove(&lock)
            } else {
                state.insert(lock, change.clone())
            };
        }
    }
    let locks: Vec<_> = state.iter().filter(|(key, _)| key.0 == 0).collect();
    let waits = locks.iter().filter(|(_, it)| it[0] == 1).count();
    assert_eq!((locks.len(), waits), (4, 2), "{locks:?}");
}

#[test]
fn a_run_of_fifty_events_is_a_small_page() {
    let tale = two_teams();
    assert!(tale.trace.entries.len() <= 60);
    let size = page(&[&tale.trace]).len();
    assert!(size < 150_000, "{size}");
}

#[test]
fn a_page_of_no_run_says_so() {
    assert!(html(&[]).contains("Nothing ran"));
}

/// Names that would be something else if they were not escaped.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("</script><img src=x onerror=alert(1)>".to_owned()),
        Just("\"><svg onload=alert(1)>".to_owned()),
        Just("' onmouseover='x".to_owned()),
        Just("<!-- ]]> --> &amp; &#60;".to_owned()),
        Just("line\nbreak\r\u{2028}\u{202e}rtl\u{200f}".to_owned()),
        Just("x<".repeat(5_000)),
        Just("\0\u{1b}[31m\u{feff}".to_owned()),
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_becomes_markup(name in hostile(), other in hostile()) {
        let mut tale = two_teams();
        let calm = shape(&page(&[&tale.trace]));
        let header = &mut tale.trace.header;
        header.title = name.clone();
        header.about = other.clone();
        header.source = name.clone();
        header.file = other.clone();
        header.variant = Some(Name::from(other.clone()));
        header.tables[0].name = Name::from(name.clone());
        header.tables[0].columns[0] = Name::from(other.clone());
        header.instances[0] = Name::from(other.clone());
        for row in &mut header.row_names {
            row.2 = Name::from(name.clone());
        }
        for entry in &mut tale.trace.entries {
            match &mut entry.event {
                Event::LaneBegan { name: it, kind: LaneKind::Actor { .. }, .. }
                | Event::RowNamed { name: it, .. }
                | Event::Noted { text: it, .. } => *it = Name::from(other.clone()),
                _ => {}
            }
        }
        let page = page(&[&tale.trace]);
        let shape = shape(&page);
        // The same elements with the same attributes, but for labels that fit or don't.
        for tag in ["script", "/script", "img", "style", "table", "section", "button", "li", "a"] {
            prop_assert_eq!(count(&shape, tag), count(&calm, tag), "{}", tag);
        }
        prop_assert!(!shape.iter().any(|it| it.1.iter().any(|it| it.starts_with("on"))));
        let verdict = judged(&tale.trace);
        let run = Run { trace: &tale.trace, verdict: &verdict };
        let beside = self::shape(&compared(&[run, run], None));
        for (tag, expected) in [("script", 0), ("img", 0), ("style", 1), ("table", 1), ("a", 0)] {
            prop_assert_eq!(count(&beside, tag), expected, "{}", tag);
        }
        prop_assert!(!beside.iter().any(|it| it.1.iter().any(|it| it.starts_with("on"))));
        let obeyed = page.contains(['\u{202e}', '\0']);
        prop_assert!(!obeyed);
        told(&page);
    }

    #[test]
    fn any_events_make_a_page(events in any_events()) {
        let mut tale = Tale::usual();
        for (index, event) in events.into_iter().enumerate() {
            tale.at(index as u64 * 3).push(event);
        }
        let page = page(&[&tale.trace]);
        let data = told(&page);
        let run = &data["runs"][0];
        let steps = run["steps"].as_array().map(Vec::len);
        prop_assert_eq!(steps, run["changes"].as_array().map(Vec::len));
        prop_assert!(!page.contains("NaN") && !page.contains("inf\""));
    }
}

/// The page's elements with the names of their attributes.
fn shape(page: &str) -> Vec<(String, Vec<String>)> {
    let mut shape = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or(rest.len());
        let tag = &rest[..end];
        let mut words = tag.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let quoteless: String = tag.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let attributes = quoteless.split_whitespace().filter_map(|it| it.strip_suffix('='));
        shape.push((name.clone(), attributes.map(str::to_owned).collect()));
        if name == "script" || name == "style" {
            let close = format!("</{name}");
            rest = &rest[rest.find(&close).unwrap_or(rest.len())..];
        }
    }
    shape
}

fn count(shape: &[(String, Vec<String>)], tag: &str) -> usize {
    shape.iter().filter(|(name, _)| name == tag).count()
}
