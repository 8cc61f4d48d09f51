//! The README's own scenario and the story under it are real.

use std::path::Path;

use multiverse::engine::RunOptions;
use multiverse::report::{Format, StoryOptions, export};
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

/// `UPDATE_README=1 cargo test --test readme` draws it again.
#[test]
fn the_first_picture_is_drawn_from_the_first_scenario() {
    let plans = run::parse("README.yaml", &block("yaml")).expect("the scenario is accepted");
    let run = run::run(&plans[0], &RunOptions::default()).expect("the plan is sound");
    let picture = export(&run.trace, Format::Svg).remove(0).text;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.svg");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &picture).expect("the picture can be written");
    }
    let shown = std::fs::read_to_string(&path).expect("the picture is there");
    assert!(shown == picture, "README.svg is not what is drawn: UPDATE_README=1 draws it again");
    assert!(include_str!("../README.md").contains("](README.svg)"), "the README shows it");
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
