//! The lock modes of SQL Server, by name. Which of them go together is the lock table's business
//! (`engine::lock`); stories only need the words.

use serde::{Deserialize, Serialize};

/// In which mode a lock is held or asked for.
///
/// Source: Microsoft Learn, "Transaction locking and row versioning guide", Lock modes. The page
/// and partition modes (IU, SIU, UIX) and bulk update are left out: nothing here locks pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LockMode {
    /// Schema stability: a statement runs; its table's definition must not change.
    #[serde(rename = "Sch-S")]
    SchemaStability,
    /// Schema modification: the table's definition changes.
    #[serde(rename = "Sch-M")]
    SchemaModification,
    /// Intent shared: there are shared locks further down.
    #[serde(rename = "IS")]
    IntentShared,
    /// Intent exclusive: there are exclusive locks further down.
    #[serde(rename = "IX")]
    IntentExclusive,
    /// Shared with intent exclusive: the whole is read, parts are written.
    #[serde(rename = "SIX")]
    SharedIntentExclusive,
    /// Shared: for reading.
    #[serde(rename = "S")]
    Shared,
    /// Update: for reading what will probably be written. At most one on a resource.
    #[serde(rename = "U")]
    Update,
    /// Exclusive: for writing.
    #[serde(rename = "X")]
    Exclusive,
    /// A serializable read of the range below a key and of the key.
    #[serde(rename = "RangeS-S")]
    RangeSharedShared,
    /// A serializable read of a range that will probably be written.
    #[serde(rename = "RangeS-U")]
    RangeSharedUpdate,
    /// The test that a new key may go into the range below this one. Held for an instant.
    #[serde(rename = "RangeI-N")]
    RangeInsertNull,
    /// Conversion of Shared and RangeI-N.
    #[serde(rename = "RangeI-S")]
    RangeInsertShared,
    /// Conversion of Update and RangeI-N.
    #[serde(rename = "RangeI-U")]
    RangeInsertUpdate,
    /// Conversion of Exclusive and RangeI-N.
    #[serde(rename = "RangeI-X")]
    RangeInsertExclusive,
    /// Conversion of RangeI-N and RangeS-S.
    #[serde(rename = "RangeX-S")]
    RangeExclusiveShared,
    /// Conversion of RangeI-N and RangeS-U.
    #[serde(rename = "RangeX-U")]
    RangeExclusiveUpdate,
    /// A write of a key inside a range that is read serializably.
    #[serde(rename = "RangeX-X")]
    RangeExclusiveExclusive,
}

impl LockMode {
    /// Every mode.
    pub const ALL: [Self; 17] = [
        Self::SchemaStability,
        Self::SchemaModification,
        Self::IntentShared,
        Self::IntentExclusive,
        Self::SharedIntentExclusive,
        Self::Shared,
        Self::Update,
        Self::Exclusive,
        Self::RangeSharedShared,
        Self::RangeSharedUpdate,
        Self::RangeInsertNull,
        Self::RangeInsertShared,
        Self::RangeInsertUpdate,
        Self::RangeInsertExclusive,
        Self::RangeExclusiveShared,
        Self::RangeExclusiveUpdate,
        Self::RangeExclusiveExclusive,
    ];

    /// The mode's abbreviation in SQL Server's documentation: `S`, `IX`, `RangeS-S`.
    pub const fn abbreviation(self) -> &'static str {
        match self {
            Self::SchemaStability => "Sch-S",
            Self::SchemaModification => "Sch-M",
            Self::IntentShared => "IS",
            Self::IntentExclusive => "IX",
            Self::SharedIntentExclusive => "SIX",
            Self::Shared => "S",
            Self::Update => "U",
            Self::Exclusive => "X",
            Self::RangeSharedShared => "RangeS-S",
            Self::RangeSharedUpdate => "RangeS-U",
            Self::RangeInsertNull => "RangeI-N",
            Self::RangeInsertShared => "RangeI-S",
            Self::RangeInsertUpdate => "RangeI-U",
            Self::RangeInsertExclusive => "RangeI-X",
            Self::RangeExclusiveShared => "RangeX-S",
            Self::RangeExclusiveUpdate => "RangeX-U",
            Self::RangeExclusiveExclusive => "RangeX-X",
        }
    }

    /// The mode in a story: "exclusive", never "X lock", since a row may be called X.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SchemaStability => "schema stability",
            Self::SchemaModification => "schema modification",
            Self::IntentShared => "intent shared",
            Self::IntentExclusive => "intent exclusive",
            Self::SharedIntentExclusive => "shared with intent exclusive",
            Self::Shared => "shared",
            Self::Update => "update",
            Self::Exclusive => "exclusive",
            Self::RangeSharedShared => "range shared",
            Self::RangeSharedUpdate => "range shared, update",
            Self::RangeInsertNull => "range insert",
            Self::RangeInsertShared => "range insert, shared",
            Self::RangeInsertUpdate => "range insert, update",
            Self::RangeInsertExclusive => "range insert, exclusive",
            Self::RangeExclusiveShared => "range exclusive, shared",
            Self::RangeExclusiveUpdate => "range exclusive, update",
            Self::RangeExclusiveExclusive => "range exclusive",
        }
    }
}
