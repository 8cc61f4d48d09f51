//! A world to begin with, set up in Rust.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use thiserror::Error;

use crate::engine::plug_in::{PlugIn, PlugIns};
use crate::engine::{PlanError, World};
use crate::run;
use crate::scenario::Rejection;
use crate::testing::text::{list, quoted, values};
use crate::testing::{Step, Testbed};
use crate::words::Value;

/// What a [`Testbed`] begins with: tables, rows and registered steps. Where nothing else is said,
/// there is one instance, `org`.
#[derive(Clone)]
pub struct Setup {
    title: String,
    tables: Vec<TableText>,
    instances: Vec<String>,
    rows: Vec<RowText>,
    steps: Vec<Step>,
    plug_ins: PlugIns,
    more: String,
    seed: u64,
}

#[derive(Clone)]
struct TableText {
    name: String,
    columns: Vec<(String, String)>,
    keys: Vec<Vec<String>>,
    is_tracked: bool,
}

#[derive(Clone)]
struct RowText {
    instance: Option<String>,
    table: String,
    name: String,
    columns: Vec<(String, Value)>,
}

impl Setup {
    /// Nothing yet.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            tables: Vec::new(),
            instances: Vec::new(),
            rows: Vec::new(),
            steps: Vec::new(),
            plug_ins: PlugIns::default(),
            more: String::new(),
            seed: 0,
        }
    }

    /// A table, with the names and types of its columns. A type is what the scenario language
    /// writes: `text`, `whole number`, `money`, `{ lookup: account }`, `{ choice: [open, shut] }`.
    #[must_use]
    pub fn table(mut self, name: &str, columns: &[(&str, &str)]) -> Self {
        let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
        let columns = columns.collect();
        self.tables.push(TableText {
            name: name.to_owned(),
            columns,
            keys: Vec::new(),
            is_tracked: false,
        });
        self
    }

    /// An alternate key of the table that was named last.
    #[must_use]
    pub fn key(mut self, columns: &[&str]) -> Self {
        if let Some(table) = self.tables.last_mut() {
            table.keys.push(columns.iter().map(|column| (*column).to_owned()).collect());
        }
        self
    }

    /// Tracks the changes of the table that was named last, deletions included.
    #[must_use]
    pub fn tracked(mut self) -> Self {
        if let Some(table) = self.tables.last_mut() {
            table.is_tracked = true;
        }
        self
    }

    /// An instance, which has every table. The first is that of steps, rows and callers that name
    /// none.
    #[must_use]
    pub fn instance(mut self, name: &str) -> Self {
        self.instances.push(name.to_owned());
        self
    }

    /// A row of the first instance, with the name by which it is called.
    #[must_use]
    pub fn row(self, table: &str, name: &str, columns: &[(&str, Value)]) -> Self {
        self.row_of(None, table, name, columns)
    }

    /// A row of another instance.
    #[must_use]
    pub fn row_in(
        self,
        instance: &str,
        table: &str,
        name: &str,
        columns: &[(&str, Value)],
    ) -> Self {
        self.row_of(Some(instance), table, name, columns)
    }

    fn row_of(
        mut self,
        instance: Option<&str>,
        table: &str,
        name: &str,
        columns: &[(&str, Value)],
    ) -> Self {
        let columns = columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.rows.push(RowText {
            instance: instance.map(str::to_owned),
            table: table.to_owned(),
            name: name.to_owned(),
            columns: columns.collect(),
        });
        self
    }

    /// A registered step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// A plug-in that [`Setup::more`] names with `rust: <name>`: the main operation of a custom
    /// API, a step that a text registers.
    #[must_use]
    pub fn plug_in(mut self, name: &str, plug_in: impl PlugIn + 'static) -> Self {
        self.plug_ins.insert(name, plug_in);
        self
    }

    /// Whatever else the scenario language has, as it writes it: `outages`, `security`, `costs`,
    /// `limits`, `relationships`, …
    #[must_use]
    pub fn more(mut self, sections: &str) -> Self {
        self.more.push_str(sections);
        self.more.push('\n');
        self
    }

    /// The seed of all randomness. Default 0.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The setup as a scenario file. Errors point into it.
    pub fn text(&self) -> String {
        let mut text = format!("scenario: {}\nseed: {}\n", quoted(&self.title), self.seed);
        let instances = self.instances();
        self.write_tables(&mut text);
        let tables: Vec<_> = self.tables.iter().map(|table| &table.name).collect();
        text.push_str("instances:\n");
        for instance in &instances {
            let _ = writeln!(text, "  {}: {{ tables: {} }}", quoted(instance), list(&tables));
        }
        self.write_rows(&mut text, &instances);
        if !self.steps.is_empty() {
            text.push_str("plug-ins:\n");
        }
        for step in &self.steps {
            text.push_str(&step.text(&instances[0]));
        }
        text.push_str(&self.more);
        text
    }

    /// The instances: one, where none is named.
    fn instances(&self) -> Vec<String> {
        match &self.instances[..] {
            [] => vec!["org".to_owned()],
            instances => instances.to_vec(),
        }
    }

    fn write_tables(&self, text: &mut String) {
        text.push_str("tables:\n");
        for table in &self.tables {
            let _ = writeln!(text, "  {}:", quoted(&table.name));
            let columns: Vec<_> = table
                .columns
                .iter()
                .map(|(name, kind)| format!("{}: {kind}", quoted(name)))
                .collect();
            let _ = writeln!(text, "    columns: {{ {} }}", columns.join(", "));
            let keys = table.keys.iter();
            let keys: Vec<_> = keys
                .map(|key| {
                    format!("{}: {}", quoted(&format!("by {}", key.join(" and "))), list(key))
                })
                .collect();
            if table.is_tracked {
                text.push_str("    change tracking: true\n");
            }
            if !keys.is_empty() {
                let _ = writeln!(text, "    keys: {{ {} }}", keys.join(", "));
            }
        }
    }

    fn write_rows(&self, text: &mut String, instances: &[String]) {
        if self.rows.is_empty() {
            return;
        }
        // A mapping names each instance and each table once.
        let place = |row: &RowText| {
            (row.instance.clone().unwrap_or_else(|| instances[0].clone()), row.table.clone())
        };
        let mut places: Vec<_> = self.rows.iter().map(place).collect();
        places.sort();
        places.dedup();
        text.push_str("rows:\n");
        let mut told = None;
        for place_of in places {
            if told.as_ref() != Some(&place_of.0) {
                let _ = writeln!(text, "  {}:", quoted(&place_of.0));
                told = Some(place_of.0.clone());
            }
            let _ = writeln!(text, "    {}:", quoted(&place_of.1));
            for row in self.rows.iter().filter(|row| place(row) == place_of) {
                let _ = writeln!(text, "      {}: {}", quoted(&row.name), values(&row.columns));
            }
        }
    }

    /// Starts the world.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the setup, in the words in which a scenario file is refused.
    pub fn start(&self) -> Result<Testbed, SetupError> {
        let mut plans = run::parse("setup", &self.text()).map_err(SetupError::Rejected)?;
        let mut plan = plans.remove(0);
        Arc::make_mut(&mut plan).open();
        let mut plug_ins = self.plug_ins.clone();
        for step in &self.steps {
            plug_ins.add(&step.name, Arc::clone(&step.plug_in));
        }
        let world = World::new(Arc::clone(&plan), self.seed, plug_ins, true);
        Ok(Testbed::new(plan, world.map_err(SetupError::Plan)?.open()))
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Why a setup can't start. Debugs as it displays, so that `unwrap` shows the place.
#[derive(Clone, Error)]
pub enum SetupError {
    /// It is no scenario.
    #[error("{0}")]
    Rejected(Rejection),
    /// A row can't be loaded.
    #[error("{0}")]
    Plan(PlanError),
}

impl fmt::Debug for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}
