//! What looks for rows: the query of an actor, and the statements of a session.

use std::collections::BTreeSet;

use crate::plan::{Hint, Hints, Ordering, Selection};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AtHand, Body, Bound};
use crate::scenario::tree::Node;
use crate::words::{ColumnId, ColumnType, Expression, Name, TableId, Value};

impl Lowering<'_> {
    /// What a query or a select looks for, and the binding that gets it.
    pub(super) fn bound_selection(
        &mut self,
        node: &Node,
        table: TableId,
        body: &mut Body,
    ) -> Checked<(Selection, Option<Name>)> {
        let selection = self.selection(node, table, body);
        // What a wrong search was to answer is bound all the same, so that its uses are not wrong,
        // too.
        let expanded = selection.as_ref().map_or_else(|_| Vec::new(), |it| it.expand.clone());
        let bind = self.bind(node, body, Bound::Rows(table, expanded))?;
        Ok((selection?, bind))
    }

    /// What the keys `where`, `order`, `top`, `expand`, `columns` and `hint` of this map say.
    fn selection(&mut self, node: &Node, table: TableId, body: &mut Body) -> Checked<Selection> {
        let filter = self.filter_of(node, table, body);
        let order = self.orderings(node.get("order"), table);
        let top = self.optional_value(node.get("top"), body);
        let expand = self.lookups(node.get("expand"), table);
        let columns = self.asked_columns(node, table);
        let hints = self.hints(node);
        Ok(Selection {
            table,
            filter: filter?,
            order: order?,
            top: top?,
            expand: expand?,
            columns: columns?,
            hints: hints?,
        })
    }

    /// The condition of `where`, if there is one.
    pub(super) fn filter_of(
        &mut self,
        node: &Node,
        table: TableId,
        body: &mut Body,
    ) -> Checked<Option<Expression>> {
        let Some(node) = node.get("where") else {
            return Ok(None);
        };
        let at_hand = AtHand { table, is_searched: true, selected_by: None };
        self.condition(node, body, Some(&at_hand)).map(Some)
    }

    /// The hints of `hint`.
    ///
    /// Source: Microsoft Learn, "Table hints (Transact-SQL)": of the hints of granularity and of
    /// those of isolation, a table takes one each, and nolock is of both. Assumed: it is refused
    /// beside updlock, xlock and readpast too (errors 1047 and 650).
    pub(super) fn hints(&mut self, node: &Node) -> Checked<Hints> {
        let Some(node) = node.get("hint") else {
            return Ok(Hints::NONE);
        };
        let mut given = BTreeSet::new();
        for node in node.one_or_many() {
            let hint = self.word(node, grammar::HINTS)?;
            if !given.insert(hint) {
                self.twice(node.span, hint.word());
            }
        }
        let locks = given.iter().find(|hint| !matches!(hint, Hint::NoLock | Hint::NoWait));
        if let Some(locks) = locks.filter(|_| given.contains(&Hint::NoLock)) {
            return Err(self.diagnostics.report(
                node.pointer(),
                "out of place",
                format!("`nolock` and `{}` contradict each other", locks.word()),
                "with locks, or without?",
                None,
            ));
        }
        Ok(given.into_iter().fold(Hints::NONE, Hints::with))
    }

    pub(super) fn condition(
        &mut self,
        node: &Node,
        body: &mut Body,
        at_hand: Option<&AtHand>,
    ) -> Checked<Expression> {
        let condition = self.value(node, None, body, at_hand)?;
        if matches!(condition, Expression::Literal(Value::Text(_))) {
            return Err(self.diagnostics.report(
                node.span,
                "wrong value",
                "expected a condition",
                "this is text",
                Some("an expression begins with `=`: `=teams > 3`".to_owned()),
            ));
        }
        Ok(condition)
    }

    pub(super) fn asked_columns(
        &mut self,
        node: &Node,
        table: TableId,
    ) -> Checked<Option<Vec<ColumnId>>> {
        match node.get("columns") {
            Some(node) => self.columns(node, table).map(Some),
            None => Ok(None),
        }
    }

    fn orderings(&mut self, node: Option<&Node>, table: TableId) -> Checked<Vec<Ordering>> {
        let mut orderings = Vec::new();
        for node in node.map_or(&[][..], Node::one_or_many) {
            let text = self.text(node)?;
            let name = text.strip_prefix('-').unwrap_or(&text);
            let column = self.column_named(name, node.span, table)?;
            orderings.push(Ordering { column, descending: name.len() < text.len() });
        }
        Ok(orderings)
    }

    fn lookups(&mut self, node: Option<&Node>, table: TableId) -> Checked<Vec<ColumnId>> {
        let mut lookups = Vec::new();
        for node in node.map_or(&[][..], Node::one_or_many) {
            let column = self.column(node, table)?;
            let definition = &self.plan.tables[table.index()].columns[column.index()];
            if !matches!(definition.kind, ColumnType::Lookup(_)) {
                let label = format!("this is a column of type `{}`", definition.kind.keyword());
                return Err(self.diagnostics.report(
                    node.span,
                    "wrong value",
                    "only a lookup can be expanded",
                    label,
                    None,
                ));
            }
            lookups.push(column);
        }
        Ok(lookups)
    }
}
