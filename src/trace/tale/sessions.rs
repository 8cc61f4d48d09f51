//! What sessions do in a tale, and locks on anything.

use crate::fault::{Fault, FaultKind};
use crate::plan::{Hints, Isolation, StatementKind};
use crate::trace::tale::{Before, Tale};
use crate::trace::{AccessPath, Event, LaneKind, LockResource, ReadKind, WaitEnd};
use crate::words::{
    Expression, InstanceId, LaneId, LockMode, Name, RequestId, TableId, TransactionId, Value,
};

impl Tale {
    /// A run of a session begins.
    pub(crate) fn session(&mut self, name: &str) -> LaneId {
        self.lane(name, |actor| LaneKind::Session { actor, run: 1 })
    }

    /// A step of the session begins; steps are numbered as their labels first come.
    pub(crate) fn step(&mut self, lane: LaneId, label: &str) -> &mut Self {
        let (labels, at) = self.steps.entry(lane).or_default();
        let known = labels.iter().position(|it| it == label);
        *at = known.unwrap_or_else(|| {
            labels.push(label.to_owned());
            labels.len() - 1
        });
        let step = u16::try_from(*at).unwrap();
        self.push(Event::StepBegan { lane, step, label: Name::from(label) })
    }

    /// The step ends with this answer.
    pub(crate) fn answers(&mut self, lane: LaneId, answer: Value) -> &mut Self {
        self.step_ends(lane, None, answer)
    }

    /// The step ends in a fault.
    pub(crate) fn step_fails(&mut self, lane: LaneId, kind: FaultKind) -> &mut Self {
        self.step_ends(lane, Some(Fault::new(kind, "so it is")), Value::Null)
    }

    fn step_ends(&mut self, lane: LaneId, fault: Option<Fault>, answer: Value) -> &mut Self {
        let step = u16::try_from(self.steps[&lane].1).unwrap();
        self.push(Event::StepEnded { lane, step, fault, answer })
    }

    /// A statement on a table such as `us/user` begins.
    pub(crate) fn statement(
        &mut self,
        lane: LaneId,
        kind: StatementKind,
        table: &str,
        of: TransactionId,
    ) -> RequestId {
        self.hinted_statement(lane, kind, table, of, Hints::NONE)
    }

    /// The same with hints.
    pub(crate) fn hinted_statement(
        &mut self,
        lane: LaneId,
        kind: StatementKind,
        table: &str,
        of: TransactionId,
        hints: Hints,
    ) -> RequestId {
        let (instance, table) = self.table(table);
        let request = RequestId(self.requests);
        self.requests += 1;
        self.open.entry(lane).or_default().push((request, Some(of)));
        self.push(Event::StatementBegan {
            lane,
            request,
            instance,
            table,
            kind,
            transaction: of,
            hints,
        });
        request
    }

    /// The lane's statement ends.
    pub(crate) fn statement_ends(&mut self, lane: LaneId, fault: Option<FaultKind>) -> &mut Self {
        let (request, _) = self.open.get_mut(&lane).unwrap().pop().unwrap();
        let fault = fault.map(|kind| Fault::new(kind, "so it is"));
        self.push(Event::StatementEnded { request, fault })
    }

    /// What the transaction's latest statement wrote is taken back.
    pub(crate) fn undoes(&mut self, of: TransactionId) -> RequestId {
        let mut written = self.written.remove(&of).unwrap();
        let request = written.last().unwrap().request;
        let undone = written.extract_if(.., |it: &mut Before| it.request == request).collect();
        self.written.insert(of, written);
        self.push(Event::StatementUndone { transaction: of, request });
        self.restores(of, undone);
        request
    }

    /// The lane's innermost request reads the row as it stands.
    pub(crate) fn looks_at(
        &mut self,
        lane: LaneId,
        place: &str,
        level: Isolation,
        writer: Option<TransactionId>,
    ) -> &mut Self {
        let (request, transaction) = *self.open[&lane].last().unwrap();
        let key = self.key(place);
        let (instance, table, row) = key;
        let row_version = self.rows.get(&key).map_or(0, |it| it.0);
        self.push(Event::RowRead {
            request,
            transaction,
            instance,
            table,
            row,
            row_version,
            level,
            kind: ReadKind::Answer,
            writer,
        })
    }

    /// The lane's innermost request has looked through a table.
    pub(crate) fn has_searched(
        &mut self,
        lane: LaneId,
        table: &str,
        filter: Option<Expression>,
        (level, access): (Isolation, AccessPath),
        (examined, matched): (u32, u32),
    ) -> &mut Self {
        let (request, transaction) = *self.open[&lane].last().unwrap();
        let (instance, table) = self.table(table);
        self.push(Event::RowsSelected {
            request,
            transaction,
            instance,
            table,
            filter,
            level,
            access,
            examined,
            matched,
            whole: true,
        })
    }

    /// A whole select of these rows, by a scan at this level.
    pub(crate) fn selects(
        &mut self,
        lane: LaneId,
        of: TransactionId,
        level: Isolation,
        rows: &[&str],
    ) -> &mut Self {
        self.statement(lane, StatementKind::Select, "us/user", of);
        for row in rows {
            self.looks_at(lane, row, level, None);
        }
        let count = u32::try_from(rows.len()).unwrap();
        self.has_searched(lane, "us/user", None, (level, AccessPath::Scan), (count, count));
        self.statement_ends(lane, None)
    }

    /// The instance and table of `us/user`.
    pub(crate) fn table(&mut self, place: &str) -> (InstanceId, TableId) {
        let (instance, table, _) = self.key(&format!("{place}/x"));
        (instance, table)
    }

    /// A lock is granted.
    pub(crate) fn locks(
        &mut self,
        of: TransactionId,
        resource: LockResource,
        mode: LockMode,
    ) -> &mut Self {
        self.held.entry(of).or_default().insert(resource);
        self.push(Event::LockGranted { transaction: of, resource, mode })
    }

    /// A lock is released before its transaction's end.
    pub(crate) fn unlocks(&mut self, of: TransactionId, resource: LockResource) -> &mut Self {
        self.held.entry(of).or_default().remove(&resource);
        self.push(Event::LockReleased { transaction: of, resource })
    }

    /// A wait for a lock begins.
    pub(crate) fn queues(
        &mut self,
        of: TransactionId,
        resource: LockResource,
        mode: LockMode,
        holders: &[TransactionId],
        ahead: &[TransactionId],
    ) -> &mut Self {
        self.waits.insert(of, self.now);
        let (holders, ahead) = (holders.to_vec(), ahead.to_vec());
        self.push(Event::LockQueued { transaction: of, resource, mode, holders, ahead })
    }

    /// A wait for a lock ends; a granted one is held.
    pub(crate) fn queue_ends(
        &mut self,
        of: TransactionId,
        resource: LockResource,
        mode: LockMode,
        end: WaitEnd,
    ) -> &mut Self {
        let waited = self.now.duration_since(self.waits[&of]);
        self.push(Event::WaitEnded { transaction: of, resource, end, waited });
        if end == WaitEnd::Granted {
            self.locks(of, resource, mode);
        }
        self
    }

    /// The transaction's locks on a table's rows and entries give way to one on the table.
    pub(crate) fn escalates(
        &mut self,
        of: TransactionId,
        table: &str,
        mode: LockMode,
    ) -> &mut Self {
        let (instance, id) = self.table(table);
        self.locks(of, LockResource::Table { instance, table: id }, mode);
        let held = self.held.entry(of).or_default();
        let before = held.len();
        held.retain(|it| match *it {
            LockResource::Row { instance: place, table, .. }
            | LockResource::Key { instance: place, table, .. }
            | LockResource::End { instance: place, table, .. } => (place, table) != (instance, id),
            LockResource::Table { .. } | LockResource::Transaction { .. } => true,
        });
        let released = u32::try_from(before - held.len()).unwrap();
        self.push(Event::LocksEscalated { transaction: of, instance, table: id, mode, released })
    }
}
