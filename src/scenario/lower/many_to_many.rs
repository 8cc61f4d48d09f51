//! Many-to-many relationships: their intersect tables, and the steps that associate rows.

use crate::plan::{
    AlternateKey, End, ManyToMany, ManyToManyId, RowSelector, Table, Verb, pair_name,
};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::Body;
use crate::scenario::lower::requests::{Target, id_of_guid};
use crate::scenario::source::Span;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::{Entry, Node};
use crate::words::{ColumnType, Expression, Name, TableId, Value};

/// Whether a relationship is of kind many-to-many.
pub(super) fn is_many_to_many(entry: &Entry) -> bool {
    entry.value.get("kind").is_some_and(|kind| kind.scalar().is_some())
}

impl Lowering<'_> {
    /// Makes the intersect tables of the many-to-many relationships.
    pub(super) fn intersects(&mut self, relationships: Option<&Node>) {
        let entries = relationships.map_or(&[][..], Node::entries);
        for entry in entries.iter().filter(|entry| is_many_to_many(entry)) {
            if let Ok(relationship) = self.many_to_many(entry) {
                self.plan.many_to_many.push(relationship);
            }
        }
    }

    fn many_to_many(&mut self, entry: &Entry) -> Checked<ManyToMany> {
        let between = self.required(&entry.value, "between")?;
        let tables: Vec<_> = between.items().iter().map(|node| self.table(node)).collect();
        let tables = tables.into_iter().collect::<Checked<Vec<_>>>()?;
        let &[one, other] = &tables[..] else {
            let message = "a many-to-many relationship is between two tables";
            let label = format!("these are {}", tables.len());
            let help = "a table whose rows are associated with each other stands there twice";
            let help = Some(help.to_owned());
            return Err(self.diagnostics.report(between.span, "wrong value", message, label, help));
        };
        let name = match entry.value.get("intersect") {
            Some(node) => (self.text(node)?, node.span),
            None => (entry.key.clone(), entry.key_span),
        };
        let (intersect, [first, second]) = self.intersect(name, one, other)?;
        Ok(ManyToMany {
            name: entry.key.clone(),
            ends: [End { table: one, column: first }, End { table: other, column: second }],
            intersect,
            at: self.location(entry.key_span),
        })
    }

    /// The table of the pairs, with a lookup to either end.
    ///
    /// Source: Microsoft Learn, "Create N:N table relationships": the name of the relationship
    /// table is that of the relationship, unless its author gives another. `accountid`, and for a
    /// table with itself `accountidone` and `accountidtwo`: `ManyToManyRelationshipMetadata`,
    /// Entity1IntersectAttribute.
    fn intersect(
        &mut self,
        (name, span): (Name, Span),
        one: TableId,
        other: TableId,
    ) -> Checked<(TableId, [crate::words::ColumnId; 2])> {
        if self.names.tables.contains_key(&name) {
            let message = format!("there is a table `{}` already", shorten(&name));
            let label = "its pairs are rows of a table of their own";
            let help = "`intersect: …` gives that table a name of its own".to_owned();
            let place = "duplicate name";
            return Err(self.diagnostics.report(span, place, message, label, Some(help)));
        }
        if name.contains('/') {
            let message = "the name of a table or instance has no `/`";
            let label = "the pairs are rows of a table of this name";
            let help = "`intersect: …` gives that table a name of its own".to_owned();
            return Err(self.diagnostics.report(span, "wrong name", message, label, Some(help)));
        }
        let number = u16::try_from(self.plan.tables.len()).unwrap_or(u16::MAX);
        let id = TableId(number);
        self.names.tables.insert(name.clone(), id);
        self.plan.tables.push(Table::new(name, Vec::new()));
        let column_name = |table: TableId, twin: &str| {
            let twin = if one == other { twin } else { "" };
            format!("{}id{twin}", self.plan.tables[table.index()].name)
        };
        let names = [column_name(one, "one"), column_name(other, "two")];
        let first = self.add_column(id, &names[0], ColumnType::Lookup(one));
        let second = self.add_column(id, &names[1], ColumnType::Lookup(other));
        let definition = &mut self.plan.tables[id.index()];
        // The key begins with the first column, and is its index as well.
        definition.indexes.retain(|index| index.columns != [first]);
        let key = AlternateKey { name: Name::from("pair"), columns: vec![first, second] };
        definition.keys.push(key);
        Ok((id, [first, second]))
    }

    /// An instance with the tables of both ends has the pairs as well.
    pub(super) fn place_intersects(&mut self) {
        for instance in &mut self.plan.instances {
            for relationship in &self.plan.many_to_many {
                let tables = &mut instance.tables;
                let has_ends = relationship.ends.iter().all(|end| tables.contains(&end.table));
                if has_ends && !tables.contains(&relationship.intersect) {
                    tables.push(relationship.intersect);
                }
            }
        }
    }

    /// `associate`, `disassociate`.
    pub(super) fn associate(&mut self, node: &Node, undo: bool, body: &mut Body) -> Checked<Verb> {
        let Target { instance, table } = self.target(node, body)?;
        let row = self.selector(node, table, body, true);
        let relationship_node = self.required(node, "relationship")?;
        let relationship = self.many_to_many_of(relationship_node, table)?;
        let definition = &self.plan.many_to_many[relationship.index()];
        let (intersect, related) = (definition.intersect, definition.other(table));
        let is_first = definition.end_of(table) == Some(0);
        if let Some(known) = instance.or(body.home) {
            self.check_instance_has(known, intersect, relationship_node.span)?;
        }
        let row = row?;
        let with_node = self.required(node, "with")?;
        let mut with = Vec::new();
        for node in with_node.one_or_many() {
            let other = id_of_guid(self.value(node, None, body, None)?);
            if let Expression::Literal(Value::Text(name)) = &other {
                self.rows.uses(related, name, node.span);
            }
            if !undo {
                self.knows_pair(intersect, (&row, &other), is_first);
            }
            with.push(other);
        }
        if with.is_empty() {
            return Err(self.empty_list(with_node));
        }
        Ok(Verb::Associate { instance, table, row, relationship, with, undo })
    }

    /// The many-to-many relationship of this name, which must be about a table.
    fn many_to_many_of(&mut self, node: &Node, table: TableId) -> Checked<ManyToManyId> {
        let name = self.text(node)?;
        let mut all = self.plan.many_to_many.iter();
        let Some(index) = all.position(|it| it.name == name) else {
            return Err(self.no_many_to_many(node, &name));
        };
        let relationship = &self.plan.many_to_many[index];
        if relationship.end_of(table).is_some() {
            return Ok(ManyToManyId(u16::try_from(index).unwrap_or(u16::MAX)));
        }
        let [one, other] =
            relationship.ends.map(|end| self.plan.tables[end.table.index()].name.clone());
        let message = format!("`{}` is not about this table", shorten(&name));
        let label = format!("it is between `{}` and `{}`", shorten(&one), shorten(&other));
        Err(self.diagnostics.report(node.span, "wrong value", message, label, None))
    }

    fn no_many_to_many(
        &mut self,
        node: &Node,
        name: &Name,
    ) -> crate::scenario::diagnostic::Reported {
        let one_to_many = self.plan.relationships.iter().any(|it| it.name == *name);
        if !one_to_many {
            let known = self.plan.many_to_many.iter().map(|it| &*it.name);
            let what = "many-to-many relationship";
            return self.diagnostics.unknown(node.span, what, &shorten(name), known);
        }
        let message = format!("`{}` is a one-to-many relationship", shorten(name));
        let label = "its rows refer to one another by a lookup";
        let help = Some("`update` sets the lookup".to_owned());
        self.diagnostics.report(node.span, "wrong value", message, label, help)
    }

    /// What the pair of two rows is called, as far as that is known before the run.
    fn knows_pair(
        &mut self,
        intersect: TableId,
        (row, other): (&RowSelector, &Expression),
        is_first: bool,
    ) {
        let named = |expression: &Expression| match expression {
            Expression::Literal(Value::Text(name)) => Some(name.clone()),
            _ => None,
        };
        let row = match row {
            RowSelector::Row(row) => named(row),
            _ => None,
        };
        let (first, second) = if is_first { (row, named(other)) } else { (named(other), row) };
        match (first, second) {
            (Some(first), Some(second)) => {
                self.rows.knows(intersect, &Name::from(pair_name(&first, &second)));
            }
            (first, second) => {
                let first = first.map_or_else(String::new, |first| pair_name(&first, ""));
                let second = second.map_or_else(String::new, |second| pair_name("", &second));
                self.rows.knows_pattern(intersect, first.into(), second.into());
            }
        }
    }
}
