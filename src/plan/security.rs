//! Who may do what in an instance: business units, roles, users, teams.
//!
//! Users, teams, memberships and shares are rows of tables of the platform's own, so that they can
//! be read, changed and locked like any other. What is here is what their names mean: which roles
//! they hold. A plan without it checks nothing.
//!
//! Source: Microsoft Learn, "Security concepts in Microsoft Dataverse".

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::{ColumnId, InstanceId, Name, RowId, TableId};

/// The security of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Security {
    /// Of which instance.
    pub instance: InstanceId,
    /// Where users, teams and shares are kept.
    pub tables: SecurityTables,
    /// For each table of the plan, by `TableId`, the columns that say who owns a row; `None` for
    /// a table whose rows nobody owns.
    pub owners: Vec<Option<OwnerColumns>>,
    /// The business units, parents first.
    ///
    /// Assumed: the tree stays as it is while the world runs.
    pub business_units: Vec<BusinessUnit>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The users.
    pub users: Vec<User>,
    /// The teams.
    pub teams: Vec<Team>,
    /// What it costs to work a user's privileges out again.
    pub recalculation: Recalculation,
}

/// The platform's own tables for users, teams and shares, by their logical names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SecurityTables {
    /// `businessunit`.
    pub business_unit: TableId,
    /// `systemuser`.
    pub user: TableId,
    /// Its column with the user's business unit.
    pub user_unit: ColumnId,
    /// `team`.
    pub team: TableId,
    /// Its column with the team's business unit.
    pub team_unit: ColumnId,
    /// `teammembership`: who is in which team.
    pub membership: TableId,
    /// Its column with the team.
    pub membership_team: ColumnId,
    /// Its column with the user.
    pub membership_user: ColumnId,
    /// `systemuserprincipals`: for each user, how often the set of those for whom it acts has
    /// changed.
    ///
    /// Assumed: each change of a membership writes the user's row there. Where two changes meet
    /// is not documented; that adding users in different orders deadlocks is.
    pub principals: TableId,
    /// Its column that counts the changes.
    pub principals_changes: ColumnId,
    /// `principalobjectaccess`: which rows are shared, with whom.
    pub share: TableId,
    /// Its column with the id of the row that is shared.
    pub share_object: ColumnId,
    /// Its column with the user or team.
    pub share_principal: ColumnId,
    /// Its column with the rights, as words with commas between them.
    pub share_rights: ColumnId,
    /// Its column with the rights that came along from a row above, in the same form.
    pub share_inherited: ColumnId,
}

/// The columns that say who owns a row. At most one of them has a value.
///
/// Source: Microsoft Learn, "Security concepts in Microsoft Dataverse", Record ownership; the
/// columns `owninguser` and `owningteam`. Assumed: `ownerid` is the user's here, because a lookup
/// refers to one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnerColumns {
    /// `ownerid`: the user.
    pub user: ColumnId,
    /// `owningteam`: the team.
    pub team: ColumnId,
}

/// A node of the tree of business units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusinessUnit {
    /// Its row.
    pub id: RowId,
    /// Its name.
    pub name: Name,
    /// The unit above it; `None` for the root.
    pub parent: Option<RowId>,
}

/// A security role: privileges on tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: Name,
    /// What it allows: each right on a table at most once.
    pub privileges: Vec<Privilege>,
}

/// What a role allows on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Privilege {
    /// On which table.
    pub table: TableId,
    /// What.
    pub right: Right,
    /// To whose rows it reaches.
    pub depth: Depth,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its row.
    pub id: RowId,
    /// Its name.
    pub name: Name,
    /// Its roles: positions in [`Security::roles`].
    pub roles: Vec<u16>,
}

/// A team. Its business unit and its members are in rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Its row.
    pub id: RowId,
    /// Its name.
    pub name: Name,
    /// Whether it owns rows and holds roles.
    pub kind: TeamKind,
    /// Its roles: positions in [`Security::roles`]. Empty for an access team.
    pub roles: Vec<u16>,
}

/// The kinds of teams.
///
/// Source: Microsoft Learn, "Microsoft Dataverse teams management", Types of teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TeamKind {
    /// It owns rows and holds roles, which its members have through it. A change of its members
    /// invalidates their caches.
    Owner,
    /// It owns nothing and holds no roles; rows are shared with it.
    Access,
}

/// What can be done with a row.
///
/// Source: Microsoft Learn, "Security roles and privileges", Table privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Making it.
    Create,
    /// Seeing it.
    Read,
    /// Changing it.
    Write,
    /// Removing it.
    Delete,
    /// Having it refer to another row.
    Append,
    /// Having another row refer to it.
    AppendTo,
    /// Giving it to another owner.
    Assign,
    /// Giving another access to it.
    Share,
}

impl Right {
    /// Every right, in the order of the platform's forms.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Read,
        Self::Write,
        Self::Delete,
        Self::Append,
        Self::AppendTo,
        Self::Assign,
        Self::Share,
    ];

    /// What scenarios and stories call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Append => "append",
            Self::AppendTo => "append to",
            Self::Assign => "assign",
            Self::Share => "share",
        }
    }
}

/// To whose rows a privilege reaches.
///
/// Source: Microsoft Learn, "Security roles and privileges", Security role access levels (Basic,
/// Local, Deep and Global).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Basic: the holder's own, and those of the owner teams that a user is in.
    User,
    /// Local: those of the holder's business unit.
    BusinessUnit,
    /// Deep: those of the holder's business unit and of all units below it.
    ChildBusinessUnits,
    /// Global: all.
    Organization,
}

/// The virtual time that it takes to load a user's cache and to work its privileges out.
///
/// Source: Microsoft Learn, "Transaction design patterns", Setting up security: the work is
/// expensive, and many teams and business units add to it. Assumed: the figures, which no page
/// states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recalculation {
    /// For any user. Default 100 ms.
    pub base: Duration,
    /// For each owner team that the user is in. Default 20 ms.
    pub per_team: Duration,
    /// For each business unit of the instance. Default 5 ms.
    pub per_business_unit: Duration,
}

impl Default for Recalculation {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(100),
            per_team: Duration::from_millis(20),
            per_business_unit: Duration::from_millis(5),
        }
    }
}

impl Security {
    /// The team with this row.
    pub fn team(&self, id: RowId) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    /// Whether a business unit is another one or below it.
    pub fn is_within(&self, unit: RowId, above: RowId) -> bool {
        let mut at = Some(unit);
        while let Some(id) = at {
            if id == above {
                return true;
            }
            at = self.business_units.iter().find(|it| it.id == id).and_then(|it| it.parent);
        }
        false
    }

    /// Whether a table is one that only the platform itself writes.
    pub fn is_internal(&self, table: TableId) -> bool {
        let tables = &self.tables;
        table == tables.membership || table == tables.principals || table == tables.share
    }
}
