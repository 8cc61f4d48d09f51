//! Messages and stages: what is asked of an instance, and where in its pipeline a step runs.

use serde::{Deserialize, Serialize};

use crate::words::MessageId;

/// A message of the platform: what a request asks for, and what a plug-in step listens to.
///
/// Upsert and UpsertMultiple are not among those a step can listen to: the platform turns them
/// into Create or Update. Source: Microsoft Learn, "Use Upsert to create or update a record".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Adds a row.
    Create,
    /// Reads one row.
    Retrieve,
    /// Reads the rows that a query selects.
    RetrieveMultiple,
    /// Changes a row.
    Update,
    /// Creates or updates, depending on whether the row exists.
    Upsert,
    /// Removes a row.
    Delete,
    /// Connects rows by a relationship.
    Associate,
    /// Takes such a connection away.
    Disassociate,
    /// Gives a row another owner. Legacy: an Update of the owner does the same, and does not meet
    /// the steps that listen to this message.
    Assign,
    /// Changes a row's state and status. Legacy, as above.
    SetState,
    /// Merges a row into another one, with what refers to it.
    Merge,
    /// Shares a row with a user or team.
    GrantAccess,
    /// Takes a share of a row away.
    RevokeAccess,
    /// Adds rows of one table, all or none.
    CreateMultiple,
    /// Changes rows of one table, all or none.
    UpdateMultiple,
    /// Creates or updates rows of one table, all or none.
    UpsertMultiple,
    /// Carries requests out one by one, each for itself.
    ExecuteMultiple,
    /// Carries requests out in one transaction.
    ExecuteTransaction,
    /// Reads what has changed in a table.
    RetrieveEntityChanges,
    /// A message that somebody has added to the platform: see [`crate::plan::CustomMessage`].
    Custom(MessageId),
}

impl Message {
    /// Every message of the platform's own.
    pub const ALL: [Self; 19] = [
        Self::Create,
        Self::Retrieve,
        Self::RetrieveMultiple,
        Self::Update,
        Self::Upsert,
        Self::Delete,
        Self::Associate,
        Self::Disassociate,
        Self::Assign,
        Self::SetState,
        Self::Merge,
        Self::GrantAccess,
        Self::RevokeAccess,
        Self::CreateMultiple,
        Self::UpdateMultiple,
        Self::UpsertMultiple,
        Self::ExecuteMultiple,
        Self::ExecuteTransaction,
        Self::RetrieveEntityChanges,
    ];

    /// Whether a request of it carries others, its items.
    pub const fn carries(self) -> bool {
        matches!(
            self,
            Self::ExecuteMultiple
                | Self::ExecuteTransaction
                | Self::CreateMultiple
                | Self::UpdateMultiple
                | Self::UpsertMultiple
        )
    }

    /// The bulk message whose steps a request of this message meets as well.
    ///
    /// Source: Microsoft Learn, "Use bulk operation messages", Message processing pipelines
    /// merged.
    pub const fn bulk(self) -> Option<Self> {
        match self {
            Self::Create => Some(Self::CreateMultiple),
            Self::Update => Some(Self::UpdateMultiple),
            _ => None,
        }
    }

    /// The message of the items of a bulk message.
    pub const fn single(self) -> Option<Self> {
        match self {
            Self::CreateMultiple => Some(Self::Create),
            Self::UpdateMultiple => Some(Self::Update),
            Self::UpsertMultiple => Some(Self::Upsert),
            _ => None,
        }
    }

    /// The platform's name of the message. A custom message has its own, which
    /// [`crate::plan::Plan::message_name`] tells.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Retrieve => "Retrieve",
            Self::RetrieveMultiple => "RetrieveMultiple",
            Self::Update => "Update",
            Self::Upsert => "Upsert",
            Self::Delete => "Delete",
            Self::Associate => "Associate",
            Self::Disassociate => "Disassociate",
            Self::Assign => "Assign",
            Self::SetState => "SetState",
            Self::Merge => "Merge",
            Self::GrantAccess => "GrantAccess",
            Self::RevokeAccess => "RevokeAccess",
            Self::CreateMultiple => "CreateMultiple",
            Self::UpdateMultiple => "UpdateMultiple",
            Self::UpsertMultiple => "UpsertMultiple",
            Self::ExecuteMultiple => "ExecuteMultiple",
            Self::ExecuteTransaction => "ExecuteTransaction",
            Self::RetrieveEntityChanges => "RetrieveEntityChanges",
            Self::Custom(_) => "custom message",
        }
    }

    /// Which custom message it is.
    pub const fn custom(self) -> Option<MessageId> {
        match self {
            Self::Custom(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it only reads.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Retrieve | Self::RetrieveMultiple | Self::RetrieveEntityChanges)
    }
}

/// A stage of the event pipeline.
///
/// Source: Microsoft Learn, "Event framework", Event execution pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Stage 10: before the main operation and, for the outermost request, outside the database
    /// transaction.
    PreValidation,
    /// Stage 20: before the main operation, inside the transaction.
    PreOperation,
    /// Stage 30: the platform's own work.
    MainOperation,
    /// Stage 40: after the main operation, inside the transaction.
    PostOperation,
}

impl Stage {
    /// The platform's number of the stage.
    pub const fn number(self) -> u8 {
        match self {
            Self::PreValidation => 10,
            Self::PreOperation => 20,
            Self::MainOperation => 30,
            Self::PostOperation => 40,
        }
    }

    /// The platform's name of the stage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreValidation => "PreValidation",
            Self::PreOperation => "PreOperation",
            Self::MainOperation => "MainOperation",
            Self::PostOperation => "PostOperation",
        }
    }
}
