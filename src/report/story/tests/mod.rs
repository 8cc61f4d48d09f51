//! Stories of tales that were made by hand.

mod locking;
mod sessions;

use proptest::prelude::*;

use crate::check::{Verdict, verdict};
use crate::fault::FaultKind;
use crate::plan::{
    Anomaly, Claim, Expectation, Location, Message, OutageKind, Phenomenon, Plan, RowState,
};
use crate::report::story::page::columns;
use crate::report::{StoryOptions, Verbosity, story};
use crate::trace::tale::{Tale, any_events, two_teams, whole};
use crate::words::{ActorId, ColumnId, Value};

/// A plan that expects these things, one a line from line 31 on.
fn expecting(claims: Vec<(&str, Claim)>) -> Plan {
    let mut plan = Plan::empty("");
    for (index, (text, claim)) in claims.into_iter().enumerate() {
        plan.expectations.push(Expectation {
            at: Location { line: 31 + u32::try_from(index).unwrap(), column: 5 },
            text: text.to_owned(),
            claims: vec![claim],
        });
    }
    plan
}

fn told(tale: &Tale, verdict: &Verdict, width: usize) -> String {
    let options = StoryOptions { width, ..StoryOptions::default() };
    story(&tale.trace, verdict, &options)
}

fn two_teams_judged() -> (Tale, Verdict) {
    let mut tale = two_teams();
    let x = tale.row("us/user/y");
    let teams = |number| RowState::Is(vec![(ColumnId(0), whole(number))]);
    let row = |number| Claim::Row { row: x.clone(), by: None, state: teams(number) };
    let plan = expecting(vec![
        ("victim: team south", Claim::Victim { actor: ActorId(1) }),
        ("row: us/user/y, is: { teams: 6 }", row(6)),
        ("row: us/user/y, is: { teams: 7 }", row(7)),
        (
            "never: lost update",
            Claim::Happens { phenomenon: Phenomenon::Anomaly(Anomaly::LostUpdate), happens: false },
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
     90 ms              Had all taken us/user/x before us/user/y, one would have waited for the other.
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
     90 ms  Had all taken us/user/x before
            us/user/y, one would have waited
            for the other.
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
    let options = StoryOptions { verbosity: Verbosity::Quiet, ..StoryOptions::default() };
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
    let options =
        StoryOptions { verbosity: Verbosity::Verbose, ascii: true, ..StoryOptions::default() };
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
    18   90 ms              Had all taken us/user/x before us/user/y, one would have waited for the
                            other.
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

#[test]
fn an_outage_a_retry_and_a_quiet_night_are_told() {
    let mut tale = Tale::usual();
    let copy = "europe/account/fabrikam";
    tale.load("us/account/fabrikam", &[("name", Value::text("Fabrikam"))]);
    let outage = tale.outage(1, OutageKind::Unreachable, 3 * 3_600_000);
    let flow = tale.begins("nightly accounts");
    tale.at(40).reads(flow, "us/account/fabrikam", None);
    tale.at(80).refused(flow, Message::Upsert, copy, outage);
    tale.retries(flow, FaultKind::Unreachable, 7);
    tale.at(7_080).refused(flow, Message::Upsert, copy, outage);
    tale.fails(flow, FaultKind::Unreachable);
    tale.at(3 * 3_600_000).outage_ends(outage, 1);
    tale.at(25 * 3_600_000);
    let next = tale.begins("nightly accounts");
    let a = tale.transaction(next, 1);
    tale.writes(a, copy, &[("name", Value::text("Fabrikam"))]);
    tale.commits(a).done(next);
    let verdict = verdict(&Plan::empty(""), &tale.trace);
    insta::assert_snapshot!(told(&tale, &verdict, 80), @r#"
    A tale
    tale.yaml · seed 0 · 1 day 1 h simulated

    ✓ Nothing was expected. nightly accounts ends in unreachable at 08:00:07.080.
    europe was unreachable from 08:00 to 11:00 and stopped 2 messages.

    ── Monday 2026-01-05
    08:00:00.000  europe            ▓ is unreachable until 11:00
    08:00:00.040  nightly accounts  reads us/account/fabrikam
    08:00:00.080                    ✗ upserts europe/account/fabrikam: unreachable
                                      (0x80044306)
    08:00:00.080                    ↺ retries in 7 s (try 2)
    08:00:07.080                    ✗ upserts europe/account/fabrikam: unreachable
                                      (0x80044306)
    08:00:07.080                    ✗ ends in unreachable
                                    … 3 h later
    11:00:00.000  europe            ▓ is reachable again
                                    … 22 h later
    ── Tuesday 2026-01-06
    09:00:00.000  nightly accounts  begins a transaction in europe
    09:00:00.000                    creates europe/account/fabrikam: name =
                                    "Fabrikam"
    09:00:00.000                    commits
    09:00:00.000                    ✓ done
    "#);
}

#[test]
fn what_repeats_is_folded_and_the_middle_of_a_long_story_is_left_out() {
    let mut tale = Tale::usual();
    let app = tale.begins("app");
    let a = tale.transaction(app, 0);
    for number in 1..=50 {
        let place = format!("us/account/a{number}");
        tale.at(number).writes(a, &place, &[("name", whole(1))]);
    }
    tale.commits(a).done(app);
    let verdict = verdict(&Plan::empty(""), &tale.trace);
    insta::assert_snapshot!(told(&tale, &verdict, 80), @r"
    A tale
    tale.yaml · seed 0 · 50 ms simulated

    ✓ Nothing was expected. Nobody failed, and nobody waited for a lock.

     0 ms  app  begins a transaction in us
     1 ms       creates us/account/a1: name = 1
     2 ms       creates us/account/a2: name = 1
                … 47 more like this
    50 ms  app  creates us/account/a50: name = 1
    50 ms       commits
    50 ms       ✓ done
    ");

    // Lanes with names that have nothing in common repeat nothing.
    let mut tale = Tale::usual();
    for number in 0..300_u32 {
        let name: String = number.to_string().chars().map(|it| (it as u8 + 49) as char).collect();
        let lane = tale.begins(&name);
        if number == 150 {
            tale.fails(lane, FaultKind::SqlTimeout);
        } else {
            tale.done(lane);
        }
    }
    let story = told(&tale, &verdict, 80);
    let lines: Vec<&str> = story.lines().collect();
    assert!(lines.len() < 220, "{} lines", lines.len());
    let left_out: Vec<&str> =
        lines.into_iter().filter(|it| it.contains("left out") || it.contains("ends in")).collect();
    insta::assert_snapshot!(left_out.join("\n"), @r"
    ✓ Nothing was expected. bfa ends in sql timeout at 0 ms.
               … 50 lines are left out here
    0 ms  bfa  ✗ ends in sql timeout (0x80044151): so it is
               … 99 lines are left out here
    ");
}

#[test]
fn a_hostile_name_is_shown_and_obeyed_by_nobody() {
    let mut tale = Tale::usual();
    let lane = tale.begins("a\u{202e}b\u{1b}[31m\nc\u{200f}");
    tale.trace.header.title = "t\r\n\u{7}".to_owned();
    tale.done(lane);
    let verdict = verdict(&Plan::empty(""), &tale.trace);
    insta::assert_snapshot!(told(&tale, &verdict, 80), @r"
    t\u{d}\u{a}\u{7}
    tale.yaml · seed 0 · 0 µs simulated

    ✓ Nothing was expected. Nobody failed, and nobody waited for a lock.

    0 ms  a\u{202e}b\u{…{200f}  ✓ done
    ");
}

#[test]
fn colours_are_the_sixteen_and_red_is_for_failure() {
    let (tale, verdict) = two_teams_judged();
    let options = StoryOptions { colour: true, ..StoryOptions::default() };
    let coloured = story(&tale.trace, &verdict, &options);
    let plain = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(plain, told(&tale, &verdict, 100));
    for red in coloured.split("\u{1b}[31m").skip(1) {
        let text = red.split('\u{1b}').next().unwrap();
        let fails = ["✗", "deadlock", "victim", "teams = 6, committed"];
        assert!(fails.iter().any(|it| text.contains(it)), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_story_of_every_trace_fits_its_page(
        events in any_events(),
        width in 0..130_usize,
        colour in any::<bool>(),
        ascii in any::<bool>(),
        title in "\\PC{0,60}|.{0,60}",
        verbose in 0..3_u8,
    ) {
        let mut tale = two_teams();
        tale.trace.header.title = title;
        for event in events {
            tale.push(event);
        }
        let verdict = verdict(&Plan::empty(""), &tale.trace);
        let options = StoryOptions {
            width,
            colour,
            ascii,
            verbosity: [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose][verbose as usize],
        };
        let text = story(&tale.trace, &verdict, &options);
        prop_assert!(text.ends_with('\n'));
        prop_assert!(!ascii || text.is_ascii());
        let plain = anstream::adapter::strip_str(&text).to_string();
        for line in plain.lines() {
            prop_assert!(columns(line) <= width.max(40), "{line:?}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
