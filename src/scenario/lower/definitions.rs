//! The head of the file, parameters, costs and limits, tables and instances.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plan::{Column, Costs, Instance, Limits, SystemTable, Table};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::moment;
use crate::scenario::reading_limits as limits;
use crate::scenario::source::Span;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{ColumnType, InstanceId, Name, TableId};

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

/// What to say of a page without rows.
const ONE_JOB: &str = "the async service takes one job at least";
const ONE_BELOW: &str = "a cascade goes on to one row at least";
const ONE_TRY: &str = "a job is tried once at least";
pub(super) const ONE_ROW: &str = "a page has room for one row at least";

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
        let mut costs: Costs = self.plan.costs;
        let durations: [(&str, &mut Duration); 9] = [
            ("request", &mut costs.request),
            ("read", &mut costs.read),
            ("row", &mut costs.row),
            ("column", &mut costs.column),
            ("write", &mut costs.write),
            ("plug-in", &mut costs.plug_in),
            ("network", &mut costs.network),
            ("client", &mut costs.client),
            ("async service", &mut costs.async_service),
        ];
        for (key, cost) in durations {
            self.set_duration(node, key, cost);
        }
        self.plan.costs = costs;
    }

    pub(super) fn limits(&mut self, node: Option<&Node>) {
        let mut limits: Limits = self.plan.limits;
        let durations: [(&str, &mut Duration); 9] = [
            ("workflow period", &mut limits.workflow_period),
            ("async retry", &mut limits.async_retry),
            ("sql command", &mut limits.sql_command),
            ("plug-in", &mut limits.plug_in),
            ("client", &mut limits.client),
            ("deadlock monitor", &mut limits.deadlock_monitor),
            ("deadlock monitor least", &mut limits.deadlock_monitor_least),
            ("change tracking", &mut limits.change_tracking),
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
        if let Some(node) = limit("message size")
            && let Ok(bytes) = self.count(node, u64::MAX)
        {
            limits.message_size = bytes;
        }
        let counts: [(&str, &mut u32, &str); 13] = [
            ("workflow runs", &mut limits.workflow_runs, "a workflow that never runs is none"),
            ("lock escalation", &mut limits.lock_escalation, ONE_LOCK),
            ("lock escalation retry", &mut limits.lock_escalation_retry, ONE_LOCK),
            ("page size", &mut limits.page_size, ONE_ROW),
            ("paged rows", &mut limits.paged_rows, ONE_ROW),
            ("aggregated rows", &mut limits.aggregated_rows, ONE_ROW),
            ("changes page", &mut limits.changes_page, ONE_ROW),
            ("async batch", &mut limits.async_batch, ONE_JOB),
            ("async attempts", &mut limits.async_attempts, ONE_TRY),
            ("assign cascade", &mut limits.assign_cascade, ONE_BELOW),
            ("delete cascade", &mut limits.delete_cascade, ONE_BELOW),
            ("merge cascade", &mut limits.merge_cascade, ONE_BELOW),
            ("cascade batch", &mut limits.cascade_batch, ONE_BELOW),
        ];
        for (key, count, least) in counts {
            if let Some(node) = limit(key)
                && let Ok(given) = self.at_least_one(node, u32::MAX, least, None)
            {
                *count = given;
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

    pub(super) fn tables(&mut self, node: Option<&Node>, system: &[SystemTable]) {
        let entries = self.definitions(node);
        for (number, entry) in (0..).zip(entries) {
            self.check_path_name(entry);
            let (name, id) = (entry.key.clone(), TableId(number));
            self.names.tables.insert(name.clone(), id);
            self.plan.tables.push(Table::new(name, Vec::new()));
        }
        self.name_system_tables(system);
        for (number, entry) in (0..).zip(entries) {
            let (node, id) = (&entry.value, TableId(number));
            let columns = self.table_columns(node.get("columns"));
            self.plan.tables[id.index()].columns = columns;
            let keys = self.alternate_keys(node, id);
            self.plan.tables[id.index()].keys = keys;
            let indexes = self.indexes(node, id);
            self.plan.tables[id.index()].indexes = indexes;
            self.table_versions(node, id);
        }
        self.complete_system_tables(system);
    }

    /// `change tracking` and `optimistic concurrency`.
    fn table_versions(&mut self, table: &Node, id: TableId) {
        let said = |lowering: &mut Self, key: &str| {
            let node = table.get(key);
            node.and_then(|node| lowering.boolean(node).ok())
        };
        let tracked = said(self, "change tracking");
        let versioned = said(self, "optimistic concurrency");
        if tracked == Some(false) {
            self.untracked.insert(id);
        }
        let definition = &mut self.plan.tables[id.index()];
        definition.change_tracking = tracked.unwrap_or(definition.change_tracking);
        definition.optimistic_concurrency = versioned.unwrap_or(definition.optimistic_concurrency);
    }

    /// A flow reads a table's changes, so they are tracked.
    pub(super) fn track(&mut self, table: TableId, span: Span) -> Checked<()> {
        let definition = &mut self.plan.tables[table.index()];
        if !self.untracked.contains(&table) {
            definition.change_tracking = true;
            return Ok(());
        }
        let message = format!("the changes of `{}` are not tracked", shorten(&definition.name));
        let label = "a flow reads what has changed";
        let help = Some("leave out `change tracking: false` of the table".to_owned());
        Err(self.diagnostics.report(span, "out of place", message, label, help))
    }

    /// The entries of a map of definitions, as far as they may be numbered.
    pub(super) fn definitions<'n>(&mut self, node: Option<&'n Node>) -> &'n [Entry] {
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

    /// Definitions of columns, or of parameters.
    pub(super) fn table_columns(&mut self, columns: Option<&Node>) -> Vec<Column> {
        let entries = self.definitions(columns);
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
            let tokens = entry.value.get("delta tokens");
            let tokens = tokens.and_then(|node| self.word(node, grammar::DELTA_TOKENS).ok());
            self.plan.instances.push(Instance {
                isolation: isolation.unwrap_or_default(),
                locking: locking.unwrap_or_default(),
                delta_tokens: tokens.unwrap_or_default(),
                ..Instance::new(name, tables)
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
