//! Random histories, with a model beside them that is too plain to be wrong: three lists that are
//! searched from one end to the other, and the compatibility table as the documents print it.

use proptest::prelude::*;

use super::matrix::printed;
use super::*;

type Entry = (Owner, Resource, LockMode);

#[derive(Default)]
struct Model {
    granted: Vec<Entry>,
    converting: Vec<Entry>,
    waiting: Vec<Entry>,
}

fn agree(a: LockMode, b: LockMode) -> bool {
    printed(a, b).expect("modes that can meet")
}

impl Model {
    fn pending(&self, owner: Owner) -> Option<Entry> {
        let mut all = self.converting.iter().chain(&self.waiting);
        all.find(|entry| entry.0 == owner).copied()
    }

    fn held(&self, owner: Owner, resource: Resource) -> Option<LockMode> {
        let mut granted = self.granted.iter();
        let found = granted.find(|entry| (entry.0, entry.1) == (owner, resource))?;
        Some(found.2)
    }

    /// Whom a request waits for: holders, then those ahead.
    fn blockers(&self, (owner, resource, mode): Entry) -> (Vec<Owner>, Vec<Owner>) {
        let conflicts =
            |entry: &&Entry| entry.0 != owner && entry.1 == resource && !agree(mode, entry.2);
        let holders = self.granted.iter().filter(conflicts).map(|e| e.0).collect();
        if self.held(owner, resource).is_some() {
            return (holders, Vec::new());
        }
        let earlier = self.waiting.iter().take_while(|entry| entry.0 != owner);
        let all = self.converting.iter().chain(earlier);
        (holders, all.filter(conflicts).map(|e| e.0).collect())
    }

    fn is_blocked(&self, entry: Entry) -> bool {
        let (holders, ahead) = self.blockers(entry);
        !holders.is_empty() || !ahead.is_empty()
    }

    fn set(&mut self, owner: Owner, resource: Resource, mode: LockMode) {
        let mut granted = self.granted.iter_mut();
        match granted.find(|entry| (entry.0, entry.1) == (owner, resource)) {
            Some(entry) => entry.2 = mode,
            None => self.granted.push((owner, resource, mode)),
        }
    }

    fn request(&mut self, owner: Owner, resource: Resource, asked: LockMode) -> Decision {
        let held = self.held(owner, resource);
        let mode = held.map_or(asked, |held| combine(held, asked));
        if held == Some(mode) {
            return Decision::Held;
        }
        let entry = (owner, resource, mode);
        if !self.is_blocked(entry) {
            self.set(owner, resource, mode);
            return Decision::Granted;
        }
        let queue = match held {
            Some(_) => &mut self.converting,
            None => &mut self.waiting,
        };
        queue.push(entry);
        Decision::Queued
    }

    fn promote(&mut self, resource: Resource) -> Vec<Owner> {
        let mut granted = Vec::new();
        for entry in self.converting.clone().into_iter().chain(self.waiting.clone()) {
            if entry.1 == resource && !self.is_blocked(entry) {
                self.withdraw(entry.0);
                self.set(entry.0, resource, entry.2);
                granted.push(entry.0);
            }
        }
        granted
    }

    fn withdraw(&mut self, owner: Owner) {
        self.converting.retain(|entry| entry.0 != owner);
        self.waiting.retain(|entry| entry.0 != owner);
    }

    fn cancel(&mut self, owner: Owner) -> Option<Vec<Owner>> {
        let (_, resource, _) = self.pending(owner)?;
        self.withdraw(owner);
        Some(self.promote(resource))
    }

    fn release(&mut self, owner: Owner, resource: Resource) -> Option<Vec<Owner>> {
        self.held(owner, resource)?;
        if self.pending(owner).is_some_and(|entry| entry.1 == resource) {
            self.withdraw(owner);
        }
        self.granted.retain(|entry| (entry.0, entry.1) != (owner, resource));
        Some(self.promote(resource))
    }

    fn weaken(&mut self, owner: Owner, resource: Resource, mode: LockMode) -> Option<Vec<Owner>> {
        let held = self.held(owner, resource)?;
        let converts = self.pending(owner).is_some_and(|entry| entry.1 == resource);
        if converts || held == mode || combine(held, mode) != held {
            return None;
        }
        self.set(owner, resource, mode);
        Some(self.promote(resource))
    }

    fn release_parts(&mut self, owner: Owner, table: TableId) -> (u32, Vec<Owner>) {
        let parts = self.held_by(owner).into_iter().map(|(resource, _)| resource);
        let parts: Vec<_> = parts
            .filter(|resource| match resource {
                Resource::Row(of, _) | Resource::Key { table: of, .. } => *of == table,
                Resource::End { table: of, .. } => *of == table,
                Resource::Table(_) | Resource::Transaction(_) => false,
            })
            .collect();
        let mut granted = Vec::new();
        for resource in &parts {
            granted.extend(self.release(owner, *resource).unwrap_or_default());
        }
        (u32::try_from(parts.len()).expect("few"), granted)
    }

    fn release_all(&mut self, owner: Owner) -> (u32, Vec<Owner>) {
        let mut granted = self.cancel(owner).unwrap_or_default();
        let held: Vec<_> = self.held_by(owner);
        for (resource, _) in &held {
            granted.extend(self.release(owner, *resource).unwrap_or_default());
        }
        (u32::try_from(held.len()).expect("few"), granted)
    }

    fn held_by(&self, owner: Owner) -> Vec<(Resource, LockMode)> {
        let granted = self.granted.iter().filter(|entry| entry.0 == owner);
        granted.map(|entry| (entry.1, entry.2)).collect()
    }

    /// The shortest cycle through `from`, by a search that keeps whole ways.
    fn cycle(&self, from: Owner) -> Option<Vec<Edge>> {
        let mut ways = std::collections::VecDeque::from([vec![from]]);
        let mut seen = vec![];
        while let Some(way) = ways.pop_front() {
            let Some(entry) = self.pending(*way.last()?) else {
                continue;
            };
            let (holders, ahead) = self.blockers(entry);
            for next in holders.into_iter().chain(ahead) {
                if next == from {
                    return way.into_iter().map(|waiter| self.edge(waiter)).collect();
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    ways.push_back([way.as_slice(), &[next]].concat());
                }
            }
        }
        None
    }

    fn edge(&self, waiter: Owner) -> Option<Edge> {
        let (_, resource, mode) = self.pending(waiter)?;
        Some(Edge { waiter, resource, mode })
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Request(Owner, Resource, LockMode),
    Cancel(Owner),
    Release(Owner, Resource),
    Weaken(Owner, Resource, LockMode),
    ReleaseParts(Owner, TableId),
    ReleaseAll(Owner),
}

fn owners() -> impl Strategy<Value = Owner> {
    (0_u32..9).prop_map(Owner)
}

fn targets() -> impl Strategy<Value = (Resource, LockMode)> {
    let key = |hash| match hash {
        0 => Resource::End { table: TableId(1), index: 0 },
        hash => Resource::Key { table: TableId(1), index: 0, hash },
    };
    prop_oneof![
        (0..2_u16, prop::sample::select(&TABLE_MODES[..]))
            .prop_map(|(table, mode)| (Resource::Table(TableId(table)), mode)),
        (0..3_u32, prop::sample::select(&KEY_MODES[..3]))
            .prop_map(|(number, mode)| (row(number), mode)),
        (0..3_u64, prop::sample::select(&KEY_MODES[..]))
            .prop_map(move |(hash, mode)| (key(hash), mode)),
        (0..2_u32, prop::sample::select(&KEY_MODES[..3]))
            .prop_map(|(number, mode)| (Resource::Transaction(TransactionId(number)), mode)),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (owners(), targets()).prop_map(|(owner, (on, mode))| Act::Request(owner, on, mode)),
        1 => owners().prop_map(Act::Cancel),
        2 => (owners(), targets()).prop_map(|(owner, (on, _))| Act::Release(owner, on)),
        2 => (owners(), targets()).prop_map(|(owner, (on, mode))| Act::Weaken(owner, on, mode)),
        1 => (owners(), 0..2_u16).prop_map(|(owner, of)| Act::ReleaseParts(owner, TableId(of))),
        1 => owners().prop_map(Act::ReleaseAll),
    ]
}

/// Does the same to both and compares what they answer.
fn step(table: &mut LockTable, model: &mut Model, act: Act) -> Result<(), TestCaseError> {
    let mut granted = Vec::new();
    let done = |did: bool, granted: Vec<Owner>| did.then_some(granted);
    match act {
        Act::Request(owner, on, mode) => {
            if model.pending(owner).is_none() {
                let would_wait = table.would_wait(owner, on, mode);
                let decision = table.request(owner, on, mode);
                prop_assert_eq!(would_wait, decision == Decision::Queued);
                prop_assert_eq!(decision, model.request(owner, on, mode));
            }
        }
        Act::Cancel(owner) => {
            let did = table.cancel(owner, &mut granted);
            prop_assert_eq!(done(did, granted), model.cancel(owner));
        }
        Act::Release(owner, on) => {
            let did = table.release(owner, on, &mut granted);
            prop_assert_eq!(done(did, granted), model.release(owner, on));
        }
        Act::Weaken(owner, on, mode) => {
            let did = table.weaken(owner, on, mode, &mut granted);
            prop_assert_eq!(done(did, granted), model.weaken(owner, on, mode));
        }
        Act::ReleaseParts(owner, of) => {
            let count = table.release_table_parts(owner, of, &mut granted);
            prop_assert_eq!((count, granted), model.release_parts(owner, of));
        }
        Act::ReleaseAll(owner) => {
            let count = table.release_all(owner, &mut granted);
            prop_assert_eq!((count, granted), model.release_all(owner));
        }
    }
    Ok(())
}

fn compare(table: &LockTable, model: &Model) -> Result<(), TestCaseError> {
    table.check_invariants();
    for owner in (0..9).map(Owner) {
        let pending = model.pending(owner);
        prop_assert_eq!(table.held(owner).collect::<Vec<_>>(), model.held_by(owner));
        prop_assert_eq!(table.waiting(owner), pending.map(|entry| (entry.1, entry.2)));
        let (holders, ahead) = pending.map_or_else(Default::default, |e| model.blockers(e));
        prop_assert_eq!(table.blockers(owner), Blockers { holders, ahead });
        prop_assert_eq!(table.cycle(owner), model.cycle(owner));
        for (resource, mode) in model.held_by(owner) {
            prop_assert_eq!(table.mode_of(owner, resource), Some(mode));
            let same = model.granted.iter().filter(|entry| entry.1 == resource);
            let holders: Vec<_> = same.map(|entry| (entry.0, entry.2)).collect();
            prop_assert_eq!(table.holders(resource).collect::<Vec<_>>(), holders);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_table_decides_as_the_model_does(history in prop::collection::vec(acts(), 1..60)) {
        let (mut table, mut model) = (LockTable::new(), Model::default());
        for act in history {
            step(&mut table, &mut model, act)?;
            compare(&table, &model)?;
        }
        for owner in (0..9).map(Owner) {
            step(&mut table, &mut model, Act::ReleaseAll(owner))?;
            compare(&table, &model)?;
        }
        prop_assert!(table.is_empty());
    }

    #[test]
    fn equal_locks_have_equal_hashes_whatever_went_before(
        noise in prop::collection::vec(acts(), 0..40),
        history in prop::collection::vec(acts(), 1..40),
    ) {
        let (mut plain, mut used) = (LockTable::new(), LockTable::new());
        let (mut granted, mut model) = (Vec::new(), Model::default());
        for act in noise {
            step(&mut used, &mut model, act)?;
        }
        for owner in (0..9).map(Owner) {
            used.release_all(owner, &mut granted);
        }
        let (mut one, mut other) = (Model::default(), Model::default());
        for act in history {
            step(&mut plain, &mut one, act)?;
            step(&mut used, &mut other, act)?;
            prop_assert_eq!(super::stories::digest_of(&plain), super::stories::digest_of(&used));
            prop_assert_eq!(
                super::stories::digest_of(&used),
                super::stories::digest_of(&used.clone())
            );
        }
    }
}
