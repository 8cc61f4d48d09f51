//! The run as OpenTelemetry spans, in the JSON of OTLP: what Application Insights would have of the
//! same work, for the tools that draw such traces.
//!
//! Each lane is a trace of its own, with the lane as its root. Below it are nested the calls as the
//! caller sees them (`client` spans), the requests as the instance carries them out (`server`
//! spans, nested ones `internal`), their stages, the plug-in steps in these, and the waits for
//! locks:
//!
//! ```text
//!  lob app ─ Create ticket (client) ─ Create ticket (server) ┬ PreValidation ─ stub ─ Upsert …
//!                                                            └ wait for …
//! ```
//!
//! The resource of a span is the instance in which it happens; that of lanes and calls is the
//! caller. A stage lasts from its first step to the end of its last one, since nothing else happens
//! in it; what is directly below a request is the platform's own work in stage 30. What had not
//! ended by the end of the run ends there, and says so.
//!
//! Source: OpenTelemetry Protocol specification, JSON Protobuf encoding: ids are hexadecimal,
//! 64-bit numbers are texts, enums are numbers.

mod fold;

pub(in crate::report) use fold::spans;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::fault::Fault;
use crate::trace::{Header, Trace};
use crate::words::{InstanceId, SimInstant};

/// How a span stands to the service that it is in. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpanKind {
    /// Work inside.
    Internal = 1,
    /// A request that was taken in.
    Server = 2,
    /// A request that was sent out.
    Client = 3,
}

/// One span.
#[derive(Clone, Debug)]
pub(in crate::report) struct Span {
    /// The lane, whose trace it is in.
    pub lane: u32,
    /// The position of the span around it.
    parent: Option<usize>,
    pub name: String,
    kind: SpanKind,
    /// Where it happens; `None` for what the caller does itself.
    pub instance: Option<InstanceId>,
    pub began: SimInstant,
    pub ended: Option<SimInstant>,
    pub attributes: Vec<(&'static str, Value)>,
    pub fault: Option<Fault>,
}

/// The spans of a run, as one OTLP/JSON object (`ExportTraceServiceRequest`), in the order in
/// which they began.
pub fn otel(trace: &Trace) -> String {
    let (spans, end) = fold::spans(trace);
    let mut resources = Vec::new();
    let mut places: Vec<Option<InstanceId>> = vec![None];
    places
        .extend((0..trace.header.instances.len()).map(|it| u16::try_from(it).ok().map(InstanceId)));
    for place in places {
        let numbered = spans.iter().enumerate().filter(|(_, span)| span.instance == place);
        let list: Vec<_> = numbered.map(|(at, _)| told(&trace.header, &spans, at, end)).collect();
        if list.is_empty() {
            continue;
        }
        let service = match place {
            Some(instance) => trace.header.instance(instance).to_owned(),
            None => "callers".to_owned(),
        };
        let mut attributes = vec![
            attribute("service.name", &json!(service)),
            attribute("service.namespace", &json!(trace.header.title)),
            attribute("multiverse.file", &json!(trace.header.file)),
            attribute("multiverse.seed", &json!(trace.header.seed.to_string())),
        ];
        if let Some(variant) = &trace.header.variant {
            attributes.push(attribute("multiverse.variant", &json!(&**variant)));
        }
        resources.push(json!({
            "resource": { "attributes": attributes },
            "scopeSpans": [{
                "scope": { "name": "multiverse", "version": env!("CARGO_PKG_VERSION") },
                "spans": list,
            }],
        }));
    }
    format!("{:#}\n", json!({ "resourceSpans": resources }))
}

/// A span as the protocol writes it.
fn told(header: &Header, spans: &[Span], at: usize, end: SimInstant) -> Value {
    let span = &spans[at];
    let mut attributes: Vec<_> =
        span.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    if span.ended.is_none() {
        attributes.push(attribute("multiverse.unfinished", &json!(true)));
    }
    let mut status = json!({ "code": 0 });
    if let Some(fault) = &span.fault {
        let facts = fault.kind.facts();
        attributes.push(attribute("error.type", &json!(facts.name)));
        attributes.push(attribute("dataverse.error_code", &json!(facts.hex())));
        status = json!({ "code": 2, "message": fault.message });
    }
    json!({
        "traceId": trace_id(header, span.lane),
        "spanId": span_id(at),
        "parentSpanId": span.parent.map(span_id).unwrap_or_default(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanos(header, span.began),
        "endTimeUnixNano": nanos(header, span.ended.unwrap_or(end)),
        "attributes": attributes,
        "status": status,
    })
}

fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        other => json!({ "stringValue": other }),
    };
    json!({ "key": key, "value": value })
}

/// 16 bytes that differ between the lanes of a run, and between runs of other files, variants and
/// seeds.
fn trace_id(header: &Header, lane: u32) -> String {
    let variant = header.variant.as_deref().unwrap_or_default();
    let run = xxh3_64(format!("{}\n{variant}\n{}", header.file, header.seed).as_bytes());
    format!("{run:016x}{:016x}", u64::from(lane) + 1)
}

/// 8 bytes: the number of the span in the run, from 1.
fn span_id(at: usize) -> String {
    format!("{:016x}", at as u64 + 1)
}

/// Nanoseconds since 1970, as text; for an instant beyond the calendar, those of its end.
fn nanos(header: &Header, at: SimInstant) -> String {
    let start = header.start.as_nanosecond();
    (start + i128::from(at.0) * 1_000).clamp(0, i128::from(u64::MAX)).to_string()
}

#[cfg(test)]
mod tests;
