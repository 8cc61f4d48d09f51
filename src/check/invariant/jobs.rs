//! Jobs of the async service: none without its event, and one run at a time.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report};
use crate::trace::{Entry, Event, JobEvent, JobOutcome, Names};
use crate::words::{RowId, TableId, TransactionId};

/// What is known of one job.
enum Known {
    /// It was written, and this transaction is still open.
    Written(TransactionId),
    /// It is there, and may begin.
    There,
    /// Its step runs.
    Running,
    /// Its event was rolled back.
    Undone,
    /// It is over.
    Over,
}

/// Watches jobs.
#[derive(Default)]
pub(super) struct Watcher {
    jobs: BTreeMap<(TableId, RowId), Known>,
    /// The transactions that have written jobs and are open.
    open: BTreeSet<TransactionId>,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::Job(JobEvent::Queued { transaction, table, job, .. }) => {
                self.open.insert(*transaction);
                self.jobs.insert((*table, *job), Known::Written(*transaction));
            }
            Event::Committed { transaction } => self.end(*transaction, true),
            Event::RolledBack { transaction, .. } => self.end(*transaction, false),
            Event::Job(JobEvent::Began { table, job, .. }) => {
                let broken = match self.jobs.insert((*table, *job), Known::Running) {
                    Some(Known::There) => None,
                    None => Some("begins and was never queued"),
                    Some(Known::Written(_)) => Some("begins before its event is committed"),
                    Some(Known::Undone) => Some("begins, though its event was rolled back"),
                    Some(Known::Running) => Some("begins twice"),
                    Some(Known::Over) => Some("begins after its end"),
                };
                add(broken, (*table, *job), at, report);
            }
            Event::Job(JobEvent::Ended { table, job, outcome, .. }) => {
                let next = match outcome {
                    JobOutcome::Retried { .. } | JobOutcome::Suspended(_) => Known::There,
                    _ => Known::Over,
                };
                let before = self.jobs.insert((*table, *job), next);
                let broken = (!matches!(before, Some(Known::Running))).then_some("ends unbegun");
                add(broken, (*table, *job), at, report);
            }
            _ => {}
        }
    }

    fn end(&mut self, transaction: TransactionId, is_committed: bool) {
        if !self.open.remove(&transaction) {
            return;
        }
        for known in self.jobs.values_mut() {
            if matches!(known, Known::Written(of) if *of == transaction) {
                *known = if is_committed { Known::There } else { Known::Undone };
            }
        }
    }
}

fn add(broken: Option<&str>, (table, job): (TableId, RowId), at: Moment, report: &mut Report) {
    if let Some(broken) = broken {
        report.add(Invariant::Jobs, at, |names: &Names| {
            format!("job {} {broken}", names.row(table, job))
        });
    }
}
