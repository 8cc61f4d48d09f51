//! A job whose event was rolled back, or is not committed yet, must not begin.

use crate::check::invariant::tests::{STUB, broken};
use crate::fault::FaultKind;
use crate::plan::{Message, Stage};
use crate::trace::tale::Tale;
use crate::trace::{Event, JobEvent, JobOutcome};
use crate::words::{InstanceId, LaneId, RequestId, RowId, TableId, TransactionId};

const JOB: (TableId, RowId) = (TableId(0), RowId(uuid::Uuid::nil()));

/// A request queues a job and is committed.
fn queued() -> (Tale, LaneId, RequestId, TransactionId) {
    let mut tale = Tale::usual();
    let plug_in = tale.plug_in("score", Stage::PostOperation);
    let app = tale.begins("app");
    let request = tale.request(app, Message::Create, STUB, None);
    let transaction = tale.transaction(app, 1);
    let (table, job) = JOB;
    let instance = InstanceId(1);
    let plug_in = Some(plug_in);
    tale.push(Event::Job(JobEvent::Queued { request, transaction, instance, table, job, plug_in }));
    (tale, app, request, transaction)
}

fn run(tale: &mut Tale, lane: LaneId, cause: RequestId) {
    let (table, job) = JOB;
    let (request, instance) = (RequestId(77), InstanceId(1));
    tale.push(Event::Job(JobEvent::Began {
        lane,
        request,
        cause,
        instance,
        table,
        job,
        depth: 1,
        attempt: 1,
    }));
    tale.push(Event::RequestEnded { request, fault: None });
    let outcome = JobOutcome::Succeeded;
    tale.push(Event::Job(JobEvent::Ended { request, table, job, outcome }));
}

#[test]
fn a_job_begins_after_the_commit_of_its_event() {
    let (mut tale, app, request, transaction) = queued();
    tale.commits(transaction).end(app, None);
    run(&mut tale, app, request);
    tale.done(app);
    assert_eq!(broken(&tale), "");
}

#[test]
fn a_job_that_survives_the_rollback_of_its_event_is_told() {
    let (mut tale, app, request, transaction) = queued();
    tale.rolls_back(transaction, FaultKind::PlugInAborted).end(app, None);
    run(&mut tale, app, request);
    let told = "no job without its event: job 00000000 begins, though its event was rolled back";
    assert!(broken(&tale).starts_with(told), "{}", broken(&tale));
}

#[test]
fn a_job_that_runs_twice_is_told() {
    let (mut tale, app, request, transaction) = queued();
    tale.commits(transaction).end(app, None);
    run(&mut tale, app, request);
    run(&mut tale, app, request);
    tale.done(app);
    assert!(broken(&tale).contains("job 00000000 begins after its end"), "{}", broken(&tale));
}
