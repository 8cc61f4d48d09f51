//! Runs as JUnit XML, for build servers: a scenario file is a suite, and each check of each
//! variant is a test case. No time is told, since a build server would take it for wall-clock
//! time.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::{Check, Finding, Violation};
use crate::report::Run;
use crate::trace::Names;

/// These runs as a JUnit XML document. The suites keep the order in which their files first come.
pub fn junit(runs: &[Run]) -> String {
    let mut report = Report::new("multiverse");
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs {
        let file = run.trace.header.file.as_str();
        let place = *places.entry(file).or_insert(suites.len());
        if place == suites.len() {
            suites.push(TestSuite::new(file));
        }
        suites[place].add_test_cases(cases(run));
    }
    report.add_test_suites(suites);
    // Attributes and text are escaped by the writer, and a string takes every write.
    report.to_string().unwrap_or_default()
}

fn cases(run: &Run) -> Vec<TestCase> {
    let header = &run.trace.header;
    let names = Names::of(run.trace);
    let variant =
        header.variant.as_ref().map_or_else(String::new, |variant| format!("{variant}: "));
    let mut cases: Vec<TestCase> = Vec::new();
    for check in &run.verdict.checks {
        let status = if check.holds {
            TestCaseStatus::success()
        } else {
            failure(check, &header.file, &names)
        };
        let name = format!("{variant}{} (line {})", check.text, check.at.line);
        cases.push(case(name, &header.title, status));
    }
    let status = match run.verdict.violations.first() {
        None => TestCaseStatus::success(),
        Some(first) => broken(first, &run.verdict.violations, &names),
    };
    cases.push(case(format!("{variant}the engine keeps its promises"), &header.title, status));
    cases
}

fn case(name: String, title: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(title);
    case
}

fn failure(check: &Check, file: &str, names: &Names) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    if let Some(first) = check.findings.first() {
        status.set_message(format!("expected {}; found {}", first.expected, first.found));
    }
    let mut text = format!("{file}:{}:{}\n", check.at.line, check.at.column);
    for finding in &check.findings {
        text.push_str(&finding_told(finding, names));
    }
    status.set_type("expectation").set_description(text);
    status
}

fn finding_told(finding: &Finding, names: &Names) -> String {
    let mut text = format!("expected: {}\nfound: {}\n", finding.expected, finding.found);
    if let Some(event) = finding.decided_by {
        let moment = names.moment(event.at);
        text.push_str(&format!("decided by: event {} at {moment}\n", event.sequence));
    }
    if let Some(nearest) = &finding.nearest {
        text.push_str(&format!("nearest: {nearest}\n"));
    }
    text
}

fn broken(first: &Violation, all: &[Violation], names: &Names) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let lines: Vec<String> = all
        .iter()
        .map(|it| {
            let (word, moment) = (it.invariant.word(), names.moment(it.at.at));
            let event = it.at.sequence;
            format!("{word}: {} (event {event} at {moment})", it.text)
        })
        .collect();
    status.set_message(first.text.clone()).set_type("invariant").set_description(lines.join("\n"));
    status
}

#[cfg(test)]
mod tests {
    use crate::check::verdict;
    use crate::plan::{Claim, Expectation, Location, Plan};
    use crate::report::{Run, json, junit};
    use crate::trace::tale::two_teams;
    use crate::words::ActorId;

    #[test]
    fn runs_are_told_to_programs() {
        let tale = two_teams();
        let mut plan = Plan::empty("");
        for (line, actor) in [(31, 1), (32, 0)] {
            plan.expectations.push(Expectation {
                at: Location { line, column: 5 },
                text: format!("victim: <{actor}>\u{1}"),
                claims: vec![Claim::Victim { actor: ActorId(actor) }],
            });
        }
        let verdict = verdict(&plan, &tale.trace);
        let run = Run { trace: &tale.trace, verdict: &verdict };
        insta::assert_snapshot!("junit", junit(&[run, run]));
        insta::assert_snapshot!("json", json(&[run]));
    }
}
