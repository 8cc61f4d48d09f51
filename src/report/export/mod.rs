//! A run in the formats of other tools. Each has a file of its own, and all are folds over the
//! trace: the same run gives the same bytes.
//!
//! | format | is for |
//! |---|---|
//! | `jsonl` | scripts: the trace itself, from which everything else can be had |
//! | `otel` | tools for OpenTelemetry: spans in the JSON of OTLP |
//! | `perfetto` | Perfetto and `chrome://tracing`: lanes and locks over time |
//! | `mermaid` | a README or pull request: a sequence diagram |
//! | `dot` | Graphviz: who waited for whom |
//! | `xdl` | SQL Server Management Studio: a deadlock graph for each deadlock |
//! | `csv` | spreadsheets: the events and the locks |
//! | `svg` | a README, a wiki, a slide: the timeline as a picture |

mod csv;
pub(in crate::report) mod escape;
pub(in crate::report) mod locking;
mod mermaid;
mod perfetto;
mod stack;
#[cfg(test)]
mod tests;
mod wait_for;
mod xdl;

use crate::report::html::picture;
use crate::report::otel;
use crate::trace::{Trace, write_jsonl};

/// A format of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The events as JSON lines.
    Jsonl,
    /// OpenTelemetry spans, as OTLP JSON.
    Otel,
    /// The Trace Event Format.
    Perfetto,
    /// A Mermaid sequence diagram.
    Mermaid,
    /// A Graphviz graph of the waits.
    Dot,
    /// SQL Server's deadlock graphs.
    Xdl,
    /// Comma-separated values.
    Csv,
    /// The timeline as a picture.
    Svg,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Jsonl,
        Self::Otel,
        Self::Perfetto,
        Self::Mermaid,
        Self::Dot,
        Self::Xdl,
        Self::Csv,
        Self::Svg,
    ];

    /// What the command line calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Otel => "otel",
            Self::Perfetto => "perfetto",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::Xdl => "xdl",
            Self::Csv => "csv",
            Self::Svg => "svg",
        }
    }

    /// The extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Otel => "otel.json",
            Self::Perfetto => "trace.json",
            Self::Mermaid => "mmd",
            Self::Dot => "dot",
            Self::Xdl => "xdl",
            Self::Csv => "csv",
            Self::Svg => "svg",
        }
    }

    /// Whether a run may have several files of it, or none.
    pub const fn is_several_files(self) -> bool {
        matches!(self, Self::Xdl | Self::Csv)
    }
}

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What tells it from the others of the same run: `deadlock-1`, `events`; `None` where there
    /// is one only.
    pub part: Option<String>,
    /// What the file holds.
    pub text: String,
}

/// A run in a format: one document, or several where the format is of several files.
pub fn export(trace: &Trace, format: Format) -> Vec<Document> {
    let text = match format {
        Format::Jsonl => {
            let mut bytes = Vec::new();
            // A list of bytes takes all that is written, and the lines are UTF-8.
            write_jsonl(trace, &mut bytes).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        }
        Format::Otel => otel::otel(trace),
        Format::Perfetto => perfetto::perfetto(trace),
        Format::Mermaid => mermaid::mermaid(trace),
        Format::Dot => wait_for::wait_for(trace),
        Format::Svg => picture(trace),
        Format::Xdl => {
            let graphs = xdl::xdl(trace).into_iter().zip(1..);
            let part = |number: u32| Some(format!("deadlock-{number}"));
            return graphs.map(|(text, it)| Document { part: part(it), text }).collect();
        }
        Format::Csv => {
            let files = csv::csv(trace).into_iter();
            return files
                .map(|(part, text)| Document { part: Some(part.to_owned()), text })
                .collect();
        }
    };
    vec![Document { part: None, text }]
}
