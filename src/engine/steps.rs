//! Which plug-in steps a request meets: a look-up by instance, table, message and stage, whose
//! cost does not grow with the steps that are registered for something else.

use std::collections::BTreeMap;

use crate::engine::random::shuffle;
use crate::plan::{Message, Plan, Stage};
use crate::words::{InstanceId, PlugInId, TableId};

/// The registered steps of all instances, each list in the order in which it runs.
#[derive(Debug)]
pub struct StepIndex {
    lists: BTreeMap<(InstanceId, TableId, Message, Stage), Vec<PlugInId>>,
}

impl StepIndex {
    /// The index of a plan's enabled steps: by rank; equal ranks in an order of the seed.
    ///
    /// Source: Microsoft Learn, "Register a plug-in", Execution order.
    pub fn of(plan: &Plan) -> Self {
        let mut lists: BTreeMap<_, Vec<PlugInId>> = BTreeMap::new();
        for (index, plug_in) in plan.plug_ins.iter().enumerate().filter(|(_, it)| it.enabled) {
            let id = PlugInId(u32::try_from(index).unwrap_or(u32::MAX));
            let all = &plan.instance(plug_in.instance).tables;
            let tables = plug_in.table.as_ref().map_or(&all[..], std::slice::from_ref);
            for table in tables {
                let key = (plug_in.instance, *table, plug_in.message, plug_in.stage);
                lists.entry(key).or_default().push(id);
            }
        }
        for ((instance, table, message, stage), list) in &mut lists {
            let place = (plan.instance(*instance), plan.table(*table));
            let label = format!(
                "ranks {}/{} {} {}",
                place.0.name,
                place.1.name,
                message.name(),
                stage.number()
            );
            shuffle(plan.seed, &label, list);
            list.sort_by_key(|id| plan.plug_in(*id).rank);
        }
        Self { lists }
    }

    /// The steps that listen there.
    pub fn list(
        &self,
        instance: InstanceId,
        table: TableId,
        message: Message,
        stage: Stage,
    ) -> &[PlugInId] {
        self.lists.get(&(instance, table, message, stage)).map_or(&[], Vec::as_slice)
    }

    /// Whether any step listens to this message on this table.
    pub fn any(&self, instance: InstanceId, table: TableId, message: Message) -> bool {
        [Stage::PreValidation, Stage::PreOperation, Stage::PostOperation]
            .into_iter()
            .any(|stage| !self.list(instance, table, message, stage).is_empty())
    }
}
