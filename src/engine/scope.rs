//! What a plug-in's own names mean: `target`, the row that its request is about to write or has
//! written, and `before`, the row as it was.

use std::sync::Arc;

use crate::engine::association::told;
use crate::engine::database::Assigned;
use crate::engine::fiber::{Frame, Phase, RequestFrame};
use crate::engine::request::{Answer, Request};
use crate::engine::sharing::SharedVariables;
use crate::plan::{ImageKind, Mode, Plan, Stage, Table};
use crate::words::evaluate::PlugInNames;
use crate::words::own_names::{
    CONTEXT, IMAGE, INPUT, OUTPUT, PARENT, PARENT_SHARED, RELATED, RELATIONSHIP, SHARED, TARGETS,
};
use crate::words::{ColumnId, Record, RowId, Value};
use uuid::{Builder, Uuid};

/// The stage in which a request in this phase runs steps.
pub const fn stage_of(phase: Phase) -> Stage {
    match phase {
        Phase::PreValidation => Stage::PreValidation,
        Phase::PreOperation | Phase::Begin => Stage::PreOperation,
        Phase::PostOperation | Phase::Queue | Phase::Commit | Phase::Job => Stage::PostOperation,
        _ => Stage::MainOperation,
    }
}

/// The names of a plug-in that runs for this request.
pub struct PlugInScope<'a> {
    /// The plan, for the names of columns.
    pub plan: &'a Plan,
    /// The request.
    pub request: &'a RequestFrame,
    /// What is below it in its fiber's stack: the requests around it.
    pub below: &'a [Frame],
}

impl<'a> PlugInScope<'a> {
    /// The scope of the innermost request of a stack.
    pub fn of(plan: &'a Plan, frames: &'a [Frame]) -> Option<Self> {
        let (index, request) = frames.iter().enumerate().rev().find_map(|it| match it {
            (index, Frame::Request(request)) => Some((index, &**request)),
            _ => None,
        })?;
        Some(Self { plan, request, below: &frames[..index] })
    }

    /// The requests around this one, the innermost first.
    pub fn around(&self) -> impl Iterator<Item = &'a RequestFrame> {
        self.below.iter().rev().filter_map(|frame| match frame {
            Frame::Request(request) => Some(&**request),
            _ => None,
        })
    }

    /// What the execution context of a request tells.
    ///
    /// Source: Microsoft Learn, "Understand the execution context".
    fn context(&self, of: &RequestFrame, member: &str) -> Option<Value> {
        let running = of.running.map(|(plug_in, _)| self.plan.plug_in(plug_in));
        Some(match member {
            "depth" => Value::Whole(i64::from(of.depth)),
            "stage" => Value::Whole(i64::from(stage_of(of.phase).number())),
            "message" => Value::text(self.plan.message_name(of.request.message)),
            "mode" => Value::Whole(match running.map(|it| it.mode) {
                Some(Mode::Asynchronous) => 1,
                _ => 0,
            }),
            "in transaction" => Value::Boolean(of.transaction.is_some()),
            "user" => running.and_then(|it| it.run_as.clone()).map_or(Value::Null, Value::Text),
            "correlation id" => {
                let outermost = self.around().last().unwrap_or(self.request);
                let outermost = outermost.correlation.unwrap_or(outermost.id);
                let seed = u128::from(self.plan.seed) << 64;
                let bits = seed | u128::from(outermost.0);
                Value::Id(RowId(Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()))
            }
            _ => return None,
        })
    }

    /// An image of the step that runs; null where its row is not there, and `None` for a name that
    /// the step is not registered with.
    pub fn image(&self, name: &str) -> Option<Value> {
        let (plug_in, _) = self.request.running?;
        let image = self.plan.plug_in(plug_in).images.iter().find(|it| &*it.name == name)?;
        let record = match image.kind {
            ImageKind::Pre => self.request.before.as_ref(),
            ImageKind::Post => self.request.after.as_ref(),
        };
        let Some(record) = record else { return Some(Value::Null) };
        let Some(columns) = &image.columns else { return Some(Value::Record(Arc::clone(record))) };
        let mut record = Record::clone(record);
        record.columns.retain(|(column, _, _)| columns.contains(column));
        Some(Value::Record(Arc::new(record)))
    }

    fn table(&self) -> &Table {
        self.plan.table(self.request.request.table)
    }

    /// The value that the request gives a column; null when it gives none, or one that depends on
    /// the row and is not known before it is written.
    fn assigned(&self, column: ColumnId) -> Value {
        let is_told = |assigned| self.request.part.has(self.table(), assigned);
        let mut columns = self.request.request.columns.iter();
        let found = columns.find(|(assigned, _)| *assigned == column && is_told(*assigned));
        match found {
            Some((_, Assigned::Value(value))) => value.clone(),
            _ => Value::Null,
        }
    }

    fn target(&self) -> Value {
        self.target_of(&self.request.request)
    }

    /// The targets of a bulk message; of another one the only one.
    pub fn targets_of(&self, request: &Request) -> Value {
        match &request.batch {
            Some(batch) => Value::List(batch.items.iter().map(|it| self.target_of(it)).collect()),
            None => Value::List(Arc::from([self.target_of(request)])),
        }
    }

    fn target_of(&self, request: &Request) -> Value {
        let table = self.table();
        let columns = request.columns.iter();
        let columns = columns.filter(|(column, _)| self.request.part.has(table, *column));
        let columns = columns.map(|(column, assigned)| {
            let name = table.columns[column.index()].name.clone();
            let value = match assigned {
                Assigned::Value(value) => value.clone(),
                Assigned::Late(_) => Value::Null,
            };
            (*column, name, value)
        });
        Value::Record(Arc::new(Record {
            table: request.table,
            id: request.id().unwrap_or(RowId(Uuid::nil())),
            row_version: 0,
            columns: columns.collect(),
            expanded: Vec::new(),
        }))
    }
}

impl PlugInNames for PlugInScope<'_> {
    fn record(&self, name: &str) -> Option<Value> {
        match name {
            "target" => Some(self.target()),
            TARGETS => Some(self.targets_of(&self.request.request)),
            RELATIONSHIP => Some(told(self.plan, &self.request.request).unwrap_or_default().0),
            RELATED => {
                let (_, related) = told(self.plan, &self.request.request).unwrap_or_default();
                Some(Value::List(related.iter().map(|row| Value::Id(*row)).collect()))
            }
            INPUT => Some(self.request.request.input.clone().map_or(Value::Null, Value::Record)),
            OUTPUT => Some(match &self.request.answer {
                Answer::Record(record) => Value::Record(Arc::clone(record)),
                _ => Value::Null,
            }),
            "before" => Some(self.request.before.clone().map_or(Value::Null, Value::Record)),
            _ => self.image(name.strip_prefix(IMAGE)?),
        }
    }

    fn member(&self, name: &str, member: &str) -> Option<Value> {
        match name {
            "target" => {}
            SHARED => return Some(self.request.shared.own(self.request.phase, member)),
            PARENT_SHARED => {
                return Some(SharedVariables::of_parents(self.request, self.around(), member));
            }
            CONTEXT => return self.context(self.request, member),
            PARENT => {
                let parent = self.around().next();
                return Some(parent.and_then(|it| self.context(it, member)).unwrap_or_default());
            }
            _ => return None,
        }
        match self.table().column(member) {
            Some(column) => Some(self.assigned(column)),
            None if member == "id" => {
                Some(self.request.request.id().map_or(Value::Null, Value::Id))
            }
            None => None,
        }
    }
}
