//! Each kind of claim, once true and once or more false, over tales that were made by hand.

mod actors;
mod events;
mod locks;
mod rows;
mod steps;

use crate::check::verdict;
use crate::fault::FaultKind;
use crate::plan::{Bounds, Claim, Expectation, Message, Plan};
use crate::trace::WriteKind;
use crate::trace::tale::{Tale, whole};
use crate::words::{ActorId, ColumnId, SimInstant, Value};

const NORTH: ActorId = ActorId(0);
const SOUTH: ActorId = ActorId(1);
const TEAMS: ColumnId = ColumnId(0);

/// What comes of each claim: that it holds and which event says so, or what was found.
fn judged(tale: &Tale, claims: Vec<Claim>) -> String {
    let mut plan = Plan::empty("");
    for claim in claims {
        plan.expectations.push(Expectation {
            at: Default::default(),
            text: String::new(),
            claims: vec![claim],
        });
    }
    let told = verdict(&plan, &tale.trace).checks.into_iter().map(|check| {
        if check.holds {
            let by = check.decided_by.map(|it| it.sequence);
            return format!("holds, by {by:?}\n");
        }
        let findings = check.findings.into_iter().map(|it| {
            let by = it.decided_by.map(|it| it.sequence);
            let nearest = it.nearest.map_or_else(String::new, |it| format!("\n  nearest {it}"));
            let (expected, found) = (it.expected, it.found);
            format!("expected {expected}\n  found {found}\n  by {by:?}{nearest}\n")
        });
        findings.collect()
    });
    told.collect()
}

fn millis(millis: u64) -> SimInstant {
    SimInstant(millis * 1_000)
}

fn at_least<T>(value: T) -> Bounds<T> {
    Bounds { at_least: Some(value), at_most: None }
}

fn at_most<T>(value: T) -> Bounds<T> {
    Bounds { at_least: None, at_most: Some(value) }
}

/// A stub is created, rolled back once, hydrated, and deleted at last.
fn stub() -> Tale {
    let mut tale = Tale::usual();
    let text = Value::text;
    tale.load("us/account/fabrikam", &[("name", text("Fabrikam"))]);
    tale.load("us/user/x", &[("teams", whole(3))]);
    let app = tale.begins("lob app");
    let a = tale.transaction(app, 1);
    tale.at(10).writes(a, "europe/account/fabrikam", &[]);
    tale.at(20).rolls_back(a, FaultKind::PlugInAborted);
    let b = tale.transaction(app, 1);
    tale.at(30).writes(b, "europe/account/fabrikam", &[]);
    tale.at(40).commits(b).done(app);
    let flow = tale.begins("flow");
    let c = tale.transaction(flow, 1);
    let name = [("name", text("Fabrikam"))];
    tale.at(50).writes(c, "europe/account/fabrikam", &name);
    tale.at(60).commits(c).done(flow);
    let job = tale.begins("job");
    let d = tale.transaction(job, 0);
    tale.request(job, Message::Delete, "us/user/x", Some(d));
    tale.lock(d, "us/user/x", crate::words::LockMode::Exclusive);
    tale.at(70).write(d, "us/user/x", WriteKind::Delete, &[]);
    tale.end(job, None).at(80).commits(d).done(job);
    tale
}
