//! Which rows of the tables that a query reads its user may see, as plain data: by their owners,
//! and by what is shared.
//!
//! A query decides row by row while it collects them, so that what its user may not see counts
//! nowhere: not for its pages, nor its total, nor its aggregates, nor among distinct rows.
//!
//! Assumed: the platform builds the same into its SQL, as a condition on owners and shares that is
//! as of the query's start. An inner link drops a row whose linked rows its user may not see, an
//! outer link and a lookup answer null for them, and for `any` and `not any` they are
//! not there.

use std::collections::BTreeSet;

use crate::engine::database::execution::Query;
use crate::engine::database::join::value_of;
use crate::engine::database::search::each_lookup;
use crate::engine::store::RowImage;
use crate::plan::{Field, OwnerColumns, Plan};
use crate::words::{ColumnId, ColumnType, Record, RowId, TableId, Value};

/// What one user may see of the tables that a query reads. Those that are not in it, it sees whole.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Visible {
    /// Each table with what is seen of it.
    pub tables: Vec<(TableId, Sight)>,
}

/// What a user sees of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight {
    /// The columns that say who owns a row; `None` where nobody does.
    pub owner: Option<OwnerColumns>,
    /// Users and teams, all of whose rows are seen.
    pub owners: BTreeSet<RowId>,
    /// Rows that are shared with the user or with one of its teams.
    pub shared: BTreeSet<RowId>,
}

impl Sight {
    fn shows(&self, row: RowId, value: impl Fn(ColumnId) -> Value) -> bool {
        let owned = self.owner.is_some_and(|columns| {
            let owner = match (value(columns.team), value(columns.user)) {
                (Value::Id(team), _) => team,
                (_, Value::Id(user)) => user,
                _ => return false,
            };
            self.owners.contains(&owner)
        });
        owned || self.shared.contains(&row)
    }
}

impl Visible {
    /// What is seen of a table; `None` for all of it.
    fn of(&self, table: TableId) -> Option<&Sight> {
        self.tables.iter().find(|(it, _)| *it == table).map(|(_, sight)| sight)
    }

    /// Whether a stored row is seen.
    pub(super) fn shows_image(&self, table: TableId, image: &RowImage<'_>) -> bool {
        self.of(table).is_none_or(|sight| sight.shows(image.id(), |column| image.value(column)))
    }
}

impl Query {
    /// Every table that a query of this table reads, each once: its own, those of its links, and
    /// those behind the lookups that it expands or that its conditions follow.
    pub fn tables(&self, plan: &Plan, table: TableId) -> BTreeSet<TableId> {
        let mut tables = BTreeSet::from([table]);
        let mut follow = |table: TableId, columns: &[ColumnId]| {
            for column in columns {
                if let ColumnType::Lookup(to) = plan.table(table).columns[column.index()].kind {
                    tables.insert(to);
                }
            }
        };
        let mut followed = self.expand.clone();
        if let Some(filter) = &self.filter {
            each_lookup(filter, plan.table(table), &mut followed);
        }
        follow(table, &followed);
        for link in &self.links {
            let mut followed = Vec::new();
            if let Some(filter) = &link.filter {
                each_lookup(filter, plan.table(link.table), &mut followed);
            }
            follow(link.table, &followed);
        }
        tables.extend(self.links.iter().map(|link| link.table));
        tables
    }

    /// Whether its user may see a row, of which all columns are given.
    pub(super) fn shows(&self, record: &Record) -> bool {
        let sight = self.visible.as_ref().and_then(|visible| visible.of(record.table));
        let value = |column| value_of(record, Field::Column(column));
        sight.is_none_or(|sight| sight.shows(record.id, value))
    }

    /// The columns of a table that tell whether a row is seen: they are read with it.
    pub(super) fn owner_columns(&self, table: Option<TableId>) -> impl Iterator<Item = ColumnId> {
        let visible = self.visible.as_ref();
        let sight = table.and_then(|table| visible?.of(table));
        let columns = sight.and_then(|sight| sight.owner);
        columns.into_iter().flat_map(|it| [it.user, it.team])
    }
}
