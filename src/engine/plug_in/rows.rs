//! Queries in Rust: which rows, by names and typed values.

use std::ops::{BitAnd, BitOr, Not};

use crate::engine::asking::Asking;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Field, OrderBy, Ordering, Plan, Reached, Selection};
use crate::words::{
    BinaryOperator, ColumnType, Expression, Function, Name, TableId, UnaryOperator, Value,
};

/// The rows of a table that a query finds: all, until it says less.
///
/// ```
/// use multiverse::plug_in::{Rows, column};
///
/// let _ = Rows::of("contact")
///     .only(column("age").at_least(18) & column("company.country").equal("DE"))
///     .columns(&["name"])
///     .order_by("name")
///     .top(10);
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Rows {
    table: Name,
    filter: Option<Expression>,
    columns: Option<Vec<Name>>,
    expand: Vec<Name>,
    /// By which columns, and whether from the largest to the smallest.
    order: Vec<(Name, bool)>,
    top: Option<u32>,
}

impl Rows {
    /// Every row of a table, with all its columns, in the table's own order: that of creation,
    /// until a new row takes the place of a deleted one.
    pub fn of(table: &str) -> Self {
        Self {
            table: Name::from(table),
            filter: None,
            columns: None,
            expand: Vec::new(),
            order: Vec::new(),
            top: None,
        }
    }

    /// Only the rows that meet this condition, too.
    #[must_use]
    pub fn only(mut self, condition: Condition) -> Self {
        self.filter = Some(match self.filter {
            Some(filter) => (Condition(filter) & condition).0,
            None => condition.0,
        });
        self
    }

    /// Answers these columns only.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(columns.iter().map(|name| Name::from(*name)).collect());
        self
    }

    /// Answers the row that a lookup points to, too; see [`crate::words::Record::behind`].
    #[must_use]
    pub fn expand(mut self, lookup: &str) -> Self {
        self.expand.push(Name::from(lookup));
        self
    }

    /// From the smallest value of the column to the largest, null first; after what was said
    /// before.
    #[must_use]
    pub fn order_by(mut self, column: &str) -> Self {
        self.order.push((Name::from(column), false));
        self
    }

    /// From the largest value of the column to the smallest; after what was said before.
    #[must_use]
    pub fn descending_by(mut self, column: &str) -> Self {
        self.order.push((Name::from(column), true));
        self
    }

    /// The first so many rows. The platform refuses more than 5,000.
    #[must_use]
    pub const fn top(mut self, top: u32) -> Self {
        self.top = Some(top);
        self
    }

    /// The table.
    pub(in crate::engine) fn table(&self) -> &str {
        &self.table
    }

    /// The same in the plan's form.
    ///
    /// # Errors
    ///
    /// It names a table or column that is not there.
    pub(in crate::engine) fn selection(&self, asking: Asking<'_>) -> Result<Selection, Fault> {
        let table = asking.table(&self.table)?;
        let mut selection = Selection::of(table);
        if let Some(filter) = &self.filter {
            check(asking, table, filter)?;
            selection.filter = Some(filter.clone());
        }
        if let Some(columns) = &self.columns {
            selection.columns = Some(asking.columns(table, columns)?);
        }
        selection.expand = asking.columns(table, &self.expand)?;
        for (name, descending) in &self.order {
            let field = match &**name {
                "id" => Field::Id,
                name => Field::Column(asking.column(table, name)?),
            };
            let by = OrderBy::Field(Reached::own(field));
            selection.order.push(Ordering { by, descending: *descending });
        }
        selection.top = self.top.map(|top| Expression::Literal(Value::Whole(i64::from(top))));
        Ok(selection)
    }
}

/// A condition on a row. `&`, `|` and `!` combine conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(Expression);

/// A column, of which a condition is to be made: `column("name")`, or with a lookup `company`
/// `column("company.country")`. The row's id is `column("id")`.
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

/// Checks the columns that a condition names.
fn check(asking: Asking<'_>, table: TableId, expression: &Expression) -> Result<(), Fault> {
    match expression {
        Expression::Column(name) => own_column(asking, table, name).map(drop),
        Expression::Member(row, name) => {
            let Expression::Column(lookup) = &**row else { return Ok(()) };
            let behind = behind(asking.0, table, asking.column(table, lookup)?.index());
            let behind = behind.ok_or_else(|| {
                let message = format!("`{lookup}` is no lookup: it leads to no `{name}`.");
                Fault::new(FaultKind::InvalidArgument, message)
            })?;
            own_column(asking, behind, name).map(drop)
        }
        Expression::Unary(_, of) => check(asking, table, of),
        Expression::Binary(_, left, right) => {
            check(asking, table, left)?;
            check(asking, table, right)
        }
        Expression::Call(_, arguments) | Expression::List(arguments) => {
            arguments.iter().try_for_each(|argument| check(asking, table, argument))
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
