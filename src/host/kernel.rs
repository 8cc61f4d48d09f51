//! One instance's kernel: its world, and what was put into it.

use std::sync::Arc;

use crate::engine::plug_in::PlugIns;
use crate::engine::{Input, Output, PlanError, World};
use crate::plan::Plan;
use crate::trace::{Entry, Trace};
use crate::words::{InstanceId, SimInstant};

/// What a run of one instance was given: enough to run it again, to the same state and the same
/// trace.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) plan: Arc<Plan>,
    pub(super) instance: InstanceId,
    pub(super) plug_ins: PlugIns,
    /// What came in, and when, in order.
    pub inputs: Vec<(SimInstant, Input)>,
    /// The instant that the run reached.
    pub end: SimInstant,
}

/// What a host keeps of its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: however long it runs, it needs no more memory for that.
    #[default]
    Nothing,
    /// What happens, until it is taken ([`super::Host::take_trace`]) or the host stops. However
    /// often it is taken, the name of each outage from outside stays for its header.
    Trace,
    /// The same, and what each instance is given, so that the run can be replayed. It grows with
    /// every call.
    Recording,
}

/// How an instance's run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The instance.
    pub instance: InstanceId,
    /// What happened in it and was kept and not taken yet: see [`Kept`].
    pub trace: Trace,
    /// The digest of its last state.
    pub digest: u128,
    /// How many fibers were still under way: requests that nobody waits for any more.
    pub fiber_count: usize,
    /// What it was given, if that was recorded.
    pub recording: Option<Recording>,
}

impl Recording {
    /// Runs it again on a kernel, in no time.
    ///
    /// # Errors
    ///
    /// Never for a recording of a host: its plan has become a world before.
    pub fn replay(&self) -> Result<Ended, PlanError> {
        let (plan, plug_ins) = (Arc::clone(&self.plan), self.plug_ins.clone());
        let mut kernel = Kernel::new(plan, self.instance, plug_ins, Kept::Trace)?;
        for (at, input) in &self.inputs {
            kernel.take_in(*at, input.clone());
        }
        kernel.advance_until(self.end);
        Ok(kernel.end())
    }
}

/// A world of one instance, with its recording.
pub(super) struct Kernel {
    instance: InstanceId,
    world: World,
    entries: Vec<Entry>,
    recording: Option<Recording>,
}

impl Kernel {
    /// The kernel of an instance of a plan that [`plan_of`] made.
    pub fn new(
        plan: Arc<Plan>,
        instance: InstanceId,
        plug_ins: PlugIns,
        kept: Kept,
    ) -> Result<Self, PlanError> {
        let tells = kept != Kept::Nothing;
        let world = World::new(Arc::clone(&plan), plan.seed, plug_ins.clone(), tells)?;
        let recording = (kept == Kept::Recording).then(|| Recording {
            plan,
            instance,
            plug_ins,
            inputs: Vec::new(),
            end: SimInstant::START,
        });
        let world = world.of_one_instance(instance);
        Ok(Self { instance, world, entries: Vec::new(), recording })
    }

    /// Takes something in; what leaves comes back.
    pub fn take_in(&mut self, at: SimInstant, input: Input) -> Vec<Output> {
        let at = at.max(self.world.now());
        if let Some(recording) = &mut self.recording {
            recording.inputs.push((at, input.clone()));
        }
        self.world.take_in(at, input);
        self.after()
    }

    /// Carries out what is due; what leaves comes back.
    pub fn advance_until(&mut self, until: SimInstant) -> Vec<Output> {
        self.world.advance_until(until);
        self.after()
    }

    fn after(&mut self) -> Vec<Output> {
        self.entries.append(&mut self.world.take_events());
        self.world.take_outputs()
    }

    /// Takes away what has happened since this was last asked.
    pub fn take_trace(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// How many requests wait for a lock.
    pub fn blocked_count(&self) -> usize {
        self.world.blocked_count()
    }

    /// When something is due next.
    pub fn next_due_at(&mut self) -> Option<SimInstant> {
        self.world.next_due_at()
    }

    /// Sees off every guest that is still there.
    pub fn close(&mut self, at: SimInstant) {
        for guest in self.world.guests() {
            self.take_in(at, Input::Leave(guest));
        }
    }

    /// Takes away what there is to tell of the run.
    pub fn end(&mut self) -> Ended {
        self.world.sweep();
        let end = self.world.now();
        let entries = std::mem::take(&mut self.entries);
        Ended {
            instance: self.instance,
            trace: Trace { header: self.world.header(), entries },
            digest: self.world.digest(),
            fiber_count: self.world.fiber_count(),
            recording: self.recording.take().map(|it| Recording { end, ..it }),
        }
    }
}

/// The plan of one instance's kernel: its own rows and outages, and clients in place of the actors.
pub(super) fn plan_of(plan: &Plan, instance: InstanceId) -> Plan {
    let mut plan = plan.clone();
    plan.rows.retain(|group| group.instance == instance);
    plan.outages.retain(|outage| outage.instance == instance);
    plan.open();
    plan
}
