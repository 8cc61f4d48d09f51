//! The cascade of a change of owner.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::cascade::children::Below;
use crate::engine::cascade::{Cascade, Tie, write};
use crate::engine::database::{Assigned, Wrote};
use crate::engine::fiber::{FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::store::View;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::OnAssign;
use crate::trace::WriteKind;
use crate::words::{ColumnId, SimInstant, Value};

impl World {
    /// Updates a row and, where it gets another owner, the rows below it.
    pub(in crate::engine) fn update(
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
        (list, cascade): (&[Tie], &mut Cascade),
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
            let (tie, place) = match self.next_child(fiber, frame, (list, cascade), row, limit)? {
                Below::Child(tie, (child, _)) => (tie, (tie.child, child)),
                Below::Not(done) => return Ok(done),
                Below::Over => return Ok(Done::After(Duration::ZERO)),
            };
            let definition = self.shared.plan.table(tie.child);
            let Some(owned) = definition.column("ownerid") else { continue };
            let state = definition.column("statecode");
            let had = self.column_of(frame, place, owned);
            let is_meant = match tie.assign {
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
}
