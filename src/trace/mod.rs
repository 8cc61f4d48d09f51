//! What happened: one ordered list of typed events. The second hallway of the house: the engine
//! writes it, and every check, story and picture is a fold over it. A view that needs a fact
//! that is not here adds the fact here.
//!
//! A trace is a function of plan, seed and schedule alone, byte for byte, on every machine. It
//! stands on its own: the header carries every name that the events mention by number, so a trace
//! that was read back from a file serves as well as a fresh one.

mod access;
mod clock;
mod condition;
mod detail;
mod event;
mod job;
mod jsonl;
mod names;
mod request;
mod row;
#[cfg(test)]
pub(crate) mod tale;
mod telemetry;
mod version;
mod wording;
mod wording_of_access;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use access::{Access, CacheLoss};
pub use clock::Clock;
pub use detail::{
    AccessPath, DeadlockEdge, Disturbance, LaneKind, LockResource, Outcome, ReadKind,
    RollbackReason, WaitEnd, WriteKind,
};
pub use event::Event;
pub use job::{JobEvent, JobOutcome};
pub use jsonl::{ReadError, read_jsonl, write_jsonl};
pub use names::Names;
pub use request::{RequestBegan, StatementBegan};
pub use row::{RowRead, RowWritten, RowsAnswered, RowsSelected};
pub use telemetry::PlugInTraced;
pub use version::{ChangesAnswered, VersionEvent};

use crate::plan::{Message, OutageKind, Plan, Stage, StepKind};
use crate::words::{ColumnId, InstanceId, Name, RowId, SimInstant, TableId};

/// The version of the trace format. A reader refuses another one.
pub const FORMAT_VERSION: u32 = 2;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The names behind the numbers.
    pub header: Header,
    /// What happened, in order. `entries[i].sequence == i`.
    pub entries: Vec<Entry>,
}

/// One event, with its instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: SimInstant,
    /// Its position in the trace, from 0; after `u32::MAX` from 0 again.
    pub sequence: u32,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What a reader must know to understand the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// The scenario's title.
    pub title: String,
    /// Why the scenario exists, in its author's words; may be empty.
    pub about: String,
    /// The document and section that it comes from; may be empty.
    pub source: String,
    /// The scenario file as it was given.
    pub file: String,
    /// The variant that ran.
    pub variant: Option<Name>,
    /// The seed.
    pub seed: u64,
    /// The calendar moment of instant 0.
    pub start: Timestamp,
    /// The instances' names, by `InstanceId`.
    pub instances: Vec<Name>,
    /// Which tables each instance has, by `InstanceId`.
    pub tables_of: Vec<Vec<TableId>>,
    /// The tables, by `TableId`.
    pub tables: Vec<TableHeader>,
    /// The custom messages, by `MessageId`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageHeader>,
    /// The plug-in steps, by `PlugInId`.
    pub plug_ins: Vec<PlugInHeader>,
    /// The outages' names, by `OutageId`.
    pub outages: Vec<Name>,
    /// What callers see of each outage, by `OutageId`.
    pub outage_kinds: Vec<OutageKind>,
    /// The actors' names, by `ActorId`.
    pub actors: Vec<Name>,
    /// The rows that the plan calls by name; more names come as events ([`Event::RowNamed`]).
    pub row_names: Vec<(TableId, RowId, Name)>,
}

/// A table's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableHeader {
    /// The table's name.
    pub name: Name,
    /// Its columns' names, by `ColumnId`.
    pub columns: Vec<Name>,
    /// The names of its indexes, alternate keys first, by their numbers.
    pub indexes: Vec<Name>,
}

/// A custom message, as far as views need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageHeader {
    /// Its name.
    pub name: Name,
    /// Whether it acts in a transaction of its own where its caller has none.
    pub acts_in_transaction: bool,
}

/// A plug-in step's registration, as far as views need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlugInHeader {
    /// Its name.
    pub name: Name,
    /// Where it is registered.
    pub instance: InstanceId,
    /// The message that it listens to.
    pub message: Message,
    /// The table that it listens to; `None` for all.
    pub table: Option<TableId>,
    /// Its stage.
    pub stage: Stage,
    /// With what it was made.
    #[serde(default, skip_serializing_if = "StepKind::is_plug_in")]
    pub kind: StepKind,
}

impl Header {
    /// The header of a run of this plan; the engine adds the named rows.
    pub fn of(plan: &Plan) -> Self {
        Self {
            version: FORMAT_VERSION,
            title: plan.title.clone(),
            about: plan.about.clone(),
            source: plan.source.clone(),
            file: plan.file.clone(),
            variant: plan.variant.clone(),
            seed: plan.seed,
            start: plan.start,
            instances: plan.instances.iter().map(|instance| instance.name.clone()).collect(),
            tables_of: plan.instances.iter().map(|instance| instance.tables.clone()).collect(),
            tables: plan
                .tables
                .iter()
                .map(|table| TableHeader {
                    name: table.name.clone(),
                    columns: table.columns.iter().map(|column| column.name.clone()).collect(),
                    indexes: table.index_names().cloned().collect(),
                })
                .collect(),
            messages: plan
                .messages
                .iter()
                .map(|message| MessageHeader {
                    name: message.name.clone(),
                    acts_in_transaction: message.acts_in_transaction(),
                })
                .collect(),
            plug_ins: plan
                .plug_ins
                .iter()
                .map(|plug_in| PlugInHeader {
                    name: plug_in.name.clone(),
                    instance: plug_in.instance,
                    message: plug_in.message,
                    table: plug_in.table,
                    stage: plug_in.stage,
                    kind: plug_in.kind,
                })
                .collect(),
            outages: plan.outages.iter().map(|outage| outage.name.clone()).collect(),
            outage_kinds: plan.outages.iter().map(|outage| outage.kind).collect(),
            actors: plan.actors.iter().map(|actor| actor.name.clone()).collect(),
            row_names: Vec::new(),
        }
    }

    /// The name of a table.
    pub fn table(&self, table: TableId) -> &str {
        &self.tables[table.index()].name
    }

    /// The name of a column.
    pub fn column(&self, table: TableId, column: ColumnId) -> &str {
        &self.tables[table.index()].columns[column.index()]
    }

    /// The name of an instance.
    pub fn instance(&self, instance: InstanceId) -> &str {
        &self.instances[instance.index()]
    }
}
