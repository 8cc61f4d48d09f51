//! A run for spreadsheets: its events, its locks and its figures, each as a file of comma-separated
//! values. Times are whole microseconds since the beginning of the run.
//!
//! Source: RFC 4180.

use crate::report::export::escape;
use crate::report::export::locking::Locking;
use crate::trace::{Names, Trace};

/// The files, by what each has.
pub(super) fn csv(trace: &Trace) -> [(&'static str, String); 2] {
    let names = Names::of(trace);
    let locking = Locking::of(trace);
    [("events", events(trace, &names)), ("locks", locks(&names, &locking))]
}

fn events(trace: &Trace, names: &Names<'_>) -> String {
    let mut text = line(["sequence", "at_us", "event"].map(str::to_owned));
    for entry in &trace.entries {
        let fields = [
            entry.sequence.to_string(),
            entry.at.0.to_string(),
            escape::csv(&names.event(&entry.event)),
        ];
        text.push_str(&line(fields));
    }
    text
}

fn locks(names: &Names<'_>, locking: &Locking) -> String {
    let heads = ["resource", "transaction", "party", "mode", "from_us", "to_us", "state", "behind"];
    let mut text = line(heads.map(str::to_owned));
    for span in &locking.spans {
        text.push_str(&line([
            escape::csv(&names.resource(&span.resource)),
            span.transaction.0.to_string(),
            escape::csv(&locking.party(span.transaction)),
            span.mode.abbreviation().to_owned(),
            span.from.0.to_string(),
            span.to.0.to_string(),
            if span.is_wait { "waits" } else { "holds" }.to_owned(),
            escape::csv(&locking.parties(&span.behind)),
        ]));
    }
    text
}

fn line<const N: usize>(fields: [String; N]) -> String {
    format!("{}\r\n", fields.join(","))
}
