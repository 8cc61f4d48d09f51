//! Timelines of tales that were made by hand, and of any events at all.

use proptest::prelude::*;

use crate::check::verdict;
use crate::plan::Plan;
use crate::report::story::columns;
use crate::report::{StoryOptions, Verbosity, timeline};
use crate::trace::tale::{Tale, any_events, two_teams};

fn drawn(tale: &Tale, options: &StoryOptions) -> String {
    timeline(&tale.trace, &verdict(&Plan::empty(""), &tale.trace), options)
}

#[test]
fn a_deadlock_is_two_ribbons_of_each_lane_and_the_circle_below() {
    insta::assert_snapshot!(drawn(&two_teams(), &StoryOptions::default()));
}

#[test]
fn on_a_narrow_page_names_shrink_to_letters_and_nothing_wraps() {
    let options = StoryOptions { width: 56, ascii: true, ..StoryOptions::default() };
    insta::assert_snapshot!(drawn(&two_teams(), &options));
}

#[test]
fn with_colours_the_text_is_the_same() {
    let plain = drawn(&two_teams(), &StoryOptions::default());
    let colour = StoryOptions { colour: true, ..StoryOptions::default() };
    let coloured = drawn(&two_teams(), &colour);
    assert_ne!(plain, coloured);
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

proptest! {
    #[test]
    fn any_events_fit_on_any_page(
        events in any_events(),
        width in 0..160_usize,
        ascii: bool,
        verbose: bool,
    ) {
        let mut tale = Tale::usual();
        for (index, event) in events.into_iter().enumerate() {
            tale.at(index as u64 * 3).push(event);
        }
        let verbosity = if verbose { Verbosity::Verbose } else { Verbosity::Normal };
        let options = StoryOptions { width, ascii, verbosity, colour: false };
        let text = drawn(&tale, &options);
        for line in text.lines() {
            prop_assert!(columns(line) <= width.max(40), "{line}");
            prop_assert!(!ascii || line.is_ascii(), "{line}");
        }
        prop_assert_eq!(text, drawn(&tale, &options));
    }
}
