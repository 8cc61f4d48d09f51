//! What a database needs from around it for one piece of work: the plan, the names of rows, the
//! log, and what time it is. It borrows them from the world, so the database itself stays data.

use uuid::Uuid;

use crate::engine::log::Log;
use crate::engine::names::Names;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Column, Plan};
use crate::trace::Event;
use crate::words::evaluate::Clock;
use crate::words::{ColumnId, ColumnType, Name, RowId, SimInstant, TableId, Value};

/// See the module.
pub struct Context<'a> {
    /// The plan, for the definitions of tables and for costs and limits.
    pub plan: &'a Plan,
    /// The names of rows.
    pub names: &'a mut Names,
    /// Where events go.
    pub log: &'a mut Log,
    /// The instant at which the work is done. A scan that looks at several rows in one piece of
    /// work moves it on from row to row.
    pub now: SimInstant,
}

impl Context<'_> {
    /// Tells what happened, now.
    #[inline]
    pub fn emit(&mut self, event: impl FnOnce() -> Event) {
        self.log.emit(self.now, event);
    }

    /// The calendar.
    pub const fn clock(&self) -> Clock {
        Clock { start: self.plan.start, now: self.now }
    }

    /// The row that people call `name`; a GUID in text form is itself.
    pub fn row_called(&mut self, table: TableId, name: &str) -> RowId {
        if let Ok(id) = Uuid::try_parse(name) {
            return RowId(id);
        }
        let id = self.plan.row_id(table, name);
        // The names of rows that are loaded go into the trace's header.
        if self.names.learn(table, id, name) {
            self.emit(|| Event::RowNamed { table, row: id, name: Name::from(name) });
        }
        id
    }

    /// A value as its column holds it: names become ids, whole numbers become decimals.
    ///
    /// # Errors
    ///
    /// The platform's fault for a value that the column can't hold.
    pub fn coerce(
        &mut self,
        table: TableId,
        column: ColumnId,
        value: Value,
    ) -> Result<Value, Fault> {
        let plan = self.plan;
        let table = plan.table(table);
        self.fit(&table.columns[column.index()], &table.name, value)
    }

    /// A value as this column of the table or message `of` holds it.
    ///
    /// # Errors
    ///
    /// As [`Self::coerce`].
    pub fn fit(&mut self, definition: &Column, of: &str, value: Value) -> Result<Value, Fault> {
        let fits = match (&definition.kind, value) {
            (_, Value::Null) => Ok(Value::Null),
            (ColumnType::Text { max_length }, Value::Text(text)) => {
                if text.len() > *max_length as usize && text.chars().count() > *max_length as usize
                {
                    return Err(too_long(&definition.name, of, *max_length));
                }
                Ok(Value::Text(text))
            }
            (ColumnType::Choice(labels), Value::Text(text)) => {
                if labels.contains(&text) {
                    Ok(Value::Text(text))
                } else {
                    Err(Value::Text(text))
                }
            }
            (ColumnType::Lookup(to), Value::Text(text)) => {
                Ok(Value::Id(self.row_called(*to, &text)))
            }
            (ColumnType::UniqueId, Value::Text(text)) => match Uuid::try_parse(&text) {
                Ok(id) => Ok(Value::Id(RowId(id))),
                Err(_) => Err(Value::Text(text)),
            },
            (ColumnType::Lookup(_) | ColumnType::UniqueId, Value::Record(record)) => {
                Ok(Value::Id(record.id))
            }
            (ColumnType::Decimal | ColumnType::Money, Value::Whole(number)) => {
                Ok(Value::Decimal(number.into()))
            }
            (ColumnType::Whole, value @ Value::Whole(_))
            | (ColumnType::Decimal | ColumnType::Money, value @ Value::Decimal(_))
            | (ColumnType::DateTime, value @ Value::DateTime(_))
            | (ColumnType::Boolean, value @ Value::Boolean(_))
            | (ColumnType::Lookup(_) | ColumnType::UniqueId, value @ Value::Id(_)) => Ok(value),
            (_, value) => Err(value),
        };
        fits.map_err(|value| {
            let message = format!(
                "Invalid argument: column '{}' of '{}' holds {}, not {}.",
                definition.name,
                of,
                definition.kind.keyword(),
                value.kind()
            );
            Fault::new(FaultKind::InvalidArgument, message)
        })
    }
}

fn too_long(column: &str, table: &str, most: u32) -> Fault {
    let message = format!(
        "A validation error occurred. The length of the '{column}' attribute of the '{table}' \
         entity exceeded the maximum allowed length of '{most}'."
    );
    Fault::new(FaultKind::TextTooLong, message)
}
