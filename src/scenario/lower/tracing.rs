//! `trace`: a line in the plug-in trace log.

use crate::plan::Verb;
use crate::scenario::lower::body::Body;
use crate::scenario::lower::{Checked, Lowering};
use crate::scenario::tree::Entry;

impl Lowering<'_> {
    /// Only plug-ins have the log; a program that writes to it can be called from them only.
    pub(super) fn trace(&mut self, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        body.facts.target.get_or_insert(entry.key_span);
        if !body.is_named && body.plug_in.is_none() {
            return Err(self.diagnostics.report(
                entry.key_span,
                "out of place",
                "only a plug-in can `trace` to the plug-in trace log",
                "this is no plug-in",
                Some("`note` puts a remark into the story".to_owned()),
            ));
        }
        self.text_value(&entry.value, body).map(Verb::Trace)
    }
}
