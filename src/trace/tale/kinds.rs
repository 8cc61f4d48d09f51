//! Every kind of event is made by [`any`](super::any), and has words.

use proptest::prelude::*;

use crate::trace::tale::Tale;
use crate::trace::tale::any::{KINDS, Parts, any_value};
use crate::trace::{Event, Names};
use crate::words::Name;

/// The number of an event's kind: a kind that is new does not compile before it has one.
const fn kind_of(event: &Event) -> u8 {
    match event {
        Event::RowLoaded { .. } => 0,
        Event::RowNamed { .. } => 1,
        Event::RowRead(..) => 2,
        Event::RowMissed { .. } => 3,
        Event::RowWritten(..) => 4,
        Event::RowRestored { .. } => 5,
        Event::LaneBegan { .. } => 6,
        Event::LaneEnded { .. } => 7,
        Event::Noted { .. } => 8,
        Event::Bound { .. } => 9,
        Event::Worked { .. } => 10,
        Event::Slept { .. } => 11,
        Event::Retried { .. } => 12,
        Event::FaultHandled { .. } => 13,
        Event::OutageBegan { .. } => 14,
        Event::OutageEnded { .. } => 15,
        Event::RequestSent { .. } => 16,
        Event::RequestRefused { .. } => 17,
        Event::ResponseLost { .. } => 18,
        Event::RequestAbandoned { .. } => 19,
        Event::ResponseDelivered { .. } => 20,
        Event::RequestBegan(_) => 21,
        Event::UpsertResolved { .. } => 22,
        Event::RequestEnded { .. } => 23,
        Event::StageBegan { .. } => 24,
        Event::PlugInBegan { .. } => 25,
        Event::PlugInEnded { .. } => 26,
        Event::TransactionBegan { .. } => 27,
        Event::Committed { .. } => 28,
        Event::RolledBack { .. } => 29,
        Event::LockGranted { .. } => 30,
        Event::LockQueued { .. } => 31,
        Event::WaitEnded { .. } => 32,
        Event::LockReleased { .. } => 33,
        Event::LocksReleased { .. } => 34,
        Event::DeadlockClosed { .. } => 35,
        Event::CrossInstanceWaitClosed { .. } => 36,
        Event::VictimChosen { .. } => 37,
        Event::LockWeakened { .. } => 38,
        Event::LocksEscalated { .. } => 39,
        Event::StepBegan { .. } => 40,
        Event::StepEnded { .. } => 41,
        Event::StatementBegan(_) => 42,
        Event::StatementEnded { .. } => 43,
        Event::StatementUndone { .. } => 44,
        Event::RowsSelected(..) => 45,
        Event::ScanDisturbed { .. } => 46,
        Event::DirtyReadUndone { .. } => 47,
        Event::SchemaAltered { .. } => 48,
        Event::Version(..) => 49,
        Event::Access(_) => 50,
        Event::PlugInTraced(_) => 51,
        Event::Job(_) => 52,
    }
}

proptest! {
    #[test]
    fn every_kind_of_event_is_made_and_says_something(
        (small, large, flag, value, name) in
            (any::<[u16; 4]>(), any::<u64>(), any::<bool>(), any_value(), ".{0,8}"),
    ) {
        let parts = Parts { small, large, flag, value, name: Name::from(name) };
        let tale = Tale::usual();
        let names = Names::of(&tale.trace);
        for kind in 0..KINDS {
            let event = parts.event(kind);
            prop_assert_eq!(kind_of(&event), kind);
            prop_assert!(!names.event(&event).is_empty(), "{:?} says nothing", event);
        }
    }
}
