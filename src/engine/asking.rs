//! From names to a request: what plug-ins in Rust and guests of a world ask for.

use uuid::Uuid;

use crate::engine::database::Assigned;
use crate::engine::plug_in::Row;
use crate::engine::request::{Request, Target};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, Plan};
use crate::words::{ColumnId, RowId, TableId, Value};

/// Looks up in a plan what a request names.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a>(pub &'a Plan);

impl Asking<'_> {
    /// The table of this name.
    pub fn table(self, name: &str) -> Result<TableId, Fault> {
        let found = self.0.tables.iter().position(|table| &*table.name == name);
        let found = found.and_then(|index| u16::try_from(index).ok()).map(TableId);
        found.ok_or_else(|| {
            let message = format!("The entity with a name = '{name}' was not found.");
            Fault::new(FaultKind::NoSuchTable, message)
        })
    }

    /// A table's column of this name.
    pub fn column(self, table: TableId, name: &str) -> Result<ColumnId, Fault> {
        let table = self.0.table(table);
        table.column(name).ok_or_else(|| {
            let message =
                format!("'{}' entity doesn't contain attribute with Name = '{name}'.", table.name);
            Fault::new(FaultKind::NoSuchColumn, message)
        })
    }

    /// The id of the row that scenarios call so; a GUID in text form is itself.
    pub fn called(self, table: TableId, name: &str) -> RowId {
        Uuid::try_parse(name).map_or_else(|_| self.0.row_id(table, name), RowId)
    }

    /// The target that a row is.
    pub fn row(self, table: TableId, row: Row<'_>) -> Result<Target, Fault> {
        let key = match row {
            Row::Id(id) => return Ok(Target::Id(id)),
            Row::Named(name) => return Ok(Target::Id(self.called(table, name))),
            Row::Key(key) => key,
        };
        let definition = self.0.table(table);
        let position = definition.keys.iter().position(|candidate| {
            candidate.columns.len() == key.len()
                && key.iter().all(|(name, _)| {
                    definition.column(name).is_some_and(|id| candidate.columns.contains(&id))
                })
        });
        let Some(position) = position else {
            let message = format!(
                "The specified key attributes are not a defined key for the {} entity",
                definition.name
            );
            return Err(Fault::new(FaultKind::KeyNotDefined, message));
        };
        let values = definition.keys[position].columns.iter().filter_map(|column| {
            let given = key.iter().find(|(name, _)| definition.column(name) == Some(*column));
            given.map(|(_, value)| value.clone())
        });
        Ok(Target::Key(u16::try_from(position).unwrap_or(u16::MAX), values.collect()))
    }

    /// A request that gives these columns their values.
    pub fn request<'n>(
        self,
        message: Message,
        table: TableId,
        target: Target,
        columns: impl IntoIterator<Item = (&'n str, Value)>,
    ) -> Result<Request, Fault> {
        let mut request = Request::new(message, table, target);
        for (name, value) in columns {
            request.assign(self.column(table, name)?, Assigned::Value(value));
        }
        Ok(request)
    }
}
