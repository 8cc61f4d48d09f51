//! An instance that runs: its kernel behind its intake, and the pump that brings the clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::engine::{Input, Output};
use crate::host::intake::Intake;
use crate::host::kernel::{Ended, Kernel};
use crate::host::{Awaiting, Shared};
use crate::trace::Entry;
use crate::words::{InstanceId, SimInstant};

/// One running instance.
pub(super) struct Live {
    /// Which.
    pub id: InstanceId,
    intake: Intake<Brought>,
    /// Held by the intake's server, so no caller ever waits for it; a look at how the instance
    /// stands is brief.
    kernel: Mutex<Kernel>,
    /// For when the pump's alarm is set, in microseconds.
    alarm: AtomicU64,
    /// Rings when the pump is to look again.
    bell: Notify,
    /// What the pump is to bring: requests and answers of other instances.
    post: Mutex<Vec<Input>>,
    /// Whether a server has left the rest of its work to the pump.
    is_handed_over: AtomicBool,
}

/// The most that a caller's thread serves before it leaves the rest to the instance's own task, so
/// that a caller whose answer is there soon has it.
const SERVES_AT_MOST: usize = 64;

/// What is brought to a kernel.
enum Brought {
    /// Something from outside.
    Input(Input),
    /// The time.
    Tick,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub fn new(id: InstanceId, kernel: Kernel) -> Self {
        Self {
            id,
            intake: Intake::new(),
            kernel: Mutex::new(kernel),
            alarm: AtomicU64::new(u64::MAX),
            bell: Notify::new(),
            post: Mutex::new(Vec::new()),
            is_handed_over: AtomicBool::new(false),
        }
    }

    /// Brings an input; it is carried out on this thread, unless another is at it.
    pub fn bring(&self, shared: &Shared, input: Input) {
        if self.intake.bring(Brought::Input(input)) {
            self.serve(shared);
        }
    }

    /// Leaves an input to the instance's own task.
    pub fn post(&self, input: Input) {
        locked(&self.post).push(input);
        self.bell.notify_one();
    }

    /// Takes what was posted. Nobody holds the post while it is brought in: what comes of it may be
    /// posted to another instance, whose task may be about to post to this one.
    fn take_post(&self) -> Vec<Input> {
        std::mem::take(&mut *locked(&self.post))
    }

    fn tick(&self, shared: &Shared) {
        if self.intake.bring(Brought::Tick) {
            self.serve(shared);
        }
    }

    /// Goes on for a while where a server has handed over. Answers whether one had.
    fn take_over(&self, shared: &Shared) -> bool {
        let is_handed_over = self.is_handed_over.swap(false, Ordering::AcqRel);
        if is_handed_over {
            self.serve(shared);
        }
        is_handed_over
    }

    /// Serves until nothing waits, or long enough.
    fn serve(&self, shared: &Shared) {
        for _ in 0..SERVES_AT_MOST {
            let Some(brought) = self.intake.next() else {
                return;
            };
            let mut kernel = locked(&self.kernel);
            let now = shared.now();
            let outputs = match brought {
                Brought::Input(input) => kernel.take_in(now, input),
                Brought::Tick => kernel.advance_until(now),
            };
            let due = kernel.next_due_at().unwrap_or(SimInstant::END);
            drop(kernel);
            if self.alarm.swap(due.0, Ordering::AcqRel) > due.0 {
                self.bell.notify_one();
            }
            for output in outputs {
                self.send(shared, output);
            }
        }
        // Still the server: the intake does not know that another thread goes on.
        self.is_handed_over.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Sends what left the kernel to where it goes. Another instance's kernel is left to its own
    /// task, so that its work holds nobody up here.
    fn send(&self, shared: &Shared, output: Output) {
        match output {
            Output::Reply(guest, reply) => match shared.parked.remove(&guest) {
                Some((_, Awaiting::Caller(parking))) => {
                    parking.settle(reply);
                }
                Some((_, Awaiting::Instance(from, foreign))) => {
                    shared.instances[from.index()].post(Input::Answered(foreign, reply));
                }
                None => {}
            },
            Output::Depart(foreign) => {
                let guest = shared.number_guest();
                let to = foreign.to;
                shared.parked.insert(guest, Awaiting::Instance(self.id, foreign.clone()));
                shared.instances[to.index()].post(Input::Foreign(guest, foreign));
            }
        }
    }

    /// Takes away what has happened since this was last asked.
    pub fn take_trace(&self) -> Vec<Entry> {
        locked(&self.kernel).take_trace()
    }

    /// How many requests wait for a lock.
    pub fn blocked_count(&self) -> usize {
        locked(&self.kernel).blocked_count()
    }

    /// Ends the run, with nobody about any more, and tells of it.
    pub fn end(&self, shared: &Shared) -> Ended {
        for input in self.take_post() {
            self.bring(shared, input);
        }
        self.tick(shared);
        while self.take_over(shared) {}
        let mut kernel = locked(&self.kernel);
        kernel.close(shared.now());
        kernel.end()
    }
}

/// The task of an instance: brings what was posted, and the clock when something is due.
pub(super) async fn pump(shared: Arc<Shared>, index: usize) {
    let live = &shared.instances[index];
    live.tick(&shared);
    loop {
        let alarm = SimInstant(live.alarm.load(Ordering::Acquire));
        let wait = alarm.duration_since(shared.now()).min(LONGEST_SLEEP);
        tokio::select! {
            () = live.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        // Whoever hands over rings, so under load this goes round: what was posted has its turn
        // between what callers bring.
        live.take_over(&shared);
        for input in live.take_post() {
            live.bring(&shared, input);
        }
        if live.alarm.load(Ordering::Acquire) <= shared.now().0 {
            live.tick(&shared);
            tokio::task::yield_now().await;
        }
    }
}

/// The pump looks at its clock at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
