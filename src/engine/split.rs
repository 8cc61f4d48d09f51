//! Split updates: an Update that mixes the owner or the state with other columns meets the steps
//! of the stages inside the transaction twice.
//!
//! Source: Microsoft Learn, "Special update operation behavior": PreOperation and PostOperation
//! steps run once for the ordinary columns and once for those of the owner or the state.
//! Assumed: in that order, each time with only that part of the columns as its target; the
//! columns are known by their names.

use crate::engine::fiber::RequestFrame;
use crate::plan::{Message, Plan, Stage, Table};
use crate::words::ColumnId;

/// For which columns of an Update the steps of a stage run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// For all: the Update is not split here.
    #[default]
    Whole,
    /// For those that are neither of the owner nor of the state.
    Ordinary,
    /// For those of the owner and the state.
    Special,
}

impl Part {
    /// The part with which a stage begins.
    pub fn first(plan: &Plan, frame: &RequestFrame, stage: Stage) -> Self {
        let table = plan.table(frame.request.table);
        let columns = || frame.request.columns.iter().map(|(column, _)| is_special(table, *column));
        let is_split = frame.request.message == Message::Update
            && stage != Stage::PreValidation
            && columns().any(|it| it)
            && columns().any(|it| !it);
        if is_split { Self::Ordinary } else { Self::Whole }
    }

    /// Whether a column is in this part.
    pub fn has(self, table: &Table, column: ColumnId) -> bool {
        match self {
            Self::Whole => true,
            Self::Ordinary => !is_special(table, column),
            Self::Special => is_special(table, column),
        }
    }
}

/// Whether a column is of the owner or of the state.
fn is_special(table: &Table, column: ColumnId) -> bool {
    let name = &*table.columns[column.index()].name;
    matches!(name, "ownerid" | "statecode" | "statuscode")
}
