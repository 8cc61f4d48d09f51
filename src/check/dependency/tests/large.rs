//! Long histories: the cost must not grow with the square of the length. No clock is asked; what
//! is quadratic would not come to an end in a test's patience.

use crate::check::History;
use crate::check::dependency::Circles;
use crate::check::dependency::tests::{Script, Step, Where};

/// How many transactions a long history has.
const COUNT: u32 = 12_000;

#[test]
fn a_hundred_thousand_events_of_transactions_that_all_overlap() {
    let mut script = Script { lane_count: 100, ..Script::new() };
    // All search, then all insert, then all are committed: each is in a circle with each.
    for number in 1..=COUNT {
        script.step(number, &Step::Search(Where::Divisible(3), Vec::new()));
    }
    for number in 1..=COUNT {
        let row = char::from_u32(0x4e00 + number).unwrap();
        script.step(number, &Step::Write(row, i64::from(number) * 3));
    }
    for number in 1..=COUNT {
        script.step(number, &Step::Commit);
    }
    let trace = script.tale.trace;
    assert!(trace.entries.len() >= 100_000);
    let circles = Circles::of(&History::of(&trace));
    let names: Vec<_> = circles.cycles.iter().map(|it| it.anomaly.facts().code).collect();
    assert_eq!(names, ["G2"]);
    assert_eq!(circles.cycles[0].dependencies.len(), 2);
}

#[test]
fn twelve_thousand_searches_by_different_values() {
    let mut script = Script { lane_count: 100, ..Script::new() };
    for number in 1..=COUNT {
        let row = char::from_u32(0x4e00 + number).unwrap();
        script.step(number, &Step::Search(Where::Is(i64::from(number)), Vec::new()));
        script.step(number, &Step::Write(row, i64::from(number)));
        script.step(number, &Step::Commit);
    }
    assert!(Circles::of(&History::of(&script.tale.trace)).cycles.is_empty());
}

#[test]
fn a_chain_as_long_as_the_trace() {
    let mut script = Script { lane_count: 100, ..Script::new() };
    for number in 1..=COUNT {
        let before = script.version;
        let before = if number == 1 { 1 } else { before };
        script.step(number, &Step::Read('x', before));
        script.step(number, &Step::Write('x', i64::from(number)));
        script.step(number, &Step::Commit);
    }
    assert!(Circles::of(&History::of(&script.tale.trace)).cycles.is_empty());
}
