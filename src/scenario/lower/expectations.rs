//! `expect:`: each line becomes the claims that it makes.

use crate::plan::{Claim, Counted, Expectation, RowState};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::grammar::EXPECTATION;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Bound;
use crate::scenario::lower::line::{Line, text_of};
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Form, Node};
use crate::words::{ActorId, Name, SimInstant, TableId, Value};

impl Lowering<'_> {
    pub(super) fn expectations(&mut self, node: Option<&Node>) {
        for item in node.map_or(&[][..], Node::items) {
            match self.is_for_this_variant(item) {
                Ok(true) => {}
                _ => continue,
            }
            let mut line = Line::new(item);
            let Ok(claims) = self.claims(&mut line) else {
                continue;
            };
            self.check_unused(&line);
            if claims.is_empty() && line.unused().next().is_none() {
                let (message, label) = ("this line claims nothing", "what must hold?");
                self.diagnostics.report(item.pointer(), "missing key", message, label, None);
            }
            self.plan.expectations.push(Expectation {
                at: self.location(item.pointer()),
                text: text_of(item, self.diagnostics.source()),
                claims,
            });
        }
    }

    fn is_for_this_variant(&mut self, item: &Node) -> Checked<bool> {
        let Some(entry) = item.entry("variant") else {
            return Ok(true);
        };
        let mut is_meant = false;
        for node in entry.value.one_or_many() {
            let name = self.text(node)?;
            if !self.all_variants.contains(&name) {
                if self.all_variants.is_empty() {
                    let (message, label) = ("this file has no variants", "none is called so");
                    return Err(self.diagnostics.report(
                        node.span,
                        "unknown name",
                        message,
                        label,
                        None,
                    ));
                }
                let known: Vec<Name> = self.all_variants.clone();
                let known = known.iter().map(|name| &**name);
                return Err(self.diagnostics.unknown(node.span, "variant", &name, known));
            }
            is_meant |= self.plan.variant.as_ref() == Some(&name);
        }
        Ok(is_meant)
    }

    /// Tells every key that no claim of its line had a use for.
    fn check_unused(&mut self, line: &Line<'_>) {
        let keys = EXPECTATION.map.map_or(&[][..], |map| map.keys);
        let known = |entry: &Entry| keys.iter().find(|key| *key.name == *entry.key);
        // A mistyped key, which has been told, may be the claim that the others go with.
        if line.unused().any(|entry| known(entry).is_none()) {
            return;
        }
        for entry in line.unused() {
            let Some(key) = known(entry) else { continue };
            self.diagnostics.report(
                entry.key_span,
                "out of place",
                format!("`{}` says nothing here", key.name),
                "no claim of this line has a use for it",
                Some(format!("`{}`: {}", key.name, key.about)),
            );
        }
    }

    /// Everything that a line claims.
    fn claims(&mut self, line: &mut Line<'_>) -> Checked<Vec<Claim>> {
        let mut claims = Vec::new();
        let found = [
            self.step_claims(line, &mut claims),
            self.deadlock_claims(line, &mut claims),
            self.actor_claims(line, &mut claims),
            self.wait_claims(line, &mut claims),
            self.row_claims(line, &mut claims),
            self.table_claims(line, &mut claims),
            self.counts(line, &mut claims),
            self.plug_in_claims(line, &mut claims),
            self.phenomena(line, &mut claims),
            self.finally(line, &mut claims),
            self.order(line, &mut claims),
        ];
        found.into_iter().collect::<Checked<Vec<()>>>()?;
        Ok(claims)
    }

    fn deadlock_claims(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        if let Some(node) = line.take("deadlocks") {
            let is = self.number_bounds(node)?;
            let by = self.line_by(line)?;
            let of = Counted::Deadlocks;
            claims.push(Claim::Count { of, by, is });
        }
        let victim = line.take("victim").map(|node| self.actor(node));
        if let Some(actor) = victim.transpose()? {
            claims.push(Claim::Victim { actor });
            if !line.has("actor") && !line.has("faults") {
                self.fault_claim(line, Some(actor), claims)?;
            }
        }
        Ok(())
    }

    fn fault_claim(
        &mut self,
        line: &mut Line<'_>,
        actor: Option<ActorId>,
        claims: &mut Vec<Claim>,
    ) -> Checked<()> {
        if let Some(node) = line.take("fault") {
            if is_word(node, "none") {
                let help = "`succeeds: true` with an actor, or `never: fault`".to_owned();
                return Err(self.says_nothing(node, Some(help)));
            }
            let fault = self.fault(node)?;
            claims.push(Claim::MeetsFault { actor, fault });
        }
        Ok(())
    }

    fn actor_claims(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        if let Some(node) = line.take("succeeds") {
            let succeeds = self.boolean(node);
            let actor = self.needed_actor(line, node)?;
            let succeeds = succeeds?;
            claims.push(Claim::Succeeds { actor, succeeds });
        }
        let is_victims = line.has("victim") && !line.has("actor");
        let is_others = line.has("faults") || line.has("step") || is_victims;
        if line.has("fault") && !is_others {
            let actor = self.line_actor(line)?;
            self.fault_claim(line, actor, claims)?;
        }
        if let Some(node) = line.take("ends") {
            let (after, by) = (node.entry("after"), node.entry("by"));
            let within = self.bounds_between(node.pointer(), after, by, |lowering, node| {
                lowering.moment(node, SimInstant::START)
            })?;
            let actor = self.needed_actor(line, node)?;
            claims.push(Claim::Ends { actor, within });
        }
        if line.has("answer") {
            self.answer(line, claims)?;
        }
        Ok(())
    }

    fn needed_actor(&mut self, line: &mut Line<'_>, node: &Node) -> Checked<ActorId> {
        match self.line_actor(line)? {
            Some(actor) => Ok(actor),
            None => Err(self.diagnostics.report(
                node.pointer(),
                "missing key",
                "`actor` is missing",
                "whose?",
                None,
            )),
        }
    }

    /// What an actor's binding held: `answer`, with `rows` and `is`.
    fn answer(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        let Some(node) = line.take("answer") else {
            return Ok(());
        };
        let name = self.text(node)?;
        let actor = self.needed_actor(line, node)?;
        let table = self.answered_table(actor, &name, node)?;
        let size = line.take("rows").map(|node| self.number_bounds(node));
        let size = size.transpose()?;
        let (mut value, mut columns, mut missing) = (None, Vec::new(), false);
        match line.take("is") {
            None => {}
            Some(node) if is_word(node, "missing") => missing = true,
            Some(node) => match &node.form {
                Form::Map(entries) => columns = self.answered_columns(entries, table)?,
                _ => value = Some(self.known_value(node, None)?),
            },
        }
        let deleted = self.deleted_rows(line)?;
        if let Some(rows) = &deleted {
            let (name, rows) = (name.clone(), rows.clone());
            claims.push(Claim::Deletions { actor, name, rows });
        }
        let is_open = size.is_none() && value.is_none() && columns.is_empty() && !missing;
        if is_open && deleted.is_some() {
            return Ok(());
        }
        if is_open {
            let label = "say so by `rows` or `is`";
            return Err(self.diagnostics.report(
                node.span,
                "missing key",
                "what must the answer be?",
                label,
                None,
            ));
        }
        claims.push(Claim::Bound { actor, name, size, value, columns, missing });
        Ok(())
    }

    /// `deleted`: the rows that an answer of changes says are gone.
    fn deleted_rows(&mut self, line: &mut Line<'_>) -> Checked<Option<Vec<Name>>> {
        let Some(node) = line.take("deleted") else {
            return Ok(None);
        };
        let rows: Vec<_> = node.one_or_many().iter().map(|node| self.text(node)).collect();
        rows.into_iter().collect::<Checked<Vec<_>>>().map(Some)
    }

    /// The table of which an answer has rows, where that is known.
    fn answered_table(
        &mut self,
        actor: ActorId,
        name: &Name,
        node: &Node,
    ) -> Checked<Option<TableId>> {
        let program = self.actor_programs.get(&actor);
        let Some(program) = program else {
            return Ok(None);
        };
        let answers = &self.facts[program.index()].answers;
        match answers.get(name) {
            Some(Bound::Row(table, _) | Bound::Rows(table, _) | Bound::Delta(table)) => {
                Ok(Some(*table))
            }
            Some(_) => Ok(None),
            None => {
                let known: Vec<Name> = answers.keys().cloned().collect();
                let known = known.iter().map(|name| &**name);
                Err(self.diagnostics.unknown(node.span, "answer", name, known))
            }
        }
    }

    pub(super) fn answered_columns(
        &mut self,
        entries: &[Entry],
        table: Option<TableId>,
    ) -> Checked<Vec<(Name, Value)>> {
        let mut columns = Vec::new();
        for entry in entries {
            let value = match table {
                Some(table) => self.known_column(entry, table)?.1,
                None => self.known_value(&entry.value, None)?,
            };
            columns.push((entry.key.clone(), value));
        }
        Ok(columns)
    }

    /// `column: value` of a row as it must be.
    fn known_column(
        &mut self,
        entry: &Entry,
        table: TableId,
    ) -> Checked<(crate::words::ColumnId, Value)> {
        let column = self.column_named(&entry.key, entry.key_span, table)?;
        let kind = self.plan.tables[table.index()].columns[column.index()].kind.clone();
        let value = self.known_value(&entry.value, Some(&kind))?;
        Ok((column, value))
    }

    fn row_claims(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        let Some(node) = line.take("row") else {
            return Ok(());
        };
        let row = self.row_path(node)?;
        let by = self.line_by(line)?;
        let mut states = Vec::new();
        if let Some(unchanged) = line.take("unchanged") {
            if !self.boolean(unchanged)? {
                let help = "say what the row `is`, or how many `writes` it got".to_owned();
                return Err(self.says_nothing(unchanged, Some(help)));
            }
            states.push(RowState::Unchanged);
        }
        match line.take("is") {
            None if states.is_empty() => {
                let (message, label) = ("what must the row be?", "say so by `is` or `unchanged`");
                return Err(self.diagnostics.report(
                    node.span,
                    "missing key",
                    message,
                    label,
                    None,
                ));
            }
            None => {}
            Some(node) if is_word(node, "missing") => states.push(RowState::Missing),
            Some(node) => {
                if !matches!(node.form, Form::Map(_)) {
                    let message = "expected columns with values, or `missing`";
                    let label = format!("this is {}", node.form_name());
                    return Err(self.diagnostics.report(
                        node.span,
                        "wrong form",
                        message,
                        label,
                        None,
                    ));
                }
                let entries = node.entries().iter();
                let columns: Vec<_> =
                    entries.map(|entry| self.known_column(entry, row.table)).collect();
                let columns = columns.into_iter().collect::<Checked<Vec<_>>>()?;
                states.push(RowState::Is(columns));
            }
        }
        claims.extend(states.into_iter().map(|state| Claim::Row { row: row.clone(), by, state }));
        Ok(())
    }

    /// The values of columns over all rows of a table.
    fn table_claims(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        if line.has("answer") || line.has("step") {
            return Ok(());
        }
        let Some(node) = line.take("rows") else {
            return Ok(());
        };
        if node.scalar().is_none() {
            let message = "whose rows are these?";
            let label = "`step` or `answer` is missing";
            return Err(self.diagnostics.report(
                node.pointer(),
                "missing key",
                message,
                label,
                None,
            ));
        }
        let (instance, table) = self.table_path(node)?;
        let own = EXPECTATION.map.map_or(&[][..], |map| map.keys);
        let others = line.take_others(|name| own.iter().any(|key| key.name == name));
        if others.is_empty() {
            let (message, label) = ("what must the rows be?", "name a column and its values");
            let help = "`number: [8, 9]` beside it; `count` is the number of rows".to_owned();
            return Err(self.diagnostics.report(
                node.span,
                "missing key",
                message,
                label,
                Some(help),
            ));
        }
        for entry in others {
            let column = self.column_named(&entry.key, entry.key_span, table)?;
            let kind = self.plan.tables[table.index()].columns[column.index()].kind.clone();
            let values = entry.value.items().iter();
            let values: Vec<_> = values.map(|node| self.known_value(node, Some(&kind))).collect();
            let values = values.into_iter().collect::<Checked<Vec<_>>>()?;
            claims.push(Claim::Rows { instance, table, column, values });
        }
        Ok(())
    }

    pub(super) fn says_nothing(&mut self, node: &Node, help: Option<String>) -> Reported {
        let text = node.scalar().map_or("", |scalar| &*scalar.text);
        let message = format!("`{}` claims nothing here", shorten(text));
        self.diagnostics.report(node.span, "wrong value", message, "leave it out", help)
    }
}

/// Whether a value is this plain word.
pub fn is_word(node: &Node, word: &str) -> bool {
    node.scalar().is_some_and(|scalar| scalar.is_plain && &*scalar.text == word)
}
