//! The operations that change who may do what: shares of rows, and members of teams. Both are
//! rows of the platform's own tables, which the platform writes by requests of its own, in the
//! transaction of the request that asks for it: with their locks, and steps can listen to them.

use std::sync::Arc;

use crate::engine::database::{Assigned, broken};
use crate::engine::fiber::{Fiber, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::{AccessChange, Request, Target};
use crate::engine::security::{membership_name, name_of};
use crate::engine::store::View;
use crate::engine::world::{Shared, World};
use crate::fault::Fault;
use crate::plan::{Message, Right, Security, TeamKind};
use crate::trace::CacheLoss;
use crate::words::{
    BinaryOperator, Expression, InstanceId, Name, RowId, TableId, TransactionId, Value,
};

impl World {
    /// The request that writes what a GrantAccess or RevokeAccess says of its own row; `None`
    /// where nothing is to be written.
    pub(in crate::engine) fn change_share(
        &mut self,
        frame: &RequestFrame,
    ) -> Result<Option<Request>, Fault> {
        let shared = Arc::clone(&self.shared);
        let security = secured(shared.plan.security_of(frame.instance))?;
        let (Some(AccessChange::Share { with, rights, inherited }), Some(row)) =
            (frame.request.access.as_deref(), frame.request.id())
        else {
            return Err(broken("the request says nothing of a share".to_owned()));
        };
        let tables = &security.tables;
        let (column, other) = match inherited {
            None => (tables.share_rights, tables.share_inherited),
            Some(_) => (tables.share_inherited, tables.share_rights),
        };
        let reader = frame.transaction.map(|transaction| transaction.id);
        let place = self.share_place(security, row, *with);
        let (table, id) = place;
        let seen = |column| self.seen(frame.instance, place, column, reader);
        let known = seen(column).is_some();
        let has = |column| seen(column).is_some_and(|value| !value.is_null());
        let revokes = frame.request.message == Message::RevokeAccess;
        let mut part = match (revokes, known) {
            (true, _) if !has(column) => return Ok(None),
            (true, _) if !has(other) => {
                return Ok(Some(Request::new(Message::Delete, table, Target::Id(id))));
            }
            (true, _) | (_, true) => Request::new(Message::Update, table, Target::Id(id)),
            (false, false) => {
                let name = self.share_name(security, row, *with);
                self.row_called(table, &name);
                let mut request = Request::new(Message::Create, table, Target::Id(id));
                let (object, principal) = (Value::Id(row), Value::Id(*with));
                request.assign(tables.share_object, Assigned::Value(object));
                request.assign(tables.share_principal, Assigned::Value(principal));
                request
            }
        };
        let value = match revokes {
            true => Value::Null,
            false => Value::Text(words(rights).into()),
        };
        part.assign(column, Assigned::Value(value));
        Ok(Some(part))
    }

    /// With whom a row is shared: the own and the inherited rights of each, by the users' and
    /// teams' ids.
    pub(in crate::engine) fn shares_of(
        &self,
        security: &Security,
        row: RowId,
        reader: Option<TransactionId>,
    ) -> Vec<(RowId, Vec<Right>, Vec<Right>)> {
        let tables = &security.tables;
        let Ok(store) = self.databases[security.instance.index()].store(tables.share) else {
            return Vec::new();
        };
        let view = View::Committed { reader };
        let shares = store.rows().filter_map(|number| store.read(number, view));
        let of_row = shares.filter(|share| share.value(tables.share_object) == Value::Id(row));
        let mut found: Vec<_> = of_row
            .filter_map(|share| match share.value(tables.share_principal) {
                Value::Id(with) => {
                    let own = rights_in(&share.value(tables.share_rights));
                    Some((with, own, rights_in(&share.value(tables.share_inherited))))
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|(with, ..)| *with);
        found
    }

    /// A request that adds users to a team or takes them out.
    pub(in crate::engine) fn build_members(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        place: InstanceId,
        (team, users): (&Expression, &[Expression]),
        leave: bool,
    ) -> Result<Request, Fault> {
        let tables = secured(shared.plan.security_of(place))?.tables;
        let team = self.row(fiber, tables.team, team)?;
        let mut rows = Vec::with_capacity(users.len());
        for user in users {
            match self.value(fiber, user)? {
                Value::List(users) => {
                    for user in users.iter() {
                        rows.push(self.row(
                            fiber,
                            tables.user,
                            &Expression::Literal(user.clone()),
                        )?);
                    }
                }
                user => rows.push(self.row(fiber, tables.user, &Expression::Literal(user))?),
            }
        }
        let message = if leave { Message::Disassociate } else { Message::Associate };
        let mut request = Request::new(message, tables.membership, Target::None);
        let members = AccessChange::Members { team, users: rows, done: 0, is_locked: false };
        request.access = Some(Box::new(members));
        Ok(request)
    }

    /// The user or team that an expression means.
    pub(in crate::engine) fn principal(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        place: InstanceId,
        who: &Expression,
    ) -> Result<RowId, Fault> {
        let security = secured(shared.plan.security_of(place))?;
        if let Value::Text(name) = self.value(fiber, who)?
            && let Some(team) = security.teams.iter().find(|team| team.name == name)
        {
            return Ok(team.id);
        }
        self.row(fiber, security.tables.user, who)
    }

    /// The row that says how a row is shared with somebody.
    pub(super) fn share_place(
        &self,
        security: &Security,
        row: RowId,
        with: RowId,
    ) -> (TableId, RowId) {
        let table = security.tables.share;
        (table, self.shared.plan.row_id(table, &self.share_name(security, row, with)))
    }

    fn share_name(&self, security: &Security, row: RowId, with: RowId) -> String {
        let row = self.names.get(row).map_or_else(|| row.to_string(), ToString::to_string);
        format!("{row} with {}", name_of(security, with))
    }

    /// Associate and Disassociate of users with a team: one user after the other, in the order
    /// that the request has them in. For each, the user's row of principals is written first, and
    /// locked with that until the end of the transaction; then the membership.
    ///
    /// Source: Microsoft Learn, "Transaction design patterns", Setting up security: users are to
    /// be added in the same order always, to avoid deadlocks.
    pub(in crate::engine) fn change_members(
        &mut self,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let security = secured(shared.plan.security_of(frame.instance))?;
        let leave = frame.request.message == Message::Disassociate;
        let reader = frame.transaction.map(|transaction| transaction.id);
        let tables = &security.tables;
        loop {
            let Some(AccessChange::Members { team, users, done, is_locked }) =
                frame.request.access.as_deref_mut()
            else {
                return Err(broken("the request says nothing of members".to_owned()));
            };
            let (team, Some(&user)) = (*team, users.get(*done)) else {
                return Ok(Done::After(std::time::Duration::ZERO));
            };
            let name = membership_name(security, team, user);
            let row = shared.plan.row_id(tables.membership, &name);
            let place = (tables.membership, row);
            let is_member =
                self.seen(frame.instance, place, tables.membership_user, reader).is_some();
            if is_member != leave {
                // There is nothing to do, or it has been done.
                *done += 1;
                *is_locked = false;
                continue;
            }
            if !*is_locked {
                *is_locked = true;
                return Ok(self.count_change(security, user));
            }
            if let (Some(team), Some(transaction)) = (security.team(team), frame.transaction)
                && team.kind == TeamKind::Owner
            {
                self.users.note(transaction.id, user, CacheLoss::OwnerTeamsChanged);
            }
            if leave {
                return Ok(part(Message::Delete, tables.membership, row));
            }
            self.row_called(tables.membership, &name);
            let mut request = Request::new(Message::Create, tables.membership, Target::Id(row));
            request.assign(tables.membership_team, Assigned::Value(Value::Id(team)));
            request.assign(tables.membership_user, Assigned::Value(Value::Id(user)));
            return Ok(Done::Part(Box::new(request)));
        }
    }

    /// Writes the row that counts the changes of a user's teams.
    fn count_change(&self, security: &Security, user: RowId) -> Done {
        let (table, column) = (security.tables.principals, security.tables.principals_changes);
        let name = name_of(security, user);
        let row = self.shared.plan.row_id(table, &name);
        let mut request = Request::new(Message::Update, table, Target::Id(row));
        let column_name = self.shared.plan.table(table).columns[column.index()].name.clone();
        request.assign(column, Assigned::Late(Arc::new(one_more(column_name))));
        Done::Part(Box::new(request))
    }
}

impl Request {
    /// A request that shares a row; without any rights, that takes its share away.
    pub(in crate::engine) fn share(
        (table, target): (TableId, Target),
        with: RowId,
        rights: &[Right],
    ) -> Self {
        let message = match rights.is_empty() {
            true => Message::RevokeAccess,
            false => Message::GrantAccess,
        };
        let mut request = Self::new(message, table, target);
        let share = AccessChange::Share { with, rights: rights.to_vec(), inherited: None };
        request.access = Some(Box::new(share));
        request
    }
}

/// A request of the platform's own that writes nothing but the row itself.
fn part(message: Message, table: TableId, row: RowId) -> Done {
    Done::Part(Box::new(Request::new(message, table, Target::Id(row))))
}

/// `column + 1`
fn one_more(column: Name) -> Expression {
    let one = Expression::Literal(Value::Whole(1));
    let column = Expression::Column(column);
    Expression::Binary(BinaryOperator::Add, Box::new(column), Box::new(one))
}

/// The rights in words with commas between them.
fn rights_in(words: &Value) -> Vec<Right> {
    let Value::Text(words) = words else { return Vec::new() };
    let rights = Right::ALL.into_iter();
    rights.filter(|right| words.split(", ").any(|word| word == right.word())).collect()
}

/// The rights as words with commas between them.
fn words(rights: &[Right]) -> String {
    let words: Vec<&str> = rights.iter().map(|right| right.word()).collect();
    words.join(", ")
}

fn secured(security: Option<&Security>) -> Result<&Security, Fault> {
    security.ok_or_else(|| broken("the instance has no `security`".to_owned()))
}
