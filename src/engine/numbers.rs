//! The numbers of what is new in a world.
//!
//! They have 32 bits, to keep locks and rows small, so a world that runs for very long comes to
//! their end; a host at full speed does so in hours. They then begin anew at 0: a number tells
//! those apart that are there at the same time, and nothing in the engine asks which is smaller.

use crate::engine::world::World;
use crate::words::{ActorId, LaneId, RequestId, TransactionId};

/// The number that comes next of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers {
    lane: u32,
    request: u32,
    transaction: u32,
}

/// Takes the next number of a kind. The highest is left out: it stands for none.
const fn take(next: &mut u32) -> u32 {
    let number = *next;
    *next = if number >= u32::MAX - 1 { 0 } else { number + 1 };
    number
}

impl World {
    /// A number for a new lane.
    pub(super) const fn number_lane(&mut self) -> LaneId {
        LaneId(take(&mut self.numbers.lane))
    }

    /// A number for a new request.
    pub(super) const fn number_request(&mut self) -> RequestId {
        RequestId(take(&mut self.numbers.request))
    }

    /// A number for a new transaction.
    pub(super) const fn number_transaction(&mut self) -> TransactionId {
        TransactionId(take(&mut self.numbers.transaction))
    }

    /// A number for a new run of an actor, from 1.
    pub(super) fn number_run(&mut self, actor: ActorId) -> u32 {
        let run = &mut self.runs[actor.index()];
        *run = run.wrapping_add(1);
        *run
    }

    /// Lets the lanes, requests and transactions to come be numbered from `first`, as in a world
    /// in which there have been as many; 0 in a new world.
    #[must_use]
    pub const fn numbered_from(mut self, first: u32) -> Self {
        self.numbers = Numbers { lane: first, request: first, transaction: first };
        self
    }
}
