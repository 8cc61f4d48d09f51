//! What plug-ins write for those who look after them: the plug-in trace log.

use serde::{Deserialize, Serialize};

use crate::trace::Names;
use crate::words::{Name, PlugInId, RequestId};

/// A plug-in step wrote a line to the plug-in trace log. It stays there also when the step's
/// transaction is rolled back.
///
/// Source: Microsoft Learn, "Logging and tracing", Tracing; "Use ITracingService".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlugInTraced {
    /// The request that the step runs for.
    pub request: RequestId,
    /// The step.
    pub plug_in: PlugInId,
    /// The line.
    pub text: Name,
}

impl PlugInTraced {
    /// What happened, in a sentence.
    pub fn sentence(&self, names: &Names<'_>) -> String {
        format!("plug-in \"{}\" traces: {}", names.plug_in(self.plug_in), self.text)
    }
}
