//! What a delete leaves, against a plain oracle: random tables that refer to one another, with
//! random rows and cascades, also in circles.

use std::fmt::Write as _;

use multiverse::engine::RunOptions;
use multiverse::run;
use proptest::prelude::*;

const TABLES: usize = 3;
const LOOKUPS: usize = 2;
const ROWS: usize = 3;

/// What becomes of the rows that refer to a deleted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDelete {
    Cascade,
    RemoveLink,
    Restrict,
    /// The file says nothing of it.
    Undeclared,
}

/// One row: whether it is there, and what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    is_there: bool,
    refers: [Option<usize>; LOOKUPS],
}

/// A world: each table has two lookups, to any table.
#[derive(Clone, Debug)]
struct World {
    /// To which table each lookup leads, and what its relationship does.
    lookups: [[(usize, OnDelete); LOOKUPS]; TABLES],
    rows: Vec<[Row; ROWS]>,
    deleted: (usize, usize),
}

impl World {
    /// Of the relationships of one child, the first alone may cascade.
    fn tamed(mut self) -> Self {
        for lookups in &mut self.lookups {
            let mut has_parent = false;
            for (_, on_delete) in lookups {
                if *on_delete == OnDelete::Cascade {
                    if has_parent {
                        *on_delete = OnDelete::RemoveLink;
                    }
                    has_parent = true;
                }
            }
        }
        self
    }

    /// The relationships to a table, the restricting ones first: child, lookup, what it does.
    fn below(&self, parent: usize) -> Vec<(usize, usize, OnDelete)> {
        let mut found = Vec::new();
        for wanted in [true, false] {
            for (child, lookups) in self.lookups.iter().enumerate() {
                for (lookup, (to, on_delete)) in lookups.iter().enumerate() {
                    if *to == parent && (*on_delete == OnDelete::Restrict) == wanted {
                        found.push((child, lookup, *on_delete));
                    }
                }
            }
        }
        found
    }

    /// Deletes a row, having come from those above; `false` when something is in the way.
    fn delete(&mut self, (table, row): (usize, usize), above: &[(usize, usize)]) -> bool {
        let mut above = above.to_vec();
        above.push((table, row));
        for (child, lookup, on_delete) in self.below(table) {
            let children: Vec<usize> = (0..ROWS)
                .filter(|it| {
                    let other = &self.rows[child][*it];
                    other.is_there && other.refers[lookup] == Some(row)
                })
                .collect();
            for number in children {
                if above.contains(&(child, number)) || !self.rows[child][number].is_there {
                    continue;
                }
                match on_delete {
                    OnDelete::Restrict => return false,
                    OnDelete::RemoveLink | OnDelete::Undeclared => {
                        self.rows[child][number].refers[lookup] = None
                    }
                    OnDelete::Cascade => {
                        if !self.delete((child, number), &above) {
                            return false;
                        }
                    }
                }
            }
        }
        self.rows[table][row].is_there = false;
        true
    }

    /// The same as a scenario that expects what the oracle says.
    /// `limits`: more of the file; `by`: when what is expected must hold.
    fn scenario(&self, limits: &str, by: &str) -> String {
        let mut text = format!("scenario: A delete\n{limits}tables:\n");
        for (table, lookups) in self.lookups.iter().enumerate() {
            let columns: Vec<String> = (lookups.iter().enumerate())
                .map(|(lookup, (to, _))| format!("l{lookup}: {{ lookup: t{to} }}"))
                .collect();
            writeln!(text, "  t{table}: {{ columns: {{ {} }} }}", columns.join(", ")).unwrap();
        }
        text.push_str("instances: { us: { tables: [t0, t1, t2] } }\n");
        let mut declared = String::new();
        for (child, lookups) in self.lookups.iter().enumerate() {
            for (lookup, (_, on_delete)) in lookups.iter().enumerate() {
                let word = match on_delete {
                    OnDelete::Cascade => "cascade",
                    OnDelete::RemoveLink => "remove link",
                    OnDelete::Restrict => "restrict",
                    OnDelete::Undeclared => continue,
                };
                let by = format!("child: t{child}, by: l{lookup}, delete: {word}");
                writeln!(declared, "  r{child}{lookup}: {{ {by} }}").unwrap();
            }
        }
        if !declared.is_empty() {
            write!(text, "relationships:\n{declared}").unwrap();
        }
        text.push_str("rows:\n  us:\n");
        for (table, rows) in self.rows.iter().enumerate() {
            writeln!(text, "    t{table}:").unwrap();
            for (row, it) in rows.iter().enumerate() {
                writeln!(text, "      t{table}r{row}: {}", self.columns(table, it)).unwrap();
            }
        }
        let (table, row) = self.deleted;
        let delete = format!("delete: {{ table: t{table}, row: t{table}r{row} }}");
        writeln!(text, "actors: {{ clerk: {{ in: us, do: [ {{ {delete} }} ] }} }}\nexpect:")
            .unwrap();
        let mut after = self.clone();
        let goes = after.delete(self.deleted, &[]);
        let outcome = if goes { "succeeds: true" } else { "fault: delete restricted" };
        writeln!(text, "  - {{ actor: clerk, {outcome} }}").unwrap();
        let rows = if goes { &after.rows } else { &self.rows };
        for (table, rows) in rows.iter().enumerate() {
            for (row, it) in rows.iter().enumerate() {
                let state = match it.is_there {
                    true => self.columns(table, it),
                    false => "missing".to_owned(),
                };
                writeln!(text, "  - {{ row: us/t{table}/t{table}r{row}, is: {state}{by} }}")
                    .unwrap();
            }
        }
        text
    }

    fn columns(&self, table: usize, row: &Row) -> String {
        let columns: Vec<String> = (row.refers.iter().enumerate())
            .map(|(lookup, refers)| {
                let to = self.lookups[table][lookup].0;
                let value = refers.map_or("null".to_owned(), |row| format!("t{to}r{row}"));
                format!("l{lookup}: {value}")
            })
            .collect();
        format!("{{ {} }}", columns.join(", "))
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let on_delete = prop_oneof![
        4 => Just(OnDelete::Cascade),
        2 => Just(OnDelete::RemoveLink),
        2 => Just(OnDelete::Undeclared),
        1 => Just(OnDelete::Restrict),
    ];
    let lookup = (0..TABLES, on_delete);
    let row = prop::array::uniform2(prop::option::weighted(0.7, 0..ROWS))
        .prop_map(|refers| Row { is_there: true, refers });
    (
        prop::array::uniform3(prop::array::uniform2(lookup)),
        prop::collection::vec(prop::array::uniform3(row), TABLES),
        (0..TABLES, 0..ROWS),
    )
        .prop_map(|(lookups, rows, deleted)| World { lookups, rows, deleted }.tamed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_delete_leaves_what_a_plain_oracle_says(world in any_world()) {
        let text = world.scenario("", "");
        let plans = run::parse("delete.yaml", &text).expect("a sound scenario");
        let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
        let failed: Vec<&str> = run.verdict.failed().map(|check| &*check.text).collect();
        prop_assert!(failed.is_empty(), "{failed:?}\n{text}");
        prop_assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// In the end it is the same who does it, as long as nothing is in the way.
    #[test]
    fn a_delete_that_is_left_to_a_job_leaves_the_same(
        mut world in any_world(),
        batch in 1..4_u32,
    ) {
        for (_, on_delete) in world.lookups.iter_mut().flatten() {
            if *on_delete == OnDelete::Restrict {
                *on_delete = OnDelete::RemoveLink;
            }
        }
        let limits = format!("limits: {{ delete cascade: 1, cascade batch: {batch} }}\n");
        let text = world.scenario(&limits, ", by: end");
        let plans = run::parse("delete.yaml", &text).expect("a sound scenario");
        let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
        let failed: Vec<&str> = run.verdict.failed().map(|check| &*check.text).collect();
        prop_assert!(failed.is_empty(), "{failed:?}\n{text}");
        prop_assert!(run.verdict.violations.is_empty(), "{:?}\n{text}", run.verdict.violations);
    }
}

/// Most worlds would prove nothing if all deletes failed, or none.
#[test]
fn the_worlds_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut restricted, mut cascaded) = (0, 0);
    for _ in 0..200 {
        let mut world = any_world().new_tree(&mut runner).expect("a world").current();
        if world.delete(world.deleted, &[]) {
            let gone = world.rows.iter().flatten().filter(|row| !row.is_there).count();
            cascaded += usize::from(gone > 1);
        } else {
            restricted += 1;
        }
    }
    assert!(restricted > 10 && cascaded > 40, "{restricted} restricted, {cascaded} cascaded");
}

/// The limit on depth is for what plug-ins ask for: a tree may be as deep as it is.
#[test]
fn a_delete_reaches_the_bottom_of_a_deep_tree() {
    let mut text = String::from(
        "scenario: A deep tree\ntables: { unit: { columns: { above: { lookup: unit } } } }\n\
         instances: { us: { tables: [unit] } }\n\
         relationships: { below: { child: unit, by: above, delete: cascade } }\n\
         rows:\n  us:\n    unit:\n      unit 0: {}\n",
    );
    for unit in 1..12 {
        writeln!(text, "      unit {unit}: {{ above: unit {} }}", unit - 1).unwrap();
    }
    text.push_str(
        "actors: { clerk: { in: us, do: [ { delete: { table: unit, row: unit 0 } } ] } }\n\
         expect: [ { actor: clerk, succeeds: true }, { count: us/unit, is: 0 } ]\n",
    );
    let plans = run::parse("tree.yaml", &text).expect("a sound scenario");
    let run = run::run(&plans[0], &RunOptions::default()).expect("a plan that runs");
    assert!(run.verdict.holds() && run.verdict.violations.is_empty());
}
