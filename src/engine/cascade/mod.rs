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

mod assign;
mod children;
mod merge;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::cascade::children::Below;
use crate::engine::database::{Assigned, Change, Wrote};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{ManyToManyId, Message, OnAssign, OnDelete, Plan};
use crate::trace::WriteKind;
use crate::words::{ColumnId, RowId, SimInstant, TableId, Value};

/// The relationships of a plan by the table of the one.
#[derive(Debug, Default)]
pub struct Relationships {
    /// Those that matter to a delete, the restricting ones first.
    on_delete: BTreeMap<TableId, Vec<Tie>>,
    /// Those that matter to a change of owner.
    on_assign: BTreeMap<TableId, Vec<Tie>>,
}

/// How the rows of one table hang on those of another.
#[derive(Clone, Copy, Debug)]
struct Tie {
    /// The table of the rows below.
    child: TableId,
    /// The lookup by which they refer to the one above.
    by: ColumnId,
    /// What becomes of them when that one is deleted.
    delete: OnDelete,
    /// What becomes of their owner when that of the one above changes.
    assign: OnAssign,
    /// The relationship of which the rows below are the pairs. They are the platform's own, and
    /// are written without a request.
    pairs: Option<ManyToManyId>,
}

impl Relationships {
    /// The relationships of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut all = Self::default();
        for it in &plan.relationships {
            let (delete, assign) = (it.delete, it.assign);
            let tie = Tie { child: it.child, by: it.by, delete, assign, pairs: None };
            all.on_delete.entry(it.parent).or_default().push(tie);
            if assign != OnAssign::None {
                all.on_assign.entry(it.parent).or_default().push(tie);
            }
        }
        for (number, it) in (0..).zip(&plan.many_to_many) {
            for end in it.ends {
                let (child, by, pairs) = (it.intersect, end.column, Some(ManyToManyId(number)));
                let (delete, assign) = (OnDelete::Cascade, OnAssign::None);
                let tie = Tie { child, by, delete, assign, pairs };
                all.on_delete.entry(end.table).or_default().push(tie);
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
        (list, cascade): (&[Tie], &mut Cascade),
        limit: SimInstant,
    ) -> Result<Option<Done>, Fault> {
        let Some(row) = frame.request.id() else { return Ok(None) };
        if !cascade.is_begun {
            match self.lock_for_change(fiber, frame)? {
                Wrote::Row(_) => cascade.is_begun = true,
                other => return Ok(Some(self.written(other))),
            }
        }
        let (tie, below) = match self.next_child(fiber, frame, (list, cascade), row, limit)? {
            Below::Child(tie, below) => (tie, below),
            Below::Not(done) => return Ok(Some(done)),
            Below::Over => return Ok(None),
        };
        if tie.pairs.is_some() {
            return self.remove_pair(fiber, frame, cascade, (tie.child, below)).map(Some);
        }
        let place = (tie.child, below.0);
        match tie.delete {
            OnDelete::Restrict => Err(restricted()),
            OnDelete::RemoveLink => Ok(Some(write(place, tie.by, Value::Null))),
            OnDelete::Cascade => Ok(Some(part(Message::Delete, place))),
        }
    }

    /// Removes a pair that the cascade has locked: in one command, for which no step runs. Where
    /// it has to wait for more locks, the pair is the next one again.
    ///
    /// Assumed: no page tells of an event; only Associate and Disassociate are known to have one.
    fn remove_pair(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        cascade: &mut Cascade,
        (table, (id, version)): (TableId, (RowId, u64)),
    ) -> Result<Done, Fault> {
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        let Some(row) = database.store(table)?.find(id) else { return Ok(Done::Again) };
        let (place, change) = ((table, row), Change::Delete);
        let wrote = database.change(&mut context, &caller, place, change, &mut frame.writing)?;
        if let Wrote::Row(_) = wrote {
            // The next one is a command of its own.
            frame.command_deadline = None;
            return Ok(Done::Took(self.shared.plan.costs.write));
        }
        cascade.children.push((id, version));
        Ok(self.written(wrote))
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
