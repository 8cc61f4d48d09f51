//! The nodes of the graph: committed transactions, and reads outside any.

use std::collections::BTreeMap;

use crate::check::dependency::level::Level;
use crate::check::{History, Moment, TransactionEnd};
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
    pub(super) levels: Vec<Level>,
    /// When each first read or wrote a row.
    pub(super) first_access: Vec<Option<Moment>>,
    index: BTreeMap<Party, PartyIndex>,
}

impl Parties {
    pub(super) fn of(history: &History) -> Self {
        let mut parties = Self::default();
        for (id, transaction) in &history.transactions {
            if matches!(transaction.end, TransactionEnd::Committed(_)) {
                parties.add(Party::Transaction(*id), Level::of(transaction.isolation));
            }
        }
        let reads = history.reads.iter().map(|it| (it.transaction, it.request));
        let searches = history.selections.iter().map(|it| (it.transaction, it.request));
        let misses = history.misses.iter().map(|it| (history.transaction_of(it), it.request));
        for (transaction, request) in reads.chain(searches).chain(misses) {
            if transaction.is_none() {
                parties.add(Party::Statement(request), Level::STATEMENT);
            }
        }
        parties.note_first_accesses(history);
        parties
    }

    fn add(&mut self, party: Party, level: Level) {
        let next = PartyIndex::try_from(self.all.len()).unwrap_or(PartyIndex::MAX);
        self.index.entry(party).or_insert_with(|| {
            self.all.push(party);
            self.levels.push(level);
            self.first_access.push(None);
            next
        });
    }

    fn note_first_accesses(&mut self, history: &History) {
        let reads = history.reads.iter().map(|it| (it.transaction, it.request, it.at));
        let searches = history.selections.iter().map(|it| (it.transaction, it.request, it.at));
        let misses = history.misses.iter();
        let misses = misses.map(|it| (history.transaction_of(it), it.request, it.at));
        let versions = history.rows.values().flat_map(|row| &row.versions);
        let writes = versions.filter_map(|it| Some((Some(it.writer?), it.request?, it.written)));
        for (transaction, request, at) in reads.chain(searches).chain(misses).chain(writes) {
            let Some(party) = self.find(transaction, request) else {
                continue;
            };
            let first = &mut self.first_access[party as usize];
            *first = Some(first.map_or(at, |first| first.min(at)));
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

    pub(super) fn level(&self, party: Party) -> Option<Level> {
        self.levels.get(*self.index.get(&party)? as usize).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}
