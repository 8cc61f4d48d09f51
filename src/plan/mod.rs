//! What shall happen: one scenario, resolved. The first hallway of the house: the scenario front
//! writes it, the engine carries it out, and the checks read what it expects.
//!
//! A plan is plain data. Every name is a number here (with the name kept beside the definition),
//! every time is an instant of virtual time, and every default has been filled in. A plan built
//! in Rust is as good as one read from a file.

mod anomaly;
mod costs;
mod custom_message;
mod expectation;
mod isolation;
mod job;
mod message;
mod outage;
mod program;
mod registration;
mod relationship;
mod security;
mod selection;
mod session;
mod shift;
mod statement;
mod system_table;
mod version;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use anomaly::{Anomaly, AnomalyFacts};
pub use costs::{Costs, Limits};
pub use custom_message::{CustomKind, CustomMessage, CustomSteps};
pub use expectation::{
    Bounds, Claim, Counted, Expectation, Happening, Phenomenon, RowRef, RowState, StepClaim,
    StepRef,
};
pub use isolation::{Hint, Hints, Isolation, Locking};
pub use job::{JobState, JobStatus, JobTable};
pub use message::{Message, Stage};
pub use outage::{Outage, OutageKind};
pub use program::{
    Assignment, Backoff, BatchKind, KeyValues, Program, RowSelector, Side, Step, UpsertWhen, Verb,
};
pub use registration::{Image, ImageKind, Mode, PlugIn, PlugInBody, StepKind};
pub use relationship::{
    Cascading, End, ManyToMany, ManyToManyId, OnDelete, Relationship, pair_name,
};
pub use security::{
    BusinessUnit, Depth, OwnerColumns, Privilege, Recalculation, Right, Role, Security,
    SecurityTables, Team, TeamKind, User,
};
pub use selection::{
    AggregateFunction, Aggregation, AnswerPart, DatePart, Field, Group, Link, LinkKind, LinkNumber,
    Measure, OrderBy, Ordering, Paging, Reached, Selection,
};
pub use session::{Session, SessionStep};
pub use shift::Shift;
pub use statement::{Statement, StatementKind};
pub use system_table::{JOB_TABLE, SECURITY_TABLES, SystemColumn, SystemTable};
pub use version::{ChangesFrom, DeltaTokens, Precondition};

use crate::words::{
    ActorId, ColumnId, ColumnType, Expression, InstanceId, MessageId, Name, OutageId, PlugInId,
    ProgramId, RowId, SimInstant, TableId,
};

/// One resolved scenario. A file with variants gives one plan for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's one-line title.
    pub title: String,
    /// Why it exists, in its author's words; empty when the file does not say.
    pub about: String,
    /// The document and section that it comes from; empty when the file does not say.
    pub source: String,
    /// The path of the file as it was given; `<built in Rust>` for a plan without one.
    pub file: String,
    /// The variant's name, for a file that has variants.
    pub variant: Option<Name>,
    /// The calendar moment of [`SimInstant::START`]. Default 2026-01-05T08:00:00Z, a Monday.
    pub start: Timestamp,
    /// The seed of all randomness. Default 0.
    pub seed: u64,
    /// The instant after which no schedule (`every …`) begins another run. What runs by then is
    /// carried to its end. Default: the last moment that the file mentions.
    pub horizon: SimInstant,
    /// Table definitions, shared by the instances that have them.
    pub tables: Vec<Table>,
    /// The instances.
    pub instances: Vec<Instance>,
    /// The rows that exist when the world begins.
    pub rows: Vec<RowGroup>,
    /// Every program: named ones, and the bodies of actors, flows and plug-ins.
    pub programs: Vec<Program>,
    /// What becomes of the rows that refer to others. Of a lookup that is in none the link is
    /// removed once its row is deleted.
    pub relationships: Vec<Relationship>,
    /// Which rows can be associated with which.
    pub many_to_many: Vec<ManyToMany>,
    /// The messages that somebody has added to the platform.
    pub messages: Vec<CustomMessage>,
    /// The registered steps: plug-ins, workflows, and the main operations of custom messages.
    pub plug_ins: Vec<PlugIn>,
    /// Who may do what, for the instances that check it. Empty: everybody may do everything, and
    /// nothing is spent on it.
    pub security: Vec<Security>,
    /// Where the jobs of the async service are kept; `None` where no step is asynchronous.
    pub jobs: Option<JobTable>,
    /// The planned outages.
    pub outages: Vec<Outage>,
    /// Actors, flows and sessions.
    pub actors: Vec<Actor>,
    /// The order in which the sessions' steps begin, where the scenario fixes it. A step begins
    /// when the one before it is done or waits for a lock, and nothing else is under way. Empty:
    /// each session runs as its times say.
    pub order: Vec<StepRef>,
    /// What must hold.
    pub expectations: Vec<Expectation>,
    /// What things cost in virtual time.
    pub costs: Costs,
    /// The platform's limits, and those of the run.
    pub limits: Limits,
}

/// A place in the scenario file, for messages. Lines and columns count from 1; both are 0 in a
/// plan that was built in Rust.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A table definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The table's name.
    pub name: Name,
    /// Its columns, in the order of the file.
    pub columns: Vec<Column>,
    /// Its alternate keys: unique where none of their values is null.
    ///
    /// Assumed: a row with a null in a key column is outside the key's uniqueness, as in a
    /// filtered unique index; no page read says how Dataverse treats it.
    pub keys: Vec<AlternateKey>,
    /// Its other indexes, of which any number of rows may share a value: those that its author
    /// declared, then one for each lookup column that no key and no index begins with.
    ///
    /// Assumed: Dataverse keeps an index on each lookup column; pages on relationships speak of
    /// fast look-ups by it and none of its index.
    pub indexes: Vec<Index>,
    /// Whether its changes are tracked, deletions included. Default false; true where a flow reads
    /// the table.
    ///
    /// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
    pub change_tracking: bool,
    /// Whether a request may say which version of a row it means. Default true.
    ///
    /// Source: Microsoft Learn, "Optimistic concurrency": `IsOptimisticConcurrencyEnabled`, true
    /// for custom tables.
    pub optimistic_concurrency: bool,
}

impl Table {
    /// A table without keys and indexes, as the platform makes one by default.
    pub const fn new(name: Name, columns: Vec<Column>) -> Self {
        Self {
            name,
            columns,
            keys: Vec::new(),
            indexes: Vec::new(),
            change_tracking: false,
            optimistic_concurrency: true,
        }
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<ColumnId> {
        let index = self.columns.iter().position(|column| &*column.name == name)?;
        u16::try_from(index).ok().map(ColumnId)
    }

    /// The columns of an index. Indexes are numbered through: the alternate keys, then the
    /// others. Empty for a number that the table does not have.
    pub fn index_columns(&self, index: u16) -> &[ColumnId] {
        let index = usize::from(index);
        match self.keys.get(index) {
            Some(key) => &key.columns,
            None => self.indexes.get(index - self.keys.len()).map_or(&[], |it| &it.columns),
        }
    }

    /// The names of its indexes, in the order of their numbers.
    pub fn index_names(&self) -> impl Iterator<Item = &Name> {
        let keys = self.keys.iter().map(|key| &key.name);
        keys.chain(self.indexes.iter().map(|index| &index.name))
    }
}

/// A column definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name.
    pub name: Name,
    /// What it holds.
    pub kind: ColumnType,
}

/// An alternate key.
///
/// Source: Microsoft Learn, "Define alternate keys for a table".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlternateKey {
    /// The key's name.
    pub name: Name,
    /// Its columns: 1 to 16.
    pub columns: Vec<ColumnId>,
}

/// An index that is no key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: Name,
    /// Its columns: 1 to 16. It is sorted by the first, then by the second, and so on; null comes
    /// first.
    pub columns: Vec<ColumnId>,
}

/// One Dataverse environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// The instance's name.
    pub name: Name,
    /// The tables that it has.
    pub tables: Vec<TableId>,
    /// The isolation level of its transactions.
    pub isolation: Isolation,
    /// How its writes lock.
    pub locking: Locking,
    /// Up to where its delta tokens reach.
    pub delta_tokens: DeltaTokens,
}

impl Instance {
    /// An instance with these tables and the platform's defaults.
    pub fn new(name: Name, tables: Vec<TableId>) -> Self {
        Self {
            name,
            tables,
            isolation: Isolation::default(),
            locking: Locking::default(),
            delta_tokens: DeltaTokens::default(),
        }
    }
}

/// Rows that exist when the world begins: one row, or many of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowGroup {
    /// Where the rows are.
    pub instance: InstanceId,
    /// Their table.
    pub table: TableId,
    /// How many. The binding `n` counts them from 1 in the expressions below.
    pub count: u64,
    /// The row's name, from which its id follows. `None`: the id is drawn from the seed.
    pub name: Option<Expression>,
    /// The columns' values; every other column is null.
    pub set: Vec<(ColumnId, Expression)>,
    /// Where the file says so.
    pub at: Location,
}

/// An actor (a user, an app, a job outside the platform) or a flow between instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    /// Its name, unique in the scenario.
    pub name: Name,
    /// What kind of caller it is.
    pub kind: ActorKind,
    /// The instance that its steps mean when they name none.
    pub home: Option<InstanceId>,
    /// The user as whom it makes its requests; `None` for a system administrator, for whom nothing
    /// is checked.
    pub user: Option<Name>,
    /// How many of it there are, at least 1. Each counts itself from 1 in the binding `n`.
    pub count: u32,
    /// When it begins.
    pub schedule: Schedule,
    /// What it does.
    pub program: ProgramId,
    /// The bindings with which the program begins.
    pub with: Vec<(Name, Expression)>,
    /// Where the file says so.
    pub at: Location,
}

/// What kind of caller an actor is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// Somebody or something that calls instances as a client.
    Client,
    /// A flow that copies rows from one instance to another.
    Flow {
        /// Where it reads.
        from: InstanceId,
        /// Where it writes.
        to: InstanceId,
        /// The tables that it copies, in the order in which it does so.
        tables: Vec<TableId>,
    },
    /// A connection to an instance's database that speaks SQL: no pipeline, no messages.
    Session(Session),
}

/// When an actor begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schedule {
    /// The first time.
    pub first: SimInstant,
    /// The time from one beginning to the next; `None` for a single run. A run begins on time
    /// also when the one before has not ended.
    pub every: Option<Duration>,
    /// No run begins at or after this instant; `None` leaves that to [`Plan::horizon`].
    pub until: Option<SimInstant>,
}

impl Plan {
    /// A plan with nothing in it, to be filled in: default start, seed, costs and limits.
    pub fn empty(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            about: String::new(),
            source: String::new(),
            file: "<built in Rust>".to_owned(),
            variant: None,
            start: DEFAULT_START,
            seed: 0,
            horizon: SimInstant::START,
            tables: Vec::new(),
            instances: Vec::new(),
            rows: Vec::new(),
            programs: Vec::new(),
            relationships: Vec::new(),
            many_to_many: Vec::new(),
            messages: Vec::new(),
            plug_ins: Vec::new(),
            security: Vec::new(),
            jobs: None,
            outages: Vec::new(),
            actors: Vec::new(),
            order: Vec::new(),
            expectations: Vec::new(),
            costs: Costs::default(),
            limits: Limits::default(),
        }
    }

    /// Makes this a plan for callers from outside, who take the place of its actors: nothing begins
    /// by itself, nothing is expected, and no number of transitions is too large.
    pub fn open(&mut self) {
        self.order.clear();
        self.expectations.clear();
        self.limits.transitions = u64::MAX;
        let program = ProgramId(u32::try_from(self.programs.len()).unwrap_or(u32::MAX));
        self.programs.push(Program { name: Name::from("client"), home: None, steps: Vec::new() });
        let at_once = SimInstant::START;
        self.actors = vec![Actor {
            name: Name::from("client"),
            kind: ActorKind::Client,
            home: None,
            user: None,
            count: 1,
            // Never by itself: its time is over before it begins.
            schedule: Schedule { first: at_once, every: None, until: Some(at_once) },
            program,
            with: Vec::new(),
            at: Location::default(),
        }];
    }

    /// The definition of a table.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.index()]
    }

    /// The definition of an instance.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.index()]
    }

    /// The definition of an actor.
    pub fn actor(&self, id: ActorId) -> &Actor {
        &self.actors[id.index()]
    }

    /// The definition of a custom message.
    pub fn custom_message(&self, id: MessageId) -> &CustomMessage {
        &self.messages[id.index()]
    }

    /// The name of a message: the platform's, or the one that its author gave it.
    pub fn message_name(&self, message: Message) -> &str {
        match message {
            Message::Custom(id) => &self.custom_message(id).name,
            own => own.name(),
        }
    }

    /// The registration of a plug-in step.
    pub fn plug_in(&self, id: PlugInId) -> &PlugIn {
        &self.plug_ins[id.index()]
    }

    /// A planned outage.
    pub fn outage(&self, id: OutageId) -> &Outage {
        &self.outages[id.index()]
    }

    /// Who may do what in an instance; `None` where nothing is checked.
    pub fn security_of(&self, instance: InstanceId) -> Option<&Security> {
        self.security.iter().find(|security| security.instance == instance)
    }

    /// The id of the row that scenarios call `name` in this table.
    pub fn row_id(&self, table: TableId, name: &str) -> RowId {
        RowId::named(&self.table(table).name, name)
    }
}

/// 2026-01-05T08:00:00Z, a Monday morning.
pub const DEFAULT_START: Timestamp = Timestamp::constant(1_767_600_000, 0);
