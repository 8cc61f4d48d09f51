//! Claims about the steps of sessions: who blocks, until when, and what they answer.

use crate::check::claim::binding::member;
use crate::check::claim::{Decision, Judge, bounds};
use crate::check::{Finding, StepEnd, StepRun, Wait};
use crate::fault::FaultKind;
use crate::plan::{Bounds, StepClaim, StepRef};
use crate::trace::WaitEnd;
use crate::words::{Name, Record, Value, format_duration};

impl Judge<'_, '_> {
    /// What became of a step: of its last run, where it ran several times.
    pub(super) fn step(&self, step: &StepRef, claim: &StepClaim) -> Decision {
        match claim {
            StepClaim::Blocks(blocks) => self.blocks(step, *blocks),
            StepClaim::BlocksUntil(freer) => {
                let (name, freer_name) = (self.step_name(step), self.step_name(freer));
                let expected = format!("{name} waits until {freer_name} frees what it waits for");
                self.frees(freer, step, expected)
            }
            StepClaim::Unblocks(waiter) => {
                let (name, waiter_name) = (self.step_name(step), self.step_name(waiter));
                let expected = format!("{name} frees what {waiter_name} waits for");
                self.frees(step, waiter, expected)
            }
            StepClaim::Fault(kind) => self.step_fault(step, *kind),
            StepClaim::When(other) => self.ends_with(step, other),
            StepClaim::Rows(rows) => self.answers(step, rows),
            StepClaim::Affected(count) => self.affects(step, *count),
        }
    }

    /// A step as a scenario calls it: `t1.write`.
    fn step_name(&self, step: &StepRef) -> String {
        let actor = self.name(step.actor);
        let run = self.history.steps.iter().find(|it| self.is_step(it, step));
        match run {
            Some(run) => format!("{actor}.{}", run.label),
            None => format!("step {} of {actor}", u32::from(step.step) + 1),
        }
    }

    fn is_step(&self, run: &StepRun, step: &StepRef) -> bool {
        run.step == step.step && self.history.actor_of_lane(run.lane) == Some(step.actor)
    }

    /// A run of a step, by its session's lane and its label.
    fn run_name(&self, run: &StepRun) -> String {
        format!("{}.{}", self.history.lane_name(run.lane), run.label)
    }

    fn last_run(&self, step: &StepRef) -> Option<&StepRun<'_>> {
        self.history.steps.iter().rfind(|it| self.is_step(it, step))
    }

    /// The last run of a step, or why the claim fails without one.
    fn run_or(&self, step: &StepRef, expected: &str) -> Result<&StepRun<'_>, Decision> {
        self.last_run(step).ok_or_else(|| {
            Decision::fails(Finding {
                expected: expected.to_owned(),
                found: format!("{} never begins", self.step_name(step)),
                decided_by: None,
                nearest: None,
            })
        })
    }

    /// The end of the last run of a step, or why the claim fails without one.
    fn end_or(
        &self,
        step: &StepRef,
        expected: &str,
    ) -> Result<(&StepRun<'_>, StepEnd<'_>), Decision> {
        let run = self.run_or(step, expected)?;
        match run.ended {
            Some(end) => Ok((run, end)),
            None => {
                let wait = self.waits_of(run).last();
                Err(Decision::fails(Finding {
                    expected: expected.to_owned(),
                    found: format!("{} does not end", self.run_name(run)),
                    decided_by: Some(run.began),
                    nearest: wait.map(|it| format!("it {}", self.wait_of_step(it))),
                }))
            }
        }
    }

    fn waits_of(&self, run: &StepRun) -> impl DoubleEndedIterator<Item = &Wait<'_>> {
        run.waits.iter().filter_map(|it| self.history.waits.get(*it))
    }

    /// The step that made way for a wait.
    fn freer(&self, wait: &Wait) -> Option<&StepRun<'_>> {
        let (at, transaction) = wait.freed?;
        let lane = self.history.transactions.get(&transaction)?.lane;
        self.history.step_at(lane, at)
    }

    /// A wait in a sentence about its step: `waits 5 ms for us/test/one, held by t1, from 3 ms to
    /// 8 ms, freed by t1.commit`.
    fn wait_of_step(&self, wait: &Wait) -> String {
        let history = self.history;
        let names = &history.names;
        let end = match (wait.ended, wait.freed) {
            (None, _) => ", and is still waiting at the end".to_owned(),
            (Some((at, WaitEnd::Victim)), _) => {
                format!(" to {}, a deadlock's victim", names.moment(at.at))
            }
            (Some((at, WaitEnd::TimedOut(kind))), _) => {
                format!(" to {}, in vain: {}", names.moment(at.at), kind.facts().word)
            }
            (Some((at, WaitEnd::Granted | WaitEnd::Gone)), freed) => {
                let freer = self.freer(wait).map(|it| self.run_name(it));
                let freer = freer.or_else(|| freed.map(|it| history.transaction_name(it.1)));
                let freer = freer.map_or_else(String::new, |it| format!(", freed by {it}"));
                format!(" to {}{freer}", names.moment(at.at))
            }
        };
        let (waited, place) = (format_duration(wait.waited), history.awaited(wait));
        format!("waits {waited} for {place}, from {}{end}", names.moment(wait.queued.at))
    }

    fn blocks(&self, step: &StepRef, blocks: bool) -> Decision {
        let name = self.step_name(step);
        let expected = match blocks {
            true => format!("{name} waits for a lock"),
            false => format!("{name} waits for no lock"),
        };
        let run = match self.run_or(step, &expected) {
            Ok(run) => run,
            Err(decision) => return decision,
        };
        let ended = run.ended.map_or(run.began, |end| end.at);
        let wait = self.waits_of(run).next();
        let decided_by = Some(wait.map_or(ended, |it| it.queued));
        let found = match (wait, blocks) {
            (Some(_), true) | (None, false) => return Decision::holds(decided_by),
            (Some(wait), false) => format!("it {}", self.wait_of_step(wait)),
            (None, true) => "it does not wait".to_owned(),
        };
        let nearest = blocks.then(|| self.nearest_step_wait(step)).flatten();
        Decision::fails(Finding { expected, found, decided_by, nearest })
    }

    /// A wait of another step, of the same session if there is one.
    fn nearest_step_wait(&self, step: &StepRef) -> Option<String> {
        let waiting = || self.history.steps.iter().filter(|it| !it.waits.is_empty());
        let own = |it: &&StepRun| self.history.actor_of_lane(it.lane) == Some(step.actor);
        let run = waiting().find(own).or_else(|| waiting().next())?;
        let wait = self.waits_of(run).next()?;
        Some(format!("{} {}", self.run_name(run), self.wait_of_step(wait)))
    }

    /// The last wait of a step ends because another step makes way.
    fn frees(&self, freer: &StepRef, waiter: &StepRef, expected: String) -> Decision {
        let run = match self.run_or(waiter, &expected) {
            Ok(run) => run,
            Err(decision) => return decision,
        };
        let Some(wait) = self.waits_of(run).next_back() else {
            return Decision::fails(Finding {
                expected,
                found: format!("{} does not wait", self.run_name(run)),
                decided_by: Some(run.ended.map_or(run.began, |end| end.at)),
                nearest: self.nearest_freed(freer),
            });
        };
        let decided_by = Some(wait.ended.map_or(wait.queued, |(at, _)| at));
        if self.freer(wait).is_some_and(|it| self.is_step(it, freer)) {
            return Decision::holds(decided_by);
        }
        Decision::fails(Finding {
            expected,
            found: format!("{} {}", self.run_name(run), self.wait_of_step(wait)),
            decided_by,
            nearest: self.nearest_freed(freer),
        })
    }

    /// Whom else a step frees.
    fn nearest_freed(&self, freer: &StepRef) -> Option<String> {
        let frees = |it: &Wait| self.freer(it).is_some_and(|it| self.is_step(it, freer));
        let run = self.history.steps.iter().find(|run| self.waits_of(run).any(frees))?;
        Some(format!("{} frees {}", self.step_name(freer), self.run_name(run)))
    }

    fn step_fault(&self, step: &StepRef, kind: Option<FaultKind>) -> Decision {
        let name = self.step_name(step);
        let expected = match kind {
            Some(kind) => {
                format!("{name} ends in {} ({})", kind.facts().word, kind.facts().hex())
            }
            None => format!("{name} ends without a fault"),
        };
        let end = match self.end_or(step, &expected) {
            Ok((_, end)) => end,
            Err(decision) => return decision,
        };
        if end.fault.map(|it| it.kind) == kind {
            return Decision::holds(Some(end.at));
        }
        Decision::fails(Finding {
            expected,
            found: end.fault.map_or_else(
                || "it ends without a fault".to_owned(),
                |fault| format!("it ends in {fault}"),
            ),
            decided_by: Some(end.at),
            nearest: kind.and_then(|kind| self.nearest_fault(None, Some(kind))),
        })
    }

    /// A step ends after another one began, and before the next one did.
    fn ends_with(&self, step: &StepRef, other: &StepRef) -> Decision {
        let expected = format!("{} ends with {}", self.step_name(step), self.step_name(other));
        let end = match self.end_or(step, &expected) {
            Ok((_, end)) => end,
            Err(decision) => return decision,
        };
        let steps = &self.history.steps;
        let with = steps[..steps.partition_point(|it| it.began < end.at)].last();
        if with.is_some_and(|it| self.is_step(it, other)) {
            return Decision::holds(Some(end.at));
        }
        let moment = self.history.names.moment(end.at.at);
        let with = with.map_or_else(String::new, |it| format!(", with {}", self.run_name(it)));
        let other = self.last_run(other).map(|it| {
            let moment = self.history.names.moment(it.began.at);
            format!("{} begins at {moment}", self.run_name(it))
        });
        Decision::fails(Finding {
            expected,
            found: format!("it ends at {moment}{with}"),
            decided_by: Some(end.at),
            nearest: other,
        })
    }

    fn answers(&self, step: &StepRef, rows: &[Vec<(Name, Value)>]) -> Decision {
        let names = &self.history.names;
        let told = |(name, value): &(Name, Value)| format!("{name}: {}", names.value(value));
        let told = |row: &Vec<(Name, Value)>| {
            format!("{{{}}}", row.iter().map(told).collect::<Vec<_>>().join(", "))
        };
        let told = rows.iter().map(told).collect::<Vec<_>>().join(", ");
        let expected = format!("{} answers [{told}]", self.step_name(step));
        let end = match self.end_or(step, &expected) {
            Ok((_, end)) => end,
            Err(decision) => return decision,
        };
        let found: &[Value] = match end.answer {
            Value::List(found) => found,
            _ => return self.no_answer(expected, end),
        };
        let fits = |(row, found): (&Vec<(Name, Value)>, &Value)| self.is_row(row, found);
        if rows.len() == found.len() && rows.iter().zip(found).all(fits) {
            return Decision::holds(Some(end.at));
        }
        let mut left: Vec<&Value> = found.iter().collect();
        let is_known = |row: &Vec<(Name, Value)>| {
            let place = left.iter().position(|it| self.is_row(row, it));
            place.map(|place| left.swap_remove(place)).is_some()
        };
        let reordered = rows.len() == found.len() && rows.iter().all(is_known);
        Decision::fails(Finding {
            expected,
            found: format!("it answers {}", names.value(end.answer)),
            decided_by: Some(end.at),
            nearest: reordered.then(|| "the same rows, in another order".to_owned()),
        })
    }

    /// Whether a row has these columns.
    fn is_row(&self, columns: &[(Name, Value)], found: &Value) -> bool {
        let Value::Record(record) = found else {
            return false;
        };
        columns.iter().all(|(name, expected)| {
            let found = column(record, name);
            found.is_some_and(|found| self.same(expected, &found))
        })
    }

    fn affects(&self, step: &StepRef, count: Bounds<u64>) -> Decision {
        let name = self.step_name(step);
        let noun = if count == Bounds::exactly(1) { "row" } else { "rows" };
        let expected = format!("{name} writes {} {noun}", bounds(count, |it| it.to_string()));
        let end = match self.end_or(step, &expected) {
            Ok((_, end)) => end,
            Err(decision) => return decision,
        };
        let written = match end.answer {
            Value::Whole(written) => u64::try_from(*written).unwrap_or(0),
            // An insert answers which row it has added.
            Value::Id(_) => 1,
            _ => return self.no_answer(expected, end),
        };
        let finding = (!count.contain(written)).then(|| Finding {
            expected,
            found: match written {
                1 => "it writes 1 row".to_owned(),
                count => format!("it writes {count} rows"),
            },
            decided_by: Some(end.at),
            nearest: None,
        });
        Decision::of(Some(end.at), finding)
    }

    /// The step did not answer what was claimed of it, since it came to something else.
    fn no_answer(&self, expected: String, end: StepEnd<'_>) -> Decision {
        let found = match (end.fault, end.answer) {
            (Some(fault), _) => format!("it ends in {fault}"),
            (None, Value::Null) => "it answers nothing".to_owned(),
            (None, answer) => format!("it answers {}", self.history.names.value(answer)),
        };
        Decision::fails(Finding { expected, found, decided_by: Some(end.at), nearest: None })
    }
}

/// A column of a row as read, its `id` and that of an expanded lookup included.
fn column(record: &Record, name: &str) -> Option<Value> {
    match member(record, name) {
        Some(value) => Some(value.clone()),
        None if name == "id" => Some(Value::Id(record.id)),
        None => None,
    }
}
