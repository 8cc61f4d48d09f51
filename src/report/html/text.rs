//! What is written on the page: labels that fit, and sentences without harm.

use crate::report::export::escape;
pub(super) use crate::report::lettering::{cut, number, width};

/// The most characters of one sentence on the page.
const SENTENCE_MAX: usize = 600;

/// The first of the labels that fits into a room.
pub(super) fn fitting<'a>(
    labels: impl IntoIterator<Item = &'a str>,
    size: f64,
    room: f64,
) -> Option<&'a str> {
    labels.into_iter().find(|it| !it.is_empty() && width(it, size) <= room)
}

/// A sentence as text or attribute of the page, of a length that can be read.
pub(super) fn sentence(text: &str) -> String {
    escape::xml(&escape::shortened(text, SENTENCE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_longest_that_fits_and_a_name_is_cut_in_its_middle() {
        assert_eq!(fitting(["a long label", "short", "s"], 10.0, 40.0), Some("short"));
        assert_eq!(fitting(["wide"], 10.0, 3.0), None);
        assert_eq!(cut("us/account/fabrikam", 10.0, 80.0), "us/acc…rikam");
        assert_eq!(cut("short", 10.0, 80.0), "short");
        assert_eq!([number(1.04), number(2.26), number(-0.01)], ["1", "2.3", "0"]);
    }
}
