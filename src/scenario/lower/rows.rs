//! The rows that exist when the world begins.

use std::collections::BTreeSet;

use crate::plan::RowGroup;
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::reading::guid;
use crate::scenario::reading_limits as limits;
use crate::scenario::source::Span;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnId, Expression, InstanceId, Name, TableId, Value};

impl Lowering<'_> {
    pub(super) fn row_groups(&mut self, node: Option<&Node>) {
        for by_instance in node.map_or(&[][..], Node::entries) {
            let Ok(instance) = self.key_instance(by_instance) else {
                continue;
            };
            for by_table in by_instance.value.entries() {
                let table = self.table_named(&by_table.key, by_table.key_span);
                let Ok(table) = table else { continue };
                let has_table = self.check_instance_has(instance, table, by_table.key_span);
                if has_table.is_err() {
                    continue;
                }
                let count = by_table.value.get("count");
                if count.is_some_and(|count| count.scalar().is_some()) {
                    // What is wrong has been reported, and the other rows are looked at.
                    let _ = self.row_pattern(&by_table.value, instance, table, by_table.key_span);
                } else {
                    for entry in by_table.value.entries() {
                        let _ = self.named_row(entry, instance, table);
                    }
                }
            }
        }
    }

    fn key_instance(&mut self, entry: &Entry) -> Checked<InstanceId> {
        if let Some(&instance) = self.names.instances.get(&entry.key) {
            return Ok(instance);
        }
        let known = self.names.instances.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(entry.key_span, "instance", &entry.key, known))
    }

    fn named_row(&mut self, entry: &Entry, instance: InstanceId, table: TableId) -> Checked<()> {
        self.rows.knows(table, &entry.key);
        let set = self.row_values(&entry.value, table, &mut Body::default())?;
        let name = match guid(&entry.key) {
            Some(id) => Value::Id(id),
            None => Value::Text(entry.key.clone()),
        };
        self.add_rows(
            RowGroup {
                instance,
                table,
                count: 1,
                name: Some(Expression::Literal(name)),
                set,
                at: self.location(entry.key_span),
            },
            entry.key_span,
        )
    }

    fn row_pattern(
        &mut self,
        node: &Node,
        instance: InstanceId,
        table: TableId,
        span: Span,
    ) -> Checked<()> {
        let mut body = Body::default();
        body.bind(&Name::from("n"), Bound::Any);
        let count = self.required(node, "count")?;
        let count = self.count(count, limits::ROW_COUNT)?;
        let name = match node.get("named") {
            None => None,
            Some(named) => {
                let name = self.text_value(named, &mut body)?;
                if count > 1 && matches!(name, Expression::Literal(_)) {
                    self.diagnostics.report(
                        named.span,
                        "duplicate name",
                        "all these rows would have one name",
                        "the same for each",
                        Some("`{n}` stands for the number of the row: `\"acct {n}\"`".to_owned()),
                    );
                }
                self.rows.knows_expression(table, &name);
                Some(name)
            }
        };
        let set = match node.get("set") {
            Some(set) => self.row_values(set, table, &mut body)?,
            None => Vec::new(),
        };
        let at = self.location(span);
        self.add_rows(RowGroup { instance, table, count, name, set, at }, span)
    }

    pub(super) fn add_rows(&mut self, group: RowGroup, span: Span) -> Checked<()> {
        self.row_count = self.row_count.saturating_add(group.count);
        if self.row_count > limits::ROW_COUNT {
            return Err(self.diagnostics.report(
                span,
                "limit: rows",
                format!("a world begins with at most {} rows", limits::ROW_COUNT),
                "these are too many",
                None,
            ));
        }
        self.plan.rows.push(group);
        Ok(())
    }

    pub(super) fn row_values(
        &mut self,
        node: &Node,
        table: TableId,
        body: &mut Body,
    ) -> Checked<Vec<(ColumnId, Expression)>> {
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        let mut failed = None;
        for entry in node.entries() {
            match self.column_value(entry, table, body, None) {
                Ok((column, value)) => {
                    if seen.insert(column) {
                        values.push((column, value));
                    }
                }
                Err(reported) => failed = Some(reported),
            }
        }
        failed.map_or(Ok(values), Err)
    }
}
