//! Sessions of the kernel's database on one thread, which take turns.

use std::collections::VecDeque;

use multiverse::engine::database::{Assigned, TransactionRef, Writing, Wrote};
use multiverse::words::Value;

use super::instance::{Instance, Keyed, TEST, caller};
use super::{Draw, NUMBER, Order, UPDATES, row_id};

/// One session: what it is about to do.
struct Session {
    transaction: TransactionRef,
    rows: [u64; UPDATES],
    done: usize,
    writing: Writing,
}

/// When the database learns which rows a transaction will update.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// All of them at its beginning, as those of an UpdateMultiple, and as the bare bound does.
    Together,
    /// Each with its update.
    RowByRow,
}

/// What every session does.
#[derive(Clone, Copy)]
pub struct Work {
    /// Among how many rows it draws.
    pub rows: u64,
    pub order: Order,
    pub notice: Notice,
}

/// Sessions that each update ten rows in a transaction, again and again, an update a turn. A
/// deadlock's victim begins with new rows.
pub struct Sessions {
    pub instance: Instance,
    sessions: Vec<Session>,
    ready: VecDeque<u32>,
    draw: Draw,
    work: Work,
    /// How many transactions were rolled back as victims.
    pub deadlocks: u64,
}

impl Sessions {
    pub fn new(count: u32, work: Work) -> Self {
        Self::on(Instance::of(work.rows, Keyed::No), count, work)
    }

    /// The same, on an instance that has the rows.
    pub fn on(instance: Instance, count: u32, work: Work) -> Self {
        let (sessions, ready) = (Vec::new(), (0..count).collect());
        let draw = Draw::of(0);
        let mut it = Self { instance, sessions, ready, draw, work, deadlocks: 0 };
        for _ in 0..count {
            let session = it.fresh();
            it.sessions.push(session);
        }
        it
    }

    fn fresh(&mut self) -> Session {
        let rows = self.draw.rows(self.work.rows, self.work.order);
        if self.work.notice == Notice::Together {
            let ids = rows.iter().map(|row| (TEST, row_id(*row)));
            self.instance.database.expect(ids);
        }
        Session { transaction: self.instance.begin(), rows, done: 0, writing: Writing::default() }
    }

    /// Goes on until so many more transactions are committed.
    pub fn run(&mut self, commits: u64) {
        let mut committed = 0;
        let mut values = [(NUMBER, Assigned::Value(Value::Whole(2)))];
        while committed < commits {
            let number = self.ready.pop_front().expect("somebody can go on");
            let session = &mut self.sessions[number as usize];
            if session.done == UPDATES {
                self.instance.commit(session.transaction);
                self.instance.forget_trace();
                committed += 1;
                self.sessions[number as usize] = self.fresh();
                self.ready.push_back(number);
            } else {
                let caller = caller(session.transaction, number);
                let row = row_id(session.rows[session.done]);
                let wrote = self.instance.update(&caller, row, &mut values, &mut session.writing);
                if let Wrote::Row(_) = wrote {
                    session.done += 1;
                    self.ready.push_back(number);
                }
            }
            self.settle();
        }
    }

    /// Lets those go on whose waits have ended.
    fn settle(&mut self) {
        self.instance.search_deadlocks();
        let mut awakened = self.instance.database.take_awakened();
        for awakening in awakened.drain(..) {
            let number = awakening.waiter.0;
            if awakening.fault.is_some() {
                self.deadlocks += 1;
                self.instance.roll_back(self.sessions[number as usize].transaction);
                self.sessions[number as usize] = self.fresh();
                // It takes its time to try again, else it would meet the same neighbours at once.
                self.ready.push_back(number);
            } else {
                self.ready.push_front(number);
            }
        }
        self.instance.database.keep_room(awakened);
    }
}
