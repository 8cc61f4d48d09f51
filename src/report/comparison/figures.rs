//! What the runs of a comparison come to in figures, the worse ones too.

use std::time::Duration;

use crate::check::{History, TransactionEnd};
use crate::report::Metrics;
use crate::report::export::locking::Locking;
use crate::trace::Outcome;
use crate::words::format_duration;

/// A figure of which less is better, in the order in which they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Measure {
    /// Deadlocks that a monitor ended.
    Deadlocks,
    /// Circles of waits over instances, which no monitor ends.
    CrossInstanceWaits,
    /// Lanes that end in a fault.
    Failures,
    /// Reads of what was not committed.
    DirtyReads,
    /// Rows that a scan missed or met twice.
    DisturbedRows,
    /// Faults that callers met, whatever they made of them.
    Faults,
    /// Tries after the first.
    Retries,
    /// Transactions that were rolled back.
    Rollbacks,
    /// All waits for locks together.
    TotalWait,
    /// The longest wait for a lock.
    LongestWait,
    /// The longest time for which a transaction held a lock that somebody waited for, or any row.
    LongestHold,
    /// Waits for locks.
    Waits,
    /// When the last transaction was committed.
    LastCommit,
    /// Locks on rows that gave way to one on their table.
    Escalations,
    /// Requests and statements.
    Requests,
    /// Rows and index entries that were looked at.
    RowsExamined,
}

impl Measure {
    pub(in crate::report) const ALL: [Self; 16] = [
        Self::Deadlocks,
        Self::CrossInstanceWaits,
        Self::Failures,
        Self::DirtyReads,
        Self::DisturbedRows,
        Self::Faults,
        Self::Retries,
        Self::Rollbacks,
        Self::TotalWait,
        Self::LongestWait,
        Self::LongestHold,
        Self::Waits,
        Self::LastCommit,
        Self::Escalations,
        Self::Requests,
        Self::RowsExamined,
    ];

    /// What a reader calls it.
    pub(in crate::report) const fn label(self) -> &'static str {
        match self {
            Self::Deadlocks => "deadlocks",
            Self::CrossInstanceWaits => "circles over instances",
            Self::Failures => "ended in a fault",
            Self::DirtyReads => "dirty reads",
            Self::DisturbedRows => "rows missed or doubled",
            Self::Faults => "faults met",
            Self::Retries => "retries",
            Self::Rollbacks => "rollbacks",
            Self::TotalWait => "total wait for locks",
            Self::LongestWait => "longest wait",
            Self::LongestHold => "longest hold of a lock",
            Self::Waits => "waits for locks",
            Self::LastCommit => "last commit",
            Self::Escalations => "lock escalations",
            Self::Requests => "requests and statements",
            Self::RowsExamined => "rows examined",
        }
    }

    /// Whether it is a time.
    pub(in crate::report) const fn is_time(self) -> bool {
        matches!(self, Self::TotalWait | Self::LongestWait | Self::LongestHold | Self::LastCommit)
    }

    /// A value of it in words.
    pub(in crate::report) fn told(self, value: u64) -> String {
        match self.is_time() {
            true => format_duration(Duration::from_micros(value)),
            false => value.to_string(),
        }
    }

    /// How a value differs from another one, in a plain word: `40 ms later`.
    pub(in crate::report) fn change(self, from: u64, to: u64) -> String {
        let by = self.told(from.abs_diff(to));
        match (from.cmp(&to), self) {
            (std::cmp::Ordering::Equal, _) => "the same".to_owned(),
            (std::cmp::Ordering::Less, Self::LastCommit) => format!("{by} later"),
            (std::cmp::Ordering::Greater, Self::LastCommit) => format!("{by} earlier"),
            (std::cmp::Ordering::Less, _) => format!("{by} more"),
            (std::cmp::Ordering::Greater, it) if it.is_time() => format!("{by} less"),
            (std::cmp::Ordering::Greater, _) => format!("{by} fewer"),
        }
    }
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub(in crate::report) struct Figures {
    /// Its variant's name, or its scenario's.
    pub(in crate::report) name: String,
    /// By the position in [`Measure::ALL`]; times in microseconds.
    values: [u64; Measure::ALL.len()],
    /// Who ended in a fault, by name.
    pub(in crate::report) failed: Vec<String>,
}

impl Figures {
    /// The figures of a run.
    pub(in crate::report) fn of(history: &History) -> Self {
        let header = &history.trace.header;
        let name = header.variant.as_ref().map_or(header.title.as_str(), |name| name);
        let failed: Vec<_> = history
            .lanes
            .values()
            .filter(|lane| matches!(lane.ended, Some((_, Outcome::Failed(_)))))
            .map(|lane| lane.name.to_string())
            .collect();
        let metrics = Metrics::of(history);
        let spans = Locking::of(history.trace).spans;
        let holds = spans.iter().filter(|span| !span.is_wait);
        let longest = holds.map(|span| span.to.duration_since(span.from).as_micros()).max();
        let commits = history.transactions.values().filter_map(|it| match it.end {
            TransactionEnd::Committed(at) => Some(at.at.0),
            _ => None,
        });
        let value = |measure| match measure {
            Measure::Deadlocks => metrics.deadlocks,
            Measure::CrossInstanceWaits => metrics.cross_instance_waits,
            Measure::Failures => failed.len() as u64,
            Measure::DirtyReads => metrics.dirty_reads,
            Measure::DisturbedRows => metrics.disturbed_rows,
            Measure::Faults => metrics.faults,
            Measure::Retries => metrics.retries,
            Measure::Rollbacks => metrics.rollbacks,
            Measure::TotalWait => metrics.total_wait_us,
            Measure::LongestWait => metrics.longest_wait_us,
            Measure::LongestHold => longest.map_or(0, |it| u64::try_from(it).unwrap_or(u64::MAX)),
            Measure::Waits => metrics.waits,
            Measure::LastCommit => commits.clone().max().unwrap_or(0),
            Measure::Escalations => metrics.escalations,
            Measure::Requests => metrics.requests + metrics.statements,
            Measure::RowsExamined => metrics.rows_examined,
        };
        let values = Measure::ALL.map(value);
        Self { name: name.to_owned(), values, failed }
    }

    /// Figures that were made by hand; what is not named is 0.
    #[cfg(test)]
    pub(super) fn made(name: &str, values: &[(Measure, u64)]) -> Self {
        let mut made = [0; Measure::ALL.len()];
        for (measure, value) in values {
            made[*measure as usize] = *value;
        }
        Self { name: name.to_owned(), values: made, failed: Vec::new() }
    }

    /// One figure; a time in microseconds.
    pub(in crate::report) const fn value(&self, measure: Measure) -> u64 {
        self.values[measure as usize]
    }
}

/// The measures that say something about these runs.
pub(in crate::report) fn telling(all: &[Figures]) -> Vec<Measure> {
    let says = |measure: &Measure| all.iter().any(|it| it.value(*measure) != 0);
    Measure::ALL.into_iter().filter(says).collect()
}
