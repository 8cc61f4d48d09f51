//! The chapters of a run: the few moments that explain it, found by rule.
//!
//! What is wrong comes first, then what is waited for, then what is merely instructive: a run in
//! which nothing goes wrong still has its first step, its first job, its first copy.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Anomalies, History, Moment};
use crate::fault::FaultKind;
use crate::plan::Message;
use crate::report::timeline::steps::Step;
use crate::report::timeline::track::LaneLine;
use crate::trace::{Event, JobEvent, Outcome, RollbackReason, WaitEnd};
use crate::words::{InstanceId, LaneId, TransactionId};

/// The most chapters of one run.
const CHAPTERS_MAX: usize = 6;

/// From this rank on, a chapter only serves to have any.
const FILLER: u8 = 7;

/// How many chapters are enough without those.
const FILLED: usize = 3;

/// A moment that explains the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Chapter {
    /// The step that tells it, by its position.
    pub step: usize,
    /// Its event.
    pub at: Moment,
    /// What to call it.
    pub title: String,
    /// How much it explains: the lower, the more.
    pub rank: u8,
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
    /// Whose lane it is about, where that is one's.
    lane: Option<LaneId>,
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
        lane: None,
    };
    for entry in &history.trace.entries {
        finder.look(Moment::of(entry), &entry.event);
    }
    for lost in Anomalies::of(history).lost_updates.iter().take(1) {
        finder.lane = finder.lane_of(lost.winner);
        let title = format!("{} overwrites what it has not seen", finder.party(lost.winner));
        finder.find("lost update", 1, (1, true), lost.at, title);
    }
    let mut found = finder.found;
    found.sort_by_key(|it| (it.rank, it.at));
    let mut chapters: Vec<Chapter> = Vec::new();
    // Of what happens to one lane at one instant, what explains most is enough.
    let mut told = BTreeSet::new();
    for candidate in found {
        if candidate.rank >= FILLER && chapters.len() >= FILLED {
            break;
        }
        let Some(step) = step_of(steps, &candidate) else {
            continue;
        };
        let is_new = candidate.lane.is_none_or(|it| told.insert((it, candidate.at.at)));
        let Candidate { title, rank, is_bad, message, .. } = candidate;
        if chapters.len() < CHAPTERS_MAX && is_new && !chapters.iter().any(|it| it.step == step) {
            chapters.push(Chapter { step, at: steps[step].at, title, rank, is_bad, message });
        }
    }
    chapters.sort_by_key(|it| it.step);
    chapters
}

/// The step that tells of a candidate: the one that covers its event, or a later line of its own
/// lane at the same instant.
fn step_of(steps: &[Step], candidate: &Candidate) -> Option<usize> {
    let first = steps.partition_point(|it| it.last < candidate.at.sequence);
    let at_once = steps[first..].iter().take_while(|it| it.at.at == candidate.at.at);
    let mut own = at_once.enumerate().filter(|(_, it)| it.lane == candidate.lane);
    let own = own.next().filter(|_| candidate.lane.is_some()).map(|(offset, _)| first + offset);
    own.or((first < steps.len()).then_some(first))
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
    /// The lane that the event at hand is about.
    lane: Option<LaneId>,
}

impl Finder<'_, '_> {
    fn lane_of(&self, transaction: TransactionId) -> Option<LaneId> {
        self.history.transactions.get(&transaction).map(|it| it.lane)
    }

    /// What the lane of a transaction is called.
    fn party(&self, transaction: TransactionId) -> String {
        let lane = self.lane_of(transaction);
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
            let lane = self.lane;
            self.found.push(Candidate { rank, at, title, is_bad, message: None, lane });
        }
    }

    fn look(&mut self, at: Moment, event: &Event) {
        self.lane = match event {
            Event::LockQueued { transaction, .. }
            | Event::WaitEnded { transaction, .. }
            | Event::Committed { transaction }
            | Event::RolledBack { transaction, .. }
            | Event::VictimChosen { victim: transaction, .. } => self.lane_of(*transaction),
            Event::RequestRefused { lane, .. } | Event::LaneEnded { lane, .. } => Some(*lane),
            _ => None,
        };
        match event {
            Event::LockQueued { .. }
            | Event::WaitEnded { .. }
            | Event::DeadlockClosed { .. }
            | Event::CrossInstanceWaitClosed { .. }
            | Event::VictimChosen { .. }
            | Event::LocksEscalated { .. }
            | Event::Committed { .. }
            | Event::RolledBack { .. } => self.lock(at, event),
            Event::RequestRefused { .. } | Event::ResponseLost { .. } | Event::RequestBegan(_) => {
                self.message(at, event);
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
            Event::LaneEnded { lane, outcome: Outcome::Failed(fault) }
                if fault.kind != FaultKind::DeadlockVictim =>
            {
                let title = format!("{} ends in {}", self.name(*lane), fault.kind.facts().word);
                self.find("failed", 1, (4, true), at, title);
            }
            Event::LaneEnded { lane, outcome: Outcome::Succeeded } => {
                self.find("done", 1, (8, false), at, format!("{} is done", self.name(*lane)));
            }
            _ => {}
        }
    }

    fn message(&mut self, at: Moment, event: &Event) {
        match event {
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
            _ => {}
        }
    }

    fn lock(&mut self, at: Moment, event: &Event) {
        match event {
            Event::LockQueued { transaction, holders, ahead, .. } => {
                let waiter = self.party(*transaction);
                let holder = holders.first().or_else(|| ahead.first()).map(|it| self.party(*it));
                let holder = holder.unwrap_or_else(|| "a lock".to_owned());
                self.waited.insert(*transaction);
                self.find("wait", 1, (2, false), at, format!("{waiter} waits for {holder}"));
            }
            Event::WaitEnded { transaction, end: WaitEnd::TimedOut(kind), .. } => {
                let title = format!("{}: {}", self.party(*transaction), kind.facts().word);
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
                self.find("victim", 2, (0, true), at, format!("{} is ended", self.party(*victim)));
            }
            Event::LocksEscalated { .. } => {
                let title = "Row locks become one table lock".to_owned();
                self.find("escalation", 1, (3, false), at, title);
            }
            Event::Committed { transaction } if self.waited.contains(transaction) => {
                let title = format!("{} commits after its wait", self.party(*transaction));
                self.find("commit", 2, (3, false), at, title);
            }
            Event::RolledBack { transaction, reason: RollbackReason::Fault(fault) } => {
                let title = format!("{} is rolled back", self.party(*transaction));
                if fault.kind != FaultKind::DeadlockVictim {
                    self.find("rollback", 1, (3, true), at, title);
                }
            }
            _ => {}
        }
    }
}
