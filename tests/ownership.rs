//! Who owns a row: Assign and Update of the owner, users and teams, and what goes along.

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;

/// An account with two tasks, which belong to Anna; Bob and the team `front` may own such rows,
/// Carl may not even read them.
const WORLD: &str = "\
scenario: Owners
tables:
  account: { columns: { name: text } }
  task: { columns: { account: { lookup: account }, statecode: { choice: [Active, Inactive] } } }
instances: { us: { tables: [account, task] } }
security:
  us:
    business units: { contoso: {} }
    roles:
      seller: { account: { all: organization }, task: { all: organization } }
      helper:
        account: { read: organization, write: organization }
        task: { read: organization }
    users: { anna: { roles: [seller] }, bob: { roles: [helper] }, carl: {} }
    teams: { front: { kind: owner, roles: [seller] } }
rows:
  us:
    account: { fabrikam: { ownerid: anna } }
    task:
      one: { account: fabrikam, ownerid: anna, statecode: Active }
      two: { account: fabrikam, owningteam: front, statecode: Inactive }
";

fn holds(rest: &str) {
    let text = format!("{WORLD}{rest}");
    let plans = run::parse("owners.yaml", &text).unwrap_or_else(|it| panic!("{it}\n{text}"));
    let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
    assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
    assert!(run.verdict.holds(), "{}\n{text}", run.story(&StoryOptions::default()));
}

#[test]
fn a_row_belongs_to_a_user_or_to_a_team_and_never_to_both() {
    for (first, second) in [
        (
            "assign: { table: account, row: fabrikam, to: front }",
            "assign: { table: account, row: fabrikam, to: bob }",
        ),
        (
            "update: { table: account, row: fabrikam, set: { owningteam: front } }",
            "update: { table: account, row: fabrikam, set: { ownerid: bob } }",
        ),
    ] {
        holds(&format!(
            "actors: {{ clerk: {{ in: us, do: [ {{ {first} }}, {{ wait: 1s }}, {{ {second} }} ] }} }}
expect:
  - {{ row: us/account/fabrikam, is: {{ ownerid: null, owningteam: front }}, by: 500ms }}
  - {{ row: us/account/fabrikam, is: {{ ownerid: bob, owningteam: null }} }}
"
        ));
    }
}

#[test]
fn who_assigns_needs_the_right_to_and_the_new_owner_that_to_read() {
    for (user, to, outcome) in [
        ("anna", "bob", "succeeds: true"),
        ("anna", "front", "succeeds: true"),
        ("bob", "anna", "fault: privilege denied"),
        ("anna", "carl", "fault: 0x80040231"),
    ] {
        for step in [
            format!("assign: {{ table: account, row: fabrikam, to: {to} }}"),
            format!(
                "update: {{ table: account, row: fabrikam, set: {{ {}: {to} }} }}",
                if to == "front" { "owningteam" } else { "ownerid" }
            ),
        ] {
            holds(&format!(
                "actors: {{ clerk: {{ in: us, as: {user}, do: [ {{ {step} }} ] }} }}
expect: [ {{ actor: clerk, {outcome} }} ]
"
            ));
        }
    }
}

#[test]
fn an_owner_goes_along_to_the_rows_below_be_it_a_user_or_a_team() {
    for (assign, one, two) in [
        ("none", "{ ownerid: anna }", "{ owningteam: front }"),
        ("cascade", "{ ownerid: bob }", "{ ownerid: bob, owningteam: null }"),
        ("active", "{ ownerid: bob }", "{ owningteam: front, ownerid: null }"),
        ("user owned", "{ ownerid: bob }", "{ owningteam: front, ownerid: null }"),
    ] {
        holds(&format!(
            "relationships: {{ tasks: {{ child: task, by: account, assign: {assign} }} }}
actors: {{ clerk: {{ in: us, do: [ {{ assign: {{ table: account, row: fabrikam, to: bob }} }} ] }} }}
expect:
  - {{ row: us/task/one, is: {one} }}
  - {{ row: us/task/two, is: {two} }}
"
        ));
    }
    holds(
        "relationships: { tasks: { child: task, by: account, assign: user owned } }
actors: { clerk: { in: us, do: [ { assign: { table: account, row: fabrikam, to: front } } ] } }
expect: [ { row: us/task/one, is: { ownerid: null, owningteam: front } } ]
",
    );
}
