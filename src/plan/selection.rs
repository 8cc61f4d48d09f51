//! Selections: what a query of the platform, or a `select` of a session, looks for.
//!
//! However a query is written, as FetchXML or in the step language's own words, it becomes one of
//! these: what the words mean is decided when they are read, and the engine knows one form only.

use serde::{Deserialize, Serialize};

use crate::plan::{Hints, Table};
use crate::words::{ColumnId, ColumnType, Expression, Name, TableId};

/// What a query looks for, and how.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Selection {
    /// The table.
    pub table: TableId,
    /// The condition on a row; every row when absent. `customer.country` in it, with a lookup
    /// `customer`, is a column of the row that the lookup points to; with a link `customer`, one
    /// of the linked row, and the condition is judged when the rows are joined.
    pub filter: Option<Expression>,
    /// The order of the answer; the table's own when empty: that of creation, until a new row
    /// takes the place of a deleted one.
    pub order: Vec<Ordering>,
    /// The most rows that are answered.
    pub top: Option<Expression>,
    /// The lookups whose rows are answered too.
    pub expand: Vec<ColumnId>,
    /// The columns that are asked for; `None` for all.
    pub columns: Option<Vec<ColumnId>>,
    /// How it departs from its transaction's isolation level.
    pub hints: Hints,
    /// The rows of other tables that belong to a row, each link after the one that it hangs on.
    pub links: Vec<Link>,
    /// What is computed over the rows, in place of answering them.
    pub aggregation: Option<Aggregation>,
    /// Whether of rows that are equal in all that is asked for only the first is answered.
    pub distinct: bool,
    /// Which part of the rows is answered; for a query of the platform without one, the first
    /// page of the largest size.
    pub page: Option<Paging>,
    /// Whether the rows are counted, too, beyond the page that is answered.
    pub counted: bool,
}

impl Selection {
    /// Every row of a table, with all its columns.
    pub const fn of(table: TableId) -> Self {
        Self {
            table,
            filter: None,
            order: Vec::new(),
            top: None,
            expand: Vec::new(),
            columns: None,
            hints: Hints::NONE,
            links: Vec::new(),
            aggregation: None,
            distinct: false,
            page: None,
            counted: false,
        }
    }

    /// The table whose rows a link gives; the selection's own without one.
    pub fn table_of(&self, link: Option<LinkNumber>) -> TableId {
        link.map_or(self.table, |link| self.links[link.index()].table)
    }
}

/// The position of a link in [`Selection::links`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkNumber(pub u16);

impl LinkNumber {
    /// The position as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The rows of another table that belong to each row: those whose `from` is the row's `to`.
///
/// Source: Microsoft Learn, "Join tables using FetchXml": `from` is the column of the linked
/// table, `to` that of the table it hangs on; either may be the lookup, so a link follows a
/// relationship to the one or to the many.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// What the query calls it; unique in the query.
    pub name: Name,
    /// The link whose rows it hangs on; `None` for the rows of the selection's own table.
    pub parent: Option<LinkNumber>,
    /// The linked table.
    pub table: TableId,
    /// The column of the linked table.
    pub from: Field,
    /// The column of the table that it hangs on.
    pub to: Field,
    /// What becomes of a row that has no linked row, and of one that has several.
    pub kind: LinkKind,
    /// A condition on the linked row, judged with the join: an outer link keeps the row when no
    /// linked row meets it.
    pub filter: Option<Expression>,
    /// The linked row's columns that are asked for; `None` for all.
    pub columns: Option<Vec<ColumnId>>,
}

impl Link {
    /// The most links of a query.
    ///
    /// Source: Microsoft Learn, "Join tables using FetchXml", Limitations (0x8004430D).
    pub const MOST: usize = 15;
}

/// What a link does with a row, by the linked rows that there are.
///
/// Source: Microsoft Learn, "link-entity element (FetchXml)", link-type and Filter link types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// The row is answered once for each linked row, and not at all without one.
    #[default]
    Inner,
    /// The same, but a row without one is answered once, with nothing linked.
    Outer,
    /// The row is answered once if there is a linked row, of which nothing is answered.
    Any,
    /// The row is answered if there is none.
    NotAny,
}

/// A column of a row, or its primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The primary key.
    Id,
    /// The column.
    Column(ColumnId),
}

impl Table {
    /// What sort of value a field of its rows holds: those of one sort can be compared.
    pub fn sort_of(&self, field: Field) -> &'static str {
        let Field::Column(column) = field else {
            return "a unique id";
        };
        match self.columns[column.index()].kind {
            ColumnType::Text { .. } | ColumnType::Choice(_) => "text",
            ColumnType::Whole | ColumnType::Decimal | ColumnType::Money => "a number",
            ColumnType::DateTime => "a date-time",
            ColumnType::Boolean => "a boolean",
            ColumnType::Lookup(_) | ColumnType::UniqueId => "a unique id",
        }
    }
}

/// A field of the row itself, or of a row that is linked to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reached {
    /// By which link; `None` for the row itself.
    pub link: Option<LinkNumber>,
    /// The field.
    pub field: Field,
}

impl Reached {
    /// A field of the row itself.
    pub const fn own(field: Field) -> Self {
        Self { link: None, field }
    }
}

/// One thing by which an answer is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ordering {
    /// What.
    pub by: OrderBy,
    /// From the largest to the smallest. Default false.
    pub descending: bool,
}

impl Ordering {
    /// By a column of the row itself.
    pub const fn of(column: ColumnId, descending: bool) -> Self {
        Self { by: OrderBy::Field(Reached::own(Field::Column(column))), descending }
    }
}

/// What an answer is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderBy {
    /// A field of the rows.
    Field(Reached),
    /// A value of an aggregation: its groups count from 0, and its measures after them.
    Value(u16),
}

/// What is computed over the rows of a query.
///
/// Source: Microsoft Learn, "Aggregate data using FetchXml".
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Aggregation {
    /// What the rows are grouped by; empty for one group of all rows.
    pub groups: Vec<Group>,
    /// What is computed over each group.
    pub measures: Vec<Measure>,
    /// The most rows that are looked at, where the query says fewer than the platform allows
    /// (`aggregatelimit`).
    pub most: Option<u64>,
}

/// One thing that rows are grouped by.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Group {
    /// What the answer calls it.
    pub name: Name,
    /// The field.
    pub of: Reached,
    /// The part of a date that is meant; `None` for the whole value.
    pub part: Option<DatePart>,
}

/// A part of a date by which rows are grouped, as a number: day 1 to 31, week 1 to 53 (the first
/// has January 1st, each begins on a Sunday), month 1 to 12, quarter 1 to 4, year.
///
/// Source: Microsoft Learn, "Aggregate data using FetchXml", Grouping by parts of a date. Assumed:
/// weeks are counted as by SQL Server's DATEPART(week), in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the type says it")]
pub enum DatePart {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// One value that is computed over a group.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Measure {
    /// What the answer calls it.
    pub name: Name,
    /// How it is computed.
    pub function: AggregateFunction,
    /// Over which field. For [`AggregateFunction::Count`] always the primary key.
    pub of: Reached,
    /// Whether equal values count once.
    pub distinct: bool,
}

/// How a value is computed over the rows of a group. Nulls don't count, except for `Count`.
///
/// Source: Microsoft Learn, "Aggregate data using FetchXml", with its examples: the sum over no
/// value is 0, the average of whole numbers is whole. Assumed: toward zero, as SQL Server's
/// AVG(int); average, minimum and maximum over no value are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AggregateFunction {
    /// The number of rows.
    Count,
    /// The number of values that are not null.
    CountColumn,
    /// The sum.
    Sum,
    /// The average.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl AggregateFunction {
    /// Why it can't be computed over values of this sort ([`Table::sort_of`]), and what is wrong
    /// with them; `None` where it can.
    ///
    /// Source: Microsoft Learn, "Aggregate data using FetchXml", Distinct column values: with
    /// `countcolumn`.
    pub fn objection(self, distinct: bool, sort: &str) -> Option<(&'static str, String)> {
        match self {
            _ if distinct && self != Self::CountColumn => Some((
                "only `countcolumn` counts distinct values",
                "`distinct` means nothing here".to_owned(),
            )),
            Self::Sum | Self::Avg if sort != "a number" => {
                Some(("sums and averages are of numbers", format!("this is {sort}")))
            }
            Self::Min | Self::Max if !matches!(sort, "a number" | "a date-time") => Some((
                "only numbers and dates have a smallest and a largest",
                format!("this is {sort}"),
            )),
            _ => None,
        }
    }
}

/// Which part of the rows is answered. A page is computed from the rows as they are when it is
/// asked for; nothing is kept from one page to the next.
///
/// Source: Microsoft Learn, "Page results using FetchXml". Assumed: that nothing is kept; the page
/// speaks of the first and last row in the cookie, and of no snapshot.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub struct Paging {
    /// How many rows; the largest size when absent.
    pub size: Option<Expression>,
    /// The number of the page, from 1. Default 1.
    pub number: Option<Expression>,
    /// The cookie that came with the page before; null counts as none.
    pub cookie: Option<Expression>,
}

/// What a query of the platform answers beside its rows.
///
/// Source: Microsoft Learn, "EntityCollection Class": MoreRecords, PagingCookie,
/// TotalRecordCount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerPart {
    /// Whether there are more rows than were answered.
    More,
    /// The cookie for the next page; null where there is none, or where the query allows none.
    Cookie,
    /// How many rows there are, at most 5,000; -1 when they were not asked to be counted.
    TotalCount,
}
