//! The steps of a session that are SQL: select, insert, update, delete, and the ends of
//! transactions.

use crate::plan::{Assignment, Statement, Verb};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AtHand, Body, Bound};
use crate::scenario::lower::requests::id_of_guid;
use crate::scenario::tree::{Entry, Node};
use crate::words::TableId;

impl Lowering<'_> {
    /// The verbs of SQL. `step` has the statement's clauses beside the verb.
    pub(super) fn statement(
        &mut self,
        step: &Node,
        entry: &Entry,
        body: &mut Body,
    ) -> Checked<Verb> {
        let table = &entry.value;
        match &*entry.key {
            "select" => {
                let table = self.statement_table(table, body)?;
                let (selection, bind) = self.bound_selection(step, table, body)?;
                Ok(Verb::Statement(Statement::Select(Box::new(selection)), bind))
            }
            "insert" => self.insert(step, table, body),
            "update" => {
                let table = self.statement_table(table, body)?;
                let filter = self.filter_of(step, table, &[], body);
                let set = self.changes(step, table, body);
                let hints = self.hints(step);
                let (filter, set, hints) = (filter?, set?, hints?);
                let statement = Statement::Update { table, filter, set, hints };
                self.bound_statement(statement, Bound::Any, step, body)
            }
            "delete" => {
                let table = self.statement_table(table, body)?;
                let filter = self.filter_of(step, table, &[], body);
                let hints = self.hints(step);
                let statement = Statement::Delete { table, filter: filter?, hints: hints? };
                self.bound_statement(statement, Bound::Any, step, body)
            }
            "alter" => {
                let table = self.statement_table(table, body)?;
                Ok(Verb::Statement(Statement::AlterTable { table }, None))
            }
            "begin" => {
                let isolation = Some(self.word(table, grammar::ISOLATION)?);
                Ok(Verb::Statement(Statement::Begin { isolation }, None))
            }
            _ => Err(self.diagnostics.misshapen(entry.key_span)),
        }
    }

    /// A step that is a word: `begin`, `commit`, `rollback`.
    pub(super) fn transaction_word(&mut self, node: &Node) -> Checked<Verb> {
        let statement = match &*self.text(node)? {
            "begin" => Statement::Begin { isolation: None },
            "commit" => Statement::Commit,
            "rollback" => Statement::Rollback,
            _ => return Err(self.diagnostics.misshapen(node.span)),
        };
        Ok(Verb::Statement(statement, None))
    }

    fn insert(&mut self, step: &Node, table: &Node, body: &mut Body) -> Checked<Verb> {
        let table = self.statement_table(table, body)?;
        let row = self.optional_value(step.get("row"), body);
        let set = self.assignments(step.get("set"), table, body, None);
        let row = row?.map(id_of_guid);
        if let Some(row) = &row {
            self.rows.knows_expression(table, row);
        }
        self.bound_statement(Statement::Insert { table, row, set: set? }, Bound::Id, step, body)
    }

    /// What an update sets, each column from the row as it stands.
    fn changes(
        &mut self,
        step: &Node,
        table: TableId,
        body: &mut Body,
    ) -> Checked<Vec<Assignment>> {
        let Some(set) = step.get("set") else {
            return Err(self.diagnostics.report(
                step.pointer(),
                "missing key",
                "`set` is missing",
                "what does it change?",
                Some("`set: { value: =value + 1 }`, beside `update`".to_owned()),
            ));
        };
        let at_hand = AtHand { table, is_searched: false, selected_by: None, links: Vec::new() };
        self.assignments(Some(set), table, body, Some(&at_hand))
    }

    /// The statement with its `as`.
    fn bound_statement(
        &mut self,
        statement: Statement,
        bound: Bound,
        step: &Node,
        body: &mut Body,
    ) -> Checked<Verb> {
        let bind = self.bind(step, body, bound)?;
        Ok(Verb::Statement(statement, bind))
    }

    /// The table that a statement names. The instance of a program's statements is known where it
    /// is called.
    fn statement_table(&mut self, node: &Node, body: &mut Body) -> Checked<TableId> {
        let table = self.table(node)?;
        match body.home {
            Some(instance) => self.check_instance_has(instance, table, node.span)?,
            None => {
                body.facts.tables.insert(table);
            }
        }
        Ok(table)
    }
}
