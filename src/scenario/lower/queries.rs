//! Queries in the step language's own form: linked tables, what is computed, pages.

use std::sync::Arc;

use crate::plan::{
    AggregateFunction, Aggregation, AnswerPart, DatePart, Field, Group, LinkNumber, Measure,
    Paging, Reached, Selection, Verb,
};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AnswerShape, Body, Bound};
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::{Form, Node};
use crate::words::{InstanceId, Name, TableId};

/// The keys that bind what is answered beside the rows.
const PARTS: [(&str, AnswerPart); 3] = [
    ("more as", AnswerPart::More),
    ("cookie as", AnswerPart::Cookie),
    ("total count as", AnswerPart::TotalCount),
];

/// The functions of an aggregation, by their words in both forms.
pub(super) const FUNCTIONS: [(&str, AggregateFunction); 6] = [
    ("count", AggregateFunction::Count),
    ("countcolumn", AggregateFunction::CountColumn),
    ("sum", AggregateFunction::Sum),
    ("avg", AggregateFunction::Avg),
    ("min", AggregateFunction::Min),
    ("max", AggregateFunction::Max),
];

/// The parts of dates by which rows are grouped, likewise.
pub(super) const DATE_PARTS: [(&str, DatePart); 5] = [
    ("day", DatePart::Day),
    ("week", DatePart::Week),
    ("month", DatePart::Month),
    ("quarter", DatePart::Quarter),
    ("year", DatePart::Year),
];

impl Lowering<'_> {
    /// `query`, in either form.
    pub(super) fn query(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let (instance, selection) = match node.get("fetch") {
            Some(fetch) => {
                let instance = self.instance_of(node, body)?;
                (instance, self.fetch(fetch, instance.or(body.home), body))
            }
            None => {
                let (instance, table) = self.target_of(node, body)?;
                (instance, self.own_query(node, table, instance.or(body.home), body))
            }
        };
        // What a wrong query was to answer is bound all the same, so that its uses are not wrong,
        // too.
        let bound = match &selection {
            Ok(selection) => bound_to(selection),
            Err(_) => Bound::Any,
        };
        let bind = self.bind(node, body, bound);
        let mut parts = Vec::new();
        for (key, part) in PARTS {
            if let Some(name) = node.get(key) {
                let name = self.bound_name(name, body, Bound::Any)?;
                parts.push((part, name));
            }
        }
        let mut selection = selection?;
        if node.get("fetch").is_none() && node.get("total count as").is_some() {
            selection.counted = true;
        }
        Ok(Verb::Query { instance, selection: Box::new(selection), bind: bind?, parts })
    }

    fn own_query(
        &mut self,
        node: &Node,
        table: TableId,
        instance: Option<InstanceId>,
        body: &mut Body,
    ) -> Checked<Selection> {
        let mut selection = Selection::of(table);
        if let Some(links) = node.get("link") {
            self.links(links, (None, instance), &mut selection, body)?;
        }
        self.check_links(&selection, node.pointer())?;
        if let Some(aggregates) = node.get("aggregate") {
            let aggregation = self.aggregation(aggregates, node.get("group by"), &selection)?;
            selection.aggregation = Some(aggregation);
            for link in &mut selection.links {
                link.columns = Some(Vec::new());
            }
        }
        let page = self.paging(node.get("page"), body);
        if let Some(distinct) = node.get("distinct") {
            selection.distinct = self.boolean(distinct)?;
        }
        let mut selection = self.selection(node, selection, body)?;
        selection.page = page?;
        if let (Some(_), Some(top)) = (&selection.page, node.entry("top")) {
            return Err(self.diagnostics.report(
                top.key_span,
                "out of place",
                "`top` and `page` are two ways to limit an answer",
                "either this, or `page`",
                None,
            ));
        }
        let columns = node.entry("columns").or_else(|| node.entry("expand"));
        if let (Some(_), Some(columns)) = (&selection.aggregation, columns) {
            return Err(self.diagnostics.report(
                columns.key_span,
                "out of place",
                "what is computed has no columns of rows",
                "`aggregate` and `group by` say what is answered",
                None,
            ));
        }
        Ok(selection)
    }

    /// `aggregate` and `group by`.
    fn aggregation(
        &mut self,
        node: &Node,
        groups: Option<&Node>,
        selection: &Selection,
    ) -> Checked<Aggregation> {
        let mut aggregation = Aggregation { groups: Vec::new(), measures: Vec::new(), most: None };
        if let Some(groups) = groups {
            let named: Vec<(Name, &Node)> = match &groups.form {
                Form::Map(entries) => {
                    entries.iter().map(|entry| (entry.key.clone(), &entry.value)).collect()
                }
                _ => {
                    let mut named = Vec::new();
                    for node in groups.one_or_many() {
                        named.push((self.text(node)?, node));
                    }
                    named
                }
            };
            for (name, node) in named {
                let group = self.group(name, node, selection)?;
                aggregation.groups.push(group);
            }
        }
        for entry in node.entries() {
            if Self::is_computed(&entry.key, &aggregation) {
                let message = format!("`{}` is a group already", shorten(&entry.key));
                let (code, label) = ("duplicate name", "the same name");
                return Err(self.diagnostics.report(entry.key_span, code, message, label, None));
            }
            let measure = self.measure(entry.key.clone(), &entry.value, selection)?;
            aggregation.measures.push(measure);
        }
        Ok(aggregation)
    }

    /// `city`, `month of due`
    fn group(&mut self, name: Name, node: &Node, selection: &Selection) -> Checked<Group> {
        let text = self.text(node)?;
        let part = text.split_once(" of ").and_then(|(part, of)| {
            DATE_PARTS.iter().find(|(word, _)| *word == part).map(|(_, part)| (*part, of))
        });
        let (part, column) = part.map_or((None, &*text), |(part, of)| (Some(part), of));
        let of = self.reached(column, node.span, selection)?;
        self.check_date_part(part, of, node.span, selection)?;
        Ok(Group { name, of, part })
    }

    /// Only a date has parts.
    pub(super) fn check_date_part(
        &mut self,
        part: Option<DatePart>,
        of: Reached,
        span: Span,
        selection: &Selection,
    ) -> Checked<()> {
        let sort = self.sort_of((selection.table_of(of.link), of.field));
        if part.is_none() || sort == "a date-time" {
            return Ok(());
        }
        let message = "only a date has parts to group by";
        Err(self.diagnostics.report(span, "wrong value", message, format!("this is {sort}"), None))
    }

    /// `count`, `sum of amount`, `countcolumn of distinct city`
    fn measure(&mut self, name: Name, node: &Node, selection: &Selection) -> Checked<Measure> {
        let text = self.text(node)?;
        let (word, column) = match text.split_once(" of ") {
            Some((word, column)) => (word, Some(column)),
            None => (&*text, None),
        };
        let function = self.aggregate_function(word, node.span)?;
        let (column, distinct) = match column.map(|it| (it, it.strip_prefix("distinct "))) {
            Some((_, Some(column))) => (Some(column), true),
            Some((column, None)) => (Some(column), false),
            None => (None, false),
        };
        let of = match (function, column) {
            (AggregateFunction::Count, None) => Reached::own(Field::Id),
            (AggregateFunction::Count, Some(_)) | (_, None) => {
                let (message, help) = match column {
                    Some(_) => ("`count` counts rows", "`countcolumn of` counts values"),
                    None => ("of which column?", "for example `sum of amount`"),
                };
                let help = Some(help.to_owned());
                let label = "this says nothing that can be computed";
                return Err(self.diagnostics.report(
                    node.span,
                    "wrong value",
                    message,
                    label,
                    help,
                ));
            }
            (_, Some(column)) => self.reached(column, node.span, selection)?,
        };
        self.check_measure((function, distinct), of, node.span, selection)?;
        Ok(Measure { name, function, of, distinct })
    }

    pub(super) fn aggregate_function(
        &mut self,
        word: &str,
        span: Span,
    ) -> Checked<AggregateFunction> {
        let found = FUNCTIONS.iter().find(|(known, _)| *known == word);
        found.map(|(_, function)| *function).ok_or_else(|| {
            let known = FUNCTIONS.iter().map(|(word, _)| *word);
            self.diagnostics.unknown(span, "aggregate function", word, known)
        })
    }

    /// A function can be computed of a column.
    pub(super) fn check_measure(
        &mut self,
        (function, distinct): (AggregateFunction, bool),
        of: Reached,
        span: Span,
        selection: &Selection,
    ) -> Checked<()> {
        let sort = self.sort_of((selection.table_of(of.link), of.field));
        let Some((message, label)) = function.objection(distinct, sort) else { return Ok(()) };
        Err(self.diagnostics.report(span, "wrong value", message, label, None))
    }

    fn paging(&mut self, node: Option<&Node>, body: &mut Body) -> Checked<Option<Paging>> {
        let Some(node) = node else {
            return Ok(None);
        };
        let size = self.optional_value(node.get("size"), body);
        let number = self.optional_value(node.get("number"), body);
        let cookie = self.optional_value(node.get("cookie"), body);
        Ok(Some(Paging { size: size?, number: number?, cookie: cookie? }))
    }

    /// Whether a group or a measure is called so.
    pub(super) fn is_computed(name: &str, aggregation: &Aggregation) -> bool {
        let groups = aggregation.groups.iter().map(|it| &it.name);
        groups.chain(aggregation.measures.iter().map(|it| &it.name)).any(|it| **it == *name)
    }

    /// Nothing is called so among the things that an answer is ordered by.
    pub(super) fn unknown_value(
        &mut self,
        name: &str,
        span: Span,
        aggregation: &Aggregation,
    ) -> Reported {
        let groups = aggregation.groups.iter().map(|it| &*it.name);
        let known: Vec<&str> =
            groups.chain(aggregation.measures.iter().map(|it| &*it.name)).collect();
        let help = suggestion::help(name, &known);
        let message = format!("nothing that is computed is called `{}`", shorten(name));
        self.diagnostics.report(span, "unknown name", message, "no such value", help)
    }
}

/// What the rows of an answer are.
pub(super) fn bound_to(selection: &Selection) -> Bound {
    if let Some(Aggregation { groups, measures, .. }) = &selection.aggregation {
        let names = groups.iter().map(|it| &it.name).chain(measures.iter().map(|it| &it.name));
        let named = names.map(|name| (name.clone(), Bound::Any)).collect();
        return Bound::Answers(Arc::new(AnswerShape { row: None, named }));
    }
    let row = (selection.table, selection.expand.clone());
    if selection.links.is_empty() {
        return Bound::Rows(row.0, row.1);
    }
    let named = linked_to(selection, None);
    Bound::Answers(Arc::new(AnswerShape { row: Some(row), named }))
}

/// What is known of the rows that hang on a link's.
fn linked_to(selection: &Selection, parent: Option<LinkNumber>) -> Vec<(Name, Bound)> {
    let mut named = Vec::new();
    for (number, link) in (0..).zip(&selection.links) {
        if link.parent == parent {
            let inner = linked_to(selection, Some(LinkNumber(number)));
            let row = Some((link.table, Vec::new()));
            let shape = AnswerShape { row, named: inner };
            named.push((link.name.clone(), Bound::Answer(Arc::new(shape))));
        }
    }
    named
}
