//! Cascades: what a request for one row does to the rows that refer to it.
//!
//! ```text
//!   Delete        lock the row ▶ restrict? ▶ children, one request each ▶ delete the row
//!   Update        write the row ▶ children, one request each            (of the owner)
//!   GrantAccess   write the row's share ▶ children, one request each
//!   Update        write the row ▶ a request for each who has access to the row that is now above
//! ```
//!
//! A child's request is nested in the one that it follows from: it is in the same transaction,
//! meets every stage, has its own children, and its fault is the fault of the whole. So all rows
//! that a cascade reaches stay locked until everything is done.
//!
//! A cascade that reaches very many rows is left to a job of the async service instead.
//!
//! Source: Microsoft Learn, "Configure table relationship cascading behavior"; "Asynchronous
//! processing of cascading transactions": a cascade locks all rows that it affects until it is
//! done, each when it comes to it, and one failure rolls all back; so does a row that somebody else
//! has changed before it was locked. Assumed: the fault of the latter, that of a version which does
//! not match; children are found by a query on the lookup
//! like any other of the transaction; restricting relationships are asked before the others, so
//! that what can't be done is known before anything is; a row that a cascade has come from, or
//! has deleted already, is passed over; and a child's request is one deeper than its parent's, but
//! never too deep: the limit is on what plug-ins and workflows ask for.

mod assign;
mod children;
mod deferred;
mod inherit;
mod merge;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use deferred::{Batch, Deferred};

use crate::engine::cascade::children::Below;
use crate::engine::cascade::deferred::Reaching;
use crate::engine::database::{Assigned, Change, Wrote};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{
    Cascading, ManyToManyId, Message, OnDelete, Plan, Relationship, SECURITY_TABLES,
};
use crate::trace::WriteKind;
use crate::words::{ColumnId, ColumnType, RowId, SimInstant, TableId, Value};

/// The relationships of a plan by the table of the one.
#[derive(Debug, Default)]
pub struct Relationships {
    /// Those that matter to a delete, the restricting ones first.
    on_delete: BTreeMap<TableId, Vec<Tie>>,
    /// Those that take another action on to the rows below.
    on_action: BTreeMap<(Action, TableId), Vec<Tie>>,
    /// By the table of the many: the lookup by which its rows come below others, whose access
    /// they get.
    on_reparent: BTreeMap<TableId, Tie>,
}

/// What goes on from a row to the rows below, beside a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// It gets another owner.
    Assign,
    /// It is shared.
    Share,
    /// It is no longer shared.
    Unshare,
    /// It comes below another row.
    Reparent,
}

/// How the rows of one table hang on those of another.
#[derive(Clone, Copy, Debug)]
struct Tie {
    /// The table of the row above.
    parent: TableId,
    /// The table of the rows below.
    child: TableId,
    /// The lookup by which they refer to the one above.
    by: ColumnId,
    /// What becomes of them when that one is deleted.
    delete: OnDelete,
    /// On which of them the action goes on for which the tie is listed.
    goes_on: Cascading,
    /// The relationship of which the rows below are the pairs. They are the platform's own, and
    /// are written without a request.
    pairs: Option<ManyToManyId>,
}

impl Relationships {
    /// The relationships of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut all = Self::default();
        for it in &plan.relationships {
            let Relationship { parent, child, by, delete, .. } = *it;
            let tie = |goes_on| Tie { parent, child, by, delete, goes_on, pairs: None };
            all.on_delete.entry(parent).or_default().push(tie(Cascading::Cascade));
            for (action, goes_on) in [
                (Action::Assign, it.assign),
                (Action::Share, it.share),
                (Action::Unshare, it.unshare),
                (Action::Reparent, it.reparent),
            ] {
                if goes_on != Cascading::None {
                    all.on_action.entry((action, parent)).or_default().push(tie(goes_on));
                }
            }
            if it.reparent != Cascading::None {
                all.on_reparent.insert(child, tie(it.reparent));
            }
        }
        for (number, it) in (0..).zip(&plan.many_to_many) {
            for end in it.ends {
                let (parent, child, by) = (end.table, it.intersect, end.column);
                let (delete, goes_on) = (OnDelete::Cascade, Cascading::Cascade);
                let pairs = Some(ManyToManyId(number));
                let tie = Tie { parent, child, by, delete, goes_on, pairs };
                all.on_delete.entry(parent).or_default().push(tie);
            }
        }
        for tie in undeclared(plan) {
            all.on_delete.entry(tie.parent).or_default().push(tie);
        }
        for list in all.on_delete.values_mut() {
            list.sort_by_key(|it| it.delete != OnDelete::Restrict);
        }
        all
    }

    /// Those that take an action on from a row of a table.
    fn of_action(&self, action: Action, table: TableId) -> &[Tie] {
        self.on_action.get(&(action, table)).map_or(&[], Vec::as_slice)
    }
}

/// The lookups that are in no relationship of the plan: their links are removed.
///
/// Source: Microsoft Learn, "Table relationships": to add a lookup is to create a relationship, of
/// kind referential, and Remove Link unless its author says otherwise. Assumed: nobody deletes a
/// row of the platform's own tables for users, teams and business units, which is so for users.
fn undeclared(plan: &Plan) -> impl Iterator<Item = Tie> + '_ {
    let is_declared = |child: TableId, by: ColumnId| {
        plan.relationships.iter().any(|it| (it.child, it.by) == (child, by))
            || plan.many_to_many.iter().any(|it| it.intersect == child)
    };
    let is_of_security = |table: TableId| {
        let name = &*plan.table(table).name;
        !plan.security.is_empty() && SECURITY_TABLES.iter().any(|it| it.name == name)
    };
    let tables = (0..).map(TableId).zip(&plan.tables);
    let lookups = tables.flat_map(|(child, table)| {
        let columns = (0..).map(ColumnId).zip(&table.columns);
        columns.filter_map(move |(by, column)| match column.kind {
            ColumnType::Lookup(parent) => Some((parent, child, by)),
            _ => None,
        })
    });
    let lookups = lookups
        .filter(move |(parent, child, by)| !is_declared(*child, *by) && !is_of_security(*parent));
    lookups.map(|(parent, child, by)| {
        let (delete, goes_on) = (OnDelete::RemoveLink, Cascading::None);
        Tie { parent, child, by, delete, goes_on, pairs: None }
    })
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
    /// Of a row that has come below another: the requests that are still to be made for that, the
    /// last one first; `None` as long as the row itself is not written.
    inheritance: Option<Vec<Request>>,
    /// Whether it is left to a job.
    pub(in crate::engine) deferred: Deferred,
}

impl Cascade {
    /// The cascade of a child, which has come from this row as well.
    pub(super) fn of_child(&self, table: TableId, row: Option<RowId>) -> Self {
        let mut above = self.above.clone();
        above.extend(row.map(|row| (table, row)));
        Self { above, ..Self::default() }
    }
}

impl RequestFrame {
    /// Goes on with its cascade, which is beside the frame meanwhile and back in it afterwards.
    fn with_cascade<T>(&mut self, action: impl FnOnce(&mut Self, &mut Cascade) -> T) -> T {
        let mut cascade = self.cascade.take().unwrap_or_default();
        let done = action(self, &mut cascade);
        self.cascade = Some(cascade);
        done
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
        let done = frame
            .with_cascade(|frame, cascade| self.delete_below(fiber, frame, (list, cascade), limit));
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
            if self.puts_off(frame, cascade, Reaching::Delete) {
                cascade.deferred = Deferred::Wanted;
                return Ok(Some(Done::After(Duration::ZERO)));
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
