//! What a gateway is started with.

use std::sync::Arc;
use std::time::Duration;

use domain::Region;
use protocol::link::trust::LinkKey;

use crate::limits;
use crate::traces::Collector;

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region in every ARN.
    pub region: Region,
    /// The namespace of a name without an account.
    pub default_namespace: String,
    /// What environments are linked with.
    pub link_key: Arc<LinkKey>,
    /// How long an invocation waits for an environment.
    pub environment_wait: Duration,
    /// Invocations of one function that may wait.
    pub waiting_per_function_max: usize,
    /// Payload bytes that may be in flight.
    pub payload_bytes_in_flight_max: usize,
    /// Connections of clients.
    pub connections_max: usize,
    /// How long a connection may be idle.
    pub keep_alive: Duration,
    /// How long a caller may leave its answer unread.
    pub answer_stall: Duration,
    /// How long requests in flight may take when the gateway stops.
    pub drain: Duration,
    /// Where spans go; nothing is collected without.
    pub collector: Option<Collector>,
    /// How long spans wait for company.
    pub trace_batch_wait: Duration,
}

impl Options {
    /// The defaults, with a region, a namespace and a key.
    pub fn new(region: Region, default_namespace: String, link_key: LinkKey) -> Self {
        Self {
            region,
            default_namespace,
            link_key: Arc::new(link_key),
            environment_wait: Duration::from_secs(limits::ENVIRONMENT_WAIT_SECONDS_DEFAULT),
            waiting_per_function_max: limits::WAITING_PER_FUNCTION_MAX_DEFAULT,
            payload_bytes_in_flight_max: limits::PAYLOAD_BYTES_IN_FLIGHT_MAX_DEFAULT,
            connections_max: limits::CONNECTIONS_MAX_DEFAULT,
            keep_alive: limits::KEEP_ALIVE,
            answer_stall: limits::ANSWER_STALL,
            drain: Duration::from_secs(limits::DRAIN_SECONDS_DEFAULT),
            collector: None,
            trace_batch_wait: limits::TRACE_BATCH_WAIT,
        }
    }
}
