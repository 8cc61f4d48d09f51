//! Custom messages: their requests, their parameters, and the transaction that they act in.
//!
//! A custom message is carried out as every other request, but for stage 30, which is a step:
//!
//! | made with                | transaction                     | stage 30                       |
//! |--------------------------|---------------------------------|--------------------------------|
//! | process action, rollback | its caller's, else its own      | a workflow                     |
//! | process action, without  | its caller's, else none         | a workflow                     |
//! | custom API               | its caller's, else its own      | a plug-in, of two minutes      |
//!
//! In none, each request that it makes is a transaction of its own: what was done stays done when
//! a later one fails.

use std::sync::Arc;

use crate::engine::database::broken;
use crate::engine::fiber::{Fiber, Frame, RequestFrame};
use crate::engine::request::{Answer, Request, Target};
use crate::engine::world::{Shared, World};
use crate::fault::Fault;
use crate::plan::{Column, Message, Plan, Side, Verb};
use crate::words::{ColumnId, Expression, Name, Record, RowId, TableId, Value};
use uuid::Uuid;

impl World {
    /// The request that an `execute` step asks for.
    pub(super) fn build_execute(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        verb: &Verb,
    ) -> Result<Request, Fault> {
        let Verb::Execute { message: id, row, with, .. } = verb else {
            return Err(broken("the step executes nothing".to_owned()));
        };
        let message = shared.plan.custom_message(*id);
        // A message about no row is about no table, either; the trace names the first one.
        let any = shared.plan.instance(message.instance).tables.first().copied();
        let table = message.table.or(any).unwrap_or(TableId(0));
        let target = match row {
            Some(row) => self.target(shared, fiber, table, row)?,
            None => Target::None,
        };
        let mut input = blank(table, &message.parameters);
        for (name, value) in self.values(fiber, with)? {
            self.set_parameter(&message.parameters, &message.name, &mut input, &name, value)?;
        }
        let mut request = Request::new(Message::Custom(*id), table, target);
        request.input = Some(Arc::new(input));
        Ok(request)
    }

    /// Gives a parameter its value.
    fn set_parameter(
        &mut self,
        definitions: &[Column],
        of: &str,
        record: &mut Record,
        name: &Name,
        value: Value,
    ) -> Result<(), Fault> {
        let definition = definitions.iter().position(|it| it.name == *name);
        let found = definition.and_then(|index| Some((index, record.columns.get_mut(index)?)));
        let Some((index, (_, _, held))) = found else {
            return Err(broken(format!("`{of}` has no parameter `{name}`")));
        };
        *held = self.surroundings().fit(&definitions[index], of, value)?;
        Ok(())
    }

    /// Sets parameters of the request whose steps run: those of a custom message, or columns of
    /// the row that a Retrieve answers.
    ///
    /// Source: Microsoft Learn, "Understand the execution context", InputParameters and
    /// OutputParameters.
    pub(super) fn set_parameters(
        &mut self,
        fiber: &mut Fiber,
        side: Side,
        set: &[(Name, Expression)],
    ) -> Result<(), Fault> {
        let values = self.values(fiber, set)?;
        self.give_parameters(fiber, side, values)
    }

    /// The same with values that are known.
    pub(super) fn give_parameters(
        &mut self,
        fiber: &mut Fiber,
        side: Side,
        values: Vec<(Name, Value)>,
    ) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let inner = fiber.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Request(request) => Some(request),
            _ => None,
        });
        let Some(frame) = inner else {
            return Err(broken("there is no request to set parameters of".to_owned()));
        };
        if let Some(id) = frame.request.message.custom() {
            let message = shared.plan.custom_message(id);
            let (definitions, record) = match (side, &mut frame.answer) {
                (Side::Input, _) => (&message.parameters, frame.request.input.as_mut()),
                (Side::Output, Answer::Record(record)) => (&message.response, Some(record)),
                (Side::Output, _) => (&message.response, None),
            };
            let Some(record) = record else {
                return Err(broken(format!("`{}` answers nothing", message.name)));
            };
            let record = Arc::make_mut(record);
            for (name, value) in values {
                self.set_parameter(definitions, &message.name, record, &name, value)?;
            }
            return Ok(());
        }
        let (Side::Output, Answer::Record(record)) = (side, &mut frame.answer) else {
            return Err(broken("the request has no such parameters".to_owned()));
        };
        let record = Arc::make_mut(record);
        let table = shared.plan.table(record.table);
        for (name, value) in values {
            let Some(column) = table.column(&name) else {
                return Err(broken(format!("`{}` has no column `{name}`", table.name)));
            };
            let value = self.coerce(record.table, column, value)?;
            match record.columns.iter_mut().find(|(known, ..)| *known == column) {
                Some((.., held)) => *held = value,
                None => record.columns.push((column, name, value)),
            }
        }
        Ok(())
    }
}

/// Parameters without values yet.
fn blank(table: TableId, definitions: &[Column]) -> Record {
    let columns = (0..).map(ColumnId).zip(definitions);
    let columns = columns.map(|(id, it)| (id, it.name.clone(), Value::Null)).collect();
    let id = RowId(Uuid::nil());
    Record { table, id, row_version: 0, columns, expanded: Vec::new() }
}

/// What a custom message answers before any step has set anything of it.
pub(super) fn blank_answer(plan: &Plan, frame: &RequestFrame) -> Answer {
    let message = frame.request.message.custom().map(|id| plan.custom_message(id));
    match message {
        Some(message) if !message.response.is_empty() => {
            Answer::Record(Arc::new(blank(frame.request.table, &message.response)))
        }
        _ => Answer::Done,
    }
}

/// Whether a message acts in no transaction unless its caller has one.
pub(super) fn acts_in_none(plan: &Plan, message: Message) -> bool {
    message.custom().is_some_and(|id| !plan.custom_message(id).acts_in_transaction())
}
