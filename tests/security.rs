//! Who sees which rows, against a plain oracle: random business units, roles, teams and shares.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use multiverse::testing::Folder;
use proptest::prelude::*;

const USERS: usize = 4;
const TEAMS: usize = 3;
const UNITS: usize = 4;
const DEPTHS: [&str; 4] = ["user", "business unit", "child business units", "organization"];

/// Who may do what, by number.
#[derive(Clone, Debug)]
struct World {
    /// Each unit but the first has one of those before it as its parent.
    parents: [usize; UNITS - 1],
    unit_of_user: [usize; USERS],
    unit_of_team: [usize; TEAMS],
    is_access: [bool; TEAMS],
    /// The depth of the right to read that each role gives.
    role_of_user: [Option<usize>; USERS],
    role_of_team: [Option<usize>; TEAMS],
    members: BTreeSet<(usize, usize)>,
    /// With which user or team (after the users) each row is shared.
    shares: BTreeSet<(usize, usize)>,
}

/// Queries of whole tables, each answered by what its user may see alone.
const WHOLE: [(&str, &str); 7] = [
    ("first", "table: account, top: 2"),
    ("inner", "table: contact, link: { behind: { table: account, from: id, to: account } }"),
    (
        "outer",
        "table: contact, link: { behind: { table: account, from: id, to: account, type: outer } }",
    ),
    (
        "none",
        "table: contact, \
         link: { behind: { table: account, from: id, to: account, type: not any } }",
    ),
    ("through a lookup", "table: contact, where: \"=account.name != null\""),
    ("number", "table: account, aggregate: { rows: count }"),
    ("names", "table: account, columns: [name], distinct: true"),
];

/// The first two rows, and those behind the cookie that came with them.
const PAGES: &str = "      - query: { table: account, order: name, page: { size: 2 }, \
                     as: page, more as: more, cookie as: cookie, total count as: total }\n      \
                     - query: { table: account, order: name, page: { size: 9, cookie: $cookie }, \
                     as: rest }\n";

/// One row of each user, then one of each team that can own rows.
impl World {
    fn rows(&self) -> impl Iterator<Item = usize> {
        (0..USERS + TEAMS).filter(|row| *row < USERS || !self.is_access[*row - USERS])
    }

    fn unit_of(&self, principal: usize) -> usize {
        match principal.checked_sub(USERS) {
            None => self.unit_of_user[principal],
            Some(team) => self.unit_of_team[team],
        }
    }

    /// Every unit that is this one or below it, by going through all until nothing is new.
    fn below(&self, unit: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([unit]);
        for _ in 0..UNITS {
            for child in 1..UNITS {
                if found.contains(&(self.parents[child - 1] % child)) {
                    found.insert(child);
                }
            }
        }
        found
    }

    /// The rows that a role with this depth reaches, by their owners.
    fn reached(&self, depth: usize, own: &BTreeSet<usize>, unit: usize) -> BTreeSet<usize> {
        let units = match depth {
            0 => return own.clone(),
            1 => BTreeSet::from([unit]),
            2 => self.below(unit),
            _ => (0..UNITS).collect(),
        };
        self.rows().filter(|row| units.contains(&self.unit_of(*row))).collect()
    }

    /// The rows that the roles of a user, and those of its owner teams, reach.
    fn reached_by(&self, user: usize) -> BTreeSet<usize> {
        let is_in = |team: &usize| self.members.contains(&(*team, user));
        let owner_teams: Vec<usize> =
            (0..TEAMS).filter(is_in).filter(|team| !self.is_access[*team]).collect();
        let mut reached = BTreeSet::new();
        if let Some(depth) = self.role_of_user[user] {
            let mut own = BTreeSet::from([user]);
            own.extend(owner_teams.iter().map(|team| team + USERS));
            reached.extend(self.reached(depth, &own, self.unit_of_user[user]));
        }
        for team in owner_teams {
            if let Some(depth) = self.role_of_team[team] {
                let own = BTreeSet::from([team + USERS]);
                reached.extend(self.reached(depth, &own, self.unit_of_team[team]));
            }
        }
        reached
    }

    /// Those, and the rows that are shared with it.
    fn seen_by(&self, user: usize) -> BTreeSet<usize> {
        let mut seen = self.reached_by(user);
        if !self.may_read(user) {
            return seen;
        }
        for (row, with) in &self.shares {
            let is_with_team = |team: usize| self.members.contains(&(team, user));
            if *with == user || with.checked_sub(USERS).is_some_and(is_with_team) {
                seen.insert(*row);
            }
        }
        seen.retain(|row| self.rows().any(|it| it == *row));
        seen
    }

    fn may_read(&self, user: usize) -> bool {
        let of_team = |team: &usize| {
            self.members.contains(&(*team, user))
                && !self.is_access[*team]
                && self.role_of_team[*team].is_some()
        };
        self.role_of_user[user].is_some() || (0..TEAMS).any(|team| of_team(&team))
    }

    /// The same as a scenario that expects what each user sees.
    fn scenario(&self) -> String {
        let mut text = String::from(
            "scenario: Who sees what\ntables:\n  account: { columns: { name: text, \
             changes: whole number } }\n  \
             draft: { columns: { name: text } }\n  contact: { \
             columns: { name: text, account: { lookup: account } } }\ninstances: { us: { tables: \
             [account, draft, contact] } }\nsecurity:\n  us:\n    business units:\n      b0: {}\n",
        );
        for child in 1..UNITS {
            let parent = self.parents[child - 1] % child;
            writeln!(text, "      b{child}: {{ parent: b{parent} }}").unwrap();
        }
        text.push_str("    roles:\n");
        for (number, depth) in DEPTHS.iter().enumerate() {
            let rights = format!(
                "account: {{ read: {depth}, write: {depth} }}, draft: {{ delete: {depth} }}"
            );
            let contact = "contact: { read: organization }";
            writeln!(text, "      r{number}: {{ {rights}, {contact} }}").unwrap();
        }
        let roles = |role: Option<usize>| role.map_or(String::new(), |role| format!("r{role}"));
        text.push_str("    users:\n");
        for user in 0..USERS {
            let (unit, role) = (self.unit_of_user[user], roles(self.role_of_user[user]));
            writeln!(text, "      u{user}: {{ business unit: b{unit}, roles: [{role}] }}").unwrap();
        }
        text.push_str("    teams:\n");
        for team in 0..TEAMS {
            let unit = self.unit_of_team[team];
            let (kind, role) = match self.is_access[team] {
                true => ("access", String::new()),
                false => ("owner", roles(self.role_of_team[team])),
            };
            let members = self.members.iter().filter(|(of, _)| *of == team);
            let members: Vec<String> = members.map(|(_, user)| format!("u{user}")).collect();
            let members = members.join(", ");
            writeln!(
                text,
                "      t{team}: {{ kind: {kind}, business unit: b{unit}, roles: [{role}], members: \
                 [{members}] }}"
            )
            .unwrap();
        }
        self.rows_at_the_start(&mut text);
        self.actors(&mut text);
        self.expectations(&mut text);
        text
    }

    fn rows_at_the_start(&self, text: &mut String) {
        text.push_str("rows:\n  us:\n    account:\n");
        for row in self.rows() {
            let column = if row < USERS { "ownerid" } else { "owningteam" };
            let owner = principal(row);
            writeln!(text, "      a{row}: {{ name: a{row}, changes: 0, {column}: {owner} }}")
                .unwrap();
        }
        text.push_str("    draft:\n");
        for (row, user) in self.rows().flat_map(|row| (0..USERS).map(move |user| (row, user))) {
            let column = if row < USERS { "ownerid" } else { "owningteam" };
            let owner = principal(row);
            writeln!(text, "      d{row} of {user}: {{ {column}: {owner} }}").unwrap();
        }
        text.push_str("    contact:\n");
        for row in self.rows() {
            writeln!(text, "      c{row}: {{ name: c{row}, account: a{row} }}").unwrap();
        }
    }

    fn actors(&self, text: &mut String) {
        text.push_str("actors:\n  admin:\n    in: us\n    do:\n      - note: shares\n");
        for (row, with) in &self.shares {
            if self.rows().any(|it| it == *row) {
                let with = principal(*with);
                writeln!(
                    text,
                    "      - grant: {{ table: account, row: a{row}, to: {with}, rights: [read] }}"
                )
                .unwrap();
            }
        }
        for user in 0..USERS {
            writeln!(text, "  app {user}:\n    in: us\n    as: u{user}\n    at: 1h\n    do:")
                .unwrap();
            for row in self.rows() {
                let query =
                    format!("table: account, where: \"=name == 'a{row}'\", as: found {row}");
                writeln!(text, "      - query: {{ {query} }}").unwrap();
            }
            for (name, query) in WHOLE {
                writeln!(text, "      - query: {{ {query}, as: {name} }}").unwrap();
            }
            text.push_str(PAGES);
            for row in self.rows() {
                let update =
                    format!("table: account, row: a{row}, set: {{ changes: =changes + 1 }}");
                let delete = format!("table: draft, row: d{row} of {user}");
                for attempt in
                    [format!("update: {{ {update} }}"), format!("delete: {{ {delete} }}")]
                {
                    text.push_str(
                        "      - try:\n          on: privilege denied\n          on fault: []\n",
                    );
                    writeln!(text, "          do: [ {{ {attempt} }} ]").unwrap();
                }
            }
        }
    }

    fn expectations(&self, text: &mut String) {
        text.push_str("expect:\n");
        for user in 0..USERS {
            if !self.may_read(user) {
                writeln!(text, "  - {{ actor: app {user}, fault: privilege denied }}").unwrap();
                continue;
            }
            let seen = self.seen_by(user);
            let mut claim = |claim: String| {
                writeln!(text, "  - {{ actor: app {user}, {claim} }}").unwrap();
            };
            for row in self.rows() {
                let count = u8::from(seen.contains(&row));
                claim(format!("answer: found {row}, rows: {count}"));
            }
            let (all, count) = (self.rows().count(), seen.len());
            claim(format!("answer: first, rows: {}", count.min(2)));
            claim(format!("answer: inner, rows: {count}"));
            claim(format!("answer: outer, rows: {all}"));
            claim(format!("answer: none, rows: {}", all - count));
            claim(format!("answer: through a lookup, rows: {count}"));
            claim(format!("answer: number, is: {{ rows: {count} }}"));
            claim(format!("answer: names, rows: {count}"));
            claim(format!("answer: page, rows: {}", count.min(2)));
            claim(format!("answer: more, is: {}", count > 2));
            claim(format!("answer: total, is: {count}"));
            // Without a second page there is no cookie, and the query begins from the start.
            let rest = if count > 2 { count - 2 } else { count };
            claim(format!("answer: rest, rows: {rest}"));
        }
        self.writes(text);
    }

    /// What is left of the rows after every user has tried to write each of them.
    fn writes(&self, text: &mut String) {
        let writers: Vec<usize> = (0..USERS).filter(|user| self.may_read(*user)).collect();
        for row in self.rows() {
            let reaches = |user: &usize| self.reached_by(*user).contains(&row);
            let count = writers.iter().copied().filter(|user| reaches(user)).count();
            writeln!(text, "  - {{ row: us/account/a{row}, is: {{ changes: {count} }} }}").unwrap();
            for user in &writers {
                let fate = if reaches(user) { "is: missing" } else { "unchanged: true" };
                writeln!(text, "  - {{ row: us/draft/d{row} of {user}, {fate} }}").unwrap();
            }
        }
    }
}

/// What scenarios call a user, or a team after the users.
fn principal(number: usize) -> String {
    match number.checked_sub(USERS) {
        None => format!("u{number}"),
        Some(team) => format!("t{team}"),
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let role = || prop::option::weighted(0.7, 0..DEPTHS.len());
    (
        prop::array::uniform3(0..UNITS),
        prop::array::uniform4(0..UNITS),
        prop::array::uniform3(0..UNITS),
        prop::array::uniform3(any::<bool>()),
        prop::array::uniform4(role()),
        prop::array::uniform3(role()),
        prop::collection::btree_set((0..TEAMS, 0..USERS), 0..6),
        prop::collection::btree_set((0..USERS + TEAMS, 0..USERS + TEAMS), 0..6),
    )
        .prop_map(
            |(
                parents,
                unit_of_user,
                unit_of_team,
                is_access,
                role_of_user,
                role_of_team,
                members,
                shares,
            )| World {
                parents,
                unit_of_user,
                unit_of_team,
                is_access,
                role_of_user,
                role_of_team,
                members,
                shares,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_user_sees_the_rows_that_a_plain_reading_of_the_rules_gives(world in any_world()) {
        let folder = tempfile::tempdir().unwrap();
        let text = world.scenario();
        std::fs::write(folder.path().join("who.yaml"), &text).unwrap();
        for outcome in Folder::new(folder.path()).run() {
            prop_assert!(outcome.holds(), "{outcome}\n{text}");
        }
    }
}
