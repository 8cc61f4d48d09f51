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
//! done, and one failure rolls all back. Assumed: children are found by a query on the lookup
//! like any other of the transaction; restricting relationships are asked before the others, so
//! that what can't be done is known before anything is; a row that a cascade has come from, or
//! has deleted already, is passed over; and a child's request is one deeper than its parent's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::database::{Assigned, Execution, Query, Step, Wrote};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::store::View;
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
    /// Whether the row itself is locked (a delete) or written (a change of owner).
    is_begun: bool,
    /// The owner that the row had.
    old_owner: Value,
    /// How many relationships have been asked for their children.
    asked: usize,
    /// The children of the one asked last that are still to be done, the last one first.
    children: Vec<RowId>,
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
    /// These are there.
    Found(Vec<RowId>),
    /// The search is not done.
    Not(Done),
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
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(_) => cascade.is_begun = true,
                other => return Ok(Some(self.written(other))),
            }
        }
        loop {
            if let Some(child) = cascade.children.pop() {
                let relationship = &list[cascade.asked - 1];
                if self.is_passed_over(frame, cascade, (relationship.child, child)) {
                    continue;
                }
                let place = (relationship.child, child);
                return Ok(Some(match relationship.delete {
                    OnDelete::RemoveLink => write(place, relationship.by, Value::Null),
                    _ => part(Message::Delete, place),
                }));
            }
            let Some(relationship) = list.get(cascade.asked) else { return Ok(None) };
            let children = match self.children(fiber, frame, relationship, limit)? {
                Children::Found(children) => children,
                Children::Not(done) => return Ok(Some(done)),
            };
            cascade.asked += 1;
            let child_of = |row: &RowId| (relationship.child, *row);
            let mut in_the_way = children.iter().map(child_of);
            if relationship.delete == OnDelete::Restrict
                && in_the_way.any(|place| !self.is_passed_over(frame, cascade, place))
            {
                return Err(restricted());
            }
            cascade.children = children;
            cascade.children.reverse();
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
        loop {
            if let Some(child) = cascade.children.pop() {
                let relationship = &list[cascade.asked - 1];
                let place = (relationship.child, child);
                let definition = self.shared.plan.table(relationship.child);
                let Some(owned) = definition.column("ownerid") else { continue };
                let had = self.column_of(frame, place, owned);
                let is_meant = match relationship.assign {
                    OnAssign::UserOwned => had.as_ref() == Some(&cascade.old_owner),
                    OnAssign::Cascade => had.as_ref() != Some(owner),
                    OnAssign::None => false,
                };
                if is_meant && !self.is_passed_over(frame, cascade, place) {
                    return Ok(write(place, owned, owner.clone()));
                }
                continue;
            }
            let Some(relationship) = list.get(cascade.asked) else {
                return Ok(Done::After(std::time::Duration::ZERO));
            };
            match self.children(fiber, frame, relationship, limit)? {
                Children::Found(children) => cascade.children = children,
                Children::Not(done) => return Ok(done),
            }
            cascade.asked += 1;
            cascade.children.reverse();
        }
    }

    /// The rows that refer to the request's row.
    fn children(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        relationship: &Relationship,
        limit: SimInstant,
    ) -> Result<Children, Fault> {
        let Some(row) = frame.request.id() else { return Ok(Children::Found(Vec::new())) };
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
                Children::Found(records.into_iter().map(|record| record.id).collect())
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
