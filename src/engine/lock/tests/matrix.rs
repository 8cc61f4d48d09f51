//! Compatibility and conversion, cell by cell.

use std::fmt::Write;

use super::*;

/// The compatibility table of `LockConflictTable.png` and of the key-range chapter, as the
/// product's documents print it: `·` compatible, `C` conflict, `-` can't occur. Modes of page locks
/// and of bulk update, which nothing here takes, are left out.
pub(super) const PRINTED: &str = "
       SCH-S SCH-M S U X IS IX SIX RS-S RS-U RI-N RI-S RI-U RI-X RX-S RX-U RX-X
SCH-S  · C · · · · · · - - - - - - - - -
SCH-M  C C C C C C C C - - - - - - - - -
S      · C · · C · C C · · · · · C · · C
U      · C · C C · C C · C · · C C · C C
X      · C C C C C C C C C · C C C C C C
IS     · C · · C · · · - - - - - - - - -
IX     · C C C C · · C - - - - - - - - -
SIX    · C C C C · C C - - - - - - - - -
RS-S   - - · · C - - - · · C C C C C C C
RS-U   - - · C C - - - · C C C C C C C C
RI-N   - - · · · - - - C C · · · · C C C
RI-S   - - · · C - - - C C · · · C C C C
RI-U   - - · C C - - - C C · · C C C C C
RI-X   - - C C C - - - C C · C C C C C C
RX-S   - - · · C - - - C C C C C C C C C
RX-U   - - · C C - - - C C C C C C C C C
RX-X   - - C C C - - - C C C C C C C C C
";

fn mode_called(short: &str) -> LockMode {
    let long = short
        .replace("RS-", "RangeS-")
        .replace("RI-", "RangeI-")
        .replace("RX-", "RangeX-")
        .replace("SCH-", "Sch-");
    let mut all = LockMode::ALL.into_iter();
    all.find(|mode| mode.abbreviation() == long).expect(short)
}

/// What the printed table says of two modes; `None` where they can't meet.
pub(super) fn printed(asked: LockMode, held: LockMode) -> Option<bool> {
    let mut lines = PRINTED.trim().lines();
    let columns: Vec<_> = lines.next()?.split_whitespace().collect();
    let line = lines.find(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        mode_called(name) == asked
    })?;
    let column = columns.iter().position(|name| mode_called(name) == held)?;
    match line.split_whitespace().nth(column + 1)? {
        "·" => Some(true),
        "C" => Some(false),
        _ => None,
    }
}

#[test]
fn every_printed_cell_follows_from_the_rule() {
    for asked in LockMode::ALL {
        for held in LockMode::ALL {
            if let Some(printed) = printed(asked, held) {
                assert_eq!(is_compatible(asked, held), printed, "{asked:?} beside {held:?}");
            }
            assert_eq!(is_compatible(asked, held), is_compatible(held, asked));
        }
    }
}

fn table(cell: impl Fn(LockMode, LockMode) -> String) -> String {
    let width = 9;
    let mut text = format!("{:width$}", "");
    for held in LockMode::ALL {
        write!(text, "{:width$}", held.abbreviation()).expect("text");
    }
    for asked in LockMode::ALL {
        text.truncate(text.trim_end().len());
        write!(text, "\n{:width$}", asked.abbreviation()).expect("text");
        for held in LockMode::ALL {
            write!(text, "{:width$}", cell(asked, held)).expect("text");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[test]
fn the_matrix_reads_so() {
    insta::assert_snapshot!(table(|asked, held| {
        let agree = is_compatible(asked, held);
        if agree { "yes" } else { "." }.to_owned()
    }));
}

#[test]
fn two_modes_make_so() {
    insta::assert_snapshot!(table(|asked, held| {
        combine(held, asked).abbreviation().to_owned()
    }));
}

#[test]
fn the_documented_conversions_come_out() {
    let documented = [
        ("S", "RI-N", "RI-S"),
        ("U", "RI-N", "RI-U"),
        ("X", "RI-N", "RI-X"),
        ("RI-N", "RS-S", "RX-S"),
        ("RI-N", "RS-U", "RX-U"),
        ("IS", "IX", "IX"),
        ("S", "U", "U"),
        ("S", "X", "X"),
        ("U", "X", "X"),
        ("S", "IX", "SIX"),
        ("IX", "X", "X"),
    ];
    for (held, asked, made) in documented {
        let (held, asked) = (mode_called(held), mode_called(asked));
        assert_eq!(combine(held, asked), mode_called(made), "{held:?} and {asked:?}");
        assert_eq!(combine(asked, held), mode_called(made), "{asked:?} and {held:?}");
    }
}

#[test]
fn two_modes_make_the_weakest_that_excludes_what_either_excludes() {
    let excluded = |mode| LockMode::ALL.map(|other| !is_compatible(mode, other));
    for modes in [&KEY_MODES[..], &TABLE_MODES[..]] {
        for &a in modes {
            assert_eq!(combine(a, a), a);
            for &b in modes {
                let made = combine(a, b);
                assert!(modes.contains(&made), "{a:?} and {b:?} make {made:?}");
                for (index, all) in excluded(made).into_iter().enumerate() {
                    let either = excluded(a)[index] || excluded(b)[index];
                    assert!(all || !either, "{a:?} and {b:?} make {made:?}");
                }
                for &c in modes {
                    assert_eq!(combine(made, c), combine(a, combine(b, c)));
                }
            }
        }
    }
}
