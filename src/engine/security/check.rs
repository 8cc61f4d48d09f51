//! The check of a request.
//!
//! Source: Microsoft Learn, "Event framework", Event execution pipeline: PreValidation may run
//! before the security checks; so they come after stage 10 and before stage 20.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::database::Assigned;
use crate::engine::fiber::{Fiber, FiberId, Frame, Phase, RequestFrame};
use crate::engine::pipeline::is_part;
use crate::engine::request::{AccessChange, Request};
use crate::engine::security::rights::Holdings;
use crate::engine::security::user_of;
use crate::engine::world::{Flow, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, Plan, Right, Security};
use crate::trace::{Access, Event};
use crate::words::{ColumnType, RowId, TableId, TransactionId, Value};

/// One right that a request needs.
#[derive(Clone, Copy, Debug)]
struct Need {
    right: Right,
    table: TableId,
    /// The row, where it is there already.
    row: Option<RowId>,
}

impl World {
    /// Checks the request on top of the stack. Where its user is not in the cache, that is loaded
    /// first, and the check waits for it.
    pub(in crate::engine) fn check_privileges(&mut self, id: FiberId, fiber: &mut Fiber) -> Flow {
        let shared = Arc::clone(&self.shared);
        let user = user_of(self, fiber);
        let is_part = is_part(fiber);
        let Some(Frame::Request(frame)) = fiber.frames.last_mut() else {
            return Flow::Continue;
        };
        let security = shared.plan.security_of(frame.instance);
        let (Some(security), Some(user)) = (security, user) else {
            frame.phase = Phase::Begin;
            return Flow::Continue;
        };
        // What the platform itself writes to say who is in a team, or who sees a row, was checked
        // with the request that it does so for.
        if is_part && (security.is_internal(frame.request.table) || is_inherited(&frame.request)) {
            frame.phase = Phase::Begin;
            return Flow::Continue;
        }
        let key = (frame.instance, user);
        let Some(holdings) = self.users.entries.get(&key) else {
            return self.recalculate(id, fiber, security, user);
        };
        let holdings = holdings.clone();
        match self.check_request(security, &holdings, frame) {
            Ok(()) => {
                frame.phase = Phase::Begin;
                if frame.request.message == Message::RetrieveMultiple
                    && tables_read(&shared.plan, frame)
                        .iter()
                        .any(|table| !holdings.has_for_all(Right::Read, *table))
                {
                    frame.sees_as = Some(user);
                }
            }
            Err(fault) => self.fail_request(fiber, fault),
        }
        Flow::Continue
    }

    /// Loads a user into the cache; the request waits meanwhile.
    fn recalculate(
        &mut self,
        id: FiberId,
        fiber: &mut Fiber,
        security: &Security,
        user: RowId,
    ) -> Flow {
        let Some(Frame::Request(frame)) = fiber.frames.last() else {
            return Flow::Continue;
        };
        let (request, instance) = (frame.id, frame.instance);
        let holdings = self.hold(security, user, None);
        let teams = u32::try_from(holdings.teams.len()).unwrap_or(u32::MAX);
        let business_units = u32::try_from(security.business_units.len()).unwrap_or(u32::MAX);
        let costs = security.recalculation;
        let took = costs
            .base
            .saturating_add(costs.per_team.saturating_mul(teams))
            .saturating_add(costs.per_business_unit.saturating_mul(business_units));
        self.users.entries.insert((instance, user), holdings);
        self.log.emit(self.now, || {
            Event::Access(Access::PrivilegesRecalculated {
                request,
                instance,
                user,
                took,
                teams,
                business_units,
            })
        });
        self.sleep(id, fiber, took)
    }

    /// Whether a user may make a request. A row that is created belongs to its user, unless the
    /// request says otherwise.
    ///
    /// Assumed: deletions have no owner any more, so only who sees all rows may read changes; and a
    /// query needs the right to read each table that it links, or to which it follows a lookup,
    /// at any depth.
    fn check_request(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &mut RequestFrame,
    ) -> Result<(), Fault> {
        let table = frame.request.table;
        let reader = frame.transaction.map(|transaction| transaction.id);
        if frame.request.message == Message::Create {
            own(security, holdings.user, frame);
        }
        let right = match frame.request.message {
            Message::Create => {
                let owner = assigned_owner(security, frame);
                let owner = owner.and_then(|it| self.owner(security, it, reader));
                if !holdings.reaches(security, Right::Create, table, owner) {
                    let need = Need { right: Right::Create, table, row: None };
                    return Err(self.deny(frame, holdings.user, need));
                }
                return self.check_references(security, holdings, frame);
            }
            Message::Retrieve => Right::Read,
            Message::RetrieveMultiple => {
                for table in tables_read(&self.shared.plan, frame) {
                    let need = Need { right: Right::Read, table, row: None };
                    self.check_need(security, holdings, frame, need)?;
                }
                return Ok(());
            }
            Message::RetrieveEntityChanges if !holdings.has_for_all(Right::Read, table) => {
                let need = Need { right: Right::Read, table, row: None };
                return Err(self.deny(frame, holdings.user, need));
            }
            Message::Update | Message::SetState | Message::Merge => Right::Write,
            Message::Delete => Right::Delete,
            Message::Assign => Right::Assign,
            Message::GrantAccess | Message::RevokeAccess => Right::Share,
            Message::Associate | Message::Disassociate => {
                self.check_association(security, holdings, frame)?;
                return self.check_team(holdings, frame);
            }
            // The items of a batch, and what a custom message asks for, are requests of their own,
            // each with its own check; a custom message needs no privilege unless its author says
            // so (`ExecutePrivilegeName`), which nobody can here.
            _ => return Ok(()),
        };
        let need = Need { right, table, row: frame.request.id() };
        self.check_need(security, holdings, frame, need)?;
        self.check_share(security, holdings, frame)?;
        if frame.request.message == Message::Update {
            self.check_assignment(security, holdings, frame)?;
            self.check_references(security, holdings, frame)?;
        }
        Ok(())
    }

    fn check_need(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &RequestFrame,
        need: Need,
    ) -> Result<(), Fault> {
        let reader = frame.transaction.map(|transaction| transaction.id);
        let has = match need.row {
            Some(row) => self.may(security, holdings, need.right, (need.table, row), reader),
            None => holdings.has(need.right, need.table),
        };
        if has { Ok(()) } else { Err(self.deny(frame, holdings.user, need)) }
    }

    /// Whether a user has a right on a row: by a privilege that reaches it, or by a share.
    ///
    /// A row that is not there is nobody's secret: the operation itself will tell.
    pub(in crate::engine) fn may(
        &self,
        security: &Security,
        holdings: &Holdings,
        right: Right,
        (table, row): (TableId, RowId),
        reader: Option<TransactionId>,
    ) -> bool {
        if !holdings.has(right, table) {
            return false;
        }
        if holdings.has_for_all(right, table) || !self.is_there(security, (table, row), reader) {
            return true;
        }
        let owner = self.owner_of(security, (table, row), reader);
        holdings.reaches(security, right, table, owner)
            || self.is_shared(security, holdings.user, right, row, reader)
    }

    fn is_there(
        &self,
        security: &Security,
        (table, row): (TableId, RowId),
        reader: Option<TransactionId>,
    ) -> bool {
        let store = self.databases[security.instance.index()].store(table);
        let view = crate::engine::store::View::Committed { reader };
        store.is_ok_and(|store| store.find(row).is_some_and(|row| store.read(row, view).is_some()))
    }

    /// Whether a row is shared with a user, or with a team of any kind that it is in.
    fn is_shared(
        &self,
        security: &Security,
        user: RowId,
        right: Right,
        row: RowId,
        reader: Option<TransactionId>,
    ) -> bool {
        let gives = |principal: RowId| {
            let place = self.share_place(security, row, principal);
            let tables = &security.tables;
            [tables.share_rights, tables.share_inherited].into_iter().any(|column| {
                match self.seen(security.instance, place, column, reader) {
                    Some(Value::Text(rights)) => rights.split(", ").any(|it| it == right.word()),
                    _ => false,
                }
            })
        };
        gives(user) || self.teams_of(security, user, None, reader).into_iter().any(gives)
    }

    /// The request's new owner must be one to whom the row may be given.
    fn check_assignment(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &RequestFrame,
    ) -> Result<(), Fault> {
        let table = frame.request.table;
        let Some(owner) = assigned_owner(security, frame) else {
            return Ok(());
        };
        let need = Need { right: Right::Assign, table, row: frame.request.id() };
        self.check_need(security, holdings, frame, need)?;
        self.check_principal(security, frame, owner)
    }

    /// A row can be shared with, or given to, only somebody who may read such rows.
    fn check_principal(
        &mut self,
        security: &Security,
        frame: &RequestFrame,
        principal: RowId,
    ) -> Result<(), Fault> {
        let table = frame.request.table;
        let reads = match security.team(principal) {
            // An access team holds no roles: what counts is what its members hold.
            Some(team) if team.kind == crate::plan::TeamKind::Access => true,
            Some(team) => {
                Holdings::of(security, team.id, None, &[(team.id, None)]).has(Right::Read, table)
            }
            None => self.hold(security, principal, None).has(Right::Read, table),
        };
        if reads {
            return Ok(());
        }
        let need = Need { right: Right::Read, table, row: frame.request.id() };
        self.tell_denial(frame, principal, need);
        let message = "Target user or team does not hold required privileges.";
        Err(Fault::new(FaultKind::PrincipalPrivilegeDenied, message))
    }

    /// Nobody can give rights by a share that it does not have itself.
    ///
    /// Source: Microsoft Learn, "Record sharing and access", Sharing and inheritance.
    fn check_share(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &RequestFrame,
    ) -> Result<(), Fault> {
        let Some(AccessChange::Share { with, rights, .. }) = frame.request.access.as_deref() else {
            return Ok(());
        };
        for &right in rights {
            let need = Need { right, table: frame.request.table, row: frame.request.id() };
            self.check_need(security, holdings, frame, need)?;
        }
        match frame.request.message {
            Message::GrantAccess => self.check_principal(security, frame, *with),
            _ => Ok(()),
        }
    }

    /// Who changes a team's members needs the right to change the team.
    ///
    /// Assumed: Write on the team.
    fn check_team(&mut self, holdings: &Holdings, frame: &RequestFrame) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let Some(security) = shared.plan.security_of(frame.instance) else {
            return Ok(());
        };
        let Some(AccessChange::Members { team, .. }) = frame.request.access.as_deref() else {
            return Ok(());
        };
        let need = Need { right: Right::Write, table: security.tables.team, row: Some(*team) };
        self.check_need(security, holdings, frame, need)
    }

    /// Who associates rows, or takes that back, needs the right to append each of them.
    ///
    /// Source: Microsoft Learn, "Security roles and privileges", Append: for a many-to-many
    /// relationship it is needed for both tables. Assumed: and for each of the rows; Write of the
    /// row that an older page, "Associate message privileges", asks for as well is not needed.
    fn check_association(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &RequestFrame,
    ) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let Some(association) = &frame.request.association else { return Ok(()) };
        let table = frame.request.table;
        let need = Need { right: Right::Append, table, row: frame.request.id() };
        self.check_need(security, holdings, frame, need)?;
        let relationship = &shared.plan.many_to_many[association.relationship.index()];
        let table = relationship.other(table);
        for row in &association.related {
            let need = Need { right: Right::Append, table, row: Some(*row) };
            self.check_need(security, holdings, frame, need)?;
        }
        Ok(())
    }

    /// A row that comes to refer to another needs Append, and the other one Append To.
    fn check_references(
        &mut self,
        security: &Security,
        holdings: &Holdings,
        frame: &RequestFrame,
    ) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let table = frame.request.table;
        let owner = security.owners[table.index()];
        for (column, assigned) in &frame.request.columns {
            let is_owner = owner.is_some_and(|it| *column == it.user || *column == it.team);
            let kind = &shared.plan.table(table).columns[column.index()].kind;
            let (ColumnType::Lookup(to), Assigned::Value(Value::Id(id)), false) =
                (kind, assigned, is_owner)
            else {
                continue;
            };
            let row = match frame.request.message {
                Message::Create => None,
                _ => frame.request.id(),
            };
            let from = Need { right: Right::Append, table, row };
            self.check_need(security, holdings, frame, from)?;
            let to = Need { right: Right::AppendTo, table: *to, row: Some(*id) };
            self.check_need(security, holdings, frame, to)?;
        }
        Ok(())
    }

    fn deny(&mut self, frame: &RequestFrame, user: RowId, need: Need) -> Fault {
        self.tell_denial(frame, user, need);
        let message = "The user does not hold the necessary privileges.";
        Fault::new(FaultKind::PrivilegeDenied, message)
    }

    fn tell_denial(&mut self, frame: &RequestFrame, principal: RowId, need: Need) {
        let (request, instance) = (frame.id, frame.instance);
        let Need { right, table, row } = need;
        self.log.emit(self.now, || {
            Event::Access(Access::PrivilegeDenied {
                request,
                instance,
                principal,
                right,
                table,
                row,
            })
        });
    }
}

/// Whether a request is about access that comes along from a row above.
///
/// Assumed: it was checked with the request for that row, whoever owns the one that inherits it.
fn is_inherited(request: &Request) -> bool {
    matches!(request.access.as_deref(), Some(AccessChange::Share { inherited: Some(_), .. }))
}

/// Every table that a query reads.
fn tables_read(plan: &Plan, frame: &RequestFrame) -> BTreeSet<TableId> {
    let table = frame.request.table;
    let query = frame.request.query.as_ref();
    query.map_or_else(|| BTreeSet::from([table]), |query| query.tables(plan, table))
}

/// Makes a new row its creator's own, where the request names no owner.
///
/// Source: Microsoft Learn, "Security concepts in Microsoft Dataverse", Record ownership.
fn own(security: &Security, user: RowId, frame: &mut RequestFrame) {
    if let (Some(columns), None) =
        (security.owners[frame.request.table.index()], assigned_owner(security, frame))
    {
        frame.request.assign(columns.user, Assigned::Value(Value::Id(user)));
    }
}

/// The owner that a request gives a row.
fn assigned_owner(security: &Security, frame: &RequestFrame) -> Option<RowId> {
    let columns = security.owners[frame.request.table.index()]?;
    frame.request.columns.iter().find_map(|(column, assigned)| match assigned {
        Assigned::Value(Value::Id(id)) if [columns.user, columns.team].contains(column) => {
            Some(*id)
        }
        _ => None,
    })
}
