//! Whatever a trace holds and however its names are spelt, every export keeps to the grammar of
//! its format.

use proptest::prelude::*;
use serde_json::Value;

use crate::report::{Format, export};
use crate::trace::tale::{any_events, two_teams};
use crate::trace::{Event, LaneKind, Trace};
use crate::words::{ActorId, LaneId};

/// Names that take every format by its weak side.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</script><b>\"'&amp;]]>--><!--".to_owned()),
        Just("end".to_owned()),
        Just("a;b#c%%{init}\nend\r\nrect".to_owned()),
        Just("\u{202e}right to left\u{2028}\0\u{fffe}".to_owned()),
        Just("\\\"; } digraph \\".to_owned()),
        Just("=1+1,\"x\"".to_owned()),
        Just("ß→…".repeat(4_000)),
        "\\PC{0,40}",
        any::<String>(),
    ]
}

/// Puts the name in every place in which a trace has names.
fn rename(trace: &mut Trace, name: &str) {
    let header = &mut trace.header;
    header.title = name.to_owned();
    header.variant = Some(name.into());
    header.instances.iter_mut().for_each(|it| *it = name.into());
    header.tables.iter_mut().for_each(|it| it.name = name.into());
    header.plug_ins.iter_mut().for_each(|it| it.name = name.into());
    header.outages.iter_mut().for_each(|it| *it = name.into());
    header.row_names.iter_mut().for_each(|it| it.2 = name.into());
    for entry in &mut trace.entries {
        match &mut entry.event {
            Event::LaneBegan { name: of, .. } | Event::RowNamed { name: of, .. } => {
                *of = name.into();
            }
            _ => {}
        }
    }
}

fn texts(trace: &Trace, format: Format) -> Vec<String> {
    export(trace, format).into_iter().map(|it| it.text).collect()
}

/// On each thread, slices are apart or nested.
fn check_perfetto(text: &str) -> Result<usize, TestCaseError> {
    let whole: Value = serde_json::from_str(text).expect("JSON");
    let mut slices = std::collections::BTreeMap::<_, Vec<(u64, u64)>>::new();
    for event in whole["traceEvents"].as_array().expect("a list") {
        if event["ph"] == "X" {
            let number = |key: &str| event[key].as_u64().expect("a number");
            let span = (number("ts"), number("ts") + number("dur"));
            slices.entry((number("pid"), number("tid"))).or_default().push(span);
        }
    }
    for spans in slices.values() {
        for (at, a) in spans.iter().enumerate() {
            for b in &spans[at + 1..] {
                let apart = a.1 <= b.0 || b.1 <= a.0;
                let nested = (a.0 <= b.0 && b.1 <= a.1) || (b.0 <= a.0 && a.1 <= b.1);
                prop_assert!(apart || nested, "{a:?} and {b:?} overlap partly");
            }
        }
    }
    Ok(slices.len())
}

/// The part of Mermaid's grammar that the exports use, and nothing else.
fn check_mermaid(text: &str) -> Result<(), TestCaseError> {
    let mut lines = text.lines();
    prop_assert_eq!(lines.next(), Some("sequenceDiagram"));
    let is_party = |it: &str| {
        it == "Nobody" || it.strip_prefix('p').is_some_and(|it| it.parse::<usize>().is_ok())
    };
    let is_text = |it: &str| {
        let is_sign = |it: char| !it.is_alphanumeric() && it != '#' && it != ';';
        let has_end = it.split(is_sign).any(|it| it == "end");
        // An entity is the only use of these two signs.
        let mut rest = it;
        while let Some((_, entity)) = rest.split_once('#') {
            let Some((digits, after)) = entity.split_once(';') else { return false };
            if digits.parse::<u32>().is_err() {
                return false;
            }
            rest = after;
        }
        !rest.contains(';') && !it.contains([':', '%', '{', '"']) && !has_end
    };
    let mut blocks = 0_i32;
    for line in lines.map(str::trim) {
        let is_right = if line == "autonumber" {
            true
        } else if line == "rect rgba(176, 15, 60, 0.12)" {
            blocks += 1;
            true
        } else if line == "end" {
            blocks -= 1;
            true
        } else if let Some(rest) = line.strip_prefix("participant ") {
            let (id, name) = rest.split_once(" as ").unwrap_or((rest, "x"));
            is_party(id) && is_text(name)
        } else if let Some(id) =
            line.strip_prefix("activate ").or_else(|| line.strip_prefix("deactivate "))
        {
            is_party(id)
        } else if let Some(rest) = line.strip_prefix("Note over ") {
            let (ids, text) = rest.split_once(": ").unwrap_or((rest, ":"));
            ids.split(',').all(is_party) && is_text(text)
        } else if let Some((ends, text)) = line.split_once(": ") {
            let arrows = ["-->>", "->>", "--x", "-x"];
            let arrow = arrows.into_iter().find(|it| ends.contains(it)).unwrap_or("?");
            let sides = ends.split_once(arrow);
            sides.is_some_and(|(a, b)| is_party(a) && is_party(b)) && is_text(text)
        } else {
            false
        };
        prop_assert!(is_right, "not in the grammar: {line}");
    }
    prop_assert_eq!(blocks, 0);
    Ok(())
}

/// Every statement of the graph is `name -> name [key=value, …];`, with quotes closed.
pub(in crate::report) fn check_dot(text: &str) -> Result<(), TestCaseError> {
    for line in text.lines() {
        prop_assert!(line.ends_with(['{', ';', '}']), "{line}");
        let mut is_quoted = false;
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' if is_quoted => prop_assert!(characters.next().is_some(), "{line}"),
                '"' => is_quoted = !is_quoted,
                '<' | '\\' if !is_quoted => prop_assert!(false, "{line}"),
                _ => {}
            }
        }
        prop_assert!(!is_quoted, "{line}");
    }
    prop_assert_eq!(text.matches("digraph waits {").count().min(1), 1);
    Ok(())
}

/// Every record has as many fields as the first.
fn check_csv(text: &str) -> Result<(), TestCaseError> {
    let count = |line: &str| {
        let mut fields = 1;
        let mut is_quoted = false;
        for character in line.chars() {
            match character {
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => fields += 1,
                _ => {}
            }
        }
        (fields, is_quoted)
    };
    let mut lines = text.split_terminator("\r\n");
    let head = count(lines.next().expect("a head"));
    for line in lines {
        prop_assert_eq!(count(line), head, "{}", line);
    }
    Ok(())
}

fn check(trace: &Trace) -> Result<(), TestCaseError> {
    for text in texts(trace, Format::Perfetto) {
        check_perfetto(&text)?;
    }
    for text in texts(trace, Format::Mermaid) {
        check_mermaid(&text)?;
        prop_assert!(text.len() < 50_000, "{} bytes", text.len());
    }
    for text in texts(trace, Format::Dot) {
        check_dot(&text)?;
    }
    for text in texts(trace, Format::Csv) {
        check_csv(&text)?;
    }
    for text in texts(trace, Format::Xdl) {
        let parsed = roxmltree::Document::parse(&text);
        prop_assert!(parsed.is_ok(), "{parsed:?}: {text}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_names_break_no_format(name in hostile()) {
        let mut tale = two_teams();
        rename(&mut tale.trace, &name);
        check(&tale.trace)?;
    }

    #[test]
    fn events_in_any_order_break_no_format(events in any_events(), name in hostile()) {
        let mut tale = two_teams();
        for event in events {
            tale.push(event);
        }
        rename(&mut tale.trace, &name);
        check(&tale.trace)?;
    }
}

#[test]
fn a_lane_named_end_does_not_end_a_block() {
    let mut tale = two_teams();
    let kind = LaneKind::Actor { actor: ActorId(0), run: 1 };
    tale.push(Event::LaneBegan { lane: LaneId(9), kind, name: "end".into() });
    rename(&mut tale.trace, "end");
    let text = texts(&tale.trace, Format::Mermaid).concat();
    assert!(text.contains(" as #101;nd\n"), "{text}");
}

#[test]
fn a_deadlock_is_one_graph_with_its_victim_among_its_processes() {
    let graphs = texts(&two_teams().trace, Format::Xdl);
    assert_eq!(graphs.len(), 1);
    let parsed = roxmltree::Document::parse(&graphs[0]).expect("XML");
    let ids = |tag: &str| -> Vec<_> {
        let found = parsed.descendants().filter(|it| it.has_tag_name(tag));
        found.map(|it| it.attribute("id").expect("an id").to_owned()).collect()
    };
    let processes = ids("process");
    assert_eq!(processes.len(), 2);
    assert!(processes.contains(&ids("victimProcess")[0]));
    assert_eq!(ids("owner").len(), 2);
    assert_ne!(ids("owner")[0], ids("waiter")[0]);
}
