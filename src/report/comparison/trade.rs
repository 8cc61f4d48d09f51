//! The trade in a sentence: what one design gains over another, and what that costs.

use crate::report::comparison::figures::{Figures, Measure};

/// The most costs that a sentence names.
const COSTS_MAX: usize = 2;

/// What a design gains over another one, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Trade {
    /// What it gains, in a sentence.
    pub(in crate::report) gain: String,
    /// What that costs, in another.
    pub(in crate::report) cost: String,
    /// Whether it gains anything.
    pub(in crate::report) is_better: bool,
}

/// The trade between two runs.
pub(in crate::report) fn trade(from: &Figures, to: &Figures) -> Trade {
    let differs = |better: bool| {
        let measures = Measure::ALL.into_iter();
        measures.filter(move |it| {
            let (before, after) = (from.value(*it), to.value(*it));
            if better { after < before } else { after > before }
        })
    };
    let gained = differs(true).next();
    let lost: Vec<Measure> = differs(false).filter(|it| matters(*it)).take(COSTS_MAX).collect();
    let name = &to.name;
    let costs: Vec<String> = lost.iter().map(|measure| cost_told(*measure, from, to)).collect();
    let costs = costs.join(", and ");
    // What comes first among the measures weighs more than what comes after it.
    if let (Some(gained), Some(worst)) = (gained, lost.first())
        && *worst < gained
    {
        let gain = format!("“{name}” costs more than it gains: {costs}.");
        let told = gained_told(gained, from, to);
        return Trade { gain, cost: format!("Still, {told}."), is_better: false };
    }
    let gain = match gained {
        Some(measure) => gained_told(measure, from, to),
        None if differs(false).next().is_none() => {
            format!("“{name}” comes to the same as “{}”", from.name)
        }
        None => format!("“{name}” gains nothing over “{}”", from.name),
    };
    let cost = match (&costs[..], gained) {
        ("", Some(_)) => "No figure gets worse.".to_owned(),
        ("", None) => String::new(),
        (costs, Some(_)) => format!("It costs: {costs}."),
        (costs, None) => format!("It is worse in this: {costs}."),
    };
    Trade { gain: gain + ".", cost, is_better: gained.is_some() }
}

/// Whether more of it is a cost of its own: the rest follows from those.
const fn matters(measure: Measure) -> bool {
    !matches!(measure, Measure::Waits | Measure::Rollbacks | Measure::LongestHold)
}

/// Who ends in a fault in one run and not in the other.
fn only_in<'f>(one: &'f Figures, other: &Figures) -> Vec<&'f str> {
    let failed = one.failed.iter().filter(|it| !other.failed.contains(it));
    failed.map(String::as_str).collect()
}

fn gained_told(measure: Measure, from: &Figures, to: &Figures) -> String {
    let (name, before, after) = (&to.name, from.value(measure), to.value(measure));
    let waits = match to.value(Measure::LongestWait) {
        0 => None,
        longest => Some(Measure::LongestWait.told(longest)),
    };
    match (measure, before, after, waits) {
        (Measure::Deadlocks, 1, 0, Some(wait)) => {
            format!("“{name}” turns the deadlock into a wait of {wait}")
        }
        (Measure::Deadlocks, 1, 0, None) => {
            format!("“{name}” has no deadlock, and nobody waits for a lock")
        }
        (Measure::Deadlocks, _, 0, _) => {
            format!("“{name}” has no deadlock, where “{}” has {before}", from.name)
        }
        (Measure::CrossInstanceWaits, _, 0, _) => {
            format!("“{name}” closes no circle of waits over instances, as “{}” does", from.name)
        }
        (Measure::Failures, ..) => match &only_in(from, to)[..] {
            [] => format!("“{name}” lets {} more get to their end", before - after),
            [one] => format!(
                "“{name}” lets {one} get to its end, where “{}” ends it in a fault",
                from.name
            ),
            [first, rest @ ..] => {
                let more = rest.len();
                format!(
                    "“{name}” lets {first} and {more} more get to their end, where “{}” ends \
                         them in a fault",
                    from.name
                )
            }
        },
        (Measure::LastCommit, ..) => {
            format!("“{name}” is done {}", measure.change(before, after))
        }
        (_, _, 0, _) if !measure.is_time() => {
            format!("“{name}” has no {}, where “{}” has {before}", singular(measure), from.name)
        }
        (_, _, 0, _) => format!(
            "“{name}” has nobody wait for a lock, where “{}” waits {}",
            from.name,
            measure.told(before)
        ),
        _ => format!(
            "“{name}” brings the {} from {} down to {}",
            measure.label(),
            measure.told(before),
            measure.told(after)
        ),
    }
}

/// One of what a measure counts.
const fn singular(measure: Measure) -> &'static str {
    match measure {
        Measure::Deadlocks => "deadlock",
        Measure::CrossInstanceWaits => "circle over instances",
        Measure::Faults => "fault met",
        Measure::DirtyReads => "dirty read",
        Measure::DisturbedRows => "row missed or doubled",
        Measure::Retries => "retry",
        Measure::Rollbacks => "rollback",
        Measure::Waits => "wait for a lock",
        Measure::Escalations => "lock escalation",
        _ => measure.label(),
    }
}

fn cost_told(measure: Measure, from: &Figures, to: &Figures) -> String {
    let (before, after) = (from.value(measure), to.value(measure));
    match measure {
        Measure::LastCommit => format!("the last commit comes {}", measure.change(before, after)),
        Measure::Failures => match &only_in(to, from)[..] {
            [] => format!("{} more end in a fault", after - before),
            [one] => format!("{one} ends in a fault"),
            [first, rest @ ..] => format!("{first} and {} more end in a fault", rest.len()),
        },
        _ if before == 0 => format!("{} {}", measure.told(after), noun(measure, after)),
        _ => format!(
            "{} {} in place of {}",
            measure.told(after),
            noun(measure, after),
            measure.told(before)
        ),
    }
}

/// What a value is of, behind its number.
fn noun(measure: Measure, value: u64) -> &'static str {
    match measure {
        Measure::TotalWait => "of waiting for locks",
        Measure::LongestWait => "for the longest wait",
        Measure::LongestHold => "for the longest hold",
        _ if value == 1 => singular(measure),
        _ => measure.label(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, values: &[(Measure, u64)]) -> Figures {
        Figures::made(name, values)
    }

    fn told(from: &[(Measure, u64)], to: &[(Measure, u64)]) -> String {
        let trade = trade(&figures("old", from), &figures("new", to));
        format!("{} {}", trade.gain, trade.cost).trim_end().to_owned()
    }

    #[test]
    fn a_trade_is_a_gain_and_what_it_costs() {
        use Measure::{Deadlocks, LastCommit, LongestWait, RowsExamined, TotalWait};
        let wait = [(TotalWait, 120_000), (LongestWait, 120_000), (LastCommit, 310_000)];
        assert_eq!(
            told(&[(Deadlocks, 1), (TotalWait, 150_000), (LastCommit, 270_000)], &wait),
            "“new” turns the deadlock into a wait of 120 ms. It costs: 120 ms for the longest wait, \
             and the last commit comes 40 ms later."
        );
        assert_eq!(told(&wait, &wait), "“new” comes to the same as “old”.");
        assert_eq!(
            told(&[(RowsExamined, 7)], &[(RowsExamined, 5), (Deadlocks, 1)]),
            "“new” costs more than it gains: 1 deadlock. Still, “new” brings the rows examined from \
             7 down to 5."
        );
        assert_eq!(
            told(&[], &[(LastCommit, 5_000)]),
            "“new” gains nothing over “old”. It is worse in this: the last commit comes 5 ms later."
        );
    }
}
