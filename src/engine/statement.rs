//! Statements of sessions: from a step to what the database does, and back.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::code::StatementCode;
use crate::engine::database::{
    Answered, Asked, Assigned, By, Caller, Execution, Step, TransactionRef, Waiter, Writing, Wrote,
    broken,
};
use crate::engine::fiber::{Fiber, FiberId, Frame, State, StatementFrame, Work};
use crate::engine::interpret::Next;
use crate::engine::query::Asks;
use crate::engine::request::Answer;
use crate::engine::session::{in_sql, session_of};
use crate::engine::transaction::sql_timeout;
use crate::engine::world::{Flow, Shared, World};
use crate::fault::Fault;
use crate::plan::{Costs, Hints, Statement, StatementKind};
use crate::trace::{Event, RollbackReason, StatementBegan};
use crate::words::evaluate::close;
use crate::words::{ColumnId, Expression, InstanceId, SimInstant, TableId, Value};

impl World {
    /// Begins the statement of a session's step.
    pub(super) fn begin_statement(
        &mut self,
        shared: &Shared,
        id: FiberId,
        fiber: &mut Fiber,
        code: &StatementCode,
    ) -> Result<Next, Fault> {
        let (kind, table, hints) = match &code.statement {
            Statement::Begin { isolation } => {
                if session_of(fiber).is_some_and(|frame| frame.transaction.is_some()) {
                    return Ok(Next::Operation);
                }
                self.begin_in_session(fiber, *isolation)?;
                return Ok(Next::Operation);
            }
            Statement::Commit => return self.end_in_session(fiber, true).map(|()| Next::Operation),
            Statement::Rollback => {
                return self.end_in_session(fiber, false).map(|()| Next::Operation);
            }
            Statement::Select(selection) => {
                (StatementKind::Select, selection.table, selection.hints)
            }
            Statement::Insert { table, .. } => (StatementKind::Insert, *table, Hints::NONE),
            Statement::Update { table, hints, .. } => (StatementKind::Update, *table, *hints),
            Statement::Delete { table, hints, .. } => (StatementKind::Delete, *table, *hints),
            Statement::AlterTable { table } => (StatementKind::AlterTable, *table, Hints::NONE),
        };
        let instance = self.place(fiber, None)?;
        let (transaction, owns_transaction) = self.transaction_for_statement(fiber)?;
        let request = self.number_request();
        let lane = fiber.lane;
        let isolation = self.databases[instance.index()].isolation_of(transaction);
        // A hint that takes the locks away means nothing to the rows that are to be changed.
        let level = match kind {
            StatementKind::Select => hints.level(isolation),
            _ => isolation,
        };
        let by = By { transaction, waiter: Waiter(id.0) };
        let caller = Caller { request, by: Some(by), level };
        let transaction = transaction.id;
        let began = StatementBegan { lane, request, instance, table, kind, transaction, hints };
        self.log.emit(self.now, || Event::StatementBegan(began));
        let work = self.work_of(shared, fiber, code, (instance, caller));
        let deadline = self.now + shared.plan.limits.sql_command;
        let frame = |work| StatementFrame {
            instance,
            caller,
            work,
            owns_transaction,
            deadline,
            lock_deadline: None,
        };
        match work {
            Ok(work) => {
                fiber.frames.push(Frame::Statement(Box::new(frame(work))));
                Ok(Next::Frame)
            }
            Err(fault) => {
                let done = frame(Work::Done(Answer::Done));
                Err(self.fail_statement(fiber, done, fault))
            }
        }
    }

    /// The transaction of the next statement, and whether it ends with it.
    fn transaction_for_statement(
        &mut self,
        fiber: &mut Fiber,
    ) -> Result<(TransactionRef, bool), Fault> {
        let outside = || broken("a statement of SQL is for sessions".to_owned());
        let frame = session_of(fiber).ok_or_else(outside)?;
        if let Some(open) = frame.transaction {
            return Ok((open, false));
        }
        let lasts = std::mem::take(&mut frame.is_implicit);
        let reference = self.begin_in_session(fiber, None)?;
        Ok((reference, !lasts))
    }

    /// What a statement does, with its values computed.
    fn work_of(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        code: &StatementCode,
        (instance, caller): (InstanceId, Caller),
    ) -> Result<Work, Fault> {
        let filter = |world: &Self, filter: &Option<Expression>| match filter {
            Some(filter) => world.with_scope(fiber, |scope| close(filter, scope)).map(Some),
            None => Ok(None),
        };
        let plan = &shared.plan;
        match &code.statement {
            Statement::Select(selection) => {
                let query = self.query_of(fiber, selection, Asks::TheDatabase)?;
                let database = &self.databases[instance.index()];
                let query = Arc::new(query);
                let table = selection.table;
                Execution::select(database, plan, &caller, table, query).map(Work::Rows)
            }
            Statement::Insert { table, row, set } => {
                let id = match row {
                    Some(row) => self.row(fiber, *table, row)?,
                    None => self.random.id(),
                };
                let values = self.assigned_values(shared, fiber, *table, set, &code.late)?;
                Ok(Work::Insert { table: *table, id, values, writing: Writing::default() })
            }
            Statement::Update { table, filter: condition, set, hints } => {
                let values = self.assigned_values(shared, fiber, *table, set, &code.late)?;
                let filter = filter(self, condition)?;
                self.changing(instance, &caller, (*table, filter), Some(values), *hints)
            }
            Statement::Delete { table, filter: condition, hints } => {
                let filter = filter(self, condition)?;
                self.changing(instance, &caller, (*table, filter), None, *hints)
            }
            Statement::AlterTable { table } => Ok(Work::Alter(*table)),
            Statement::Begin { .. } | Statement::Commit | Statement::Rollback => {
                Ok(Work::Done(Answer::Done))
            }
        }
    }

    fn changing(
        &self,
        instance: InstanceId,
        caller: &Caller,
        rows: (TableId, Option<Expression>),
        values: Option<Vec<(ColumnId, Assigned)>>,
        hints: Hints,
    ) -> Result<Work, Fault> {
        let database = &self.databases[instance.index()];
        let plan = &self.shared.plan;
        let values = values.map(Arc::from);
        Execution::change(database, plan, caller, rows, values, hints).map(Work::Rows)
    }

    /// Takes the statement on top of the stack further.
    pub(super) fn step_statement(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let limit = match fiber.frames.last() {
            Some(Frame::Statement(frame)) => self.free_until(fiber, frame.deadline),
            _ => return Flow::Continue,
        };
        let Some(Frame::Statement(mut frame)) = fiber.frames.pop() else {
            return Flow::Continue;
        };
        let is_late = frame.deadline < self.now && !matches!(frame.work, Work::Done(_));
        let stepped = match is_late {
            true => Err(sql_timeout().from_instance(frame.instance)),
            false => self.step_work(&mut frame, limit),
        };
        self.settle(frame.instance);
        match stepped {
            Ok(Step::Waits) => {
                let lock_deadline = session_of(fiber).map(|session| session.actor);
                frame.lock_deadline = lock_deadline.and_then(|actor| self.lock_deadline(actor));
                let wake_at =
                    frame.lock_deadline.map_or(frame.deadline, |at| at.min(frame.deadline));
                let (instance, lane) = (frame.instance, fiber.lane);
                fiber.frames.push(Frame::Statement(frame));
                self.wait(id, fiber, State::Locked, wake_at);
                self.look_across(instance, lane);
                Flow::Suspend
            }
            Ok(Step::Took(cost)) => {
                fiber.frames.push(Frame::Statement(frame));
                self.sleep(id, fiber, cost)
            }
            Ok(Step::Done) => {
                self.end_statement(fiber, *frame);
                Flow::Continue
            }
            Err(fault) => {
                let fault = self.fail_statement(fiber, *frame, fault);
                fiber.result = Some(Err(fault));
                Flow::Continue
            }
        }
    }

    /// One bit of a statement's work.
    fn step_work(&mut self, frame: &mut StatementFrame, limit: SimInstant) -> Result<Step, Fault> {
        let costs = self.shared.plan.costs;
        let caller = frame.caller;
        let room = limit.duration_since(self.now);
        let (database, mut context) = self.database(frame.instance);
        match &mut frame.work {
            Work::Rows(execution) => {
                let step = database.step(&mut context, &caller, execution, room);
                if step == Ok(Step::Done) {
                    database.finish(&mut context, &caller, execution)?;
                }
                self.now = context.now;
                if step != Ok(Step::Done) {
                    return step;
                }
                let (answer, cost) = answered(execution, &costs);
                frame.work = Work::Done(answer);
                Ok(Step::Took(cost))
            }
            Work::Insert { table, id, values, writing } => {
                let row = (*table, *id);
                match database.insert(&mut context, &caller, row, values, writing)? {
                    Wrote::Row(_) => {
                        frame.work = Work::Done(Answer::Id(row.1));
                        Ok(Step::Took(costs.write))
                    }
                    Wrote::Waits => Ok(Step::Waits),
                    Wrote::Again | Wrote::Missing => Ok(Step::Took(Duration::ZERO)),
                }
            }
            Work::Alter(table) => {
                let Some(by) = caller.by else { return Ok(Step::Done) };
                match database.alter(&mut context, by, *table) {
                    Asked::Waiting => Ok(Step::Waits),
                    Asked::Held => {
                        frame.work = Work::Done(Answer::Done);
                        Ok(Step::Done)
                    }
                }
            }
            Work::Done(_) => Ok(Step::Done),
        }
    }

    /// A statement is done.
    fn end_statement(&mut self, fiber: &mut Fiber, frame: StatementFrame) {
        let request = frame.caller.request;
        self.log.emit(self.now, || Event::StatementEnded { request, fault: None });
        let Work::Done(answer) = frame.work else { return };
        if let Some(session) = session_of(fiber) {
            session.answer = answer.clone().into_value();
        }
        let committed = match (frame.owns_transaction, frame.caller.by) {
            (true, Some(by)) => {
                if let Some(session) = session_of(fiber) {
                    session.transaction = None;
                }
                self.commit(frame.instance, by.transaction).map_err(in_sql)
            }
            _ => Ok(()),
        };
        fiber.result = Some(committed.map(|()| answer));
    }

    /// A statement has failed: what it wrote is taken back, unless its whole transaction was.
    pub(super) fn fail_statement(
        &mut self,
        fiber: &mut Fiber,
        mut frame: StatementFrame,
        fault: Fault,
    ) -> Fault {
        let fault = in_sql(fault.from_instance(frame.instance));
        let caller = frame.caller;
        let (database, mut context) = self.database(frame.instance);
        if caller.by.is_some_and(|by| database.is_open(by.transaction)) {
            match &mut frame.work {
                Work::Rows(execution) => {
                    database.undo_statement(&mut context, &caller, execution, true);
                }
                Work::Insert { writing, .. } => {
                    database.end_writing(&mut context, &caller, writing);
                }
                Work::Alter(_) | Work::Done(_) => {}
            }
        }
        self.settle(frame.instance);
        let request = caller.request;
        self.log.emit(self.now, || Event::StatementEnded { request, fault: Some(fault.clone()) });
        self.leave_aborted(fiber);
        if let (true, Some(by), Some(session)) =
            (frame.owns_transaction, caller.by, session_of(fiber))
            && session.transaction.take().is_some()
        {
            let reason = RollbackReason::Fault(fault.clone());
            self.roll_back(frame.instance, by.transaction, reason);
        }
        fault
    }
}

/// What a statement over rows answers, and the time that the answer takes.
fn answered(execution: &mut Execution, costs: &Costs) -> (Answer, Duration) {
    let Some(Answered { records, .. }) = execution.take_answer() else {
        return (Answer::Count(execution.written() as u64), Duration::ZERO);
    };
    let transfer = costs.column.saturating_mul(Execution::values(&records));
    let rows = records.into_iter().map(|record| Value::Record(Arc::new(record)));
    (Answer::List(rows.collect()), costs.read.saturating_add(transfer))
}
