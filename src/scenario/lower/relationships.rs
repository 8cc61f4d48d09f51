//! `relationships:`: what becomes of the rows that refer to others.

use crate::plan::{Cascading, Relationship};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::many_to_many::is_many_to_many;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnType, TableId};

impl Lowering<'_> {
    pub(super) fn relationships(&mut self, node: Option<&Node>) {
        let entries = node.map_or(&[][..], Node::entries);
        for entry in entries.iter().filter(|entry| !is_many_to_many(entry)) {
            if let Ok(relationship) = self.relationship(entry) {
                self.check_relationship(&relationship, entry);
                self.plan.relationships.push(relationship);
            }
        }
    }

    fn relationship(&mut self, entry: &Entry) -> Checked<Relationship> {
        let node = &entry.value;
        let child_node = self.required(node, "child")?;
        let child = self.table(child_node)?;
        let by_node = self.required(node, "by")?;
        let by = self.column(by_node, child)?;
        let definition = &self.plan.tables[child.index()].columns[by.index()];
        let ColumnType::Lookup(parent) = definition.kind else {
            let message = format!("`{}` is no lookup", shorten(&definition.name));
            let label = format!("it holds {}", definition.kind.keyword());
            return Err(self.diagnostics.report(by_node.span, "wrong value", message, label, None));
        };
        let delete = node.get("delete").map(|it| self.word(it, grammar::ON_DELETE)).transpose()?;
        let mut action = |key: &str| self.cascading(node, key, [parent, child]);
        let [assign, share, unshare, reparent] =
            [action("assign"), action("share"), action("unshare"), action("reparent")];
        Ok(Relationship {
            name: entry.key.clone(),
            parent,
            child,
            by,
            delete: delete.unwrap_or_default(),
            assign: assign?,
            share: share?,
            unshare: unshare?,
            reparent: reparent?,
            at: self.location(entry.key_span),
        })
    }

    /// Which rows an action goes on to.
    fn cascading(&mut self, node: &Node, key: &str, tables: [TableId; 2]) -> Checked<Cascading> {
        let Some(at) = node.get(key) else { return Ok(Cascading::None) };
        let cascading = self.word(at, grammar::CASCADING)?;
        if cascading == Cascading::None {
            return Ok(cascading);
        }
        for table in tables {
            self.check_owned(table, at)?;
        }
        if key != "assign" && self.plan.security.is_empty() {
            let message = "no instance has `security`";
            let label = "nobody could share a row";
            return Err(self.diagnostics.report(at.span, "out of place", message, label, None));
        }
        Ok(cascading)
    }

    /// Only rows that have an owner can get another one.
    pub(super) fn check_owned(&mut self, table: TableId, at: &Node) -> Checked<()> {
        let definition = &self.plan.tables[table.index()];
        if definition.column("ownerid").is_some() {
            return Ok(());
        }
        let message = format!("the rows of `{}` have no owner", shorten(&definition.name));
        let help = "give the instance `security`, or the table a column `ownerid`".to_owned();
        let label = "nothing to assign";
        Err(self.diagnostics.report(at.span, "out of place", message, label, Some(help)))
    }

    /// One relationship for each lookup, and one parental one for each table.
    fn check_relationship(&mut self, new: &Relationship, entry: &Entry) {
        let all = &self.plan.relationships;
        if let Some(other) = all.iter().find(|it| (it.child, it.by) == (new.child, new.by)) {
            let message = format!("`{}` is about this lookup already", shorten(&other.name));
            let label = "another one for the same lookup";
            self.diagnostics.report(entry.key_span, "duplicate", message, label, None);
            return;
        }
        let other = all.iter().find(|it| it.child == new.child && it.is_parental());
        if let (Some(other), true) = (other, new.is_parental()) {
            let message = format!(
                "`{}` takes actions on to the rows of `{}` already",
                shorten(&other.name),
                shorten(&self.plan.tables[new.child.index()].name)
            );
            let label = "a table has one parent at most";
            self.diagnostics.report(entry.key_span, "duplicate", message, label, None);
        }
    }
}
