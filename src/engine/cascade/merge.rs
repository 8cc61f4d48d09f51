//! The cascade of a merge.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::children::Below;
use crate::engine::cascade::deferred::Reaching;
use crate::engine::cascade::{Cascade, Deferred, Tie, write};
use crate::engine::database::{Assigned, Wrote, broken};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{Request, Target};
use crate::engine::store::View;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::{ManyToManyId, Message};
use crate::words::{ColumnId, RowId, SimInstant, TableId, Value};

impl World {
    /// Merges the request's subordinate into its row: what refers to the subordinate refers to the
    /// row from now on, the row is updated, and the subordinate becomes inactive.
    ///
    /// Source: Microsoft Learn, "Merge records" and "Configure table relationship cascading
    /// behavior", Merge: related rows go to the row that stays; "Asynchronous processing of
    /// cascading transactions": from 1,000 of them on in the background. Assumed: in this order, by
    /// updates nested in the Merge; what is left to a job are the rows with a lookup, while the two
    /// rows themselves and the pairs of many-to-many relationships are done with the request; of
    /// the subordinate's columns those are written that its table has (`statecode` with a label
    /// `Inactive`, `merged`, `masterid`).
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
        frame.with_cascade(|frame, cascade| {
            self.merge_below(fiber, frame, (list, cascade), (row, subordinate), limit)
        })
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
            if self.puts_off(frame, cascade, Reaching::Merge) {
                cascade.deferred = Deferred::Wanted;
            }
        }
        let pairs: Vec<Tie>;
        let list = if cascade.deferred == Deferred::Wanted {
            pairs = list.iter().filter(|tie| tie.pairs.is_some()).copied().collect();
            &pairs
        } else {
            list
        };
        match self.next_child(fiber, frame, (list, cascade), subordinate, limit)? {
            Below::Child(tie, (child, version)) => {
                let place = (tie.child, child);
                let Some(pairs) = tie.pairs else {
                    return Ok(write(place, tie.by, Value::Id(row)));
                };
                let below = (tie.child, (child, version));
                return match self.pair_for(frame, place, (pairs, tie.by), row) {
                    None => self.remove_pair(fiber, frame, cascade, below),
                    Some(pair) => {
                        // Its turn comes again, when there is a pair in its place.
                        cascade.children.push((child, version));
                        let wrote = self.add_pair(fiber, frame, (pairs, pair))?;
                        Ok(match self.written(wrote) {
                            Done::After(cost) => Done::Took(cost),
                            done => done,
                        })
                    }
                };
            }
            Below::Not(done) => return Ok(done),
            Below::Over => {}
        }
        Ok(self.merge_rows(frame, cascade, (row, subordinate)))
    }

    /// The last steps of a merge, the rows themselves: the one that stays, unless nothing is set,
    /// then the other one.
    fn merge_rows(
        &self,
        frame: &mut RequestFrame,
        cascade: &mut Cascade,
        (row, subordinate): (RowId, RowId),
    ) -> Done {
        let table = frame.request.table;
        let columns = std::mem::take(&mut frame.request.columns);
        if !columns.is_empty() {
            let mut request = Request::new(Message::Update, table, Target::Id(row));
            request.columns = columns;
            return Done::Part(Box::new(request));
        }
        if std::mem::replace(&mut cascade.is_recorded, true) {
            return Done::After(Duration::ZERO);
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
            return Done::After(Duration::ZERO);
        }
        Done::Part(Box::new(request))
    }

    /// The pair that takes the place of one with the subordinate; `None` where it is there already.
    ///
    /// Assumed: what the subordinate is associated with, the row that stays is from now on.
    fn pair_for(
        &self,
        frame: &RequestFrame,
        place: (TableId, RowId),
        (pairs, by): (ManyToManyId, ColumnId),
        row: RowId,
    ) -> Option<[RowId; 2]> {
        let ends = self.shared.plan.many_to_many[pairs.index()].ends;
        let pair = ends.map(|end| match end.column == by {
            true => Value::Id(row),
            false => self.column_of(frame, place, end.column).unwrap_or_default(),
        });
        let (Value::Id(first), Value::Id(second)) = (&pair[0], &pair[1]) else { return None };
        match self.pair_of(frame, place.0, &pair, View::Latest) {
            Some(_) => None,
            None => Some([*first, *second]),
        }
    }
}
