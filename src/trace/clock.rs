//! How instants read: offsets in milliseconds in a run of less than a minute, times of day with
//! dates in a longer one.

use jiff::{SignedDuration, Timestamp, civil, tz::Offset};

use crate::trace::Trace;
use crate::words::SimInstant;

/// A run that lasts this long or longer is told in times of day: 60 s.
const CALENDAR_FROM: SimInstant = SimInstant(60_000_000);

/// Writes the instants of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    start: Timestamp,
    calendar: bool,
}

impl Clock {
    /// The clock of this run.
    pub fn of(trace: &Trace) -> Self {
        let last = trace.entries.last().map_or(SimInstant::START, |it| it.at);
        Self {
            start: trace.header.start,
            calendar: last >= CALENDAR_FROM,
        }
    }

    /// Whether instants are told as times of day.
    pub const fn is_calendar(&self) -> bool {
        self.calendar
    }

    /// The calendar moment (UTC) of an instant; `None` beyond the end of the calendar, the year
    /// 9999.
    pub fn date_time(&self, at: SimInstant) -> Option<civil::DateTime> {
        let micros = i64::try_from(at.0).ok()?;
        let timestamp = self
            .start
            .checked_add(SignedDuration::from_micros(micros))
            .ok()?;
        Some(Offset::UTC.to_datetime(timestamp))
    }

    /// An instant in a sentence: `150.02 ms`, `06:00`, `06:00:00.040`, `02:10 on 2026-01-06`. The
    /// date is told where it differs from the run's first.
    pub fn moment(&self, at: SimInstant) -> String {
        if !self.calendar {
            return format!("{} ms", thousandths(at.0, 0));
        }
        let Some(moment) = self.date_time(at) else {
            return format!("{} s", thousandths(at.0 / 1_000, 0));
        };
        let micros = moment.subsec_nanosecond() / 1_000;
        let mut text = format!("{:02}:{:02}", moment.hour(), moment.minute());
        if moment.second() != 0 || micros != 0 {
            text.push_str(&format!(":{:02}", moment.second()));
        }
        if micros % 1_000 != 0 {
            text.push_str(&format!(".{micros:06}"));
        } else if micros != 0 {
            text.push_str(&format!(".{:03}", micros / 1_000));
        }
        let first = self.date_time(SimInstant::START).map(|it| it.date());
        if first != Some(moment.date()) {
            text.push_str(&format!(" on {}", moment.date()));
        }
        text
    }

    /// An instant as it stands in a column: `06:00:00.040`, or milliseconds with this many
    /// `decimals` (at most 3).
    pub fn column(&self, at: SimInstant, decimals: usize) -> String {
        if !self.calendar {
            return format!("{} ms", thousandths(at.0, decimals));
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

    fn clock(calendar: bool) -> Clock {
        Clock {
            start: DEFAULT_START,
            calendar,
        }
    }

    #[test]
    fn a_short_run_is_told_in_milliseconds() {
        let moments = [0, 20, 150_000, 1_500_500].map(|at| clock(false).moment(SimInstant(at)));
        assert_eq!(moments, ["0 ms", "0.02 ms", "150 ms", "1500.5 ms"]);
        let column = clock(false).column(SimInstant(150_000), 2);
        assert_eq!(column, "150.00 ms");
    }

    #[test]
    fn a_long_run_is_told_in_times_of_day_with_the_date_when_it_is_another() {
        let moments = [0, 5_000_000, 40_000, 40_001, 90_000_000_000, u64::MAX]
            .map(|at| clock(true).moment(SimInstant(at)));
        assert_eq!(
            moments,
            [
                "08:00",
                "08:00:05",
                "08:00:00.040",
                "08:00:00.040001",
                "09:00 on 2026-01-06",
                "18446744073709.551 s"
            ]
        );
        let column = clock(true).column(SimInstant(40_001), 3);
        assert_eq!(column, "08:00:00.040");
    }
}
