//! Claims that something happens or never does, and in which order things happen.

use crate::check::claim::{Decision, Judge, key_of};
use crate::check::{Finding, Moment, Version};
use crate::plan::{Happening, Message, Phenomenon, RowRef};
use crate::trace::{Disturbance, Event, WriteKind};
use crate::words::ActorId;

/// A place in the order of things: a write becomes visible with its commit, and the writes of one
/// transaction keep their own order.
type Place = (Moment, Moment);

impl Judge<'_, '_> {
    /// The phenomenon happens at least once, or never.
    pub(super) fn happens(&self, phenomenon: &Phenomenon, happens: bool) -> Decision {
        let first = self.first(phenomenon);
        let decided_by = first.as_ref().map(|(at, _)| *at);
        let noun = self.phenomenon_told(phenomenon);
        let finding = match (first, happens) {
            (Some(_), true) | (None, false) => None,
            (Some((at, told)), false) => Some(Finding {
                expected: format!("never: {noun}"),
                found: told,
                decided_by: Some(at),
                nearest: None,
            }),
            (None, true) => Some(Finding {
                expected: format!("at least one {noun}"),
                found: "there is none".to_owned(),
                decided_by: None,
                nearest: self.nearest_phenomenon(phenomenon),
            }),
        };
        Decision::of(decided_by, finding)
    }

    /// The first time that a phenomenon happens, and what happened.
    fn first(&self, phenomenon: &Phenomenon) -> Option<(Moment, String)> {
        let history = self.history;
        let names = &history.names;
        match phenomenon {
            Phenomenon::CrossInstanceWait => history.cross_instance_waits.first().map(|it| {
                let lanes: Vec<_> = it.cycle.iter().map(|it| history.lane_name(it.lane)).collect();
                let moment = names.moment(it.closed.at);
                let told = format!("{} wait for one another at {moment}", lanes.join(", "));
                (it.closed, told)
            }),
            Phenomenon::Escalation => history.escalations.first().map(|it| {
                let (who, moment) =
                    (history.transaction_name(it.transaction), names.moment(it.at.at));
                let (table, count) = (names.table_of(it.instance, it.table), it.released);
                let locks = if count == 1 { "lock" } else { "locks" };
                (it.at, format!("{count} {locks} of {who} gave way to one on {table} at {moment}"))
            }),
            Phenomenon::MissedRow => self.disturbed(Disturbance::Missed),
            Phenomenon::DoubledRow => self.disturbed(Disturbance::Doubled),
            Phenomenon::Deadlock => history.deadlocks.first().map(|it| {
                let victim = history.transaction_name(it.victim);
                let moment = names.moment(it.chosen.at);
                (it.chosen, format!("a deadlock at {moment}, its victim {victim}"))
            }),
            Phenomenon::Anomaly(anomaly) => self.anomalies.first(*anomaly, history),
            Phenomenon::Wait => {
                let wait = history.waits.first();
                wait.map(|it| (it.queued, self.wait_told(it)))
            }
            Phenomenon::Fault(kind) => {
                let mut met = history.faults.iter();
                let met = met.find(|it| kind.is_none_or(|kind| it.fault.kind == kind));
                met.map(|it| {
                    let (lane, moment) = (history.lane_name(it.lane), names.moment(it.at.at));
                    (it.at, format!("{lane} met {} at {moment}", it.fault))
                })
            }
            Phenomenon::Write { message, row } => self
                .writes(*message, row)
                .next()
                .map(|it| (it.settled, self.version_told(row.table, it))),
        }
    }

    /// The first row that a scan got wrong in this way.
    fn disturbed(&self, how: Disturbance) -> Option<(Moment, String)> {
        let history = self.history;
        let mut scans = history.disturbed_scans.iter();
        let scan = scans.find(|it| it.how == how)?;
        let lane = history.requests.get(&scan.request).map(|it| it.lane);
        let reader = lane.map_or_else(|| "a scan".to_owned(), |lane| history.lane_name(lane));
        let (key, moment) = (scan.key, history.names.moment(scan.at.at));
        let place = history.names.place(key.instance, key.table, key.row);
        let told = match how {
            Disturbance::Missed => format!("{reader} missed {place} at {moment}"),
            Disturbance::Doubled => format!("{reader} met {place} a second time at {moment}"),
        };
        Some((scan.at, format!("{told}: it had moved")))
    }

    fn phenomenon_told(&self, phenomenon: &Phenomenon) -> String {
        match phenomenon {
            Phenomenon::CrossInstanceWait => "cross-instance wait".to_owned(),
            Phenomenon::Escalation => "escalation".to_owned(),
            Phenomenon::MissedRow => "missed row".to_owned(),
            Phenomenon::DoubledRow => "doubled row".to_owned(),
            Phenomenon::Deadlock => "deadlock".to_owned(),
            Phenomenon::Anomaly(anomaly) => anomaly.facts().word.to_owned(),
            Phenomenon::Wait => "wait".to_owned(),
            Phenomenon::Fault(None) => "fault".to_owned(),
            Phenomenon::Fault(Some(kind)) => format!("fault {}", kind.facts().word),
            Phenomenon::Write { message, row } => {
                let what =
                    message.map_or_else(|| "write".to_owned(), |it| self.history.names.message(it));
                format!("committed {what} of {}", self.place(row))
            }
        }
    }

    fn nearest_phenomenon(&self, phenomenon: &Phenomenon) -> Option<String> {
        match phenomenon {
            Phenomenon::Deadlock | Phenomenon::CrossInstanceWait => {
                let wait = self.history.waits.first();
                wait.map(|it| self.wait_told(it))
            }
            Phenomenon::Fault(kind) => self.nearest_fault(None, *kind),
            Phenomenon::Write { row, .. } => {
                let of_row = self.history.rows.get(&key_of(row))?;
                let any = of_row.versions.iter().rfind(|it| it.writer.is_some());
                if let Some(any) = any {
                    return Some(self.version_told(row.table, any));
                }
                let undone = of_row.undone.last()?;
                let moment = self.history.names.moment(undone.settled.at);
                Some(format!("a write of it was rolled back at {moment}"))
            }
            Phenomenon::MissedRow => self.disturbed(Disturbance::Doubled).map(|it| it.1),
            Phenomenon::DoubledRow => self.disturbed(Disturbance::Missed).map(|it| it.1),
            Phenomenon::Escalation | Phenomenon::Anomaly(_) | Phenomenon::Wait => None,
        }
    }

    /// The committed writes of a kind to a row, in order.
    fn writes<'s>(
        &'s self,
        message: Option<Message>,
        row: &RowRef,
    ) -> impl Iterator<Item = &'s Version<'s>> {
        let history = self.history.rows.get(&key_of(row));
        let versions = history.map_or(&[][..], |it| &it.versions);
        versions.iter().filter(move |it| it.writer.is_some() && self.is_a(it, message))
    }

    /// Whether a write is of the kind that a message asks for. An upsert is also the create or
    /// update that it became.
    fn is_a(&self, version: &Version, message: Option<Message>) -> bool {
        match message {
            None => true,
            Some(Message::Create) => version.kind == WriteKind::Insert,
            Some(Message::Update) => version.kind == WriteKind::Update,
            Some(Message::Delete) => version.kind == WriteKind::Delete,
            Some(Message::Upsert) => {
                let request = version.request.and_then(|it| self.history.requests.get(&it));
                request.is_some_and(|it| it.is_a(Message::Upsert))
            }
            Some(_) => false,
        }
    }

    /// The things happen in this order.
    pub(super) fn order(&self, happenings: &[Happening]) -> Decision {
        let mut after: Option<Place> = None;
        let mut before = "the beginning".to_owned();
        for happening in happenings {
            let told = self.happening_told(happening);
            let places = self.places(happening);
            let next = places.iter().find(|it| after.is_none_or(|after| after < **it));
            let Some(next) = next else {
                let names = &self.history.names;
                let moment = |place: &Place| names.moment(place.0.at);
                let since = after
                    .as_ref()
                    .map_or_else(String::new, |after| format!(" (at {})", moment(after)));
                return Decision::fails(Finding {
                    expected: format!("{told} after {before}{since}"),
                    found: match places.first() {
                        None => "it never happens".to_owned(),
                        Some(_) => "it does not happen after that".to_owned(),
                    },
                    decided_by: after.map(|it| it.0),
                    nearest: places
                        .last()
                        .map(|it| format!("it happens before that, at {}", moment(it))),
                });
            };
            after = Some(*next);
            before = told;
        }
        Decision::holds(after.map(|it| it.0))
    }

    fn happening_told(&self, happening: &Happening) -> String {
        match happening {
            Happening::Begins(actor) => format!("{} begins", self.name(*actor)),
            Happening::Ends(actor) => format!("{} ends", self.name(*actor)),
            Happening::Written(message, row) => {
                let verb = match message {
                    Some(Message::Create) => "created",
                    Some(Message::Update) => "updated",
                    Some(Message::Upsert) => "upserted",
                    Some(Message::Delete) => "deleted",
                    Some(_) | None => "written",
                };
                format!("{} is {verb}", self.place(row))
            }
            Happening::OutageEnds(outage) => {
                format!("{} ends", self.history.names.outage(*outage))
            }
        }
    }

    /// Every time at which it happens, in order.
    fn places(&self, happening: &Happening) -> Vec<Place> {
        let history = self.history;
        let ends_of = |actor: ActorId| {
            let lanes = history.lanes_of(actor);
            lanes.filter_map(|(_, lane)| lane.ended.map(|it| (it.0, it.0)))
        };
        let mut places: Vec<Place> = match happening {
            Happening::Begins(actor) => {
                let lanes = history.lanes_of(*actor);
                lanes.map(|(_, lane)| (lane.began, lane.began)).collect()
            }
            Happening::Ends(actor) => ends_of(*actor).collect(),
            Happening::Written(message, row) => self
                .writes(*message, row)
                .map(|it| (it.settled, it.written))
                .collect(),
            Happening::OutageEnds(asked) => history
                .trace
                .entries
                .iter()
                .filter(|entry| {
                    matches!(entry.event, Event::OutageEnded { outage, .. } if outage == *asked)
                })
                .map(|entry| (Moment::of(entry), Moment::of(entry)))
                .collect(),
        };
        places.sort_unstable();
        places
    }
}
