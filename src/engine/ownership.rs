//! Who owns a row: the column or columns that say so.
//!
//! In an instance with `security` a row belongs to a user (`ownerid`) or to a team (`owningteam`).
//! Elsewhere a table may have a column `ownerid` of its author's own.

use crate::engine::database::{Assigned, broken};
use crate::engine::fiber::{Fiber, RequestFrame};
use crate::engine::request::Request;
use crate::engine::world::{Shared, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Plan, Table};
use crate::words::{ColumnId, Expression, InstanceId, RowId, TableId, Value};

/// The columns of a table that say who owns a row.
#[derive(Clone, Copy, Debug)]
pub struct Ownership {
    /// The owner, or the user who is it.
    user: ColumnId,
    /// The team that is it, where that is a column of its own.
    team: Option<ColumnId>,
}

impl Ownership {
    /// Those of a table; `None` for one whose rows have no owner.
    pub fn of(plan: &Plan, instance: InstanceId, table: TableId) -> Option<Self> {
        let security = plan.security_of(instance);
        match security.and_then(|security| security.owners[table.index()]) {
            Some(columns) => Some(Self { user: columns.user, team: Some(columns.team) }),
            None => Some(Self { user: plan.table(table).column("ownerid")?, team: None }),
        }
    }

    fn columns(self) -> impl Iterator<Item = ColumnId> {
        std::iter::once(self.user).chain(self.team)
    }

    /// The owner that a request gives its row; null where it takes the owner away, and `None`
    /// where it says nothing of the owner.
    pub fn given(self, request: &Request) -> Option<Value> {
        let mut given = None;
        for column in self.columns() {
            let mut columns = request.columns.iter();
            if let Some((_, Assigned::Value(value))) = columns.find(|(it, _)| *it == column)
                && given.as_ref().is_none_or(Value::is_null)
            {
                given = Some(value.clone());
            }
        }
        given
    }

    /// The owner of a row whose columns can be read so.
    pub fn read(self, mut value: impl FnMut(ColumnId) -> Value) -> Value {
        let owners = self.team.into_iter().chain([self.user]);
        owners.map(&mut value).find(|it| !it.is_null()).unwrap_or_default()
    }

    /// Has a request give its row this owner.
    pub fn give(self, plan: &Plan, instance: InstanceId, request: &mut Request, owner: &Value) {
        let is_team =
            |id: RowId| plan.security_of(instance).is_some_and(|it| it.team(id).is_some());
        match (self.team, owner) {
            (Some(team), Value::Id(id)) if is_team(*id) => {
                request.assign(team, Assigned::Value(owner.clone()));
            }
            _ => request.assign(self.user, Assigned::Value(owner.clone())),
        }
    }

    /// The column that must become null when a request gives its row an owner of the other kind.
    pub fn left(self, request: &Request) -> Option<ColumnId> {
        let gives = |column: ColumnId| {
            request
                .columns
                .iter()
                .find(|(it, _)| *it == column)
                .map(|(_, value)| matches!(value, Assigned::Value(Value::Id(_))))
        };
        match (gives(self.user), gives(self.team?)) {
            (Some(true), None) => self.team,
            (None, Some(true)) => Some(self.user),
            _ => None,
        }
    }
}

impl World {
    /// The owner that an expression means, for rows of this table.
    pub(super) fn new_owner(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        (instance, table): (InstanceId, TableId),
        to: &Expression,
    ) -> Result<(Ownership, Value), Fault> {
        let Some(ownership) = Ownership::of(&shared.plan, instance, table) else {
            return Err(unowned(shared.plan.table(table)));
        };
        if ownership.team.is_some() {
            let owner = self.principal(shared, fiber, instance, to)?;
            return Ok((ownership, Value::Id(owner)));
        }
        let owner = self.value(fiber, to)?;
        let owner = match owner {
            Value::Record(record) => Value::Id(record.id),
            owner => self.coerce(table, ownership.user, owner)?,
        };
        match owner {
            Value::Null => Err(broken("the new owner is null".to_owned())),
            owner => Ok((ownership, owner)),
        }
    }

    /// A row has one owner: who gives it to a team takes it from its user, and the other way
    /// round.
    ///
    /// Source: Microsoft Learn, "Security concepts in Microsoft Dataverse", Record ownership: a
    /// row has one owner, of which `owninguser` and `owningteam` are told.
    pub(super) fn leave_other_owner(&self, frame: &mut RequestFrame) {
        let (plan, table) = (&self.shared.plan, frame.request.table);
        let ownership = Ownership::of(plan, frame.instance, table);
        let left = ownership.and_then(|it| it.left(&frame.request));
        if let (Some(left), Some(row)) = (left, frame.request.id())
            && self.column_of(frame, (table, row), left).is_some_and(|it| !it.is_null())
        {
            frame.request.assign(left, Assigned::Value(Value::Null));
        }
    }
}

/// The fault of a row that can't be given to anybody.
///
/// Assumed: the code; no page read tells what an Assign of such a row meets.
fn unowned(table: &Table) -> Fault {
    let message =
        format!("'{}' entity doesn't contain attribute with Name = 'ownerid'.", table.name);
    Fault::new(FaultKind::NoSuchColumn, message)
}
