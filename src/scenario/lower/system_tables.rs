//! The platform's own tables: which of them a file needs, their numbers and their columns.

use crate::plan::{
    Column, Index, JOB_TABLE, JobTable, Mode, SECURITY_TABLES, SystemColumn, SystemTable, Table,
};
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnId, ColumnType, InstanceId, Name, TableId};

/// The longest text of a column of the platform's own, in characters.
const TEXT_LENGTH: u32 = 4_000;

/// The platform's tables that a file needs: those for users, teams and shares where it has
/// `security`, and that of jobs where a step is asynchronous.
pub(super) fn needed(tree: &Node) -> Vec<SystemTable> {
    let mut tables = Vec::new();
    if tree.get("security").is_some() {
        tables.extend(SECURITY_TABLES);
    }
    if asynchronous(tree).next().is_some() || reaches_many(tree) {
        tables.push(JOB_TABLE);
    }
    tables
}

/// Whether a relationship takes a delete or a new owner on to any number of rows, or a step merges
/// rows to which any number refer: from some number on that is left to jobs.
fn reaches_many(tree: &Node) -> bool {
    let relationships = tree.get("relationships").map_or(&[][..], Node::entries);
    let takes_on = relationships.iter().any(|entry| {
        let word = |key: &str| Some(&*entry.value.get(key)?.scalar()?.text);
        word("delete") == Some("cascade") || word("assign").is_some_and(|it| it != "none")
    });
    let mut programs = WITH_STEPS.iter().filter_map(|key| tree.get(key));
    takes_on || programs.any(merges)
}

/// The sections of a file in which steps stand.
const WITH_STEPS: [&str; 4] = ["messages", "plug-ins", "programs", "actors"];

/// Whether a step at or below this place merges rows.
fn merges(node: &Node) -> bool {
    let below = |entry: &Entry| &*entry.key == "merge" || merges(&entry.value);
    node.entries().iter().any(below) || node.items().iter().any(merges)
}

/// The steps that are asynchronous. A mode that is none counts: its author meant something else
/// than the default, and one mistake is told once.
fn asynchronous(tree: &Node) -> impl Iterator<Item = &Node> {
    let is_async = |node: &&Node| {
        let mode = node.get("mode").and_then(Node::scalar);
        mode.is_some_and(|given| {
            let known = grammar::MODES.iter().find(|(word, _)| **word == *given.text);
            known.is_none_or(|(_, mode)| *mode == Mode::Asynchronous)
        })
    };
    tree.get("plug-ins").map_or(&[][..], Node::items).iter().filter(is_async)
}

impl Lowering<'_> {
    /// Gives numbers to the platform's tables; those that the file defines itself have theirs.
    pub(super) fn name_system_tables(&mut self, needed: &[SystemTable]) {
        for table in needed {
            let name = Name::from(table.name);
            if !self.names.tables.contains_key(&name) {
                let number = u16::try_from(self.plan.tables.len()).unwrap_or(u16::MAX);
                self.names.tables.insert(name.clone(), TableId(number));
                self.plan.tables.push(Table::new(name, Vec::new()));
            }
        }
    }

    /// Gives the platform's tables their columns, beside those that the file gives them.
    pub(super) fn complete_system_tables(&mut self, needed: &[SystemTable]) {
        for table in needed {
            let id = self.system_table(table.name);
            for (name, kind) in table.columns {
                let kind = match kind {
                    SystemColumn::Text => ColumnType::Text { max_length: TEXT_LENGTH },
                    SystemColumn::Whole => ColumnType::Whole,
                    SystemColumn::UniqueId => ColumnType::UniqueId,
                    SystemColumn::DateTime => ColumnType::DateTime,
                    SystemColumn::Lookup(to) => ColumnType::Lookup(self.system_table(to)),
                    SystemColumn::Choice(labels) => {
                        ColumnType::Choice(labels.iter().copied().map(Name::from).collect())
                    }
                };
                self.add_column(id, name, kind);
            }
        }
    }

    pub(super) fn system_table(&self, name: &str) -> TableId {
        self.names.tables.get(name).copied().unwrap_or_default()
    }

    /// A column of the platform's own, with its index where it is a lookup; one that is there
    /// already is taken.
    pub(super) fn add_column(&mut self, table: TableId, name: &str, kind: ColumnType) -> ColumnId {
        let definition = &mut self.plan.tables[table.index()];
        if let Some(column) = definition.column(name) {
            return column;
        }
        let column = ColumnId(u16::try_from(definition.columns.len()).unwrap_or(u16::MAX));
        let name = Name::from(name);
        if matches!(kind, ColumnType::Lookup(_)) {
            definition.indexes.push(Index { name: name.clone(), columns: vec![column] });
        }
        definition.columns.push(Column { name, kind });
        column
    }

    /// Every instance with an asynchronous step, or with a cascade that can be left to a job, gets
    /// the table of jobs. The names of its rows follow from those of the steps.
    pub(super) fn jobs(&mut self, tree: &Node) {
        let table = self.system_table(JOB_TABLE.name);
        let reaches_many = reaches_many(tree);
        let mut in_instances: Vec<InstanceId> = match reaches_many {
            true => self.names.instances.values().copied().collect(),
            false => Vec::new(),
        };
        for node in asynchronous(tree) {
            let text = |key: &str| Some(node.get(key)?.scalar()?.text.clone());
            in_instances.extend(text("in").and_then(|it| self.names.instances.get(&it)));
            if let Some(step) = text("name") {
                self.rows.knows_pattern(table, format!("{step} ").into(), "".into());
            }
            self.plan.jobs = Some(self.job_table(table));
        }
        if reaches_many {
            self.rows.knows_pattern(table, "cascade ".into(), "".into());
            self.plan.jobs = Some(self.job_table(table));
        }
        for instance in in_instances {
            let has = &mut self.plan.instances[instance.index()].tables;
            if !has.contains(&table) {
                has.push(table);
            }
        }
    }

    fn job_table(&self, table: TableId) -> JobTable {
        let columns = &self.plan.tables[table.index()];
        let column = |name: &str| columns.column(name).unwrap_or_default();
        JobTable {
            table,
            name: column("name"),
            state: column("statecode"),
            status: column("statuscode"),
            postpone_until: column("postponeuntil"),
            regarding: column("regardingobjectid"),
            depth: column("depth"),
            retry_count: column("retrycount"),
            started_on: column("startedon"),
            completed_on: column("completedon"),
            dependency_token: column("dependencytoken"),
            error_code: column("errorcode"),
            message: column("message"),
        }
    }
}
