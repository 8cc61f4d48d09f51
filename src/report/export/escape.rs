//! How a name is written into each format. Names come from files that anybody may have written: a
//! quote must not end a text, a word of the format must stay a word of the name, and what a
//! program would obey is written out first ([`visible`]).

use std::borrow::Cow;

use crate::words::visible;

/// The most characters of one name or message; the rest becomes `…`.
const CHARACTERS_MAX: usize = 80;

/// The text on one line, with every obeyed character written out, and cut where it is too long
/// for a label.
pub(in crate::report) fn label(text: &str) -> String {
    shortened(text, CHARACTERS_MAX)
}

/// As [`label`], with at most so many characters.
pub(in crate::report) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text).into_owned(),
    }
}

/// As a Mermaid text: every sign that the grammar or the page might take for its own becomes a
/// numeric entity, and so does the first letter of `end`, which would close a block.
///
/// Source: Mermaid, "Sequence diagrams", Entity codes to escape characters.
pub(in crate::report) fn mermaid(text: &str) -> String {
    let text = label(text);
    // A participant must have a name, and a message a text.
    let text = if text.trim().is_empty() { "unnamed" } else { &text };
    let mut escaped = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, escaped: &mut String| {
        if word.eq_ignore_ascii_case("end") {
            escaped.push_str(&format!("#{};{}", u32::from(word.as_bytes()[0]), &word[1..]));
        } else {
            escaped.push_str(word);
        }
        word.clear();
    };
    for character in text.chars() {
        if character.is_alphanumeric() {
            word.push(character);
            continue;
        }
        flush(&mut word, &mut escaped);
        match character {
            ' ' | '.' | ',' | '/' | '_' | '→' | '…' => escaped.push(character),
            other => escaped.push_str(&format!("#{};", u32::from(other))),
        }
    }
    flush(&mut word, &mut escaped);
    escaped
}

/// As the inside of a quoted Graphviz text, where a backslash begins an escape.
///
/// Source: Graphviz, "The DOT language", and "escString".
pub(in crate::report) fn dot(text: &str) -> String {
    label(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// As XML text or the value of an attribute. What XML 1.0 can't hold at all becomes `\u{…}`.
///
/// Source: W3C, "Extensible Markup Language (XML) 1.0", Char.
pub(in crate::report) fn xml(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            other => escaped.push(other),
        }
    }
    escaped
}

/// As a field of a CSV file. A text that a spreadsheet would take for a formula is preceded by an
/// apostrophe, by which spreadsheets mark a text.
///
/// Source: RFC 4180, section 2; OWASP, "CSV Injection".
pub(in crate::report) fn csv(text: &str) -> String {
    let text = visible(text);
    let text: Cow<'_, str> =
        if text.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{text}")) } else { text };
    if text.contains(['"', ',', ';']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_the_grammar_becomes_a_part_of_the_name() {
        assert_eq!(mermaid("the end; #1 %%{a}"), "the #101;nd#59; #35;1 #37;#37;#123;a#125;");
        assert_eq!(dot("say \"a\\n\"\n"), "say \\\"a\\\\n\\\"\\\\n");
        assert_eq!(xml("<a b='\"'>&\0"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;\\u{0}");
        assert_eq!(csv("=1+\"2\",3"), "\"'=1+\"\"2\"\",3\"");
        assert_eq!(csv("@SUM"), "'@SUM");
        assert_eq!(csv("plain - text"), "plain - text");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(label(&"x".repeat(10_000)).chars().count(), CHARACTERS_MAX + 1);
    }
}
