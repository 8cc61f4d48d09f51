//! Lock escalation: many locks on the rows of a table give way to one on the table.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::read::Caller;
use crate::engine::database::scan::Scan;
use crate::engine::lock::Resource;
use crate::plan::Locking;
use crate::trace::Event;
use crate::words::LockMode;

impl Database {
    /// Escalates the locks of a statement on its table when it has taken as many as the limit, and
    /// again after so many more when others are in the way. It never waits: where the table is in
    /// use it goes on with the locks that it has.
    ///
    /// Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock escalation:
    /// from rows to the table, to X or S; "Optimized locking": none.
    pub(super) fn escalate(&mut self, context: &mut Context<'_>, caller: &Caller, scan: &mut Scan) {
        let limits = &context.plan.limits;
        let more = limits.lock_escalation_retry.max(1).saturating_mul(scan.escalations_tried);
        let is_time = scan.locks >= limits.lock_escalation.saturating_add(more);
        let Some(by) = caller.by.filter(|_| is_time && self.locking == Locking::Classic) else {
            return;
        };
        scan.escalations_tried += 1;
        let table = scan.search.table;
        let owner = by.transaction.owner;
        let mode = match self.transaction(owner).table_mode(table) {
            Some(LockMode::IntentExclusive | LockMode::SharedIntentExclusive) => {
                LockMode::Exclusive
            }
            Some(LockMode::IntentShared) => LockMode::Shared,
            _ => return,
        };
        let resource = Resource::Table(table);
        if self.locks.would_wait(owner, resource, mode) {
            return;
        }
        // Nobody is in its way, so it does not wait.
        let _ = self.enter(context, by, table, mode);
        self.pass_by(context, caller, scan);
        let mut granted = std::mem::take(&mut self.granted);
        let released = self.locks.release_table_parts(owner, table, &mut granted);
        let (transaction, instance) = (by.transaction.id, self.id);
        context.emit(|| Event::LocksEscalated { transaction, instance, table, mode, released });
        self.wake_granted(context, granted);
    }
}
