//! Near names: what somebody probably meant.

use strsim::{damerau_levenshtein, jaro_winkler};

use crate::scenario::excerpt::printable;

/// The longest name that is printed or compared.
const NAME_LENGTH: usize = 60;

/// How alike two names must be, from 0 to 1.
const LIKENESS: f64 = 0.87;

/// The name that is nearest to `name` among the known ones, if one is near.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > 4 * NAME_LENGTH {
        return None;
    }
    let lower = name.to_lowercase();
    let score = |candidate: &str| -> f64 {
        let other = candidate.to_lowercase();
        if lower == other {
            return 2.0;
        }
        let edits = damerau_levenshtein(&lower, &other);
        let size = lower.chars().count().max(other.chars().count());
        if edits <= (size / 3).clamp(1, 3) && edits < size {
            return 1.5 - edits as f64 / 100.0;
        }
        if lower.len() >= 4 && (other.starts_with(&lower) || lower.starts_with(&other)) {
            return 1.0;
        }
        jaro_winkler(&lower, &other)
    };
    let mut best: Option<(f64, &str)> = None;
    for &candidate in known.iter().filter(|candidate| candidate.len() <= 4 * NAME_LENGTH) {
        let score = score(candidate);
        if score >= LIKENESS && best.is_none_or(|(least, _)| score > least) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What to say about an unknown name: the nearest known one, or all when they are few.
pub fn help(name: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(name, known) {
        return Some(format!("did you mean `{}`?", shorten(near)));
    }
    match known {
        [] => None,
        [only] => Some(format!("there is only `{}`", shorten(only))),
        [..] if known.len() <= 24 => Some(format!("there are {}", listed(known))),
        [..] => None,
    }
}

/// The names in quotes, with commas and a last `and`.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", shorten(name))).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name without characters that can't be printed, cut when it is very long.
pub fn shorten(name: &str) -> String {
    let mut text: String = name.chars().take(NAME_LENGTH).map(printable).collect();
    if name.chars().nth(NAME_LENGTH).is_some() {
        text.push('…');
    }
    text
}
