//! The lock table against its documents, in stories, and against a plain oracle.

mod deadlocks;
mod matrix;
mod oracle;
mod stories;

use super::*;
use crate::engine::store::RowNumber;
use crate::words::TransactionId;

/// The modes of key and row locks.
const KEY_MODES: [LockMode; 12] = [
    LockMode::Shared,
    LockMode::Update,
    LockMode::Exclusive,
    LockMode::RangeSharedShared,
    LockMode::RangeSharedUpdate,
    LockMode::RangeInsertNull,
    LockMode::RangeInsertShared,
    LockMode::RangeInsertUpdate,
    LockMode::RangeInsertExclusive,
    LockMode::RangeExclusiveShared,
    LockMode::RangeExclusiveUpdate,
    LockMode::RangeExclusiveExclusive,
];

/// The modes of table locks.
const TABLE_MODES: [LockMode; 8] = [
    LockMode::SchemaStability,
    LockMode::SchemaModification,
    LockMode::IntentShared,
    LockMode::IntentExclusive,
    LockMode::SharedIntentExclusive,
    LockMode::Shared,
    LockMode::Update,
    LockMode::Exclusive,
];

fn row(number: u32) -> Resource {
    Resource::Row(TableId(0), RowNumber(number))
}
