//! The steps that change who may do what: shares of rows, members of teams.

use crate::plan::{Right, Verb};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::lower::requests::Target;
use crate::scenario::source::Span;
use crate::scenario::tree::Node;
use crate::words::{Expression, InstanceId, Name, Value};

impl Lowering<'_> {
    /// `grant`, `revoke`. `who`: the key behind which the other one stands.
    pub(super) fn share(&mut self, node: &Node, who: &str, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        self.check_is_secured(instance.or(body.home), node)?;
        let with = self.required(node, who)?;
        let expression = self.value(with, None, body, None);
        let rights = node.get("rights").map_or(&[][..], Node::items);
        let rights = rights.iter().map(|node| self.right(node)).collect::<Checked<Vec<_>>>();
        if let Some(rights) = node.get("rights")
            && rights.items().is_empty()
        {
            return Err(self.empty_list(rights));
        }
        let with_expression = expression?;
        if let Expression::Literal(Value::Text(name)) = &with_expression {
            self.check_principal(name, with.span)?;
        }
        Ok(Verb::Share { instance, table, row: row?, with: with_expression, rights: rights? })
    }

    /// There must be a user or team of this name.
    pub(super) fn check_principal(&mut self, name: &Name, span: Span) -> Checked<()> {
        let known: Vec<Name> = self.principals();
        if known.contains(name) {
            return Ok(());
        }
        let known = known.iter().map(|name| &**name);
        Err(self.diagnostics.unknown(span, "user or team", name, known))
    }

    fn right(&mut self, node: &Node) -> Checked<Right> {
        let text = self.text(node)?;
        let known = Right::ALL.into_iter().find(|right| right.word() == &*text);
        known.ok_or_else(|| self.diagnostics.misshapen(node.span))
    }

    /// The names of all users and teams.
    fn principals(&self) -> Vec<Name> {
        let security = self.plan.security.iter();
        let names = security.flat_map(|it| {
            let users = it.users.iter().map(|user| user.name.clone());
            users.chain(it.teams.iter().map(|team| team.name.clone()))
        });
        names.collect()
    }

    /// `add members`, `remove members`.
    pub(super) fn members(&mut self, node: &Node, leave: bool, body: &mut Body) -> Checked<Verb> {
        let instance = self.instance_of(node, body);
        let instance = instance?;
        self.check_is_secured(instance.or(body.home), node)?;
        let Some(tables) = self.plan.security.first().map(|it| it.tables) else {
            return Err(self.no_security(node));
        };
        let team_node = self.required(node, "team")?;
        let team = self.value(team_node, None, body, None)?;
        if let Expression::Literal(Value::Text(name)) = &team {
            self.rows.uses(tables.team, name, team_node.span);
        }
        let mut users = Vec::new();
        for user in self.required(node, "users")?.one_or_many() {
            let expression = self.value(user, None, body, None)?;
            if let Expression::Literal(Value::Text(name)) = &expression {
                self.rows.uses(tables.user, name, user.span);
            }
            users.push(expression);
        }
        Ok(Verb::Members { instance, team, users, leave })
    }

    /// A step about shares or teams needs an instance that has them.
    fn check_is_secured(&mut self, instance: Option<InstanceId>, node: &Node) -> Checked<()> {
        let is_secured = match instance {
            Some(instance) => self.plan.security_of(instance).is_some(),
            None => !self.plan.security.is_empty(),
        };
        if is_secured { Ok(()) } else { Err(self.no_security(node)) }
    }

    fn no_security(&mut self, node: &Node) -> crate::scenario::diagnostic::Reported {
        self.diagnostics.report(
            node.pointer(),
            "out of place",
            "this instance has no users, teams or shares",
            "nothing is checked there",
            Some("give it some under `security:`".to_owned()),
        )
    }

    /// The user as whom a step runs, or the system. Where nothing is checked, any name will do.
    pub(super) fn run_as(&mut self, node: &Node, instance: InstanceId) -> Checked<Option<Name>> {
        let Some(node) = node.get("run as") else { return Ok(None) };
        let name = self.text(node)?;
        let Some(security) = self.plan.security_of(instance) else { return Ok(Some(name)) };
        let users = security.users.iter().map(|user| user.name.clone());
        let known: Vec<Name> = users.chain([Name::from("system")]).collect();
        if known.contains(&name) || name.eq_ignore_ascii_case("system") {
            return Ok(Some(name));
        }
        let known = known.iter().map(|name| &**name);
        Err(self.diagnostics.unknown(node.span, "user", &name, known))
    }

    /// The user as whom an actor acts.
    pub(super) fn acting_user(&mut self, node: &Node) -> Checked<Name> {
        let name = self.text(node)?;
        let users = self.plan.security.iter().flat_map(|it| &it.users);
        let names: Vec<Name> = users.map(|user| user.name.clone()).collect();
        if names.contains(&name) {
            return Ok(name);
        }
        let known = names.iter().map(|name| &**name);
        Err(self.diagnostics.unknown(node.span, "user", &name, known))
    }
}
