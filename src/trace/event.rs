//! Everything that can happen, as data. Closed: a view that forgets a new kind of event does not
//! compile.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::plan::{Isolation, Message, Stage};
use crate::trace::access::Access;
use crate::trace::detail::{
    DeadlockEdge, Disturbance, LaneKind, LockResource, Outcome, RollbackReason, WaitEnd, micros,
};
use crate::trace::job::JobEvent;
use crate::trace::request::{RequestBegan, StatementBegan};
use crate::trace::row::{RowRead, RowWritten, RowsSelected};
use crate::trace::telemetry::PlugInTraced;
use crate::trace::version::VersionEvent;
use crate::words::{
    ColumnId, InstanceId, LaneId, LockMode, Name, OutageId, PlugInId, RequestId, RowId, SimInstant,
    TableId, TransactionId, Value,
};

/// One thing that happened. Names are past participles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// A row was there when the world began.
    RowLoaded {
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The row.
        row: RowId,
        /// Its version.
        row_version: u64,
        /// Its columns that are not null.
        columns: Vec<(ColumnId, Value)>,
    },
    /// A row got a name that the header does not have.
    RowNamed {
        /// Its table.
        table: TableId,
        /// The row.
        row: RowId,
        /// Its name.
        name: Name,
    },
    /// An outage began.
    OutageBegan {
        /// Which.
        outage: OutageId,
        /// The instance.
        instance: InstanceId,
        /// When it will be over.
        until: SimInstant,
    },
    /// An outage was over.
    OutageEnded {
        /// Which.
        outage: OutageId,
        /// The instance.
        instance: InstanceId,
    },
    /// A run of an actor or flow began: a new lane.
    LaneBegan {
        /// The lane.
        lane: LaneId,
        /// Whose run.
        kind: LaneKind,
        /// What a reader calls the lane: the actor's name, numbered where it has several.
        name: Name,
    },
    /// A lane ended.
    LaneEnded {
        /// The lane.
        lane: LaneId,
        /// How.
        outcome: Outcome,
    },
    /// A program put a remark into the story.
    Noted {
        /// Whose.
        lane: LaneId,
        /// The remark.
        text: Name,
    },
    /// A program bound a value to a name by `as:`.
    Bound {
        /// Whose.
        lane: LaneId,
        /// The name.
        name: Name,
        /// The value.
        value: Value,
    },
    /// A program began to compute for a while.
    Worked {
        /// Whose.
        lane: LaneId,
        /// In which nested request's plug-in; `None` for the caller itself.
        request: Option<RequestId>,
        /// For how long.
        #[serde(with = "micros")]
        duration: Duration,
    },
    /// A program began to wait for a time.
    Slept {
        /// Whose.
        lane: LaneId,
        /// Until when.
        until: SimInstant,
    },
    /// A program met a fault and will try again.
    Retried {
        /// Whose.
        lane: LaneId,
        /// The number of the coming try, from 2.
        attempt: u32,
        /// The fault.
        fault: Fault,
        /// How long it waits before.
        #[serde(with = "micros")]
        wait: Duration,
    },
    /// A program met a fault and handled it.
    FaultHandled {
        /// Whose.
        lane: LaneId,
        /// The fault.
        fault: Fault,
    },
    /// A caller outside the instance sent it a request.
    RequestSent {
        /// Whose.
        lane: LaneId,
        /// The request.
        request: RequestId,
        /// To which instance.
        instance: InstanceId,
        /// What it asks for.
        message: Message,
        /// Of which table.
        table: TableId,
        /// Of which row, where it names one by id.
        row: Option<RowId>,
    },
    /// An outage stopped a request on its way, or the instance turned it away.
    RequestRefused {
        /// Whose.
        lane: LaneId,
        /// The request.
        request: RequestId,
        /// By which outage.
        outage: OutageId,
        /// What the caller is told.
        fault: Fault,
    },
    /// An outage stopped an answer on its way: the work was done, and the caller does not know.
    ResponseLost {
        /// Whose.
        lane: LaneId,
        /// The request.
        request: RequestId,
        /// By which outage.
        outage: OutageId,
    },
    /// A caller's client gave up waiting. The instance goes on.
    RequestAbandoned {
        /// Whose.
        lane: LaneId,
        /// The request.
        request: RequestId,
    },
    /// An answer reached the caller outside the instance.
    ResponseDelivered {
        /// Whose.
        lane: LaneId,
        /// The request.
        request: RequestId,
        /// The fault, where it is one.
        fault: Option<Fault>,
    },
    /// An instance began to carry out a request.
    RequestBegan(RequestBegan),
    /// An upsert became a Create or an Update, or found nothing to do.
    UpsertResolved {
        /// The request.
        request: RequestId,
        /// What it became; `None` when the row is left as it is.
        became: Option<Message>,
        /// The row, where it is known.
        row: Option<RowId>,
    },
    /// An instance was done with a request.
    RequestEnded {
        /// The request.
        request: RequestId,
        /// The fault, where it ended in one.
        fault: Option<Fault>,
    },
    /// A stage of a request began. PreValidation, PreOperation and PostOperation are told only
    /// where a plug-in step runs.
    StageBegan {
        /// The request.
        request: RequestId,
        /// The stage.
        stage: Stage,
    },
    /// A plug-in step began.
    PlugInBegan {
        /// On whose behalf.
        lane: LaneId,
        /// The request that it runs for.
        request: RequestId,
        /// The step.
        plug_in: PlugInId,
        /// The depth of the request.
        depth: u32,
        /// Whether it runs inside a database transaction.
        in_transaction: bool,
    },
    /// A plug-in step ended.
    PlugInEnded {
        /// The request that it ran for.
        request: RequestId,
        /// The step.
        plug_in: PlugInId,
        /// The fault, where it ended in one.
        fault: Option<Fault>,
    },
    /// Something happened to a job of the async service.
    Job(JobEvent),
    /// A plug-in step wrote a line to the plug-in trace log.
    PlugInTraced(PlugInTraced),
    /// A session began one of its steps.
    StepBegan {
        /// The session's lane.
        lane: LaneId,
        /// The position of the step in the session.
        step: u16,
        /// Its label.
        label: Name,
    },
    /// A session's step ended.
    StepEnded {
        /// The session's lane.
        lane: LaneId,
        /// The position of the step in the session.
        step: u16,
        /// The fault, where it ended in one.
        fault: Option<Fault>,
        /// What its last statement answered: the rows of a select, the id of an inserted row, how
        /// many rows an update or delete has written; null for any other step.
        answer: Value,
    },
    /// A session's statement began.
    StatementBegan(StatementBegan),
    /// A session's statement ended.
    StatementEnded {
        /// The statement.
        request: RequestId,
        /// The fault, where it ended in one.
        fault: Option<Fault>,
    },
    /// A statement failed and what it had written is taken back; its transaction stays open. The
    /// rows that it restores follow right after.
    StatementUndone {
        /// In which transaction.
        transaction: TransactionId,
        /// The statement.
        request: RequestId,
    },
    /// A transaction began.
    TransactionBegan {
        /// On whose behalf.
        lane: LaneId,
        /// The transaction.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// Its isolation level.
        isolation: Isolation,
        /// The request that opened it; `None` for an explicit transaction.
        request: Option<RequestId>,
    },
    /// A transaction was committed: its writes hold from here on.
    Committed {
        /// The transaction.
        transaction: TransactionId,
    },
    /// A transaction was rolled back. The rows that it restores follow right after.
    RolledBack {
        /// The transaction.
        transaction: TransactionId,
        /// Why.
        reason: RollbackReason,
    },
    /// A lock was granted at once, or after a wait (then a `WaitEnded` goes before).
    LockGranted {
        /// To whom.
        transaction: TransactionId,
        /// On what.
        resource: LockResource,
        /// In which mode it is held now.
        mode: LockMode,
    },
    /// A lock request had to wait.
    LockQueued {
        /// Whose.
        transaction: TransactionId,
        /// For what.
        resource: LockResource,
        /// In which mode.
        mode: LockMode,
        /// Who holds it in a mode that conflicts, oldest first.
        holders: Vec<TransactionId>,
        /// Who waits for it already in a mode that conflicts, in the order of the queue.
        ahead: Vec<TransactionId>,
    },
    /// A wait for a lock ended.
    WaitEnded {
        /// Whose.
        transaction: TransactionId,
        /// For what.
        resource: LockResource,
        /// How.
        end: WaitEnd,
        /// How long it had lasted.
        #[serde(with = "micros")]
        waited: Duration,
    },
    /// One lock was released before its transaction's end: a statement had only looked.
    LockReleased {
        /// Whose.
        transaction: TransactionId,
        /// On what.
        resource: LockResource,
    },
    /// A lock went back to a weaker mode, in which its transaction had it before: what was asked
    /// for was for a statement, or for an instant, only.
    LockWeakened {
        /// Whose.
        transaction: TransactionId,
        /// On what.
        resource: LockResource,
        /// In which mode it is held now.
        mode: LockMode,
    },
    /// A transaction's locks on the rows and index entries of a table gave way to one on the table,
    /// whose grant goes before.
    LocksEscalated {
        /// Whose.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
        /// In which mode the table is held.
        mode: LockMode,
        /// How many locks were released for it: all that it held on rows and entries of the table.
        released: u32,
    },
    /// All locks of a transaction were released, at its end.
    LocksReleased {
        /// Whose.
        transaction: TransactionId,
        /// How many.
        count: u32,
    },
    /// A row was read.
    RowRead(RowRead),
    /// A statement has looked through the rows of a table. Those that match were read before, each
    /// when the statement came to it.
    RowsSelected(RowsSelected),
    /// A row moved in an index in which a scan was under way, and the scan's answer is wrong for
    /// it.
    ScanDisturbed {
        /// The scan's request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
        /// The row.
        row: RowId,
        /// What became of it.
        how: Disturbance,
    },
    /// What a request had read before it was committed has been rolled back.
    DirtyReadUndone {
        /// The request that had read it.
        request: RequestId,
        /// The transaction that was rolled back.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
        /// The row.
        row: RowId,
    },
    /// A table's definition was changed, not yet committed.
    SchemaAltered {
        /// By which transaction.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
    },
    /// Something happened to a user's privileges.
    Access(Access),
    /// A row was looked for and not found.
    RowMissed {
        /// For which request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The row, where it was named by id.
        row: Option<RowId>,
        /// At which level it was looked for.
        level: Isolation,
    },
    /// A row version decided something.
    Version(VersionEvent),
    /// A row was written, not yet committed.
    RowWritten(RowWritten),
    /// A rollback, of a transaction or of one statement, restored a row.
    RowRestored {
        /// Of which transaction.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// Its table.
        table: TableId,
        /// The row.
        row: RowId,
        /// The version that it has again; 0 when the row is gone again.
        row_version: u64,
    },
    /// The waits of these transactions closed a cycle.
    DeadlockClosed {
        /// Where.
        instance: InstanceId,
        /// The cycle: each waits for the next, the last for the first.
        cycle: Vec<DeadlockEdge>,
    },
    /// The waits of these lanes closed a cycle over several instances. No monitor sees it;
    /// time-outs will end it.
    CrossInstanceWaitClosed {
        /// The cycle: each waits for a lane of the next, the last for the first. The resource of
        /// each says in which instance.
        cycle: Vec<DeadlockEdge>,
    },
    /// The deadlock monitor found a cycle and chose its victim.
    VictimChosen {
        /// Where.
        instance: InstanceId,
        /// Who is rolled back.
        victim: TransactionId,
        /// Why this one, in words.
        rule: Name,
    },
}
