//! Queries: from what the plan says to what the database looks for, with every value computed.

use std::sync::Arc;

use crate::engine::database::{Cookie, Page, Query, broken};
use crate::engine::fiber::Fiber;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Field, Link, OrderBy, Ordering, Paging, Reached, Selection};
use crate::words::evaluate::close;
use crate::words::{BinaryOperator, Expression, TableId, Value};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// A caller of the platform, by RetrieveMultiple, which answers pages.
    ThePlatform,
    /// A session at SQL level.
    TheDatabase,
}

impl World {
    /// What a selection looks for, with its values computed.
    ///
    /// # Errors
    ///
    /// A value that can't be computed or does not fit; a page beyond the platform's limits.
    pub(super) fn query_of(
        &self,
        fiber: &Fiber,
        selection: &Selection,
        asks: Asks,
    ) -> Result<Query, Fault> {
        let top = match &selection.top {
            Some(top) => Some(self.number(fiber, top, "top")?),
            None => None,
        };
        let mut query = Query {
            filter: self.closed(fiber, selection.filter.as_ref())?,
            order: selection.order.clone(),
            top,
            expand: selection.expand.clone(),
            select: selection.columns.as_deref().map(Arc::from),
            hints: selection.hints,
            table: Some(selection.table),
            links: Vec::with_capacity(selection.links.len()),
            aggregation: selection.aggregation.clone(),
            distinct: selection.distinct,
            page: None,
            counted: selection.counted,
            visible: None,
        };
        for link in &selection.links {
            let filter = self.closed(fiber, link.filter.as_ref())?;
            query.links.push(Link { filter, ..link.clone() });
        }
        if asks == Asks::ThePlatform {
            self.page(fiber, selection, &mut query)?;
        }
        Ok(query)
    }

    fn closed(
        &self,
        fiber: &Fiber,
        expression: Option<&Expression>,
    ) -> Result<Option<Expression>, Fault> {
        let close = |it| self.with_scope(fiber, |scope| close(it, scope));
        expression.map(close).transpose()
    }

    /// A count of something that a query gives. A negative one counts nothing.
    fn number(&self, fiber: &Fiber, expression: &Expression, what: &str) -> Result<u64, Fault> {
        match self.value(fiber, expression)? {
            Value::Whole(number) => Ok(u64::try_from(number).unwrap_or(0)),
            other => Err(broken(format!("`{what}` wants a number, not {}", other.kind()))),
        }
    }

    /// Cuts the answer of a query of the platform to a page.
    fn page(&self, fiber: &Fiber, selection: &Selection, query: &mut Query) -> Result<(), Fault> {
        let limits = &self.shared.plan.limits;
        let largest = u64::from(limits.page_size);
        if query.top.is_some_and(|top| top > largest) {
            return Err(refused(format!("The top value can't exceed {largest}.")));
        }
        let Some(paging) = &selection.page else {
            if query.top.is_none() {
                let (size, number) = (largest, 1);
                query.page = Some(Page { size, number, after: None, is_asked: false });
            }
            return Ok(());
        };
        let Paging { size, number, cookie } = paging;
        let size = match size {
            Some(size) => self.number(fiber, size, "size")?,
            None => largest,
        };
        let number = match number {
            Some(number) => self.number(fiber, number, "number")?,
            None => 1,
        };
        if size == 0 || size > largest || number == 0 {
            let message = format!("A page has from 1 to {largest} rows, and a number from 1.");
            return Err(refused(message));
        }
        if query.aggregation.is_none() {
            order_by_key_last(query);
        }
        let after = match cookie {
            Some(cookie) => self.cookie(fiber, cookie, query)?,
            None => None,
        };
        let last = number.saturating_mul(size);
        if after.is_none() && last > u64::from(limits.paged_rows) {
            return Err(refused(format!(
                "Paging by number ends at the row {}; a paging cookie goes on.",
                limits.paged_rows
            )));
        }
        if let Some(after) = &after
            && !query.counted
        {
            self.seek(query, after);
        }
        query.page = Some(Page { size, number, after, is_asked: true });
        Ok(())
    }

    /// The values that a cookie names; `None` for null.
    fn cookie(
        &self,
        fiber: &Fiber,
        cookie: &Expression,
        query: &Query,
    ) -> Result<Option<Vec<Value>>, Fault> {
        let text = match self.value(fiber, cookie)? {
            Value::Null => return Ok(None),
            Value::Text(text) if text.is_empty() => return Ok(None),
            Value::Text(text) => text,
            other => {
                let kind = other.kind();
                return Err(broken(format!("`cookie` wants a paging cookie, not {kind}")));
            }
        };
        let plan = &self.shared.plan;
        let table = query.table.unwrap_or(TableId(0));
        let last = Cookie::last_of(&text, plan, table, &query.order);
        let last = last.filter(|_| query.has_cookies());
        last.map(Some).ok_or_else(|| {
            refused("The paging cookie is malformed, or is that of another query.".to_owned())
        })
    }

    /// Narrows a query to the rows that can be behind those of the page before, so that an index on
    /// its first column is entered there.
    fn seek(&self, query: &mut Query, after: &[Value]) {
        let (Some(Ordering { by, descending: false }), Some(last), Some(table)) =
            (query.order.first(), after.first(), query.table)
        else {
            return;
        };
        let OrderBy::Field(Reached { link: None, field: Field::Column(column) }) = by else {
            return;
        };
        if last.is_null() {
            return;
        }
        let name = self.shared.plan.table(table).columns[column.index()].name.clone();
        let behind = Expression::Binary(
            BinaryOperator::GreaterOrEqual,
            Box::new(Expression::Column(name)),
            Box::new(Expression::Literal(last.clone())),
        );
        query.filter = Some(match query.filter.take() {
            Some(filter) => {
                Expression::Binary(BinaryOperator::And, Box::new(filter), Box::new(behind))
            }
            None => behind,
        });
    }
}

/// Adds the primary key to the order of rows that are answered by pages, so that each has its
/// place. Rows that are to be distinct have none.
///
/// Assumed: the platform does so; the cookies that its documentation shows hold the primary key
/// although the query does not order by it.
fn order_by_key_last(query: &mut Query) {
    let key = OrderBy::Field(Reached::own(Field::Id));
    if !query.distinct && query.order.iter().all(|by| by.by != key) {
        query.order.push(Ordering { by: key, descending: false });
    }
}

/// Assumed: the code of any other argument that does not fit; no page says what answers these.
pub(super) fn refused(message: String) -> Fault {
    Fault::new(FaultKind::InvalidArgument, message)
}
