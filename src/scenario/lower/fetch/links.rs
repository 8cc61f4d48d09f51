//! The links of FetchXML: `link-entity`, beside the columns or inside a filter.
//!
//! Source: Microsoft Learn, "link-entity element (FetchXml)": `exists` and `in` answer a row once
//! if there is a linked one, as `any` does inside a filter; `not all` is another word for `any`;
//! `all` wants linked rows of which none meets the filter.

use roxmltree::Node as Element;

use crate::plan::{Link, LinkKind, LinkNumber};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::fetch::attributes::LINK;
use crate::scenario::lower::fetch::{Reader, tag};
use crate::scenario::lower::links::Joint;
use crate::words::{Expression, Name};

/// What a link's type means.
enum LinkType {
    /// This kind of link.
    Kind(LinkKind),
    /// A link that wants rows, and one that wants none of them to meet the filter.
    All,
}

/// The types of links, and whether each stands inside a filter.
const TYPES: &[(&str, bool, LinkType)] = &[
    ("inner", false, LinkType::Kind(LinkKind::Inner)),
    ("outer", false, LinkType::Kind(LinkKind::Outer)),
    ("exists", false, LinkType::Kind(LinkKind::Any)),
    ("in", false, LinkType::Kind(LinkKind::Any)),
    ("any", true, LinkType::Kind(LinkKind::Any)),
    ("not any", true, LinkType::Kind(LinkKind::NotAny)),
    ("not all", true, LinkType::Kind(LinkKind::Any)),
    ("all", true, LinkType::All),
];

const INSIDE: &[&str] = &["attribute", "all-attributes", "order", "filter", "link-entity"];

impl Reader<'_, '_, '_> {
    /// The links that hang on an entity or a link, those in its filters included, each with those
    /// that hang on it.
    pub(super) fn links(&mut self, of: Element<'_, '_>, parent: Option<LinkNumber>) -> Checked<()> {
        self.check_children(of, INSIDE)?;
        for child in of.children().filter(Element::is_element) {
            match child.tag_name().name() {
                "link-entity" => self.link(child, parent, false)?,
                "filter" => self.links_of_filter(child, parent, true)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The links inside a filter. They must hold beside everything else.
    fn links_of_filter(
        &mut self,
        filter: Element<'_, '_>,
        parent: Option<LinkNumber>,
        all_hold: bool,
    ) -> Checked<()> {
        let all_hold = all_hold && filter.attribute("type") != Some("or");
        for child in filter.children().filter(Element::is_element) {
            match child.tag_name().name() {
                "filter" => self.links_of_filter(child, parent, all_hold)?,
                "link-entity" if !all_hold => {
                    let message = "a link inside an `or` is not supported";
                    let label = "rows are linked whatever else holds";
                    return Err(self.wrong(tag(child), "not supported", message, label, None));
                }
                "link-entity" => self.link(child, parent, true)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn link(
        &mut self,
        element: Element<'_, '_>,
        parent: Option<LinkNumber>,
        in_filter: bool,
    ) -> Checked<()> {
        self.check_attributes(element, &LINK)?;
        let kind = self.link_type(element, in_filter)?;
        let name = self.required(element, "name")?;
        let span = self.place.span(name.range_value());
        let table = self.lowering.table_named(name.value(), span)?;
        self.lowering.check_linked(table, span, self.instance)?;
        let named = |key: &str| element.attribute_node(key);
        let (from, to) = (named("from"), named("to"));
        let joint = Joint {
            parent: self.selection.table_of(parent),
            table,
            from: from.as_ref().map(|it| (it.value(), self.place.span(it.range_value()))),
            to: to.as_ref().map(|it| (it.value(), self.place.span(it.range_value()))),
            span: self.span_of(element),
        };
        let (from, to) = self.lowering.join_fields(&joint)?;
        let name = match element.attribute_node("alias") {
            Some(alias) => {
                let (name, span) = (alias.value(), self.place.span(alias.range_value()));
                self.lowering.check_link_name(name, span, &self.selection, self.body)?;
                Name::from(name)
            }
            None => self.free_name(name.value()),
        };
        let number = LinkNumber(u16::try_from(self.selection.links.len()).unwrap_or(u16::MAX));
        let first = match kind {
            LinkType::Kind(kind) => *kind,
            LinkType::All => LinkKind::Any,
        };
        self.numbers.push((element.range().start, number));
        let link = Link {
            name,
            parent,
            table,
            from,
            to,
            kind: first,
            filter: None,
            columns: Some(Vec::new()),
        };
        self.selection.links.push(link.clone());
        if matches!(first, LinkKind::Any | LinkKind::NotAny) {
            self.refuse_rows_of(element)?;
        }
        let filter = self.filters(element, Some(number))?;
        match kind {
            LinkType::Kind(_) => self.selection.links[number.index()].filter = filter,
            LinkType::All => self.none_of(link, filter),
        }
        self.links(element, Some(number))
    }

    /// Of the rows of a link none may meet its filter.
    fn none_of(&mut self, link: Link, filter: Option<Expression>) {
        let name = self.free_name(&link.name);
        self.selection.links.push(Link { name, kind: LinkKind::NotAny, filter, ..link });
    }

    fn link_type(
        &mut self,
        element: Element<'_, '_>,
        in_filter: bool,
    ) -> Checked<&'static LinkType> {
        let Some(attribute) = element.attribute_node("link-type") else {
            if in_filter {
                let message = "a link inside a filter says `any`, `not any`, `all` or `not all`";
                let label = "`link-type` is missing";
                return Err(self.wrong(tag(element), "missing key", message, label, None));
            }
            return Ok(&LinkType::Kind(LinkKind::Inner));
        };
        let found = TYPES.iter().find(|(word, ..)| *word == attribute.value());
        let Some((word, inside, kind)) = found else {
            if attribute.value() == "matchfirstrowusingcrossapply" {
                let message = "`matchfirstrowusingcrossapply` is not supported";
                let label = "which row is the first is not defined";
                let range = attribute.range_value();
                return Err(self.wrong(range, "not supported", message, label, None));
            }
            let span = self.place.span(attribute.range_value());
            let known = TYPES.iter().map(|(word, ..)| *word);
            let diagnostics = &mut self.lowering.diagnostics;
            return Err(diagnostics.unknown(span, "link type", attribute.value(), known));
        };
        if *inside == in_filter {
            return Ok(kind);
        }
        let (message, label) = match inside {
            true => (format!("a link with `{word}` stands inside a filter"), "this one does not"),
            false => {
                (format!("a link with `{word}` stands beside the filter"), "this one is in it")
            }
        };
        Err(self.wrong(attribute.range_value(), "out of place", &message, label, None))
    }

    /// A link that only asks whether there are rows answers nothing of them.
    fn refuse_rows_of(&mut self, element: Element<'_, '_>) -> Checked<()> {
        let extra = element.children().filter(Element::is_element);
        let mut extra = extra.filter(|it| it.tag_name().name() != "filter");
        match extra.next() {
            None => Ok(()),
            Some(extra) => {
                let message = "a link that only asks whether there are rows answers none";
                let label = "nothing of them is at hand";
                Err(self.wrong(tag(extra), "out of place", message, label, None))
            }
        }
    }

    /// A name for a link without an alias: its table's, with a number where that is taken.
    fn free_name(&self, table: &str) -> Name {
        let columns = &self.lowering.plan.tables[self.selection.table.index()];
        let is_free = |name: &str| {
            columns.column(name).is_none()
                && !matches!(name, "row" | "id")
                && self.selection.links.iter().all(|link| *link.name != *name)
                && !self.body.bindings.contains_key(name)
        };
        let numbered = (1..).map(|number: u32| format!("{table}{number}"));
        let mut names = std::iter::once(table.to_owned()).chain(numbered);
        names.find(|name| is_free(name)).unwrap_or_default().into()
    }

    /// The link that an element became.
    pub(super) fn link_of(&self, element: Element<'_, '_>) -> Option<LinkNumber> {
        let start = element.range().start;
        self.numbers.iter().find(|(at, _)| *at == start).map(|(_, number)| *number)
    }
}
