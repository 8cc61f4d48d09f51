//! Links of queries: by which columns two tables belong together, and the names by which what is
//! linked is known.

use crate::plan::{Field, Link, LinkKind, LinkNumber, Reached, Selection};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::source::Span;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::Node;
use crate::words::{ColumnId, ColumnType, InstanceId, TableId};

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
    /// The links of `link`, each with those that hang on it.
    pub(super) fn links(
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
            let parent_table = selection.table_of(parent);
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
        if selection.links.len() <= Link::MOST {
            return Ok(());
        }
        Err(self.diagnostics.report(
            span,
            "limit: links",
            format!("a query has at most {} links", Link::MOST),
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
        self.plan.tables[table.index()].sort_of(field)
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
}
