//! Text that is shown as it is. Names and messages come from files and arguments that anybody may
//! have written; a character that a terminal obeys instead of showing could hide what happened.

use std::borrow::Cow;

/// Whether a terminal or a text renderer would obey this character and not show it: controls,
/// line and paragraph separators, direction marks and invisible tags.
pub const fn is_obeyed(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The text with every character that a terminal would obey written out: `\n`, `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out_and_the_rest_is_left_alone() {
        assert_eq!(visible("Zoë → 2\u{1b}[31m\n\u{202e}"), "Zoë → 2\\u{1b}[31m\\n\\u{202e}");
        assert!(matches!(visible("plain"), Cow::Borrowed("plain")));
    }
}
