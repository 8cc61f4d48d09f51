//! The timeline as a picture that stands alone: for a README, a wiki, a slide.

use crate::check::History;
use crate::report::html::plot::{Plot, WIDTH};
use crate::report::html::svg::Svg;
use crate::report::html::text::{number, sentence};
use crate::report::html::{SYMBOLS, TOKENS};
use crate::report::timeline::Timeline;
use crate::trace::Trace;

/// What the page says of its pictures, as far as it goes for one that stands alone.
const STYLE: &str = "\
svg{--circle:var(--bad);fill:var(--ink);font-variant-numeric:tabular-nums;
font-family:system-ui,\"Segoe UI\",Roboto,\"Liberation Sans\",Arial,sans-serif}
.halo{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}";

/// The timeline of a run, with quiet time folded, for light and dark pages.
pub(in crate::report) fn picture(trace: &Trace) -> String {
    let history = History::of(trace);
    let view = Timeline::of(&history);
    let plot = Plot::new(&history, &view, &view.quiet, "0");
    let (wide, high) = (number(WIDTH), number(plot.height()));
    let title = match &trace.header.variant {
        Some(variant) => sentence(&format!("{} ({variant})", trace.header.title)),
        None => sentence(&trace.header.title),
    };
    let mut svg = Svg::default();
    svg.raw(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" \
         height=\"{high}\" role=\"img\"><title>{title}</title><style>\n{TOKENS}{STYLE}\n</style>\n\
         {SYMBOLS}<rect width=\"{wide}\" height=\"{high}\" fill=\"var(--panel)\"/>"
    ));
    plot.fill(&mut svg);
    svg.raw("</svg>\n");
    svg.into_text()
}
