//! How a plug-in is run again and again, each time a call further: what it has said and been told
//! so far is a log, from which its calls are answered until it asks for something new.
//!
//! *Invariant:* a plug-in that keeps to the rule says the same things in the same order on every
//! run, so that the log is a prefix of what it says. Where it does not, the run has *diverged*,
//! and ends in a fault that tells both.

use std::time::Duration;

use crate::engine::ask::Ask;
use crate::engine::plug_in::Interruption;
use crate::engine::request::Answer;
use crate::engine::sharing::SharedVariables;
use crate::fault::{Fault, FaultKind};
use crate::words::{Name, PlugInId, SimInstant, format_duration};

/// A running plug-in in Rust: what it is given when it is run again.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct NativeFrame {
    /// Which step.
    pub plug_in: PlugInId,
    /// When it was run for the first time.
    pub began: Option<SimInstant>,
    /// The shared variables of its request when it began.
    pub shared: SharedVariables,
    /// What it has said so far, in order.
    pub log: Vec<Logged>,
    /// What it has asked for and not yet got.
    pub pending: Option<Asked>,
}

impl NativeFrame {
    /// A step about to begin.
    pub const fn new(plug_in: PlugInId, shared: SharedVariables) -> Self {
        Self { plug_in, began: None, shared, log: Vec::new(), pending: None }
    }
}

/// Something that a plug-in has said.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Logged {
    /// It asked for something, and got this answer at this instant.
    Answered(Asked, Result<Answer, Fault>, SimInstant),
    /// It wrote a line to the trace log.
    Traced(Name),
}

/// What a plug-in can ask for.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Asked {
    /// A request.
    Request(Box<Ask>),
    /// Virtual time.
    Work(Duration),
    /// A new unique id.
    Id,
}

impl Asked {
    fn told(&self) -> String {
        match self {
            Self::Request(ask) => format!("asked for {}", ask.told()),
            Self::Work(duration) => format!("worked for {}", format_duration(*duration)),
            Self::Id => "drew an id".to_owned(),
        }
    }
}

impl Logged {
    fn told(&self) -> String {
        match self {
            Self::Answered(asked, ..) => asked.told(),
            Self::Traced(line) => traced(line),
        }
    }
}

fn traced(line: &str) -> String {
    format!("traced \"{line}\"")
}

/// One run of a plug-in's function along its log.
pub(in crate::engine) struct Replay<'a> {
    log: &'a [Logged],
    position: usize,
    /// The instant that the function has reached.
    pub now: SimInstant,
    /// What it asks for beyond the log.
    pub pending: Option<Asked>,
    /// The lines that it has traced beyond the log.
    pub lines: Vec<Name>,
    /// How it departs from the log.
    diverged: Option<Fault>,
    /// How often it has gone on though it was to wait.
    ignored: u32,
}

/// A function that goes on so often though it was told to wait never will.
const IGNORES_AT_MOST: u32 = 10_000;

impl<'a> Replay<'a> {
    pub const fn new(log: &'a [Logged], began: SimInstant) -> Self {
        Self {
            log,
            position: 0,
            now: began,
            pending: None,
            lines: Vec::new(),
            diverged: None,
            ignored: 0,
        }
    }

    /// The logged answer to what is asked, or the way out.
    ///
    /// # Panics
    ///
    /// The function does not pass on that it waits; the engine takes that for an exception.
    pub fn next(&mut self, asked: Asked) -> Result<Answer, Interruption> {
        if self.is_over() {
            self.ignored += 1;
            assert!(
                self.ignored < IGNORES_AT_MOST,
                "the plug-in goes on though it waits: pass `Interruption::Waiting` on with `?`"
            );
            return Err(Interruption::Waiting);
        }
        match self.log.get(self.position) {
            None => {
                self.pending = Some(asked);
                Err(Interruption::Waiting)
            }
            Some(Logged::Answered(before, answer, at)) if *before == asked => {
                self.position += 1;
                self.now = *at;
                answer.clone().map_err(Interruption::Fault)
            }
            Some(before) => {
                let (before, now) = (before.told(), asked.told());
                Err(self.diverge(&before, &now))
            }
        }
    }

    /// Notes a line of the trace log.
    pub fn trace(&mut self, line: String) {
        if self.is_over() {
            return;
        }
        match self.log.get(self.position) {
            None => self.lines.push(line.into()),
            Some(Logged::Traced(before)) if **before == *line => self.position += 1,
            Some(before) => {
                let before = before.told();
                self.diverge(&before, &traced(&line));
            }
        }
    }

    /// The function has returned. Answers how it departed from its log, if it did.
    pub fn end(&mut self) -> Option<Fault> {
        if !self.is_over()
            && let Some(before) = self.log.get(self.position)
        {
            let before = before.told();
            self.diverge(&before, "ended");
        }
        self.diverged.take()
    }

    const fn is_over(&self) -> bool {
        self.pending.is_some() || self.diverged.is_some()
    }

    fn diverge(&mut self, before: &str, now: &str) -> Interruption {
        let how = match before == now {
            true => format!("The plug-in {before} with other values"),
            false => format!("The plug-in {before}, and {now}"),
        };
        let message = format!(
            "{how} when it was run again: it must use no clock, no randomness, no I/O and no state \
             but those of its context."
        );
        self.diverged = Some(Fault::new(FaultKind::PlugInFailed, message));
        Interruption::Waiting
    }
}
