//! The names of rows. A name is how people speak of a row; the row's id follows from it.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::engine::sweep::Sweep;
use crate::words::{Name, RowId, TableId};

/// A table by row id. Its order is the hasher's own, so nothing but look-ups ever sees it.
type ById = HashMap<RowId, (TableId, Name), FixedState>;

/// Which rows have a name: those that the plan mentions, and those that programs name as they
/// run. Cloning shares both.
#[derive(Clone, Debug, Default)]
pub struct Names {
    planned: Arc<ById>,
    met: Arc<ById>,
    /// Whether the world has begun: the names learned before go into the trace's header.
    is_sealed: bool,
    sweep: Sweep,
}

impl Names {
    /// The names that the plan mentions.
    pub fn new(planned: impl Iterator<Item = (RowId, (TableId, Name))>) -> Self {
        Self { planned: Arc::default(), met: Arc::new(planned.collect()), ..Self::default() }
    }

    /// The name of a row.
    pub fn get(&self, id: RowId) -> Option<&Name> {
        self.planned.get(&id).or_else(|| self.met.get(&id)).map(|(_, name)| name)
    }

    /// Learns a row's name. Answers whether it is news that the trace's header does not have.
    pub fn learn(&mut self, table: TableId, id: RowId, name: &str) -> bool {
        if self.get(id).is_some() {
            return false;
        }
        Arc::make_mut(&mut self.met).insert(id, (table, Name::from(name)));
        self.is_sealed
    }

    /// Puts the names learned so far beside those that come later, so that learning one more
    /// after the world was cloned does not copy them.
    pub fn seal(&mut self) {
        self.is_sealed = true;
        let learned = std::mem::take(&mut self.met);
        if self.planned.is_empty() {
            self.planned = learned;
        }
    }

    /// How many came after the world had begun.
    pub fn count(&self) -> usize {
        self.met.len()
    }

    /// Whether so many have come that [`Self::forget`] is worth its while.
    pub fn have_grown(&self) -> bool {
        self.sweep.is_due(self.met.len())
    }

    /// Forgets the names that came after the world had begun, but for these.
    pub fn forget(&mut self, but: impl Fn(TableId, RowId) -> bool) {
        Arc::make_mut(&mut self.met).retain(|id, (table, _)| but(*table, *id));
        self.sweep.is_done(self.met.len());
    }

    /// The names that were there when the world began, in the order of the ids.
    pub fn planned(&self) -> Vec<(TableId, RowId, Name)> {
        let mut names: Vec<_> =
            self.planned.iter().map(|(id, (table, name))| (*table, *id, name.clone())).collect();
        names.sort_unstable_by_key(|(table, id, _)| (*table, *id));
        names
    }
}
