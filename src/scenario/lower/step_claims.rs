//! The claims about the steps of sessions.

use std::collections::BTreeSet;

use crate::plan::{Claim, Statement, Step, StepClaim, StepRef, Verb};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::expectations::is_word;
use crate::scenario::lower::line::Line;
use crate::scenario::tree::{Form, Node};
use crate::words::{Name, ProgramId, TableId, Value};

impl Lowering<'_> {
    /// `step`, with what is claimed of it.
    pub(super) fn step_claims(
        &mut self,
        line: &mut Line<'_>,
        claims: &mut Vec<Claim>,
    ) -> Checked<()> {
        let Some(step_node) = line.take("step") else {
            return Ok(());
        };
        let step = self.step_ref(step_node)?;
        let mut found = Vec::new();
        if let Some(node) = line.take("blocks") {
            found.push(self.boolean(node).map(StepClaim::Blocks));
        }
        if let Some(node) = line.take("blocks until") {
            found.push(self.other_session(node, &step).map(StepClaim::BlocksUntil));
        }
        if let Some(node) = line.take("unblocks") {
            found.push(self.other_session(node, &step).map(StepClaim::Unblocks));
        }
        if let Some(node) = line.take("fault") {
            let fault = if is_word(node, "none") { Ok(None) } else { self.fault(node).map(Some) };
            found.push(fault.map(StepClaim::Fault));
        }
        if let Some(node) = line.take("when") {
            found.push(self.step_ref(node).map(StepClaim::When));
        }
        if let Some(node) = line.take("rows") {
            found.push(self.selected_rows(node, step_node, &step).map(StepClaim::Rows));
        }
        if let Some(node) = line.take("affected") {
            found.push(self.affected(node, step_node, &step));
        }
        if found.is_empty() {
            let label = "say so by `blocks`, `fault`, `when`, `rows` or `affected`";
            return Err(self.what_about(step_node, "step", label));
        }
        let found = found.into_iter().collect::<Checked<Vec<_>>>()?;
        claims.extend(found.into_iter().map(|claim| Claim::Step { step: step.clone(), claim }));
        Ok(())
    }

    /// A step that frees another, or is freed by it: never one of the same session, which does
    /// nothing while it waits.
    fn other_session(&mut self, node: &Node, step: &StepRef) -> Checked<StepRef> {
        let other = self.step_ref(node)?;
        if other.actor == step.actor {
            return Err(self.diagnostics.report(
                node.span,
                "wrong value",
                "a session can't free what it waits for itself",
                "a step of the same session",
                None,
            ));
        }
        Ok(other)
    }

    /// The rows that a step's select answers, each with some of its columns.
    fn selected_rows(
        &mut self,
        node: &Node,
        step_node: &Node,
        step: &StepRef,
    ) -> Checked<Vec<Vec<(Name, Value)>>> {
        let Form::List(items) = &node.form else {
            return Err(self.diagnostics.report(
                node.pointer(),
                "wrong form",
                "expected the rows that the step answers, in a list",
                format!("this is {}", node.form_name()),
                Some("`rows: [ { value: 10 }, { value: 20 } ]`, or `rows: []` for none".to_owned()),
            ));
        };
        let program = self.step_program(step, node)?;
        let selected = self.last_table(program, |statement| match statement {
            Statement::Select(selection) => Some(selection.table),
            _ => None,
        });
        let Some(table) = selected else {
            return Err(self.does_nothing_so(step_node, step, "selects", "`rows`"));
        };
        let rows: Vec<_> =
            items.iter().map(|item| self.answered_columns(item.entries(), Some(table))).collect();
        rows.into_iter().collect()
    }

    /// How many rows a step's insert, update or delete writes.
    fn affected(&mut self, node: &Node, step_node: &Node, step: &StepRef) -> Checked<StepClaim> {
        let bounds = self.number_bounds(node)?;
        let program = self.step_program(step, node)?;
        let written = self.last_table(program, |statement| match statement {
            Statement::Insert { table, .. }
            | Statement::Update { table, .. }
            | Statement::Delete { table, .. } => Some(*table),
            _ => None,
        });
        match written {
            Some(_) => Ok(StepClaim::Affected(bounds)),
            None => Err(self.does_nothing_so(step_node, step, "writes", "`affected`")),
        }
    }

    fn does_nothing_so(
        &mut self,
        node: &Node,
        step: &StepRef,
        does: &str,
        claim: &str,
    ) -> Reported {
        let message = format!("`{}` {does} nothing", self.step_named(step));
        let label = format!("so {claim} can't hold");
        self.diagnostics.report(node.span, "wrong value", message, label, None)
    }

    /// The program of a step; one with a mistake in it is in doubt, and that has been told.
    fn step_program(&mut self, step: &StepRef, node: &Node) -> Checked<ProgramId> {
        match self.step_programs.get(step) {
            Some(&program) => Ok(program),
            None => Err(self.diagnostics.misshapen(node.pointer())),
        }
    }

    /// The table of the last statement that is meant, in a program and in those that it calls.
    fn last_table(
        &self,
        program: ProgramId,
        meant: impl Fn(&Statement) -> Option<TableId>,
    ) -> Option<TableId> {
        let mut last = None;
        let mut seen = BTreeSet::from([program]);
        // What is still to be looked at, the next at the end.
        let mut open: Vec<&Step> = Vec::new();
        open.extend(self.plan.programs[program.index()].steps.iter().rev());
        while let Some(step) = open.pop() {
            match &step.verb {
                Verb::Statement(statement, _) => last = meant(statement).or(last),
                Verb::If { then, otherwise, .. } => {
                    open.extend(otherwise.iter().rev());
                    open.extend(then.iter().rev());
                }
                Verb::Try { body, on_fault, .. } => {
                    open.extend(on_fault.iter().rev());
                    open.extend(body.iter().rev());
                }
                Verb::ForEach { body, .. }
                | Verb::Repeat { body, .. }
                | Verb::Retry { body, .. } => open.extend(body.iter().rev()),
                Verb::Call { program, .. } if seen.insert(*program) => {
                    open.extend(self.plan.programs[program.index()].steps.iter().rev());
                }
                _ => {}
            }
        }
        last
    }
}
