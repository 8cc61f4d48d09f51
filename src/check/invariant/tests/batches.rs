//! A batch that is done by halves must be told.

use crate::check::invariant::tests::{X, broken};
use crate::fault::FaultKind;
use crate::plan::Message;
use crate::trace::tale::Tale;
use crate::trace::{Event, RequestBegan};
use crate::words::{LaneId, RequestId, TransactionId};

/// A batch begins, and opens a transaction.
fn batch(message: Message) -> (Tale, LaneId, RequestId, TransactionId) {
    let mut tale = Tale::usual();
    let app = tale.begins("app");
    let batch = tale.request(app, message, X, None);
    let transaction = tale.transaction(app, 0);
    if let Event::TransactionBegan { request, .. } =
        &mut tale.trace.entries.last_mut().unwrap().event
    {
        *request = Some(batch);
    }
    (tale, app, batch, transaction)
}

/// An item of it, in this transaction. An item is as deep as its batch.
fn item(tale: &mut Tale, app: LaneId, transaction: TransactionId, fault: Option<FaultKind>) {
    tale.request(app, Message::Update, X, Some(transaction));
    if let Event::RequestBegan(RequestBegan { depth, .. }) =
        &mut tale.trace.entries.last_mut().unwrap().event
    {
        *depth = 1;
    }
    tale.end(app, fault);
}

const FAULT: Option<FaultKind> = Some(FaultKind::PlugInAborted);

#[test]
fn a_batch_that_is_done_whole_or_not_at_all_breaks_nothing() {
    let (mut tale, app, _, transaction) = batch(Message::ExecuteTransaction);
    item(&mut tale, app, transaction, None);
    item(&mut tale, app, transaction, None);
    tale.commits(transaction).end(app, None).done(app);
    assert_eq!(broken(&tale), "");
    let (mut tale, app, _, transaction) = batch(Message::UpdateMultiple);
    item(&mut tale, app, transaction, None);
    item(&mut tale, app, transaction, FAULT);
    tale.rolls_back(transaction, FaultKind::PlugInAborted).end(app, FAULT);
    tale.fails(app, FaultKind::PlugInAborted);
    assert_eq!(broken(&tale), "");
}

#[test]
fn a_batch_that_is_committed_without_one_of_its_requests_is_told() {
    let (mut tale, app, _, transaction) = batch(Message::ExecuteTransaction);
    item(&mut tale, app, transaction, FAULT);
    tale.commits(transaction).end(app, None).done(app);
    let told = broken(&tale);
    assert!(told.contains("transaction 0 is committed, though request 0 failed"), "{told}");
    assert!(told.contains("batch 0 ends well, though its request 1 failed"), "{told}");
}

#[test]
fn a_batch_that_goes_on_after_a_fault_is_told() {
    let (mut tale, app, _, transaction) = batch(Message::CreateMultiple);
    item(&mut tale, app, transaction, FAULT);
    item(&mut tale, app, transaction, None);
    tale.rolls_back(transaction, FaultKind::PlugInAborted).end(app, FAULT);
    tale.fails(app, FaultKind::PlugInAborted);
    let told =
        "a batch is done whole or not at all: request 2 of batch 0 begins, though 1 has failed";
    assert!(broken(&tale).starts_with(told), "{}", broken(&tale));
}

#[test]
fn a_request_outside_the_transaction_of_its_batch_is_told() {
    let (mut tale, app, _, transaction) = batch(Message::ExecuteTransaction);
    let other = tale.transaction(app, 0);
    item(&mut tale, app, other, None);
    tale.commits(other).commits(transaction).end(app, None).done(app);
    let told = broken(&tale);
    assert!(told.contains("request 1 is not in the transaction of batch 0"), "{told}");
}

#[test]
fn what_an_execute_multiple_carries_may_fail_one_by_one() {
    let (mut tale, app, _, transaction) = batch(Message::ExecuteMultiple);
    item(&mut tale, app, transaction, FAULT);
    item(&mut tale, app, transaction, None);
    tale.commits(transaction).end(app, None).done(app);
    assert_eq!(broken(&tale), "");
}
