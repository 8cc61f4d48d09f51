//! Literals: what a plain or quoted scalar is, by the type of the column that it goes to.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::scenario::lower::Lowering;
use crate::scenario::lower::reading::guid;
use crate::scenario::moment;
use crate::scenario::suggestion::{self, listed, shorten};
use crate::scenario::tree::Scalar;
use crate::words::{ColumnType, Name, RowId, Value};

/// Why a literal does not fit: a label, and help.
pub type Misfit = (String, Option<String>);

/// A scalar where nothing says what it should be: plain `true`, `null` and numbers are themselves,
/// anything else is text.
pub fn untyped(scalar: &Scalar) -> Value {
    let text = &*scalar.text;
    if !scalar.is_plain {
        return Value::Text(scalar.text.clone());
    }
    match text {
        "null" | "~" => Value::Null,
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => whole(text)
            .map(Value::Whole)
            .or_else(|| decimal(text).map(Value::Decimal))
            .unwrap_or_else(|| Value::Text(scalar.text.clone())),
    }
}

/// `12`, `-12`, `1_000`; no leading zeros, so that `007` stays text.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && (digits.len() == 1 || !digits.starts_with('0'));
    if !is_number {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (before, after) = digits.split_once('.')?;
    let is_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !is_digits(before) || !is_digits(after) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

impl Lowering<'_> {
    /// The scalar as a value of this type.
    pub(super) fn literal(&mut self, scalar: &Scalar, kind: &ColumnType) -> Result<Value, Misfit> {
        if scalar.is_null() {
            return Ok(Value::Null);
        }
        let text = &*scalar.text;
        let misfit =
            |expected: &str| -> Misfit { (format!("`{}` is not {expected}", shorten(text)), None) };
        match kind {
            ColumnType::Text { .. } => Ok(Value::Text(scalar.text.clone())),
            ColumnType::Whole => match whole(text) {
                Some(number) => Ok(Value::Whole(number)),
                None => Err(misfit("a whole number")),
            },
            ColumnType::Decimal | ColumnType::Money => {
                let number = decimal(text).or_else(|| whole(text).map(Decimal::from));
                match number {
                    Some(number) => Ok(Value::Decimal(number)),
                    None => Err(misfit("a number")),
                }
            }
            ColumnType::Boolean => match text {
                "true" => Ok(Value::Boolean(true)),
                "false" => Ok(Value::Boolean(false)),
                _ => Err(misfit("true or false")),
            },
            ColumnType::DateTime => date_time(text).map(Value::DateTime).ok_or_else(|| {
                let help = "a date is written `2026-01-06` or `2026-01-06T02:10`, in UTC";
                (misfit("a date").0, Some(help.to_owned()))
            }),
            ColumnType::Choice(labels) => {
                if labels.iter().any(|label| **label == *text) {
                    return Ok(Value::Text(scalar.text.clone()));
                }
                let known: Vec<&str> = labels.iter().map(|label| &**label).collect();
                let help = suggestion::help(text, &known).or_else(|| Some(listed(&known)));
                Err((misfit("one of the column's labels").0, help))
            }
            ColumnType::Lookup(table) => {
                let table = *table;
                if guid(text).is_none() {
                    self.rows.knows(table, &Name::from(text));
                }
                Ok(Value::Id(self.row_id(table, text)))
            }
            ColumnType::UniqueId => guid(text).map(Value::Id).ok_or_else(|| {
                let help = "a GUID is written 00000000-0000-0000-0000-000000000001";
                (misfit("a GUID").0, Some(help.to_owned()))
            }),
        }
    }

    /// A known value as one of this type, as if it stood there in the file.
    pub(super) fn fit(&mut self, value: Value, kind: &ColumnType) -> Result<Value, Misfit> {
        let text = match (&value, kind) {
            (Value::Null, _) | (Value::Id(_), ColumnType::Lookup(_) | ColumnType::UniqueId) => {
                return Ok(value);
            }
            (Value::Boolean(is_so), _) => is_so.to_string(),
            (Value::Whole(number), _) => number.to_string(),
            (Value::Decimal(number), _) => number.to_string(),
            (Value::Text(text), _) => text.to_string(),
            (Value::DateTime(_), ColumnType::DateTime) => return Ok(value),
            (Value::Id(RowId(id)), _) => id.to_string(),
            (Value::DateTime(_) | Value::Record(_) | Value::List(_) | Value::Delta(_), _) => {
                return Err((format!("{} does not fit here", value.kind()), None));
            }
        };
        let scalar = Scalar { text: text.into(), is_plain: false, verbatim: None };
        self.literal(&scalar, kind)
    }
}

fn date_time(text: &str) -> Option<Timestamp> {
    moment::date_time(text).ok()
}
