//! The names of rows: which are there, and which are only spoken of.
//!
//! A row gets its name under `rows:`, or from the `create`, `upsert` or lookup value that first
//! speaks of it. A name that something reads, changes, deletes or expects and that nothing brings
//! into being is a mistake.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::lower::Lowering;
use crate::scenario::lower::reading::guid;
use crate::scenario::source::Span;
use crate::words::{Expression, Name, TableId, Value};

/// The names of the rows of all tables.
#[derive(Debug, Default)]
pub struct RowNames {
    tables: BTreeMap<TableId, TableNames>,
    uses: Vec<(TableId, Name, Span)>,
}

#[derive(Debug, Default)]
struct TableNames {
    exact: BTreeSet<Name>,
    /// What generated names begin and end with.
    patterns: BTreeSet<(Name, Name)>,
    /// Whether rows get names that only the run knows.
    is_open: bool,
}

impl RowNames {
    /// Something brings this row into being.
    pub fn knows(&mut self, table: TableId, name: &Name) {
        let names = self.tables.entry(table).or_default();
        names.exact.insert(name.clone());
    }

    /// Something brings a row into being whose name this expression gives.
    pub fn knows_expression(&mut self, table: TableId, name: &Expression) {
        let names = self.tables.entry(table).or_default();
        match name {
            Expression::Literal(Value::Text(name)) => {
                names.exact.insert(name.clone());
            }
            Expression::Literal(_) => {}
            _ => match (edge(name, true), edge(name, false)) {
                (None, None) => names.is_open = true,
                (first, last) => {
                    let empty = || Name::from("");
                    let pattern = (first.unwrap_or_else(empty), last.unwrap_or_else(empty));
                    names.patterns.insert(pattern);
                }
            },
        }
    }

    /// Something brings rows into being whose names begin and end so.
    pub fn knows_pattern(&mut self, table: TableId, first: Name, last: Name) {
        self.tables.entry(table).or_default().patterns.insert((first, last));
    }

    /// Something speaks of a row that must have come into being.
    pub fn uses(&mut self, table: TableId, name: &str, span: Span) {
        self.uses.push((table, Name::from(name), span));
    }

    fn is_known(&self, table: TableId, name: &str) -> bool {
        let fits = |(first, last): &(Name, Name)| {
            name.len() > first.len() + last.len()
                && name.starts_with(&**first)
                && name.ends_with(&**last)
        };
        self.tables.get(&table).is_some_and(|names| {
            names.is_open || names.exact.contains(name) || names.patterns.iter().any(fits)
        })
    }
}

/// The text with which a joined text begins (or ends), if that is fixed.
fn edge(expression: &Expression, is_first: bool) -> Option<Name> {
    match expression {
        Expression::Literal(Value::Text(text)) => Some(text.clone()),
        Expression::Binary(crate::words::BinaryOperator::Add, left, right) => {
            edge(if is_first { left } else { right }, is_first)
        }
        _ => None,
    }
}

impl Lowering<'_> {
    /// Reports every name of a row that nothing brings into being.
    pub(super) fn check_row_names(&mut self) {
        let uses = std::mem::take(&mut self.rows.uses);
        for (table, name, span) in uses {
            if self.rows.is_known(table, &name) || guid(&name).is_some() {
                continue;
            }
            let owner = &self.plan.tables[table.index()].name;
            let names = self.rows.tables.get(&table);
            let known = names.into_iter().flat_map(|names| names.exact.iter());
            let known = known.map(|name| &**name);
            self.diagnostics.unknown_of(span, owner, "row", &name, known);
        }
    }
}
