//! Inherited access against a plain oracle: accounts, their orders and the lines of these, which
//! are shared, no longer shared and moved, with every kind of cascade.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;
use proptest::prelude::*;

/// Two accounts, two orders and two lines.
const ROWS: usize = 2;
const USERS: usize = 3;
const TABLES: [&str; 3] = ["account", "order", "line"];
/// The rights of a share, by their number, and those of the owner of a row above.
const RIGHTS: [&str; 3] =
    ["read", "read, write", "create, read, write, delete, append, append to, assign, share"];
const ALL: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cascading {
    None,
    Cascade,
    Active,
    UserOwned,
}

impl Cascading {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cascade => "cascade",
            Self::Active => "active",
            Self::UserOwned => "user owned",
        }
    }
}

/// What the relationship of a table to the one above does.
#[derive(Clone, Copy, Debug)]
struct Relationship {
    share: Cascading,
    unshare: Cascading,
    reparent: Cascading,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    owner: usize,
    is_active: bool,
    /// The row above, of the table before.
    above: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Grant((usize, usize), usize, usize),
    Revoke((usize, usize), usize),
    /// A row of the second or third table comes below another one, or below none.
    Move((usize, usize), Option<usize>),
}

/// An entry's own and inherited rights.
type Entry = (Option<usize>, Option<usize>);

/// A world. A row is a table's number and its own.
#[derive(Clone, Debug)]
struct World {
    relationships: [Relationship; 2],
    rows: [[Row; ROWS]; 3],
    acts: Vec<Act>,
}

/// Along which cascades an entry goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Asked,
    Share,
    Reparent,
}

/// The entries, and where the rows are.
struct Oracle {
    relationships: [Relationship; 2],
    rows: [[Row; ROWS]; 3],
    entries: BTreeMap<((usize, usize), usize), Entry>,
}

impl Oracle {
    /// Gives an entry these rights, or takes them, and those of the rows below.
    fn set(&mut self, row: (usize, usize), user: usize, rights: Option<usize>, why: Why) {
        let entry = self.entries.entry((row, user)).or_default();
        match why {
            Why::Asked => entry.0 = rights,
            _ => entry.1 = rights,
        }
        let (table, number) = row;
        if table == 2 {
            return;
        }
        let below = self.relationships[table];
        let (goes_on, why) = match (why, rights) {
            (Why::Reparent, _) => (below.reparent, Why::Reparent),
            (_, Some(_)) => (below.share, Why::Share),
            (_, None) => (below.unshare, Why::Share),
        };
        for child in 0..ROWS {
            if self.rows[table + 1][child].above == Some(number)
                && self.goes_on(goes_on, row, (table + 1, child))
            {
                self.set((table + 1, child), user, rights, why);
            }
        }
    }

    fn goes_on(&self, how: Cascading, above: (usize, usize), row: (usize, usize)) -> bool {
        let (above, row) = (self.rows[above.0][above.1], self.rows[row.0][row.1]);
        match how {
            Cascading::None => false,
            Cascading::Cascade => true,
            Cascading::Active => row.is_active,
            Cascading::UserOwned => row.owner == above.owner,
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Grant(row, user, rights) => self.set(row, user, Some(rights), Why::Asked),
            Act::Revoke(row, user) => self.set(row, user, None, Why::Asked),
            Act::Move((table, row), above) => {
                self.rows[table][row].above = above;
                let how = self.relationships[table - 1].reparent;
                if how == Cascading::None {
                    return;
                }
                let place = (table, row);
                for user in 0..USERS {
                    let mut wanted = None;
                    if let Some(above) = above.map(|above| (table - 1, above))
                        && self.goes_on(how, above, place)
                    {
                        let entry = self.entries.get(&(above, user)).copied().unwrap_or_default();
                        wanted = entry.0.max(entry.1);
                        if self.rows[above.0][above.1].owner == user {
                            wanted = Some(ALL);
                        }
                    }
                    if self.rows[table][row].owner == user {
                        wanted = None;
                    }
                    let has = self.entries.get(&(place, user)).and_then(|entry| entry.1);
                    if has != wanted {
                        self.set(place, user, wanted, Why::Reparent);
                    }
                }
            }
        }
    }
}

impl World {
    fn scenario(&self) -> String {
        let mut text = String::from(
            "scenario: Inheritance\ntables:\n  account: { columns: { \
             statecode: { choice: [Active, Inactive] } } }\n",
        );
        for table in 1..3 {
            let (name, above) = (TABLES[table], TABLES[table - 1]);
            writeln!(
                text,
                "  {name}: {{ columns: {{ above: {{ lookup: {above} }}, statecode: {{ choice: \
                 [Active, Inactive] }} }} }}"
            )
            .unwrap();
        }
        text.push_str(
            "instances: { us: { tables: [account, order, line] } }\nsecurity:\n  us:\n    business \
             units: { contoso: {} }\n    roles: { seller: { account: { all: organization }, \
             order: { all: organization }, line: { all: organization } } }\n    users: { u0: { \
             roles: [seller] }, u1: { roles: [seller] }, u2: { roles: [seller] } }\n\
             relationships:\n",
        );
        for (number, it) in self.relationships.iter().enumerate() {
            let [share, unshare, reparent] =
                [it.share, it.unshare, it.reparent].map(Cascading::word);
            let child = TABLES[number + 1];
            writeln!(
                text,
                "  r{number}: {{ child: {child}, by: above, share: {share}, unshare: {unshare}, \
                 reparent: {reparent} }}"
            )
            .unwrap();
        }
        text.push_str("rows:\n  us:\n");
        for (table, rows) in self.rows.iter().enumerate() {
            writeln!(text, "    {}:", TABLES[table]).unwrap();
            for (number, row) in rows.iter().enumerate() {
                let state = if row.is_active { "Active" } else { "Inactive" };
                let above = match (table, row.above) {
                    (0, _) | (_, None) => String::new(),
                    (_, Some(above)) => format!(", above: {}{above}", TABLES[table - 1]),
                };
                writeln!(
                    text,
                    "      {}{number}: {{ ownerid: u{}, statecode: {state}{above} }}",
                    TABLES[table], row.owner
                )
                .unwrap();
            }
        }
        self.actors(&mut text);
        self.expectations(&mut text);
        text
    }

    fn actors(&self, text: &mut String) {
        text.push_str("actors:\n  clerk:\n    in: us\n    do:\n");
        for act in &self.acts {
            let row = |(table, row): (usize, usize)| {
                format!("table: {}, row: {}{row}", TABLES[table], TABLES[table])
            };
            let step = match *act {
                Act::Grant(place, user, rights) => {
                    format!(
                        "grant: {{ {}, to: u{user}, rights: [{}] }}",
                        row(place),
                        RIGHTS[rights]
                    )
                }
                Act::Revoke(place, user) => format!("revoke: {{ {}, from: u{user} }}", row(place)),
                Act::Move(place, above) => {
                    let above = match above {
                        Some(above) => format!("{}{above}", TABLES[place.0 - 1]),
                        None => "null".to_owned(),
                    };
                    format!("update: {{ {}, set: {{ above: {above} }} }}", row(place))
                }
            };
            writeln!(text, "      - {step}").unwrap();
        }
    }

    fn expectations(&self, text: &mut String) {
        let mut oracle =
            Oracle { relationships: self.relationships, rows: self.rows, entries: BTreeMap::new() };
        self.acts.iter().for_each(|act| oracle.act(*act));
        text.push_str("expect:\n  - { actor: clerk, succeeds: true }\n");
        let mut entries = 0;
        for (((table, row), user), (own, inherited)) in &oracle.entries {
            if own.is_none() && inherited.is_none() {
                continue;
            }
            entries += 1;
            let words = |rights: Option<usize>| match rights {
                Some(rights) => format!("\"{}\"", RIGHTS[rights]),
                None => "null".to_owned(),
            };
            let state = format!("rights: {}, inherited: {}", words(*own), words(*inherited));
            let name = format!("{}{row} with u{user}", TABLES[*table]);
            writeln!(text, "  - {{ row: us/principalobjectaccess/{name}, is: {{ {state} }} }}")
                .unwrap();
        }
        writeln!(text, "  - {{ count: us/principalobjectaccess, is: {entries} }}").unwrap();
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let cascading = || {
        prop_oneof![
            3 => Just(Cascading::Cascade),
            1 => Just(Cascading::None),
            1 => Just(Cascading::Active),
            1 => Just(Cascading::UserOwned),
        ]
    };
    let relationship = (cascading(), cascading(), cascading())
        .prop_map(|(share, unshare, reparent)| Relationship { share, unshare, reparent });
    let row = (0..USERS, any::<bool>(), prop::option::weighted(0.8, 0..ROWS))
        .prop_map(|(owner, is_active, above)| Row { owner, is_active, above });
    let place = || (0..3_usize, 0..ROWS);
    let act = prop_oneof![
        3 => (place(), 0..USERS, 0..2_usize).prop_map(|(row, user, it)| Act::Grant(row, user, it)),
        2 => (place(), 0..USERS).prop_map(|(row, user)| Act::Revoke(row, user)),
        3 => ((1..3_usize, 0..ROWS), prop::option::weighted(0.8, 0..ROWS))
            .prop_map(|(row, above)| Act::Move(row, above)),
    ];
    (
        prop::array::uniform2(relationship),
        prop::array::uniform3(prop::array::uniform2(row)),
        prop::collection::vec(act, 1..8),
    )
        .prop_map(|(relationships, rows, acts)| World { relationships, rows, acts })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn access_goes_where_a_plain_oracle_says(world in any_world()) {
        let text = world.scenario();
        let plans = run::parse("share.yaml", &text).unwrap_or_else(|it| panic!("{it}\n{text}"));
        let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
        prop_assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
        let story = || run.story(&StoryOptions::default());
        prop_assert!(run.verdict.holds(), "{}\n{text}", story());
    }
}
