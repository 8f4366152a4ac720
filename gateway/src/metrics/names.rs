//! Every metric's name, and the buckets of histograms (at most twelve).

/// Invocations by how they ended.
pub(super) const INVOCATIONS: &str = "kubelambda_invocations_total";
/// Invocations that waited for an init phase.
pub(super) const COLD_STARTS: &str = "kubelambda_cold_starts_total";
/// What `REPORT` says as Duration.
pub(super) const DURATION: &str = "kubelambda_invocation_duration_seconds";
/// What `REPORT` says as Init Duration.
pub(super) const INIT: &str = "kubelambda_init_duration_seconds";
/// What was left of the time-out.
pub(super) const REMAINING: &str = "kubelambda_remaining_time_seconds";
/// From arrival to hand-over.
pub(super) const WAIT: &str = "kubelambda_wait_seconds";
/// What `REPORT` says as Max Memory Used.
pub(super) const MEMORY: &str = "kubelambda_memory_used_bytes";
/// Linked environments by what they do.
pub(super) const ENVIRONMENTS: &str = "kubelambda_environments";
/// Invocations that run or wait.
pub(super) const IN_FLIGHT: &str = "kubelambda_invocations_in_flight";
/// Connections of clients.
pub(super) const CONNECTIONS: &str = "kubelambda_gateway_connections";
/// Requests by status.
pub(super) const REQUESTS: &str = "kubelambda_gateway_requests_total";
/// Payload bytes in flight.
pub(super) const PAYLOAD: &str = "kubelambda_gateway_payload_bytes";
/// Functions in the catalog.
pub(super) const FUNCTIONS: &str = "kubelambda_gateway_functions";
/// The program's version.
pub(super) const BUILD: &str = "kubelambda_gateway_build_info";

/// Spans by what became of them.
pub(super) const TRACE_SPANS: &str = "kubelambda_trace_spans_total";

/// Segment documents by what became of them.
pub(super) const TRACE_DOCUMENTS: &str = "kubelambda_trace_documents_total";

/// Every name.
pub const ALL: [&str; 16] = [
    INVOCATIONS,
    COLD_STARTS,
    DURATION,
    INIT,
    REMAINING,
    WAIT,
    MEMORY,
    ENVIRONMENTS,
    IN_FLIGHT,
    CONNECTIONS,
    REQUESTS,
    PAYLOAD,
    FUNCTIONS,
    BUILD,
    TRACE_SPANS,
    TRACE_DOCUMENTS,
];

/// Labels of every series of a function.
pub(super) const FUNCTION: [&str; 3] = ["namespace", "function", "version"];

const MIB: f64 = 1_048_576.0;

/// Durations up to the longest time-out.
pub(super) const SECONDS: [f64; 12] =
    [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 60.0, 300.0, 900.0];
/// Waits, from a warm hand-over to the longest wait for an environment.
pub(super) const WAITS: [f64; 12] = [0.000_5, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Sizes of functions.
pub(super) const BYTES: [f64; 12] = [
    16.0 * MIB,
    32.0 * MIB,
    64.0 * MIB,
    96.0 * MIB,
    128.0 * MIB,
    256.0 * MIB,
    512.0 * MIB,
    1_024.0 * MIB,
    2_048.0 * MIB,
    4_096.0 * MIB,
    8_192.0 * MIB,
    10_240.0 * MIB,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for name in ALL {
            assert!(name.starts_with("kubelambda_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }
}
