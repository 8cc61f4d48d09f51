//! Virtual time: integer microseconds since the start of the world. Durations are
//! [`std::time::Duration`]. No clock is read anywhere in the engine.

use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant of virtual time, in microseconds since the world began. The calendar date of the
/// beginning is [`crate::plan::Plan::start`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimInstant(pub u64);

impl SimInstant {
    /// The beginning of the world.
    pub const START: Self = Self(0);

    /// After everything that can happen.
    pub const END: Self = Self(u64::MAX);

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for SimInstant {
    type Output = Self;

    /// Saturates at the end of time (about 584,000 years), so no sum can wrap round.
    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

/// A duration as people write it: `150 ms`, `1.5 s`, `2 min`, `3 h 5 min`, `1 day`.
pub fn format_duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros < 1_000 {
        return format!("{micros} µs");
    }
    if micros < 1_000_000 {
        return format!("{} ms", decimal(micros, 1_000));
    }
    if micros < 60_000_000 {
        return format!("{} s", decimal(micros, 1_000_000));
    }
    let seconds = micros / 1_000_000;
    let rest = (micros % 60_000_000, seconds % 86_400 / 60 % 60, seconds % 86_400 / 3_600);
    let mut parts = Vec::new();
    match seconds / 86_400 {
        0 => {}
        1 => parts.push("1 day".to_owned()),
        days => parts.push(format!("{days} days")),
    }
    if rest.2 > 0 {
        parts.push(format!("{} h", rest.2));
    }
    if rest.1 > 0 {
        parts.push(format!("{} min", rest.1));
    }
    if rest.0 > 0 {
        parts.push(format!("{} s", decimal(rest.0, 1_000_000)));
    }
    parts.join(" ")
}

/// `amount / unit` with at most three digits after the point and no trailing zeros.
fn decimal(amount: u128, unit: u128) -> String {
    let thousandths = amount * 1_000 / unit;
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:03}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let written = [5, 1_500, 150_000, 1_500_000, 120_000_000, 11_100_000_000, 90_000_000_000]
            .map(|micros| format_duration(Duration::from_micros(micros)));
        assert_eq!(
            written,
            ["5 µs", "1.5 ms", "150 ms", "1.5 s", "2 min", "3 h 5 min", "1 day 1 h"]
        );
    }
}
