//! What a plug-in's own names mean: `target`, the row that its request is about to write or has
//! written, and `before`, the row as it was.

use std::sync::Arc;

use crate::engine::database::Assigned;
use crate::engine::fiber::RequestFrame;
use crate::plan::{Plan, Table};
use crate::words::evaluate::PlugInNames;
use crate::words::{ColumnId, Record, RowId, Value};
use uuid::Uuid;

/// The names of a plug-in that runs for this request.
pub struct PlugInScope<'a> {
    /// The plan, for the names of columns.
    pub plan: &'a Plan,
    /// The request.
    pub request: &'a RequestFrame,
}

impl PlugInScope<'_> {
    fn table(&self) -> &Table {
        self.plan.table(self.request.request.table)
    }

    /// The value that the request gives a column; null when it gives none, or one that depends on
    /// the row and is not known before it is written.
    fn assigned(&self, column: ColumnId) -> Value {
        let found = self.request.request.columns.iter().find(|(assigned, _)| *assigned == column);
        match found {
            Some((_, Assigned::Value(value))) => value.clone(),
            _ => Value::Null,
        }
    }

    fn target(&self) -> Value {
        let table = self.table();
        let columns = self.request.request.columns.iter().map(|(column, _)| {
            let name = table.columns[column.index()].name.clone();
            (*column, name, self.assigned(*column))
        });
        Value::Record(Arc::new(Record {
            table: self.request.request.table,
            id: self.request.request.id().unwrap_or(RowId(Uuid::nil())),
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
            "before" => Some(self.request.before.clone().map_or(Value::Null, Value::Record)),
            _ => None,
        }
    }

    fn member(&self, name: &str, member: &str) -> Option<Value> {
        if name != "target" {
            return None;
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
