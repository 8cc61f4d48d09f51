//! Deciding one claim from the history: what it comes to, which event decided it, and, where it
//! does not hold, what was found instead and what came nearest.

mod actor;
mod binding;
mod convergence;
mod count;
mod happening;
mod row;
mod step;
#[cfg(test)]
mod tests;
mod wait;

use std::sync::Arc;

use crate::check::{Anomalies, Finding, History, Moment, RowKey};
use crate::plan::{Bounds, Claim, Counted, RowRef};
use crate::words::{ActorId, SimInstant, Value};

/// What decides claims about one run.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a, 't> {
    pub(super) history: &'a History<'t>,
    pub(super) anomalies: &'a Anomalies,
}

/// What a claim came to. It holds when nothing was found against it.
pub(super) struct Decision {
    /// The event that decided it.
    pub(super) decided_by: Option<Moment>,
    /// What was found against it.
    pub(super) findings: Vec<Finding>,
}

impl Decision {
    /// The claim holds.
    fn holds(decided_by: Option<Moment>) -> Self {
        Self { decided_by, findings: Vec::new() }
    }

    /// The claim does not hold, for this reason.
    fn fails(finding: Finding) -> Self {
        Self { decided_by: finding.decided_by, findings: vec![finding] }
    }

    /// The claim holds when there is no finding.
    fn of(decided_by: Option<Moment>, finding: Option<Finding>) -> Self {
        finding.map_or_else(|| Self::holds(decided_by), Self::fails)
    }
}

impl Judge<'_, '_> {
    /// Decides one claim.
    pub(super) fn decide(&self, claim: &Claim) -> Decision {
        match claim {
            Claim::Succeeds { actor, succeeds } => self.succeeds(*actor, *succeeds),
            Claim::MeetsFault { actor, fault } => self.meets_fault(*actor, *fault),
            Claim::Ends { actor, within } => self.ends(*actor, within),
            Claim::Waits { actor, holder, row, total, longest } => {
                let asked = wait::Asked {
                    actor: *actor,
                    holder: *holder,
                    row: row.as_ref(),
                    total: *total,
                    longest: *longest,
                };
                self.waits(&asked)
            }
            Claim::Row { row, by, state } => self.row(row, self.state_at(*by), state),
            Claim::Rows { instance, table, column, values } => {
                self.rows(*instance, *table, *column, values)
            }
            Claim::Count { of, by, is } => {
                let by = match of {
                    Counted::Rows { .. } => self.state_at(*by),
                    _ => *by,
                };
                self.count(of, by, *is)
            }
            Claim::Step { step, claim } => self.step(step, claim),
            Claim::Victim { actor } => self.victim(*actor),
            Claim::Happens { phenomenon, happens } => self.happens(phenomenon, *happens),
            Claim::Converged { table, by, converged } => self.converged(*table, *by, *converged),
            Claim::Order(happenings) => self.order(happenings),
            Claim::Deletions { actor, name, rows } => self.deletions(*actor, name, rows),
            Claim::Bound { actor, name, size, value, columns, missing } => {
                let asked = binding::Asked {
                    size: *size,
                    value: value.as_ref(),
                    columns,
                    missing: *missing,
                };
                self.bound(*actor, name, &asked)
            }
            Claim::InTransaction { plug_in, inside } => self.in_transaction(*plug_in, *inside),
        }
    }

    /// When a claim about rows looks at them: when it says so, else when the actors are done.
    /// Where no flow works on after them, that is the end of the run.
    fn state_at(&self, by: Option<SimInstant>) -> Option<SimInstant> {
        by.or_else(|| self.history.actors_done())
    }

    /// What a reader calls an actor.
    fn name(&self, actor: ActorId) -> String {
        self.history.names.actor(actor)
    }

    /// What a reader calls an actor, or anybody.
    fn name_or_anybody(&self, actor: Option<ActorId>) -> String {
        actor.map_or_else(|| "anybody".to_owned(), |actor| self.name(actor))
    }

    /// What a reader calls a row that the scenario names.
    fn place(&self, row: &RowRef) -> String {
        let names = &self.history.names;
        let (instance, table) = (names.instance(row.instance), names.table(row.table));
        format!("{instance}/{table}/{}", row.name)
    }

    /// Whether two values are the same to a reader: numbers by what they are worth, and a row's
    /// id also by its name.
    fn same(&self, expected: &Value, found: &Value) -> bool {
        use rust_decimal::Decimal;
        match (expected, found) {
            (Value::Whole(a), Value::Decimal(b)) | (Value::Decimal(b), Value::Whole(a)) => {
                Decimal::from(*a) == *b
            }
            (Value::Text(text), Value::Id(id)) => {
                self.history.names.is_called(*id, text) || id.to_string() == **text
            }
            (Value::List(_), Value::Delta(delta)) => {
                self.same(expected, &Value::List(Arc::clone(&delta.rows)))
            }
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| self.same(a, b))
            }
            (Value::Id(id), Value::Record(record)) => record.id == *id,
            (Value::Text(text), Value::Record(record)) => {
                self.history.names.is_called(record.id, text)
            }
            _ => expected == found,
        }
    }
}

/// The row that a claim is about.
const fn key_of(row: &RowRef) -> RowKey {
    RowKey::of(row.instance, row.table, row.row)
}

/// Bounds in words, each end written by `write`: `at least 3`, `2 to 5`, `3`.
fn bounds<T: PartialOrd + Copy>(bounds: Bounds<T>, write: impl Fn(T) -> String) -> String {
    match (bounds.at_least, bounds.at_most) {
        (Some(least), Some(most)) if least == most => write(least),
        (Some(least), Some(most)) => format!("{} to {}", write(least), write(most)),
        (Some(least), None) => format!("at least {}", write(least)),
        (None, Some(most)) => format!("at most {}", write(most)),
        (None, None) => "any number".to_owned(),
    }
}

/// A number with its noun: `1 wait`, `3 waits`.
fn number(count: usize, noun: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { noun } else { plural })
}
