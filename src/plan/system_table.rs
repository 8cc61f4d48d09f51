//! The tables that the platform has by itself, by their logical names. An instance gets them when
//! something needs them; a file that defines a table of the same name adds columns to them.

use crate::plan::{JobState, JobStatus};

/// A table of the platform's own.
#[derive(Clone, Copy, Debug)]
pub struct SystemTable {
    /// Its logical name.
    pub name: &'static str,
    /// Its columns, as far as anything here reads or writes them.
    pub columns: &'static [(&'static str, SystemColumn)],
}

/// What a column of such a table holds.
#[derive(Clone, Copy, Debug)]
pub enum SystemColumn {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// The id of a row of any table.
    UniqueId,
    /// The id of a row of this table.
    Lookup(&'static str),
    /// One of these labels.
    Choice(&'static [&'static str]),
    /// A moment.
    DateTime,
}

use SystemColumn::{Choice, DateTime, Lookup, Text, UniqueId, Whole};

/// The table of the async service's jobs.
///
/// Source: Microsoft Learn, Dataverse table reference, `asyncoperation`. Assumed: states and
/// statuses are their labels in place of numbers, `depth` and `message` are texts that a reader
/// understands, and the columns that nothing here needs are left out.
pub const JOB_TABLE: SystemTable = SystemTable {
    name: "asyncoperation",
    columns: &[
        ("name", Text),
        ("statecode", Choice(JobState::LABELS)),
        ("statuscode", Choice(JobStatus::LABELS)),
        ("postponeuntil", DateTime),
        ("regardingobjectid", UniqueId),
        ("depth", Whole),
        ("dependencytoken", Text),
        ("retrycount", Whole),
        ("startedon", DateTime),
        ("completedon", DateTime),
        ("errorcode", Whole),
        ("message", Text),
    ],
};

/// The tables for users, teams and shares.
///
/// Source: Microsoft Learn, Dataverse table reference, for `businessunit`, `systemuser`, `team`,
/// `teammembership`, `principalobjectaccess` and `systemuserprincipals`. Assumed: what their
/// columns are called here, and that rights are words in place of a mask of bits.
pub const SECURITY_TABLES: &[SystemTable] = &[
    SystemTable { name: "businessunit", columns: &[("parent", Lookup("businessunit"))] },
    SystemTable { name: "systemuser", columns: &[("business unit", Lookup("businessunit"))] },
    SystemTable {
        name: "team",
        columns: &[("business unit", Lookup("businessunit")), ("kind", Text)],
    },
    SystemTable {
        name: "teammembership",
        columns: &[("team", Lookup("team")), ("user", Lookup("systemuser"))],
    },
    SystemTable { name: "systemuserprincipals", columns: &[("changes", Whole)] },
    SystemTable {
        name: "principalobjectaccess",
        columns: &[
            ("object", UniqueId),
            ("principal", UniqueId),
            ("rights", Text),
            ("inherited", Text),
        ],
    },
];
