//! Conditions on the rows of a query in Rust, by names and typed values.

use std::ops::{BitAnd, BitOr, Not};

use crate::engine::asking::Asking;
use crate::engine::plug_in::linked::linked;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Plan, Selection};
use crate::words::{
    BinaryOperator, ColumnType, Expression, Function, Name, TableId, UnaryOperator, Value,
};

/// A condition on a row. `&`, `|` and `!` combine conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub(super) Expression);

/// A column, of which a condition is to be made: `column("name")`, or with a lookup `company`
/// `column("company.country")`, with a link the same. The row's id is `column("id")`.
pub fn column(name: &str) -> Operand {
    let expression = match name.split_once('.') {
        Some((lookup, member)) => {
            let row = Box::new(Expression::Column(Name::from(lookup)));
            Expression::Member(row, Name::from(member))
        }
        None => Expression::Column(Name::from(name)),
    };
    Operand(expression)
}

/// A column of which a condition is to be made; see [`column()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Operand(Expression);

impl Operand {
    /// It has this value; with null: it has none.
    pub fn equal(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::Equal, value)
    }

    /// It has another value than this.
    pub fn not_equal(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::NotEqual, value)
    }

    /// It has no value.
    pub fn null(self) -> Condition {
        self.equal(Value::Null)
    }

    /// It has a value.
    pub fn not_null(self) -> Condition {
        self.not_equal(Value::Null)
    }

    /// It is less than this.
    pub fn less(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::Less, value)
    }

    /// It is this or less.
    pub fn at_most(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::LessOrEqual, value)
    }

    /// It is more than this.
    pub fn greater(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::Greater, value)
    }

    /// It is this or more.
    pub fn at_least(self, value: impl Into<Value>) -> Condition {
        self.compared(BinaryOperator::GreaterOrEqual, value)
    }

    /// It is one of these.
    pub fn one_of<T: Into<Value>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        let values = values.into_iter().map(|value| Expression::Literal(value.into())).collect();
        let list = Box::new(Expression::List(values));
        Condition(Expression::Binary(BinaryOperator::In, Box::new(self.0), list))
    }

    /// It is text of SQL's pattern: `like("Con%")`.
    pub fn like(self, pattern: &str) -> Condition {
        let pattern = Expression::Literal(Value::text(pattern));
        Condition(Expression::Call(Function::Like, vec![self.0, pattern]))
    }

    fn compared(self, operator: BinaryOperator, value: impl Into<Value>) -> Condition {
        let value = Box::new(Expression::Literal(value.into()));
        Condition(Expression::Binary(operator, Box::new(self.0), value))
    }
}

impl Condition {
    /// Both: what was said before, and this.
    pub(super) fn and(self, before: Option<Expression>) -> Expression {
        match before {
            Some(before) => (Self(before) & self).0,
            None => self.0,
        }
    }
}

impl BitAnd for Condition {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        let (left, right) = (Box::new(self.0), Box::new(other.0));
        Self(Expression::Binary(BinaryOperator::And, left, right))
    }
}

impl BitOr for Condition {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let (left, right) = (Box::new(self.0), Box::new(other.0));
        Self(Expression::Binary(BinaryOperator::Or, left, right))
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(Expression::Unary(UnaryOperator::Not, Box::new(self.0)))
    }
}

/// Checks the columns that a condition on the rows of a table names; behind a point stands one of
/// a row that a lookup leads to, or of a link of the selection's.
pub(super) fn check(
    asking: Asking<'_>,
    (selection, table): (Option<&Selection>, TableId),
    expression: &Expression,
) -> Result<(), Fault> {
    let around = (selection, table);
    match expression {
        Expression::Column(name) => own_column(asking, table, name).map(drop),
        Expression::Member(row, name) => {
            let Expression::Column(lookup) = &**row else { return Ok(()) };
            if let Some((_, link)) = selection.and_then(|it| linked(it, lookup)) {
                return own_column(asking, link.table, name).map(drop);
            }
            let behind = behind(asking.0, table, asking.column(table, lookup)?.index());
            let behind = behind.ok_or_else(|| {
                let message = format!("`{lookup}` is no lookup: it leads to no `{name}`.");
                Fault::new(FaultKind::InvalidArgument, message)
            })?;
            own_column(asking, behind, name).map(drop)
        }
        Expression::Unary(_, of) => check(asking, around, of),
        Expression::Binary(_, left, right) => {
            check(asking, around, left)?;
            check(asking, around, right)
        }
        Expression::Call(_, arguments) | Expression::List(arguments) => {
            arguments.iter().try_for_each(|argument| check(asking, around, argument))
        }
        _ => Ok(()),
    }
}

fn own_column(asking: Asking<'_>, table: TableId, name: &str) -> Result<(), Fault> {
    if name == "id" { Ok(()) } else { asking.column(table, name).map(drop) }
}

/// The table that a lookup column leads to.
fn behind(plan: &Plan, table: TableId, column: usize) -> Option<TableId> {
    match plan.table(table).columns[column].kind {
        ColumnType::Lookup(to) => Some(to),
        _ => None,
    }
}
