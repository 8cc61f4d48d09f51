//! Random small histories: a table of a few rows, a few sessions with a few statements each, and
//! the order in which they come.
//!
//! Everything is drawn from one number, so a history that fails is found again by its number.

use multiverse::plan::{
    Actor, ActorKind, Assignment, Column, Hints, Index, Instance, Isolation, Location, Locking,
    Plan, Program, RowGroup, Schedule, Selection, Session, SessionStep, Statement, Step, StepRef,
    Table, Verb,
};
use multiverse::words::{
    ActorId, BinaryOperator, ColumnId, ColumnType, Expression, InstanceId, Name, ProgramId,
    SimInstant, TableId, Value,
};

/// The rows that there may be; the first two are there from the beginning.
pub const ROWS: [&str; 4] = ["one", "two", "three", "four"];

/// What the first rows hold at the beginning.
pub const VALUES: [i64; 2] = [10, 20];

/// A small generator (SplitMix64): the same numbers everywhere.
pub struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("a small number")
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// Which rows a statement means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Where {
    All,
    Row(usize),
    Rows(usize, usize),
    Is(i64),
    AtLeast(i64),
    Divisible(i64),
}

impl Where {
    /// Whether a row of this value is meant.
    pub fn holds(self, row: usize, value: i64) -> bool {
        match self {
            Self::All => true,
            Self::Row(it) => row == it,
            Self::Rows(a, b) => row == a || row == b,
            Self::Is(it) => value == it,
            Self::AtLeast(it) => value >= it,
            Self::Divisible(by) => value % by == 0,
        }
    }

    fn expression(self) -> Option<Expression> {
        let column = || Expression::Column(Name::from("value"));
        let whole = |it| Expression::Literal(Value::Whole(it));
        let name = |row: usize| Expression::Literal(Value::text(ROWS[row]));
        Some(match self {
            Self::All => return None,
            Self::Row(row) => binary(BinaryOperator::Equal, Expression::RowName, name(row)),
            Self::Rows(a, b) => {
                let list = Expression::List(vec![name(a), name(b)]);
                binary(BinaryOperator::In, Expression::RowName, list)
            }
            Self::Is(it) => binary(BinaryOperator::Equal, column(), whole(it)),
            Self::AtLeast(it) => binary(BinaryOperator::GreaterOrEqual, column(), whole(it)),
            Self::Divisible(by) => {
                let rest = binary(BinaryOperator::Remainder, column(), whole(by));
                binary(BinaryOperator::Equal, rest, whole(0))
            }
        })
    }
}

/// What an update sets the value to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    To(i64),
    More(i64),
}

impl Set {
    pub const fn of(self, value: i64) -> i64 {
        match self {
            Self::To(it) => it,
            Self::More(it) => value + it,
        }
    }

    fn expression(self) -> Expression {
        match self {
            Self::To(it) => Expression::Literal(Value::Whole(it)),
            Self::More(it) => {
                let column = Expression::Column(Name::from("value"));
                binary(BinaryOperator::Add, column, Expression::Literal(Value::Whole(it)))
            }
        }
    }
}

/// One step of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Select(Where),
    Insert(usize, i64),
    Update(Where, Set),
    Delete(Where),
    Commit,
    Rollback,
}

/// A history about to happen.
#[derive(Debug)]
pub struct History {
    /// What each session does.
    pub sessions: Vec<Vec<Act>>,
    /// At which level each of them does it.
    pub levels: Vec<Isolation>,
    pub plan: Plan,
}

/// The history of this number. All sessions run at `level`; without one each draws its own.
pub fn history(number: u64, level: Option<Isolation>) -> History {
    let mut draw = Draw(number);
    let count = draw.of(&[2, 2, 2, 3, 3, 4]);
    let simple = draw.one_in(3);
    let sessions: Vec<_> = (0..count).map(|session| acts(&mut draw, session, simple)).collect();
    let levels: Vec<_> =
        (0..count).map(|_| level.unwrap_or_else(|| draw.of(&Isolation::ALL))).collect();
    // Without an order the sessions begin at drawn times.
    let order = if draw.one_in(3) { Vec::new() } else { interleaving(&mut draw, &sessions) };
    let plan = plan(&mut draw, &sessions, &levels, &order);
    History { sessions, levels, plan }
}

fn acts(draw: &mut Draw, session: usize, simple: bool) -> Vec<Act> {
    let count = 1 + draw.below(if simple { 3 } else { 4 });
    // Values that a reader can tell apart.
    let fresh = |draw: &mut Draw| {
        let session = i64::try_from(session).expect("few sessions");
        30 + session * 30 + i64::try_from(draw.below(10)).expect("a small number") * 3
    };
    let mut acts: Vec<_> = (0..count)
        .map(|_| match draw.below(if simple { 6 } else { 12 }) {
            0 | 1 => Act::Select(Where::Row(draw.below(2))),
            2 => Act::Select(condition(draw)),
            3 | 4 => Act::Update(Where::Row(draw.below(2)), Set::To(fresh(draw))),
            5 => Act::Update(Where::Row(draw.below(2)), Set::More(1)),
            6 => Act::Select(Where::All),
            7 => Act::Insert(2 + draw.below(2), fresh(draw)),
            8 => Act::Update(condition(draw), Set::More(draw.of(&[1, 10]))),
            9 => Act::Delete(condition(draw)),
            10 => Act::Select(Where::Rows(0, 1)),
            _ => Act::Update(condition(draw), Set::To(fresh(draw))),
        })
        .collect();
    acts.push(if draw.one_in(8) { Act::Rollback } else { Act::Commit });
    acts
}

fn condition(draw: &mut Draw) -> Where {
    match draw.below(6) {
        0 => Where::Row(draw.below(4)),
        1 => Where::Is(draw.of(&[10, 20, 30])),
        2 => Where::AtLeast(draw.of(&[15, 20, 30])),
        3 => Where::Divisible(3),
        4 => Where::Divisible(5),
        _ => Where::All,
    }
}

/// The sessions' steps, one after the other, in a drawn order that keeps each session's own.
fn interleaving(draw: &mut Draw, sessions: &[Vec<Act>]) -> Vec<usize> {
    let mut left: Vec<_> = sessions.iter().map(Vec::len).collect();
    let mut order = Vec::new();
    while left.iter().any(|it| *it > 0) {
        let session = draw.below(left.len());
        if left[session] > 0 {
            left[session] -= 1;
            order.push(session);
        }
    }
    order
}

fn plan(draw: &mut Draw, sessions: &[Vec<Act>], levels: &[Isolation], order: &[usize]) -> Plan {
    let mut plan = Plan::empty("A random history");
    let table = TableId(0);
    let value = Column { name: Name::from("value"), kind: ColumnType::Whole };
    plan.tables.push(Table {
        indexes: if draw.one_in(2) {
            vec![Index { name: Name::from("by value"), columns: vec![ColumnId(0)] }]
        } else {
            Vec::new()
        },
        ..Table::new(Name::from("test"), vec![value])
    });
    plan.instances.push(Instance {
        locking: if draw.one_in(4) { Locking::Optimized } else { Locking::Classic },
        ..Instance::new(Name::from("db"), vec![table])
    });
    for (name, value) in ROWS.iter().zip(VALUES) {
        plan.rows.push(RowGroup {
            instance: InstanceId(0),
            table,
            count: 1,
            name: Some(Expression::Literal(Value::text(name))),
            set: vec![(ColumnId(0), Expression::Literal(Value::Whole(value)))],
            at: Location::default(),
        });
    }
    for (number, (acts, level)) in sessions.iter().zip(levels).enumerate() {
        add_session(&mut plan, number, acts, *level);
    }
    let mut next = vec![0_u16; sessions.len()];
    for session in order {
        let actor = ActorId(u32::try_from(*session).expect("few sessions"));
        plan.order.push(StepRef { actor, step: next[*session] });
        next[*session] += 1;
    }
    if order.is_empty() {
        for actor in &mut plan.actors {
            let micros = u64::try_from(draw.below(40)).expect("a small number") * 700;
            actor.schedule.first = SimInstant(micros);
        }
    }
    plan
}

fn add_session(plan: &mut Plan, number: usize, acts: &[Act], level: Isolation) {
    let name = Name::from(format!("t{}", number + 1));
    let mut steps = Vec::new();
    for (position, act) in acts.iter().enumerate() {
        let program = ProgramId(u32::try_from(plan.programs.len()).expect("few programs"));
        let statement = Verb::Statement(statement(*act), None);
        plan.programs.push(Program {
            name: name.clone(),
            home: Some(InstanceId(0)),
            steps: vec![Step { at: Location::default(), verb: statement }],
        });
        steps.push(SessionStep {
            label: Name::from(format!("s{}", position + 1)),
            program,
            at: Location::default(),
        });
    }
    let session = Session {
        instance: InstanceId(0),
        isolation: Some(level),
        lock_timeout: None,
        deadlock_priority: 0,
        steps,
    };
    plan.actors.push(Actor {
        name,
        kind: ActorKind::Session(session),
        home: Some(InstanceId(0)),
        user: None,
        count: 1,
        schedule: Schedule { first: SimInstant::START, every: None, until: None },
        program: ProgramId(0),
        with: Vec::new(),
        at: Location::default(),
    });
}

fn statement(act: Act) -> Statement {
    let table = TableId(0);
    let set = |value: Expression| vec![Assignment { column: ColumnId(0), value }];
    match act {
        Act::Select(rows) => {
            let filter = rows.expression();
            Statement::Select(Box::new(Selection { filter, ..Selection::of(table) }))
        }
        Act::Insert(row, value) => Statement::Insert {
            table,
            row: Some(Expression::Literal(Value::text(ROWS[row]))),
            set: set(Expression::Literal(Value::Whole(value))),
        },
        Act::Update(rows, value) => Statement::Update {
            table,
            filter: rows.expression(),
            set: set(value.expression()),
            hints: Hints::NONE,
        },
        Act::Delete(rows) => {
            Statement::Delete { table, filter: rows.expression(), hints: Hints::NONE }
        }
        Act::Commit => Statement::Commit,
        Act::Rollback => Statement::Rollback,
    }
}

fn binary(operator: BinaryOperator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}
