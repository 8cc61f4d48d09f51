//! Cascades: what a delete or a change of owner does to the rows that refer to the row.
//!
//! ```text
//!   Delete   lock the row ▶ restrict? ▶ children, one request each ▶ delete the row
//!   Update   write the row ▶ children, one request each            (of the owner)
//! ```
//!
//! A child's request is nested in the one that it follows from: it is in the same transaction,
//! meets every stage, has its own children, and its fault is the fault of the whole. So all rows
//! that a cascade reaches stay locked until everything is done.
//!
//! Source: Microsoft Learn, "Configure table relationship cascading behavior"; "Asynchronous
//! processing of cascading transactions": a cascade locks all rows that it affects until it is
//! done, each when it comes to it, and one failure rolls all back; so does a row that somebody else
//! has changed before it was locked. Assumed: the fault of the latter, that of a version which does
//! not match; children are found by a query on the lookup
//! like any other of the transaction; restricting relationships are asked before the others, so
//! that what can't be done is known before anything is; a row that a cascade has come from, or
//! has deleted already, is passed over; and a child's request is one deeper than its parent's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::concurrency::version_mismatch;
use crate::engine::database::{Assigned, Execution, Query, Step, Wrote, broken, does_not_exist};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::store::{RowNumber, View};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, OnAssign, OnDelete, Plan, Relationship};
use crate::trace::WriteKind;
use crate::words::{BinaryOperator, ColumnId, Expression, RowId, SimInstant, TableId, Value};

/// The relationships of a plan by the table of the one.
#[derive(Debug, Default)]
pub struct Relationships {
    /// Those that matter to a delete, the restricting ones first.
    on_delete: BTreeMap<TableId, Vec<Relationship>>,
    /// Those that matter to a change of owner.
    on_assign: BTreeMap<TableId, Vec<Relationship>>,
}

impl Relationships {
    /// The relationships of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut all = Self::default();
        for relationship in &plan.relationships {
            let parent = relationship.parent;
            all.on_delete.entry(parent).or_default().push(relationship.clone());
            if relationship.assign != OnAssign::None {
                all.on_assign.entry(parent).or_default().push(relationship.clone());
            }
        }
        for list in all.on_delete.values_mut() {
            list.sort_by_key(|it| it.delete != OnDelete::Restrict);
        }
        all
    }
}

/// How far a cascade is.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Cascade {
    /// The rows that it has come from.
    above: Vec<(TableId, RowId)>,
    /// Whether the row itself is locked (a delete, a merge) or written (a change of owner).
    is_begun: bool,
    /// The owner that the row had.
    old_owner: Value,
    /// How many relationships have been asked for their children.
    asked: usize,
    /// The children of the one asked last that are still to be done, the last one first, each with
    /// the version as which it was found.
    children: Vec<(RowId, u64)>,
    /// Of a merge: whether the subordinate's own update was made.
    is_recorded: bool,
}

impl Cascade {
    /// The cascade of a child, which has come from this row as well.
    pub(super) fn of_child(&self, table: TableId, row: Option<RowId>) -> Self {
        let mut above = self.above.clone();
        above.extend(row.map(|row| (table, row)));
        Self { above, ..Self::default() }
    }
}

/// What came of a search for children.
enum Children {
    /// These are there, each with its version.
    Found(Vec<(RowId, u64)>),
    /// The search is not done.
    Not(Done),
}

/// What is next below a row.
enum Below<'l> {
    /// This child, locked, by this relationship.
    Child(&'l Relationship, (TableId, RowId)),
    /// That is not known yet.
    Not(Done),
    /// Nothing any more.
    Over,
}

impl World {
    /// Deletes a row, with what its relationships say.
    pub(super) fn delete(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let list = shared.relationships.on_delete.get(&frame.request.table);
        let (Some(list), Some(_)) = (list, frame.request.id()) else {
            return self.change(fiber, frame, WriteKind::Delete);
        };
        let mut cascade = frame.cascade.take().unwrap_or_default();
        let done = self.delete_below(fiber, frame, (list, &mut cascade), limit);
        frame.cascade = Some(cascade);
        match done? {
            Some(done) => Ok(done),
            None => self.change(fiber, frame, WriteKind::Delete),
        }
    }

    /// Does what must be done before a row is deleted; `None` when all of it is.
    fn delete_below(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&[Relationship], &mut Cascade),
        limit: SimInstant,
    ) -> Result<Option<Done>, Fault> {
        let Some(row) = frame.request.id() else { return Ok(None) };
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(_) => cascade.is_begun = true,
                other => return Ok(Some(self.written(other))),
            }
        }
        let (relationship, place) =
            match self.next_child(fiber, frame, (list, cascade), row, limit)? {
                Below::Child(relationship, place) => (relationship, place),
                Below::Not(done) => return Ok(Some(done)),
                Below::Over => return Ok(None),
            };
        match relationship.delete {
            OnDelete::Restrict => Err(restricted()),
            OnDelete::RemoveLink => Ok(Some(write(place, relationship.by, Value::Null))),
            OnDelete::Cascade => Ok(Some(part(Message::Delete, place))),
        }
    }

    /// Updates a row and, where it gets another owner, the rows below it.
    pub(super) fn update(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let table = frame.request.table;
        let owner = shared.relationships.on_assign.get(&table).and_then(|list| {
            let column = shared.plan.table(table).column("ownerid")?;
            let mut columns = frame.request.columns.iter();
            match columns.find(|(assigned, _)| *assigned == column) {
                Some((_, Assigned::Value(owner))) => Some((list, column, owner.clone())),
                _ => None,
            }
        });
        let Some((list, column, owner)) = owner else {
            return self.change(fiber, frame, WriteKind::Update);
        };
        let mut cascade = frame.cascade.take().unwrap_or_default();
        let done = self.assign_below(fiber, frame, (list, &mut cascade), (column, &owner), limit);
        frame.cascade = Some(cascade);
        done
    }

    /// Writes a row's new owner, and gives it to the rows below.
    fn assign_below(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&[Relationship], &mut Cascade),
        (column, owner): (ColumnId, &Value),
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(row) => {
                    let store =
                        self.databases[frame.instance.index()].store(frame.request.table)?;
                    let image = store.read(row, View::Latest);
                    cascade.old_owner = image.map_or(Value::Null, |image| image.value(column));
                }
                other => return Ok(self.written(other)),
            }
            let done = self.change(fiber, frame, WriteKind::Update)?;
            let Done::After(cost) = done else { return Ok(done) };
            cascade.is_begun = true;
            // Nothing cascades from a value that stays what it is.
            let stays = cascade.old_owner == *owner;
            return Ok(if stays { Done::After(cost) } else { Done::Took(cost) });
        }
        let Some(row) = frame.request.id() else { return Ok(Done::After(Duration::ZERO)) };
        loop {
            let (relationship, place) =
                match self.next_child(fiber, frame, (list, cascade), row, limit)? {
                    Below::Child(relationship, place) => (relationship, place),
                    Below::Not(done) => return Ok(done),
                    Below::Over => return Ok(Done::After(Duration::ZERO)),
                };
            let definition = self.shared.plan.table(relationship.child);
            let Some(owned) = definition.column("ownerid") else { continue };
            let state = definition.column("statecode");
            let had = self.column_of(frame, place, owned);
            let is_meant = match relationship.assign {
                OnAssign::None => false,
                OnAssign::Cascade => true,
                OnAssign::UserOwned => had.as_ref() == Some(&cascade.old_owner),
                OnAssign::Active => {
                    let state = state.and_then(|column| self.column_of(frame, place, column));
                    state == Some(Value::text("Active"))
                }
            };
            if is_meant && had.as_ref() != Some(owner) {
                return Ok(write(place, owned, owner.clone()));
            }
        }
    }

    /// Merges the request's subordinate into its row: what refers to the subordinate refers to the
    /// row from now on, the row is updated, and the subordinate becomes inactive.
    ///
    /// Source: Microsoft Learn, "Merge records" and "Configure table relationship cascading
    /// behavior", Merge: related rows go to the row that stays. Assumed: in this order, by updates
    /// nested in the Merge; of the subordinate's columns those are written that its table has
    /// (`statecode` with a label `Inactive`, `merged`, `masterid`).
    pub(super) fn merge(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let table = frame.request.table;
        let (Some(row), Some(subordinate)) = (frame.request.id(), frame.request.subordinate) else {
            return Err(broken("the request names no rows to merge".to_owned()));
        };
        if row == subordinate {
            return Err(broken("a row can't be merged into itself".to_owned()));
        }
        let list = shared.relationships.on_delete.get(&table).map_or(&[][..], Vec::as_slice);
        let mut cascade = frame.cascade.take().unwrap_or_default();
        let done = self.merge_below(fiber, frame, (list, &mut cascade), (row, subordinate), limit);
        frame.cascade = Some(cascade);
        done
    }

    /// The next step of a merge.
    fn merge_below(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&[Relationship], &mut Cascade),
        (row, subordinate): (RowId, RowId),
        limit: SimInstant,
    ) -> Result<Done, Fault> {
        let table = frame.request.table;
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(_) => {}
                other => return Ok(self.written(other)),
            }
            match self.lock_row(fiber, frame, (table, subordinate))? {
                Wrote::Row(_) => cascade.is_begun = true,
                other => return Ok(self.written(other)),
            }
        }
        match self.next_child(fiber, frame, (list, cascade), subordinate, limit)? {
            Below::Child(relationship, place) => {
                return Ok(write(place, relationship.by, Value::Id(row)));
            }
            Below::Not(done) => return Ok(done),
            Below::Over => {}
        }
        // The rows themselves: the one that stays, unless nothing is set, then the other one.
        let columns = std::mem::take(&mut frame.request.columns);
        if !columns.is_empty() {
            let mut request = Request::new(Message::Update, table, Target::Id(row));
            request.columns = columns;
            return Ok(Done::Part(Box::new(request)));
        }
        if std::mem::replace(&mut cascade.is_recorded, true) {
            return Ok(Done::After(Duration::ZERO));
        }
        let mut request = Request::new(Message::Update, table, Target::Id(subordinate));
        let definition = self.shared.plan.table(table);
        for (name, value) in [
            ("statecode", Value::text("Inactive")),
            ("merged", Value::Boolean(true)),
            ("masterid", Value::Id(row)),
        ] {
            if let Some(column) = definition.column(name) {
                request.assign(column, Assigned::Value(value));
            }
        }
        if request.columns.is_empty() {
            return Ok(Done::After(Duration::ZERO));
        }
        Ok(Done::Part(Box::new(request)))
    }

    /// The next row below a row, locked.
    ///
    /// # Errors
    ///
    /// Another transaction has changed the row, or removed it, since it was found to be below.
    fn next_child<'l>(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (list, cascade): (&'l [Relationship], &mut Cascade),
        of: RowId,
        limit: SimInstant,
    ) -> Result<Below<'l>, Fault> {
        loop {
            if let Some(&(child, version)) = cascade.children.last() {
                let relationship = &list[cascade.asked - 1];
                let place = (relationship.child, child);
                if !self.is_passed_over(frame, cascade, place) {
                    let row = match self.lock_row(fiber, frame, place)? {
                        Wrote::Row(row) => row,
                        other => return Ok(Below::Not(self.written(other))),
                    };
                    if self.still_refers(frame, (place.0, row), version, (relationship.by, of))? {
                        cascade.children.pop();
                        return Ok(Below::Child(relationship, place));
                    }
                }
                cascade.children.pop();
                continue;
            }
            let Some(relationship) = list.get(cascade.asked) else { return Ok(Below::Over) };
            match self.referring(fiber, frame, (relationship, of), limit)? {
                Children::Found(children) => cascade.children = children,
                Children::Not(done) => return Ok(Below::Not(done)),
            }
            cascade.asked += 1;
            cascade.children.reverse();
        }
    }

    /// Locks a row to be written, which must be there.
    fn lock_row(
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
        (relationship, row): (&Relationship, RowId),
        limit: SimInstant,
    ) -> Result<Children, Fault> {
        if !self.databases[frame.instance.index()].has(relationship.child) {
            return Ok(Children::Found(Vec::new()));
        }
        let caller = self.caller(fiber, frame);
        let room = limit.duration_since(self.now);
        let (database, mut context) = self.database(frame.instance);
        if frame.execution.is_none() {
            let definition = context.plan.table(relationship.child);
            let column = definition.columns[relationship.by.index()].name.clone();
            let refers = Expression::Binary(
                BinaryOperator::Equal,
                Box::new(Expression::Column(column)),
                Box::new(Expression::Literal(Value::Id(row))),
            );
            let query = Query {
                filter: Some(refers),
                select: Some(Arc::from([relationship.by])),
                table: Some(relationship.child),
                ..Query::default()
            };
            let (plan, table) = (context.plan, relationship.child);
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
    fn column_of(
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
}

/// A request of the cascade's own about a child.
fn part(message: Message, (table, row): (TableId, RowId)) -> Done {
    Done::Part(Box::new(Request::new(message, table, Target::Id(row))))
}

/// A request of the cascade's own that writes one column of a child.
fn write((table, row): (TableId, RowId), column: ColumnId, value: Value) -> Done {
    let mut request = Request::new(Message::Update, table, Target::Id(row));
    request.assign(column, Assigned::Value(value));
    Done::Part(Box::new(request))
}

/// Source: Microsoft Learn, "Web service error codes": CannotDeleteDueToAssociation.
fn restricted() -> Fault {
    let message =
        "The object you tried to delete is associated with another object and cannot be deleted.";
    Fault::new(FaultKind::DeleteRestricted, message)
}
