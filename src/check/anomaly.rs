//! What transactions did to one another that isolation exists to prevent.
//!
//! **Lost update** (P4). Two callers read the same version of a row, and both wrote the row: the
//! second write was computed from a value that the first had replaced, so the first is lost. A
//! read counts when it answers somebody who asked for it (Retrieve, RetrieveMultiple, a session's
//! select), or when a write computes from it (`=next + 1`), which it reads under its lock; the
//! look-up of an upsert does not, since nothing is computed from it. The read that decides is the
//! caller's last before its first write of the row: who reads again before writing has seen the
//! other's update.
//!
//! ```text
//!   in transactions        ann reads v1 · bob reads v1 · ann writes v2 · bob writes v3
//!   outside a transaction  bob reads v1 · ann writes v2, read or not   · bob writes v3
//! ```
//!
//! The second line is what a PreValidation plug-in or a client does that reads, computes and
//! then sends an update, or a session whose select is a transaction of its own: no transaction
//! spans the read and the write. It counts as a lost update when any other lane's write was
//! committed between the two.
//!
//! **Dirty read.** A read of a version whose writer, another transaction, had not committed yet.
//! It is G1a when the writer was rolled back later, or the statement of it that wrote the version,
//! and G1b when it wrote the row again. A reader that was itself rolled back did no harm and is
//! left out.
//!
//! Source: Berenson et al., "A Critique of ANSI SQL Isolation Levels" (P4); Adya, "Weak
//! Consistency" (G1a, G1b).

use std::collections::{BTreeMap, BTreeSet};

use crate::check::dependency::{Breach, Circles, Cycle};
use crate::check::{History, Moment, RowKey, RowRead};
use crate::plan::Anomaly;
use crate::trace::ReadKind;
use crate::words::{InstanceId, LaneId, TransactionId};

/// A committed write that another committed write overwrote without having seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostUpdate {
    /// The row.
    pub key: RowKey,
    /// The transaction whose write is lost.
    pub lost: TransactionId,
    /// The transaction that overwrote it.
    pub winner: TransactionId,
    /// The read, of an older version, from which the winner computed its write.
    pub read: RowRead,
    /// When the winner was committed.
    pub at: Moment,
}

impl LostUpdate {
    /// Whether the winner's read and its write are in one transaction.
    pub fn is_within_one_transaction(&self) -> bool {
        self.read.transaction == Some(self.winner)
    }

    /// What happened, in a sentence.
    pub fn told(&self, history: &History) -> String {
        let RowKey { instance, table, row } = self.key;
        let names = &history.names;
        let place = names.place(instance, table, row);
        let lost = history.transaction_name(self.lost);
        let winner = history.transaction_name(self.winner);
        let (read, end) = (names.moment(self.read.at.at), names.moment(self.at.at));
        format!(
            "{winner} overwrote {lost}'s update of {place} at {end}, from what it read at {read}"
        )
    }
}

/// A read of another transaction's uncommitted write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyRead {
    /// The read.
    pub read: RowRead,
    /// Who had written what was read.
    pub writer: TransactionId,
    /// What became of it.
    pub kind: DirtyReadKind,
}

/// What became of a version that was read before its writer was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirtyReadKind {
    /// It was rolled back, with its transaction or with its statement (G1a).
    RolledBack,
    /// Its writer wrote the row again (G1b).
    Overwritten,
    /// It was committed as it was read, only later.
    Early,
}

impl DirtyRead {
    /// What happened, in a sentence.
    pub fn told(&self, history: &History) -> String {
        let RowKey { instance, table, row } = self.read.key;
        let place = history.names.place(instance, table, row);
        let writer = history.transaction_name(self.writer);
        let undone = || history.is_rolled_back(self.writer);
        let fate = match self.kind {
            DirtyReadKind::RolledBack if undone() => "which was rolled back",
            DirtyReadKind::RolledBack => "whose statement was taken back",
            DirtyReadKind::Overwritten => "which wrote it again",
            DirtyReadKind::Early => "which was committed only later",
        };
        let moment = history.names.moment(self.read.at.at);
        format!("{place} was read at {moment} as written by {writer}, {fate}")
    }

    /// Whether it is one of this kind.
    const fn is(&self, anomaly: Anomaly) -> bool {
        match anomaly {
            Anomaly::DirtyRead => true,
            Anomaly::AbortedRead => matches!(self.kind, DirtyReadKind::RolledBack),
            Anomaly::IntermediateRead => matches!(self.kind, DirtyReadKind::Overwritten),
            _ => false,
        }
    }
}

/// All anomalies of one run.
#[derive(Clone, Debug, Default)]
pub struct Anomalies {
    /// In the order in which the overwriting transactions were committed.
    pub lost_updates: Vec<LostUpdate>,
    /// In the order of the reads.
    pub dirty_reads: Vec<DirtyRead>,
    /// The circles of dependencies that have a name, a shortest one of each kind for each set of
    /// transactions that are in circles with one another; in the order of their last events.
    pub cycles: Vec<Cycle>,
    /// The circles that an isolation level forbids, likewise.
    pub breaches: Vec<Breach>,
}

impl Anomalies {
    /// Finds the anomalies of a run.
    pub fn of(history: &History) -> Self {
        let mut lost_updates = lost_updates(history);
        lost_updates.sort_by_key(|it| (it.at, it.key));
        let Circles { cycles, breaches } = Circles::of(history);
        Self { lost_updates, dirty_reads: dirty_reads(history), cycles, breaches }
    }
}

impl Anomalies {
    /// The first time that a phenomenon happens, and what happened.
    pub fn first(&self, anomaly: Anomaly, history: &History) -> Option<(Moment, String)> {
        match anomaly {
            Anomaly::LostUpdate => self.lost_updates.first().map(|it| (it.at, it.told(history))),
            Anomaly::DirtyRead | Anomaly::AbortedRead | Anomaly::IntermediateRead => {
                let found = self.dirty_reads.iter().find(|it| it.is(anomaly));
                found.map(|it| (it.read.at, it.told(history)))
            }
            _ => {
                let found = self.cycles.iter().find(|it| it.anomaly == anomaly);
                found.map(|it| (it.at, it.told(history)))
            }
        }
    }
}

/// The first write of one row by one committed transaction.
struct Writer {
    transaction: TransactionId,
    lane: LaneId,
    /// When it wrote the row first.
    written: Moment,
    /// When it was committed.
    committed: Moment,
    /// The version that its first write replaced.
    replaced: u64,
    /// The read that it goes by.
    basis: Option<RowRead>,
}

fn lost_updates(history: &History) -> Vec<LostUpdate> {
    let mut reads: BTreeMap<(RowKey, LaneId), Vec<RowRead>> = BTreeMap::new();
    for read in &history.reads {
        let Some(request) = history.requests.get(&read.request) else {
            continue;
        };
        if read.kind == ReadKind::Computed || request.kind.is_read() {
            let of_row = reads.entry((read.key, request.lane)).or_default();
            of_row.push(*read);
        }
    }
    let touched: BTreeSet<RowKey> = reads.keys().map(|(key, _)| *key).collect();
    let mut found = Vec::new();
    for key in touched {
        let writers = writers(history, key, &reads);
        found.extend(lost_on_row(key, &writers));
    }
    found
}

/// The committed transactions that wrote a row, in the order of their writes, each with the read
/// that it goes by: its lane's last one before its first write, unless an earlier transaction of
/// the lane wrote the row after that read.
fn writers(
    history: &History,
    key: RowKey,
    reads: &BTreeMap<(RowKey, LaneId), Vec<RowRead>>,
) -> Vec<Writer> {
    let mut writers: Vec<Writer> = Vec::new();
    let mut last_write_of: BTreeMap<LaneId, Moment> = BTreeMap::new();
    let versions = history.rows.get(&key).map_or(&[][..], |row| &row.versions);
    for version in versions {
        let Some(transaction) = version.writer else {
            continue;
        };
        if writers.last().is_some_and(|it| it.transaction == transaction) {
            continue;
        }
        let Some(lane) = history.transactions.get(&transaction).map(|it| it.lane) else {
            continue;
        };
        let of_lane = reads.get(&(key, lane)).map_or(&[][..], Vec::as_slice);
        let before = of_lane.partition_point(|it| it.at < version.written);
        let basis = of_lane[..before].last().filter(|read| {
            let fresh = last_write_of.get(&lane).is_none_or(|write| *write < read.at);
            let own = read.transaction == Some(transaction);
            fresh && (own || is_on_its_own(history, read))
        });
        writers.push(Writer {
            transaction,
            lane,
            written: version.written,
            committed: version.settled,
            replaced: version.replaced,
            basis: basis.copied(),
        });
        last_write_of.insert(lane, version.written);
    }
    writers
}

/// Whether a read was in no transaction that could also hold a write.
fn is_on_its_own(history: &History, read: &RowRead) -> bool {
    read.transaction.is_none_or(|it| history.is_of_one_statement(it))
}

fn lost_on_row(key: RowKey, writers: &[Writer]) -> Vec<LostUpdate> {
    // The first writer that replaced each version, and the first that read it and wrote after.
    let mut replacer: BTreeMap<u64, usize> = BTreeMap::new();
    let mut reader: BTreeMap<u64, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, writer) in writers.iter().enumerate() {
        if let Some(read) = writer.basis
            && read.row_version != writer.replaced
        {
            let lost = if read.transaction == Some(writer.transaction) {
                reader.get(&read.row_version)
            } else {
                replacer.get(&read.row_version)
            };
            let lost = lost.map(|index| &writers[*index]);
            if let Some(lost) = lost.filter(|it| it.lane != writer.lane) {
                found.push(LostUpdate {
                    key,
                    lost: lost.transaction,
                    winner: writer.transaction,
                    read,
                    at: writer.committed.max(writer.written),
                });
            }
        }
        replacer.entry(writer.replaced).or_insert(index);
        if let Some(read) = writer.basis {
            reader.entry(read.row_version).or_insert(index);
        }
    }
    found
}

fn dirty_reads(history: &History) -> Vec<DirtyRead> {
    /// A version that a transaction wrote.
    struct Written {
        writer: TransactionId,
        settled: Moment,
        kind: DirtyReadKind,
    }
    let mut written: BTreeMap<(InstanceId, u64), Written> = BTreeMap::new();
    for (key, row) in &history.rows {
        for (index, version) in row.versions.iter().enumerate() {
            let Some(writer) = version.writer else {
                continue;
            };
            let again = row.versions.get(index + 1).and_then(|it| it.writer) == Some(writer);
            let kind = if again { DirtyReadKind::Overwritten } else { DirtyReadKind::Early };
            let settled = version.settled;
            let of = (key.instance, version.row_version);
            written.insert(of, Written { writer, settled, kind });
        }
        for version in &row.undone {
            if let Some(writer) = version.writer {
                let (settled, kind) = (version.settled, DirtyReadKind::RolledBack);
                let of = (key.instance, version.row_version);
                written.insert(of, Written { writer, settled, kind });
            }
        }
    }
    let reads = history.reads.iter();
    reads
        .filter(|read| !read.transaction.is_some_and(|it| history.is_rolled_back(it)))
        .filter_map(|read| {
            let version = written.get(&(read.key.instance, read.row_version))?;
            let dirty = read.at < version.settled && read.transaction != Some(version.writer);
            dirty.then_some(DirtyRead { read: *read, writer: version.writer, kind: version.kind })
        })
        .collect()
}
