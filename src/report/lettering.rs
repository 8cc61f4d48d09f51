//! Text in a picture: how wide it is, so that it can be made to fit.
//!
//! Whoever shows the picture chooses the font, so labels are measured by the widest of the common
//! ones: a label that fits here fits everywhere.

use crate::report::export::escape;

/// The widths of ASCII from space to tilde, in thousandths of the font's size.
///
/// Source: DejaVu Sans Bold 2.37, table `hmtx`.
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696,
    696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683,
    683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771,
    724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665,
    343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
];

/// How wide a text is at this size, in bold.
pub(in crate::report) fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text
        .chars()
        .map(|it| match u32::from(it).checked_sub(32).and_then(|at| WIDTHS.get(at as usize)) {
            Some(width) => u32::from(*width),
            // A sign of another script is at most as wide as it is high.
            None => 1_000,
        })
        .sum();
    f64::from(thousandths) / 1_000.0 * size
}

/// A name cut in its middle until it fits: names often differ at their ends.
pub(in crate::report) fn cut(name: &str, size: f64, room: f64) -> String {
    let name = escape::shortened(name, 80);
    if width(&name, size) <= room {
        return name;
    }
    let characters: Vec<char> = name.chars().collect();
    for kept in (2..characters.len()).rev() {
        let front: String = characters[..kept.div_ceil(2)].iter().collect();
        let back: String = characters[characters.len() - kept / 2..].iter().collect();
        let short = format!("{front}…{back}");
        if width(&short, size) <= room {
            return short;
        }
    }
    "…".to_owned()
}

/// A position or length with at most one decimal.
pub(in crate::report) fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{}", tenths as i64) } else { format!("{tenths:.1}") }
}
