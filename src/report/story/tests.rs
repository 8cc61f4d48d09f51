//! Stories of tales that were made by hand.

use crate::check::{Verdict, verdict};
use crate::plan::{Claim, Expectation, Location, Phenomenon, Plan, RowState};
use crate::report::{StoryOptions, Verbosity, story};
use crate::trace::tale::{Tale, two_teams, whole};
use crate::words::{ActorId, ColumnId};

/// A plan that expects these things, one a line from line 31 on.
fn expecting(claims: Vec<(&str, Claim)>) -> Plan {
    let mut plan = Plan::empty("");
    for (index, (text, claim)) in claims.into_iter().enumerate() {
        plan.expectations.push(Expectation {
            at: Location {
                line: 31 + u32::try_from(index).unwrap(),
                column: 5,
            },
            text: text.to_owned(),
            claims: vec![claim],
        });
    }
    plan
}

fn told(tale: &Tale, verdict: &Verdict, width: usize) -> String {
    let options = StoryOptions {
        width,
        ..StoryOptions::default()
    };
    story(&tale.trace, verdict, &options)
}

fn two_teams_judged() -> (Tale, Verdict) {
    let mut tale = two_teams();
    let x = tale.row("us/user/y");
    let teams = |number| RowState::Is(vec![(ColumnId(0), whole(number))]);
    let row = |number| Claim::Row {
        row: x.clone(),
        by: None,
        state: teams(number),
    };
    let plan = expecting(vec![
        ("victim: team south", Claim::Victim { actor: ActorId(1) }),
        ("row: us/user/y, is: { teams: 6 }", row(6)),
        ("row: us/user/y, is: { teams: 7 }", row(7)),
        (
            "never: lost update",
            Claim::Happens {
                phenomenon: Phenomenon::LostUpdate,
                happens: false,
            },
        ),
    ]);
    let verdict = verdict(&plan, &tale.trace);
    (tale, verdict)
}

#[test]
fn a_deadlock_is_told_with_its_victim() {
    let (tale, verdict) = two_teams_judged();
    insta::assert_snapshot!(told(&tale, &verdict, 100), @r"
    Two teams update the same two users
    scenarios/team-members.yaml · variant unordered · seed 0 · 250 ms simulated

    ✗ 1 of 4 checks does not hold. One deadlock, closed at 90 ms: team south is the victim and loses its
    write of us/user/y. The longest of 2 waits: team north, 110 ms for us/user/y, held by team south.

      0 ms  team north  begins a transaction in us
     20 ms              updates us/user/x: teams 3 → 4
     20 ms  team south  begins a transaction in us
     30 ms              updates us/user/y: teams 5 → 6
     80 ms  team north  updates us/user/y
     80 ms                ▒ waits for us/user/y, held by team south
     90 ms  team south  updates us/user/x
     90 ms                ▒ waits for us/user/x, held by team north
     90 ms  us          ✗ deadlock: team north waits for team south, team south waits for team north
    190 ms  team south    ✗ is the deadlock victim (least log); rolled back: us/user/y is as before
    190 ms  team north    gets us/user/y after 110 ms
    190 ms  team south  ✗ ends in deadlock victim
    200 ms  team north    us/user/y is updated: teams 5 → 6
    250 ms              commits
    250 ms              ✓ done

    ✓ victim: team south (line 31)
    ✓ row: us/user/y, is: { teams: 6 } (line 32)
    ✗ row: us/user/y, is: { teams: 7 }
        scenarios/team-members.yaml:33:5
        expected    us/user/y has teams = 7
        found       teams = 6, committed by team north at 250 ms
        decided by  event 30 at 250 ms
    ✓ never: lost update (line 34)
    ");
}

#[test]
fn a_narrow_page_wraps_and_loses_nothing() {
    let (tale, verdict) = two_teams_judged();
    insta::assert_snapshot!(told(&tale, &verdict, 40), @r"
    Two teams update the same two users
    scenarios/team-members.yaml · variant
    unordered · seed 0 · 250 ms simulated

    ✗ 1 of 4 checks does not hold. One
    deadlock, closed at 90 ms: team south is
    the victim and loses its write of
    us/user/y. The longest of 2 waits: team
    north, 110 ms for us/user/y, held by
    team south.

    team north
      0 ms  begins a transaction in us
     20 ms  updates us/user/x: teams 3 → 4
    team south
     20 ms  begins a transaction in us
     30 ms  updates us/user/y: teams 5 → 6
    team north
     80 ms  updates us/user/y
     80 ms    ▒ waits for us/user/y, held by
                team south
    team south
     90 ms  updates us/user/x
     90 ms    ▒ waits for us/user/x, held by
                team north
    us
     90 ms  ✗ deadlock: team north waits for
              team south, team south waits
              for team north
    team south
    190 ms    ✗ is the deadlock victim
                (least log); rolled back:
                us/user/y is as before
    team north
    190 ms    gets us/user/y after 110 ms
    team south
    190 ms  ✗ ends in deadlock victim
    team north
    200 ms    us/user/y is updated: teams 5
              → 6
    250 ms  commits
    250 ms  ✓ done

    ✓ victim: team south (line 31)
    ✓ row: us/user/y, is: { teams: 6 } (line
      32)
    ✗ row: us/user/y, is: { teams: 7 }
        scenarios/team-members.yaml:33:5
        expected    us/user/y has teams = 7
        found       teams = 6, committed by
                    team north at 250 ms
        decided by  event 30 at 250 ms
    ✓ never: lost update (line 34)
    ");
}

#[test]
fn a_quiet_story_is_its_verdict() {
    let (tale, verdict) = two_teams_judged();
    let options = StoryOptions {
        verbosity: Verbosity::Quiet,
        ..StoryOptions::default()
    };
    insta::assert_snapshot!(story(&tale.trace, &verdict, &options), @r"
    ✗ Two teams update the same two users (unordered): 1 of 4 checks does not hold.
    (scenarios/team-members.yaml:33) One deadlock, closed at 90 ms: team south is the victim and loses
    its write of us/user/y. The longest of 2 waits: team north, 110 ms for us/user/y, held by team
    south.
    ");
}

#[test]
fn a_verbose_story_tells_every_event_in_ascii_too() {
    let (tale, verdict) = two_teams_judged();
    let options = StoryOptions {
        verbosity: Verbosity::Verbose,
        ascii: true,
        ..StoryOptions::default()
    };
    insta::assert_snapshot!(story(&tale.trace, &verdict, &options), @r"
    Two teams update the same two users
    scenarios/team-members.yaml - variant unordered - seed 0 - 250 ms simulated

    X 1 of 4 checks does not hold. One deadlock, closed at 90 ms: team south is the victim and loses its
    write of us/user/y. The longest of 2 waits: team north, 110 ms for us/user/y, held by team south.

     0    0 ms              us/user/x is loaded as version 1: teams = 3
     1    0 ms              us/user/y is loaded as version 2: teams = 5
     2    0 ms  team north  team north begins
     3    0 ms              begins a transaction in us
     4   20 ms              updates us/user/x
     5   20 ms                transaction 0 holds us/user/x, exclusive
     6   20 ms                us/user/x is updated: teams 3 -> 4
     7   20 ms              request 0 ends
     8   20 ms  team south  team south begins
     9   20 ms              begins a transaction in us
    10   30 ms              updates us/user/y
    11   30 ms                transaction 1 holds us/user/y, exclusive
    12   30 ms                us/user/y is updated: teams 5 -> 6
    13   30 ms              request 1 ends
    14   80 ms  team north  updates us/user/y
    15   80 ms                . waits for us/user/y, held by team south
    16   90 ms  team south  updates us/user/x
    17   90 ms                . waits for us/user/x, held by team north
    18   90 ms  us          X deadlock: team north waits for team south, team south waits for team north
    19  190 ms  team south    X is the deadlock victim (least log)
    20  190 ms                transaction 1 is a deadlock's victim and does not get us/user/x after 100
                              ms
    21  190 ms                X rolled back: us/user/y is as before
    22  190 ms                us/user/y is restored to version 2
    23  190 ms                transaction 1 releases its locks, 1 in all
    24  190 ms  team north    gets us/user/y after 110 ms
    25  190 ms                transaction 0 holds us/user/y, exclusive
    26  190 ms  team south  request 3 ends in deadlock victim (0x80044150): so it is
    27  190 ms              X ends in deadlock victim
    28  200 ms  team north    us/user/y is updated: teams 5 -> 6
    29  200 ms              request 2 ends
    30  250 ms              commits
    31  250 ms              transaction 0 releases its locks, 2 in all
    32  250 ms              V done

    V victim: team south (line 31)
    V row: us/user/y, is: { teams: 6 } (line 32)
    X row: us/user/y, is: { teams: 7 }
        scenarios/team-members.yaml:33:5
        expected    us/user/y has teams = 7
        found       teams = 6, committed by team north at 250 ms
        decided by  event 30 at 250 ms
    V never: lost update (line 34)
    ");
}
