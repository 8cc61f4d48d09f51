//! Messages that somebody has added to the platform: custom process actions and custom APIs.
//!
//! Their main operation is a step of stage 30, registered like every other one; a custom API may
//! have none, and only tell those who listen that something has happened.

use serde::{Deserialize, Serialize};

use crate::plan::{Column, Location};
use crate::words::{InstanceId, Name, TableId};

/// A message that somebody has added to an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomMessage {
    /// Its name, unique in the scenario and without a space.
    pub name: Name,
    /// The instance that has it.
    pub instance: InstanceId,
    /// What it was made with.
    pub kind: CustomKind,
    /// The table of whose rows a request names one; `None` for a message about no row.
    pub table: Option<TableId>,
    /// What a request may give it, beside the row; what it does not give is null.
    pub parameters: Vec<Column>,
    /// What it answers; what no step sets is null.
    pub response: Vec<Column>,
    /// Where the file says so.
    pub at: Location,
}

impl CustomMessage {
    /// Whether it acts in a transaction where its caller has none.
    ///
    /// Source: "Scalable Customization Design in Dataverse", Database transactions, Custom actions.
    pub fn acts_in_transaction(&self) -> bool {
        self.kind != CustomKind::ProcessAction { enable_rollback: false }
    }
}

/// With what a custom message was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomKind {
    /// A custom process action: a workflow in stage 30.
    ProcessAction {
        /// Whether it acts in a transaction: that of its caller, else one of its own. Default
        /// true.
        ///
        /// Source: "Scalable Customization Design in Dataverse", Database transactions, Custom
        /// actions: *Enable Rollback*. Assumed: the default, since its makers know of no action
        /// that begins without; and that one without it stays in the transaction of a plug-in
        /// that calls it, which no page says.
        enable_rollback: bool,
    },
    /// A custom API: a plug-in in stage 30.
    ///
    /// Assumed: it acts in a transaction as every other message; no page says so.
    CustomApi {
        /// Which steps others may register on it.
        steps: CustomSteps,
    },
}

/// Which steps others may register on a custom API.
///
/// Source: Microsoft Learn, "Create and use custom APIs", Select a custom processing step type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomSteps {
    /// None: it does what its author says and nothing else.
    #[default]
    None,
    /// Asynchronous ones: they hear of it and can't stop it.
    AsyncOnly,
    /// All.
    SyncAndAsync,
}
