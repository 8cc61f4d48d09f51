//! The README's own scenario and the story under it are real.

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;

/// The first block of the README in this language.
fn block(language: &str) -> String {
    let readme = include_str!("../README.md");
    let fence = format!("```{language}\n");
    let (_, rest) = readme.split_once(&fence).expect("the README has such a block");
    let (block, _) = rest.split_once("```").expect("the block ends");
    block.to_owned()
}

#[test]
fn the_first_scenario_tells_the_story_below_it() {
    let plans = run::parse("README.yaml", &block("yaml")).expect("the scenario is accepted");
    let run = run::run(&plans[0], &RunOptions::default()).expect("the plan is sound");
    let story = run.story(&StoryOptions::default());
    assert_eq!(story.trim_end(), block("text").trim_end());
    assert!(run.verdict.holds());
}

#[test]
fn sorted_members_wait_as_long_as_the_readme_says() {
    let sorted = block("yaml").replace("[yann, xenia]", "[xenia, yann]");
    let plans = run::parse("README.yaml", &sorted).expect("the scenario is accepted");
    let run = run::run(&plans[0], &RunOptions::default()).expect("the plan is sound");
    let story = run.story(&StoryOptions::default());
    assert!(story.contains("One wait: south, 106 ms for us/user/xenia"), "{story}");
}
