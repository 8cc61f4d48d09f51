//! Statements that work on many rows: select, update and delete by a condition.
//!
//! An [`Execution`] is a statement under way, as data. [`Database::step`] takes it further: as a
//! rule by one row, whose cost then passes before the next; a read of committed versions by all of
//! its rows, since they are as of one instant whatever happens meanwhile.
//!
//! A caller that knows that nothing else is due for a while says so (`room`). Then several rows are
//! looked at in one step, each at its own instant, as if the steps had been made one by one.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::locking::Asked;
use crate::engine::database::manner::Purpose;
use crate::engine::database::read::{Caller, record_of, selected};
use crate::engine::database::scan::{Met, Scan};
use crate::engine::database::search::Search;
use crate::engine::database::write::{Assigned, Change, Writing, Wrote};
use crate::engine::store::{RowNumber, Saved, View};
use crate::fault::Fault;
use crate::plan::{Hints, Ordering, Plan};
use crate::trace::{Event, ReadKind, RowsSelected};
use crate::words::evaluate::compare_for_order;
use crate::words::{ColumnId, ColumnType, Expression, LockMode, Record, TableId, Value};

/// What a query looks for.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Query {
    /// The condition on a row, with every binding replaced by its value.
    pub filter: Option<Expression>,
    /// The order of the answer.
    pub order: Vec<Ordering>,
    /// The most rows that are answered.
    pub top: Option<u64>,
    /// The lookups to follow.
    pub expand: Vec<ColumnId>,
    /// The columns that are asked for; `None` for all.
    pub select: Option<Arc<[ColumnId]>>,
    /// How it departs from its transaction's isolation level.
    pub hints: Hints,
}

/// A statement under way.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Execution {
    scan: Scan,
    task: Task,
    /// The row that matched last and is not done with.
    at_hand: Option<RowNumber>,
}

/// What a statement does with the rows that match.
#[derive(Clone, Debug, PartialEq, Hash)]
enum Task {
    Select {
        query: Arc<Query>,
        answer: Vec<Record>,
    },
    Change {
        /// The columns' new values; `None` to remove the rows.
        set: Option<Arc<[(ColumnId, Assigned)]>>,
        writing: Writing,
        /// What each row was before, in the order of the writes.
        undo: Vec<(RowNumber, Saved)>,
        /// How many rows its transaction had written before.
        written_before: usize,
    },
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It waits for a lock.
    Waits,
    /// It has done a bit, which takes this long; then it goes on.
    Took(Duration),
    /// It is done.
    Done,
}

impl Execution {
    /// A query about to begin.
    ///
    /// # Errors
    ///
    /// There is no such table.
    pub fn select(
        database: &Database,
        plan: &Plan,
        caller: &Caller,
        table: TableId,
        query: Arc<Query>,
    ) -> Result<Self, Fault> {
        let mut needed = query.select.as_deref().map(<[ColumnId]>::to_vec);
        if let Some(needed) = &mut needed {
            needed.extend(query.order.iter().map(|by| by.column));
            needed.extend(&query.expand);
        }
        let store = database.store(table)?;
        let search = Search::new(plan, store, table, query.filter.clone(), needed.as_deref());
        let scan = Scan::new(database, Arc::new(search), caller, Purpose::Read, query.hints);
        Ok(Self { scan, task: Task::Select { query, answer: Vec::new() }, at_hand: None })
    }

    /// An update (or a delete, without anything to set) about to begin.
    ///
    /// # Errors
    ///
    /// There is no such table.
    pub fn change(
        database: &Database,
        plan: &Plan,
        caller: &Caller,
        (table, filter): (TableId, Option<Expression>),
        set: Option<Arc<[(ColumnId, Assigned)]>>,
        hints: Hints,
    ) -> Result<Self, Fault> {
        let search = Search::new(plan, database.store(table)?, table, filter, None);
        let scan = Scan::new(database, Arc::new(search), caller, Purpose::Change, hints);
        let written_before =
            caller.by.map_or(0, |by| database.transaction(by.transaction.owner).writes.len());
        let task =
            Task::Change { set, writing: Writing::default(), undo: Vec::new(), written_before };
        Ok(Self { scan, task, at_hand: None })
    }

    /// The table.
    pub fn table(&self) -> TableId {
        self.scan.search.table
    }

    /// How many rows it has written so far.
    pub fn written(&self) -> usize {
        match &self.task {
            Task::Select { .. } => 0,
            Task::Change { undo, .. } => undo.len(),
        }
    }
}

impl Database {
    /// Takes a statement further, by at least one row if it does not wait. Rows whose costs fit
    /// into `room` are done in the same step; `context.now` is then the instant of the last of
    /// them.
    ///
    /// # Errors
    ///
    /// What the statement meets. What it had written is still there: see
    /// [`Database::undo_statement`].
    pub fn step(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
        room: Duration,
    ) -> Result<Step, Fault> {
        let end = context.now + room;
        let whole = execution.scan.is_of_one_instant();
        let mut all = Duration::ZERO;
        loop {
            let run = match execution.at_hand {
                None => self.free_run(context, caller, &mut execution.scan, end)?,
                Some(_) => None,
            };
            let bit = match run {
                Some(bit) => Step::Took(bit),
                None => self.step_row(context, caller, execution)?,
            };
            match bit {
                Step::Took(cost) if whole => all = all.saturating_add(cost),
                Step::Took(cost) if self.may_go_on() && context.now + cost < end => {
                    context.now = context.now + cost;
                }
                Step::Done if !all.is_zero() => return Ok(Step::Took(all)),
                other => return Ok(other),
            }
        }
    }

    /// Whether nobody else has something to do at this instant because of what was done.
    fn may_go_on(&self) -> bool {
        self.awakened.is_empty() && self.search.is_none()
    }

    /// One row.
    fn step_row(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
    ) -> Result<Step, Fault> {
        let row = match execution.at_hand {
            Some(row) => row,
            None => {
                if is_complete(execution) {
                    return Ok(Step::Done);
                }
                match self.advance(context, caller, &mut execution.scan)? {
                    Met::Waits => return Ok(Step::Waits),
                    Met::End => return Ok(Step::Done),
                    Met::Nothing => {
                        self.escalate(context, caller, &mut execution.scan);
                        return Ok(Step::Took(context.plan.costs.row));
                    }
                    Met::Row(row) => row,
                }
            }
        };
        execution.at_hand = Some(row);
        let Execution { scan, task, at_hand } = execution;
        let done = match task {
            Task::Select { query, answer } => {
                self.answer(context, caller, scan, row, query, answer)?
            }
            Task::Change { set, writing, undo, .. } => {
                self.change_found(context, caller, scan, row, set.as_deref(), writing, undo)?
            }
        };
        if let Step::Took(_) = done {
            *at_hand = None;
            self.escalate(context, caller, scan);
        }
        Ok(done)
    }

    /// Puts a row that matches, with the rows behind its lookups, into the answer.
    fn answer(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
        query: &Query,
        answer: &mut Vec<Record>,
    ) -> Result<Step, Fault> {
        let table = scan.search.table;
        if self.lock_lookups(context, caller, scan, row, &query.expand)? == Asked::Waiting {
            return Ok(Step::Waits);
        }
        let mut cost = context.plan.costs.row;
        let view = self.view_of(caller, scan);
        let columns = selected(context.plan.table(table), None);
        let Some(image) = self.store(table)?.read(row, view) else {
            scan.matched -= 1;
            return Ok(Step::Took(cost));
        };
        let mut record = record_of(table, &image, &columns);
        self.tell_read(context, caller, (table, row), view, ReadKind::Answer);
        self.tell_doubled(context, caller, scan, row);
        for column in &query.expand {
            cost = cost.saturating_add(context.plan.costs.row);
            self.expand(context, caller, *column, view, &mut record);
        }
        answer.push(record);
        Ok(Step::Took(cost))
    }

    /// Adds the row to which one of a record's lookups points.
    fn expand(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        column: ColumnId,
        view: View,
        record: &mut Record,
    ) {
        let found = record.columns.iter().find(|(it, _, _)| *it == column);
        let Some((_, name, Value::Id(id))) = found.cloned() else {
            return;
        };
        let kind = &context.plan.table(record.table).columns[column.index()].kind;
        let ColumnType::Lookup(to) = *kind else {
            return;
        };
        let Some(store) = &self.tables[to.index()] else { return };
        let Some(row) = store.find(id) else { return };
        let columns = selected(context.plan.table(to), None);
        let linked = store.read(row, view).map(|image| record_of(to, &image, &columns));
        if let Some(linked) = linked {
            self.tell_read(context, caller, (to, row), view, ReadKind::Linked);
            record.expanded.push((name, Arc::new(linked)));
        }
    }

    /// Changes or removes a row that matches.
    #[allow(clippy::too_many_arguments, reason = "the parts of one statement, borrowed one by one")]
    fn change_found(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
        set: Option<&[(ColumnId, Assigned)]>,
        writing: &mut Writing,
        undo: &mut Vec<(RowNumber, Saved)>,
    ) -> Result<Step, Fault> {
        let table = scan.search.table;
        let costs = context.plan.costs;
        if self.lock_found(context, caller, (table, row), writing)? == Asked::Waiting {
            return Ok(Step::Waits);
        }
        // Whoever judged the condition without a lock judges it again with one.
        if !self.meets(context, scan, row, View::Latest) {
            scan.matched -= 1;
            self.end_writing(context, caller, writing);
            return Ok(Step::Took(costs.row));
        }
        let Some(by) = caller.by else {
            return Ok(Step::Took(costs.row));
        };
        let saved = self.store(table)?.saved(by.transaction.id, row);
        let mut values;
        let change = match set {
            Some(set) => {
                values = set.to_vec();
                Change::Update(&mut values)
            }
            None => Change::Delete,
        };
        match self.change(context, caller, (table, row), change, writing)? {
            Wrote::Waits => Ok(Step::Waits),
            Wrote::Again | Wrote::Missing => Ok(Step::Took(costs.row)),
            Wrote::Row(_) => {
                if !self.covers(by.transaction.owner, table, LockMode::Exclusive) {
                    scan.note_written();
                }
                undo.push((row, saved));
                Ok(Step::Took(costs.row.saturating_add(costs.write)))
            }
        }
    }

    /// Ends a statement that is done: what it held for itself is given back, and what it looked at
    /// is told.
    pub fn finish(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
    ) {
        let scan = &mut execution.scan;
        if !is_cut_short(&execution.task, scan) {
            self.tell_missed(context, caller, scan);
        }
        let (request, transaction) = (caller.request, caller.transaction());
        let (instance, table, level) = (self.id, scan.search.table, caller.level);
        let (examined, matched) = (scan.examined, scan.matched);
        let whole = !is_cut_short(&execution.task, scan);
        let search = &scan.search;
        context.emit(|| {
            Event::RowsSelected(RowsSelected {
                request,
                transaction,
                instance,
                table,
                filter: search.filter.clone(),
                level,
                access: search.path(),
                examined,
                matched,
                whole,
            })
        });
        self.end_scan(context, caller, scan);
    }

    /// Ends a statement that has failed. With `undo` what it wrote is taken back, for a transaction
    /// that goes on.
    pub fn undo_statement(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
        undo: bool,
    ) {
        let table = execution.scan.search.table;
        if let Task::Change { writing, undo: written, written_before, .. } = &mut execution.task {
            self.end_writing(context, caller, writing);
            let written = std::mem::take(written);
            if let Some(by) = caller.by.filter(|_| undo && !written.is_empty()) {
                let (transaction, request) = (by.transaction.id, caller.request);
                context.emit(|| Event::StatementUndone { transaction, request });
                self.restore(context, transaction, table, written);
                self.transaction_mut(by.transaction.owner).writes.truncate(*written_before);
            }
        }
        self.end_scan(context, caller, &mut execution.scan);
    }

    fn restore(
        &mut self,
        context: &mut Context<'_>,
        transaction: crate::words::TransactionId,
        table: TableId,
        written: Vec<(RowNumber, Saved)>,
    ) {
        let instance = self.id;
        for (row, saved) in written.into_iter().rev() {
            let Some(store) = &mut self.tables[table.index()] else { return };
            let id = store.id(row);
            store.restore(transaction, row, &saved);
            let row_version = store.read(row, View::Latest).map_or(0, |image| image.row_version());
            context.emit(|| Event::RowRestored {
                transaction,
                instance,
                table,
                row: id,
                row_version,
            });
        }
    }
}

impl Execution {
    /// Takes the rows of a query that is done, in their order, with the columns that were asked
    /// for; `None` of a statement that writes.
    pub fn take_answer(&mut self) -> Option<Vec<Record>> {
        let Task::Select { query, answer } = &mut self.task else {
            return None;
        };
        let mut answer = std::mem::take(answer);
        sort(&mut answer, &query.order);
        if let Some(top) = query.top {
            answer.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        if let Some(select) = &query.select {
            for record in &mut answer {
                record.columns.retain(|(column, _, _)| select.contains(column));
            }
        }
        Some(answer)
    }

    /// How many values a query that is done answers.
    pub fn values(records: &[Record]) -> u32 {
        let linked = |record: &Record| {
            record.expanded.iter().map(|(_, linked)| linked.columns.len()).sum::<usize>()
        };
        let values: usize = records.iter().map(|it| it.columns.len() + linked(it)).sum();
        u32::try_from(values).unwrap_or(u32::MAX)
    }
}

/// Whether enough rows are there already: the first so many, in no particular order.
fn is_complete(execution: &Execution) -> bool {
    match &execution.task {
        Task::Select { query, answer } => {
            query.order.is_empty() && query.top.is_some_and(|top| answer.len() as u64 >= top)
        }
        Task::Change { .. } => false,
    }
}

/// Puts rows into the order that the query asks for; rows that are equal in it stay as they were.
fn sort(records: &mut [Record], order: &[Ordering]) {
    if order.is_empty() {
        return;
    }
    records.sort_by(|a, b| {
        for by in order {
            let value = |record: &Record| {
                let mut columns = record.columns.iter();
                let found = columns.find(|(column, _, _)| *column == by.column);
                found.map(|(_, _, value)| value.clone()).unwrap_or_default()
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

/// Whether a query has stopped before the end of its scan.
fn is_cut_short(task: &Task, scan: &Scan) -> bool {
    matches!(task, Task::Select { query, .. } if query.order.is_empty()
        && query.top.is_some_and(|top| u64::from(scan.matched) >= top))
}
