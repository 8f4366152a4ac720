//! The Lambda REST API as data: names of headers, what a caller may write in them, and errors.
//!
//! One struct or function for each thing on the wire, with its test underneath, shared by the gateway that
//! answers and by tests that ask. Nothing here knows an HTTP library, a function or a cluster.
//!
//! Texts of errors are those that AWS was seen to answer with (recordings of the real service), since people
//! and programs match on them.

pub mod client_context;
pub mod configuration;
pub mod errors;
pub mod headers;
pub mod invoke;
pub mod payload;
pub mod target;
pub mod tenant;
pub mod trace;

pub use errors::{Exception, ServiceError};
