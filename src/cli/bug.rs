//! Bugs of multiverse itself. No input should reach one; where one is reached all the same, the
//! reader is told what to report, the other scenarios still run, and the exit code says so.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use multiverse::words::visible;

use super::output::Output;

/// One panic, as its finder should report it.
#[derive(Debug)]
pub struct Bug {
    /// Where in the code it happened, and what the code said.
    what: String,
    /// How the code got there; empty unless `RUST_BACKTRACE` asks for it.
    backtrace: String,
}

thread_local! {
    static LAST: RefCell<Option<Bug>> = const { RefCell::new(None) };
}

/// Keeps panics off the terminal until somebody [`caught`] them.
pub fn watch() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let literal = payload.downcast_ref::<&str>().copied();
        let formatted = || payload.downcast_ref::<String>().map(String::as_str);
        let message = literal.or_else(formatted).unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let bug = Bug {
            what: format!("{message} ({place})"),
            backtrace: match Backtrace::capture() {
                it if it.status() == std::backtrace::BacktraceStatus::Captured => it.to_string(),
                _ => String::new(),
            },
        };
        LAST.with(|last| *last.borrow_mut() = Some(bug));
    }));
}

/// Does the work, and answers the bug that stopped it, if one did.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Bug> {
    // What the work was changing when it stopped is dropped with it or, in the case of the
    // output, in order after every call.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        LAST.with(|last| last.borrow_mut().take()).unwrap_or(Bug {
            what: "a panic that left no message".to_owned(),
            backtrace: String::new(),
        })
    })
}

impl Bug {
    /// Tells the reader what happened while `subject` was at hand, and what to report.
    pub fn report(&self, subject: &str, output: &mut Output) {
        let arguments: Vec<_> = std::env::args_os()
            .skip(1)
            .map(|argument| visible(&argument.to_string_lossy()).into_owned())
            .collect();
        output.complain(&format!(
            "{}: this is a bug in multiverse, not in your scenario: {}\n\
             Please report it with the scenario file and these lines:\n\
             \x20 multiverse {} on {} {}\n\
             \x20 arguments: {}\n{}",
            visible(subject),
            visible(&self.what),
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            arguments.join(" "),
            self.backtrace,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_bug_that_says_what_and_where_and_work_goes_on() {
        watch();
        let empty: Vec<u8> = Vec::new();
        let bug = caught(|| empty[empty.len()]).unwrap_err();
        assert!(bug.what.contains("index out of bounds"), "{}", bug.what);
        assert!(bug.what.contains("bug.rs"), "{}", bug.what);
        assert_eq!(caught(|| 7).unwrap(), 7);
    }
}
