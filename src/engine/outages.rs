//! The outages of a world: those of its plan, which keep their numbers, and those that come from
//! outside while it runs.
//!
//! *Invariant:* of those from outside only the ones that are not over are here, so that a message
//! looks through no more than that, however many there have been. Their numbers follow those of
//! the plan, and none comes twice.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::plan::{Outage, OutageKind};
use crate::words::{InstanceId, Name, OutageId, SimInstant};

/// The outages that may still be met. A clone shares those of the plan.
#[derive(Clone, Debug)]
pub struct Outages {
    planned: Arc<[Outage]>,
    /// Those from outside that are not over, the first to come first.
    unplanned: BTreeMap<OutageId, Outage>,
    next: OutageId,
    /// What the trace's header says of those from outside, in the order of their numbers; `None`
    /// where there is no trace.
    told: Option<Vec<(Name, OutageKind)>>,
}

impl Outages {
    /// Those of a plan. `is_trace` says whether there is a trace, whose header tells of the others
    /// too.
    pub fn new(planned: &[Outage], is_trace: bool) -> Self {
        Self {
            planned: planned.into(),
            unplanned: BTreeMap::new(),
            next: OutageId(numbered(planned.len())),
            told: is_trace.then(Vec::new),
        }
    }

    /// An outage of the plan, or one from outside that is not over.
    fn get(&self, id: OutageId) -> Option<&Outage> {
        self.planned.get(id.index()).or_else(|| self.unplanned.get(&id))
    }

    /// The instance that an outage is of, and when it is over.
    pub fn extent(&self, id: OutageId) -> Option<(InstanceId, SimInstant)> {
        self.get(id).map(|outage| (outage.instance, outage.until))
    }

    /// The outage of such a kind that is on at an instance at this instant; of several the one
    /// with the lowest number.
    pub fn on(
        &self,
        instance: InstanceId,
        now: SimInstant,
        kind: impl Fn(OutageKind) -> bool,
    ) -> Option<(OutageId, OutageKind)> {
        let planned = (0..).map(OutageId).zip(self.planned.iter());
        let unplanned = self.unplanned.iter().map(|(id, outage)| (*id, outage));
        let mut on = planned.chain(unplanned).filter(|(_, outage)| {
            outage.instance == instance && kind(outage.kind) && outage.covers(now)
        });
        on.next().map(|(id, outage)| (id, outage.kind))
    }

    /// One comes from outside.
    pub fn add(&mut self, outage: Outage) -> OutageId {
        let id = self.next;
        // After four billion of them the numbers begin again where the plan's end.
        let following = id.0.checked_add(1).unwrap_or_else(|| numbered(self.planned.len()));
        self.next = OutageId(following);
        if let Some(told) = &mut self.told {
            told.push((outage.name.clone(), outage.kind));
        }
        self.unplanned.insert(id, outage);
        id
    }

    /// One is over; of those from outside nothing is left.
    pub fn remove(&mut self, id: OutageId) {
        self.unplanned.remove(&id);
    }

    /// What the trace's header says of each, by `OutageId`.
    pub fn told(&self) -> impl Iterator<Item = (Name, OutageKind)> {
        let planned = self.planned.iter().map(|outage| (outage.name.clone(), outage.kind));
        planned.chain(self.told.iter().flatten().cloned())
    }
}

impl Hash for Outages {
    /// What decides how the world goes on, beside its plan.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.next.hash(state);
        for (id, outage) in &self.unplanned {
            (id, outage.instance, outage.from, outage.until, outage.kind).hash(state);
        }
    }
}

/// A count of planned outages as the number of the one behind them.
fn numbered(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    const HERE: InstanceId = InstanceId(0);

    fn outage(from: u64, until: u64) -> Outage {
        Outage {
            name: Name::from("an outage"),
            instance: HERE,
            from: SimInstant(from),
            until: SimInstant(until),
            kind: OutageKind::Unreachable,
        }
    }

    fn on(outages: &Outages, now: u64) -> Option<u32> {
        outages.on(HERE, SimInstant(now), |_| true).map(|(id, _)| id.0)
    }

    #[test]
    fn a_hundred_thousand_short_outages_leave_nothing_behind_and_cost_the_same_each() {
        let mut outages = Outages::new(&[outage(5, 6)], false);
        for number in 1..=100_000 {
            let at = u64::from(number) * 10;
            let id = outages.add(outage(at, at + 2));
            assert_eq!(id, OutageId(number), "the plan's own outage is number 0");
            let looked_at = Cell::new(0);
            let found = outages.on(HERE, SimInstant(at), |_| {
                looked_at.set(looked_at.get() + 1);
                true
            });
            assert_eq!(found.map(|(id, _)| id), Some(id));
            assert_eq!(looked_at.get(), 2, "the planned one and this one");
            outages.remove(id);
            assert_eq!(on(&outages, at), None);
        }
        assert!(outages.unplanned.is_empty() && outages.told().count() == 1);
    }

    #[test]
    fn a_planned_outage_keeps_its_number_and_comes_before_the_others() {
        let mut outages = Outages::new(&[outage(0, 3), outage(5, 9)], true);
        let long = outages.add(outage(1, 20));
        let short = outages.add(outage(6, 7));
        assert_eq!(
            [0, 4, 6, 9, 20].map(|now| on(&outages, now)),
            [Some(0), Some(long.0), Some(1), Some(long.0), None]
        );
        outages.remove(OutageId(1));
        assert_eq!(on(&outages, 6), Some(1), "the plan's own stay");
        outages.remove(long);
        assert_eq!((on(&outages, 4), outages.extent(short)), (None, Some((HERE, SimInstant(7)))));
        assert_eq!(outages.told().count(), 4, "a header tells of all that there have been");
    }

    #[test]
    fn after_the_last_number_come_those_behind_the_plans_own_again() {
        let mut outages = Outages::new(&[outage(0, 3)], false);
        outages.next = OutageId(u32::MAX);
        let ids = [0, 1, 2].map(|at| outages.add(outage(at, at + 1)).0);
        assert_eq!(ids, [u32::MAX, 1, 2]);
    }

    #[test]
    fn a_slow_instance_is_not_closed() {
        let slow = OutageKind::Slow(Duration::from_millis(1));
        let outages = Outages::new(&[Outage { kind: slow, ..outage(0, 9) }], false);
        let closed = |kind| !matches!(kind, OutageKind::Slow(_));
        assert_eq!(outages.on(HERE, SimInstant(1), closed), None);
        assert_eq!(outages.on(InstanceId(1), SimInstant(1), |_| true), None);
        assert_eq!(on(&outages, 1), Some(0));
    }
}
