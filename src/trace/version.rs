//! What row versions decide: whether a request meets the version that it asks for, and what has
//! changed since one.

use serde::{Deserialize, Serialize};

use crate::plan::DeltaTokens;
use crate::trace::Names;
use crate::words::{InstanceId, RequestId, RowId, TableId};

/// Something that a row version has decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum VersionEvent {
    /// A request asked for a version of the row that it has no more.
    Mismatched {
        /// The request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
        /// The row.
        row: RowId,
        /// The version that it asked for.
        asked: u64,
        /// The version that the row has.
        found: u64,
    },
    /// A read answered nothing, because its caller has this version already.
    NotModified {
        /// The request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// The table.
        table: TableId,
        /// The row.
        row: RowId,
        /// The version that it has.
        version: u64,
    },
    /// A read of changes was answered.
    ChangesAnswered(ChangesAnswered),
}

impl VersionEvent {
    /// The request that it is about.
    pub const fn request(&self) -> RequestId {
        match self {
            Self::Mismatched { request, .. }
            | Self::NotModified { request, .. }
            | Self::ChangesAnswered(ChangesAnswered { request, .. }) => *request,
        }
    }

    /// What happened, in a sentence.
    pub fn sentence(&self, names: &Names<'_>) -> String {
        match self {
            Self::Mismatched { instance, table, row, asked, found, .. } => {
                let place = names.place(*instance, *table, *row);
                format!("{place} has version {found}, and {asked} is asked for")
            }
            Self::NotModified { instance, table, row, version, .. } => {
                let place = names.place(*instance, *table, *row);
                format!("{place} is not modified since version {version}")
            }
            Self::ChangesAnswered(answer) => {
                let place = names.table_of(answer.instance, answer.table);
                let since = answer.since.unwrap_or(0);
                let (rows, deleted) = (answer.rows.len(), answer.deleted.len());
                let end = if answer.is_last_page { "the token is" } else { "more pages, up to" };
                format!(
                    "{rows} changed and {deleted} deleted rows of {place} since version {since}; \
                     {end} {}",
                    answer.token
                )
            }
        }
    }
}

/// What a read of changes was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangesAnswered {
    /// The request.
    pub request: RequestId,
    /// Where.
    pub instance: InstanceId,
    /// The table.
    pub table: TableId,
    /// The version after which it asked for changes; `None` for everything.
    pub since: Option<u64>,
    /// Whether this is the first page.
    pub is_first_page: bool,
    /// The rows that are new or were updated, with their versions.
    pub rows: Vec<(RowId, u64)>,
    /// The rows that are gone.
    pub deleted: Vec<RowId>,
    /// Whether this is the last page, which hands out the token.
    pub is_last_page: bool,
    /// The version of the token. It is settled with the first page.
    pub token: u64,
    /// Up to where the instance's tokens reach.
    pub tokens: DeltaTokens,
    /// The latest version of the instance at that moment, committed or not.
    pub latest: u64,
}
