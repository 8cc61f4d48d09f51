//! Which lock modes go together, from the documented rule and not from the engine's table.
//!
//! A mode is a pair: a part for the range below a key, and a part for the resource itself. Two
//! modes go together when both parts do.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock compatibility
//! and Key-range lock compatibility.

use crate::words::LockMode;

/// The part of a mode that is about the range below a key.
#[derive(Clone, Copy, PartialEq)]
enum Range {
    Shared,
    Insert,
    Exclusive,
}

/// The part of a mode that is about the resource.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    SchemaStability,
    SchemaModification,
    IntentShared,
    IntentExclusive,
    SharedIntentExclusive,
    Shared,
    Update,
    Exclusive,
}

/// Whether two transactions may hold one resource in these modes.
pub(super) fn go_together(one: LockMode, other: LockMode) -> bool {
    let ((range, part), (other_range, other_part)) = (parts(one), parts(other));
    let ranges = match (range, other_range) {
        (None, _) | (_, None) => true,
        (Some(a), Some(b)) => a == b && a != Range::Exclusive,
    };
    let resources = match (part, other_part) {
        (None, _) | (_, None) => true,
        (Some(a), Some(b)) => allows(a, b) || allows(b, a),
    };
    ranges && resources
}

/// Whether a mode's row part is exclusive: it may write.
pub(super) fn may_write(mode: LockMode) -> bool {
    parts(mode).1 == Some(Part::Exclusive)
}

/// Whether a mode is weaker than another: everything that goes together with the stronger one goes
/// together with it, and more.
pub(super) fn is_weaker(mode: LockMode, than: LockMode) -> bool {
    mode != than && LockMode::ALL.iter().all(|it| !go_together(than, *it) || go_together(mode, *it))
}

/// Whether holding a table in this mode stands for holding its rows in this one.
///
/// Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock escalation: to X
/// or to S.
pub(super) fn stands_for(table: LockMode, row: LockMode) -> bool {
    match table {
        LockMode::Exclusive | LockMode::SchemaModification => true,
        LockMode::Shared | LockMode::SharedIntentExclusive => {
            matches!(parts(row), (None | Some(Range::Shared), Some(Part::Shared)))
        }
        _ => false,
    }
}

/// Half of the symmetric relation between resource parts: the pairs that go together.
fn allows(a: Part, b: Part) -> bool {
    use Part::{
        Exclusive, IntentExclusive, IntentShared, SchemaModification, SchemaStability, Shared,
        SharedIntentExclusive, Update,
    };
    match a {
        SchemaStability => b != SchemaModification,
        IntentShared => !matches!(b, Exclusive | SchemaModification),
        IntentExclusive => b == IntentExclusive,
        Shared => matches!(b, Shared | Update),
        SchemaModification | SharedIntentExclusive | Update | Exclusive => false,
    }
}

/// The two parts of a mode.
fn parts(mode: LockMode) -> (Option<Range>, Option<Part>) {
    match mode {
        LockMode::SchemaStability => (None, Some(Part::SchemaStability)),
        LockMode::SchemaModification => (None, Some(Part::SchemaModification)),
        LockMode::IntentShared => (None, Some(Part::IntentShared)),
        LockMode::IntentExclusive => (None, Some(Part::IntentExclusive)),
        LockMode::SharedIntentExclusive => (None, Some(Part::SharedIntentExclusive)),
        LockMode::Shared => (None, Some(Part::Shared)),
        LockMode::Update => (None, Some(Part::Update)),
        LockMode::Exclusive => (None, Some(Part::Exclusive)),
        LockMode::RangeSharedShared => (Some(Range::Shared), Some(Part::Shared)),
        LockMode::RangeSharedUpdate => (Some(Range::Shared), Some(Part::Update)),
        LockMode::RangeInsertNull => (Some(Range::Insert), None),
        LockMode::RangeInsertShared => (Some(Range::Insert), Some(Part::Shared)),
        LockMode::RangeInsertUpdate => (Some(Range::Insert), Some(Part::Update)),
        LockMode::RangeInsertExclusive => (Some(Range::Insert), Some(Part::Exclusive)),
        LockMode::RangeExclusiveShared => (Some(Range::Exclusive), Some(Part::Shared)),
        LockMode::RangeExclusiveUpdate => (Some(Range::Exclusive), Some(Part::Update)),
        LockMode::RangeExclusiveExclusive => (Some(Range::Exclusive), Some(Part::Exclusive)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_weaker_that_lets_more_in() {
        use LockMode as M;
        for (weak, strong) in [
            (M::IntentShared, M::IntentExclusive),
            (M::IntentExclusive, M::SharedIntentExclusive),
            (M::Shared, M::Update),
            (M::Update, M::Exclusive),
            (M::Shared, M::RangeInsertShared),
            (M::RangeSharedShared, M::RangeExclusiveShared),
            (M::Exclusive, M::RangeExclusiveExclusive),
        ] {
            assert!(is_weaker(weak, strong), "{weak:?} {strong:?}");
            assert!(!is_weaker(strong, weak), "{strong:?} {weak:?}");
        }
        assert!(!is_weaker(M::Shared, M::IntentExclusive));
    }

    #[test]
    fn a_table_stands_for_its_rows() {
        use LockMode as M;
        assert!(stands_for(M::Exclusive, M::RangeExclusiveExclusive));
        assert!(stands_for(M::Shared, M::RangeSharedShared));
        assert!(!stands_for(M::Shared, M::Update));
        assert!(!stands_for(M::SharedIntentExclusive, M::Exclusive));
        assert!(!stands_for(M::IntentExclusive, M::Shared));
    }

    /// The matrix, to be held against the book's.
    #[test]
    fn the_rule_gives_the_documented_matrix() {
        let row = |held: &LockMode| -> String {
            let cells = LockMode::ALL
                .iter()
                .map(|asked| if go_together(*held, *asked) { " ·" } else { " C" });
            format!("{:8}{}", held.abbreviation(), cells.collect::<String>())
        };
        let matrix: Vec<String> = LockMode::ALL.iter().map(row).collect();
        insta::assert_snapshot!(matrix.join("\n"), @r"
        Sch-S    · C · · · · · · · · · · · · · · ·
        Sch-M    C C C C C C C C C C · C C C C C C
        IS       · C · · · · · C · · · · · C · · C
        IX       · C · · C C C C C C · C C C C C C
        SIX      · C · C C C C C C C · C C C C C C
        S        · C · C C · · C · · · · · C · · C
        U        · C · C C · C C · C · · C C · C C
        X        · C C C C C C C C C · C C C C C C
        RangeS-S · C · C C · · C · · C C C C C C C
        RangeS-U · C · C C · C C · C C C C C C C C
        RangeI-N · · · · · · · · C C · · · · C C C
        RangeI-S · C · C C · · C C C · · · C C C C
        RangeI-U · C · C C · C C C C · · C C C C C
        RangeI-X · C C C C C C C C C · C C C C C C
        RangeX-S · C · C C · · C C C C C C C C C C
        RangeX-U · C · C C · C C C C C C C C C C C
        RangeX-X · C C C C C C C C C C C C C C C C
        ");
    }
}
