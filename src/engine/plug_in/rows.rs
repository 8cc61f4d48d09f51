//! Queries in Rust: which rows, by names and typed values.

use crate::engine::ask::named;
use crate::engine::asking::Asking;
use crate::engine::plug_in::condition::check;
use crate::engine::plug_in::linked::reached;
use crate::engine::plug_in::{Condition, Linked};
use crate::engine::query::refused;
use crate::fault::Fault;
use crate::plan::{
    AggregateFunction, Aggregation, DatePart, Field, Group, Measure, OrderBy, Ordering, Paging,
    Reached, Selection,
};
use crate::words::{Expression, Name, Value};

/// The rows of a table that a query finds: all, until it says less.
///
/// ```
/// use multiverse::plug_in::{Rows, column};
///
/// let _ = Rows::of("contact")
///     .only(column("age").at_least(18) & column("company.country").equal("DE"))
///     .columns(&["name"])
///     .order_by("name")
///     .top(10);
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Rows {
    table: Name,
    filter: Option<Expression>,
    columns: Option<Vec<Name>>,
    expand: Vec<Name>,
    /// By which columns, and whether from the largest to the smallest.
    order: Vec<(Name, bool)>,
    top: Option<u32>,
    links: Vec<Linked>,
    /// The names in the answer, the columns, and the parts of dates.
    groups: Vec<(Name, Name, Option<DatePart>)>,
    measures: Vec<Computed>,
    distinct: bool,
    counted: bool,
    page: Option<Part>,
}

/// One value that is computed over the rows of a group.
#[derive(Clone, Debug, PartialEq, Hash)]
struct Computed {
    name: Name,
    function: AggregateFunction,
    column: Name,
    distinct: bool,
}

/// Which part of the rows is answered.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
struct Part {
    size: Option<u32>,
    number: Option<u32>,
    cookie: Option<Name>,
}

impl Rows {
    /// Every row of a table, with all its columns, in the table's own order: that of creation,
    /// until a new row takes the place of a deleted one.
    pub fn of(table: &str) -> Self {
        Self {
            table: Name::from(table),
            filter: None,
            columns: None,
            expand: Vec::new(),
            order: Vec::new(),
            top: None,
            links: Vec::new(),
            groups: Vec::new(),
            measures: Vec::new(),
            distinct: false,
            counted: false,
            page: None,
        }
    }

    /// Only the rows that meet this condition, too.
    #[must_use]
    pub fn only(mut self, condition: Condition) -> Self {
        self.filter = Some(condition.and(self.filter));
        self
    }

    /// Answers these columns only.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(named(columns));
        self
    }

    /// Answers the row that a lookup points to, too; see [`crate::words::Record::behind`].
    #[must_use]
    pub fn expand(mut self, lookup: &str) -> Self {
        self.expand.push(Name::from(lookup));
        self
    }

    /// From the smallest value of the column to the largest, null first; after what was said
    /// before. Of what is computed by the name of a value, else also by `link.column`.
    #[must_use]
    pub fn order_by(mut self, column: &str) -> Self {
        self.order.push((Name::from(column), false));
        self
    }

    /// From the largest value of the column to the smallest; after what was said before.
    #[must_use]
    pub fn descending_by(mut self, column: &str) -> Self {
        self.order.push((Name::from(column), true));
        self
    }

    /// The first so many rows. The platform refuses more than 5,000.
    #[must_use]
    pub const fn top(mut self, top: u32) -> Self {
        self.top = Some(top);
        self
    }

    /// With the rows of another table that belong to each row, 15 links at most. Conditions and
    /// orders name their columns `link.column`.
    #[must_use]
    pub fn link(mut self, linked: Linked) -> Self {
        self.links.push(linked);
        self
    }

    /// Of rows that are equal in all that is asked for, only the first.
    #[must_use]
    pub const fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }

    /// Computes what [`Rows::aggregate`] says for each value of this column, or for each month or
    /// other part of its dates. The value stands in the answer under `name`.
    #[must_use]
    pub fn group_by(mut self, name: &str, column: &str, part: Option<DatePart>) -> Self {
        self.groups.push((Name::from(name), Name::from(column), part));
        self
    }

    /// Computes a value over the rows of each group, or over all, in place of answering them. It
    /// stands in the answer under `name`. [`AggregateFunction::Count`] wants `id`.
    #[must_use]
    pub fn aggregate(mut self, name: &str, function: AggregateFunction, column: &str) -> Self {
        let (name, column) = (Name::from(name), Name::from(column));
        self.measures.push(Computed { name, function, column, distinct: false });
        self
    }

    /// Counts the different values of a column likewise.
    #[must_use]
    pub fn count_distinct(mut self, name: &str, column: &str) -> Self {
        let (name, column) = (Name::from(name), Name::from(column));
        let function = AggregateFunction::CountColumn;
        self.measures.push(Computed { name, function, column, distinct: true });
        self
    }

    /// Pages of so many rows, from 1 to 5,000; the first, unless [`Rows::page`] or
    /// [`Rows::after`] says otherwise. [`super::Context::retrieve_page`] answers what is told
    /// beside the rows.
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page.get_or_insert_default().size = Some(size);
        self
    }

    /// The page of this number, from 1. The platform counts no further than 50,000 rows so.
    #[must_use]
    pub fn page(mut self, number: u32) -> Self {
        self.page.get_or_insert_default().number = Some(number);
        self
    }

    /// The page after the one with which this cookie came.
    #[must_use]
    pub fn after(mut self, cookie: &str) -> Self {
        self.page.get_or_insert_default().cookie = Some(Name::from(cookie));
        self
    }

    /// Counts the rows, too, beyond the page that is answered; up to 5,000.
    #[must_use]
    pub const fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    /// The table.
    pub(in crate::engine) fn table(&self) -> &str {
        &self.table
    }

    /// The same in the plan's form.
    ///
    /// # Errors
    ///
    /// It names a table or column that is not there.
    pub(in crate::engine) fn selection(&self, asking: Asking<'_>) -> Result<Selection, Fault> {
        let table = asking.table(&self.table)?;
        let mut selection = Selection::of(table);
        for linked in &self.links {
            linked.add_to(&mut selection, None, asking)?;
        }
        if let Some(filter) = &self.filter {
            check(asking, (Some(&selection), table), filter)?;
            selection.filter = Some(filter.clone());
        }
        if let Some(columns) = &self.columns {
            selection.columns = Some(asking.columns(table, columns)?);
        }
        selection.expand = asking.columns(table, &self.expand)?;
        selection.aggregation = self.aggregation(&selection, asking)?;
        if selection.aggregation.is_some() {
            selection.links.iter_mut().for_each(|link| link.columns = Some(Vec::new()));
        }
        for (name, descending) in &self.order {
            let by = self.ordering(name, &selection, asking)?;
            selection.order.push(Ordering { by, descending: *descending });
        }
        selection.top = self.top.map(number);
        (selection.distinct, selection.counted) = (self.distinct, self.counted);
        if let Some(Part { size, number: page, cookie }) = &self.page {
            if self.top.is_some() {
                return Err(refused("An answer is limited by a top or by pages.".to_owned()));
            }
            let cookie = cookie.clone().map(|it| Expression::Literal(Value::Text(it)));
            selection.page =
                Some(Paging { size: size.map(number), number: page.map(number), cookie });
        }
        Ok(selection)
    }

    /// What it computes; `None` where it answers rows.
    fn aggregation(
        &self,
        selection: &Selection,
        asking: Asking<'_>,
    ) -> Result<Option<Aggregation>, Fault> {
        if self.groups.is_empty() && self.measures.is_empty() {
            return Ok(None);
        }
        if self.columns.is_some() || !self.expand.is_empty() {
            return Err(refused("What is computed has no columns of rows.".to_owned()));
        }
        let sort = |of: Reached| asking.0.table(selection.table_of(of.link)).sort_of(of.field);
        let mut groups = Vec::with_capacity(self.groups.len());
        for (name, column, part) in &self.groups {
            let of = reached(asking, selection, column)?;
            if part.is_some() && sort(of) != "a date-time" {
                return Err(refused(format!("Only a date has parts: `{column}` is {}.", sort(of))));
            }
            groups.push(Group { name: name.clone(), of, part: *part });
        }
        let mut measures = Vec::with_capacity(self.measures.len());
        for Computed { name, function, column, distinct } in &self.measures {
            let (function, distinct) = (*function, *distinct);
            let of = reached(asking, selection, column)?;
            let is_count = function == AggregateFunction::Count;
            if is_count && of != Reached::own(Field::Id) {
                return Err(refused("A count is of `id`: it counts rows.".to_owned()));
            }
            if let Some((why, what)) = function.objection(distinct, sort(of)) {
                return Err(refused(format!("`{name}`: {why}; {what}.")));
            }
            measures.push(Measure { name: name.clone(), function, of, distinct });
        }
        Ok(Some(Aggregation { groups, measures, most: None }))
    }

    /// What a name says that the answer is ordered by.
    fn ordering(
        &self,
        name: &str,
        selection: &Selection,
        asking: Asking<'_>,
    ) -> Result<OrderBy, Fault> {
        if selection.aggregation.is_none() {
            return reached(asking, selection, name).map(OrderBy::Field);
        }
        let groups = self.groups.iter().map(|(name, ..)| name);
        let mut values = groups.chain(self.measures.iter().map(|it| &it.name));
        let found = values.position(|it| **it == *name).and_then(|it| u16::try_from(it).ok());
        found
            .map(OrderBy::Value)
            .ok_or_else(|| refused(format!("Nothing that is computed is called `{name}`.")))
    }
}

fn number(number: u32) -> Expression {
    Expression::Literal(Value::Whole(i64::from(number)))
}
