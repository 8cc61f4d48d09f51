//! The lines about jobs of the async service.

use crate::plan::JOB_TABLE;
use crate::report::story::line::Mark;
use crate::report::story::teller::Teller;
use crate::trace::{Entry, JobEvent, JobOutcome, LaneKind, WriteKind};
use crate::words::{LaneId, TableId};

impl Teller<'_, '_> {
    /// Whether a write of a job's row is the service's own, which the lines about the job tell.
    pub(super) fn is_of_service(&self, lane: LaneId, table: TableId, kind: WriteKind) -> bool {
        let is_jobs = self.history.names.table(table) == JOB_TABLE.name;
        let lane = self.history.lanes.get(&lane);
        let is_job = lane.is_some_and(|lane| matches!(lane.kind, LaneKind::Job { .. }));
        !self.verbose && is_jobs && (is_job || kind == WriteKind::Insert)
    }

    pub(super) fn job(&mut self, entry: &Entry, job: &JobEvent) {
        let Some(lane) = self.lane_of_request(job.request()) else { return };
        let names = &self.history.names;
        match job {
            JobEvent::Queued { table, job, .. } => {
                let text =
                    format!("queues job {}, to run after the commit", names.row(*table, *job));
                self.say(entry, lane, Mark::None, "queues", text);
            }
            JobEvent::Began { attempt, depth, .. } => {
                let again = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
                let text = format!("is begun by the async service (depth {depth}{again})");
                self.say(entry, lane, Mark::None, "is begun", text);
            }
            JobEvent::Ended { outcome, .. } => {
                let (mark, text) = match outcome {
                    // The end of the lane says it.
                    JobOutcome::Succeeded | JobOutcome::Failed(_) => return,
                    JobOutcome::Canceled(_) => (Mark::None, "is canceled, as its step asked"),
                    JobOutcome::Suspended(_) => (Mark::None, "is suspended, as its step asked"),
                    JobOutcome::Retried { until, .. } => {
                        let text = format!("will be tried again at {}", names.moment(*until));
                        self.say(entry, lane, Mark::Retry, "will be tried again", text);
                        return;
                    }
                };
                self.say(entry, lane, mark, text, text.to_owned());
            }
        }
    }
}
