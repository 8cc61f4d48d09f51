//! Histories in the notation of the literature, and what is found in them.

mod large;
mod levels;
mod mixed;
mod oracle;
mod stories;

use std::collections::BTreeMap;

use crate::check::History;
use crate::check::dependency::Circles;
use crate::fault::FaultKind;
use crate::plan::{Isolation, Message};
use crate::trace::tale::{Tale, whole};
use crate::trace::{AccessPath, Event, RowRead, RowsSelected, Trace, WriteKind};
use crate::words::{
    BinaryOperator, Expression, InstanceId, LaneId, Name, RequestId, TableId, TransactionId,
};

/// A condition on a row's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Every row.
    All,
    /// The number is this.
    Is(i64),
    /// The number is divisible by this.
    Divisible(i64),
}

impl Where {
    fn filter(self) -> Option<Expression> {
        use BinaryOperator as O;
        let literal = |number| Box::new(Expression::Literal(whole(number)));
        let column = Box::new(Expression::Column(Name::from("teams")));
        match self {
            Self::All => None,
            Self::Is(number) => Some(Expression::Binary(O::Equal, column, literal(number))),
            Self::Divisible(by) => {
                let rest = Expression::Binary(O::Remainder, column, literal(by));
                Some(Expression::Binary(O::Equal, Box::new(rest), literal(0)))
            }
        }
    }

    fn holds(self, number: Option<i64>) -> bool {
        number.is_some_and(|number| match self {
            Self::All => true,
            Self::Is(it) => number == it,
            Self::Divisible(by) => number % by == 0,
        })
    }
}

/// One thing that a transaction does.
#[derive(Clone, Debug)]
enum Step {
    /// Writes a number, inserting the row where it is missing.
    Write(char, i64),
    /// Deletes a row.
    Delete(char),
    /// Reads the version of a row with this number.
    Read(char, u64),
    /// Begins to search.
    Begin,
    /// Searches, or goes on with it to the end, and is answered these versions.
    Search(Where, Vec<(char, u64)>),
    Commit,
    Abort,
}

/// A tale of numbered transactions over the rows x and y, which hold 10 and 20, and others that
/// are not there yet.
struct Script {
    tale: Tale,
    lanes: BTreeMap<u32, (LaneId, TransactionId)>,
    /// The versions that each transaction gave each row.
    versions: BTreeMap<(char, u32), Vec<u64>>,
    /// The last row version.
    version: u64,
    /// Whether each row is there, as its last writer left it.
    there: BTreeMap<char, bool>,
    /// How many runs share the transactions.
    lane_count: u32,
    /// The searches that have begun.
    searching: BTreeMap<LaneId, RequestId>,
    /// The level of every transaction, and of every read that names no other.
    level: Isolation,
}

fn place(row: char) -> String {
    format!("us/user/{row}")
}

impl Script {
    fn new() -> Self {
        let mut tale = Tale::usual();
        tale.load(&place('x'), &[("teams", whole(10))]);
        tale.load(&place('y'), &[("teams", whole(20))]);
        let versions = [(('x', 0), vec![1]), (('y', 0), vec![2])];
        Self {
            tale,
            lanes: BTreeMap::new(),
            versions: versions.into(),
            version: 2,
            there: [('x', true), ('y', true)].into(),
            lane_count: u32::MAX,
            searching: BTreeMap::new(),
            level: Isolation::default(),
        }
    }

    /// The lane and transaction of a number, begun when it is first named.
    fn transaction(&mut self, number: u32) -> (LaneId, TransactionId) {
        if let Some(known) = self.lanes.get(&number) {
            return *known;
        }
        let shared = self.lanes.get(&(number % self.lane_count)).map(|it| it.0);
        let lane = shared.unwrap_or_else(|| self.tale.begins(&format!("T{number}")));
        let begun = (lane, self.tale.transaction_at(lane, 0, self.level));
        self.lanes.insert(number, begun);
        begun
    }

    fn step(&mut self, number: u32, step: &Step) {
        let (lane, transaction) = self.transaction(number);
        let next = self.tale.trace.entries.len();
        self.tale.at(u64::try_from(next).unwrap());
        match step {
            Step::Write(row, value) => {
                let place = place(*row);
                let (message, kind) = match self.there.insert(*row, true) {
                    Some(true) => (Message::Update, WriteKind::Update),
                    _ => (Message::Create, WriteKind::Insert),
                };
                self.tale.request(lane, message, &place, Some(transaction));
                self.tale.write(transaction, &place, kind, &[("teams", whole(*value))]);
                self.wrote(*row, number);
            }
            Step::Delete(row) => {
                self.tale.request(lane, Message::Delete, &place(*row), Some(transaction));
                self.tale.write(transaction, &place(*row), WriteKind::Delete, &[]);
                self.there.insert(*row, false);
                self.wrote(*row, number);
            }
            Step::Read(row, version) => {
                let place = place(*row);
                let request = self.tale.request(lane, Message::Retrieve, &place, Some(transaction));
                self.read(request, Some(transaction), (*row, *version));
            }
            Step::Begin => {
                let message = Message::RetrieveMultiple;
                let request = self.tale.request(lane, message, &place('x'), Some(transaction));
                self.searching.insert(lane, request);
                return;
            }
            Step::Search(condition, answer) => {
                self.search(lane, Some(transaction), *condition, answer);
            }
            Step::Commit => {
                self.tale.commits(transaction);
                return;
            }
            Step::Abort => {
                self.tale.rolls_back(transaction, FaultKind::PlugInAborted);
                return;
            }
        }
        self.tale.end(lane, None);
    }

    fn wrote(&mut self, row: char, number: u32) {
        self.version += 1;
        self.versions.entry((row, number)).or_default().push(self.version);
    }

    fn search(
        &mut self,
        lane: LaneId,
        transaction: Option<TransactionId>,
        condition: Where,
        answer: &[(char, u64)],
    ) {
        let begun = self.searching.remove(&lane);
        let request = begun.unwrap_or_else(|| {
            self.tale.request(lane, Message::RetrieveMultiple, &place('x'), transaction)
        });
        for answered in answer {
            self.read(request, transaction, *answered);
        }
        let matched = u32::try_from(answer.len()).unwrap();
        self.tale.push(Event::RowsSelected(RowsSelected {
            request,
            transaction,
            instance: InstanceId(0),
            table: TableId(0),
            filter: condition.filter(),
            level: self.level,
            access: AccessPath::Scan,
            examined: matched,
            matched,
            whole: true,
            link: None,
            answered: None,
        }));
    }

    fn read(
        &mut self,
        request: RequestId,
        transaction: Option<TransactionId>,
        (row, row_version): (char, u64),
    ) {
        let read = self.tale.read(request, transaction, &place(row), row_version);
        self.tale.push(Event::RowRead(RowRead { level: self.level, ..read }));
    }

    /// The last version that a transaction gave a row, or its first for `x1a`.
    fn version_of(&self, text: &str) -> (char, u64) {
        let row = text.chars().next().unwrap();
        let first = text.strip_suffix('a');
        let number = first.unwrap_or(text)[1..].parse().unwrap();
        let versions = &self.versions[&(row, number)];
        let version = if first.is_some() { versions.first() } else { versions.last() };
        (row, *version.unwrap())
    }
}

/// A history: `w1(x,11)` writes, `d1(x)` deletes, `r1(x0)` reads what transaction 0 (the
/// beginning) wrote, `r1(x2a)` what transaction 2 wrote there first, `s1(%3:x0,z2)` searches for
/// what is divisible by 3 and is answered two rows, `s1(=30:)` and `s1(*:x0,y0)` likewise (`b1`
/// before it begins the search earlier), `c1` commits, `a1` rolls back. `@ru`, `@rc`, `@rcs`,
/// `@rr`, `@s` and `@sr` stand before what is read at another level from there on.
fn history(text: &str) -> Trace {
    history_at(text, Isolation::default())
}

/// The same with every transaction at this level.
fn history_at(text: &str, level: Isolation) -> Trace {
    let mut script = Script { level, ..Script::new() };
    for word in text.split_whitespace() {
        if let Some(level) = word.strip_prefix('@') {
            script.level = named_level(level);
            continue;
        }
        let (verb, rest) = word.split_at(1);
        let (number, inner) = rest.split_once('(').unwrap_or((rest, ""));
        let inner = inner.trim_end_matches(')');
        let row = inner.chars().next();
        let step = match verb {
            "w" => Step::Write(row.unwrap(), inner[2..].parse().unwrap()),
            "d" => Step::Delete(row.unwrap()),
            "r" => {
                let (row, version) = script.version_of(inner);
                Step::Read(row, version)
            }
            "s" => {
                let (condition, answer) = inner.split_once(':').unwrap();
                let (sign, number) = condition.split_at(1);
                let condition = match sign {
                    "*" => Where::All,
                    "=" => Where::Is(number.parse().unwrap()),
                    _ => Where::Divisible(number.parse().unwrap()),
                };
                let answer = answer.split(',').filter(|it| !it.is_empty());
                let answer = answer.map(|it| script.version_of(it)).collect();
                Step::Search(condition, answer)
            }
            "b" => Step::Begin,
            "c" => Step::Commit,
            _ => Step::Abort,
        };
        script.step(number.parse().unwrap(), &step);
    }
    script.tale.trace
}

fn named_level(initials: &str) -> Isolation {
    match initials {
        "ru" => Isolation::ReadUncommitted,
        "rc" => Isolation::ReadCommitted,
        "rr" => Isolation::RepeatableRead,
        "s" => Isolation::Snapshot,
        "sr" => Isolation::Serializable,
        _ => Isolation::ReadCommittedSnapshot,
    }
}

/// The circles of a trace.
fn circles(trace: &Trace) -> Circles {
    Circles::of(&History::of(trace))
}

/// What is found in a history, one a line.
fn found(text: &str) -> String {
    let trace = history(text);
    let history = History::of(&trace);
    let cycles = Circles::of(&history).cycles;
    cycles.iter().map(|it| format!("{}: {}\n", it.anomaly.name(), it.told(&history))).collect()
}
