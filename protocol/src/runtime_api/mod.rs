//! The Runtime API, 2018-06-01, as data: its calls, headers and error bodies. Served by the shim, spoken by tests.
//!
//! Nothing here reads a connection. What a runtime client writes is either understood or refused with the status
//! and the body that AWS answers.

pub mod call;
pub mod error_body;
pub mod error_cause;
pub mod errors;
pub mod headers;

pub use call::Call;
pub use errors::Refusal;

/// Largest body of `error` and `init/error`: 1 MiB.
pub const ERROR_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Body of an accepted answer, which comes with status 202; with a line feed, as recorded from the service.
pub const ACCEPTED_BODY: &str = "{\"status\":\"OK\"}\n";
