//! Whatever a trace holds, its spans can be written.

use proptest::prelude::*;
use serde_json::Value;

use crate::report::otel;
use crate::trace::tale::{any_events, two_teams};

proptest! {
    #[test]
    fn any_events_in_any_order_give_json(events in any_events()) {
        let mut tale = two_teams();
        for event in events {
            tale.push(event);
        }
        let spans: Result<Value, _> = serde_json::from_str(&otel(&tale.trace));
        prop_assert!(spans.is_ok());
    }
}

#[test]
fn what_did_not_end_ends_with_the_run_and_says_so() {
    let mut tale = two_teams();
    let lane = tale
        .trace
        .entries
        .iter()
        .position(|entry| matches!(entry.event, crate::trace::Event::LaneEnded { .. }));
    tale.trace.entries.truncate(lane.expect("a lane ends"));
    assert!(otel(&tale.trace).contains("multiverse.unfinished"));
}
