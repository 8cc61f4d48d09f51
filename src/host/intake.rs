//! What waits to be taken in by the one owner of a kernel.
//!
//! Whoever brings something while nobody serves becomes the *server*: it serves its own and all
//! that others bring meanwhile, in the order in which it came. So there is one owner at a time,
//! nobody is overtaken, and an uncontended call needs no other thread. *Invariant:* when nobody
//! serves, nothing waits.

use std::collections::VecDeque;

use super::planted::{PLANTED, Planted};
use super::sync::Mutex;

/// The queue before one owner.
#[derive(Debug)]
pub struct Intake<I>(Mutex<Waiting<I>>);

#[derive(Debug)]
struct Waiting<I> {
    items: VecDeque<I>,
    /// Whether somebody serves.
    is_served: bool,
}

impl<I> Intake<I> {
    /// Nothing waits, and nobody serves.
    pub fn new() -> Self {
        Self(Mutex::new(Waiting { items: VecDeque::new(), is_served: false }))
    }

    fn with<R>(&self, action: impl FnOnce(&mut Waiting<I>) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Brings something. Answers whether the caller is the server now.
    #[must_use]
    pub fn bring(&self, item: I) -> bool {
        self.with(|waiting| {
            waiting.items.push_back(item);
            !std::mem::replace(&mut waiting.is_served, true)
        })
    }

    /// What the server takes next. When there is nothing, it is the server no longer.
    pub fn next(&self) -> Option<I> {
        if PLANTED == Some(Planted::GoneBetweenLooks) {
            let item = self.with(|waiting| waiting.items.pop_front());
            if item.is_none() {
                self.with(|waiting| waiting.is_served = false);
            }
            return item;
        }
        self.with(|waiting| {
            let item = waiting.items.pop_front();
            waiting.is_served = item.is_some();
            item
        })
    }
}

impl<I> Default for Intake<I> {
    fn default() -> Self {
        Self::new()
    }
}
