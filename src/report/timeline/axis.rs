//! Where a moment is on a picture of a given width.
//!
//! Distances tell time, with two exceptions that the picture shows: quiet time is folded to a
//! fixed width, and things that happen at one instant in a certain order stand beside one another
//! in that order. What those take is at most a quarter of the picture, unless the whole run takes
//! no time.

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
    folds: Vec<(SimInstant, SimInstant)>,
    fold_width: f64,
    /// Position per microsecond of time that is not folded.
    scale: f64,
    width: f64,
}

impl Axis {
    /// An axis of this width, on which each fold takes `fold_width`.
    pub fn new(stops: &[Stop], quiet: &[Quiet], width: f64, fold_width: f64) -> Self {
        let folds: Vec<_> = quiet.iter().map(|it| (it.from, it.to)).collect();
        let end = stops.last().map_or(0, |it| it.moment.at.0);
        let folded: u64 = folds.iter().map(|(from, to)| to.0 - from.0).sum();
        let live = end.saturating_sub(folded) as f64;
        let room = (width - fold_width * folds.len() as f64).max(1.0);
        let apart = stops.iter().filter(|it| it.apart).count() as f64;
        let share = if live > 0.0 { (apart * ORDER_STEP).min(ORDER_SHARE) } else { 1.0 };
        let share = if apart > 0.0 { share } else { 0.0 };
        let step = if apart > 0.0 { room * share / apart } else { 0.0 };
        let scale = if live > 0.0 { room * (1.0 - share) / live } else { 0.0 };
        let mut axis = Self { stops: Vec::new(), folds, fold_width, scale, width };
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
        Self { stops, folds: Vec::new(), fold_width: 0.0, scale, width }
    }

    /// The length of the time between two instants.
    fn length(&self, from: SimInstant, to: SimInstant) -> f64 {
        let mut live = to.0.saturating_sub(from.0) as f64;
        let mut length = 0.0;
        for &(begin, end) in &self.folds {
            let (first, last) = (begin.max(from).0, end.min(to).0);
            if last > first {
                let part = (last - first) as f64;
                live -= part;
                length += self.fold_width * part / (end.0 - begin.0).max(1) as f64;
            }
        }
        length + live.max(0.0) * self.scale
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

    /// Whether an instant is inside a fold.
    pub fn is_folded(&self, at: SimInstant) -> bool {
        self.folds.iter().any(|(from, to)| *from < at && at < *to)
    }

    /// Round instants for labels, about `apart` from one another, none of them in a fold.
    pub fn ticks(&self, apart: f64) -> Vec<SimInstant> {
        let end = self.stops.last().map_or(0, |(stop, _)| stop.at.0);
        if self.scale <= 0.0 || end == 0 {
            return vec![SimInstant::START];
        }
        let wanted = apart / self.scale;
        let mut step = 1.0_f64;
        while step < wanted {
            // 1, 2, 5, 10 …; what is over a second goes in steps that clocks have.
            step = next_step(step);
        }
        let step = step as u64;
        let mut ticks: Vec<SimInstant> = Vec::new();
        let mut last = f64::NEG_INFINITY;
        let mut starts = vec![0];
        starts.extend(self.folds.iter().map(|(_, to)| to.0));
        for (index, start) in starts.iter().enumerate() {
            let until = self.folds.get(index).map_or(end, |(from, _)| from.0);
            let mut tick = start.div_ceil(step) * step;
            while tick <= until {
                let position = self.at(SimInstant(tick));
                if position - last >= apart * 0.75 {
                    ticks.push(SimInstant(tick));
                    last = position;
                }
                tick += step;
            }
        }
        ticks
    }
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
