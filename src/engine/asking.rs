//! From names to a request: what plug-ins in Rust and guests of a world ask for.

use std::sync::Arc;

use crate::engine::code::called;
use crate::engine::database::{Assigned, broken, record_of, selected};
use crate::engine::fiber::Fiber;
use crate::engine::operation::find_by_key;
use crate::engine::plug_in::Rows;
use crate::engine::query::Asks;
use crate::engine::request::{Request, Required, Target};
use crate::engine::store::View;
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, Plan, UpsertWhen};
use crate::words::{ColumnId, InstanceId, Name, Record, RowId, TableId, Value};

/// A request, by names.
///
/// ```
/// use multiverse::plug_in::Ask;
///
/// let ask = Ask::update("account", "contoso").set("name", "Contoso").if_version(7);
/// # let _ = ask;
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Ask {
    /// What is asked for.
    pub message: Message,
    /// The instance that is asked; `None` for the caller's own.
    pub instance: Option<Name>,
    /// The table's name.
    pub table: Name,
    /// Which row; `None` for a create that leaves the id to the platform, or a query.
    pub row: Option<Which>,
    /// The columns that are given values.
    pub columns: Vec<(Name, Value)>,
    /// The columns that a read asks for; `None` for all.
    pub select: Option<Vec<Name>>,
    /// For an upsert: which rows it leaves alone.
    pub when: UpsertWhen,
    /// The version that the row must have, or else the request is refused.
    pub version: Option<u64>,
    /// For a merge: the row that is merged into `row`.
    pub subordinate: Option<Which>,
    /// For a query: which rows.
    pub rows: Option<Box<Rows>>,
}

/// Which row is meant.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Which {
    /// The row with this id.
    Id(RowId),
    /// The row that scenarios call so.
    Named(Name),
    /// The row with these values of an alternate key.
    Key(Vec<(Name, Value)>),
}

impl Which {
    /// The row with these values of an alternate key.
    pub fn key(values: &[(&str, Value)]) -> Self {
        Self::Key(owned(values))
    }
}

impl From<RowId> for Which {
    fn from(id: RowId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for Which {
    fn from(name: &str) -> Self {
        Self::Named(Name::from(name))
    }
}

impl Ask {
    /// A request for this message on this table, and nothing more.
    pub fn new(message: Message, table: &str) -> Self {
        Self {
            message,
            instance: None,
            table: Name::from(table),
            row: None,
            columns: Vec::new(),
            select: None,
            when: UpsertWhen::Always,
            version: None,
            subordinate: None,
            rows: None,
        }
    }

    /// To add a row. The platform draws its id, unless [`Ask::row`] says which it is.
    pub fn create(table: &str) -> Self {
        Self::new(Message::Create, table)
    }

    /// To read a row.
    pub fn retrieve(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Retrieve, table).row(row)
    }

    /// To read the rows that a query finds.
    pub fn retrieve_multiple(rows: Rows) -> Self {
        let mut ask = Self::new(Message::RetrieveMultiple, rows.table());
        ask.rows = Some(Box::new(rows));
        ask
    }

    /// To change a row.
    pub fn update(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Update, table).row(row)
    }

    /// To create or update a row.
    pub fn upsert(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Upsert, table).row(row)
    }

    /// To remove a row.
    pub fn delete(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Delete, table).row(row)
    }

    /// To merge `subordinate` into `row`.
    pub fn merge(table: &str, row: impl Into<Which>, subordinate: impl Into<Which>) -> Self {
        let mut ask = Self::new(Message::Merge, table).row(row);
        ask.subordinate = Some(subordinate.into());
        ask
    }

    /// Of this row.
    #[must_use]
    pub fn row(mut self, row: impl Into<Which>) -> Self {
        self.row = Some(row.into());
        self
    }

    /// Gives a column its value.
    #[must_use]
    pub fn set(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.columns.push((Name::from(column), value.into()));
        self
    }

    /// Gives these columns their values.
    #[must_use]
    pub fn set_all(mut self, columns: &[(&str, Value)]) -> Self {
        self.columns.extend(owned(columns));
        self
    }

    /// Reads these columns only.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.select = Some(columns.iter().map(|name| Name::from(*name)).collect());
        self
    }

    /// Leaves an existing or a missing row alone, in an upsert.
    #[must_use]
    pub const fn when(mut self, when: UpsertWhen) -> Self {
        self.when = when;
        self
    }

    /// Only if the row has this version, as `ConcurrencyBehavior.IfRowVersionMatches`.
    #[must_use]
    pub const fn if_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Of this instance, and not of the caller's own.
    #[must_use]
    pub fn in_instance(mut self, instance: &str) -> Self {
        self.instance = Some(Name::from(instance));
        self
    }
}

/// Values by names that last.
pub(super) fn owned(values: &[(&str, Value)]) -> Vec<(Name, Value)> {
    values.iter().map(|(name, value)| (Name::from(*name), value.clone())).collect()
}

/// The values of an alternate key, in the order of its columns.
fn in_order<'a>(
    plan: &'a Plan,
    table: TableId,
    columns: &'a [ColumnId],
    values: &'a [(Name, Value)],
) -> impl Iterator<Item = Value> + 'a {
    let definition = plan.table(table);
    columns.iter().map(|column| {
        let given = values.iter().find(|(name, _)| definition.column(name) == Some(*column));
        given.map_or(Value::Null, |(_, value)| value.clone())
    })
}

/// Looks up in a plan what a request names.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a>(pub &'a Plan);

impl Asking<'_> {
    /// The instance of this name.
    pub fn instance(self, name: &str) -> Result<InstanceId, Fault> {
        let found = self.0.instances.iter().position(|instance| &*instance.name == name);
        let found = found.and_then(|index| u16::try_from(index).ok()).map(InstanceId);
        found.ok_or_else(|| broken(format!("there is no instance `{name}`")))
    }

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

    /// A table's columns of these names.
    pub fn columns(self, table: TableId, names: &[Name]) -> Result<Vec<ColumnId>, Fault> {
        names.iter().map(|name| self.column(table, name)).collect()
    }

    /// The position of the alternate key that has these columns.
    fn key(self, table: TableId, values: &[(Name, Value)]) -> Result<usize, Fault> {
        let definition = self.0.table(table);
        let position = definition.keys.iter().position(|candidate| {
            candidate.columns.len() == values.len()
                && values.iter().all(|(name, _)| {
                    definition.column(name).is_some_and(|id| candidate.columns.contains(&id))
                })
        });
        position.ok_or_else(|| {
            let message = format!(
                "The specified key attributes are not a defined key for the {} entity",
                definition.name
            );
            Fault::new(FaultKind::KeyNotDefined, message)
        })
    }
}

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
        let table = asking.table(&ask.table)?;
        let target = match &ask.row {
            Some(row) => self.meant(asking, table, row)?,
            None => Target::None,
        };
        let mut request = Request::new(ask.message, table, target);
        for (name, value) in &ask.columns {
            let column = asking.column(table, name)?;
            let value = self.coerce(table, column, value.clone())?;
            request.assign(column, Assigned::Value(value));
        }
        if let Some(select) = &ask.select {
            request.select = Some(asking.columns(table, select)?.into());
        }
        request.when = ask.when;
        request.required = ask.version.map(|version| Required::Version(Some(version)));
        if let Some(subordinate) = &ask.subordinate {
            request.subordinate = match self.meant(asking, table, subordinate)? {
                Target::Id(id) => Some(id),
                _ => return Err(broken("a merge names its rows by id or name".to_owned())),
            };
        }
        if let Some(rows) = &ask.rows {
            let selection = rows.selection(asking)?;
            let query = self.query_of(fiber, &selection, Asks::ThePlatform)?;
            request.select = query.select.clone();
            request.query = Some(Arc::new(query));
        }
        Ok((instance, request))
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
        let store = self.databases[instance.index()].store(table)?;
        let view = View::Committed { reader: None };
        let id = match row {
            Which::Id(id) => Some(*id),
            Which::Named(name) => Some(called(plan, table, name)),
            Which::Key(values) => {
                let position = Asking(plan).key(table, values)?;
                let columns = &plan.table(table).keys[position].columns;
                let ordered: Vec<_> = in_order(plan, table, columns, values).collect();
                let key = u16::try_from(position).unwrap_or(u16::MAX);
                find_by_key(store, plan.table(table), key, &ordered, view).map(|(id, _)| id)
            }
        };
        let image = id.and_then(|id| store.find(id)).and_then(|row| store.read(row, view));
        let columns = selected(plan.table(table), None);
        Ok(image.map(|image| Arc::new(record_of(table, &image, &columns))))
    }

    /// The row that is meant, as a request names it.
    fn meant(&mut self, asking: Asking<'_>, table: TableId, row: &Which) -> Result<Target, Fault> {
        let values = match row {
            Which::Id(id) => return Ok(Target::Id(*id)),
            Which::Named(name) => return Ok(Target::Id(self.row_called(table, name))),
            Which::Key(values) => values,
        };
        let position = asking.key(table, values)?;
        let definition = asking.0.table(table);
        let mut ordered = Vec::with_capacity(values.len());
        let columns = &definition.keys[position].columns;
        for (column, value) in columns.iter().zip(in_order(asking.0, table, columns, values)) {
            ordered.push(self.coerce(table, *column, value)?);
        }
        Ok(Target::Key(u16::try_from(position).unwrap_or(u16::MAX), ordered))
    }
}
