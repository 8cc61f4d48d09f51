//! Writes by a condition: what an update or delete does with each row that it finds, and how that
//! is taken back.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::execution::Step;
use crate::engine::database::locking::Asked;
use crate::engine::database::read::Caller;
use crate::engine::database::scan::Scan;
use crate::engine::database::write::{Assigned, Change, Writing, Wrote};
use crate::engine::store::{RowNumber, Saved, View};
use crate::fault::Fault;
use crate::trace::Event;
use crate::words::{ColumnId, LockMode, TableId, TransactionId};

impl Database {
    /// Changes or removes a row that matches.
    #[allow(clippy::too_many_arguments, reason = "the parts of one statement, borrowed one by one")]
    pub(super) fn change_found(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
        set: Option<&[(ColumnId, Assigned)]>,
        writing: &mut Writing,
        undo: &mut Vec<(RowNumber, Saved)>,
    ) -> Result<Step, Fault> {
        let table = scan.search.table;
        let costs = context.plan.costs;
        if self.lock_found(context, caller, (table, row), writing)? == Asked::Waiting {
            return Ok(Step::Waits);
        }
        // Whoever judged the condition without a lock judges it again with one.
        if !self.meets(context, scan, row, View::Latest) {
            scan.matched -= 1;
            self.end_writing(context, caller, writing);
            return Ok(Step::Took(costs.row));
        }
        let Some(by) = caller.by else {
            return Ok(Step::Took(costs.row));
        };
        let saved = self.store(table)?.saved(by.transaction.id, row);
        let mut values;
        let change = match set {
            Some(set) => {
                values = set.to_vec();
                Change::Update(&mut values)
            }
            None => Change::Delete,
        };
        match self.change(context, caller, (table, row), change, writing)? {
            Wrote::Waits => Ok(Step::Waits),
            Wrote::Again | Wrote::Missing => Ok(Step::Took(costs.row)),
            Wrote::Row(_) => {
                if !self.covers(by.transaction.owner, table, LockMode::Exclusive) {
                    scan.note_written();
                }
                undo.push((row, saved));
                Ok(Step::Took(costs.row.saturating_add(costs.write)))
            }
        }
    }

    /// Gives rows back what they had before a statement wrote them.
    pub(super) fn restore(
        &mut self,
        context: &mut Context<'_>,
        transaction: TransactionId,
        table: TableId,
        written: Vec<(RowNumber, Saved)>,
    ) {
        let instance = self.id;
        for (row, saved) in written.into_iter().rev() {
            let Some(store) = &mut self.tables[table.index()] else { return };
            let id = store.id(row);
            store.restore(transaction, row, &saved);
            let row_version = store.read(row, View::Latest).map_or(0, |image| image.row_version());
            context.emit(|| Event::RowRestored {
                transaction,
                instance,
                table,
                row: id,
                row_version,
            });
        }
    }
}
