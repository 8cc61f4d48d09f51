//! The timelines of five fixed scenarios, on a terminal and as SVG, as a reader sees them; and how
//! large the pages of long runs become.

use multiverse::engine::RunOptions;
use multiverse::report::{self, Run, StoryOptions};
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
        let file = format!("scenarios/{name}.yaml");
        let text = std::fs::read_to_string(&file).expect("the file is there");
        for plan in run::parse(&file, &text).expect("the file is accepted") {
            let run = run::run(&plan, &RunOptions::default()).expect("the plan is sound");
            for (width, ascii, page) in pages {
                let options = StoryOptions { width, ascii, ..StoryOptions::default() };
                let variant = plan.variant.as_deref().unwrap_or("run");
                let snapshot = format!("{name}.{variant}.{page}").replace(['/', ' ', ','], "-");
                kept(&snapshot, &run.timeline(&options));
            }
            let page = report::html(&[Run { trace: &run.trace, verdict: &run.verdict }]);
            let (_, picture) = page.split_once("<div class=\"plot\">").expect("a picture");
            let (picture, _) = picture.split_once("</div>").expect("its end");
            let variant = plan.variant.as_deref().unwrap_or("run");
            let snapshot = format!("{name}.{variant}.svg").replace(['/', ' ', ','], "-");
            // A line for each element: a change is read where it is.
            kept(&snapshot, &picture.replace("><", ">\n<"));
        }
    }
}

fn kept(snapshot: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/timelines");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(snapshot, text));
}
