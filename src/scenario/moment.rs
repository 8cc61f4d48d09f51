//! Durations and moments, as people write them.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::scenario::reading_limits as limits;
use crate::words::SimInstant;

const MICROS_PER_SECOND: u64 = 1_000_000;
const MICROS_PER_DAY: u64 = 86_400 * MICROS_PER_SECOND;
const MICROS_MOST: u64 = limits::YEARS * 365 * MICROS_PER_DAY;

/// The units of durations, with their microseconds.
const UNITS: &[(&str, u64)] = &[
    ("us", 1),
    ("µs", 1),
    ("ms", 1_000),
    ("s", MICROS_PER_SECOND),
    ("min", 60 * MICROS_PER_SECOND),
    ("h", 3_600 * MICROS_PER_SECOND),
    ("day", MICROS_PER_DAY),
    ("days", MICROS_PER_DAY),
];

/// Reads a duration: `150ms`, `2 min`, `1.5 s`, `3 h 5 min`, `1 day`.
///
/// # Errors
///
/// What is wrong with it, as a label.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err("a duration can't be negative".to_owned());
    }
    let mut micros: u64 = 0;
    if rest.is_empty() {
        return Err("nothing stands here".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| is_digit(c)).len();
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            return Err("this is no number with a unit".to_owned());
        }
        let after = after.trim_start();
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (unit, after) = after.split_at(letters);
        let Some(&(_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(match unit {
                "" => "a unit is missing: us, ms, s, min, h, day".to_owned(),
                _ => "the units are us, ms, s, min, h and day".to_owned(),
            });
        };
        micros = micros
            .checked_add(amount(number, size)?)
            .filter(|&sum| sum <= MICROS_MOST)
            .ok_or_else(|| format!("longer than {} years", limits::YEARS))?;
        rest = after.trim_start();
    }
    Ok(Duration::from_micros(micros))
}

const fn is_digit(character: char) -> bool {
    character.is_ascii_digit() || character == '.'
}

/// `number` times `size` microseconds, exactly.
fn amount(number: &str, size: u64) -> Result<u64, String> {
    let too_long = || format!("longer than {} years", limits::YEARS);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.contains('.') || whole.is_empty() || number.ends_with('.') {
        return Err("this is no number".to_owned());
    }
    let whole: u64 = whole.parse().map_err(|_| too_long())?;
    let mut micros =
        whole.checked_mul(size).filter(|&micros| micros <= MICROS_MOST).ok_or_else(too_long)?;
    let mut scale = size;
    for digit in part.bytes() {
        let digit = u64::from(digit - b'0');
        if digit > 0 && !scale.is_multiple_of(10) {
            return Err("finer than a microsecond".to_owned());
        }
        scale /= 10;
        micros += digit * scale;
    }
    Ok(micros)
}

/// A moment as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start.
    After(Duration),
    /// A time of day: the first such one at or after some instant.
    Clock(Time),
    /// A date with a time.
    Date(Timestamp),
}

/// Reads a moment.
///
/// # Errors
///
/// What is wrong with it, as a label.
pub fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if text.contains('-') && text.starts_with(|c: char| c.is_ascii_digit()) {
        return date_time(text).map(Moment::Date);
    }
    if text.contains(':') {
        let hour = text.split(':').next().unwrap_or_default();
        let is_padded = hour.len() == 2;
        return match text.parse::<Time>() {
            Ok(time) if is_padded => Ok(Moment::Clock(time)),
            _ => Err("no time of day from `00:00` to `23:59:59`".to_owned()),
        };
    }
    match duration(text) {
        Ok(duration) => Ok(Moment::After(duration)),
        Err(_) if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            Err("no time is written so".to_owned())
        }
        Err(why) => Err(why),
    }
}

/// Reads a date with a time, in UTC unless it says otherwise.
///
/// # Errors
///
/// What is wrong with it, as a label.
pub fn date_time(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let parsed = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    });
    let timestamp = parsed.ok_or_else(|| "no such date".to_owned())?;
    if timestamp.as_nanosecond() % 1_000 != 0 {
        return Err("finer than a microsecond".to_owned());
    }
    Ok(timestamp)
}

impl Moment {
    /// The instant that is meant, in a world that begins at `start`; a time of day is the first
    /// one at or after `not_before`.
    ///
    /// # Errors
    ///
    /// When it is before the start, or too far after it.
    pub fn instant(self, start: Timestamp, not_before: SimInstant) -> Result<SimInstant, String> {
        let micros = match self {
            Self::After(duration) => micros_of(duration),
            Self::Clock(time) => {
                let now =
                    start.as_microsecond() + i64::try_from(not_before.0).unwrap_or(i64::MAX / 4);
                let day = i64::try_from(MICROS_PER_DAY).unwrap_or(i64::MAX);
                let of_day = time.duration_since(Time::midnight()).as_micros();
                let of_day = i64::try_from(of_day).unwrap_or_default();
                let wait = (of_day - now.rem_euclid(day)).rem_euclid(day);
                not_before.0.checked_add(wait.unsigned_abs())
            }
            Self::Date(date) => {
                let after: SignedDuration = date.duration_since(start);
                if after.is_negative() {
                    return Err("this is before the world begins".to_owned());
                }
                u64::try_from(after.as_micros()).ok()
            }
        };
        micros
            .filter(|&micros| micros <= MICROS_MOST)
            .map(SimInstant)
            .ok_or_else(|| format!("more than {} years after the start", limits::YEARS))
    }
}

fn micros_of(duration: Duration) -> Option<u64> {
    u64::try_from(duration.as_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::DEFAULT_START;

    #[test]
    fn durations_are_exact_sums_of_numbers_with_units() {
        let read = |text| duration(text).map(|duration| duration.as_micros());
        assert_eq!(read("150ms"), Ok(150_000));
        assert_eq!(read("2 min"), Ok(120_000_000));
        assert_eq!(read("1.5 s"), Ok(1_500_000));
        assert_eq!(read("3 h 5 min"), Ok(11_100_000_000));
        assert_eq!(read("0.000001 s"), Ok(1));
        for wrong in [
            "5",
            "5 weeks",
            "-3 s",
            "1.2.3 s",
            ".5 s",
            "0.1 us",
            "soon",
            "",
            "101 years",
            "40000 days",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_first_one_that_is_not_past() {
        let at = |text: &str, not_before: u64| {
            moment(text).and_then(|moment| moment.instant(DEFAULT_START, SimInstant(not_before)))
        };
        let hour = 3_600 * MICROS_PER_SECOND;
        assert_eq!(at("08:00", 0), Ok(SimInstant(0)));
        assert_eq!(at("09:30", 0), Ok(SimInstant(hour * 3 / 2)));
        assert_eq!(at("07:00", 0), Ok(SimInstant(23 * hour)));
        assert_eq!(at("09:00", 2 * hour), Ok(SimInstant(25 * hour)));
        assert_eq!(at("2026-01-05T10:00", 0), Ok(SimInstant(2 * hour)));
        assert_eq!(at("2026-01-05T10:00Z", 0), Ok(SimInstant(2 * hour)));
        assert_eq!(at("2026-01-05 10:00+01:00", 0), Ok(SimInstant(hour)));
        assert_eq!(at("250ms", hour), Ok(SimInstant(250_000)));
        for wrong in
            ["25:00", "6:00", "2026-13-01T00:00", "2026-01-05T07:59", "noon", "2999-01-01T00:00"]
        {
            assert!(at(wrong, 0).is_err(), "{wrong}");
        }
    }
}
