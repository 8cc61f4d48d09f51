//! Links of queries in Rust: the rows of other tables that belong to a row.

use crate::engine::ask::named;
use crate::engine::asking::Asking;
use crate::engine::plug_in::Condition;
use crate::engine::plug_in::condition::check;
use crate::engine::query::refused;
use crate::fault::Fault;
use crate::plan::{Field, Link, LinkKind, LinkNumber, Reached, Selection};
use crate::words::{Expression, Name, TableId};

/// The rows of another table that belong to each row of a query, for [`super::Rows::link`]: those
/// whose one column is equal to the row's other one. `id` is the primary key.
///
/// ```
/// use multiverse::plan::LinkKind;
/// use multiverse::plug_in::{Linked, Rows, column};
///
/// let grown = Linked::of("contact", "company", "id").only(column("age").at_least(18));
/// let _ = Rows::of("account").link(grown.kind(LinkKind::Outer).columns(&["name"]));
/// ```
///
/// The linked row stands beside the row under the link's name ([`crate::words::Record::behind`]).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Linked {
    name: Name,
    table: Name,
    from: Name,
    to: Name,
    kind: LinkKind,
    filter: Option<Expression>,
    columns: Option<Vec<Name>>,
    links: Vec<Self>,
}

impl Linked {
    /// The rows of `table` whose column `from` is the column `to` of the row that they belong to;
    /// an inner join, called as the table.
    pub fn of(table: &str, from: &str, to: &str) -> Self {
        Self {
            name: Name::from(table),
            table: Name::from(table),
            from: Name::from(from),
            to: Name::from(to),
            kind: LinkKind::Inner,
            filter: None,
            columns: None,
            links: Vec::new(),
        }
    }

    /// Calls it so in the query.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.name = Name::from(name);
        self
    }

    /// What becomes of a row that has no linked row, and of one that has several.
    #[must_use]
    pub const fn kind(mut self, kind: LinkKind) -> Self {
        self.kind = kind;
        self
    }

    /// Only the linked rows that meet this condition, too.
    #[must_use]
    pub fn only(mut self, condition: Condition) -> Self {
        self.filter = Some(condition.and(self.filter));
        self
    }

    /// Answers these columns of the linked row only.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(named(columns));
        self
    }

    /// And the rows that belong to each linked row.
    #[must_use]
    pub fn link(mut self, linked: Self) -> Self {
        self.links.push(linked);
        self
    }

    /// Adds it to a selection, with those that hang on it.
    pub(super) fn add_to(
        &self,
        selection: &mut Selection,
        parent: Option<LinkNumber>,
        asking: Asking<'_>,
    ) -> Result<(), Fault> {
        let number = selection.links.len();
        if number >= Link::MOST {
            let message = "Number of link entities in query exceeded maximum limit.";
            return Err(refused(message.to_owned()));
        }
        let (above, table) = (selection.table_of(parent), asking.table(&self.table)?);
        let own = asking.0.table(selection.table);
        let name = self.name.clone();
        if own.column(&name).is_some() || &*name == "id" || linked(selection, &name).is_some() {
            return Err(refused(format!("The link name `{name}` means something else already.")));
        }
        let from = field(asking, table, &self.from)?;
        let to = field(asking, above, &self.to)?;
        let sorts = [(table, from), (above, to)].map(|(of, it)| asking.0.table(of).sort_of(it));
        if sorts[0] != sorts[1] {
            let message = format!("The link `{name}`: {} never equals {}.", sorts[0], sorts[1]);
            return Err(refused(message));
        }
        if let Some(filter) = &self.filter {
            check(asking, (None, table), filter)?;
        }
        let is_asked = !matches!(self.kind, LinkKind::Any | LinkKind::NotAny);
        if !is_asked && !self.links.is_empty() {
            let message = "A link that only asks whether there are rows answers none.";
            return Err(refused(message.to_owned()));
        }
        let columns = match &self.columns {
            Some(columns) if is_asked => Some(asking.columns(table, columns)?),
            None if is_asked => None,
            _ => Some(Vec::new()),
        };
        let (kind, filter) = (self.kind, self.filter.clone());
        selection.links.push(Link { name, parent, table, from, to, kind, filter, columns });
        let number = LinkNumber(u16::try_from(number).unwrap_or(u16::MAX));
        self.links.iter().try_for_each(|inner| inner.add_to(selection, Some(number), asking))
    }
}

/// The link of a selection that is called so.
pub(super) fn linked<'s>(selection: &'s Selection, name: &str) -> Option<(LinkNumber, &'s Link)> {
    let numbered = (0..).map(LinkNumber).zip(&selection.links);
    numbered.into_iter().find(|(_, link)| *link.name == *name)
}

/// A field of a table by its name: a column, or `id`.
pub(super) fn field(asking: Asking<'_>, table: TableId, name: &str) -> Result<Field, Fault> {
    match name {
        "id" => Ok(Field::Id),
        name => asking.column(table, name).map(Field::Column),
    }
}

/// A field of a selection's rows by its name: `column`, or `link.column`.
pub(super) fn reached(
    asking: Asking<'_>,
    selection: &Selection,
    name: &str,
) -> Result<Reached, Fault> {
    let behind = name.split_once('.').and_then(|(link, of)| Some((linked(selection, link)?, of)));
    match behind {
        Some(((number, link), name)) => {
            let field = field(asking, link.table, name)?;
            Ok(Reached { link: Some(number), field })
        }
        None => field(asking, selection.table, name).map(Reached::own),
    }
}
