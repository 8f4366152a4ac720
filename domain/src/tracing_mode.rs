//! Whether the platform traces a function by itself: `TracingConfig.Mode`, as AWS names it.

/// What becomes of an invocation's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TracingMode {
    /// The trace header is passed on as the caller sent it; the platform adds nothing of its own.
    #[default]
    PassThrough,
    /// The platform decides on sampling where the caller did not, and makes segments of its own.
    Active,
}
