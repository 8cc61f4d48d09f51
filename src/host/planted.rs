//! Faults that the models in `tests/models` plant into the protocols, one at a time, to see
//! themselves fail. None is ever planted here, and the compiler removes every trace of them.

/// A fault in a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the models plant them")]
pub enum Planted {
    /// The caller that is parked is not woken.
    LostWakeUp,
    /// Every outcome counts, not only the first, and wakes.
    DoubleWake,
    /// The caller looks, and parks in a second step, blind to what came in between.
    ParkAfterGrant,
    /// A cancelled caller leaves its waker behind.
    WakeAfterCancel,
    /// A server looks for more work, and says that it is gone in a second step.
    GoneBetweenLooks,
}

/// What is planted: nothing.
pub const PLANTED: Option<Planted> = None;
