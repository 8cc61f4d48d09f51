//! The cascade of a merge.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::children::Below;
use crate::engine::cascade::{Cascade, Tie, write};
use crate::engine::database::{Assigned, Wrote, broken};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::store::View;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::Message;
use crate::words::{ColumnId, RowId, SimInstant, TableId, Value};

impl World {
    /// Merges the request's subordinate into its row: what refers to the subordinate refers to the
    /// row from now on, the row is updated, and the subordinate becomes inactive.
    ///
    /// Source: Microsoft Learn, "Merge records" and "Configure table relationship cascading
    /// behavior", Merge: related rows go to the row that stays. Assumed: in this order, by updates
    /// nested in the Merge; of the subordinate's columns those are written that its table has
    /// (`statecode` with a label `Inactive`, `merged`, `masterid`).
    pub(in crate::engine) fn merge(
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
        (list, cascade): (&[Tie], &mut Cascade),
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
            Below::Child(tie, (child, version)) => {
                let place = (tie.child, child);
                let Some(other) = tie.pairs_with else {
                    return Ok(write(place, tie.by, Value::Id(row)));
                };
                let value = match self.is_paired(frame, place, (tie.by, row), other) {
                    true => None,
                    false => Some((tie.by, Value::Id(row))),
                };
                return self.write_pair(
                    fiber,
                    frame,
                    cascade,
                    (tie.child, (child, version)),
                    value,
                );
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

    /// Whether what a pair associates with the subordinate is associated with the row that stays
    /// as well: then the pair has nowhere to go.
    ///
    /// Assumed: such a pair goes, and every other one comes along.
    fn is_paired(
        &self,
        frame: &RequestFrame,
        place: (TableId, RowId),
        (by, row): (ColumnId, RowId),
        other: ColumnId,
    ) -> bool {
        let Some(related) = self.column_of(frame, place, other) else { return false };
        let values = match by < other {
            true => [Value::Id(row), related],
            false => [related, Value::Id(row)],
        };
        self.pair_of(frame, place.0, &values, View::Latest).is_some()
    }
}
