//! The lines about requests: how they travel, what runs for them, and what they write.

use crate::check::RequestKind;
use crate::plan::{Message, Stage, StepKind};
use crate::report::story::line::{Mark, Part};
use crate::report::story::teller::{INDENT, Teller};
use crate::trace::{Entry, Event, RequestBegan, RowWritten, WriteKind};
use crate::words::{ColumnId, InstanceId, LaneId, PlugInId, RequestId, RowId, TableId, Value};

/// The most columns of a row that a line shows.
const COLUMNS_MAX: usize = 4;

impl Teller<'_, '_> {
    pub(super) fn message(&mut self, entry: &Entry) {
        match &entry.event {
            Event::RequestRefused { lane, request, fault, .. } => {
                self.rising.insert(*lane, fault.kind);
                let asked = self.asked(*request, "");
                let word = fault.kind.facts().word;
                let hex = fault.kind.facts().hex();
                let text = format!("{asked}: {word} ({hex})");
                self.say(entry, *lane, Mark::Failed, "refused", text);
            }
            Event::ResponseLost { lane, request, .. } => {
                let asked = self.asked(*request, "");
                let text = format!("the answer is lost on its way ({asked}): the work is done");
                self.say(entry, *lane, Mark::Outage, "answer lost", text);
            }
            Event::RequestAbandoned { lane, request } => {
                let place = self.history.requests.get(request);
                let place = place.map(|it| self.history.names.instance(it.instance));
                let place = place.unwrap_or_else(|| "the instance".to_owned());
                let text = format!("gives up waiting for the answer; {place} goes on");
                self.say(entry, *lane, Mark::Failed, "abandoned", text);
            }
            Event::ResponseDelivered { lane, fault: Some(fault), .. } => {
                self.fault(entry, *lane, fault)
            }
            Event::ResponseDelivered { lane, .. } => {
                self.rising.remove(lane);
            }
            _ => {}
        }
    }

    /// What a request asks for: `updates us/user/x`.
    fn asked(&self, request: RequestId, otherwise: &str) -> String {
        let Some(request) = self.history.requests.get(&request) else {
            return otherwise.to_owned();
        };
        let place = match request.kind {
            RequestKind::Message(Message::ExecuteMultiple | Message::ExecuteTransaction) => {
                self.history.names.instance(request.instance)
            }
            _ => self.place(request.instance, request.table, request.row),
        };
        match request.kind {
            RequestKind::Message(Message::Custom(_)) => self.executed(request),
            RequestKind::Message(message) => verb(message, &place),
            RequestKind::Statement(_) | RequestKind::Job => otherwise.to_owned(),
        }
    }

    /// A custom message, with the row and the values that it was given.
    fn executed(&self, request: &crate::check::Request) -> String {
        let names = &self.history.names;
        let RequestKind::Message(message) = request.kind else { return String::new() };
        let name = names.message(message);
        let instance = request.instance;
        let place = match request.row {
            Some(row) => names.place(instance, request.table, row),
            None => names.instance(instance),
        };
        let given = request.input.iter().filter(|(_, value)| !value.is_null());
        let given: Vec<_> =
            given.map(|(it, value)| format!("{it} = {}", names.value(value))).collect();
        match &given[..] {
            [] => format!("executes {name} in {place}"),
            given => format!("executes {name} in {place} with {}", given.join(", ")),
        }
    }

    /// A row, or a table where the row is not known.
    fn place(&self, instance: InstanceId, table: TableId, row: Option<RowId>) -> String {
        let names = &self.history.names;
        match row {
            Some(row) => names.place(instance, table, row),
            None => names.table_of(instance, table),
        }
    }

    pub(super) fn pipeline(&mut self, entry: &Entry) {
        match &entry.event {
            Event::RequestBegan(RequestBegan { lane, request, message, depth, .. }) => {
                self.rising.remove(lane);
                let text = self.asked(*request, "");
                let steps = steps(*depth);
                let part = Part::Request(*request);
                let shape = self.history.names.message(*message);
                self.say_at(entry, *lane, steps, Mark::None, (&shape, text), part);
                let nesting = self.nesting.entry(*lane).or_default();
                nesting.push((*request, (*depth).max(1)));
            }
            Event::UpsertResolved { request, became, row } => {
                self.resolved(entry, *request, *became, *row)
            }
            Event::RequestEnded { request, fault } => {
                let Some(lane) = self.lane_of_request(*request) else {
                    return;
                };
                if let Some(fault) = fault {
                    self.fault(entry, lane, fault);
                }
                self.leave(lane, *request);
            }
            Event::PlugInBegan { lane, plug_in, depth, in_transaction, .. } => {
                self.plug_in(entry, *lane, *plug_in, *depth, *in_transaction)
            }
            Event::PlugInEnded { request, fault: Some(fault), .. } => {
                if let Some(lane) = self.lane_of_request(*request) {
                    self.fault(entry, lane, fault);
                }
            }
            _ => {}
        }
    }

    fn plug_in(
        &mut self,
        entry: &Entry,
        lane: LaneId,
        plug_in: PlugInId,
        depth: u32,
        in_transaction: bool,
    ) {
        let name = self.history.names.plug_in(plug_in);
        let header = self.history.trace.header.plug_ins.get(plug_in.index());
        let stage = header.map_or("", |it| it.stage.name());
        let kind = match header.map(|it| (it.kind, it.stage)) {
            Some((StepKind::Workflow, Stage::MainOperation)) => "process action",
            Some((StepKind::PlugIn, Stage::MainOperation)) => "custom API",
            Some((StepKind::Workflow, _)) => "workflow",
            _ => "plug-in",
        };
        let place = match (in_transaction, header.map(|it| it.stage)) {
            (true, _) => "inside the",
            (false, Some(Stage::MainOperation)) => "in no",
            (false, _) => "outside the",
        };
        let text = format!("{kind} \"{name}\" ({stage}, {place} transaction)");
        let steps = steps(depth) + 1;
        self.say_at(entry, lane, steps, Mark::None, ("plug-in", text), Part::Whole);
    }

    /// An upsert knows what it becomes.
    fn resolved(
        &mut self,
        entry: &Entry,
        id: RequestId,
        became: Option<Message>,
        row: Option<RowId>,
    ) {
        let Some(request) = self.history.requests.get(&id) else {
            return;
        };
        let (lane, instance, table) = (request.lane, request.instance, request.table);
        let place = self.place(instance, table, row.or(request.row));
        let there = self.looked_up.get(&id).copied();
        let (shape, outcome) = match (became, there) {
            (Some(Message::Create), _) => ("upsert: created", "it is missing, so it is created"),
            (Some(_), _) => ("upsert: updated", "it is there, so it is updated"),
            (None, Some(false)) => ("upsert: missing", "it is missing, and is left so"),
            (None, _) => ("upsert: there", "it is there already, and is left as it is"),
        };
        let joined = self.join(lane, Part::Request(id));
        let steps = match &joined {
            Some(line) => line.indent / INDENT,
            None => self.depth(lane, id) * 2 - 1,
        };
        let text = format!("upserts {place}: {outcome}");
        let part = Part::Resolved(id);
        self.say_at(entry, lane, steps, Mark::None, (shape, text), part);
    }

    /// The depth of an open request, from 1.
    fn depth(&self, lane: LaneId, request: RequestId) -> usize {
        let nesting = self.nesting.get(&lane).map_or(&[][..], Vec::as_slice);
        let open = nesting.iter().find(|(it, _)| *it == request);
        open.map_or(1, |(_, depth)| *depth as usize)
    }

    pub(super) fn write(&mut self, entry: &Entry) {
        let Event::RowWritten(RowWritten { request, instance, table, row, kind, columns, .. }) =
            &entry.event
        else {
            return;
        };
        let Some(lane) = self.lane_of_request(*request) else {
            return;
        };
        if self.is_of_service(lane, *table, *kind) {
            if self.is_about(*request, *table) {
                self.join(lane, Part::Request(*request));
            }
            return;
        }
        let told = self.columns(*table, *kind, columns);
        if let Some(line) = self.join(lane, Part::Resolved(*request)) {
            let text = format!("{}{told}", line.text);
            let steps = line.indent / INDENT;
            let shape = (line.shape.as_str(), text);
            self.say_at(entry, lane, steps, Mark::None, shape, Part::Whole);
            return;
        }
        let joined = match self.is_about(*request, *table) {
            true => self.join(lane, Part::Request(*request)),
            false => None,
        };
        let message = match kind {
            WriteKind::Insert => Message::Create,
            WriteKind::Update => Message::Update,
            WriteKind::Delete => Message::Delete,
        };
        let place = self.history.names.place(*instance, *table, *row);
        let (steps, text) = match joined {
            Some(line) if message == Message::Create && self.statement(*request).is_some() => {
                (line.indent / INDENT, format!("inserts {place}"))
            }
            Some(line) => (line.indent / INDENT, verb(message, &place)),
            None => {
                let done = match kind {
                    WriteKind::Insert => "created",
                    WriteKind::Update => "updated",
                    WriteKind::Delete => "deleted",
                };
                let steps = self.depth(lane, *request) * 2 - 1;
                (steps, format!("{place} is {done}"))
            }
        };
        let shape = (message.name(), format!("{text}{told}"));
        self.say_at(entry, lane, steps, Mark::None, shape, Part::Whole);
    }

    /// Whether a request is about this table. One that writes pairs into an intersect table tells
    /// of its own row, and each pair is a line of its own.
    fn is_about(&self, request: RequestId, table: TableId) -> bool {
        self.history.requests.get(&request).is_none_or(|it| it.table == table)
    }

    /// What a write changes, behind its verb.
    fn columns(
        &self,
        table: TableId,
        kind: WriteKind,
        columns: &[(ColumnId, Value, Value)],
    ) -> String {
        let names = &self.history.names;
        let changed = || columns.iter().filter(|(_, before, after)| before != after);
        let told = changed().take(COLUMNS_MAX).map(|(column, before, after)| {
            let (name, after) = (names.column(table, *column), names.value(after));
            match kind {
                WriteKind::Insert => format!("{name} = {after}"),
                _ => format!("{name} {} → {after}", names.value(before)),
            }
        });
        let mut told = told.collect::<Vec<_>>().join(", ");
        match (changed().count(), kind) {
            (_, WriteKind::Delete) => return String::new(),
            (0, WriteKind::Insert) => return ", with every column blank".to_owned(),
            (0, WriteKind::Update) => return ": no value changes".to_owned(),
            (count, _) if count > COLUMNS_MAX => {
                told.push_str(&format!(" and {} more columns", count - COLUMNS_MAX));
            }
            _ => {}
        }
        format!(": {told}")
    }
}

/// How many steps of indentation a request at this depth has.
fn steps(depth: u32) -> usize {
    (depth.max(1) as usize - 1) * 2
}

/// A message as a verb with what it is about.
fn verb(message: Message, place: &str) -> String {
    let verb = match message {
        Message::Create => "creates",
        Message::CreateMultiple => "creates rows at once (CreateMultiple) in",
        Message::Retrieve => "reads",
        Message::RetrieveMultiple => "queries",
        Message::RetrieveEntityChanges => "reads the changes of",
        Message::Update => "updates",
        Message::UpdateMultiple => "updates rows at once (UpdateMultiple) in",
        Message::Upsert => "upserts",
        Message::UpsertMultiple => "upserts rows at once (UpsertMultiple) in",
        Message::Delete => "deletes",
        Message::Associate => "connects",
        Message::Disassociate => "disconnects",
        Message::Assign => "assigns",
        Message::SetState => "sets the state of",
        Message::Merge => "merges",
        Message::GrantAccess => "shares",
        Message::RevokeAccess => "stops sharing",
        Message::ExecuteMultiple => "sends requests as one (ExecuteMultiple) to",
        Message::ExecuteTransaction => "sends requests as one (ExecuteTransaction) to",
        Message::Custom(_) => "executes a message of",
    };
    format!("{verb} {place}")
}
