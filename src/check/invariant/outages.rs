//! Outages: from its first instant up to, and not including, the instant at which it is over, a
//! closed instance begins nothing and an unreachable one answers nothing; before and after, no
//! message is lost to it.

use std::collections::BTreeMap;

use crate::check::Moment;
use crate::check::invariant::{Invariant, Report};
use crate::fault::FaultKind;
use crate::plan::OutageKind;
use crate::trace::{Entry, Event, RequestBegan, Trace};
use crate::words::{InstanceId, OutageId, RequestId, SimInstant};

/// One outage that the trace tells.
struct Window {
    outage: OutageId,
    instance: InstanceId,
    kind: OutageKind,
    from: SimInstant,
    until: SimInstant,
}

impl Window {
    fn covers(&self, now: SimInstant) -> bool {
        self.from <= now && now < self.until
    }
}

/// Watches outages. The windows are known beforehand, since an event at the first instant may
/// stand before the beginning that it should have obeyed.
pub(super) struct Watcher {
    windows: Vec<Window>,
    /// Where each request is carried out, once it has begun.
    requests: BTreeMap<RequestId, InstanceId>,
}

impl Watcher {
    pub(super) fn of(trace: &Trace) -> Self {
        let kinds = &trace.header.outage_kinds;
        let windows = trace.entries.iter().filter_map(|entry| match &entry.event {
            Event::OutageBegan { outage, instance, until } => Some(Window {
                outage: *outage,
                instance: *instance,
                kind: *kinds.get(outage.index())?,
                from: entry.at,
                until: *until,
            }),
            _ => None,
        });
        Self { windows: windows.collect(), requests: BTreeMap::new() }
    }

    pub(super) fn see(&mut self, entry: &Entry, report: &mut Report) {
        let at = Moment::of(entry);
        match &entry.event {
            Event::RequestBegan(RequestBegan { request, parent, instance, .. }) => {
                let above = parent.and_then(|it| self.requests.get(&it));
                if above != Some(instance) {
                    let closed = |kind| !matches!(kind, OutageKind::Slow(_));
                    self.silent(*instance, closed, "begins a request", at, report);
                }
                self.requests.insert(*request, *instance);
            }
            Event::ResponseDelivered { request, fault, .. } => {
                // What the caller's own side says when nothing comes back is no answer.
                let own = |kind| matches!(kind, FaultKind::Unreachable | FaultKind::ClientTimeout);
                if fault.as_ref().is_some_and(|it| own(it.kind)) {
                    return;
                }
                if let Some(instance) = self.requests.get(request) {
                    let closed = |kind| kind == OutageKind::Unreachable;
                    self.silent(*instance, closed, "answers a request", at, report);
                }
            }
            Event::RequestRefused { outage, .. } => self.on(*outage, "refuses", at, report),
            Event::ResponseLost { outage, .. } => self.on(*outage, "stops an answer", at, report),
            Event::OutageEnded { outage, .. } => {
                let mut windows = self.windows.iter();
                let window = windows.rfind(|it| it.outage == *outage && it.from <= entry.at);
                if window.is_none_or(|it| it.until != entry.at) {
                    report.add(Invariant::Outages, at, |names| {
                        format!("{} is not over at the promised instant", names.outage(*outage))
                    });
                }
            }
            _ => {}
        }
    }

    /// The instance does something that it can't do in an outage of these kinds.
    fn silent(
        &self,
        instance: InstanceId,
        kinds: impl Fn(OutageKind) -> bool,
        act: &str,
        at: Moment,
        report: &mut Report,
    ) {
        let window = self
            .windows
            .iter()
            .find(|it| it.instance == instance && kinds(it.kind) && it.covers(at.at));
        if let Some(window) = window {
            report.add(Invariant::Outages, at, |names| {
                let (name, outage) = (names.instance(instance), names.outage(window.outage));
                let until = names.moment(window.until);
                format!("{name} {act} during {outage}, which lasts until {until}")
            });
        }
    }

    /// An outage does something, so it must be on.
    fn on(&self, outage: OutageId, act: &str, at: Moment, report: &mut Report) {
        let mut windows = self.windows.iter();
        if !windows.any(|it| it.outage == outage && it.covers(at.at)) {
            report.add(Invariant::Outages, at, |names| {
                let (name, moment) = (names.outage(outage), names.moment(at.at));
                format!("{name} {act} at {moment}, when it is not on")
            });
        }
    }
}
