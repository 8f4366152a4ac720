//! The vocabulary of Kubelambda: names, ARNs, qualifiers, request ids, time budgets, limits and the state
//! machines of invocations and environments.
//!
//! Architecture invariant: nothing here performs I/O, reads a clock, draws a random number, or knows
//! Kubernetes or HTTP. Time and randomness are parameters; inputs are methods and outputs are values.

pub mod account;
pub mod arn;
pub mod backoff;
pub mod budget;
pub mod environment;
pub mod extensions;
pub mod failure;
pub mod grants;
pub mod hex;
pub mod ids;
pub mod limits;
pub mod log_format;
pub mod log_lines;
pub mod log_stream;
pub mod log_tail;
pub mod names;
pub mod placement;
pub mod runtime_version;
pub mod sampling;
pub mod scaling;
pub mod tracing_mode;
pub mod zone;

pub use account::{AccountId, Region};
pub use arn::{FunctionArn, FunctionReference};
pub use budget::TimeBudget;
pub use ids::{AttemptId, ExtensionId, RequestId};
pub use names::{FunctionName, InvalidName, LATEST, Qualifier};
pub use runtime_version::RuntimeVersion;
pub use tracing_mode::TracingMode;
