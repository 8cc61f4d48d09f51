//! The quick way through rows that need no lock: a nolock scan of a whole table, or one of
//! committed versions.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::engine::database::Database;
use crate::engine::database::condition::Condition;
use crate::engine::database::context::Context;
use crate::engine::database::manner::Purpose;
use crate::engine::database::read::Caller;
use crate::engine::database::scan::Scan;
use crate::engine::store::{RowNumber, TableStore, View};
use crate::fault::Fault;
use crate::words::SimInstant;

/// How many rows from this slot on, at most so many, don't meet the condition, one after the other,
/// and the slot behind the last of them.
// By itself, so that the few things that the loop needs stay in registers.
#[inline(never)]
fn run(
    store: &TableStore,
    view: View,
    condition: &Condition,
    from: RowNumber,
    most: u32,
) -> (u32, u32) {
    let (mut passed, mut next) = (0, from.0);
    store.scan(from, view, |row, image| {
        if passed == most || condition.may_hold(&image) {
            return ControlFlow::Break(());
        }
        passed += 1;
        next = row.0 + 1;
        ControlFlow::Continue(())
    });
    (passed, next)
}

impl Database {
    /// A stretch of rows that a scan without locks looks at and that don't match, in one go; `None`
    /// when the next row wants a closer look.
    pub(super) fn free_run(
        &mut self,
        context: &Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        end: SimInstant,
    ) -> Result<Option<Duration>, Fault> {
        let Some(from) = scan.runs_freely_from() else {
            return Ok(None);
        };
        if !scan.search.condition.is_simple()
            || !scan.taken.is_empty()
            || scan.purpose == Purpose::Change
        {
            return Ok(None);
        }
        let view = self.view(caller);
        let cost = context.plan.costs.row;
        let room = end.duration_since(context.now).as_nanos();
        let most = match room.checked_div(cost.as_nanos()) {
            Some(most) if !scan.is_of_one_instant() => {
                u32::try_from(most).unwrap_or(u32::MAX).saturating_sub(1)
            }
            _ => u32::MAX,
        };
        let store = self.store(scan.search.table)?;
        let (passed, next) = run(store, view, &scan.search.condition, RowNumber(from), most);
        if passed == 0 {
            return Ok(None);
        }
        scan.examined = scan.examined.saturating_add(passed);
        scan.go_on_from(next);
        Ok(Some(cost.saturating_mul(passed)))
    }
}
