//! A world that a test is alone with.

use std::sync::Arc;
use std::time::Duration;

use crate::check::{self, Violation};
use crate::engine::{
    Answer, Arrival, Ask, GuestId, InOrder, Input, Output, Progress, Which, World,
};
use crate::fault::Fault;
use crate::plan::Plan;
use crate::report::{self, StoryOptions};
use crate::trace::{Entry, Event, Trace};
use crate::words::{ActorId, InstanceId, Name, Record, SimInstant, Value};

/// A world that a test is alone with: whoever calls its instances, the test lets them.
///
/// Virtual time passes only while something is carried out. Everything is done twice, on the
/// world and on a copy of it: a plug-in that does not do the same thing both times uses a clock,
/// randomness or state of its own, and the test panics.
///
/// A copy of a testbed goes on by itself, from wherever the original was: also from the middle of
/// a plug-in.
#[derive(Clone)]
pub struct Testbed {
    plan: Arc<Plan>,
    world: World,
    entries: Vec<Entry>,
    /// The answers that nobody has taken yet.
    answers: Vec<(GuestId, Result<Answer, Fault>)>,
    next_guest: u64,
    /// Who makes the requests of no caller in particular.
    own: Option<Caller>,
}

/// Somebody who calls an instance of a [`Testbed`], and has one request under way at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(GuestId);

impl Testbed {
    pub(super) fn new(plan: Arc<Plan>, world: World) -> Self {
        let (entries, answers) = (Vec::new(), Vec::new());
        let mut bed = Self { plan, world, entries, answers, next_guest: 0, own: None };
        bed.take();
        bed
    }

    /// Somebody who calls this instance, by this name, as a system administrator.
    ///
    /// # Panics
    ///
    /// There is no such instance.
    pub fn caller(&mut self, name: &str, instance: &str) -> Caller {
        self.enter(name, instance, None)
    }

    /// Somebody who calls this instance as a user of its `security:`.
    ///
    /// # Panics
    ///
    /// There is no such instance.
    pub fn user(&mut self, user: &str, instance: &str) -> Caller {
        self.enter(user, instance, Some(Name::from(user)))
    }

    fn enter(&mut self, name: &str, instance: &str, user: Option<Name>) -> Caller {
        let guest = GuestId(self.next_guest);
        self.next_guest += 1;
        let instance = self.instance(instance);
        let arrival = Arrival { instance, actor: ActorId(0), name: Name::from(name), user };
        self.bring(&Input::Enter(guest, arrival));
        Caller(guest)
    }

    fn instance(&self, name: &str) -> InstanceId {
        let found = self.plan.instances.iter().position(|instance| &*instance.name == name);
        match found.and_then(|index| u16::try_from(index).ok()) {
            Some(index) => InstanceId(index),
            None => panic!("there is no instance `{name}`"),
        }
    }

    /// Makes a request to the first instance and lets time pass until it is answered.
    ///
    /// # Errors
    ///
    /// The request's fault.
    ///
    /// # Panics
    ///
    /// A plug-in does not do the same thing twice.
    pub fn ask(&mut self, ask: Ask) -> Result<Answer, Fault> {
        let own = self.own.unwrap_or_else(|| {
            let first = self.plan.instances[0].name.clone();
            self.enter("test", &first, None)
        });
        self.own = Some(own);
        self.ask_as(own, ask)
    }

    /// The same as this caller.
    ///
    /// # Errors
    ///
    /// The request's fault.
    ///
    /// # Panics
    ///
    /// A plug-in does not do the same thing twice; the caller has a request under way already.
    pub fn ask_as(&mut self, caller: Caller, ask: Ask) -> Result<Answer, Fault> {
        self.begin(caller, ask);
        self.answer(caller)
    }

    /// Adds a row of this name in the first instance.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub fn create(
        &mut self,
        table: &str,
        name: &str,
        columns: &[(&str, Value)],
    ) -> Result<(), Fault> {
        self.ask(Ask::create(table).row(name).set_all(columns)).map(drop)
    }

    /// Changes a row of the first instance.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub fn update(
        &mut self,
        table: &str,
        row: impl Into<Which>,
        columns: &[(&str, Value)],
    ) -> Result<(), Fault> {
        self.ask(Ask::update(table, row).set_all(columns)).map(drop)
    }

    /// Removes a row of the first instance.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub fn delete(&mut self, table: &str, row: impl Into<Which>) -> Result<(), Fault> {
        self.ask(Ask::delete(table, row)).map(drop)
    }

    /// Lets a caller make a request, and does not wait for the answer.
    ///
    /// # Panics
    ///
    /// A plug-in does not do the same thing twice.
    pub fn begin(&mut self, caller: Caller, ask: Ask) {
        self.bring(&Input::Call(caller.0, ask));
    }

    /// Lets a caller open a transaction, in which its requests are from now on.
    ///
    /// # Errors
    ///
    /// It has one already.
    pub fn begin_transaction(&mut self, caller: Caller) -> Result<(), Fault> {
        self.bring(&Input::Begin(caller.0, None));
        self.answer(caller).map(drop)
    }

    /// Lets a caller commit its transaction.
    ///
    /// # Errors
    ///
    /// It has none, or the transaction can't be committed any more.
    pub fn commit(&mut self, caller: Caller) -> Result<(), Fault> {
        self.bring(&Input::Commit(caller.0));
        self.answer(caller).map(drop)
    }

    /// Lets a caller roll its transaction back.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn roll_back(&mut self, caller: Caller) -> Result<(), Fault> {
        self.bring(&Input::RollBack(caller.0));
        self.answer(caller).map(drop)
    }

    /// The answer to what a caller has begun; time passes until it is there.
    ///
    /// # Errors
    ///
    /// The request's fault.
    ///
    /// # Panics
    ///
    /// The caller has asked for nothing; a plug-in does not do the same thing twice.
    pub fn answer(&mut self, caller: Caller) -> Result<Answer, Fault> {
        loop {
            if let Some(answer) = self.answer_so_far(caller) {
                return answer;
            }
            let progress = self.twice(|world| world.advance(&mut InOrder));
            assert!(progress == Progress::Advanced, "the caller waits for no answer");
        }
    }

    /// The answer to what a caller has begun, if it is there already.
    pub fn answer_so_far(&mut self, caller: Caller) -> Option<Result<Answer, Fault>> {
        let found = self.answers.iter().position(|(guest, _)| *guest == caller.0)?;
        Some(self.answers.remove(found).1)
    }

    /// Lets so much time pass.
    ///
    /// # Panics
    ///
    /// A plug-in does not do the same thing twice.
    pub fn pass(&mut self, duration: Duration) {
        let until = self.world.now() + duration;
        self.twice(|world| world.advance_until(until));
    }

    /// Lets time pass until nothing is under way any more: jobs have run, and been retried.
    ///
    /// # Panics
    ///
    /// A plug-in does not do the same thing twice; a million transitions did not bring the end.
    pub fn settle(&mut self) {
        for _ in 0..SETTLES_WITHIN {
            if self.twice(|world| world.advance(&mut InOrder)) == Progress::Ended {
                return;
            }
        }
        panic!("what is under way comes to no end");
    }

    /// How many requests wait for a lock.
    pub fn blocked_count(&self) -> usize {
        self.world.blocked_count()
    }

    /// The instant that the world has reached.
    pub const fn now(&self) -> SimInstant {
        self.world.now()
    }

    /// The digest of the state: equal states have equal digests.
    pub fn digest(&self) -> u128 {
        self.world.digest()
    }

    /// A row of the first instance as it is committed; nobody is asked, and no time passes.
    ///
    /// # Panics
    ///
    /// There is no such table.
    pub fn row(&self, table: &str, row: impl Into<Which>) -> Option<Arc<Record>> {
        let first = &self.plan.instances[0].name;
        self.row_in(first, table, row)
    }

    /// A row of another instance.
    ///
    /// # Panics
    ///
    /// There is no such instance or table.
    pub fn row_in(
        &self,
        instance: &str,
        table: &str,
        row: impl Into<Which>,
    ) -> Option<Arc<Record>> {
        let found = self.world.committed(self.instance(instance), table, &row.into());
        found.unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// What a row of the first instance has in a column; null where there is no such row.
    ///
    /// # Panics
    ///
    /// There is no such table or column.
    pub fn value(&self, table: &str, row: impl Into<Which>, column: &str) -> Value {
        let mut tables = self.plan.tables.iter();
        let is_there = tables.any(|it| &*it.name == table && it.column(column).is_some());
        assert!(is_there, "there is no column `{column}` of a table `{table}`");
        self.row(table, row).map_or(Value::Null, |row| row.value(column))
    }

    /// The lines of the plug-in trace log.
    pub fn trace_log(&self) -> Vec<&str> {
        let lines = self.entries.iter().filter_map(|entry| match &entry.event {
            Event::PlugInTraced(traced) => Some(&*traced.text),
            _ => None,
        });
        lines.collect()
    }

    /// How often a step has run.
    pub fn runs(&self, step: &str) -> usize {
        let began = self.entries.iter().filter(|entry| match entry.event {
            Event::PlugInBegan { plug_in, .. } => &*self.plan.plug_in(plug_in).name == step,
            _ => false,
        });
        began.count()
    }

    /// What has happened so far.
    pub fn trace(&self) -> Trace {
        Trace { header: self.world.header(), entries: self.entries.clone() }
    }

    /// The promises of the engine that do not hold of what has happened: none, unless multiverse
    /// has a bug.
    pub fn violations(&self) -> Vec<Violation> {
        check::invariant::violations(&self.ended())
    }

    /// What has happened, as a person reads it.
    pub fn story(&self) -> String {
        let trace = self.ended();
        let verdict = check::verdict(&self.plan, &trace);
        report::story(&trace, &verdict, &StoryOptions::default())
    }

    /// What has happened, with every caller seen off.
    fn ended(&self) -> Trace {
        let mut end = self.clone();
        for guest in end.world.guests() {
            end.bring(&Input::Leave(guest));
        }
        end.trace()
    }

    fn bring(&mut self, input: &Input) {
        let now = self.world.now();
        self.twice(|world| world.take_in(now, input.clone()));
    }

    /// Does something on the world and on a copy of it.
    fn twice<T>(&mut self, action: impl Fn(&mut World) -> T) -> T {
        let mut twin = self.world.clone();
        let done = action(&mut self.world);
        action(&mut twin);
        let ours = self.take();
        let theirs = twin.take_events();
        let entries = &self.entries[self.entries.len() - ours..];
        let parted = entries.iter().zip(&theirs).find(|(our, their)| our != their);
        if let Some((our, their)) = parted {
            panic!(
                "The same thing, done twice, went two ways: a plug-in uses a clock, randomness or \
                 state of its own.\n  once:  {:?}\n  again: {:?}",
                our.event, their.event
            );
        }
        assert!(
            ours == theirs.len() && self.world.digest() == twin.digest(),
            "the same thing, done twice, went two ways: a plug-in uses a clock, randomness or \
             state of its own"
        );
        done
    }

    /// Takes what has left the world. Answers how many events there were.
    fn take(&mut self) -> usize {
        let mut entries = self.world.take_events();
        let count = entries.len();
        self.entries.append(&mut entries);
        for output in self.world.take_outputs() {
            if let Output::Reply(guest, answer) = output {
                self.answers.push((guest, answer));
            }
        }
        count
    }
}

/// More transitions than any test has a use for.
const SETTLES_WITHIN: u32 = 1_000_000;
