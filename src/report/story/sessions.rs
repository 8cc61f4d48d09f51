//! The lines about sessions: their steps, each with its label, and their statements.

use crate::check::RequestKind;
use crate::plan::{Hints, StatementKind};
use crate::report::story::line::{Mark, Part};
use crate::report::story::locking::undone;
use crate::report::story::teller::Teller;
use crate::trace::{Entry, Event, LaneKind, StatementBegan};
use crate::words::{InstanceId, LaneId, RequestId, TableId, TransactionId, Value};

impl Teller<'_, '_> {
    pub(super) fn session(&mut self, entry: &Entry, rest: &[Entry]) {
        match &entry.event {
            Event::StepBegan { lane, label, .. } => {
                self.rising.remove(lane);
                self.labels.insert(*lane, label.clone());
            }
            Event::StepEnded { lane, fault, answer, .. } => {
                if let Some(fault) = fault {
                    self.fault(entry, *lane, fault);
                }
                self.answer(*lane, answer);
                // A step of which there was nothing else to tell.
                if let Some(label) = self.labels.remove(lane) {
                    self.say(entry, *lane, Mark::Faint, "step", label.to_string());
                }
                self.rising.remove(lane);
            }
            Event::StatementBegan(StatementBegan {
                lane,
                request,
                instance,
                table,
                kind,
                hints,
                ..
            }) => {
                self.rising.remove(lane);
                let text = self.stated(*request, (*instance, *table), *kind, *hints);
                let (steps, part) = (self.steps_of(*lane), Part::Request(*request));
                let shape = (word(*kind), text);
                self.say_at(entry, *lane, steps, Mark::None, shape, part);
                self.nesting.entry(*lane).or_default().push((*request, 1));
            }
            Event::StatementEnded { request, .. } => self.ended(entry, *request),
            Event::StatementUndone { request, .. } => {
                let Some(lane) = self.lane_of_request(*request) else {
                    return;
                };
                let undone = undone(self.history, rest);
                let text = format!("the statement is taken back{undone}");
                self.say(entry, lane, Mark::Failed, "taken back", text);
            }
            Event::SchemaAltered { transaction, instance, table } => {
                let Some(lane) = self.lane_of_transaction(*transaction) else {
                    return;
                };
                let effect = ": nobody else may use it until the transaction ends";
                let statement = self.nesting.get(&lane).and_then(|it| it.last());
                if !statement.copied().is_some_and(|(statement, _)| self.add(statement, effect)) {
                    let place = self.history.names.table_of(*instance, *table);
                    let text = format!("{place} is altered{effect}");
                    self.say(entry, lane, Mark::None, "altered", text);
                }
            }
            _ => {}
        }
    }

    /// What a statement does: `selects us/test where value == 30 with nolock`.
    fn stated(
        &self,
        request: RequestId,
        (instance, table): (InstanceId, TableId),
        kind: StatementKind,
        hints: Hints,
    ) -> String {
        let names = &self.history.names;
        let condition = self
            .conditions
            .get(&request)
            .map_or_else(String::new, |condition| format!(" where {}", names.condition(condition)));
        let hints: Vec<_> = hints.iter().map(|hint| hint.word()).collect();
        let hints = match hints.as_slice() {
            [] => String::new(),
            hints => format!(" with {}", hints.join(", ")),
        };
        let place = names.table_of(instance, table);
        format!("{} {place}{condition}{hints}", verb(kind))
    }

    /// The rows that a step's select has answered stand behind their number.
    fn answer(&mut self, lane: LaneId, answer: &Value) {
        let Some((line, place)) = self.answered.remove(&lane) else {
            return;
        };
        if let (Some(Some(line)), Value::List(rows)) = (self.lines.get_mut(line), answer)
            && !rows.is_empty()
            && line.text.is_char_boundary(place)
        {
            line.text.insert_str(place, &format!(" {}", self.history.names.value(answer)));
        }
    }

    fn ended(&mut self, entry: &Entry, request: RequestId) {
        let Some(lane) = self.lane_of_request(request) else {
            return;
        };
        if let Event::StatementEnded { fault: Some(fault), .. } = &entry.event {
            self.fault(entry, lane, fault);
        }
        self.leave(lane, request);
    }

    /// Whether a transaction is a session's.
    pub(super) fn is_in_session(&self, transaction: TransactionId) -> bool {
        let lane = self.lane_of_transaction(transaction);
        let lane = lane.and_then(|lane| self.history.lanes.get(&lane));
        lane.is_some_and(|lane| matches!(lane.kind, LaneKind::Session { .. }))
    }

    /// What a statement is, where it is one.
    pub(super) fn statement(&self, request: RequestId) -> Option<StatementKind> {
        match self.history.requests.get(&request)?.kind {
            RequestKind::Statement(kind) => Some(kind),
            RequestKind::Message(_) | RequestKind::Job => None,
        }
    }
}

/// What a statement does, as a verb before its table.
const fn verb(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Select => "selects",
        StatementKind::Insert => "inserts into",
        StatementKind::Update => "updates",
        StatementKind::Delete => "deletes from",
        StatementKind::AlterTable => "alters",
    }
}

const fn word(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Select => "select",
        StatementKind::Insert => "insert",
        StatementKind::Update => "update",
        StatementKind::Delete => "delete",
        StatementKind::AlterTable => "alter",
    }
}
