//! What looks for rows: the query of an actor, and the statements of a session.

use std::collections::BTreeSet;

use crate::plan::{Aggregation, Hint, Hints, Link, LinkKind, OrderBy, Ordering, Selection};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AtHand, Body, Bound};
use crate::scenario::source::Span;
use crate::scenario::tree::Node;
use crate::words::{ColumnId, ColumnType, Expression, Name, TableId, Value};

impl Lowering<'_> {
    /// What a select looks for, and the binding that gets it.
    pub(super) fn bound_selection(
        &mut self,
        node: &Node,
        table: TableId,
        body: &mut Body,
    ) -> Checked<(Selection, Option<Name>)> {
        let selection = self.selection(node, Selection::of(table), body);
        // What a wrong search was to answer is bound all the same, so that its uses are not wrong,
        // too.
        let expanded = selection.as_ref().map_or_else(|_| Vec::new(), |it| it.expand.clone());
        let bind = self.bind(node, body, Bound::Rows(table, expanded))?;
        Ok((selection?, bind))
    }

    /// What the keys `where`, `order`, `top`, `expand`, `columns` and `hint` of this map add to a
    /// selection whose links are known, and what it computes.
    pub(super) fn selection(
        &mut self,
        node: &Node,
        selection: Selection,
        body: &mut Body,
    ) -> Checked<Selection> {
        let table = selection.table;
        let filter = self.filter_of(node, table, &selection.links, body);
        let order = self.orderings(node.get("order"), &selection);
        let top = self.optional_value(node.get("top"), body);
        let expand = self.lookups(node.get("expand"), table);
        let columns = self.asked_columns(node, table);
        let hints = self.hints(node);
        Ok(Selection {
            filter: filter?,
            order: order?,
            top: top?,
            expand: expand?,
            columns: columns?,
            hints: hints?,
            ..selection
        })
    }

    /// The condition of `where`, if there is one.
    pub(super) fn filter_of(
        &mut self,
        node: &Node,
        table: TableId,
        links: &[Link],
        body: &mut Body,
    ) -> Checked<Option<Expression>> {
        let Some(node) = node.get("where") else {
            return Ok(None);
        };
        let has_rows = |it: &&Link| matches!(it.kind, LinkKind::Inner | LinkKind::Outer);
        let links = links.iter().filter(has_rows).map(|it| (it.name.clone(), it.table)).collect();
        let at_hand = AtHand { table, is_searched: true, selected_by: None, links };
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

    fn orderings(&mut self, node: Option<&Node>, selection: &Selection) -> Checked<Vec<Ordering>> {
        let mut orderings = Vec::new();
        for node in node.map_or(&[][..], Node::one_or_many) {
            let text = self.text(node)?;
            let name = text.strip_prefix('-').unwrap_or(&text);
            let descending = name.len() < text.len();
            let by = match &selection.aggregation {
                Some(aggregation) => self.value_named(name, node.span, aggregation)?,
                None => OrderBy::Field(self.reached(name, node.span, selection)?),
            };
            orderings.push(Ordering { by, descending });
        }
        Ok(orderings)
    }

    /// A group or a measure of an aggregation, by its name.
    pub(super) fn value_named(
        &mut self,
        name: &str,
        span: Span,
        aggregation: &Aggregation,
    ) -> Checked<OrderBy> {
        let groups = aggregation.groups.iter().map(|it| &it.name);
        let mut names = groups.chain(aggregation.measures.iter().map(|it| &it.name));
        let found = names.position(|it| **it == *name).and_then(|it| u16::try_from(it).ok());
        match found {
            Some(number) => Ok(OrderBy::Value(number)),
            None => Err(self.unknown_value(name, span, aggregation)),
        }
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
