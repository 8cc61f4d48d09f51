//! Claims about how actors fare: success, faults, ends, victims, and where a plug-in step runs.

use crate::check::claim::{Decision, Judge, number};
use crate::check::{Finding, Moment};
use crate::fault::FaultKind;
use crate::plan::Bounds;
use crate::trace::Outcome;
use crate::words::{ActorId, PlugInId, SimInstant};

impl Judge<'_, '_> {
    /// All runs of the actor succeed, or at least one does not.
    pub(super) fn succeeds(&self, actor: ActorId, succeeds: bool) -> Decision {
        let name = self.name(actor);
        let expected = if succeeds {
            format!("every run of {name} succeeds")
        } else {
            format!("a run of {name} ends in a fault")
        };
        let mut last = None;
        let mut runs = 0;
        for (_, lane) in self.history.lanes_of(actor) {
            runs += 1;
            let (ended, told) = match &lane.ended {
                Some((ended, Outcome::Succeeded)) => {
                    last = last.max(Some(*ended));
                    continue;
                }
                Some((ended, Outcome::Failed(fault))) => {
                    (Some(*ended), format!("{} ends in {fault}", lane.name))
                }
                Some((ended, Outcome::Unfinished(limit))) => {
                    (Some(*ended), format!("{} does not end: {limit}", lane.name))
                }
                None => (None, format!("{} does not end", lane.name)),
            };
            if !succeeds {
                return Decision::holds(ended);
            }
            return Decision::fails(Finding {
                expected,
                found: told,
                decided_by: ended,
                nearest: self.nearest_success(actor),
            });
        }
        let found = match (runs, succeeds) {
            (0, _) => format!("{name} never begins"),
            (_, true) => return Decision::holds(last),
            (1, false) => format!("{name} succeeds"),
            (_, false) => format!("all {runs} runs of {name} succeed"),
        };
        Decision::fails(Finding {
            expected,
            found,
            decided_by: last,
            nearest: self.nearest_fault(Some(actor), None),
        })
    }

    /// How many of several runs succeed.
    fn nearest_success(&self, actor: ActorId) -> Option<String> {
        let mut runs = 0;
        let mut good = 0;
        for (_, lane) in self.history.lanes_of(actor) {
            runs += 1;
            good += usize::from(matches!(lane.ended, Some((_, Outcome::Succeeded))));
        }
        (good > 0).then(|| format!("{good} of its {runs} runs succeed"))
    }

    /// A fault of this kind that somebody else met, or another fault that the actor met.
    pub(super) fn nearest_fault(
        &self,
        actor: Option<ActorId>,
        kind: Option<FaultKind>,
    ) -> Option<String> {
        let met = &self.history.faults;
        let lane_fits = |lane| actor.is_none() || self.history.actor_of_lane(lane) == actor;
        let own = met.iter().find(|it| lane_fits(it.lane));
        let kin = met.iter().find(|it| Some(it.fault.kind) == kind);
        kin.or(own).map(|it| {
            let name = self.history.lane_name(it.lane);
            let moment = self.history.names.moment(it.at.at);
            format!("{name} met {} at {moment}", it.fault)
        })
    }

    /// Somebody meets a fault of this kind.
    pub(super) fn meets_fault(&self, actor: Option<ActorId>, kind: FaultKind) -> Decision {
        let met = self.history.faults.iter().find(|it| {
            it.fault.kind == kind
                && (actor.is_none() || self.history.actor_of_lane(it.lane) == actor)
        });
        if let Some(met) = met {
            return Decision::holds(Some(met.at));
        }
        let name = self.name_or_anybody(actor);
        let word = kind.facts().word;
        let found = match actor {
            Some(actor) if self.history.lanes_of(actor).next().is_none() => {
                format!("{name} never begins")
            }
            Some(_) => format!("{name} meets no such fault"),
            None => "nobody meets such a fault".to_owned(),
        };
        Decision::fails(Finding {
            expected: format!("{name} meets the fault {word} ({})", kind.facts().hex()),
            found,
            decided_by: None,
            nearest: self.nearest_fault(actor, Some(kind)),
        })
    }

    /// The actor's last run ends within the bounds.
    pub(super) fn ends(&self, actor: ActorId, within: &Bounds<SimInstant>) -> Decision {
        let name = self.name(actor);
        let moment = |at| self.history.names.moment(at);
        let expected = match (within.at_least, within.at_most) {
            (Some(least), Some(most)) if least == most => {
                format!("{name} ends at {}", moment(least))
            }
            (Some(least), Some(most)) => {
                format!("{name} ends from {} to {}", moment(least), moment(most))
            }
            (Some(least), None) => format!("{name} ends at {} or later", moment(least)),
            (None, Some(most)) => format!("{name} ends by {}", moment(most)),
            (None, None) => format!("{name} ends"),
        };
        let mut last: Option<Moment> = None;
        let mut open = None;
        for (_, lane) in self.history.lanes_of(actor) {
            match &lane.ended {
                Some((_, Outcome::Unfinished(_))) | None => open = Some(lane),
                Some((ended, _)) => last = last.max(Some(*ended)),
            }
        }
        let (found, decided_by) = match (open, last) {
            (Some(lane), _) => (format!("{} does not end", lane.name), None),
            (None, None) => (format!("{name} never begins"), None),
            (None, Some(last)) if within.contain(last.at) => return Decision::holds(Some(last)),
            (None, Some(last)) => (format!("it ends at {}", moment(last.at)), Some(last)),
        };
        Decision::fails(Finding { expected, found, decided_by, nearest: None })
    }

    /// The actor is the victim of a deadlock.
    pub(super) fn victim(&self, actor: ActorId) -> Decision {
        let deadlocks = &self.history.deadlocks;
        let is_actors = |victim| self.history.actor_of(victim) == Some(actor);
        if let Some(deadlock) = deadlocks.iter().find(|it| is_actors(it.victim)) {
            return Decision::holds(Some(deadlock.chosen));
        }
        let name = self.name(actor);
        let waited = self.history.waits.iter().find(|it| {
            let lane = it.lane.and_then(|lane| self.history.actor_of_lane(lane));
            lane == Some(actor)
        });
        let found = deadlocks.first().map_or_else(
            || "there is no deadlock".to_owned(),
            |it| {
                let victim = self.history.transaction_name(it.victim);
                format!("the victim is {victim}: {}", it.rule)
            },
        );
        Decision::fails(Finding {
            expected: format!("{name} is the victim of a deadlock"),
            found,
            decided_by: deadlocks.first().map(|it| it.chosen),
            nearest: waited.map(|it| self.wait_told(it)),
        })
    }

    /// Every run of the plug-in step is inside a transaction, or every run outside.
    pub(super) fn in_transaction(&self, plug_in: PlugInId, inside: bool) -> Decision {
        let name = self.history.names.plug_in(plug_in);
        let runs = &self.history.plug_in_runs;
        let of_step = || runs.iter().filter(|run| run.plug_in == plug_in);
        let place = |inside: bool| if inside { "inside" } else { "outside" };
        let expected = format!("plug-in \"{name}\" always runs {} a transaction", place(inside));
        let wrong = of_step().find(|run| run.in_transaction != inside);
        let last = of_step().next_back().map(|run| run.at);
        let (found, decided_by) = match (wrong, last) {
            (None, None) => ("it never runs".to_owned(), None),
            (None, Some(last)) => return Decision::holds(Some(last)),
            (Some(run), _) => {
                let moment = self.history.names.moment(run.at.at);
                let found = format!("it runs {} one at {moment}", place(!inside));
                (found, Some(run.at))
            }
        };
        let right = of_step().filter(|run| run.in_transaction == inside).count();
        let runs = number(right, "other run is", "other runs are");
        Decision::fails(Finding {
            expected,
            found,
            decided_by,
            nearest: (right > 0).then(|| format!("{runs} {}", place(inside))),
        })
    }
}
