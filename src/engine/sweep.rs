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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_swept_stays_in_proportion_to_what_is_needed() {
        for needed in [0, 700, 5_000] {
            let (mut sweep, mut size, mut sweeps) = (Sweep::default(), needed, 0);
            for _ in 0..1_000_000 {
                if sweep.is_due(size) {
                    size = needed;
                    sweep.is_done(size);
                    sweeps += 1;
                }
                size += 1;
                assert!(size <= LEAST.max(needed * 2), "{size} of which {needed} are needed");
            }
            assert!((100..4_000).contains(&sweeps), "{sweeps} sweeps");
        }
    }
}
