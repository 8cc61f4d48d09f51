//! FetchXML, read as it is, to the same selection that the step language's own form becomes.
//!
//! Every element, attribute and operator that the platform documents is known: those that mean
//! something here are lowered, those that only advise the platform's database are accepted, and
//! the rest are refused by name, with the reason. A mistake is told at its own place in the file,
//! inside the text.
//!
//! Source: Microsoft Learn, "Query data using FetchXml", with the reference of its elements.

mod attributes;
mod conditions;
mod links;
mod operators;
mod place;
mod values;

use std::ops::Range;

use roxmltree::{Document, Node as Element};

use crate::plan::{
    AggregateFunction, Aggregation, DatePart, Field, Group, Hint, Link, LinkNumber, Measure,
    OrderBy, Ordering, Paging, Reached, Selection,
};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::lower::fetch::attributes::{
    ALL_ATTRIBUTES, ATTRIBUTE, ENTITY, FETCH, ORDER, REFUSED_ELEMENTS,
};
use crate::scenario::lower::fetch::place::TextPlace;
use crate::scenario::lower::queries::DATE_PARTS;
use crate::scenario::source::Span;
use crate::scenario::tree::Node;
use crate::words::{ColumnId, InstanceId, Name};

/// The longest filter, in conditions.
///
/// Source: Microsoft Learn, "Filter rows using FetchXml", Limitations: 500 conditions and links.
const CONDITIONS: usize = 500;

/// How deep filters are nested, at most.
const DEPTH: usize = 32;

/// Reads one query.
struct Reader<'l, 'd, 'b> {
    lowering: &'l mut Lowering<'d>,
    body: &'b mut Body,
    /// Where it is asked, as far as that is known.
    instance: Option<InstanceId>,
    place: TextPlace,
    /// The links, by where their elements begin.
    numbers: Vec<(usize, LinkNumber)>,
    /// How many conditions there were.
    conditions: usize,
    /// What was read so far. Links come first, since everything may speak of them.
    selection: Selection,
}

impl Lowering<'_> {
    /// The selection that a text of FetchXML means.
    pub(super) fn fetch(
        &mut self,
        node: &Node,
        instance: Option<InstanceId>,
        body: &mut Body,
    ) -> Checked<Selection> {
        let text = self.text(node)?;
        let place = TextPlace::of(self.diagnostics.source(), node, &text);
        let document = match Document::parse(&text) {
            Ok(document) => document,
            Err(error) => return Err(self.not_xml(&error, &text, &place)),
        };
        let root = document.root_element();
        if root.tag_name().name() != "fetch" {
            let (span, found) = (place.span(tag(root)), root.tag_name().name());
            return Err(self.diagnostics.report(
                span,
                "unknown name",
                "FetchXML begins with `fetch`",
                format!("this is `{found}`"),
                Some("`<fetch><entity name='…'>…</entity></fetch>`".to_owned()),
            ));
        }
        let mut entities = root.children().filter(Element::is_element);
        let entity = entities.next().filter(|it| it.tag_name().name() == "entity");
        let Some(entity) = entity else {
            let help = Some("`<entity name='…'>` says of which table".to_owned());
            let span = place.span(tag(root));
            let (code, message) = ("missing element", "a `fetch` has one `entity`");
            return Err(self.diagnostics.report(span, code, message, "it has none", help));
        };
        let name = match entity.attribute_node("name") {
            Some(name) => name,
            None => {
                let span = place.span(tag(entity));
                let (message, label) = ("`name` is missing", "of which table?");
                return Err(self.diagnostics.report(span, "missing key", message, label, None));
            }
        };
        let table_span = place.span(name.range_value());
        let table = self.table_named(name.value(), table_span)?;
        if let Some(instance) = instance {
            self.check_instance_has(instance, table, table_span)?;
        }
        let selection = Selection::of(table);
        let mut reader = Reader {
            lowering: self,
            body,
            instance,
            place,
            numbers: Vec::new(),
            conditions: 0,
            selection,
        };
        if let Some(second) = entities.next() {
            return Err(reader.unexpected(second, &["entity"]));
        }
        reader.read(root, entity)?;
        Ok(reader.selection)
    }

    fn not_xml(&mut self, error: &roxmltree::Error, text: &str, place: &TextPlace) -> Reported {
        let position = error.pos();
        let line = text.split_inclusive('\n').take(position.row.saturating_sub(1) as usize);
        let line: usize = line.map(str::len).sum();
        let rest = text.get(line..).unwrap_or_default();
        let column = rest.char_indices().nth(position.col.saturating_sub(1) as usize);
        let at = line + column.map_or(rest.trim_end().len().saturating_sub(1), |(byte, _)| byte);
        let told = error.to_string();
        let told = told.rsplit_once(" at ").map_or(&*told, |(told, _)| told).to_owned();
        let help = told.contains("entity reference");
        let help = help.then(|| "`&` is written `&amp;`, `<` is written `&lt;`".to_owned());
        let span = place.span(at..at + 1);
        self.diagnostics.report(span, "not XML", "this is not XML", told, help)
    }
}

impl Reader<'_, '_, '_> {
    fn read(&mut self, root: Element<'_, '_>, entity: Element<'_, '_>) -> Checked<()> {
        let fetch = self.check_attributes(root, &FETCH);
        self.check_attributes(entity, &ENTITY)?;
        self.links(entity, None)?;
        let span = self.span_of(entity);
        self.lowering.check_links(&self.selection, span)?;
        if self.flag(root, "aggregate")? {
            let most = self.count(root, "aggregatelimit", 50_000)?;
            let groups = Vec::new();
            self.selection.aggregation = Some(Aggregation { groups, measures: Vec::new(), most });
        }
        // One mistake does not keep the others from being told.
        let columns = self.columns(entity, None);
        let filter = self.filters(entity, None);
        let limits = self.limits(root);
        columns?;
        self.orders(entity, None)?;
        self.linked_orders(entity)?;
        self.selection.filter = filter?;
        limits?;
        fetch?;
        if let Some(aggregation) = &self.selection.aggregation
            && aggregation.groups.is_empty()
            && aggregation.measures.is_empty()
        {
            let message = "an aggregate query computes something";
            let label = "no `attribute` has an `aggregate` or a `groupby`";
            return Err(self.wrong(tag(entity), "missing element", message, label, None));
        }
        Ok(())
    }

    /// What the `fetch` element says of the whole query.
    ///
    /// Assumed: `no-lock` reads what is not committed, as the older pages and "Transaction design
    /// patterns" have it; a newer one says that it is no longer necessary, and not what it does.
    fn limits(&mut self, root: Element<'_, '_>) -> Checked<()> {
        if self.flag(root, "no-lock")? {
            self.selection.hints = self.selection.hints.with(Hint::NoLock);
        }
        self.selection.distinct = self.flag(root, "distinct")?;
        self.selection.counted = self.flag(root, "returntotalrecordcount")?;
        self.selection.top = self.number(root, "top")?;
        let size = self.number(root, "count")?;
        let number = self.number(root, "page")?;
        let cookie = match root.attribute_node("paging-cookie") {
            Some(attribute) => Some(self.text_value(attribute)?),
            None => None,
        };
        let is_paged = size.is_some() || number.is_some() || cookie.is_some();
        if let (true, Some(top)) = (is_paged, root.attribute_node("top")) {
            let message = "`top` and pages are two ways to limit an answer";
            let label = "either this, or `count` and `page`";
            return Err(self.wrong(top.range_qname(), "out of place", message, label, None));
        }
        if is_paged {
            self.selection.page = Some(Paging { size, number, cookie });
        }
        Ok(())
    }

    /// The columns, groups and measures that the children of an element name.
    fn columns(&mut self, of: Element<'_, '_>, link: Option<LinkNumber>) -> Checked<()> {
        let mut columns: Option<Vec<ColumnId>> = None;
        for all in of.children().filter(|it| it.has_tag_name("all-attributes")) {
            self.check_attributes(all, &ALL_ATTRIBUTES)?;
        }
        let mut checked = Ok(());
        for child in of.children().filter(|it| it.has_tag_name("attribute")) {
            match self.column(child, link) {
                Ok(Some(column)) => {
                    let columns = columns.get_or_insert_default();
                    if !columns.contains(&column) {
                        columns.push(column);
                    }
                }
                // The primary key is part of every row.
                Ok(None) => {
                    columns.get_or_insert_default();
                }
                Err(reported) => checked = Err(reported),
            }
        }
        checked?;
        // Without a word about columns, a table's own are all answered and a linked table's not.
        let asked = match (columns, link) {
            (_, link) if self.selection.aggregation.is_some() => link.map(|_| Vec::new()),
            _ if has_all(of) => None,
            (None, Some(_)) => Some(Vec::new()),
            (columns, _) => columns,
        };
        match link {
            None => self.selection.columns = asked,
            Some(link) => self.selection.links[link.index()].columns = asked,
        }
        for child in of.children().filter(|it| it.has_tag_name("link-entity")) {
            if let Some(link) = self.link_of(child) {
                self.columns(child, Some(link))?;
            }
        }
        Ok(())
    }

    /// The column that an `attribute` asks for; `None` for the primary key, and for one that is
    /// computed.
    fn column(
        &mut self,
        child: Element<'_, '_>,
        link: Option<LinkNumber>,
    ) -> Checked<Option<ColumnId>> {
        self.check_attributes(child, &ATTRIBUTE)?;
        let name = self.required(child, "name")?;
        let span = self.place.span(name.range_value());
        let table = self.selection.table_of(link);
        let field = self.lowering.field_named(name.value(), span, table)?;
        if self.selection.aggregation.is_some() {
            return self.computed(child, Reached { link, field }).map(|()| None);
        }
        self.refuse_computing(child)?;
        Ok(match field {
            Field::Column(column) => Some(column),
            Field::Id => None,
        })
    }

    /// One value of an aggregation.
    fn computed(&mut self, child: Element<'_, '_>, of: Reached) -> Checked<()> {
        let alias = self.required(child, "alias")?;
        let name = Name::from(alias.value());
        let span = self.place.span(alias.range_value());
        if let Some(aggregation) = &self.selection.aggregation
            && Lowering::is_computed(&name, aggregation)
        {
            let message = format!("two values are called `{name}`");
            return Err(self.lowering.diagnostics.report(
                span,
                "duplicate name",
                message,
                "the same alias",
                None,
            ));
        }
        if self.flag(child, "groupby")? {
            let part = match child.attribute_node("dategrouping") {
                Some(part) => Some(self.date_part(part)?),
                None => None,
            };
            let span = self.span_of(child);
            self.lowering.check_date_part(part, of, span, &self.selection)?;
            if let Some(aggregation) = &mut self.selection.aggregation {
                aggregation.groups.push(Group { name, of, part });
            }
            return Ok(());
        }
        let Some(function) = child.attribute_node("aggregate") else {
            let message = "in an aggregate query an attribute is computed or grouped by";
            let label = "neither `aggregate` nor `groupby`";
            return Err(self.wrong(tag(child), "missing key", message, label, None));
        };
        let span = self.place.span(function.range_value());
        let function = self.lowering.aggregate_function(function.value(), span)?;
        let distinct = self.flag(child, "distinct")?;
        // How many rows there are does not depend on the column that is counted.
        let of = if function == AggregateFunction::Count { Reached::own(Field::Id) } else { of };
        self.lowering.check_measure((function, distinct), of, span, &self.selection)?;
        if let Some(aggregation) = &mut self.selection.aggregation {
            aggregation.measures.push(Measure { name, function, of, distinct });
        }
        Ok(())
    }

    fn date_part(&mut self, part: roxmltree::Attribute<'_, '_>) -> Checked<DatePart> {
        let span = self.place.span(part.range_value());
        let found = DATE_PARTS.iter().find(|(word, _)| *word == part.value());
        if let Some((_, part)) = found {
            return Ok(*part);
        }
        if part.value().starts_with("fiscal-") {
            return Err(self.lowering.diagnostics.report(
                span,
                "not supported",
                format!("`{}` is not supported", part.value()),
                "an organization has no fiscal year here",
                None,
            ));
        }
        let known = DATE_PARTS.iter().map(|(word, _)| *word);
        Err(self.lowering.diagnostics.unknown(span, "date grouping", part.value(), known))
    }

    /// What only an aggregate query has.
    fn refuse_computing(&mut self, child: Element<'_, '_>) -> Checked<()> {
        for name in ["aggregate", "groupby", "dategrouping"] {
            if let Some(attribute) = child.attribute_node(name) {
                let message = format!("`{name}` is for aggregate queries");
                let help = Some("`<fetch aggregate='true'>`".to_owned());
                let range = attribute.range_qname();
                return Err(self.wrong(range, "out of place", &message, "no such query", help));
            }
        }
        if let Some(alias) = child.attribute_node("alias") {
            let message = "an alias for a column is not supported";
            let help = Some("the answer has the column under its own name".to_owned());
            let range = alias.range_qname();
            return Err(self.wrong(range, "not supported", message, "only for aggregates", help));
        }
        Ok(())
    }

    /// The orders of an entity, or of a link.
    fn orders(&mut self, of: Element<'_, '_>, link: Option<LinkNumber>) -> Checked<()> {
        for child in of.children().filter(|it| it.has_tag_name("order")) {
            self.check_attributes(child, &ORDER)?;
            let descending = self.flag(child, "descending")?;
            let by = self.order_by(child, link)?;
            self.selection.order.push(Ordering { by, descending });
        }
        Ok(())
    }

    /// Source: Microsoft Learn, "Order rows using FetchXml": an aggregate is ordered by aliases;
    /// `entityname` orders by a linked table before others.
    fn order_by(&mut self, child: Element<'_, '_>, link: Option<LinkNumber>) -> Checked<OrderBy> {
        if let Some(aggregation) = self.selection.aggregation.clone() {
            let alias = self.required(child, "alias")?;
            let span = self.place.span(alias.range_value());
            return self.lowering.value_named(alias.value(), span, &aggregation);
        }
        let name = self.required(child, "attribute")?;
        let link = match child.attribute_node("entityname") {
            Some(entity) => Some(self.entity_named(entity)?),
            None => link,
        };
        let span = self.place.span(name.range_value());
        let table = self.selection.table_of(link);
        let field = self.lowering.field_named(name.value(), span, table)?;
        Ok(OrderBy::Field(Reached { link, field }))
    }

    /// The orders of links come after those of the entity, each after that of the link it hangs
    /// on.
    fn linked_orders(&mut self, of: Element<'_, '_>) -> Checked<()> {
        for child in of.children().filter(|it| it.has_tag_name("link-entity")) {
            if let Some(link) = self.link_of(child) {
                self.orders(child, Some(link))?;
                self.linked_orders(child)?;
            }
        }
        Ok(())
    }

    /// The link that `entityname` means: by its alias, or its table.
    fn entity_named(&mut self, name: roxmltree::Attribute<'_, '_>) -> Checked<LinkNumber> {
        let links = &self.selection.links;
        let tables = &self.lowering.plan.tables;
        let by_table = |link: &Link| *tables[link.table.index()].name == *name.value();
        let found = links.iter().position(|link| *link.name == *name.value());
        let found = found.or_else(|| links.iter().position(by_table));
        match found.and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(LinkNumber(number)),
            None => {
                let span = self.place.span(name.range_value());
                self.lowering.link_named(name.value(), span, &self.selection)
            }
        }
    }

    /// An element that does not belong here.
    fn unexpected(&mut self, child: Element<'_, '_>, known: &[&str]) -> Reported {
        let name = child.tag_name().name();
        let span = self.place.span(tag(child));
        if let Some((_, why)) = REFUSED_ELEMENTS.iter().find(|(refused, _)| *refused == name) {
            let message = format!("`{name}` is not supported");
            return self.lowering.diagnostics.report(span, "not supported", message, *why, None);
        }
        if known == ["entity"] && name == "entity" {
            let message = "a `fetch` has one `entity`";
            return self.lowering.diagnostics.report(
                span,
                "out of place",
                message,
                "this is the second",
                Some("`link-entity` reads the rows of other tables".to_owned()),
            );
        }
        self.lowering.diagnostics.unknown(span, "element", name, known.iter().copied())
    }

    fn span_of(&self, element: Element<'_, '_>) -> Span {
        self.place.span(tag(element))
    }

    fn wrong(
        &mut self,
        range: Range<usize>,
        code: &'static str,
        message: &str,
        label: &str,
        help: Option<String>,
    ) -> Reported {
        let span = self.place.span(range);
        self.lowering.diagnostics.report(span, code, message, label, help)
    }
}

/// The place of an element's name.
fn tag(element: Element<'_, '_>) -> Range<usize> {
    let start = element.range().start + 1;
    let document = element.document().input_text();
    let rest = document.get(start..).unwrap_or_default();
    let length = rest.find(|it: char| it.is_whitespace() || matches!(it, '/' | '>'));
    start..start + length.unwrap_or(rest.len())
}

fn has_all(of: Element<'_, '_>) -> bool {
    of.children().any(|it| it.has_tag_name("all-attributes"))
}
