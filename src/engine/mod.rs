//! The engine: carries a plan out in virtual time and writes down what happened.
//!
//! It is a value. [`World`] holds every instance, every fiber and the clock; one call of
//! [`World::advance`] makes one transition. No clock is read, no thread is started, nothing is
//! awaited, and no hash order is ever seen, so plan, seed and schedule give the same trace, byte
//! for byte, on every machine.
//!
//! Read in this order: `world` (the run loop), `fiber` (what is under way), `pipeline` (how a
//! request goes through its stages), `operation` and `query` (what it does to rows), `transaction`
//! (begin, commit, victims), `exchange` and `outages` (messages, and what stops them), `interpret`
//! (the step language), `guest` (callers from outside). Below them, [`database`] (one instance's
//! rows and transactions), [`lock`] and [`store`] know nothing of the world.

mod across;
mod ask;
mod asking;
mod association;
mod batch;
mod build;
mod cascade;
mod changes;
mod code;
mod concurrency;
mod custom_message;
pub mod database;
mod digest;
mod exchange;
mod explicit;
mod fiber;
mod guest;
mod interpret;
mod issue;
mod jobs;
mod legacy;
pub mod lock;
pub mod log;
pub mod names;
mod native;
mod numbers;
mod operation;
mod outages;
mod ownership;
mod pipeline;
pub mod plug_in;
mod query;
mod queue;
mod random;
mod request;
mod schedule;
mod scope;
mod security;
mod session;
mod sharing;
mod soundness;
mod split;
mod stages;
mod statement;
mod steps;
pub mod store;
mod sweep;
mod tracing;
mod transaction;
mod world;

use std::sync::Arc;

pub use ask::{Ask, Which};
pub use build::PlanError;
pub use guest::{Arrival, Foreign, GuestId, Input, Output};
pub use queue::{Due, Scheduled};
pub use request::Answer;
pub use schedule::{Chooser, InOrder, Recorded};
pub use world::{Progress, World};

use crate::engine::plug_in::PlugIns;
use crate::plan::Plan;
use crate::trace::Trace;
use crate::words::SimInstant;

/// How to run a plan.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The seed, in place of the plan's own.
    pub seed: Option<u64>,
    /// The plug-ins in Rust that the plan may refer to.
    pub plug_ins: PlugIns,
    /// The choices between things that are due at the same instant; what comes first in the
    /// plan goes first when there are none.
    pub schedule: Vec<u32>,
}

/// Runs a plan to its end, or to a limit of the run, and tells what happened.
///
/// # Errors
///
/// The plan can't become a world; see [`PlanError`].
pub fn run(plan: &Arc<Plan>, options: &RunOptions) -> Result<Trace, PlanError> {
    run_watched(plan, options, &mut |_, _| {})
}

/// The same, and now and then tells the instant and how many transitions there were so far.
///
/// # Errors
///
/// As [`run`].
pub fn run_watched(
    plan: &Arc<Plan>,
    options: &RunOptions,
    watch: &mut dyn FnMut(SimInstant, u64),
) -> Result<Trace, PlanError> {
    let seed = options.seed.unwrap_or(plan.seed);
    let mut world = World::new(Arc::clone(plan), seed, options.plug_ins.clone(), true)?;
    let mut header = world.header();
    header.seed = seed;
    if options.schedule.is_empty() {
        world.run_watched(&mut InOrder, watch);
    } else {
        world.run_watched(&mut Recorded::new(options.schedule.clone()), watch);
    }
    Ok(Trace { header, entries: world.take_events() })
}
