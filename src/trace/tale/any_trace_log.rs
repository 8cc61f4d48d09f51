//! Any line of the plug-in trace log.

use crate::trace::PlugInTraced;
use crate::trace::tale::any::Parts;
use crate::words::PlugInId;

impl Parts {
    pub(super) fn of_trace_log(&self) -> PlugInTraced {
        let (request, text) = (self.request(), self.name.clone());
        PlugInTraced { request, plug_in: PlugInId(u32::from(self.small[1])), text }
    }
}
