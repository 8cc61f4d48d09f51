//! The README's own scenario and the story under it are real.

use multiverse::engine::RunOptions;
use multiverse::report::StoryOptions;
use multiverse::run;

/// The blocks of the README in this language.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let rests = include_str!("../README.md").split(&fence).skip(1);
    let block = |rest: &str| rest.split_once("```").expect("the block ends").0.to_owned();
    rests.map(block).collect()
}

/// The first of them.
fn block(language: &str) -> String {
    blocks(language).into_iter().next().expect("the README has such a block")
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

#[test]
fn the_session_on_the_languages_page_is_understood() {
    let sessions = blocks("yaml").remove(1);
    let text = format!(
        "scenario: A session
tables: {{ account: {{ columns: {{ number: whole number }} }} }}
instances: {{ us: {{ tables: [account] }} }}
{sessions}"
    );
    let plans = run::parse("README.yaml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(plans[0].actors.len(), 1);
}
