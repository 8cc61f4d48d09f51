//! Relationships: what becomes of the rows that refer to a row when that one changes, and which
//! rows can be associated with which.

use serde::{Deserialize, Serialize};

use crate::plan::Location;
use crate::words::{ColumnId, Name, RowId, TableId};

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
    /// Whether those below get the new owner when the one above gets one.
    pub assign: Cascading,
    /// Whether those below are shared with whom the one above is shared with.
    pub share: Cascading,
    /// Whether those below are no longer shared when the one above is not.
    pub unshare: Cascading,
    /// Whether one that comes to refer to the one above is shared with its owner, and with whom
    /// that one is shared with.
    pub reparent: Cascading,
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

/// On which of the rows that refer to a row an action goes on.
///
/// Source: Microsoft Learn, "Configure table relationship cascading behavior", the values of
/// `CascadeType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cascading {
    /// On none.
    #[default]
    None,
    /// On all of them.
    Cascade,
    /// On those whose `statecode` is `Active`.
    Active,
    /// On those that belong to the same owner as the row.
    UserOwned,
}

/// A many-to-many relationship: any number of rows of one table are associated with any number of
/// another's. Each pair is a row of a table of its own, the intersect table, which only Associate
/// and Disassociate write.
///
/// Source: Microsoft Learn, "Table relationships", Many-to-many; `AssociateRequest` class, Remarks:
/// it "creates a record in the intersect table for the relationship".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManyToMany {
    /// Its name, unique in the scenario.
    pub name: Name,
    /// The tables whose rows it associates; the same one twice where rows are associated with
    /// others of their own table.
    pub ends: [End; 2],
    /// The intersect table. Its alternate key has the columns of both ends, so that no pair is
    /// there twice.
    pub intersect: TableId,
    /// Where the file says so.
    pub at: Location,
}

/// One end of a many-to-many relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The table of its rows.
    pub table: TableId,
    /// The lookup by which the intersect table refers to them.
    pub column: ColumnId,
}

/// A many-to-many relationship, by its position in [`Plan::many_to_many`].
///
/// [`Plan::many_to_many`]: crate::plan::Plan::many_to_many
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ManyToManyId(pub u16);

impl Relationship {
    /// Whether it is parental: it takes some action on to the rows below.
    ///
    /// Source: Microsoft Learn, "Table relationships", Limitations: a table can be the related one
    /// in one relationship only that has any action set to Cascade All, Active or User-Owned.
    pub fn is_parental(&self) -> bool {
        let actions = [self.assign, self.share, self.unshare, self.reparent];
        self.delete == OnDelete::Cascade || actions.iter().any(|it| *it != Cascading::None)
    }
}

impl ManyToManyId {
    /// The position.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl ManyToMany {
    /// The end that the rows of a table stand at; of two alike the first. `None` for a table that
    /// it is not about.
    pub fn end_of(&self, table: TableId) -> Option<usize> {
        self.ends.iter().position(|end| end.table == table)
    }

    /// A row of a table and one that it is associated with, in the order of the ends.
    pub fn pair(&self, table: TableId, row: RowId, related: RowId) -> [RowId; 2] {
        match self.end_of(table) {
            Some(1) => [related, row],
            _ => [row, related],
        }
    }

    /// The table of the rows with which those of a table are associated.
    pub fn other(&self, table: TableId) -> TableId {
        match self.end_of(table) {
            Some(1) => self.ends[0].table,
            _ => self.ends[1].table,
        }
    }
}

/// What the row of a pair is called: `spring with ann`. Its id follows from that, as for any row.
pub fn pair_name(first: &str, second: &str) -> String {
    format!("{first} with {second}")
}
