//! From events to lines.
//!
//! Several events can be parts of one happening. A request that writes at once is one line, told
//! when it writes; a victim's choice and its rollback are one line. A part joins the line before
//! it only when nothing else of the same lane was told in between, so the order of what is told
//! is always the order of what happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{History, Moment, Selection};
use crate::fault::{Fault, FaultKind};
use crate::plan::OutageKind;
use crate::report::story::line::{Line, Mark, Part};
use crate::report::story::page::Tone;
use crate::trace::{
    Entry, Event, LaneKind, Outcome, ReadKind, RequestBegan, RowRead, RowWritten, RowsSelected,
    StatementBegan,
};
use crate::words::{Expression, LaneId, Name, OutageId, RequestId, TransactionId, format_duration};

/// How far each nesting is indented, in columns.
pub(super) const INDENT: usize = 2;

/// Turns events into lines.
pub(super) struct Teller<'h, 't> {
    pub(super) history: &'h History<'t>,
    pub(super) verbose: bool,
    pub(super) lines: Vec<Option<Line>>,
    /// The last line of each lane, as a position in `lines`.
    pub(super) last: BTreeMap<LaneId, usize>,
    /// The labels of steps that have begun and of which nothing was told yet.
    pub(super) labels: BTreeMap<LaneId, Name>,
    /// The line about the last select of each session, as a position in `lines`, and where in its
    /// text the rows belong.
    pub(super) answered: BTreeMap<LaneId, (usize, usize)>,
    /// The condition by which each request searches first.
    pub(super) conditions: BTreeMap<RequestId, &'t Expression>,
    /// The requests that each lane is in, with their depths.
    pub(super) nesting: BTreeMap<LaneId, Vec<(RequestId, u32)>>,
    /// Whether the row that a request looked up was there.
    pub(super) looked_up: BTreeMap<RequestId, bool>,
    /// How many rows of its own table each request read.
    pub(super) rows_read: BTreeMap<RequestId, usize>,
    /// What the searches for linked rows come to, for each request that has not ended: by link, in
    /// the order in which they were first followed.
    pub(super) linked: BTreeMap<RequestId, Vec<(&'t Name, Selection<'t>)>>,
    /// The kind of the fault that was told last on each lane and is still on its way up.
    pub(super) rising: BTreeMap<LaneId, FaultKind>,
    /// The transactions that a program began by itself.
    pub(super) explicit: BTreeSet<TransactionId>,
}

impl<'h, 't> Teller<'h, 't> {
    pub(super) fn new(history: &'h History<'t>, verbose: bool) -> Self {
        let mut rows_read: BTreeMap<RequestId, usize> = BTreeMap::new();
        for read in &history.reads {
            let request = history.requests.get(&read.request);
            let answers = read.kind == ReadKind::Answer;
            if answers && request.is_some_and(|it| it.table == read.key.table) {
                *rows_read.entry(read.request).or_default() += 1;
            }
        }
        let searches = history.selections.iter().rev().filter(|it| it.link.is_none());
        let conditions = searches.filter_map(|it| Some((it.request, it.filter?)));
        Self {
            history,
            verbose,
            lines: Vec::new(),
            last: BTreeMap::new(),
            labels: BTreeMap::new(),
            answered: BTreeMap::new(),
            conditions: conditions.collect(),
            nesting: BTreeMap::new(),
            looked_up: BTreeMap::new(),
            rows_read,
            linked: BTreeMap::new(),
            rising: BTreeMap::new(),
            explicit: BTreeSet::new(),
        }
    }

    /// All lines, in the order of the events.
    pub(super) fn tell(mut self) -> Vec<Line> {
        let history = self.history;
        for (index, entry) in history.trace.entries.iter().enumerate() {
            let before = self.lines.len();
            self.entry(entry, &history.trace.entries[index + 1..]);
            if self.verbose && self.lines.len() == before {
                let text = history.names.event(&entry.event);
                match self.lane_of(&entry.event) {
                    Some(lane) => self.say_beside(entry, lane, Mark::Faint, "event", text),
                    None => self.say_of(entry, String::new(), Mark::Faint, text),
                }
            }
        }
        self.lines.into_iter().flatten().collect()
    }

    /// The lane that an event belongs to.
    fn lane_of(&self, event: &Event) -> Option<LaneId> {
        match event {
            Event::LaneBegan { lane, .. }
            | Event::LaneEnded { lane, .. }
            | Event::Noted { lane, .. }
            | Event::Bound { lane, .. }
            | Event::Worked { lane, .. }
            | Event::Slept { lane, .. }
            | Event::Retried { lane, .. }
            | Event::FaultHandled { lane, .. }
            | Event::RequestSent { lane, .. }
            | Event::RequestRefused { lane, .. }
            | Event::ResponseLost { lane, .. }
            | Event::RequestAbandoned { lane, .. }
            | Event::ResponseDelivered { lane, .. }
            | Event::RequestBegan(RequestBegan { lane, .. })
            | Event::PlugInBegan { lane, .. }
            | Event::StepBegan { lane, .. }
            | Event::StepEnded { lane, .. }
            | Event::StatementBegan(StatementBegan { lane, .. })
            | Event::TransactionBegan { lane, .. } => Some(*lane),
            Event::UpsertResolved { request, .. }
            | Event::RequestEnded { request, .. }
            | Event::StageBegan { request, .. }
            | Event::PlugInEnded { request, .. }
            | Event::StatementEnded { request, .. }
            | Event::RowRead(RowRead { request, .. })
            | Event::RowsSelected(RowsSelected { request, .. })
            | Event::ScanDisturbed { request, .. }
            | Event::DirtyReadUndone { request, .. }
            | Event::RowMissed { request, .. }
            | Event::RowWritten(RowWritten { request, .. }) => self.lane_of_request(*request),
            Event::Access(access) => self.lane_of_access(access),
            Event::Job(job) => self.lane_of_request(job.request()),
            Event::PlugInTraced(traced) => self.lane_of_request(traced.request),
            Event::Version(version) => self.lane_of_request(version.request()),
            Event::Committed { transaction }
            | Event::RolledBack { transaction, .. }
            | Event::StatementUndone { transaction, .. }
            | Event::LockGranted { transaction, .. }
            | Event::LockQueued { transaction, .. }
            | Event::WaitEnded { transaction, .. }
            | Event::LockReleased { transaction, .. }
            | Event::LockWeakened { transaction, .. }
            | Event::LocksEscalated { transaction, .. }
            | Event::LocksReleased { transaction, .. }
            | Event::SchemaAltered { transaction, .. }
            | Event::RowRestored { transaction, .. }
            | Event::VictimChosen { victim: transaction, .. } => {
                self.lane_of_transaction(*transaction)
            }
            Event::RowLoaded { .. }
            | Event::RowNamed { .. }
            | Event::OutageBegan { .. }
            | Event::OutageEnded { .. }
            | Event::CrossInstanceWaitClosed { .. }
            | Event::DeadlockClosed { .. } => None,
        }
    }

    pub(super) fn lane_of_request(&self, request: RequestId) -> Option<LaneId> {
        self.history.requests.get(&request).map(|it| it.lane)
    }

    pub(super) fn lane_of_transaction(&self, transaction: TransactionId) -> Option<LaneId> {
        let known = self.history.transactions.get(&transaction);
        known.map(|it| it.lane)
    }

    /// A line of a lane, as deep as the lane is now.
    pub(super) fn say(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        mark: Mark,
        shape: &str,
        text: String,
    ) {
        let steps = self.steps_of(lane);
        self.say_at(entry, lane, steps, mark, (shape, text), Part::Whole);
    }

    /// A line that is no part of what the lane's step does: the step's label waits for the next
    /// one.
    pub(super) fn say_beside(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        mark: Mark,
        shape: &str,
        text: String,
    ) {
        let label = self.labels.remove(&lane);
        self.say(entry, lane, mark, shape, text);
        if let Some(label) = label {
            self.labels.insert(lane, label);
        }
    }

    /// A request or statement of a lane is over.
    pub(super) fn leave(&mut self, lane: LaneId, request: RequestId) {
        if let Some(nesting) = self.nesting.get_mut(&lane) {
            nesting.retain(|(it, _)| *it != request);
            if nesting.is_empty() {
                self.nesting.remove(&lane);
            }
        }
    }

    /// How many steps of indentation what a lane does now has.
    pub(super) fn steps_of(&self, lane: LaneId) -> usize {
        let inner = self.nesting.get(&lane).and_then(|it| it.last());
        inner.map_or(0, |(_, depth)| *depth as usize * 2 - 1)
    }

    /// A line of a lane, at this many steps of indentation.
    pub(super) fn say_at(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        steps: usize,
        mark: Mark,
        (shape, text): (&str, String),
        part: Part,
    ) {
        self.last.insert(lane, self.lines.len());
        let label = self.labels.remove(&lane);
        self.lines.push(Some(Line {
            at: Moment::of(entry),
            speaker: self.history.lane_name(lane),
            speaker_tone: Tone::Lane(lane.0),
            indent: steps.saturating_mul(INDENT),
            mark,
            label,
            text,
            shape: shape.to_owned(),
            part,
        }));
    }

    /// A line of an instance, or of nobody.
    pub(super) fn say_of(&mut self, entry: &Entry, speaker: String, mark: Mark, text: String) {
        self.lines.push(Some(Line {
            at: Moment::of(entry),
            speaker,
            speaker_tone: Tone::Strong,
            indent: 0,
            mark,
            label: None,
            shape: text.clone(),
            text,
            part: Part::Whole,
        }));
    }

    /// Takes back the lane's last line when it is this part of the same happening.
    pub(super) fn join(&mut self, lane: LaneId, part: Part) -> Option<Line> {
        let last = self.last.get(&lane)?;
        let line = self.lines.get_mut(*last)?;
        if self.verbose || line.as_ref().is_none_or(|line| line.part != part) {
            return None;
        }
        let line = line.take()?;
        if let Some(label) = &line.label {
            self.labels.insert(lane, label.clone());
        }
        Some(line)
    }

    fn entry(&mut self, entry: &Entry, rest: &[Entry]) {
        match &entry.event {
            Event::OutageBegan { .. } | Event::OutageEnded { .. } => self.outage(entry),
            Event::LaneBegan { .. }
            | Event::LaneEnded { .. }
            | Event::Noted { .. }
            | Event::Worked { .. }
            | Event::Slept { .. }
            | Event::Retried { .. }
            | Event::FaultHandled { .. } => self.lane(entry),
            Event::RequestRefused { .. }
            | Event::ResponseLost { .. }
            | Event::RequestAbandoned { .. }
            | Event::ResponseDelivered { .. } => self.message(entry),
            Event::RequestBegan(_)
            | Event::UpsertResolved { .. }
            | Event::RequestEnded { .. }
            | Event::PlugInBegan { .. }
            | Event::PlugInEnded { .. } => self.pipeline(entry),
            Event::RowRead(..)
            | Event::RowsSelected(..)
            | Event::RowMissed { .. }
            | Event::ScanDisturbed { .. }
            | Event::DirtyReadUndone { .. } => self.look(entry),
            Event::Version(version) => self.version(entry, version),
            Event::RowWritten(..) => self.write(entry),
            Event::Access(access) => self.access(entry, access),
            Event::Job(job) => self.job(entry, job),
            Event::StepBegan { .. }
            | Event::StepEnded { .. }
            | Event::StatementBegan(_)
            | Event::StatementEnded { .. }
            | Event::StatementUndone { .. }
            | Event::SchemaAltered { .. } => self.session(entry, rest),
            Event::TransactionBegan { .. } | Event::Committed { .. } | Event::RolledBack { .. } => {
                self.transaction(entry, rest)
            }
            Event::LockQueued { .. }
            | Event::WaitEnded { .. }
            | Event::LocksEscalated { .. }
            | Event::DeadlockClosed { .. }
            | Event::CrossInstanceWaitClosed { .. }
            | Event::VictimChosen { .. } => self.lock(entry),
            Event::RowLoaded { .. }
            | Event::RowNamed { .. }
            | Event::Bound { .. }
            | Event::PlugInTraced(_)
            | Event::RequestSent { .. }
            | Event::StageBegan { .. }
            | Event::LockGranted { .. }
            | Event::LockReleased { .. }
            | Event::LockWeakened { .. }
            | Event::LocksReleased { .. }
            | Event::RowRestored { .. } => {}
        }
    }

    fn outage(&mut self, entry: &Entry) {
        let names = &self.history.names;
        let kind = |outage: &OutageId| {
            let kinds = &self.history.trace.header.outage_kinds;
            kinds.get(outage.index()).copied()
        };
        let (instance, text) = match &entry.event {
            Event::OutageBegan { outage, instance, until } => {
                let state = match kind(outage) {
                    Some(OutageKind::Unreachable) | None => "is unreachable".to_owned(),
                    Some(OutageKind::Maintenance) => "is closed for maintenance".to_owned(),
                    Some(OutageKind::Slow(delay)) => {
                        let delay = format_duration(delay);
                        format!("is slow (every message takes {delay} longer)")
                    }
                };
                (instance, format!("{state} until {}", names.moment(*until)))
            }
            Event::OutageEnded { outage, instance } => {
                let state = match kind(outage) {
                    Some(OutageKind::Unreachable) | None => "is reachable again",
                    Some(OutageKind::Maintenance) => "is open again",
                    Some(OutageKind::Slow(_)) => "is as fast as usual again",
                };
                (instance, state.to_owned())
            }
            _ => return,
        };
        let speaker = names.instance(*instance);
        self.say_of(entry, speaker, Mark::Outage, text);
    }

    fn lane(&mut self, entry: &Entry) {
        match &entry.event {
            Event::LaneBegan { lane, kind: LaneKind::Flow { .. }, .. } => {
                self.say(entry, *lane, Mark::None, "begins", "begins".to_owned())
            }
            Event::LaneEnded { lane, outcome } => match outcome {
                Outcome::Succeeded => self.say(entry, *lane, Mark::Done, "done", "done".to_owned()),
                Outcome::Failed(fault) => {
                    // A session's fault was told with the step that met it.
                    let known = self.history.lanes.get(lane);
                    let is_session =
                        known.is_some_and(|it| matches!(it.kind, LaneKind::Session { .. }));
                    let told = self.rising.remove(lane) == Some(fault.kind) || is_session;
                    let fault =
                        if told { fault.kind.facts().word.to_owned() } else { fault.to_string() };
                    let text = format!("ends in {fault}");
                    self.say(entry, *lane, Mark::Failed, "ends in fault", text);
                }
                Outcome::Unfinished(limit) => {
                    let text = format!("is not finished: {limit}");
                    self.say(entry, *lane, Mark::Failed, "unfinished", text);
                }
            },
            Event::Noted { lane, text } => {
                self.say(entry, *lane, Mark::None, "notes", format!("notes: {text}"));
            }
            Event::Worked { lane, duration, .. } => {
                let text = format!("works for {}", format_duration(*duration));
                self.say(entry, *lane, Mark::Faint, "works", text);
            }
            Event::Slept { lane, until } => {
                // A wait before another try is told by the retry.
                let last = self.last.get(lane).and_then(|it| self.lines.get(*it));
                let retry = last.and_then(Option::as_ref);
                if retry.is_none_or(|it| it.mark != Mark::Retry) {
                    let text = format!("pauses until {}", self.history.names.moment(*until));
                    self.say(entry, *lane, Mark::Faint, "pauses", text);
                }
            }
            Event::Retried { lane, attempt, fault, wait } => {
                self.fault(entry, *lane, fault);
                self.rising.remove(lane);
                let wait = format_duration(*wait);
                let text = format!("retries in {wait} (try {attempt})");
                self.say(entry, *lane, Mark::Retry, "retries", text);
            }
            Event::FaultHandled { lane, fault } => {
                self.rising.remove(lane);
                let text = format!("handles {} and goes on", fault.kind.facts().word);
                self.say(entry, *lane, Mark::None, "handles", text);
            }
            _ => {}
        }
    }

    /// Tells a fault, unless it is the one that was told already and is on its way up.
    pub(super) fn fault(&mut self, entry: &Entry, lane: LaneId, fault: &Fault) {
        if self.rising.insert(lane, fault.kind) != Some(fault.kind) {
            let shape = fault.kind.facts().word;
            self.say(entry, lane, Mark::Failed, shape, fault.to_string());
        }
    }
}
