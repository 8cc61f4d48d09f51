//! SVG elements, written one after the other. Inside an HTML page they need no namespace.

use std::fmt::Write as _;

use crate::report::html::text::{number, sentence};

/// How many hues tell lanes apart before they repeat; the letter carries identity.
pub(super) const HUES: usize = 6;

/// SVG that is being written.
#[derive(Default)]
pub(super) struct Svg {
    text: String,
}

/// The colours of a lane, as CSS variables: `h0` to `h5`.
pub(super) fn hue(lane: usize) -> usize {
    lane % HUES
}

impl Svg {
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// What is written by hand; names in it are escaped already.
    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A box of this place, size and rounding.
    pub(super) fn rect(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        rounding: f64,
        attributes: &str,
    ) -> &mut Self {
        let (x, y) = (number(x), number(y));
        let (width, height) = (number(width.max(0.0)), number(height));
        let rounding =
            if rounding > 0.0 { format!(" rx=\"{}\"", number(rounding)) } else { String::new() };
        let _ = write!(
            self.text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{rounding} \
             {attributes}/>"
        );
        self
    }

    /// A box with a tooltip.
    pub(super) fn told_rect(
        &mut self,
        place: (f64, f64),
        size: (f64, f64),
        attributes: &str,
        told: &str,
    ) -> &mut Self {
        self.raw("<g><title>").raw(&sentence(told)).raw("</title>");
        self.rect(place, size, 3.0, attributes).raw("</g>")
    }

    pub(super) fn line(
        &mut self,
        (x, y): (f64, f64),
        (to_x, to_y): (f64, f64),
        attributes: &str,
    ) -> &mut Self {
        let (x, y, to_x, to_y) = (number(x), number(y), number(to_x), number(to_y));
        let _ = write!(self.text, "<path d=\"M{x} {y}L{to_x} {to_y}\" {attributes}/>");
        self
    }

    /// A text whose baseline begins here; it is escaped.
    pub(super) fn text(&mut self, (x, y): (f64, f64), attributes: &str, text: &str) -> &mut Self {
        let (x, y) = (number(x), number(y));
        let _ = write!(self.text, "<text x=\"{x}\" y=\"{y}\" {attributes}>");
        self.raw(&sentence(text)).raw("</text>")
    }

    /// One of the page's symbols, in a square of this size.
    pub(super) fn symbol(&mut self, (x, y): (f64, f64), size: f64, symbol: &str) -> &mut Self {
        let (x, y, size) = (number(x), number(y), number(size));
        let _ = write!(
            self.text,
            "<use href=\"#{symbol}\" x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\"/>"
        );
        self
    }
}
