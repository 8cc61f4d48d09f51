//! Explicit transactions: what a program's `transaction` step opens, holds over several requests,
//! and commits or rolls back.

use crate::engine::fiber::{Fiber, Frame, Guard};
use crate::engine::interpret::with_program;
use crate::engine::world::World;
use crate::fault::Fault;
use crate::plan::Isolation;
use crate::trace::RollbackReason;
use crate::words::InstanceId;

impl World {
    /// Opens a transaction, or joins the one that the program is in already.
    pub(super) fn begin_explicit(
        &mut self,
        fiber: &mut Fiber,
        instance: Option<InstanceId>,
        isolation: Option<Isolation>,
    ) -> Result<(), Fault> {
        let instance = self.place(fiber, instance)?;
        let joins = Self::explicit_transaction(fiber, instance).is_some()
            || fiber.frames.iter().any(|frame| match frame {
                Frame::Request(request) => {
                    request.instance == instance && request.transaction.is_some()
                }
                _ => false,
            });
        if !joins {
            let isolation =
                isolation.unwrap_or_else(|| self.shared.plan.instance(instance).isolation);
            let reference = self.begin(instance, fiber.lane, (isolation, 0), None);
            fiber.transactions.push((instance, reference));
        }
        with_program(fiber, |frame| frame.guards.push(Guard::Transaction { own: !joins }));
        Ok(())
    }

    /// Commits the transaction, if it is the step's own.
    pub(super) fn commit_explicit(&mut self, fiber: &mut Fiber) -> Result<(), Fault> {
        let mut own = false;
        with_program(fiber, |frame| {
            own = matches!(frame.guards.pop(), Some(Guard::Transaction { own: true }));
        });
        match fiber.transactions.last().copied().filter(|_| own) {
            Some((instance, reference)) => {
                fiber.transactions.pop();
                self.commit(instance, reference)
            }
            None => Ok(()),
        }
    }

    /// Rolls an explicit transaction back, if it is the guard's own.
    pub(super) fn end_explicit(&mut self, fiber: &mut Fiber, own: bool, fault: Option<&Fault>) {
        if own && let Some((instance, reference)) = fiber.transactions.pop() {
            let reason =
                fault.map_or(RollbackReason::Asked, |fault| RollbackReason::Fault(fault.clone()));
            self.roll_back(instance, reference, reason);
        }
    }
}
