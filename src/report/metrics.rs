//! The figures of one run.

use serde::Serialize;

use crate::check::{History, TransactionEnd};

/// How much of what there was in one run. All times are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// From the start of the world to the last event, in microseconds.
    pub simulated_us: u64,
    /// Requests that instances began to carry out, nested ones included.
    pub requests: u64,
    /// Waits for locks.
    pub waits: u64,
    /// The longest of them, in microseconds; 0 without any.
    pub longest_wait_us: u64,
    /// All of them together, in microseconds.
    pub total_wait_us: u64,
    /// Deadlocks that a monitor ended.
    pub deadlocks: u64,
    /// Committed transactions.
    pub commits: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Faults that callers met.
    pub faults: u64,
    /// Tries after the first.
    pub retries: u64,
}

impl Metrics {
    /// The figures of this run.
    pub fn of(history: &History) -> Self {
        let mut metrics = Self {
            simulated_us: history.end().0,
            waits: history.waits.len() as u64,
            deadlocks: history.deadlocks.len() as u64,
            faults: history.faults.len() as u64,
            retries: history.retries.len() as u64,
            ..Self::default()
        };
        let begun = history.requests.values().filter(|it| it.began.is_some());
        metrics.requests = begun.count() as u64;
        for wait in &history.waits {
            let waited = u64::try_from(wait.waited.as_micros()).unwrap_or(u64::MAX);
            metrics.longest_wait_us = metrics.longest_wait_us.max(waited);
            metrics.total_wait_us = metrics.total_wait_us.saturating_add(waited);
        }
        for transaction in history.transactions.values() {
            match transaction.end {
                TransactionEnd::Committed(_) => metrics.commits += 1,
                TransactionEnd::RolledBack(..) => metrics.rollbacks += 1,
                TransactionEnd::Open => {}
            }
        }
        metrics
    }
}
