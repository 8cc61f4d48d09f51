//! Conditions, ready to be judged for many rows.
//!
//! A condition is taken apart at its outermost `&&`. The parts that compare a column with a value
//! are judged on the packed row, without a value or a name being made; if there is any other part,
//! the whole is then evaluated as an expression.

use std::cmp::Ordering;

use crate::engine::database::context::Context;
use crate::engine::database::read::{Linked, StoredRow};
use crate::engine::database::search::{literal, mirrored, split};
use crate::engine::store::RowImage;
use crate::plan::Table;
use crate::words::evaluate::{Scope, compare, equal, evaluate, is_true};
use crate::words::{BinaryOperator as Operator, ColumnId, Expression, TableId, Value};

/// A condition on a row.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(super) struct Condition {
    /// What can be judged on the packed row. All must hold.
    comparisons: Vec<Comparison>,
    /// Whether there is more to it.
    has_more: bool,
}

/// A column compared with a value.
#[derive(Clone, Debug, PartialEq, Hash)]
struct Comparison {
    column: ColumnId,
    operator: Operator,
    value: Value,
}

impl Condition {
    /// The condition of a filter; without one every row meets it.
    pub(super) fn of(filter: Option<&Expression>, table: &Table) -> Self {
        let mut condition = Self::default();
        let mut parts = Vec::new();
        if let Some(filter) = filter {
            split(filter, &mut parts);
        }
        for part in parts {
            match comparison(part, table) {
                Some(comparison) => condition.comparisons.push(comparison),
                None => condition.has_more = true,
            }
        }
        condition
    }

    /// Whether the packed row decides.
    pub(super) const fn is_simple(&self) -> bool {
        !self.has_more
    }

    /// Whether the parts hold that the packed row decides.
    #[inline]
    pub(super) fn may_hold(&self, image: &RowImage<'_>) -> bool {
        self.comparisons.iter().all(|comparison| comparison.holds(image))
    }

    /// Whether the condition, which is that of `filter`, holds for a row.
    ///
    /// As in SQL, a condition that can't be told for a row does not hold for it.
    pub(super) fn holds(
        &self,
        filter: Option<&Expression>,
        image: RowImage<'_>,
        table: TableId,
        context: &Context<'_>,
        linked: &dyn Linked,
    ) -> bool {
        if !self.may_hold(&image) {
            return false;
        }
        let Some(filter) = filter.filter(|_| self.has_more) else {
            return true;
        };
        let table = context.plan.table(table);
        let row = StoredRow { image, table, names: context.names, linked };
        let scope = Scope { bindings: &[], plug_in: None, row: Some(&row), clock: context.clock() };
        evaluate(filter, &scope).is_ok_and(|value| is_true(&value))
    }
}

impl Comparison {
    #[inline]
    fn holds(&self, image: &RowImage<'_>) -> bool {
        match image.order(self.column, &self.value) {
            Some(order) => decides(self.operator, Some(order), order.is_eq()),
            None => self.holds_for(image),
        }
    }

    /// The same of values that are not often compared, out of the way of the scans that compare
    /// others.
    #[inline(never)]
    fn holds_for(&self, image: &RowImage<'_>) -> bool {
        let held = image.value(self.column);
        decides(self.operator, compare(&held, &self.value), equal(&held, &self.value))
    }
}

/// What an operator says of two values of this order.
#[inline]
fn decides(operator: Operator, order: Option<Ordering>, is_equal: bool) -> bool {
    match operator {
        Operator::Equal => is_equal,
        Operator::NotEqual => !is_equal,
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        _ => false,
    }
}

/// A part of a condition as a comparison, if it is one.
fn comparison(part: &Expression, table: &Table) -> Option<Comparison> {
    let Expression::Binary(operator, left, right) = part else {
        return None;
    };
    let operator = match (mirrored(*operator)?, &**left) {
        (_, Expression::Column(_)) => *operator,
        (mirrored, _) => mirrored,
    };
    let (name, value) = match (&**left, &**right) {
        (Expression::Column(name), other) | (other, Expression::Column(name)) => {
            (name, literal(other)?)
        }
        _ => return None,
    };
    Some(Comparison { column: table.column(name)?, operator, value: value.clone() })
}
