//! Reads of several levels in one history, searches that last, and what is no promise.

use crate::check::dependency::Circles;
use crate::check::dependency::tests::{Script, Step, Where, circles, history_at};
use crate::check::{Anomalies, History};
use crate::plan::{Anomaly, Isolation};
use crate::trace::{AccessPath, Event, RowsSelected, Trace};

/// The phenomena of a trace, then those that break a promise, with the level that forbids them.
fn judged(trace: &Trace) -> String {
    let Circles { cycles, breaches } = circles(trace);
    let seen: Vec<_> = cycles.iter().map(|it| it.anomaly.facts().code).collect();
    let broken = breaches.iter().map(|it| {
        let code = it.cycle.anomaly.facts().code;
        format!("{code} at {}", it.level.word())
    });
    format!("{}; {}", seen.join(" "), broken.collect::<Vec<_>>().join(", "))
}

#[test]
fn what_a_hint_reads_uncommitted_is_promised_nothing() {
    let circle = |level| format!("w1(x,11) w2(y,22) {level} r1(y2) r2(x1) c1 c2");
    let at = |text: &str| judged(&history_at(text, Isolation::ReadCommitted));
    assert_eq!(at(&circle("@rc")), "G1c; G1c at read committed");
    assert_eq!(at(&circle("@ru")), "G1c; ");
    // One of the two reads is enough to be owed nothing by the circle.
    assert_eq!(at("w1(x,11) w2(y,22) r1(y2) @ru r2(x1) c1 c2"), "G1c; ");
}

#[test]
fn a_read_that_keeps_its_lock_is_promised_more_than_its_transaction() {
    let skew = |level| format!("{level} r1(x0) @rcs w2(x,12) w2(y,18) c2 r1(y2) c1");
    let at = |text: &str| judged(&history_at(text, Isolation::default()));
    assert_eq!(at(&skew("@rcs")), "G-single; ");
    assert_eq!(at(&skew("@rr")), "G-single; G-single at repeatable read");
    assert_eq!(at(&skew("@sr")), "G-single; G-single at serializable");
}

#[test]
fn a_snapshot_is_owed_to_a_transaction_that_reads_nothing_newer() {
    let skew = |level| format!("r1(x0) w2(x,12) w2(y,18) c2 {level} r1(y2) c1");
    let at = |text: &str| judged(&history_at(text, Isolation::Snapshot));
    assert_eq!(at(&skew("@s")), "G-single; G-single at snapshot");
    assert_eq!(at(&skew("@rc")), "G-single; ");
    // What was not committed yet is no news.
    let dirty = "r1(x0) w2(x,12) w2(y,18) c2 @s r1(y2) @ru r1(x2) c1";
    assert_eq!(at(dirty), "G-single; G-single at snapshot");
}

/// A change that is committed while a scan is under way, and then one that follows from it.
#[test]
fn a_scan_that_lasts_has_seen_what_was_committed_by_its_end() {
    let text = "b1 w2(z,30) c2 s1(%3:) w1(x,33) c1";
    for level in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
        assert_eq!(judged(&history_at(text, level)), "; ", "{}", level.word());
    }
    // The circle that would be there, had the scan not seen it.
    let circle = "b1 w2(z,30) c2 s1(%3:) r3(z2) w3(y,22) c3 r1(y3) c1";
    assert_eq!(judged(&history_at(circle, Isolation::ReadCommitted)), "; ");
}

#[test]
fn a_search_of_one_instant_that_answers_nothing_leaves_its_instant_open() {
    let text = |before, after| format!("{before} w2(z,30) c2 {after} r1(z2) c1");
    let at = |text: &str| judged(&history_at(text, Isolation::default()));
    assert_eq!(at(&text("b1", "s1(%3:)")), "; ");
    assert_eq!(at(&text("b1 s1(%3:)", "")), "G-single G2; ");
    // An answered row tells it.
    assert_eq!(at(&text("b1", "s1(%5:x0,y0)")), "; ");
    assert_eq!(at("b1 w2(x,9) w2(y,9) c2 s1(%3:) s1(%5:) r1(x2) c1"), "; ");
}

#[test]
fn a_snapshot_is_taken_between_the_first_request_and_the_first_access() {
    let at = |text: &str| judged(&history_at(text, Isolation::Snapshot));
    assert_eq!(at("b1 w2(z,30) c2 s1(%3:) s1(%3:z2) c1"), "; ");
    assert_eq!(at("b1 s1(%5:x0,y0) w2(z,30) c2 s1(%3:) c1"), "; ");
    assert_eq!(
        at("b1 s1(%5:x0,y0) w2(z,30) c2 s1(%3:z2) c1"),
        "PMP G-single G2; PMP at snapshot, G-single at snapshot"
    );
}

/// The trace with its searches changed.
fn searching(trace: Trace, change: impl Fn(&mut AccessPath, &mut bool)) -> Trace {
    let mut trace = trace;
    for entry in &mut trace.entries {
        if let Event::RowsSelected(RowsSelected { access, whole, .. }) = &mut entry.event {
            change(access, whole);
        }
    }
    trace
}

#[test]
fn a_query_that_stops_early_has_not_looked_at_the_rest() {
    let text = "s1(*:x0) w2(z,30) c2 r1(z2) c1";
    let trace = history_at(text, Isolation::Serializable);
    assert_eq!(judged(&trace), "G-single G2; G-single at serializable");
    assert_eq!(judged(&searching(trace, |_, whole| *whole = false)), "; ");
}

#[test]
fn who_reads_an_index_alone_lets_others_write_the_rest_of_the_row() {
    let text = "s1(*:x0,y0) w2(x,12) w2(y,18) c2 r1(y2) c1";
    let trace = history_at(text, Isolation::RepeatableRead);
    assert_eq!(judged(&trace), "G-single; G-single at repeatable read");
    let covered = |access: &mut AccessPath, _: &mut bool| {
        *access = AccessPath::Seek { index: 0, covering: true };
    };
    assert_eq!(judged(&searching(trace, covered)), "G-single; ");
}

#[test]
fn what_a_statement_takes_back_was_never_there() {
    let mut script = Script { level: Isolation::ReadUncommitted, ..Script::new() };
    script.step(1, &Step::Write('x', 11));
    script.step(2, &Step::Read('x', 3));
    let (_, transaction) = script.transaction(1);
    let request = script.tale.undoes(transaction);
    script.step(2, &Step::Search(Where::All, vec![('x', 1), ('y', 2)]));
    script.step(1, &Step::Write('y', 21));
    script.step(1, &Step::Commit);
    script.step(2, &Step::Commit);
    let trace = script.tale.trace;
    assert_eq!(judged(&trace), "; ");
    let history = History::of(&trace);
    let anomalies = Anomalies::of(&history);
    let (_, told) = anomalies.first(Anomaly::AbortedRead, &history).unwrap();
    assert_eq!(told, "us/user/x was read at 9 ms as written by T1, whose statement was taken back");
    assert!(
        history.rows.values().all(|row| row.versions.iter().all(|it| it.request != Some(request)))
    );
}
