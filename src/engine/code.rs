//! Programs as flat code: what the plan tells as nested steps, as a list of operations with jumps,
//! so that a running program is a position and a few values.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::batch::BatchCode;
use crate::fault::{FaultKind, OperationStatus};
use crate::plan::{
    Assignment, Backoff, Isolation, Location, Plan, Program, RowSelector, Side, Statement, Step,
    Verb,
};
use crate::words::evaluate::is_about_the_row_alone;
use crate::words::{Expression, InstanceId, Name, ProgramId, RowId, SimInstant, TableId, Value};
use uuid::Uuid;

/// All programs of a plan, by `ProgramId`.
#[derive(Debug)]
pub struct Code {
    programs: Vec<Assembly>,
}

/// The operations of one program, each with the place of its step.
#[derive(Debug, Default)]
struct Assembly {
    operations: Vec<Operation>,
    places: Vec<Location>,
    /// The place of the step that is being compiled.
    place: Location,
}

impl Assembly {
    fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
        self.places.push(self.place);
    }

    fn len(&self) -> usize {
        self.operations.len()
    }
}

/// One operation. Positions are indices into the program's own list.
#[derive(Debug)]
pub enum Operation {
    /// Sends a request.
    Request(RequestCode),
    /// Carries out a session's statement.
    Statement(StatementCode),
    /// Moves a cursor.
    AcceptChanges(Name),
    /// Takes time.
    Work(Duration),
    /// Lets time pass.
    Wait(Duration),
    /// Waits for an instant.
    WaitUntil(SimInstant),
    /// Raises a fault.
    Fail(Expression, OperationStatus),
    /// Raises an exception whose text the caller does not learn.
    Throw(Expression),
    /// Sets shared variables.
    SetShared(Vec<(Name, Expression)>),
    /// Sets columns of `target`.
    SetTarget(Vec<(Name, Expression)>),
    /// Sets parameters of the request.
    SetParameters(Side, Vec<(Name, Expression)>),
    /// Binds values.
    Let(Vec<(Name, Expression)>),
    /// Puts a remark into the story.
    Note(Expression),
    /// Writes a line to the plug-in trace log.
    Trace(Expression),
    /// Goes elsewhere.
    Jump(usize),
    /// Goes elsewhere when the condition does not hold.
    JumpUnless(Expression, usize),
    /// Begins a loop over a list.
    LoopOver(Expression),
    /// Begins a loop that counts from 1.
    LoopTimes(Expression),
    /// Binds the loop's next element, or ends the loop and goes elsewhere.
    LoopNext {
        /// The binding.
        bind: Name,
        /// Where to go when there is no next element.
        exit: usize,
    },
    /// From here on, up to the matching [`Operation::Unguard`], faults start the steps again.
    GuardRetry {
        /// How many more times.
        up_to: u32,
        /// The wait before each.
        wait: Backoff,
        /// Which faults; empty for all that are not hopeless.
        on: Vec<FaultKind>,
    },
    /// From here on, up to the matching [`Operation::Unguard`], faults are handled elsewhere.
    GuardTry {
        /// Which faults; empty for all.
        on: Vec<FaultKind>,
        /// Where.
        on_fault: usize,
    },
    /// Ends the innermost guard.
    Unguard,
    /// Begins an explicit transaction, or joins the one that there is.
    Begin {
        /// Where; the program's home when absent.
        instance: Option<InstanceId>,
        /// At which level; the instance's when absent.
        isolation: Option<Isolation>,
    },
    /// Commits the explicit transaction.
    Commit,
    /// Collects the items of a batch, or sends it.
    Batch(BatchCode),
    /// Runs another program.
    Call {
        /// Which.
        program: ProgramId,
        /// Its bindings.
        with: Vec<(Name, Expression)>,
    },
}

/// A session's statement.
#[derive(Debug)]
pub struct StatementCode {
    /// The statement.
    pub statement: Statement,
    /// The binding that gets its answer.
    pub bind: Option<Name>,
    /// For each of its assignments, as [`RequestCode::late`].
    pub late: Vec<Option<Arc<Expression>>>,
}

/// What a request step asks for.
#[derive(Debug)]
pub struct RequestCode {
    /// The verb: one of those that ask an instance for something.
    pub verb: Verb,
    /// For each of its assignments, the expression when it is about the row alone: ready to
    /// travel with any number of requests.
    pub late: Vec<Option<Arc<Expression>>>,
}

impl RequestCode {
    fn new(verb: &Verb) -> Self {
        let set = match verb {
            Verb::Create { set, .. }
            | Verb::Update { set, .. }
            | Verb::Upsert { set, .. }
            | Verb::Merge { set, .. }
            | Verb::SetState { set, .. } => &set[..],
            _ => &[],
        };
        Self { late: late(set), verb: verb.clone() }
    }
}

impl StatementCode {
    fn new(statement: &Statement, bind: Option<&Name>) -> Self {
        let set = match statement {
            Statement::Insert { set, .. } | Statement::Update { set, .. } => &set[..],
            _ => &[],
        };
        Self { late: late(set), statement: statement.clone(), bind: bind.cloned() }
    }
}

/// The expressions of assignments that are about the row alone.
fn late(set: &[Assignment]) -> Vec<Option<Arc<Expression>>> {
    let late = set.iter().map(|assignment| {
        let value = &assignment.value;
        is_about_the_row_alone(value).then(|| Arc::new(value.clone()))
    });
    late.collect()
}

impl Code {
    /// The code of all programs of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self { programs: plan.programs.iter().map(|program| compile(plan, program)).collect() }
    }

    /// The operation at a position; `None` at the program's end.
    pub fn operation(&self, program: ProgramId, position: usize) -> Option<&Operation> {
        self.programs.get(program.index())?.operations.get(position)
    }

    /// Where the scenario file has the step that an operation belongs to.
    pub fn place(&self, program: ProgramId, position: usize) -> Location {
        let program = self.programs.get(program.index());
        program.and_then(|program| program.places.get(position)).copied().unwrap_or_default()
    }
}

fn compile(plan: &Plan, program: &Program) -> Assembly {
    let mut assembly = Assembly::default();
    compile_steps(&program.steps, &mut assembly);
    for operation in &mut assembly.operations {
        if let Some((table, row)) = row_named_by(plan, operation)
            && let Expression::Literal(Value::Text(name)) = row
        {
            // The id of a row that the file names outright is worked out once.
            *row = Expression::Literal(Value::Id(called(plan, table, name)));
        }
    }
    assembly
}

/// The row that a GUID or a name means in a table.
pub fn called(plan: &Plan, table: TableId, name: &str) -> RowId {
    Uuid::try_parse(name).map_or_else(|_| plan.row_id(table, name), RowId)
}

/// The expression by which an operation names its row.
fn row_named_by<'o>(
    plan: &Plan,
    operation: &'o mut Operation,
) -> Option<(TableId, &'o mut Expression)> {
    match operation {
        Operation::Request(request) => row_of(plan, &mut request.verb),
        Operation::Statement(code) => match &mut code.statement {
            Statement::Insert { table, row: Some(row), .. } => Some((*table, row)),
            _ => None,
        },
        _ => None,
    }
}

/// The expression by which a verb names its row.
fn row_of<'v>(plan: &Plan, verb: &'v mut Verb) -> Option<(TableId, &'v mut Expression)> {
    match verb {
        Verb::Execute { message, row: Some(RowSelector::Row(row)), .. } => {
            Some((plan.custom_message(*message).table?, row))
        }
        Verb::Create { table, row: Some(row), .. }
        | Verb::Retrieve { table, row: RowSelector::Row(row), .. }
        | Verb::Update { table, row: RowSelector::Row(row), .. }
        | Verb::Upsert { table, row: RowSelector::Row(row), .. }
        | Verb::Delete { table, row: RowSelector::Row(row), .. }
        | Verb::Merge { table, row: RowSelector::Row(row), .. }
        | Verb::Assign { table, row: RowSelector::Row(row), .. }
        | Verb::SetState { table, row: RowSelector::Row(row), .. }
        | Verb::Share { table, row: RowSelector::Row(row), .. }
        | Verb::Associate { table, row: RowSelector::Row(row), .. } => Some((*table, row)),
        _ => None,
    }
}

/// Every row that the programs of a plan name outright, with its name.
pub fn named_rows(plan: &Plan) -> Vec<(TableId, Name)> {
    let mut assembly = Assembly::default();
    for program in &plan.programs {
        compile_steps(&program.steps, &mut assembly);
    }
    let mut rows = Vec::new();
    for operation in &mut assembly.operations {
        if let Some((table, Expression::Literal(Value::Text(name)))) = row_named_by(plan, operation)
        {
            rows.push((table, name.clone()));
        }
    }
    rows
}

fn compile_steps(steps: &[Step], out: &mut Assembly) {
    for step in steps {
        out.place = step.at;
        compile_verb(&step.verb, out);
        out.place = step.at;
    }
}

fn compile_verb(verb: &Verb, out: &mut Assembly) {
    match verb {
        Verb::Create { .. }
        | Verb::Retrieve { .. }
        | Verb::Query { .. }
        | Verb::Update { .. }
        | Verb::Upsert { .. }
        | Verb::Delete { .. }
        | Verb::Merge { .. }
        | Verb::Execute { .. }
        | Verb::Share { .. }
        | Verb::Members { .. }
        | Verb::Associate { .. }
        | Verb::Assign { .. }
        | Verb::SetState { .. }
        | Verb::Changes { .. } => out.push(Operation::Request(RequestCode::new(verb))),
        Verb::Statement(statement, bind) => {
            out.push(Operation::Statement(StatementCode::new(statement, bind.as_ref())));
        }
        Verb::AcceptChanges { cursor } => out.push(Operation::AcceptChanges(cursor.clone())),
        Verb::Work(duration) => out.push(Operation::Work(*duration)),
        Verb::Wait(duration) => out.push(Operation::Wait(*duration)),
        Verb::WaitUntil(instant) => out.push(Operation::WaitUntil(*instant)),
        Verb::Fail { message, status } => out.push(Operation::Fail(message.clone(), *status)),
        Verb::Throw(text) => out.push(Operation::Throw(text.clone())),
        Verb::SetShared(set) => out.push(Operation::SetShared(set.clone())),
        Verb::SetTarget(set) => out.push(Operation::SetTarget(set.clone())),
        Verb::SetParameters(side, set) => out.push(Operation::SetParameters(*side, set.clone())),
        Verb::Let(bindings) => out.push(Operation::Let(bindings.clone())),
        Verb::Note(text) => out.push(Operation::Note(text.clone())),
        Verb::Trace(text) => out.push(Operation::Trace(text.clone())),
        Verb::Call { program, with } => {
            out.push(Operation::Call { program: *program, with: with.clone() });
        }
        Verb::If { condition, then, otherwise } => {
            compile_if(condition, then, otherwise, out);
        }
        Verb::ForEach { bind, list, body } => {
            compile_loop(Operation::LoopOver(list.clone()), bind, body, out);
        }
        Verb::Repeat { times, body } => {
            compile_loop(Operation::LoopTimes(times.clone()), &Name::from("n"), body, out);
        }
        Verb::Retry { up_to, wait, on, body } => {
            out.push(Operation::GuardRetry { up_to: *up_to, wait: *wait, on: on.clone() });
            compile_steps(body, out);
            out.push(Operation::Unguard);
        }
        Verb::Try { body, on_fault, on } => compile_try(body, on_fault, on, out),
        Verb::Batch { instance, kind, body, bind, faults } => {
            out.push(Operation::Batch(BatchCode::Collect { instance: *instance, kind: *kind }));
            compile_steps(body, out);
            let (bind, faults) = (bind.clone(), faults.clone());
            out.push(Operation::Batch(BatchCode::Send { bind, faults }));
        }
        Verb::Transaction { instance, isolation, body } => {
            out.push(Operation::Begin { instance: *instance, isolation: *isolation });
            compile_steps(body, out);
            out.push(Operation::Commit);
        }
    }
}

fn compile_if(condition: &Expression, then: &[Step], otherwise: &[Step], out: &mut Assembly) {
    let branch = out.len();
    out.push(Operation::JumpUnless(condition.clone(), 0));
    compile_steps(then, out);
    if otherwise.is_empty() {
        out.operations[branch] = Operation::JumpUnless(condition.clone(), out.len());
        return;
    }
    let skip = out.len();
    out.push(Operation::Jump(0));
    out.operations[branch] = Operation::JumpUnless(condition.clone(), out.len());
    compile_steps(otherwise, out);
    out.operations[skip] = Operation::Jump(out.len());
}

fn compile_try(body: &[Step], on_fault: &[Step], on: &[FaultKind], out: &mut Assembly) {
    let guard = out.len();
    out.push(Operation::GuardTry { on: on.to_vec(), on_fault: 0 });
    compile_steps(body, out);
    out.push(Operation::Unguard);
    let skip = out.len();
    out.push(Operation::Jump(0));
    out.operations[guard] = Operation::GuardTry { on: on.to_vec(), on_fault: out.len() };
    compile_steps(on_fault, out);
    out.operations[skip] = Operation::Jump(out.len());
}

fn compile_loop(begin: Operation, bind: &Name, body: &[Step], out: &mut Assembly) {
    out.push(begin);
    let next = out.len();
    out.push(Operation::LoopNext { bind: bind.clone(), exit: 0 });
    compile_steps(body, out);
    out.push(Operation::Jump(next));
    out.operations[next] = Operation::LoopNext { bind: bind.clone(), exit: out.len() };
}
