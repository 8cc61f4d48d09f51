//! Queries in the step language's own form: linked tables, what is computed, pages.

use std::sync::Arc;

use crate::plan::{
    AggregateFunction, Aggregation, AnswerPart, DatePart, Field, Group, Link, LinkKind, LinkNumber,
    Measure, Paging, Reached, Selection, Verb,
};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AnswerShape, Body, Bound};
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::{Form, Node};
use crate::words::{ColumnId, ColumnType, InstanceId, Name, TableId};

/// The most links of a query.
///
/// Source: Microsoft Learn, "Join tables using FetchXml", Limitations (0x8004430D).
const LINKS: usize = 15;

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

/// What stands between two tables: the names by which a link joins them, as far as they are given.
pub(super) struct Joint<'n> {
    pub parent: TableId,
    pub table: TableId,
    pub from: Option<(&'n str, Span)>,
    pub to: Option<(&'n str, Span)>,
    /// The place of the link.
    pub span: Span,
}

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
        Ok(Verb::Query { instance, selection, bind: bind?, parts })
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

    /// The links of `link`, each with those that hang on it.
    fn links(
        &mut self,
        node: &Node,
        (parent, instance): (Option<LinkNumber>, Option<InstanceId>),
        selection: &mut Selection,
        body: &mut Body,
    ) -> Checked<()> {
        for entry in node.entries() {
            let linked = &entry.value;
            let table = self.required(linked, "table")?;
            let (table, table_span) = (self.table(table)?, table.span);
            self.check_linked(table, table_span, instance)?;
            let parent_table = table_of(selection, parent);
            let named = |key: &str| -> Option<(&str, Span)> {
                let node = linked.get(key)?;
                Some((&*node.scalar()?.text, node.span))
            };
            let joint = Joint {
                parent: parent_table,
                table,
                from: named("from"),
                to: named("to"),
                span: entry.key_span,
            };
            let (from, to) = self.join_fields(&joint)?;
            let kind = match linked.get("type") {
                Some(kind) => self.word(kind, grammar::LINK_KINDS)?,
                None => LinkKind::Inner,
            };
            let filter = self.filter_of(linked, table, &[], body)?;
            let mut columns = self.asked_columns(linked, table)?;
            if matches!(kind, LinkKind::Any | LinkKind::NotAny) {
                columns = Some(Vec::new());
                let extra = ["columns", "link"].iter().find_map(|key| linked.entry(key));
                if let Some(extra) = extra {
                    let message = "a link that only asks whether there are rows answers none";
                    let label = "nothing of them is at hand";
                    let span = extra.key_span;
                    return Err(self.diagnostics.report(
                        span,
                        "out of place",
                        message,
                        label,
                        None,
                    ));
                }
            }
            let name = entry.key.clone();
            self.check_link_name(&name, entry.key_span, selection, body)?;
            let link = Link { name, parent, table, from, to, kind, filter, columns };
            let number = selection.links.len();
            selection.links.push(link);
            if let Some(inner) = linked.get("link") {
                let number = LinkNumber(u16::try_from(number).unwrap_or(u16::MAX));
                self.links(inner, (Some(number), instance), selection, body)?;
            }
        }
        Ok(())
    }

    /// A link has a name that means nothing else in its query.
    pub(super) fn check_link_name(
        &mut self,
        name: &str,
        span: Span,
        selection: &Selection,
        body: &Body,
    ) -> Checked<()> {
        let table = &self.plan.tables[selection.table.index()];
        let is_column = table.column(name).is_some();
        let what = if is_column {
            format!("a column of `{}`", table.name)
        } else if selection.links.iter().any(|link| *link.name == *name) {
            "another link".to_owned()
        } else if body.bindings.contains_key(name) {
            "a binding".to_owned()
        } else if matches!(name, "row" | "id") {
            "a word of its own in a `where`".to_owned()
        } else {
            return Ok(());
        };
        let message = format!("`{}` is {what} already", shorten(name));
        let help = Some("give the link another name".to_owned());
        Err(self.diagnostics.report(span, "duplicate name", message, "the same name", help))
    }

    /// A query has no more links than the platform allows.
    pub(super) fn check_links(&mut self, selection: &Selection, span: Span) -> Checked<()> {
        if selection.links.len() <= LINKS {
            return Ok(());
        }
        Err(self.diagnostics.report(
            span,
            "limit: links",
            format!("a query has at most {LINKS} links"),
            "Number of link entities in query exceeded maximum limit. (0x8004430D)",
            None,
        ))
    }

    /// The instance has a linked table, as far as the instance is known.
    pub(super) fn check_linked(
        &mut self,
        table: TableId,
        span: Span,
        instance: Option<InstanceId>,
    ) -> Checked<()> {
        match instance {
            Some(instance) => self.check_instance_has(instance, table, span),
            None => Ok(()),
        }
    }

    /// The fields by which a link joins its rows to those that it hangs on.
    pub(super) fn join_fields(&mut self, joint: &Joint<'_>) -> Checked<(Field, Field)> {
        let from = joint.from.map(|(name, span)| self.field_named(name, span, joint.table));
        let to = joint.to.map(|(name, span)| self.field_named(name, span, joint.parent));
        let (from, to) = (from.transpose()?, to.transpose()?);
        if let (Some(from), Some(to)) = (from, to) {
            self.check_alike((joint.table, from), (joint.parent, to), joint.span)?;
            return Ok((from, to));
        }
        let (table, parent) = (joint.table, joint.parent);
        let to_many = self.lookups_between(table, parent).map(|it| (Field::Column(it), Field::Id));
        let to_one = self.lookups_between(parent, table).map(|it| (Field::Id, Field::Column(it)));
        let fits = |it: &(Field, Field)| {
            from.is_none_or(|from| from == it.0) && to.is_none_or(|to| to == it.1)
        };
        let ways: Vec<_> = to_many.chain(to_one).filter(fits).collect();
        if let [way] = ways[..] {
            return Ok(way);
        }
        let name = |table: TableId, field: Field| match field {
            Field::Id => "id".to_owned(),
            Field::Column(column) => {
                self.plan.tables[table.index()].columns[column.index()].name.to_string()
            }
        };
        let ways = ways
            .iter()
            .map(|(from, to)| format!("`from: {}, to: {}`", name(table, *from), name(parent, *to)));
        let ways: Vec<_> = ways.collect();
        let label = match ways.len() {
            0 => "there is no lookup between the two tables",
            _ => "there are several lookups between the two tables",
        };
        let help = match ways.len() {
            0 => "`from` is a column of the linked table, `to` one of the table it hangs on".into(),
            _ => ways.join(" or "),
        };
        let (table, parent) = (&self.plan.tables[table.index()], &self.plan.tables[parent.index()]);
        let message =
            format!("by which columns do rows of `{}` belong to `{}`?", table.name, parent.name);
        Err(self.diagnostics.report(joint.span, "missing key", message, label, Some(help)))
    }

    /// The lookups of one table that lead to another.
    fn lookups_between(&self, of: TableId, to: TableId) -> impl Iterator<Item = ColumnId> {
        let columns = self.plan.tables[of.index()].columns.iter();
        let leads = columns.map(|column| column.kind == ColumnType::Lookup(to));
        let leads: Vec<bool> = leads.collect();
        (0..).zip(leads).filter(|(_, leads)| *leads).map(|(number, _)| ColumnId(number))
    }

    /// Two fields can be equal.
    fn check_alike(&mut self, a: (TableId, Field), b: (TableId, Field), span: Span) -> Checked<()> {
        let (a, b) = (self.sort_of(a), self.sort_of(b));
        if a == b {
            return Ok(());
        }
        let message = "the two columns of a link hold values of different kinds";
        let label = format!("{a} never equals {b}");
        Err(self.diagnostics.report(span, "wrong value", message, label, None))
    }

    /// What sort of value a field holds: those of one sort can be compared.
    pub(super) fn sort_of(&self, (table, field): (TableId, Field)) -> &'static str {
        let Field::Column(column) = field else {
            return "a unique id";
        };
        match self.plan.tables[table.index()].columns[column.index()].kind {
            ColumnType::Text { .. } | ColumnType::Choice(_) => "text",
            ColumnType::Whole | ColumnType::Decimal | ColumnType::Money => "a number",
            ColumnType::DateTime => "a date-time",
            ColumnType::Boolean => "a boolean",
            ColumnType::Lookup(_) | ColumnType::UniqueId => "a unique id",
        }
    }

    /// A column, or `id`; the platform's name of the primary key (`accountid`) is understood, too.
    pub(super) fn field_named(&mut self, name: &str, span: Span, table: TableId) -> Checked<Field> {
        let definition = &self.plan.tables[table.index()];
        if let Some(column) = definition.column(name) {
            return Ok(Field::Column(column));
        }
        let key = name.strip_suffix("id").map(str::trim_end);
        let is_key = key.is_some_and(|key| key.is_empty() || key == &*definition.name);
        if is_key && definition.column("id").is_none() {
            return Ok(Field::Id);
        }
        self.column_named(name, span, table).map(Field::Column)
    }

    /// `column`, `link.column`, `id` or `link.id`.
    pub(super) fn reached(
        &mut self,
        text: &str,
        span: Span,
        selection: &Selection,
    ) -> Checked<Reached> {
        if self.plan.tables[selection.table.index()].column(text).is_none()
            && let Some((link, column)) = text.split_once('.')
        {
            let number = self.link_named(link, span, selection)?;
            let table = selection.links[number.index()].table;
            let field = self.field_named(column, span, table)?;
            return Ok(Reached { link: Some(number), field });
        }
        self.field_named(text, span, selection.table).map(Reached::own)
    }

    pub(super) fn link_named(
        &mut self,
        name: &str,
        span: Span,
        selection: &Selection,
    ) -> Checked<LinkNumber> {
        let found = selection.links.iter().position(|link| *link.name == *name);
        match found.and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(LinkNumber(number)),
            None => {
                let known = selection.links.iter().map(|link| &*link.name);
                Err(self.diagnostics.unknown(span, "link", name, known))
            }
        }
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
        let sort = self.sort_of((table_of(selection, of.link), of.field));
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
    ///
    /// Source: Microsoft Learn, "Aggregate data using FetchXml", Distinct column values: with
    /// `countcolumn`.
    pub(super) fn check_measure(
        &mut self,
        (function, distinct): (AggregateFunction, bool),
        of: Reached,
        span: Span,
        selection: &Selection,
    ) -> Checked<()> {
        use AggregateFunction as F;
        let sort = self.sort_of((table_of(selection, of.link), of.field));
        let (message, label) = match function {
            _ if distinct && function != F::CountColumn => (
                "only `countcolumn` counts distinct values",
                "`distinct` means nothing here".into(),
            ),
            F::Sum | F::Avg if sort != "a number" => {
                ("sums and averages are of numbers", format!("this is {sort}"))
            }
            F::Min | F::Max if !matches!(sort, "a number" | "a date-time") => {
                ("only numbers and dates have a smallest and a largest", format!("this is {sort}"))
            }
            _ => return Ok(()),
        };
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

/// The table whose rows a link gives; the selection's own without one.
pub(super) fn table_of(selection: &Selection, link: Option<LinkNumber>) -> TableId {
    match link {
        None => selection.table,
        Some(link) => selection.links[link.index()].table,
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
