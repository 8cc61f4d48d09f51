//! Small histories of every kind, judged by a plain oracle: every edge written out, every circle
//! walked.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::check::dependency::DependencyKind as K;
use crate::check::dependency::tests::{Script, Step, Where, circles};
use crate::plan::{Anomaly, Isolation};

const TRANSACTIONS: u32 = 4;
const ROWS: [char; 3] = ['x', 'y', 'z'];

/// One step before it is known which versions there are: which transaction, what, and numbers to
/// choose with.
type Draft = (u32, u8, usize, i64, [usize; 3]);

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let draft =
        (1..=TRANSACTIONS, 0..8u8, 0..ROWS.len(), 0..7i64, [0..6usize, 0..6usize, 0..6usize]);
    prop::collection::vec(draft, 1..24)
}

/// One version of a row, as the oracle keeps it.
#[derive(Clone, Copy, Debug)]
struct Version {
    number: u64,
    writer: u32,
    value: Option<i64>,
    written: usize,
}

#[derive(Clone, Debug)]
struct Look {
    reader: u32,
    row: char,
    version: u64,
}

#[derive(Clone, Debug)]
struct Query {
    reader: u32,
    at: usize,
    condition: Where,
    answer: Vec<(char, u64)>,
}

/// What the oracle knows of a history.
#[derive(Default)]
struct Model {
    rows: BTreeMap<char, Vec<Version>>,
    looks: Vec<Look>,
    queries: Vec<Query>,
    committed: BTreeMap<u32, usize>,
    first_access: BTreeMap<u32, usize>,
    number: u64,
}

/// Plays the drafts, and writes the oracle's books beside.
fn play(drafts: &[Draft], level: Isolation) -> (Script, Model) {
    let mut script = Script { level, ..Script::new() };
    let mut model = Model { number: 2, ..Model::default() };
    for (row, number, value) in [('x', 1, 10), ('y', 2, 20)] {
        let version = Version { number, writer: 0, value: Some(value), written: 0 };
        model.rows.insert(row, vec![version]);
    }
    model.committed.insert(0, 0);
    let mut ended = BTreeSet::new();
    for (clock, draft) in drafts.iter().enumerate() {
        let (transaction, ..) = *draft;
        if ended.contains(&transaction) {
            continue;
        }
        let clock = clock + 1;
        let step = model.step(draft, clock);
        if matches!(step, Step::Commit | Step::Abort) {
            ended.insert(transaction);
        }
        script.step(transaction, &step);
    }
    for transaction in 1..=TRANSACTIONS {
        if !ended.contains(&transaction) && script.lanes.contains_key(&transaction) {
            model.committed.insert(transaction, drafts.len() + 1);
            script.step(transaction, &Step::Commit);
        }
    }
    (script, model)
}

impl Model {
    fn step(&mut self, draft: &Draft, at: usize) -> Step {
        let (transaction, what, row, value, choices) = *draft;
        let row = ROWS[row];
        let versions = |row: &char| self.rows.get(row).map_or(&[][..], Vec::as_slice);
        match what {
            0..=2 => {
                self.access(transaction, at);
                self.number += 1;
                let value = (what > 0).then_some(value);
                let version =
                    Version { number: self.number, writer: transaction, value, written: at };
                self.rows.entry(row).or_default().push(version);
                value.map_or(Step::Delete(row), |value| Step::Write(row, value))
            }
            3 | 4 if !versions(&row).is_empty() => {
                let version = versions(&row)[choices[0] % versions(&row).len()].number;
                self.access(transaction, at);
                self.looks.push(Look { reader: transaction, row, version });
                Step::Read(row, version)
            }
            5 | 6 => {
                let answer: Vec<_> = ROWS
                    .iter()
                    .zip(choices)
                    .filter_map(|(row, choice)| Some((*row, versions(row).get(choice)?.number)))
                    .collect();
                self.access(transaction, at);
                let condition = [Where::All, Where::Is(value), Where::Divisible(value % 3 + 2)];
                let condition = condition[choices[0] % 3];
                for (row, version) in &answer {
                    let (reader, row, version) = (transaction, *row, *version);
                    self.looks.push(Look { reader, row, version });
                }
                let query = Query { reader: transaction, at, condition, answer: answer.clone() };
                self.queries.push(query);
                Step::Search(condition, answer)
            }
            7 if value == 0 => Step::Abort,
            _ => {
                self.committed.insert(transaction, at);
                Step::Commit
            }
        }
    }

    fn access(&mut self, transaction: u32, at: usize) {
        self.first_access.entry(transaction).or_insert(at);
    }

    /// The committed versions of a row, of several in a row by one writer with the last's value; none of
    /// those who only added the row and removed it again.
    fn turns(&self, row: char) -> Vec<(Vec<u64>, Version)> {
        let mut turns: Vec<(Vec<u64>, Version)> = Vec::new();
        for version in &self.rows[&row] {
            if !self.committed.contains_key(&version.writer) {
                continue;
            }
            match turns.last_mut().filter(|(_, it)| it.writer == version.writer) {
                Some((numbers, last)) => {
                    numbers.push(version.number);
                    *last = *version;
                }
                None => turns.push((vec![version.number], *version)),
            }
        }
        let mut was_there = false;
        turns.retain(|(_, last)| {
            let is_there = last.value.is_some();
            std::mem::replace(&mut was_there, is_there) || is_there
        });
        turns
    }

    /// Every edge: from, to, kind.
    fn edges(&self, level: Isolation) -> BTreeSet<(u32, u32, K)> {
        let mut edges = BTreeSet::new();
        for row in self.rows.keys() {
            let turns = self.turns(*row);
            for pair in turns.windows(2) {
                edges.insert((pair[0].1.writer, pair[1].1.writer, K::Overwrites));
            }
            for look in self.looks.iter().filter(|it| it.row == *row) {
                let Some(turn) = turns.iter().position(|it| it.0.contains(&look.version)) else {
                    continue;
                };
                let writer = turns[turn].1.writer;
                edges.insert((writer, look.reader, K::Reads));
                if let Some(next) = turns.get(turn + 1).filter(|_| writer != look.reader) {
                    edges.insert((look.reader, next.1.writer, K::OverwritesRead));
                }
            }
            for query in &self.queries {
                self.predicate_edges(*row, &turns, query, level, &mut edges);
            }
        }
        let is_party = |it: u32| it != 0 && self.committed.contains_key(&it);
        edges.retain(|(from, to, _)| from != to && is_party(*from) && is_party(*to));
        edges
    }

    fn predicate_edges(
        &self,
        row: char,
        turns: &[(Vec<u64>, Version)],
        query: &Query,
        level: Isolation,
        edges: &mut BTreeSet<(u32, u32, K)>,
    ) {
        let answered = query.answer.iter().find(|it| it.0 == row).and_then(|(_, version)| {
            turns.iter().position(|(numbers, _)| numbers.contains(version))
        });
        let mut before = None;
        for (place, (_, version)) in turns.iter().enumerate() {
            let changes = query.condition.holds(before) != query.condition.holds(version.value);
            before = version.value;
            if !changes {
                continue;
            }
            let saw = match answered {
                Some(answered) => place <= answered,
                None => match level {
                    Isolation::ReadUncommitted => version.written < query.at,
                    Isolation::Snapshot => {
                        self.committed[&version.writer] < self.first_access[&query.reader]
                    }
                    _ => self.committed[&version.writer] < query.at,
                },
            };
            edges.insert(if saw {
                (version.writer, query.reader, K::Finds)
            } else {
                (query.reader, version.writer, K::ChangesFound)
            });
        }
    }
}

/// Every circle without a party twice, as the kinds of its edges with their ends.
fn walks(edges: &BTreeSet<(u32, u32, K)>) -> Vec<Vec<(u32, u32, K)>> {
    fn extend(
        edges: &BTreeSet<(u32, u32, K)>,
        path: &mut Vec<(u32, u32, K)>,
        found: &mut Vec<Vec<(u32, u32, K)>>,
    ) {
        let (start, here) = (path[0].0, path[path.len() - 1].1);
        if start == here {
            found.push(path.clone());
            return;
        }
        for edge in edges.iter().filter(|it| it.0 == here) {
            let known = path.iter().any(|it| it.0 == edge.1) && edge.1 != start;
            if edge.1 >= start && !known {
                path.push(*edge);
                extend(edges, path, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    for edge in edges.iter().filter(|it| it.1 >= it.0) {
        extend(edges, &mut vec![*edge], &mut found);
    }
    found
}

/// The phenomena of these edges, by their definitions.
fn named(edges: &BTreeSet<(u32, u32, K)>) -> BTreeSet<Anomaly> {
    let all = walks(edges);
    let anti = |circle: &[(u32, u32, K)]| circle.iter().filter(|it| it.2.is_anti()).count();
    let mut names = BTreeSet::new();
    for circle in &all {
        let has = |kind: K| circle.iter().any(|it| it.2 == kind);
        match anti(circle) {
            0 if !has(K::Reads) && !has(K::Finds) => {
                names.insert(Anomaly::DirtyWrite);
            }
            0 => {
                names.insert(Anomaly::CircularInformationFlow);
            }
            1 => {
                names.insert(Anomaly::ReadSkew);
            }
            _ => {}
        }
        if has(K::ChangesFound) {
            names.insert(Anomaly::Phantom);
        }
    }
    let rows: Vec<_> =
        all.iter().filter(|it| it.iter().all(|it| it.2 != K::ChangesFound)).collect();
    for edge in edges.iter().filter(|it| it.2 == K::OverwritesRead) {
        let mut through = rows.iter().filter(|it| it.contains(edge)).peekable();
        let is_on_some = through.peek().is_some();
        let is_mutual = edges.contains(&(edge.1, edge.0, K::OverwritesRead));
        if is_mutual || is_on_some && through.all(|it| anti(it) > 1) {
            names.insert(Anomaly::WriteSkew);
        }
    }
    names
}

/// Whether the edges hold a circle that all transactions' common level forbids.
fn is_broken(edges: &BTreeSet<(u32, u32, K)>, level: Isolation) -> bool {
    walks(edges).iter().any(|circle| {
        let count = |kind: K| circle.iter().filter(|it| it.2 == kind).count();
        let anti = count(K::OverwritesRead) + count(K::ChangesFound);
        let reads = count(K::Reads) + count(K::Finds);
        match level {
            Isolation::ReadUncommitted => anti == 0 && reads == 0,
            Isolation::ReadCommitted | Isolation::ReadCommittedSnapshot => anti == 0,
            Isolation::RepeatableRead => count(K::ChangesFound) == 0,
            Isolation::Snapshot => anti <= 1,
            Isolation::Serializable => true,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_checker_finds_what_the_oracle_finds(drafts in drafts(), level in 0..6usize) {
        let level = Isolation::ALL[level];
        let (script, model) = play(&drafts, level);
        let edges = model.edges(level);
        let circles = circles(&script.tale.trace);
        let pairs = [Anomaly::ObservedTransactionVanishes, Anomaly::PredicateManyPreceders];
        let found: BTreeSet<_> = circles.cycles.iter().map(|it| it.anomaly).collect();
        let found: BTreeSet<_> = found.into_iter().filter(|it| !pairs.contains(it)).collect();
        prop_assert_eq!(found, named(&edges));
        let breaches = circles.breaches.iter().filter(|it| !pairs.contains(&it.cycle.anomaly));
        prop_assert_eq!(breaches.count() > 0, is_broken(&edges, level));
        for cycle in circles.cycles.iter().chain(circles.breaches.iter().map(|it| &it.cycle)) {
            for (place, edge) in cycle.dependencies.iter().enumerate() {
                let next = (place + 1) % cycle.dependencies.len();
                prop_assert_eq!(edge.to, cycle.dependencies[next].from);
            }
        }
    }
}
