//! Conditions, and the versions that changed which rows match them.

use std::collections::BTreeMap;

use crate::check::dependency::parties::PartyIndex;
use crate::check::dependency::versions::{Order, Versions};
use crate::check::{Change, History, Moment, RowKey, Selection};
use crate::trace::{Names, WriteKind};
use crate::words::evaluate::{Clock, RowAtHand, Scope, equal, evaluate, is_true};
use crate::words::{
    BinaryOperator, ColumnId, Expression, InstanceId, Name, RowId, SimInstant, TableId, Value,
};

/// One condition on the rows of one table; searches by the same one share it.
#[derive(Debug)]
pub(super) struct Condition<'h> {
    pub(super) instance: InstanceId,
    pub(super) table: TableId,
    filter: Option<&'h Expression>,
    /// Whether it follows lookups to other rows.
    follows: bool,
    /// The instant of the search, for a condition that asks for the time.
    now: SimInstant,
}

/// A turn of writes that changed whether a row matches a condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flip {
    pub(super) key: RowKey,
    /// The position of the turn's first version.
    pub(super) first: usize,
    pub(super) party: PartyIndex,
    pub(super) written: Moment,
    pub(super) settled: Moment,
}

/// The rows that ever held each value of a column, for the columns that were asked about.
#[derive(Default)]
pub(super) struct ValueIndex {
    columns: BTreeMap<(InstanceId, TableId, ColumnId), BTreeMap<String, Vec<RowKey>>>,
}

impl<'h> Condition<'h> {
    pub(super) fn of(selection: &Selection<'h>) -> Self {
        let Selection { instance, table, filter, at, .. } = *selection;
        let timed = filter.is_some_and(asks_for_the_time);
        let follows = filter.is_some_and(follows_lookups);
        let now = if timed { at.at } else { SimInstant::START };
        Self { instance, table, filter, follows, now }
    }

    /// What equal conditions have in common.
    pub(super) fn identity(&self) -> (InstanceId, TableId, SimInstant, String) {
        (self.instance, self.table, self.now, format!("{:?}", self.filter))
    }

    /// Every change of which rows match, row by row; none of a condition that follows lookups,
    /// which changes of other rows change, too.
    pub(super) fn flips(
        &self,
        history: &History<'h>,
        versions: &Versions<'h>,
        index: &mut ValueIndex,
    ) -> Vec<Flip> {
        let mut flips = Vec::new();
        if self.follows {
            return flips;
        }
        match self.equality(history) {
            Some((column, value)) => {
                let column = (self.instance, self.table, column);
                for key in index.rows(column, value, versions) {
                    if let Some(order) = versions.orders.get(key) {
                        self.flips_of(*key, order, history, &mut flips);
                    }
                }
            }
            None => {
                for (row, _) in history.table_rows(self.instance, self.table) {
                    let key = RowKey::of(self.instance, self.table, row);
                    if let Some(order) = versions.orders.get(&key) {
                        self.flips_of(key, order, history, &mut flips);
                    }
                }
            }
        }
        flips
    }

    fn flips_of(
        &self,
        key: RowKey,
        order: &Order<'h>,
        history: &History<'h>,
        flips: &mut Vec<Flip>,
    ) {
        let mut row = Row { key, names: &history.names, history, image: BTreeMap::new() };
        let mut matched = false;
        for turn in &order.turns {
            let mut there = false;
            for version in &order.versions[turn.first..=turn.last] {
                there = version.kind != WriteKind::Delete;
                if version.kind != WriteKind::Update {
                    row.image.clear();
                }
                match version.change {
                    Change::Loaded(columns) => {
                        row.image.extend(columns.iter().map(|(column, value)| (*column, value)));
                    }
                    Change::Written(columns) => {
                        row.image.extend(columns.iter().map(|(column, _, after)| (*column, after)));
                    }
                }
            }
            let matches = there && self.matches(&row);
            if let Some(party) = turn.party.filter(|_| matches != matched) {
                let (first, written, settled) = (turn.first, turn.written, turn.settled);
                flips.push(Flip { key, first, party, written, settled });
            }
            matched = matches;
        }
    }

    /// As in SQL, a condition that can't be told for a row does not hold for it.
    fn matches(&self, row: &Row<'_, 'h>) -> bool {
        let Some(filter) = self.filter else {
            return true;
        };
        let clock = Clock { start: row.history.trace.header.start, now: self.now };
        let scope = Scope { bindings: &[], plug_in: None, row: Some(row), clock };
        evaluate(filter, &scope).is_ok_and(|value| is_true(&value))
    }

    /// A column and the value that it must have for the condition to hold, where it says so.
    fn equality(&self, history: &History<'h>) -> Option<(ColumnId, &'h Value)> {
        let header = history.trace.header.tables.get(self.table.index())?;
        let mut pending = vec![self.filter?];
        while let Some(expression) = pending.pop() {
            let Expression::Binary(operator, left, right) = expression else {
                continue;
            };
            match (operator, &**left, &**right) {
                (BinaryOperator::And, left, right) => pending.extend([left, right]),
                (BinaryOperator::Equal, Expression::Column(name), Expression::Literal(value))
                | (BinaryOperator::Equal, Expression::Literal(value), Expression::Column(name))
                    if is_plain(value) =>
                {
                    let column = header.columns.iter().position(|it| it == name);
                    if let Some(column) = column.and_then(|it| u16::try_from(it).ok()) {
                        return Some((ColumnId(column), value));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

impl ValueIndex {
    fn rows(
        &mut self,
        column: (InstanceId, TableId, ColumnId),
        value: &Value,
        versions: &Versions<'_>,
    ) -> &[RowKey] {
        let (instance, table, id) = column;
        let rows = self.columns.entry(column).or_insert_with(|| {
            let mut rows: BTreeMap<String, Vec<RowKey>> = BTreeMap::new();
            let least = RowKey::of(instance, table, RowId(uuid::Uuid::nil()));
            let most = RowKey::of(instance, table, RowId(uuid::Uuid::max()));
            for (key, order) in versions.orders.range(least..=most) {
                for value in order.versions.iter().filter_map(|it| it.change.value(id)) {
                    let holders = rows.entry(bucket(value)).or_default();
                    if holders.last() != Some(key) {
                        holders.push(*key);
                    }
                }
            }
            rows
        });
        rows.get(&bucket(value)).map_or(&[], Vec::as_slice)
    }
}

/// Whether a column can only equal this value by holding it: a null is held by writing nothing.
fn is_plain(value: &Value) -> bool {
    !value.is_null() && equal(value, value)
}

/// One text for all values that are equal.
fn bucket(value: &Value) -> String {
    match value {
        Value::Whole(number) => rust_decimal::Decimal::from(*number).to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Id(id) => id.to_string(),
        Value::Record(record) => record.id.to_string(),
        other => format!("{other:?}"),
    }
}

fn asks_for_the_time(expression: &Expression) -> bool {
    has(
        expression,
        &|it| matches!(it, Expression::Call(function, _) if function.asks_for_the_time()),
    )
}

fn follows_lookups(expression: &Expression) -> bool {
    has(
        expression,
        &|it| matches!(it, Expression::Member(base, _) if matches!(**base, Expression::Column(_))),
    )
}

/// Whether any part of an expression is such.
fn has(expression: &Expression, is_such: &dyn Fn(&Expression) -> bool) -> bool {
    let has = |it: &Expression| has(it, is_such);
    is_such(expression)
        || match expression {
            Expression::Literal(_)
            | Expression::Binding(_)
            | Expression::Column(_)
            | Expression::RowName => false,
            Expression::Member(inner, _) | Expression::Unary(_, inner) => has(inner),
            Expression::Index(a, b) | Expression::Binary(_, a, b) => has(a) || has(b),
            Expression::Conditional(a, b, c) => has(a) || has(b) || has(c),
            Expression::Call(_, items) | Expression::List(items) => items.iter().any(has),
        }
}

/// One version of a row, as a condition sees it.
struct Row<'a, 'h> {
    key: RowKey,
    names: &'a Names<'h>,
    history: &'a History<'h>,
    image: BTreeMap<ColumnId, &'h Value>,
}

impl RowAtHand for Row<'_, '_> {
    fn id(&self) -> RowId {
        self.key.row
    }

    fn name(&self) -> Name {
        let called = self.names.name_of(self.key.table, self.key.row);
        called.cloned().unwrap_or_else(|| self.key.row.to_string().into())
    }

    fn table_name(&self) -> &str {
        let table = self.history.trace.header.tables.get(self.key.table.index());
        table.map_or("", |it| &it.name)
    }

    fn column(&self, name: &str) -> Option<Value> {
        let table = self.history.trace.header.tables.get(self.key.table.index())?;
        let column = table.columns.iter().position(|it| **it == *name)?;
        let column = ColumnId(u16::try_from(column).ok()?);
        Some(self.image.get(&column).map_or(Value::Null, |value| (*value).clone()))
    }
}
