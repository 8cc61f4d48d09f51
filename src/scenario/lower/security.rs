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
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnType, Expression, InstanceId, Name, RowId, TableId, Value};

impl Lowering<'_> {
    /// `security:`. What is wrong in it is reported and left out: whoever names a user that is
    /// there is not told that there is none because of somebody else's role.
    pub(super) fn security(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(instance) = self.instance_named(&entry.key, entry.key_span) {
                self.security_of(instance, entry);
            }
        }
    }

    fn security_of(&mut self, instance: InstanceId, entry: &Entry) {
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
        let mut security = Security {
            instance,
            tables,
            owners,
            business_units: self.business_units(instance, node),
            roles: self.roles(node.get("roles")),
            users: Vec::new(),
            teams: Vec::new(),
            recalculation: self.recalculation(node.get("recalculation")).unwrap_or_default(),
        };
        self.users(&mut security, node.get("users"));
        self.teams(&mut security, node.get("teams"));
        // A share is called by the row and whom it is with, and comes with a `grant` or a cascade.
        let users = security.users.iter().map(|user| &user.name);
        for principal in users.chain(security.teams.iter().map(|team| &team.name)) {
            let last = format!(" with {principal}");
            self.rows.knows_pattern(security.tables.share, "".into(), last.into());
        }
        self.plan.security.push(security);
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

    /// The tree of business units: never empty, so that everybody is in one.
    ///
    /// Source: Microsoft Learn, "Security concepts in Microsoft Dataverse", Business units: one
    /// root, and every other unit below another.
    fn business_units(&mut self, instance: InstanceId, node: &Node) -> Vec<BusinessUnit> {
        let table = self.system_table("businessunit");
        let mut units: Vec<BusinessUnit> = Vec::new();
        let node = self.required(node, "business units").ok();
        let entries = node.map_or(&[][..], Node::entries);
        for entry in entries {
            let parent = match entry.value.get("parent") {
                Some(parent) => self.unit_above(parent, entries, &units),
                None => {
                    if let Some(root) = units.first().map(|root| root.name.clone()) {
                        self.second_root(entry, &root);
                    }
                    None
                }
            };
            let id = RowId::named("businessunit", &entry.key);
            let set = parent.map(|id| ("parent", Value::Id(id)));
            // A name that is there twice is reported with the rows.
            let _ = self.system_row(instance, table, entry, set.as_slice());
            units.push(BusinessUnit { id, name: entry.key.clone(), parent });
        }
        if units.is_empty() {
            if let Some(node) = node {
                self.empty_list(node);
            }
            let name = Name::from("");
            units.push(BusinessUnit { id: RowId::named("businessunit", ""), name, parent: None });
        }
        units
    }

    /// The unit above another one, which stands before it: so no unit can be above itself.
    fn unit_above(
        &mut self,
        node: &Node,
        entries: &[Entry],
        before: &[BusinessUnit],
    ) -> Option<RowId> {
        let name = self.text(node).ok()?;
        if let Some(above) = before.iter().find(|unit| unit.name == name) {
            return Some(above.id);
        }
        if entries.iter().any(|entry| entry.key == name) {
            let message = format!("`{}` does not stand before this unit", shorten(&name));
            let help = Some("a unit stands after the one above it".to_owned());
            let label = "not there yet";
            self.diagnostics.report(node.span, "out of place", message, label, help);
        } else {
            let known = entries.iter().map(|entry| &*entry.key);
            self.diagnostics.unknown(node.span, "business unit", &name, known);
        }
        None
    }

    fn second_root(&mut self, entry: &Entry, root: &Name) {
        let message = format!("`{}` has no unit above it", shorten(&entry.key));
        let label = format!("`{}` is the root already", shorten(root));
        let help = Some(format!("give it a `parent`: {}", shorten(root)));
        self.diagnostics.report(entry.key_span, "out of place", message, label, help);
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

    fn roles(&mut self, node: Option<&Node>) -> Vec<Role> {
        let mut roles = Vec::new();
        for entry in node.map_or(&[][..], Node::entries) {
            let mut privileges = Vec::new();
            for of_table in entry.value.entries() {
                let Ok(table) = self.table_named(&of_table.key, of_table.key_span) else {
                    continue;
                };
                let all = of_table.value.get("all").and_then(|node| self.depth(node).ok());
                for right in Right::ALL {
                    let depth = match of_table.value.get(right.word()) {
                        Some(node) => self.depth(node).ok(),
                        None => all,
                    };
                    privileges.extend(depth.map(|depth| Privilege { table, right, depth }));
                }
            }
            roles.push(Role { name: entry.key.clone(), privileges });
        }
        roles
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

    fn users(&mut self, security: &mut Security, node: Option<&Node>) {
        let tables = security.tables;
        for entry in node.map_or(&[][..], Node::entries) {
            let unit = self.unit_of(security, &entry.value);
            let roles = self.roles_of(security, entry.value.get("roles"));
            let set = [("business unit", Value::Id(unit))];
            let row = self.system_row(security.instance, tables.user, entry, &set);
            let further = entry.value.get("set").map(|set| {
                let further = self.row_values(set, tables.user, &mut Body::default());
                further.unwrap_or_default()
            });
            if let (Ok(()), Some(further), Some(group)) = (row, further, self.plan.rows.last_mut())
            {
                group.set.retain(|(known, _)| further.iter().all(|(it, _)| it != known));
                group.set.extend(further);
            }
            let changes = [("changes", Value::Whole(0))];
            let _ = self.system_row(security.instance, tables.principals, entry, &changes);
            let id = RowId::named("systemuser", &entry.key);
            security.users.push(User { id, name: entry.key.clone(), roles });
        }
    }

    fn teams(&mut self, security: &mut Security, node: Option<&Node>) {
        let tables = security.tables;
        for entry in node.map_or(&[][..], Node::entries) {
            self.check_team_name(security, entry);
            let kind = self.required(&entry.value, "kind");
            let kind = kind.and_then(|kind| self.word(kind, grammar::TEAM_KINDS));
            let unit = self.unit_of(security, &entry.value);
            let roles_node = entry.value.get("roles");
            let roles = self.roles_of(security, roles_node);
            if let (Some(node), Ok(TeamKind::Access), false) = (roles_node, &kind, roles.is_empty())
            {
                let message = "an access team holds no roles";
                let help = "what its members may do with a row is said by `grant`".to_owned();
                let label = "for an `owner` team only";
                let span = node.pointer();
                self.diagnostics.report(span, "out of place", message, label, Some(help));
            }
            let kind = kind.unwrap_or(TeamKind::Owner);
            let word = if kind == TeamKind::Owner { "owner" } else { "access" };
            let set = [("business unit", Value::Id(unit)), ("kind", Value::text(word))];
            let _ = self.system_row(security.instance, tables.team, entry, &set);
            self.team_members(security, entry);
            let id = RowId::named("team", &entry.key);
            security.teams.push(Team { id, name: entry.key.clone(), kind, roles });
        }
    }

    fn team_members(&mut self, security: &Security, entry: &Entry) {
        let mut members = BTreeSet::new();
        for node in entry.value.get("members").map_or(&[][..], Node::items) {
            let Ok(user) = self.team_member(security, node) else { continue };
            if !members.insert(user.clone()) {
                self.twice(node.span, &user);
                continue;
            }
            let name = Name::from(format!("{user} in {}", entry.key));
            let set = [
                ("team", Value::Id(RowId::named("team", &entry.key))),
                ("user", Value::Id(RowId::named("systemuser", &user))),
            ];
            let (place, table) = ((&name, node.span), security.tables.membership);
            let _ = self.named_system_row(security.instance, table, place, &set);
        }
    }

    /// A step names a user or a team by one name.
    fn check_team_name(&mut self, security: &Security, entry: &Entry) {
        if security.users.iter().any(|user| user.name == entry.key) {
            let message = format!("`{}` is a user already", shorten(&entry.key));
            let span = entry.key_span;
            self.diagnostics.report(span, "duplicate name", message, "the same name", None);
        }
    }

    fn team_member(&mut self, security: &Security, node: &Node) -> Checked<Name> {
        let name = self.text(node)?;
        if security.users.iter().any(|user| user.name == name) {
            return Ok(name);
        }
        let known = security.users.iter().map(|user| &*user.name);
        Err(self.diagnostics.unknown(node.span, "user", &name, known))
    }

    /// The business unit of a user or team; the root by default.
    fn unit_of(&mut self, security: &Security, node: &Node) -> RowId {
        let root = security.business_units[0].id;
        let Some(unit) = node.get("business unit") else { return root };
        let Ok(name) = self.text(unit) else { return root };
        if let Some(unit) = security.business_units.iter().find(|it| it.name == name) {
            return unit.id;
        }
        let known = security.business_units.iter().map(|it| &*it.name);
        self.diagnostics.unknown(unit.span, "business unit", &name, known);
        root
    }

    fn roles_of(&mut self, security: &Security, node: Option<&Node>) -> Vec<u16> {
        let mut roles = Vec::new();
        for node in node.map_or(&[][..], Node::items) {
            let Ok(name) = self.text(node) else { continue };
            let position = security.roles.iter().position(|role| role.name == name);
            let Some(position) = position else {
                let known = security.roles.iter().map(|role| &*role.name);
                self.diagnostics.unknown(node.span, "role", &name, known);
                continue;
            };
            roles.push(u16::try_from(position).unwrap_or(u16::MAX));
        }
        roles
    }
}
