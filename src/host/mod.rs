//! The host: the instances of a plan in real time, called by tokio tasks from several threads.
//!
//! ```text
//!   client task ─ bring ─▶ intake ─▶ kernel (one owner at a time) ─▶ replies ─▶ parked callers
//!        └─── parked until the reply, its time-out, or its own end           (dashmap)
//!   pump task, one an instance: brings the clock, and what other instances ask for
//! ```
//!
//! Each instance has a kernel of its own, the engine's world of that instance alone, and so runs
//! beside the others: a slow one holds up nobody else's callers. A plug-in that calls another
//! instance waits for a message from kernel to kernel. The engine knows nothing of tasks and
//! threads: the host gives it inputs with the instants at which they came. The plan's costs pass in
//! real time; with all of them zero an instance is as fast as it can be.
//!
//! The actors, flows and sessions of the plan are not started: clients take their place.

// A guard that lives as long as the loop or match over what it guards has once made two instances
// wait for each other for ever.
#![warn(clippy::significant_drop_in_scrutinee)]

mod client;
mod intake;
mod kernel;
mod live;
mod parking;
mod planted;
mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use tokio::task::JoinHandle;

pub use client::{Client, Transaction};
pub use kernel::{Ended, Kept, Recording};

use crate::engine::plug_in::PlugIns;
use crate::engine::{Answer, Foreign, GuestId, Input, PlanError};
use crate::fault::{Fault, FaultKind};
use crate::host::kernel::{Kernel, plan_of};
use crate::host::live::Live;
use crate::host::parking::Parking;
use crate::plan::{Outage, OutageKind, Plan};
use crate::trace::Entry;
use crate::words::{InstanceId, Name, SimInstant};

/// What a call came to.
pub(super) type Reply = Result<Answer, Fault>;

/// How to host a plan.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// The plug-ins in Rust that the plan may refer to.
    pub plug_ins: PlugIns,
    /// What is kept of the run; nothing by default.
    pub kept: Kept,
}

/// Instances that run, until the host is stopped or dropped.
pub struct Host {
    shared: Arc<Shared>,
    pumps: Vec<JoinHandle<()>>,
}

/// What clients, pumps and the host have in common.
pub(super) struct Shared {
    instances: Vec<Live>,
    names: Vec<Name>,
    /// Who waits for the answer to a guest's request.
    parked: DashMap<GuestId, Awaiting>,
    next_guest: AtomicU64,
    is_stopping: AtomicBool,
    begun: tokio::time::Instant,
}

/// Who waits.
pub(super) enum Awaiting {
    /// A client's task.
    Caller(Arc<Parking<Reply>>),
    /// An instance whose plug-in asked.
    Instance(InstanceId, Box<Foreign>),
}

impl Shared {
    /// The time since the host was started.
    fn now(&self) -> SimInstant {
        SimInstant::START + self.begun.elapsed()
    }

    fn number_guest(&self) -> GuestId {
        GuestId(self.next_guest.fetch_add(1, Ordering::Relaxed))
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}

impl Host {
    /// Starts every instance of a plan, each with a task of its own.
    ///
    /// # Errors
    ///
    /// The plan can't become a world.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub fn start(plan: &Plan, options: &HostOptions) -> Result<Self, PlanError> {
        let instances = (0..).map(InstanceId).take(plan.instances.len());
        let lives = instances.map(|id| {
            let own = Arc::new(plan_of(plan, id));
            let kernel = Kernel::new(own, id, options.plug_ins.clone(), options.kept)?;
            Ok(Live::new(id, kernel))
        });
        let shared = Arc::new(Shared {
            instances: lives.collect::<Result<_, PlanError>>()?,
            names: plan.instances.iter().map(|instance| instance.name.clone()).collect(),
            parked: DashMap::new(),
            next_guest: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            begun: tokio::time::Instant::now(),
        });
        let pumps = (0..shared.instances.len())
            .map(|index| tokio::spawn(live::pump(Arc::clone(&shared), index)))
            .collect();
        Ok(Self { shared, pumps })
    }

    /// A client of an instance, as a user of its `security:`, or as a system administrator.
    /// `None` for an instance that the plan does not have.
    pub fn client(&self, instance: &str, user: Option<&str>) -> Option<Client> {
        let index = self.index_of(instance)?;
        Some(Client::new(Arc::clone(&self.shared), index, user.map(Name::from)))
    }

    /// Lets an outage of an instance begin now. Answers whether there is such an instance.
    pub fn outage(&self, instance: &str, kind: OutageKind, lasts: Duration) -> bool {
        let Some(index) = self.index_of(instance) else { return false };
        let live = &self.shared.instances[index];
        let from = self.shared.now();
        let name = Name::from(format!("outage of {instance} from outside"));
        let until = from + lasts;
        let outage = Outage { name, instance: live.id, from, until, kind };
        live.bring(&self.shared, Input::Outage(outage));
        true
    }

    /// Takes what has happened in an instance since this was last asked, or since the host started:
    /// so a host that keeps its trace can run for as long as somebody takes it away. `None` for an
    /// instance that the plan does not have.
    pub fn take_trace(&self, instance: &str) -> Option<Vec<Entry>> {
        self.index_of(instance).map(|index| self.shared.instances[index].take_trace())
    }

    /// How many callers wait for an answer.
    pub fn waiting_count(&self) -> usize {
        self.shared.parked.len()
    }

    /// How many requests in an instance wait for a lock now; 0 where there is no such instance.
    pub fn blocked_count(&self, instance: &str) -> usize {
        self.index_of(instance).map_or(0, |index| self.shared.instances[index].blocked_count())
    }

    fn index_of(&self, instance: &str) -> Option<usize> {
        self.shared.names.iter().position(|name| &**name == instance)
    }

    /// Stops: new calls are refused, those under way are given `patience` to end, and what is
    /// left is abandoned. Tells what happened in each instance, in the order of the plan.
    pub async fn stop(mut self, patience: Duration) -> Vec<Ended> {
        self.shared.is_stopping.store(true, Ordering::Release);
        let by = tokio::time::Instant::now() + patience;
        while !self.shared.parked.is_empty() && tokio::time::Instant::now() < by {
            tokio::time::sleep(LOOKS_EVERY).await;
        }
        let pumps = std::mem::take(&mut self.pumps);
        for pump in &pumps {
            pump.abort();
        }
        for pump in pumps {
            let _ = pump.await;
        }
        let instances = self.shared.instances.iter();
        let ended = instances.map(|live| live.end(&self.shared)).collect();
        drop(self);
        ended
    }
}

impl Drop for Host {
    /// Whoever still waits is told that the host stops, and its tasks end. A host that is dropped
    /// without [`Host::stop`] gives nobody time, and tells nothing.
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        for pump in &self.pumps {
            pump.abort();
        }
        self.shared.parked.retain(|_, awaiting| {
            if let Awaiting::Caller(parking) = awaiting {
                parking.settle(Err(stopping()));
            }
            false
        });
    }
}

/// What callers hear of a host that stops.
fn stopping() -> Fault {
    Fault::new(FaultKind::Unreachable, "The host is stopping.")
}

/// How often a host that stops looks whether its callers have ended.
const LOOKS_EVERY: Duration = Duration::from_millis(1);
