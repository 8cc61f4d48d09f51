//! The plug-in trace log: what plug-ins tell those who look after them.

use crate::engine::fiber::{Fiber, Frame};
use crate::engine::world::World;
use crate::fault::Fault;
use crate::trace::{Event, PlugInTraced};
use crate::words::evaluate::text_of;
use crate::words::{Expression, Name};

impl World {
    /// Writes a line of the program on top of the stack to the trace log of the plug-in step that
    /// it runs for.
    pub(super) fn trace(&mut self, fiber: &Fiber, text: &Expression) -> Result<(), Fault> {
        let text = text_of(&self.value(fiber, text)?);
        self.write_to_trace_log(fiber, text.into());
        Ok(())
    }

    /// Writes a line to the trace log of the innermost plug-in step; there is none outside of
    /// plug-ins.
    pub(super) fn write_to_trace_log(&mut self, fiber: &Fiber, text: Name) {
        let running = fiber.frames.iter().rev().find_map(|frame| match frame {
            Frame::Request(request) => request.running.map(|(plug_in, _)| (request.id, plug_in)),
            _ => None,
        });
        if let Some((request, plug_in)) = running {
            self.log
                .emit(self.now, || Event::PlugInTraced(PlugInTraced { request, plug_in, text }));
        }
    }
}
