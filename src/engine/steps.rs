//! Which plug-in steps a request meets: a look-up by instance, table, message, stage and, for an
//! Update, by the columns that it writes. Its cost does not grow with the steps that are
//! registered for something else, be it another table or another column.

use std::collections::BTreeMap;

use crate::engine::fiber::RequestFrame;
use crate::engine::random::shuffle;
use crate::plan::{Message, Mode, Plan, Stage, StepKind};
use crate::words::{ColumnId, InstanceId, PlugInId, TableId};

/// The registered steps of all instances, each list in the order in which it runs.
#[derive(Debug)]
pub struct StepIndex {
    lists: BTreeMap<(InstanceId, TableId, Message, Stage), StepList>,
    /// The asynchronous steps.
    asynchronous: BTreeMap<(InstanceId, TableId, Message), StepList>,
}

/// The steps of one message in one stage of one table, in the order in which they run.
#[derive(Debug, Default)]
pub struct StepList {
    steps: Vec<PlugInId>,
    /// The positions of those that listen to every request, ascending.
    unfiltered: Vec<usize>,
    /// The positions of those that listen to a column, ascending, by the column.
    filtered: BTreeMap<ColumnId, Vec<usize>>,
}

impl StepIndex {
    /// The index of a plan's enabled steps: by rank; equal ranks in an order of the seed.
    ///
    /// Source: Microsoft Learn, "Register a plug-in", Execution order.
    pub fn of(plan: &Plan) -> Self {
        let mut lists: BTreeMap<_, Vec<PlugInId>> = BTreeMap::new();
        let mut asynchronous: BTreeMap<_, Vec<PlugInId>> = BTreeMap::new();
        for (index, plug_in) in plan.plug_ins.iter().enumerate().filter(|(_, it)| it.enabled) {
            let id = PlugInId(u32::try_from(index).unwrap_or(u32::MAX));
            let all = &plan.instance(plug_in.instance).tables;
            let tables = plug_in.table.as_ref().map_or(&all[..], std::slice::from_ref);
            for table in tables {
                let single = plug_in.message.single();
                for message in single.into_iter().chain([plug_in.message]) {
                    let key = (plug_in.instance, *table, message);
                    if plug_in.mode == Mode::Asynchronous {
                        asynchronous.entry(key).or_default().push(id);
                    } else {
                        let (instance, table, message) = key;
                        let key = (instance, table, message, plug_in.stage);
                        lists.entry(key).or_default().push(id);
                    }
                }
            }
        }
        let ordered = |(key, mut steps): (_, Vec<PlugInId>)| {
            shuffle(plan.seed, &place(plan, key), &mut steps);
            steps.sort_by_key(|id| {
                let step = plan.plug_in(*id);
                // The steps of a bulk message stand around those of the single one.
                let is_bulk = step.message.single().is_some();
                let is_ranked = step.kind == StepKind::PlugIn;
                (is_bulk == (step.stage == Stage::PostOperation), is_ranked, step.rank)
            });
            (key, StepList::of(plan, steps))
        };
        let listed = |(key, steps)| (key, StepList::of(plan, steps));
        Self {
            lists: lists.into_iter().map(ordered).collect(),
            asynchronous: asynchronous.into_iter().map(listed).collect(),
        }
    }

    /// The asynchronous steps that listen there; `None` when there are none.
    pub fn asynchronous(
        &self,
        instance: InstanceId,
        table: TableId,
        message: Message,
    ) -> Option<&StepList> {
        self.asynchronous.get(&(instance, table, message))
    }

    /// The steps that listen there; `None` when there are none.
    pub fn list(
        &self,
        instance: InstanceId,
        table: TableId,
        message: Message,
        stage: Stage,
    ) -> Option<&StepList> {
        self.lists.get(&(instance, table, message, stage))
    }

    /// Whether any step listens to this message on this table.
    pub fn any(&self, instance: InstanceId, table: TableId, message: Message) -> bool {
        [Stage::PreValidation, Stage::PreOperation, Stage::MainOperation, Stage::PostOperation]
            .into_iter()
            .any(|stage| self.list(instance, table, message, stage).is_some())
            || self.asynchronous(instance, table, message).is_some()
    }
}

impl StepList {
    fn of(plan: &Plan, steps: Vec<PlugInId>) -> Self {
        let mut list = Self::default();
        for (position, id) in steps.iter().enumerate() {
            let step = plan.plug_in(*id);
            if step.filter.is_empty() || step.message != Message::Update {
                list.unfiltered.push(position);
                continue;
            }
            for column in &step.filter {
                let positions = list.filtered.entry(*column).or_default();
                if positions.last() != Some(&position) {
                    positions.push(position);
                }
            }
        }
        Self { steps, ..list }
    }

    /// The next step of a request for all of its columns. `is_in_bulk`: whether it is a row of a
    /// bulk message, whose steps run once for all of its rows.
    pub fn next_of(
        &self,
        plan: &Plan,
        frame: &RequestFrame,
        is_in_bulk: bool,
    ) -> Option<(usize, PlugInId)> {
        let mut from = frame.steps_begun;
        loop {
            let columns = frame.request.columns.iter().map(|(column, _)| *column);
            let (position, plug_in) = self.next(from, columns)?;
            if !is_in_bulk || plan.plug_in(plug_in).message == frame.request.message {
                return Some((position, plug_in));
            }
            from = position + 1;
        }
    }

    /// The first step from this position on that a request runs which has these columns in it,
    /// with its position. A column counts by its presence, changed or not.
    ///
    /// Source: Microsoft Learn, "Register a plug-in", Filtering attributes.
    pub fn next(
        &self,
        from: usize,
        columns: impl Iterator<Item = ColumnId>,
    ) -> Option<(usize, PlugInId)> {
        let first_in = |positions: &[usize]| {
            let index = positions.partition_point(|position| *position < from);
            positions.get(index).copied()
        };
        let mut first = first_in(&self.unfiltered);
        if !self.filtered.is_empty() {
            for column in columns {
                let listening = self.filtered.get(&column);
                let found = listening.and_then(|positions| first_in(positions));
                first = match (first, found) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        first.map(|position| (position, self.steps[position]))
    }
}

/// Where steps listen, as the label of the draw that orders those of equal rank.
fn place(
    plan: &Plan,
    (instance, table, message, stage): (InstanceId, TableId, Message, Stage),
) -> String {
    let (instance, table) = (&plan.instance(instance).name, &plan.table(table).name);
    let message = plan.message_name(message);
    format!("ranks {instance}/{table} {message} {}", stage.number())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::plan::{PlugIn, PlugInBody};
    use crate::words::{Name, ProgramId};

    fn step(number: usize, rank: i32, filter: &[u16]) -> PlugIn {
        let name = Name::from(format!("step {number}"));
        let (message, stage) = (Message::Update, Stage::PreOperation);
        let body = PlugInBody::Steps(ProgramId(0));
        let filter = filter.iter().copied().map(ColumnId).collect();
        let table = Some(TableId(0));
        PlugIn { table, rank, filter, ..PlugIn::new(name, InstanceId(0), message, stage, body) }
    }

    /// A rank, and the columns of a filter.
    fn any_step() -> impl Strategy<Value = (i32, Vec<u16>)> {
        (0..4_i32, prop::collection::vec(0..6_u16, 0..3))
    }

    proptest! {
        /// However steps are ranked and filtered, a request meets those that a plain walk over
        /// all of them would give it, in the same order.
        #[test]
        fn a_request_meets_the_steps_of_a_plain_walk(
            steps in prop::collection::vec(any_step(), 0..20),
            present in prop::collection::btree_set(0..6_u16, 0..4),
        ) {
            let mut plan = Plan::empty("");
            let numbered = steps.iter().enumerate();
            plan.plug_ins = numbered.map(|(n, (rank, filter))| step(n, *rank, filter)).collect();
            let mut all: Vec<usize> = (0..steps.len()).collect();
            all.sort_by_key(|number| steps[*number].0);
            let mut walk = all.clone();
            walk.retain(|number| {
                let filter: BTreeSet<_> = steps[*number].1.iter().copied().collect();
                filter.is_empty() || !filter.is_disjoint(&present)
            });
            let id = |number: usize| PlugInId(u32::try_from(number).unwrap());
            let list = StepList::of(&plan, all.into_iter().map(id).collect());
            let mut met = Vec::new();
            let mut from = 0;
            while let Some((at, id)) = list.next(from, present.iter().copied().map(ColumnId)) {
                met.push(id.index());
                from = at + 1;
            }
            prop_assert_eq!(met, walk);
        }
    }
}
