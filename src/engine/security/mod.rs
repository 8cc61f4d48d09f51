//! Users' privileges: each web server caches what a user holds, and a request is checked against
//! that cache, after the stage PreValidation and before its transaction.
//!
//! ```text
//!   a systemuser row written ──────┐ noted with the        at its commit       the user's next
//!   an owner team's member changed ┘ transaction    ─────▶ the entry goes ───▶ request loads it
//!                                    (a rollback forgets it)                   again and waits
//! ```
//!
//! Source: Microsoft Learn, "Transaction design patterns", Setting up security: every change of a
//! user's owner teams, and every update of its row, invalidates its cache in the web server; it is
//! reloaded and the privileges are worked out again, an expensive activity. Assumed: an instance
//! has one web server, and an invalidation takes effect with the commit; with several, others go
//! on with what they have for up to about 30 s. Assumed: at the start no user is in the cache.

mod change;
mod check;
mod rights;
mod sight;

use std::collections::BTreeMap;

use crate::engine::fiber::{Fiber, Frame, RequestFrame};
use crate::engine::security::rights::{Holdings, Owner};
use crate::engine::store::View;
use crate::engine::world::World;
use crate::plan::{Message, Security, TeamKind};
use crate::trace::{Access, CacheLoss, Event};
use crate::words::{ColumnId, InstanceId, RowId, TableId, TransactionId, Value};

/// What the instances have cached of users, and which open transactions will invalidate what.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(in crate::engine) struct UserCaches {
    entries: BTreeMap<(InstanceId, RowId), Holdings>,
    pending: BTreeMap<TransactionId, Vec<(RowId, CacheLoss)>>,
}

impl UserCaches {
    /// What will become invalid when a transaction is committed.
    fn note(&mut self, transaction: TransactionId, user: RowId, why: CacheLoss) {
        let noted = self.pending.entry(transaction).or_default();
        if noted.iter().all(|(known, _)| *known != user) {
            noted.push((user, why));
        }
    }
}

/// The user as whom the request on top of the stack is made: that of the innermost step that runs
/// as somebody, else the caller's own. `None` for a system administrator.
pub(in crate::engine) fn user_of(world: &World, fiber: &Fiber) -> Option<RowId> {
    let plan = &world.shared.plan;
    let running = fiber.frames.iter().rev().find_map(|frame| match frame {
        Frame::Request(frame) => {
            let (plug_in, _) = frame.running?;
            plan.plug_in(plug_in).run_as.as_ref()
        }
        _ => None,
    });
    match running {
        Some(name) if name.eq_ignore_ascii_case(SYSTEM) => None,
        Some(name) => Some(RowId::named(USER_TABLE, name)),
        None => fiber.user,
    }
}

/// The user of the platform that may do everything.
const SYSTEM: &str = "system";
/// The logical name of the table of users.
pub(in crate::engine) const USER_TABLE: &str = "systemuser";

impl World {
    /// A transaction is committed: what it changed of users is no longer in the cache.
    pub(in crate::engine) fn invalidate_users(
        &mut self,
        instance: InstanceId,
        transaction: TransactionId,
    ) {
        let Some(users) = self.users.pending.remove(&transaction) else {
            return;
        };
        for (user, why) in users {
            if self.users.entries.remove(&(instance, user)).is_some() {
                self.log.emit(self.now, || {
                    Event::Access(Access::UserCacheInvalidated { transaction, instance, user, why })
                });
            }
        }
    }

    /// A transaction is rolled back: nothing that it changed of users counts.
    pub(in crate::engine) fn forget_invalidations(&mut self, transaction: TransactionId) {
        self.users.pending.remove(&transaction);
    }

    /// A request has written a row: of a user, its cache will be invalid.
    pub(in crate::engine) fn note_written_user(&mut self, frame: &RequestFrame) {
        let Some(security) = self.shared.plan.security_of(frame.instance) else {
            return;
        };
        let writes = matches!(frame.request.message, Message::Update | Message::Delete);
        if frame.request.table != security.tables.user || !writes {
            return;
        }
        if let (Some(transaction), Some(user)) = (frame.transaction, frame.request.id()) {
            self.users.note(transaction.id, user, CacheLoss::UserWritten);
        }
    }

    /// The value of a column of a row, as a transaction sees it.
    fn seen(
        &self,
        instance: InstanceId,
        (table, row): (TableId, RowId),
        column: ColumnId,
        reader: Option<TransactionId>,
    ) -> Option<Value> {
        let store = self.databases[instance.index()].store(table).ok()?;
        let image = store.read(store.find(row)?, View::Committed { reader })?;
        Some(image.value(column))
    }

    /// The id in a column of a row.
    fn seen_id(
        &self,
        instance: InstanceId,
        place: (TableId, RowId),
        column: ColumnId,
        reader: Option<TransactionId>,
    ) -> Option<RowId> {
        match self.seen(instance, place, column, reader) {
            Some(Value::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// The teams of a kind that a user is in, by their rows.
    fn teams_of(
        &self,
        security: &Security,
        user: RowId,
        kind: Option<TeamKind>,
        reader: Option<TransactionId>,
    ) -> Vec<RowId> {
        let plan = &self.shared.plan;
        let (instance, tables) = (security.instance, &security.tables);
        let teams = security.teams.iter().filter(|team| kind.is_none_or(|kind| kind == team.kind));
        let is_member = |team: &RowId| {
            let row = plan.row_id(tables.membership, &membership_name(security, *team, user));
            let place = (tables.membership, row);
            self.seen(instance, place, tables.membership_user, reader).is_some()
        };
        teams.map(|team| team.id).filter(is_member).collect()
    }

    /// What a user holds, worked out from the rows.
    fn hold(&self, security: &Security, user: RowId, reader: Option<TransactionId>) -> Holdings {
        let (instance, tables) = (security.instance, &security.tables);
        let unit = self.seen_id(instance, (tables.user, user), tables.user_unit, reader);
        let teams = self.teams_of(security, user, Some(TeamKind::Owner), reader);
        let unit_of = |team: RowId| {
            (team, self.seen_id(instance, (tables.team, team), tables.team_unit, reader))
        };
        let teams: Vec<_> = teams.into_iter().map(unit_of).collect();
        Holdings::of(security, user, unit, &teams)
    }

    /// Who owns a row; `None` for a row without an owner.
    fn owner_of(
        &self,
        security: &Security,
        (table, row): (TableId, RowId),
        reader: Option<TransactionId>,
    ) -> Option<Owner> {
        let columns = security.owners[table.index()]?;
        let instance = security.instance;
        let team = self.seen_id(instance, (table, row), columns.team, reader);
        let user = self.seen_id(instance, (table, row), columns.user, reader);
        self.owner(security, team.or(user)?, reader)
    }

    /// A user or team as an owner.
    fn owner(
        &self,
        security: &Security,
        principal: RowId,
        reader: Option<TransactionId>,
    ) -> Option<Owner> {
        let (instance, tables) = (security.instance, &security.tables);
        let unit = match security.team(principal) {
            Some(_) => self.seen_id(instance, (tables.team, principal), tables.team_unit, reader),
            None => self.seen_id(instance, (tables.user, principal), tables.user_unit, reader),
        };
        Some(Owner { principal, unit })
    }
}

/// The name of the row that says that a user is in a team.
fn membership_name(security: &Security, team: RowId, user: RowId) -> String {
    format!("{} in {}", name_of(security, user), name_of(security, team))
}

/// A user's or team's name; its id for one that came later.
fn name_of(security: &Security, principal: RowId) -> String {
    let user = security.users.iter().find(|it| it.id == principal).map(|it| &it.name);
    let known = user.or_else(|| security.team(principal).map(|it| &it.name));
    known.map_or_else(|| principal.to_string(), ToString::to_string)
}
