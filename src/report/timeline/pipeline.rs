//! The bars of requests, statements, jobs, stages and plug-in steps.

use crate::plan::{Stage, StatementKind};
use crate::report::timeline::fold::{Fold, Open};
use crate::report::timeline::track::BarKind;
use crate::trace::{Event, JobEvent, RequestBegan, StatementBegan};
use crate::words::{InstanceId, LaneId, RequestId};

impl Fold<'_, '_> {
    pub(super) fn pipeline(&mut self, event: &Event) {
        match event {
            Event::RequestBegan(began) => self.request(began),
            Event::StatementBegan(began) => self.statement(began),
            Event::Job(JobEvent::Began { lane, request, instance, attempt, .. }) => {
                let name = self.lane_of.get(lane).map(|it| self.lanes[*it].name.clone());
                let name = name.unwrap_or_default();
                let try_told =
                    if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
                let labels = vec![format!("job {name}{try_told}"), "job".to_owned()];
                self.enter(*lane, *request, *instance, BarKind::Job, labels);
            }
            Event::Job(JobEvent::Ended { request, .. })
            | Event::RequestEnded { request, .. }
            | Event::StatementEnded { request, .. } => self.leave(*request),
            Event::StageBegan { request, stage } => self.stage(*request, *stage),
            Event::PlugInBegan { request, plug_in, .. } => {
                let name = self.history.names.plug_in(*plug_in);
                let header = self.history.trace.header.plug_ins.get(plug_in.index());
                let stage = header.map_or(Stage::PostOperation, |it| it.stage);
                self.plug_in(*request, stage, &name);
            }
            Event::PlugInEnded { request, .. } => {
                if let Some((track, bar)) = self.open_stage(*request) {
                    self.end(track, bar);
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, began: &RequestBegan) {
        let names = &self.history.names;
        let verb = began.message.name();
        let (long, short) = match began.row {
            Some(row) => (
                format!("{verb} {}", names.place(began.instance, began.table, row)),
                format!("{verb} {}", names.row(began.table, row)),
            ),
            None => {
                let table = names.table(began.table);
                (format!("{verb} {}/{table}", names.instance(began.instance)), verb.to_owned())
            }
        };
        let labels = vec![long, short, verb.to_owned()];
        self.enter(began.lane, began.request, began.instance, BarKind::Request, labels);
    }

    fn statement(&mut self, began: &StatementBegan) {
        let verb = match began.kind {
            StatementKind::Select => "select",
            StatementKind::Insert => "insert",
            StatementKind::Update => "update",
            StatementKind::Delete => "delete",
            StatementKind::AlterTable => "alter table",
        };
        let table = self.history.names.table(began.table);
        let step = self.history.step_at(began.lane, self.now);
        let mut labels = vec![format!("{verb} {table}"), verb.to_owned()];
        if let Some(step) = step.map(|it| it.label.to_string()).filter(|it| !it.is_empty()) {
            labels.insert(0, format!("{step}: {verb} {table}"));
        }
        let kind = if began.kind == StatementKind::Select { BarKind::Read } else { BarKind::Write };
        self.enter(began.lane, began.request, began.instance, kind, labels);
    }

    fn enter(
        &mut self,
        lane: LaneId,
        request: RequestId,
        instance: InstanceId,
        kind: BarKind,
        labels: Vec<String>,
    ) {
        let Some(track) = self.track(lane, Some(instance)) else {
            return;
        };
        // Below what it is within: a plug-in's request, or the batch that carries it.
        let depth = self.open.get(&lane).map_or(0, Vec::len);
        let bar = self.begin(track, kind, depth, labels);
        let is_statement = matches!(kind, BarKind::Read | BarKind::Write);
        let database = is_statement.then_some(bar);
        let open = Open { request, track, depth, bar, database, stage: None };
        self.open.entry(lane).or_default().push(open);
    }

    fn leave(&mut self, request: RequestId) {
        let Some(lane) = self.history.requests.get(&request).map(|it| it.lane) else {
            return;
        };
        let Some(open) = self.open.get_mut(&lane) else {
            return;
        };
        let Some(at) = open.iter().rposition(|it| it.request == request) else {
            return;
        };
        let Open { track, bar, database, stage, .. } = open.remove(at);
        let parts = [Some(bar), database, stage.map(|(bar, _)| bar)];
        for part in parts.into_iter().flatten() {
            if self.tracks[track].bars[part].to.sequence == u32::MAX {
                self.end(track, part);
            }
        }
    }

    /// The open request, with its lane.
    fn open_of(&mut self, request: RequestId) -> Option<&mut Open> {
        let lane = self.history.requests.get(&request)?.lane;
        self.open.get_mut(&lane)?.iter_mut().rfind(|it| it.request == request)
    }

    /// The bar of the stage that runs for a request.
    fn open_stage(&mut self, request: RequestId) -> Option<(usize, usize)> {
        let open = self.open_of(request)?;
        let (bar, _) = open.stage.take()?;
        Some((open.track, bar))
    }

    /// A stage begins: the database's part is over where it is the last one.
    fn stage(&mut self, request: RequestId, stage: Stage) {
        let Some(open) = self.open_of(request) else {
            return;
        };
        let track = open.track;
        if stage == Stage::PostOperation
            && let Some(bar) = open.database
        {
            self.end(track, bar);
        }
    }

    fn plug_in(&mut self, request: RequestId, stage: Stage, name: &str) {
        let Some(open) = self.open_of(request) else {
            return;
        };
        let (track, depth) = (open.track, open.depth);
        let number = stage.number();
        let labels = vec![
            format!("{number} {} · {name}", stage.name()),
            format!("{number} {name}"),
            format!("{number} {}", stage.name()),
            number.to_string(),
        ];
        let bar = self.begin(track, BarKind::Stage(stage), depth, labels);
        if let Some(open) = self.open_of(request) {
            open.stage = Some((bar, stage));
        }
    }

    /// The database works for a request.
    pub(super) fn database(&mut self, request: RequestId) {
        let Some(known) = self.history.requests.get(&request) else {
            return;
        };
        let is_read = known.kind.is_read();
        let lane = known.lane;
        let Some(open) = self.open_of(request) else {
            return;
        };
        if open.database.is_some() || self.is_inner(lane, request) {
            return;
        }
        let Some(open) = self.open_of(request) else {
            return;
        };
        let (track, depth, whole) = (open.track, open.depth, open.bar);
        let Some(name) = self.tracks[track].bars.get(whole).map(|it| it.labels.clone()) else {
            return;
        };
        let number = Stage::MainOperation.number();
        let mut labels: Vec<_> = name.iter().map(|it| format!("{number} {it}")).collect();
        labels.push(number.to_string());
        let kind = if is_read { BarKind::Read } else { BarKind::Write };
        let bar = self.begin(track, kind, depth, labels);
        if let Some(open) = self.open_of(request) {
            open.database = Some(bar);
        }
    }

    /// Whether a lane is in a request within this one.
    fn is_inner(&self, lane: LaneId, request: RequestId) -> bool {
        let innermost = self.open.get(&lane).and_then(|it| it.last());
        innermost.is_none_or(|it| it.request != request || it.stage.is_some())
    }
}
