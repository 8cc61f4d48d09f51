//! The steps `assign` and `set state`.

use crate::plan::{Assignment, Verb};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::lower::requests::{Target, id_of_guid};
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::Node;
use crate::words::{ColumnType, Expression, TableId, Value};

impl Lowering<'_> {
    pub(super) fn assign(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        self.check_owned(table, node)?;
        let to_node = self.required(node, "to")?;
        let to = id_of_guid(self.value(to_node, None, body, None)?);
        if let Expression::Literal(Value::Text(name)) = &to {
            let is_secured = match instance.or(body.home) {
                Some(instance) => self.plan.security_of(instance).is_some(),
                None => !self.plan.security.is_empty(),
            };
            match is_secured {
                true => self.check_principal(name, to_node.span)?,
                false => self.uses_owner(table, name, to_node),
            }
        }
        Ok(Verb::Assign { instance, table, row: row?, to })
    }

    /// The owner is a row of the table to which the author's own `ownerid` leads.
    fn uses_owner(&mut self, table: TableId, name: &str, node: &Node) {
        let definition = &self.plan.tables[table.index()];
        let column = definition.column("ownerid");
        let kind = column.map(|column| &definition.columns[column.index()].kind);
        if let Some(&ColumnType::Lookup(owners)) = kind {
            self.rows.uses(owners, name, node.span);
        }
    }

    pub(super) fn set_state(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        let mut set = Vec::new();
        for (key, column) in [("state", "statecode"), ("status", "statuscode")] {
            let Some(entry) = node.entry(key) else { continue };
            let definition = &self.plan.tables[table.index()];
            let Some(column) = definition.column(column) else {
                let message = format!("`{}` has no column `{column}`", shorten(&definition.name));
                let label = "nothing to set";
                let help = format!("give the table one, such as `{column}: {{ choice: [ … ] }}`");
                let (span, help) = (entry.key_span, Some(help));
                return Err(self.diagnostics.report(span, "out of place", message, label, help));
            };
            let kind = definition.columns[column.index()].kind.clone();
            let value = self.value(&entry.value, Some(&kind), body, None)?;
            set.push(Assignment { column, value });
        }
        Ok(Verb::SetState { instance, table, row: row?, set })
    }
}
