//! The Lambda REST API over HTTP/1.1.
//!
//! Handlers turn a request into a value, make one call, and turn what comes back into an answer. What may be
//! in a header, and how an error looks, is `protocol::lambda_api`; which failure is which error is one table
//! ([`errors`]).

mod answer;
mod body;
mod configuration;
mod connection;
mod errors;
mod held;
mod invoke;
mod router;
mod server;
mod streaming;

pub(crate) use server::serve;
