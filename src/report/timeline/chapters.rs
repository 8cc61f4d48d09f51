//! The chapters of a run: the few moments that explain it, found by rule.
//!
//! What is wrong comes first, then what is waited for, then what is merely instructive: a run in
//! which nothing goes wrong still has its first step, its first job, its first copy.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Anomalies, History, Moment};
use crate::plan::Message;
use crate::report::timeline::steps::Step;
use crate::report::timeline::track::LaneLine;
use crate::trace::{Event, JobEvent, Outcome, RollbackReason, WaitEnd};
use crate::words::{InstanceId, LaneId, TransactionId};

/// The most chapters of one run.
const CHAPTERS_MAX: usize = 6;

/// A moment that explains the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Chapter {
    /// The step that tells it, by its position.
    pub step: usize,
    /// Its event.
    pub at: Moment,
    /// What to call it.
    pub title: String,
    /// Whether something goes wrong.
    pub is_bad: bool,
    /// The instance that a message did not reach, or did at last.
    pub message: Option<(InstanceId, bool)>,
}

/// A chapter before it is chosen: the lower the rank, the more it explains.
struct Candidate {
    rank: u8,
    at: Moment,
    title: String,
    is_bad: bool,
    message: Option<(InstanceId, bool)>,
}

/// The chapters of a run, in order.
pub(super) fn chapters(
    history: &History,
    lanes: &[LaneLine],
    lane_of: &BTreeMap<LaneId, usize>,
    steps: &[Step],
) -> Vec<Chapter> {
    let mut finder = Finder {
        history,
        lanes,
        lane_of,
        found: Vec::new(),
        seen: BTreeSet::new(),
        waited: BTreeSet::new(),
        unreached: BTreeSet::new(),
    };
    for entry in &history.trace.entries {
        finder.look(Moment::of(entry), &entry.event);
    }
    for lost in Anomalies::of(history).lost_updates.iter().take(1) {
        let winner = finder.lane(lost.winner);
        let title = format!("{winner} overwrites what it has not seen");
        finder.found.push(Candidate { rank: 1, at: lost.at, title, is_bad: true, message: None });
    }
    let mut found = finder.found;
    found.sort_by_key(|it| (it.rank, it.at));
    let mut chapters: Vec<Chapter> = Vec::new();
    for Candidate { at, title, is_bad, message, .. } in found {
        let Some(step) = steps.iter().position(|it| at.sequence <= it.last) else {
            continue;
        };
        if chapters.len() < CHAPTERS_MAX && !chapters.iter().any(|it| it.step == step) {
            chapters.push(Chapter { step, at: steps[step].at, title, is_bad, message });
        }
    }
    chapters.sort_by_key(|it| it.step);
    chapters
}

struct Finder<'h, 't> {
    history: &'h History<'t>,
    lanes: &'h [LaneLine],
    lane_of: &'h BTreeMap<LaneId, usize>,
    found: Vec<Candidate>,
    /// The kinds that were found, with how often.
    seen: BTreeSet<(&'static str, u32)>,
    /// The transactions that have waited for a lock.
    waited: BTreeSet<TransactionId>,
    /// The instances that a call did not reach.
    unreached: BTreeSet<InstanceId>,
}

impl Finder<'_, '_> {
    /// What a lane of a transaction is called.
    fn lane(&self, transaction: TransactionId) -> String {
        let lane = self.history.transactions.get(&transaction).map(|it| it.lane);
        lane.map_or_else(|| "somebody".to_owned(), |it| self.name(it))
    }

    fn name(&self, lane: LaneId) -> String {
        let lane = self.lane_of.get(&lane).map(|it| self.lanes[*it].name.clone());
        lane.unwrap_or_else(|| "somebody".to_owned())
    }

    /// Adds a candidate, unless there are `most` of its kind already.
    fn find(
        &mut self,
        kind: &'static str,
        most: u32,
        (rank, is_bad): (u8, bool),
        at: Moment,
        title: String,
    ) {
        let number = self.seen.range((kind, 0)..=(kind, u32::MAX)).count() as u32;
        if number < most && self.seen.insert((kind, number)) {
            self.found.push(Candidate { rank, at, title, is_bad, message: None });
        }
    }

    fn look(&mut self, at: Moment, event: &Event) {
        match event {
            Event::LockQueued { .. }
            | Event::WaitEnded { .. }
            | Event::DeadlockClosed { .. }
            | Event::CrossInstanceWaitClosed { .. }
            | Event::VictimChosen { .. }
            | Event::LocksEscalated { .. }
            | Event::Committed { .. }
            | Event::RolledBack { .. } => self.lock(at, event),
            Event::RequestRefused { request, fault, .. } => {
                let instance = self.history.requests.get(request).map(|it| it.instance);
                let word = fault.kind.facts().word;
                let place = instance.map(|it| self.history.names.instance(it));
                let place = place.unwrap_or_default();
                let title = format!("{place}: {word}");
                self.find("refused", 1, (2, true), at, title);
                if let (Some(last), Some(instance)) = (self.found.last_mut(), instance)
                    && last.at == at
                {
                    last.message = Some((instance, false));
                }
                self.unreached.extend(instance);
            }
            Event::ResponseLost { .. } => {
                self.find("lost", 1, (2, true), at, "The answer is lost".to_owned());
            }
            Event::RequestBegan(began) if self.unreached.remove(&began.instance) => {
                let place = self.history.names.instance(began.instance);
                self.find("reached", 1, (3, false), at, format!("{place} is reached"));
                if let Some(last) = self.found.last_mut().filter(|it| it.at == at) {
                    last.message = Some((began.instance, true));
                }
            }
            Event::UpsertResolved { became: Some(Message::Create), .. } => {
                self.find("stub", 1, (5, false), at, "The missing row is created".to_owned());
            }
            Event::PlugInBegan { plug_in, .. } => {
                let name = self.history.names.plug_in(*plug_in);
                self.find("step", 2, (7, false), at, format!("Step \"{name}\" runs"));
            }
            Event::Job(JobEvent::Began { .. }) => {
                self.find("job", 1, (5, false), at, "The async service begins a job".to_owned());
            }
            Event::ScanDisturbed { .. } => {
                self.find("scan", 1, (2, true), at, "A row moves under a scan".to_owned());
            }
            Event::DirtyReadUndone { .. } => {
                let title = "What was read never was".to_owned();
                self.find("dirty", 1, (2, true), at, title);
            }
            Event::LaneEnded { lane, outcome: Outcome::Failed(fault) } => {
                let title = format!("{} ends in {}", self.name(*lane), fault.kind.facts().word);
                self.find("failed", 1, (4, true), at, title);
            }
            Event::LaneEnded { lane, outcome: Outcome::Succeeded } => {
                self.find("done", 1, (8, false), at, format!("{} is done", self.name(*lane)));
            }
            _ => {}
        }
    }

    fn lock(&mut self, at: Moment, event: &Event) {
        match event {
            Event::LockQueued { transaction, holders, ahead, .. } => {
                let waiter = self.lane(*transaction);
                let holder = holders.first().or_else(|| ahead.first()).map(|it| self.lane(*it));
                let holder = holder.unwrap_or_else(|| "a lock".to_owned());
                self.waited.insert(*transaction);
                self.find("wait", 1, (2, false), at, format!("{waiter} waits for {holder}"));
            }
            Event::WaitEnded { transaction, end: WaitEnd::TimedOut(kind), .. } => {
                let title = format!("{}: {}", self.lane(*transaction), kind.facts().word);
                self.find("time-out", 1, (2, true), at, title);
            }
            Event::DeadlockClosed { .. } => {
                self.find("circle", 2, (0, true), at, "The circle closes".to_owned());
            }
            Event::CrossInstanceWaitClosed { .. } => {
                let title = "A circle that no monitor sees".to_owned();
                self.find("far circle", 1, (0, true), at, title);
            }
            Event::VictimChosen { victim, .. } => {
                self.find("victim", 2, (0, true), at, format!("{} is ended", self.lane(*victim)));
            }
            Event::LocksEscalated { .. } => {
                let title = "Row locks become one table lock".to_owned();
                self.find("escalation", 1, (3, false), at, title);
            }
            Event::Committed { transaction } if self.waited.contains(transaction) => {
                let title = format!("{} commits after its wait", self.lane(*transaction));
                self.find("commit", 2, (3, false), at, title);
            }
            Event::RolledBack { transaction, reason: RollbackReason::Fault(fault) } => {
                let title = format!("{} is rolled back", self.lane(*transaction));
                if fault.kind != crate::fault::FaultKind::DeadlockVictim {
                    self.find("rollback", 1, (3, true), at, title);
                }
            }
            _ => {}
        }
    }
}
