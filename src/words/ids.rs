//! Newtypes for everything that is numbered, so that no two numbers can be swapped.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl $name {
            /// The number as a position in the list that it numbers.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// One Dataverse environment of the plan, by its position in `Plan::instances`.
    InstanceId(u16);
    /// One table definition, by its position in `Plan::tables`. The same table keeps its number
    /// in every instance that has it.
    TableId(u16);
    /// One column of one table, by its position in `Table::columns`.
    ColumnId(u16);
    /// One program of the plan, by its position in `Plan::programs`.
    ProgramId(u32);
    /// One registered plug-in step, by its position in `Plan::plug_ins`.
    PlugInId(u32);
    /// One custom message, by its position in `Plan::messages`.
    MessageId(u16);
    /// One outage: a planned one by its position in `Plan::outages`, then those that a host lets
    /// begin, in their order.
    OutageId(u32);
    /// One actor or flow, by its position in `Plan::actors`.
    ActorId(u32);
    /// One line of activity that a reader follows: one run of one actor or flow, with everything
    /// that instances do on its behalf. Numbered in the order in which the lanes begin; after
    /// `u32::MAX` of them from 0 again.
    LaneId(u32);
    /// One request to an instance, nested ones included. Numbered in the order in which they are
    /// made, over all instances; after `u32::MAX` of them from 0 again, when the earlier ones are
    /// long over.
    RequestId(u32);
    /// One database transaction. Numbered in begin order over all instances; after `u32::MAX` of
    /// them from 0 again, so a number tells apart those under way but not which is older.
    TransactionId(u32);
}

/// The identity of one row: the GUID of its primary key.
///
/// A row that a scenario names has the GUID that its table and name give (UUID version 5), so the
/// row `fabrikam` of table `account` has one GUID in every instance, as a replicated record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(pub Uuid);

impl RowId {
    /// The namespace of named rows: itself the version 5 UUID of "multiverse.row" under the OID
    /// namespace of RFC 4122.
    pub const NAMESPACE: Uuid = Uuid::from_u128(0x7c1e_8f9a_35b2_5d0c_9a41_6f0e_2b7d_c853);

    /// The identity of the row that scenarios call `name` in the table called `table`.
    pub fn named(table: &str, name: &str) -> Self {
        let mut text = String::with_capacity(table.len() + 1 + name.len());
        text.push_str(table);
        text.push('/');
        text.push_str(name);
        Self(Uuid::new_v5(&Self::NAMESPACE, text.as_bytes()))
    }
}

impl std::fmt::Display for RowId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
