//! How a statement finds its rows: the rule by which it seeks or scans.
//!
//! The rule, from the first case that fits:
//!
//! 1. The condition says which row by id or name (`id == …`, `row == 'one'`, or `in` a list of
//!    them): these rows are looked at, and no others.
//! 2. It fixes the first columns of an index by `==`, and maybe narrows the next one by `in`, `<`,
//!    `<=`, `>` or `>=`: the stretches of that index are looked through. Of several indexes, the
//!    one with the most columns fixed, then one whose next column is narrowed, then the one that
//!    stands first: alternate keys before other indexes.
//! 3. Else every row of the table is looked at.
//!
//! Only what stands between the condition's outermost `&&` counts, and only against values that are
//! known when the statement begins. A condition is judged in full for every row that is looked at,
//! so an index narrows the search and never decides.
//!
//! Assumed: the rule stands for SQL Server's optimizer, which weighs costs by statistics that
//! nothing here has; it seeks wherever it can.

use std::sync::Arc;

use crate::engine::database::condition::Condition;
use crate::engine::database::visible::Visible;
use crate::engine::store::{TableStore, prefix_end};
use crate::plan::{Plan, Table};
use crate::trace::AccessPath;
use crate::words::{
    BinaryOperator as Operator, ColumnId, ColumnType, Expression, RowId, TableId, Value,
};

/// What a statement looks for, with the way to it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Search {
    /// The table.
    pub table: TableId,
    /// The condition; every row when absent.
    pub filter: Option<Expression>,
    /// The same, ready to be judged.
    pub(super) condition: Condition,
    /// The lookups that the condition follows to other rows.
    pub(super) lookups: Vec<ColumnId>,
    /// The way.
    pub(super) access: Access,
    /// What its user may see of rows behind lookups; `None` for everything.
    pub(super) visible: Option<Arc<Visible>>,
}

/// The way to the rows.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) enum Access {
    /// By these ids, in this order.
    Ids(Vec<RowId>),
    /// By stretches of an index, in order, none touching another.
    Index {
        /// Its number.
        index: u16,
        /// The stretches.
        stretches: Vec<Stretch>,
        /// Whether each stretch is one value of a unique key.
        unique: bool,
        /// Whether the index has all columns that the statement needs.
        covering: bool,
    },
    /// By looking at all of them.
    All,
}

/// A stretch of an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stretch {
    /// Its first entry is not below this.
    pub(super) from: Vec<u8>,
    /// Its last entry is below this.
    pub(super) until: Vec<u8>,
}

/// One term of a condition that an index can use.
struct Term<'e> {
    column: ColumnId,
    operator: Operator,
    values: Vec<&'e Value>,
}

impl Search {
    /// The search for the rows of a table that meet a condition, in which every binding has been
    /// replaced by its value. `needed` are the columns that the statement needs beside those in the
    /// condition; `None` for all, and for a statement that writes.
    pub fn new(
        plan: &Plan,
        store: &TableStore,
        table: TableId,
        filter: Option<Expression>,
        needed: Option<&[ColumnId]>,
    ) -> Self {
        let definition = plan.table(table);
        let access = filter.as_ref().map_or(Access::All, |filter| {
            let planner = Planner { plan, store, table, definition };
            planner.access(filter, needed)
        });
        let mut lookups = Vec::new();
        if let Some(filter) = &filter {
            each_lookup(filter, definition, &mut lookups);
        }
        let condition = Condition::of(filter.as_ref(), definition);
        Self { table, filter, condition, lookups, access, visible: None }
    }

    /// The way, as traces tell it.
    pub fn path(&self) -> AccessPath {
        match self.access {
            Access::Ids(_) => AccessPath::Primary,
            Access::Index { index, covering, .. } => AccessPath::Seek { index, covering },
            Access::All => AccessPath::Scan,
        }
    }
}

/// Finds the way for one condition on one table.
struct Planner<'a> {
    plan: &'a Plan,
    store: &'a TableStore,
    table: TableId,
    definition: &'a Table,
}

impl Planner<'_> {
    fn access(&self, filter: &Expression, needed: Option<&[ColumnId]>) -> Access {
        let mut parts = Vec::new();
        split(filter, &mut parts);
        if let Some(ids) = parts.iter().find_map(|part| self.ids(part)) {
            return Access::Ids(ids);
        }
        let terms: Vec<_> = parts.iter().filter_map(|part| self.term(part)).collect();
        let count = u16::try_from(self.definition.keys.len() + self.definition.indexes.len());
        let mut best: Option<(usize, u16)> = None;
        for index in 0..count.unwrap_or(u16::MAX) {
            let worth = self.worth(index, &terms);
            if worth > 0 && best.is_none_or(|(most, _)| worth > most) {
                best = Some((worth, index));
            }
        }
        best.and_then(|(_, index)| self.seek(index, &terms, filter, needed)).unwrap_or(Access::All)
    }

    /// The ids of the rows that a part of a condition names outright.
    fn ids(&self, part: &Expression) -> Option<Vec<RowId>> {
        let Expression::Binary(operator, left, right) = part else {
            return None;
        };
        let is_row = |it: &Expression| match it {
            Expression::RowName => true,
            Expression::Column(name) => &**name == "id" && self.definition.column("id").is_none(),
            _ => false,
        };
        let values = match operator {
            Operator::Equal if is_row(left) => vec![literal(right)?],
            Operator::Equal if is_row(right) => vec![literal(left)?],
            Operator::In if is_row(left) => literals(right)?,
            _ => return None,
        };
        let mut ids = Vec::with_capacity(values.len());
        for value in values {
            let id = match value {
                Value::Id(id) => *id,
                Value::Record(record) => record.id,
                Value::Text(text) => uuid::Uuid::try_parse(text)
                    .map_or_else(|_| self.plan.row_id(self.table, text), RowId),
                _ => return None,
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Some(ids)
    }

    /// A part of a condition as a term, if it is one.
    fn term<'e>(&self, part: &'e Expression) -> Option<Term<'e>> {
        let Expression::Binary(operator, left, right) = part else {
            return None;
        };
        let column = |it: &Expression| match it {
            Expression::Column(name) => self.definition.column(name),
            _ => None,
        };
        let (column, operator, values) = match (column(left), column(right)) {
            (Some(column), None) if *operator == Operator::In => {
                (column, Operator::In, literals(right)?)
            }
            (Some(column), None) => (column, *operator, vec![literal(right)?]),
            (None, Some(column)) => (column, mirrored(*operator)?, vec![literal(left)?]),
            _ => return None,
        };
        let narrows = matches!(
            operator,
            Operator::Equal
                | Operator::In
                | Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual
        );
        narrows.then_some(Term { column, operator, values })
    }

    /// How many columns of an index are fixed, twice, and whether the next is narrowed.
    fn worth(&self, index: u16, terms: &[Term<'_>]) -> usize {
        let columns = self.definition.index_columns(index);
        let fixed = columns.iter().take_while(|column| fixing(terms, **column).is_some()).count();
        let next = columns.get(fixed);
        let narrowed = next.is_some_and(|next| terms.iter().any(|term| term.column == *next));
        fixed * 2 + usize::from(narrowed)
    }

    /// The seek in an index; `None` when a value can't be one of its column.
    fn seek(
        &self,
        index: u16,
        terms: &[Term<'_>],
        filter: &Expression,
        needed: Option<&[ColumnId]>,
    ) -> Option<Access> {
        let columns = self.definition.index_columns(index);
        let mut fixed = Vec::new();
        for column in columns {
            let Some(term) = fixing(terms, *column) else { break };
            fixed.push(self.fitted(*column, term.values[0])?);
        }
        let is_complete = fixed.len() == columns.len();
        let mut stretches = match columns.get(fixed.len()) {
            Some(next) => self.narrowed(index, &fixed, *next, terms)?,
            None => vec![self.of_prefix(index, &fixed)?],
        };
        stretches.sort_unstable();
        stretches.dedup();
        let unique = is_complete && usize::from(index) < self.definition.keys.len();
        let covering = needed.is_some_and(|needed| {
            let mut all = Vec::new();
            each_column(filter, self.definition, &mut all);
            needed.iter().chain(&all).all(|column| columns.contains(column))
        });
        Some(Access::Index { index, stretches, unique, covering })
    }

    /// The stretches of an index behind the columns that are fixed.
    fn narrowed(
        &self,
        index: u16,
        fixed: &[Value],
        next: ColumnId,
        terms: &[Term<'_>],
    ) -> Option<Vec<Stretch>> {
        let with = |value: &Value| {
            let mut values = fixed.to_vec();
            values.push(self.fitted(next, value)?);
            self.of_prefix(index, &values)
        };
        let mut of_next = terms.iter().filter(|term| term.column == next);
        if let Some(list) = of_next.clone().find(|term| term.operator == Operator::In) {
            return list.values.iter().map(|value| with(value)).collect();
        }
        let mut whole = self.of_prefix(index, fixed)?;
        of_next.try_for_each(|term| {
            let one = with(term.values[0])?;
            match term.operator {
                Operator::Greater => whole.from = whole.from.clone().max(one.until),
                Operator::GreaterOrEqual => whole.from = whole.from.clone().max(one.from),
                Operator::Less => whole.until = whole.until.clone().min(one.from),
                Operator::LessOrEqual => whole.until = whole.until.clone().min(one.until),
                _ => {}
            }
            Some(())
        })?;
        Some(vec![whole])
    }

    /// The stretch of all entries that begin with these values.
    fn of_prefix(&self, index: u16, values: &[Value]) -> Option<Stretch> {
        let from = self.store.encode(index, values)?;
        let until = prefix_end(&from);
        Some(Stretch { from, until })
    }

    /// The value as the column holds it; `None` for one that it can't hold.
    fn fitted(&self, column: ColumnId, value: &Value) -> Option<Value> {
        let kind = &self.definition.columns[column.index()].kind;
        match (kind, value) {
            (_, Value::Null) => Some(Value::Null),
            (ColumnType::Decimal | ColumnType::Money, Value::Whole(number)) => {
                Some(Value::Decimal((*number).into()))
            }
            (ColumnType::Lookup(_) | ColumnType::UniqueId, Value::Record(record)) => {
                Some(Value::Id(record.id))
            }
            (ColumnType::Text { .. } | ColumnType::Choice(_), Value::Text(_))
            | (ColumnType::Whole, Value::Whole(_))
            | (ColumnType::Decimal | ColumnType::Money, Value::Decimal(_))
            | (ColumnType::DateTime, Value::DateTime(_))
            | (ColumnType::Boolean, Value::Boolean(_))
            | (ColumnType::Lookup(_) | ColumnType::UniqueId, Value::Id(_)) => Some(value.clone()),
            _ => None,
        }
    }
}

/// The term that fixes a column to one value.
fn fixing<'t, 'e>(terms: &'t [Term<'e>], column: ColumnId) -> Option<&'t Term<'e>> {
    let mut terms = terms.iter();
    terms.find(|term| term.column == column && term.operator == Operator::Equal)
}

/// The parts between the outermost `&&`.
pub(super) fn split<'e>(expression: &'e Expression, parts: &mut Vec<&'e Expression>) {
    match expression {
        Expression::Binary(Operator::And, left, right) => {
            split(left, parts);
            split(right, parts);
        }
        part => parts.push(part),
    }
}

/// The operator that says the same with its operands exchanged.
pub(super) const fn mirrored(operator: Operator) -> Option<Operator> {
    Some(match operator {
        Operator::Equal => Operator::Equal,
        Operator::NotEqual => Operator::NotEqual,
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        _ => return None,
    })
}

pub(super) const fn literal(expression: &Expression) -> Option<&Value> {
    match expression {
        Expression::Literal(value) => Some(value),
        _ => None,
    }
}

fn literals(expression: &Expression) -> Option<Vec<&Value>> {
    match expression {
        Expression::Literal(Value::List(items)) => Some(items.iter().collect()),
        Expression::List(items) => items.iter().map(literal).collect(),
        _ => None,
    }
}

/// The lookups that an expression follows to a column of another row.
pub(super) fn each_lookup(expression: &Expression, table: &Table, found: &mut Vec<ColumnId>) {
    each_part(expression, &mut |part| {
        if let Expression::Member(base, _) = part
            && let Expression::Column(name) = &**base
            && let Some(column) = table.column(name)
            && !found.contains(&column)
        {
            found.push(column);
        }
    });
}

/// The columns of the row itself that an expression names.
fn each_column(expression: &Expression, table: &Table, found: &mut Vec<ColumnId>) {
    each_part(expression, &mut |part| {
        if let Expression::Column(name) = part
            && let Some(column) = table.column(name)
        {
            found.push(column);
        }
    });
}

/// Shows an expression and everything in it.
pub(super) fn each_part(expression: &Expression, show: &mut impl FnMut(&Expression)) {
    show(expression);
    match expression {
        Expression::Literal(_)
        | Expression::Binding(_)
        | Expression::Column(_)
        | Expression::RowName => {}
        Expression::Member(inner, _) | Expression::Unary(_, inner) => each_part(inner, show),
        Expression::Index(a, b) | Expression::Binary(_, a, b) => {
            each_part(a, show);
            each_part(b, show);
        }
        Expression::Conditional(a, b, c) => {
            for inner in [a, b, c] {
                each_part(inner, show);
            }
        }
        Expression::Call(_, items) | Expression::List(items) => {
            for item in items {
                each_part(item, show);
            }
        }
    }
}

/// A search that can be shared by everything that carries it out.
pub type SharedSearch = Arc<Search>;
