//! From a segment document to spans, with the names of OpenTelemetry's semantic conventions, and where those have
//! none, with the names that the OpenTelemetry Collector's X-Ray receiver gives (`aws.xray.…`).
//!
//! | in the document | in the span |
//! | --- | --- |
//! | segment / subsegment with `namespace` / any other | kind SERVER / CLIENT / INTERNAL |
//! | `error`, `throttle`, `fault` | status ERROR and `error.type` |
//! | `cause.exceptions` | events `exception` |
//! | `http`, `sql`, `aws`, `user` | `http.*`, `url.full`, `db.*`, `aws.*`, `enduser.id` |
//! | `annotations` | attributes of that name, and `aws.xray.annotations` with the names |
//! | those named like what the platform says | `aws.xray.annotation.<name>` |
//! | `metadata` | `aws.xray.metadata.<namespace>`, JSON text |

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use protocol::xray::document::{Cause, Exception, StackFrame};
use protocol::xray::{Document, Segment, SegmentId, TraceId};
use serde_json::{Map, Value};

use super::address;
use super::attributes::Attributes;

/// How names begin under which the platform tells whose a span is, and what of AWS it is about. Many places show
/// attributes of a span and of its resource side by side, so a function's own word must not have such a name.
const RESERVED: [&str; 5] = ["service.", "cloud.", "faas.", "k8s.", "aws."];

/// The spans that a document tells of; none of what has not ended.
pub(super) fn spans(document: &Document) -> Vec<Span> {
    let mut spans = Vec::new();
    let whole = if document.is_subsegment() { SpanKind::Internal } else { SpanKind::Server };
    add(&mut spans, document.trace_id, document.parent_id, &document.segment, whole);
    spans
}

/// A segment and its parts. The parts of one that goes on come again with it.
fn add(
    spans: &mut Vec<Span>,
    trace: TraceId,
    parent: Option<SegmentId>,
    segment: &Segment,
    otherwise: SpanKind,
) {
    let Some(end_us) = segment.end_us.filter(|_| !segment.in_progress) else { return };
    spans.push(span(trace, parent, segment, end_us, otherwise));
    for part in &segment.subsegments {
        add(spans, trace, Some(segment.id), part, SpanKind::Internal);
    }
}

fn span(
    trace: TraceId,
    parent: Option<SegmentId>,
    segment: &Segment,
    end_us: u64,
    otherwise: SpanKind,
) -> Span {
    let kind = if segment.namespace.is_some() { SpanKind::Client } else { otherwise };
    let (attributes, dropped_attributes_count) = attributes(segment).into_parts();
    Span {
        trace_id: trace.bytes().to_vec(),
        span_id: segment.id.bytes().to_vec(),
        parent_span_id: parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        name: segment.name.clone(),
        kind: kind.into(),
        start_time_unix_nano: segment.start_us.saturating_mul(1_000),
        end_time_unix_nano: end_us.max(segment.start_us).saturating_mul(1_000),
        attributes,
        dropped_attributes_count,
        events: segment.cause.iter().flat_map(|cause| events(cause, end_us)).collect(),
        status: status(segment),
        ..Span::default()
    }
}

/// The exceptions that a cause tells of.
pub(super) fn events(cause: &Cause, end_us: u64) -> Vec<Event> {
    match cause {
        Cause::Here { exceptions, .. } => {
            exceptions.iter().map(|exception| event(exception, end_us)).collect()
        }
        Cause::Elsewhere(_) => Vec::new(),
    }
}

fn exceptions(segment: &Segment) -> &[Exception] {
    match &segment.cause {
        Some(Cause::Here { exceptions, .. }) => exceptions,
        Some(Cause::Elsewhere(_)) | None => &[],
    }
}

/// How it failed, in the document's words.
fn failure(segment: &Segment) -> Option<&'static str> {
    let failures = [(segment.throttle, "throttle"), (segment.fault, "fault"), (segment.error, "error")];
    failures.into_iter().find(|(failed, _)| *failed).map(|(_, name)| name)
}

fn status(segment: &Segment) -> Option<Status> {
    failure(segment)?;
    let told = match &segment.cause {
        Some(Cause::Here { message: Some(message), .. }) => Some(message),
        _ => exceptions(segment).first().and_then(|exception| exception.message.as_ref()),
    };
    Some(Status { code: StatusCode::Error.into(), message: told.cloned().unwrap_or_default() })
}

fn event(exception: &Exception, end_us: u64) -> Event {
    let mut attributes = Attributes::default();
    attributes.put_some("exception.type", exception.kind.as_ref());
    attributes.put_some("exception.message", exception.message.as_ref());
    attributes.put_some("exception.stacktrace", stack(exception));
    attributes.put_some("aws.xray.exception.id", exception.id.as_ref());
    attributes.put_some("aws.xray.exception.cause", exception.cause.as_ref());
    attributes.put_some("aws.xray.exception.remote", exception.remote.then_some(true));
    let time_unix_nano = end_us.saturating_mul(1_000);
    Event {
        time_unix_nano,
        name: "exception".to_owned(),
        attributes: attributes.into_parts().0,
        ..Event::default()
    }
}

/// One line for each frame, under a line with the exception.
fn stack(exception: &Exception) -> Option<String> {
    let line = |StackFrame { path, line, label }: &StackFrame| format!("\tat {label}({path}:{line})");
    let frames: Vec<String> = exception.stack.iter().map(line).collect();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let first = format!("{}: {}", text(&exception.kind), text(&exception.message));
    (!frames.is_empty()).then(|| format!("{first}\n{}", frames.join("\n")))
}

fn attributes(segment: &Segment) -> Attributes {
    let mut attributes = Attributes::default();
    put_failure(&mut attributes, segment);
    put_http(&mut attributes, segment);
    put_sql(&mut attributes, &segment.sql);
    put_aws(&mut attributes, segment);
    attributes.put_some("enduser.id", segment.user.as_ref());
    for (key, value) in &segment.annotations {
        if RESERVED.iter().any(|prefix| key.starts_with(prefix)) {
            attributes.put_json(&format!("aws.xray.annotation.{key}"), value);
        } else {
            attributes.put_json(key, value);
        }
    }
    if !segment.annotations.is_empty() {
        attributes.put_list("aws.xray.annotations", segment.annotations.keys().cloned());
    }
    for (namespace, value) in &segment.metadata {
        attributes.put(&format!("aws.xray.metadata.{namespace}"), value.to_string());
    }
    attributes
}

fn put_failure(attributes: &mut Attributes, segment: &Segment) {
    let Some(failure) = failure(segment) else { return };
    let class = exceptions(segment).first().and_then(|exception| exception.kind.as_deref());
    attributes.put("error.type", class.unwrap_or(failure));
}

fn put_all(attributes: &mut Attributes, from: &Map<String, Value>, names: &[(&str, &str)]) {
    for (key, name) in names {
        if let Some(value) = from.get(*key) {
            attributes.put_json(name, value);
        }
    }
}

fn put_http(attributes: &mut Attributes, segment: &Segment) {
    let request = [
        ("method", "http.request.method"),
        ("user_agent", "user_agent.original"),
        ("client_ip", "client.address"),
        ("x_forwarded_for", "aws.xray.x_forwarded_for"),
        ("traced", "aws.xray.traced"),
    ];
    put_all(attributes, &segment.http.request, &request);
    let url = segment.http.request.get("url").and_then(Value::as_str);
    attributes.put_some("url.full", url.and_then(address::redacted));
    let response = [("status", "http.response.status_code"), ("content_length", "http.response.body.size")];
    put_all(attributes, &segment.http.response, &response);
}

fn put_sql(attributes: &mut Attributes, sql: &Map<String, Value>) {
    let names = [
        ("sanitized_query", "db.query.text"),
        ("user", "db.user"),
        ("preparation", "aws.xray.sql.preparation"),
    ];
    if let Some(system) = sql.get("database_type").and_then(Value::as_str) {
        attributes.put("db.system.name", system.to_ascii_lowercase());
    }
    put_all(attributes, sql, &names);
    let Some(url) = sql.get("url").and_then(Value::as_str) else { return };
    let Some(address) = address::without_secrets(url) else { return };
    attributes.put("db.connection_string", &address);
    if let Some((_, name)) = address.rsplit_once('/').filter(|(server, _)| server.contains("//")) {
        attributes.put("db.namespace", name);
    }
}

fn put_aws(attributes: &mut Attributes, segment: &Segment) {
    if segment.namespace.as_deref() == Some("aws") {
        attributes.put("rpc.system", "aws-api");
        attributes.put("rpc.service", &segment.name);
        attributes.put("aws.service", &segment.name);
        let operation = segment.aws.get("operation").and_then(Value::as_str);
        attributes.put_some("rpc.method", operation);
    }
    let names = [
        ("operation", "aws.operation"),
        ("region", "aws.region"),
        ("request_id", "aws.request_id"),
        ("account_id", "aws.account_id"),
        ("table_name", "aws.table_name"),
        ("queue_url", "aws.queue_url"),
        ("retries", "aws.xray.retries"),
    ];
    put_all(attributes, &segment.aws, &names);
    attributes.put_some("aws.xray.origin", segment.origin.as_ref());
    attributes.put_some("aws.xray.resource_arn", segment.resource_arn.as_ref());
}

#[cfg(test)]
mod tests;
