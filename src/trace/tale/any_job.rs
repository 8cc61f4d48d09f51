//! Any happening to a job.

use crate::trace::tale::any::Parts;
use crate::trace::{JobEvent, JobOutcome};
use crate::words::{PlugInId, RequestId, SimInstant};

impl Parts {
    pub(super) fn of_jobs(&self) -> JobEvent {
        let (request, instance) = (self.request(), self.instance());
        let (table, job) = (self.table(), self.row());
        match self.small[1] % 3 {
            0 => JobEvent::Queued {
                request,
                transaction: self.transaction(),
                instance,
                table,
                job,
                plug_in: (self.small[0] > 1).then_some(PlugInId(u32::from(self.small[2]))),
            },
            1 => JobEvent::Began {
                lane: self.lane(),
                request,
                cause: RequestId(u32::from(self.small[2])),
                instance,
                table,
                job,
                depth: u32::from(self.small[0]),
                attempt: u32::from(self.small[3]),
            },
            _ => JobEvent::Ended { request, table, job, outcome: self.job_outcome() },
        }
    }

    fn job_outcome(&self) -> JobOutcome {
        let fault = self.fault();
        match self.small[2] % 5 {
            0 => JobOutcome::Succeeded,
            1 => JobOutcome::Failed(fault),
            2 => JobOutcome::Canceled(fault),
            3 => JobOutcome::Suspended(fault),
            _ => JobOutcome::Retried { fault, until: SimInstant(self.large) },
        }
    }
}
