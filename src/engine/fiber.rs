//! Fibers: everything that is under way, as data.
//!
//! A fiber is a stack of frames. A program's frame is a position and its bindings; a request's
//! frame is the request and the stage that it is in; a Rust plug-in's frame is the log of the
//! answers that it has had so far. A frame that ends leaves its result for the frame below. So a
//! blocked world can be copied, compared, digested and shown.
//!
//! ```text
//!   client fiber (an actor's run)        server fiber (one outermost request in an instance)
//!   ┌ program `lob app` ┐   request ──▶   ┌ request Create ticket, stage 10      ┐
//!   └───────────────────┘   ◀── answer    │ program of the plug-in               │
//!                                         └ request Upsert account (nested)      ┘  ◀ top
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::engine::batch::Collected;
use crate::engine::cascade::{Cascade, Deferred};
use crate::engine::database::{Assigned, Caller, Execution, Temporary, TransactionRef, Writing};
use crate::engine::guest::GuestId;
use crate::engine::jobs::{Job, JobAccess};
use crate::engine::plug_in::replay::NativeFrame;
use crate::engine::request::{Answer, Request};
use crate::engine::sharing::SharedVariables;
use crate::engine::split::Part;
use crate::fault::Fault;
use crate::trace::JobOutcome;
use crate::words::{
    ActorId, ColumnId, InstanceId, LaneId, Name, PlugInId, ProgramId, Record, RequestId, RowId,
    SimInstant, TableId, Value,
};

/// A fiber's place in the world; reused after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiberId(pub u32);

/// One fiber.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Fiber {
    /// The lane whose work it is.
    pub lane: LaneId,
    /// What it is for.
    pub role: Role,
    /// The user as whom its requests are made; `None` for a system administrator.
    pub user: Option<RowId>,
    /// What it waits for.
    pub state: State,
    /// Counts the times that it began to wait, so that what was scheduled for an earlier wait is
    /// recognised as stale.
    pub turn: u32,
    /// What it is doing, the innermost last.
    pub frames: Vec<Frame>,
    /// The result that the frame that just ended left for the one below.
    pub result: Option<Result<Answer, Fault>>,
    /// A fault that befell it while it waited: a deadlock's victim, a time-out.
    pub interrupt: Option<Box<Interrupt>>,
    /// The explicit transactions that its programs have open, the innermost last.
    pub transactions: Vec<(InstanceId, TransactionRef)>,
}

/// What a fiber is for.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub enum Role {
    /// Nothing: the slot is free.
    #[default]
    Free,
    /// A run of an actor or flow.
    Client {
        /// Whose run.
        actor: ActorId,
    },
    /// One outermost request, from its sending to the delivery of its answer.
    Server {
        /// Which request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// Who waits for the answer; that fiber may have given up since.
        caller: FiberId,
        /// The turn in which the caller waits for it.
        caller_turn: u32,
        /// The time that a message takes one way.
        hop: Duration,
    },
    /// A caller from outside the world.
    Guest {
        /// Which.
        guest: GuestId,
        /// The instance that it calls.
        home: InstanceId,
        /// The time that a message takes one way.
        hop: Duration,
        /// Whether it stays after an answer, to call again.
        stays: bool,
    },
    /// A job of the async service.
    Job {
        /// Where.
        instance: InstanceId,
    },
}

/// What a fiber waits for.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub enum State {
    /// Nothing: it is due at this instant.
    #[default]
    Ready,
    /// Time. A plug-in's limit may wake it earlier.
    Sleeping {
        /// Until when it would sleep.
        until: SimInstant,
    },
    /// A lock.
    Locked,
    /// The answer to a request.
    Calling(RequestId),
    /// Its request is on the way to the instance.
    Travelling,
    /// Its turn in the order of the sessions' steps. Nothing is due for it.
    Gated,
    /// Its answer, or the news that the request was refused, is on the way to the caller.
    Returning {
        /// Whether the instance has carried the request out.
        carried_out: bool,
    },
    /// What its guest asks for next. Nothing is due for it.
    Idle,
}

/// A fault that befell a waiting fiber.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Interrupt {
    /// What the top frame waited for has failed.
    Fault(Fault),
    /// The plug-in step of the request frame at this depth of the stack has run out of time.
    PlugInTimeout {
        /// The frame's position in the stack.
        frame: usize,
    },
}

/// One level of what a fiber does.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Frame {
    /// A program in the step language.
    Program(ProgramFrame),
    /// A request in an instance.
    Request(Box<RequestFrame>),
    /// A plug-in in Rust.
    Native(Box<NativeFrame>),
    /// A session: what its steps have in common.
    Session(Box<SessionFrame>),
    /// A statement of a session.
    Statement(Box<StatementFrame>),
    /// A job of the async service.
    Job(Box<JobFrame>),
}

/// A job under way.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct JobFrame {
    /// Which.
    pub job: Job,
    /// How far it is.
    pub phase: JobPhase,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum JobPhase {
    /// The service has taken it.
    Taken,
    /// Its row is being written: it is in progress.
    Locking,
    /// Its step runs.
    Running {
        /// Under which number.
        request: RequestId,
    },
    /// Its row is being written: this has become of it.
    Recording(JobOutcome),
}

/// A running program.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct ProgramFrame {
    /// Which.
    pub program: ProgramId,
    /// The operation that comes next.
    pub position: usize,
    /// The instance that its steps mean when they name none.
    pub home: Option<InstanceId>,
    /// Its bindings, each name once.
    pub bindings: Vec<(Name, Value)>,
    /// The loops that it is in, the innermost last.
    pub loops: Vec<Loop>,
    /// The guards that it is in, the innermost last.
    pub guards: Vec<Guard>,
    /// The batches whose items it collects, the innermost last.
    pub batches: Vec<Collected>,
}

impl ProgramFrame {
    /// A program about to begin.
    pub const fn new(
        program: ProgramId,
        home: Option<InstanceId>,
        bindings: Vec<(Name, Value)>,
    ) -> Self {
        Self {
            program,
            position: 0,
            home,
            bindings,
            loops: Vec::new(),
            guards: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Binds a value to a name, in place of what the name meant.
    pub fn bind(&mut self, name: &Name, value: Value) {
        match self.bindings.iter_mut().find(|(bound, _)| bound == name) {
            Some(found) => found.1 = value,
            None => self.bindings.push((name.clone(), value)),
        }
    }
}

/// A loop under way.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Loop {
    /// Over the elements of a list.
    Over {
        /// The list.
        items: Arc<[Value]>,
        /// How many have been taken.
        taken: usize,
    },
    /// A number of times.
    Times {
        /// How often.
        times: u64,
        /// How many have begun.
        taken: u64,
    },
}

/// What a program does about a fault, from where it says so to where that ends.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Guard {
    /// It tries again.
    Retry {
        /// The position of the guard's own operation.
        position: usize,
        /// How many tries have failed.
        failed: u32,
        /// How many loops it was in when the guard began.
        loops: usize,
    },
    /// It goes on elsewhere.
    Try {
        /// The position of the guard's own operation.
        position: usize,
        /// How many loops it was in when the guard began.
        loops: usize,
    },
    /// It rolls its explicit transaction back; the fault goes on.
    Transaction {
        /// Whether the transaction is its own; else it has joined one.
        own: bool,
    },
}

/// A request in an instance.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct RequestFrame {
    /// Its number.
    pub id: RequestId,
    /// Where.
    pub instance: InstanceId,
    /// What is asked for. An upsert becomes a Create or an Update when its row was looked up.
    pub request: Request,
    /// 1 for an outermost request, one more for what a plug-in or a cascade asks for within it.
    pub depth: u32,
    /// The request within which it was made: by a plug-in, or by the platform as a part of the main
    /// operation.
    pub parent: Option<RequestId>,
    /// The transaction that it is in.
    pub transaction: Option<TransactionRef>,
    /// Whether that transaction ends with it.
    pub owns_transaction: bool,
    /// Where it is in the pipeline.
    pub phase: Phase,
    /// How many of the phase's plug-in steps have begun.
    pub steps_begun: usize,
    /// Whether the trace has been told that the stage began.
    pub stage_told: bool,
    /// The plug-in step that runs, and when its time is up.
    pub running: Option<(PlugInId, SimInstant)>,
    /// The user whose rows alone a query looks at; `None` for all rows.
    pub sees_as: Option<RowId>,
    /// The row as it was before the main operation, for `$before`.
    pub before: Option<Arc<Record>>,
    /// The row as it is after the main operation, for the post-images of the step that runs.
    pub after: Option<Arc<Record>>,
    /// The shared variables that its steps have set.
    pub shared: SharedVariables,
    /// Which part of a split update the stage's steps run for.
    pub part: Part,
    /// How far its cascade is, where it has one.
    pub cascade: Option<Box<Cascade>>,
    /// The outermost request from which a job's step follows; `None` where that is in the stack.
    pub correlation: Option<RequestId>,
    /// What it is to the async service.
    pub job_access: JobAccess,
    /// The answer, once the main operation is done.
    pub answer: Answer,
    /// What its write remembers while it waits.
    pub writing: Writing,
    /// The locks that its read holds for as long as it looks.
    pub taken: Vec<Temporary>,
    /// Its query, while one is under way.
    pub execution: Option<Box<Execution>>,
    /// How the requests have ended that the platform itself made for the main operation, in their
    /// order: cascades, items of a bulk message.
    pub parts: Vec<Result<Answer, Fault>>,
    /// The time by which the database command must be done; set while one runs.
    pub command_deadline: Option<SimInstant>,
}

impl RequestFrame {
    /// An outermost request, or one that joins its caller's explicit transaction.
    pub fn new(
        id: RequestId,
        instance: InstanceId,
        request: Request,
        transaction: Option<TransactionRef>,
    ) -> Self {
        Self {
            id,
            instance,
            request,
            depth: 1,
            parent: None,
            transaction,
            owns_transaction: false,
            phase: Phase::Arrived,
            steps_begun: 0,
            stage_told: false,
            running: None,
            sees_as: None,
            before: None,
            after: None,
            shared: SharedVariables::default(),
            part: Part::default(),
            cascade: None,
            correlation: None,
            job_access: JobAccess::default(),
            answer: Answer::Done,
            writing: Writing::default(),
            taken: Vec::new(),
            execution: None,
            parts: Vec::new(),
            command_deadline: None,
        }
    }

    /// Whether its cascade waits for its job to be written.
    pub fn defers_cascade(&self) -> bool {
        self.cascade.as_ref().is_some_and(|it| it.deferred == Deferred::Wanted)
    }
}

/// Where a request is in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It has reached the instance, or was made by a plug-in there.
    Arrived,
    /// The row is looked up that an upsert, or a key, is about.
    Resolve,
    /// Stage 10.
    PreValidation,
    /// Its user's privileges are checked, where the instance does so.
    Privileges,
    /// Its transaction begins, unless there is one.
    Begin,
    /// Stage 20.
    PreOperation,
    /// Stage 30.
    MainOperation,
    /// Stage 40.
    PostOperation,
    /// Jobs are written for its asynchronous steps.
    Queue,
    /// Everything is done; its transaction is committed.
    Commit,
    /// It is over, and a job runs one of its asynchronous steps.
    Job,
}

/// A session, below the programs of its steps.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct SessionFrame {
    /// Which actor it is.
    pub actor: ActorId,
    /// Its bindings, while no step has them.
    pub bindings: Vec<(Name, Value)>,
    /// The step that runs.
    pub running: Option<u16>,
    /// The step that comes next where no order says which.
    pub next: u16,
    /// Its transaction.
    pub transaction: Option<TransactionRef>,
    /// Whether its next statement opens a transaction that lasts beyond it.
    pub is_implicit: bool,
    /// What the running step's last statement answered.
    pub answer: Value,
    /// The first fault in which one of its steps ended.
    pub fault: Option<Fault>,
}

/// A statement of a session.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct StatementFrame {
    /// Where.
    pub instance: InstanceId,
    /// Who reads or writes.
    pub caller: Caller,
    /// What it does.
    pub work: Work,
    /// Whether its transaction ends with it.
    pub owns_transaction: bool,
    /// The time by which it must be done.
    pub deadline: SimInstant,
    /// The time by which the lock that it waits for must be granted.
    pub lock_deadline: Option<SimInstant>,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Work {
    /// It goes through rows.
    Rows(Execution),
    /// It adds a row.
    Insert {
        /// Its table.
        table: TableId,
        /// Its id.
        id: RowId,
        /// Its columns.
        values: Vec<(ColumnId, Assigned)>,
        /// What it remembers while it waits.
        writing: Writing,
    },
    /// It changes a table's definition.
    Alter(TableId),
    /// It is done; its time passes.
    Done(Answer),
}
