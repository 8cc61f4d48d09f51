//! The terminal, or whatever stands in its place: a pipe, a file, a reader that left early.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use multiverse::words::visible;

use super::Exit;

/// The width of text that goes to a pipe or a file, in columns.
const WIDTH_PIPED: usize = 100;

/// The narrowest and the widest that text is set without being asked, in columns. Longer lines
/// are hard to read on the widest terminal.
const WIDTH_RANGE: (usize, usize) = (40, 160);

/// Where the answer and the complaints go.
#[derive(Debug)]
pub struct Output {
    choice: ColorChoice,
    /// Whether the reader has closed the pipe. What follows is not written, but the work is done
    /// to its end: the exit code must not depend on how much was read.
    closed: bool,
    /// Why the answer could not be written, if it could not.
    failed: Option<io::Error>,
}

impl Output {
    /// The output of this process.
    pub fn new(choice: ColorChoice) -> Self {
        Self { choice, closed: false, failed: None }
    }

    /// Whether the answer should be in colour.
    pub fn colour(&self) -> bool {
        wants_colour(self.choice, &io::stdout())
    }

    /// The width to which the answer should be set, in columns.
    pub fn width(&self) -> usize {
        let width = if io::stdout().is_terminal() { terminal_width() } else { None };
        width.unwrap_or(WIDTH_PIPED)
    }

    /// Whether complaints should be in colour.
    pub fn complaint_colour(&self) -> bool {
        wants_colour(self.choice, &io::stderr())
    }

    /// The width to which complaints should be set, in columns.
    pub fn complaint_width(&self) -> usize {
        let width = if io::stderr().is_terminal() { terminal_width() } else { None };
        width.unwrap_or(WIDTH_PIPED)
    }

    /// Writes a part of the answer.
    pub fn print(&mut self, text: &str) {
        if self.closed || self.failed.is_some() {
            return;
        }
        let mut stream = AutoStream::new(io::stdout().lock(), self.choice);
        match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Writes an error of one line, whatever characters are in it.
    pub fn error(&mut self, text: &str) {
        self.complain(&format!("error: {}", visible(text)));
    }

    /// Writes a complaint, and a line end after it.
    pub fn complain(&mut self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.choice);
        // Where complaints can't be written, there is nobody left to tell.
        let _ = writeln!(stream, "{}", text.trim_end());
    }

    /// Says how far it is, where somebody looks: on a terminal, on one line that is taken away at
    /// the end.
    pub fn progress(&mut self, done: usize, of: usize, name: &str) {
        match done < of {
            true if of > 1 => progress(&format!("{}/{of} {name}", done + 1)),
            _ => progress(""),
        }
    }

    /// Ends the output: what became of the writing itself.
    pub fn finish(mut self) -> Exit {
        match self.failed.take() {
            None => Exit::AllHold,
            Some(error) => {
                self.error(&format!("cannot write the output: {error}"));
                Exit::Wrong
            }
        }
    }
}

/// Shows on a terminal's line of complaints how far something is; an empty text takes it away.
pub fn progress(text: &str) {
    let mut stream = io::stderr().lock();
    if !stream.is_terminal() {
        return;
    }
    let width = terminal_width().unwrap_or(WIDTH_PIPED).saturating_sub(1);
    let text: String = visible(text).chars().take(width).collect();
    let _ = write!(stream, "\r\x1b[2K{text}").and_then(|()| stream.flush());
}

fn wants_colour<S: anstream::stream::RawStream>(choice: ColorChoice, stream: &S) -> bool {
    let choice = match choice {
        ColorChoice::Auto => AutoStream::choice(stream),
        decided => decided,
    };
    choice != ColorChoice::Never
}

fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size()?;
    Some(usize::from(width).clamp(WIDTH_RANGE.0, WIDTH_RANGE.1))
}
