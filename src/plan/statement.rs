//! Statements: what reads and writes many rows at once, by a condition.
//!
//! A query of the platform and a `select` of a session are the same thing to a database: a
//! [`Selection`]. The rest of SQL (insert, update and delete by a condition, and the ends of
//! transactions) is for sessions only.

use serde::{Deserialize, Serialize};

use crate::plan::{Assignment, Hints, Isolation, Selection};
use crate::words::{Expression, TableId};

/// A statement of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Reads rows.
    Select(Box<Selection>),
    /// Adds a row.
    Insert {
        /// Its table.
        table: TableId,
        /// Its name or id; drawn from the seed when absent.
        row: Option<Expression>,
        /// The columns' values.
        set: Vec<Assignment>,
    },
    /// Changes every row that matches.
    Update {
        /// The table.
        table: TableId,
        /// The condition on a row; every row when absent.
        filter: Option<Expression>,
        /// The columns' new values, computed from the row as it stands when it is written.
        set: Vec<Assignment>,
        /// How the search for the rows departs from the isolation level.
        hints: Hints,
    },
    /// Removes every row that matches.
    Delete {
        /// The table.
        table: TableId,
        /// The condition on a row; every row when absent.
        filter: Option<Expression>,
        /// How the search for the rows departs from the isolation level.
        hints: Hints,
    },
    /// Changes the table's definition: nobody may use the table until the transaction ends.
    AlterTable {
        /// The table.
        table: TableId,
    },
    /// Begins a transaction.
    Begin {
        /// Its isolation level; the session's when absent.
        isolation: Option<Isolation>,
    },
    /// Commits the transaction.
    Commit,
    /// Rolls the transaction back.
    Rollback,
}

/// What a statement that touches a table does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementKind {
    /// Reads rows.
    Select,
    /// Adds a row.
    Insert,
    /// Changes rows.
    Update,
    /// Removes rows.
    Delete,
    /// Changes the table's definition.
    AlterTable,
}
