//! Faults: what an instance, or the way to it, answers instead of a result.
//!
//! Every kind carries the platform's code, name, message and HTTP status, and says what the
//! caller may do next. An *outage* is not a fault: it is a planned event of the world, and the
//! fault is how a caller sees it.

use serde::{Deserialize, Serialize};

use crate::words::{InstanceId, PlugInId};

/// What went wrong, as the caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// Which of the platform's faults this is.
    pub kind: FaultKind,
    /// The message that the caller reads, with its blanks filled in.
    pub message: String,
    /// The instance that answered so; for a network fault, the instance that was not reached.
    /// `None` for a fault of the caller's own making.
    pub instance: Option<InstanceId>,
    /// The plug-in step that raised it, where one did.
    pub plug_in: Option<PlugInId>,
    /// What the one who raised it asks the async service to do.
    #[serde(default, skip_serializing_if = "OperationStatus::is_failed")]
    pub status: OperationStatus,
    /// Which item of an ExecuteTransaction raised it, from 0: its `FaultedRequestIndex`.
    ///
    /// Source: Microsoft Learn, "Execute messages in a single database transaction".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faulted_request_index: Option<u32>,
}

impl Fault {
    /// A fault of this kind with the given message.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            instance: None,
            plug_in: None,
            status: OperationStatus::Failed,
            faulted_request_index: None,
        }
    }

    /// The same fault, said to come from this instance unless it already has an origin.
    #[must_use]
    pub fn from_instance(mut self, instance: InstanceId) -> Self {
        self.instance.get_or_insert(instance);
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let facts = self.kind.facts();
        write!(f, "{} ({}): {}", facts.word, facts.hex(), self.message)
    }
}

/// What an `InvalidPluginExecutionException` asks the async service to do with the job. In a
/// synchronous step it means nothing.
///
/// Source: Microsoft Learn, "Handle exceptions in plug-ins"; `OperationStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationStatus {
    /// The job fails.
    #[default]
    Failed,
    /// The job is canceled.
    Canceled,
    /// The job is tried again later.
    Retry,
    /// The job is suspended.
    Suspended,
}

impl OperationStatus {
    /// Whether it is the usual one, which is not worth a word.
    pub fn is_failed(&self) -> bool {
        *self == Self::Failed
    }
}

/// What a caller may do after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The whole transaction was rolled back; the same work may succeed another time.
    Transaction,
    /// Nobody knows whether the request was carried out. Only an idempotent request, such as an
    /// upsert, is safe to send again.
    IfIdempotent,
}

/// The fixed facts of one kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultFacts {
    /// The platform's code, as its clients compare it (`0x80044150` is -2147204784 as `i32`).
    pub code: u32,
    /// The platform's name of the code.
    pub name: &'static str,
    /// What scenarios and stories call it.
    pub word: &'static str,
    /// The HTTP status with which the Web API answers; 0 where no answer arrives at all.
    pub http_status: u16,
    /// What a caller may do.
    pub retry: Retry,
    /// The number of SQL Server's own error, where it is one: 1205. Several of them reach a
    /// client of Dataverse under one code, with the number in the message.
    pub sql_number: Option<u32>,
}

impl FaultFacts {
    /// The code as the Web API writes it: `0x80044150`.
    pub fn hex(&self) -> String {
        format!("0x{:08x}", self.code)
    }

    /// The code as the SDK writes it: `-2147204784`.
    pub const fn decimal(&self) -> i32 {
        self.code.cast_signed()
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $word:literal, $http:literal,
       $retry:ident $(, sql $number:literal)?;)*) => {
        /// The kinds of fault that a simulated instance answers with.
        ///
        /// Source: Microsoft Learn, "Web service error codes" and "Troubleshoot Dataverse
        /// plug-ins", for codes, names and messages; "Compose HTTP requests and handle errors",
        /// for the HTTP statuses of missing rows, privileges, restrictions, versions, duplicate
        /// records and `InvalidPluginExecutionException`. Assumed: all other statuses, of which
        /// no page read tells: 500 where the platform or a plug-in breaks (SQL, time-outs,
        /// swallowed faults), 400 where the request is at fault (depth, names, keys, jobs), 404
        /// for a key without a row, 405 for a batch that is too large, 503 in maintenance.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum FaultKind {
            $($(#[$doc])* $kind,)*
        }

        impl FaultKind {
            /// Every kind, in the order of this page.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The fixed facts of this kind.
            pub const fn facts(self) -> FaultFacts {
                match self {
                    $(Self::$kind => FaultFacts {
                        code: $code,
                        name: $name,
                        word: $word,
                        http_status: $http,
                        retry: Retry::$retry,
                        sql_number: [$(Some($number),)? None][0],
                    },)*
                }
            }
        }
    };
}

faults! {
    /// The row that the request names does not exist.
    RowDoesNotExist = 0x8004_0217, "ObjectDoesNotExist", "row does not exist", 404, Never;
    /// A row with this primary key exists already.
    DuplicateRow = 0x8004_0237, "DuplicateRecord", "duplicate row", 412, Never;
    /// A row with the same values of an alternate key exists already.
    ///
    /// Assumed: the HTTP status, by analogy with the primary key.
    DuplicateKey = 0x8006_0892, "DuplicateRecordEntityKey", "duplicate key", 412, Never;
    /// No row has these values of an alternate key.
    KeyNotFound = 0x8006_0891, "RecordNotFoundByEntityKey", "key not found", 404, Never;
    /// The columns that were given are no alternate key of the table.
    KeyNotDefined = 0x8006_0890, "EntityKeyNotDefined", "key not defined", 400, Never;
    /// A value that the column can't hold.
    InvalidArgument = 0x8004_0203, "InvalidArgument", "invalid argument", 400, Never;
    /// The platform broke, or a message to the sandbox was too large.
    Unexpected = 0x8004_0216, "UnExpected", "unexpected", 500, Never;
    /// The user lacks a privilege for what is asked.
    PrivilegeDenied = 0x8004_0220, "PrivilegeDenied", "privilege denied", 403, Never;
    /// The user or team that a row would be assigned to or shared with lacks a privilege.
    PrincipalPrivilegeDenied = 0x8004_0231, "PrincipalPrivilegeDenied",
        "principal privilege denied", 403, Never;
    /// A row that others refer to, by a relationship that restricts deletion, would be deleted.
    DeleteRestricted = 0x8004_0227, "CannotDeleteDueToAssociation", "delete restricted", 405, Never;
    /// More requests in one batch than the platform takes.
    BatchTooLarge = 0x8004_0315, "NotSupported", "batch too large", 405, Never;
    /// The row has another version than the caller has read.
    ConcurrencyMismatch = 0x8006_0882, "ConcurrencyVersionMismatch", "concurrency mismatch", 412,
        Never;
    /// A table whose rows come and go by other messages only, such as an intersect table.
    ///
    /// Assumed: the name of the code, which no page read gives.
    MethodNotSupported = 0x8004_0800, "NotSupported", "method not supported", 400, Never;
    /// A version was asked to match, and none was given.
    ConcurrencyVersionNotProvided = 0x8006_0883, "ConcurrencyVersionNotProvided",
        "version not provided", 400, Never;
    /// The table's rows have no versions that could be asked to match.
    ConcurrencyNotEnabled = 0x8006_088d, "OptimisticConcurrencyNotEnabled",
        "concurrency not enabled", 400, Never;
    /// The table's changes are not tracked.
    ChangeTrackingNotEnabled = 0x8007_2491, "ChangeTrackingNotEnabledForEntity",
        "change tracking not enabled", 400, Never;
    /// A delta token is older than what the instance remembers.
    ///
    /// Assumed: the code, which is documented for the version stamp of metadata; no page states
    /// that of an expired delta token.
    ExpiredToken = 0x8004_4352, "ExpiredVersionStamp", "expired token", 400, Never;
    /// An aggregate over more rows than the platform takes.
    AggregateLimitExceeded = 0x8004_e023, "AggregateQueryRecordLimitExceeded",
        "aggregate limit exceeded", 400, Never;
    /// A step is registered with a post-image that its message does not offer.
    PostImageNotSupported = 0x8004_416e, "SdkMessageDoesNotSupportPostImageRegistration",
        "post-image not supported", 400, Never;
    /// A step is registered with a pre-image that its message does not offer.
    PreImageNotSupported = 0x8004_416d, "SdkMessageDoesNotSupportPreImageRegistration",
        "pre-image not supported", 400, Never;
    /// A job's state was changed by somebody else meanwhile.
    JobStateChanged = 0x8004_4163, "AsyncOperationInvalidStateChangeUnexpected",
        "job state changed", 400, Never;
    /// A job was asked to go to a state that it can't be brought to.
    JobStateInvalid = 0x8004_4162, "AsyncOperationInvalidStateChange", "job state invalid", 400,
        Never;
    /// A job was to be deleted before it was completed.
    JobNotCompleted = 0x8004_416a, "AsyncOperationCannotDeleteUnlessCompleted",
        "job not completed", 400, Never;
    /// A workflow could not get the lock of the row that it works on.
    LockNotObtained = 0x8004_4339, "CouldNotObtainLockOnResource", "lock not obtained", 500,
        Transaction;
    /// A text longer than its column.
    TextTooLong = 0x8004_4331, "StringLengthTooLong", "text too long", 400, Never;
    /// The instance has no such table.
    NoSuchTable = 0x8004_1102, "QueryBuilderNoEntity", "no such table", 400, Never;
    /// The table has no such column.
    NoSuchColumn = 0x8004_1103, "QueryBuilderNoAttribute", "no such column", 400, Never;
    /// The transaction was chosen as the victim of a deadlock (SQL Server's error 1205).
    ///
    /// Assumed: the platform does not try again by itself what a caller waits for; its clients do.
    DeadlockVictim = 0x8004_4150, "unManagedidssqlerror", "deadlock victim", 500, Transaction,
        sql 1205;
    /// A statement waited for a lock longer than its session allows. Its transaction stays open.
    LockTimeout = 0x8004_4150, "unManagedidssqlerror", "lock timeout", 500, Transaction, sql 1222;
    /// A snapshot transaction was about to write a row that has changed since its snapshot.
    UpdateConflict = 0x8004_4150, "unManagedidssqlerror", "update conflict", 500, Transaction,
        sql 3960;
    /// A snapshot transaction used a table whose definition has changed since its snapshot.
    SchemaChanged = 0x8004_4150, "unManagedidssqlerror", "schema changed", 500, Transaction,
        sql 3961;
    /// A session committed or rolled back without a transaction.
    NoTransaction = 0x8004_4150, "unManagedidssqlerror", "no transaction", 500, Never, sql 3902;
    /// A transaction took longer than it may, and was rolled back.
    ///
    /// Assumed: told as .NET tells it, by TransactionAbortedException (COR_E_SYSTEM).
    TransactionTimeout = 0x8013_1501, "COR_E_SYSTEM", "transaction timeout", 500, Transaction;
    /// A database command took longer than the SQL time-out, usually because it was blocked.
    SqlTimeout = 0x8004_4151, "unManagedidssqltimeouterror", "sql timeout", 500, Transaction;
    /// A plug-in ran into the 2-minute limit.
    ///
    /// Assumed: of the three sandbox time-out codes, the host's; no page says which a caller sees.
    PlugInTimeout = 0x8004_4172, "SandboxHostPluginTimeout", "plug-in timeout", 500, Transaction;
    /// A plug-in, workflow or program said no, with its author's message
    /// (`InvalidPluginExecutionException`).
    PlugInAborted = 0x8004_0265, "IsvAborted", "plug-in aborted", 400, Never;
    /// A plug-in or program broke: it used a value that is null, divided by zero, …
    PlugInFailed = 0x8004_0224, "IsvUnExpected", "plug-in failed", 500, Never;
    /// A chain of nested requests is deeper than the platform allows.
    DepthExceeded = 0x8004_4182, "SdkCorrelationTokenDepthTooHigh", "depth exceeded", 400, Never;
    /// A plug-in swallowed the fault of a service call and went on.
    ///
    /// Assumed: the name, which the lists of codes that were read don't give.
    SwallowedFault = 0x8009_000c, "IsvReducedOpenTransactionCount", "swallowed fault", 500, Never;
    /// A plug-in swallowed the fault of a service call, and a later one found its transaction gone.
    TransactionNotStarted = 0x8004_0251, "TransactionNotStarted", "transaction not started", 500,
        Never;
    /// A plug-in swallowed a deadlock: the transaction is gone already.
    TransactionAborted = 0x8004_0255, "TransactionAborted", "transaction aborted", 500, Never;
    /// The environment is closed for maintenance.
    ///
    /// Assumed: it is told by the code of an environment that is disabled.
    UnderMaintenance = 0x8004_a104, "OrganizationDisabled", "maintenance", 503, IfIdempotent;
    /// The instance could not be reached, or its answer never came back.
    ///
    /// Assumed: the code by which the async service tells of a network error stands for every
    /// caller's; a client meets an exception of its own library.
    Unreachable = 0x8004_4306, "AsyncNetworkError", "unreachable", 0, IfIdempotent;
    /// The caller's own client gave up waiting (`System.TimeoutException`).
    ClientTimeout = 0x8013_1505, "COR_E_TIMEOUT", "client timeout", 0, IfIdempotent;
}

impl FaultKind {
    /// The kind that scenarios call by this word, by this code (`0x80044150`, `-2147204784`; of
    /// several with one code the first) or by SQL Server's number (`3960`).
    pub fn find(text: &str) -> Option<Self> {
        let code = text
            .strip_prefix("0x")
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned));
        Self::ALL.iter().copied().find(|kind| {
            let facts = kind.facts();
            let number = facts.sql_number.map(|number| number.to_string());
            facts.word == text || code == Some(facts.code) || number.as_deref() == Some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_word_and_by_both_spellings_of_its_code() {
        for text in ["deadlock victim", "0x80044150", "-2147204784"] {
            assert_eq!(FaultKind::find(text), Some(FaultKind::DeadlockVictim), "{text}");
        }
        assert_eq!(FaultKind::find("deadlock"), None);
    }

    #[test]
    fn no_two_kinds_share_a_word_or_a_code_with_its_sql_number() {
        for (index, a) in FaultKind::ALL.iter().enumerate() {
            for b in &FaultKind::ALL[index + 1..] {
                let (a_facts, b_facts) = (a.facts(), b.facts());
                let same = a_facts.code == b_facts.code && a_facts.sql_number == b_facts.sql_number;
                assert!(!same, "{a:?} and {b:?}");
                assert_ne!(a_facts.word, b_facts.word, "{a:?} and {b:?}");
            }
        }
    }
}
