//! Where one caller waits for one outcome.
//!
//! Three want to end the wait: the thread that carries the answer (the *grant*), the caller's own
//! clock (the *time-out*), and the caller that goes away (the *cancellation*). The first to settle
//! the place wins and hears so; the others find it settled and do nothing. *Invariants:* a caller
//! that parks after the outcome sees it at once; one that has parked is woken exactly once; after a
//! cancellation nobody is woken.

use std::mem;
use std::task::{Poll, Waker};

use super::planted::{PLANTED, Planted};
use super::sync::Mutex;

/// One wait.
#[derive(Debug)]
pub struct Parking<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    /// Nobody has come yet, neither the caller nor an outcome.
    Open,
    /// The caller sleeps.
    Parked(Waker),
    /// The outcome is there.
    Settled(T),
    /// The outcome was taken, or nobody wants it.
    Over,
}

impl<T> Parking<T> {
    /// A place to wait.
    pub fn new() -> Self {
        Self(Mutex::new(State::Open))
    }

    fn with<R>(&self, action: impl FnOnce(&mut State<T>) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Ends the wait with this outcome, unless it has ended. Answers whether it was this that ended
    /// it.
    pub fn settle(&self, outcome: T) -> bool {
        let waker = self.with(|state| match state {
            State::Open => {
                *state = State::Settled(outcome);
                Some(None)
            }
            State::Parked(_) => match mem::replace(state, State::Settled(outcome)) {
                State::Parked(waker) => Some(Some(waker)),
                _ => Some(None),
            },
            State::Settled(_) | State::Over if PLANTED == Some(Planted::DoubleWake) => {
                *state = State::Settled(outcome);
                Some(None)
            }
            State::Settled(_) | State::Over => None,
        });
        if let Some(Some(waker)) = &waker
            && PLANTED != Some(Planted::LostWakeUp)
        {
            waker.wake_by_ref();
        }
        waker.is_some()
    }

    /// Ends the wait because its caller goes away. Answers whether it had not ended before.
    pub fn cancel(&self) -> bool {
        self.with(|state| match state {
            State::Parked(_) if PLANTED == Some(Planted::WakeAfterCancel) => true,
            State::Open | State::Parked(_) => {
                *state = State::Over;
                true
            }
            State::Settled(_) | State::Over => {
                *state = State::Over;
                false
            }
        })
    }

    /// The outcome, if it is there; else the caller is parked and will be woken.
    pub fn poll(&self, waker: &Waker) -> Poll<T> {
        if PLANTED == Some(Planted::ParkAfterGrant)
            && self.with(|state| matches!(state, State::Open))
        {
            self.with(|state| *state = State::Parked(waker.clone()));
            return Poll::Pending;
        }
        self.with(|state| match mem::replace(state, State::Over) {
            State::Settled(outcome) => Poll::Ready(outcome),
            State::Open | State::Parked(_) => {
                *state = State::Parked(waker.clone());
                Poll::Pending
            }
            State::Over => Poll::Pending,
        })
    }
}

impl<T> Default for Parking<T> {
    fn default() -> Self {
        Self::new()
    }
}
