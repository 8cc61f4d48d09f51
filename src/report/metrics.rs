//! The figures of one run.

use serde::Serialize;

use crate::check::{History, RequestKind, TransactionEnd};
use crate::fault::FaultKind;
use crate::trace::Event;

/// How much of what there was in one run. All times are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// From the start of the world to the last event, in microseconds.
    pub simulated_us: u64,
    /// Requests that instances began to carry out, nested ones included.
    pub requests: u64,
    /// Statements of sessions.
    pub statements: u64,
    /// Rows and index entries that statements and queries examined.
    pub rows_examined: u64,
    /// Reads of what somebody else had not committed.
    pub dirty_reads: u64,
    /// Rows that a scan missed or met twice, since they had moved.
    pub disturbed_rows: u64,
    /// Waits for locks.
    pub waits: u64,
    /// The longest of them, in microseconds; 0 without any.
    pub longest_wait_us: u64,
    /// All of them together, in microseconds.
    pub total_wait_us: u64,
    /// Deadlocks that a monitor ended.
    pub deadlocks: u64,
    /// Circles of waits over several instances.
    pub cross_instance_waits: u64,
    /// Times at which the locks on a table's rows gave way to one on the table.
    pub escalations: u64,
    /// Committed transactions.
    pub commits: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Faults that callers met.
    pub faults: u64,
    /// Of these, statements that waited for a lock longer than their session allows.
    pub lock_timeouts: u64,
    /// Of these, database commands that took too long.
    pub sql_timeouts: u64,
    /// Of these, plug-in steps that took too long.
    pub plug_in_timeouts: u64,
    /// Of these, transactions that took too long.
    pub transaction_timeouts: u64,
    /// Tries after the first.
    pub retries: u64,
    /// Writes of rows.
    pub writes: u64,
    /// Of these, those that a rollback undid: work that was wasted.
    pub undone_writes: u64,
}

impl Metrics {
    /// The figures of this run.
    pub fn of(history: &History) -> Self {
        let mut metrics = Self {
            simulated_us: history.end().0,
            waits: history.waits.len() as u64,
            deadlocks: history.deadlocks.len() as u64,
            faults: history.faults.len() as u64,
            retries: history.retries.len() as u64,
            dirty_reads: history.reads.iter().filter(|it| it.writer.is_some()).count() as u64,
            disturbed_rows: history.disturbed_scans.len() as u64,
            cross_instance_waits: history.cross_instance_waits.len() as u64,
            escalations: history.escalations.len() as u64,
            ..Self::default()
        };
        for request in history.requests.values().filter(|it| it.began.is_some()) {
            match request.kind {
                RequestKind::Message(_) => metrics.requests += 1,
                RequestKind::Statement(_) => metrics.statements += 1,
                RequestKind::Job => {}
            }
        }
        for selection in &history.selections {
            metrics.rows_examined += u64::from(selection.examined);
        }
        for met in &history.faults {
            match met.fault.kind {
                FaultKind::LockTimeout => metrics.lock_timeouts += 1,
                FaultKind::SqlTimeout => metrics.sql_timeouts += 1,
                FaultKind::PlugInTimeout => metrics.plug_in_timeouts += 1,
                FaultKind::TransactionTimeout => metrics.transaction_timeouts += 1,
                _ => {}
            }
        }
        for wait in &history.waits {
            let waited = u64::try_from(wait.waited.as_micros()).unwrap_or(u64::MAX);
            metrics.longest_wait_us = metrics.longest_wait_us.max(waited);
            metrics.total_wait_us = metrics.total_wait_us.saturating_add(waited);
        }
        for transaction in history.transactions.values() {
            match transaction.end {
                TransactionEnd::Committed(_) => metrics.commits += 1,
                TransactionEnd::RolledBack(..) => metrics.rollbacks += 1,
                TransactionEnd::Open => {}
            }
        }
        for entry in &history.trace.entries {
            if let Event::RowWritten(written) = &entry.event {
                let writer = history.transactions.get(&written.transaction);
                let is_undone =
                    writer.is_some_and(|it| matches!(it.end, TransactionEnd::RolledBack(..)));
                metrics.writes += 1;
                metrics.undone_writes += u64::from(is_undone);
            }
        }
        metrics
    }

    /// Committed transactions a simulated second; 0 where no time has passed.
    #[allow(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
    pub fn commits_a_second(&self) -> f64 {
        match self.simulated_us {
            0 => 0.0,
            time => self.commits as f64 * 1e6 / time as f64,
        }
    }

    /// The share of the writes that were undone, from 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
    pub fn wasted_share(&self) -> f64 {
        self.undone_writes as f64 / self.writes.max(1) as f64
    }
}
