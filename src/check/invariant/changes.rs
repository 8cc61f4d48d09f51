//! What a read of changes may answer, and what its token promises.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report, told};
use crate::plan::DeltaTokens;
use crate::trace::{ChangesAnswered, Entry, Event, RowWritten, VersionEvent};
use crate::words::{InstanceId, TransactionId};

/// Watches reads of changes.
#[derive(Default)]
pub(super) struct Watcher {
    /// The highest token that each instance has handed out, of those that promise something.
    tokens: BTreeMap<InstanceId, u64>,
    /// The lowest version that each open transaction has written, with where.
    first: BTreeMap<TransactionId, (InstanceId, u64)>,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::Version(VersionEvent::ChangesAnswered(answer)) => {
                judge(answer, at, report);
                if answer.tokens == DeltaTokens::Bounded {
                    let highest = self.tokens.entry(answer.instance).or_default();
                    *highest = answer.token.max(*highest);
                }
            }
            Event::RowWritten(RowWritten { transaction, instance, version_after, .. }) => {
                self.first.entry(*transaction).or_insert((*instance, *version_after));
            }
            Event::RolledBack { transaction, .. } => {
                self.first.remove(transaction);
            }
            Event::Committed { transaction } => {
                let Some((instance, version)) = self.first.remove(transaction) else {
                    return;
                };
                let token = self.tokens.get(&instance).copied().unwrap_or(0);
                if version <= token {
                    report.add(Invariant::DeltaTokens, at, |_| {
                        let writer = told(*transaction);
                        format!("{writer} commits version {version}, and token {token} is out")
                    });
                }
            }
            _ => {}
        }
    }
}

/// Whether an answer is net, and newer than what it was asked since.
fn judge(answer: &ChangesAnswered, at: Moment, report: &mut Report) {
    let since = answer.since.unwrap_or(0);
    let mut seen = BTreeSet::new();
    let rows = answer.rows.iter().map(|(row, version)| (*row, Some(*version)));
    for (row, version) in rows.chain(answer.deleted.iter().map(|row| (*row, None))) {
        let wrong = if version.is_some_and(|version| version <= since) {
            format!("is not newer than version {since}")
        } else if !seen.insert(row) {
            "is there twice".to_owned()
        } else {
            continue;
        };
        report.add(Invariant::DeltaTokens, at, |names| {
            let place = names.place(answer.instance, answer.table, row);
            format!("{place}, in an answer to request {}, {wrong}", answer.request.0)
        });
    }
}
