//! From the rows that a query has found to what it answers: sorted, without repetitions, cut to a
//! page, or computed into one row for each group.
//!
//! A page is cut from the rows as they are now. With a number, so many rows are skipped; with a
//! cookie, everything up to the row that the cookie names by its values. So rows that were added
//! or removed before the page shift what a number means, and not what a cookie means.

use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::engine::database::aggregate::aggregated;
use crate::engine::database::cookie::Cookie;
use crate::engine::database::execution::Query;
use crate::engine::database::join::{Join, column_of, value_of};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Field, Link, LinkKind, LinkNumber, OrderBy, Ordering, Plan, Reached};
use crate::words::evaluate::compare_for_order;
use crate::words::{ColumnId, Name, Record, Value};

/// The rows that a query has found so far.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(super) struct Gathered {
    pub(super) records: Vec<Record>,
    /// What became of them, when the query is done.
    pub(super) answer: Option<Box<Answered>>,
}

/// What a query answers.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Answered {
    /// The rows, in their order.
    pub records: Vec<Record>,
    /// What is told beside them.
    pub beside: Beside,
}

/// What is told beside the rows of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Beside {
    /// Whether there are more rows.
    pub more: bool,
    /// The cookie for the next page.
    pub cookie: Option<Name>,
    /// How many rows there are; `None` when they were not to be counted.
    pub total: Option<u64>,
}

/// Which part of the rows is answered.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Page {
    /// How many rows.
    pub size: u64,
    /// Its number, from 1.
    pub number: u64,
    /// The values by which rows are ordered, of the last row of the page before.
    pub after: Option<Vec<Value>>,
    /// Whether the query asks for pages; else it is the first of the largest size.
    pub is_asked: bool,
}

impl Gathered {
    /// Adds a row, or a combination of rows.
    ///
    /// # Errors
    ///
    /// More rows are to be computed over than the platform allows.
    pub(super) fn push(&mut self, record: Record, query: &Query, plan: &Plan) -> Result<(), Fault> {
        if let Some(aggregation) = &query.aggregation {
            let limit = u64::from(plan.limits.aggregated_rows);
            let most = aggregation.most.map_or(limit, |most| most.min(limit));
            if self.records.len() as u64 >= most {
                return Err(too_many_to_aggregate());
            }
        }
        self.records.push(record);
        Ok(())
    }

    /// Whether there are as many rows as the query wants, and which ones does not matter.
    pub(super) fn is_enough(&self, query: &Query) -> bool {
        query.enough().is_some_and(|enough| self.records.len() as u64 >= enough)
    }

    /// Makes the answer of all that was found.
    ///
    /// # Errors
    ///
    /// A sum is too large.
    pub(super) fn conclude(&mut self, query: &Query, plan: &Plan) -> Result<(), Fault> {
        let mut records = std::mem::take(&mut self.records);
        if let Some(aggregation) = &query.aggregation {
            records = aggregated(&records, aggregation, query)?;
        }
        sort(&mut records, &query.order, &query.links);
        let mut beside = Beside::default();
        let limits = &plan.limits;
        if query.distinct {
            keep_columns(&mut records, query);
            keep_distinct(&mut records, query);
        }
        if query.counted {
            beside.total = Some((records.len() as u64).min(u64::from(limits.page_size)));
        }
        let mut keys = None;
        if let Some(page) = &query.page {
            keys = cut(&mut records, page, query, &mut beside);
        }
        if let Some(top) = query.top {
            records.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        if let (true, Some(page), Some((first, last))) = (beside.more, &query.page, keys) {
            let cookie = Cookie { page: page.number, first, last };
            beside.cookie = Some(cookie.text(plan, query).into());
        }
        if !query.distinct {
            keep_columns(&mut records, query);
        }
        self.answer = Some(Box::new(Answered { records, beside }));
        Ok(())
    }
}

/// Source: Microsoft Learn, "Aggregate data using FetchXml", Limitations.
fn too_many_to_aggregate() -> Fault {
    let message = "The maximum record limit is exceeded. Reduce the number of records.";
    Fault::new(FaultKind::AggregateLimitExceeded, message)
}

/// Cuts rows to a page; answers the ordering values of its first and last row.
fn cut(
    records: &mut Vec<Record>,
    page: &Page,
    query: &Query,
    beside: &mut Beside,
) -> Option<(Vec<Value>, Vec<Value>)> {
    let skipped = match &page.after {
        Some(after) => records.partition_point(|record| {
            let mut order = Order::Equal;
            for (by, last) in query.order.iter().zip(after) {
                order = order.then_with(|| compare(&key(record, by, &query.links), last, by));
            }
            order.is_le()
        }),
        None => usize::try_from((page.number - 1).saturating_mul(page.size)).unwrap_or(usize::MAX),
    };
    records.drain(..skipped.min(records.len()));
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    beside.more = records.len() > size;
    records.truncate(size);
    let keys_of = |record: &Record| -> Vec<Value> {
        query.order.iter().map(|by| key(record, by, &query.links)).collect()
    };
    let (first, last) = (records.first()?, records.last()?);
    query.has_cookies().then(|| (keys_of(first), keys_of(last)))
}

/// Leaves the columns that were asked for.
fn keep_columns(records: &mut [Record], query: &Query) {
    if query.aggregation.is_some() {
        return;
    }
    for record in records {
        if let Some(select) = &query.select {
            record.columns.retain(|(column, _, _)| select.contains(column));
        }
        keep_linked_columns(record, &query.links);
    }
}

fn keep_linked_columns(record: &mut Record, links: &[Link]) {
    if links.is_empty() {
        return;
    }
    for (name, linked) in &mut record.expanded {
        let Some(link) = links.iter().find(|link| link.name == *name) else { continue };
        let linked = Arc::make_mut(linked);
        if let Some(columns) = &link.columns {
            linked.columns.retain(|(column, _, _)| columns.contains(column));
        }
        keep_linked_columns(linked, links);
    }
}

/// Leaves the first of rows that are equal in all that was asked for.
///
/// Source: Microsoft Learn, "Filter rows using FetchXml" (earlier "Returning distinct results").
/// Assumed: with all columns the primary key is among them, so that no two rows are equal; else
/// the first in the order of the answer stands for the others.
fn keep_distinct(records: &mut Vec<Record>, query: &Query) {
    let mut seen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut kept: Vec<Record> = Vec::new();
    for record in std::mem::take(records) {
        let identity = |it: &Record| {
            let mut state = DefaultHasher::new();
            identify(it, query.select.is_none(), &query.links, &mut state);
            state.finish()
        };
        let alike = seen.entry(identity(&record)).or_default();
        let is_known = alike
            .iter()
            .any(|other| is_same(&kept[*other], &record, query.select.is_none(), &query.links));
        if !is_known {
            alike.push(kept.len());
            kept.push(record);
        }
    }
    *records = kept;
}

fn identify(record: &Record, whole: bool, links: &[Link], state: &mut impl Hasher) {
    if whole {
        record.id.hash(state);
    }
    record.columns.hash(state);
    for (name, linked) in &record.expanded {
        name.hash(state);
        identify(linked, is_asked_whole(links, name), links, state);
    }
}

fn is_same(a: &Record, b: &Record, whole: bool, links: &[Link]) -> bool {
    (!whole || a.id == b.id)
        && a.columns == b.columns
        && a.expanded.len() == b.expanded.len()
        && a.expanded.iter().zip(&b.expanded).all(|((name, a), (other, b))| {
            name == other && is_same(a, b, is_asked_whole(links, name), links)
        })
}

fn is_asked_whole(links: &[Link], name: &str) -> bool {
    links.iter().find(|link| *link.name == *name).is_none_or(|link| link.columns.is_none())
}

/// Puts rows into the order that the query asks for; rows that are equal in it stay as they were.
fn sort(records: &mut [Record], order: &[Ordering], links: &[Link]) {
    if order.is_empty() {
        return;
    }
    records.sort_by(|a, b| {
        for by in order {
            let order = compare(&key(a, by, links), &key(b, by, links), by);
            if order.is_ne() {
                return order;
            }
        }
        Order::Equal
    });
}

fn compare(a: &Value, b: &Value, by: &Ordering) -> Order {
    let order = compare_for_order(a, b);
    if by.descending { order.reverse() } else { order }
}

/// What a row is ordered by.
fn key(record: &Record, by: &Ordering, links: &[Link]) -> Value {
    match by.by {
        OrderBy::Field(reached) => reach(record, reached, links),
        OrderBy::Value(number) => value_of(record, Field::Column(ColumnId(number))),
    }
}

/// A field of a row or of one that is linked to it; null where nothing is linked.
pub(super) fn reach(record: &Record, reached: Reached, links: &[Link]) -> Value {
    linked(record, reached.link, links)
        .map(|record| value_of(record, reached.field))
        .unwrap_or_default()
}

fn linked<'r>(
    record: &'r Record,
    number: Option<LinkNumber>,
    links: &[Link],
) -> Option<&'r Record> {
    let Some(number) = number else {
        return Some(record);
    };
    let link = links.get(number.index())?;
    let parent = linked(record, link.parent, links)?;
    let found = parent.expanded.iter().find(|(name, _)| *name == link.name);
    found.map(|(_, record)| &**record)
}

impl Query {
    /// How many rows are enough, when any will do.
    pub(super) fn enough(&self) -> Option<u64> {
        if !self.order.is_empty() || self.distinct || self.counted || self.aggregation.is_some() {
            return None;
        }
        let of_page = self.page.as_ref().map(|page| {
            // One more, to know whether there are more.
            page.number.saturating_mul(page.size).saturating_add(1)
        });
        self.top.or(of_page)
    }

    /// The columns of its own table that it needs beside those of its condition; `None` for all.
    pub(super) fn needed(&self, join: Option<&Join>) -> Option<Vec<ColumnId>> {
        let mut needed = match (&self.aggregation, &self.select) {
            (Some(_), _) => Vec::new(),
            (None, select) => select.as_deref()?.to_vec(),
        };
        needed.extend(self.reached().filter(|it| it.link.is_none()).filter_map(column_of));
        needed.extend(&self.expand);
        needed.extend(self.owner_columns(self.table));
        for link in self.links.iter().filter(|link| link.parent.is_none()) {
            needed.extend(column_of(Reached::own(link.to)));
        }
        if let Some(join) = join {
            needed.extend(&join.lookups);
            // Its own columns in what only a combination can tell.
            if join.residual.is_some() {
                return None;
            }
        }
        Some(needed)
    }

    /// Everything that the answer is ordered by or computed from.
    pub(super) fn reached(&self) -> impl Iterator<Item = Reached> {
        let ordered = self.order.iter().filter_map(|by| match by.by {
            OrderBy::Field(reached) => Some(reached),
            OrderBy::Value(_) => None,
        });
        let aggregation = self.aggregation.iter();
        let computed = aggregation.flat_map(|it| {
            it.groups.iter().map(|group| group.of).chain(it.measures.iter().map(|it| it.of))
        });
        ordered.chain(computed)
    }

    /// Whether its pages come with cookies.
    ///
    /// Source: Microsoft Learn, "Page results using FetchXml", Queries that don't support paging
    /// cookies: such as those sorted by a column of a link-entity. Assumed: nor those in which a
    /// row may be answered several times, whose last row its primary key does not name; nor
    /// distinct and aggregate ones.
    pub fn has_cookies(&self) -> bool {
        let once = |link: &Link| {
            link.from == Field::Id || matches!(link.kind, LinkKind::Any | LinkKind::NotAny)
        };
        !self.distinct
            && self.aggregation.is_none()
            && self.links.iter().all(once)
            && self.reached().all(|reached| reached.link.is_none())
            && self.reached().any(|reached| reached.field == Field::Id)
    }
}
