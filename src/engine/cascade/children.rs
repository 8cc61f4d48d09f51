//! The rows below a row: they are found by their lookup, and locked one after the other.

use std::sync::Arc;

use crate::engine::cascade::{Cascade, Tie};
use crate::engine::concurrency::version_mismatch;
use crate::engine::database::{Execution, Query, Step, Wrote, does_not_exist};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::ownership::Ownership;
use crate::engine::store::{RowNumber, View};
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::Cascading;
use crate::words::{BinaryOperator, ColumnId, Expression, RowId, SimInstant, TableId, Value};

/// What came of a search for children.
enum Children {
    /// These are there, each with its version.
    Found(Vec<(RowId, u64)>),
    /// The search is not done.
    Not(Done),
}

/// What is next below a row.
pub(super) enum Below<'l> {
    /// This row, locked, by this tie; with the version as which it was found.
    Child(&'l Tie, (RowId, u64)),
    /// That is not known yet.
    Not(Done),
    /// Nothing any more.
    Over,
}

impl World {
    /// The next row below a row, locked.
    ///
    /// # Errors
    ///
    /// Another transaction has changed the row, or removed it, since it was found to be below.
    pub(super) fn next_child<'l>(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&'l [Tie], &mut Cascade),
        of: RowId,
        limit: SimInstant,
    ) -> Result<Below<'l>, Fault> {
        loop {
            if let Some(&(child, version)) = cascade.children.last() {
                let tie = &list[cascade.asked - 1];
                let place = (tie.child, child);
                if !self.is_passed_over(frame, cascade, place) {
                    let row = match self.lock_row(fiber, frame, place)? {
                        Wrote::Row(row) => row,
                        other => return Ok(Below::Not(self.written(other))),
                    };
                    if self.still_refers(frame, (place.0, row), version, (tie.by, of))? {
                        cascade.children.pop();
                        return Ok(Below::Child(tie, (child, version)));
                    }
                }
                cascade.children.pop();
                continue;
            }
            let Some(tie) = list.get(cascade.asked) else { return Ok(Below::Over) };
            match self.referring(fiber, frame, (tie, of), limit)? {
                Children::Found(children) => cascade.children = children,
                Children::Not(done) => return Ok(Below::Not(done)),
            }
            cascade.asked += 1;
            cascade.children.reverse();
        }
    }

    /// Locks a row to be written, which must be there.
    pub(super) fn lock_row(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        place: (TableId, RowId),
    ) -> Result<Wrote, Fault> {
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        match database.lock_to_write(&mut context, &caller, place, &mut frame.writing)? {
            Wrote::Missing => Err(does_not_exist(context.plan.table(place.0), place.1)),
            wrote => Ok(wrote),
        }
    }

    /// Whether a child that was found as this version, and is locked now, still refers to a row.
    /// Its own transaction may have changed that meanwhile.
    fn still_refers(
        &self,
        frame: &RequestFrame,
        (table, row): (TableId, RowNumber),
        version: u64,
        (by, of): (ColumnId, RowId),
    ) -> Result<bool, Fault> {
        let store = self.databases[frame.instance.index()].store(table)?;
        let Some(image) = store.read(row, View::Latest) else { return Ok(false) };
        let own = frame.transaction.map(|transaction| transaction.id);
        if image.row_version() != version && store.writer(row) != own {
            return Err(version_mismatch());
        }
        Ok(image.value(by) == Value::Id(of))
    }

    /// The rows that refer to a row.
    fn referring(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (tie, row): (&Tie, RowId),
        limit: SimInstant,
    ) -> Result<Children, Fault> {
        if !self.databases[frame.instance.index()].has(tie.child) {
            return Ok(Children::Found(Vec::new()));
        }
        let caller = self.caller(fiber, frame);
        let room = limit.duration_since(self.now);
        let (database, mut context) = self.database(frame.instance);
        if frame.execution.is_none() {
            let definition = context.plan.table(tie.child);
            let column = definition.columns[tie.by.index()].name.clone();
            let refers = Expression::Binary(
                BinaryOperator::Equal,
                Box::new(Expression::Column(column)),
                Box::new(Expression::Literal(Value::Id(row))),
            );
            let query = Query {
                filter: Some(refers),
                select: Some(Arc::from([tie.by])),
                table: Some(tie.child),
                ..Query::default()
            };
            let (plan, table) = (context.plan, tie.child);
            let execution = Execution::select(database, plan, &caller, table, Arc::new(query))?;
            frame.execution = Some(Box::new(execution));
        }
        let Some(execution) = &mut frame.execution else {
            return Ok(Children::Not(Done::Again));
        };
        let step = database.step(&mut context, &caller, execution, room);
        if step == Ok(Step::Done) {
            database.finish(&mut context, &caller, execution)?;
        }
        self.now = context.now;
        Ok(match step? {
            Step::Waits => Children::Not(Done::Waits),
            Step::Took(cost) => Children::Not(Done::Took(cost)),
            Step::Done => {
                let taken = frame.execution.take().and_then(|mut it| it.take_answer());
                let records = taken.unwrap_or_default().records;
                let children = records.into_iter().map(|record| (record.id, record.row_version));
                Children::Found(children.collect())
            }
        })
    }

    /// Whether a cascade has nothing to do with a row: it has come from there, or the row is gone.
    fn is_passed_over(
        &self,
        frame: &RequestFrame,
        cascade: &Cascade,
        place: (TableId, RowId),
    ) -> bool {
        let own = frame.request.id().map(|row| (frame.request.table, row));
        own == Some(place)
            || cascade.above.contains(&place)
            || self.column_of(frame, place, ColumnId(0)).is_none()
    }

    /// A column of a row as the request's transaction sees it; `None` where there is no such row.
    pub(in crate::engine) fn column_of(
        &self,
        frame: &RequestFrame,
        (table, row): (TableId, RowId),
        column: ColumnId,
    ) -> Option<Value> {
        let store = self.databases[frame.instance.index()].store(table).ok()?;
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let image = store.read(store.find(row)?, view)?;
        Some(image.value(column))
    }

    /// Whether an action goes on to a row below one that has, or had, this owner.
    pub(super) fn is_meant(
        &self,
        frame: &RequestFrame,
        (tie, place): (&Tie, (TableId, RowId)),
        owner: &Value,
    ) -> bool {
        match tie.goes_on {
            Cascading::None => false,
            Cascading::Cascade => true,
            Cascading::UserOwned => self.owner_in(frame, place) == *owner,
            Cascading::Active => {
                let state = self.shared.plan.table(place.0).column("statecode");
                let state = state.and_then(|column| self.column_of(frame, place, column));
                state == Some(Value::text("Active"))
            }
        }
    }

    /// The owner of a row as the request's transaction sees it; null where it has none.
    pub(super) fn owner_in(&self, frame: &RequestFrame, place: (TableId, RowId)) -> Value {
        let ownership = Ownership::of(&self.shared.plan, frame.instance, place.0);
        let value = |column| self.column_of(frame, place, column).unwrap_or_default();
        ownership.map_or(Value::Null, |ownership| ownership.read(value))
    }
}
