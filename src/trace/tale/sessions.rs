//! What sessions do in a tale, and locks on anything.

use crate::fault::{Fault, FaultKind};
use crate::plan::{Hints, Isolation, StatementKind};
use crate::trace::tale::{Before, Tale, whole};
use crate::trace::{
    AccessPath, Event, LaneKind, LockResource, RowRead, RowsSelected, StatementBegan, WaitEnd,
    WriteKind,
};
use crate::words::{
    BinaryOperator, Expression, InstanceId, LaneId, LockMode, Name, Record, RequestId, TableId,
    TransactionId, Value,
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
        self.push(Event::StatementBegan(StatementBegan {
            lane,
            request,
            instance,
            table,
            kind,
            transaction: of,
            hints,
        }));
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
        let row_version = self.rows.get(&key).map_or(0, |it| it.0);
        let read = self.read(request, transaction, place, row_version);
        self.push(Event::RowRead(RowRead { level, writer, ..read }))
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
        self.push(Event::RowsSelected(RowsSelected {
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
            link: None,
            answered: None,
        }))
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

/// A row of the usual table as a session reads it.
pub(crate) fn as_read(tale: &mut Tale, place: &str) -> Value {
    let key = tale.key(place);
    let (row_version, image) = tale.rows[&key].clone();
    let names = &tale.trace.header.tables[key.1.index()].columns;
    let columns = image.into_iter();
    let columns = columns.map(|(column, value)| (column, names[column.index()].clone(), value));
    let columns = columns.collect();
    let record = Record { table: key.1, id: key.2, row_version, columns, expanded: Vec::new() };
    Value::Record(record.into())
}

/// Two sessions at read committed: what `t2.read` waits for is freed by `t1.commit`.
pub(crate) fn two_sessions() -> Tale {
    let mut tale = Tale::usual();
    let [one, two] = ["us/user/one", "us/user/two"];
    tale.trace.header.title = "A reader behind a writer".to_owned();
    tale.load(one, &[("teams", whole(10))]);
    tale.load(two, &[("teams", whole(20))]);
    let (t1, t2) = (tale.session("t1"), tale.session("t2"));
    let level = Isolation::ReadCommitted;
    tale.step(t1, "write");
    let a = tale.transaction_at(t1, 0, level);
    tale.statement(t1, StatementKind::Update, "us/user", a);
    tale.lock(a, one, LockMode::Exclusive);
    tale.at(1).write(a, one, WriteKind::Update, &[("teams", whole(11))]);
    tale.at(6).statement_ends(t1, None).answers(t1, whole(1));
    tale.step(t2, "read");
    let b = tale.transaction_at(t2, 0, level);
    tale.statement(t2, StatementKind::Select, "us/user", b);
    let row = tale.resource(one);
    tale.queues(b, row, LockMode::Shared, &[a], &[]);
    tale.step(t1, "commit").at(9).commits(a);
    tale.queue_ends(b, row, LockMode::Shared, WaitEnd::Granted);
    tale.answers(t1, Value::Null);
    tale.looks_at(t2, one, level, None).unlocks(b, row);
    let filter = Expression::Binary(
        BinaryOperator::Less,
        Box::new(Expression::Column(Name::from("teams"))),
        Box::new(Expression::Literal(whole(20))),
    );
    tale.has_searched(t2, "us/user", Some(filter), (level, AccessPath::Scan), (2, 1));
    let answer = Value::List([as_read(&mut tale, one)].into());
    tale.at(11).statement_ends(t2, None).answers(t2, answer);
    tale.step(t2, "commit").commits(b).answers(t2, Value::Null);
    tale.done(t1).done(t2);
    tale
}
