//! What a reader calls the things that events mention by number.
//!
//! A trace may come from a file that somebody edited, so a number without a name is no error
//! here: it is told as a number.

use std::collections::BTreeMap;

use crate::plan::Message;
use crate::trace::{Clock, Event, Header, LockResource, Trace};
use crate::words::{
    ActorId, ColumnId, InstanceId, Name, OutageId, PlugInId, RowId, SimInstant, TableId, Value,
};

/// The longest text that a value shows, in characters; the rest becomes `…`.
const VALUE_CHARACTERS_MAX: usize = 60;

/// The most elements of a list or columns of a row that a value shows.
const VALUE_ELEMENTS_MAX: usize = 6;

/// The names of one trace: those of its header, and those that rows got on the way.
#[derive(Clone, Debug)]
pub struct Names<'t> {
    header: &'t Header,
    rows: BTreeMap<(TableId, RowId), &'t Name>,
    ids: BTreeMap<RowId, &'t Name>,
    clock: Clock,
}

impl<'t> Names<'t> {
    /// The names of this trace.
    pub fn of(trace: &'t Trace) -> Self {
        let mut rows = BTreeMap::new();
        let mut ids = BTreeMap::new();
        let told = trace.entries.iter().filter_map(|entry| match &entry.event {
            Event::RowNamed { table, row, name } => Some((*table, *row, name)),
            _ => None,
        });
        let known = trace.header.row_names.iter();
        for (table, row, name) in known.map(|(table, row, name)| (*table, *row, name)).chain(told) {
            rows.insert((table, row), name);
            ids.entry(row).or_insert(name);
        }
        Self { header: &trace.header, rows, ids, clock: Clock::of(trace) }
    }

    /// The run's clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An instant in a sentence.
    pub fn moment(&self, at: SimInstant) -> String {
        self.clock.moment(at)
    }

    /// An instance: `europe`.
    pub fn instance(&self, id: InstanceId) -> String {
        let name = self.header.instances.get(id.index());
        or_number(name, "instance", u64::from(id.0))
    }

    /// A table: `account`.
    pub fn table(&self, id: TableId) -> String {
        let name = self.header.tables.get(id.index()).map(|it| &it.name);
        or_number(name, "table", u64::from(id.0))
    }

    /// A column: `name`.
    pub fn column(&self, table: TableId, id: ColumnId) -> String {
        let table = self.header.tables.get(table.index());
        let name = table.and_then(|it| it.columns.get(id.index()));
        or_number(name, "column", u64::from(id.0))
    }

    /// A message: `Create`, or a custom one by its name.
    pub fn message(&self, message: Message) -> String {
        match message {
            Message::Custom(id) => {
                let name = self.header.messages.get(id.index()).map(|it| &it.name);
                or_number(name, "message", u64::from(id.0))
            }
            own => own.name().to_owned(),
        }
    }

    /// A message with the table that it is about: `Create ticket`. A custom message is about one
    /// only where it names a row, and says so by its row.
    pub fn message_on(&self, message: Message, table: TableId) -> String {
        let name = self.message(message);
        match message {
            Message::Custom(_) => name,
            _ => format!("{name} {}", self.table(table)),
        }
    }

    /// An actor or flow: `lob app`.
    pub fn actor(&self, id: ActorId) -> String {
        or_number(self.header.actors.get(id.index()), "actor", u64::from(id.0))
    }

    /// An outage, by its own name.
    pub fn outage(&self, id: OutageId) -> String {
        or_number(self.header.outages.get(id.index()), "outage", u64::from(id.0))
    }

    /// A plug-in step, by its own name.
    pub fn plug_in(&self, id: PlugInId) -> String {
        let name = self.header.plug_ins.get(id.index()).map(|it| &it.name);
        or_number(name, "plug-in", u64::from(id.0))
    }

    /// A row alone: its name, or the first eight digits of its GUID.
    pub fn row(&self, table: TableId, row: RowId) -> String {
        self.rows.get(&(table, row)).map_or_else(|| short(row), ToString::to_string)
    }

    /// The name of a row, where it has one.
    pub fn name_of(&self, table: TableId, row: RowId) -> Option<&'t Name> {
        self.rows.get(&(table, row)).copied()
    }

    /// A row with its instance and table: `europe/account/fabrikam`.
    pub fn place(&self, instance: InstanceId, table: TableId, row: RowId) -> String {
        format!("{}/{}", self.table_of(instance, table), self.row(table, row))
    }

    /// An index of a table, by its own name.
    pub fn index(&self, table: TableId, index: u16) -> String {
        let name = self.header.tables.get(table.index());
        let name = name.and_then(|it| it.indexes.get(usize::from(index)));
        or_number(name, "number", u64::from(index))
    }

    /// A table of an instance: `europe/account`.
    pub fn table_of(&self, instance: InstanceId, table: TableId) -> String {
        format!("{}/{}", self.instance(instance), self.table(table))
    }

    /// What a lock is on.
    pub fn resource(&self, resource: &LockResource) -> String {
        match *resource {
            LockResource::Row { instance, table, row } => self.place(instance, table, row),
            LockResource::Key { instance, table, index: LockResource::PRIMARY, .. } => {
                format!("an id that no row of {} has", self.table_of(instance, table))
            }
            LockResource::Key { instance, table, index, .. } => {
                let (place, index) = (self.table_of(instance, table), self.index(table, index));
                format!("an entry of {place}'s index {index}")
            }
            LockResource::End { instance, table, index: LockResource::PRIMARY } => {
                format!("the end of {}", self.table_of(instance, table))
            }
            LockResource::End { instance, table, index } => {
                let (place, index) = (self.table_of(instance, table), self.index(table, index));
                format!("the end of {place}'s index {index}")
            }
            LockResource::Table { instance, table } => self.table_of(instance, table),
            LockResource::Transaction { transaction, .. } => {
                format!("transaction {}", transaction.0)
            }
        }
    }

    /// A value, on one line and not too long.
    pub fn value(&self, value: &Value) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Boolean(boolean) => boolean.to_string(),
            Value::Whole(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::Text(text) => format!("\"{}\"", shortened(text)),
            Value::DateTime(moment) => moment.to_string(),
            Value::Id(id) => self.ids.get(id).map_or_else(|| short(*id), |name| shortened(name)),
            Value::Record(record) => {
                let columns = record
                    .columns
                    .iter()
                    .map(|(_, name, value)| format!("{name}: {}", self.value(value)));
                let row = self.row(record.table, record.id);
                format!("{row} {{{}}}", listed(columns, record.columns.len()))
            }
            Value::Delta(delta) => {
                let (rows, deleted) = (self.list(&delta.rows), self.list(&delta.deleted));
                let token = match delta.token {
                    Some(token) => format!("token \"{token}\""),
                    None => "more pages".to_owned(),
                };
                format!("{{rows: {rows}, deleted: {deleted}, {token}}}")
            }
            Value::List(values) => self.list(values),
        }
    }

    fn list(&self, values: &[Value]) -> String {
        let elements = values.iter().map(|value| self.value(value));
        format!("[{}]", listed(elements, values.len()))
    }

    /// Whether a row has this name, in any table.
    pub fn is_called(&self, row: RowId, name: &str) -> bool {
        self.ids.get(&row).is_some_and(|known| ***known == *name)
    }
}

/// The name, or else `<word> <number>`.
fn or_number(name: Option<&Name>, word: &str, number: u64) -> String {
    name.map_or_else(|| format!("{word} {number}"), ToString::to_string)
}

/// The first eight digits of a GUID: enough to tell rows of one story apart.
fn short(row: RowId) -> String {
    let mut text = row.to_string();
    text.truncate(8);
    text
}

/// The first elements, with the number of all when there are more.
fn listed(elements: impl Iterator<Item = String>, count: usize) -> String {
    let mut text = elements.take(VALUE_ELEMENTS_MAX).collect::<Vec<_>>().join(", ");
    if count > VALUE_ELEMENTS_MAX {
        text.push_str(&format!(", … {count} in all"));
    }
    text
}

/// The text, cut where it is too long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
