//! The table of phenomena and levels in the README, from the runs.
//!
//! Each script of Hermitage is a file of `scenarios/isolation` with a variant for each level. The
//! files say themselves what they expect; here that has no part. The checker says which phenomena
//! are in a trace, the trace says what stood in the way of those that are not, and the table that
//! comes of it must be what Hermitage has found on SQL Server, and what the README shows.
//!
//! `UPDATE_README=1 cargo test --test hermitage` writes the table into the README.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use multiverse::check::{Anomalies, History};
use multiverse::engine::RunOptions;
use multiverse::fault::FaultKind;
use multiverse::plan::{Anomaly, Isolation, Locking, Plan};
use multiverse::run;

/// One of Hermitage's scripts.
struct Script {
    /// The file in `scenarios/isolation`, without its extension.
    file: &'static str,
    /// The column of [`SUMMARY`] that it belongs to.
    code: &'static str,
    /// What sets it apart from the others of its column.
    which: &'static str,
    /// What a run of it shows where that is allowed.
    shows: Anomaly,
}

const fn script(
    file: &'static str,
    code: &'static str,
    which: &'static str,
    shows: Anomaly,
) -> Script {
    Script { file, code, which, shows }
}

const SCRIPTS: [Script; 14] = [
    script("g0", "G0", "", Anomaly::DirtyWrite),
    script("g1a", "G1a", "", Anomaly::AbortedRead),
    script("g1b", "G1b", "", Anomaly::IntermediateRead),
    script("g1c", "G1c", "", Anomaly::CircularInformationFlow),
    script("otv", "OTV", "", Anomaly::ObservedTransactionVanishes),
    script("pmp-read", "PMP", ", on reads", Anomaly::PredicateManyPreceders),
    script("pmp-write", "PMP", ", on writes", Anomaly::PredicateManyPreceders),
    script("p4", "P4", "", Anomaly::LostUpdate),
    script("g-single", "G-single", "", Anomaly::ReadSkew),
    script("g-single-predicate", "G-single", ", on predicates", Anomaly::ReadSkew),
    script("g-single-write", "G-single", ", on a write predicate", Anomaly::ReadSkew),
    script("g2-item", "G2-item", "", Anomaly::WriteSkew),
    script("g2", "G2", "", Anomaly::Phantom),
    // Hermitage counts it with G2; its circle runs over rows alone, which makes it a write skew.
    script("g2-two-edges", "G2", ", of three", Anomaly::WriteSkew),
];

/// What Hermitage says of SQL Server: `y` where a level prevents a phenomenon, `n` where it allows
/// it, `s` for "some". A level that prevents one script of several counts as allowing: only of
/// G-single it says "some".
///
/// Source: M. Kleppmann, "Hermitage" (CC BY 4.0), README, the rows of MS SQL Server.
const SUMMARY: [(Isolation, &str); 6] = [
    (Isolation::ReadUncommitted, "y n n n n n n n n n"),
    (Isolation::ReadCommitted, "y y y y y n n n n n"),
    (Isolation::ReadCommittedSnapshot, "y y y y y n n n n n"),
    (Isolation::RepeatableRead, "y y y y y n y s y n"),
    (Isolation::Snapshot, "y y y y y y y y n n"),
    (Isolation::Serializable, "y y y y y y y y y y"),
];

/// The columns of [`SUMMARY`].
const CODES: [&str; 10] =
    ["G0", "G1a", "G1b", "G1c", "OTV", "PMP", "P4", "G-single", "G2-item", "G2"];

/// What came of one script at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The phenomenon is there.
    Allowed,
    /// It is not: a transaction was a deadlock's victim,
    Deadlock,
    /// or it ended because another had changed the row after its snapshot,
    Conflict,
    /// or somebody had to wait until the other was done,
    Wait,
    /// or nothing of the kind happened, since what was read was what had been committed.
    Versions,
}

impl Cell {
    const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "**allowed**",
            Self::Deadlock => "deadlock",
            Self::Conflict => "conflict",
            Self::Wait => "wait",
            Self::Versions => "versions",
        }
    }
}

/// What one run shows.
struct Seen {
    phenomenon: bool,
    deadlock: bool,
    conflict: bool,
    /// The steps that waited, as `t1.read`.
    waits: BTreeSet<String>,
}

impl Seen {
    fn in_run_of(plan: &Arc<Plan>, phenomenon: Anomaly) -> Self {
        let run = run::run(plan, &RunOptions::default()).expect("a plan that runs");
        assert!(run.verdict.violations.is_empty(), "{}: {:?}", plan.title, run.verdict.violations);
        let history = History::of(&run.trace);
        let steps = history.steps.iter();
        let named = |lane, label| format!("{}.{label}", history.lane_name(lane));
        let faults = history.steps.iter().filter_map(|step| step.ended?.fault);
        Self {
            phenomenon: Anomalies::of(&history).first(phenomenon, &history).is_some(),
            deadlock: !history.deadlocks.is_empty(),
            conflict: faults.into_iter().any(|fault| fault.kind == FaultKind::UpdateConflict),
            waits: steps
                .filter(|step| !step.waits.is_empty())
                .map(|step| named(step.lane, step.label))
                .collect(),
        }
    }

    /// What prevents the phenomenon, if anything does. `below` is the run at read uncommitted: who
    /// waits there as well, where the phenomenon happens, does not wait to prevent it.
    fn cell(&self, below: &Self) -> Cell {
        if self.phenomenon {
            return Cell::Allowed;
        }
        let waits_for_nothing =
            below.phenomenon && self.waits.is_subset(&below.waits) || self.waits.is_empty();
        match (self.deadlock, self.conflict) {
            (true, _) => Cell::Deadlock,
            (false, true) => Cell::Conflict,
            (false, false) if waits_for_nothing => Cell::Versions,
            (false, false) => Cell::Wait,
        }
    }
}

/// The cells of one script, by the levels of [`SUMMARY`], with writes that lock in this way.
fn cells(script: &Script, locking: Locking) -> Vec<Cell> {
    let path = format!("scenarios/isolation/{}.yaml", script.file);
    let plans = run::load(Path::new(&path)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(plans.len(), SUMMARY.len(), "{path} has a variant for each level");
    let seen = SUMMARY.iter().map(|(level, _)| {
        let at_level = |plan: &&Arc<Plan>| plan.instances.iter().all(|it| it.isolation == *level);
        let plan = plans.iter().find(at_level);
        let plan = plan.unwrap_or_else(|| panic!("{path} has no variant at {}", level.word()));
        let mut plan = Plan::clone(plan);
        for instance in &mut plan.instances {
            instance.locking = locking;
        }
        Seen::in_run_of(&Arc::new(plan), script.shows)
    });
    let seen: Vec<_> = seen.collect();
    seen.iter().map(|run| run.cell(&seen[0])).collect()
}

/// What the scripts of one column come to at one level, as [`SUMMARY`] writes it.
fn summed_up(code: &str, cells: &[Cell]) -> &'static str {
    let allowed = cells.iter().filter(|cell| **cell == Cell::Allowed).count();
    match allowed {
        0 => "y",
        _ if allowed < cells.len() && code == "G-single" => "s",
        _ => "n",
    }
}

fn table(rows: &[(&Script, Vec<Cell>)]) -> String {
    let mut table = String::from("| phenomenon |");
    for (level, _) in SUMMARY {
        let _ = write!(table, " {} |", level.word());
    }
    let _ = writeln!(table, "\n|---|{}", "---|".repeat(SUMMARY.len()));
    for (Script { file, code, which, shows }, cells) in rows {
        let word = shows.facts().word;
        let _ = write!(table, "| [{code}](scenarios/isolation/{file}.yaml): {word}{which} |");
        for cell in cells {
            let _ = write!(table, " {} |", cell.word());
        }
        table.push('\n');
    }
    table
}

#[test]
fn every_file_with_all_levels_is_a_script_of_the_table() {
    let mut known: Vec<_> = SCRIPTS.iter().map(|script| script.file.to_owned()).collect();
    known.sort();
    let files = run::scenario_files(&["scenarios/isolation"]).files.into_iter();
    let of_all_levels = |path: &Path| run::load(path).is_ok_and(|it| it.len() == SUMMARY.len());
    let found = files.filter(|it| of_all_levels(&it.path)).map(|it| stem(&it.path));
    let mut found: Vec<_> = found.collect();
    found.sort();
    assert_eq!(found, known);
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

#[test]
fn every_level_prevents_what_it_prevents_on_sql_server_and_allows_the_rest() {
    let of_script = |script| (script, cells(script, Locking::Classic));
    let rows: Vec<_> = SCRIPTS.iter().map(of_script).collect();
    let mut differences = Vec::new();
    for (place, (level, expected)) in SUMMARY.iter().enumerate() {
        for (code, expected) in CODES.iter().zip(expected.split(' ')) {
            let of_code = rows.iter().filter(|(script, _)| script.code == *code);
            let found: Vec<_> = of_code.map(|(_, cells)| cells[place]).collect();
            let sum = summed_up(code, &found);
            if sum != expected {
                let level = level.word();
                differences.push(format!("{code} at {level}: {sum}, not {expected}: {found:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}\n\n{}", differences.join("\n"), table(&rows));
    assert_readme_shows(&table(&rows));
}

#[test]
fn optimized_locking_prevents_neither_more_nor_less() {
    for script in &SCRIPTS {
        let [classic, optimized] =
            [Locking::Classic, Locking::Optimized].map(|locking| cells(script, locking));
        assert_eq!(optimized, classic, "{}", script.file);
    }
}

/// The README has the table between two comments.
fn assert_readme_shows(table: &str) {
    let (opening, closing) = ("<!-- hermitage -->\n", "<!-- /hermitage -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(opening).expect("the comment before the table");
    let (shown, after) = rest.split_once(closing).expect("the comment after the table");
    if shown.trim() == table.trim() {
        return;
    }
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}{opening}\n{table}\n{closing}{after}");
        std::fs::write(&path, text).expect("a README that can be written");
        return;
    }
    panic!(
        "the README shows\n{shown}\nand the runs\n\n{table}\n\
         `UPDATE_README=1 cargo test --test hermitage` writes it into the README"
    );
}
