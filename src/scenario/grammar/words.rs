//! The closed sets of words, each with what the plan calls it.

use crate::fault::OperationStatus;
use crate::plan::{
    Anomaly, Cascading, CustomSteps, DeltaTokens, Hint, Isolation, LinkKind, Locking, Message,
    Mode, OnDelete, Stage, StepKind, UpsertWhen,
};
use crate::scenario::grammar::{Standing, Word, later_word, word};

/// What a word of a closed set stands for in the plan.
pub type Choice<T> = (&'static str, T);

/// The words for isolation levels.
pub const ISOLATION: &[Choice<Isolation>] = &[
    (Isolation::ReadUncommitted.word(), Isolation::ReadUncommitted),
    (Isolation::ReadCommitted.word(), Isolation::ReadCommitted),
    (Isolation::ReadCommittedSnapshot.word(), Isolation::ReadCommittedSnapshot),
    (Isolation::RepeatableRead.word(), Isolation::RepeatableRead),
    (Isolation::Snapshot.word(), Isolation::Snapshot),
    (Isolation::Serializable.word(), Isolation::Serializable),
];

/// The ways in which writes lock.
pub const LOCKING: &[Choice<Locking>] =
    &[(Locking::Classic.word(), Locking::Classic), (Locking::Optimized.word(), Locking::Optimized)];

/// The hints.
pub const HINTS: &[Choice<Hint>] = &[
    (Hint::NoLock.word(), Hint::NoLock),
    (Hint::ReadCommittedLock.word(), Hint::ReadCommittedLock),
    (Hint::UpdLock.word(), Hint::UpdLock),
    (Hint::XLock.word(), Hint::XLock),
    (Hint::HoldLock.word(), Hint::HoldLock),
    (Hint::TabLock.word(), Hint::TabLock),
    (Hint::ReadPast.word(), Hint::ReadPast),
    (Hint::NoWait.word(), Hint::NoWait),
];

/// The deadlock priorities that have a word.
///
/// Source: Microsoft Learn, "SET DEADLOCK_PRIORITY".
pub const PRIORITIES: &[Choice<i8>] = &[("low", -5), ("normal", 0), ("high", 5)];

/// The stages that a plug-in step can be registered in.
pub const STAGES: &[Choice<Stage>] = &[
    ("PreValidation", Stage::PreValidation),
    ("PreOperation", Stage::PreOperation),
    ("PostOperation", Stage::PostOperation),
];

/// How far delta tokens reach.
pub const DELTA_TOKENS: &[Choice<DeltaTokens>] = &[
    (DeltaTokens::Bounded.word(), DeltaTokens::Bounded),
    (DeltaTokens::Latest.word(), DeltaTokens::Latest),
];

/// When a plug-in step runs.
pub const MODES: &[Choice<Mode>] = &[("sync", Mode::Synchronous), ("async", Mode::Asynchronous)];

/// With what a step was made.
pub const STEP_KINDS: &[Choice<StepKind>] =
    &[("plug-in", StepKind::PlugIn), ("workflow", StepKind::Workflow)];

/// Which steps may be registered on a custom API.
pub const CUSTOM_STEPS: &[Choice<CustomSteps>] = &[
    ("none", CustomSteps::None),
    ("async only", CustomSteps::AsyncOnly),
    ("sync and async", CustomSteps::SyncAndAsync),
];

/// The conditions on an upsert.
pub const UPSERT_WHEN: &[Choice<UpsertWhen>] =
    &[("missing", UpsertWhen::Missing), ("exists", UpsertWhen::Exists)];

/// What can happen to a row, as `never: { update: … }` and `order:` call it.
pub const WRITES: &[(&str, &str, Option<Message>)] = &[
    ("create", "created", Some(Message::Create)),
    ("update", "updated", Some(Message::Update)),
    ("delete", "deleted", Some(Message::Delete)),
    ("write", "written", None),
];

pub(super) static MODE_WORDS: &[Word] = &[
    word("sync", "in its stage, while the caller waits"),
    word("async", "after the operation, as a job of the async service"),
];

pub(super) static STEP_KIND_WORDS: &[Word] = &[
    word("plug-in", "code, with two minutes' time"),
    word("workflow", "of a maker: real-time, or with `mode: async` in the background"),
];

pub(super) static CUSTOM_KIND_WORDS: &[Word] = &[
    word("custom API", "a plug-in is its main operation"),
    word("process action", "a workflow is its main operation"),
];

pub(super) static CUSTOM_STEPS_WORDS: &[Word] = &[
    word("none", "nobody else's"),
    word("async only", "asynchronous ones"),
    word("sync and async", "all"),
];

/// What becomes of the rows that refer to a deleted one.
pub const ON_DELETE: &[Choice<OnDelete>] = &[
    ("cascade", OnDelete::Cascade),
    ("remove link", OnDelete::RemoveLink),
    ("restrict", OnDelete::Restrict),
];

pub(super) static ON_DELETE_WORDS: &[Word] = &[
    word("cascade", "they are deleted as well"),
    word("remove link", "they refer to nothing any more: the default"),
    word("restrict", "the row can't be deleted as long as there are any"),
];

/// On which of the rows that refer to a row an action goes on.
pub const CASCADING: &[Choice<Cascading>] = &[
    ("none", Cascading::None),
    ("cascade", Cascading::Cascade),
    ("active", Cascading::Active),
    ("user owned", Cascading::UserOwned),
];

pub(super) static CASCADING_WORDS: &[Word] = &[
    word("none", "to none of them: the default"),
    word("cascade", "to all of them"),
    word("active", "to those whose `statecode` is `Active`"),
    word("user owned", "to those of the same owner"),
];

/// What an exception asks the async service to do.
pub const OPERATION_STATUSES: &[Choice<OperationStatus>] = &[
    ("failed", OperationStatus::Failed),
    ("canceled", OperationStatus::Canceled),
    ("retry", OperationStatus::Retry),
    ("suspended", OperationStatus::Suspended),
];

pub(super) static OPERATION_STATUS_WORDS: &[Word] = &[
    word("failed", "the job fails: the default"),
    word("canceled", "the job is canceled"),
    word("retry", "the job is tried again later, four times in all"),
    word("suspended", "the job waits until somebody resumes it"),
];

pub(super) static ISOLATION_WORDS: &[Word] = &[
    word(Isolation::ReadUncommitted.word(), "a read takes no lock and sees what is not committed"),
    word(
        Isolation::ReadCommitted.word(),
        "a read waits for the writer, and locks each row while it looks at it",
    ),
    word(
        Isolation::ReadCommittedSnapshot.word(),
        "a statement reads what was committed when it began (the default)",
    ),
    word(
        Isolation::RepeatableRead.word(),
        "a read keeps a shared lock to the end of the transaction",
    ),
    word(
        Isolation::Snapshot.word(),
        "a transaction reads what was committed when it first read, and can't change what has \
         changed since",
    ),
    word(
        Isolation::Serializable.word(),
        "a read locks the stretch that it looked at, to the end of the transaction",
    ),
];

pub(super) static LOCKING_WORDS: &[Word] = &[
    word(
        Locking::Classic.word(),
        "a written row is locked to the end of its transaction (the default)",
    ),
    word(
        Locking::Optimized.word(),
        "a write's row is free at once; who wants it waits for the writer",
    ),
];

/// The types of links.
pub const LINK_KINDS: &[Choice<LinkKind>] = &[
    ("inner", LinkKind::Inner),
    ("outer", LinkKind::Outer),
    ("any", LinkKind::Any),
    ("not any", LinkKind::NotAny),
];

pub(super) static LINK_WORDS: &[Word] = &[
    word("inner", "a row is answered once for each linked row, and not at all without one"),
    word("outer", "the same, but a row without a linked row is answered with nothing linked"),
    word("any", "a row is answered once if there is a linked row"),
    word("not any", "a row is answered if there is no linked row"),
];

pub(super) static DELTA_TOKEN_WORDS: &[Word] = &[
    word(
        DeltaTokens::Bounded.word(),
        "up to the first write of the oldest transaction that is open (the default)",
    ),
    word(
        DeltaTokens::Latest.word(),
        "up to the latest write: rows of a transaction that is still open are skipped for good",
    ),
];

/// The hints of a session's statements.
pub(super) static HINT_WORDS: &[Word] = &[
    word(Hint::NoLock.word(), NOLOCK),
    word(Hint::ReadCommittedLock.word(), "lock each row while looking at it"),
    word(Hint::UpdLock.word(), "lock what is read for a later update"),
    word(Hint::XLock.word(), "lock what is read as if it were written"),
    word(Hint::HoldLock.word(), "read as at serializable"),
    word(Hint::TabLock.word(), "lock the whole table in place of its rows"),
    word(Hint::ReadPast.word(), "pass by the rows that are locked"),
    word(Hint::NoWait.word(), "wait for nothing: a lock timeout at once"),
];

/// The hints of the platform's reads.
pub(super) static QUERY_HINT_WORDS: &[Word] = &[
    word(Hint::NoLock.word(), NOLOCK),
    sessions_hint(Hint::ReadCommittedLock),
    sessions_hint(Hint::UpdLock),
    sessions_hint(Hint::XLock),
    sessions_hint(Hint::HoldLock),
    sessions_hint(Hint::TabLock),
    sessions_hint(Hint::ReadPast),
    sessions_hint(Hint::NoWait),
];

const NOLOCK: &str = "take no locks and see what is not committed";

/// A hint that SQL Server knows and the platform does not pass on.
///
/// Source: Microsoft Learn, "QueryExpression.NoLock" and the FetchXML attribute `no-lock`: the
/// only one of the hints that they offer.
const fn sessions_hint(hint: Hint) -> Word {
    let standing = Standing::Elsewhere("a session's statements (`sessions:`) take every hint");
    Word { word: hint.word(), about: "the platform offers no hint but `nolock`", standing }
}

/// The steps of a session that need no arguments.
pub(super) static TRANSACTION_WORDS: &[Word] = &[
    word("begin", "begins a transaction at the session's level"),
    word("commit", "commits the transaction"),
    word("rollback", "rolls the transaction back"),
];

pub(super) static STAGE_WORDS: &[Word] = &[
    word("PreValidation", "stage 10: before the transaction of an outermost request"),
    word("PreOperation", "stage 20: before the main operation, in the transaction"),
    word("PostOperation", "stage 40: after the main operation, in the transaction"),
];

pub(super) static WHEN_WORDS: &[Word] = &[
    word("missing", "create it if it is missing, leave an existing row alone"),
    word("exists", "update it if it exists, leave a missing row missing"),
];

pub(super) static COLUMN_WORDS: &[Word] = &[
    word("text", "text of at most 4,000 characters; in an alternate key, of 100"),
    word("whole number", "a whole number"),
    word("decimal", "an exact decimal number"),
    word("money", "an amount of money"),
    word("date-time", "a calendar moment"),
    word("boolean", "true or false"),
    word("unique id", "a GUID"),
];

pub(super) static METHOD_WORDS: &[Word] = &[
    word("logic app", "a Logic App with its default retry policy"),
    later_word("power automate", "a Power Automate flow"),
    later_word("function app", "an Azure Function"),
    later_word("data factory", "a pipeline of Azure Data Factory"),
    later_word("synapse link", "Azure Synapse Link and a pipeline"),
];

pub(super) static WRITE_WORDS: &[Word] = &[
    word("upsert", "create or update, by GUID (the default)"),
    later_word("create", "create only"),
    later_word("update", "update only"),
];

/// The words of `never:` and `happens:` beside the anomalies and the faults.
pub static PHENOMENA: &[Word] = &[
    word("deadlock", "a cycle of waits in one instance"),
    word("cross-instance wait", "a cycle of waits over several instances, for time-outs to end"),
    word("escalation", "locks on rows that give way to one on their table"),
    word("missed row", "a row that moved behind a scan: it was there and is not in the answer"),
    word("doubled row", "a row that moved ahead of a scan: it is in the answer twice"),
    word("wait", "a wait for a lock"),
    word("fault", "any fault"),
];

/// The words of `anomaly:`, which `never:` and `happens:` know too: each phenomenon's own, and
/// what the literature calls it.
pub static ANOMALY_WORDS: &[Word] = &[
    anomaly(Anomaly::DirtyWrite),
    code(Anomaly::DirtyWrite),
    anomaly(Anomaly::DirtyRead),
    code(Anomaly::DirtyRead),
    anomaly(Anomaly::AbortedRead),
    code(Anomaly::AbortedRead),
    anomaly(Anomaly::IntermediateRead),
    code(Anomaly::IntermediateRead),
    anomaly(Anomaly::CircularInformationFlow),
    code(Anomaly::CircularInformationFlow),
    anomaly(Anomaly::ObservedTransactionVanishes),
    code(Anomaly::ObservedTransactionVanishes),
    anomaly(Anomaly::PredicateManyPreceders),
    code(Anomaly::PredicateManyPreceders),
    anomaly(Anomaly::LostUpdate),
    code(Anomaly::LostUpdate),
    anomaly(Anomaly::ReadSkew),
    code(Anomaly::ReadSkew),
    anomaly(Anomaly::WriteSkew),
    code(Anomaly::WriteSkew),
    anomaly(Anomaly::Phantom),
    code(Anomaly::Phantom),
];

/// A phenomenon, by its own word.
const fn anomaly(of: Anomaly) -> Word {
    word(of.facts().word, of.facts().gloss)
}

/// The same, by what the literature calls it.
const fn code(of: Anomaly) -> Word {
    word(of.facts().code, of.facts().gloss)
}

pub(super) static FINALLY_WORDS: &[Word] = &[
    word("converged", "all instances that have the table hold the same rows"),
    word("diverged", "they do not"),
];

pub(super) static INSTANCE_WORDS: &[Word] = &[
    word("dataverse", "a Dataverse environment (the default)"),
    later_word("finance and operations", "a finance and operations environment"),
];
