//! `security:`: business units, roles, users and teams, and the platform's tables that keep them.

use std::collections::BTreeSet;

use crate::plan::{
    BusinessUnit, Depth, OwnerColumns, Privilege, Recalculation, Right, Role, RowGroup,
    SECURITY_TABLES, Security, SecurityTables, Team, TeamKind, User,
};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::source::Span;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnType, Expression, InstanceId, Name, RowId, TableId, Value};

impl Lowering<'_> {
    /// `security:`
    pub(super) fn security(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(instance) = self.instance_named(&entry.key, entry.key_span) {
                // What is wrong has been reported, and the other instances are looked at.
                let _ = self.security_of(instance, entry);
            }
        }
    }

    fn security_of(&mut self, instance: InstanceId, entry: &Entry) -> Checked<()> {
        let node = &entry.value;
        let owners = self.owner_columns(instance);
        let tables = self.security_tables();
        let ids = SECURITY_TABLES.iter().map(|table| self.system_table(table.name));
        let ids: Vec<TableId> = ids.collect();
        let has = &mut self.plan.instances[instance.index()].tables;
        for id in ids {
            if !has.contains(&id) {
                has.push(id);
            }
        }
        let units = self.required(node, "business units")?;
        let business_units = self.business_units(instance, units);
        let roles = self.roles(node.get("roles"));
        let mut security = Security {
            instance,
            tables,
            owners,
            business_units: business_units?,
            roles: roles?,
            users: Vec::new(),
            teams: Vec::new(),
            recalculation: self.recalculation(node.get("recalculation"))?,
        };
        self.users(&mut security, node.get("users"))?;
        self.teams(&mut security, node.get("teams"))?;
        // A share is called by the row and whom it is with, and comes with a `grant` or a cascade.
        let users = security.users.iter().map(|user| &user.name);
        for principal in users.chain(security.teams.iter().map(|team| &team.name)) {
            let last = format!(" with {principal}");
            self.rows.knows_pattern(security.tables.share, "".into(), last.into());
        }
        self.plan.security.push(security);
        Ok(())
    }

    /// Every table of the instance gets the columns that say who owns a row.
    fn owner_columns(&mut self, instance: InstanceId) -> Vec<Option<OwnerColumns>> {
        let has = self.plan.instances[instance.index()].tables.clone();
        let (user, team) = (self.system_table("systemuser"), self.system_table("team"));
        let mut owners = vec![None; self.plan.tables.len()];
        for table in has {
            let name = &self.plan.tables[table.index()].name;
            if SECURITY_TABLES.iter().any(|it| it.name == &**name) {
                continue;
            }
            owners[table.index()] = Some(OwnerColumns {
                user: self.add_column(table, "ownerid", ColumnType::Lookup(user)),
                team: self.add_column(table, "owningteam", ColumnType::Lookup(team)),
            });
        }
        owners
    }

    fn security_tables(&self) -> SecurityTables {
        let table = |name: &str| self.system_table(name);
        let column = |of: &str, name: &str| {
            self.plan.tables[table(of).index()].column(name).unwrap_or_default()
        };
        SecurityTables {
            business_unit: table("businessunit"),
            user: table("systemuser"),
            user_unit: column("systemuser", "business unit"),
            team: table("team"),
            team_unit: column("team", "business unit"),
            membership: table("teammembership"),
            membership_team: column("teammembership", "team"),
            membership_user: column("teammembership", "user"),
            principals: table("systemuserprincipals"),
            principals_changes: column("systemuserprincipals", "changes"),
            share: table("principalobjectaccess"),
            share_object: column("principalobjectaccess", "object"),
            share_principal: column("principalobjectaccess", "principal"),
            share_rights: column("principalobjectaccess", "rights"),
            share_inherited: column("principalobjectaccess", "inherited"),
        }
    }

    fn business_units(&mut self, instance: InstanceId, node: &Node) -> Checked<Vec<BusinessUnit>> {
        let table = self.system_table("businessunit");
        let mut units: Vec<BusinessUnit> = Vec::new();
        for entry in node.entries() {
            let parent = match entry.value.get("parent") {
                Some(parent) => {
                    let name = self.text(parent)?;
                    // Parents first: so no unit can be above itself.
                    let Some(above) = units.iter().find(|unit| unit.name == name) else {
                        let known = units.iter().map(|unit| &*unit.name);
                        let what = "business unit before this one";
                        return Err(self.diagnostics.unknown(parent.span, what, &name, known));
                    };
                    Some(above.id)
                }
                None => None,
            };
            let id = RowId::named("businessunit", &entry.key);
            let set = parent.map(|id| ("parent", Value::Id(id)));
            self.system_row(instance, table, entry, set.as_slice())?;
            units.push(BusinessUnit { id, name: entry.key.clone(), parent });
        }
        if units.is_empty() {
            return Err(self.empty_list(node));
        }
        Ok(units)
    }

    /// A row of a table of the platform's own that exists at the start.
    fn system_row(
        &mut self,
        instance: InstanceId,
        table: TableId,
        entry: &Entry,
        set: &[(&str, Value)],
    ) -> Checked<()> {
        self.named_system_row(instance, table, (&entry.key, entry.key_span), set)
    }

    fn named_system_row(
        &mut self,
        instance: InstanceId,
        table: TableId,
        (name, span): (&Name, Span),
        set: &[(&str, Value)],
    ) -> Checked<()> {
        self.rows.knows(table, name);
        let definition = &self.plan.tables[table.index()];
        let set = set.iter().filter_map(|(column, value)| {
            Some((definition.column(column)?, Expression::Literal(value.clone())))
        });
        let set = set.collect();
        let group = RowGroup {
            instance,
            table,
            count: 1,
            name: Some(Expression::Literal(Value::Text(name.clone()))),
            set,
            at: self.location(span),
        };
        self.add_rows(group, span)
    }

    fn roles(&mut self, node: Option<&Node>) -> Checked<Vec<Role>> {
        let mut roles = Vec::new();
        for entry in node.map_or(&[][..], Node::entries) {
            let mut privileges = Vec::new();
            for of_table in entry.value.entries() {
                let table = self.table_named(&of_table.key, of_table.key_span)?;
                let all = match of_table.value.get("all") {
                    Some(node) => Some(self.depth(node)?),
                    None => None,
                };
                for right in Right::ALL {
                    let depth = match of_table.value.get(right.word()) {
                        Some(node) => Some(self.depth(node)?),
                        None => all,
                    };
                    privileges.extend(depth.map(|depth| Privilege { table, right, depth }));
                }
            }
            roles.push(Role { name: entry.key.clone(), privileges });
        }
        Ok(roles)
    }

    fn depth(&mut self, node: &Node) -> Checked<Depth> {
        self.word(node, grammar::DEPTHS)
    }

    fn recalculation(&mut self, node: Option<&Node>) -> Checked<Recalculation> {
        let mut costs = Recalculation::default();
        for (key, cost) in [
            ("base", &mut costs.base),
            ("per team", &mut costs.per_team),
            ("per business unit", &mut costs.per_business_unit),
        ] {
            if let Some(node) = node.and_then(|node| node.get(key)) {
                *cost = self.duration(node)?;
            }
        }
        Ok(costs)
    }

    fn users(&mut self, security: &mut Security, node: Option<&Node>) -> Checked<()> {
        let tables = security.tables;
        for entry in node.map_or(&[][..], Node::entries) {
            let unit = self.unit_of(security, &entry.value)?;
            let roles = self.roles_of(security, entry.value.get("roles"))?;
            let set = [("business unit", Value::Id(unit))];
            self.system_row(security.instance, tables.user, entry, &set)?;
            if let Some(set) = entry.value.get("set") {
                let further = self.row_values(set, tables.user, &mut Body::default())?;
                if let Some(group) = self.plan.rows.last_mut() {
                    group.set.retain(|(known, _)| further.iter().all(|(it, _)| it != known));
                    group.set.extend(further);
                }
            }
            let changes = [("changes", Value::Whole(0))];
            self.system_row(security.instance, tables.principals, entry, &changes)?;
            let id = RowId::named("systemuser", &entry.key);
            security.users.push(User { id, name: entry.key.clone(), roles });
        }
        Ok(())
    }

    fn teams(&mut self, security: &mut Security, node: Option<&Node>) -> Checked<()> {
        let tables = security.tables;
        for entry in node.map_or(&[][..], Node::entries) {
            let kind = self.required(&entry.value, "kind")?;
            let kind = self.word(kind, grammar::TEAM_KINDS)?;
            let unit = self.unit_of(security, &entry.value)?;
            let roles_node = entry.value.get("roles");
            let roles = self.roles_of(security, roles_node)?;
            if let (Some(node), TeamKind::Access, false) = (roles_node, kind, roles.is_empty()) {
                let message = "an access team holds no roles";
                let help = "what its members may do with a row is said by `grant`".to_owned();
                let label = "for an `owner` team only";
                let span = node.pointer();
                self.diagnostics.report(span, "out of place", message, label, Some(help));
            }
            let word = if kind == TeamKind::Owner { "owner" } else { "access" };
            let set = [("business unit", Value::Id(unit)), ("kind", Value::text(word))];
            self.system_row(security.instance, tables.team, entry, &set)?;
            let id = RowId::named("team", &entry.key);
            let mut members = BTreeSet::new();
            for node in entry.value.get("members").map_or(&[][..], Node::items) {
                let user = self.team_member(security, node)?;
                if !members.insert(user.clone()) {
                    self.twice(node.span, &user);
                }
                let name = Name::from(format!("{user} in {}", entry.key));
                let set = [
                    ("team", Value::Id(id)),
                    ("user", Value::Id(RowId::named("systemuser", &user))),
                ];
                let place = (&name, node.span);
                self.named_system_row(security.instance, tables.membership, place, &set)?;
            }
            security.teams.push(Team { id, name: entry.key.clone(), kind, roles });
        }
        Ok(())
    }

    fn team_member(&mut self, security: &Security, node: &Node) -> Checked<Name> {
        let name = self.text(node)?;
        if security.users.iter().any(|user| user.name == name) {
            return Ok(name);
        }
        let known = security.users.iter().map(|user| &*user.name);
        Err(self.diagnostics.unknown(node.span, "user", &name, known))
    }

    /// The business unit of a user or team; the first one by default.
    fn unit_of(&mut self, security: &Security, node: &Node) -> Checked<RowId> {
        let Some(unit) = node.get("business unit") else {
            return Ok(security.business_units[0].id);
        };
        let name = self.text(unit)?;
        if let Some(unit) = security.business_units.iter().find(|it| it.name == name) {
            return Ok(unit.id);
        }
        let known = security.business_units.iter().map(|it| &*it.name);
        Err(self.diagnostics.unknown(unit.span, "business unit", &name, known))
    }

    fn roles_of(&mut self, security: &Security, node: Option<&Node>) -> Checked<Vec<u16>> {
        let mut roles = Vec::new();
        for node in node.map_or(&[][..], Node::items) {
            let name = self.text(node)?;
            let position = security.roles.iter().position(|role| role.name == name);
            let Some(position) = position else {
                let known = security.roles.iter().map(|role| &*role.name);
                return Err(self.diagnostics.unknown(node.span, "role", &name, known));
            };
            roles.push(u16::try_from(position).unwrap_or(u16::MAX));
        }
        Ok(roles)
    }
}
