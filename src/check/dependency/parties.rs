//! The nodes of the graph: committed transactions, and reads outside any.

use std::collections::BTreeMap;

use crate::check::{History, Moment, TransactionEnd};
use crate::plan::Isolation;
use crate::words::{LaneId, RequestId, TransactionId};

/// One node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A committed transaction.
    Transaction(TransactionId),
    /// A read outside any transaction: one of its own, of one statement.
    Statement(RequestId),
}

impl Party {
    /// On whose behalf.
    pub fn lane(self, history: &History) -> Option<LaneId> {
        match self {
            Self::Transaction(id) => history.transactions.get(&id).map(|it| it.lane),
            Self::Statement(id) => history.requests.get(&id).map(|it| it.lane),
        }
    }

    /// Its kind and number: `transaction 3`.
    pub fn number(self) -> String {
        match self {
            Self::Transaction(id) => format!("transaction {}", id.0),
            Self::Statement(id) => format!("request {}", id.0),
        }
    }
}

/// The position of a party among the nodes.
pub(super) type PartyIndex = u32;

/// All parties of a run.
#[derive(Debug, Default)]
pub(super) struct Parties {
    pub(super) all: Vec<Party>,
    /// Of each that runs at snapshot: not before and not after when its snapshot was taken.
    pub(super) snapshots: Vec<Option<(Moment, Moment)>>,
    /// Whether each reads at snapshot, and what is newer as well.
    mixed: Vec<bool>,
    index: BTreeMap<Party, PartyIndex>,
}

impl Parties {
    pub(super) fn of(history: &History) -> Self {
        let mut parties = Self::default();
        for (id, transaction) in &history.transactions {
            if matches!(transaction.end, TransactionEnd::Committed(_)) {
                parties.add(Party::Transaction(*id));
            }
        }
        for look in looks(history) {
            if look.transaction.is_none() {
                parties.add(Party::Statement(look.request));
            }
        }
        parties.note_snapshots(history);
        parties
    }

    fn add(&mut self, party: Party) {
        let next = PartyIndex::try_from(self.all.len()).unwrap_or(PartyIndex::MAX);
        self.index.entry(party).or_insert_with(|| {
            self.all.push(party);
            self.snapshots.push(None);
            self.mixed.push(false);
            next
        });
    }

    fn note_snapshots(&mut self, history: &History) {
        let mut first_access: BTreeMap<TransactionId, Moment> = BTreeMap::new();
        let mut note = |transaction: TransactionId, at: Moment| {
            let first = first_access.entry(transaction).or_insert(at);
            *first = at.min(*first);
        };
        for look in looks(history) {
            let Some(transaction) = look.transaction else {
                continue;
            };
            note(transaction, look.at);
            // What is not committed yet obliges nobody.
            let newer = !matches!(look.level, Isolation::Snapshot | Isolation::ReadUncommitted);
            if newer && let Some(party) = self.writer(transaction) {
                self.mixed[party as usize] = true;
            }
        }
        for version in history.rows.values().flat_map(|row| &row.versions) {
            if let Some(writer) = version.writer {
                note(writer, version.written);
            }
        }
        for (id, transaction) in &history.transactions {
            if transaction.isolation == Isolation::Snapshot
                && let (Some(party), Some(first)) = (self.writer(*id), first_access.get(id))
            {
                let began = transaction.first.map_or(transaction.began, |(_, began)| began);
                self.snapshots[party as usize] = Some((began.min(*first), *first));
            }
        }
    }

    /// What a read of a party at this level is owed. A snapshot is owed to the transaction as a
    /// whole, so to none that has seen what is newer as well.
    pub(super) fn owed(&self, party: PartyIndex, level: Isolation) -> Isolation {
        match level {
            Isolation::Snapshot if self.mixed[party as usize] => Isolation::ReadCommittedSnapshot,
            level => level,
        }
    }

    /// The party that did something in this transaction, or outside any for this request; `None`
    /// when the transaction was not committed.
    pub(super) fn find(
        &self,
        transaction: Option<TransactionId>,
        request: RequestId,
    ) -> Option<PartyIndex> {
        let party = transaction.map_or(Party::Statement(request), Party::Transaction);
        self.index.get(&party).copied()
    }

    /// What a transaction wrote, it wrote as this party.
    pub(super) fn writer(&self, transaction: TransactionId) -> Option<PartyIndex> {
        self.index.get(&Party::Transaction(transaction)).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}

/// A read of a row, a search, or a look for a row that is not there.
struct Look {
    transaction: Option<TransactionId>,
    request: RequestId,
    at: Moment,
    level: Isolation,
}

/// Everything that anybody looked at, by kind.
fn looks(history: &History) -> impl Iterator<Item = Look> {
    let reads = history.reads.iter().map(|it| Look {
        transaction: it.transaction,
        request: it.request,
        at: it.at,
        level: it.level,
    });
    let searches = history.selections.iter().map(|it| Look {
        transaction: it.transaction,
        request: it.request,
        at: it.at,
        level: it.level,
    });
    let misses = history.misses.iter().map(|it| Look {
        transaction: history.transaction_of(it),
        request: it.request,
        at: it.at,
        level: it.level,
    });
    reads.chain(searches).chain(misses)
}
