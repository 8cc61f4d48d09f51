//! Linked rows: for each row of a query, the rows of other tables that belong to it.
//!
//! The links of a query stand in an order in which each comes after the one that it hangs on, so
//! a row's combinations are found by nested loops: the first link's rows one by one, for each of
//! them the second's, and so on. Each of these searches is a scan like any other: it seeks by the
//! best index that there is for `from == value` and the link's own condition (the index on a
//! lookup, most often), takes the locks that the level wants, waits where it must, and costs
//! virtual time by the row.
//!
//! Assumed: nested loops, in the order of the query; SQL Server chooses among several kinds of
//! joins, and the order, by its statistics.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::database::Database;
use crate::engine::database::answer::Gathered;
use crate::engine::database::context::Context;
use crate::engine::database::execution::Query;
use crate::engine::database::manner::Purpose;
use crate::engine::database::read::{Caller, record_of, selected};
use crate::engine::database::scan::{Met, Scan};
use crate::engine::database::search::{Search, each_lookup, each_part, split};
use crate::fault::Fault;
use crate::plan::{Field, Link, LinkKind, LinkNumber, Plan, Reached, Table};
use crate::trace::ReadKind;
use crate::words::{BinaryOperator, ColumnId, Expression, Record, Value};

/// The links of a query, with how far they are for the row at hand.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(super) struct Join {
    /// The row at hand; `None` between two rows.
    base: Option<Record>,
    /// One for each link.
    levels: Vec<Level>,
    /// The link whose rows are looked for.
    at: usize,
    /// What of the query's condition only a combination can tell.
    pub(super) residual: Option<Expression>,
    /// The lookups that it follows.
    pub(super) lookups: Vec<ColumnId>,
}

/// One link, for the row at hand.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
struct Level {
    state: State,
    /// The linked row that is combined.
    record: Option<Record>,
    /// Whether there was a linked row.
    met: bool,
    /// What the link's searches for all rows have locked, for escalation.
    locks: (u32, u32),
}

/// How far a link's search for the row at hand is.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
enum State {
    /// Not begun.
    #[default]
    Ahead,
    /// Under way: there may be more rows.
    UnderWay(Box<Scan>),
    /// There is nothing more to combine.
    Spent,
}

/// What came of taking the links further.
pub(super) enum Joined {
    /// A lock must be waited for.
    Waits,
    /// A bit is done, and takes this long.
    Took(Duration),
    /// Every combination of the row at hand was found.
    All,
}

impl Join {
    /// The links of a query, and what of its condition its own table's rows decide alone.
    pub(super) fn of(query: &Query, table: &Table) -> (Option<Box<Self>>, Option<Expression>) {
        if query.links.is_empty() {
            return (None, query.filter.clone());
        }
        let mut parts = Vec::new();
        if let Some(filter) = &query.filter {
            split(filter, &mut parts);
        }
        let (joined, own): (Vec<&Expression>, Vec<&Expression>) =
            parts.into_iter().partition(|part| speaks_of_links(part, &query.links, table));
        let residual = all_of(joined);
        let mut lookups = Vec::new();
        if let Some(residual) = &residual {
            each_lookup(residual, table, &mut lookups);
        }
        let levels = query.links.iter().map(|_| Level::default()).collect();
        let join = Self { levels, residual, lookups, ..Self::default() };
        (Some(Box::new(join)), all_of(own))
    }

    /// Whether a row is at hand.
    pub(super) const fn is_under_way(&self) -> bool {
        self.base.is_some()
    }

    /// Begins with a row.
    pub(super) fn begin(&mut self, base: Record) {
        self.base = Some(base);
        self.at = 0;
    }

    /// The row at hand.
    pub(super) const fn base(&self) -> Option<&Record> {
        self.base.as_ref()
    }

    /// The row that a link has given to the combination.
    pub(super) fn linked(&self, link: usize) -> Option<&Record> {
        self.levels.get(link)?.record.as_ref()
    }

    /// The row at hand is done with.
    pub(super) fn end(&mut self) {
        self.base = None;
    }

    /// The row that a link hangs on, in the combination so far.
    fn parent(&self, link: &Link) -> Option<&Record> {
        match link.parent {
            None => self.base.as_ref(),
            Some(parent) => self.levels.get(parent.index())?.record.as_ref(),
        }
    }

    /// The combination as one record: the linked rows stand in it as expanded lookups do.
    fn combined(&self, links: &[Link]) -> Option<Record> {
        let mut base = self.base.clone()?;
        let mut linked: Vec<_> = self.levels.iter().map(|level| level.record.clone()).collect();
        for (number, link) in links.iter().enumerate().rev() {
            if let Some(record) = linked[number].take() {
                let parent = match link.parent {
                    None => Some(&mut base),
                    Some(parent) => linked[parent.index()].as_mut(),
                };
                if let Some(parent) = parent {
                    // From the last to the first, so that they stand in their order.
                    let first = parent.expanded.iter().position(|(it, _)| is_link(links, it));
                    let place = first.unwrap_or(parent.expanded.len());
                    parent.expanded.insert(place, (link.name.clone(), Arc::new(record)));
                }
            }
        }
        Some(base)
    }

    /// Leaves a link that has no more rows: back to the one before it. Whether there is one.
    fn back(&mut self) -> bool {
        if let Some(level) = self.levels.get_mut(self.at) {
            level.state = State::Ahead;
            level.record = None;
        }
        let there = self.at > 0;
        self.at = self.at.saturating_sub(1);
        there
    }
}

impl Database {
    /// Takes the links of the row at hand further, by at least one linked row if they do not wait.
    pub(super) fn step_join(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        query: &Query,
        join: &mut Join,
        gathered: &mut Gathered,
    ) -> Result<Joined, Fault> {
        loop {
            if join.at == query.links.len() {
                if self.accepts(context, caller, query, join)
                    && let Some(record) = join.combined(&query.links)
                {
                    gathered.push(record, query, context.plan)?;
                }
                join.at -= 1;
                if gathered.is_enough(query) {
                    self.leave_join(context, caller, join, &query.links);
                    return Ok(Joined::All);
                }
                continue;
            }
            let link = &query.links[join.at];
            let mut scan = match std::mem::take(&mut join.levels[join.at].state) {
                State::UnderWay(scan) => scan,
                State::Spent => {
                    if !join.back() {
                        return Ok(Joined::All);
                    }
                    continue;
                }
                State::Ahead => {
                    join.levels[join.at].met = false;
                    match self.link_search(context.plan, caller, query, join)? {
                        Some(scan) => scan,
                        None => {
                            if !none_linked(link, join) {
                                return Ok(Joined::All);
                            }
                            continue;
                        }
                    }
                }
            };
            match self.step_link(context, caller, (query, link), join, &mut scan)? {
                Met::Waits => {
                    join.levels[join.at].state = State::UnderWay(scan);
                    return Ok(Joined::Waits);
                }
                Met::Nothing => {
                    join.levels[join.at].state = State::UnderWay(scan);
                    return Ok(Joined::Took(context.plan.costs.row));
                }
                Met::Row(_) => {
                    if !self.combine(context, caller, link, join, scan) {
                        return Ok(Joined::All);
                    }
                    return Ok(Joined::Took(context.plan.costs.row));
                }
                Met::End => {
                    self.end_link(context, caller, link, &mut scan, true);
                    if !none_linked(link, join) {
                        return Ok(Joined::All);
                    }
                }
            }
        }
    }

    /// Goes to a link's next row.
    fn step_link(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (query, link): (&Query, &Link),
        join: &mut Join,
        scan: &mut Scan,
    ) -> Result<Met, Fault> {
        let mut met = self.advance(context, caller, scan);
        if met.is_err() {
            self.end_scan(context, caller, scan);
        }
        if let Ok(Met::Row(row)) = met {
            let view = self.view_of(caller, scan);
            let columns = selected(context.plan.table(link.table), None);
            let image = self.store(link.table)?.read(row, view);
            let record = image.map(|image| record_of(link.table, &image, &columns));
            let record = record.filter(|record| query.shows(record));
            if record.is_some() {
                self.tell_read(context, caller, (link.table, row), view, ReadKind::Linked);
            } else {
                scan.matched -= 1;
                met = Ok(Met::Nothing);
            }
            join.levels[join.at].record = record;
        }
        if met != Ok(Met::Waits) {
            self.escalate(context, caller, scan);
        }
        // The locks of all its searches count together: they are one statement's on one table.
        join.levels[join.at].locks = (scan.locks, scan.escalations_tried);
        met
    }

    /// A linked row was found: what that means for the row at hand. Whether there is more to do.
    fn combine(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        link: &Link,
        join: &mut Join,
        mut scan: Box<Scan>,
    ) -> bool {
        let level = &mut join.levels[join.at];
        level.met = true;
        match link.kind {
            LinkKind::Inner | LinkKind::Outer => level.state = State::UnderWay(scan),
            LinkKind::Any | LinkKind::NotAny => {
                self.end_link(context, caller, link, &mut scan, false);
                let level = &mut join.levels[join.at];
                level.record = None;
                level.state = State::Spent;
            }
        }
        if link.kind == LinkKind::NotAny {
            return join.back();
        }
        join.at += 1;
        true
    }

    /// The search for a link's rows; `None` where there can be none.
    fn link_search(
        &self,
        plan: &Plan,
        caller: &Caller,
        query: &Query,
        join: &Join,
    ) -> Result<Option<Box<Scan>>, Fault> {
        let link = &query.links[join.at];
        let value = join.parent(link).map(|parent| value_of(parent, link.to));
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let store = self.store(link.table)?;
        let from = match link.from {
            Field::Id => "id".into(),
            Field::Column(column) => plan.table(link.table).columns[column.index()].name.clone(),
        };
        let meets = Expression::Binary(
            BinaryOperator::Equal,
            Box::new(Expression::Column(from)),
            Box::new(Expression::Literal(value)),
        );
        let filter = all_of([&meets].into_iter().chain(&link.filter));
        let needed = needed(query, join);
        let mut search = Search::new(plan, store, link.table, filter, needed.as_deref());
        search.visible.clone_from(&query.visible);
        let mut scan = Scan::new(self, Arc::new(search), caller, Purpose::Read, query.hints);
        scan.is_linked = true;
        (scan.locks, scan.escalations_tried) = join.levels[join.at].locks;
        Ok(Some(Box::new(scan)))
    }

    /// Ends a link's search for one row, and tells what it looked at.
    fn end_link(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        link: &Link,
        scan: &mut Scan,
        whole: bool,
    ) {
        self.tell_selected(context, caller, scan, whole, Some(&link.name), None);
        self.end_scan(context, caller, scan);
    }

    /// Leaves the row at hand with searches under way: the query has failed, or has enough. Then
    /// what these have looked at is told, too: `told` are their links.
    pub(super) fn leave_join(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        join: &mut Join,
        told: &[Link],
    ) {
        for (number, level) in join.levels.iter_mut().enumerate() {
            if let State::UnderWay(mut scan) = std::mem::take(&mut level.state) {
                match told.get(number) {
                    Some(link) => self.end_link(context, caller, link, &mut scan, false),
                    None => self.end_scan(context, caller, &mut scan),
                }
            }
            level.record = None;
        }
        join.base = None;
    }
}

/// A link has no (more) rows for the row at hand. Whether there is more to do.
fn none_linked(link: &Link, join: &mut Join) -> bool {
    let level = &mut join.levels[join.at];
    level.record = None;
    if level.met || matches!(link.kind, LinkKind::Inner | LinkKind::Any) {
        return join.back();
    }
    level.state = State::Spent;
    join.at += 1;
    true
}

/// The columns that a query needs of a link's rows, beside those of the link's own condition;
/// `None` for all.
fn needed(query: &Query, join: &Join) -> Option<Vec<ColumnId>> {
    if join.residual.is_some() {
        return None;
    }
    let this = LinkNumber(u16::try_from(join.at).unwrap_or(u16::MAX));
    let mut needed = query.links[join.at].columns.clone()?;
    needed.extend(query.owner_columns(Some(query.links[join.at].table)));
    needed.extend(query.reached().filter(|it| it.link == Some(this)).filter_map(column_of));
    let hang_on = query.links.iter().filter(|it| it.parent == Some(this));
    needed.extend(hang_on.filter_map(|it| column_of(Reached::own(it.to))));
    Some(needed)
}

/// The column that is reached, if it is one.
pub(super) const fn column_of(reached: Reached) -> Option<ColumnId> {
    match reached.field {
        Field::Column(column) => Some(column),
        Field::Id => None,
    }
}

/// A field of a record.
pub(super) fn value_of(record: &Record, field: Field) -> Value {
    match field {
        Field::Id => Value::Id(record.id),
        Field::Column(column) => {
            let found = record.columns.iter().find(|(it, ..)| *it == column);
            found.map(|(.., value)| value.clone()).unwrap_or_default()
        }
    }
}

/// Whether a condition speaks of a link's rows.
pub(super) fn speaks_of_links(part: &Expression, links: &[Link], table: &Table) -> bool {
    let mut speaks = false;
    each_part(part, &mut |part| {
        if let Expression::Member(of, _) = part
            && let Expression::Column(name) = &**of
        {
            speaks |= is_link(links, name) && table.column(name).is_none();
        }
    });
    speaks
}

fn is_link(links: &[Link], name: &str) -> bool {
    links.iter().any(|link| *link.name == *name)
}

/// Conditions as one; `None` of none.
pub(super) fn all_of<'e>(parts: impl IntoIterator<Item = &'e Expression>) -> Option<Expression> {
    parts
        .into_iter()
        .cloned()
        .reduce(|all, part| Expression::Binary(BinaryOperator::And, Box::new(all), Box::new(part)))
}
