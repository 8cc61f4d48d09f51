//! Many-to-many relationships against a plain oracle: a set of pairs for each, which Associate,
//! Disassociate, Delete and Merge change; and what two callers at once make of one pair.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;
use proptest::prelude::*;

const ROWS: usize = 3;

/// Two relationships: `members` between lists and contacts, `peers` between lists and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    Members,
    Peers,
}

/// What the clerk does, one after the other.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// `is_turned`: asked from the side of the contact.
    Associate(Which, usize, usize, bool),
    Disassociate(Which, usize, usize, bool),
    DeleteList(usize),
    DeleteContact(usize),
    Merge(usize, usize),
}

/// What must be so afterwards.
#[derive(Clone, Debug, Default)]
struct Oracle {
    pairs: BTreeSet<(Which, usize, usize)>,
    gone_lists: BTreeSet<usize>,
    gone_contacts: BTreeSet<usize>,
}

impl Oracle {
    fn is_there(&self, which: Which, one: usize, other: usize) -> bool {
        let others = match which {
            Which::Members => &self.gone_contacts,
            Which::Peers => &self.gone_lists,
        };
        !self.gone_lists.contains(&one) && !others.contains(&other)
    }

    /// Carries an act out; `None` for one that this world can't try, else whether it succeeds.
    fn act(&mut self, act: Act) -> Option<bool> {
        match act {
            Act::Associate(which, one, other, _) => {
                Some(self.is_there(which, one, other) && self.pairs.insert((which, one, other)))
            }
            Act::Disassociate(which, one, other, _) => {
                self.pairs.remove(&(which, one, other));
                Some(true)
            }
            Act::DeleteList(list) => {
                self.pairs.retain(|(which, one, other)| {
                    *one != list && (*which == Which::Members || *other != list)
                });
                Some(self.gone_lists.insert(list))
            }
            Act::DeleteContact(contact) => {
                self.pairs.retain(|it| it.0 == Which::Peers || it.2 != contact);
                Some(self.gone_contacts.insert(contact))
            }
            Act::Merge(row, subordinate) if row == subordinate => None,
            Act::Merge(row, subordinate) => {
                if self.gone_lists.contains(&row) || self.gone_lists.contains(&subordinate) {
                    return Some(false);
                }
                let moved = |list: usize| if list == subordinate { row } else { list };
                self.pairs = (self.pairs.iter())
                    .map(|&(which, one, other)| match which {
                        Which::Members => (which, moved(one), other),
                        Which::Peers => (which, moved(one), moved(other)),
                    })
                    .collect();
                Some(true)
            }
        }
    }
}

fn step(act: Act) -> String {
    let pair = |undo: bool, (which, one, other, is_turned): (Which, usize, usize, bool)| {
        let verb = if undo { "disassociate" } else { "associate" };
        match (which, is_turned) {
            (Which::Members, true) => format!(
                "{verb}: {{ table: contact, row: c{other}, relationship: members, with: l{one} }}"
            ),
            (Which::Members, false) => format!(
                "{verb}: {{ table: list, row: l{one}, relationship: members, with: c{other} }}"
            ),
            (Which::Peers, _) => format!(
                "{verb}: {{ table: list, row: l{one}, relationship: peers, with: [l{other}] }}"
            ),
        }
    };
    match act {
        Act::Associate(which, one, other, turned) => pair(false, (which, one, other, turned)),
        Act::Disassociate(which, one, other, turned) => pair(true, (which, one, other, turned)),
        Act::DeleteList(list) => format!("delete: {{ table: list, row: l{list} }}"),
        Act::DeleteContact(contact) => format!("delete: {{ table: contact, row: c{contact} }}"),
        Act::Merge(row, other) => {
            format!("merge: {{ table: list, row: l{row}, subordinate: l{other} }}")
        }
    }
}

/// The acts as a scenario that expects what the oracle says. The first pairs are there before.
fn scenario(before: &BTreeSet<(Which, usize, usize)>, acts: &[Act]) -> String {
    let mut oracle = Oracle { pairs: before.clone(), ..Oracle::default() };
    let mut text = String::from(
        "scenario: Pairs\ntables:\n  list: { columns: { name: text } }\n  \
         contact: { columns: { name: text } }\ninstances: { us: { tables: [list, contact] } }\n\
         relationships:\n  members: { kind: many-to-many, between: [list, contact] }\n  \
         peers: { kind: many-to-many, between: [list, list] }\nrows:\n  us:\n    \
         list: { count: 3, named: \"l{n}\", set: { name: \"l{n}\" } }\n    \
         contact: { count: 3, named: \"c{n}\", set: { name: \"c{n}\" } }\n",
    );
    let words = |which: Which| match which {
        Which::Members => ("members", "listid", "contactid", "c"),
        Which::Peers => ("peers", "listidone", "listidtwo", "l"),
    };
    for kind in [Which::Members, Which::Peers] {
        let (table, first, second, letter) = words(kind);
        writeln!(text, "    {table}:").unwrap();
        for (which, one, other) in before.iter().filter(|it| it.0 == kind) {
            let pair = format!("{first}: l{one}, {second}: {letter}{other}");
            writeln!(text, "      before {which:?} {one} {other}: {{ {pair} }}").unwrap();
        }
    }
    let text = text.replace("    members:\n    peers", "    peers");
    let mut text = text.strip_suffix("    peers:\n").unwrap_or(&text).to_owned();
    text.push_str("actors:\n");
    let mut expected = String::new();
    for (number, act) in acts.iter().enumerate() {
        let Some(succeeds) = oracle.act(*act) else { continue };
        let step = step(*act);
        writeln!(text, "  act {number}: {{ in: us, at: {number}s, do: [ {{ {step} }} ] }}")
            .unwrap();
        writeln!(expected, "  - {{ actor: act {number}, succeeds: {succeeds} }}").unwrap();
    }
    text.push_str("  clerk:\n    in: us\n    do:\n      - at: 1 min\n");
    for which in [Which::Members, Which::Peers] {
        let (table, first, second, letter) = words(which);
        for one in 1..=ROWS {
            for other in 1..=ROWS {
                let is_it =
                    format!("{first}.name == 'l{one}' && {second}.name == '{letter}{other}'");
                let name = format!("{table} {one} {other}");
                writeln!(
                    text,
                    "      - query: {{ table: {table}, where: \"={is_it}\", as: {name} }}"
                )
                .unwrap();
                let rows = usize::from(oracle.pairs.contains(&(which, one, other)));
                let line = format!("actor: clerk, answer: {name}, rows: {rows}");
                writeln!(expected, "  - {{ {line} }}").unwrap();
            }
        }
        let all = oracle.pairs.iter().filter(|it| it.0 == which).count();
        writeln!(expected, "  - {{ count: us/{table}, is: {all} }}").unwrap();
    }
    format!("{text}expect:\n{expected}")
}

fn any_which() -> impl Strategy<Value = Which> {
    prop_oneof![Just(Which::Members), Just(Which::Peers)]
}

fn any_pair() -> impl Strategy<Value = (Which, usize, usize)> {
    (any_which(), 1..=ROWS, 1..=ROWS)
}

fn any_act() -> impl Strategy<Value = Act> {
    let pair = || (any_pair(), any::<bool>());
    prop_oneof![
        4 => pair().prop_map(|((w, one, other), turn)| Act::Associate(w, one, other, turn)),
        2 => pair().prop_map(|((w, one, other), turn)| Act::Disassociate(w, one, other, turn)),
        1 => (1..=ROWS).prop_map(Act::DeleteList),
        1 => (1..=ROWS).prop_map(Act::DeleteContact),
        1 => (1..=ROWS, 1..=ROWS).prop_map(|(row, other)| Act::Merge(row, other)),
    ]
}

fn holds(text: &str) {
    let plans = run::parse("pairs.yaml", text).unwrap_or_else(|it| panic!("{it}\n{text}"));
    let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
    assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
    assert!(run.verdict.holds(), "{}\n{text}", run.story(&StoryOptions::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn pairs_are_what_a_plain_set_says(
        before in prop::collection::btree_set(any_pair(), 0..8),
        acts in prop::collection::vec(any_act(), 1..10),
    ) {
        holds(&scenario(&before, &acts));
    }
}

/// The head of a world with one list and two contacts, in an instance with roles.
const SMALL: &str = "\
scenario: One pair
tables: { list: { columns: { name: text } }, contact: { columns: { name: text } } }
instances: { us: { tables: [list, contact] } }
relationships: { members: { kind: many-to-many, between: [list, contact] } }
rows: { us: { list: { spring: {} }, contact: { ann: {}, bob: {} } } }
";

#[test]
fn of_two_that_associate_the_same_pair_at_once_the_second_waits_and_is_told() {
    let associate = "associate: { table: list, row: spring, relationship: members, with: ann }";
    let turned = "associate: { table: contact, row: ann, relationship: members, with: spring }";
    for (end, outcome) in [("note: done", "fault: duplicate row"), ("fail: No", "succeeds: true")] {
        holds(&format!(
            "{SMALL}\
actors:
  first: {{ in: us, do: [ {{ transaction: {{ do: [ {{ {associate} }}, {{ work: 1s }}, {{ {end} }} ] }} }} ] }}
  second: {{ in: us, at: 500ms, do: [ {{ {turned} }} ] }}
expect:
  - {{ actor: second, waits for: first, {outcome} }}
  - {{ count: us/members, is: 1 }}
"
        ));
    }
}

#[test]
fn all_rows_of_one_request_are_associated_or_none() {
    holds(&format!(
        "{SMALL}\
actors:
  clerk:
    in: us
    do:
      - associate: {{ table: list, row: spring, relationship: members, with: bob }}
      - associate: {{ table: list, row: spring, relationship: members, with: [ann, bob] }}
expect:
  - {{ actor: clerk, fault: duplicate row }}
  - {{ row: us/members/spring with ann, is: missing }}
  - {{ count: us/members, is: 1 }}
"
    ));
}

#[test]
fn who_associates_rows_may_append_both() {
    let all = "{ all: organization }";
    let none = "{ read: organization, write: organization, append to: organization }";
    for (list, contact, outcome) in [
        (all, all, "succeeds: true"),
        (all, none, "fault: privilege denied"),
        (none, all, "fault: privilege denied"),
    ] {
        holds(&format!(
            "{SMALL}\
security:
  us:
    business units: {{ contoso: {{}} }}
    roles: {{ clerk: {{ list: {list}, contact: {contact} }} }}
    users: {{ carl: {{ roles: [clerk] }} }}
actors:
  clerk:
    in: us
    as: carl
    do: [ {{ associate: {{ table: list, row: spring, relationship: members, with: ann }} }} ]
expect:
  - {{ actor: clerk, {outcome} }}
"
        ));
    }
}
