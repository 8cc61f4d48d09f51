//! The scenario language, written: what a setup in Rust means is what its text means, so that
//! both have the same words, the same rules and the same errors.

use std::fmt::Write as _;

use crate::words::Value;

/// A name or a text, as no reader can take it for anything else.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Names in brackets.
pub fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|name| quoted(name.as_ref())).collect();
    format!("[{}]", names.join(", "))
}

/// A column's value.
pub fn literal(value: &Value) -> String {
    match value {
        Value::Null | Value::List(_) | Value::Delta(_) => "null".to_owned(),
        Value::Boolean(is_so) => is_so.to_string(),
        Value::Whole(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::DateTime(moment) => quoted(&moment.to_string()),
        Value::Id(id) => quoted(&id.0.to_string()),
        Value::Record(record) => quoted(&record.id.0.to_string()),
        Value::Text(text) if text.starts_with(['=', '$']) || text.contains(['{', '}']) => {
            quoted(&format!("='{}'", text.replace('\'', "''")))
        }
        Value::Text(text) => quoted(text),
    }
}

/// Columns with their values, in braces.
pub fn values(columns: &[(String, Value)]) -> String {
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, value)| format!("{}: {}", quoted(name), literal(value)))
        .collect();
    format!("{{ {} }}", columns.join(", "))
}
