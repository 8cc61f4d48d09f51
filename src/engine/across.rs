//! Waits that go round over several instances. No deadlock monitor sees such a circle, since each
//! sees one database only; time-outs end it. The world sees it, and says so.
//!
//! Source: Microsoft Learn, "Deadlocks guide": the monitor searches the tasks of one server; no
//! page on Dataverse names anything that would see more.

use crate::engine::world::World;
use crate::trace::{DeadlockEdge, Event};
use crate::words::{InstanceId, LaneId};

impl World {
    /// A lane has just begun to wait in an instance: if that closes a circle which goes through
    /// several instances, it is told.
    pub(super) fn look_across(&mut self, instance: InstanceId, lane: LaneId) {
        if !self.log.is_on() || self.databases.len() < 2 {
            return;
        }
        let mut path: Vec<DeadlockEdge> = Vec::new();
        let mut seen = vec![lane];
        let first = self.waits_in(Some(instance), lane);
        let closes = self.search(first, lane, &mut seen, &mut path);
        let is_elsewhere = |edge: &DeadlockEdge| edge.resource.instance() != instance;
        if closes && path.iter().any(is_elsewhere) {
            self.log.emit(self.now, || Event::CrossInstanceWaitClosed { cycle: path });
        }
    }

    /// The waits of a lane, in one instance or in all, each with the lanes that it waits for.
    fn waits_in(
        &self,
        instance: Option<InstanceId>,
        lane: LaneId,
    ) -> Vec<(DeadlockEdge, Vec<LaneId>)> {
        let all = self.databases.iter().zip(0..);
        let wanted = all.filter(|(_, index)| instance.is_none_or(|it| it.0 == *index));
        wanted.flat_map(|(database, _)| database.waits_of(lane)).collect()
    }

    /// Follows waits depth first until they lead back to `from`.
    fn search(
        &self,
        waits: Vec<(DeadlockEdge, Vec<LaneId>)>,
        from: LaneId,
        seen: &mut Vec<LaneId>,
        path: &mut Vec<DeadlockEdge>,
    ) -> bool {
        for (edge, blockers) in waits {
            path.push(edge);
            for blocker in blockers {
                if blocker == from {
                    return true;
                }
                if !seen.contains(&blocker) {
                    seen.push(blocker);
                    let next = self.waits_in(None, blocker);
                    if self.search(next, from, seen, path) {
                        return true;
                    }
                }
            }
            path.pop();
        }
        false
    }
}
