//! When a collection is gone through for what nobody needs any more.
//!
//! Some things are learned one by one, and that they have become useless is told by nobody: the
//! name of a row that is no more, a run that is long past. Such a collection is swept each time
//! that it has doubled since. So its size stays in proportion to what is needed, and the sweeps
//! cost each thing learned as good as the same, however long a world runs.

/// Below this size a collection is not swept.
const LEAST: usize = 1_024;

/// At which size a collection is swept next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sweep {
    at: usize,
}

impl Sweep {
    /// Whether a collection of this size is to be swept now.
    pub const fn is_due(self, size: usize) -> bool {
        size >= self.at
    }

    /// It was swept, and this much is left.
    pub fn is_done(&mut self, left: usize) {
        self.at = LEAST.max(left * 2);
    }
}

impl Default for Sweep {
    fn default() -> Self {
        Self { at: LEAST }
    }
}
