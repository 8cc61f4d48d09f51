//! Builds the graph from a history.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::dependency::graph::{Graph, Node, Step};
use crate::check::dependency::parties::{Parties, Party, PartyIndex};
use crate::check::dependency::predicate::{Condition, Flip, ValueIndex};
use crate::check::dependency::sight::Sight;
use crate::check::dependency::versions::{Order, Versions};
use crate::check::dependency::{Dependency, DependencyKind};
use crate::check::{History, Moment, RowKey, RowMiss, RowRead};
use crate::plan::Isolation;
use crate::trace::{AccessPath, ReadKind, WriteKind};
use crate::words::{InstanceId, RequestId, TableId};

/// The graph of one run, with what it was built from.
pub(super) struct Dependencies<'h> {
    pub(super) parties: Parties,
    pub(super) versions: Versions<'h>,
    pub(super) graph: Graph,
    /// The reads of each party, in order.
    pub(super) reads: BTreeMap<PartyIndex, Vec<&'h RowRead>>,
    /// The searches of each party, in order.
    pub(super) searches: BTreeMap<PartyIndex, Vec<Search>>,
    /// The changes of each condition.
    pub(super) changes: Vec<Changes>,
}

/// One search.
#[derive(Debug)]
pub(super) struct Search {
    /// When it was done.
    pub(super) at: Moment,
    /// What it is owed.
    pub(super) level: Isolation,
    /// Its condition, as a position in `Dependencies::changes`.
    pub(super) condition: usize,
    /// What it saw of the rows that it did not answer.
    pub(super) sight: Sight,
    /// The positions of the versions that it answered.
    pub(super) answered: BTreeMap<RowKey, (usize, Moment)>,
}

impl Search {
    /// Whether a change is part of what the search saw; `None` where that is not known.
    pub(super) fn saw(&self, flip: &Flip) -> Option<bool> {
        match self.answered.get(&flip.key) {
            Some((position, _)) => Some(flip.first <= *position),
            None => self.sight.sees(flip),
        }
    }
}

/// The changes of which rows match one condition.
#[derive(Debug)]
pub(super) struct Changes {
    /// Of which instance and table.
    pub(super) table: (InstanceId, TableId),
    /// Row by row, in the order of each row's versions.
    by_row: BTreeMap<RowKey, Vec<Flip>>,
    /// The rows whose changes were committed in another order: dirty writes.
    mixed: BTreeSet<RowKey>,
    /// In the order of their commits.
    pub(super) committed: Chain,
    /// In the order in which they were written.
    pub(super) written: Chain,
}

/// The changes of one condition in a row, with their places in the graph.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) flips: Vec<Flip>,
    /// The first place of each of the two chains; the others follow one by one.
    places: Option<(Node, Node)>,
}

impl Changes {
    pub(super) fn chain(&self, sight: Sight) -> &Chain {
        match sight {
            Sight::Committed(..) => &self.committed,
            Sight::Written(_) => &self.written,
        }
    }

    /// The changes of one row.
    pub(super) fn of_row(&self, key: RowKey) -> &[Flip] {
        self.by_row.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Whether each row that a search answered was read in the version that the search's sight
    /// gives, its own party's changes aside. As a rule it was.
    fn agree_with(&self, search: &Search, party: PartyIndex) -> bool {
        search.answered.iter().all(|(key, (position, _))| {
            let flips = self.of_row(*key);
            if self.mixed.contains(key) {
                return flips.iter().all(|it| {
                    let read = it.first <= *position;
                    it.party == party || search.sight.sees(it) == Some(read)
                });
            }
            let read = flips.partition_point(|it| it.first <= *position);
            let (surely, maybe) = search.sight.reach(flips);
            flips[read.min(surely)..read.max(maybe)].iter().all(|it| it.party == party)
        })
    }
}

impl Chain {
    /// Puts the chain into the graph, once.
    fn places(&mut self, graph: &mut Graph) -> Option<(Node, Node)> {
        if self.places.is_none() && !self.flips.is_empty() {
            let unseen: Vec<Node> = self.flips.iter().map(|_| graph.add_place()).collect();
            let seen: Vec<Node> = self.flips.iter().map(|_| graph.add_place()).collect();
            for chain in [&unseen, &seen] {
                for pair in chain.windows(2) {
                    graph.add(pair[0], pair[1], Step::Along);
                }
            }
            for ((flip, unseen), seen) in self.flips.iter().zip(&unseen).zip(&seen) {
                let (key, at) = (flip.key, flip.written);
                graph.add(*unseen, flip.party, Step::ChangedBy { key, at });
                graph.add(flip.party, *seen, Step::Changes { key, at });
            }
            self.places = unseen.first().copied().zip(seen.first().copied());
        }
        self.places
    }
}

impl<'h> Dependencies<'h> {
    pub(super) fn of(history: &'h History<'h>, parties: Parties) -> Self {
        let versions = Versions::of(history, &parties);
        let graph = Graph::of(&parties);
        let (reads, searches) = (BTreeMap::new(), BTreeMap::new());
        let mut it = Self { parties, versions, graph, reads, searches, changes: Vec::new() };
        let answers = Answers::of(history);
        it.add_writes(history);
        for read in &history.reads {
            it.add_read(read, answers.covered.contains(&read.at));
        }
        it.add_searches(history, &answers);
        for miss in &history.misses {
            it.add_miss(history, miss);
        }
        it
    }

    fn add_writes(&mut self, history: &History) {
        let level = |party: Party| match party {
            Party::Transaction(id) => history.transactions.get(&id).map(|it| it.isolation),
            Party::Statement(_) => None,
        };
        for (key, order) in &self.versions.orders {
            for pair in order.turns.windows(2) {
                if let (Some(from), Some(to)) = (pair[0].party, pair[1].party) {
                    let (first, second) = (pair[0].written, pair[1].written);
                    let level = level(self.parties.all[from as usize]).unwrap_or_default();
                    let (kind, key) = (DependencyKind::Overwrites, *key);
                    self.graph.add(from, to, Step::Depends { kind, key, first, second, level });
                }
            }
        }
    }

    /// The edges of a read. What an index has read of a row (`covered`) is locked in the index
    /// alone, and others may write the rest of the row meanwhile: that nobody overwrites it is
    /// promised to no such read.
    fn add_read(&mut self, read: &'h RowRead, covered: bool) {
        let Some(party) = self.parties.find(read.transaction, read.request) else {
            return;
        };
        self.reads.entry(party).or_default().push(read);
        let Some(order) = self.versions.orders.get(&read.key) else {
            return;
        };
        let Some(position) = order.position(read.row_version) else {
            return;
        };
        let turn = order.turn_of(position);
        let next = order.turns.get(turn + 1).copied();
        let first = order.versions[position].written;
        let writer = order.turns.get(turn).and_then(|it| it.party);
        let (key, level) = (read.key, self.parties.owed(party, read.level));
        if let Some(writer) = writer {
            let (kind, second) = (DependencyKind::Reads, read.at);
            self.graph.add(writer, party, Step::Depends { kind, key, first, second, level });
        }
        // Who reads what it wrote itself depends on the next writer by having written.
        if writer != Some(party)
            && let Some((next, second)) = next.and_then(|it| Some((it.party?, it.written)))
        {
            let (kind, first) = (DependencyKind::OverwritesRead, read.at);
            let locks = matches!(level, Isolation::RepeatableRead | Isolation::Serializable);
            let level = if covered && locks { Isolation::ReadCommitted } else { level };
            self.graph.add(party, next, Step::Depends { kind, key, first, second, level });
        }
    }

    fn add_searches(&mut self, history: &'h History<'h>, answers: &Answers<'h>) {
        let mut known = BTreeMap::new();
        let mut index = ValueIndex::default();
        for (number, selection) in history.selections.iter().enumerate() {
            let Some(party) = self.parties.find(selection.transaction, selection.request) else {
                continue;
            };
            // Those for linked rows are not followed: which of the linked rows that were read were
            // read by which of them, the trace does not say.
            if !selection.whole || selection.link.is_some() {
                continue;
            }
            let condition = Condition::of(selection);
            let place = *known.entry(condition.identity()).or_insert_with(|| {
                let flips = condition.flips(history, &self.versions, &mut index);
                self.changes.push(changes(&condition, flips));
                self.changes.len() - 1
            });
            let answered = answers.of_search.get(&number).into_iter().flatten();
            let answered = answered.filter_map(|read| {
                let position = self.versions.orders.get(&read.key)?.position(read.row_version)?;
                Some((read.key, (position, read.at)))
            });
            let answered = answered.collect();
            let search = Search {
                at: selection.at,
                level: self.parties.owed(party, selection.level),
                condition: place,
                sight: Sight::of_search(history, (&self.parties, party), selection, &answered),
                answered,
            };
            self.add_search(party, &search);
            self.searches.entry(party).or_default().push(search);
        }
    }

    fn add_search(&mut self, party: PartyIndex, search: &Search) {
        let (at, level) = (search.at, search.level);
        let changes = &mut self.changes[search.condition];
        if !changes.agree_with(search, party) {
            for flip in changes.by_row.values().flatten().filter(|it| it.party != party) {
                let Some(saw) = search.saw(flip) else {
                    continue;
                };
                self.graph.found(party, flip, saw, (at, level));
            }
            return;
        }
        let chain = match search.sight {
            Sight::Committed(..) => &mut changes.committed,
            Sight::Written(_) => &mut changes.written,
        };
        let Some((unseen, seen)) = chain.places(&mut self.graph) else {
            return;
        };
        let (surely, maybe) = search.sight.reach(&chain.flips);
        let place = |first: Node, place: usize| first + Node::try_from(place).unwrap_or(0);
        if maybe < chain.flips.len() {
            self.graph.add(party, place(unseen, maybe), Step::Searches { at, level });
        }
        if let Some(last) = surely.checked_sub(1) {
            self.graph.add(place(seen, last), party, Step::SeenBy { at, level });
        }
    }

    /// Who looks for a row and does not find it has searched for it.
    fn add_miss(&mut self, history: &History, miss: &RowMiss) {
        let transaction = history.transaction_of(miss);
        let Some(party) = self.parties.find(transaction, miss.request) else {
            return;
        };
        let Some(order) = self.versions.orders.get(&miss.key) else {
            return;
        };
        let sight = Sight::of_miss((&self.parties, party), miss);
        let (mut seen, mut unseen) = (None, None);
        for (place, turn) in order.turns.iter().enumerate() {
            let Some(writer) = turn.party.filter(|_| changes_existence(order, place)) else {
                continue;
            };
            let (first, written, settled) = (turn.first, turn.written, turn.settled);
            let flip = Flip { key: miss.key, first, party: writer, written, settled };
            match sight.sees(&flip) {
                Some(true) if unseen.is_none() => seen = Some(flip),
                Some(false) if unseen.is_none() => unseen = Some(flip),
                _ => {}
            }
        }
        let look = (miss.at, self.parties.owed(party, miss.level));
        for (flip, saw) in [(seen, true), (unseen, false)] {
            if let Some(flip) = flip {
                self.graph.found(party, &flip, saw, look);
            }
        }
    }

    /// The edge between two parties.
    pub(super) fn dependency(
        &self,
        (from, to): (PartyIndex, PartyIndex),
        kind: DependencyKind,
        key: RowKey,
        (first, second): (Moment, Moment),
        level: Isolation,
    ) -> Dependency {
        let party = |index: PartyIndex| self.parties.all[index as usize];
        Dependency { from: party(from), to: party(to), kind, key, first, second, level }
    }
}

/// Whether the row begins or ceases to be with this turn.
fn changes_existence(order: &Order<'_>, turn: usize) -> bool {
    let is_there = |turn: usize| order.versions[order.turns[turn].last].kind != WriteKind::Delete;
    let was_there = turn.checked_sub(1).is_some_and(is_there);
    was_there != is_there(turn)
}

fn changes(condition: &Condition, flips: Vec<Flip>) -> Changes {
    let mut by_row: BTreeMap<RowKey, Vec<Flip>> = BTreeMap::new();
    for flip in &flips {
        by_row.entry(flip.key).or_default().push(*flip);
    }
    let mixed = by_row.iter().filter(|(_, flips)| !flips.is_sorted_by_key(|it| it.settled));
    let mixed = mixed.map(|(key, _)| *key).collect();
    let mut committed = flips.clone();
    committed.sort_by_key(|it| (it.settled, it.written));
    let mut written = flips;
    written.sort_by_key(|it| it.written);
    Changes {
        table: (condition.instance, condition.table),
        by_row,
        mixed,
        committed: Chain { flips: committed, places: None },
        written: Chain { flips: written, places: None },
    }
}

/// The reads that answer searches.
#[derive(Default)]
struct Answers<'h> {
    /// Of each search, by its position: those of its request and table that go before it, back to
    /// the request's search before.
    of_search: BTreeMap<usize, Vec<&'h RowRead>>,
    /// Those that an index answered without the rows themselves, by their events.
    covered: BTreeSet<Moment>,
}

impl<'h> Answers<'h> {
    fn of(history: &'h History<'h>) -> Self {
        let mut answers = Self::default();
        let mut waiting: BTreeMap<RequestId, Vec<&RowRead>> = BTreeMap::new();
        let mut reads = history.reads.iter().peekable();
        let own = history.selections.iter().enumerate().filter(|(_, it)| it.link.is_none());
        for (number, search) in own {
            while let Some(read) = reads.next_if(|it| it.at < search.at) {
                if read.kind == ReadKind::Answer {
                    waiting.entry(read.request).or_default().push(read);
                }
            }
            let table = (search.instance, search.table);
            let mut answered = waiting.remove(&search.request).unwrap_or_default();
            answered.retain(|it| (it.key.instance, it.key.table) == table);
            if matches!(search.access, AccessPath::Seek { covering: true, .. }) {
                answers.covered.extend(answered.iter().map(|it| it.at));
            }
            answers.of_search.insert(number, answered);
        }
        answers
    }
}
