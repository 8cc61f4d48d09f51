//! Cycles of waits: of two, three and eight, through who waits, and through ranges.

use super::stories::play;

#[test]
fn two_who_take_two_rows_in_opposite_order_close_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 1 X
        2 asks 2 X
        1 asks 2 X
        2 asks 1 X
        1 ends
        2 ends
    "), @r"
    1 asks 1 X: granted
    2 asks 2 X: granted
    1 asks 2 X: waits for [2], behind []
    2 asks 1 X: waits for [1], behind []; cycle [2, 1]
    1 ends: 1, 2 goes on
    2 ends: 2
    ");
}

#[test]
fn three_who_hold_one_row_each_and_want_the_next_ones_close_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 1 U
        2 asks 2 X
        3 asks 3 X
        1 asks 2 S
        2 asks 3 U
        3 asks 1 X
        3 ends
    "), @r"
    1 asks 1 U: granted
    2 asks 2 X: granted
    3 asks 3 X: granted
    1 asks 2 S: waits for [2], behind []
    2 asks 3 U: waits for [3], behind []
    3 asks 1 X: waits for [1], behind []; cycle [3, 1, 2]
    3 ends: 1, 2 goes on
    ");
}

/// PostgreSQL's `deadlock-hard`: only the last wait of eight closes the cycle, and once its owner
/// is gone the others go on one after the other.
#[test]
fn the_last_of_eight_closes_the_cycle() {
    let mut script = String::new();
    for owner in 1..=8 {
        script += &format!("{owner} asks {owner} X\n");
    }
    for owner in 1..=8 {
        script += &format!("{owner} asks {} X\n", owner % 8 + 1);
    }
    for owner in [8, 7, 6, 5, 4, 3, 2, 1] {
        script += &format!("{owner} ends\n");
    }
    let story = play(&script);
    let told: Vec<_> = story.lines().skip(14).collect();
    assert_eq!(told[0], "7 asks 8 X: waits for [8], behind []");
    assert_eq!(told[1], "8 asks 1 X: waits for [1], behind []; cycle [8, 1, 2, 3, 4, 5, 6, 7]");
    assert_eq!(told[2..4], ["8 ends: 1, 7 goes on", "7 ends: 2, 6 goes on"]);
    assert_eq!(told[9], "1 ends: 2");
}

/// PostgreSQL's `deadlock-soft-2`, with modes of its kind: the first can't pass the two who wait
/// before it, one of whom waits for the second, who waits for the first.
#[test]
fn a_wait_behind_a_waiter_closes_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 1 U
        2 asks 2 S
        2 asks 1 U
        3 asks 2 X
        4 asks 2 X
        1 asks 2 U
        1 gives up
        4 ends
        3 ends
    "), @r"
    1 asks 1 U: granted
    2 asks 2 S: granted
    2 asks 1 U: waits for [1], behind []
    3 asks 2 X: waits for [2], behind []
    4 asks 2 X: waits for [2], behind [3]
    1 asks 2 U: waits for [], behind [3, 4]; cycle [1, 3, 2]
    1 gives up: true
    4 ends: 0
    3 ends: 0
    ");
}

/// The same, but the first holds the second row already: its conversion overtakes.
#[test]
fn a_conversion_does_not_wait_behind_a_waiter() {
    insta::assert_snapshot!(play("
        1 asks 1 U
        1 asks 2 S
        2 asks 2 S
        2 asks 1 U
        3 asks 2 X
        1 asks 2 U
        1 ends
    "), @r"
    1 asks 1 U: granted
    1 asks 2 S: granted
    2 asks 2 S: granted
    2 asks 1 U: waits for [1], behind []
    3 asks 2 X: waits for [1, 2], behind []
    1 asks 2 U: granted
    1 ends: 2, 2 goes on
    ");
}

/// Two serializable transactions see that a range is empty and insert into it.
#[test]
fn two_who_insert_into_the_range_that_both_have_read_close_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 9 RangeS-S
        2 asks 9 RangeS-S
        1 asks 9 RangeI-N
        2 asks 9 RangeI-N
        2 ends
        1 ends
    "), @r"
    1 asks 9 RangeS-S: granted
    2 asks 9 RangeS-S: granted
    1 asks 9 RangeI-N: waits for [2], behind []
    2 asks 9 RangeI-N: waits for [1], behind []; cycle [2, 1]
    2 ends: 1, 1 goes on
    1 ends: 1
    ");
}

#[test]
fn an_insert_waits_for_who_has_read_the_range_and_not_for_another_insert() {
    insta::assert_snapshot!(play("
        1 asks 9 RangeI-N
        2 asks 9 RangeI-N
        1 drops 9
        2 drops 9
        3 asks 9 RangeS-S
        1 asks 9 RangeI-N
        4 asks 9 S
        3 ends
    "), @r"
    1 asks 9 RangeI-N: granted
    2 asks 9 RangeI-N: granted
    1 drops 9: true
    2 drops 9: true
    3 asks 9 RangeS-S: granted
    1 asks 9 RangeI-N: waits for [3], behind []
    4 asks 9 S: granted
    3 ends: 1, 1 goes on
    ");
}

#[test]
fn a_range_read_for_update_becomes_an_exclusive_range() {
    insta::assert_snapshot!(play("
        1 asks 9 RangeS-U
        2 asks 9 RangeS-S
        3 asks 9 RangeS-U
        1 asks 9 X
        2 asks 9 X
        2 ends
        1 ends
    "), @r"
    1 asks 9 RangeS-U: granted
    2 asks 9 RangeS-S: granted
    3 asks 9 RangeS-U: waits for [1], behind []
    1 asks 9 X: waits for [2], behind []
    2 asks 9 X: waits for [1], behind []; cycle [2, 1]
    2 ends: 1, 1 goes on
    1 ends: 1, 3 goes on
    ");
}

/// A soft cycle with ranges: the third only waits behind an insert that waits for the first.
#[test]
fn a_range_reader_behind_a_waiting_insert_closes_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 9 RangeS-S
        3 asks 5 X
        2 asks 9 RangeI-N
        3 asks 9 RangeS-S
        1 asks 5 S
        1 gives up
        1 ends
    "), @r"
    1 asks 9 RangeS-S: granted
    3 asks 5 X: granted
    2 asks 9 RangeI-N: waits for [1], behind []
    3 asks 9 RangeS-S: waits for [], behind [2]
    1 asks 5 S: waits for [3], behind []; cycle [1, 3, 2]
    1 gives up: true
    1 ends: 1, 2 goes on
    ");
}
