//! Which lock modes go together, and what two of them make. Both follow from one small rule, and
//! both are tables computed when the crate is compiled.
//!
//! A mode is taken apart into what it says about the *gap* below a key, about the *row* (or the
//! whole of the resource), about the parts *below* the resource (intent), and about the table's
//! definition. Two modes are compatible when all parts are:
//!
//! ```text
//!   gap:    nothing | S with S | I with I                       (RangeX with nothing)
//!   row:    nothing | S with S | S with U
//!   intent: IS with all but a row part X | IX with no row part
//!   Sch-M with nothing, Sch-S with everything else
//! ```
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock compatibility and
//! Key-range lock compatibility; SQL Server 2008 Internals, table 10-2. Assumed: the cells of two
//! range modes that the documents leave out follow from the same rule, which reproduces every
//! cell that they print.

use crate::words::LockMode;

/// How many modes there are.
pub(super) const MODES: usize = LockMode::ALL.len();

/// What a mode says about the gap below a key.
#[derive(Clone, Copy)]
enum Gap {
    Nothing,
    Shared,
    Insert,
    Exclusive,
}

/// What a mode says about the row, or about the whole of a table.
#[derive(Clone, Copy)]
enum Row {
    Nothing,
    Shared,
    Update,
    Exclusive,
}

/// What a mode says about the rows of a table.
#[derive(Clone, Copy)]
enum Intent {
    Nothing,
    Shared,
    Exclusive,
}

/// A mode taken apart; `None` for the modification of a table's definition, which goes with
/// nothing.
const fn parts(mode: LockMode) -> Option<(Gap, Row, Intent)> {
    use LockMode as M;
    Some(match mode {
        M::SchemaStability => (Gap::Nothing, Row::Nothing, Intent::Nothing),
        M::SchemaModification => return None,
        M::IntentShared => (Gap::Nothing, Row::Nothing, Intent::Shared),
        M::IntentExclusive => (Gap::Nothing, Row::Nothing, Intent::Exclusive),
        M::SharedIntentExclusive => (Gap::Nothing, Row::Shared, Intent::Exclusive),
        M::Shared => (Gap::Nothing, Row::Shared, Intent::Nothing),
        M::Update => (Gap::Nothing, Row::Update, Intent::Nothing),
        M::Exclusive => (Gap::Nothing, Row::Exclusive, Intent::Nothing),
        M::RangeSharedShared => (Gap::Shared, Row::Shared, Intent::Nothing),
        M::RangeSharedUpdate => (Gap::Shared, Row::Update, Intent::Nothing),
        M::RangeInsertNull => (Gap::Insert, Row::Nothing, Intent::Nothing),
        M::RangeInsertShared => (Gap::Insert, Row::Shared, Intent::Nothing),
        M::RangeInsertUpdate => (Gap::Insert, Row::Update, Intent::Nothing),
        M::RangeInsertExclusive => (Gap::Insert, Row::Exclusive, Intent::Nothing),
        M::RangeExclusiveShared => (Gap::Exclusive, Row::Shared, Intent::Nothing),
        M::RangeExclusiveUpdate => (Gap::Exclusive, Row::Update, Intent::Nothing),
        M::RangeExclusiveExclusive => (Gap::Exclusive, Row::Exclusive, Intent::Nothing),
    })
}

const fn gaps_agree(a: Gap, b: Gap) -> bool {
    matches!(
        (a, b),
        (Gap::Nothing, _)
            | (_, Gap::Nothing)
            | (Gap::Shared, Gap::Shared)
            | (Gap::Insert, Gap::Insert)
    )
}

const fn rows_agree(a: Row, b: Row) -> bool {
    matches!(
        (a, b),
        (Row::Nothing, _)
            | (_, Row::Nothing)
            | (Row::Shared, Row::Shared | Row::Update)
            | (Row::Update, Row::Shared)
    )
}

const fn intent_agrees(intent: Intent, row: Row) -> bool {
    match intent {
        Intent::Nothing => true,
        Intent::Shared => !matches!(row, Row::Exclusive),
        Intent::Exclusive => matches!(row, Row::Nothing),
    }
}

const fn agree(a: LockMode, b: LockMode) -> bool {
    match (parts(a), parts(b)) {
        (Some((gap_a, row_a, intent_a)), Some((gap_b, row_b, intent_b))) => {
            gaps_agree(gap_a, gap_b)
                && rows_agree(row_a, row_b)
                && intent_agrees(intent_a, row_b)
                && intent_agrees(intent_b, row_a)
        }
        _ => false,
    }
}

/// A set of modes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ModeSet(u32);

impl ModeSet {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) const fn with(self, mode: LockMode) -> Self {
        Self(self.0 | 1 << mode as u32)
    }

    pub(super) const fn without(self, mode: LockMode) -> Self {
        Self(self.0 & !(1 << mode as u32))
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn contains(self, mode: LockMode) -> bool {
        self.meets(Self::EMPTY.with(mode))
    }

    pub(super) const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Its modes, in the order of [`LockMode::ALL`].
    pub(super) fn modes(self) -> impl Iterator<Item = LockMode> {
        LockMode::ALL.into_iter().filter(move |mode| self.contains(*mode))
    }
}

const CONFLICTS: [ModeSet; MODES] = {
    let mut table = [ModeSet::EMPTY; MODES];
    let mut a = 0;
    while a < MODES {
        let mut b = 0;
        while b < MODES {
            if !agree(LockMode::ALL[a], LockMode::ALL[b]) {
                table[a] = table[a].with(LockMode::ALL[b]);
            }
            b += 1;
        }
        a += 1;
    }
    table
};

const COMBINED: [[LockMode; MODES]; MODES] = {
    let mut table = [[LockMode::SchemaModification; MODES]; MODES];
    let mut a = 0;
    while a < MODES {
        let mut b = 0;
        while b < MODES {
            table[a][b] = weakest_above(LockMode::ALL[a], LockMode::ALL[b]);
            b += 1;
        }
        a += 1;
    }
    table
};

/// The mode with the fewest conflicts among those that say at least as much of the gap as `a` and
/// `b` do, and conflict with all that they conflict with. Schema modification is one of those.
const fn weakest_above(a: LockMode, b: LockMode) -> LockMode {
    let conflicts = CONFLICTS[a as usize].and(CONFLICTS[b as usize]);
    let mut weakest = LockMode::SchemaModification;
    let mut index = 0;
    while index < MODES {
        let (mode, found) = (LockMode::ALL[index], CONFLICTS[index]);
        if conflicts.is_within(found)
            && gap_contains(mode, a)
            && gap_contains(mode, b)
            && found.0.count_ones() < CONFLICTS[weakest as usize].0.count_ones()
        {
            weakest = mode;
        }
        index += 1;
    }
    weakest
}

/// Whether a mode says at least as much of the gap as another one. X and RangeI-X differ in nothing
/// else.
const fn gap_contains(mode: LockMode, other: LockMode) -> bool {
    match (parts(mode), parts(other)) {
        (Some((gap, _, _)), Some((other, _, _))) => matches!(
            (gap, other),
            (_, Gap::Nothing)
                | (Gap::Exclusive, _)
                | (Gap::Shared, Gap::Shared)
                | (Gap::Insert, Gap::Insert)
        ),
        _ => false,
    }
}

/// The modes in which nobody else may hold a resource while one owner holds it in `mode`.
pub(super) const fn conflicts(mode: LockMode) -> ModeSet {
    CONFLICTS[mode as usize]
}

/// Whether two owners may have one resource in these modes at the same time. Symmetric.
///
/// Combinations that can't occur, such as a key-range mode beside an intent mode, get the answer
/// of the same rule.
pub const fn is_compatible(a: LockMode, b: LockMode) -> bool {
    !conflicts(a).contains(b)
}

/// The mode in which an owner has a resource that it holds in one mode and asks for in the other:
/// the weakest mode that keeps away all that either of the two keeps away, and says of the gap
/// below the key what either says.
///
/// So S and IX make SIX; X and RangeI-N make RangeI-X; RangeS-U and X make RangeX-X.
///
/// Source: Microsoft Learn, "Transaction locking and row versioning guide", Conversion locks and
/// Key-range lock modes. Assumed: U and IX make SIX. The product says UIX, which differs from SIX
/// only toward IU, and nothing here locks pages.
pub const fn combine(held: LockMode, asked: LockMode) -> LockMode {
    COMBINED[held as usize][asked as usize]
}
