//! A small world with one query: asked in both languages, answered by trying everything, and any
//! of them.

use std::fmt::Write as _;

use proptest::prelude::*;

/// A row of the one side.
#[derive(Clone, Debug)]
pub struct Parent {
    pub name: String,
    pub city: Option<&'static str>,
    pub number: Option<i64>,
}

/// A row of the many side.
#[derive(Clone, Debug)]
pub struct Child {
    pub tag: String,
    /// The position of its parent.
    pub parent: Option<usize>,
    pub value: Option<i64>,
}

/// One condition, in both languages and as what it means.
#[derive(Clone, Debug)]
pub struct Condition {
    pub column: &'static str,
    pub operator: Operator,
    pub operand: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
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

pub const OPERATORS: [Operator; 10] = [
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
    pub fn own(&self) -> String {
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
    pub fn fetch(&self, of: &str) -> String {
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

    pub fn holds(&self, value: Option<i64>) -> bool {
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
pub enum Link {
    None,
    Inner,
    Outer,
    Any,
    NotAny,
}

/// A world with one query.
#[derive(Clone, Debug)]
pub struct Case {
    pub parents: Vec<Parent>,
    pub children: Vec<Child>,
    pub link: Link,
    pub filter: Option<Condition>,
    /// On the linked row, with the join.
    pub on: Option<Condition>,
    /// On the linked row, when it is joined.
    pub after: Option<Condition>,
    pub descending: bool,
    pub level: &'static str,
    pub in_transaction: bool,
    /// Whether the lookup has its index to seek by: else the rows are joined by a text.
    pub by_text: bool,
}

impl Case {
    pub fn has_rows(&self) -> bool {
        matches!(self.link, Link::Inner | Link::Outer)
    }

    pub fn after(&self) -> Option<&Condition> {
        self.after.as_ref().filter(|_| self.has_rows())
    }

    /// What the query finds, by trying everything.
    pub fn pairs(&self) -> Vec<(&Parent, Option<&Child>)> {
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
    pub fn ordered(&self) -> Vec<(&Parent, Option<&Child>)> {
        let mut pairs = self.pairs();
        pairs.sort_by(|a, b| {
            let number = a.0.number.cmp(&b.0.number);
            let number = if self.descending { number.reverse() } else { number };
            let tag = |it: &Option<&Child>| it.map(|child| child.tag.clone());
            number.then_with(|| a.0.name.cmp(&b.0.name)).then_with(|| tag(&a.1).cmp(&tag(&b.1)))
        });
        pairs
    }

    pub fn fields(&self) -> (&'static str, &'static str) {
        if self.by_text { ("belongs", "name") } else { ("parent", "id") }
    }

    /// The query in the step language, with what else is asked for.
    pub fn own(&self, more: &str) -> String {
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
    pub fn fetch(&self, attributes: &str, inner: &str, elements: &str) -> String {
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

    pub fn world(&self, steps: &str) -> String {
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

pub fn parents() -> impl Strategy<Value = Vec<Parent>> {
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

pub fn case() -> impl Strategy<Value = Case> {
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
