//! The filters of FetchXML, as one expression each.

use roxmltree::{Attribute, Node as Element};

use crate::plan::{Field, LinkKind, LinkNumber, Reached};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::fetch::attributes::{CONDITION, FILTER, VALUE};
use crate::scenario::lower::fetch::operators::{Meaning, OPERATORS, Wants, condition};
use crate::scenario::lower::fetch::{CONDITIONS, DEPTH, Reader, tag};
use crate::words::{BinaryOperator, Expression, Name, Value};

impl Reader<'_, '_, '_> {
    /// What all the filters of an entity or a link say together.
    pub(super) fn filters(
        &mut self,
        of: Element<'_, '_>,
        link: Option<LinkNumber>,
    ) -> Checked<Option<Expression>> {
        let mut parts = Vec::new();
        let mut checked = Ok(());
        for filter in of.children().filter(|it| it.has_tag_name("filter")) {
            match self.filter(filter, link, 0) {
                Ok(condition) => parts.extend(condition),
                Err(reported) => checked = Err(reported),
            }
        }
        checked?;
        Ok(joined(BinaryOperator::And, parts))
    }

    fn filter(
        &mut self,
        filter: Element<'_, '_>,
        link: Option<LinkNumber>,
        depth: usize,
    ) -> Checked<Option<Expression>> {
        self.check_attributes(filter, &FILTER)?;
        self.check_children(filter, &["condition", "filter", "link-entity"])?;
        if depth == DEPTH {
            let message = format!("filters are nested more than {DEPTH} deep");
            return Err(self.wrong(tag(filter), "limit: nesting", &message, "too deep", None));
        }
        let operator = match filter.attribute_node("type") {
            None => BinaryOperator::And,
            Some(kind) => match kind.value() {
                "and" => BinaryOperator::And,
                "or" => BinaryOperator::Or,
                other => {
                    let message = "a filter is of type `and` or `or`";
                    let label = format!("`{other}` is neither");
                    let range = kind.range_value();
                    return Err(self.wrong(range, "wrong value", message, &label, None));
                }
            },
        };
        let mut parts = Vec::new();
        let mut checked = Ok(());
        for child in filter.children().filter(Element::is_element) {
            match child.tag_name().name() {
                "condition" => {
                    self.conditions += 1;
                    if self.conditions > CONDITIONS {
                        let message = format!("a query has at most {CONDITIONS} conditions");
                        let (code, label) = ("limit: conditions", "one too many");
                        return Err(self.wrong(tag(child), code, &message, label, None));
                    }
                    match self.condition(child, link) {
                        Ok(condition) => parts.push(condition),
                        Err(reported) => checked = Err(reported),
                    }
                }
                "filter" => match self.filter(child, link, depth + 1) {
                    Ok(condition) => parts.extend(condition),
                    Err(reported) => checked = Err(reported),
                },
                _ => {}
            }
        }
        checked?;
        Ok(joined(operator, parts))
    }

    fn condition(
        &mut self,
        element: Element<'_, '_>,
        link: Option<LinkNumber>,
    ) -> Checked<Expression> {
        self.check_attributes(element, &CONDITION)?;
        let name = self.required(element, "attribute")?;
        let of = match element.attribute_node("entityname") {
            Some(entity) => self.entity_of_condition(entity, link)?,
            None => link,
        };
        let span = self.place.span(name.range_value());
        let table = self.selection.table_of(of);
        let field = self.lowering.field_named(name.value(), span, table)?;
        let reached = Reached { link: of, field };
        let operator = self.required(element, "operator")?;
        let found = OPERATORS.iter().find(|(word, ..)| *word == operator.value());
        let Some(&(word, wants, meaning)) = found else {
            let span = self.place.span(operator.range_value());
            let known = OPERATORS.iter().map(|(word, ..)| *word);
            let diagnostics = &mut self.lowering.diagnostics;
            return Err(diagnostics.unknown(span, "operator", operator.value(), known));
        };
        if let Meaning::Refused(why) = meaning {
            let message = format!("`{word}` is not supported");
            let range = operator.range_value();
            return Err(self.wrong(range, "not supported", &message, why, None));
        }
        self.check_sort(reached, operator, wants, meaning)?;
        let values = self.values_of(element, reached, link, (word, wants))?;
        Ok(condition(&self.expression_of(reached, link), meaning, &values))
    }

    /// Whose rows a condition with `entityname` is about. They are judged when all are joined, so
    /// such a condition stands in the entity's own filter.
    fn entity_of_condition(
        &mut self,
        entity: Attribute<'_, '_>,
        link: Option<LinkNumber>,
    ) -> Checked<Option<LinkNumber>> {
        let range = entity.range_value();
        if link.is_some() {
            let message = "a condition of a link is about the linked row";
            let help = Some("a filter of the `entity` may speak of every link".to_owned());
            return Err(self.wrong(range, "out of place", message, "not about another", help));
        }
        let of = self.entity_named(entity)?;
        self.check_answered(of, range)?;
        Ok(Some(of))
    }

    /// The rows of a link are at hand when all are joined.
    fn check_answered(&mut self, link: LinkNumber, range: std::ops::Range<usize>) -> Checked<()> {
        let link = &self.selection.links[link.index()];
        if matches!(link.kind, LinkKind::Inner | LinkKind::Outer) {
            return Ok(());
        }
        let message = format!("`{}` only asks whether there are rows", link.name);
        Err(self.wrong(range, "out of place", &message, "nothing of them is at hand", None))
    }

    /// An operator is for columns of some types.
    fn check_sort(
        &mut self,
        of: Reached,
        operator: Attribute<'_, '_>,
        wants: Wants,
        meaning: Meaning,
    ) -> Checked<()> {
        let sort = self.lowering.sort_of((self.selection.table_of(of.link), of.field));
        let is_of_dates = wants == Wants::Date
            || wants == Wants::Number
            || matches!(
                meaning,
                Meaning::Stretch(..) | Meaning::LastSevenDays | Meaning::NextSevenDays
            );
        let wanted = match wants {
            Wants::Text => "text",
            _ if is_of_dates => "a date-time",
            _ => return Ok(()),
        };
        if sort == wanted {
            return Ok(());
        }
        let message = format!("`{}` compares {wanted}", operator.value());
        let label = format!("the column holds {sort}");
        Err(self.wrong(operator.range_value(), "wrong value", &message, &label, None))
    }

    /// The values of a condition, as many as its operator wants.
    fn values_of(
        &mut self,
        element: Element<'_, '_>,
        of: Reached,
        link: Option<LinkNumber>,
        (word, wants): (&str, Wants),
    ) -> Checked<Vec<Expression>> {
        self.check_children(element, &["value"])?;
        if let Some(other) = element.attribute_node("valueof") {
            return self.other_column(other, of, link, (word, wants)).map(|other| vec![other]);
        }
        let mut texts = Vec::new();
        if let Some(value) = element.attribute_node("value") {
            texts.push((value.value().to_owned(), value.range_value()));
        }
        for value in element.children().filter(Element::is_element) {
            self.check_attributes(value, &VALUE)?;
            let text = value.text().unwrap_or_default();
            let inner = value.first_child().map_or_else(|| tag(value), |inner| inner.range());
            texts.push((text.to_owned(), inner));
        }
        let fits = match wants {
            Wants::Nothing => texts.is_empty(),
            Wants::Two => texts.len() == 2,
            Wants::Many => !texts.is_empty(),
            _ => texts.len() == 1,
        };
        if !fits {
            return Err(self.wrong_number(element, word, wants, texts.len()));
        }
        let values = texts.into_iter().map(|(text, range)| match wants {
            Wants::Text => self.pattern(&text, range),
            Wants::Number => self.steps(&text, range),
            Wants::Date => self.known_date(of, &text, range),
            _ => self.value_for(of, &text, range),
        });
        values.collect()
    }

    fn wrong_number(
        &mut self,
        element: Element<'_, '_>,
        word: &str,
        wants: Wants,
        found: usize,
    ) -> crate::scenario::diagnostic::Reported {
        let (wanted, help) = match wants {
            Wants::Nothing => ("no value", None),
            Wants::Two => ("two values", Some("`<value>1</value><value>5</value>`")),
            Wants::Many => ("values", Some("`<value>a</value><value>b</value>`")),
            _ => ("one value", Some("`value='…'`")),
        };
        let message = format!("`{word}` takes {wanted}");
        let label = match found {
            0 => "there is none".to_owned(),
            1 => "there is one".to_owned(),
            found => format!("there are {found}"),
        };
        self.wrong(tag(element), "wrong value", &message, &label, help.map(str::to_owned))
    }

    /// A date that is known before the run, since its day counts.
    fn known_date(
        &mut self,
        of: Reached,
        text: &str,
        range: std::ops::Range<usize>,
    ) -> Checked<Expression> {
        let value = self.value_for(of, text, range.clone())?;
        if let Expression::Literal(Value::DateTime(_)) = value {
            return Ok(value);
        }
        let message = "the day must be known before the run";
        let help = Some("`ge` and `lt` compare with moments that are computed".to_owned());
        Err(self.wrong(range, "wrong value", message, "this is filled in", help))
    }

    /// `valueof`: another column of the row, or `alias.column` of a linked one.
    ///
    /// Source: Microsoft Learn, "Filter rows using FetchXml", Filter on column values in the same
    /// row: both of one type, with comparisons only.
    fn other_column(
        &mut self,
        other: Attribute<'_, '_>,
        of: Reached,
        link: Option<LinkNumber>,
        (word, wants): (&str, Wants),
    ) -> Checked<Expression> {
        let range = other.range_value();
        if wants != Wants::OneOrColumn {
            let message = format!("`{word}` compares with no other column");
            let help = Some("`eq`, `ne`, `gt`, `ge`, `lt` and `le` do".to_owned());
            return Err(self.wrong(range, "out of place", &message, "here is one", help));
        }
        let span = self.place.span(range.clone());
        let reached = match link {
            Some(_) => {
                let table = self.selection.table_of(link);
                let field = self.lowering.field_named(other.value(), span, table)?;
                Reached { link, field }
            }
            None => self.lowering.reached(other.value(), span, &self.selection)?,
        };
        if let (None, Some(other)) = (link, reached.link) {
            self.check_answered(other, range.clone())?;
        }
        let sort =
            |it: Reached| self.lowering.sort_of((self.selection.table_of(it.link), it.field));
        let (a, b) = (sort(of), sort(reached));
        if a != b {
            let message = "the two columns hold values of different kinds";
            let label = format!("{a} compared with {b}");
            return Err(self.wrong(range, "wrong value", message, &label, None));
        }
        Ok(self.expression_of(reached, link))
    }

    /// A field, as an expression in the filter of a link or, without one, of the entity.
    fn expression_of(&self, reached: Reached, filter_of: Option<LinkNumber>) -> Expression {
        let table = self.selection.table_of(reached.link);
        let name = match reached.field {
            Field::Id => Name::from("id"),
            Field::Column(column) => {
                self.lowering.plan.tables[table.index()].columns[column.index()].name.clone()
            }
        };
        match reached.link {
            Some(link) if filter_of.is_none() => {
                let link = self.selection.links[link.index()].name.clone();
                Expression::Member(Box::new(Expression::Column(link)), name)
            }
            _ => Expression::Column(name),
        }
    }
}

/// Conditions as one.
fn joined(operator: BinaryOperator, parts: Vec<Expression>) -> Option<Expression> {
    parts
        .into_iter()
        .reduce(|all, part| Expression::Binary(operator, Box::new(all), Box::new(part)))
}
