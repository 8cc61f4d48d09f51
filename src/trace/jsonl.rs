//! The trace as JSON lines: the header first, then one event a line.
//!
//! Keys keep one order, times are whole microseconds, and each line carries what the event says
//! by number (the header has the names). The text is the same on every machine.

use std::io::{self, BufRead, Write};

use thiserror::Error;

use crate::trace::{Entry, FORMAT_VERSION, Header, Trace};

/// Why a trace could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The stream failed.
    #[error("the trace could not be read: {0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("the trace is empty; its first line should be the header")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line} of the trace is not understood: {source}")]
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

/// Writes a trace as JSON lines.
///
/// # Errors
///
/// When the stream can't be written.
pub fn write_jsonl(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &trace.header)?;
    out.write_all(b"\n")?;
    for entry in &trace.entries {
        serde_json::to_writer(&mut *out, entry)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a trace that [`write_jsonl`] wrote.
///
/// # Errors
///
/// When the stream can't be read, or a line is not an event of this format version.
pub fn read_jsonl(input: impl BufRead) -> Result<Trace, ReadError> {
    let mut lines = input.lines().enumerate();
    let (_, first) = lines.next().ok_or(ReadError::Empty)?;
    let header: Header =
        serde_json::from_str(&first?).map_err(|source| ReadError::Line { line: 1, source })?;
    if header.version != FORMAT_VERSION {
        return Err(ReadError::Version {
            found: header.version,
        });
    }
    let mut entries = Vec::new();
    for (index, line) in lines {
        let entry: Entry = serde_json::from_str(&line?).map_err(|source| ReadError::Line {
            line: index + 1,
            source,
        })?;
        entries.push(entry);
    }
    Ok(Trace { header, entries })
}
