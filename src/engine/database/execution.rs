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
use crate::engine::database::answer::{Answered, Gathered, Page};
use crate::engine::database::context::Context;
use crate::engine::database::join::{Join, Joined};
use crate::engine::database::locking::Asked;
use crate::engine::database::manner::Purpose;
use crate::engine::database::read::{Caller, record_of, selected};
use crate::engine::database::scan::{Met, Scan};
use crate::engine::database::search::Search;
use crate::engine::database::visible::Visible;
use crate::engine::database::write::{Assigned, Writing};
use crate::engine::store::{RowNumber, Saved, View};
use crate::fault::Fault;
use crate::plan::{Aggregation, Hints, Link, Ordering, Plan};
use crate::trace::{Event, ReadKind, RowsAnswered, RowsSelected};
use crate::words::{ColumnId, ColumnType, Expression, Name, Record, TableId, Value};

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
    /// Its own table, where it links others or has pages.
    pub table: Option<TableId>,
    /// The rows of other tables that belong to each row.
    pub links: Vec<Link>,
    /// What is computed over the rows.
    pub aggregation: Option<Aggregation>,
    /// Whether equal rows are answered once.
    pub distinct: bool,
    /// Which part of the rows is answered.
    pub page: Option<Page>,
    /// Whether the rows are counted.
    pub counted: bool,
    /// What its user may see; `None` for everything.
    pub visible: Option<Arc<Visible>>,
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
        gathered: Gathered,
        /// Where the query has links.
        join: Option<Box<Join>>,
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
        let definition = plan.table(table);
        let (join, filter) = Join::of(&query, definition);
        let needed = query.needed(join.as_deref());
        let store = database.store(table)?;
        let mut search = Search::new(plan, store, table, filter, needed.as_deref());
        search.visible.clone_from(&query.visible);
        let scan = Scan::new(database, Arc::new(search), caller, Purpose::Read, query.hints);
        let task = Task::Select { query, gathered: Gathered::default(), join };
        Ok(Self { scan, task, at_hand: None })
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

    /// One row, of the statement's own table or of a link.
    fn step_row(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
    ) -> Result<Step, Fault> {
        if let Some(step) = self.step_linked(context, caller, execution)? {
            return Ok(step);
        }
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
            Task::Select { query, gathered, join } => {
                self.answer(context, caller, scan, row, query, (gathered, join.as_deref_mut()))?
            }
            Task::Change { set, writing, undo, .. } => {
                self.change_found(context, caller, scan, row, set.as_deref(), writing, undo)?
            }
        };
        if let Step::Took(_) = done {
            if !task.is_joining() {
                *at_hand = None;
            }
            self.escalate(context, caller, scan);
        }
        Ok(done)
    }

    /// Takes the links of the row at hand further; `None` where there is none, or all is found.
    fn step_linked(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
    ) -> Result<Option<Step>, Fault> {
        let Task::Select { query, gathered, join: Some(join) } = &mut execution.task else {
            return Ok(None);
        };
        if !join.is_under_way() {
            return Ok(None);
        }
        Ok(match self.step_join(context, caller, query, join, gathered)? {
            Joined::Waits => Some(Step::Waits),
            Joined::Took(cost) => Some(Step::Took(cost)),
            Joined::All => {
                join.end();
                execution.at_hand = None;
                None
            }
        })
    }

    /// Puts a row that matches, with the rows behind its lookups, into the answer, or begins to
    /// look for the rows that are linked to it.
    fn answer(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
        query: &Query,
        (gathered, join): (&mut Gathered, Option<&mut Join>),
    ) -> Result<Step, Fault> {
        let table = scan.search.table;
        let followed = join.as_ref().map_or(&[][..], |join| &join.lookups);
        if self.lock_lookups(context, caller, scan, row, followed)? == Asked::Waiting
            || self.lock_lookups(context, caller, scan, row, &query.expand)? == Asked::Waiting
        {
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
        if !query.shows(&record) {
            scan.matched -= 1;
            return Ok(Step::Took(cost));
        }
        self.tell_read(context, caller, (table, row), view, ReadKind::Answer);
        self.tell_doubled(context, caller, scan, row);
        for column in &query.expand {
            cost = cost.saturating_add(context.plan.costs.row);
            self.expand(context, caller, (query, *column), view, &mut record);
        }
        match join {
            Some(join) => join.begin(record),
            None => gathered.push(record, query, context.plan)?,
        }
        Ok(Step::Took(cost))
    }

    /// Adds the row to which one of a record's lookups points.
    fn expand(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (query, column): (&Query, ColumnId),
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
        if let Some(linked) = linked.filter(|linked| query.shows(linked)) {
            self.tell_read(context, caller, (to, row), view, ReadKind::Linked);
            record.expanded.push((name, Arc::new(linked)));
        }
    }

    /// Ends a statement that is done: what it held for itself is given back, and what it looked at
    /// is told.
    ///
    /// # Errors
    ///
    /// The answer can't be computed. The statement has failed then, and has not ended.
    pub fn finish(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        execution: &mut Execution,
    ) -> Result<(), Fault> {
        let whole = !is_cut_short(&execution.task, &execution.scan);
        let answered = execution.task.conclude(context.plan)?;
        let scan = &mut execution.scan;
        if whole {
            self.tell_missed(context, caller, scan);
        }
        self.tell_selected(context, caller, scan, whole, None, answered);
        self.end_scan(context, caller, scan);
        Ok(())
    }

    /// Tells that a scan has come to its end, or has stopped before it.
    pub(super) fn tell_selected(
        &self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &Scan,
        whole: bool,
        link: Option<&Name>,
        answered: Option<RowsAnswered>,
    ) {
        let (request, transaction) = (caller.request, caller.transaction());
        let (instance, level) = (self.id, caller.level);
        let (examined, matched, search) = (scan.examined, scan.matched, &scan.search);
        context.emit(|| {
            Event::RowsSelected(RowsSelected {
                request,
                transaction,
                instance,
                table: search.table,
                filter: search.filter.clone(),
                level,
                access: search.path(),
                examined,
                matched,
                whole,
                link: link.cloned(),
                answered,
            })
        });
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
        if let Task::Select { join: Some(join), .. } = &mut execution.task {
            self.leave_join(context, caller, join, &[]);
        }
        self.end_scan(context, caller, &mut execution.scan);
    }
}

impl Execution {
    /// Takes what a query that is done answers; `None` of a statement that writes.
    pub fn take_answer(&mut self) -> Option<Answered> {
        match &mut self.task {
            Task::Select { gathered, .. } => gathered.answer.take().map(|answer| *answer),
            Task::Change { .. } => None,
        }
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

impl Task {
    /// Whether the rows are looked for that belong to the row at hand.
    fn is_joining(&self) -> bool {
        matches!(self, Self::Select { join: Some(join), .. } if join.is_under_way())
    }

    /// Makes the answer of a query; answers its size, where that is not one for each row found.
    fn conclude(&mut self, plan: &Plan) -> Result<Option<RowsAnswered>, Fault> {
        let Self::Select { query, gathered, join } = self else {
            return Ok(None);
        };
        gathered.conclude(query, plan)?;
        let Some(answer) = &gathered.answer else { return Ok(None) };
        let rows = u32::try_from(answer.records.len()).unwrap_or(u32::MAX);
        let more = answer.beside.more;
        let is_other = more
            || join.is_some()
            || query.distinct
            || query.aggregation.is_some()
            || query.page.as_ref().is_some_and(|page| page.is_asked);
        Ok(is_other.then_some(RowsAnswered { rows, more }))
    }
}

/// Whether enough rows are there already: the first so many, in no particular order.
fn is_complete(execution: &Execution) -> bool {
    match &execution.task {
        Task::Select { query, gathered, .. } => gathered.is_enough(query),
        Task::Change { .. } => false,
    }
}

/// Whether a query has stopped before the end of its scan.
fn is_cut_short(task: &Task, scan: &Scan) -> bool {
    match task {
        Task::Select { query, gathered, join: None } => {
            debug_assert!(gathered.records.len() <= scan.matched as usize, "each has matched");
            query.enough().is_some_and(|enough| u64::from(scan.matched) >= enough)
        }
        Task::Select { query, gathered, .. } => gathered.is_enough(query),
        Task::Change { .. } => false,
    }
}
