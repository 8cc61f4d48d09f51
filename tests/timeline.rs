//! The timelines of five fixed scenarios, on a terminal and as SVG, as a reader sees them; and how
//! large the pages of long runs become.

mod shipped;

use multiverse::engine::RunOptions;
use multiverse::report::{self, StoryOptions};
use multiverse::run;

/// A stub, a deadlock and its cure, a lock that is taken early and late, a chain of plug-ins and
/// its asynchronous twin, and several instances with an outage.
const KEPT: [&str; 5] = [
    "eventual-consistency/stub-by-guid",
    "locks/deadlock-of-two",
    "transaction-patterns/contended-lock-early-and-late",
    "transaction-patterns/chain-of-plug-ins",
    "eventual-consistency/outage-within-the-retries",
];

#[test]
fn the_timelines_of_five_scenarios() {
    let pages = [(100, false, "wide"), (56, true, "narrow, ascii")];
    for name in KEPT {
        for run in shipped::runs(&shipped::plans(name)) {
            let variant = run.trace.header.variant.as_deref().unwrap_or("run");
            for (width, ascii, page) in pages {
                let options = StoryOptions { width, ascii, ..StoryOptions::default() };
                let snapshot = format!("{name}.{variant}.{page}");
                shipped::is_kept("timelines", &snapshot, &run.timeline(&options));
            }
            let page = report::html(&[run.reported()]);
            let (_, picture) = page.split_once("<div class=\"plot\">").expect("a picture");
            let (picture, _) = picture.split_once("</div>").expect("its end");
            // A line for each element: a change is read where it is.
            let picture = picture.replace("><", ">\n<");
            shipped::is_kept("timelines", &format!("{name}.{variant}.svg"), &picture);
        }
    }
}

/// Four actors that each write so often, one row that all want among it.
fn long_run(writes: usize) -> run::Run {
    let numbers: Vec<_> = (0..writes).map(|it| it.to_string()).collect();
    let text = format!(
        "scenario: Few lanes, much work\n\
         tables:\n  account: {{ columns: {{ number: whole number }} }}\n\
         instances:\n  us: {{ tables: [account] }}\n\
         rows:\n  us: {{ account: {{ first: {{ number: 0 }} }} }}\n\
         programs:\n  much:\n    do:\n      - for each:\n          n: [{}]\n          do:\n\
         \x20           - update: {{ table: account, row: first, set: {{ number: =number + 1 }} }}\n\
         \x20           - create: {{ table: account, set: {{ number: =n }} }}\n\
         actors:\n  actor: {{ at: 0ms, count: 4, in: us, call: much }}\n\
         expect:\n  - {{ never: lost update }}\n",
        numbers.join(", ")
    );
    let plans = run::parse("long.yaml", &text).expect("the scenario is accepted");
    run::run(&plans[0], &RunOptions::default()).expect("the plan is sound")
}

#[test]
fn a_page_of_a_hundred_thousand_events_stays_small_and_says_what_it_leaves_out() {
    let run = long_run(1_100);
    assert!(run.trace.entries.len() > 100_000, "{}", run.trace.entries.len());
    let page = report::html(&[run.reported()]);
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert!(page.contains("lines of the story, of "));
}
