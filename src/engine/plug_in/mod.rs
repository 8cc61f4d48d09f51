//! Plug-ins written in Rust.
//!
//! A plug-in is an ordinary function over a [`Context`]: what it runs for, and the services of the
//! platform.
//!
//! ```
//! use multiverse::plug_in::{Context, Interruption, PlugIn};
//! use multiverse::trace;
//!
//! /// Creates a task for every new account.
//! struct Welcome;
//!
//! impl PlugIn for Welcome {
//!     fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption> {
//!         let name = context.target("name");
//!         if name.is_null() {
//!             return Err(context.fail("An account needs a name."));
//!         }
//!         let task = context.create("task", &[("subject", name)])?;
//!         trace!(context, "created the task {}", task.0);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! # Why it is run again and again
//!
//! Each call of a service either returns the platform's answer or leaves the function early through
//! `?`. The engine then carries the request out in virtual time, through all its stages and behind
//! whoever holds the row, keeps the answer, and runs the function again from its start, now with
//! one answer more at hand.
//!
//! ```text
//!   1st run   create task ─▶ (asked)
//!   2nd run   create task = id ─▶ trace ─▶ update ─▶ (asked)
//!   3rd run   create task = id,   trace,   update = done ─▶ Ok
//! ```
//!
//! So the function needs no `async`, and a world with a plug-in in the middle of a call is a value
//! that can be copied, compared, and gone on with in two ways. A plug-in with *n* calls is run
//! *n* + 1 times.
//!
//! # The rule for authors
//!
//! **No clock, no randomness, no I/O and no state except through the context**, so that every run
//! asks for the same things. There are [`Context::now`], [`Context::new_id`] and shared variables.
//! A plug-in that breaks the rule is caught when a run departs from what was asked before: the
//! step fails, and the fault tells what it did first and what then. Fields of the type are its
//! configuration, which never changes, as the platform keeps one object for many requests, too.
//!
//! # Faults
//!
//! [`Context::fail`] makes the `InvalidPluginExecutionException` whose text the caller reads.
//! [`Context::throw`], and a panic, is any other exception: the caller reads that an unexpected
//! error occurred from ISV code. Who wants to go on after a call's fault takes it with
//! [`Context::attempt`].
//!
//! # Giving them to a run
//!
//! A scenario file names a plug-in with `rust: <name>` in place of `do:`; [`PlugIns`] says which
//! that is, for [`crate::run::run`], [`crate::testing::Folder`], and [`crate::host::Host`] alike.
//! [`crate::testing::Testbed`] runs plug-ins without a scenario file.

mod changes;
mod condition;
mod context;
mod linked;
pub(in crate::engine) mod replay;
mod rows;
mod service;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use changes::Changes;
pub use condition::{Condition, Operand, column};
pub use context::{Context, Parent};
pub use linked::Linked;
pub use rows::Rows;

pub use crate::engine::ask::{Ask, Which};
pub use crate::engine::database::Beside;
pub(in crate::engine) use context::Users;

use crate::fault::Fault;
use crate::words::Name;

/// A plug-in step's behaviour in Rust: a type of its own, or a closure.
pub trait PlugIn: Send + Sync {
    /// Does the plug-in's work. It is run several times, each time a call further; see the module.
    ///
    /// # Errors
    ///
    /// Whatever a call of a service returned, passed on with `?`, or [`Context::fail`].
    fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption>;
}

impl<F> PlugIn for F
where
    F: Fn(&mut Context<'_>) -> Result<(), Interruption> + Send + Sync,
{
    fn execute(&self, context: &mut Context<'_>) -> Result<(), Interruption> {
        self(context)
    }
}

/// Why a plug-in's function returned before its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Interruption {
    /// It waits for an answer; the engine will run it again. Pass it on with `?`.
    Waiting,
    /// A fault: of a service call, or of its own.
    Fault(Fault),
    /// An exception that is no `InvalidPluginExecutionException`.
    Exception(String),
}

impl From<Fault> for Interruption {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Writes a line to the plug-in trace log, as `format!` would: `trace!(context, "{n} rows")`.
///
/// Source: Microsoft Learn, "Use Tracing": `ITracingService.Trace`.
#[macro_export]
macro_rules! trace {
    ($context:expr, $($format:tt)+) => {{
        let line = ::std::format!($($format)+);
        $context.trace(line)
    }};
}

/// The plug-ins in Rust that a run is given, by the names under which scenarios refer to them
/// (`rust: <name>`).
#[derive(Clone, Default)]
pub struct PlugIns(BTreeMap<Name, Arc<dyn PlugIn>>);

impl PlugIns {
    /// Adds a plug-in, in place of one of the same name.
    pub fn insert(&mut self, name: &str, plug_in: impl PlugIn + 'static) {
        self.add(name, Arc::new(plug_in));
    }

    /// Adds a plug-in that is shared, in place of one of the same name.
    pub fn add(&mut self, name: &str, plug_in: Arc<dyn PlugIn>) {
        self.0.insert(Name::from(name), plug_in);
    }

    /// The plug-in of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn PlugIn>> {
        self.0.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }
}

impl fmt::Debug for PlugIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
