//! Outages: when an instance does not answer as it should, and how that looks to its callers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::{InstanceId, Name, SimInstant};

/// One planned outage of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Its name; by default `outage of <instance>`, numbered when there are several.
    pub name: Name,
    /// The instance that is affected.
    pub instance: InstanceId,
    /// Its first instant.
    pub from: SimInstant,
    /// The first instant at which it is over.
    pub until: SimInstant,
    /// What callers see.
    pub kind: OutageKind,
}

impl Outage {
    /// Whether the outage is on at `now`: from its first instant, up to and not including the
    /// instant at which it is over.
    pub fn covers(&self, now: SimInstant) -> bool {
        self.from <= now && now < self.until
    }
}

/// What callers see of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutageKind {
    /// Nothing gets through, in either direction: requests fail, and answers that are due are
    /// lost though their work was done.
    Unreachable,
    /// The instance turns requests away with a fault of its own. Requests already admitted run to
    /// their end and are answered.
    Maintenance,
    /// Every message to and from the instance takes this much longer.
    Slow(Duration),
}
