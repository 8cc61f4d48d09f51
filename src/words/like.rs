//! SQL's LIKE: texts against patterns.

/// Whether a text is of a pattern, in which `%` stands for any characters, `_` for any one, `[a-f]`
/// and `[xyz]` for one of these, and `[^…]` for one of any others. A bracket that is not closed
/// stands for itself.
///
/// Source: Microsoft Learn, "LIKE (Transact-SQL)". Assumed: letters are compared as they are, with
/// their case; a Dataverse database compares them without, by its collation.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut next) = (0, 0);
    // Where to go on when a guess at the length of the last `%` was wrong.
    let mut again: Option<(usize, usize)> = None;
    loop {
        if pattern.get(next) == Some(&'%') {
            next += 1;
            again = Some((at, next));
            continue;
        }
        let met = match (text.get(at), next < pattern.len()) {
            (None, false) => return true,
            (Some(letter), true) => one(*letter, &pattern[next..]),
            _ => None,
        };
        match (met, again) {
            (Some(length), _) => (at, next) = (at + 1, next + length),
            (None, Some((from, after))) if from < text.len() => {
                again = Some((from + 1, after));
                (at, next) = (from + 1, after);
            }
            (None, _) => return false,
        }
    }
}

/// Whether a letter is what the pattern begins with; then how many characters of the pattern that
/// took.
fn one(letter: char, pattern: &[char]) -> Option<usize> {
    let first = *pattern.first()?;
    if first == '_' {
        return Some(1);
    }
    let close = (first == '[').then(|| pattern.iter().skip(2).position(|it| *it == ']')).flatten();
    let Some(close) = close.map(|close| close + 2) else {
        return (first == letter).then_some(1);
    };
    let inside = &pattern[1..close];
    let (is_other, inside) = match inside {
        ['^', rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, inside),
    };
    let mut rest = inside;
    let mut is_in = false;
    while let [low, tail @ ..] = rest {
        match tail {
            ['-', high, tail @ ..] => {
                is_in |= (*low..=*high).contains(&letter);
                rest = tail;
            }
            _ => {
                is_in |= *low == letter;
                rest = tail;
            }
        }
    }
    (is_in != is_other).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_stand_for_what_sql_says() {
        let table = [
            ("Contoso", "Contoso", true),
            ("Contoso", "contoso", false),
            ("Contoso", "Con%", true),
            ("Contoso", "%so", true),
            ("Contoso", "%nto%", true),
            ("Contoso", "Conto", false),
            ("Contoso", "C_nt_so", true),
            ("Contoso", "_ontos_", true),
            ("Contoso", "______", false),
            ("", "%", true),
            ("", "", true),
            ("", "_", false),
            ("a%b", "a[%]b", true),
            ("axb", "a[%]b", false),
            ("case 7", "case [0-5]", false),
            ("case 7", "case [0-9]", true),
            ("case 7", "case [^0-5]", true),
            ("case 7", "case [579]", true),
            ("a]b", "a[]]b", true),
            ("a[b", "a[b", true),
            ("mississippi", "%iss%ippi", true),
            ("mississippi", "m%iss%s", false),
            ("ä", "_", true),
            ("^", "[^]", true),
        ];
        for (text, pattern, expected) in table {
            assert_eq!(is_like(text, pattern), expected, "{text:?} like {pattern:?}");
        }
    }

    /// The same, by trying everything.
    fn oracle(text: &[char], pattern: &[char]) -> bool {
        match (text, pattern) {
            ([], []) => true,
            (_, ['%', rest @ ..]) => (0..=text.len()).any(|skip| oracle(&text[skip..], rest)),
            ([_, text @ ..], ['_', pattern @ ..]) => oracle(text, pattern),
            ([a, text @ ..], [b, pattern @ ..]) => a == b && oracle(text, pattern),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_trying_everything_finds(
            text in "[ab]{0,8}",
            pattern in "[ab%_]{0,8}",
        ) {
            let letters = |it: &str| it.chars().collect::<Vec<_>>();
            prop_assert_eq!(is_like(&text, &pattern), oracle(&letters(&text), &letters(&pattern)));
        }
    }
}
