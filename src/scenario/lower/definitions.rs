//! The head of the file, parameters, costs and limits, tables and instances.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plan::{
    AlternateKey, Column, Costs, Index, Instance, Isolation, Limits, Locking, Table,
};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::moment;
use crate::scenario::reading_limits as limits;
use crate::scenario::source::Span;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{ColumnId, ColumnType, InstanceId, Name, TableId};

/// The longest text that a column holds by default, in characters.
///
/// Assumed: the default of a multi-line column in the maker portal.
const TEXT_LENGTH: u32 = 4_000;
/// The longest text that a column can be made to hold, in characters.
///
/// Source: Microsoft Learn, "Create and edit columns", Multiple lines of text (1,048,576).
const TEXT_LENGTH_MOST: u32 = 1_048_576;

/// What to say of an escalation that needs no locks.
const ONE_LOCK: &str = "locks are escalated after one at least";

impl Lowering<'_> {
    pub(super) fn header(&mut self, tree: &Node) {
        let line = |lowering: &mut Self, key: &str| -> String {
            let node = tree.get(key);
            node.and_then(|node| lowering.text(node).ok())
                .map(|text| text.trim().to_owned())
                .unwrap_or_default()
        };
        self.plan.title = line(self, "scenario");
        self.plan.about = line(self, "about");
        self.plan.source = line(self, "source");
        if let Some(node) = tree.get("start")
            && let Ok(text) = self.text(node)
        {
            match moment::date_time(&text) {
                Ok(start) => self.plan.start = start,
                Err(label) => {
                    let message = "expected a date and time";
                    self.diagnostics.report(node.span, "wrong value", message, label, None);
                }
            }
        }
        if let Some(node) = tree.get("seed")
            && let Ok(seed) = self.count(node, u64::MAX)
        {
            self.plan.seed = seed;
        }
    }

    pub(super) fn params(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            if let Ok(value) = self.known_value(&entry.value, None) {
                self.params.insert(entry.key.clone(), value);
            }
        }
    }

    pub(super) fn costs(&mut self, node: Option<&Node>) {
        let Costs { request, read, row, column, write, plug_in, network, client } =
            &mut self.plan.costs.clone();
        let costs: [(&str, &mut Duration); 8] = [
            ("request", request),
            ("read", read),
            ("row", row),
            ("column", column),
            ("write", write),
            ("plug-in", plug_in),
            ("network", network),
            ("client", client),
        ];
        for (key, cost) in costs {
            self.set_duration(node, key, cost);
        }
        self.plan.costs = Costs {
            request: *request,
            read: *read,
            row: *row,
            column: *column,
            write: *write,
            plug_in: *plug_in,
            network: *network,
            client: *client,
        };
    }

    pub(super) fn limits(&mut self, node: Option<&Node>) {
        let mut limits: Limits = self.plan.limits;
        let durations: [(&str, &mut Duration); 6] = [
            ("sql command", &mut limits.sql_command),
            ("plug-in", &mut limits.plug_in),
            ("client", &mut limits.client),
            ("deadlock monitor", &mut limits.deadlock_monitor),
            ("deadlock monitor least", &mut limits.deadlock_monitor_least),
            ("virtual time", &mut limits.virtual_time),
        ];
        for (key, limit) in durations {
            self.set_duration(node, key, limit);
        }
        let limit = |key: &str| node.and_then(|node| node.get(key));
        if let Some(node) = limit("depth")
            && let Ok(depth) = self.count_u32(node, 1_000)
        {
            limits.depth = depth;
        }
        let locks: [(&str, &mut u32); 2] = [
            ("lock escalation", &mut limits.lock_escalation),
            ("lock escalation retry", &mut limits.lock_escalation_retry),
        ];
        for (key, locks) in locks {
            if let Some(node) = limit(key)
                && let Ok(given) = self.at_least_one(node, u32::MAX, ONE_LOCK, None)
            {
                *locks = given;
            }
        }
        if let Some(node) = limit("transaction") {
            limits.transaction = self.duration(node).ok();
        }
        if let Some(node) = limit("transitions")
            && let Ok(transitions) = self.count(node, 1_000_000_000)
        {
            limits.transitions = transitions;
        }
        self.plan.limits = limits;
    }

    fn set_duration(&mut self, map: Option<&Node>, key: &str, duration: &mut Duration) {
        if let Some(node) = map.and_then(|map| map.get(key))
            && let Ok(given) = self.duration(node)
        {
            *duration = given;
        }
    }

    pub(super) fn tables(&mut self, node: Option<&Node>, security: Option<&Node>) {
        let entries = self.definitions(node);
        for (number, entry) in (0..).zip(entries) {
            self.check_path_name(entry);
            let (name, id) = (entry.key.clone(), TableId(number));
            self.names.tables.insert(name.clone(), id);
            self.plan.tables.push(Table {
                name,
                columns: Vec::new(),
                keys: Vec::new(),
                indexes: Vec::new(),
            });
        }
        self.name_security_tables(security);
        for (number, entry) in (0..).zip(entries) {
            let columns = self.table_columns(&entry.value);
            self.plan.tables[usize::from(number)].columns = columns;
            let keys = self.alternate_keys(&entry.value, TableId(number));
            self.plan.tables[usize::from(number)].keys = keys;
            let indexes = self.indexes(&entry.value, TableId(number));
            self.plan.tables[usize::from(number)].indexes = indexes;
        }
        self.complete_security_tables(security);
    }

    /// The entries of a map of definitions, as far as they may be numbered.
    fn definitions<'n>(&mut self, node: Option<&'n Node>) -> &'n [Entry] {
        let entries = node.map_or(&[][..], Node::entries);
        let Some(beyond) = entries.get(limits::DEFINITIONS) else {
            return entries;
        };
        self.diagnostics.report(
            beyond.key_span,
            "limit: definitions",
            format!("there are more than {} of these", limits::DEFINITIONS),
            "one too many",
            None,
        );
        &entries[..limits::DEFINITIONS]
    }

    /// A name that stands in paths like `europe/account/fabrikam` has no slash.
    fn check_path_name(&mut self, entry: &Entry) {
        if entry.key.contains('/') {
            self.diagnostics.report(
                entry.key_span,
                "wrong name",
                "the name of a table or instance has no `/`",
                "rows are named by paths such as `europe/account/fabrikam`",
                None,
            );
        }
    }

    fn table_columns(&mut self, table: &Node) -> Vec<Column> {
        let entries = self.definitions(table.get("columns"));
        let mut columns = Vec::new();
        for entry in entries {
            // A column whose type is wrong keeps its name, so that its uses are not wrong, too.
            let kind = self
                .column_type(&entry.value)
                .unwrap_or(ColumnType::Text { max_length: TEXT_LENGTH });
            if matches!(&*entry.key, "id" | "row version") {
                self.diagnostics.report(
                    entry.key_span,
                    "wrong name",
                    format!("every row has a member `{}` already", entry.key),
                    "taken",
                    None,
                );
            }
            columns.push(Column { name: entry.key.clone(), kind });
        }
        columns
    }

    fn column_type(&mut self, node: &Node) -> Checked<ColumnType> {
        if let Form::Scalar(scalar) = &node.form {
            return match &*scalar.text {
                "text" => Ok(ColumnType::Text { max_length: TEXT_LENGTH }),
                "whole number" => Ok(ColumnType::Whole),
                "decimal" => Ok(ColumnType::Decimal),
                "money" => Ok(ColumnType::Money),
                "date-time" => Ok(ColumnType::DateTime),
                "boolean" => Ok(ColumnType::Boolean),
                "unique id" => Ok(ColumnType::UniqueId),
                _ => Err(self.diagnostics.misshapen(node.span)),
            };
        }
        if let Some(length) = node.get("text") {
            let max_length = self.count_u32(length, TEXT_LENGTH_MOST)?;
            return Ok(ColumnType::Text { max_length });
        }
        if let Some(table) = node.get("lookup") {
            return Ok(ColumnType::Lookup(self.table(table)?));
        }
        match node.get("choice") {
            Some(labels) => Ok(ColumnType::Choice(self.labels(labels)?)),
            None => Err(self.diagnostics.misshapen(node.pointer())),
        }
    }

    fn labels(&mut self, node: &Node) -> Checked<Vec<Name>> {
        let mut labels = BTreeSet::new();
        let mut ordered = Vec::new();
        for item in node.items() {
            let label = self.text(item)?;
            if !labels.insert(label.clone()) {
                self.twice(item.span, &label);
            }
            ordered.push(label);
        }
        if ordered.is_empty() {
            return Err(self.empty_list(node));
        }
        Ok(ordered)
    }

    pub(super) fn twice(&mut self, span: Span, name: &str) {
        let message = format!("`{}` is there twice", shorten(name));
        self.diagnostics.report(span, "duplicate name", message, "again", None);
    }

    pub(super) fn empty_list(&mut self, node: &Node) -> crate::scenario::diagnostic::Reported {
        let message = "this list needs an element";
        self.diagnostics.report(node.span, "empty list", message, "empty", None)
    }

    fn alternate_keys(&mut self, table: &Node, id: TableId) -> Vec<AlternateKey> {
        let mut keys = Vec::new();
        for entry in self.definitions(table.get("keys")) {
            if let Ok(columns) = self.indexed_columns(entry, id, "an alternate key") {
                keys.push(AlternateKey { name: entry.key.clone(), columns });
            }
        }
        keys
    }

    /// The indexes that a table declares, and those that its lookups bring with them.
    fn indexes(&mut self, table: &Node, id: TableId) -> Vec<Index> {
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

    pub(super) fn instances(&mut self, node: Option<&Node>) {
        let entries = self.definitions(node);
        for (number, entry) in (0..).zip(entries) {
            self.check_path_name(entry);
            let (name, id) = (entry.key.clone(), InstanceId(number));
            self.names.instances.insert(name.clone(), id);
            let tables = self.instance_tables(entry.value.get("tables"));
            let isolation = entry.value.get("isolation");
            let isolation = isolation.and_then(|node| self.word(node, grammar::ISOLATION).ok());
            let locking = entry.value.get("locking");
            let locking = locking.and_then(|node| self.word(node, grammar::LOCKING).ok());
            self.plan.instances.push(Instance {
                name,
                tables,
                isolation: isolation.unwrap_or(Isolation::default()),
                locking: locking.unwrap_or(Locking::default()),
            });
        }
    }

    fn instance_tables(&mut self, node: Option<&Node>) -> Vec<TableId> {
        let mut tables = Vec::new();
        for item in node.map_or(&[][..], Node::items) {
            if let Ok(table) = self.table(item) {
                if tables.contains(&table) {
                    let name = self.plan.tables[table.index()].name.clone();
                    self.twice(item.span, &name);
                } else {
                    tables.push(table);
                }
            }
        }
        tables
    }
}
