//! Deadlocks as SQL Server reports them: one `<deadlock>` element, an `.xdl` file, for each, with
//! its victim, its processes and its resources. SQL Server Management Studio and Plan Explorer draw
//! such files.
//!
//! Source: Microsoft Learn, "Deadlocks guide", Deadlock graph.

use crate::plan::Isolation;
use crate::report::export::escape::xml;
use crate::report::export::locking::{Deadlock, Locking};
use crate::report::export::stack::{Frame, stack_at};
use crate::trace::{Clock, DeadlockEdge, LockResource, Names, Trace};
use crate::words::{SimInstant, TransactionId};

/// The number of the first process of users: SQL Server keeps those up to 50 for itself.
///
/// Source: Microsoft Learn, "sys.dm_exec_sessions", session_id.
const FIRST_SPID: u32 = 51;

/// One file for each deadlock of the run, in the order in which they closed.
pub(super) fn xdl(trace: &Trace) -> Vec<String> {
    let names = Names::of(trace);
    let locking = Locking::of(trace);
    let told = locking.deadlocks.iter();
    told.map(|it| Graph { trace, names: &names, locking: &locking, deadlock: it }.text()).collect()
}

struct Graph<'a> {
    trace: &'a Trace,
    names: &'a Names<'a>,
    locking: &'a Locking,
    deadlock: &'a Deadlock,
}

impl Graph<'_> {
    fn text(&self) -> String {
        let mut text = "<deadlock>\n <victim-list>\n".to_owned();
        if let Some((_, victim, _)) = &self.deadlock.victim {
            text.push_str(&format!("  <victimProcess id=\"process{}\"/>\n", victim.0));
        }
        text.push_str(" </victim-list>\n <process-list>\n");
        for edge in &self.deadlock.cycle {
            text.push_str(&self.process(edge));
        }
        text.push_str(" </process-list>\n <resource-list>\n");
        let cycle = &self.deadlock.cycle;
        for (at, edge) in cycle.iter().enumerate() {
            let owner = cycle[(at + 1) % cycle.len()].waiter;
            text.push_str(&self.resource(at, edge, owner));
        }
        text.push_str(" </resource-list>\n</deadlock>\n");
        text
    }

    /// The moment that the graph is of: when the monitor came by.
    fn moment(&self) -> SimInstant {
        self.deadlock.victim.as_ref().map_or(self.deadlock.closed, |it| it.0)
    }

    fn process(&self, edge: &DeadlockEdge) -> String {
        let party = self.locking.party(edge.waiter);
        let holder = self.locking.transactions.get(&edge.waiter);
        let waits = self.locking.spans.iter().filter(|it| {
            it.is_wait && it.transaction == edge.waiter && it.resource == edge.resource
        });
        let since = waits.map(|it| it.from).rfind(|&it| it <= self.deadlock.closed);
        let waited = self.moment().duration_since(since.unwrap_or(self.deadlock.closed));
        let isolation = holder.map_or_else(Isolation::default, |it| it.isolation).word();
        let began = holder.map_or(SimInstant::START, |it| it.began);
        let instance = self.names.instance(self.deadlock.instance);
        let attributes = [
            ("id", format!("process{}", edge.waiter.0)),
            ("taskpriority", "0".to_owned()),
            ("logused", edge.log_bytes.to_string()),
            ("waitresource", wait_resource(&edge.resource, &self.names.resource(&edge.resource))),
            ("waittime", waited.as_millis().to_string()),
            ("transactionname", party.clone()),
            ("lasttranstarted", self.date(began)),
            ("lockMode", edge.mode.abbreviation().to_owned()),
            ("status", "suspended".to_owned()),
            ("spid", (FIRST_SPID.saturating_add(edge.waiter.0)).to_string()),
            ("sbid", "0".to_owned()),
            ("ecid", "0".to_owned()),
            ("priority", edge.priority.to_string()),
            ("trancount", "1".to_owned()),
            ("clientapp", "multiverse".to_owned()),
            ("hostname", instance.clone()),
            ("loginname", party),
            ("isolationlevel", isolation.to_owned()),
            ("currentdb", database(&edge.resource).to_string()),
            ("currentdbname", instance),
        ];
        let mut text = "  <process".to_owned();
        for (name, value) in attributes {
            text.push_str(&format!(" {name}=\"{}\"", xml(&value)));
        }
        text.push_str(">\n   <executionStack>\n");
        let frames = stack_at(self.trace, self.names, edge.lane, self.deadlock.closed);
        for Frame { name, .. } in frames.iter().rev() {
            text.push_str(&format!("    <frame procname=\"{}\" line=\"1\"/>\n", xml(name)));
        }
        let outermost = frames.first().map_or("", |it| &it.name);
        text.push_str(&format!(
            "   </executionStack>\n   <inputbuf>{}</inputbuf>\n  </process>\n",
            xml(outermost)
        ));
        text
    }

    fn resource(&self, at: usize, edge: &DeadlockEdge, owner: TransactionId) -> String {
        let name = self.names.resource(&edge.resource);
        let held = self.locking.held_at(owner, edge.resource, self.deadlock.closed);
        let converts = self.locking.held_at(edge.waiter, edge.resource, self.deadlock.closed);
        let mode = held.map(|it| it.mode.abbreviation());
        let (element, index) = match edge.resource {
            LockResource::Row { .. } => ("keylock", "PRIMARY".to_owned()),
            LockResource::Key { table, index, .. } | LockResource::End { table, index, .. } => (
                "keylock",
                match index {
                    LockResource::PRIMARY => "PRIMARY".to_owned(),
                    index => self.names.index(table, index),
                },
            ),
            LockResource::Table { .. } => ("objectlock", String::new()),
            LockResource::Transaction { .. } => ("xactlock", String::new()),
        };
        let index = match element {
            "keylock" => format!(" indexname=\"{}\"", xml(&index)),
            _ => String::new(),
        };
        let request = if converts.is_some() { "convert" } else { "wait" };
        // Who only waits ahead in the queue owns nothing: the graph tells the mode it asks for.
        let waits_for = self.deadlock.cycle.iter().find(|it| it.waiter == owner);
        let asked = waits_for.map_or("X", |it| it.mode.abbreviation());
        let owned = match mode {
            Some(mode) => format!("mode=\"{mode}\""),
            None => format!("mode=\"{asked}\" requestType=\"wait\""),
        };
        format!(
            "  <{element} dbid=\"{}\" objectname=\"{}\"{index} id=\"lock{at}\" mode=\"{}\">\n   \
             <owner-list><owner id=\"process{}\" {owned}/></owner-list>\n   \
             <waiter-list><waiter id=\"process{}\" mode=\"{}\" requestType=\"{request}\"/>\
             </waiter-list>\n  </{element}>\n",
            database(&edge.resource),
            xml(&name),
            mode.unwrap_or(asked),
            owner.0,
            edge.waiter.0,
            edge.mode.abbreviation(),
        )
    }

    fn date(&self, at: SimInstant) -> String {
        let moment = Clock::of(self.trace).date_time(at);
        moment.map_or_else(String::new, |it| format!("{it:.3}"))
    }
}

fn database(resource: &LockResource) -> u32 {
    // Databases 1 to 4 are the server's own.
    u32::from(resource.instance().0) + 5
}

fn wait_resource(resource: &LockResource, name: &str) -> String {
    let kind = match resource {
        LockResource::Row { .. } | LockResource::Key { .. } | LockResource::End { .. } => "KEY",
        LockResource::Table { .. } => "OBJECT",
        LockResource::Transaction { .. } => "XACT",
    };
    format!("{kind}: {} ({name})", database(resource))
}
