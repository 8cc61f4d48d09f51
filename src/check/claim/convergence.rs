//! Claims that instances hold the same rows.

use std::collections::BTreeSet;

use crate::check::claim::{Decision, Judge, number};
use crate::check::{Finding, Moment, RowHistory, RowImage, RowKey};
use crate::words::{InstanceId, RowId, SimInstant, TableId};

/// How the copies of one table differ at one moment.
#[derive(Default)]
struct Differences {
    /// How many rows there are, over all instances.
    rows: usize,
    /// How many of them differ.
    different: usize,
    /// The first difference, told.
    first: Option<(String, Option<Moment>)>,
    /// The last commit that any of the copies has seen.
    last: Option<Moment>,
}

impl Judge<'_, '_> {
    /// All instances that have the table hold the same committed rows of it.
    pub(super) fn converged(
        &self,
        table: Option<TableId>,
        by: Option<SimInstant>,
        converged: bool,
    ) -> Decision {
        let names = &self.history.names;
        let tables = match table {
            Some(table) => vec![table],
            None => self.shared_tables(),
        };
        let when = by.map_or_else(String::new, |by| format!(" at {}", names.moment(by)));
        let whose =
            table.map_or_else(|| "every shared table".to_owned(), |table| names.table(table));
        let expected = if converged {
            format!("the instances hold the same rows of {whose}{when}")
        } else {
            format!("the instances differ in {whose}{when}")
        };
        let mut last = None;
        for table in &tables {
            let owners = self.owners(*table);
            let differences = self.differences(*table, &owners, by);
            last = last.max(differences.last);
            let Some((told, moment)) = differences.first else {
                continue;
            };
            if !converged {
                return Decision::holds(moment);
            }
            return Decision::fails(Finding {
                expected,
                found: told,
                decided_by: moment,
                nearest: self.nearest_convergence(
                    *table,
                    by,
                    differences.rows,
                    differences.different,
                ),
            });
        }
        if converged {
            return Decision::holds(last);
        }
        Decision::fails(Finding {
            expected,
            found: "they hold the same".to_owned(),
            decided_by: last,
            nearest: None,
        })
    }

    /// The tables that more than one instance has.
    fn shared_tables(&self) -> Vec<TableId> {
        let mut once = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for tables in &self.history.trace.header.tables_of {
            for table in tables {
                if !once.insert(*table) {
                    shared.insert(*table);
                }
            }
        }
        shared.into_iter().collect()
    }

    fn owners(&self, table: TableId) -> Vec<InstanceId> {
        let of_instances = self.history.trace.header.tables_of.iter();
        (0..=u16::MAX)
            .map(InstanceId)
            .zip(of_instances)
            .filter(|(_, tables)| tables.contains(&table))
            .map(|(instance, _)| instance)
            .collect()
    }

    fn differences(
        &self,
        table: TableId,
        owners: &[InstanceId],
        by: Option<SimInstant>,
    ) -> Differences {
        let mut ids: BTreeSet<RowId> = BTreeSet::new();
        let mut differences = Differences::default();
        for owner in owners {
            for (id, row) in self.history.table_rows(*owner, table) {
                let last = row.versions_by(by).last();
                differences.last = differences.last.max(last.map(|it| it.settled));
                ids.insert(id);
            }
        }
        for id in ids {
            let copies: Vec<(InstanceId, Option<&RowHistory>, Option<RowImage>)> = owners
                .iter()
                .map(|owner| {
                    let row = self.history.rows.get(&RowKey { instance: *owner, table, row: id });
                    (*owner, row, row.and_then(|it| it.image(by)))
                })
                .collect();
            differences.rows += usize::from(copies.iter().any(|(.., image)| image.is_some()));
            let Some((first, rest)) = copies.split_first() else {
                continue;
            };
            let Some(other) = rest.iter().find(|it| it.2 != first.2) else {
                continue;
            };
            differences.different += 1;
            if differences.first.is_none() {
                let settled = |row: Option<&RowHistory>| {
                    let last = row.and_then(|it| it.versions_by(by).last());
                    last.map(|it| it.settled)
                };
                let moment = settled(first.1).max(settled(other.1));
                let told =
                    self.difference_told(table, id, (first.0, &first.2), (other.0, &other.2));
                differences.first = Some((told, moment));
            }
        }
        differences
    }

    fn difference_told(
        &self,
        table: TableId,
        id: RowId,
        one: (InstanceId, &Option<RowImage>),
        other: (InstanceId, &Option<RowImage>),
    ) -> String {
        let names = &self.history.names;
        let row = format!("{}/{}", names.table(table), names.row(table, id));
        let (a, b) = (names.instance(one.0), names.instance(other.0));
        match (one.1, other.1) {
            (Some(_), None) => format!("{b} lacks {row}, which {a} has"),
            (None, Some(_)) => format!("{a} lacks {row}, which {b} has"),
            (Some(image), Some(twin)) => {
                let columns: BTreeSet<_> = image.keys().chain(twin.keys()).collect();
                let mut told = format!("{row} differs between {a} and {b}");
                let different = columns.into_iter().filter(|it| image.get(it) != twin.get(it));
                for column in different.take(1) {
                    let value = |image: &RowImage| {
                        let value = image.get(column).copied();
                        value.map_or_else(|| "null".to_owned(), |value| names.value(value))
                    };
                    let name = names.column(table, *column);
                    let (here, there) = (value(image), value(twin));
                    told = format!("{row} has {name} = {here} in {a} and {there} in {b}");
                }
                told
            }
            (None, None) => format!("{row} is in neither {a} nor {b}"),
        }
    }

    /// How many rows are equal, and whether all are by the end of the run.
    fn nearest_convergence(
        &self,
        table: TableId,
        by: Option<SimInstant>,
        rows: usize,
        different: usize,
    ) -> Option<String> {
        let name = self.history.names.table(table);
        if by.is_some() {
            let at_end = self.differences(table, &self.owners(table), None);
            if at_end.first.is_none() {
                let moment = at_end.last.map(|it| self.history.names.moment(it.at));
                return moment.map(|moment| format!("they hold the same from {moment} on"));
            }
        }
        let equal = rows.saturating_sub(different);
        let rows = number(rows, "row", "rows");
        (equal > 0).then(|| format!("{equal} of {rows} of {name} are the same"))
    }
}
