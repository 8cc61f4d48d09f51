//! Conditions, ready to be judged for many rows.
//!
//! A condition is taken apart at its outermost `&&`. The parts that compare a column with a value
//! are judged on the packed row, without a value or a name being made; if there is any other part,
//! the whole is then evaluated as an expression.

use std::cmp::Ordering;

use crate::engine::database::context::Context;
use crate::engine::database::read::{Linked, StoredRow};
use crate::engine::database::search::{literal, mirrored, split};
use crate::engine::store::{RowImage, ValueRef};
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
    /// How what the column holds must stand to the value.
    stands: Standing,
    value: Value,
}

/// One or several ways in which two values may stand to one another, each a bit, so that a scan
/// needs no branch to tell whether one is among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Standing(u8);

impl Standing {
    const LESS: Self = Self::of(Ordering::Less);
    const EQUAL: Self = Self::of(Ordering::Equal);
    const GREATER: Self = Self::of(Ordering::Greater);
    /// They are unequal, and neither comes first: of two kinds, or one is null.
    const APART: Self = Self(8);
    /// They are the same, of what has no order: both are null.
    const SAME: Self = Self(16);

    #[inline(always)]
    const fn of(order: Ordering) -> Self {
        Self(match order {
            Ordering::Less => 1,
            Ordering::Equal => 2,
            Ordering::Greater => 4,
        })
    }

    /// Those of which the operator says yes; `None` for one that compares nothing.
    const fn accepted_by(operator: Operator) -> Option<Self> {
        let (apart, same) = (Self::APART.0, Self::SAME.0);
        let (less, equal, greater) = (Self::LESS.0, Self::EQUAL.0, Self::GREATER.0);
        Some(Self(match operator {
            Operator::Equal => equal | same,
            Operator::NotEqual => less | greater | apart,
            Operator::Less => less,
            Operator::LessOrEqual => less | equal,
            Operator::Greater => greater,
            Operator::GreaterOrEqual => greater | equal,
            _ => return None,
        }))
    }

    #[inline(always)]
    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
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
    // A scan judges every row by this. Out of line, the image would go through memory.
    #[inline(always)]
    pub(super) fn may_hold(&self, image: &RowImage<'_>) -> bool {
        for comparison in &self.comparisons {
            if !comparison.holds(image) {
                return false;
            }
        }
        true
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
    #[inline(always)]
    fn holds(&self, image: &RowImage<'_>) -> bool {
        match image.order(self.column, &self.value) {
            Some(order) => self.stands.has(Standing::of(order)),
            None => self.holds_for(image.get(self.column)),
        }
    }

    /// The same of values that are not often compared, out of the way of the scans that compare
    /// others.
    #[inline(never)]
    fn holds_for(&self, held: ValueRef<'_>) -> bool {
        let held = held.to_value();
        self.stands.has(match compare(&held, &self.value) {
            Some(order) => Standing::of(order),
            None if equal(&held, &self.value) => Standing::SAME,
            None => Standing::APART,
        })
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
    let stands = Standing::accepted_by(operator)?;
    Some(Comparison { column: table.column(name)?, stands, value: value.clone() })
}
