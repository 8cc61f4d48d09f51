//! The names of rows. A name is how people speak of a row; the row's id follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::words::{Name, RowId, TableId};

/// Which rows have a name: those that the plan mentions, and those that programs name as they
/// run. Cloning shares both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    planned: Arc<BTreeMap<RowId, (TableId, Name)>>,
    met: Arc<BTreeMap<RowId, Name>>,
}

impl Names {
    /// The names that the plan mentions.
    pub fn new(planned: BTreeMap<RowId, (TableId, Name)>) -> Self {
        Self {
            planned: Arc::new(planned),
            met: Arc::default(),
        }
    }

    /// The name of a row.
    pub fn get(&self, id: RowId) -> Option<&Name> {
        self.planned
            .get(&id)
            .map(|(_, name)| name)
            .or_else(|| self.met.get(&id))
    }

    /// Learns a row's name. Answers whether it is news.
    pub fn learn(&mut self, id: RowId, name: &str) -> bool {
        if self.get(id).is_some() {
            return false;
        }
        Arc::make_mut(&mut self.met).insert(id, Name::from(name));
        true
    }

    /// The names that the plan mentions, in the order of the ids.
    pub fn planned(&self) -> Vec<(TableId, RowId, Name)> {
        self.planned
            .iter()
            .map(|(id, (table, name))| (*table, *id, name.clone()))
            .collect()
    }
}
