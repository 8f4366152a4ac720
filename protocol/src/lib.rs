//! Bytes on every wire of Kubelambda.
//!
//! Architecture invariant: this crate depends on `domain` only, opens no connection and reads no clock. It
//! turns values into bytes and back, and refuses what it cannot read with an error that says why.

pub mod event_stream;
pub mod extensions_api;
pub mod lambda_api;
pub mod link;
pub mod metadata_api;
pub mod runtime_api;
pub mod telemetry;
pub mod telemetry_log;
mod tolerant;
pub mod xray;
pub mod xray_datagram;
