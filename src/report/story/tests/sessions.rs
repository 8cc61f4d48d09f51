//! Stories of sessions: steps, statements, what reads found and what became of it.

use crate::check::verdict;
use crate::fault::FaultKind;
use crate::plan::{Hint, Hints, Isolation, Message, Plan, StatementKind};
use crate::report::story::tests::told;
use crate::report::{StoryOptions, Verbosity, story};
use crate::trace::tale::{Tale, as_read, two_sessions, whole};
use crate::trace::{AccessPath, Disturbance, Event, LockResource, RollbackReason, WriteKind};
use crate::words::{LockMode, Value};

/// The lines of a story between its verdict and its end.
fn lines(tale: &Tale) -> String {
    let verdict = verdict(&Plan::empty(""), &tale.trace);
    let text = told(tale, &verdict, 100);
    let (_, lines) = text.split_once("\n\n").unwrap();
    let (_, lines) = lines.split_once("\n\n").unwrap();
    lines.to_owned()
}

#[test]
fn a_reader_behind_a_writer_is_told_step_by_step() {
    insta::assert_snapshot!(lines(&two_sessions()), @r"
     0 ms  t1  begins a transaction in us at read committed
     1 ms      write: updates us/user/one: teams 10 → 11
     6 ms  t2  begins a transaction in us at read committed
     6 ms      read: selects us/user where teams < 20
     6 ms        ▒ waits for us/user/one, held by t1
     9 ms  t1  commits
     9 ms  t2    gets us/user/one after 3 ms
     9 ms        finds 1 row [one {teams: 11}] (scans 2 rows)
    11 ms      commits
    11 ms  t1  ✓ done
    11 ms  t2  ✓ done
    ");
}

#[test]
fn a_verbose_story_of_sessions_tells_every_event() {
    let tale = two_sessions();
    let verdict = verdict(&Plan::empty(""), &tale.trace);
    let options = StoryOptions { verbosity: Verbosity::Verbose, ..StoryOptions::default() };
    insta::assert_snapshot!(story(&tale.trace, &verdict, &options), @r"
    A reader behind a writer
    tale.yaml · seed 0 · 11 ms simulated

    ✓ Nothing was expected. One wait: t2, 3 ms for us/user/one, held by t1.

     0   0 ms      us/user/one is loaded as version 1: teams = 10
     1   0 ms      us/user/two is loaded as version 2: teams = 20
     2   0 ms  t1  t1 begins
     3   0 ms  t2  t2 begins
     4   0 ms  t1  step write begins
     5   0 ms      begins a transaction in us at read committed
     6   0 ms      write: updates us/user
     7   0 ms        transaction 0 holds us/user/one, exclusive
     8   1 ms        us/user/one is updated: teams 10 → 11
     9   6 ms      request 0 ends
    10   6 ms      step 1 ends, answered 1
    11   6 ms  t2  step read begins
    12   6 ms      begins a transaction in us at read committed
    13   6 ms      read: selects us/user where teams < 20
    14   6 ms        ▒ waits for us/user/one, held by t1
    15   6 ms  t1  step commit begins
    16   9 ms      commits
    17   9 ms      transaction 0 releases its locks, 1 in all
    18   9 ms  t2    gets us/user/one after 3 ms
    19   9 ms        transaction 1 holds us/user/one, shared
    20   9 ms  t1  step 2 ends
    21   9 ms  t2    version 3 of us/user/one is read at read committed
    22   9 ms        transaction 1 releases us/user/one
    23   9 ms        1 of 2 rows of us/user match at read committed
    24  11 ms      request 1 ends
    25  11 ms      step 1 ends, answered [one {teams: 11}]
    26  11 ms      step commit begins
    27  11 ms      commits
    28  11 ms      transaction 1 releases its locks, 0 in all
    29  11 ms      step 2 ends
    30  11 ms  t1  ✓ done
    31  11 ms  t2  ✓ done
    ");
}

/// A session at read uncommitted reads what another then rolls back.
fn dirty() -> Tale {
    let mut tale = Tale::usual();
    let [one, two] = ["us/user/one", "us/user/two"];
    tale.load(one, &[("teams", whole(10))]).load(two, &[("teams", whole(20))]);
    let (t1, t2) = (tale.session("t1"), tale.session("t2"));
    tale.step(t1, "write");
    let a = tale.transaction(t1, 0);
    tale.statement(t1, StatementKind::Update, "us/user", a);
    for row in [one, two] {
        tale.lock(a, row, LockMode::Exclusive);
        tale.write(a, row, WriteKind::Update, &[("teams", whole(99))]);
    }
    tale.statement_ends(t1, None).answers(t1, whole(2)).at(4).step(t2, "look");
    let level = Isolation::ReadUncommitted;
    let b = tale.transaction_at(t2, 0, level);
    let request = tale.statement(t2, StatementKind::Select, "us/user", b);
    tale.looks_at(t2, one, level, Some(a)).looks_at(t2, two, level, Some(a));
    tale.has_searched(t2, "us/user", None, (level, AccessPath::Scan), (2, 2));
    let rows = [one, two].map(|it| as_read(&mut tale, it));
    tale.statement_ends(t2, None).answers(t2, Value::List(rows.into())).at(9).step(t1, "undo");
    tale.push(Event::RolledBack { transaction: a, reason: RollbackReason::Asked });
    tale.restores_all(a);
    let (instance, table, row) = tale.key(one);
    tale.push(Event::DirtyReadUndone { request, transaction: a, instance, table, row });
    tale.releases(a).answers(t1, Value::Null).step(t2, "commit").commits(b);
    tale.answers(t2, Value::Null).done(t1).done(t2);
    tale
}

#[test]
fn a_dirty_read_is_told_and_so_is_what_became_of_it() {
    let tale = dirty();
    insta::assert_snapshot!(told(&tale, &verdict(&Plan::empty(""), &tale.trace), 100), @r"
    A tale
    tale.yaml · seed 0 · 9 ms simulated

    ✓ Nothing was expected. t2 read us/user/one as written by t1, which was rolled back.

    0 ms  t1  begins a transaction in us
    0 ms      write: updates us/user/one: teams 10 → 99
    0 ms        us/user/two is updated: teams 20 → 99
    4 ms  t2  begins a transaction in us at read uncommitted
    4 ms      look: selects us/user: 2 rows [one {teams: 99}, two {teams: 99}], among them us/user/one
              (not committed yet, written by t1) and 1 more like it
    9 ms  t1  undo: rolled back as asked: us/user/one is as before, and 1 more row is restored
    9 ms  t2  learns that what it read of us/user/one was rolled back with t1
    9 ms      commits
    9 ms  t1  ✓ done
    9 ms  t2  ✓ done
    ");
}

#[test]
fn a_platform_read_with_nolock_says_so() {
    let mut tale = Tale::usual();
    tale.load("us/user/one", &[("teams", whole(10))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let a = tale.transaction(ann, 0);
    tale.writes(a, "us/user/one", &[("teams", whole(11))]);
    let level = Isolation::ReadUncommitted;
    tale.request(bob, Message::Retrieve, "us/user/one", None);
    tale.looks_at(bob, "us/user/one", level, Some(a)).end(bob, None);
    tale.request(bob, Message::RetrieveMultiple, "us/user/one", None);
    tale.looks_at(bob, "us/user/one", level, Some(a));
    let seek = AccessPath::Seek { index: 0, covering: false };
    tale.has_searched(bob, "us/user", None, (level, seek), (4, 1)).end(bob, None);
    tale.trace.header.tables[0].indexes.push("by teams".into());
    tale.done(bob).commits(a).done(ann);
    insta::assert_snapshot!(lines(&tale), @r"
    0 ms  ann  begins a transaction in us
    0 ms       updates us/user/one: teams 10 → 11
    0 ms  bob  reads us/user/one with nolock (not committed yet, written by ann)
    0 ms       queries us/user/one with nolock: 1 row (seeks by teams, 4 entries), among them
               us/user/one (not committed yet, written by ann)
    0 ms       ✓ done
    0 ms  ann  commits
    0 ms       ✓ done
    ");
}

#[test]
fn a_scan_that_rows_move_under_tells_what_it_got_wrong() {
    let mut tale = Tale::usual();
    tale.load("us/user/one", &[("teams", whole(10))]);
    let t1 = tale.session("t1");
    tale.step(t1, "look");
    let a = tale.transaction_at(t1, 0, Isolation::ReadCommitted);
    let hints = Hints::NONE.with(Hint::NoLock);
    let request = tale.hinted_statement(t1, StatementKind::Select, "us/user", a, hints);
    let level = Isolation::ReadUncommitted;
    tale.looks_at(t1, "us/user/one", level, None);
    let (instance, table, row) = tale.key("us/user/one");
    for how in [Disturbance::Doubled, Disturbance::Missed] {
        tale.push(Event::ScanDisturbed { request, instance, table, row, how });
    }
    tale.looks_at(t1, "us/user/one", level, None);
    tale.has_searched(t1, "us/user", None, (level, AccessPath::Scan), (1_200, 2));
    tale.statement_ends(t1, None).answers(t1, Value::Null).commits(a).done(t1);
    insta::assert_snapshot!(lines(&tale), @r"
    0 ms  t1  begins a transaction in us at read committed
    0 ms      look: selects us/user with nolock
    0 ms        meets us/user/one again, which has moved ahead of the scan
    0 ms        misses us/user/one, which has moved behind the scan
    0 ms        finds 2 rows (scans 1,200 rows)
    0 ms      commits
    0 ms      ✓ done
    ");
}

#[test]
fn a_lock_time_out_ends_its_statement_alone() {
    let mut tale = Tale::usual();
    let [one, two] = ["us/user/one", "us/user/two"];
    tale.load(one, &[("teams", whole(10))]).load(two, &[("teams", whole(20))]);
    let (t1, t2) = (tale.session("t1"), tale.session("t2"));
    let a = tale.transaction(t1, 0);
    tale.lock(a, two, LockMode::Exclusive).step(t2, "write");
    let b = tale.transaction(t2, 0);
    tale.statement(t2, StatementKind::Update, "us/user", b);
    tale.lock(b, one, LockMode::Exclusive);
    tale.write(b, one, WriteKind::Update, &[("teams", whole(11))]);
    tale.at(5).waits(b, two, &[a]);
    tale.at(105).wait_ends(b, two, crate::trace::WaitEnd::TimedOut(FaultKind::LockTimeout));
    tale.undoes(b);
    tale.statement_ends(t2, Some(FaultKind::LockTimeout)).step_fails(t2, FaultKind::LockTimeout);
    tale.step(t2, "pause").answers(t2, Value::Null);
    tale.step(t2, "nothing");
    tale.statement(t2, StatementKind::Delete, "us/user", b);
    let found = (Isolation::default(), AccessPath::Scan);
    tale.has_searched(t2, "us/user", None, found, (2, 0));
    tale.statement_ends(t2, None).answers(t2, whole(0)).commits(a).commits(b);
    tale.done(t1).done(t2);
    insta::assert_snapshot!(lines(&tale), @r"
      0 ms  t1  begins a transaction in us
      0 ms  t2  begins a transaction in us
      0 ms      write: updates us/user/one: teams 10 → 11
      5 ms        ▒ waits for us/user/two, held by t1
    105 ms        ✗ waited 100 ms for us/user/two in vain: lock timeout (the statement fails, its
                    transaction stays open)
    105 ms        ✗ the statement is taken back: us/user/one is as before
    105 ms      pause
    105 ms      nothing: deletes from us/user: no row (scans 2 rows)
    105 ms  t1  commits
    105 ms  t2  commits
    105 ms  t1  ✓ done
    105 ms  t2  ✓ done
    ");
}

#[test]
fn a_definition_changes_and_a_statement_is_its_own_transaction() {
    let mut tale = Tale::usual();
    let t1 = tale.session("t1");
    tale.step(t1, "begin");
    let a = tale.transaction_at(t1, 0, Isolation::Snapshot);
    tale.answers(t1, Value::Null).step(t1, "publish");
    tale.statement(t1, StatementKind::AlterTable, "us/user", a);
    let (instance, table) = tale.table("us/user");
    tale.locks(a, LockResource::Table { instance, table }, LockMode::SchemaModification);
    tale.push(Event::SchemaAltered { transaction: a, instance, table });
    tale.statement_ends(t1, None).answers(t1, Value::Null);
    tale.step(t1, "commit").commits(a).answers(t1, Value::Null).step(t1, "insert");
    let b = tale.transaction(t1, 0);
    tale.statement(t1, StatementKind::Insert, "us/user", b);
    tale.lock(b, "us/user/new", LockMode::Exclusive);
    tale.write(b, "us/user/new", WriteKind::Insert, &[("teams", whole(1))]);
    tale.statement_ends(t1, None).commits(b).answers(t1, Value::Null).done(t1);
    insta::assert_snapshot!(lines(&tale), @r"
    0 ms  t1  begins a transaction in us at snapshot
    0 ms      publish: alters us/user: nobody else may use it until the transaction ends
    0 ms      commits
    0 ms      inserts us/user/new: teams = 1
    0 ms      ✓ done
    ");
}
