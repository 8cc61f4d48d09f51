//! Claims about committed rows.

use crate::check::claim::{Decision, Judge, key_of, number};
use crate::check::{Finding, History, Moment, RowHistory, RowKey, Version};
use crate::plan::{RowRef, RowState};
use crate::trace::WriteKind;
use crate::words::{ColumnId, InstanceId, SimInstant, TableId, Value};

/// Null, for columns that a row's image leaves out.
static NULL: Value = Value::Null;

impl Judge<'_, '_> {
    /// A row's committed state.
    pub(super) fn row(&self, row: &RowRef, by: Option<SimInstant>, state: &RowState) -> Decision {
        let history = self.history.rows.get(&key_of(row));
        let last = history.and_then(|it| it.versions_by(by).last());
        let decided_by = last.map(|it| it.settled);
        let when = self.when(by);
        match state {
            RowState::Is(columns) => self.row_is(row, by, columns),
            RowState::Missing => {
                let exists = last.filter(|it| it.kind != WriteKind::Delete);
                let finding = exists.map(|_| Finding {
                    expected: format!("{} does not exist{when}", self.place(row)),
                    found: self.existing(row, by),
                    decided_by,
                    nearest: self.nearest_absence(row, by),
                });
                Decision::of(decided_by, finding)
            }
            RowState::Unchanged => {
                let unchanged = last.is_some_and(|it| it.writer.is_none());
                let finding = (!unchanged).then(|| Finding {
                    expected: format!("{} is as it was loaded{when}", self.place(row)),
                    found: last.map_or_else(
                        || "it was never there".to_owned(),
                        |it| self.version_told(row.table, it),
                    ),
                    decided_by,
                    nearest: None,
                });
                Decision::of(decided_by, finding)
            }
        }
    }

    /// ` at the end of …`, for a claim about another moment than the end of the run.
    fn when(&self, by: Option<SimInstant>) -> String {
        match by {
            None => String::new(),
            Some(SimInstant::END) => " at the end".to_owned(),
            Some(by) => format!(" at {}", self.history.names.moment(by)),
        }
    }

    fn row_is(
        &self,
        row: &RowRef,
        by: Option<SimInstant>,
        columns: &[(ColumnId, Value)],
    ) -> Decision {
        let names = &self.history.names;
        let place = self.place(row);
        let history = self.history.rows.get(&key_of(row));
        let Some((history, image)) = history.and_then(|it| Some((it, it.image(by)?))) else {
            return Decision::fails(Finding {
                expected: format!("{place} exists{}", self.when(by)),
                found: "it does not".to_owned(),
                decided_by: history.and_then(|it| it.versions_by(by).last()).map(|it| it.settled),
                nearest: self.nearest_existence(row, by),
            });
        };
        let versions = history.versions_by(by);
        let mut decision = Decision::holds(None);
        for (column, expected) in columns {
            let found = image.get(column).copied().unwrap_or(&NULL);
            let setter = versions
                .iter()
                .rev()
                .find(|it| it.change.value(*column).is_some())
                .or_else(|| history.created(by));
            let decided_by = setter.map(|it| it.settled);
            decision.decided_by = decision.decided_by.max(decided_by);
            if self.same(expected, found) {
                continue;
            }
            let name = names.column(row.table, *column);
            decision.findings.push(Finding {
                expected: format!(
                    "{place} has {name} = {}{}",
                    names.value(expected),
                    self.when(by)
                ),
                found: format!("{name} = {}{}", names.value(found), self.by_whom(setter)),
                decided_by,
                nearest: self.nearest_value(row, *column, expected, by),
            });
        }
        decision
    }

    /// `, written by <lane> at <moment>`; loaded rows say so.
    fn by_whom(&self, version: Option<&Version>) -> String {
        version.map_or_else(String::new, |version| match version.writer {
            None => ", as loaded".to_owned(),
            Some(writer) => {
                let writer = self.history.transaction_name(writer);
                let moment = self.history.names.moment(version.settled.at);
                format!(", committed by {writer} at {moment}")
            }
        })
    }

    /// A committed version in a sentence.
    pub(super) fn version_told(&self, table: TableId, version: &Version) -> String {
        let verb = match (version.kind, version.writer) {
            (WriteKind::Insert, None) => return "it was loaded and never written".to_owned(),
            (WriteKind::Insert, _) => "created",
            (WriteKind::Update, _) => "updated",
            (WriteKind::Delete, _) => "deleted",
        };
        let columns = match version.change {
            crate::check::Change::Written(columns) if version.kind != WriteKind::Delete => columns,
            _ => &[],
        };
        let names = &self.history.names;
        let columns: Vec<String> = columns
            .iter()
            .take(3)
            .map(|(column, _, after)| {
                format!("{} = {}", names.column(table, *column), names.value(after))
            })
            .collect();
        let columns = match columns.len() {
            0 => String::new(),
            _ => format!(" ({})", columns.join(", ")),
        };
        format!("it was {verb}{columns}{}", self.by_whom(Some(version)))
    }

    /// What exists where nothing should.
    fn existing(&self, row: &RowRef, by: Option<SimInstant>) -> String {
        let history = self.history.rows.get(&key_of(row));
        let created = history.and_then(|it| it.created(by));
        format!("it exists{}", self.by_whom(created))
    }

    /// When the row did not exist, where it did not exist all the time.
    fn nearest_absence(&self, row: &RowRef, by: Option<SimInstant>) -> Option<String> {
        let history = self.history.rows.get(&key_of(row))?;
        let moment = |at: Moment| self.history.names.moment(at.at);
        let later = history.versions[history.versions_by(by).len()..]
            .iter()
            .find(|it| it.kind == WriteKind::Delete);
        if let Some(later) = later {
            return Some(format!("it was deleted at {}", moment(later.settled)));
        }
        let created = history.created(by).filter(|it| it.writer.is_some())?;
        Some(format!("it did not exist before {}", moment(created.settled)))
    }

    /// Where or when a missing row does exist.
    fn nearest_existence(&self, row: &RowRef, by: Option<SimInstant>) -> Option<String> {
        let names = &self.history.names;
        let moment = |at: Moment| names.moment(at.at);
        if let Some(history) = self.history.rows.get(&key_of(row)) {
            let known = history.versions_by(by);
            if let Some(gone) = known.last() {
                return Some(self.version_told(row.table, gone));
            }
            if let Some(later) = history.versions[known.len()..].first() {
                return Some(format!("it exists from {} on", moment(later.settled)));
            }
            if let Some(undone) = history.undone.first() {
                let writer = self.undoer(undone);
                return Some(format!(
                    "{writer} created it at {}, and was rolled back at {}",
                    moment(undone.written),
                    moment(undone.settled)
                ));
            }
        }
        let other = self.elsewhere(row).find(|(_, it)| it.image(by).is_some());
        if let Some((instance, _)) = other {
            let (instance, name) = (names.instance(instance), &row.name);
            return Some(format!("{instance} has {}/{name}", names.table(row.table)));
        }
        let rows = self.history.table_rows(row.instance, row.table);
        let count = rows.filter(|(_, it)| it.image(by).is_some()).count();
        let table = names.table(row.table);
        let instance = names.instance(row.instance);
        let rows = number(count, "other row", "other rows");
        (count > 0).then(|| format!("{instance} has {rows} of {table}"))
    }

    fn undoer(&self, undone: &Version) -> String {
        let writer = undone.writer.map(|it| self.history.transaction_name(it));
        writer.unwrap_or_else(|| "somebody".to_owned())
    }

    /// The same row in the other instances.
    fn elsewhere(&self, row: &RowRef) -> impl Iterator<Item = (InstanceId, &RowHistory<'_>)> {
        let history: &History = self.history;
        let count = u16::try_from(history.trace.header.instances.len()).unwrap_or(u16::MAX);
        let key = key_of(row);
        (0..count).map(InstanceId).filter(move |instance| *instance != key.instance).filter_map(
            move |instance| {
                let row = history.rows.get(&RowKey { instance, ..key })?;
                Some((instance, row))
            },
        )
    }

    /// When, by whom or where the column does have the value.
    fn nearest_value(
        &self,
        row: &RowRef,
        column: ColumnId,
        expected: &Value,
        by: Option<SimInstant>,
    ) -> Option<String> {
        let names = &self.history.names;
        let history = self.history.rows.get(&key_of(row))?;
        let name = names.column(row.table, column);
        let value = names.value(expected);
        let gives = |it: &&Version| {
            let given = it.change.value(column);
            given.is_some_and(|given| self.same(expected, given))
        };
        let known = history.versions_by(by).len();
        if let Some(later) = history.versions[known..].iter().find(gives) {
            let moment = names.moment(later.settled.at);
            return Some(format!("{name} = {value} from {moment} on"));
        }
        if let Some(undone) = history.undone.iter().rev().find(gives) {
            return Some(format!(
                "{} wrote {name} = {value} at {}, and was rolled back at {}",
                self.undoer(undone),
                names.moment(undone.written.at),
                names.moment(undone.settled.at)
            ));
        }
        if let Some(earlier) = history.versions[..known].iter().rev().find(gives) {
            let since = names.moment(earlier.settled.at);
            return Some(match earlier.writer {
                None => format!("{name} = {value} was what was loaded"),
                Some(_) => format!("{name} = {value} from {since} until it was overwritten"),
            });
        }
        let image_has = |it: &RowHistory| {
            let image = it.image(by);
            let found = image.as_ref().and_then(|image| image.get(&column).copied());
            found.is_some_and(|found| self.same(expected, found))
        };
        let (instance, _) = self.elsewhere(row).find(|(_, it)| image_has(it))?;
        let instance = names.instance(instance);
        let table = names.table(row.table);
        Some(format!("{instance}/{table}/{} has {name} = {value}", row.name))
    }

    /// The values of a column over a table's rows, in the order of creation.
    pub(super) fn rows(
        &self,
        instance: InstanceId,
        table: TableId,
        column: ColumnId,
        values: &[Value],
    ) -> Decision {
        let names = &self.history.names;
        let by = self.state_at(None);
        let mut rows: Vec<(Moment, Moment, Value)> = self
            .history
            .table_rows(instance, table)
            .filter_map(|(_, row)| {
                let image = row.image(by)?;
                let value = image.get(&column).copied().unwrap_or(&NULL).clone();
                let settled = row.versions_by(by).last()?.settled;
                Some((row.created(by)?.written, settled, value))
            })
            .collect();
        rows.sort_by_key(|(created, ..)| *created);
        let decided_by = rows.iter().map(|(_, settled, _)| *settled).max();
        let found: Vec<Value> = rows.into_iter().map(|(.., value)| value).collect();
        let same =
            found.len() == values.len() && values.iter().zip(&found).all(|(a, b)| self.same(a, b));
        if same {
            return Decision::holds(decided_by);
        }
        let mut left: Vec<&Value> = values.iter().collect();
        found.iter().for_each(|it| {
            if let Some(position) = left.iter().position(|expected| self.same(expected, it)) {
                left.swap_remove(position);
            }
        });
        let reordered = left.is_empty() && found.len() == values.len();
        let listed = |values: Vec<Value>| names.value(&Value::List(values.into()));
        let place = names.table_of(instance, table);
        let column = names.column(table, column);
        Decision::fails(Finding {
            expected: format!("{column} of {place} is {}", listed(values.to_vec())),
            found: format!("it is {}", listed(found)),
            decided_by,
            nearest: reordered.then(|| "the same values, in another order".to_owned()),
        })
    }
}
