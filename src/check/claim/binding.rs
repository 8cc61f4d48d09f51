//! Claims about what an actor's program had in its hands at the end.

use std::sync::Arc;

use crate::check::claim::{Decision, Judge, bounds};
use crate::check::{Finding, Moment};
use crate::plan::Bounds;
use crate::words::{ActorId, Name, Record, Value};

/// The parts of [`crate::plan::Claim::Bound`].
pub(super) struct Asked<'p> {
    pub(super) size: Option<Bounds<u64>>,
    pub(super) value: Option<&'p Value>,
    pub(super) columns: &'p [(Name, Value)],
    pub(super) missing: bool,
}

impl Judge<'_, '_> {
    /// What the actor's last run bound to the name.
    pub(super) fn bound(&self, actor: ActorId, name: &Name, asked: &Asked) -> Decision {
        let actor_name = self.name(actor);
        let names = &self.history.names;
        let lane = self.history.lanes_of(actor).last();
        let bound = lane.as_ref().and_then(|(lane, _)| self.history.bound.get(&(*lane, &**name)));
        let fails = |expected: String, found: String, decided_by: Option<Moment>| {
            Decision::fails(Finding {
                expected,
                found,
                decided_by,
                nearest: match asked.missing {
                    true => None,
                    false => self.nearest_binding(actor, name),
                },
            })
        };
        match (bound, lane) {
            (None, Some((_, lane))) if asked.missing => Decision::holds(lane.ended.map(|it| it.0)),
            (None, lane) => {
                let expected = if asked.missing {
                    format!("{actor_name} never binds {name}")
                } else {
                    format!("{actor_name} binds {name}")
                };
                let found = match lane {
                    None => format!("{actor_name} never begins"),
                    Some(_) => "nothing is bound to it".to_owned(),
                };
                fails(expected, found, None)
            }
            (Some((at, value)), _) if asked.missing => fails(
                format!("{actor_name} never binds {name}"),
                format!("it is {}", names.value(value)),
                Some(*at),
            ),
            (Some((at, value)), _) => {
                let findings = self.against(name, value, *at, asked);
                Decision { decided_by: Some(*at), findings }
            }
        }
    }

    /// What the actor's last run was told of rows that are gone.
    pub(super) fn deletions(&self, actor: ActorId, name: &Name, rows: &[Name]) -> Decision {
        let deleted = rows.iter().map(|row| Value::Text(row.clone())).collect();
        let expected = Value::List(deleted);
        let lane = self.history.lanes_of(actor).last();
        let bound = lane.and_then(|(lane, _)| self.history.bound.get(&(lane, &**name)));
        let found = match bound {
            Some((_, Value::Delta(delta))) => Value::List(Arc::clone(&delta.deleted)),
            _ => Value::Null,
        };
        let decided_by = bound.map(|(at, _)| *at);
        if self.same(&expected, &found) {
            return Decision::holds(decided_by);
        }
        let names = &self.history.names;
        Decision::fails(Finding {
            expected: format!("{name} has the deletions {}", names.value(&expected)),
            found: match found {
                Value::Null => format!("{name} is no answer of changes"),
                found => format!("it has {}", names.value(&found)),
            },
            decided_by,
            nearest: None,
        })
    }

    /// What speaks against a bound value.
    fn against(&self, name: &str, value: &Value, at: Moment, asked: &Asked) -> Vec<Finding> {
        let names = &self.history.names;
        let mut findings = Vec::new();
        let mut found = |expected: String, found: String| {
            findings.push(Finding { expected, found, decided_by: Some(at), nearest: None });
        };
        if let Some(size) = asked.size
            && !size.contain(size_of(value))
        {
            found(
                format!("{name} has size {}", bounds(size, |it| it.to_string())),
                format!("its size is {}: {}", size_of(value), names.value(value)),
            );
        }
        if let Some(expected) = asked.value
            && !self.same(expected, value)
        {
            found(
                format!("{name} is {}", names.value(expected)),
                format!("it is {}", names.value(value)),
            );
        }
        let record = record_of(value);
        for (column, expected) in asked.columns {
            let actual = record.and_then(|record| member(record, column));
            let same = match actual {
                Some(actual) => self.same(expected, actual),
                None => expected.is_null() && record.is_some(),
            };
            if same {
                continue;
            }
            let told = match (record, actual) {
                (None, _) => format!("{name} is {}, no row", names.value(value)),
                (Some(_), None) => format!("it has no {column}: {}", names.value(value)),
                (Some(_), Some(actual)) => format!("{column} is {}", names.value(actual)),
            };
            found(format!("{name} has {column} = {}", names.value(expected)), told);
        }
        findings
    }

    /// The same name in another run of the actor, or in another actor's.
    fn nearest_binding(&self, actor: ActorId, name: &Name) -> Option<String> {
        let bound = &self.history.bound;
        let of_name = || bound.iter().filter(|((_, it), _)| *it == &**name);
        let own =
            of_name().rfind(|((lane, _), _)| self.history.actor_of_lane(*lane) == Some(actor));
        own.or_else(|| of_name().next()).map(|((lane, _), (at, value))| {
            let lane = self.history.lane_name(*lane);
            let (value, moment) =
                (self.history.names.value(value), self.history.names.moment(at.at));
            format!("{lane} bound {name} to {value} at {moment}")
        })
    }
}

/// How many rows or elements a value is.
fn size_of(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::List(values) => values.len() as u64,
        Value::Delta(delta) => delta.rows.len() as u64,
        _ => 1,
    }
}

/// The row that a value is, or the first of a list.
fn record_of(value: &Value) -> Option<&Record> {
    match value {
        Value::Record(record) => Some(record),
        Value::List(values) => values.first().and_then(record_of),
        Value::Delta(delta) => delta.rows.first().and_then(record_of),
        _ => None,
    }
}

/// A column of a row, also through expanded lookups: `customer.name`.
pub(super) fn member<'r>(record: &'r Record, path: &str) -> Option<&'r Value> {
    let own = record.columns.iter().find(|(_, name, _)| **name == *path);
    if let Some((.., value)) = own {
        return Some(value);
    }
    let (lookup, rest) = path.split_once('.')?;
    let (_, expanded) = record.expanded.iter().find(|(name, _)| **name == *lookup)?;
    member(expanded, rest)
}
