//! Builds the graph from a history.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::dependency::graph::{Graph, Node, Step};
use crate::check::dependency::level::Level;
use crate::check::dependency::parties::{Parties, PartyIndex};
use crate::check::dependency::predicate::{Condition, Flip, ValueIndex};
use crate::check::dependency::versions::{Order, Versions};
use crate::check::dependency::{Dependency, DependencyKind};
use crate::check::{History, Moment, RowKey, RowMiss, RowRead, Selection};
use crate::trace::WriteKind;
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
    /// When.
    pub(super) at: Moment,
    /// Its condition, as a position in `Dependencies::changes`.
    pub(super) condition: usize,
    /// What it saw of the rows that it did not answer.
    pub(super) sight: Sight,
    /// The positions of the versions that it answered.
    pub(super) answered: BTreeMap<RowKey, (usize, Moment)>,
}

/// What one search can see of rows that it does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// What was committed before this event.
    Committed(Moment),
    /// What was written before this event.
    Written(Moment),
}

impl Sight {
    fn of(level: Level, at: Moment, first_access: Option<Moment>) -> Self {
        match level {
            Level::ReadUncommitted => Self::Written(at),
            Level::Snapshot => Self::Committed(first_access.unwrap_or(at)),
            Level::ReadCommitted
            | Level::ReadCommittedSnapshot
            | Level::RepeatableRead
            | Level::Serializable => Self::Committed(at),
        }
    }

    pub(super) fn sees(self, flip: &Flip) -> bool {
        match self {
            Self::Committed(until) => flip.settled < until,
            Self::Written(until) => flip.written < until,
        }
    }
}

impl Search {
    /// Whether a change is part of what the search saw.
    pub(super) fn saw(&self, flip: &Flip) -> bool {
        match self.answered.get(&flip.key) {
            Some((position, _)) => flip.first <= *position,
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
            Sight::Committed(_) => &self.committed,
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
                    it.party == party || search.sight.sees(it) == (it.first <= *position)
                });
            }
            let read = flips.partition_point(|it| it.first <= *position);
            let seen = flips.partition_point(|it| search.sight.sees(it));
            flips[read.min(seen)..read.max(seen)].iter().all(|it| it.party == party)
        })
    }
}

impl Chain {
    /// How many of the changes a sight takes in: those at the beginning.
    pub(super) fn seen(&self, sight: Sight) -> usize {
        self.flips.partition_point(|it| sight.sees(it))
    }

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
        it.add_writes();
        for read in &history.reads {
            it.add_read(read);
        }
        it.add_searches(history);
        for miss in &history.misses {
            it.add_miss(history, miss);
        }
        it
    }

    fn depend(
        &mut self,
        (from, to): (PartyIndex, PartyIndex),
        kind: DependencyKind,
        key: RowKey,
        (first, second): (Moment, Moment),
    ) {
        self.graph.add(from, to, Step::Depends { kind, key, first, second });
    }

    fn add_writes(&mut self) {
        for (key, order) in &self.versions.orders {
            for pair in order.turns.windows(2) {
                if let (Some(from), Some(to)) = (pair[0].party, pair[1].party) {
                    let (first, second) = (pair[0].written, pair[1].written);
                    let kind = DependencyKind::Overwrites;
                    self.graph.add(from, to, Step::Depends { kind, key: *key, first, second });
                }
            }
        }
    }

    fn add_read(&mut self, read: &'h RowRead) {
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
        let written = order.versions[position].written;
        let writer = order.turns.get(turn).and_then(|it| it.party);
        if let Some(writer) = writer {
            let events = (written, read.at);
            self.depend((writer, party), DependencyKind::Reads, read.key, events);
        }
        // Who reads what it wrote itself depends on the next writer by having written.
        if writer != Some(party)
            && let Some((next, written)) = next.and_then(|it| Some((it.party?, it.written)))
        {
            let events = (read.at, written);
            self.depend((party, next), DependencyKind::OverwritesRead, read.key, events);
        }
    }

    fn add_searches(&mut self, history: &'h History<'h>) {
        let answers = answers(history);
        let mut known = BTreeMap::new();
        let mut index = ValueIndex::default();
        for (number, selection) in history.selections.iter().enumerate() {
            let Some(party) = self.parties.find(selection.transaction, selection.request) else {
                continue;
            };
            let condition = Condition::of(selection);
            let place = *known.entry(condition.identity()).or_insert_with(|| {
                let flips = condition.flips(history, &self.versions, &mut index);
                self.changes.push(changes(&condition, flips));
                self.changes.len() - 1
            });
            let level = self.parties.levels[party as usize];
            let first_access = self.parties.first_access[party as usize];
            let answered = answers.get(&number).into_iter().flatten().filter_map(|read| {
                let position = self.versions.orders.get(&read.key)?.position(read.row_version)?;
                Some((read.key, (position, read.at)))
            });
            let search = Search {
                at: selection.at,
                condition: place,
                sight: Sight::of(level, selection.at, first_access),
                answered: answered.collect(),
            };
            self.add_search(party, &search);
            self.searches.entry(party).or_default().push(search);
        }
    }

    fn add_search(&mut self, party: PartyIndex, search: &Search) {
        let at = search.at;
        let changes = &mut self.changes[search.condition];
        if !changes.agree_with(search, party) {
            for flip in changes.by_row.values().flatten().filter(|it| it.party != party) {
                let (kind, from, to, first, second) = if search.saw(flip) {
                    (DependencyKind::Finds, flip.party, party, flip.written, at)
                } else {
                    (DependencyKind::ChangesFound, party, flip.party, at, flip.written)
                };
                let key = flip.key;
                self.graph.add(from, to, Step::Depends { kind, key, first, second });
            }
            return;
        }
        let chain = match search.sight {
            Sight::Committed(_) => &mut changes.committed,
            Sight::Written(_) => &mut changes.written,
        };
        let Some((unseen, seen)) = chain.places(&mut self.graph) else {
            return;
        };
        let count = chain.seen(search.sight);
        let place = |first: Node, place: usize| first + Node::try_from(place).unwrap_or(0);
        if count < chain.flips.len() {
            self.graph.add(party, place(unseen, count), Step::Searches { at });
        }
        if let Some(last) = count.checked_sub(1) {
            self.graph.add(place(seen, last), party, Step::SeenBy { at });
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
        let level = self.parties.levels[party as usize];
        let sight = Sight::of(level, miss.at, self.parties.first_access[party as usize]);
        let turns = order.turns.iter().enumerate();
        let mut flips = turns.filter_map(|(place, turn)| {
            let flip = Flip {
                key: miss.key,
                first: turn.first,
                party: turn.party?,
                written: turn.written,
                settled: turn.settled,
            };
            changes_existence(order, place).then_some(flip)
        });
        let mut seen: Option<Flip> = None;
        let unseen = flips.find(|flip| {
            let is_unseen = !sight.sees(flip);
            if !is_unseen {
                seen = Some(*flip);
            }
            is_unseen
        });
        if let Some(flip) = seen {
            let events = (flip.written, miss.at);
            self.depend((flip.party, party), DependencyKind::Finds, miss.key, events);
        }
        if let Some(flip) = unseen {
            let events = (miss.at, flip.written);
            self.depend((party, flip.party), DependencyKind::ChangesFound, miss.key, events);
        }
    }

    /// The edge between two parties.
    pub(super) fn dependency(
        &self,
        (from, to): (PartyIndex, PartyIndex),
        kind: DependencyKind,
        key: RowKey,
        (first, second): (Moment, Moment),
    ) -> Dependency {
        let party = |index: PartyIndex| self.parties.all[index as usize];
        Dependency { from: party(from), to: party(to), kind, key, first, second }
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

/// The reads that answer each search: those of its request and table that follow it, up to the
/// request's next search.
fn answers<'h>(history: &'h History<'h>) -> BTreeMap<usize, Vec<&'h RowRead>> {
    let mut answers: BTreeMap<usize, Vec<&RowRead>> = BTreeMap::new();
    let mut latest: BTreeMap<RequestId, usize> = BTreeMap::new();
    let mut searches = history.selections.iter().enumerate().peekable();
    for read in &history.reads {
        while let Some((number, search)) = searches.next_if(|(_, it)| it.at < read.at) {
            latest.insert(search.request, number);
        }
        let Some(number) = latest.get(&read.request) else {
            continue;
        };
        let Selection { instance, table, .. } = history.selections[*number];
        if (read.key.instance, read.key.table) == (instance, table) {
            answers.entry(*number).or_default().push(read);
        }
    }
    answers
}
