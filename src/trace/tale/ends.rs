//! How things of a tale end, and what plug-ins and outages do in it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::fault::{Fault, FaultKind};
use crate::plan::{Message, Outage, OutageKind, Plan, PlugIn, PlugInBody, Stage};
use crate::trace::tale::{Before, Tale};
use crate::trace::{DeadlockEdge, Event, Header, RollbackReason};
use crate::words::{
    InstanceId, LaneId, LockMode, Name, OutageId, PlugInId, ProgramId, RequestId, SimInstant,
    TransactionId, Value,
};

impl Tale {
    /// The transaction is committed.
    pub(crate) fn commits(&mut self, of: TransactionId) -> &mut Self {
        self.written.remove(&of);
        self.push(Event::Committed { transaction: of });
        self.releases(of)
    }

    /// All locks of a transaction are released.
    pub(crate) fn releases(&mut self, of: TransactionId) -> &mut Self {
        let held = self.held.remove(&of).unwrap_or_default();
        self.push(Event::LocksReleased {
            transaction: of,
            count: u32::try_from(held.len()).unwrap(),
        })
    }

    /// The transaction is rolled back, and everything that it wrote.
    pub(crate) fn rolls_back(&mut self, of: TransactionId, kind: FaultKind) -> &mut Self {
        self.push(Event::RolledBack {
            transaction: of,
            reason: RollbackReason::Fault(Fault::new(kind, "so it is")),
        });
        self.restores_all(of);
        self.releases(of)
    }

    /// Every row that the transaction wrote becomes what it was before.
    pub(crate) fn restores_all(&mut self, of: TransactionId) -> &mut Self {
        let written = self.written.remove(&of).unwrap_or_default();
        self.restores(of, written);
        self
    }

    /// Each of these rows becomes what it was before the first of these writes.
    pub(super) fn restores(&mut self, of: TransactionId, written: Vec<Before>) {
        let mut restored = BTreeSet::new();
        for Before { key, version, image, .. } in written {
            if !restored.insert(key) {
                continue;
            }
            match version {
                0 => self.rows.remove(&key),
                _ => self.rows.insert(key, (version, image)),
            };
            self.push(Event::RowRestored {
                transaction: of,
                instance: key.0,
                table: key.1,
                row: key.2,
                row_version: version,
            });
        }
    }

    /// A deadlock of two closes: each waits for the row.
    pub(crate) fn deadlock(
        &mut self,
        one: (TransactionId, &str),
        other: (TransactionId, &str),
    ) -> &mut Self {
        let cycle: Vec<DeadlockEdge> = [one, other]
            .map(|(waiter, place)| DeadlockEdge {
                waiter,
                lane: self.lane_of[&waiter],
                resource: self.resource(place),
                mode: LockMode::Exclusive,
                priority: 0,
                log_bytes: 0,
            })
            .to_vec();
        self.push(Event::DeadlockClosed { instance: InstanceId(0), cycle })
    }

    /// The monitor chooses its victim.
    pub(crate) fn victim(&mut self, victim: TransactionId) -> &mut Self {
        self.push(Event::VictimChosen {
            instance: InstanceId(0),
            victim,
            rule: Name::from("least log"),
        })
    }

    /// A plug-in step that is registered in the first instance.
    pub(crate) fn plug_in(&mut self, name: &str, stage: Stage) -> PlugInId {
        let mut plan = Plan::empty("");
        let (message, body) = (Message::Create, PlugInBody::Steps(ProgramId(0)));
        plan.plug_ins.push(PlugIn::new(Name::from(name), InstanceId(0), message, stage, body));
        let header = &mut self.trace.header.plug_ins;
        header.extend(Header::of(&plan).plug_ins);
        PlugInId(u32::try_from(header.len() - 1).unwrap())
    }

    /// The plug-in step runs for the lane's innermost request, in its own stage.
    pub(crate) fn runs(&mut self, lane: LaneId, plug_in: PlugInId, inside: bool) -> &mut Self {
        let open = &self.open[&lane];
        let (request, _) = *open.last().unwrap();
        let depth = u32::try_from(open.len()).unwrap();
        let stage = self.trace.header.plug_ins[plug_in.index()].stage;
        self.push(Event::StageBegan { request, stage });
        self.push(Event::PlugInBegan { lane, request, plug_in, depth, in_transaction: inside })
    }

    /// The plug-in step is done.
    pub(crate) fn returns(&mut self, lane: LaneId, plug_in: PlugInId) -> &mut Self {
        let (request, _) = *self.open[&lane].last().unwrap();
        self.push(Event::PlugInEnded { request, plug_in, fault: None })
    }

    /// An outage of an instance begins.
    pub(crate) fn outage(&mut self, instance: u16, kind: OutageKind, until: u64) -> OutageId {
        let mut plan = Plan::empty("");
        let until = SimInstant(until * 1_000);
        plan.outages.push(Outage {
            name: Name::from("the outage"),
            instance: InstanceId(instance),
            from: self.now,
            until,
            kind,
        });
        let planned = Header::of(&plan);
        self.trace.header.outages.extend(planned.outages);
        self.trace.header.outage_kinds.extend(planned.outage_kinds);
        let outage = OutageId(u32::try_from(self.trace.header.outages.len() - 1).unwrap());
        self.push(Event::OutageBegan { outage, instance: InstanceId(instance), until });
        outage
    }

    /// The outage is over.
    pub(crate) fn outage_ends(&mut self, outage: OutageId, instance: u16) -> &mut Self {
        self.push(Event::OutageEnded { outage, instance: InstanceId(instance) })
    }

    /// A request to a row's instance is sent, and stopped by an outage.
    pub(crate) fn refused(
        &mut self,
        lane: LaneId,
        message: Message,
        place: &str,
        outage: OutageId,
    ) -> &mut Self {
        let (instance, table, row) = self.key(place);
        let request = RequestId(self.requests);
        self.requests += 1;
        self.push(Event::RequestSent { lane, request, instance, message, table, row: Some(row) });
        self.push(Event::RequestRefused {
            lane,
            request,
            outage,
            fault: Fault::new(FaultKind::Unreachable, "no route"),
        })
    }

    /// The lane met a fault and tries again.
    pub(crate) fn retries(&mut self, lane: LaneId, kind: FaultKind, seconds: u64) -> &mut Self {
        self.push(Event::Retried {
            lane,
            attempt: 2,
            fault: Fault::new(kind, "no route"),
            wait: Duration::from_secs(seconds),
        })
    }

    /// The lane binds a value to a name.
    pub(crate) fn binds(&mut self, lane: LaneId, name: &str, value: Value) -> &mut Self {
        self.push(Event::Bound { lane, name: Name::from(name), value })
    }
}
