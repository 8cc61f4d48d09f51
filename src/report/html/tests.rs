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

/// What holds after the step whose text contains this, as the page's script finds it: all changes
/// up to the step, the last of each fact counts.
fn state_at(run: &serde_json::Value, text: &str) -> Vec<serde_json::Value> {
    let steps = run["steps"].as_array().unwrap();
    let step = steps.iter().position(|it| it[5].as_str().unwrap().contains(text));
    let step = step.unwrap_or_else(|| panic!("no step tells of {text}"));
    let mut state = std::collections::BTreeMap::new();
    for changes in &run["changes"].as_array().unwrap()[..=step] {
        for change in changes.as_array().unwrap() {
            let kind = change[0].as_u64().unwrap();
            // A committed row is one fact; a lock and a pending write are one for each party.
            let party = if kind == 3 || kind == 6 { None } else { change[2].as_u64() };
            let fact = match kind {
                0..=2 => 0,
                4 | 5 => 4,
                other => other,
            };
            let key = (fact, change[1].as_u64(), party);
            let is_gone = kind == 2 || kind == 5;
            if is_gone {
                state.remove(&key)
            } else {
                state.insert(key, change.clone())
            };
        }
    }
    state.into_values().collect()
}

#[test]
fn at_the_deadlock_each_holds_one_lock_and_waits_for_the_other() {
    let page = page(&[&two_teams().trace]);
    let state = state_at(&told(&page)["runs"][0], "deadlock:");
    let count = |kind: u64| state.iter().filter(|it| it[0] == kind).count();
    assert_eq!((count(0), count(1), count(4)), (2, 2, 2), "{state:?}");
}

#[test]
fn what_is_rolled_back_was_never_there_and_what_is_committed_stays() {
    let page = page(&[&two_teams().trace]);
    let run = &told(&page)["runs"][0];
    let rows: Vec<_> = run["rows"].as_array().unwrap().iter().map(|it| it[0].clone()).collect();
    assert_eq!(rows, ["user/y", "user/x"]);
    let undone = state_at(run, "is the deadlock victim");
    let pending: Vec<_> = undone.iter().filter(|it| it[0] == 4).collect();
    assert_eq!(pending.len(), 1, "the victim's write is gone: {undone:?}");
    assert_eq!(pending[0][1], 1);
    let done = state_at(run, "commits");
    let committed: Vec<_> = done.iter().map(|it| (it[0].clone(), it[2].clone())).collect();
    assert_eq!(committed, [(3.into(), "teams 6".into()), (3.into(), "teams 4".into())]);
}

#[test]
fn a_state_is_told_in_whole_at_times_and_is_the_sum_of_the_changes() {
    let page = page(&[&two_teams().trace]);
    let run = &told(&page)["runs"][0];
    let key = run["keys"][0].as_array().unwrap();
    let changes = run["changes"][0].as_array().unwrap();
    assert_eq!(key, changes, "before the first step nothing holds");
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
