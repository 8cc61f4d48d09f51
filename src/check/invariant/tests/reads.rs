//! What reads of each level may see, and what they may lock.

use crate::check::invariant::tests::{X, broken, changed};
use crate::fault::FaultKind;
use crate::plan::{Hint, Hints, Isolation, StatementKind};
use crate::trace::tale::{Tale, two_sessions, whole};
use crate::trace::{AccessPath, Event, LockResource, RowRead, WriteKind};
use crate::words::{InstanceId, LaneId, LockMode, TableId, TransactionId, Value};

const ENTRY: LockResource =
    LockResource::Key { instance: InstanceId(0), table: TableId(0), index: 0, hash: 7 };

/// A writer and a reader at a level; the acts go between its first read and its end.
struct Stage {
    tale: Tale,
    writer: (LaneId, TransactionId),
    reader: (LaneId, TransactionId),
    level: Isolation,
}

impl Stage {
    fn at(level: Isolation) -> Self {
        let mut tale = Tale::usual();
        tale.load(X, &[("teams", whole(3))]);
        let (ann, bob) = (tale.session("ann"), tale.session("bob"));
        tale.step(ann, "all").step(bob, "all");
        let a = tale.transaction(ann, 0);
        let b = tale.transaction_at(bob, 0, level);
        Self { tale, writer: (ann, a), reader: (bob, b), level }
    }

    fn write(&mut self, number: i64) -> &mut Self {
        let (lane, transaction) = self.writer;
        self.tale.statement(lane, StatementKind::Update, "us/user", transaction);
        self.tale.lock(transaction, X, LockMode::Exclusive);
        self.tale.write(transaction, X, WriteKind::Update, &[("teams", whole(number))]);
        self.tale.statement_ends(lane, None);
        self
    }

    fn commit(&mut self) -> &mut Self {
        let (lane, transaction) = self.writer;
        self.tale.commits(transaction);
        self.writer.1 = self.tale.transaction(lane, 0);
        self
    }

    /// The reader reads this version.
    fn read(&mut self, row_version: u64, writer: Option<TransactionId>) -> &mut Self {
        let (lane, transaction) = self.reader;
        let request = self.tale.statement(lane, StatementKind::Select, "us/user", transaction);
        let read = self.tale.read(request, Some(transaction), X, row_version);
        let level = self.level;
        self.tale.push(Event::RowRead(RowRead { level, writer, ..read }));
        self.tale.statement_ends(lane, None);
        self
    }

    fn told(&mut self) -> String {
        let ((ann, a), (bob, b)) = (self.writer, self.reader);
        self.tale.commits(a).commits(b);
        for lane in [ann, bob] {
            self.tale.answers(lane, Value::Null).done(lane);
        }
        let told = broken(&self.tale);
        told.lines()
            .filter(|it| !it.starts_with("isolation levels"))
            .map(|it| format!("{it}\n"))
            .collect()
    }
}

#[test]
fn a_nolock_read_sees_what_stands_there_and_says_whose_it_is() {
    let at = || Stage::at(Isolation::ReadUncommitted);
    let writer = Some(TransactionId(0));
    assert_eq!(at().write(4).read(2, writer).told(), "");
    assert_eq!(at().write(4).commit().read(2, None).told(), "");
    insta::assert_snapshot!(at().write(4).read(1, None).told(), @r"
    reads see what their level shows: version 1 of us/user/x is read, which is not what stands there (event 12)
    ");
    insta::assert_snapshot!(at().write(4).read(2, None).told(), @r"
    reads see what their level shows: version 2 of us/user/x is read, and the trace does not say that transaction 0 wrote it (event 12)
    ");
    insta::assert_snapshot!(at().write(4).commit().read(2, writer).told(), @r"
    reads see what their level shows: version 2 of us/user/x is read, which is said not to be committed, and is (event 15)
    ");
}

#[test]
fn a_locking_read_sees_the_newest_that_is_committed() {
    for level in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
        assert_eq!(Stage::at(level).read(1, None).told(), "");
        assert_eq!(Stage::at(level).write(4).commit().read(2, None).told(), "");
        let stale = Stage::at(level).write(4).commit().read(1, None).told();
        assert!(stale.contains("which is not the newest that is committed"), "{stale}");
        let dirty = Stage::at(level).write(4).read(2, Some(TransactionId(0))).told();
        assert!(dirty.contains("which transaction 0 has not committed"), "{dirty}");
        let said = Stage::at(level).read(1, Some(TransactionId(0))).told();
        assert!(said.contains("which is said not to be committed, and is"), "{said}");
    }
}

#[test]
fn what_was_written_over_or_taken_back_is_never_read_as_committed() {
    let at = || Stage::at(Isolation::ReadCommitted);
    insta::assert_snapshot!(at().write(4).write(5).commit().read(2, None).told(), @r"
    reads see what their level shows: version 2 of us/user/x is read, which transaction 0 wrote over before it was committed (event 19)
    ");

    let taken_back = |row_version| {
        let mut stage = at();
        stage.write(4).write(5);
        let (lane, transaction) = stage.writer;
        stage.tale.statement(lane, StatementKind::Update, "us/user", transaction);
        stage.tale.write(transaction, X, WriteKind::Update, &[("teams", whole(6))]);
        stage.tale.undoes(transaction);
        stage.tale.statement_ends(lane, Some(FaultKind::LockTimeout));
        stage.commit().read(row_version, None).told()
    };
    assert_eq!(taken_back(3), "");
    insta::assert_snapshot!(taken_back(4), @r"
    reads see what their level shows: version 4 of us/user/x is read, which a statement of transaction 0 took back (event 24)
    ");
}

#[test]
fn the_reads_of_a_snapshot_are_of_one_moment() {
    let at = || Stage::at(Isolation::Snapshot);
    assert_eq!(at().read(1, None).write(4).commit().read(1, None).told(), "");
    assert_eq!(at().write(4).commit().read(2, None).told(), "");
    // A snapshot at the instant of the statement.
    insta::assert_snapshot!(at().read(1, None).write(4).commit().read(2, None).told(), @r"
    reads see what their level shows: version 2 of us/user/x is read, which is of another moment than its snapshot (event 18)
    ");
    // One that is older than the transaction.
    insta::assert_snapshot!(at().write(4).commit().read(1, None).told(), @r"
    reads see what their level shows: version 1 of us/user/x is read, which is of another moment than its snapshot (event 15)
    ");
}

#[test]
fn a_statement_that_is_taken_back_leaves_its_transaction_as_it_was() {
    let undone = |change: fn(&mut Event) -> bool| {
        let mut stage = Stage::at(Isolation::ReadCommitted);
        stage.write(4);
        let (lane, transaction) = stage.writer;
        stage.tale.statement(lane, StatementKind::Update, "us/user", transaction);
        stage.tale.write(transaction, X, WriteKind::Update, &[("teams", whole(5))]);
        stage.tale.undoes(transaction);
        stage.tale.statement_ends(lane, Some(FaultKind::LockTimeout));
        stage.tale = changed(stage.tale, change);
        stage.write(6).told()
    };
    assert_eq!(undone(|_| true), "");
    insta::assert_snapshot!(undone(|it| match it {
        Event::RowRestored { row_version, .. } => {
            *row_version = 1;
            true
        }
        _ => false,
    }), @r"
    a rollback restores every row: transaction 0 restores us/user/x to version 1, and had version 2 (event 14)
    row versions ascend: a write replaces version 2 of us/user/x, which has version 1 (event 18)
    ");

    let mut stage = Stage::at(Isolation::ReadCommitted);
    stage.write(4);
    let (lane, transaction) = stage.writer;
    let request = stage.tale.statement(lane, StatementKind::Update, "us/user", transaction);
    stage.tale.write(transaction, X, WriteKind::Update, &[("teams", whole(5))]);
    stage.tale.push(Event::StatementUndone { transaction, request }).statement_ends(lane, None);
    insta::assert_snapshot!(stage.told(), @r"
    a rollback restores every row: the rollback of request 1 of transaction 0 misses us/user/x (event 13)
    ");
}

#[test]
fn who_reads_versions_or_nothing_committed_locks_nothing() {
    let select = |level, hints: Hints, lock: Option<LockResource>| {
        let mut tale = Tale::usual();
        let t1 = tale.session("t1");
        tale.step(t1, "read");
        let a = tale.transaction_at(t1, 0, level);
        tale.hinted_statement(t1, StatementKind::Select, "us/user", a, hints);
        if let Some(lock) = lock {
            tale.locks(a, lock, LockMode::Shared);
        }
        let level = hints.level(level);
        tale.has_searched(t1, "us/user", None, (level, AccessPath::Scan), (0, 0));
        tale.statement_ends(t1, None).answers(t1, Value::Null);
        tale.commits(a).done(t1);
        broken(&tale)
    };
    let table = LockResource::Table { instance: InstanceId(0), table: TableId(0) };
    let hinted = |hint| Hints::NONE.with(hint);
    assert_eq!(select(Isolation::Snapshot, Hints::NONE, Some(table)), "");
    assert_eq!(select(Isolation::ReadCommitted, Hints::NONE, Some(ENTRY)), "");
    assert_eq!(select(Isolation::Snapshot, hinted(Hint::UpdLock), Some(ENTRY)), "");
    let default = Isolation::default();
    assert_eq!(select(default, hinted(Hint::HoldLock), Some(ENTRY)), "");
    insta::assert_snapshot!(select(default, Hints::NONE, Some(ENTRY)), @r"
    reads of versions take no locks: request 0 only reads, without locks, and transaction 0 locks an entry of us/user's index number 0 for it (event 4)
    ");
    let nolock = select(Isolation::RepeatableRead, hinted(Hint::NoLock), Some(ENTRY));
    insta::assert_snapshot!(nolock, @r"
    reads of versions take no locks: request 0 only reads, without locks, and transaction 0 locks an entry of us/user's index number 0 for it (event 4)
    ");
}

#[test]
fn two_sessions_break_no_promise() {
    assert_eq!(broken(&two_sessions()), "");
}
