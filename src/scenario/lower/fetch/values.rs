//! The values of FetchXML: typed by the column that they are compared with, and filled in where
//! they hold braces.

use std::ops::Range;

use roxmltree::{Attribute, Node as Element};

use crate::plan::{Field, Reached};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::fetch::Reader;
use crate::scenario::lower::reading::{grouped, guid};
use crate::scenario::tree::Scalar;
use crate::words::{ColumnType, Expression, Name, Value};

/// The longest text that a condition compares with.
const TEXT: ColumnType = ColumnType::Text { max_length: u32::MAX };

impl Reader<'_, '_, '_> {
    /// A value that a field of this kind is compared with.
    pub(super) fn value_for(
        &mut self,
        of: Reached,
        text: &str,
        range: Range<usize>,
    ) -> Checked<Expression> {
        let table = self.selection.table_of(of.link);
        let kind = match of.field {
            // A row can be meant by its name, as by a lookup.
            Field::Id => ColumnType::Lookup(table),
            Field::Column(column) => {
                self.lowering.plan.tables[table.index()].columns[column.index()].kind.clone()
            }
        };
        self.value(text, range, &kind)
    }

    /// A pattern.
    pub(super) fn pattern(&mut self, text: &str, range: Range<usize>) -> Checked<Expression> {
        self.value(text, range, &TEXT)
    }

    /// A number of steps of a calendar.
    pub(super) fn steps(&mut self, text: &str, range: Range<usize>) -> Checked<Expression> {
        let value = self.value(text, range.clone(), &ColumnType::Whole)?;
        if let Expression::Literal(Value::Whole(number)) = value
            && !(0..=1_000_000).contains(&number)
        {
            let message = "this operator wants a number from 0";
            let label = format!("`{number}` is none");
            return Err(self.wrong(range, "wrong value", message, &label, None));
        }
        Ok(value)
    }

    /// A number that an attribute gives, known or filled in.
    pub(super) fn number(
        &mut self,
        element: Element<'_, '_>,
        name: &str,
    ) -> Checked<Option<Expression>> {
        let Some(attribute) = element.attribute_node(name) else {
            return Ok(None);
        };
        let range = attribute.range_value();
        let value = self.value(attribute.value(), range.clone(), &ColumnType::Whole)?;
        let most = match name {
            "page" => i64::MAX,
            _ => i64::from(self.lowering.plan.limits.page_size),
        };
        if let Expression::Literal(Value::Whole(number)) = value
            && !(1..=most).contains(&number)
        {
            let message = match name {
                "page" => "pages are numbered from 1".to_owned(),
                _ => format!("`{name}` is from 1 to {}", grouped(most.unsigned_abs())),
            };
            let label = format!("`{number}` is not");
            return Err(self.wrong(range, "wrong value", &message, &label, None));
        }
        Ok(Some(value))
    }

    /// A text that an attribute gives, known or filled in.
    pub(super) fn text_value(&mut self, attribute: Attribute<'_, '_>) -> Checked<Expression> {
        self.value(attribute.value(), attribute.range_value(), &TEXT)
    }

    /// A text as a value of this type. `{name}` alone is what is bound to the name; in a longer
    /// text it is filled in; a GUID may stand in braces.
    fn value(&mut self, text: &str, range: Range<usize>, kind: &ColumnType) -> Checked<Expression> {
        let span = self.place.span(range);
        let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let is_unique = matches!(kind, ColumnType::Lookup(_) | ColumnType::UniqueId);
        let text = inner.filter(|inner| is_unique && guid(inner).is_some()).unwrap_or(text);
        let text = match (kind, text) {
            (ColumnType::Boolean, "1") => "true",
            (ColumnType::Boolean, "0") => "false",
            (_, text) => text,
        };
        let is_template = text.contains(['{', '}']);
        let text = match inner.filter(|inner| is_template && !inner.contains(['{', '}'])) {
            Some(alone) => Name::from(format!("={alone}")),
            None => Name::from(text),
        };
        let scalar = Scalar { text, is_plain: false, verbatim: None };
        self.lowering.value_inside(&scalar, span, kind, self.body)
    }
}
