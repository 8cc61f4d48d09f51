//! Paging cookies: where a page ends, as text that a client hands back for the next page.
//!
//! ```xml
//! <cookie page="1">
//!   <column name="number" last="7" first="3" />
//!   <column name="accountid" last="{GUID}" first="{GUID}" />
//! </cookie>
//! ```
//!
//! A cookie names the values of the last row, not the row: the next page begins behind them,
//! whatever has become of that row.
//!
//! Source: Microsoft Learn, "Page results using FetchXml", Paging cookie examples. Assumed: a null
//! is written `lastnull="1"`, and the values of decimals and dates as anywhere else; no page shows
//! them.

use std::fmt::Write;

use roxmltree::Document;
use uuid::Uuid;

use crate::engine::database::execution::Query;
use crate::plan::{Field, OrderBy, Ordering, Plan, Reached, Table};
use crate::words::evaluate::text_of;
use crate::words::{ColumnType, RowId, TableId, Value};

/// A cookie's content.
#[derive(Clone, Debug, PartialEq)]
pub struct Cookie {
    /// The number of the page that it came with.
    pub page: u64,
    /// The values by which the query is ordered, of the page's first row.
    pub first: Vec<Value>,
    /// Those of its last row.
    pub last: Vec<Value>,
}

impl Cookie {
    /// The cookie as text. Its query orders by fields of its own table only.
    pub(super) fn text(&self, plan: &Plan, query: &Query) -> String {
        let mut text = format!("<cookie page=\"{}\">", self.page);
        let table = query.table.map(|table| plan.table(table));
        for (by, (first, last)) in query.order.iter().zip(self.first.iter().zip(&self.last)) {
            let name = table.map(|table| name_of(table, by)).unwrap_or_default();
            text.push_str("<column name=\"");
            escape(&name, &mut text);
            text.push('"');
            for (key, value) in [("last", last), ("first", first)] {
                match value {
                    Value::Null => {
                        let _ = write!(text, " {key}null=\"1\"");
                    }
                    Value::Id(RowId(id)) => {
                        let _ = write!(text, " {key}=\"{{{}}}\"", id.as_hyphenated());
                    }
                    value => {
                        let _ = write!(text, " {key}=\"");
                        escape(&text_of(value), &mut text);
                        text.push('"');
                    }
                }
            }
            text.push_str(" />");
        }
        text.push_str("</cookie>");
        text
    }

    /// The last row's values of a cookie that came with a query of this order; `None` for any
    /// other text.
    pub fn last_of(
        text: &str,
        plan: &Plan,
        table: TableId,
        order: &[Ordering],
    ) -> Option<Vec<Value>> {
        let document = Document::parse(text).ok()?;
        let definition = plan.table(table);
        let mut columns = document.root_element().children().filter(|it| it.is_element());
        let mut values = Vec::with_capacity(order.len());
        for by in order {
            let column = columns.next()?;
            if column.attribute("name")? != name_of(definition, by) {
                return None;
            }
            values.push(match column.attribute("last") {
                Some(text) => value_from(text, definition, by)?,
                None => column.attribute("lastnull").map(|_| Value::Null)?,
            });
        }
        columns.next().is_none().then_some(values)
    }
}

/// What a cookie calls a field. The platform makes it the element's name; here a name may have
/// letters that can't stand there.
fn name_of(table: &Table, by: &Ordering) -> String {
    match by.by {
        OrderBy::Field(Reached { field: Field::Column(column), .. }) => {
            table.columns[column.index()].name.to_string()
        }
        OrderBy::Field(_) | OrderBy::Value(_) => format!("{}id", table.name),
    }
}

fn value_from(text: &str, table: &Table, by: &Ordering) -> Option<Value> {
    let OrderBy::Field(Reached { field, .. }) = by.by else {
        return None;
    };
    let id = || Uuid::try_parse(text).ok().map(|id| Value::Id(RowId(id)));
    let Field::Column(column) = field else {
        return id();
    };
    match &table.columns[column.index()].kind {
        ColumnType::Text { .. } | ColumnType::Choice(_) => Some(Value::text(text)),
        ColumnType::Whole => text.parse().ok().map(Value::Whole),
        ColumnType::Decimal | ColumnType::Money => text.parse().ok().map(Value::Decimal),
        ColumnType::Boolean => text.parse().ok().map(Value::Boolean),
        ColumnType::DateTime => text.parse().ok().map(Value::DateTime),
        ColumnType::Lookup(_) | ColumnType::UniqueId => id(),
    }
}

/// Text as it stands inside an attribute.
fn escape(text: &str, into: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            // Line breaks and tabs are kept, which as such an attribute would not.
            letter if (letter as u32) < 0x20 => {
                let _ = write!(into, "&#{};", letter as u32);
            }
            letter => into.push(letter),
        }
    }
}
