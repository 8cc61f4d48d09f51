//! Claims about waiting: who waits for whom, on which row, for how long.

use std::time::Duration;

use crate::check::claim::{Decision, Judge, bounds, key_of};
use crate::check::{Finding, RowKey, Wait};
use crate::plan::{Bounds, RowRef};
use crate::trace::{LockResource, WaitEnd};
use crate::words::{ActorId, format_duration};

/// The parts of [`crate::plan::Claim::Waits`].
pub(super) struct Asked<'p> {
    pub(super) actor: Option<ActorId>,
    pub(super) holder: Option<ActorId>,
    pub(super) row: Option<&'p RowRef>,
    pub(super) total: Bounds<Duration>,
    pub(super) longest: bool,
}

impl Judge<'_, '_> {
    /// The waits that fit are within the bounds; without bounds, there is one.
    ///
    /// A wait fits a holder who held the resource, or who was ahead in the queue, when it began.
    pub(super) fn waits(&self, asked: &Asked) -> Decision {
        let mut sum = Duration::ZERO;
        let mut longest: Option<&Wait> = None;
        for wait in self.history.waits.iter().filter(|it| self.fits(it, asked)) {
            sum = sum.saturating_add(wait.waited);
            if longest.is_none_or(|it| it.waited < wait.waited) {
                longest = Some(wait);
            }
        }
        let decided_by = longest.map(|it| it.ended.map_or(it.queued, |(at, _)| at));
        let open = asked.total == Bounds::any();
        let span = if asked.longest { longest.map_or(Duration::ZERO, |it| it.waited) } else { sum };
        let holds = if open { longest.is_some() } else { asked.total.contain(span) };
        if holds {
            return Decision::holds(decided_by);
        }
        let found = match longest {
            None => "there is no such wait".to_owned(),
            Some(wait) if asked.longest => self.wait_told(wait),
            Some(wait) => {
                format!("{} in all, the longest: {}", format_duration(sum), self.wait_told(wait))
            }
        };
        Decision::fails(Finding {
            expected: self.asked_told(asked),
            found,
            decided_by,
            nearest: self.nearest_wait(asked, longest.is_some()),
        })
    }

    fn fits(&self, wait: &Wait, asked: &Asked) -> bool {
        let waiter = wait.lane.and_then(|lane| self.history.actor_of_lane(lane));
        let mut blockers = wait.holders.iter().chain(wait.ahead);
        let held_by = |actor| {
            let actor = Some(actor);
            blockers.any(|holder| self.history.actor_of(*holder) == actor)
        };
        asked.actor.is_none_or(|actor| waiter == Some(actor))
            && asked.row.is_none_or(|row| is_on(wait, key_of(row)))
            && asked.holder.is_none_or(held_by)
    }

    fn asked_told(&self, asked: &Asked) -> String {
        let mut told = asked.actor.map_or_else(|| "somebody".to_owned(), |actor| self.name(actor));
        told.push_str(" waits");
        if let Some(row) = asked.row {
            told.push_str(&format!(" for {}", self.place(row)));
        }
        if let Some(holder) = asked.holder {
            told.push_str(&format!(", held by {}", self.name(holder)));
        }
        if asked.total != Bounds::any() {
            let whole = if asked.longest { "at once" } else { "in all" };
            told.push_str(&format!(", {} {whole}", bounds(asked.total, format_duration)));
        }
        told
    }

    /// The wait that fits best when parts of the claim are given up, the row first.
    fn nearest_wait(&self, asked: &Asked, some_fit: bool) -> Option<String> {
        if some_fit {
            return None;
        }
        let looser = [
            Asked { row: None, ..*asked },
            Asked { holder: None, ..*asked },
            Asked { row: None, holder: None, ..*asked },
            Asked { actor: None, ..*asked },
            Asked { actor: None, row: None, holder: None, ..*asked },
        ];
        let nearest = looser.iter().find_map(|asked| {
            let mut waits = self.history.waits.iter();
            waits.find(|it| self.fits(it, asked))
        });
        nearest.map(|wait| self.wait_told(wait))
    }

    /// A wait in a sentence.
    pub(super) fn wait_told(&self, wait: &Wait) -> String {
        let names = &self.history.names;
        let waiter = self.history.transaction_name(wait.transaction);
        let end = match wait.ended {
            Some((_, WaitEnd::Granted | WaitEnd::Gone)) => "",
            Some((_, WaitEnd::Victim)) => " and was a deadlock's victim",
            Some((_, WaitEnd::TimedOut(_))) => " and was timed out",
            None => " and was still waiting at the end",
        };
        format!(
            "{waiter} waited {} for {}, from {}{end}",
            format_duration(wait.waited),
            self.history.awaited(wait),
            names.moment(wait.queued.at),
        )
    }
}

/// Whether a wait is for this row.
pub(super) fn is_on(wait: &Wait, key: RowKey) -> bool {
    let row = LockResource::Row { instance: key.instance, table: key.table, row: key.row };
    wait.resource == row
}
