//! What happened to users' privileges: caches that lost an entry, privileges worked out again, and
//! requests that were turned away for the lack of one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::Right;
use crate::trace::detail::micros;
use crate::words::{InstanceId, RequestId, RowId, TableId, TransactionId};

/// One thing that happened to a user's privileges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "access", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Access {
    /// A commit made an instance forget what it had cached of a user.
    UserCacheInvalidated {
        /// Whose commit.
        transaction: TransactionId,
        /// Where.
        instance: InstanceId,
        /// The user.
        user: RowId,
        /// Why.
        why: CacheLoss,
    },
    /// A request had to wait while its user's cache was loaded and the privileges worked out.
    PrivilegesRecalculated {
        /// Which request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// The user.
        user: RowId,
        /// How long it takes.
        #[serde(with = "micros")]
        took: Duration,
        /// Of how many owner teams the user is a member.
        teams: u32,
        /// How many business units there are.
        business_units: u32,
    },
    /// A request was turned away: its user lacks a right.
    PrivilegeDenied {
        /// Which request.
        request: RequestId,
        /// Where.
        instance: InstanceId,
        /// Who lacks it: the user, or the one to whom the row would be given.
        principal: RowId,
        /// What is lacking.
        right: Right,
        /// On which table.
        table: TableId,
        /// On which row; `None` for any.
        row: Option<RowId>,
    },
}

/// Why a user's cache was invalidated.
///
/// Source: Microsoft Learn, "Transaction design patterns", Setting up security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheLoss {
    /// The user's own row was written.
    UserWritten,
    /// The user came into an owner team, or left one.
    OwnerTeamsChanged,
}

impl Access {
    /// The request that it is about; `None` for an invalidation.
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::UserCacheInvalidated { .. } => None,
            Self::PrivilegesRecalculated { request, .. }
            | Self::PrivilegeDenied { request, .. } => Some(*request),
        }
    }
}
