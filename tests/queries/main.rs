//! Queries against a plain model of them: filters, links, orders, pages and aggregates over random
//! rows, asked in the step language and as FetchXML, at levels that lock and at levels that don't.
//! Beside it, each operator over a few rows, and the platform's limits.

mod limits;
mod model;
mod operators;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::run::{self, Run};
use multiverse::trace::Event;
use multiverse::words::{Record, Value};
use proptest::prelude::*;

use crate::model::{Child, Parent, case};

/// A run of a scenario, of which every invariant holds.
fn ran(text: &str) -> Run {
    let plan = match run::parse("query.yaml", text) {
        Ok(mut plans) => plans.remove(0),
        Err(rejection) => panic!("{rejection}\n{text}"),
    };
    let run = run::run(&plan, &RunOptions::default()).expect("the plan is sound");
    assert!(run.verdict.violations.is_empty(), "{:#?}\n{text}", run.verdict.violations);
    run
}

/// What the scenario binds to a name at last.
fn bound(text: &str, wanted: &str) -> Value {
    let run = ran(text);
    let mut found = run.trace.entries.iter().rev().filter_map(|entry| match &entry.event {
        Event::Bound { name, value, .. } if **name == *wanted => Some(value.clone()),
        _ => None,
    });
    found.next().unwrap_or_else(|| panic!("nothing is bound to {wanted}\n{text}"))
}

fn records(value: &Value) -> Vec<&Record> {
    let Value::List(items) = value else { panic!("{value:?} is no list") };
    let records = items.iter().map(|item| match item {
        Value::Record(record) => &**record,
        other => panic!("{other:?} is no row"),
    });
    records.collect()
}

fn column(record: &Record, name: &str) -> Value {
    let found = record.columns.iter().find(|(_, it, _)| **it == *name);
    found.map_or_else(|| panic!("no {name} in {record:?}"), |(.., value)| value.clone())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) => text.to_string(),
        Value::Whole(number) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

/// `parent/child` of a row of an answer.
fn told(record: &Record) -> String {
    let linked = record.expanded.iter().find(|(name, _)| &**name == "c");
    let child = linked.map_or_else(|| "-".to_owned(), |(_, it)| text(&column(it, "tag")));
    format!("{}/{child}", text(&column(record, "name")))
}

fn expected(pair: &(&Parent, Option<&Child>)) -> String {
    format!("{}/{}", pair.0.name, pair.1.map_or("-", |child| &child.tag))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn rows_and_linked_rows_are_those_that_trying_everything_finds(case in case()) {
        let sign = if case.descending { "-" } else { "" };
        let tags = if case.has_rows() { ", c.tag" } else { "" };
        let own = case.own(&format!(", columns: [name], order: [{sign}number, name{tags}]"));
        let fetch = case.fetch(
            "",
            "<attribute name='tag'/><order attribute='tag'/>",
            &format!(
                "<attribute name='name'/><order attribute='number' descending='{}'/>\
                 <order attribute='name'/>",
                case.descending
            ),
        );
        let expected: Vec<String> = case.ordered().iter().map(expected).collect();
        let own = own.replacen('{', "{ as: rows,", 1);
        for query in [own, format!("{{ as: rows, fetch: \"{fetch}\" }}")] {
            let value = bound(&case.world(&format!("      - query: {query}\n")), "rows");
            let found: Vec<String> = records(&value).into_iter().map(told).collect();
            prop_assert_eq!(&found, &expected, "{}", query);
        }
    }

    #[test]
    fn pages_put_together_are_the_whole(
        case in case(),
        size in 1..4_usize,
        by_cookie: bool,
        counted: bool,
    ) {
        // Rows that are not counted are looked for from the cookie on.
        let total = if counted { ", total count as: total" } else { "" };
        let sign = if case.descending { "-" } else { "" };
        let tags = if case.has_rows() { ", c.tag" } else { "" };
        let page = format!("size: {size}, number: $n");
        let has_cookie = by_cookie && !case.has_rows();
        let page = if has_cookie { page + ", cookie: $cookie" } else { page };
        let own = case.own(&format!(
            ", columns: [name], order: [{sign}number, name{tags}], page: {{ {page} }}, as: rows, \
             more as: more, cookie as: cookie{total}"
        ));
        let steps = format!(
            "      - let: {{ read: '', cookie: null, more: true }}
      - repeat:
          times: 30
          do:
            - if: =more
              then:
                - query: {own}
                - for each: {{ row: $rows, do: [ {{ let: {{ read: '{{read}}{{row.name}} ' }} }} ] }}
      - retrieve: {{ table: report, row: job, as: report }}
      - update: {{ table: report, row: job, set: {{ read: $read }} }}
      - retrieve: {{ table: report, row: job, as: report }}
"
        );
        let world = case.world(&steps);
        let expected = case.ordered();
        let read: String = expected.iter().map(|(parent, _)| format!("{} ", parent.name)).collect();
        let Value::Record(report) = bound(&world, "report") else { panic!("no report") };
        let found = match column(&report, "read") {
            Value::Text(text) => text.to_string(),
            Value::Null => String::new(),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(found, read);
        let total = i64::try_from(expected.len()).unwrap();
        if counted {
            prop_assert_eq!(bound(&world, "total"), Value::Whole(total));
        }
        prop_assert_eq!(bound(&world, "more"), Value::Boolean(false));
        prop_assert_eq!(bound(&world, "cookie"), Value::Null, "there is no next page");
    }

    #[test]
    fn aggregates_are_what_adding_up_by_hand_gives(case in case(), grouped: bool) {
        let child = case.has_rows();
        let of = if child { "c.value" } else { "number" };
        let groups = if grouped { ", group by: city" } else { "" };
        let own = case.own(&format!(
            ", aggregate: {{ all: count, some: countcolumn of {of}, kinds: countcolumn of distinct {of}, \
             sum: sum of {of}, avg: avg of {of}, least: min of {of}, most: max of {of} }}{groups}, as: rows"
        ));
        let mut expected: BTreeMap<Option<&str>, Vec<Option<i64>>> = BTreeMap::new();
        if !grouped {
            expected.entry(None).or_default();
        }
        for (parent, linked) in case.pairs() {
            let group = if grouped { parent.city } else { None };
            let value = if child { linked.and_then(|it| it.value) } else { parent.number };
            expected.entry(group).or_default().push(value);
        }
        let expected: Vec<String> = expected
            .into_iter()
            .map(|(group, values)| {
                let known: Vec<i64> = values.iter().flatten().copied().collect();
                let mut kinds = known.clone();
                kinds.sort_unstable();
                kinds.dedup();
                let sum: i64 = known.iter().sum();
                let count = i64::try_from(known.len()).unwrap();
                let avg = (count > 0).then(|| sum / count);
                let or_null = |it: Option<i64>| it.map_or("-".to_owned(), |it| it.to_string());
                format!(
                    "{}: {} {count} {} {sum} {} {} {}",
                    group.unwrap_or("-"),
                    values.len(),
                    kinds.len(),
                    or_null(avg),
                    or_null(known.iter().min().copied()),
                    or_null(known.iter().max().copied()),
                )
            })
            .collect();
        let value = bound(&case.world(&format!("      - query: {own}\n")), "rows");
        let names = ["all", "some", "kinds", "sum", "avg", "least", "most"];
        let found: Vec<String> = records(&value)
            .into_iter()
            .map(|record| {
                let group = if grouped { text(&column(record, "city")) } else { "-".to_owned() };
                let values: Vec<String> =
                    names.iter().map(|name| text(&column(record, name))).collect();
                format!("{group}: {}", values.join(" "))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn distinct_rows_differ_in_what_is_asked_for(case in case()) {
        let own = case.own(", columns: [city], distinct: true, order: city, as: rows");
        let own = own.replace("columns: [tag]", "columns: []");
        let cities = case.pairs();
        let mut expected: Vec<(Option<&str>, bool)> =
            cities.iter().map(|(parent, child)| (parent.city, child.is_some())).collect();
        expected.sort_unstable();
        expected.dedup();
        let value = bound(&case.world(&format!("      - query: {own}\n")), "rows");
        let mut found: Vec<(String, bool)> = records(&value)
            .into_iter()
            .map(|record| (text(&column(record, "city")), !record.expanded.is_empty()))
            .collect();
        found.sort();
        let mut expected: Vec<(String, bool)> = expected
            .into_iter()
            .map(|(city, linked)| (city.unwrap_or("-").to_owned(), linked))
            .collect();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn links_beside_one_another_multiply_and_links_follow_links(
        case in case(),
        outer: bool,
        least in 0..5_i64,
    ) {
        let kind = if outer { "outer" } else { "inner" };
        let query = format!(
            "{{ table: parent, columns: [name], link: {{ \
             c: {{ table: child, from: parent, to: id, type: {kind}, columns: [tag], link: {{ \
               up: {{ table: parent, from: id, to: parent, type: outer, columns: [name] }} }} }}, \
             e: {{ table: child, from: parent, to: id, type: {kind}, \
               where: \"=value >= {least}\", columns: [tag] }} }}, \
             order: [name, c.tag, e.tag], as: rows }}"
        );
        let mut expected = Vec::new();
        for (number, Parent { name, .. }) in case.parents.iter().enumerate() {
            let own = case.children.iter().filter(|child| child.parent == Some(number));
            let mut first: Vec<Option<&Child>> = own.clone().map(Some).collect();
            let second = own.filter(|child| child.value.is_some_and(|value| value >= least));
            let mut second: Vec<Option<&Child>> = second.map(Some).collect();
            for linked in [&mut first, &mut second] {
                if linked.is_empty() && outer {
                    linked.push(None);
                }
            }
            for c in &first {
                for e in &second {
                    let tag = |it: &Option<&Child>| it.map_or("-", |it| &it.tag).to_owned();
                    let up = if c.is_some() { name } else { "-" };
                    expected.push(format!("{name}/{}/{up}/{}", tag(c), tag(e)));
                }
            }
        }
        let value = bound(&case.world(&format!("      - query: {query}\n")), "rows");
        let linked = |record: &Record, name: &str| {
            let found = record.expanded.iter().find(|(it, _)| &**it == name);
            found.map(|(_, record)| std::sync::Arc::clone(record))
        };
        let told = |record: Option<&Record>, name: &str| {
            record.map_or("-".to_owned(), |it| text(&column(it, name)))
        };
        let found: Vec<String> = records(&value)
            .into_iter()
            .map(|record| {
                let (c, e) = (linked(record, "c"), linked(record, "e"));
                let up = c.as_ref().and_then(|c| linked(c, "up"));
                let (name, c) = (told(Some(record), "name"), told(c.as_deref(), "tag"));
                format!("{name}/{c}/{}/{}", told(up.as_deref(), "name"), told(e.as_deref(), "tag"))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_writer_beside_a_query_with_links_breaks_no_invariant(
        case in case(),
        at in 0..12_u32,
        work in 0..40_u32,
    ) {
        // Whatever is read, and whoever is the victim of a deadlock.
        let own = case.own(", columns: [name], as: rows");
        let mut world = case.world(&format!("      - query: {own}\n"));
        world = world.replacen("tables:", "costs: { row: 2ms, request: 0ms }\ntables:", 1);
        let _ = write!(
            world,
            "  writer:
    at: {at}ms
    in: us
    do:
      - transaction:
          do:
            - create: {{ table: parent, row: new, set: {{ name: new, number: 1 }} }}
            - create: {{ table: child, row: newer, set: {{ tag: newer, parent: new, value: 1 }} }}
            - work: {work}ms
"
        );
        for child in case.children.iter().take(2) {
            let tag = &child.tag;
            let _ = writeln!(
                world,
                "            - update: {{ table: child, row: {tag}, set: {{ parent: new }} }}"
            );
        }
        ran(&world);
    }
}
