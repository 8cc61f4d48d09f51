//! The trace as JSON lines: the header first, then one event a line.
//!
//! ```text
//!   {"version":2,"title":"Two teams …","instances":["us"],…}
//!   {"at":20000,"sequence":4,"event":"row-written","transaction":0,…,"says":"us/user/x is …"}
//! ```
//!
//! Keys keep one order, times are whole microseconds, and each line carries what the event says
//! by number (the header has the names). For people with `grep`, each line also *says* in a
//! sentence what happened; readers leave that out. The text is the same on every machine.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::trace::{Entry, FORMAT_VERSION, Header, Names, Trace};

/// Why a trace could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The stream failed, or is no text.
    #[error("line {line} of the trace could not be read: {source}")]
    Io {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the trace is empty; its first line should be the header")]
    Empty,
    /// Its first line is no header of a trace.
    #[error("the first line is no header of a trace: {}", told(.0))]
    Header(serde_json::Error),
    /// A line is not what it should be.
    #[error("line {line} of the trace is no event of format {FORMAT_VERSION}: {}", told(.source))]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It was written in another version of the format.
    #[error("the trace has format version {found}; this multiverse reads {FORMAT_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
}

/// What is wrong with a line, by its column alone: the reader has its number already.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(text) => format!("{text}, at column {}", error.column()),
        None => text,
    }
}

/// One event as it is written.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    says: String,
}

/// The part of the header that every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Writes a trace as JSON lines.
///
/// # Errors
///
/// When the stream can't be written.
pub fn write_jsonl(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    let names = Names::of(trace);
    serde_json::to_writer(&mut *out, &trace.header)?;
    out.write_all(b"\n")?;
    for entry in &trace.entries {
        let says = names.event(&entry.event);
        serde_json::to_writer(&mut *out, &Line { entry, says })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a trace that [`write_jsonl`] wrote. Empty lines at its end are skipped.
///
/// # Errors
///
/// When the stream can't be read, or a line is not an event of this format version.
pub fn read_jsonl(input: impl BufRead) -> Result<Trace, ReadError> {
    let mut lines = (1..).zip(input.lines()).map(|(line, text)| {
        let text = text.map_err(|source| ReadError::Io { line, source })?;
        Ok((line, text))
    });
    let (_, first) = lines.next().ok_or(ReadError::Empty)??;
    if first.trim().is_empty() {
        return Err(ReadError::Empty);
    }
    let Version { version } = serde_json::from_str(&first).map_err(ReadError::Header)?;
    if version != FORMAT_VERSION {
        return Err(ReadError::Version { found: version });
    }
    let header: Header = serde_json::from_str(&first).map_err(ReadError::Header)?;
    let mut entries = Vec::new();
    let mut blank = None;
    for numbered in lines {
        let (line, text) = numbered?;
        if text.trim().is_empty() {
            blank.get_or_insert((line, text));
            continue;
        }
        // An empty line is none at the end, and a mistake anywhere else.
        let (line, text) = blank.take().unwrap_or((line, text));
        let entry: Entry =
            serde_json::from_str(&text).map_err(|source| ReadError::Line { line, source })?;
        entries.push(entry);
    }
    Ok(Trace { header, entries })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::tale::{any_events, two_teams};

    fn written(trace: &Trace) -> String {
        let mut bytes = Vec::new();
        write_jsonl(trace, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn error(text: &str) -> String {
        read_jsonl(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_line_has_the_event_by_number_and_says_it_in_words() {
        let text = written(&two_teams().trace);
        let line = text.lines().nth(7).unwrap();
        insta::assert_snapshot!(line, @r#"
        {"at":20000,"sequence":6,"event":"row-written","transaction":0,"request":0,"instance":0,"table":0,"row":"72098e0e-b9e3-5ebe-8906-9f939678b990","kind":"update","version-before":1,"version-after":3,"columns":[[0,{"whole":3},{"whole":4}]],"says":"us/user/x is updated as version 3: teams 3 → 4"}
        "#);
    }

    #[test]
    fn a_trace_that_is_none_says_why() {
        assert_eq!(error(""), "the trace is empty; its first line should be the header");
        assert_eq!(error("\n"), error(""));
        let text = written(&two_teams().trace);
        let newer = text.replacen("\"version\":2", "\"version\":9", 1);
        assert_eq!(error(&newer), "the trace has format version 9; this multiverse reads 2");
        let cut = &text[..text.len() - 3];
        insta::assert_snapshot!(error(cut), @r"
        line 34 of the trace is no event of format 2: EOF while parsing a string, at column 94
        ");
        insta::assert_snapshot!(error("hello"), @r"
        the first line is no header of a trace: expected value, at column 1
        ");
        let gap = text.replacen('\n', "\n\n", 1);
        insta::assert_snapshot!(error(&gap), @r"
        line 2 of the trace is no event of format 2: EOF while parsing a value, at column 0
        ");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_is_the_same_bytes_again(events in any_events()) {
            let mut tale = two_teams();
            for event in events {
                tale.push(event);
            }
            let text = written(&tale.trace);
            let read = read_jsonl(text.as_bytes()).unwrap();
            prop_assert_eq!(&read, &tale.trace);
            prop_assert_eq!(written(&read), text);
        }

        #[test]
        fn a_damaged_trace_is_refused_or_read_and_never_panics(
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = written(&two_teams().trace).into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = read_jsonl(bytes.as_slice());
        }
    }
}
