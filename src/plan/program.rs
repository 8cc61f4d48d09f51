//! The step language: what actors, flows and plug-ins do, as data.
//!
//! Everything that acts is made of the same steps, so nothing about the platform is special-cased
//! for one kind of caller, and a running program can be copied, compared and shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{FaultKind, OperationStatus};
use crate::plan::{
    AnswerPart, ChangesFrom, Hints, Isolation, Location, ManyToManyId, Message, Precondition,
    Right, Selection, Statement,
};
use crate::words::{
    ColumnId, Expression, InstanceId, MessageId, Name, ProgramId, SimInstant, TableId,
};

/// A list of steps with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The program's name; for the body of an actor or plug-in, that one's name.
    pub name: Name,
    /// The instance that its steps mean when they name none. `None`: the caller's.
    pub home: Option<InstanceId>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// One step, with its place in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where the file says so.
    pub at: Location,
    /// What it does.
    pub verb: Verb,
}

/// What a step does. Where `instance` is `None`, the program's home is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Adds a row.
    Create {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Its name or id; drawn from the seed when absent.
        row: Option<Expression>,
        /// A row whose columns are copied first.
        from: Option<Expression>,
        /// The columns' values.
        set: Vec<Assignment>,
        /// The binding that gets the new row's id.
        bind: Option<Name>,
    },
    /// Reads one row.
    Retrieve {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// The columns that are asked for; `None` for all.
        columns: Option<Vec<ColumnId>>,
        /// How it departs from its transaction's isolation level.
        hints: Hints,
        /// What must hold of the row's version for it to be answered.
        precondition: Option<Precondition>,
        /// The binding that gets the row.
        bind: Option<Name>,
    },
    /// Reads the rows that match, as the platform's RetrieveMultiple.
    Query {
        /// Where.
        instance: Option<InstanceId>,
        /// What it looks for.
        selection: Box<Selection>,
        /// The binding that gets the list of rows.
        bind: Option<Name>,
        /// The bindings that get what is answered beside the rows.
        parts: Vec<(AnswerPart, Name)>,
    },
    /// Changes a row.
    Update {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// A row whose columns are copied first.
        from: Option<Expression>,
        /// The columns' new values.
        set: Vec<Assignment>,
        /// What must hold of the row.
        precondition: Option<Precondition>,
    },
    /// Creates or updates a row.
    Upsert {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// A row whose columns are copied first.
        from: Option<Expression>,
        /// The columns' values.
        set: Vec<Assignment>,
        /// Whether an existing or a missing row is left alone.
        when: UpsertWhen,
        /// What must hold of the row.
        precondition: Option<Precondition>,
        /// The binding that gets the row's id.
        bind: Option<Name>,
    },
    /// Removes a row.
    Delete {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// What must hold of the row.
        precondition: Option<Precondition>,
    },
    /// Merges another row of the table into a row.
    Merge {
        /// Where.
        instance: Option<InstanceId>,
        /// Their table.
        table: TableId,
        /// The row that stays.
        row: RowSelector,
        /// The row that is merged into it, and is inactive afterwards: its name, id, or as read.
        subordinate: Expression,
        /// What the row that stays gets besides.
        set: Vec<Assignment>,
    },
    /// Asks for a custom message, of the instance that has it.
    Execute {
        /// Which.
        message: MessageId,
        /// Of which row, where it is about one.
        row: Option<RowSelector>,
        /// Its parameters.
        with: Vec<(Name, Expression)>,
        /// The binding that gets what it answers.
        bind: Option<Name>,
    },
    /// Gives a row to another owner, by the message Assign.
    Assign {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// To whom: the name of a user or team, or the id.
        to: Expression,
    },
    /// Changes a row's state and status, by the message SetState.
    SetState {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// The values of `statecode` and, where it is said, `statuscode`.
        set: Vec<Assignment>,
    },
    /// Shares a row with a user or team, or takes the share away.
    Share {
        /// Where.
        instance: Option<InstanceId>,
        /// Its table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// With whom: the name of a user or team, or the id.
        with: Expression,
        /// The rights that the other gets; empty to take all away.
        rights: Vec<Right>,
    },
    /// Adds users to a team, in this order, or takes them out.
    Members {
        /// Where.
        instance: Option<InstanceId>,
        /// The team.
        team: Expression,
        /// The users: each one or a list.
        users: Vec<Expression>,
        /// Whether they are taken out.
        leave: bool,
    },
    /// Associates a row with others by a many-to-many relationship, or takes that back.
    Associate {
        /// Where.
        instance: Option<InstanceId>,
        /// The row's table.
        table: TableId,
        /// Which row.
        row: RowSelector,
        /// The relationship.
        relationship: ManyToManyId,
        /// The others: each one or a list.
        with: Vec<Expression>,
        /// Whether it is taken back.
        undo: bool,
    },
    /// Reads what has changed in a table, as the platform's RetrieveEntityChanges.
    Changes {
        /// Where.
        instance: Option<InstanceId>,
        /// The table.
        table: TableId,
        /// Since when.
        from: ChangesFrom,
        /// The columns that are asked for; `None` for all.
        columns: Option<Vec<ColumnId>>,
        /// The most rows and deletions of the answer; `None` for the platform's limit.
        page_size: Option<u32>,
        /// The binding that gets the delta.
        bind: Option<Name>,
    },
    /// Moves a cursor to the end of what was last read with it.
    AcceptChanges {
        /// The cursor.
        cursor: Name,
    },
    /// Takes virtual time: computing, or a call to something that is not simulated.
    Work(Duration),
    /// Lets virtual time pass.
    Wait(Duration),
    /// Waits for an instant; goes on at once when it is past.
    WaitUntil(SimInstant),
    /// Raises a fault of the program's own (`InvalidPluginExecutionException`).
    Fail {
        /// The message.
        message: Expression,
        /// What it asks the async service to do, in a job.
        status: OperationStatus,
    },
    /// Raises an exception that is no `InvalidPluginExecutionException`: the caller learns only
    /// that the plug-in broke, and the text goes to the story.
    Throw(Expression),
    /// Sets shared variables of the request, for the steps that follow.
    SetShared(Vec<(Name, Expression)>),
    /// Sets columns of the plug-in's `target`. What is set before the main operation is written by
    /// it.
    SetTarget(Vec<(Name, Expression)>),
    /// Sets parameters of the request whose steps run: of what it asks for, or of what it answers.
    SetParameters(Side, Vec<(Name, Expression)>),
    /// Binds values to names.
    Let(Vec<(Name, Expression)>),
    /// Chooses between two lists of steps.
    If {
        /// What decides; null counts as false.
        condition: Expression,
        /// The steps when it holds.
        then: Vec<Step>,
        /// The steps when it does not.
        otherwise: Vec<Step>,
    },
    /// Repeats the steps for each element of a list.
    ForEach {
        /// The binding that gets the element.
        bind: Name,
        /// The list.
        list: Expression,
        /// The steps.
        body: Vec<Step>,
    },
    /// Repeats the steps; the binding `n` counts from 1.
    Repeat {
        /// How often.
        times: Expression,
        /// The steps.
        body: Vec<Step>,
    },
    /// Tries the steps again when they end in a fault.
    Retry {
        /// How many more times after the first, at most.
        up_to: u32,
        /// How long to wait before each further try.
        wait: Backoff,
        /// The faults that are worth another try; empty for all but those that say *never*.
        on: Vec<FaultKind>,
        /// The steps.
        body: Vec<Step>,
    },
    /// Handles a fault; the binding `fault` gets its word, such as `deadlock victim`, and
    /// `faulted` the index of the item of an ExecuteTransaction that raised it, else null.
    Try {
        /// The steps.
        body: Vec<Step>,
        /// The steps when those end in one of these faults.
        on_fault: Vec<Step>,
        /// The faults that are handled; empty for all.
        on: Vec<FaultKind>,
    },
    /// Runs the steps in one database transaction: committed at their end, rolled back when they
    /// end in a fault. In a transaction already, it joins that one.
    Transaction {
        /// Where.
        instance: Option<InstanceId>,
        /// The isolation level; the instance's when absent.
        isolation: Option<Isolation>,
        /// The steps.
        body: Vec<Step>,
    },
    /// Asks for several requests in one: those that the steps would make, in their order. The
    /// steps only collect them.
    Batch {
        /// Where.
        instance: Option<InstanceId>,
        /// How they are carried out.
        kind: BatchKind,
        /// The steps that make the items.
        body: Vec<Step>,
        /// The binding that gets the list of the items' answers, null for one without.
        bind: Option<Name>,
        /// The binding that gets the list of the items' faults by their words, null for one
        /// without.
        faults: Option<Name>,
    },
    /// Runs another program, with bindings of its own, in the same transaction and for the same
    /// plug-in `target`.
    Call {
        /// Which.
        program: ProgramId,
        /// The bindings with which it begins.
        with: Vec<(Name, Expression)>,
    },
    /// Puts a remark into the story.
    Note(Expression),
    /// Writes a line to the plug-in trace log of the plug-in step that runs.
    Trace(Expression),
    /// A statement of a session, with the binding that gets what it answers: the rows of a select,
    /// the id of an inserted row, the number of rows that an update or delete has written.
    Statement(Statement, Option<Name>),
}

/// On which side of the main operation a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What is asked for. What is set after the main operation is too late to matter.
    Input,
    /// What is answered.
    Output,
}

/// How requests that are sent as one are carried out.
///
/// Source: Microsoft Learn, "Execute multiple requests using the SDK for .NET", "Execute messages
/// in a single database transaction" and "Use bulk operation messages".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchKind {
    /// One after the other, each for itself: ExecuteMultiple.
    Multiple {
        /// Whether the items after one that has failed are carried out all the same.
        continues: bool,
    },
    /// In one transaction, all or none: ExecuteTransaction.
    Transaction,
    /// Rows of one table are created, all or none: CreateMultiple.
    Create,
    /// Rows of one table are updated, all or none: UpdateMultiple.
    Update,
    /// Rows of one table are created or updated, all or none: UpsertMultiple.
    Upsert,
}

impl BatchKind {
    /// The message of the platform.
    pub const fn message(self) -> Message {
        match self {
            Self::Multiple { .. } => Message::ExecuteMultiple,
            Self::Transaction => Message::ExecuteTransaction,
            Self::Create => Message::CreateMultiple,
            Self::Update => Message::UpdateMultiple,
            Self::Upsert => Message::UpsertMultiple,
        }
    }
}

/// One column's new value. An expression over the row's own columns is computed when the row is
/// written, under its lock; every other one when the request is made.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Assignment {
    /// The column.
    pub column: ColumnId,
    /// Its value.
    pub value: Expression,
}

/// Which row a request means.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowSelector {
    /// A row as read, an id, or a row's name.
    Row(Expression),
    /// The row with these values of an alternate key.
    Key(KeyValues),
    /// One of the table's rows, chosen by the seed.
    Any,
}

/// The columns of an alternate key, with values.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct KeyValues {
    /// Column and value, in the order of the file.
    pub values: Vec<(ColumnId, Expression)>,
}

/// What an upsert does with a row that exists, and with one that does not.
///
/// Source: Microsoft Learn, "Use Upsert to create or update a record" and "Perform conditional
/// operations using the Web API" (`If-None-Match: *`, `If-Match: *`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpsertWhen {
    /// It is updated if it exists, else created.
    #[default]
    Always,
    /// It is created if it is missing; an existing row is left as it is, without an Update.
    Missing,
    /// It is updated if it exists; a missing row is left missing.
    Exists,
}

/// How long to wait before another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// Each further wait is this many times the one before: 1 for a fixed wait.
    pub factor: u32,
    /// The longest wait.
    pub most: Duration,
    /// Whether each wait is drawn evenly from between half of it and all of it, by the seed.
    pub jitter: bool,
}
