//! The row store in stories, its parts as properties, and the whole against a plain oracle.

mod indexes;
mod model;
mod oracle;
mod parts;
mod stories;

use std::hash::{Hash, Hasher};

use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use super::*;
use crate::plan;
use crate::plan::{AlternateKey, Column};
use crate::words::ColumnType;

/// A row of nulls.
const NO_VALUES: &[(ColumnId, Value)] = &[];

/// A table with these columns, by name and type, and with these alternate keys and other indexes,
/// by columns.
fn table(columns: &[(&str, ColumnType)], keys: &[&[u16]], indexes: &[&[u16]]) -> Table {
    let numbered = |columns: &&[u16]| columns.iter().copied().map(ColumnId).collect();
    let named = |columns: &&[u16]| format!("by {columns:?}").into();
    let columns = columns
        .iter()
        .map(|(name, kind)| Column { name: (*name).into(), kind: kind.clone() })
        .collect();
    Table {
        keys: keys
            .iter()
            .map(|key| AlternateKey { name: named(key), columns: numbered(key) })
            .collect(),
        indexes: indexes
            .iter()
            .map(|index| plan::Index { name: named(index), columns: numbered(index) })
            .collect(),
        ..Table::new("account".into(), columns)
    }
}

fn text() -> ColumnType {
    ColumnType::Text { max_length: 4_000 }
}

fn id(number: u128) -> RowId {
    RowId(Uuid::from_u128(number))
}

fn digest_of(store: &TableStore) -> u64 {
    let mut hasher = Xxh3::new();
    store.hash(&mut hasher);
    hasher.finish()
}
