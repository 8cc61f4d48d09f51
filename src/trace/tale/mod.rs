//! Traces made by hand, for tests: each call is a sentence of what happens.
//!
//! The builder keeps the books that an engine would keep (row versions, values before, locks
//! held), so that a tale is sound unless a test breaks it on purpose.

mod any;
mod any_access;
mod any_job;
mod any_trace_log;
mod any_version;
mod ends;
#[cfg(test)]
mod kinds;
mod sessions;

pub(crate) use any::any_events;
pub(crate) use sessions::{as_read, two_sessions};

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{Fault, FaultKind};
use crate::plan::{Column, Instance, RowRef, Table};
use crate::plan::{Isolation, Message, Plan};
use crate::trace::{
    Entry, Event, Header, LaneKind, LockResource, Outcome, ReadKind, RequestBegan, RowRead,
    RowWritten, Trace, WaitEnd, WriteKind,
};
use crate::words::{
    ActorId, ColumnId, ColumnType, InstanceId, LaneId, LockMode, Name, RequestId, RowId,
    SimInstant, TableId, TransactionId, Value,
};

type Key = (InstanceId, TableId, RowId);

/// The columns of a row.
type Image = BTreeMap<ColumnId, Value>;

/// A row that was written, with its version and columns before, and for which request.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) image: Image,
    pub(super) request: RequestId,
}

/// A trace in the making.
pub(crate) struct Tale {
    pub(crate) trace: Trace,
    pub(super) now: SimInstant,
    pub(super) rows: BTreeMap<Key, (u64, Image)>,
    versions: BTreeMap<InstanceId, u64>,
    pub(super) held: BTreeMap<TransactionId, BTreeSet<LockResource>>,
    pub(super) written: BTreeMap<TransactionId, Vec<Before>>,
    pub(super) lane_of: BTreeMap<TransactionId, LaneId>,
    levels: BTreeMap<TransactionId, Isolation>,
    pub(super) waits: BTreeMap<TransactionId, SimInstant>,
    /// The labels of each session's steps, and the one that it is in.
    pub(super) steps: BTreeMap<LaneId, (Vec<String>, usize)>,
    pub(super) open: BTreeMap<LaneId, Vec<(RequestId, Option<TransactionId>)>>,
    pub(super) requests: u32,
    transactions: u32,
}

impl Tale {
    /// A tale of these instances, each of which has all of these tables with these columns.
    pub(crate) fn of(instances: &[&str], tables: &[(&str, &[&str])]) -> Self {
        let mut plan = Plan::empty("A tale");
        plan.file = "tale.yaml".to_owned();
        for (name, columns) in tables {
            let columns = columns
                .iter()
                .map(|name| Column { name: Name::from(*name), kind: ColumnType::Whole })
                .collect();
            plan.tables.push(Table::new(Name::from(*name), columns));
        }
        for name in instances {
            let tables = (0..u16::try_from(tables.len()).unwrap()).map(TableId).collect();
            plan.instances.push(Instance::new(Name::from(*name), tables));
        }
        Self {
            trace: Trace { header: Header::of(&plan), entries: Vec::new() },
            now: SimInstant::START,
            rows: BTreeMap::new(),
            versions: BTreeMap::new(),
            held: BTreeMap::new(),
            written: BTreeMap::new(),
            lane_of: BTreeMap::new(),
            levels: BTreeMap::new(),
            waits: BTreeMap::new(),
            steps: BTreeMap::new(),
            open: BTreeMap::new(),
            requests: 0,
            transactions: 0,
        }
    }

    /// Instances us and europe, with tables user (teams) and account (name, country).
    pub(crate) fn usual() -> Self {
        Self::of(&["us", "europe"], &[("user", &["teams"]), ("account", &["name", "country"])])
    }

    /// Goes on at this many milliseconds.
    pub(crate) fn at(&mut self, millis: u64) -> &mut Self {
        self.now = SimInstant(millis * 1_000);
        self
    }

    /// Any event.
    pub(crate) fn push(&mut self, event: Event) -> &mut Self {
        let sequence = u32::try_from(self.trace.entries.len()).unwrap();
        self.trace.entries.push(Entry { at: self.now, sequence, event });
        self
    }

    /// The instance, table and row of `us/user/x`; the row gets its name.
    pub(crate) fn key(&mut self, place: &str) -> Key {
        let mut parts = place.split('/');
        let mut next = || parts.next().unwrap();
        let (instance, table, row) = (next(), next(), next());
        let header = &mut self.trace.header;
        let find = |names: Vec<&Name>, name: &str| {
            let place = names.iter().position(|it| &***it == name).unwrap();
            u16::try_from(place).unwrap()
        };
        let instance = InstanceId(find(header.instances.iter().collect(), instance));
        let tables = header.tables.iter().map(|it| &it.name).collect();
        let id = TableId(find(tables, table));
        let row_id = RowId::named(table, row);
        if !header.row_names.iter().any(|it| it.1 == row_id) {
            header.row_names.push((id, row_id, Name::from(row)));
        }
        (instance, id, row_id)
    }

    /// A row as an expectation names it.
    pub(crate) fn row(&mut self, place: &str) -> RowRef {
        let (instance, table, row) = self.key(place);
        let name = Name::from(place.rsplit('/').next().unwrap());
        RowRef { instance, table, row, name }
    }

    pub(crate) fn resource(&mut self, place: &str) -> LockResource {
        let (instance, table, row) = self.key(place);
        LockResource::Row { instance, table, row }
    }

    fn columns(&self, table: TableId, columns: &[(&str, Value)]) -> Vec<(ColumnId, Value)> {
        let names = &self.trace.header.tables[table.index()].columns;
        let id = |name: &str| {
            let place = names.iter().position(|it| **it == *name).unwrap();
            ColumnId(u16::try_from(place).unwrap())
        };
        let columns = columns.iter();
        columns.map(|(name, value)| (id(name), value.clone())).collect()
    }

    fn version(&mut self, instance: InstanceId) -> u64 {
        let version = self.versions.entry(instance).or_default();
        *version += 1;
        *version
    }

    /// A row is there from the beginning.
    pub(crate) fn load(&mut self, place: &str, columns: &[(&str, Value)]) -> &mut Self {
        let (instance, table, row) = self.key(place);
        let columns = self.columns(table, columns);
        let row_version = self.version(instance);
        let image = columns.iter().cloned().collect();
        self.rows.insert((instance, table, row), (row_version, image));
        self.push(Event::RowLoaded { instance, table, row, row_version, columns })
    }

    /// A run of an actor begins; actors are numbered as they first come.
    pub(crate) fn begins(&mut self, name: &str) -> LaneId {
        self.lane(name, |actor| LaneKind::Actor { actor, run: 1 })
    }

    pub(super) fn lane(&mut self, name: &str, kind: fn(ActorId) -> LaneKind) -> LaneId {
        let known = self.trace.header.actors.iter().position(|it| **it == *name);
        let actor = known.unwrap_or_else(|| {
            self.trace.header.actors.push(Name::from(name));
            self.trace.header.actors.len() - 1
        });
        let began = |entry: &&Entry| matches!(entry.event, Event::LaneBegan { .. });
        let lane = self.trace.entries.iter().filter(began).count();
        let lane = LaneId(u32::try_from(lane).unwrap());
        let actor = ActorId(u32::try_from(actor).unwrap());
        self.push(Event::LaneBegan { lane, kind: kind(actor), name: Name::from(name) });
        lane
    }

    /// The run succeeds.
    pub(crate) fn done(&mut self, lane: LaneId) -> &mut Self {
        self.push(Event::LaneEnded { lane, outcome: Outcome::Succeeded })
    }

    /// The run ends in a fault.
    pub(crate) fn fails(&mut self, lane: LaneId, kind: FaultKind) -> &mut Self {
        self.push(Event::LaneEnded { lane, outcome: Outcome::Failed(Fault::new(kind, "so it is")) })
    }

    /// An explicit transaction begins in an instance.
    pub(crate) fn transaction(&mut self, lane: LaneId, instance: u16) -> TransactionId {
        self.transaction_at(lane, instance, Isolation::default())
    }

    /// The same at a level.
    pub(crate) fn transaction_at(
        &mut self,
        lane: LaneId,
        instance: u16,
        isolation: Isolation,
    ) -> TransactionId {
        let transaction = TransactionId(self.transactions);
        self.transactions += 1;
        self.lane_of.insert(transaction, lane);
        self.levels.insert(transaction, isolation);
        self.push(Event::TransactionBegan {
            lane,
            transaction,
            instance: InstanceId(instance),
            isolation,
            request: None,
        });
        transaction
    }

    /// A request begins, nested in the lane's open one; its transaction is that of the caller.
    pub(crate) fn request(
        &mut self,
        lane: LaneId,
        message: Message,
        place: &str,
        transaction: Option<TransactionId>,
    ) -> RequestId {
        let (instance, table, row) = self.key(place);
        let request = RequestId(self.requests);
        self.requests += 1;
        let open = self.open.entry(lane).or_default();
        let parent = open.last().map(|it| it.0);
        open.push((request, transaction));
        let depth = u32::try_from(open.len()).unwrap();
        self.push(Event::RequestBegan(RequestBegan {
            lane,
            request,
            parent,
            instance,
            message,
            table,
            row: Some(row),
            depth,
            transaction,
            columns: Vec::new(),
            input: Vec::new(),
        }));
        request
    }

    /// The lane's innermost request ends.
    pub(crate) fn end(&mut self, lane: LaneId, fault: Option<FaultKind>) -> &mut Self {
        let (request, _) = self.open.get_mut(&lane).unwrap().pop().unwrap();
        let fault = fault.map(|kind| Fault::new(kind, "so it is"));
        self.push(Event::RequestEnded { request, fault })
    }

    /// A lock on a row is granted.
    pub(crate) fn lock(&mut self, of: TransactionId, place: &str, mode: LockMode) -> &mut Self {
        let resource = self.resource(place);
        self.locks(of, resource, mode)
    }

    /// A wait for an exclusive lock on a row begins.
    pub(crate) fn waits(
        &mut self,
        of: TransactionId,
        place: &str,
        holders: &[TransactionId],
    ) -> &mut Self {
        let resource = self.resource(place);
        self.queues(of, resource, LockMode::Exclusive, holders, &[])
    }

    /// The wait ends; a granted lock is held.
    pub(crate) fn wait_ends(&mut self, of: TransactionId, place: &str, end: WaitEnd) -> &mut Self {
        let resource = self.resource(place);
        self.queue_ends(of, resource, LockMode::Exclusive, end)
    }

    /// A row is written for the lane's innermost request, without a lock of its own.
    pub(crate) fn write(
        &mut self,
        of: TransactionId,
        place: &str,
        kind: WriteKind,
        columns: &[(&str, Value)],
    ) -> &mut Self {
        let key = self.key(place);
        let (version_before, before) = self.rows.get(&key).cloned().unwrap_or_default();
        let version_after = self.version(key.0);
        let mut after = before.clone();
        after.extend(self.columns(key.1, columns));
        let columns = self.columns(key.1, columns);
        let columns = columns.into_iter().map(|(column, value)| {
            let old = before.get(&column).cloned().unwrap_or_default();
            (column, old, value)
        });
        let columns = columns.collect();
        let lane = self.lane_of[&of];
        let request = self.open[&lane].last().unwrap().0;
        let written = self.written.entry(of).or_default();
        written.push(Before { key, version: version_before, image: before, request });
        match kind {
            WriteKind::Delete => self.rows.remove(&key),
            _ => self.rows.insert(key, (version_after, after)),
        };
        self.push(Event::RowWritten(RowWritten {
            transaction: of,
            request,
            instance: key.0,
            table: key.1,
            row: key.2,
            kind,
            version_before,
            version_after,
            columns,
        }))
    }

    /// A whole request that locks and writes a row.
    pub(crate) fn writes(
        &mut self,
        of: TransactionId,
        place: &str,
        columns: &[(&str, Value)],
    ) -> &mut Self {
        let key = self.key(place);
        let (kind, message) = if self.rows.contains_key(&key) {
            (WriteKind::Update, Message::Update)
        } else {
            (WriteKind::Insert, Message::Create)
        };
        let lane = self.lane_of[&of];
        self.request(lane, message, place, Some(of));
        let resource = self.resource(place);
        if !self.held.get(&of).is_some_and(|it| it.contains(&resource)) {
            self.lock(of, place, LockMode::Exclusive);
        }
        self.write(of, place, kind, columns);
        self.end(lane, None)
    }

    /// The level of a transaction; outside any, the usual one.
    pub(crate) fn level(&self, of: Option<TransactionId>) -> Isolation {
        of.and_then(|it| self.levels.get(&it)).copied().unwrap_or_default()
    }

    /// That a request reads a version of a row for its answer, at its transaction's level, and
    /// nobody has it uncommitted.
    pub(crate) fn read(
        &mut self,
        request: RequestId,
        transaction: Option<TransactionId>,
        place: &str,
        row_version: u64,
    ) -> RowRead {
        let (instance, table, row) = self.key(place);
        RowRead {
            request,
            transaction,
            instance,
            table,
            row,
            row_version,
            level: self.level(transaction),
            kind: ReadKind::Answer,
            writer: None,
        }
    }

    /// A whole request that locks a row, reads it, and writes what it computes from it.
    pub(crate) fn adds(
        &mut self,
        of: TransactionId,
        place: &str,
        columns: &[(&str, Value)],
    ) -> &mut Self {
        let key = self.key(place);
        let row_version = self.rows[&key].0;
        let lane = self.lane_of[&of];
        let request = self.request(lane, Message::Update, place, Some(of));
        self.lock(of, place, LockMode::Exclusive);
        let read = self.read(request, Some(of), place, row_version);
        self.push(Event::RowRead(RowRead { kind: ReadKind::Computed, ..read }));
        self.write(of, place, WriteKind::Update, columns);
        self.end(lane, None)
    }

    /// A whole request that reads a row, in a transaction or not.
    pub(crate) fn reads(
        &mut self,
        lane: LaneId,
        place: &str,
        transaction: Option<TransactionId>,
    ) -> &mut Self {
        let key = self.key(place);
        let row_version = self.rows.get(&key).map_or(0, |it| it.0);
        self.reads_version(lane, place, transaction, row_version)
    }

    /// The same, of a given version.
    pub(crate) fn reads_version(
        &mut self,
        lane: LaneId,
        place: &str,
        transaction: Option<TransactionId>,
        row_version: u64,
    ) -> &mut Self {
        let request = self.request(lane, Message::Retrieve, place, transaction);
        let read = self.read(request, transaction, place, row_version);
        self.push(Event::RowRead(read));
        self.end(lane, None)
    }
}

/// A whole number.
pub(crate) const fn whole(number: i64) -> Value {
    Value::Whole(number)
}

/// Two teams update the same two users in opposite orders: `team south` is the victim.
pub(crate) fn two_teams() -> Tale {
    let mut tale = Tale::usual();
    let [x, y] = ["us/user/x", "us/user/y"];
    tale.trace.header.title = "Two teams update the same two users".to_owned();
    tale.trace.header.file = "scenarios/team-members.yaml".to_owned();
    tale.trace.header.variant = Some(Name::from("unordered"));
    tale.load(x, &[("teams", whole(3))]);
    tale.load(y, &[("teams", whole(5))]);
    let north = tale.begins("team north");
    let a = tale.transaction(north, 0);
    tale.at(20).writes(a, x, &[("teams", whole(4))]);
    let south = tale.begins("team south");
    let b = tale.transaction(south, 0);
    tale.at(30).writes(b, y, &[("teams", whole(6))]);
    tale.at(80);
    tale.request(north, Message::Update, y, Some(a));
    tale.waits(a, y, &[b]);
    tale.at(90);
    tale.request(south, Message::Update, x, Some(b));
    tale.waits(b, x, &[a]).deadlock((a, y), (b, x));
    tale.at(190).victim(b).wait_ends(b, x, WaitEnd::Victim);
    tale.rolls_back(b, FaultKind::DeadlockVictim);
    tale.wait_ends(a, y, WaitEnd::Granted);
    tale.end(south, Some(FaultKind::DeadlockVictim));
    tale.fails(south, FaultKind::DeadlockVictim);
    tale.at(200).write(a, y, WriteKind::Update, &[("teams", whole(6))]);
    tale.end(north, None);
    tale.at(250).commits(a).done(north);
    tale
}
