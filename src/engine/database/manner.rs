//! How a scan treats the rows that it looks at, by isolation level, hints and purpose.
//!
//! | level | to read | to change |
//! |---|---|---|
//! | read uncommitted | no lock | U, until the row is passed by |
//! | read committed | S, while the row is looked at | the same |
//! | read committed snapshot | versions, no lock | the same; optimized: versions, no lock |
//! | repeatable read | S, kept | U, kept |
//! | snapshot | versions, no lock | versions, no lock |
//! | serializable | RangeS-S, kept | RangeS-U, kept |
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Isolation levels;
//! "Table hints"; "Optimized locking", Lock after qualification.

use crate::engine::database::read::Caller;
use crate::plan::{Hint, Hints, Isolation, Locking};
use crate::words::LockMode;

/// What the rows are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// To be answered.
    Read,
    /// To be changed or removed.
    Change,
}

/// How a scan treats the rows that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    /// In which mode it locks a row before it looks at it; `None` for not at all.
    pub(super) lock: Option<LockMode>,
    /// Whether the lock lives to the end of the transaction, whatever the row is.
    pub(super) keeps: bool,
    /// Whether the gaps are locked too.
    pub(super) ranges: bool,
    /// Whether rows are looked at as versions.
    pub(super) versions: bool,
}

impl Manner {
    /// The manner of a caller's scan.
    pub(super) fn of(caller: &Caller, purpose: Purpose, hints: Hints, locking: Locking) -> Self {
        use Isolation as I;
        let level = caller.level;
        let ranges = level == I::Serializable;
        let keeps = matches!(level, I::RepeatableRead | I::Serializable);
        let mode = if hints.has(Hint::XLock) {
            Some(if ranges { LockMode::RangeExclusiveExclusive } else { LockMode::Exclusive })
        } else if hints.has(Hint::UpdLock) || purpose == Purpose::Change {
            Some(if ranges { LockMode::RangeSharedUpdate } else { LockMode::Update })
        } else if ranges {
            Some(LockMode::RangeSharedShared)
        } else {
            matches!(level, I::ReadCommitted | I::RepeatableRead).then_some(LockMode::Shared)
        };
        let hinted = hints.has(Hint::UpdLock) || hints.has(Hint::XLock);
        // A condition is judged before the row is locked: on the snapshot, or with optimized
        // locking on what is committed. The row is locked, and judged again, when it is written.
        let qualifies_first = purpose == Purpose::Change
            && !hinted
            && (level == I::Snapshot
                || locking == Locking::Optimized && level == I::ReadCommittedSnapshot);
        Self {
            lock: mode.filter(|_| !qualifies_first),
            keeps: keeps || hinted,
            ranges,
            versions: qualifies_first || purpose == Purpose::Read && level.reads_versions(),
        }
    }
}

/// The mode without what it says of the gap.
pub(super) const fn without_range(mode: LockMode) -> LockMode {
    match mode {
        LockMode::RangeSharedShared => LockMode::Shared,
        LockMode::RangeSharedUpdate => LockMode::Update,
        LockMode::RangeExclusiveExclusive => LockMode::Exclusive,
        mode => mode,
    }
}
