//! What holds at each step of a run: locks, rows, outages. The page gets it as changes from step
//! to step, with the whole of it every so many steps, so that a reader can jump.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::check::History;
use crate::report::export::escape;
use crate::report::export::locking::Locking;
use crate::report::html::rows::Rows;
use crate::report::timeline::{Step, Timeline};
use crate::trace::{Event, LockResource, Trace};
use crate::words::{LockMode, SimInstant, TransactionId};

/// From step to step, the whole state is told again.
pub(super) const KEY_EVERY: usize = 50;

/// Of a run with at most this many events, locks are told that nobody waits for.
const EVENTS_DETAILED: usize = 2_000;

/// The most locks that are followed.
const RESOURCES_MAX: usize = 80;

/// One thing that can be so or otherwise, as numbers of the page's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// A transaction's relation to a lock.
    Lock(usize, TransactionId),
    /// The committed state of a row.
    Committed(usize),
    /// What a transaction has written and not committed.
    Pending(usize, TransactionId),
    /// What is wrong with an instance.
    Outage(u16),
}

/// How a fact stands; `None` for not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Held, in this mode, since then.
    Holds(LockMode, SimInstant),
    /// Waited for, in this mode, since then, with this transaction in the way.
    Waits(LockMode, SimInstant, Option<TransactionId>),
    /// In words.
    Told(String),
}

/// Everything that holds at one moment.
pub(super) type State = BTreeMap<Fact, Standing>;

/// One change: what the fact is from now on.
pub(super) type Change = (u32, Fact, Option<Standing>);

/// The states of a run, step by step.
pub(super) struct States {
    /// The locks that are followed.
    pub(super) resources: Vec<LockResource>,
    /// The rows that are followed.
    pub(super) rows: Rows,
    /// The changes, in the order of the events.
    changes: Vec<Change>,
}

impl States {
    /// The states of a run.
    pub(super) fn of(history: &History, view: &Timeline) -> Self {
        let locking = Locking::of(history.trace);
        let resources = followed(history.trace, &locking, view);
        let rows = Rows::of(history, &resources);
        let mut changes = lock_changes(&locking, &resources);
        changes.extend(rows.changes(history));
        changes.extend(outage_changes(history));
        // Stable: what one event says of one fact stays in its order.
        changes.sort_by_key(|it| it.0);
        Self { resources, rows, changes }
    }

    /// Every fact that is ever told.
    pub(super) fn facts(&self) -> impl Iterator<Item = Fact> {
        self.changes.iter().map(|it| it.1)
    }

    /// Tells `tell` the state after each of these steps, with what has changed since the one
    /// before.
    pub(super) fn walk(&self, steps: &[&Step], mut tell: impl FnMut(usize, &State, &Changes)) {
        let mut state = State::new();
        let mut next = 0;
        for (index, step) in steps.iter().enumerate() {
            let mut changed: Changes = BTreeMap::new();
            while let Some((_, fact, standing)) =
                self.changes.get(next).filter(|it| it.0 <= step.last)
            {
                match standing {
                    Some(standing) => state.insert(*fact, standing.clone()),
                    None => state.remove(fact),
                };
                changed.insert(*fact, standing.clone());
                next += 1;
            }
            tell(index, &state, &changed);
        }
    }
}

/// What has changed, and how it stands now.
pub(super) type Changes = BTreeMap<Fact, Option<Standing>>;

/// The locks that are followed: the contended ones, and in a short run those on rows.
fn followed(trace: &Trace, locking: &Locking, view: &Timeline) -> Vec<LockResource> {
    let mut resources = view.contended.clone();
    if trace.entries.len() <= EVENTS_DETAILED {
        for span in &locking.spans {
            let is_row = matches!(span.resource, LockResource::Row { .. });
            if is_row && !resources.contains(&span.resource) {
                resources.push(span.resource);
            }
        }
    }
    resources.truncate(RESOURCES_MAX);
    resources
}

fn lock_changes(locking: &Locking, resources: &[LockResource]) -> Vec<Change> {
    let number: BTreeMap<_, _> = resources.iter().enumerate().map(|(at, it)| (*it, at)).collect();
    let mut changes: Vec<(u32, u8, Fact, Option<Standing>)> = Vec::new();
    for span in &locking.spans {
        let Some(at) = number.get(&span.resource) else {
            continue;
        };
        let fact = Fact::Lock(*at, span.transaction);
        let standing = if span.is_wait {
            Standing::Waits(span.mode, span.from, span.behind.first().copied())
        } else {
            Standing::Holds(span.mode, span.from)
        };
        let (from, to) = span.events;
        changes.push((from, 1, fact, Some(standing)));
        // A lock that is asked for in a stronger mode is still held in the weaker one.
        changes.push((to, 0, fact, None));
    }
    changes.sort_by_key(|it| (it.0, it.1));
    changes.into_iter().map(|(at, _, fact, standing)| (at, fact, standing)).collect()
}

fn outage_changes(history: &History) -> Vec<Change> {
    let entries = history.trace.entries.iter();
    entries
        .filter_map(|entry| match &entry.event {
            Event::OutageBegan { outage, instance, .. } => {
                let seen = history.outages.iter().find(|it| it.outage == *outage)?;
                let word = crate::report::story::outage_word(history, seen);
                let told = Standing::Told(word.to_owned());
                Some((entry.sequence, Fact::Outage(instance.0), Some(told)))
            }
            Event::OutageEnded { instance, .. } => {
                Some((entry.sequence, Fact::Outage(instance.0), None))
            }
            _ => None,
        })
        .collect()
}

/// A change as the page's script reads it: `[kind, …]`.
pub(super) fn operation(fact: Fact, standing: Option<&Standing>) -> Json {
    match (fact, standing) {
        (Fact::Lock(at, by), Some(Standing::Holds(mode, since))) => {
            json!([0, at, by.0, mode.word(), since.0])
        }
        (Fact::Lock(at, by), Some(Standing::Waits(mode, since, behind))) => {
            json!([1, at, by.0, mode.word(), since.0, behind.map(|it| it.0)])
        }
        (Fact::Lock(at, by), _) => json!([2, at, by.0]),
        (Fact::Committed(row), Some(Standing::Told(text))) => json!([3, row, short(text)]),
        (Fact::Committed(row), _) => json!([3, row, Json::Null]),
        (Fact::Pending(row, by), Some(Standing::Told(text))) => {
            json!([4, row, by.0, short(text)])
        }
        (Fact::Pending(row, by), _) => json!([5, row, by.0]),
        (Fact::Outage(instance), Some(Standing::Told(text))) => json!([6, instance, text]),
        (Fact::Outage(instance), _) => json!([6, instance, Json::Null]),
    }
}

fn short(text: &str) -> String {
    escape::shortened(text, 120)
}
