//! The decision itself: what a user's privileges reach, as plain data and without a clock.
//!
//! ```text
//!   own roles ─────────────┐                     user: the holder's own rows
//!   owner teams' roles ────┴▶ grants ▶ depth ──▶ business unit: those of the holder's unit
//!                                                 child business units: and of those below
//!                                                 organization: all
//! ```

use crate::plan::{Depth, Right, Security};
use crate::words::{RowId, TableId};

/// What one user holds, as the entry of its cache has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) struct Holdings {
    /// The user.
    pub user: RowId,
    /// The owner teams that it is in.
    pub teams: Vec<RowId>,
    /// Every privilege that it has, of its own and through teams.
    pub grants: Vec<Grant>,
}

/// One privilege that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) struct Grant {
    /// On which table.
    pub table: TableId,
    /// What.
    pub right: Right,
    /// How far it reaches.
    pub depth: Depth,
    /// Who holds it: the user itself, or a team that it is in.
    pub holder: RowId,
    /// The holder's business unit.
    pub unit: Option<RowId>,
}

/// Who owns a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) struct Owner {
    /// The user or team.
    pub principal: RowId,
    /// Its business unit.
    pub unit: Option<RowId>,
}

impl Holdings {
    /// What a user with these roles, in this unit and these owner teams (each with its unit),
    /// holds.
    pub(in crate::engine) fn of(
        security: &Security,
        user: RowId,
        unit: Option<RowId>,
        teams: &[(RowId, Option<RowId>)],
    ) -> Self {
        let own = security.users.iter().find(|it| it.id == user);
        let own = own.map_or(&[][..], |it| &it.roles);
        let mut grants = Vec::new();
        let mut add = |roles: &[u16], holder, unit| {
            for privilege in
                roles.iter().flat_map(|it| &security.roles[usize::from(*it)].privileges)
            {
                let (table, right, depth) = (privilege.table, privilege.right, privilege.depth);
                grants.push(Grant { table, right, depth, holder, unit });
            }
        };
        add(own, user, unit);
        for (team, unit) in teams {
            let roles = security.team(*team).map_or(&[][..], |it| &it.roles);
            add(roles, *team, *unit);
        }
        Self { user, teams: teams.iter().map(|(team, _)| *team).collect(), grants }
    }

    /// Whether it has the privilege at any depth.
    ///
    /// Source: Microsoft Learn, "Record sharing and access": a share gives no right for which the
    /// user's roles have no privilege at all.
    pub(in crate::engine) fn has(&self, right: Right, table: TableId) -> bool {
        self.grants.iter().any(|it| it.table == table && it.right == right)
    }

    /// Whether it has the privilege for all rows of the table.
    pub(in crate::engine) fn has_for_all(&self, right: Right, table: TableId) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|it| it.table == table && it.right == right && it.depth == Depth::Organization)
    }

    /// Whether one of its privileges reaches a row with this owner.
    ///
    /// Assumed: a role that a team holds at the depth *user* reaches the team's rows only (the
    /// default, "Team privileges only"). A row without an owner is within *organization* alone.
    pub(in crate::engine) fn reaches(
        &self,
        security: &Security,
        right: Right,
        table: TableId,
        owner: Option<Owner>,
    ) -> bool {
        let grants = self.grants.iter().filter(|it| it.table == table && it.right == right);
        let reaches = |grant: &Grant| {
            let Some(owner) = owner else {
                return grant.depth == Depth::Organization;
            };
            match grant.depth {
                Depth::Organization => true,
                Depth::User if grant.holder == self.user => {
                    owner.principal == self.user || self.teams.contains(&owner.principal)
                }
                Depth::User => owner.principal == grant.holder,
                Depth::BusinessUnit => grant.unit.is_some() && owner.unit == grant.unit,
                Depth::ChildBusinessUnits => match (owner.unit, grant.unit) {
                    (Some(unit), Some(above)) => security.is_within(unit, above),
                    _ => false,
                },
            }
        };
        let mut grants = grants;
        grants.any(reaches)
    }
}
