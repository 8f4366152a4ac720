//! Traces: the platform's own segments and those that functions send, as OpenTelemetry spans to a collector.
//!
//! ```text
//! invocation ──▶ Segments (service, function, init, invoke, overhead) ─┐
//! environment ──▶ document (an X-Ray segment document) ────────────────┴▶ queue ──▶ exporter ──▶ OTLP over HTTP
//! ```
//!
//! What it never does: keep an invocation waiting. Spans go into a queue that has room or drops them and counts
//! that; one task exports. Without a collector nothing is collected, and documents are not even read.
//!
//! A function speaks for itself only: the resource of a span, which says whose it is, comes from the link on
//! which a document came, never from the document.
//!
//! A document with `in_progress` is not exported: the whole one that follows it takes its place, and a span
//! cannot be corrected. So of a call that a time-out cuts off, nothing is told but the invocation itself.

mod address;
mod answering;
mod arrival;
mod attributes;
mod batch;
mod collector;
mod document;
mod exporter;
mod failing;
mod function;
mod queue;
mod room;
mod scope;
mod segments;

pub(crate) use answering::Answering;
pub(crate) use arrival::Arrival;
pub(crate) use collector::authorities;
pub use collector::{Collector, Target};
pub(crate) use function::FunctionTraces;
pub(crate) use queue::Traces;
pub(crate) use segments::Segments;
