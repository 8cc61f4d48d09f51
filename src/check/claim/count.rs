//! Claims about how many of something there were.

use crate::check::claim::{Decision, Judge, bounds, key_of};
use crate::check::{Finding, Moment, TransactionEnd};
use crate::plan::{Bounds, Counted};
use crate::words::{ActorId, InstanceId, LaneId, RequestId, SimInstant, TableId};

impl Judge<'_, '_> {
    /// The number of the things is within the bounds.
    pub(super) fn count(&self, of: &Counted, by: Option<SimInstant>, is: Bounds<u64>) -> Decision {
        let counted = self.counted(of, by);
        let count = total(&counted);
        let last = counted.last().map(|(at, _)| *at);
        if is.contain(count) {
            return Decision::holds(last);
        }
        // Too many: the first one beyond the bound decides. Too few: the last one there was.
        let beyond = is.at_most.and_then(|most| first_beyond(&counted, most));
        let decided_by = beyond.or(last);
        let when = match by {
            None | Some(SimInstant::END) => String::new(),
            Some(by) => format!(" by {}", self.history.names.moment(by)),
        };
        let noun = self.counted_told(of);
        let found = match (count, decided_by) {
            (0, _) | (_, None) => format!("there are {}", if count == 0 { "none" } else { "some" }),
            (_, Some(last)) => {
                let ordinal = if beyond.is_some() { "one too many" } else { "the last" };
                let moment = self.history.names.moment(last.at);
                let be = if count == 1 { "is" } else { "are" };
                format!("there {be} {count}, {ordinal} at {moment}")
            }
        };
        Decision::fails(Finding {
            expected: format!("{noun}{when}: {}", bounds(is, |it| it.to_string())),
            found,
            decided_by,
            nearest: self.nearest_count(of, by, is, count),
        })
    }

    /// When the things happened, in order, each with how many they were.
    fn counted(&self, of: &Counted, by: Option<SimInstant>) -> Vec<(Moment, u64)> {
        let mut counted: Vec<(Moment, u64)> = match of {
            Counted::RowsExamined { actor, table } => self.examined(*actor, *table),
            _ => self.single(of, by).into_iter().map(|at| (at, 1)).collect(),
        };
        if let Some(by) = by {
            counted.retain(|(at, _)| at.at <= by);
        }
        counted.sort_unstable();
        counted
    }

    /// The things that happen one by one.
    fn single(&self, of: &Counted, by: Option<SimInstant>) -> Vec<Moment> {
        match of {
            Counted::Rows { instance, table } => {
                let rows = self.history.table_rows(*instance, *table);
                rows.filter_map(|(_, row)| row.created(by).map(|it| it.settled)).collect()
            }
            Counted::Writes { row } => {
                let row = self.history.rows.get(&key_of(row));
                let versions = row.map_or(&[][..], |it| it.versions_by(by));
                let written = versions.iter().filter(|it| it.writer.is_some());
                written.map(|it| it.settled).collect()
            }
            Counted::Commits { actor, instance } => self.ended(*actor, *instance, true),
            Counted::Rollbacks { actor, instance } => self.ended(*actor, *instance, false),
            Counted::OutageHits { outage } => {
                let outages = self.history.outages.iter();
                let seen = outages.filter(|it| it.outage == *outage);
                seen.flat_map(|it| it.hits.iter().copied()).collect()
            }
            _ => self.happened(of),
        }
    }

    /// The searches, each with how many rows or index entries it examined.
    fn examined(
        &self,
        actor: Option<ActorId>,
        table: Option<(InstanceId, TableId)>,
    ) -> Vec<(Moment, u64)> {
        let lane = |it: RequestId| self.history.requests.get(&it).map(|it| it.lane);
        self.history
            .selections
            .iter()
            .filter(|it| self.is_of(actor, lane(it.request)))
            .filter(|it| table.is_none_or(|table| table == (it.instance, it.table)))
            .filter(|it| it.examined > 0)
            .map(|it| (it.at, u64::from(it.examined)))
            .collect()
    }

    /// The things that single events tell.
    fn happened(&self, of: &Counted) -> Vec<Moment> {
        let history = self.history;
        match of {
            Counted::Escalations { actor } => history
                .escalations
                .iter()
                .filter(|it| actor.is_none() || history.actor_of(it.transaction) == *actor)
                .map(|it| it.at)
                .collect(),
            Counted::Recalculations { actor } => history
                .recalculations
                .iter()
                .filter(|(request, _)| {
                    let lane = history.requests.get(request).map(|it| it.lane);
                    self.is_of(*actor, lane)
                })
                .map(|(_, at)| *at)
                .collect(),
            Counted::CrossInstanceWaits => {
                history.cross_instance_waits.iter().map(|it| it.closed).collect()
            }
            Counted::Deadlocks => history.deadlocks.iter().map(|it| it.chosen).collect(),
            Counted::Requests { actor, instance, message, table } => history
                .requests
                .values()
                .filter(|it| self.is_of(*actor, Some(it.lane)))
                .filter(|it| instance.is_none_or(|instance| it.instance == instance))
                .filter(|it| it.kind.message().is_some())
                .filter(|it| message.is_none_or(|message| it.is_a(message)))
                .filter(|it| table.is_none_or(|table| it.table == table))
                .filter_map(|it| it.began)
                .collect(),
            Counted::Faults { actor, fault } => history
                .faults
                .iter()
                .filter(|it| self.is_of(*actor, Some(it.lane)))
                .filter(|it| fault.is_none_or(|fault| it.fault.kind == fault))
                .map(|it| it.at)
                .collect(),
            Counted::Retries { actor } => history
                .retries
                .iter()
                .filter(|(lane, _)| self.is_of(*actor, Some(*lane)))
                .map(|(_, at)| *at)
                .collect(),
            Counted::Waits { actor } => history
                .waits
                .iter()
                .filter(|it| self.is_of(*actor, it.lane))
                .map(|it| it.queued)
                .collect(),
            Counted::PlugInRuns { plug_in } => history
                .plug_in_runs
                .iter()
                .filter(|it| it.plug_in == *plug_in)
                .map(|it| it.at)
                .collect(),
            Counted::Rows { .. }
            | Counted::Writes { .. }
            | Counted::Commits { .. }
            | Counted::Rollbacks { .. }
            | Counted::RowsExamined { .. }
            | Counted::OutageHits { .. } => Vec::new(),
        }
    }

    fn is_of(&self, actor: Option<ActorId>, lane: Option<LaneId>) -> bool {
        actor.is_none() || lane.and_then(|lane| self.history.actor_of_lane(lane)) == actor
    }

    /// When the transactions were committed, or rolled back.
    fn ended(
        &self,
        actor: Option<ActorId>,
        instance: Option<InstanceId>,
        committed: bool,
    ) -> Vec<Moment> {
        let transactions = self.history.transactions.values();
        transactions
            .filter(|it| self.is_of(actor, Some(it.lane)))
            .filter(|it| instance.is_none_or(|instance| it.instance == instance))
            .filter_map(|it| match it.end {
                TransactionEnd::Committed(at) if committed => Some(at),
                TransactionEnd::RolledBack(at, _) if !committed => Some(at),
                _ => None,
            })
            .collect()
    }

    /// What is counted, in words.
    fn counted_told(&self, of: &Counted) -> String {
        let names = &self.history.names;
        let whose = |actor: &Option<ActorId>| {
            actor.map_or_else(String::new, |actor| format!(" of {}", self.name(actor)))
        };
        let place = |instance: &Option<InstanceId>| {
            instance.map_or_else(String::new, |it| format!(" in {}", names.instance(it)))
        };
        match of {
            Counted::Rows { instance, table } => {
                format!("rows of {}", names.table_of(*instance, *table))
            }
            Counted::Escalations { actor } => format!("escalations{}", whose(actor)),
            Counted::Recalculations { actor } => format!("recalculations{}", whose(actor)),
            Counted::CrossInstanceWaits => "cross-instance waits".to_owned(),
            Counted::RowsExamined { actor, table } => {
                let table = table.map_or_else(String::new, |(instance, table)| {
                    format!(" of {}", names.table_of(instance, table))
                });
                let by = actor.map_or_else(String::new, |it| format!(" by {}", self.name(it)));
                format!("rows examined{table}{by}")
            }
            Counted::Deadlocks => "deadlocks".to_owned(),
            Counted::Requests { actor, instance, message, table } => {
                let message = message.map_or_else(String::new, |it| names.message(it));
                let table = table.map_or_else(String::new, |it| names.table(it));
                let what = [&*message, &table, "requests"];
                let what: Vec<&str> = what.into_iter().filter(|it| !it.is_empty()).collect();
                format!("{}{}{}", what.join(" "), whose(actor), place(instance))
            }
            Counted::Faults { actor, fault } => {
                let word = fault.map_or_else(String::new, |it| format!("{} ", it.facts().word));
                format!("{word}faults{}", whose(actor))
            }
            Counted::Retries { actor } => format!("retries{}", whose(actor)),
            Counted::Waits { actor } => format!("waits{}", whose(actor)),
            Counted::Commits { actor, instance } => {
                format!("commits{}{}", whose(actor), place(instance))
            }
            Counted::Rollbacks { actor, instance } => {
                format!("rollbacks{}{}", whose(actor), place(instance))
            }
            Counted::PlugInRuns { plug_in } => {
                format!("runs of plug-in \"{}\"", names.plug_in(*plug_in))
            }
            Counted::OutageHits { outage } => {
                format!("messages stopped by {}", names.outage(*outage))
            }
            Counted::Writes { row } => format!("committed writes of {}", self.place(row)),
        }
    }

    /// The number when the claim asks for less: at any time, by anybody, of any kind.
    fn nearest_count(
        &self,
        of: &Counted,
        by: Option<SimInstant>,
        is: Bounds<u64>,
        count: u64,
    ) -> Option<String> {
        if by.is_some() {
            let all = self.counted(of, None);
            if is.contain(total(&all)) {
                let last = self.history.names.moment(all.last()?.0.at);
                return Some(format!("{} by {last}", total(&all)));
            }
        }
        if is.at_least.is_none_or(|least| least <= count) {
            return None;
        }
        let looser = match of.clone() {
            Counted::Faults { actor, fault } => return self.nearest_fault(actor, fault),
            Counted::Requests { instance, message, table, actor: Some(_) } => {
                Counted::Requests { actor: None, instance, message, table }
            }
            Counted::Requests { instance, .. } => {
                Counted::Requests { actor: None, instance, message: None, table: None }
            }
            Counted::Retries { .. } => Counted::Retries { actor: None },
            Counted::Waits { .. } => Counted::Waits { actor: None },
            Counted::Commits { .. } => Counted::Commits { actor: None, instance: None },
            Counted::Rollbacks { .. } => Counted::Rollbacks { actor: None, instance: None },
            Counted::Escalations { .. } => Counted::Escalations { actor: None },
            Counted::Recalculations { .. } => Counted::Recalculations { actor: None },
            Counted::RowsExamined { .. } => Counted::RowsExamined { actor: None, table: None },
            Counted::Rows { .. }
            | Counted::Deadlocks
            | Counted::CrossInstanceWaits
            | Counted::PlugInRuns { .. }
            | Counted::OutageHits { .. }
            | Counted::Writes { .. } => return None,
        };
        let more = total(&self.counted(&looser, by));
        (more > count).then(|| format!("{}: {more}", self.counted_told(&looser)))
    }
}

fn total(counted: &[(Moment, u64)]) -> u64 {
    counted.iter().map(|(_, count)| count).sum()
}

/// When there were more than this for the first time.
fn first_beyond(counted: &[(Moment, u64)], most: u64) -> Option<Moment> {
    let mut sum = 0;
    let beyond = counted.iter().find(|(_, count)| {
        sum += count;
        sum > most
    });
    beyond.map(|(at, _)| *at)
}
