//! Which cascades are put off, and what their jobs do bit by bit.

use std::collections::BTreeSet;

use crate::engine::cascade::{Action, Cascade, Tie};
use crate::engine::database::Assigned;
use crate::engine::fiber::RequestFrame;
use crate::engine::ownership::Ownership;
use crate::engine::request::{Request, Target};
use crate::engine::store::View;
use crate::engine::world::World;
use crate::plan::{Message, OnDelete};
use crate::words::{ColumnId, RowId, TableId, Value};

/// Whether a cascade is left to a job of the async service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Deferred {
    /// It is done within its request.
    #[default]
    No,
    /// It will be left to a job, which is not written yet.
    Wanted,
    /// It is left to a job.
    Queued,
    /// It is the job's own.
    UnderWay,
}

/// What a job does next.
pub enum Batch {
    /// Nothing any more.
    None,
    /// These, in one transaction.
    Rows(Vec<Request>),
    /// This, and then nothing any more.
    Last(Request),
}

impl Cascade {
    /// The same as the job begins with it.
    pub(in crate::engine) fn as_job(&self) -> Self {
        let deferred = Deferred::UnderWay;
        Self { old_owner: self.old_owner.clone(), deferred, ..Self::default() }
    }

    /// That of a request which the job makes: it has come from the job's row, whose turn is last.
    pub(in crate::engine) fn below_job(job: &RequestFrame) -> Self {
        let above = job.request.id().map(|row| (job.request.table, row));
        let above = above.into_iter().collect();
        Self { above, ..Self::default() }
    }
}

impl World {
    /// Whether a cascade that begins is to be put off: it reaches as many rows as that takes.
    pub(super) fn puts_off(
        &self,
        frame: &RequestFrame,
        cascade: &Cascade,
        action: Reaching,
    ) -> bool {
        let plan = &self.shared.plan;
        let Some(jobs) = plan.jobs else { return false };
        let is_first = cascade.above.is_empty() && cascade.deferred == Deferred::No;
        let database = &self.databases[frame.instance.index()];
        let Some(row) = frame.request.id().filter(|_| is_first && database.has(jobs.table)) else {
            return false;
        };
        let limit = match action {
            Reaching::Assign => plan.limits.assign_cascade,
            Reaching::Delete => plan.limits.delete_cascade,
            Reaching::Merge => plan.limits.merge_cascade,
        };
        let from = if action == Reaching::Merge { frame.request.subordinate } else { Some(row) };
        let place = from.map(|from| (frame.request.table, from));
        place.is_some_and(|place| self.reaches(frame, place, action, limit as usize))
    }

    /// Whether an action on a row reaches so many rows below it.
    fn reaches(
        &self,
        frame: &RequestFrame,
        place: (TableId, RowId),
        action: Reaching,
        least: usize,
    ) -> bool {
        let mut known = BTreeSet::from([place]);
        let mut level = vec![place];
        while !level.is_empty() {
            let mut next = Vec::new();
            let tables: BTreeSet<TableId> = level.iter().map(|(table, _)| *table).collect();
            for table in tables {
                let above: BTreeSet<RowId> =
                    level.iter().filter(|it| it.0 == table).map(|it| it.1).collect();
                for tie in self.ties_of(action, table) {
                    let refers = |value: &Value| match value {
                        Value::Id(id) => above.contains(id),
                        _ => false,
                    };
                    let found = self.rows_below(frame, tie, refers);
                    next.extend(found.map(|row| (tie.child, row)).filter(|it| known.insert(*it)));
                }
            }
            if known.len() > least {
                return true;
            }
            // What refers to a row that refers to the duplicate refers to it as before.
            level = if action == Reaching::Merge { Vec::new() } else { next };
        }
        false
    }

    /// The ties along which an action reaches rows.
    fn ties_of(&self, action: Reaching, table: TableId) -> impl Iterator<Item = &Tie> {
        let relationships = &self.shared.relationships;
        let list = match action {
            Reaching::Assign => relationships.of_action(Action::Assign, table),
            Reaching::Delete | Reaching::Merge => {
                relationships.on_delete.get(&table).map_or(&[][..], Vec::as_slice)
            }
        };
        let reaches = move |tie: &&Tie| {
            tie.pairs.is_none() && (action != Reaching::Delete || tie.delete == OnDelete::Cascade)
        };
        list.iter().filter(reaches)
    }

    /// The rows below by a tie whose lookup has such a value, as the request sees them.
    fn rows_below<'a>(
        &'a self,
        frame: &RequestFrame,
        tie: &'a Tie,
        refers: impl Fn(&Value) -> bool + 'a,
    ) -> impl Iterator<Item = RowId> + 'a {
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let store = self.databases[frame.instance.index()].store(tie.child).ok();
        let rows = store.into_iter().flat_map(|store| store.rows().map(move |row| (store, row)));
        rows.filter_map(move |(store, row)| {
            let image = store.read(row, view)?;
            refers(&image.value(tie.by)).then(|| image.id())
        })
    }

    /// What the job of a cascade does next.
    pub(in crate::engine) fn next_batch(
        &self,
        frame: &RequestFrame,
        cascade: &mut Cascade,
    ) -> Batch {
        let (action, row) = match frame.request.message {
            Message::Delete => (Reaching::Delete, frame.request.id()),
            Message::Merge => (Reaching::Merge, frame.request.subordinate),
            _ => (Reaching::Assign, frame.request.id()),
        };
        let (table, Some(row)) = (frame.request.table, row) else {
            return Batch::None;
        };
        let size = self.shared.plan.limits.cascade_batch as usize;
        let mut items = Vec::new();
        for tie in self.ties_of(action, table) {
            let refers = |value: &Value| *value == Value::Id(row);
            for child in self.rows_below(frame, tie, refers) {
                let Some(item) = self.item_of(frame, cascade, (tie, child)) else { continue };
                // A row that refers to itself goes with itself. What this try has done already, and
                // a step has undone, stays undone.
                let is_itself = child == row && tie.child == table;
                if is_itself && action != Reaching::Merge || cascade.children.contains(&(child, 0))
                {
                    continue;
                }
                let has_steps = self.shared.steps.any(frame.instance, tie.child, item.message);
                if has_steps && !items.is_empty() {
                    continue;
                }
                cascade.children.push((child, 0));
                items.push(item);
                if has_steps || items.len() == size {
                    return Batch::Rows(items);
                }
            }
        }
        let is_there = self.column_of(frame, (table, row), ColumnId(0)).is_some();
        match action {
            _ if !items.is_empty() => Batch::Rows(items),
            Reaching::Delete if is_there => {
                Batch::Last(Request::new(Message::Delete, table, Target::Id(row)))
            }
            _ => Batch::None,
        }
    }

    /// What becomes of a row below; `None` for nothing.
    fn item_of(
        &self,
        frame: &RequestFrame,
        cascade: &Cascade,
        (tie, child): (&Tie, RowId),
    ) -> Option<Request> {
        let (plan, place) = (&self.shared.plan, (tie.child, child));
        if frame.request.message == Message::Delete {
            return Some(Request::new(Message::Delete, tie.child, Target::Id(child)));
        }
        if let (Message::Merge, Some(stays)) = (frame.request.message, frame.request.id()) {
            let mut request = Request::new(Message::Update, tie.child, Target::Id(child));
            request.assign(tie.by, Assigned::Value(Value::Id(stays)));
            return Some(request);
        }
        let own = Ownership::of(plan, frame.instance, frame.request.table)?;
        let owner = own.given(&frame.request)?;
        let is_meant = self.is_meant(frame, (tie, place), &cascade.old_owner);
        if !is_meant || self.owner_in(frame, place) == owner {
            return None;
        }
        let mut request = Request::new(Message::Update, tie.child, Target::Id(child));
        Ownership::of(plan, frame.instance, tie.child)?.give(
            plan,
            frame.instance,
            &mut request,
            &owner,
        );
        Some(request)
    }
}

/// What reaches rows below, and may be put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaching {
    /// They get another owner.
    Assign,
    /// They are deleted.
    Delete,
    /// They refer to the row that stays.
    Merge,
}
