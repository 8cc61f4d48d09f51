//! The binary as a shell sees it: what it prints, where, and its exit code.

mod shell;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use multiverse::words::is_obeyed;
use shell::{EXPECTATION_LINE, HOLDS, answer, command, fails, files_in, folder_with, multiverse};

#[test]
fn what_holds_exits_with_0_and_tells_its_story() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["run", "a.yaml"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stdout.contains("One note"), "{}", answer.stdout);
    assert!(answer.stdout.ends_with("1 scenario, 2 runs, 2 checks: all hold.\n"));
    assert_eq!(answer.stderr, "");
}

#[test]
fn a_failed_check_exits_with_1_and_names_its_line_twice() {
    let folder = folder_with(&[("a.yaml", &fails())]);
    let answer = multiverse(folder.path(), &["run", "."]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    let place = format!("a.yaml:{EXPECTATION_LINE}");
    let (story, summary) = answer.stdout.rsplit_once("\n\n").expect("a summary at the end");
    assert!(story.contains(&place), "{story}");
    assert!(summary.contains(&place), "{summary}");
    assert!(summary.contains("2 checks: 2 failed"), "{summary}");
}

#[test]
fn the_worst_file_decides_the_exit_code_and_hides_no_other() {
    let folder = folder_with(&[
        ("a.yaml", "scenario: no tables here\n"),
        ("b.yaml", HOLDS),
        ("c.yaml", &fails()),
    ]);
    let answer = multiverse(folder.path(), &["run", ".", "missing.yaml"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(answer.stderr.contains("a.yaml"), "{}", answer.stderr);
    assert!(answer.stderr.contains("missing.yaml"), "{}", answer.stderr);
    assert!(answer.stdout.contains("b.yaml"), "{}", answer.stdout);
    assert!(answer.stdout.contains("2 scenarios, 4 runs, 4 checks: 2 failed"));
}

/// The cells of a table of `bench`, without those of the column that differs from run to run.
fn cells(table: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let lines: Vec<_> = table.lines().map(cells).collect();
    let head = lines.iter().find(|line| line.len() > 1).expect("a head");
    let real = head.iter().position(|it| it == "real time").expect("a column for the real time");
    let steady = |mut line: Vec<String>| {
        if line.len() > 1 {
            line.remove(real);
        }
        line.join(" | ")
    };
    lines.into_iter().map(steady).collect()
}

#[test]
fn bench_prints_a_table_of_the_variants() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["bench", "a.yaml"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let head = "simulated | committed | a second | waits | longest wait | all waits | deadlocks | \
                rolled back | wasted work | variant";
    let golden = [
        "One note",
        head,
        "10 ms | 1 | 100.0 | 0 | 0 µs | 0 µs | 0 | 0 | 0.0 % | plain",
        "15 ms | 1 | 66.7 | 0 | 0 µs | 0 µs | 0 | 0 | 0.0 % | twice as slow",
        "",
    ];
    assert_eq!(cells(&answer.stdout), golden);
}

#[test]
fn bench_tells_of_waits_and_deadlocks_in_columns() {
    let scenario =
        format!("{}/scenarios/transaction-patterns/auto-number.yaml", env!("CARGO_MANIFEST_DIR"));
    let folder = folder_with(&[]);
    let answer = multiverse(folder.path(), &["bench", "--runs", "1", &scenario]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let told = cells(&answer.stdout);
    let golden = [
        "470 ms | 4 | 8.5 | 1 | 5 ms | 5 ms | 0 | 0 | 0.0 % | outside the transaction",
        "880 ms | 2 | 2.3 | 1 | 415 ms | 415 ms | 0 | 0 | 0.0 % | in the transaction",
        "5.42 s | 1 | 0.2 | 2 | 4.96 s | 9.915 s | 1 | 1 | 0.0 % | in the transaction, reads lock",
    ];
    assert_eq!(told[2..5], golden);
    let lines: Vec<_> = answer.stdout.lines().filter(|line| line.contains(" %  ")).collect();
    let end = |line: &str| line.find(" %  ").expect("a share");
    assert!(lines.iter().all(|line| end(line) == end(lines[0])), "{}", answer.stdout);
}

#[test]
fn bench_tells_how_much_work_was_wasted() {
    let scenario = format!("{}/scenarios/locks/deadlock-of-two.yaml", env!("CARGO_MANIFEST_DIR"));
    let folder = folder_with(&[]);
    let answer = multiverse(folder.path(), &["bench", "--runs", "1", &scenario]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let golden = [
        "5.005 s | 1 | 0.2 | 2 | 4.989 s | 9.979 s | 1 | 1 | 33.3 % | opposite order",
        "20.08 ms | 2 | 99.6 | 1 | 5.02 ms | 5.02 ms | 0 | 0 | 0.0 % | same order",
        "",
    ];
    assert_eq!(cells(&answer.stdout)[2..], golden);
}

#[test]
fn bench_of_a_file_with_mistakes_exits_with_2_and_measures_the_others() {
    let folder = folder_with(&[("a.yaml", "scenario: no tables here\n"), ("b.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["bench", "."]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(answer.stderr.contains("a.yaml"), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("One note\n"), "{}", answer.stdout);
}

#[test]
fn paths_that_lead_nowhere_exit_with_2() {
    let folder = folder_with(&[("empty/notes.md", "no scenario")]);
    for verb in ["run", "check"] {
        let answer = multiverse(folder.path(), &[verb, "empty"]);
        assert_eq!(answer.code, Some(2));
        assert!(answer.stderr.contains("no scenario files (*.yaml) in the folder `empty`"));
        let answer = multiverse(folder.path(), &[verb, "nowhere"]);
        assert_eq!(answer.code, Some(2));
        assert!(answer.stderr.contains("cannot read `nowhere`"), "{}", answer.stderr);
    }
}

#[test]
fn check_reads_without_running() {
    let folder = folder_with(&[("a.yaml", &fails())]);
    let answer = multiverse(folder.path(), &["check", "a.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(0), "a.yaml: 2 runs, 2 checks\n"));
    fs::write(folder.path().join("b.yaml"), "scenario: broken\ntabels: {}\n").expect("a file");
    let answer = multiverse(folder.path(), &["check", "."]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("tabels"), "{}", answer.stderr);
    assert!(answer.stdout.ends_with("2 scenarios: 1 with mistakes.\n"), "{}", answer.stdout);
    let answer = multiverse(folder.path(), &["check", "-q", "a.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(0), ""));
}

#[test]
fn a_variant_is_chosen_by_name_and_a_wrong_name_gets_a_suggestion() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["run", "a.yaml", "--variant", "twice as slow"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(!answer.stdout.contains("2 runs"), "{}", answer.stdout);
    let answer = multiverse(folder.path(), &["run", "a.yaml", "--variant", "twice as slw"]);
    assert_eq!(answer.code, Some(2));
    let complaint = "error: no variant `twice as slw`; did you mean `twice as slow`?\n";
    assert_eq!(answer.stderr, complaint);
    let answer = multiverse(folder.path(), &["run", "a.yaml", "--variant", "x"]);
    assert_eq!(answer.stderr, "error: no variant `x`; there are: `plain`, `twice as slow`\n");
}

#[test]
fn help_says_what_there_is() {
    let folder = folder_with(&[]);
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help-run", &["run", "--help"]),
        ("help-check", &["check", "--help"]),
        ("help-init", &["init", "--help"]),
    ] {
        let answer = multiverse(folder.path(), arguments);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""));
        insta::with_settings!({
            snapshot_path => "../snapshots/command-line",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, answer.stdout);
        });
    }
    let answer = multiverse(folder.path(), &[]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""));
    assert!(answer.stderr.contains("Usage: multiverse"), "{}", answer.stderr);
}

#[test]
fn wrong_arguments_exit_with_2_and_print_nothing_on_stdout() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let long = "x".repeat(5_000);
    for arguments in [
        &["rum", "a.yaml"][..],
        &["run"],
        &["run", ""],
        &["run", "a\nb"],
        &["run", &long],
        &["run", "a.yaml", "--seed", "-1"],
        &["run", "a.yaml", "--seed", "18446744073709551616"],
        &["run", "a.yaml", "--width", "0"],
        &["run", "a.yaml", "--width", "99999"],
        &["run", "a.yaml", "--format", "html"],
        &["run", "a.yaml", "-q", "-v"],
        &["run", "a.yaml", "--variant", "\u{1b}[31m"],
        &["run", "a.yaml", "--color", "sometimes"],
        &["init"],
        &["init", "a.yaml"],
        &["init", "a.yaml/deeper"],
    ] {
        let answer = multiverse(folder.path(), arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {}", answer.stdout);
        assert_eq!(answer.stdout, "", "{arguments:?}");
        assert!(!answer.stderr.trim().is_empty(), "{arguments:?}");
        assert!(!answer.stderr.contains("bug"), "{arguments:?}: {}", answer.stderr);
        assert!(!answer.stderr.contains('\u{1b}'), "{arguments:?}: {:?}", answer.stderr);
    }
    assert_eq!(files_in(folder.path()), ["a.yaml"]);
}

#[test]
fn files_that_are_no_scenarios_exit_with_2() {
    let folder = folder_with(&[("empty.yaml", ""), ("binary.yaml", "\u{0}\u{1}\u{2}")]);
    fs::write(folder.path().join("latin.yaml"), b"scenario: Caf\xe9\n").expect("a file");
    fs::write(folder.path().join("open.yaml"), "scenario: [\n").expect("a file");
    fs::write(folder.path().join("deep.yaml"), "[".repeat(100_000)).expect("a file");
    fs::create_dir(folder.path().join("folder.yaml")).expect("a folder");
    for file in ["empty", "binary", "latin", "open", "deep", "folder"] {
        let file = format!("{file}.yaml");
        let answer = multiverse(folder.path(), &["run", &file]);
        assert_eq!(answer.code, Some(2), "{file}: {}", answer.stderr);
        assert!(answer.stderr.contains(&file), "{file}: {}", answer.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_text_is_no_reason_to_fall_over() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder_with(&[]);
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.yaml"));
    fs::write(&path, HOLDS).expect("a file");
    let answer = answer(command(folder.path()).arg("run").arg(&path));
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
}

#[test]
fn hostile_names_reach_no_terminal() {
    let evil = "\u{202e}\u{9b}31m";
    let text = fails().replace("plain", evil).replace("Goodbye", evil);
    let folder = folder_with(&[("a.yaml", &text)]);
    let missing = format!("{evil}.yaml");
    for arguments in [
        &["run", "a.yaml", &missing][..],
        &["run", "a.yaml", "-v", "--ascii", "--width", "40"],
        &["run", "a.yaml", "--variant", "\u{202e}"],
        &["check", "a.yaml", &missing],
    ] {
        let answer = multiverse(folder.path(), arguments);
        for text in [answer.stdout, answer.stderr] {
            let obeyed: Vec<_> = text.chars().filter(|it| *it != '\n' && is_obeyed(*it)).collect();
            assert!(obeyed.is_empty(), "{arguments:?}: {obeyed:?} in {text}");
        }
    }
}

#[test]
fn json_and_junit_are_well_formed_and_agree_on_what_failed() {
    let folder = folder_with(&[("a.yaml", HOLDS), ("b.yaml", &fails())]);
    let answer = multiverse(folder.path(), &["run", ".", "--format", "json"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    let json: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(json.to_string().matches("\"twice as slow\"").count(), 2, "{json:#}");

    let answer = multiverse(folder.path(), &["run", ".", "--format", "junit"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    let junit = quick_junit::Report::deserialize_from_str(&answer.stdout).expect("JUnit");
    assert_eq!((junit.errors, junit.failures), (0, 2), "{}", answer.stdout);
    for scenario in ["a.yaml", "b.yaml"] {
        assert!(junit.test_suites.iter().any(|it| it.name.as_str().ends_with(scenario)));
    }
}

#[test]
fn json_of_nothing_is_still_json() {
    let folder = folder_with(&[("a.yaml", "scenario: broken\n")]);
    let answer = multiverse(folder.path(), &["run", ".", "--format", "json"]);
    assert_eq!(answer.code, Some(2));
    serde_json::from_str::<serde_json::Value>(&answer.stdout).expect("JSON");
}

#[test]
fn the_schema_is_json() {
    let answer = multiverse(folder_with(&[]).path(), &["schema"]);
    assert_eq!(answer.code, Some(0));
    let schema: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert!(schema.get("$schema").is_some(), "{schema:#}");
}

#[test]
fn the_assumptions_are_listed_for_people_and_for_programs() {
    let folder = folder_with(&[]);
    let text = multiverse(folder.path(), &["assumptions"]);
    assert_eq!(text.code, Some(0), "{}", text.stderr);
    let json = multiverse(folder.path(), &["assumptions", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let list = list.as_array().expect("a list");
    let last = format!("{} behaviours that no source states.\n", list.len());
    assert!(text.stdout.ends_with(&last), "{}", text.stdout);
    let of_costs = |it: &serde_json::Value| it["item"] == "plan::costs::Costs";
    assert!(list.iter().any(of_costs), "{list:#?}");
}

#[test]
fn init_writes_a_scenario_that_runs_and_overwrites_nothing() {
    let folder = folder_with(&[]);
    let answer = multiverse(folder.path(), &["init", "new/scenarios"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stdout.contains("multiverse run new/scenarios"), "{}", answer.stdout);
    assert_eq!(files_in(folder.path()), ["new/scenarios/first.yaml"]);
    let answer = multiverse(folder.path(), &["run", "new/scenarios"]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.stdout, answer.stderr);

    let path = folder.path().join("new/scenarios/first.yaml");
    fs::write(&path, "mine").expect("a file");
    let answer = multiverse(folder.path(), &["init", "new/scenarios"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("exists already; nothing was written"), "{}", answer.stderr);
    assert_eq!(fs::read_to_string(path).expect("the file"), "mine");
}

#[test]
fn traces_are_whole_the_same_every_time_and_named_by_scenario_and_variant() {
    let folder = folder_with(&[("in/a.yaml", HOLDS), ("in/deep/b.yaml", HOLDS)]);
    for out in ["one", "two"] {
        let answer = multiverse(folder.path(), &["run", "in", "-q", "--trace", out]);
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    }
    let names = ["a.plain.jsonl", "a.twice-as-slow.jsonl"].map(str::to_owned);
    let deep = ["deep/b.plain.jsonl", "deep/b.twice-as-slow.jsonl"].map(str::to_owned);
    assert_eq!(files_in(&folder.path().join("one")), [names, deep].concat());
    for name in files_in(&folder.path().join("one")) {
        let read = |out: &str| fs::read(folder.path().join(out).join(&name)).expect("a trace");
        assert!(read("one").ends_with(b"\n"), "{name}");
        assert_eq!(read("one"), read("two"), "{name}");
    }
    let arguments = ["run", "in/a.yaml", "--variant", "plain", "--trace", "a.jsonl"];
    assert_eq!(multiverse(folder.path(), &arguments).code, Some(0));
    let trace = fs::File::open(folder.path().join("a.jsonl")).expect("a trace");
    multiverse::trace::read_jsonl(std::io::BufReader::new(trace)).expect("a trace that reads back");
}

#[test]
fn a_trace_that_cannot_be_written_leaves_nothing_behind() {
    let folder = folder_with(&[("a.yaml", HOLDS), ("file", "in the way")]);
    let arguments = ["run", "a.yaml", "--variant", "plain", "--trace", "file/a.jsonl"];
    let answer = multiverse(folder.path(), &arguments);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("cannot write the trace"), "{}", answer.stderr);
    let answer = multiverse(folder.path(), &["run", "a.yaml", "--trace", "file"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("there are 2 runs"), "{}", answer.stderr);
    assert_eq!(answer.stdout, "", "nothing runs when its trace has no place");
    assert_eq!(files_in(folder.path()), ["a.yaml", "file"]);
    assert_eq!(fs::read_to_string(folder.path().join("file")).expect("the file"), "in the way");
}

#[cfg(unix)]
#[test]
fn a_trace_may_go_to_a_device() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let arguments = ["run", "a.yaml", "-q", "--variant", "plain", "--trace", "/dev/stdout"];
    let answer = multiverse(folder.path(), &arguments);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stdout.lines().filter(|line| line.starts_with('{')).count() > 3);
    assert!(Path::new("/dev/stdout").exists());
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let folder = folder_with(&[("a.yaml", &fails())]);
    let is_coloured = |arguments: &[&str], variable: Option<&str>| {
        let mut command = command(folder.path());
        command.args(["run", "a.yaml"]).args(arguments);
        if let Some(variable) = variable {
            command.env(variable, "1");
        }
        answer(&mut command).stdout.contains('\u{1b}')
    };
    assert!(!is_coloured(&[], None), "a pipe is no terminal");
    assert!(is_coloured(&["--color", "always"], None));
    assert!(is_coloured(&[], Some("CLICOLOR_FORCE")));
    assert!(!is_coloured(&["--color", "never"], Some("CLICOLOR_FORCE")));
    assert!(!is_coloured(&[], Some("NO_COLOR")));
    assert!(is_coloured(&["--color", "always"], Some("NO_COLOR")));
}

#[test]
fn quiet_is_short_verbose_is_long_and_width_and_ascii_are_kept() {
    let folder = folder_with(&[("a.yaml", &fails())]);
    let printed = |arguments: &[&str]| {
        multiverse(folder.path(), &[&["run", "a.yaml"], arguments].concat()).stdout
    };
    let lines = |text: &str| text.lines().count();
    let normal = printed(&[]);
    assert!(lines(&printed(&["-q"])) < lines(&normal));
    assert!(lines(&printed(&["-v"])) > lines(&normal));
    let ascii = printed(&["--ascii", "--width", "60"]);
    assert!(ascii.is_ascii(), "{ascii}");
    let (story, _summary) = ascii.rsplit_once("\n\n").expect("a summary at the end");
    assert!(story.lines().all(|line| line.len() <= 60), "{story}");
}

#[test]
fn a_reader_who_leaves_early_is_no_trouble_and_changes_no_exit_code() {
    let folder = folder_with(&[("a.yaml", HOLDS), ("b.yaml", &fails())]);
    let mut command = command(folder.path());
    command.args(["run", ".", "-v"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    drop(child.stdout.take());
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("a pipe");
    pipe.read_to_string(&mut stderr).expect("UTF-8 on stderr");
    assert_eq!(stderr, "");
    assert_eq!(child.wait().expect("an end").code(), Some(1));
}

#[test]
fn compare_sets_the_variants_side_by_side_and_says_where_there_are_none() {
    let folder = folder_with(&[("a.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["compare", "a.yaml"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let said = &answer.stdout;
    assert!(said.starts_with("One note\n"), "{said}");
    assert!(said.contains("last commit"), "{said}");
    let answer = multiverse(folder.path(), &["compare", "a.yaml", "--shift", "nobody"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stdout);
    assert!(answer.stderr.contains("no actor `nobody`; there are `"), "{}", answer.stderr);
    let answer = multiverse(folder.path(), &["compare", "a.yaml", "--variant", "plainer"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stdout);
    assert!(answer.stderr.contains("no variant `plainer`; there are `plain`"), "{}", answer.stderr);
    let alone =
        "scenario: A\ntables: { a: { columns: { b: text } } }\ninstances: { c: { tables: [a] } }\n";
    let folder = folder_with(&[("alone.yaml", alone)]);
    let answer = multiverse(folder.path(), &["compare", "alone.yaml"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stdout);
    assert!(answer.stderr.contains("nothing to compare"), "{}", answer.stderr);
}

#[test]
fn gallery_writes_a_page_and_a_report_for_each_scenario() {
    let folder = folder_with(&[("one/a.yaml", HOLDS), ("two/a.yaml", HOLDS)]);
    let answer = multiverse(folder.path(), &["gallery", "one", "two", "--out", "seen"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("2 reports, from "), "{}", answer.stdout);
    let page = fs::read_to_string(folder.path().join("seen/index.html")).expect("the page");
    assert!(page.contains("href=\"reports/a.html\"") && page.contains("href=\"reports/a-2.html\""));
    assert!(folder.path().join("seen/reports/a-2.html").is_file());
    let answer = multiverse(folder.path(), &["gallery", "one", "--out", "one/a.yaml"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stdout);
    assert!(answer.stderr.contains("is no folder"), "{}", answer.stderr);
}
