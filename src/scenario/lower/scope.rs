//! Names in expressions: bindings, parameters, columns, and members of rows.

use std::ops::Range;

use crate::plan::Field;
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AnswerShape, AtHand, Body, Bound};
use crate::scenario::lower::own_names::own_name;
use crate::scenario::lower::resolve::Surroundings;
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::syntax::{Syntax, SyntaxForm};
use crate::words::own_names::PARENT_SHARED;
use crate::words::{ColumnId, ColumnType, Delta, Expression, Name, TableId};

/// The name under which expressions find the parameters of the file.
const PARAMS: &str = "params";

impl Lowering<'_> {
    /// What a name stands for: a binding, a parameter of the file, or a column of the row at hand.
    pub(super) fn name(
        &mut self,
        name: &Name,
        range: &Range<usize>,
        is_binding: bool,
        around: &mut Surroundings<'_>,
    ) -> Checked<(Expression, Bound)> {
        let span = around.place.span(range);
        let column = around
            .at_hand
            .filter(|_| !is_binding)
            .filter(|at_hand| self.plan.tables[at_hand.table.index()].column(name).is_some());
        let bound = self.binding(name, span, around.body);
        let in_search = around.is_search() && !is_binding;
        let too = match (column, &**name) {
            (Some(at_hand), _) => {
                let table = &self.plan.tables[at_hand.table.index()].name;
                Some(format!("a column of `{table}`"))
            }
            (None, "row") if in_search => Some("the name of the row at hand".to_owned()),
            (None, "id") if in_search => Some("the id of the row at hand".to_owned()),
            _ => None,
        };
        if let (Some(_), Some(too)) = (&bound, too) {
            return Err(self.diagnostics.report(
                span,
                "two meanings",
                format!("`{name}` is a binding here and {too}, too"),
                "which of them?",
                Some(format!("write `${name}` for the binding, or give it another name")),
            ));
        }
        if let (None, None, Some(own)) = (&bound, column, own_name(name, around.body)) {
            around.body.facts.target.get_or_insert(span);
            return Ok(own);
        }
        match (bound, column) {
            (Some(bound), _) => Ok((Expression::Binding(name.clone()), bound)),
            (None, Some(at_hand)) => {
                let bound = self.column_at_hand(name, at_hand);
                Ok((Expression::Column(name.clone()), bound))
            }
            (None, None) => match self.params.get(name) {
                Some(value) => Ok((Expression::Literal(value.clone()), Bound::Any)),
                None if &**name == "row" && around.is_search() => {
                    Ok((Expression::RowName, Bound::Any))
                }
                None if &**name == "id" && around.is_search() => {
                    Ok((Expression::Column(name.clone()), Bound::Id))
                }
                None => Err(self.unknown_name(name, span, is_binding, around)),
            },
        }
    }

    /// What is known of a column of the row at hand.
    fn column_at_hand(&self, name: &Name, at_hand: &AtHand) -> Bound {
        let table = &self.plan.tables[at_hand.table.index()];
        let kind = table.column(name).map(|column| &table.columns[column.index()].kind);
        match kind {
            Some(&ColumnType::Lookup(to)) if at_hand.is_searched => Bound::Lookup(to),
            _ => Bound::Any,
        }
    }

    /// What the name is bound to, if it is; notes what the program thereby needs.
    fn binding(&mut self, name: &Name, span: Span, body: &mut Body) -> Option<Bound> {
        if let Some(bound) = body.bindings.get(name) {
            return Some(bound.clone());
        }
        if body.parameters.contains(name) {
            body.facts.parameters.insert(name.clone());
            return Some(Bound::Any);
        }
        let is_image = body.images.iter().any(|image| image.name == *name);
        let is_target = matches!(&**name, "target" | "before") && !is_image;
        if is_target && (body.is_named || body.plug_in.is_some()) {
            body.facts.target.get_or_insert(span);
            return Some(Bound::Target(body.plug_in.flatten()));
        }
        None
    }

    fn unknown_name(
        &mut self,
        name: &Name,
        span: Span,
        is_binding: bool,
        around: &mut Surroundings<'_>,
    ) -> Reported {
        around.body.facts.is_doubtful = true;
        let label = "neither a binding nor a parameter";
        if let Some(what) = around.body.lost.get(name) {
            return self.diagnostics.report(
                span,
                "unknown name",
                format!("`{name}` may not be bound here"),
                format!("it is bound only inside {what}"),
                Some(format!("bind it before as well: `let: {{ {name}: null }}`")),
            );
        }
        if matches!(&**name, "input" | "output") {
            return self.no_parameters(span, name, around.body);
        }
        if matches!(&**name, "target" | "before") {
            return self.diagnostics.report(
                span,
                "unknown name",
                format!("only a plug-in has `${name}`"),
                "this is no plug-in",
                None,
            );
        }
        let mut known: Vec<Name> = around.body.bindings.keys().cloned().collect();
        known.extend(around.body.parameters.iter().cloned());
        known.extend(self.params.keys().cloned());
        if let Some(at_hand) = around.at_hand.filter(|_| !is_binding) {
            let columns = &self.plan.tables[at_hand.table.index()].columns;
            known.extend(columns.iter().map(|column| column.name.clone()));
            known.extend(at_hand.links.iter().map(|(link, _)| link.clone()));
        }
        let known: Vec<&str> = known.iter().map(|name| &**name).collect();
        let is_near = suggestion::nearest(name, &known).is_some();
        let help = match suggestion::help(name, &known) {
            Some(help) => Some(help),
            None if is_binding => {
                Some("a text that begins with `$` is written `\"{'$'}…\"`".to_owned())
            }
            None => None,
        };
        let is_computed = name.contains(['+', '-', '*', '/', '=', '<', '>', '(', '[', '?']);
        let spaced = is_computed || (name.contains(' ') && !is_near);
        let help = if spaced && is_binding {
            Some("an expression begins with `=`: `=$name + 1`".to_owned())
        } else {
            help
        };
        let message = format!("nothing is called `{}` here", shorten(name));
        let label = match around.at_hand.filter(|_| !is_binding) {
            Some(at_hand) => {
                let table = &self.plan.tables[at_hand.table.index()].name;
                format!("neither a binding nor a column of `{table}`")
            }
            None => label.to_owned(),
        };
        self.diagnostics.report(span, "unknown name", message, label, help)
    }

    pub(super) fn member(
        &mut self,
        of: &Syntax,
        name: &Name,
        range: &Range<usize>,
        around: &mut Surroundings<'_>,
    ) -> Checked<(Expression, Bound)> {
        let span = around.place.span(range);
        if let SyntaxForm::Name(params) | SyntaxForm::Binding(params) = &of.form
            && &**params == PARAMS
            && !around.body.bindings.contains_key(params)
        {
            if let Some(value) = self.params.get(name) {
                return Ok((Expression::Literal(value.clone()), Bound::Any));
            }
            let known: Vec<Name> = self.params.keys().cloned().collect();
            let known = known.iter().map(|name| &**name);
            return Err(self.diagnostics.unknown(span, "parameter", name, known));
        }
        if let Some(found) = self.member_of_link(of, name, span, around) {
            return found;
        }
        let (row, bound) = self.resolve(of, around)?;
        let bound = match bound {
            Bound::Answer(shape) => self.member_of_answer(&shape, name, span)?,
            Bound::Id | Bound::Lookup(_) if &**name == "id" => return Ok((row, Bound::Id)),
            Bound::Lookup(table) => {
                self.member_of(table, name, span, false)?;
                Bound::Any
            }
            Bound::Row(table, expanded) => {
                let is_own = matches!(&**name, "id" | "row version");
                self.member_of(table, name, span, is_own)?
                    .filter(|(column, _)| expanded.contains(column))
                    .map_or(Bound::Any, |(_, to)| Bound::Row(to, Vec::new()))
            }
            Bound::Target(Some(table)) => {
                let is_own = matches!(&**name, "id" | "row version");
                self.member_of(table, name, span, is_own)?;
                Bound::Any
            }
            Bound::Target(None) => {
                if !matches!(&**name, "id" | "row version") {
                    let columns = &mut around.body.facts.target_columns;
                    columns.push((name.clone(), span));
                }
                Bound::Any
            }
            Bound::Rows(..) | Bound::Answers(_) | Bound::Id => {
                return Err(self.memberless(&bound, name, span));
            }
            Bound::Context(true) if &**name == "shared" => {
                return Ok((Expression::Binding(Name::from(PARENT_SHARED)), Bound::Shared));
            }
            Bound::Context(_) => self.member_of_context(name, span)?,
            Bound::Shared => Bound::Any,
            Bound::Image(table, columns) => {
                self.member_of_image(table, columns.as_deref(), name, span)?
            }
            Bound::Delta(table) => self.member_of_delta(table, name, span)?,
            Bound::Any => {
                self.check_way(&row, name, span, around)?;
                self.check_own_column(&row, name, span, around)?;
                Bound::Any
            }
        };
        Ok((Expression::Member(Box::new(row), name.clone()), bound))
    }

    /// What is bound has no members at all.
    fn memberless(&mut self, bound: &Bound, name: &Name, span: Span) -> Reported {
        let (what, instead) = match bound {
            Bound::Id => ("the id of a row", "retrieve the row to read its columns"),
            _ => ("a list of rows", "take one with `[0]`, or use `for each`"),
        };
        let message = format!("{what} has no `{}`", shorten(name));
        let help = Some(instead.to_owned());
        self.diagnostics.report(span, "unknown name", message, "no such member", help)
    }

    /// A column of a linked row, in the `where` of a query that links it.
    fn member_of_link(
        &mut self,
        of: &Syntax,
        name: &Name,
        span: Span,
        around: &Surroundings<'_>,
    ) -> Option<Checked<(Expression, Bound)>> {
        let SyntaxForm::Name(link) = &of.form else {
            return None;
        };
        let mut links = around.at_hand?.links.iter();
        let table = links.find(|(known, _)| known == link).map(|(_, table)| *table)?;
        let field = self.field_named(name, span, table);
        Some(field.map(|field| {
            let member = match field {
                Field::Id => Name::from("id"),
                Field::Column(_) => name.clone(),
            };
            let row = Box::new(Expression::Column(link.clone()));
            (Expression::Member(row, member), Bound::Any)
        }))
    }

    /// A member of a row that a query with links, or one that computes something, has answered.
    pub(super) fn member_of_answer(
        &mut self,
        shape: &AnswerShape,
        name: &Name,
        span: Span,
    ) -> Checked<Bound> {
        if let Some((_, bound)) = shape.named.iter().find(|(known, _)| known == name) {
            return Ok(bound.clone());
        }
        let Some((table, expanded)) = &shape.row else {
            let known = shape.named.iter().map(|(known, _)| &**known);
            return Err(self.diagnostics.unknown(span, "value", name, known));
        };
        let is_own = matches!(&**name, "id" | "row version");
        let found = self.member_of(*table, name, span, is_own)?;
        let found = found.filter(|(column, _)| expanded.contains(column));
        Ok(found.map_or(Bound::Any, |(_, to)| Bound::Row(to, Vec::new())))
    }

    /// A member of what a read of changes answered.
    fn member_of_delta(&mut self, table: TableId, name: &Name, span: Span) -> Checked<Bound> {
        if &**name == "rows" {
            return Ok(Bound::Rows(table, Vec::new()));
        }
        if Delta::MEMBERS.contains(&&**name) {
            return Ok(Bound::Any);
        }
        let message = format!("what has changed has no `{}`", shorten(name));
        let help = suggestion::help(name, &Delta::MEMBERS);
        Err(self.diagnostics.report(span, "unknown name", message, "no such member", help))
    }

    /// A `where` comes from the row at hand to the rows behind its lookups, and no further.
    fn check_way(
        &mut self,
        row: &Expression,
        name: &Name,
        span: Span,
        around: &Surroundings<'_>,
    ) -> Checked<()> {
        let (message, label) = match row {
            _ if !around.is_search() => return Ok(()),
            Expression::Column(column) => {
                let message = format!("`{column}` leads to no row");
                (message, format!("only a lookup has a `{}`", shorten(name)))
            }
            Expression::Member(of, _) if matches!(**of, Expression::Column(_)) => {
                let message = "a `where` follows one lookup and not a second".to_owned();
                (message, "too far from the row".to_owned())
            }
            _ => return Ok(()),
        };
        Err(self.diagnostics.report(span, "unknown name", message, label, None))
    }

    /// A binding that selects the row of an update stands for that row in its `set`.
    fn check_own_column(
        &mut self,
        row: &Expression,
        name: &Name,
        span: Span,
        around: &Surroundings<'_>,
    ) -> Checked<()> {
        let Some(at_hand) = around.at_hand else {
            return Ok(());
        };
        let selected_by = at_hand.selected_by.as_ref();
        let is_selected = matches!(row, Expression::Binding(bound) if selected_by == Some(bound));
        if is_selected && !matches!(&**name, "id" | "row version") {
            self.column_named(name, span, at_hand.table)?;
        }
        Ok(())
    }

    /// Checks a member of a row; answers the column and where it points if it is a lookup.
    fn member_of(
        &mut self,
        table: TableId,
        name: &Name,
        span: Span,
        is_own: bool,
    ) -> Checked<Option<(ColumnId, TableId)>> {
        if is_own {
            return Ok(None);
        }
        let column = self.column_named(name, span, table)?;
        let definition = &self.plan.tables[table.index()].columns[column.index()];
        Ok(match definition.kind {
            ColumnType::Lookup(to) => Some((column, to)),
            _ => None,
        })
    }
}
