//! Any event, sound or not: for readers and writers that must take everything.

use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::fault::{Fault, FaultKind};
use crate::plan::{Hint, Hints, Isolation, Message, Stage, StatementKind};
use crate::trace::{
    AccessPath, DeadlockEdge, Disturbance, Event, LaneKind, LockResource, Outcome, ReadKind,
    RequestBegan, RollbackReason, RowRead, RowWritten, RowsSelected, StatementBegan, WaitEnd,
    WriteKind,
};
use crate::words::{
    ActorId, BinaryOperator, ColumnId, Expression, InstanceId, LaneId, LockMode, MessageId, Name,
    OutageId, PlugInId, Record, RequestId, RowId, SimInstant, TableId, TransactionId, Value,
};

/// How many kinds of events there are.
pub(super) const KINDS: u8 = 53;

/// Up to twenty events of any kind about anything.
pub(crate) fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let parts = (any::<[u16; 4]>(), any::<u64>(), any::<bool>(), any_value(), ".{0,8}");
    let event = (0..KINDS, parts).prop_map(|(kind, (small, large, flag, value, name))| {
        let parts = Parts { small, large, flag, value, name: Name::from(name) };
        parts.event(kind)
    });
    prop::collection::vec(event, 0..20)
}

pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Whole),
        (any::<i64>(), 0..20_u32).prop_map(|(n, scale)| Value::Decimal(Decimal::new(n, scale))),
        ".{0,12}".prop_map(|text| Value::text(&text)),
        (0..4_000_000_000_i64)
            .prop_map(|second| { Value::DateTime(jiff::Timestamp::from_second(second).unwrap()) }),
        any::<u128>().prop_map(|id| Value::Id(RowId(Uuid::from_u128(id)))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|values| Value::List(values.into())),
            (any::<u64>(), inner).prop_map(|(row_version, value)| {
                let record = Record {
                    table: TableId(0),
                    id: RowId(Uuid::from_u128(u128::from(row_version))),
                    row_version,
                    columns: vec![(ColumnId(0), Name::from("c"), value)],
                    expanded: Vec::new(),
                };
                Value::Record(record.into())
            }),
        ]
    })
}

/// What an event is made of.
pub(super) struct Parts {
    pub(super) small: [u16; 4],
    pub(super) large: u64,
    pub(super) flag: bool,
    pub(super) value: Value,
    pub(super) name: Name,
}

impl Parts {
    pub(super) fn lane(&self) -> LaneId {
        LaneId(u32::from(self.small[0]))
    }
    pub(super) fn instance(&self) -> InstanceId {
        InstanceId(self.small[1])
    }
    pub(super) fn table(&self) -> TableId {
        TableId(self.small[2])
    }
    pub(super) fn request(&self) -> RequestId {
        RequestId(u32::from(self.small[3]))
    }
    pub(super) fn transaction(&self) -> TransactionId {
        TransactionId(u32::from(self.small[3]))
    }
    fn outage(&self) -> OutageId {
        OutageId(u32::from(self.small[2]))
    }
    fn plug_in(&self) -> PlugInId {
        PlugInId(u32::from(self.small[2]))
    }
    pub(super) fn row(&self) -> RowId {
        RowId(Uuid::from_u128(u128::from(self.large)))
    }
    pub(super) fn fault(&self) -> Fault {
        let kind = FaultKind::ALL[self.small[0] as usize % FaultKind::ALL.len()];
        Fault::new(kind, self.name.to_string()).from_instance(self.instance())
    }
    fn fault_or_none(&self) -> Option<Fault> {
        self.flag.then(|| self.fault())
    }
    fn message(&self) -> Message {
        let all = Message::ALL.into_iter().chain([Message::Custom(MessageId(self.small[1]))]);
        all.cycle().nth(usize::from(self.small[0])).unwrap_or(Message::Create)
    }
    fn mode(&self) -> LockMode {
        LockMode::ALL[self.small[0] as usize % LockMode::ALL.len()]
    }
    fn until(&self) -> SimInstant {
        SimInstant(self.large)
    }
    fn resource(&self) -> LockResource {
        let (instance, table, row) = (self.instance(), self.table(), self.row());
        let index = if self.flag { LockResource::PRIMARY } else { self.small[3] };
        match self.small[0] % 5 {
            0 => LockResource::Row { instance, table, row },
            1 => LockResource::Key { instance, table, index, hash: self.large },
            2 => LockResource::End { instance, table, index },
            3 => LockResource::Transaction { instance, transaction: self.transaction() },
            _ => LockResource::Table { instance, table },
        }
    }
    fn level(&self) -> Isolation {
        Isolation::ALL[self.small[1] as usize % Isolation::ALL.len()]
    }
    fn another(&self) -> TransactionId {
        TransactionId(u32::from(self.small[0]))
    }
    fn filter(&self) -> Option<Expression> {
        let column = Box::new(Expression::Column(self.name.clone()));
        let value = Box::new(Expression::Literal(self.value.clone()));
        self.flag.then_some(Expression::Binary(BinaryOperator::Equal, column, value))
    }
    fn cycle(&self) -> Vec<DeadlockEdge> {
        vec![DeadlockEdge {
            waiter: self.transaction(),
            lane: self.lane(),
            resource: self.resource(),
            mode: self.mode(),
            priority: 0,
            log_bytes: self.large,
        }]
    }

    pub(super) fn event(&self, kind: u8) -> Event {
        match kind {
            0..6 => self.of_rows(kind),
            6..14 => self.of_lanes(kind - 6),
            14..21 => self.of_messages(kind - 14),
            21..27 => self.of_the_pipeline(kind - 21),
            27..32 => self.of_transactions(kind - 27),
            32..40 => self.of_waits(kind - 32),
            40..45 => self.of_sessions(kind - 40),
            45..49 => self.of_scans(kind - 45),
            49 => Event::Version(self.of_versions()),
            50 => Event::Access(self.of_access()),
            51 => Event::PlugInTraced(self.of_trace_log()),
            _ => Event::Job(self.of_jobs()),
        }
    }

    fn of_rows(&self, kind: u8) -> Event {
        let (instance, table, row) = (self.instance(), self.table(), self.row());
        let (request, transaction) = (self.request(), self.transaction());
        let row_version = self.large;
        match kind {
            0 => Event::RowLoaded {
                instance,
                table,
                row,
                row_version,
                columns: vec![(ColumnId(self.small[0]), self.value.clone())],
            },
            1 => Event::RowNamed { table, row, name: self.name.clone() },
            2 => Event::RowRead(RowRead {
                request,
                transaction: self.flag.then_some(transaction),
                instance,
                table,
                row,
                row_version,
                level: self.level(),
                kind: [ReadKind::Answer, ReadKind::Linked, ReadKind::Computed]
                    [self.small[0] as usize % 3],
                writer: self.flag.then(|| self.another()),
            }),
            3 => Event::RowMissed {
                request,
                instance,
                table,
                row: self.flag.then_some(row),
                level: self.level(),
            },
            4 => Event::RowWritten(RowWritten {
                transaction,
                request,
                instance,
                table,
                row,
                kind: [WriteKind::Insert, WriteKind::Update, WriteKind::Delete]
                    [self.small[0] as usize % 3],
                version_before: self.large / 2,
                version_after: row_version,
                columns: vec![(ColumnId(self.small[0]), Value::Null, self.value.clone())],
            }),
            _ => Event::RowRestored { transaction, instance, table, row, row_version },
        }
    }

    fn of_lanes(&self, kind: u8) -> Event {
        let lane = self.lane();
        let (actor, run) = (ActorId(u32::from(self.small[1])), 1);
        let (name, text) = (self.name.clone(), self.name.clone());
        match kind {
            0 => Event::LaneBegan {
                lane,
                kind: match self.small[2] % 4 {
                    0 => LaneKind::Actor { actor, run },
                    1 => LaneKind::Flow { actor, run },
                    2 => LaneKind::Job { plug_in: Some(PlugInId(u32::from(self.small[1]))) },
                    _ => LaneKind::Session { actor, run },
                },
                name,
            },
            1 => Event::LaneEnded {
                lane,
                outcome: match self.small[1] % 3 {
                    0 => Outcome::Succeeded,
                    1 => Outcome::Failed(self.fault()),
                    _ => Outcome::Unfinished(name),
                },
            },
            2 => Event::Noted { lane, text },
            3 => Event::Bound { lane, name, value: self.value.clone() },
            4 => Event::Worked {
                lane,
                request: self.flag.then(|| self.request()),
                duration: self.duration(),
            },
            5 => Event::Slept { lane, until: self.until() },
            6 => Event::Retried { lane, attempt: 2, fault: self.fault(), wait: self.duration() },
            _ => Event::FaultHandled { lane, fault: self.fault() },
        }
    }

    fn of_messages(&self, kind: u8) -> Event {
        let (lane, request, outage) = (self.lane(), self.request(), self.outage());
        let (instance, table) = (self.instance(), self.table());
        match kind {
            0 => Event::OutageBegan { outage, instance, until: self.until() },
            1 => Event::OutageEnded { outage, instance },
            2 => Event::RequestSent {
                lane,
                request,
                instance,
                message: self.message(),
                table,
                row: self.flag.then(|| self.row()),
            },
            3 => Event::RequestRefused { lane, request, outage, fault: self.fault() },
            4 => Event::ResponseLost { lane, request, outage },
            5 => Event::RequestAbandoned { lane, request },
            _ => Event::ResponseDelivered { lane, request, fault: self.fault_or_none() },
        }
    }

    fn of_the_pipeline(&self, kind: u8) -> Event {
        let (lane, request, plug_in) = (self.lane(), self.request(), self.plug_in());
        let depth = u32::from(self.small[1]);
        match kind {
            0 => Event::RequestBegan(RequestBegan {
                lane,
                request,
                parent: self.flag.then(|| RequestId(u32::from(self.small[0]))),
                instance: self.instance(),
                message: self.message(),
                table: self.table(),
                row: self.flag.then(|| self.row()),
                depth,
                transaction: self.flag.then(|| self.transaction()),
                columns: vec![ColumnId(self.small[0])],
                input: vec![(self.name.clone(), Value::Whole(i64::from(depth)))],
            }),
            1 => Event::UpsertResolved {
                request,
                became: self.flag.then(|| self.message()),
                row: self.flag.then(|| self.row()),
            },
            2 => Event::RequestEnded { request, fault: self.fault_or_none() },
            3 => Event::StageBegan { request, stage: Stage::PostOperation },
            4 => Event::PlugInBegan { lane, request, plug_in, depth, in_transaction: self.flag },
            _ => Event::PlugInEnded { request, plug_in, fault: self.fault_or_none() },
        }
    }

    fn of_transactions(&self, kind: u8) -> Event {
        let transaction = self.transaction();
        let (resource, mode) = (self.resource(), self.mode());
        match kind {
            0 => Event::TransactionBegan {
                lane: self.lane(),
                transaction,
                instance: self.instance(),
                isolation: self.level(),
                request: self.flag.then(|| self.request()),
            },
            1 => Event::Committed { transaction },
            2 => Event::RolledBack {
                transaction,
                reason: match self.small[1] % 3 {
                    0 => RollbackReason::Fault(self.fault()),
                    1 => RollbackReason::Asked,
                    _ => RollbackReason::SessionEnded,
                },
            },
            3 => Event::LockGranted { transaction, resource, mode },
            _ => Event::LockQueued {
                transaction,
                resource,
                mode,
                holders: vec![TransactionId(u32::from(self.small[1]))],
                ahead: vec![TransactionId(u32::from(self.small[2]))],
            },
        }
    }

    fn of_waits(&self, kind: u8) -> Event {
        let (transaction, instance) = (self.transaction(), self.instance());
        let (resource, mode) = (self.resource(), self.mode());
        match kind {
            0 => Event::WaitEnded {
                transaction,
                resource,
                end: match self.small[0] % 4 {
                    0 => WaitEnd::Granted,
                    1 => WaitEnd::Victim,
                    2 => WaitEnd::Gone,
                    _ => WaitEnd::TimedOut(FaultKind::SqlTimeout),
                },
                waited: self.duration(),
            },
            1 => Event::LockReleased { transaction, resource },
            2 => Event::LocksReleased { transaction, count: u32::from(self.small[0]) },
            3 => Event::DeadlockClosed { instance, cycle: self.cycle() },
            4 => Event::CrossInstanceWaitClosed { cycle: self.cycle() },
            5 => Event::VictimChosen { instance, victim: transaction, rule: self.name.clone() },
            6 => Event::LockWeakened { transaction, resource, mode },
            _ => Event::LocksEscalated {
                transaction,
                instance,
                table: self.table(),
                mode,
                released: u32::from(self.small[0]),
            },
        }
    }

    fn of_sessions(&self, kind: u8) -> Event {
        let (lane, request) = (self.lane(), self.request());
        let (step, transaction) = (self.small[3], self.transaction());
        let kinds = [
            StatementKind::Select,
            StatementKind::Insert,
            StatementKind::Update,
            StatementKind::Delete,
            StatementKind::AlterTable,
        ];
        match kind {
            0 => Event::StepBegan { lane, step, label: self.name.clone() },
            1 => Event::StepEnded {
                lane,
                step,
                fault: self.fault_or_none(),
                answer: self.value.clone(),
            },
            2 => Event::StatementBegan(StatementBegan {
                lane,
                request,
                instance: self.instance(),
                table: self.table(),
                kind: kinds[self.small[0] as usize % kinds.len()],
                transaction,
                hints: match self.flag {
                    true => Hints::NONE.with(Hint::NoLock),
                    false => Hints::NONE,
                },
            }),
            3 => Event::StatementEnded { request, fault: self.fault_or_none() },
            _ => Event::StatementUndone { transaction, request },
        }
    }

    fn of_scans(&self, kind: u8) -> Event {
        let (instance, table, row) = (self.instance(), self.table(), self.row());
        let (request, transaction) = (self.request(), self.transaction());
        match kind {
            0 => Event::RowsSelected(RowsSelected {
                request,
                transaction: self.flag.then_some(transaction),
                instance,
                table,
                filter: self.filter(),
                level: self.level(),
                access: match self.small[0] % 3 {
                    0 => AccessPath::Primary,
                    1 => AccessPath::Seek { index: self.small[3], covering: self.flag },
                    _ => AccessPath::Scan,
                },
                examined: u32::from(self.small[0]),
                matched: u32::from(self.small[1]),
                whole: self.flag,
                link: self.flag.then(|| self.name.clone()),
                answered: None,
            }),
            1 => Event::ScanDisturbed {
                request,
                instance,
                table,
                row,
                how: if self.flag { Disturbance::Missed } else { Disturbance::Doubled },
            },
            2 => Event::DirtyReadUndone { request, transaction, instance, table, row },
            _ => Event::SchemaAltered { transaction, instance, table },
        }
    }
}
