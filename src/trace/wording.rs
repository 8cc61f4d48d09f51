//! Every event as a plain sentence, by itself: what a line of a trace file says beside its
//! fields, and what a story in full detail falls back to.

use crate::plan::{Isolation, Message, StatementKind};
use crate::trace::{
    AccessPath, DeadlockEdge, Disturbance, Event, LockResource, Names, Outcome, RequestBegan,
    RollbackReason, RowRead, RowWritten, RowsSelected, StatementBegan, WaitEnd, WriteKind,
};
use crate::words::{
    ColumnId, InstanceId, RequestId, RowId, TableId, TransactionId, Value, format_duration,
};

impl Names<'_> {
    /// What happened, in a sentence. Lanes, requests and transactions go by their numbers.
    pub fn event(&self, event: &Event) -> String {
        self.loaded_row(event)
            .or_else(|| self.written_row(event))
            .or_else(|| self.read_event(event))
            .or_else(|| self.access_event(event))
            .or_else(|| self.version_event(event))
            .or_else(|| self.session_event(event))
            .or_else(|| self.lane_event(event))
            .or_else(|| self.message_event(event))
            .or_else(|| self.pipeline_event(event))
            .or_else(|| self.transaction_event(event))
            .unwrap_or_else(|| self.lock_event(event))
    }

    /// A message with what it is about, as a request: `Create europe/ticket/t1`.
    pub fn request(
        &self,
        message: Message,
        instance: InstanceId,
        table: TableId,
        row: Option<RowId>,
    ) -> String {
        let place = match (row, message) {
            (Some(row), _) => self.place(instance, table, row),
            (None, Message::Custom(_)) => self.instance(instance),
            (None, _) => self.table_of(instance, table),
        };
        format!("{} {place}", self.message(message))
    }

    fn written_row(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::RowNamed { table, row, name } => {
                format!("row {row} of {} is called {name}", self.table(*table))
            }
            Event::RowWritten(RowWritten {
                instance,
                table,
                row,
                kind,
                version_after,
                columns,
                ..
            }) => {
                let verb = match kind {
                    WriteKind::Insert => "inserted",
                    WriteKind::Update => "updated",
                    WriteKind::Delete => "deleted",
                };
                let place = self.place(*instance, *table, *row);
                let columns = self.changes(*table, columns);
                format!("{place} is {verb} as version {version_after}{columns}")
            }
            Event::RowRestored { instance, table, row, row_version, .. } => {
                let place = self.place(*instance, *table, *row);
                match row_version {
                    0 => format!("{place} is gone again"),
                    version => format!("{place} is restored to version {version}"),
                }
            }
            Event::SchemaAltered { transaction, instance, table } => {
                let (who, table) = (told(*transaction), self.table_of(*instance, *table));
                format!("{who} changes the definition of {table}")
            }
            _ => return None,
        })
    }

    fn read_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::RowRead(RowRead {
                instance, table, row, row_version, level, writer, ..
            }) => {
                let place = self.place(*instance, *table, *row);
                let dirty = writer.map_or_else(String::new, |writer| {
                    format!(", not committed yet, written by {}", told(writer))
                });
                format!("version {row_version} of {place} is read{}{dirty}", at(*level))
            }
            Event::RowsSelected(RowsSelected {
                instance,
                table,
                access,
                level,
                examined,
                matched,
                ..
            }) => {
                let place = self.table_of(*instance, *table);
                let what = match access {
                    AccessPath::Scan => format!("rows of {place}"),
                    AccessPath::Primary => format!("rows of {place}, looked up by id,"),
                    AccessPath::Seek { index, .. } => {
                        format!("entries of {place}'s index {}", self.index(*table, *index))
                    }
                };
                format!("{matched} of {examined} {what} match{}", at(*level))
            }
            Event::RowMissed { instance, table, row, level, .. } => {
                let level = at(*level);
                match row {
                    Some(row) => {
                        format!("{} is not there{level}", self.place(*instance, *table, *row))
                    }
                    None => format!("no row of {} fits{level}", self.table_of(*instance, *table)),
                }
            }
            Event::ScanDisturbed { request, instance, table, row, how } => {
                let place = self.place(*instance, *table, *row);
                let request = number(*request);
                match how {
                    Disturbance::Missed => format!("{request} misses {place}, which has moved"),
                    Disturbance::Doubled => {
                        format!("{request} meets {place} again, which has moved")
                    }
                }
            }
            Event::DirtyReadUndone { request, transaction, instance, table, row } => {
                let place = self.place(*instance, *table, *row);
                let (reader, writer) = (number(*request), told(*transaction));
                format!("what {reader} read of {place} is rolled back with {writer}")
            }
            _ => return None,
        })
    }

    fn version_event(&self, event: &Event) -> Option<String> {
        match event {
            Event::Version(version) => Some(version.sentence(self)),
            Event::PlugInTraced(traced) => Some(traced.sentence(self)),
            Event::Job(job) => Some(job.sentence(self)),
            _ => None,
        }
    }

    fn session_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::StepBegan { label, .. } => format!("step {label} begins"),
            Event::StepEnded { step, fault, answer, .. } => {
                let step = format!("step {}", u32::from(*step) + 1);
                match (fault, answer) {
                    (Some(fault), _) => format!("{step} ends in {fault}"),
                    (None, Value::Null) => format!("{step} ends"),
                    (None, answer) => format!("{step} ends, answered {}", self.value(answer)),
                }
            }
            Event::StatementBegan(StatementBegan {
                request,
                instance,
                table,
                kind,
                transaction,
                hints,
                ..
            }) => {
                let verb = match kind {
                    StatementKind::Select => "selects from",
                    StatementKind::Insert => "inserts into",
                    StatementKind::Update => "updates",
                    StatementKind::Delete => "deletes from",
                    StatementKind::AlterTable => "alters",
                };
                let hints: Vec<_> = hints.iter().map(|hint| hint.word()).collect();
                let hints = match hints.len() {
                    0 => String::new(),
                    _ => format!(" with {}", hints.join(", ")),
                };
                let (place, transaction) = (self.table_of(*instance, *table), told(*transaction));
                format!("{} {verb} {place}{hints}, in {transaction}", number(*request))
            }
            Event::StatementEnded { request, fault } => {
                let request = number(*request);
                fault.as_ref().map_or_else(
                    || format!("{request} ends"),
                    |fault| format!("{request} ends in {fault}"),
                )
            }
            Event::StatementUndone { transaction, request } => {
                let (request, transaction) = (number(*request), told(*transaction));
                format!("what {request} wrote is taken back; {transaction} goes on")
            }
            _ => return None,
        })
    }

    fn loaded_row(&self, event: &Event) -> Option<String> {
        let Event::RowLoaded { instance, table, row, row_version, columns } = event else {
            return None;
        };
        let columns = columns.iter().map(|(column, value)| {
            format!("{} = {}", self.column(*table, *column), self.value(value))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let place = self.place(*instance, *table, *row);
        Some(format!("{place} is loaded as version {row_version}: {columns}"))
    }

    fn changes(&self, table: TableId, columns: &[(ColumnId, Value, Value)]) -> String {
        let columns = columns.iter().map(|(column, before, after)| {
            let (before, after) = (self.value(before), self.value(after));
            format!("{} {before} → {after}", self.column(table, *column))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        if columns.is_empty() {
            return columns;
        }
        format!(": {columns}")
    }

    fn lane_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::LaneBegan { name, .. } => format!("{name} begins"),
            Event::LaneEnded { outcome, .. } => match outcome {
                Outcome::Succeeded => "is done".to_owned(),
                Outcome::Failed(fault) => format!("ends in {fault}"),
                Outcome::Unfinished(limit) => format!("is not finished: {limit}"),
            },
            Event::Noted { text, .. } => format!("notes: {text}"),
            Event::Bound { name, value, .. } => format!("binds {name} to {}", self.value(value)),
            Event::Worked { duration, .. } => format!("works for {}", format_duration(*duration)),
            Event::Slept { until, .. } => format!("pauses until {}", self.moment(*until)),
            Event::Retried { attempt, fault, wait, .. } => {
                let (word, wait) = (fault.kind.facts().word, format_duration(*wait));
                format!("retries in {wait} (try {attempt}) after {word}")
            }
            Event::FaultHandled { fault, .. } => format!("handles {fault}"),
            _ => return None,
        })
    }

    fn message_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::OutageBegan { outage, instance, until } => {
                let (outage, instance) = (self.outage(*outage), self.instance(*instance));
                format!("{outage} begins in {instance}, until {}", self.moment(*until))
            }
            Event::OutageEnded { outage, instance } => {
                let (outage, instance) = (self.outage(*outage), self.instance(*instance));
                format!("{outage} is over in {instance}")
            }
            Event::RequestSent { request, instance, message, table, row, .. } => {
                let what = self.request(*message, *instance, *table, *row);
                format!("{} is sent: {what}", number(*request))
            }
            Event::RequestRefused { request, outage, fault, .. } => {
                let outage = self.outage(*outage);
                format!("{} is stopped by {outage}: {fault}", number(*request))
            }
            Event::ResponseLost { request, outage, .. } => {
                let outage = self.outage(*outage);
                format!("the answer to {} is stopped by {outage}", number(*request))
            }
            Event::RequestAbandoned { request, .. } => {
                format!("the caller gives up {}", number(*request))
            }
            Event::ResponseDelivered { request, fault, .. } => {
                let request = number(*request);
                fault.as_ref().map_or_else(
                    || format!("{request} is answered"),
                    |fault| format!("{request} is answered with {fault}"),
                )
            }
            _ => return None,
        })
    }

    fn pipeline_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::RequestBegan(RequestBegan {
                request,
                instance,
                message,
                table,
                row,
                depth,
                ..
            }) => {
                let what = self.request(*message, *instance, *table, *row);
                format!("{} begins at depth {depth}: {what}", number(*request))
            }
            Event::UpsertResolved { request, became, .. } => {
                let became = became.map_or("nothing", |it| it.name());
                format!("{} becomes {became}", number(*request))
            }
            Event::RequestEnded { request, fault } => {
                let request = number(*request);
                fault.as_ref().map_or_else(
                    || format!("{request} ends"),
                    |fault| format!("{request} ends in {fault}"),
                )
            }
            Event::StageBegan { request, stage } => {
                let (number, name) = (stage.number(), stage.name());
                format!("stage {number} {name} of {} begins", self::number(*request))
            }
            Event::PlugInBegan { plug_in, in_transaction, .. } => {
                let place = if *in_transaction { "inside" } else { "outside" };
                let plug_in = self.plug_in(*plug_in);
                format!("plug-in \"{plug_in}\" begins, {place} a transaction")
            }
            Event::PlugInEnded { plug_in, fault, .. } => {
                let plug_in = self.plug_in(*plug_in);
                fault.as_ref().map_or_else(
                    || format!("plug-in \"{plug_in}\" ends"),
                    |fault| format!("plug-in \"{plug_in}\" ends in {fault}"),
                )
            }
            _ => return None,
        })
    }

    fn transaction_event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::TransactionBegan { transaction, instance, isolation, .. } => {
                let instance = self.instance(*instance);
                format!("{} begins in {instance}{}", told(*transaction), at(*isolation))
            }
            Event::Committed { transaction } => format!("{} is committed", told(*transaction)),
            Event::RolledBack { transaction, reason } => {
                let reason = match reason {
                    RollbackReason::Fault(fault) => format!("because of {fault}"),
                    RollbackReason::Asked => "as asked".to_owned(),
                    RollbackReason::SessionEnded => "at the end of its session".to_owned(),
                };
                format!("{} is rolled back {reason}", told(*transaction))
            }
            Event::VictimChosen { victim, rule, .. } => {
                format!("{} is the deadlock's victim: {rule}", told(*victim))
            }
            Event::DeadlockClosed { cycle, .. } => {
                format!("a deadlock closes: {}", self.circle(cycle))
            }
            Event::CrossInstanceWaitClosed { cycle } => {
                format!("waits go round over several instances: {}", self.circle(cycle))
            }
            _ => return None,
        })
    }

    /// The waits of a circle, one after the other.
    fn circle(&self, cycle: &[DeadlockEdge]) -> String {
        let waits = cycle.iter().map(|edge| {
            let resource = self.resource(&edge.resource);
            format!("{} waits for {resource}", told(edge.waiter))
        });
        waits.collect::<Vec<_>>().join(", ")
    }

    fn lock_event(&self, event: &Event) -> String {
        match event {
            Event::LockGranted { transaction, resource, mode } => {
                let resource = self.resource(resource);
                format!("{} holds {resource}, {}", told(*transaction), mode.word())
            }
            Event::LockQueued { transaction, resource, mode, holders, ahead } => {
                let (resource, mode) = (self.resource(resource), mode.word());
                let before = holders.iter().chain(ahead).map(|it| told(*it));
                let before = before.collect::<Vec<_>>().join(", ");
                let waiter = told(*transaction);
                format!("{waiter} waits for {resource}, {mode}, behind {before}")
            }
            Event::WaitEnded { transaction, resource, end, waited } => {
                self.wait_ended(*transaction, resource, *end, &format_duration(*waited))
            }
            Event::LockReleased { transaction, resource } => {
                format!("{} releases {}", told(*transaction), self.resource(resource))
            }
            Event::LockWeakened { transaction, resource, mode } => {
                let (holder, resource) = (told(*transaction), self.resource(resource));
                format!("{holder} still holds {resource}, {}", mode.word())
            }
            Event::LocksEscalated { transaction, instance, table, mode, released } => {
                let (holder, table) = (told(*transaction), self.table_of(*instance, *table));
                let mode = mode.word();
                format!("{released} locks of {holder} give way to one on {table}, {mode}")
            }
            Event::LocksReleased { transaction, count } => {
                format!("{} releases its locks, {count} in all", told(*transaction))
            }
            // Every other event has been told before.
            _ => String::new(),
        }
    }

    fn wait_ended(
        &self,
        transaction: TransactionId,
        resource: &LockResource,
        end: WaitEnd,
        waited: &str,
    ) -> String {
        let how = match end {
            WaitEnd::Granted => "has",
            WaitEnd::Gone => "waits no more, since it is gone, for",
            WaitEnd::Victim => "is a deadlock's victim and does not get",
            WaitEnd::TimedOut(_) => "is timed out and does not get",
        };
        let resource = self.resource(resource);
        format!("{} {how} {resource} after {waited}", told(transaction))
    }
}

fn number(request: RequestId) -> String {
    format!("request {}", request.0)
}

/// ` at read uncommitted`, for a level that is not the usual one.
fn at(level: Isolation) -> String {
    if level == Isolation::default() { String::new() } else { format!(" at {}", level.word()) }
}

fn told(transaction: TransactionId) -> String {
    format!("transaction {}", transaction.0)
}
