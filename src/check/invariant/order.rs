//! Time, sequence numbers, and what begins once and ends once: lanes and transactions.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report, told};
use crate::trace::{Entry, Event};
use crate::words::{InstanceId, LaneId, SimInstant, TransactionId};

/// Watches time and lanes.
#[derive(Default)]
pub(super) struct Watcher {
    /// The instant of the event before.
    now: SimInstant,
    /// How many events there were.
    count: u32,
    /// Each lane, with whether it has ended.
    lanes: BTreeMap<LaneId, bool>,
}

impl Watcher {
    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        if entry.at < self.now {
            let before = self.now;
            report.add(Invariant::Order, at, |names| {
                let (now, before) = (names.moment(at.at), names.moment(before));
                format!("time runs back from {before} to {now}")
            });
        }
        if entry.sequence != self.count {
            let expected = self.count;
            report.add(Invariant::Order, at, |_| {
                format!("event {expected} has the sequence number {}", at.sequence)
            });
        }
        self.now = self.now.max(entry.at);
        self.count = self.count.saturating_add(1);
        match &entry.event {
            Event::LaneBegan { lane, .. } => {
                let twice = self.lanes.insert(*lane, false);
                if twice.is_some() {
                    let text = format!("lane {} begins twice", lane.0);
                    report.add(Invariant::Lanes, at, |_| text);
                }
            }
            Event::LaneEnded { lane, .. } => {
                let text = match self.lanes.insert(*lane, true) {
                    Some(false) => return,
                    Some(true) => format!("lane {} ends twice", lane.0),
                    None => format!("lane {} ends and never began", lane.0),
                };
                report.add(Invariant::Lanes, at, |_| text);
            }
            _ => {}
        }
    }

    pub(super) fn finish(&self, last: Moment, report: &mut Report) {
        for (lane, _) in self.lanes.iter().filter(|(_, ended)| !**ended) {
            report.add(Invariant::Lanes, last, |_| format!("lane {} does not end", lane.0));
        }
    }
}

/// What is known of one transaction.
pub(super) struct Known {
    pub(super) lane: LaneId,
    pub(super) instance: InstanceId,
    pub(super) state: State,
}

/// How far a transaction is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Committed,
    RolledBack,
}

/// The transactions so far.
#[derive(Default)]
pub(super) struct Transactions {
    known: BTreeMap<TransactionId, Known>,
    /// How many transactions each lane has open in each instance.
    open: BTreeMap<(LaneId, InstanceId), u32>,
}

impl Transactions {
    /// How far a transaction is; `None` when it never began.
    pub(super) fn state(&self, transaction: TransactionId) -> Option<State> {
        self.known.get(&transaction).map(|it| it.state)
    }

    /// Whether a transaction is this lane's, in this instance.
    pub(super) fn is_of(
        &self,
        transaction: TransactionId,
        lane: LaneId,
        instance: InstanceId,
    ) -> bool {
        let known = self.known.get(&transaction);
        known.is_some_and(|it| (it.lane, it.instance) == (lane, instance))
    }

    /// Whether a lane has a transaction open in an instance.
    pub(super) fn lane_has_one(&self, lane: LaneId, instance: InstanceId) -> bool {
        self.open.contains_key(&(lane, instance))
    }

    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::TransactionBegan { lane, transaction, instance, .. } => {
                let known = Known { lane: *lane, instance: *instance, state: State::Open };
                if self.known.insert(*transaction, known).is_some() {
                    let text = format!("{} begins twice", told(*transaction));
                    report.add(Invariant::Transactions, at, |_| text);
                }
                *self.open.entry((*lane, *instance)).or_default() += 1;
            }
            Event::Committed { transaction } => {
                self.end(*transaction, State::Committed, at, report);
            }
            Event::RolledBack { transaction, .. } => {
                self.end(*transaction, State::RolledBack, at, report);
            }
            _ => {}
        }
    }

    fn end(&mut self, id: TransactionId, state: State, at: Moment, report: &mut Report) {
        match self.known.get_mut(&id) {
            Some(known) if known.state == State::Open => {
                known.state = state;
                let key = (known.lane, known.instance);
                if let Some(open) = self.open.get_mut(&key) {
                    *open -= 1;
                    if *open == 0 {
                        self.open.remove(&key);
                    }
                }
            }
            Some(_) => {
                report.add(Invariant::Transactions, at, |_| format!("{} ends twice", told(id)))
            }
            None => report
                .add(Invariant::Transactions, at, |_| format!("{} ends and never began", told(id))),
        }
    }

    pub(super) fn finish(&self, last: Moment, report: &mut Report) {
        for (id, _) in self.known.iter().filter(|(_, it)| it.state == State::Open) {
            report.add(Invariant::Transactions, last, |_| format!("{} does not end", told(*id)));
        }
    }
}
