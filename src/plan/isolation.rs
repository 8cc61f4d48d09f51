//! Isolation levels, the hints by which one query departs from them, and how writes lock.

use serde::{Deserialize, Serialize};

/// The isolation level of a transaction, or of one read in it.
///
/// Source: Microsoft Learn, "SET TRANSACTION ISOLATION LEVEL". Assumed: Dataverse runs at read
/// committed snapshot, Azure SQL's default; no Dataverse page names its level.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Reads take no locks and see what is not committed: nolock.
    ReadUncommitted,
    /// A read waits for the writer, and locks each row for as long as it looks at it.
    ReadCommitted,
    /// A statement reads what was committed when it began, and takes no read locks.
    #[default]
    ReadCommittedSnapshot,
    /// A read takes shared row locks and keeps them to the end of the transaction.
    RepeatableRead,
    /// A transaction reads what was committed when it first read, and may not write what has
    /// changed since.
    Snapshot,
    /// A read locks the rows that it examines and the gaps between them, to the end of the
    /// transaction.
    Serializable,
}

impl Isolation {
    /// Every level, as SQL Server's documents order them.
    pub const ALL: [Self; 6] = [
        Self::ReadUncommitted,
        Self::ReadCommitted,
        Self::ReadCommittedSnapshot,
        Self::RepeatableRead,
        Self::Snapshot,
        Self::Serializable,
    ];

    /// The level as scenarios call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "read uncommitted",
            Self::ReadCommitted => "read committed",
            Self::ReadCommittedSnapshot => "read committed snapshot",
            Self::RepeatableRead => "repeatable read",
            Self::Snapshot => "snapshot",
            Self::Serializable => "serializable",
        }
    }

    /// Whether reads see committed versions of rows instead of locking them.
    pub const fn reads_versions(self) -> bool {
        matches!(self, Self::ReadCommittedSnapshot | Self::Snapshot)
    }
}

/// A table hint of a query.
///
/// Source: Microsoft Learn, "Table hints (Transact-SQL)".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hint {
    /// Reads take no locks and see what is not committed. Ignored for the rows that an update or
    /// a delete looks for.
    NoLock,
    /// Reads lock at read committed also where the level reads versions.
    ReadCommittedLock,
    /// Reads take update locks and keep them to the end of the transaction.
    UpdLock,
    /// Reads take exclusive locks and keep them to the end of the transaction.
    XLock,
    /// As serializable.
    HoldLock,
    /// One lock on the whole table in place of the rows'.
    TabLock,
    /// Rows that are locked are passed by.
    ReadPast,
    /// Nothing is waited for: fault lock timeout.
    NoWait,
}

impl Hint {
    /// Every hint.
    pub const ALL: [Self; 8] = [
        Self::NoLock,
        Self::ReadCommittedLock,
        Self::UpdLock,
        Self::XLock,
        Self::HoldLock,
        Self::TabLock,
        Self::ReadPast,
        Self::NoWait,
    ];

    /// The hint as scenarios call it: SQL Server's word, in small letters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoLock => "nolock",
            Self::ReadCommittedLock => "readcommittedlock",
            Self::UpdLock => "updlock",
            Self::XLock => "xlock",
            Self::HoldLock => "holdlock",
            Self::TabLock => "tablock",
            Self::ReadPast => "readpast",
            Self::NoWait => "nowait",
        }
    }
}

/// The hints of one query: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Hint>", into = "Vec<Hint>")]
pub struct Hints(u8);

impl Hints {
    /// No hint.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub const fn with(self, hint: Hint) -> Self {
        Self(self.0 | 1 << hint as u8)
    }

    /// Whether the hint is among them.
    pub const fn has(self, hint: Hint) -> bool {
        self.0 & 1 << hint as u8 != 0
    }

    /// The hints, in the order of [`Hint::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Hint> {
        Hint::ALL.into_iter().filter(move |hint| self.has(*hint))
    }

    /// The level at which a read with these hints runs in a transaction of this level.
    pub const fn level(self, isolation: Isolation) -> Isolation {
        if self.has(Hint::NoLock) {
            return Isolation::ReadUncommitted;
        }
        if self.has(Hint::HoldLock) {
            return Isolation::Serializable;
        }
        let locks = self.has(Hint::ReadCommittedLock)
            || self.has(Hint::UpdLock)
            || self.has(Hint::XLock)
            || self.has(Hint::TabLock)
            || self.has(Hint::ReadPast);
        match isolation {
            Isolation::ReadCommittedSnapshot if locks => Isolation::ReadCommitted,
            level => level,
        }
    }
}

impl From<Vec<Hint>> for Hints {
    fn from(hints: Vec<Hint>) -> Self {
        hints.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Hints> for Vec<Hint> {
    fn from(hints: Hints) -> Self {
        hints.iter().collect()
    }
}

/// How an instance's writes lock rows.
///
/// Source: Microsoft Learn, "Optimized locking". Assumed: classic by default, as the documents on
/// Dataverse's transactions describe it; no page says whether Dataverse's databases lock in the
/// optimized way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Locking {
    /// Each written row stays locked to the end of its transaction; rows that an update looks at
    /// are locked before their condition is judged.
    #[default]
    Classic,
    /// A written row's lock is released at once, and who wants the row waits for the transaction
    /// itself; at read committed snapshot a condition is judged before its row is locked.
    Optimized,
}

impl Locking {
    /// The way as scenarios call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Optimized => "optimized",
        }
    }
}
