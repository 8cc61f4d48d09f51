//! The deadlock monitor of one instance: when it searches, and whom it chooses.
//!
//! A cycle of waits exists from the moment in which its last wait begins, and the world knows it
//! at once. SQL Server does not: its monitor looks from time to time. So the cycle is *recorded*
//! when it closes, and its victim is *chosen* when the monitor would have come by.
//!
//! Source: Microsoft Learn, "Deadlocks guide", Deadlock detection: every 5 seconds; after a find as
//! often as every 100 milliseconds, and back to 5 seconds when no more are found; the next couple
//! of lock waits after a find start a search at once.

use std::time::Duration;

use crate::words::SimInstant;

/// Assumed: "the next couple of lock waits" are two.
const IMMEDIATE_SEARCHES: u8 = 2;

/// When one instance's monitor searches.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Monitor {
    longest: Duration,
    shortest: Duration,
    interval: Duration,
    last_search: SimInstant,
    immediate_searches: u8,
    scheduled: Option<SimInstant>,
}

impl Monitor {
    /// A monitor that has just searched at the start of the world.
    pub fn new(longest: Duration, shortest: Duration) -> Self {
        Self {
            longest,
            shortest: shortest.min(longest),
            interval: longest,
            last_search: SimInstant::START,
            immediate_searches: 0,
            scheduled: None,
        }
    }

    /// A cycle closed at `now`. Answers when to search for it, unless a search that early is
    /// scheduled already.
    pub fn cycle_closed(&mut self, now: SimInstant) -> Option<SimInstant> {
        let at = if self.immediate_searches > 0 { now } else { self.next_search(now) };
        if self.scheduled.is_some_and(|scheduled| scheduled <= at) {
            return None;
        }
        self.scheduled = Some(at);
        Some(at)
    }

    /// A wait for a lock began: it uses up one of the immediate searches.
    pub const fn wait_began(&mut self) {
        self.immediate_searches = self.immediate_searches.saturating_sub(1);
    }

    /// Whether the search that is due at `now` is the one that is scheduled, and not an old one.
    pub fn is_due(&self, now: SimInstant) -> bool {
        self.scheduled == Some(now)
    }

    /// A search at `now` is done.
    pub fn searched(&mut self, now: SimInstant, found: bool) {
        self.scheduled = None;
        self.last_search = now;
        if found {
            self.interval = self.shortest;
            self.immediate_searches = IMMEDIATE_SEARCHES;
        } else {
            self.interval = self.longer();
        }
    }

    /// The first regular search at or after `now`. The searches before it found nothing, and each
    /// let the interval grow.
    ///
    /// Assumed: it doubles; the source says only that it climbs back.
    fn next_search(&mut self, now: SimInstant) -> SimInstant {
        let mut next = self.last_search + self.interval;
        while next < now && self.interval < self.longest {
            self.last_search = next;
            self.interval = self.longer();
            next = self.last_search + self.interval;
        }
        if next < now {
            let interval = self.interval.as_micros().max(1);
            let passed = u128::from(now.0 - next.0).div_ceil(interval);
            let micros = u64::try_from(passed * interval).unwrap_or(u64::MAX);
            next = next + Duration::from_micros(micros);
            self.last_search =
                SimInstant(next.0 - u64::try_from(interval).unwrap_or(0).min(next.0));
        }
        next
    }

    fn longer(&self) -> Duration {
        (self.interval.max(Duration::from_micros(1)) * 2).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(instant: Option<SimInstant>) -> Option<u64> {
        instant.map(|instant| instant.0 / 1_000)
    }

    fn monitor() -> Monitor {
        Monitor::new(Duration::from_secs(5), Duration::from_millis(100))
    }

    #[test]
    fn a_quiet_monitor_searches_every_five_seconds() {
        let at = |micros| millis(monitor().cycle_closed(SimInstant(micros)));
        assert_eq!(at(90_000), Some(5_000));
        assert_eq!(at(5_000_000), Some(5_000));
        assert_eq!(at(5_000_001), Some(10_000));
        assert_eq!(at(3_600_000_001), Some(3_605_000));
    }

    #[test]
    fn after_a_find_it_searches_at_once_then_soon_then_ever_more_rarely() {
        let mut monitor = monitor();
        monitor.cycle_closed(SimInstant(90_000));
        monitor.searched(SimInstant(5_000_000), true);
        assert_eq!(millis(monitor.clone().cycle_closed(SimInstant(5_020_000))), Some(5_020));
        monitor.wait_began();
        monitor.wait_began();
        assert_eq!(millis(monitor.clone().cycle_closed(SimInstant(5_020_000))), Some(5_100));
        // Searches at 5.1, 5.3, 5.7, 6.5 s found nothing on the way.
        assert_eq!(millis(monitor.clone().cycle_closed(SimInstant(6_000_000))), Some(6_500));
    }

    #[test]
    fn a_search_that_comes_early_enough_is_not_scheduled_twice() {
        let mut monitor = monitor();
        assert!(monitor.cycle_closed(SimInstant(90_000)).is_some());
        assert!(monitor.cycle_closed(SimInstant(95_000)).is_none());
    }
}
