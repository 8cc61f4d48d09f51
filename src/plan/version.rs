//! What row versions are for: requests that depend on the version of a row, and reading what has
//! changed since a version.

use serde::{Deserialize, Serialize};

use crate::words::{Expression, Name};

/// What must hold of a row for a request to be carried out.
///
/// Source: Microsoft Learn, "Optimistic concurrency" and "Perform conditional operations using the
/// Web API".
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precondition {
    /// The row is there (`If-Match: *`).
    Exists,
    /// The row is not there (`If-None-Match: *`).
    Missing,
    /// The row has this version (`If-Match: W/"12"`): that of a row as read, or a number.
    Version(Expression),
    /// The row has another version (`If-None-Match: W/"12"`); else a read answers nothing.
    OtherVersion(Expression),
}

/// Where a read of changes begins.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangesFrom {
    /// At the beginning: every row is new.
    Beginning,
    /// Behind this delta token; null for the beginning.
    Token(Expression),
    /// On the page that follows this answer.
    PageAfter(Expression),
    /// Behind the token that this cursor has accepted. The cursor belongs to the actor and lasts
    /// over its runs. The read is not paged, and begins anew when the token has expired.
    ///
    /// Assumed: what copies rows for a flow follows the pages by itself, and reads everything when
    /// its token is too old; no page says so of any connector.
    Cursor(Name),
}

/// Up to which version the token of an instance says that everything has been read.
///
/// Assumed: bounded by the oldest open transaction, as SQL Server's `MIN_ACTIVE_ROWVERSION`. No
/// page says how Dataverse protects a reader of changes from transactions in flight; its query
/// engine has an option of that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeltaTokens {
    /// Up to the first write of the oldest transaction that is still open.
    #[default]
    Bounded,
    /// Up to the latest write, whatever is still open: a row of an open transaction is skipped for
    /// good. A fault mode.
    Latest,
}

impl DeltaTokens {
    /// What scenarios call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bounded => "bounded",
            Self::Latest => "latest",
        }
    }
}
