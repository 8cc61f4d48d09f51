//! Two instances in real time, and what must hold when they have stopped.

use std::sync::Arc;

use multiverse::check::invariant;
use multiverse::host::{Ended, Host, HostOptions, Kept};
use multiverse::plan::Plan;
use multiverse::run::parse;

/// Two instances, each with so many accounts. A new order in the first makes a twin in the second:
/// `twin` says how it is called. Nothing costs time but the way between the two. `rest` is what the
/// file ends with: further plug-ins, then further keys.
pub fn two_instances(accounts: u64, twin: &str, rest: &str) -> Arc<Plan> {
    let text = format!(
        "
scenario: Two instances in real time
costs: {{ request: 0ms, read: 0ms, write: 0ms, plug-in: 0ms, network: 1ms, client: 0ms }}
tables:
  account: {{ columns: {{ name: text, total: whole number }} }}
  order: {{ columns: {{ title: text }} }}
instances:
  us: {{ tables: [account, order] }}
  europe: {{ tables: [account, order] }}
rows:
  us: {{ account: {{ count: {accounts}, named: 'acct {{n}}', set: {{ total: 0 }} }} }}
  europe: {{ account: {{ count: {accounts}, named: 'acct {{n}}', set: {{ total: 0 }} }} }}
actors: {{}}
expect: []
plug-ins:
  - name: tell Europe
    on: Create order
    in: us
    stage: PostOperation
    do:
      - create: {{ in: europe, table: order, {twin}, set: {{ title: $target.title }} }}
{rest}
"
    );
    match parse("hosted.yaml", &text) {
        Ok(mut plans) => plans.remove(0),
        Err(rejection) => panic!("{rejection}"),
    }
}

/// A host of a plan that records what it is given.
pub fn start(plan: &Plan) -> Host {
    let options = HostOptions { kept: Kept::Recording, ..HostOptions::default() };
    Host::start(plan, &options).expect("the plan is sound")
}

/// Holds every instance to what must hold of any run, and its recording to the same run again.
pub fn hold(ended: &[Ended]) {
    for instance in ended {
        let offences = invariant::violations(&instance.trace);
        assert!(offences.is_empty(), "{offences:?}");
        let recording = instance.recording.as_ref().expect("it was recorded");
        let again = recording.replay().expect("it ran before");
        assert!(again.trace.entries == instance.trace.entries, "another order");
        assert_eq!(again.digest, instance.digest, "another state");
    }
}
