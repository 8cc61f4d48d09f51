//! The view of tales that were made by hand.

use std::time::Duration;

use crate::check::{History, Moment};
use crate::report::timeline::track::letters;
use crate::report::timeline::{Axis, BarKind, Ending, MarkKind, SegmentState, Timeline};
use crate::trace::tale::{Tale, two_teams, whole};
use crate::trace::{Event, WaitEnd};
use crate::words::{LockMode, SimInstant};

fn with_view(look: impl FnOnce(&Timeline)) {
    let tale = two_teams();
    look(&Timeline::of(&History::of(&tale.trace)));
}

#[test]
fn each_lane_has_a_letter_a_home_and_an_end() {
    with_view(|view| {
        let lanes: Vec<_> = view.lanes.iter().map(|it| (&*it.badge, &*it.name)).collect();
        assert_eq!(lanes, [("A", "team north"), ("B", "team south")]);
        assert_eq!(view.lanes[0].ending, Ending::Done);
        assert_eq!(view.lanes[1].ending, Ending::Failed("deadlock victim".to_owned()));
        assert!(view.tracks.iter().all(|it| it.is_home));
    });
}

#[test]
fn a_ribbon_tells_who_holds_and_who_is_waited_for() {
    with_view(|view| {
        let states = |track: usize, ribbon: usize| -> Vec<_> {
            let segments = view.tracks[track].ribbons[ribbon].segments.iter();
            segments.map(|it| (it.state, it.from.at.0 / 1_000, it.to.at.0 / 1_000)).collect()
        };
        let waits = |lane| SegmentState::Waits { behind: Some(lane) };
        assert_eq!(states(0, 0), [(waits(1), 80, 190), (SegmentState::Holds, 190, 250)]);
        assert_eq!(states(1, 1), [(waits(0), 90, 190)]);
    });
}

#[test]
fn the_circle_lasts_from_the_wait_that_closed_it_to_the_victims_end() {
    with_view(|view| {
        let circle = &view.circles[0];
        assert_eq!((circle.closed.at.0, circle.over.at.0), (90_000, 190_000));
        assert_eq!(circle.victim, Some(1));
        let kinds: Vec<_> = view.tracks[1].marks.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [MarkKind::Victim, MarkKind::Rollback, MarkKind::Failed]);
        let waits = view.tracks[0].bars.iter().filter(|it| it.kind == BarKind::Wait);
        assert_eq!(waits.count(), 1);
    });
}

#[test]
fn the_chapters_are_the_wait_the_circle_the_victim_and_the_commit() {
    with_view(|view| {
        let titles: Vec<_> = view.chapters.iter().map(|it| &*it.title).collect();
        let expected = [
            "team north waits for team south",
            "The circle closes",
            "team south is ended",
            "team north commits after its wait",
        ];
        assert!(expected.iter().all(|it| titles.contains(it)), "{titles:?}");
        assert!(titles.len() <= 6);
        for chapter in &view.chapters {
            assert!(view.steps[chapter.step].last >= chapter.at.sequence);
        }
    });
}

#[test]
fn every_event_is_covered_by_one_step_and_steps_are_in_order() {
    with_view(|view| {
        for pair in view.steps.windows(2) {
            assert!(pair[0].last < pair[1].at.sequence, "{pair:?}");
        }
        assert_eq!(view.steps.last().map(|it| it.last), Some(u32::MAX));
    });
}

#[test]
fn positions_grow_with_time_and_with_the_order_within_an_instant() {
    with_view(|view| {
        let axis = Axis::new(&view.stops, &view.quiet, 100.0, 3.0);
        let mut last = 0.0;
        for stop in &view.stops {
            let position = axis.of(stop.moment);
            assert!(position >= last, "{stop:?}");
            assert!(position > last || !stop.apart);
            last = position;
        }
        assert!((axis.at(SimInstant(250_000)) - 100.0).abs() < 0.01);
        assert!(axis.at(SimInstant::END) <= 100.0);
        assert!((axis.of(Moment::default())).abs() < 2.0);
    });
}

#[test]
fn the_letters_go_on_after_z() {
    assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
}

/// A run in which one lane works for so long and another waits for it all the while, then nobody
/// does anything for so long.
fn worked(work: u64, pause: u64) -> Tale {
    let mut tale = Tale::usual();
    tale.load("us/user/x", &[("teams", whole(3))]);
    let (a, b) = (tale.begins("a"), tale.begins("b"));
    let (first, second) = (tale.transaction(a, 0), tale.transaction(b, 0));
    tale.lock(first, "us/user/x", LockMode::Exclusive);
    for at in 1..=10 {
        tale.at(at).push(Event::Noted { lane: a, text: "at it".into() });
    }
    tale.waits(second, "us/user/x", &[first]);
    let duration = Duration::from_millis(work);
    tale.push(Event::Worked { lane: a, request: None, duration });
    tale.at(10 + work).commits(first).releases(first);
    tale.wait_ends(second, "us/user/x", WaitEnd::Granted).done(a);
    for at in 1..=10 {
        tale.at(10 + work + pause + at).push(Event::Noted { lane: b, text: "at it".into() });
    }
    tale.commits(second).releases(second).done(b);
    tale
}

#[test]
fn quiet_time_is_folded_and_long_work_is_not() {
    let folded = |work, pause| {
        let tale = worked(work, pause);
        let view = Timeline::of(&History::of(&tale.trace));
        view.quiet.iter().map(|it| it.from.0 / 1_000..it.to.0 / 1_000).collect::<Vec<_>>()
    };
    assert_eq!(folded(100, 0).len(), 0, "somebody works");
    let quiet = folded(100, 10_000);
    assert_eq!(quiet.len(), 1);
    assert!(quiet[0].start >= 110 && quiet[0].end <= 10_111, "{quiet:?}");
    assert_eq!(folded(1_000_000, 0).len(), 1, "beside a thousand seconds nothing can be seen");
}

#[test]
fn a_fold_takes_the_same_room_however_long_it_is() {
    let width = |pause| {
        let tale = worked(100, pause);
        let view = Timeline::of(&History::of(&tale.trace));
        let axis = Axis::new(&view.stops, &view.quiet, 1_000.0, 40.0);
        axis.at(view.quiet[0].to) - axis.at(view.quiet[0].from)
    };
    assert!((width(10_000) - 40.0).abs() < 0.01 && (width(10_000_000) - 40.0).abs() < 0.01);
}
