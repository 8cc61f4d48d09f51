//! The calendar: where days, weeks, months and years begin, by the world's virtual clock.
//!
//! Everything is in UTC.
//!
//! Assumed: a query's calendar is UTC; Dataverse takes the time zone of the calling user.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::words::Function;

/// The beginning of a stretch of the calendar: `steps` stretches after the one that holds
/// `moment`. `None` beyond the calendar's ends, or for a function that is none of a calendar's.
///
/// A week begins on a Sunday. Assumed: the first day of the week of a new organization.
pub fn beginning(of: Function, moment: Timestamp, steps: i64) -> Option<Timestamp> {
    let civil = TimeZone::UTC.to_datetime(moment);
    let day = civil.date();
    let at_midnight = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    let begun: DateTime = match of {
        Function::Minute => civil.with().second(0).subsec_nanosecond(0).build().ok()?,
        Function::Hour => civil.with().minute(0).second(0).subsec_nanosecond(0).build().ok()?,
        Function::Day => at_midnight(day),
        Function::Week => {
            let since = day.weekday().since(Weekday::Sunday);
            at_midnight(day.checked_sub(Span::new().days(i64::from(since))).ok()?)
        }
        Function::Month => at_midnight(day.first_of_month()),
        Function::Year => at_midnight(day.first_of_year()),
        _ => return None,
    };
    let span = |unit: fn(Span, i64) -> Result<Span, jiff::Error>| unit(Span::new(), steps).ok();
    let moved = match of {
        Function::Minute => {
            begun.checked_add(SignedDuration::from_secs(steps.checked_mul(60)?)).ok()?
        }
        Function::Hour => {
            begun.checked_add(SignedDuration::from_secs(steps.checked_mul(3_600)?)).ok()?
        }
        Function::Day => begun.checked_add(span(Span::try_days)?).ok()?,
        Function::Week => begun.checked_add(span(Span::try_weeks)?).ok()?,
        Function::Month => begun.checked_add(span(Span::try_months)?).ok()?,
        _ => begun.checked_add(span(Span::try_years)?).ok()?,
    };
    TimeZone::UTC.to_timestamp(moved).ok()
}

/// A moment's calendar date.
pub fn date_of(moment: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(moment).date()
}

/// The number of the week of the year that a date lies in, from 1: the first has January 1st.
pub fn week_of(date: Date) -> i64 {
    let first = i64::from(date.first_of_year().weekday().since(Weekday::Sunday));
    (i64::from(date.day_of_year()) - 1 + first) / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_begins_where_the_calendar_says() {
        let now: Timestamp = "2026-01-07T15:42:10.5Z".parse().unwrap();
        let table = [
            (Function::Minute, -2, "2026-01-07T15:40:00Z"),
            (Function::Hour, 0, "2026-01-07T15:00:00Z"),
            (Function::Hour, -16, "2026-01-06T23:00:00Z"),
            (Function::Day, 0, "2026-01-07T00:00:00Z"),
            (Function::Day, -7, "2025-12-31T00:00:00Z"),
            (Function::Week, 0, "2026-01-04T00:00:00Z"),
            (Function::Week, 1, "2026-01-11T00:00:00Z"),
            (Function::Month, -1, "2025-12-01T00:00:00Z"),
            (Function::Year, 1, "2027-01-01T00:00:00Z"),
        ];
        for (of, steps, expected) in table {
            let found = beginning(of, now, steps).unwrap();
            assert_eq!(found.to_string(), expected, "{of:?} {steps}");
        }
        assert_eq!(beginning(Function::Year, now, i64::MAX), None);
        assert_eq!(beginning(Function::Minute, now, i64::MAX), None);
    }

    #[test]
    fn weeks_count_from_that_of_january_the_first() {
        let week = |year, month, day| week_of(jiff::civil::date(year, month, day));
        // 2026 begins on a Thursday; March 25th 2023 is the example of the documentation.
        assert_eq!([week(2026, 1, 1), week(2026, 1, 3), week(2026, 1, 4)], [1, 1, 2]);
        assert_eq!([week(2023, 3, 25), week(2023, 8, 27)], [12, 35]);
    }
}
