//! Every bound of the gateway that is not AWS's, with its unit in its name, and what happens beyond it.

use std::time::Duration;

/// How long an invocation waits for an environment, in seconds; beyond it 429. A setting.
pub const ENVIRONMENT_WAIT_SECONDS_DEFAULT: u64 = 60;
/// Invocations of one function that wait in one gateway; beyond it 429. A setting.
pub const WAITING_PER_FUNCTION_MAX_DEFAULT: usize = 1_000;
/// Payload bytes in flight in one gateway, requests and responses; beyond it new requests get 429. A setting.
pub const PAYLOAD_BYTES_IN_FLIGHT_MAX_DEFAULT: usize = 256 * 1024 * 1024;
/// How long one answer at a time may grow although payload bytes are at their bound; then another may as well.
pub const ANSWER_BEYOND_BOUND: Duration = Duration::from_secs(2);
/// Connections of clients; one more is closed at once. A setting.
pub const CONNECTIONS_MAX_DEFAULT: usize = 10_000;
/// How long connections are still accepted after SIGTERM, while endpoints are updated, in seconds. A setting.
pub const DRAIN_DELAY_SECONDS_DEFAULT: u64 = 5;
/// How long requests in flight may take after that, in seconds; what is left is cut. A setting. The longest that
/// one may take: it waits for an environment, which initialises and runs to its time-out.
pub const DRAIN_SECONDS_DEFAULT: u64 = 980;

/// Request line and headers of one request; beyond it 431.
pub const HEADER_BLOCK_BYTES_MAX: usize = 32 * 1024;
/// Headers of one request; beyond it 431.
pub const HEADERS_MAX: usize = 100;
/// How long a header block may take from its first byte; then the connection is closed.
pub const HEADER_READ: Duration = Duration::from_secs(10);
/// How long a connection may be idle. Longer than the pools of usual clients and load balancers keep one, so
/// that the client closes first.
pub const KEEP_ALIVE: Duration = Duration::from_mins(3);
/// How long a body may pause; then 408.
pub const BODY_PAUSE: Duration = Duration::from_secs(20);
/// How long a body may take as a whole; then 408.
pub const BODY_READ: Duration = Duration::from_mins(2);
/// How many bytes over its limit a body is read and thrown away, so that the client reads its 413.
pub const BODY_DISCARD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a client may leave an answer unread; then the connection is closed.
pub const ANSWER_STALL: Duration = Duration::from_mins(1);
/// Bytes of an answer that the kernel keeps for a client which has no room for them. It takes more once half of them
/// are gone; with its own bound, of MiB, a client that reads slowly would look like one that does not read.
pub const ANSWER_UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// How long dialling an environment and the handshake may take together.
pub const DIAL: Duration = Duration::from_secs(5);
/// First and longest pause before an environment is dialled again.
pub const REDIAL_FIRST: Duration = Duration::from_millis(50);
/// See [`REDIAL_FIRST`].
pub const REDIAL_LONGEST: Duration = Duration::from_secs(5);
/// Environments that a gateway links with; further ones are left to other gateways.
pub const ENVIRONMENT_LINKS_MAX: usize = 20_000;
/// Frames that wait to be written to one environment: one invocation, and notices that can be left out.
pub const LINK_QUEUE_FRAMES: usize = 8;
/// How long an environment may take to accept or refuse; then its link counts as dead.
pub const ACCEPT: Duration = Duration::from_secs(10);
/// How much longer than budget and init phase an accepted invocation may take; then its link counts as dead.
pub const OVERDUE_MARGIN: Duration = Duration::from_secs(10);
/// How often a link whose environment is gone looks whether something is still under way there.
pub const GONE_LOOK: Duration = Duration::from_millis(20);
/// Parts of one answer between a link and the handler.
pub const PROGRESS_QUEUE: usize = 32;
/// Log tail on the wire, before base64: AWS's 4 KiB, and room for replaced characters at the cut.
pub const LOG_TAIL_BYTES_MAX: usize = domain::limits::LOG_TAIL_BYTES_MAX + 1_024;

/// Events from a provider that wait to be looked at; beyond it the provider waits.
pub const PROVIDER_EVENTS_QUEUE: usize = 1_024;
/// How often demand and waiting ages are looked at without a prompt.
pub const DEMAND_LOOK: Duration = Duration::from_millis(100);
/// How often environments are told again for how long somebody has waited, for as long as somebody waits: a notice
/// may be lost, and a grant that was not used puts whoever got it last.
pub const WAITING_REPEAT: Duration = Duration::from_secs(1);
/// Least pause between two looks.
pub const DEMAND_PAUSE: Duration = Duration::from_millis(10);
/// How long an obstacle is believed without being told again, so that new demand makes the operator try again.
pub const OBSTACLE_BELIEVED: Duration = Duration::from_secs(30);

/// How often the operator's name is resolved while a replica is not linked.
pub const OPERATOR_RESOLVE: Duration = Duration::from_secs(1);
/// Replicas of the operator; further addresses are ignored.
pub const OPERATOR_REPLICAS_MAX: usize = 16;
/// How long connecting to a replica and the handshake may take together.
pub const OPERATOR_DIAL: Duration = Duration::from_secs(2);

/// Spans that wait to be exported; beyond it they are dropped, and counted.
pub const TRACE_QUEUE_SPANS_MAX: usize = 8_192;
/// Bytes that those spans will have on the wire; likewise. In memory they have more.
pub const TRACE_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Of those spans, how many may be of one function.
pub const TRACE_QUEUE_FUNCTION_SPANS_MAX: usize = TRACE_QUEUE_SPANS_MAX / 4;
/// Of those bytes, how many may be of one function.
pub const TRACE_QUEUE_FUNCTION_BYTES_MAX: usize = TRACE_QUEUE_BYTES_MAX / 4;
/// Spans in one request to the collector; the rest goes with the next.
pub const TRACE_BATCH_SPANS_MAX: usize = 512;
/// Bytes after which a request to the collector takes nothing more.
pub const TRACE_BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long spans wait for company.
pub const TRACE_BATCH_WAIT: Duration = Duration::from_secs(1);
/// Attributes of one span; further ones are left out, and the span says how many.
pub const TRACE_ATTRIBUTES_MAX: usize = 128;
/// How long one request to the collector may take; then it is tried again.
pub const TRACE_EXPORT: Duration = Duration::from_secs(10);
/// How often one batch is tried; then it is dropped.
pub const TRACE_EXPORT_ATTEMPTS_MAX: u32 = 6;
/// First and longest pause before it is tried again, where the collector does not say.
pub const TRACE_RETRY_FIRST: Duration = Duration::from_millis(500);
/// See [`TRACE_RETRY_FIRST`].
pub const TRACE_RETRY_LONGEST: Duration = Duration::from_secs(10);
/// Longest pause that a collector is granted.
pub const TRACE_RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
/// Bytes of a collector's answer that are read.
pub const TRACE_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long exporting what is left may take when the gateway stops; what is left then is lost.
pub const TRACE_FLUSH: Duration = Duration::from_secs(5);

/// How long the series of a function that is not invoked are kept.
pub const SERIES_IDLE: Duration = Duration::from_hours(1);
/// How often idle series are looked for.
pub const SERIES_SWEEP: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use domain::limits::{INIT_SECONDS_MAX, TIMEOUT_SECONDS_MAX};

    use super::*;

    #[test]
    fn whoever_is_let_in_last_may_wait_initialise_and_run_to_its_time_out() {
        let run = INIT_SECONDS_MAX + u64::from(TIMEOUT_SECONDS_MAX);
        let longest = DRAIN_DELAY_SECONDS_DEFAULT + ENVIRONMENT_WAIT_SECONDS_DEFAULT + run;
        assert!(DRAIN_SECONDS_DEFAULT >= longest, "{longest} s");
    }
}
