//! From events to lanes and tracks.

use std::collections::BTreeMap;

use crate::check::{History, Moment};
use crate::plan::Stage;
use crate::report::timeline::axis::Stop;
use crate::report::timeline::track::{
    Bar, BarKind, Ending, LaneLine, Mark, MarkKind, Track, kind_word, letters,
};
use crate::trace::{Entry, Event, JobEvent, Outcome};
use crate::words::{InstanceId, LaneId, RequestId, SimInstant, TransactionId, format_duration};

/// What the fold comes to.
pub(super) struct Folded {
    pub(super) lanes: Vec<LaneLine>,
    pub(super) lane_of: BTreeMap<LaneId, usize>,
    pub(super) tracks: Vec<Track>,
    pub(super) stops: Vec<Stop>,
}

/// Folds a run into tracks.
pub(super) fn fold(history: &History) -> Folded {
    let mut fold = Fold::new(history);
    for entry in &history.trace.entries {
        fold.now = Moment::of(entry);
        fold.stop(entry);
        fold.entry(entry);
    }
    fold.finish()
}

/// A request, statement or job that is under way.
pub(super) struct Open {
    pub(super) request: RequestId,
    pub(super) track: usize,
    pub(super) depth: usize,
    /// The bar of the whole request.
    pub(super) bar: usize,
    /// The bar of the database's part, once that has begun.
    pub(super) database: Option<usize>,
    /// The bar of the stage that runs now.
    pub(super) stage: Option<(usize, Stage)>,
}

pub(super) struct Fold<'h, 't> {
    pub(super) history: &'h History<'t>,
    pub(super) now: Moment,
    pub(super) lanes: Vec<LaneLine>,
    pub(super) lane_of: BTreeMap<LaneId, usize>,
    pub(super) tracks: Vec<Track>,
    pub(super) track_of: BTreeMap<(usize, Option<InstanceId>), usize>,
    pub(super) stops: Vec<Stop>,
    /// What each lane is in, the outermost first.
    pub(super) open: BTreeMap<LaneId, Vec<Open>>,
    /// The call to another instance that each request is, as a bar of the caller's home.
    pub(super) calls: BTreeMap<RequestId, (usize, usize)>,
    /// The extent of each open transaction.
    pub(super) extents: BTreeMap<TransactionId, (usize, usize)>,
    /// The wait of each transaction, as a bar.
    pub(super) waits: BTreeMap<TransactionId, (usize, usize)>,
    /// The number of each lane's try, where it is not the first.
    pub(super) attempts: BTreeMap<LaneId, u32>,
}

impl<'h, 't> Fold<'h, 't> {
    fn new(history: &'h History<'t>) -> Self {
        let mut homes: BTreeMap<LaneId, InstanceId> = BTreeMap::new();
        for entry in &history.trace.entries {
            if let Some((lane, instance)) = place(&entry.event) {
                homes.entry(lane).or_insert(instance);
            }
        }
        let lines = history.lanes.iter().enumerate().map(|(position, (id, lane))| LaneLine {
            id: *id,
            badge: letters(position),
            name: lane.name.to_string(),
            kind: kind_word(&lane.kind),
            home: homes.get(id).copied(),
            ending: match lane.ended {
                None => Ending::Open,
                Some((_, Outcome::Succeeded)) => Ending::Done,
                Some((_, Outcome::Failed(fault))) => {
                    Ending::Failed(fault.kind.facts().word.to_owned())
                }
                Some((_, Outcome::Unfinished(limit))) => Ending::Failed(limit.to_string()),
            },
            ended: lane.ended.map(|(at, _)| at),
        });
        let lanes: Vec<_> = lines.collect();
        let lane_of = lanes.iter().enumerate().map(|(at, lane)| (lane.id, at)).collect();
        Self {
            history,
            now: Moment::default(),
            lanes,
            lane_of,
            tracks: Vec::new(),
            track_of: BTreeMap::new(),
            stops: Vec::new(),
            open: BTreeMap::new(),
            calls: BTreeMap::new(),
            extents: BTreeMap::new(),
            waits: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    fn finish(mut self) -> Folded {
        let last = self.now;
        for track in &mut self.tracks {
            for bar in track.bars.iter_mut().filter(|it| it.to.sequence == u32::MAX) {
                bar.to = last;
            }
            for extent in track.extents.iter_mut().filter(|it| it.to.sequence == u32::MAX) {
                extent.to = last;
            }
            track.bars.retain(|it| it.kind != BarKind::Request || it.to > it.from);
            dense(track);
        }
        let Self { lanes, lane_of, tracks, stops, .. } = self;
        Folded { lanes, lane_of, tracks, stops }
    }

    /// Gives the moment a position of its own where the order within an instant matters.
    fn stop(&mut self, entry: &Entry) {
        let apart = matches!(
            &entry.event,
            Event::LockQueued { .. }
                | Event::WaitEnded { .. }
                | Event::Committed { .. }
                | Event::RolledBack { .. }
                | Event::DeadlockClosed { .. }
                | Event::VictimChosen { .. }
                | Event::StatementBegan(_)
                | Event::RowWritten(_)
        );
        let moment = Moment::of(entry);
        let fresh = self.stops.last().is_none_or(|it| it.moment.at < entry.at);
        if fresh || apart {
            self.stops.push(Stop { moment, apart: apart && !fresh });
        }
    }

    /// The track of a lane in an instance; made when it is first asked for.
    pub(super) fn track(&mut self, lane: LaneId, instance: Option<InstanceId>) -> Option<usize> {
        let lane = *self.lane_of.get(&lane)?;
        let instance = instance.or(self.lanes[lane].home);
        let next = self.tracks.len();
        let track = *self.track_of.entry((lane, instance)).or_insert(next);
        if track == next {
            self.tracks.push(Track {
                lane,
                instance,
                is_home: instance == self.lanes[lane].home,
                bars: Vec::new(),
                extents: Vec::new(),
                marks: Vec::new(),
                ribbons: Vec::new(),
            });
        }
        Some(track)
    }

    /// A bar that begins now; it is open until somebody ends it.
    pub(super) fn begin(
        &mut self,
        track: usize,
        kind: BarKind,
        depth: usize,
        labels: Vec<String>,
    ) -> usize {
        let to = Moment { sequence: u32::MAX, at: SimInstant::END };
        let bar = Bar { kind, depth, from: self.now, to, free_until: to, labels };
        self.tracks[track].bars.push(bar);
        self.tracks[track].bars.len() - 1
    }

    pub(super) fn end(&mut self, track: usize, bar: usize) {
        self.tracks[track].bars[bar].to = self.now;
    }

    /// A bar whose end is known when it begins.
    fn lasting(&mut self, lane: LaneId, kind: BarKind, until: SimInstant, label: &str) {
        let (track, depth) = match self.open.get(&lane).and_then(|it| it.last()) {
            Some(open) => (Some(open.track), open.depth + 1),
            None => (self.track(lane, None), 0),
        };
        let Some(track) = track else {
            return;
        };
        let labels = vec![label.to_owned()];
        let sequence = self.now.sequence;
        let until = until.min(self.history.end());
        let to = Moment { sequence, at: until };
        self.tracks[track].bars.push(Bar {
            kind,
            depth,
            from: self.now,
            to,
            free_until: to,
            labels,
        });
    }

    pub(super) fn mark(&mut self, track: usize, kind: MarkKind, depth: usize, text: String) {
        self.tracks[track].marks.push(Mark { kind, at: self.now, depth, text });
    }

    fn entry(&mut self, entry: &Entry) {
        match &entry.event {
            Event::LaneBegan { lane, .. } => {
                self.track(*lane, None);
            }
            Event::LaneEnded { lane, outcome: Outcome::Failed(fault) } => {
                if let Some(track) = self.track(*lane, None) {
                    let text = format!("ends in {}", fault.kind.facts().word);
                    self.mark(track, MarkKind::Failed, 0, text);
                }
            }
            Event::Worked { lane, duration, .. } => {
                let label = format!("works {}", format_duration(*duration));
                let until = SimInstant(
                    self.now
                        .at
                        .0
                        .saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)),
                );
                self.lasting(*lane, BarKind::Work, until, &label);
            }
            Event::Slept { lane, until } => {
                let label = format!("pauses until {}", self.history.names.moment(*until));
                self.lasting(*lane, BarKind::Pause, *until, &label);
            }
            Event::Retried { lane, attempt, .. } => {
                self.attempts.insert(*lane, *attempt);
            }
            Event::RequestSent { .. }
            | Event::RequestRefused { .. }
            | Event::ResponseLost { .. }
            | Event::RequestAbandoned { .. }
            | Event::ResponseDelivered { .. } => self.call(&entry.event),
            Event::RequestBegan(_)
            | Event::StatementBegan(_)
            | Event::RequestEnded { .. }
            | Event::StatementEnded { .. }
            | Event::StageBegan { .. }
            | Event::PlugInBegan { .. }
            | Event::PlugInEnded { .. }
            | Event::Job(_) => self.pipeline(&entry.event),
            Event::RowRead(read) => self.database(read.request),
            Event::RowsSelected(selected) => self.database(selected.request),
            Event::RowMissed { request, .. } => self.database(*request),
            Event::RowWritten(written) => self.database(written.request),
            Event::TransactionBegan { .. }
            | Event::Committed { .. }
            | Event::RolledBack { .. }
            | Event::VictimChosen { .. }
            | Event::LockGranted { .. }
            | Event::LockQueued { .. }
            | Event::WaitEnded { .. } => self.transaction(&entry.event),
            _ => {}
        }
    }

    /// The way of requests between a caller and an instance.
    fn call(&mut self, event: &Event) {
        match event {
            Event::RequestSent { lane, request, instance, message, .. } => {
                let home = self.lane_of.get(lane).and_then(|it| self.lanes[*it].home);
                let Some(track) = self.track(*lane, None) else {
                    return;
                };
                let there = self.history.names.instance(*instance);
                let word = message.name();
                let labels = vec![format!("{word} to {there}"), word.to_owned()];
                let is_away = home != Some(*instance);
                let never_began =
                    self.history.requests.get(request).is_none_or(|it| it.began.is_none());
                if is_away || never_began {
                    let bar = self.begin(track, BarKind::Call, 0, labels);
                    self.calls.insert(*request, (track, bar));
                }
            }
            Event::RequestRefused { request, fault, .. } => {
                let word = fault.kind.facts().word.to_owned();
                self.undelivered(*request, &word);
            }
            Event::ResponseLost { request, .. } => self.undelivered(*request, "answer lost"),
            Event::RequestAbandoned { request, .. } => {
                self.undelivered(*request, "gives up waiting");
            }
            Event::ResponseDelivered { lane, request, fault } => {
                if fault.is_none() {
                    self.attempts.remove(lane);
                }
                if let Some((track, bar)) = self.calls.remove(request) {
                    self.end(track, bar);
                }
            }
            _ => {}
        }
    }

    /// A call does not arrive, or its answer.
    fn undelivered(&mut self, request: RequestId, word: &str) {
        let Some(&(track, bar)) = self.calls.get(&request) else {
            return;
        };
        let lane = self.lanes[self.tracks[track].lane].id;
        let attempt = self.attempts.get(&lane).copied().unwrap_or(1);
        let bar = &mut self.tracks[track].bars[bar];
        bar.kind = BarKind::Failed;
        bar.labels = vec![format!("✗ {word}"), format!("✗ try {attempt}"), format!("✗ {attempt}")];
        self.mark(track, MarkKind::Undelivered, 0, word.to_owned());
    }
}

/// Which lane works in which instance, by this event.
fn place(event: &Event) -> Option<(LaneId, InstanceId)> {
    match event {
        Event::RequestSent { lane, instance, .. }
        | Event::TransactionBegan { lane, instance, .. } => Some((*lane, *instance)),
        Event::RequestBegan(began) => Some((began.lane, began.instance)),
        Event::StatementBegan(began) => Some((began.lane, began.instance)),
        Event::Job(JobEvent::Began { lane, instance, .. }) => Some((*lane, *instance)),
        _ => None,
    }
}

/// Numbers the rows of a track without gaps: an instance may only see the inner requests.
fn dense(track: &mut Track) {
    let mut used: Vec<_> = track.bars.iter().map(|it| it.depth).collect();
    used.sort_unstable();
    used.dedup();
    let row = |depth: usize| used.iter().position(|it| *it == depth).unwrap_or(0);
    for bar in &mut track.bars {
        bar.depth = row(bar.depth);
    }
    for at in 0..track.bars.len() {
        let Bar { depth, to, .. } = track.bars[at];
        let is_above = |it: &&Bar| it.depth == depth && it.kind != BarKind::Wait;
        let above = track.bars[at + 1..].iter().find(is_above);
        track.bars[at].free_until = above.map_or(to, |it| it.from.min(to));
    }
    for mark in &mut track.marks {
        mark.depth = used.partition_point(|it| *it < mark.depth).min(used.len().max(1) - 1);
    }
}
