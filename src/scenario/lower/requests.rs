//! The steps that become requests: create, retrieve, query, update, upsert, delete.

use std::collections::BTreeSet;

use crate::plan::{Assignment, KeyValues, RowSelector, UpsertWhen, Verb};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AtHand, Body, Bound};
use crate::scenario::lower::reading::guid;
use crate::scenario::source::Span;
use crate::scenario::suggestion::{listed, shorten};
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnId, Expression, InstanceId, Name, TableId, Value};

/// Where a request goes.
pub(super) struct Target {
    pub(super) instance: Option<InstanceId>,
    pub(super) table: TableId,
}

impl Lowering<'_> {
    /// The verbs of the platform.
    pub(super) fn request(&mut self, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        let node = &entry.value;
        match &*entry.key {
            "create" => self.create(node, body),
            "retrieve" => self.retrieve(node, body),
            "query" => self.query(node, body),
            "update" => self.update(node, body),
            "upsert" => self.upsert(node, body),
            "delete" => self.delete(node, body),
            "merge" => self.merge(node, body),
            "execute" => self.execute(node, body),
            "grant" => self.share(node, "to", body),
            "revoke" => self.share(node, "from", body),
            "add members" => self.members(node, false, body),
            "remove members" => self.members(node, true, body),
            "assign" => self.assign(node, body),
            "set state" => self.set_state(node, body),
            "associate" => self.associate(node, false, body),
            "disassociate" => self.associate(node, true, body),
            "changes" => self.read_changes(node, body),
            "set" => self.set_target(entry, body),
            "transaction" => self.transaction(node, body),
            "execute multiple"
            | "execute transaction"
            | "create multiple"
            | "update multiple"
            | "upsert multiple" => self.batch(entry, body),
            _ => Err(self.diagnostics.misshapen(entry.key_span)),
        }
    }

    fn create(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let target = self.target(node, body);
        let row = self.optional_value(node.get("row"), body);
        let from = self.optional_value(node.get("from"), body);
        let Target { instance, table } = target?;
        let set = self.assignments(node.get("set"), table, body, None);
        let row = row?.map(id_of_guid);
        if let Some(row) = &row {
            self.rows.knows_expression(table, row);
        }
        let verb = Verb::Create {
            instance,
            table,
            row,
            from: from?,
            set: set?,
            bind: self.bind(node, body, Bound::Id)?,
        };
        Ok(verb)
    }

    fn retrieve(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        let columns = self.asked_columns(node, table);
        let hints = self.hints(node);
        let precondition = self.read_precondition(node, body);
        Ok(Verb::Retrieve {
            instance,
            table,
            row: row?,
            columns: columns?,
            hints: hints?,
            precondition: precondition?,
            bind: self.bind(node, body, Bound::Row(table, Vec::new()))?,
        })
    }

    fn update(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        let from = self.optional_value(node.get("from"), body);
        let row = row?;
        let at_hand = written_row(table, &row);
        let set = self.assignments(node.get("set"), table, body, Some(&at_hand));
        let precondition = self.precondition(node, body)?;
        Ok(Verb::Update { instance, table, row, from: from?, set: set?, precondition })
    }

    fn upsert(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, false);
        let from = self.optional_value(node.get("from"), body);
        let when = match node.get("when") {
            Some(node) => self.word(node, grammar::UPSERT_WHEN),
            None => Ok(UpsertWhen::Always),
        };
        let row = row?;
        let at_hand = written_row(table, &row);
        let set = self.assignments(node.get("set"), table, body, Some(&at_hand));
        let when = when?;
        let precondition = self.upsert_precondition(node, when, body);
        Ok(Verb::Upsert {
            instance,
            table,
            row,
            from: from?,
            set: set?,
            when,
            precondition: precondition?,
            bind: self.bind(node, body, Bound::Id)?,
        })
    }

    fn delete(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true)?;
        let precondition = self.precondition(node, body)?;
        Ok(Verb::Delete { instance, table, row, precondition })
    }

    fn merge(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        let subordinate_node = self.required(node, "subordinate")?;
        let subordinate = self.value(subordinate_node, None, body, None);
        let set = self.assignments(node.get("set"), table, body, None);
        let subordinate = id_of_guid(subordinate?);
        if let Expression::Literal(Value::Text(name)) = &subordinate {
            self.rows.uses(table, name, subordinate_node.span);
        }
        Ok(Verb::Merge { instance, table, row: row?, subordinate, set: set? })
    }

    /// The instance and table of a query.
    pub(super) fn target_of(
        &mut self,
        node: &Node,
        body: &mut Body,
    ) -> Checked<(Option<InstanceId>, TableId)> {
        self.target(node, body).map(|target| (target.instance, target.table))
    }

    /// The instance and table of a request.
    pub(super) fn target(&mut self, node: &Node, body: &mut Body) -> Checked<Target> {
        let instance = self.instance_of(node, body);
        let table_node = self.required(node, "table")?;
        let table = self.table(table_node);
        let (instance, table) = (instance?, table?);
        if let Some(known) = instance.or(body.home) {
            self.check_instance_has(known, table, table_node.span)?;
        }
        Ok(Target { instance, table })
    }

    /// The instance that a step names; `None` for its home, which somebody has to give.
    pub(super) fn instance_of(
        &mut self,
        node: &Node,
        body: &mut Body,
    ) -> Checked<Option<InstanceId>> {
        if let Some(node) = node.get("in") {
            return self.instance(node).map(Some);
        }
        if body.home.is_some() {
            return Ok(None);
        }
        body.facts.homeless.get_or_insert(node.pointer());
        if body.is_named {
            return Ok(None);
        }
        Err(self.diagnostics.report(
            node.pointer(),
            "missing key",
            "in which instance?",
            "neither this step nor its actor says `in`",
            Some("`in` may stand once on the actor: `in: europe`".to_owned()),
        ))
    }

    /// The binding of `as`, if there is one.
    pub(super) fn bind(
        &mut self,
        node: &Node,
        body: &mut Body,
        bound: Bound,
    ) -> Checked<Option<Name>> {
        match node.get("as") {
            None => Ok(None),
            Some(name) if body.batch.is_some() => Err(self.item_has_no_answer(name)),
            Some(name) => self.bound_name(name, body, bound).map(Some),
        }
    }

    /// The name that gets an answer, or a part of it.
    pub(super) fn bound_name(
        &mut self,
        node: &Node,
        body: &mut Body,
        bound: Bound,
    ) -> Checked<Name> {
        let name = self.binding_name(node)?;
        body.facts.answers.insert(name.clone(), bound.clone());
        body.bind(&name, bound);
        Ok(name)
    }

    fn binding_name(&mut self, node: &Node) -> Checked<Name> {
        let name = self.text(node)?;
        self.check_binding_name(&name, node.span)?;
        Ok(name)
    }

    /// A binding can't take a name that means something already.
    pub(super) fn check_binding_name(&mut self, name: &str, span: Span) -> Checked<()> {
        let is_taken =
            matches!(name, "target" | "before" | "params" | "true" | "false" | "null" | "in");
        let is_odd = name.starts_with(['$', '=']) || name.contains(['.', '{', '}']);
        if !is_taken && !is_odd {
            return Ok(());
        }
        let (message, label) = if is_taken {
            ("this name has a meaning of its own", "no name for a binding")
        } else {
            ("a binding has a plain name", "without `$`, `=`, `.` or braces")
        };
        Err(self.diagnostics.report(span, "wrong name", message, label, None))
    }

    pub(super) fn optional_value(
        &mut self,
        node: Option<&Node>,
        body: &mut Body,
    ) -> Checked<Option<Expression>> {
        match node {
            Some(node) => self.value(node, None, body, None).map(Some),
            None => Ok(None),
        }
    }

    /// Which row a request means. `must_exist`: whether something else has to bring it into being.
    pub(super) fn selector(
        &mut self,
        node: &Node,
        table: TableId,
        body: &mut Body,
        must_exist: bool,
    ) -> Checked<RowSelector> {
        if let Some(key) = node.get("key") {
            return self.key_values(key, table, body);
        }
        let row = self.required(node, "row")?;
        let is_any = row.scalar().is_some_and(|scalar| scalar.is_plain && &*scalar.text == "any");
        if is_any {
            return Ok(RowSelector::Any);
        }
        let expression = id_of_guid(self.value(row, None, body, None)?);
        match &expression {
            Expression::Literal(Value::Text(name)) if must_exist => {
                self.rows.uses(table, name, row.span);
            }
            Expression::Literal(Value::Text(_) | Value::Id(_)) => {
                self.rows.knows_expression(table, &expression);
            }
            Expression::Literal(value) => {
                let label = format!("this is {}", value.kind());
                let message = "expected a row's name or a binding";
                return Err(self.diagnostics.report(
                    row.span,
                    "wrong value",
                    message,
                    label,
                    Some("a name that looks like something else needs quotes".to_owned()),
                ));
            }
            _ => {}
        }
        Ok(RowSelector::Row(expression))
    }

    fn key_values(&mut self, node: &Node, table: TableId, body: &mut Body) -> Checked<RowSelector> {
        let values: Vec<_> = node
            .entries()
            .iter()
            .map(|entry| self.column_value(entry, table, body, None))
            .collect();
        let values = values.into_iter().collect::<Checked<Vec<_>>>()?;
        let given: BTreeSet<ColumnId> = values.iter().map(|&(column, _)| column).collect();
        let definition = &self.plan.tables[table.index()];
        let is_key = definition
            .keys
            .iter()
            .any(|key| key.columns.iter().copied().collect::<BTreeSet<_>>() == given);
        if is_key {
            return Ok(RowSelector::Key(KeyValues { values }));
        }
        let keys: Vec<String> = definition
            .keys
            .iter()
            .map(|key| {
                let columns = key.columns.iter();
                let names: Vec<&str> =
                    columns.map(|column| &*definition.columns[column.index()].name).collect();
                format!("{} ({})", shorten(&key.name), listed(&names))
            })
            .collect();
        let help = match keys.as_slice() {
            [] => format!("`{}` has no `keys`", definition.name),
            keys => format!("its alternate keys are: {}", keys.join("; ")),
        };
        let message = format!("these columns are no alternate key of `{}`", definition.name);
        Err(self.diagnostics.report(
            node.pointer(),
            "unknown name",
            message,
            "no such key",
            Some(help),
        ))
    }

    /// `set`: columns with their values. `at_hand`: the row that is written, where it is there.
    pub(super) fn assignments(
        &mut self,
        node: Option<&Node>,
        table: TableId,
        body: &mut Body,
        at_hand: Option<&AtHand>,
    ) -> Checked<Vec<Assignment>> {
        let found: Vec<_> = node
            .map_or(&[][..], Node::entries)
            .iter()
            .map(|entry| self.column_value(entry, table, body, at_hand))
            .collect();
        found
            .into_iter()
            .map(|found| found.map(|(column, value)| Assignment { column, value }))
            .collect()
    }

    /// `column: value`
    pub(super) fn column_value(
        &mut self,
        entry: &Entry,
        table: TableId,
        body: &mut Body,
        at_hand: Option<&AtHand>,
    ) -> Checked<(ColumnId, Expression)> {
        let column = self.column_named(&entry.key, entry.key_span, table);
        let kind = match column {
            Ok(column) => {
                Some(self.plan.tables[table.index()].columns[column.index()].kind.clone())
            }
            Err(_) => None,
        };
        let value = self.value(&entry.value, kind.as_ref(), body, at_hand);
        Ok((column?, value?))
    }
}

/// The row of an update, in its `set`.
fn written_row(table: TableId, row: &RowSelector) -> AtHand {
    let selected_by = match row {
        RowSelector::Row(Expression::Binding(name)) => Some(name.clone()),
        _ => None,
    };
    AtHand { table, is_searched: false, selected_by, links: Vec::new() }
}

/// A row's name that is a GUID is the id itself.
pub(super) fn id_of_guid(row: Expression) -> Expression {
    match row {
        Expression::Literal(Value::Text(text)) => match guid(&text) {
            Some(id) => Expression::Literal(Value::Id(id)),
            None => Expression::Literal(Value::Text(text)),
        },
        row => row,
    }
}
