//! What the steps of one request tell one another, and exceptions that they don't explain.

use crate::engine::fiber::{Fiber, Frame, Phase, RequestFrame};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::Plan;
use crate::trace::Event;
use crate::words::evaluate::text_of;
use crate::words::{Expression, Name, Value};

/// The shared variables of one request. Nothing of them outlives it.
///
/// Source: Microsoft Learn, "Understand the execution context", Shared variables: they flow to the
/// later stages; what PreValidation has set is seen by the stages inside the transaction only
/// through the parent context.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct SharedVariables {
    /// Those that PreValidation has set.
    outside: Vec<(Name, Value)>,
    /// Those that the stages inside the transaction have set.
    inside: Vec<(Name, Value)>,
}

impl SharedVariables {
    /// The variable that a step in this phase finds in its own context; null where there is none.
    pub fn own(&self, phase: Phase, name: &str) -> Value {
        found(self.of(phase), name).unwrap_or_default()
    }

    /// The variable that a step in this phase finds in the contexts around its own: for a step
    /// inside the transaction those of PreValidation, then those of the requests around, the
    /// innermost first; null where there is none.
    ///
    /// Assumed: an author walks up the parent contexts until one has the variable.
    pub fn of_parents<'a>(
        frame: &RequestFrame,
        around: impl Iterator<Item = &'a RequestFrame>,
        name: &str,
    ) -> Value {
        let outside = (frame.phase > Phase::PreValidation)
            .then(|| found(&frame.shared.outside, name))
            .flatten();
        let mut around = around.map(|outer| {
            let own = found(outer.shared.of(outer.phase), name);
            own.or_else(|| found(&outer.shared.outside, name))
        });
        outside.or_else(|| around.find_map(|it| it)).unwrap_or_default()
    }

    fn of(&self, phase: Phase) -> &[(Name, Value)] {
        if phase > Phase::PreValidation { &self.inside } else { &self.outside }
    }

    /// Sets a variable for a step in this phase and those after it.
    pub fn set(&mut self, phase: Phase, name: Name, value: Value) {
        let list = if phase > Phase::PreValidation { &mut self.inside } else { &mut self.outside };
        match list.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => list.push((name, value)),
        }
    }
}

fn found(list: &[(Name, Value)], name: &str) -> Option<Value> {
    list.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
}

impl World {
    /// Sets shared variables of the request whose step runs.
    pub(super) fn set_shared(
        &self,
        fiber: &mut Fiber,
        set: &[(Name, Expression)],
    ) -> Result<(), Fault> {
        let values = self.values(fiber, set)?;
        let inner = fiber.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Request(request) => Some(request),
            _ => None,
        });
        if let Some(request) = inner {
            for (name, value) in values {
                request.shared.set(request.phase, name, value);
            }
        }
        Ok(())
    }

    /// The fault of an exception that is no `InvalidPluginExecutionException`. Its text goes to
    /// the story alone.
    ///
    /// Source: Microsoft Learn, "Handle exceptions in plug-ins": the caller gets
    /// `IsvUnExpected`.
    pub(super) fn thrown(&mut self, fiber: &Fiber, text: &Expression) -> Result<Fault, Fault> {
        let text = text_of(&self.value(fiber, text)?);
        Ok(self.exception(fiber, &text))
    }

    /// The same of an exception with this text.
    pub(super) fn exception(&mut self, fiber: &Fiber, text: &str) -> Fault {
        let lane = fiber.lane;
        self.log.emit(self.now, || Event::Noted { lane, text: text.into() });
        let message = "An unexpected error occurred from ISV code.";
        Fault::new(FaultKind::PlugInFailed, message)
    }
}

/// Why a request is too large to be sent to a plug-in, if it is.
///
/// Source: Microsoft Learn, "Troubleshoot Dataverse plug-ins", Message size exceeded when sending
/// context to Sandbox.
pub fn too_large(plan: &Plan, frame: &RequestFrame) -> Option<Fault> {
    const MEBIBYTE: u64 = 1_048_576;
    let columns = frame.request.columns.iter();
    let size: u64 = columns.map(|(_, assigned)| assigned.size()).sum();
    (size > plan.limits.message_size).then(|| {
        let hundredths = size.saturating_mul(100).div_ceil(MEBIBYTE);
        let message = format!(
            "Message size exceeded when sending context to Sandbox. Message size: {}.{:02} Mb",
            hundredths / 100,
            hundredths % 100
        );
        Fault::new(FaultKind::Unexpected, message)
    })
}
