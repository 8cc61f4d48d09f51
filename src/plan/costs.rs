//! What things cost in virtual time, and the limits of the platform and of a run.
//!
//! The costs make a chain of plug-ins have a length that one can see. They are no measurement of
//! any real environment and no prediction: what matters is that a reader can add them up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The virtual time that each thing takes.
///
/// Assumed: all defaults. No page states what these take; they are round figures with plausible
/// proportions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Costs {
    /// Each request, nested ones too, before its first stage. Default 5 ms.
    pub request: Duration,
    /// Each read statement (Retrieve, RetrieveMultiple, the look-up of an upsert). Default 2 ms.
    pub read: Duration,
    /// Each row or index entry that a statement examines, each row that it looks up behind an
    /// entry, and each lookup that it follows. Default 20 µs.
    pub row: Duration,
    /// Each value that a query answers, on its way out of the database. Default 1 µs.
    pub column: Duration,
    /// Each row that is written, after its lock was granted. Default 5 ms.
    pub write: Duration,
    /// Each plug-in step that runs, before its first line. Default 2 ms.
    pub plug_in: Duration,
    /// One way between a flow and an instance, or between two instances. Default 40 ms.
    pub network: Duration,
    /// One way between an actor and an instance. Default 0: a client beside the instance.
    pub client: Duration,
    /// From the commit of a job to the next look of the async service, and between two looks
    /// while jobs are waiting. Default 1 s.
    pub async_service: Duration,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            request: Duration::from_millis(5),
            read: Duration::from_millis(2),
            row: Duration::from_micros(20),
            column: Duration::from_micros(1),
            write: Duration::from_millis(5),
            plug_in: Duration::from_millis(2),
            network: Duration::from_millis(40),
            client: Duration::ZERO,
            async_service: Duration::from_secs(1),
        }
    }
}

/// The limits that end things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// How long one database command may take, waiting included. Default 120 s.
    ///
    /// Source: Microsoft Learn, "Scalable Customization Design in Dataverse", SQL time-outs.
    pub sql_command: Duration,
    /// How long one plug-in step may take from its start, nested requests included. Default
    /// 2 min.
    ///
    /// Source: Microsoft Learn, "Scalable Customization Design in Dataverse", Platform
    /// constraints.
    pub plug_in: Duration,
    /// The deepest chain of nested requests that still runs. Default 8.
    ///
    /// Source: Microsoft Learn, "IExecutionContext.Depth". Assumed: a request at that depth still
    /// runs and the next one does not, as XrmMockup has it, which no page says; and a chain is
    /// never forgotten, where the page says that it is after an hour.
    pub depth: u32,
    /// The largest request that may be sent to a plug-in, in bytes of its values. Default
    /// 116.85 MiB.
    ///
    /// Source: Microsoft Learn, "Troubleshoot Dataverse plug-ins", Message size exceeded when
    /// sending context to Sandbox. Assumed: a mebibyte of 1,048,576 bytes; the size is that of
    /// the texts in UTF-8 and of 8 bytes for everything else, without what serialisation adds.
    pub message_size: u64,
    /// How long a client waits for an answer before it gives up. Default 2 min.
    ///
    /// Source: Microsoft Learn, "CrmServiceClient.MaxConnectionTimeout".
    pub client: Duration,
    /// The longest interval between two searches of the deadlock monitor. Default 5 s.
    ///
    /// Source: Microsoft Learn, "Deadlocks guide", Deadlock detection.
    pub deadlock_monitor: Duration,
    /// The shortest interval, right after a deadlock was found. Default 100 ms.
    ///
    /// Source: Microsoft Learn, "Deadlocks guide", Deadlock detection.
    pub deadlock_monitor_least: Duration,
    /// How many locks on one table one statement may hold before they give way to one lock on the
    /// table. Default 5,000.
    ///
    /// Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock escalation.
    /// Assumed: Dataverse's databases escalate like any other; no page of Dataverse tells of it.
    pub lock_escalation: u32,
    /// After how many more locks it is tried again when the table is in use. Default 1,250.
    ///
    /// Source: as above.
    pub lock_escalation_retry: u32,
    /// How long an explicit transaction, or a session's, may take before it is rolled back.
    /// Default none.
    ///
    /// Source: SQL Server ends no transaction for its age; "Dual-write limits for live
    /// synchronization" gives the transactions of dual-write two minutes.
    pub transaction: Option<Duration>,
    /// The most rows that one query answers; also the page size of one that names none, and where
    /// the counting of all its rows ends. Default 5,000.
    ///
    /// Source: Microsoft Learn, "Page results using FetchXml"; "Count rows using FetchXml".
    pub page_size: u32,
    /// The row up to which pages can be asked for by their number. Default 50,000.
    ///
    /// Source: Microsoft Learn, "Page results using FetchXml", Simple paging.
    pub paged_rows: u32,
    /// The most rows over which a query computes something. Default 50,000.
    ///
    /// Source: Microsoft Learn, "Aggregate data using FetchXml", Limitations.
    pub aggregated_rows: u32,
    /// How many rows and deletions one answer of a read of changes has at most. Default 5,000.
    ///
    /// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
    pub changes_page: u32,
    /// How long a delta token is good for, and the deletions of a tracked table are remembered.
    /// Default 7 days.
    ///
    /// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems":
    /// `Organization.ExpireChangeTrackingInDays`.
    pub change_tracking: Duration,
    /// How many jobs the async service takes at one look. Default 20.
    ///
    /// Source: Microsoft Learn, "Scalable Customization Design in Dataverse", Concurrency issues:
    /// batches of about 20, in parallel.
    pub async_batch: u32,
    /// How many times a job is tried in all whose step asks for a retry. Default 4.
    ///
    /// Source: Microsoft Learn, "Handle exceptions in plug-ins", `OperationStatus.Retry`.
    pub async_attempts: u32,
    /// How long such a job waits before its next try. Default 1 min.
    ///
    /// Assumed: no page says how long.
    pub async_retry: Duration,
    /// From how many rows on a cascading change of owner is left to a job. Default 1,000.
    ///
    /// Source: Microsoft Learn, "Asynchronous processing of cascading transactions".
    pub assign_cascade: u32,
    /// From how many rows on a cascading delete is left to a job. Default 10,000.
    ///
    /// Source: Microsoft Learn, "Asynchronous processing of cascading transactions"; a newer page
    /// says 5,000.
    pub delete_cascade: u32,
    /// From how many rows on that refer to the duplicate a merge leaves them to a job. Default
    /// 1,000.
    ///
    /// Source: Microsoft Learn, "Asynchronous processing of cascading transactions".
    pub merge_cascade: u32,
    /// How many rows such a job does in one transaction. Default 100.
    ///
    /// Assumed: no page says how many.
    pub cascade_batch: u32,
    /// How many times a background workflow may run for one row within
    /// [`Limits::workflow_period`]. Default 16.
    ///
    /// Source: Microsoft Learn, "Best practices for background workflow processes", Avoid
    /// infinite loops.
    pub workflow_runs: u32,
    /// The time in which those runs are counted. Default 1 h.
    ///
    /// Assumed: the page says "a short period of time"; an hour is the time after which the depth
    /// of a chain of jobs is forgotten.
    pub workflow_period: Duration,
    /// How many transitions a run may take. Default 10,000,000. Beyond it the scenario has no
    /// end, and the run says who was still at it.
    ///
    /// Assumed: about ten seconds of real time, more than a scenario that is read by people needs.
    pub transitions: u64,
    /// How much virtual time a run may take. Default 366 days.
    ///
    /// Assumed: a year shows every daily and monthly job.
    pub virtual_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sql_command: Duration::from_secs(120),
            plug_in: Duration::from_secs(120),
            depth: 8,
            message_size: 122_526_105,
            client: Duration::from_secs(120),
            deadlock_monitor: Duration::from_secs(5),
            deadlock_monitor_least: Duration::from_millis(100),
            lock_escalation: 5_000,
            lock_escalation_retry: 1_250,
            transaction: None,
            page_size: 5_000,
            paged_rows: 50_000,
            aggregated_rows: 50_000,
            changes_page: 5_000,
            change_tracking: Duration::from_secs(7 * 86_400),
            async_batch: 20,
            async_attempts: 4,
            assign_cascade: 1_000,
            merge_cascade: 1_000,
            delete_cascade: 10_000,
            cascade_batch: 100,
            async_retry: Duration::from_secs(60),
            workflow_runs: 16,
            workflow_period: Duration::from_secs(3_600),
            transitions: 10_000_000,
            virtual_time: Duration::from_secs(366 * 86_400),
        }
    }
}
