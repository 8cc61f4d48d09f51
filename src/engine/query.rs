//! Reads: one row by id, or the rows that a query selects.
//!
//! At read committed snapshot a statement sees what was committed when it began, and its own
//! transaction's writes; it reads at one instant and waits for nobody. At repeatable read it takes
//! a shared lock on every row that it examines and keeps it.
//!
//! Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL".

use std::sync::Arc;
use std::time::Duration;

use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::interpret::trouble;
use crate::engine::lock::Resource;
use crate::engine::operation::{Done, StoredRow, number_of, reads_lock, record_of, store};
use crate::engine::request::{Answer, Query};
use crate::engine::scope::selected;
use crate::engine::store::{RowNumber, TableStore, View};
use crate::engine::transaction::Locking;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::Plan;
use crate::trace::Event;
use crate::words::evaluate::{Scope, compare_for_order, evaluate, is_true};
use crate::words::{ColumnType, LockMode, Name, Record, RowId, TableId, Value};

impl World {
    /// Reads one row.
    pub(super) fn retrieve(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let table = frame.request.table;
        let Some(id) = frame.request.id() else {
            return Err(trouble("the request names no row".to_owned()));
        };
        let found = store(&self.instances[frame.instance.index()].tables, table)?.find(id);
        if let Some(row) = found
            && self.lock_to_read(fiber, frame, table, row) == Locking::Waiting
        {
            return Ok(Done::Waits);
        }
        let view = self.view(frame);
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        let Some(image) = store.find(id).and_then(|row| store.read(row, view)) else {
            return Err(self.missing(frame, id));
        };
        let columns = selected(plan.table(table), frame.request.select.as_deref());
        let record = record_of(table, &image, &columns);
        self.tell_read(frame, table, record.id, record.row_version);
        frame.answer = Answer::Record(Arc::new(record));
        Ok(Done::After(plan.costs.read))
    }

    /// Reads the rows that a query selects.
    pub(super) fn retrieve_multiple(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let plan = Arc::clone(&self.shared.plan);
        let table = frame.request.table;
        let query = frame.request.query.clone().unwrap_or_else(|| Arc::new(Query::all()));
        let rows: Vec<RowNumber> =
            store(&self.instances[frame.instance.index()].tables, table)?.rows().collect();
        if self.lock_to_select(fiber, frame, &plan, &query, &rows)? == Locking::Waiting {
            return Ok(Done::Waits);
        }
        let settled = self.instances[frame.instance.index()].settled_version();
        let mut found = self.select(frame, &plan, &query, &rows)?;
        let (request, instance) = (frame.id, frame.instance);
        let transaction = number_of(frame.transaction);
        self.log.emit(self.now, || Event::RowsSelected {
            request,
            transaction,
            instance,
            table,
            filter: query.filter.clone(),
            level: crate::plan::Isolation::default(),
            access: crate::trace::AccessPath::Scan,
            examined: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            matched: u32::try_from(found.len()).unwrap_or(u32::MAX),
        });
        sort(&mut found, &query, &plan, table);
        if let Some(top) = query.top {
            found.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        let mut examined = rows.len();
        let mut answer = Vec::with_capacity(found.len());
        for mut record in found {
            self.tell_read(frame, table, record.id, record.row_version);
            examined += self.expand(frame, &plan, &query, &mut record)?;
            if let Some(select) = &frame.request.select {
                record.columns.retain(|(column, _, _)| select.contains(column));
            }
            answer.push(Value::Record(Arc::new(record)));
        }
        frame.answer = match query.since {
            Some(_) => Answer::Changes(answer.into(), settled),
            None => Answer::List(answer.into()),
        };
        let rows = u32::try_from(examined).unwrap_or(u32::MAX);
        let examining = plan.costs.row.checked_mul(rows).unwrap_or(Duration::MAX);
        Ok(Done::After(plan.costs.read.saturating_add(examining)))
    }

    /// The rows that match, each with all its columns.
    fn select(
        &self,
        frame: &RequestFrame,
        plan: &Plan,
        query: &Query,
        rows: &[RowNumber],
    ) -> Result<Vec<Record>, Fault> {
        let table = frame.request.table;
        let view = self.view(frame);
        let store = store(&self.instances[frame.instance.index()].tables, table)?;
        let columns = selected(plan.table(table), None);
        let mut found = Vec::new();
        for row in rows {
            let Some(image) = store.read(*row, view) else {
                continue;
            };
            if query.since.is_some_and(|since| image.row_version() <= since) {
                continue;
            }
            let record = record_of(table, &image, &columns);
            if let Some(filter) = &query.filter {
                let row = StoredRow { image, table: plan.table(table), names: &self.names };
                let scope =
                    Scope { bindings: &[], plug_in: None, row: Some(&row), clock: self.clock() };
                // As in SQL, a condition that can't be told for a row does not hold for it.
                if !evaluate(filter, &scope).is_ok_and(|value| is_true(&value)) {
                    continue;
                }
            }
            found.push(record);
        }
        Ok(found)
    }

    /// Adds the rows that a record's lookups point to. Answers how many were looked up.
    fn expand(
        &mut self,
        frame: &RequestFrame,
        plan: &Plan,
        query: &Query,
        record: &mut Record,
    ) -> Result<usize, Fault> {
        let mut looked_up = 0;
        for column in &query.expand {
            let Some((_, name, Value::Id(id))) =
                record.columns.iter().find(|(found, _, _)| found == column).cloned()
            else {
                continue;
            };
            let definition = &plan.table(record.table).columns[column.index()];
            let ColumnType::Lookup(to) = definition.kind else {
                continue;
            };
            looked_up += 1;
            let view = self.view(frame);
            let linked = self.linked(frame, plan, to, id, view)?;
            if let Some(linked) = linked {
                self.tell_read(frame, to, id, linked.row_version);
                record.expanded.push((name, Arc::new(linked)));
            }
        }
        Ok(looked_up)
    }

    fn linked(
        &self,
        frame: &RequestFrame,
        plan: &Plan,
        table: TableId,
        id: RowId,
        view: View,
    ) -> Result<Option<Record>, Fault> {
        let store: &TableStore = store(&self.instances[frame.instance.index()].tables, table)?;
        let image = store.find(id).and_then(|row| store.read(row, view));
        let columns: Vec<(_, Name)> = selected(plan.table(table), None);
        Ok(image.map(|image| record_of(table, &image, &columns)))
    }

    /// What a read of this request sees.
    fn view(&self, frame: &RequestFrame) -> View {
        if self.locks_reads(frame) {
            return View::Latest;
        }
        View::Committed { reader: number_of(frame.transaction) }
    }

    /// Takes the locks that the isolation level wants on the rows of a query and on those that its
    /// lookups lead to. After a wait everything is gone through again, since rows may have come
    /// and gone; what is locked already costs next to nothing.
    fn lock_to_select(
        &mut self,
        fiber: FiberId,
        frame: &RequestFrame,
        plan: &Plan,
        query: &Query,
        rows: &[RowNumber],
    ) -> Result<Locking, Fault> {
        if !self.locks_reads(frame) {
            return Ok(Locking::Held);
        }
        let table = frame.request.table;
        for row in rows {
            if self.lock_to_read(fiber, frame, table, *row) == Locking::Waiting {
                return Ok(Locking::Waiting);
            }
        }
        for column in &query.expand {
            let ColumnType::Lookup(to) = plan.table(table).columns[column.index()].kind else {
                continue;
            };
            for row in rows {
                let tables = &self.instances[frame.instance.index()].tables;
                let image = store(tables, table)?.read(*row, View::Latest);
                let Some(Value::Id(id)) = image.map(|image| image.value(*column)) else { continue };
                let linked = tables[to.index()].as_ref().and_then(|store| store.find(id));
                if let Some(linked) = linked
                    && self.lock_to_read(fiber, frame, to, linked) == Locking::Waiting
                {
                    return Ok(Locking::Waiting);
                }
            }
        }
        Ok(Locking::Held)
    }

    /// Whether the reads of this request take locks.
    fn locks_reads(&self, frame: &RequestFrame) -> bool {
        let state = &self.instances[frame.instance.index()];
        frame
            .transaction
            .is_some_and(|reference| reads_lock(state.transaction(reference.owner).isolation))
    }

    /// Takes the lock that the isolation level wants before a row is read.
    fn lock_to_read(
        &mut self,
        fiber: FiberId,
        frame: &RequestFrame,
        table: TableId,
        row: RowNumber,
    ) -> Locking {
        match frame.transaction {
            Some(transaction) if self.locks_reads(frame) => {
                let resource = Resource::Row(table, row);
                self.lock(fiber, frame.instance, transaction, resource, LockMode::Shared)
            }
            _ => Locking::Held,
        }
    }

    fn tell_read(&mut self, frame: &RequestFrame, table: TableId, row: RowId, row_version: u64) {
        let (request, instance) = (frame.id, frame.instance);
        let transaction = number_of(frame.transaction);
        self.log.emit(self.now, || Event::RowRead {
            request,
            transaction,
            instance,
            table,
            row,
            row_version,
            level: crate::plan::Isolation::default(),
            kind: crate::trace::ReadKind::Answer,
            writer: None,
        });
    }
}

/// Puts rows into the order that the query asks for; rows that are equal in it stay as they were.
fn sort(records: &mut [Record], query: &Query, plan: &Plan, table: TableId) {
    if query.order.is_empty() {
        return;
    }
    debug_assert!(
        query.order.iter().all(|by| { by.column.index() < plan.table(table).columns.len() })
    );
    records.sort_by(|a, b| {
        for by in &query.order {
            let value = |record: &Record| {
                record
                    .columns
                    .iter()
                    .find(|(column, _, _)| *column == by.column)
                    .map(|(_, _, value)| value.clone())
                    .unwrap_or_default()
            };
            let order = compare_for_order(&value(a), &value(b));
            let order = if by.descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    });
}
