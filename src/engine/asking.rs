//! From names to a request: an [`Ask`] becomes a step of the step language, of which the engine
//! knows what it means.

use std::sync::Arc;

use crate::engine::ask::{Ask, Condition, What, Which};
use crate::engine::code::{RequestCode, called};
use crate::engine::database::{broken, record_of, selected};
use crate::engine::fiber::Fiber;
use crate::engine::operation::find_by_key;
use crate::engine::request::Request;
use crate::engine::store::View;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{
    Assignment, Hints, KeyValues, ManyToManyId, Message, Plan, Precondition, RowSelector, Verb,
};
use crate::words::{ColumnId, Expression, InstanceId, MessageId, Name, Record, TableId, Value};

impl World {
    /// The request that an ask means, and the instance that is to carry it out.
    pub(super) fn asked(
        &mut self,
        fiber: &Fiber,
        own: InstanceId,
        ask: &Ask,
    ) -> Result<(InstanceId, Request), Fault> {
        let shared = Arc::clone(&self.shared);
        let asking = Asking(&shared.plan);
        let instance = match &ask.instance {
            Some(name) => asking.instance(name)?,
            None => own,
        };
        if let What::Batch(kind, asks) = &ask.what {
            let mut items = Vec::with_capacity(asks.len());
            for ask in asks {
                let (place, item) = self.asked(fiber, instance, ask)?;
                if place != instance {
                    return Err(elsewhere());
                }
                items.push(item);
            }
            return Ok((instance, self.batch_of(instance, *kind, items)));
        }
        let verb = asking.verb(instance, ask)?;
        let late = vec![None; ask.columns.len()];
        self.build(&shared, fiber, &RequestCode { verb, late })
    }

    /// A row of an instance as it is committed; nobody waits, and nothing happens.
    ///
    /// # Errors
    ///
    /// There is no such table, or it has no such key.
    pub fn committed(
        &self,
        instance: InstanceId,
        table: &str,
        row: &Which,
    ) -> Result<Option<Arc<Record>>, Fault> {
        let plan = &self.shared.plan;
        let table = Asking(plan).table(table)?;
        let definition = plan.table(table);
        let store = self.databases[instance.index()].store(table)?;
        let view = View::Committed { reader: None };
        let id = match row {
            Which::Id(id) => Some(*id),
            Which::Named(name) => Some(called(plan, table, name)),
            Which::Key(values) => {
                let given = |column: &ColumnId| {
                    let name = &definition.columns[column.index()].name;
                    let found = values.iter().find(|(given, _)| given == name);
                    found.map(|(_, value)| value.clone())
                };
                let mut keys = (0..).zip(&definition.keys);
                let fits = |columns: &[ColumnId]| -> Option<Vec<Value>> {
                    let values: Vec<_> = columns.iter().map_while(given).collect();
                    (values.len() == columns.len()).then_some(values)
                };
                let found = keys.find_map(|(number, key)| Some((number, fits(&key.columns)?)));
                let (key, values) = found.ok_or_else(|| {
                    broken(format!("`{}` has no such alternate key", definition.name))
                })?;
                find_by_key(store, definition, key, &values, view).map(|(id, _)| id)
            }
        };
        let image = id.and_then(|id| store.find(id)).and_then(|row| store.read(row, view));
        let columns = selected(definition, None);
        Ok(image.map(|image| Arc::new(record_of(table, &image, &columns))))
    }
}

/// Why an item can't be in a batch.
pub(super) fn elsewhere() -> Fault {
    broken("an item of a batch is for another instance".to_owned())
}

/// Looks up in a plan what a request names.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a>(pub &'a Plan);

impl Asking<'_> {
    /// The instance of this name.
    pub fn instance(self, name: &str) -> Result<InstanceId, Fault> {
        let number = position(&self.0.instances, |instance| &*instance.name == name);
        number.map(InstanceId).ok_or_else(|| broken(format!("there is no instance `{name}`")))
    }

    /// The table of this name.
    pub fn table(self, name: &str) -> Result<TableId, Fault> {
        position(&self.0.tables, |table| &*table.name == name).map(TableId).ok_or_else(|| {
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

    /// A table's columns of these names.
    pub fn columns(self, table: TableId, names: &[Name]) -> Result<Vec<ColumnId>, Fault> {
        names.iter().map(|name| self.column(table, name)).collect()
    }

    /// The step that an ask means; it is no batch.
    fn verb(self, instance: InstanceId, ask: &Ask) -> Result<Verb, Fault> {
        let place = Some(instance);
        match &ask.what {
            What::Message(message) => self.plain(place, *message, ask),
            What::Rows(rows) => {
                let selection = Box::new(rows.selection(self)?);
                Ok(Verb::Query { instance: place, selection, bind: None, parts: Vec::new() })
            }
            What::Changes(changes) => changes.verb(place, self),
            What::Merge(subordinate) => {
                let (table, row) = self.target(ask)?;
                let (subordinate, set) = (single(subordinate)?, self.set(table, ask)?);
                Ok(Verb::Merge { instance: place, table, row, subordinate, set })
            }
            What::Associate { relationship, with, undo } => {
                let (table, row) = self.target(ask)?;
                let found = position(&self.0.many_to_many, |it| it.name == *relationship);
                let found = found
                    .map(ManyToManyId)
                    .filter(|it| self.0.many_to_many[it.index()].end_of(table).is_some());
                let relationship = found.ok_or_else(|| {
                    broken(format!("`{}` has no relationship `{relationship}`", ask.table))
                })?;
                let (with, undo) = (singles(with)?, *undo);
                Ok(Verb::Associate { instance: place, table, row, relationship, with, undo })
            }
            What::Share { with, rights } => {
                let (table, row) = self.target(ask)?;
                let (with, rights) = (single(with)?, rights.clone());
                Ok(Verb::Share { instance: place, table, row, with, rights })
            }
            What::Members { team, users, leave } => {
                let (team, users, leave) = (single(team)?, singles(users)?, *leave);
                Ok(Verb::Members { instance: place, team, users, leave })
            }
            What::Custom(name) => {
                let message = position(&self.0.messages, |message| message.name == *name);
                let message = message.map(MessageId);
                let message =
                    message.ok_or_else(|| broken(format!("there is no message `{name}`")))?;
                let row = match (&ask.row, self.0.custom_message(message).table) {
                    (Some(row), Some(table)) => Some(self.selector(table, row)?),
                    _ => None,
                };
                let with = ask.columns.iter();
                let with = with.map(|(name, value)| (name.clone(), literal(value))).collect();
                Ok(Verb::Execute { message, row, with, bind: None })
            }
            What::Batch(..) => Err(broken("a batch is no single step".to_owned())),
        }
    }

    /// The step that asks for a message that needs no more than a row and columns.
    fn plain(
        self,
        instance: Option<InstanceId>,
        message: Message,
        ask: &Ask,
    ) -> Result<Verb, Fault> {
        let (bind, from) = (None, None);
        if message == Message::Create {
            let table = self.table(&ask.table)?;
            let row = ask.row.as_ref().map(single).transpose()?;
            let set = self.set(table, ask)?;
            return Ok(Verb::Create { instance, table, row, from, set, bind });
        }
        let (table, row) = self.target(ask)?;
        let precondition = ask.condition.map(|condition| match condition {
            Condition::Exists => Precondition::Exists,
            Condition::Missing => Precondition::Missing,
            Condition::Version(version) => {
                let version = i64::try_from(version).unwrap_or(i64::MAX);
                Precondition::Version(literal(&Value::Whole(version)))
            }
        });
        match message {
            Message::Retrieve => {
                let columns = ask.select.as_ref().map(|names| self.columns(table, names));
                let columns = columns.transpose()?;
                let hints = Hints::NONE;
                Ok(Verb::Retrieve { instance, table, row, columns, hints, precondition, bind })
            }
            Message::Update => {
                let set = self.set(table, ask)?;
                Ok(Verb::Update { instance, table, row, from, set, precondition })
            }
            Message::Upsert => {
                let (set, when) = (self.set(table, ask)?, ask.when);
                Ok(Verb::Upsert { instance, table, row, from, set, when, precondition, bind })
            }
            Message::Delete => Ok(Verb::Delete { instance, table, row, precondition }),
            other => Err(broken(format!("{} is asked for in its own words", other.name()))),
        }
    }

    /// The row that an ask is about, with its table.
    fn target(self, ask: &Ask) -> Result<(TableId, RowSelector), Fault> {
        let table = self.table(&ask.table)?;
        match &ask.row {
            Some(row) => Ok((table, self.selector(table, row)?)),
            None => Err(broken(format!("{} names no row", ask.told()))),
        }
    }

    fn selector(self, table: TableId, row: &Which) -> Result<RowSelector, Fault> {
        let Which::Key(values) = row else {
            return Ok(RowSelector::Row(single(row)?));
        };
        let mut given = Vec::with_capacity(values.len());
        for (name, value) in values {
            given.push((self.column(table, name)?, literal(value)));
        }
        Ok(RowSelector::Key(KeyValues { values: given }))
    }

    fn set(self, table: TableId, ask: &Ask) -> Result<Vec<Assignment>, Fault> {
        let columns = ask.columns.iter();
        let assigned = columns.map(|(name, value)| {
            Ok(Assignment { column: self.column(table, name)?, value: literal(value) })
        });
        assigned.collect()
    }
}

/// A row by its id or name.
fn single(row: &Which) -> Result<Expression, Fault> {
    match row {
        Which::Id(id) => Ok(literal(&Value::Id(*id))),
        Which::Named(name) => Ok(literal(&Value::Text(name.clone()))),
        Which::Key(_) => Err(broken("a row is named here by its id or name".to_owned())),
    }
}

fn singles(rows: &[Which]) -> Result<Vec<Expression>, Fault> {
    rows.iter().map(single).collect()
}

fn literal(value: &Value) -> Expression {
    Expression::Literal(value.clone())
}

/// The position of the first that is so.
fn position<T>(all: &[T], is_it: impl Fn(&T) -> bool) -> Option<u16> {
    all.iter().position(is_it).and_then(|index| u16::try_from(index).ok())
}
