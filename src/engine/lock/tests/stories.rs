//! The rules one by one, as short stories.

use std::fmt::Write;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use super::*;

pub(super) fn digest_of(table: &LockTable) -> u64 {
    let mut hasher = Xxh3::new();
    table.hash(&mut hasher);
    hasher.finish()
}

fn mode_called(name: &str) -> LockMode {
    let mut all = LockMode::ALL.into_iter();
    all.find(|mode| mode.abbreviation() == name).expect(name)
}

/// Plays lines such as `1 asks 7 X`, `1 drops 7`, `1 gives up`, `1 ends`, and writes what came of
/// each.
pub(super) fn play(script: &str) -> String {
    let mut table = LockTable::new();
    let mut story = String::new();
    for line in script.trim().lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse().expect(line);
        let owner = Owner(number(0));
        let mut granted = Vec::new();
        let outcome = match words[1] {
            "asks" => {
                let (on, mode) = (row(number(2)), mode_called(words[3]));
                let would_wait = table.would_wait(owner, on, mode);
                let decision = table.request(owner, on, mode);
                assert_eq!(would_wait, decision == Decision::Queued, "{line}");
                outcome_of(&table, owner, decision)
            }
            "drops" => table.release(owner, row(number(2)), &mut granted).to_string(),
            "gives" => table.cancel(owner, &mut granted).to_string(),
            "ends" => table.release_all(owner, &mut granted).to_string(),
            other => unreachable!("{other}"),
        };
        table.check_invariants();
        write!(story, "{line}: {outcome}").expect("text");
        for Owner(next) in granted {
            write!(story, ", {next} goes on").expect("text");
        }
        story.push('\n');
    }
    story
}

fn outcome_of(table: &LockTable, owner: Owner, decision: Decision) -> String {
    let numbers = |owners: Vec<Owner>| owners.into_iter().map(|owner| owner.0).collect::<Vec<_>>();
    let mut text = match decision {
        Decision::Held => "held".to_owned(),
        Decision::Granted => "granted".to_owned(),
        Decision::Queued => {
            let Blockers { holders, ahead } = table.blockers(owner);
            format!("waits for {:?}, behind {:?}", numbers(holders), numbers(ahead))
        }
    };
    if let Some(cycle) = table.cycle(owner) {
        let waiters = cycle.into_iter().map(|edge| edge.waiter).collect();
        write!(text, "; cycle {:?}", numbers(waiters)).expect("text");
    }
    text
}

#[test]
fn a_reader_queues_behind_a_waiting_writer() {
    insta::assert_snapshot!(play("
        1 asks 7 S
        2 asks 7 X
        3 asks 7 S
        1 ends
        2 ends
    "), @r"
    1 asks 7 S: granted
    2 asks 7 X: waits for [1], behind []
    3 asks 7 S: waits for [], behind [2]
    1 ends: 1, 2 goes on
    2 ends: 1, 3 goes on
    ");
}

#[test]
fn who_stands_in_nobodys_way_overtakes() {
    insta::assert_snapshot!(play("
        1 asks 7 IX
        2 asks 7 S
        3 asks 7 IS
        4 asks 7 IX
        1 ends
        2 ends
    "), @r"
    1 asks 7 IX: granted
    2 asks 7 S: waits for [1], behind []
    3 asks 7 IS: granted
    4 asks 7 IX: waits for [], behind [2]
    1 ends: 1, 2 goes on
    2 ends: 1, 4 goes on
    ");
}

#[test]
fn a_conversion_overtakes_all_who_wait() {
    insta::assert_snapshot!(play("
        1 asks 7 S
        2 asks 7 S
        3 asks 7 X
        1 asks 7 U
        1 asks 7 X
        2 ends
        1 ends
    "), @r"
    1 asks 7 S: granted
    2 asks 7 S: granted
    3 asks 7 X: waits for [1, 2], behind []
    1 asks 7 U: granted
    1 asks 7 X: waits for [2], behind []
    2 ends: 1, 1 goes on
    1 ends: 1, 3 goes on
    ");
}

#[test]
fn two_readers_who_both_want_to_write_close_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 7 S
        2 asks 7 S
        1 asks 7 X
        2 asks 7 X
        2 ends
    "), @r"
    1 asks 7 S: granted
    2 asks 7 S: granted
    1 asks 7 X: waits for [2], behind []
    2 asks 7 X: waits for [1], behind []; cycle [2, 1]
    2 ends: 1, 1 goes on
    ");
}

#[test]
fn update_locks_let_the_second_writer_wait_before_it_holds_anything() {
    insta::assert_snapshot!(play("
        1 asks 7 U
        2 asks 7 U
        3 asks 7 S
        1 asks 7 X
        3 ends
        1 ends
    "), @r"
    1 asks 7 U: granted
    2 asks 7 U: waits for [1], behind []
    3 asks 7 S: granted
    1 asks 7 X: waits for [3], behind []
    3 ends: 1, 1 goes on
    1 ends: 1, 2 goes on
    ");
}

/// Hermitage, `G2-two-edges` at serializable: transaction 3 is compatible with all that is granted
/// on row 2, and waits all the same behind transaction 2's pending conversion. The edge to who
/// waits closes the cycle.
#[test]
fn a_wait_for_one_who_waits_closes_a_cycle() {
    insta::assert_snapshot!(play("
        1 asks 1 RangeS-S
        1 asks 2 RangeS-S
        2 asks 2 RangeS-U
        2 asks 2 X
        3 asks 1 RangeS-S
        3 asks 2 RangeS-S
        1 asks 1 X
        1 ends
    "), @r"
    1 asks 1 RangeS-S: granted
    1 asks 2 RangeS-S: granted
    2 asks 2 RangeS-U: granted
    2 asks 2 X: waits for [1], behind []
    3 asks 1 RangeS-S: granted
    3 asks 2 RangeS-S: waits for [], behind [2]
    1 asks 1 X: waits for [3], behind []; cycle [1, 3, 2]
    1 ends: 2, 2 goes on
    ");
}

/// PostgreSQL's `deadlock-soft`, which its detector resolves by reordering. No document says that
/// SQL Server reorders a queue, so it is a cycle of four here.
#[test]
fn a_queue_is_never_reordered() {
    insta::assert_snapshot!(play("
        1 asks 1 S
        2 asks 2 S
        3 asks 1 X
        4 asks 2 X
        1 asks 2 S
        2 asks 1 S
        2 ends
    "), @r"
    1 asks 1 S: granted
    2 asks 2 S: granted
    3 asks 1 X: waits for [1], behind []
    4 asks 2 X: waits for [2], behind []
    1 asks 2 S: waits for [], behind [4]
    2 asks 1 S: waits for [], behind [3]; cycle [2, 3, 1, 4]
    2 ends: 1, 4 goes on
    ");
}

#[test]
fn who_gives_up_makes_room_for_those_behind() {
    insta::assert_snapshot!(play("
        1 asks 7 S
        2 asks 7 X
        3 asks 7 S
        4 asks 7 S
        2 gives up
        2 gives up
    "), @r"
    1 asks 7 S: granted
    2 asks 7 X: waits for [1], behind []
    3 asks 7 S: waits for [], behind [2]
    4 asks 7 S: waits for [], behind [2]
    2 gives up: true, 3 goes on, 4 goes on
    2 gives up: false
    ");
}

#[test]
fn a_lock_for_a_statement_is_released_before_the_end() {
    insta::assert_snapshot!(play("
        1 asks 7 S
        2 asks 7 X
        1 drops 7
        1 drops 7
        2 ends
    "), @r"
    1 asks 7 S: granted
    2 asks 7 X: waits for [1], behind []
    1 drops 7: true, 2 goes on
    1 drops 7: false
    2 ends: 1
    ");
}

#[test]
fn an_insert_test_on_a_key_that_is_held_ends_where_it_began() {
    let mut table = LockTable::new();
    let (one, two) = (Owner(1), Owner(2));
    let mut granted = Vec::new();
    table.request(one, row(7), LockMode::Shared);
    table.request(one, row(7), LockMode::RangeInsertNull);
    assert_eq!(table.mode_of(one, row(7)), Some(LockMode::RangeInsertShared));
    let decision = table.request(two, row(7), LockMode::RangeSharedShared);
    assert_eq!(decision, Decision::Queued);
    assert!(table.weaken(one, row(7), LockMode::Shared, &mut granted));
    assert_eq!(granted, [two]);
    assert!(!table.weaken(one, row(7), LockMode::Exclusive, &mut granted));
    assert_eq!(table.mode_of(one, row(7)), Some(LockMode::Shared));
}

/// What an escalation leaves: the table, and what is not a part of it.
#[test]
fn the_parts_of_a_table_are_released_together() {
    let mut table = LockTable::new();
    let (one, two) = (Owner(1), Owner(2));
    let (accounts, cases) = (TableId(0), TableId(1));
    let parts = [
        row(1),
        Resource::Key { table: accounts, index: 0, hash: 7 },
        row(2),
        Resource::End { table: accounts, index: 1 },
    ];
    let others = [
        Resource::Table(accounts),
        Resource::Row(cases, RowNumber(1)),
        Resource::Transaction(TransactionId(3)),
    ];
    for resource in others.into_iter().chain(parts) {
        table.request(one, resource, LockMode::Exclusive);
    }
    table.request(two, row(2), LockMode::Shared);
    let mut granted = Vec::new();
    assert_eq!(table.release_table_parts(one, accounts, &mut granted), 4);
    assert_eq!(granted, [two]);
    let left: Vec<_> = table.held(one).map(|(resource, _)| resource).collect();
    assert_eq!(left, others);
    assert_eq!(table.release_table_parts(one, accounts, &mut granted), 0);
    assert_eq!(table.release_table_parts(Owner(99), accounts, &mut granted), 0);
    table.check_invariants();
}

#[test]
fn the_second_of_many_holders_is_found_at_once_in_both_directions() {
    let mut table = LockTable::new();
    for owner in 0..100 {
        table.request(Owner(owner), row(0), LockMode::Shared);
        for number in 0..owner {
            table.request(Owner(owner), row(1_000 + owner * 100 + number), LockMode::Exclusive);
        }
    }
    for owner in 0..100 {
        assert_eq!(table.mode_of(Owner(owner), row(0)), Some(LockMode::Shared));
        assert_eq!(table.mode_of(Owner(owner), row(999)), None);
        assert_eq!(table.held(Owner(owner)).count(), owner as usize + 1);
    }
}

#[test]
fn a_chain_of_ten_thousand_is_searched_without_recursion() {
    let mut table = LockTable::new();
    let count = 10_000;
    for owner in 0..count {
        table.request(Owner(owner), row(owner), LockMode::Exclusive);
    }
    for owner in 1..count {
        table.request(Owner(owner), row(owner - 1), LockMode::Exclusive);
    }
    assert_eq!(table.cycle(Owner(count - 1)), None);
    table.request(Owner(0), row(count - 1), LockMode::Exclusive);
    let cycle = table.cycle(Owner(0)).expect("a cycle of all");
    assert_eq!(cycle.len(), count as usize);
    assert_eq!((cycle[0].waiter, cycle[1].waiter), (Owner(0), Owner(count - 1)));
}

#[test]
fn the_order_of_a_queue_is_part_of_the_hash() {
    let build = |order: [u32; 2]| {
        let mut table = LockTable::new();
        table.request(Owner(0), row(1), LockMode::Exclusive);
        for owner in order {
            table.request(Owner(owner), row(1), LockMode::Exclusive);
        }
        digest_of(&table)
    };
    assert_eq!(build([1, 2]), build([1, 2]));
    assert_ne!(build([1, 2]), build([2, 1]));
}
