//! Where a moment is on a picture of a given width.
//!
//! Distances tell time, with exceptions that the picture shows: quiet time is folded to a fixed
//! width, each stretch between two folds has a scale of its own, and things that happen at one
//! instant in a certain order stand beside one another in that order. What those take is at most
//! a quarter of the picture, unless the whole run takes no time.

use crate::check::Moment;
use crate::report::timeline::quiet::Quiet;
use crate::words::SimInstant;

/// The most of the picture that instants of several events may take.
const ORDER_SHARE: f64 = 0.25;

/// The most of the picture that one event takes beside the one before it at the same instant.
const ORDER_STEP: f64 = 0.008;

/// A moment that has a position of its own.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Stop {
    /// When.
    pub moment: Moment,
    /// Whether it stands beside the one before, at the same instant.
    pub apart: bool,
}

/// A map from moments to positions.
#[derive(Debug)]
pub(in crate::report) struct Axis {
    /// The stops with their positions, both growing.
    stops: Vec<(Moment, f64)>,
    /// The run, cut where its scale changes: instants from which on it is this many positions per
    /// microsecond.
    pieces: Vec<(SimInstant, f64)>,
    folds: Vec<(SimInstant, SimInstant)>,
    width: f64,
}

impl Axis {
    /// An axis of this width, on which each fold takes `fold_width`.
    pub fn new(stops: &[Stop], quiet: &[Quiet], width: f64, fold_width: f64) -> Self {
        let folds: Vec<_> = quiet.iter().map(|it| (it.from, it.to)).collect();
        let room = (width - fold_width * folds.len() as f64).max(1.0);
        let apart = stops.iter().filter(|it| it.apart).count() as f64;
        let end = stops.last().map_or(SimInstant::START, |it| it.moment.at);
        let is_timeless = end == SimInstant::START;
        let share = if is_timeless { 1.0 } else { (apart * ORDER_STEP).min(ORDER_SHARE) };
        let share = if apart > 0.0 { share } else { 0.0 };
        let step = room * share / apart.max(1.0);
        let pieces = pieces(stops, &folds, end, room * (1.0 - share), fold_width);
        let mut axis = Self { stops: Vec::new(), pieces, folds, width };
        let (mut position, mut now) = (0.0, SimInstant::START);
        for stop in stops {
            position += axis.length(now, stop.moment.at);
            position += if stop.apart { step } else { 0.0 };
            now = stop.moment.at;
            axis.stops.push((stop.moment, position));
        }
        axis
    }

    /// An axis without folds on which every instant has the same place in each picture: its end
    /// is that of the longest.
    pub fn shared(stops: &[Stop], end: SimInstant, width: f64) -> Self {
        let scale = if end.0 == 0 { 0.0 } else { width / end.0 as f64 };
        let place = |stop: &Stop| (stop.moment, stop.moment.at.0 as f64 * scale);
        let stops = stops.iter().map(place).collect();
        Self { stops, pieces: vec![(SimInstant::START, scale)], folds: Vec::new(), width }
    }

    /// The length of the time between two instants.
    fn length(&self, from: SimInstant, to: SimInstant) -> f64 {
        let first = self.pieces.partition_point(|(begin, _)| *begin <= from).saturating_sub(1);
        let mut length = 0.0;
        for (at, (begin, scale)) in self.pieces.iter().enumerate().skip(first) {
            let end = self.pieces.get(at + 1).map_or(SimInstant::END, |it| it.0);
            let (begin, end) = ((*begin).max(from).0, end.min(to).0);
            if begin >= to.0 {
                break;
            }
            length += end.saturating_sub(begin) as f64 * scale;
        }
        length
    }

    /// The width of the picture.
    pub const fn width(&self) -> f64 {
        self.width
    }

    /// The position of a moment.
    pub fn of(&self, moment: Moment) -> f64 {
        let after = self.stops.partition_point(|(stop, _)| stop.sequence <= moment.sequence);
        let (stop, position) = match after.checked_sub(1) {
            Some(before) => self.stops[before],
            None => (Moment::default(), 0.0),
        };
        (position + self.length(stop.at, moment.at)).min(self.width)
    }

    /// The position of the beginning of an instant.
    pub fn at(&self, at: SimInstant) -> f64 {
        let after = self.stops.partition_point(|(stop, _)| stop.at < at);
        let (stop, position) = match after.checked_sub(1) {
            Some(before) => self.stops[before],
            None => (Moment::default(), 0.0),
        };
        (position + self.length(stop.at, at)).min(self.width)
    }

    /// Round instants for labels, at least about `apart` from one another, none of them in a fold.
    pub fn ticks(&self, apart: f64) -> Vec<SimInstant> {
        let end = self.stops.last().map_or(SimInstant::START, |(stop, _)| stop.at);
        let mut ticks: Vec<SimInstant> = Vec::new();
        let mut last = f64::NEG_INFINITY;
        for (at, (begin, scale)) in self.pieces.iter().enumerate() {
            if self.folds.iter().any(|(from, _)| from == begin) || *scale <= 0.0 {
                continue;
            }
            let until = self.pieces.get(at + 1).map_or(end, |it| it.0).min(end);
            let mut step = 1.0_f64;
            while step < apart / scale {
                step = next_step(step);
            }
            // As many as fit, and one at least that is as round as the piece allows.
            let length = until.0.saturating_sub(begin.0) as f64;
            while step > 1.0 && step > length {
                step = previous_step(step);
            }
            let step = step as u64;
            let mut tick = begin.0.div_ceil(step) * step;
            while tick <= until.0 {
                let position = self.at(SimInstant(tick));
                if position - last >= apart * 0.75 {
                    ticks.push(SimInstant(tick));
                    last = position;
                }
                tick += step;
            }
        }
        if ticks.is_empty() { vec![SimInstant::START] } else { ticks }
    }
}

/// Cuts the run at its folds. Without folds one scale holds for all of it. With folds, distances
/// can't be compared over them, and each stretch between two of them gets its width half by its
/// time and half by how much happens in it.
fn pieces(
    stops: &[Stop],
    folds: &[(SimInstant, SimInstant)],
    end: SimInstant,
    room: f64,
    fold_width: f64,
) -> Vec<(SimInstant, f64)> {
    let begins = std::iter::once(SimInstant::START).chain(folds.iter().map(|it| it.1));
    let ends = folds.iter().map(|it| it.0).chain([end]);
    let stretches: Vec<_> = begins.zip(ends).collect();
    let time = |it: &(SimInstant, SimInstant)| it.1.0.saturating_sub(it.0.0) as f64;
    let live: f64 = stretches.iter().map(time).sum();
    let happens = |it: &(SimInstant, SimInstant)| {
        let from = stops.partition_point(|stop| stop.moment.at < it.0);
        let to = stops.partition_point(|stop| stop.moment.at <= it.1);
        // What takes no time needs no width.
        if time(it) > 0.0 { (to - from) as f64 } else { 0.0 }
    };
    let all: f64 = stretches.iter().map(happens).sum();
    let mut pieces = Vec::new();
    for (at, stretch) in stretches.iter().enumerate() {
        let share = time(stretch) / live.max(1.0);
        let share = if folds.is_empty() || all == 0.0 {
            share
        } else {
            (share + happens(stretch) / all) / 2.0
        };
        let scale = if time(stretch) > 0.0 { room * share / time(stretch) } else { 0.0 };
        pieces.push((stretch.0, scale));
        if let Some((from, to)) = folds.get(at) {
            pieces.push((*from, fold_width / (to.0 - from.0).max(1) as f64));
        }
    }
    pieces
}

/// The next round number of microseconds.
fn next_step(step: f64) -> f64 {
    const CLOCK: [f64; 12] =
        [1e6, 2e6, 5e6, 10e6, 30e6, 60e6, 300e6, 600e6, 1_800e6, 3_600e6, 21_600e6, 86_400e6];
    if step < 1e6 {
        let power = 10_f64.powf((step * 1.000_1).log10().floor());
        return match (step / power).round() as u64 {
            1 => power * 2.0,
            2 => power * 5.0,
            _ => power * 10.0,
        };
    }
    CLOCK.into_iter().find(|it| *it > step).unwrap_or(step * 2.0)
}

/// The round number of microseconds before this one.
fn previous_step(step: f64) -> f64 {
    let mut before = 1.0;
    while next_step(before) < step {
        before = next_step(before);
    }
    before
}
