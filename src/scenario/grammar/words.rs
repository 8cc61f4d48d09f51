//! The closed sets of words, each with what the plan calls it.

use crate::plan::{Anomaly, Isolation, Message, Stage, UpsertWhen};
use crate::scenario::grammar::{Word, later_word, word};

/// What a word of a closed set stands for in the plan.
pub type Choice<T> = (&'static str, T);

/// The words for isolation levels.
pub const ISOLATION: &[Choice<Isolation>] = &[
    ("read committed snapshot", Isolation::ReadCommittedSnapshot),
    ("repeatable read", Isolation::RepeatableRead),
];

/// The stages that a plug-in step can be registered in.
pub const STAGES: &[Choice<Stage>] = &[
    ("PreValidation", Stage::PreValidation),
    ("PreOperation", Stage::PreOperation),
    ("PostOperation", Stage::PostOperation),
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

pub(super) static ISOLATION_WORDS: &[Word] = &[
    word(
        "read committed snapshot",
        "a statement reads what was committed when it began (the default)",
    ),
    word("repeatable read", "a read keeps a shared lock to the end of the transaction"),
    later_word("read committed", "a read takes a shared lock for its statement"),
    later_word("read uncommitted", "a read takes no lock and sees what is not committed"),
    later_word("snapshot", "a transaction reads what was committed when it began"),
    later_word("serializable", "a read locks the range that it looked at"),
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
    word("text", "text of at most 4,000 characters"),
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
