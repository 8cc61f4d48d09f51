//! Delta tokens that skip something, and answers of changes that are not net.

use crate::check::invariant::tests::{X, broken};
use crate::plan::{DeltaTokens, Message};
use crate::trace::tale::{Tale, whole};
use crate::trace::{ChangesAnswered, Event, VersionEvent, WriteKind};
use crate::words::LockMode;

/// A writer has written `x` as version 2, and a reader is answered by this before the commit.
fn answered(change: impl FnOnce(&mut ChangesAnswered)) -> String {
    let mut tale = Tale::usual();
    tale.load(X, &[("teams", whole(3))]);
    let (ann, bob) = (tale.begins("ann"), tale.begins("bob"));
    let a = tale.transaction(ann, 0);
    tale.request(ann, Message::Update, X, Some(a));
    tale.lock(a, X, LockMode::Exclusive);
    tale.write(a, X, WriteKind::Update, &[("teams", whole(4))]);
    tale.end(ann, None);
    let request = tale.request(bob, Message::RetrieveEntityChanges, "us/user/x", None);
    let (instance, table, row) = tale.key(X);
    let mut answer = ChangesAnswered {
        request,
        instance,
        table,
        since: None,
        is_first_page: true,
        rows: vec![(row, 1)],
        deleted: Vec::new(),
        is_last_page: true,
        token: 1,
        tokens: DeltaTokens::Bounded,
        latest: 2,
    };
    change(&mut answer);
    tale.push(Event::Version(VersionEvent::ChangesAnswered(answer)));
    tale.end(bob, None).done(bob).commits(a).done(ann);
    broken(&tale)
}

#[test]
fn a_token_skips_nothing_that_is_open() {
    assert_eq!(answered(|_| {}), "");
    insta::assert_snapshot!(answered(|answer| answer.token = 2), @r"
    delta tokens skip nothing: transaction 0 commits version 2, and token 2 is out (event 12)
    ");
    let told = answered(|answer| (answer.token, answer.tokens) = (2, DeltaTokens::Latest));
    assert_eq!(told, "", "a token of the latest version promises nothing");
}

#[test]
fn an_answer_has_each_row_once_and_nothing_old() {
    insta::assert_snapshot!(answered(|answer| answer.since = Some(1)), @r"
    delta tokens skip nothing: us/user/x, in an answer to request 1, is not newer than version 1 (event 9)
    ");
    insta::assert_snapshot!(answered(|answer| answer.deleted = vec![answer.rows[0].0]), @r"
    delta tokens skip nothing: us/user/x, in an answer to request 1, is there twice (event 9)
    ");
}
