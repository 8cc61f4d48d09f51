//! How instants read: as milliseconds in a run of less than ten seconds, as seconds in one of
//! less than a minute, and as times of day with dates in a longer one.

use jiff::{SignedDuration, Timestamp, civil, tz::Offset};

use crate::trace::Trace;
use crate::words::SimInstant;

/// A run that lasts this long or longer is told in seconds: 10 s.
const SECONDS_FROM: SimInstant = SimInstant(10_000_000);

/// A run that lasts this long or longer is told in times of day: 60 s.
const CALENDAR_FROM: SimInstant = SimInstant(60_000_000);

/// In what the instants of a run are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Millis,
    Seconds,
    Calendar,
}

/// Writes the instants of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    start: Timestamp,
    scale: Scale,
}

impl Clock {
    /// The clock of this run.
    pub fn of(trace: &Trace) -> Self {
        let last = trace.entries.last().map_or(SimInstant::START, |it| it.at);
        Self {
            start: trace.header.start,
            scale: match last {
                last if last >= CALENDAR_FROM => Scale::Calendar,
                last if last >= SECONDS_FROM => Scale::Seconds,
                _ => Scale::Millis,
            },
        }
    }

    /// Whether instants are told as times of day.
    pub const fn is_calendar(&self) -> bool {
        matches!(self.scale, Scale::Calendar)
    }

    /// The calendar moment (UTC) of an instant; `None` beyond the end of the calendar, the year
    /// 9999.
    pub fn date_time(&self, at: SimInstant) -> Option<civil::DateTime> {
        let micros = i64::try_from(at.0).ok()?;
        let timestamp = self.start.checked_add(SignedDuration::from_micros(micros)).ok()?;
        Some(Offset::UTC.to_datetime(timestamp))
    }

    /// An instant in a sentence: `150.02 ms`, `30.095 s`, `06:00`, `06:00:00.040`,
    /// `02:10 on 2026-01-06`. The date is told where it differs from the run's first, and a time
    /// of day is told to the millisecond.
    pub fn moment(&self, at: SimInstant) -> String {
        match self.scale {
            Scale::Seconds if at.0 >= 1_000_000 => {
                return format!("{} s", thousandths(at.0 / 1_000, 0));
            }
            Scale::Millis | Scale::Seconds => return format!("{} ms", thousandths(at.0, 0)),
            Scale::Calendar => {}
        }
        let Some(moment) = self.date_time(at) else {
            return format!("{} s", thousandths(at.0 / 1_000, 0));
        };
        let millis = moment.subsec_nanosecond() / 1_000_000;
        let mut text = format!("{:02}:{:02}", moment.hour(), moment.minute());
        if moment.second() != 0 || millis != 0 {
            text.push_str(&format!(":{:02}", moment.second()));
        }
        if millis != 0 {
            text.push_str(&format!(".{millis:03}"));
        }
        let first = self.date_time(SimInstant::START).map(|it| it.date());
        if first != Some(moment.date()) {
            text.push_str(&format!(" on {}", moment.date()));
        }
        text
    }

    /// How many decimals (0 to 3) an instant needs in a column, to the last digit that is told.
    pub fn decimals(&self, at: SimInstant) -> usize {
        let number = match self.scale {
            Scale::Millis => at.0,
            Scale::Seconds => at.0 / 1_000,
            Scale::Calendar => return 0,
        };
        match number % 1_000 {
            0 => 0,
            rest if rest % 100 == 0 => 1,
            rest if rest % 10 == 0 => 2,
            _ => 3,
        }
    }

    /// An instant as it stands in a column: `06:00:00.040`, or milliseconds or seconds with this
    /// many `decimals` (at most 3).
    pub fn column(&self, at: SimInstant, decimals: usize) -> String {
        match self.scale {
            Scale::Millis => return format!("{} ms", thousandths(at.0, decimals)),
            Scale::Seconds => return format!("{} s", thousandths(at.0 / 1_000, decimals)),
            Scale::Calendar => {}
        }
        self.date_time(at).map_or_else(
            || format!("{} s", at.0 / 1_000_000),
            |moment| {
                let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
                let millis = moment.subsec_nanosecond() / 1_000_000;
                format!("{hour:02}:{minute:02}:{second:02}.{millis:03}")
            },
        )
    }
}

/// A number of thousandths with a decimal point: without trailing zeros, but with at least this
/// many decimals.
fn thousandths(number: u64, decimals: usize) -> String {
    let mut text = format!("{}.{:03}", number / 1_000, number % 1_000);
    let point = text.len() - 4;
    while text.len() > point + 1 + decimals && text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::DEFAULT_START;

    fn clock(scale: Scale) -> Clock {
        Clock { start: DEFAULT_START, scale }
    }

    #[test]
    fn a_short_run_is_told_in_milliseconds() {
        let moments =
            [0, 20, 150_000, 1_500_500].map(|at| clock(Scale::Millis).moment(SimInstant(at)));
        assert_eq!(moments, ["0 ms", "0.02 ms", "150 ms", "1500.5 ms"]);
        let column = clock(Scale::Millis).column(SimInstant(150_000), 2);
        assert_eq!(column, "150.00 ms");
    }

    #[test]
    fn a_run_of_half_a_minute_is_told_in_seconds() {
        let moments =
            [0, 40_000, 30_095_020].map(|at| clock(Scale::Seconds).moment(SimInstant(at)));
        assert_eq!(moments, ["0 ms", "40 ms", "30.095 s"]);
        let column = clock(Scale::Seconds).column(SimInstant(40_000), 3);
        assert_eq!(column, "0.040 s");
    }

    #[test]
    fn a_long_run_is_told_in_times_of_day_with_the_date_when_it_is_another() {
        let moments = [0, 5_000_000, 40_000, 40_001, 90_000_000_000, u64::MAX]
            .map(|at| clock(Scale::Calendar).moment(SimInstant(at)));
        assert_eq!(
            moments,
            [
                "08:00",
                "08:00:05",
                "08:00:00.040",
                "08:00:00.040",
                "09:00 on 2026-01-06",
                "18446744073709.551 s"
            ]
        );
        let column = clock(Scale::Calendar).column(SimInstant(40_001), 3);
        assert_eq!(column, "08:00:00.040");
    }
}
