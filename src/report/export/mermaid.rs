//! A run as a Mermaid sequence diagram, for a README, a wiki or a pull request: callers, instances
//! and the rows that somebody waited for are its participants.
//!
//! Source: Mermaid, "Sequence diagrams".

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::OutageKind;
use crate::report::export::escape;
use crate::report::export::locking::Locking;
use crate::trace::{Event, LockResource, Names, Outcome, RequestBegan, Trace, WaitEnd};
use crate::words::{InstanceId, LaneId, OutageId, RequestId, TransactionId, format_duration};

/// The most messages of a diagram: renderers refuse longer texts, and nobody reads them.
///
/// Assumed: Mermaid refuses texts of more than 50,000 characters; 150 lines stay well below.
const MESSAGES_MAX: usize = 150;

/// Who takes part, in the order of their kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Lane(LaneId),
    Row(LockResource),
    Instance(InstanceId),
}

struct Diagram<'t> {
    trace: &'t Trace,
    names: Names<'t>,
    locking: Locking,
    /// By which outage a request was refused, or its answer lost.
    refused: BTreeMap<RequestId, OutageId>,
    lines: Vec<String>,
    /// The messages that were left out.
    cut: usize,
    parties: Vec<Party>,
    requests: BTreeMap<RequestId, (LaneId, InstanceId)>,
    /// Who holds what is drawn as active.
    active: BTreeSet<(TransactionId, LockResource)>,
    moment: String,
}

/// The diagram of a run.
pub(super) fn mermaid(trace: &Trace) -> String {
    let refused = trace.entries.iter().filter_map(|entry| match &entry.event {
        Event::RequestRefused { request, outage, .. } => Some((*request, *outage)),
        _ => None,
    });
    let mut diagram = Diagram {
        trace,
        names: Names::of(trace),
        locking: Locking::of(trace),
        refused: refused.collect(),
        lines: Vec::new(),
        cut: 0,
        parties: Vec::new(),
        requests: BTreeMap::new(),
        active: BTreeSet::new(),
        moment: String::new(),
    };
    for entry in &trace.entries {
        diagram.moment = diagram.names.moment(entry.at);
        diagram.call(&entry.event);
        diagram.lock(&entry.event);
    }
    diagram.text()
}

impl Diagram<'_> {
    fn text(mut self) -> String {
        for (_, resource) in std::mem::take(&mut self.active) {
            let row = self.id(Party::Row(resource));
            self.lines.push(format!("deactivate {row}"));
        }
        if self.cut > 0
            && let Some(&first) = self.parties.first()
        {
            let (id, cut) = (self.id(first), self.cut);
            self.lines.push(format!("Note over {id}: {cut} more messages are left out"));
        }
        let mut text = "sequenceDiagram\n    autonumber\n".to_owned();
        if self.parties.is_empty() {
            text.push_str("    participant Nobody\n    Note over Nobody: nothing happens\n");
        }
        for (at, party) in self.parties.iter().enumerate() {
            let name = match party {
                Party::Lane(lane) => self.lane_name(*lane),
                Party::Row(resource) => self.names.resource(resource),
                Party::Instance(instance) => self.names.instance(*instance),
            };
            text.push_str(&format!("    participant p{at} as {}\n", escape::mermaid(&name)));
        }
        for line in self.lines {
            text.push_str(&format!("    {line}\n"));
        }
        text
    }

    fn lane_name(&self, lane: LaneId) -> String {
        let name = self.locking.lanes.get(&lane);
        name.map_or_else(|| format!("lane {}", lane.0), ToString::to_string)
    }

    fn id(&mut self, party: Party) -> String {
        let known = self.parties.iter().position(|it| *it == party);
        let at = known.unwrap_or_else(|| {
            self.parties.push(party);
            self.parties.len() - 1
        });
        format!("p{at}")
    }

    /// Whether there is place for one more message; counts those that are left out.
    fn has_place(&mut self) -> bool {
        let has_place = self.lines.len() < MESSAGES_MAX;
        self.cut += usize::from(!has_place);
        has_place
    }

    fn arrow(&mut self, from: Party, arrow: &str, to: Party, text: &str) -> bool {
        if !self.has_place() {
            return false;
        }
        let (from, to) = (self.id(from), self.id(to));
        let text = escape::mermaid(&format!("{} {text}", self.moment));
        self.lines.push(format!("{from}{arrow}{to}: {text}"));
        true
    }

    fn note(&mut self, parties: &[Party], text: &str) {
        if !self.has_place() {
            return;
        }
        let mut ids: Vec<_> = parties.iter().map(|it| self.id(*it)).collect();
        ids.sort_by_key(|it| it[1..].parse::<usize>().unwrap_or(0));
        ids.dedup();
        let over = match &ids[..] {
            [] => return,
            [one] => one.clone(),
            [first, .., last] => format!("{first},{last}"),
        };
        let text = escape::mermaid(&format!("{} {text}", self.moment));
        self.lines.push(format!("Note over {over}: {text}"));
    }

    fn call(&mut self, event: &Event) {
        match event {
            Event::RequestSent { lane, request, instance, message, table, row } => {
                self.requests.insert(*request, (*lane, *instance));
                let what = match row {
                    Some(row) => self.names.row(*table, *row),
                    None => String::new(),
                };
                let text = format!("{} {what}", self.names.message_on(*message, *table));
                let (lane, instance) = (Party::Lane(*lane), Party::Instance(*instance));
                match self.refused.get(request) {
                    None => self.arrow(lane, "->>", instance, text.trim_end()),
                    Some(&outage) => {
                        let text = format!("{} fails, {}", text.trim_end(), self.outage(outage));
                        self.arrow(lane, "-x", instance, &text)
                    }
                };
            }
            Event::ResponseLost { lane, request, .. } => {
                self.answer(*lane, *request, "--x", "lost")
            }
            Event::ResponseDelivered { lane, request, fault } => match fault {
                Some(fault) => self.answer(*lane, *request, "-->>", &fault.to_string()),
                None => self.answer(*lane, *request, "-->>", "done"),
            },
            Event::RequestAbandoned { lane, .. } => self.note(&[Party::Lane(*lane)], "gives up"),
            Event::RequestBegan(RequestBegan {
                parent: Some(_),
                instance,
                message,
                table,
                depth,
                ..
            }) => {
                let what = self.names.message_on(*message, *table);
                let text = format!("{what}, depth {depth}");
                let place = Party::Instance(*instance);
                self.arrow(place, "->>", place, &text);
            }
            Event::PlugInBegan { plug_in, .. } => {
                let Some(header) = self.trace.header.plug_ins.get(plug_in.index()) else { return };
                let (place, stage) = (Party::Instance(header.instance), header.stage.number());
                let text = format!("{stage} {}", header.name);
                self.note(&[place], &text);
            }
            Event::OutageBegan { outage, instance, until } => {
                let (word, until) = (self.outage(*outage), self.names.moment(*until));
                self.note(&[Party::Instance(*instance)], &format!("to {until} {word}"));
            }
            Event::LaneEnded { lane, outcome: Outcome::Failed(fault) } => {
                self.note(&[Party::Lane(*lane)], &format!("ends in {fault}"));
            }
            _ => {}
        }
    }

    fn answer(&mut self, lane: LaneId, request: RequestId, arrow: &str, text: &str) {
        // What an outage has refused was answered by the arrow that stops short.
        if self.refused.contains_key(&request) {
            return;
        }
        if let Some(&(_, instance)) = self.requests.get(&request) {
            self.arrow(Party::Instance(instance), arrow, Party::Lane(lane), text);
        }
    }

    fn outage(&self, outage: OutageId) -> String {
        match self.trace.header.outage_kinds.get(outage.index()) {
            Some(OutageKind::Maintenance) => "maintenance".to_owned(),
            Some(OutageKind::Slow(by)) => format!("slow by {}", format_duration(*by)),
            Some(OutageKind::Unreachable) | None => "unreachable".to_owned(),
        }
    }

    fn lane_of(&self, transaction: TransactionId) -> Option<Party> {
        self.locking.transactions.get(&transaction).map(|it| Party::Lane(it.lane))
    }

    fn lock(&mut self, event: &Event) {
        match event {
            Event::LockGranted { transaction, resource, mode } => {
                let held = (*transaction, *resource);
                if !self.locking.contended.contains(resource) || self.active.contains(&held) {
                    return;
                }
                let Some(lane) = self.lane_of(*transaction) else { return };
                let row = Party::Row(*resource);
                if self.arrow(lane, "->>", row, &format!("locks, {}", mode.word())) {
                    let id = self.id(row);
                    self.lines.push(format!("activate {id}"));
                    self.active.insert(held);
                }
            }
            Event::LockQueued { transaction, resource, holders, ahead, .. } => {
                let Some(lane) = self.lane_of(*transaction) else { return };
                let behind: Vec<_> = holders.iter().chain(ahead).copied().collect();
                let text = format!("waits for {}", self.locking.parties(&behind));
                self.arrow(lane, "--x", Party::Row(*resource), &text);
            }
            Event::WaitEnded { transaction, resource, end, waited } => {
                let Some(lane) = self.lane_of(*transaction) else { return };
                let how = match end {
                    WaitEnd::Granted => "has its turn",
                    WaitEnd::Gone => "finds the row gone",
                    WaitEnd::Victim => "waits no more",
                    WaitEnd::TimedOut(_) => "waits no longer",
                };
                let text = format!("{how} after {}", format_duration(*waited));
                self.note(&[lane, Party::Row(*resource)], &text);
            }
            Event::LockReleased { transaction, resource } => {
                self.release(|it| it == (*transaction, *resource));
            }
            Event::LocksReleased { transaction, .. } => self.release(|it| it.0 == *transaction),
            Event::DeadlockClosed { cycle, .. } => {
                let parties: Vec<_> = cycle.iter().map(|it| Party::Lane(it.lane)).collect();
                let names: Vec<_> = cycle.iter().map(|it| self.lane_name(it.lane)).collect();
                let text = format!("deadlock of {}", names.join(", "));
                if self.lines.len() < MESSAGES_MAX {
                    self.lines.push("rect rgba(176, 15, 60, 0.12)".to_owned());
                    self.note(&parties, &text);
                    self.lines.push("end".to_owned());
                }
            }
            Event::VictimChosen { victim, .. } => {
                if let Some(lane) = self.lane_of(*victim) {
                    self.note(&[lane], "is the victim, SQL error 1205");
                }
            }
            _ => {}
        }
    }

    fn release(&mut self, is_released: impl Fn((TransactionId, LockResource)) -> bool) {
        let held = std::mem::take(&mut self.active);
        let (gone, kept) = held.into_iter().partition(|it| is_released(*it));
        self.active = kept;
        let gone: BTreeSet<(TransactionId, LockResource)> = gone;
        for (transaction, resource) in gone {
            let row = Party::Row(resource);
            if let Some(lane) = self.lane_of(transaction) {
                self.arrow(lane, "->>", row, "releases");
            }
            let id = self.id(row);
            self.lines.push(format!("deactivate {id}"));
        }
    }
}
