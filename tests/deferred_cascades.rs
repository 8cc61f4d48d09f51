//! Cascades that are left to jobs of the async service: what stays when one of them fails.

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;

/// An account with six orders, whose cascades are left to jobs that do two rows at a time.
const WORLD: &str = "\
scenario: Deferred
limits: { delete cascade: 6, assign cascade: 6, cascade batch: 2, async attempts: 2, async retry: 10s }
tables:
  user: { columns: { name: text } }
  account: { columns: { ownerid: { lookup: user } } }
  order: { columns: { account: { lookup: account }, ownerid: { lookup: user }, paid: boolean } }
instances: { us: { tables: [user, account, order] } }
relationships: { orders: { child: order, by: account, delete: cascade, assign: cascade } }
rows:
  us:
    user: { anna: {}, bob: {} }
    account: { fabrikam: { ownerid: anna } }
    order: { count: 6, named: \"o{n}\", set: { account: fabrikam, ownerid: anna, paid: =n == 4 } }
";

fn holds(rest: &str) {
    holds_all(&format!("{WORLD}{rest}"));
}

fn holds_all(text: &str) {
    let plans = run::parse("deferred.yaml", text).unwrap_or_else(|it| panic!("{it}\n{text}"));
    let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
    assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
    assert!(run.verdict.holds(), "{}\n{text}", run.story(&StoryOptions::default()));
}

const DELETE: &str = "actors:
  clerk: { in: us, do: [ { delete: { table: account, row: fabrikam } } ] }
";

#[test]
fn what_was_done_before_a_failure_stays_and_the_row_itself_as_well() {
    // Each order has a step, so each goes in a transaction of its own.
    holds(&format!(
        "{DELETE}plug-ins:
  - name: keep
    on: Delete order
    in: us
    stage: PreOperation
    do: [ {{ if: $before.paid, then: [ {{ fail: It is paid. }} ] }} ]
expect:
  - {{ actor: clerk, succeeds: true }}
  - {{ count: us/order, is: 3, by: 5s }}
  - {{ row: us/account/fabrikam, is: {{ ownerid: anna }}, by: end }}
  - {{ row: us/asyncoperation/cascade 1, is: {{ statuscode: Failed, errorcode: -2147220891 }}, by: end }}
"
    ));
}

#[test]
fn a_job_that_is_tried_again_goes_on_where_it_stopped() {
    // The clerk takes the obstacle away between the two tries.
    holds(&format!(
        "{DELETE}  helper: {{ in: us, at: 6s, do: [ {{ update: {{ table: order, row: o4, set: {{ paid: false }} }} }} ] }}
plug-ins:
  - name: keep
    on: Delete order
    in: us
    stage: PreOperation
    do: [ {{ if: $before.paid, then: [ {{ fail: It is paid. }} ] }} ]
expect:
  - {{ plug-in: keep, runs: 7 }}
  - {{ count: us/order, is: 0, by: end }}
  - {{ row: us/account/fabrikam, is: missing, by: end }}
  - {{ row: us/asyncoperation/cascade 1, is: {{ statuscode: Succeeded, retrycount: 1 }}, by: end }}
"
    ));
}

#[test]
fn a_cascade_below_the_limit_is_done_within_its_request() {
    holds(
        &format!(
            "{DELETE}  before: {{ in: us, do: [ {{ delete: {{ table: order, row: o1 }} }} ] }}
expect:
  - {{ row: us/account/fabrikam, is: missing }}
  - {{ count: us/order, is: 0 }}
  - {{ count: us/asyncoperation, is: 0, by: end }}
"
        )
        .replace("clerk: { in: us,", "clerk: { in: us, at: 1s,"),
    );
}

#[test]
fn a_rollback_takes_the_job_of_a_cascade_away() {
    holds(
        "actors:
  clerk:
    in: us
    do: [ { assign: { table: account, row: fabrikam, to: bob } } ]
plug-ins:
  - { name: refuse, on: Assign account, in: us, stage: PostOperation, do: [ { fail: No. } ] }
expect:
  - { actor: clerk, fault: plug-in aborted }
  - { row: us/order/o1, is: { ownerid: anna }, by: end }
  - { count: us/asyncoperation, is: 0, by: end }
",
    );
}

#[test]
fn every_row_below_gets_the_new_owner_in_the_end() {
    holds(
        "actors:
  clerk:
    in: us
    do: [ { assign: { table: account, row: fabrikam, to: bob } } ]
expect:
  - { row: us/account/fabrikam, is: { ownerid: bob } }
  - { row: us/order/o1, is: { ownerid: anna }, by: 500ms }
  - { row: us/order/o1, is: { ownerid: bob }, by: end }
  - { row: us/order/o6, is: { ownerid: bob }, by: end }
  - { requests: 3, of: ExecuteTransaction, in: us }
",
    );
}

/// The shares that follow from the same request are no cascades of its rows.
#[test]
fn a_request_that_also_comes_below_another_row_has_one_job() {
    holds_all(
        "scenario: Deferred beside what is inherited
limits: { assign cascade: 3 }
tables:
  group: { columns: { name: text } }
  account: { columns: { group: { lookup: group } } }
  order: { columns: { account: { lookup: account } } }
instances: { us: { tables: [group, account, order] } }
security:
  us:
    business units: { contoso: {} }
    roles: { seller: { group: { all: user }, account: { all: user }, order: { all: user } } }
    users: { anna: { roles: [seller] }, bob: { roles: [seller] }, carl: { roles: [seller] } }
relationships:
  accounts: { child: account, by: group, reparent: cascade }
  orders: { child: order, by: account, assign: cascade }
rows:
  us:
    group: { retail: { ownerid: carl } }
    account: { fabrikam: { ownerid: anna } }
    order: { count: 3, named: \"o{n}\", set: { account: fabrikam, ownerid: anna } }
actors:
  clerk:
    in: us
    do: [ { update: { table: account, row: fabrikam, set: { ownerid: bob, group: retail } } } ]
expect:
  - { actor: clerk, succeeds: true }
  - { row: us/principalobjectaccess/fabrikam with carl, is: { rights: null } }
  - { row: us/order/o3, is: { ownerid: bob }, by: end }
  - { count: us/asyncoperation, is: 1, by: end }
",
    );
}

/// Two accounts, the younger of which is merged into the older; to it refer six orders, itself and
/// a list. Three lines refer to an order, and so do not count.
fn merge(limit: u32, rest: &str) -> String {
    format!(
        "scenario: A large merge
limits: {{ merge cascade: {limit}, cascade batch: 2 }}
tables:
  account: {{ columns: {{ statecode: {{ choice: [Active, Inactive] }}, parent: {{ lookup: account }} }} }}
  list: {{ columns: {{ title: text }} }}
  order: {{ columns: {{ account: {{ lookup: account }}, paid: boolean }} }}
  line: {{ columns: {{ order: {{ lookup: order }} }} }}
instances: {{ us: {{ tables: [account, list, order, line] }} }}
relationships: {{ lists: {{ kind: many-to-many, between: [account, list] }} }}
rows:
  us:
    account: {{ older: {{}}, younger: {{ parent: younger }} }}
    list: {{ readers: {{}} }}
    order: {{ count: 6, named: \"o{{n}}\", set: {{ account: younger, paid: =n == 4 }} }}
    line: {{ count: 3, named: \"l{{n}}\", set: {{ order: o1 }} }}
actors:
  clerk:
    in: us
    do:
      - associate: {{ relationship: lists, table: account, row: younger, with: readers }}
      - merge: {{ table: account, row: older, subordinate: younger }}
{rest}"
    )
}

#[test]
fn a_large_merge_leaves_what_refers_to_the_duplicate_to_a_job() {
    holds_all(&merge(
        6,
        "expect:
  - { actor: clerk, succeeds: true }
  - { row: us/account/younger, is: { statecode: Inactive, parent: younger }, by: 500ms }
  - { row: us/lists/younger with readers, is: missing, by: 500ms }
  - { row: us/order/o1, is: { account: younger }, by: 500ms }
  - { row: us/order/o1, is: { account: older }, by: end }
  - { row: us/order/o6, is: { account: older }, by: end }
  - { row: us/account/younger, is: { parent: older }, by: end }
  - { requests: 4, of: ExecuteTransaction, in: us }
  - { row: us/asyncoperation/cascade 1, is: { statuscode: Succeeded }, by: end }
",
    ));
}

#[test]
fn a_merge_below_the_limit_is_done_within_its_request() {
    holds_all(&merge(
        7,
        "expect:
  - { row: us/order/o6, is: { account: older }, by: 500ms }
  - { row: us/account/younger, is: { parent: older }, by: 500ms }
  - { count: us/asyncoperation, is: 0, by: end }
",
    ));
}

#[test]
fn what_a_large_merge_has_moved_before_a_failure_stays() {
    holds_all(&merge(
        6,
        "plug-ins:
  - name: keep
    on: Update order
    in: us
    stage: PreOperation
    do: [ { if: $before.paid, then: [ { fail: It is paid. } ] } ]
expect:
  - { row: us/account/younger, is: { statecode: Inactive }, by: end }
  - { row: us/order/o4, is: { account: younger }, by: end }
  - { row: us/asyncoperation/cascade 1, is: { statuscode: Failed }, by: end }
",
    ));
}
