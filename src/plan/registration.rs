//! Registrations: which plug-in steps an instance runs, and when.

use serde::{Deserialize, Serialize};

use crate::plan::{Location, Message, Stage};
use crate::words::{ColumnId, InstanceId, Name, ProgramId, TableId};

/// One registered plug-in step.
///
/// Source: Microsoft Learn, "Register a plug-in".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlugIn {
    /// Its name, unique in the scenario.
    pub name: Name,
    /// What it was made with.
    pub kind: StepKind,
    /// The instance in which it is registered.
    pub instance: InstanceId,
    /// The message that it listens to, or whose main operation it is; never [`Message::Upsert`].
    pub message: Message,
    /// The table that it listens to; `None` for every table.
    pub table: Option<TableId>,
    /// The stage in which it runs; [`Stage::MainOperation`] for that of a custom message alone.
    pub stage: Stage,
    /// Its execution order: lower runs first. Default 1. The order of equal ranks is drawn from
    /// the seed. A workflow has none, and runs before all that have one.
    ///
    /// Assumed: the platform orders equal ranks by `SdkMessageFilterId` ("Register a plug-in"),
    /// which is the same for one message and table, so that the order is unspecified; and a
    /// workflow comes first in both stages, as two makers have reported (2017 and 2018) and no
    /// page says.
    pub rank: i32,
    /// For Update: it runs when the request contains one of these columns, changed or not. Empty
    /// for every Update.
    pub filter: Vec<ColumnId>,
    /// Whether it runs within the request, or as a job of the async service after it.
    pub mode: Mode,
    /// The copies of the row that it is given.
    pub images: Vec<Image>,
    /// The user as whom it runs; `None` for the user who made the request.
    pub run_as: Option<Name>,
    /// Whether it runs at all. Default true.
    pub enabled: bool,
    /// What it is for, in its author's words; may be empty.
    pub about: String,
    /// What it does.
    pub body: PlugInBody,
    /// Where the file says so.
    pub at: Location,
}

impl PlugIn {
    /// An enabled, synchronous plug-in step of rank 1 on a message, for every table, and with
    /// nothing else said.
    pub const fn new(
        name: Name,
        instance: InstanceId,
        message: Message,
        stage: Stage,
        body: PlugInBody,
    ) -> Self {
        Self {
            name,
            kind: StepKind::PlugIn,
            instance,
            message,
            table: None,
            stage,
            rank: 1,
            filter: Vec::new(),
            mode: Mode::Synchronous,
            images: Vec::new(),
            run_as: None,
            enabled: true,
            about: String::new(),
            body,
            at: Location { line: 0, column: 0 },
        }
    }
}

/// With what a step was made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// A plug-in: it may take two minutes.
    #[default]
    PlugIn,
    /// A workflow, real-time or in the background, or a custom process action: no limit of its
    /// own, but those of the requests that it makes.
    ///
    /// Source: Microsoft Learn, "Create a custom process action", Watch out for long running
    /// actions; "Scalable Customization Design in Dataverse", Database transactions: a real-time
    /// workflow acts as a plug-in of its stage, and each step of a background workflow is a
    /// transaction of its own.
    Workflow,
}

impl StepKind {
    /// Whether it is a plug-in.
    pub const fn is_plug_in(&self) -> bool {
        matches!(self, Self::PlugIn)
    }
}

/// What a plug-in step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlugInBody {
    /// A program in the step language.
    Steps(ProgramId),
    /// A plug-in written in Rust, by the name under which the run was given it.
    Rust(Name),
}

/// When a step runs.
///
/// Source: Microsoft Learn, "Register a plug-in", Execution mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In its stage, while the caller waits.
    #[default]
    Synchronous,
    /// After the operation, as a job of the async service. Only in [`Stage::PostOperation`].
    Asynchronous,
}

/// A copy of the row that a step is given.
///
/// Source: Microsoft Learn, "Register a plug-in", Define entity images.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Image {
    /// The name under which the step finds it.
    pub name: Name,
    /// Whether it is of before or after the main operation.
    pub kind: ImageKind,
    /// The columns that it has; `None` for all.
    pub columns: Option<Vec<ColumnId>>,
}

/// Of which moment an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageKind {
    /// Before the main operation.
    Pre,
    /// After the main operation.
    Post,
}
