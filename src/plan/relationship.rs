//! Relationships: what becomes of the rows that refer to a row when that one changes.

use serde::{Deserialize, Serialize};

use crate::plan::Location;
use crate::words::{ColumnId, Name, TableId};

/// A one-to-many relationship: the rows of one table that refer to a row of another by a lookup.
///
/// Source: Microsoft Learn, "Configure table relationship cascading behavior".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relationship {
    /// Its name, unique in the scenario.
    pub name: Name,
    /// The table of the one.
    pub parent: TableId,
    /// The table of the many.
    pub child: TableId,
    /// The lookup by which the many refer to the one.
    pub by: ColumnId,
    /// What becomes of the many when the one is deleted. Default [`OnDelete::RemoveLink`].
    pub delete: OnDelete,
    /// What becomes of their owner when that of the one changes. Default [`OnAssign::None`].
    pub assign: OnAssign,
    /// Where the file says so.
    pub at: Location,
}

/// What becomes of the rows that refer to a row which is deleted.
///
/// Source: Microsoft Learn, "Configure table relationship cascading behavior", Delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDelete {
    /// They are deleted as well.
    Cascade,
    /// They refer to nothing any more.
    #[default]
    RemoveLink,
    /// The row can't be deleted as long as there are any.
    Restrict,
}

/// What becomes of the owner of the rows that refer to a row which gets another owner.
///
/// Source: Microsoft Learn, "Configure table relationship cascading behavior", Assign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnAssign {
    /// They keep theirs.
    #[default]
    None,
    /// All of them get the new one.
    Cascade,
    /// Those get the new one whose `statecode` is `Active`.
    Active,
    /// Those get the new one that belonged to the same owner as the row.
    UserOwned,
}
