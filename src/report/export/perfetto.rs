//! A run in the Trace Event Format, which Perfetto and `chrome://tracing` open.
//!
//! An instance is a process, the callers are one more. Each lane has a thread in every process in
//! which something is done for it, and each lock that somebody waited for has one for each of its
//! holders and waiters: a ribbon of *holds* and *waits*. An arrow leads from a wait to the ribbon
//! of the holder. Times are microseconds of the run.
//!
//! Source: Google, "Trace Event Format": complete events (`X`) on one thread must nest; where
//! two would partly overlap, the second goes to a further thread of the same name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plan::OutageKind;
use crate::report::export::escape;
use crate::report::export::locking::{LockSpan, Locking};
use crate::report::otel::{Span, spans};
use crate::trace::{Event, LockResource, Names, Trace};
use crate::words::{InstanceId, SimInstant, TransactionId, visible};

/// What a thread shows. Their order is that in which a reader meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Track {
    /// When the instance was not to be had.
    Availability,
    /// What is done for a lane.
    Lane(u32),
    /// A transaction's part in a lock.
    Lock(LockResource, TransactionId),
}

/// A thread's number, and the ends of the slices that are open on it, the outermost first.
type Thread = (u64, Vec<u64>);

/// The slices and the threads that they are on.
#[derive(Default)]
struct Sheet {
    events: Vec<Value>,
    /// By process and what they show.
    threads: BTreeMap<(u64, Track), Vec<Thread>>,
    names: Vec<(u64, u64, String)>,
    flows: u64,
}

/// The trace as one JSON object.
pub(super) fn perfetto(trace: &Trace) -> String {
    let names = Names::of(trace);
    let locking = Locking::of(trace);
    let mut sheet = Sheet::default();
    outages(&mut sheet, trace, &names);
    let (work, end) = spans(trace);
    for span in &work {
        sheet.work(span, end, &locking);
    }
    sheet.locks(&names, &locking);
    for deadlock in &locking.deadlocks {
        sheet.events.push(json!({
            "ph": "i", "s": "g", "pid": process(Some(deadlock.instance)), "tid": 0,
            "ts": deadlock.closed.0, "name": "deadlock", "cat": "deadlock",
        }));
    }
    let events: Vec<_> = sheet.described(trace).into_iter().map(|it| it.to_string()).collect();
    let title = json!(trace.header.title);
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{title}}},\
         \"traceEvents\":[\n{}\n]}}\n",
        events.join(",\n")
    )
}

/// The callers are process 1, the instances follow.
fn process(instance: Option<InstanceId>) -> u64 {
    instance.map_or(1, |it| u64::from(it.0) + 2)
}

impl Sheet {
    fn work(&mut self, span: &Span, end: SimInstant, locking: &Locking) {
        let lane = locking.lanes.iter().find(|(id, _)| id.0 == span.lane);
        let name = lane.map_or_else(|| format!("lane {}", span.lane), |it| it.1.to_string());
        let mut args = serde_json::Map::new();
        for (key, value) in &span.attributes {
            args.insert((*key).to_owned(), value.clone());
        }
        if let Some(fault) = &span.fault {
            args.insert("fault".to_owned(), json!(visible(&fault.message)));
        }
        let times = (span.began, span.ended.unwrap_or(end));
        let place = (process(span.instance), Track::Lane(span.lane));
        let category = if span.name.starts_with("wait for ") { "wait" } else { "work" };
        self.slice(place, &name, times, (&span.name, category), args.into());
    }

    fn locks(&mut self, names: &Names<'_>, locking: &Locking) {
        let is_told = |it: &&LockSpan| locking.contended.contains(&it.resource);
        let told: Vec<_> = locking.spans.iter().filter(is_told).collect();
        let mut threads = BTreeMap::new();
        for span in &told {
            let resource = names.resource(&span.resource);
            let party = locking.party(span.transaction);
            let place = place_of(span.resource, span.transaction);
            let (name, category) = match span.is_wait {
                true => (format!("waits for {}", locking.parties(&span.behind)), "lock.wait"),
                false => ("holds".to_owned(), "lock.hold"),
            };
            let args = json!({ "resource": visible(&resource), "mode": span.mode.word() });
            let thread = format!("{party}: {resource}");
            let thread = self.slice(place, &thread, (span.from, span.to), (&name, category), args);
            threads.insert((span.transaction, span.resource, span.is_wait), thread);
        }
        for wait in told.iter().filter(|it| it.is_wait) {
            let pid = process(Some(wait.resource.instance()));
            for holder in &wait.behind {
                // Only a lock that is held then has a slice to point at.
                let held = locking.held_at(*holder, wait.resource, wait.from).is_some();
                let ends = (
                    threads.get(&(wait.transaction, wait.resource, true)),
                    threads.get(&(*holder, wait.resource, false)).filter(|_| held),
                );
                if let (Some(from), Some(to)) = ends {
                    self.flow(pid, (*from, *to), wait.from);
                }
            }
        }
    }

    fn flow(&mut self, pid: u64, (from, to): (u64, u64), at: SimInstant) {
        self.flows += 1;
        for (phase, tid) in [("s", from), ("f", to)] {
            let mut event = json!({
                "ph": phase, "pid": pid, "tid": tid, "ts": at.0, "id": self.flows,
                "name": "waits for", "cat": "waits-for",
            });
            if phase == "f" {
                event["bp"] = json!("e");
            }
            self.events.push(event);
        }
    }

    /// Puts a slice on the first thread on which it nests, and answers the thread's number.
    /// Slices come in the order in which they begin, outer ones first.
    fn slice(
        &mut self,
        (pid, track): (u64, Track),
        thread: &str,
        (from, to): (SimInstant, SimInstant),
        (name, category): (&str, &str),
        args: Value,
    ) -> u64 {
        let threads = self.threads.entry((pid, track)).or_default();
        let fits = |open: &mut Vec<u64>| {
            while open.last().is_some_and(|&end| end <= from.0) {
                open.pop();
            }
            open.last().is_none_or(|&end| to.0 <= end)
        };
        let found = threads.iter_mut().find_map(|(tid, open)| fits(open).then_some((tid, open)));
        let tid = match found {
            Some((tid, open)) => {
                open.push(to.0);
                *tid
            }
            None => {
                let tid = self.names.len() as u64 + 1;
                threads.push((tid, vec![to.0]));
                self.names.push((pid, tid, escape::label(thread)));
                tid
            }
        };
        self.events.push(json!({
            "ph": "X", "pid": pid, "tid": tid, "ts": from.0, "dur": to.0 - from.0,
            "name": escape::label(name), "cat": category, "args": args,
        }));
        tid
    }

    /// The events, after those that name processes and threads.
    fn described(self, trace: &Trace) -> Vec<Value> {
        let named = |pid: u64, name: &str| {
            let args = json!({ "name": escape::label(name) });
            json!({ "ph": "M", "pid": pid, "name": "process_name", "args": args })
        };
        let mut events = vec![named(1, "callers")];
        events.extend(trace.header.instances.iter().zip(2..).map(|(it, pid)| named(pid, it)));
        let mut order: Vec<_> = self.threads.iter().collect();
        order.sort_by_key(|(place, _)| **place);
        let ranked = order.into_iter().flat_map(|(_, threads)| threads.iter().map(|it| it.0));
        for (rank, tid) in ranked.enumerate() {
            let Some((pid, _, name)) = self.names.get(tid as usize - 1) else { continue };
            let facts = [
                ("thread_name", "name", json!(name)),
                ("thread_sort_index", "sort_index", json!(rank)),
            ];
            for (fact, key, value) in facts {
                let mut args = serde_json::Map::new();
                args.insert(key.to_owned(), value);
                events.push(json!({
                    "ph": "M", "pid": pid, "tid": tid, "name": fact, "args": args,
                }));
            }
        }
        events.extend(self.events);
        events
    }
}

fn place_of(resource: LockResource, transaction: TransactionId) -> (u64, Track) {
    (process(Some(resource.instance())), Track::Lock(resource, transaction))
}

/// Outages, each from its beginning to its end as it came.
fn outages(sheet: &mut Sheet, trace: &Trace, names: &Names<'_>) {
    let last = trace.entries.last().map_or(SimInstant::START, |it| it.at);
    let mut found = Vec::new();
    for entry in &trace.entries {
        if let Event::OutageBegan { outage, instance, until } = &entry.event {
            let to = (*until).min(last).max(entry.at);
            found.push((entry.at, to, *outage, *instance));
        }
    }
    for (from, to, outage, instance) in found {
        let word = match trace.header.outage_kinds.get(outage.index()) {
            Some(OutageKind::Unreachable) | None => "unreachable",
            Some(OutageKind::Maintenance) => "maintenance",
            Some(OutageKind::Slow(_)) => "slow",
        };
        let place = (process(Some(instance)), Track::Availability);
        let args = json!({ "outage": visible(&names.outage(outage)) });
        sheet.slice(place, "availability", (from, to), (word, "outage"), args);
    }
}
