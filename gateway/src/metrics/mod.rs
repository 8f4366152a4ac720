//! Metrics: their names, and the series of each function.
//!
//! A label's value is never chosen by a caller: a series exists only for a function that the catalog knows.
//! Series of a deleted function go away at once, of one that is not invoked after an hour.

mod gauges;
mod names;
mod series;
mod server;
mod traces;

pub(crate) use gauges::{FunctionNow, Gauges};
pub use names::ALL as NAMES;
pub use series::Outcome;
pub(crate) use series::{FunctionLabels, FunctionMetrics, FunctionSeries};
pub use server::{ComingGateway, serve};
pub(crate) use traces::TraceMetrics;
