//! The alternate keys and indexes of a table.

use std::collections::BTreeSet;

use crate::plan::{AlternateKey, Index};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::reading_limits as limits;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnId, ColumnType, Name, TableId};

/// The most alternate keys of a table.
///
/// Source: Microsoft Learn, "Define alternate keys for a table", Limitations.
const KEYS_MAX: usize = 10;
/// The most bytes that the values of a key take.
///
/// Source: Microsoft Learn, "Define alternate keys for a table", Limitations.
const KEY_BYTES_MAX: u32 = 900;
/// The longest text in a key whose column does not say how long it may be, in characters.
///
/// Source: Microsoft Learn, "Create and edit columns": a single line of text has 100 characters by
/// default.
const KEY_TEXT_LENGTH: u32 = 100;

/// How many bytes a value of this type takes in a key at most; `None` for a type that no key has.
///
/// Source: Microsoft Learn, "Define alternate keys for a table", for the types. Assumed: the bytes
/// of SQL Server's types behind them: nvarchar, int, decimal(23, 10), datetime, uniqueidentifier.
const fn key_bytes(kind: &ColumnType) -> Option<u32> {
    match kind {
        ColumnType::Text { max_length } => Some(max_length.saturating_mul(2)),
        ColumnType::Whole | ColumnType::Choice(_) => Some(4),
        ColumnType::Decimal => Some(13),
        ColumnType::DateTime => Some(8),
        ColumnType::Lookup(_) => Some(16),
        ColumnType::Money | ColumnType::Boolean | ColumnType::UniqueId => None,
    }
}

impl Lowering<'_> {
    /// The alternate keys that a table declares, within the platform's limits.
    pub(super) fn alternate_keys(&mut self, table: &Node, id: TableId) -> Vec<AlternateKey> {
        let mut keys = Vec::new();
        let entries = self.definitions(table.get("keys"));
        if let Some(beyond) = entries.get(KEYS_MAX) {
            let message = format!("a table has at most {KEYS_MAX} alternate keys");
            self.diagnostics.report(beyond.key_span, "limit: key", message, "one too many", None);
        }
        for entry in entries {
            if let Ok(columns) = self.indexed_columns(entry, id, "an alternate key") {
                self.shorten_texts(table, id, &columns);
                self.check_key_types(entry, id, &columns);
                self.check_key_bytes(entry, id, &columns);
                keys.push(AlternateKey { name: entry.key.clone(), columns });
            }
        }
        keys
    }

    /// A text in a key that does not say how long it may be is a single line of text.
    fn shorten_texts(&mut self, table: &Node, id: TableId, columns: &[ColumnId]) {
        let declared = table.get("columns");
        for column in columns {
            let definition = &mut self.plan.tables[id.index()].columns[column.index()];
            let node = declared.and_then(|columns| columns.get(&definition.name));
            let is_plain = node.is_some_and(|node| node.scalar().is_some());
            if let (ColumnType::Text { max_length }, true) = (&mut definition.kind, is_plain) {
                *max_length = KEY_TEXT_LENGTH;
            }
        }
    }

    /// A key has columns of certain types only.
    fn check_key_types(&mut self, entry: &Entry, id: TableId, columns: &[ColumnId]) {
        let items = entry.value.one_or_many();
        for (node, column) in items.iter().zip(columns) {
            let definition = &self.plan.tables[id.index()].columns[column.index()];
            if key_bytes(&definition.kind).is_none() {
                let (name, kind) = (definition.name.clone(), definition.kind.keyword());
                let message = format!("no alternate key has a column of type {kind}");
                let label = format!("`{}` is one", shorten(&name));
                let help = "a key has columns of type text, whole number, decimal, date-time, \
                            choice or lookup";
                let help = Some(help.to_owned());
                self.diagnostics.report(node.span, "wrong key", message, label, help);
            }
        }
    }

    /// The values of a key fit into an entry of an index.
    fn check_key_bytes(&mut self, entry: &Entry, id: TableId, columns: &[ColumnId]) {
        let table = &self.plan.tables[id.index()];
        let kinds = columns.iter().map(|column| &table.columns[column.index()].kind);
        let bytes: u32 = kinds.filter_map(key_bytes).fold(0, u32::saturating_add);
        if bytes > KEY_BYTES_MAX {
            let message =
                format!("the values of an alternate key have at most {KEY_BYTES_MAX} bytes");
            let label = format!("these may have {bytes}");
            let help = "a text takes two bytes a character: give it a length, as `{ text: 50 }`";
            let help = Some(help.to_owned());
            self.diagnostics.report(entry.key_span, "limit: key", message, label, help);
        }
    }

    /// The indexes that a table declares, and those that its lookups bring with them.
    pub(super) fn indexes(&mut self, table: &Node, id: TableId) -> Vec<Index> {
        let mut indexes: Vec<Index> = Vec::new();
        for entry in self.definitions(table.get("indexes")) {
            let columns = self.indexed_columns(entry, id, "an index");
            let keys = &self.plan.tables[id.index()].keys;
            if keys.iter().any(|key| key.name == entry.key) {
                let message = format!("`{}` is an alternate key already", shorten(&entry.key));
                let help = Some("an alternate key is an index, too".to_owned());
                let (span, label) = (entry.key_span, "the same name");
                self.diagnostics.report(span, "duplicate name", message, label, help);
            }
            if let Ok(columns) = columns {
                indexes.push(Index { name: entry.key.clone(), columns });
            }
        }
        let definition = self.plan.tables[id.index()].clone();
        for (column, number) in definition.columns.iter().zip(0..) {
            let first = [ColumnId(number)];
            let is_first = |columns: &[ColumnId]| columns.starts_with(&first);
            let is_indexed = definition.keys.iter().any(|key| is_first(&key.columns))
                || indexes.iter().any(|index| is_first(&index.columns));
            if matches!(column.kind, ColumnType::Lookup(_)) && !is_indexed {
                self.check_own_index(table, &column.name);
                indexes.push(Index { name: column.name.clone(), columns: first.to_vec() });
            }
        }
        indexes
    }

    /// A lookup's own index has the lookup's name, which nothing else may take.
    fn check_own_index(&mut self, table: &Node, lookup: &Name) {
        let entries = ["keys", "indexes"].map(|key| table.get(key)?.entry(lookup));
        for entry in entries.into_iter().flatten() {
            self.diagnostics.report(
                entry.key_span,
                "duplicate name",
                format!("`{lookup}` is the name of the index that this lookup has already"),
                "and does not begin with",
                Some(format!("begin with `{lookup}` to take its place, or choose another name")),
            );
        }
    }

    /// The columns of a key or an index.
    fn indexed_columns(
        &mut self,
        entry: &Entry,
        table: TableId,
        what: &str,
    ) -> Checked<Vec<ColumnId>> {
        let columns = self.columns(&entry.value, table)?;
        if columns.is_empty() {
            self.empty_list(&entry.value);
        }
        if columns.len() > limits::KEY_COLUMNS {
            self.diagnostics.report(
                entry.key_span,
                "limit: key",
                format!("{what} has at most {} columns", limits::KEY_COLUMNS),
                "this one has more",
                None,
            );
        }
        let distinct: BTreeSet<ColumnId> = columns.iter().copied().collect();
        if distinct.len() < columns.len() {
            self.twice(entry.value.pointer(), "a column");
        }
        Ok(columns)
    }
}
