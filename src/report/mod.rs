//! Telling people and machines what happened: the story for a terminal, JSON, JUnit XML, and
//! the formats of other tools.
//!
//! Everything here is a fold over a trace and its verdict. No clock is read, so the same trace
//! gives the same bytes; time in a report is always simulated time.

mod comparison;
mod diagram;
mod export;
mod gallery;
mod html;
mod json;
mod junit;
mod lettering;
mod metrics;
mod otel;
mod story;
mod terminal;
mod timeline;

pub use comparison::{Meeting, Sweep};
pub use diagram::{DiagramFormat, diagram};
pub use export::{Document, Format, export};
pub use gallery::{Exhibit, gallery};
pub use html::{compared, html};
pub use json::json;
pub use junit::junit;
pub use metrics::Metrics;
pub use otel::otel;
pub use story::{StoryOptions, Verbosity, story};
pub use terminal::{comparison, timeline};

use crate::check::Verdict;
use crate::trace::Trace;

/// One run of one scenario, to be reported.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What happened.
    pub trace: &'a Trace,
    /// What was found out about it.
    pub verdict: &'a Verdict,
}
