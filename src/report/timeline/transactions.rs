//! The extents of transactions, the waits of their requests, and how both end.

use crate::check::Moment;
use crate::report::timeline::fold::Fold;
use crate::report::timeline::track::{BarKind, Extent, MarkKind};
use crate::trace::{Event, LockResource, RollbackReason};
use crate::words::{LaneId, SimInstant, TransactionId};

impl Fold<'_, '_> {
    pub(super) fn transaction(&mut self, event: &Event) {
        match event {
            Event::TransactionBegan { lane, transaction, instance, .. } => {
                let Some(track) = self.track(*lane, Some(*instance)) else {
                    return;
                };
                let to = Moment { sequence: u32::MAX, at: SimInstant::END };
                let (transaction, from) = (*transaction, self.now);
                let extent = Extent { transaction, from, to, committed: None };
                self.tracks[track].extents.push(extent);
                self.extents.insert(transaction, (track, self.tracks[track].extents.len() - 1));
            }
            Event::Committed { transaction } => {
                if let Some(track) = self.close(*transaction, true) {
                    self.mark(track, MarkKind::Commit, 0, "commits".to_owned());
                }
            }
            Event::RolledBack { transaction, reason } => {
                if let Some(track) = self.close(*transaction, false) {
                    let why = match reason {
                        RollbackReason::Fault(fault) => fault.kind.facts().word,
                        RollbackReason::Asked => "asked for",
                        RollbackReason::SessionEnded => "the session ended",
                    };
                    self.mark(track, MarkKind::Rollback, 0, format!("rolled back: {why}"));
                }
            }
            Event::VictimChosen { victim, rule, .. } => {
                if let Some(&(track, _)) = self.extents.get(victim) {
                    let depth = self.depth_of(*victim);
                    self.mark(track, MarkKind::Victim, depth, format!("the victim: {rule}"));
                }
            }
            Event::LockGranted { transaction, .. } => self.touched(*transaction),
            Event::LockQueued { transaction, resource, holders, ahead, .. } => {
                self.touched(*transaction);
                let holder = holders.first().or_else(|| ahead.first());
                self.wait(*transaction, resource, holder.copied());
            }
            Event::WaitEnded { transaction, .. } => {
                if let Some((track, bar)) = self.waits.remove(transaction) {
                    self.end(track, bar);
                }
            }
            _ => {}
        }
    }

    /// Ends the extent of a transaction.
    fn close(&mut self, transaction: TransactionId, committed: bool) -> Option<usize> {
        let (track, extent) = self.extents.remove(&transaction)?;
        let extent = &mut self.tracks[track].extents[extent];
        (extent.to, extent.committed) = (self.now, Some(committed));
        Some(track)
    }

    fn lane_of_transaction(&self, transaction: TransactionId) -> Option<LaneId> {
        self.history.transactions.get(&transaction).map(|it| it.lane)
    }

    /// The database has begun to work for what the transaction's lane is in.
    fn touched(&mut self, transaction: TransactionId) {
        let lane = self.lane_of_transaction(transaction);
        let innermost = lane.and_then(|it| self.open.get(&it)).and_then(|it| it.last());
        if let Some(request) = innermost.map(|it| it.request) {
            self.database(request);
        }
    }

    /// The row in which a transaction's lane works now.
    fn depth_of(&self, transaction: TransactionId) -> usize {
        let lane = self.lane_of_transaction(transaction);
        let open = lane.and_then(|it| self.open.get(&it)).and_then(|it| it.last());
        open.map_or(0, |it| it.depth)
    }

    fn wait(
        &mut self,
        transaction: TransactionId,
        resource: &LockResource,
        holder: Option<TransactionId>,
    ) {
        let Some(&(track, _)) = self.extents.get(&transaction) else {
            return;
        };
        let depth = self.depth_of(transaction);
        let what = self.history.resource(resource);
        let mut labels = vec![format!("waits for {what}")];
        if let Some(holder) = holder.and_then(|it| self.lane_of_transaction(it)) {
            let badge = self.lane_of.get(&holder).map(|it| self.lanes[*it].badge.clone());
            let badge = badge.unwrap_or_default();
            labels.insert(0, format!("waits for {what}, held by {badge}"));
            labels.push(format!("waits for {badge}"));
        }
        labels.push("waits".to_owned());
        let bar = self.begin(track, BarKind::Wait, depth, labels);
        self.waits.insert(transaction, (track, bar));
    }
}
