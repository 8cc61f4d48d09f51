//! Combinations of rows, for the conditions that only they can tell.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::execution::Query;
use crate::engine::database::join::{Join, value_of};
use crate::engine::database::read::{Caller, Linked, LinkedRows};
use crate::engine::names::Names;
use crate::plan::{Field, Link, Plan, Table};
use crate::words::evaluate::{RowAtHand, Scope, evaluate, is_true};
use crate::words::{ColumnType, Name, Record, RowId, Value};

impl Database {
    /// Whether the combination meets what the query says of it.
    pub(super) fn accepts(
        &mut self,
        context: &Context<'_>,
        caller: &Caller,
        query: &Query,
        join: &Join,
    ) -> bool {
        let (Some(residual), Some(base)) = (&join.residual, join.base()) else {
            return true;
        };
        let view = self.view(caller);
        let behind = LinkedRows {
            plan: context.plan,
            tables: &self.tables,
            view,
            visible: query.visible.as_deref(),
        };
        let row = JoinedRow {
            base,
            join,
            links: &query.links,
            plan: context.plan,
            names: context.names,
            behind: &behind,
        };
        let scope = Scope { bindings: &[], plug_in: None, row: Some(&row), clock: context.clock() };
        evaluate(residual, &scope).is_ok_and(|value| is_true(&value))
    }
}

/// A combination of rows, for the conditions on it.
struct JoinedRow<'a> {
    base: &'a Record,
    join: &'a Join,
    links: &'a [Link],
    plan: &'a Plan,
    names: &'a Names,
    behind: &'a LinkedRows<'a>,
}

impl JoinedRow<'_> {
    fn table(&self) -> &Table {
        self.plan.table(self.base.table)
    }
}

impl RowAtHand for JoinedRow<'_> {
    fn id(&self) -> RowId {
        self.base.id
    }

    fn name(&self) -> Name {
        let id = self.base.id;
        self.names.get(id).cloned().unwrap_or_else(|| id.to_string().into())
    }

    fn table_name(&self) -> &str {
        &self.table().name
    }

    fn column(&self, name: &str) -> Option<Value> {
        Some(value_of(self.base, Field::Column(self.table().column(name)?)))
    }

    fn linked(&self, name: &str, member: &str) -> Option<Value> {
        let Some(column) = self.table().column(name) else {
            let number = self.links.iter().position(|link| *link.name == *name)?;
            return Some(self.of_link(number, member));
        };
        let Value::Id(id) = value_of(self.base, Field::Column(column)) else {
            return Some(Value::Null);
        };
        let kind = &self.table().columns[column.index()].kind;
        matches!(kind, ColumnType::Lookup(_))
            .then(|| self.behind.value(kind, id, member).unwrap_or_default())
    }
}

impl JoinedRow<'_> {
    /// A member of the row that a link has given; null without one.
    fn of_link(&self, number: usize, member: &str) -> Value {
        let Some(record) = self.join.linked(number) else {
            return Value::Null;
        };
        let table = self.links[number].table;
        match self.plan.table(table).column(member) {
            Some(column) => value_of(record, Field::Column(column)),
            None if member == "id" => Value::Id(record.id),
            None => Value::Null,
        }
    }
}
