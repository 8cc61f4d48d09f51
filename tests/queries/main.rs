//! Queries against a plain model of them: filters, links, orders, pages and aggregates over random
//! rows, asked in the step language and as FetchXML, at levels that lock and at levels that don't.
//! Beside it, each operator over a few rows, and the platform's limits.

mod limits;
mod operators;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::run::{self, Run};
use multiverse::trace::Event;
use multiverse::words::{Record, Value};
use proptest::prelude::*;

/// A row of the one side.
#[derive(Clone, Debug)]
struct Parent {
    name: String,
    city: Option<&'static str>,
    number: Option<i64>,
}

/// A row of the many side.
#[derive(Clone, Debug)]
struct Child {
    tag: String,
    /// The position of its parent.
    parent: Option<usize>,
    value: Option<i64>,
}

/// One condition, in both languages and as what it means.
#[derive(Clone, Debug)]
struct Condition {
    column: &'static str,
    operator: Operator,
    operand: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    Below,
    In,
    NotIn,
    Between,
    NotBetween,
    Null,
    NotNull,
}

const OPERATORS: [Operator; 10] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::AtLeast,
    Operator::Below,
    Operator::In,
    Operator::NotIn,
    Operator::Between,
    Operator::NotBetween,
    Operator::Null,
    Operator::NotNull,
];

impl Condition {
    fn own(&self) -> String {
        let (column, k, next) = (self.column, self.operand, self.operand + 1);
        match self.operator {
            Operator::Equal => format!("{column} == {k}"),
            Operator::NotEqual => format!("{column} != {k}"),
            Operator::AtLeast => format!("{column} >= {k}"),
            Operator::Below => format!("{column} < {k}"),
            Operator::In => format!("{column} in [{k}, {next}]"),
            Operator::NotIn => format!("!({column} in [{k}, {next}])"),
            Operator::Between => format!("{column} >= {k} && {column} <= {next}"),
            Operator::NotBetween => format!("!({column} >= {k} && {column} <= {next})"),
            Operator::Null => format!("{column} == null"),
            Operator::NotNull => format!("{column} != null"),
        }
    }

    /// `of`: the link whose row is meant, in a filter of the entity.
    fn fetch(&self, of: &str) -> String {
        let (k, next) = (self.operand, self.operand + 1);
        let column = self.column.rsplit('.').next().unwrap();
        let two = format!("<value>{k}</value><value>{next}</value>");
        let (operator, value, inner) = match self.operator {
            Operator::Equal => ("eq", format!(" value='{k}'"), String::new()),
            Operator::NotEqual => ("ne", format!(" value='{k}'"), String::new()),
            Operator::AtLeast => ("ge", format!(" value='{k}'"), String::new()),
            Operator::Below => ("lt", format!(" value='{k}'"), String::new()),
            Operator::In => ("in", String::new(), two),
            Operator::NotIn => ("not-in", String::new(), two),
            Operator::Between => ("between", String::new(), two),
            Operator::NotBetween => ("not-between", String::new(), two),
            Operator::Null => ("null", String::new(), String::new()),
            Operator::NotNull => ("not-null", String::new(), String::new()),
        };
        format!(
            "<condition{of} attribute='{column}' operator='{operator}'{value}>{inner}</condition>"
        )
    }

    fn holds(&self, value: Option<i64>) -> bool {
        let k = self.operand;
        let is = |test: &dyn Fn(i64) -> bool| value.is_some_and(test);
        match self.operator {
            Operator::Equal => value == Some(k),
            Operator::NotEqual => value != Some(k),
            Operator::AtLeast => is(&|it| it >= k),
            Operator::Below => is(&|it| it < k),
            Operator::In => is(&|it| it == k || it == k + 1),
            Operator::NotIn => !is(&|it| it == k || it == k + 1),
            Operator::Between => is(&|it| it >= k && it <= k + 1),
            Operator::NotBetween => !is(&|it| it >= k && it <= k + 1),
            Operator::Null => value.is_none(),
            Operator::NotNull => value.is_some(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    None,
    Inner,
    Outer,
    Any,
    NotAny,
}

/// A world with one query.
#[derive(Clone, Debug)]
struct Case {
    parents: Vec<Parent>,
    children: Vec<Child>,
    link: Link,
    filter: Option<Condition>,
    /// On the linked row, with the join.
    on: Option<Condition>,
    /// On the linked row, when it is joined.
    after: Option<Condition>,
    descending: bool,
    level: &'static str,
    in_transaction: bool,
    /// Whether the lookup has its index to seek by: else the rows are joined by a text.
    by_text: bool,
}

impl Case {
    fn has_rows(&self) -> bool {
        matches!(self.link, Link::Inner | Link::Outer)
    }

    fn after(&self) -> Option<&Condition> {
        self.after.as_ref().filter(|_| self.has_rows())
    }

    /// What the query finds, by trying everything.
    fn pairs(&self) -> Vec<(&Parent, Option<&Child>)> {
        let mut pairs = Vec::new();
        for (number, parent) in self.parents.iter().enumerate() {
            if !self.filter.as_ref().is_none_or(|it| it.holds(parent.number)) {
                continue;
            }
            let linked: Vec<&Child> = self
                .children
                .iter()
                .filter(|child| child.parent == Some(number))
                .filter(|child| self.on.as_ref().is_none_or(|it| it.holds(child.value)))
                .collect();
            match self.link {
                Link::None => pairs.push((parent, None)),
                Link::Any if linked.is_empty() => {}
                Link::NotAny if !linked.is_empty() => {}
                Link::Any | Link::NotAny => pairs.push((parent, None)),
                Link::Outer if linked.is_empty() => pairs.push((parent, None)),
                Link::Inner | Link::Outer => {
                    pairs.extend(linked.into_iter().map(|child| (parent, Some(child))));
                }
            }
        }
        if let Some(after) = self.after() {
            pairs.retain(|(_, child)| after.holds(child.and_then(|it| it.value)));
        }
        pairs
    }

    /// The same in the order of the answer.
    fn ordered(&self) -> Vec<(&Parent, Option<&Child>)> {
        let mut pairs = self.pairs();
        pairs.sort_by(|a, b| {
            let number = a.0.number.cmp(&b.0.number);
            let number = if self.descending { number.reverse() } else { number };
            let tag = |it: &Option<&Child>| it.map(|child| child.tag.clone());
            number.then_with(|| a.0.name.cmp(&b.0.name)).then_with(|| tag(&a.1).cmp(&tag(&b.1)))
        });
        pairs
    }

    fn fields(&self) -> (&'static str, &'static str) {
        if self.by_text { ("belongs", "name") } else { ("parent", "id") }
    }

    /// The query in the step language, with what else is asked for.
    fn own(&self, more: &str) -> String {
        let mut text = format!("{{ table: parent{more}");
        let mut parts: Vec<String> = self.filter.iter().map(Condition::own).collect();
        parts.extend(self.after().map(Condition::own));
        if !parts.is_empty() {
            let _ = write!(text, ", where: \"={}\"", parts.join(" && "));
        }
        let kind = match self.link {
            Link::None => return text + " }",
            Link::Inner => "inner",
            Link::Outer => "outer",
            Link::Any => "any",
            Link::NotAny => "not any",
        };
        let (from, to) = self.fields();
        let on = self.on.as_ref().map(|on| format!(", where: \"={}\"", on.own()));
        let columns = if self.has_rows() { ", columns: [tag]" } else { "" };
        let _ = write!(
            text,
            ", link: {{ c: {{ table: child, from: {from}, to: {to}, type: {kind}{}{columns} }} }}",
            on.unwrap_or_default()
        );
        text + " }"
    }

    /// The query as FetchXML.
    fn fetch(&self, attributes: &str, inner: &str, elements: &str) -> String {
        let (from, to) = self.fields();
        let to = if to == "id" { "parentid" } else { to };
        let on = self.on.as_ref().map(|on| format!("<filter>{}</filter>", on.fetch("")));
        let on = on.unwrap_or_default();
        let link = |kind: &str, inner: &str| {
            format!(
                "<link-entity name='child' alias='c' from='{from}' to='{to}' link-type='{kind}'>\
                 {inner}{on}</link-entity>"
            )
        };
        let mut filter: String = self.filter.iter().map(|it| it.fetch("")).collect();
        filter.extend(self.after().map(|it| it.fetch(" entityname='c'")));
        let beside = match self.link {
            Link::Inner => link("inner", inner),
            Link::Outer => link("outer", inner),
            Link::Any => {
                filter += &link("any", "");
                String::new()
            }
            Link::NotAny => {
                filter += &link("not any", "");
                String::new()
            }
            Link::None => String::new(),
        };
        format!(
            "<fetch{attributes}><entity name='parent'>{elements}\
             <filter>{filter}</filter>{beside}</entity></fetch>"
        )
    }

    fn world(&self, steps: &str) -> String {
        let mut text = format!(
            "scenario: A query
tables:
  parent: {{ columns: {{ name: text, city: text, number: whole number }} }}
  child:
    columns:
      {{ tag: text, parent: {{ lookup: parent }}, belongs: text, value: whole number }}
  report: {{ columns: {{ read: text }} }}
instances: {{ us: {{ tables: [parent, child, report], isolation: {} }} }}
rows:
  us:
    report: {{ job: {{ read: '' }} }}
",
            self.level
        );
        let null = || "null".to_owned();
        if !self.parents.is_empty() {
            text.push_str("    parent:\n");
        }
        for Parent { name, city, number } in &self.parents {
            let city = city.map_or_else(null, |it| format!("'{it}'"));
            let number = number.map_or_else(null, |it| it.to_string());
            let set = format!("name: {name}, city: {city}, number: {number}");
            let _ = writeln!(text, "      {name}: {{ {set} }}");
        }
        if !self.children.is_empty() {
            text.push_str("    child:\n");
        }
        for Child { tag, parent, value } in &self.children {
            let parent = parent.map_or_else(null, |it| self.parents[it].name.clone());
            let value = value.map_or_else(null, |it| it.to_string());
            let set = format!("tag: {tag}, parent: {parent}, belongs: {parent}, value: {value}");
            let _ = writeln!(text, "      {tag}: {{ {set} }}");
        }
        text.push_str("actors:\n  caller:\n    in: us\n    do:\n");
        if self.in_transaction {
            let _ = write!(text, "      - transaction:\n          do:\n");
            for line in steps.lines() {
                let _ = writeln!(text, "      {line}");
            }
        } else {
            text.push_str(steps);
        }
        text
    }
}

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

fn parents() -> impl Strategy<Value = Vec<Parent>> {
    let city = prop::sample::select(vec![None, Some("Oslo"), Some("Paris")]);
    let number = prop::option::weighted(0.8, 0..5_i64);
    prop::collection::vec((city, number), 0..8).prop_map(|rows| {
        let parents = rows.into_iter().enumerate();
        parents
            .map(|(at, (city, number))| Parent { name: format!("p{at}"), city, number })
            .collect()
    })
}

fn condition(column: &'static str) -> impl Strategy<Value = Option<Condition>> {
    let operator = prop::sample::select(OPERATORS.to_vec());
    let condition = (operator, 0..5_i64).prop_map(move |(operator, operand)| Condition {
        column,
        operator,
        operand,
    });
    prop::option::of(condition)
}

fn case() -> impl Strategy<Value = Case> {
    let children = prop::collection::vec(
        (prop::option::weighted(0.9, 0..8_usize), prop::option::weighted(0.8, 0..5_i64)),
        0..12,
    );
    let links = vec![Link::None, Link::Inner, Link::Outer, Link::Any, Link::NotAny];
    let levels = vec![
        "read committed snapshot",
        "read committed",
        "repeatable read",
        "serializable",
        "read uncommitted",
    ];
    let shape = (prop::sample::select(links), prop::sample::select(levels));
    let conditions = (condition("number"), condition("value"), condition("c.value"));
    (parents(), children, shape, conditions, any::<(bool, bool, bool)>()).prop_map(
        |(parents, children, (link, level), (filter, on, after), flags)| {
            let count = parents.len();
            let children = children.into_iter().enumerate().map(|(at, (parent, value))| Child {
                tag: format!("t{at:02}"),
                parent: parent.filter(|parent| *parent < count),
                value,
            });
            let (descending, in_transaction, by_text) = flags;
            Case {
                children: children.collect(),
                parents,
                link,
                filter,
                on: on.filter(|_| link != Link::None),
                after,
                descending,
                level,
                in_transaction,
                by_text,
            }
        },
    )
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
