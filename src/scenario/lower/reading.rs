//! Single values with a meaning: durations, moments, numbers, names of things.

use std::ops::Range;
use std::time::Duration;

use crate::fault::FaultKind;
use crate::plan::{Message, RowRef};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::grammar::Choice;
use crate::scenario::lower::Lowering;
use crate::scenario::moment;
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::{Node, Scalar};
use crate::words::{ColumnId, InstanceId, Name, RowId, SimInstant, TableId};

impl Lowering<'_> {
    pub(super) fn scalar<'n>(&mut self, node: &'n Node) -> Checked<&'n Scalar> {
        match node.scalar() {
            Some(scalar) if !scalar.is_missing() => Ok(scalar),
            _ => Err(self.diagnostics.misshapen(node.pointer())),
        }
    }

    pub(super) fn text(&mut self, node: &Node) -> Checked<Name> {
        Ok(self.scalar(node)?.text.clone())
    }

    pub(super) fn wrong(&mut self, node: &Node, expected: &str, label: String) -> Reported {
        let message = format!("expected {expected}");
        let help = match expected {
            "a duration" => Some("durations are written `150ms`, `1.5 s`, `2 min`, `1 day`"),
            "a time" => Some(
                "times are written `06:00` (UTC), `2026-01-06T02:10`, or `250ms` after the start",
            ),
            _ => None,
        };
        self.diagnostics.report(node.span, "wrong value", message, label, help.map(str::to_owned))
    }

    pub(super) fn duration(&mut self, node: &Node) -> Checked<Duration> {
        let text = self.text(node)?;
        moment::duration(&text).map_err(|label| self.wrong(node, "a duration", label))
    }

    /// The instant that a file means; a time of day is the first one at or after `not_before`.
    pub(super) fn moment(&mut self, node: &Node, not_before: SimInstant) -> Checked<SimInstant> {
        let text = self.text(node)?;
        let start = self.plan.start;
        let instant = moment::moment(&text).and_then(|moment| moment.instant(start, not_before));
        let instant = instant.map_err(|label| self.wrong(node, "a time", label))?;
        self.latest = self.latest.max(instant);
        Ok(instant)
    }

    /// A whole number from 0 up to `most`.
    pub(super) fn count(&mut self, node: &Node, most: u64) -> Checked<u64> {
        let scalar = self.scalar(node)?;
        let digits = scalar.text.replace('_', "");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            let label = format!("`{}` is none", shorten(&scalar.text));
            return Err(self.wrong(node, "a whole number from 0", label));
        }
        match digits.parse::<u64>() {
            Ok(number) if number <= most => Ok(number),
            _ => Err(self.diagnostics.report(
                node.span,
                "limit: number",
                format!("this number is larger than {}", grouped(most)),
                "too large",
                None,
            )),
        }
    }

    pub(super) fn count_u32(&mut self, node: &Node, most: u32) -> Checked<u32> {
        let number = self.count(node, u64::from(most))?;
        Ok(u32::try_from(number).unwrap_or(most))
    }

    /// A whole number from 1 up to `most`. `message`: what to say of 0.
    pub(super) fn at_least_one(
        &mut self,
        node: &Node,
        most: u32,
        message: &str,
        help: Option<&str>,
    ) -> Checked<u32> {
        let count = self.count_u32(node, most)?;
        if count == 0 {
            let help = help.map(str::to_owned);
            let label = "this is none";
            return Err(self.diagnostics.report(node.span, "wrong value", message, label, help));
        }
        Ok(count)
    }

    pub(super) fn whole(&mut self, node: &Node) -> Checked<i32> {
        let text = self.text(node)?;
        text.parse().map_err(|_| {
            let label = format!("`{}` is none", shorten(&text));
            self.wrong(node, "a whole number", label)
        })
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Checked<bool> {
        match &*self.text(node)? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => {
                let label = format!("`{}` is neither", shorten(other));
                Err(self.wrong(node, "true or false", label))
            }
        }
    }

    /// A word of a closed set; the shape check has told any other.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, choices: &[Choice<T>]) -> Checked<T> {
        let text = self.text(node)?;
        match choices.iter().find(|(word, _)| **word == *text) {
            Some(&(_, choice)) => Ok(choice),
            None => Err(self.diagnostics.misshapen(node.span)),
        }
    }

    pub(super) fn table(&mut self, node: &Node) -> Checked<TableId> {
        let name = self.text(node)?;
        self.table_named(&name, node.span)
    }

    pub(super) fn table_named(&mut self, name: &str, span: Span) -> Checked<TableId> {
        if let Some(&table) = self.names.tables.get(name) {
            return Ok(table);
        }
        let known = self.names.tables.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(span, "table", name, known))
    }

    pub(super) fn instance(&mut self, node: &Node) -> Checked<InstanceId> {
        let name = self.text(node)?;
        self.instance_named(&name, node.span)
    }

    pub(super) fn instance_named(&mut self, name: &str, span: Span) -> Checked<InstanceId> {
        if let Some(&instance) = self.names.instances.get(name) {
            return Ok(instance);
        }
        let known = self.names.instances.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(span, "instance", name, known))
    }

    pub(super) fn column(&mut self, node: &Node, table: TableId) -> Checked<ColumnId> {
        let name = self.text(node)?;
        self.column_named(&name, node.span, table)
    }

    pub(super) fn column_named(
        &mut self,
        name: &str,
        span: Span,
        table: TableId,
    ) -> Checked<ColumnId> {
        let definition = &self.plan.tables[table.index()];
        if let Some(column) = definition.column(name) {
            return Ok(column);
        }
        let owner = &definition.name;
        let known = definition.columns.iter().map(|column| &*column.name);
        Err(self.diagnostics.unknown_of(span, owner, "column", name, known))
    }

    pub(super) fn columns(&mut self, node: &Node, table: TableId) -> Checked<Vec<ColumnId>> {
        let found: Vec<_> =
            node.one_or_many().iter().map(|node| self.column(node, table)).collect();
        found.into_iter().collect()
    }

    pub(super) fn actor(&mut self, node: &Node) -> Checked<crate::words::ActorId> {
        let name = self.text(node)?;
        if let Some(&actor) = self.names.actors.get(&name) {
            return Ok(actor);
        }
        let known = self.names.actors.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(node.span, "actor", &name, known))
    }

    pub(super) fn fault(&mut self, node: &Node) -> Checked<FaultKind> {
        let text = self.text(node)?;
        if let Some(kind) = FaultKind::find(&text) {
            return Ok(kind);
        }
        let known = FaultKind::ALL.iter().map(|kind| kind.facts().word);
        let help = suggestion::help(&text, &known.collect::<Vec<_>>())
            .or_else(|| Some("a fault is named by its word or its code".to_owned()));
        Err(self.diagnostics.report(
            node.span,
            "unknown name",
            format!("unknown fault `{}`", shorten(&text)),
            "no such fault",
            help,
        ))
    }

    pub(super) fn faults(&mut self, node: Option<&Node>) -> Checked<Vec<FaultKind>> {
        let nodes = node.map_or(&[][..], Node::one_or_many);
        let found: Vec<_> = nodes.iter().map(|node| self.fault(node)).collect();
        found.into_iter().collect()
    }

    /// `Create ticket`: a message, and the table if there is one.
    pub(super) fn event(&mut self, node: &Node) -> Checked<(Message, Option<TableId>)> {
        let text = self.text(node)?;
        let (word, table) = match text.split_once(' ') {
            Some((word, table)) => (word, Some(table.trim())),
            None => (&*text, None),
        };
        let own = Message::ALL.iter().copied().find(|message| message.name() == word);
        let custom = || self.names.messages.get(word).map(|id| Message::Custom(*id));
        let Some(message) = own.or_else(custom) else {
            let known = Message::ALL.map(Message::name);
            let known = known.into_iter().chain(self.names.messages.keys().map(|name| &**name));
            return Err(self.diagnostics.unknown(node.span, "message", word, known));
        };
        let Some(table) = table else {
            return Ok((message, None));
        };
        let start = self.inner(node, text.len() - table.len());
        let span = Span::new(start, node.span.end.max(start));
        Ok((message, Some(self.table_named(table, span)?)))
    }

    /// The byte of the file at which a piece of this scalar's text stands.
    pub(super) fn inner(&self, node: &Node, offset: usize) -> usize {
        node.scalar()
            .and_then(|scalar| scalar.verbatim)
            .map_or(node.span.start, |start| start + offset)
    }

    /// The place of a piece of a scalar's text; of all of it where its letters are not those of
    /// the file.
    pub(super) fn piece(&self, node: &Node, range: Range<usize>) -> Span {
        match node.scalar().and_then(|scalar| scalar.verbatim) {
            Some(start) => Span::new(start + range.start, start + range.end),
            None => node.span,
        }
    }

    /// `europe/account`
    pub(super) fn table_path(&mut self, node: &Node) -> Checked<(InstanceId, TableId)> {
        let text = self.text(node)?;
        let mut parts = text.splitn(3, '/');
        let (Some(instance), Some(table), None) = (parts.next(), parts.next(), parts.next()) else {
            let label = "an instance and a table, as in `europe/account`".to_owned();
            return Err(self.wrong(node, "a table", label));
        };
        self.place_of_table(node, instance, table)
    }

    /// `europe/account/fabrikam`
    pub(super) fn row_path(&mut self, node: &Node) -> Checked<RowRef> {
        let text = self.text(node)?;
        let mut parts = text.splitn(3, '/');
        let (Some(instance), Some(table), Some(row)) = (parts.next(), parts.next(), parts.next())
        else {
            let label = "an instance, a table and a row, as in `europe/account/fabrikam`";
            return Err(self.wrong(node, "a row", label.to_owned()));
        };
        let start = self.inner(node, text.len() - row.len());
        let row_span = Span::new(start, node.span.end.max(start));
        let (instance, table) = self.place_of_table(node, instance, table)?;
        self.rows.uses(table, row, row_span);
        Ok(RowRef { instance, table, row: self.row_id(table, row), name: Name::from(row) })
    }

    fn place_of_table(
        &mut self,
        node: &Node,
        instance_name: &str,
        table_name: &str,
    ) -> Checked<(InstanceId, TableId)> {
        let between = instance_name.len();
        let span = self.piece(node, 0..between);
        let instance = self.instance_named(instance_name, span);
        let span = self.piece(node, between + 1..between + 1 + table_name.len());
        let table = self.table_named(table_name, span);
        let (instance, table) = (instance?, table?);
        self.check_instance_has(instance, table, span)?;
        Ok((instance, table))
    }

    pub(super) fn check_instance_has(
        &mut self,
        instance: InstanceId,
        table: TableId,
        span: Span,
    ) -> Checked<()> {
        let Some(definition) = self.plan.instances.get(instance.index()) else {
            return Err(self.diagnostics.misshapen(span));
        };
        if definition.tables.contains(&table) {
            return Ok(());
        }
        let name = &self.plan.tables[table.index()].name;
        let message = format!("`{}` has no table `{name}`", definition.name);
        let help = "add it to the instance's `tables`, or name another instance with `in`";
        Err(self.diagnostics.report(
            span,
            "unknown name",
            message,
            "not there",
            Some(help.to_owned()),
        ))
    }

    /// The id of a row that is called so: a GUID is itself.
    pub(super) fn row_id(&self, table: TableId, name: &str) -> RowId {
        guid(name).unwrap_or_else(|| self.plan.row_id(table, name))
    }
}

/// The number with a comma between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The GUID that a text spells in the usual form with hyphens.
pub fn guid(text: &str) -> Option<RowId> {
    let is_shaped = text.len() == 36 && text.bytes().filter(|&byte| byte == b'-').count() == 4;
    is_shaped.then(|| text.parse().ok().map(RowId)).flatten()
}
