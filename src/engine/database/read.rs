//! Reads of single rows, and rows as readers and expressions get them.

use crate::engine::database::context::Context;
use crate::engine::database::gap::absence;
use crate::engine::database::locking::{Asked, By, Temporary};
use crate::engine::database::visible::Visible;
use crate::engine::database::{Database, TransactionRef};
use crate::engine::lock::Resource;
use crate::engine::names::Names;
use crate::engine::store::{RowImage, RowNumber, TableStore, View};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Isolation, Plan, Table};
use crate::trace::{Event, ReadKind, RowRead};
use crate::words::evaluate::RowAtHand;
use crate::words::{
    ColumnId, ColumnType, LockMode, Name, Record, RequestId, RowId, TableId, TransactionId, Value,
};

/// Who reads or writes, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The request or statement.
    pub request: RequestId,
    /// The transaction that it is in, with who sleeps when it waits; `None` for a read outside any.
    pub by: Option<By>,
    /// At which level it reads.
    pub level: Isolation,
}

impl Caller {
    /// The transaction's number.
    pub fn transaction(&self) -> Option<TransactionId> {
        self.by.map(|by| by.transaction.id)
    }
}

/// What came of looking for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is there.
    Row(RowNumber),
    /// It is not there.
    Missing,
    /// A lock must be waited for.
    Waits,
}

impl Database {
    /// Looks for the row with this id and takes the locks that the level wants. What is to be given
    /// back when it was read is in `taken`.
    ///
    /// # Errors
    ///
    /// The table is not there, or has changed since the reader's snapshot.
    pub fn look(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        id: RowId,
        taken: &mut Vec<Temporary>,
    ) -> Result<Looked, Fault> {
        self.check_schema(context, caller, table)?;
        if self.enter_to_read(context, caller, table, taken) == Asked::Waiting {
            return Ok(Looked::Waits);
        }
        let found = self.store(table)?.find(id);
        let locks = !caller.level.reads_versions();
        let found = found.filter(|row| !locks || !self.is_gone(table, *row));
        let Some(row) = found else {
            return Ok(match self.lock_absence(context, caller, table, id) {
                Asked::Held => Looked::Missing,
                Asked::Waiting => Looked::Waits,
            });
        };
        let kept = matches!(caller.level, Isolation::RepeatableRead | Isolation::Serializable);
        if let Some(by) = caller.by
            && (kept || caller.level == Isolation::ReadCommitted)
            && self.lock_row(context, by, (table, row), LockMode::Shared, (kept, taken))
                == Asked::Waiting
        {
            return Ok(Looked::Waits);
        }
        let view = self.view(caller);
        if self.store(table)?.read(row, view).is_some_and(|image| image.id() == id) {
            return Ok(Looked::Row(row));
        }
        Ok(match self.lock_absence(context, caller, table, id) {
            Asked::Held => Looked::Missing,
            Asked::Waiting => Looked::Waits,
        })
    }

    /// Reads the row that was looked for, where it lies, and tells that it was.
    pub fn retrieve(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        row: RowNumber,
    ) -> Option<RowImage<'_>> {
        let view = self.view(caller);
        self.tell_read(context, caller, (table, row), view, ReadKind::Answer);
        self.tables[table.index()].as_ref()?.read(row, view)
    }

    /// Gives back what looking for a row has taken for now.
    pub fn end_look(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        taken: &mut Vec<Temporary>,
    ) {
        if let Some(by) = caller.by
            && !taken.is_empty()
        {
            self.give_back(context, by.transaction, taken);
        }
    }

    /// Takes the lock on a table that a read at this level needs.
    pub(super) fn enter_to_read(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        taken: &mut Vec<Temporary>,
    ) -> Asked {
        let Some(by) = caller.by else {
            return Asked::Held;
        };
        let resource = Resource::Table(table);
        match caller.level {
            Isolation::RepeatableRead | Isolation::Serializable => {
                self.enter(context, by, table, LockMode::IntentShared)
            }
            Isolation::ReadCommitted => {
                self.lock_for_now(context, by, resource, LockMode::IntentShared, taken)
            }
            Isolation::ReadUncommitted | Isolation::ReadCommittedSnapshot | Isolation::Snapshot => {
                if self.altering == 0 {
                    return Asked::Held;
                }
                self.lock_for_now(context, by, resource, LockMode::SchemaStability, taken)
            }
        }
    }

    /// At serializable, makes sure that a row that is not there stays so.
    ///
    /// Assumed: SQL Server locks the gap in which the id would be; here it is the id itself, so
    /// that two absent rows never stand in each other's way.
    fn lock_absence(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        id: RowId,
    ) -> Asked {
        match caller.by {
            Some(by) if caller.level == Isolation::Serializable => {
                self.note_ranges(by.transaction);
                let resource = absence(table, id);
                self.lock(context, by, resource, LockMode::RangeSharedShared)
            }
            _ => Asked::Held,
        }
    }

    /// What a read at this level sees.
    pub(super) fn view(&mut self, caller: &Caller) -> View {
        let reader = caller.transaction();
        match (caller.level, caller.by) {
            (Isolation::Snapshot, Some(by)) => {
                let stamp = self.snapshot_of(by.transaction.owner);
                View::Snapshot { stamp, reader }
            }
            (Isolation::ReadCommittedSnapshot | Isolation::Snapshot, _) => {
                View::Committed { reader }
            }
            _ => View::Latest,
        }
    }

    /// Refuses a snapshot transaction a table whose definition has changed since its snapshot.
    ///
    /// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL": SNAPSHOT, error 3961.
    #[inline]
    pub(super) fn check_schema(
        &mut self,
        context: &Context<'_>,
        caller: &Caller,
        table: TableId,
    ) -> Result<(), Fault> {
        match caller.by {
            Some(by) if caller.level == Isolation::Snapshot => {
                let snapshot = self.snapshot_of(by.transaction.owner);
                if self.altered[table.index()] <= snapshot {
                    return Ok(());
                }
                Err(self.altered_since(&context.plan.table(table).name))
            }
            _ => Ok(()),
        }
    }

    fn altered_since(&self, table: &str) -> Fault {
        let message = format!(
            "Snapshot isolation transaction failed because table '{table}' has been altered \
             since the start of this transaction. Sql Number: 3961"
        );
        Fault::new(FaultKind::SchemaChanged, message).from_instance(self.id)
    }

    /// Tells that a row was read, as this view shows it. Who reads what is not committed is
    /// remembered, so that it can be told if that is rolled back.
    pub(super) fn tell_read(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        (table, row): (TableId, RowNumber),
        view: View,
        kind: ReadKind,
    ) {
        if !context.log.is_on() {
            return;
        }
        let Some(store) = &self.tables[table.index()] else { return };
        let Some(image) = store.read(row, view) else { return };
        let (id, row_version) = (image.id(), image.row_version());
        let transaction = caller.transaction();
        let dirty = (view == View::Latest).then(|| store.writer(row)).flatten();
        let writer = dirty.filter(|writer| Some(*writer) != transaction);
        let (request, instance, level) = (caller.request, self.id, caller.level);
        context.emit(|| {
            Event::RowRead(RowRead {
                request,
                transaction,
                instance,
                table,
                row: id,
                row_version,
                level,
                kind,
                writer,
            })
        });
        if let Some(writer) = writer
            && let Some(found) = self.transactions.iter_mut().find(|it| it.id == writer)
        {
            found.dirty_readers.push((request, table, id));
        }
    }

    /// Whether a row is there for this transaction, by what is committed and what it wrote itself.
    pub fn is_there(&self, table: TableId, id: RowId, reader: Option<TransactionRef>) -> bool {
        let reader = reader.map(|reader| reader.id);
        self.tables[table.index()].as_ref().is_some_and(|store| {
            let view = View::Committed { reader };
            store.find(id).is_some_and(|row| store.read(row, view).is_some())
        })
    }
}

/// What stands behind a lookup, for expressions over a row.
pub(super) trait Linked {
    /// The value of a column of the row that a lookup points to; `None` without such a row.
    fn value(&self, lookup: &ColumnType, id: RowId, member: &str) -> Option<Value>;
}

/// The rows behind lookups, as one view shows them.
pub(super) struct LinkedRows<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tables: &'a [Option<TableStore>],
    pub(super) view: View,
    /// What the query's user may see; `None` for everything.
    pub(super) visible: Option<&'a Visible>,
}

impl Linked for LinkedRows<'_> {
    fn value(&self, lookup: &ColumnType, id: RowId, member: &str) -> Option<Value> {
        let ColumnType::Lookup(to) = lookup else {
            return None;
        };
        let store = self.tables[to.index()].as_ref()?;
        let image = store.read(store.find(id)?, self.view)?;
        if self.visible.is_some_and(|visible| !visible.shows_image(*to, &image)) {
            return None;
        }
        Some(image.value(self.plan.table(*to).column(member)?))
    }
}

/// A stored row at hand for an expression.
pub(super) struct StoredRow<'a> {
    /// The row.
    pub(super) image: RowImage<'a>,
    /// Its table.
    pub(super) table: &'a Table,
    /// The rows' names.
    pub(super) names: &'a Names,
    /// The rows behind its lookups.
    pub(super) linked: &'a dyn Linked,
}

impl RowAtHand for StoredRow<'_> {
    fn id(&self) -> RowId {
        self.image.id()
    }

    fn name(&self) -> Name {
        let id = self.image.id();
        self.names.get(id).cloned().unwrap_or_else(|| id.to_string().into())
    }

    fn table_name(&self) -> &str {
        &self.table.name
    }

    fn column(&self, name: &str) -> Option<Value> {
        Some(self.image.value(self.table.column(name)?))
    }

    fn linked(&self, lookup: &str, member: &str) -> Option<Value> {
        let column = self.table.column(lookup)?;
        let Value::Id(id) = self.image.value(column) else {
            return Some(Value::Null);
        };
        let kind = &self.table.columns[column.index()].kind;
        matches!(kind, ColumnType::Lookup(_))
            .then(|| self.linked.value(kind, id, member).unwrap_or_default())
    }
}

/// A row as a reader gets it.
pub fn record_of(table: TableId, image: &RowImage<'_>, columns: &[(ColumnId, Name)]) -> Record {
    Record {
        table,
        id: image.id(),
        row_version: image.row_version(),
        columns: columns
            .iter()
            .map(|(column, name)| (*column, name.clone(), image.value(*column)))
            .collect(),
        expanded: Vec::new(),
    }
}

/// The columns of a table that a read asks for, with their names.
pub fn selected(table: &Table, select: Option<&[ColumnId]>) -> Vec<(ColumnId, Name)> {
    let named = |column: &ColumnId| (*column, table.columns[column.index()].name.clone());
    match select {
        Some(columns) => columns.iter().map(named).collect(),
        None => (0..).map(ColumnId).take(table.columns.len()).map(|it| named(&it)).collect(),
    }
}
