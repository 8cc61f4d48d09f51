//! The grammar as JSON Schema (draft 2020-12), for editors that complete and check YAML.
//!
//! It says what a schema can say: keys, forms, words, the look of durations and times. Names that
//! must exist and sums that must add up are for [`crate::scenario::parse`] alone.

use serde_json::{Map as Object, Value as Json, json};

use crate::fault::FaultKind;
use crate::scenario::grammar::{
    ANYTHING, DOCUMENT, EXPECTATION, Key, Kind, LINKED, Map, PLUG_IN, PRIORITIES, SESSION_STEP,
    STEP, Shape, VARIANT,
};

/// The shapes that the schema defines once and refers to.
const DEFINITIONS: &[(&str, &Shape)] = &[
    ("step", &STEP),
    ("session-step", &SESSION_STEP),
    ("link", &LINKED),
    ("plug-in", &PLUG_IN),
    ("expectation", &EXPECTATION),
];

/// The keys that no variant can change.
const NOT_IN_VARIANTS: &[&str] = &["scenario", "variants", "expect"];

const DURATION: &str = r"^(\d+(\.\d+)? ?(us|µs|ms|s|min|h|days?) ?)+$";
const CLOCK: &str = r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$";
const DATE: &str = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$";
const EVENT: &str = "^(Create|Retrieve|RetrieveMultiple|Update|Upsert|Delete|Associate|\
                     Disassociate|Assign|SetState|Merge|GrantAccess|RevokeAccess|CreateMultiple|\
                     UpdateMultiple)( .+)?$|\
                     ^[A-Za-z0-9]+_[A-Za-z0-9_]+( .+)?$";

/// The JSON Schema of scenario files.
///
/// Every file that [`crate::scenario::parse`] accepts is valid under it, with plain scalars read
/// as YAML 1.2 reads them.
pub fn schema() -> Json {
    let mut definitions = Object::new();
    for (name, shape) in DEFINITIONS {
        definitions.insert((*name).to_owned(), write_forms(shape, Side::File));
    }
    let mut schema = Object::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("A multiverse scenario"));
    if let Json::Object(document) = write_forms(&DOCUMENT, Side::File) {
        schema.extend(document);
    }
    schema.insert("$defs".to_owned(), Json::Object(definitions));
    Json::Object(schema)
}

/// For which side of a merge a schema is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The file itself, where required keys are required.
    File,
    /// A variant, which says only what differs.
    Change,
}

fn write(shape: &'static Shape, side: Side) -> Json {
    if std::ptr::eq(shape, &raw const ANYTHING) {
        return json!(true);
    }
    if std::ptr::eq(shape, &raw const VARIANT) {
        // A variant has no variants.
        return match side {
            Side::File => write_variant(),
            Side::Change => json!(false),
        };
    }
    let known = DEFINITIONS.iter().find(|(_, known)| std::ptr::eq(*known, shape));
    match known {
        Some((name, _)) if side == Side::File => json!({ "$ref": format!("#/$defs/{name}") }),
        _ => write_forms(shape, side),
    }
}

/// The schema of a shape: of its one form, or of any of its forms.
fn write_forms(shape: &'static Shape, side: Side) -> Json {
    let mut forms = Vec::new();
    if let Some(kind) = shape.scalar {
        forms.push(write_scalar(kind));
    }
    if let Some(item) = shape.list {
        let is_plug_ins = std::ptr::eq(item, &raw const PLUG_IN);
        forms.push(if side == Side::Change && is_plug_ins {
            let change = json!({ "anyOf": [{ "const": "none" }, write(item, side)] });
            json!({ "type": "object", "additionalProperties": change })
        } else {
            json!({ "type": "array", "items": write(item, Side::File) })
        });
    }
    if let Some(map) = shape.map {
        forms.push(write_map(map, side));
    }
    if forms.len() == 1 {
        return forms.remove(0);
    }
    json!({ "anyOf": forms })
}

fn write_variant() -> Json {
    let mut change = write_forms(&DOCUMENT, Side::Change);
    if let Some(Json::Object(properties)) = change.get_mut("properties") {
        properties.retain(|name, _| !NOT_IN_VARIANTS.contains(&name.as_str()));
    }
    change
}

fn write_map(map: &'static Map, side: Side) -> Json {
    let plain = write_plain_map(map, side);
    match map.or_with {
        None => plain,
        Some((key, other)) => {
            let is_scalar = json!({ "not": { "type": ["object", "array"] } });
            json!({
                "if": { "required": [key], "properties": { key: is_scalar } },
                "then": write_plain_map(other, side),
                "else": plain,
            })
        }
    }
}

fn write_plain_map(map: &'static Map, side: Side) -> Json {
    let mut properties = Object::new();
    let mut dependent = Object::new();
    for key in map.keys.iter().filter(|key| key.is_here()) {
        properties.insert(key.name.to_owned(), write_key(key, side));
        if !key.goes_with.is_empty() && side == Side::File {
            dependent.insert(key.name.to_owned(), one_of_these("anyOf", key.goes_with));
        }
    }
    let mut schema = Object::new();
    schema.insert("type".to_owned(), json!("object"));
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), Json::Object(properties));
    }
    let others = match &map.others {
        None => json!(false),
        Some(others) => {
            let value = write(others.shape, side);
            if side == Side::Change && others.shape.map.is_some() {
                json!({ "anyOf": [{ "const": "none" }, value] })
            } else {
                value
            }
        }
    };
    schema.insert("additionalProperties".to_owned(), others);
    if side == Side::Change {
        return Json::Object(schema);
    }
    let required: Vec<&str> =
        map.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if !dependent.is_empty() {
        schema.insert("dependentSchemas".to_owned(), Json::Object(dependent));
    }
    if map.others.as_ref().is_some_and(|others| others.is_single) {
        schema.insert("minProperties".to_owned(), json!(map.keys.len() + 1));
        schema.insert("maxProperties".to_owned(), json!(map.keys.len() + 1));
    }
    let groups: Vec<Json> = map.one_of.iter().map(|group| one_of_these("oneOf", group)).collect();
    if !groups.is_empty() {
        schema.insert("allOf".to_owned(), json!(groups));
    }
    Json::Object(schema)
}

/// That `oneOf` these keys, or `anyOf` them, is there.
fn one_of_these(how_many: &str, keys: &[&str]) -> Json {
    let alternatives: Vec<Json> = keys.iter().map(|name| json!({ "required": [name] })).collect();
    json!({ how_many: alternatives })
}

fn write_key(key: &Key, side: Side) -> Json {
    let mut schema = match write(key.shape, side) {
        Json::Object(schema) => schema,
        other => return other,
    };
    schema.insert("description".to_owned(), json!(key.about));
    Json::Object(schema)
}

fn write_scalar(kind: Kind) -> Json {
    match kind {
        Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Value => json!({ "type": ["string", "number", "boolean", "null"] }),
        Kind::Count => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^\d[\d_]*$" },
        ] }),
        Kind::Whole => json!({ "type": "integer" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Duration => text(DURATION),
        Kind::Moment => json!({ "anyOf": [text(CLOCK), text(DATE), text(DURATION)] }),
        Kind::MomentOrEnd => {
            json!({ "anyOf": [{ "const": "end" }, text(CLOCK), text(DATE), text(DURATION)] })
        }
        Kind::DateTime => text(DATE),
        Kind::Word(words) => {
            let known = words.iter().filter(|word| word.is_here());
            json!({ "enum": known.map(|word| word.word).collect::<Vec<_>>() })
        }
        Kind::Fault => write_fault(None),
        Kind::FaultOrNone => write_fault(Some("none")),
        Kind::Event => text(EVENT),
        Kind::EventOrPath => json!({ "anyOf": [text(EVENT), text("^[^/]+/[^/]+$")] }),
        Kind::TablePath => text("^[^/]+/[^/]+$"),
        Kind::RowPath => text("^[^/]+/[^/]+/.+$"),
        Kind::CountOrPath => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            text("^[^/]+/[^/]+$"),
            text(r"^\d[\d_]*$"),
        ] }),
        Kind::Backoff => json!({ "anyOf": [text(DURATION), text("^exponential from .+ to .+$")] }),
        Kind::Outage => text("^(unreachable|maintenance|slow by .+)$"),
        // A number's digits hold a point, too: a step `2` of a session `1`.
        Kind::StepPath => json!({ "type": ["string", "number"], "pattern": r"^.+\..+$" }),
        Kind::Priority => {
            let words = PRIORITIES.iter().map(|(word, _)| *word);
            json!({ "anyOf": [
                { "enum": words.collect::<Vec<_>>() },
                { "type": "integer", "minimum": -10, "maximum": 10 },
            ] })
        }
    }
}

/// A fault by its word or code, or this other word.
fn write_fault(other: Option<&str>) -> Json {
    let words = FaultKind::ALL.iter().map(|kind| kind.facts().word).chain(other);
    json!({ "anyOf": [
        { "enum": words.collect::<Vec<_>>() },
        text(r"^(0x[0-9a-fA-F]{1,8}|-?\d+)$"),
        { "type": "integer" },
    ] })
}

fn text(pattern: &str) -> Json {
    json!({ "type": "string", "pattern": pattern })
}
