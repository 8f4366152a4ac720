//! Settings: flags, each with an environment variable, complete before anything starts. Every wrong value is
//! reported at once.

mod otlp;
mod wrong;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use domain::Region;
use protocol::link::OPERATOR_PORT;

pub use self::otlp::OtlpFlags;
use self::wrong::Wrong;
use crate::limits;
use crate::traces::Target;

/// The exit code of a program that was started with wrong settings (`EX_USAGE`).
pub const EXIT_USAGE: u8 = 64;

/// The Lambda API of Kubelambda.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "gateway", version)]
pub struct Flags {
    /// Who may invoke. Required, and "none" is the only value so far: whoever reaches the port may invoke.
    #[arg(long, env = "KUBELAMBDA_AUTH")]
    auth: Option<String>,
    /// Address of the Lambda API [default: 0.0.0.0:8080].
    #[arg(long, env = "KUBELAMBDA_LISTEN")]
    listen: Option<String>,
    /// Address of /metrics, /healthz and /readyz [default: 0.0.0.0:9090].
    #[arg(long, env = "KUBELAMBDA_METRICS_LISTEN")]
    metrics_listen: Option<String>,
    /// The region in every ARN [default: us-east-1].
    #[arg(long, env = "KUBELAMBDA_REGION")]
    region: Option<String>,
    /// The namespace of a function name without an account [default: default].
    #[arg(long, env = "KUBELAMBDA_DEFAULT_NAMESPACE")]
    default_namespace: Option<String>,
    /// host:port of a headless Service with every replica of the operator [default: kubelambda-operator:9710].
    #[arg(long, env = "KUBELAMBDA_OPERATOR")]
    operator: Option<String>,
    /// The own namespace, where the link key's Secret is [default: that of the service account].
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,
    /// File with the link key, 32 bytes [default: the Secret kubelambda-link-key of the own namespace].
    #[arg(long, env = "KUBELAMBDA_LINK_KEY_FILE")]
    link_key_file: Option<String>,
    /// The own pod's name, for logs [default: gateway].
    #[arg(long, env = "POD_NAME")]
    pod_name: Option<String>,
    /// Seconds that an invocation waits for an environment, 1 to 900 [default: 60].
    #[arg(long, env = "KUBELAMBDA_ENVIRONMENT_WAIT_SECONDS")]
    environment_wait_seconds: Option<String>,
    /// Invocations of one function that may wait [default: 1000].
    #[arg(long, env = "KUBELAMBDA_WAITING_PER_FUNCTION_MAX")]
    waiting_per_function_max: Option<String>,
    /// Payload bytes that may be in flight [default: 268435456].
    #[arg(long, env = "KUBELAMBDA_PAYLOAD_BYTES_IN_FLIGHT_MAX")]
    payload_bytes_in_flight_max: Option<String>,
    /// Connections of clients [default: 10000].
    #[arg(long, env = "KUBELAMBDA_CONNECTIONS_MAX")]
    connections_max: Option<String>,
    /// Seconds after SIGTERM in which connections are still accepted [default: 5].
    #[arg(long, env = "KUBELAMBDA_DRAIN_DELAY_SECONDS")]
    drain_delay_seconds: Option<String>,
    /// Seconds after that for requests in flight [default: 980].
    #[arg(long, env = "KUBELAMBDA_DRAIN_SECONDS")]
    drain_seconds: Option<String>,
    /// What to log, in the notation of tracing's EnvFilter [default: info].
    #[arg(long, env = "KUBELAMBDA_LOG")]
    log: Option<String>,
    #[command(flatten)]
    otlp: OtlpFlags,
}

/// Settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address of the Lambda API.
    pub listen: SocketAddr,
    /// Address of metrics and probes.
    pub metrics_listen: SocketAddr,
    /// The region in every ARN.
    pub region: Region,
    /// The namespace of a name without an account.
    pub default_namespace: String,
    /// Where the operator's replicas are found.
    pub operator: String,
    /// The own namespace, where it is not the service account's.
    pub namespace: Option<String>,
    /// File with the link key, where it is not in the Secret.
    pub link_key_file: Option<PathBuf>,
    /// The own pod's name.
    pub pod_name: String,
    /// How long an invocation waits for an environment.
    pub environment_wait: Duration,
    /// Invocations of one function that may wait.
    pub waiting_per_function_max: usize,
    /// Payload bytes that may be in flight.
    pub payload_bytes_in_flight_max: usize,
    /// Connections of clients.
    pub connections_max: usize,
    /// How long connections are still accepted after SIGTERM.
    pub drain_delay: Duration,
    /// How long requests in flight may take after that.
    pub drain: Duration,
    /// Where spans go, if anywhere.
    pub traces: Option<Target>,
    /// What to log.
    pub log: String,
}

impl Flags {
    /// Checks every value; the error has one line for each that is wrong.
    pub fn check(self) -> Result<Settings, Vec<String>> {
        let mut wrong = Wrong(Vec::new());
        match self.auth.as_deref() {
            Some("none") => {}
            Some(other) => wrong.add("--auth", other, "the only value so far is none"),
            None => wrong.0.push(
                "--auth is required and has no default: --auth none lets everybody invoke who reaches the port"
                    .to_owned(),
            ),
        }
        let operator = self.operator.unwrap_or_else(|| format!("kubelambda-operator:{OPERATOR_PORT}"));
        let port = operator.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            wrong.add("--operator", &operator, "it must be host:port");
        }
        let default_namespace = self.default_namespace.unwrap_or_else(|| "default".to_owned());
        if !is_dns_label(&default_namespace) {
            wrong.add("--default-namespace", &default_namespace, "it must be a namespace's name");
        }
        let seconds = Duration::from_secs;
        let settings = Settings {
            listen: wrong.read("--listen", self.listen, ([0, 0, 0, 0], 8080).into()),
            metrics_listen: wrong.read("--metrics-listen", self.metrics_listen, ([0, 0, 0, 0], 9090).into()),
            region: wrong.region(self.region)?,
            default_namespace,
            operator,
            namespace: self.namespace,
            link_key_file: self.link_key_file.map(PathBuf::from),
            pod_name: self.pod_name.unwrap_or_else(|| "gateway".to_owned()),
            environment_wait: seconds(wrong.number(
                "--environment-wait-seconds",
                self.environment_wait_seconds,
                limits::ENVIRONMENT_WAIT_SECONDS_DEFAULT,
                1..=900,
            )),
            waiting_per_function_max: wrong.size(
                "--waiting-per-function-max",
                self.waiting_per_function_max,
                limits::WAITING_PER_FUNCTION_MAX_DEFAULT,
            ),
            payload_bytes_in_flight_max: wrong.size(
                "--payload-bytes-in-flight-max",
                self.payload_bytes_in_flight_max,
                limits::PAYLOAD_BYTES_IN_FLIGHT_MAX_DEFAULT,
            ),
            connections_max: wrong.size(
                "--connections-max",
                self.connections_max,
                limits::CONNECTIONS_MAX_DEFAULT,
            ),
            drain_delay: seconds(wrong.number(
                "--drain-delay-seconds",
                self.drain_delay_seconds,
                limits::DRAIN_DELAY_SECONDS_DEFAULT,
                0..=300,
            )),
            drain: seconds(wrong.number(
                "--drain-seconds",
                self.drain_seconds,
                limits::DRAIN_SECONDS_DEFAULT,
                0..=3_600,
            )),
            traces: self.otlp.check(&mut wrong),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
        };
        if wrong.0.is_empty() { Ok(settings) } else { Err(wrong.0) }
    }
}

fn is_dns_label(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(valid)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(arguments: &[&str]) -> Flags {
        Flags::try_parse_from([&["gateway"], arguments].concat()).unwrap()
    }

    #[test]
    fn with_auth_none_everything_else_has_a_default() {
        let settings = flags(&["--auth", "none"]).check().unwrap();
        assert_eq!(settings.listen.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.metrics_listen.to_string(), "0.0.0.0:9090");
        assert_eq!(settings.region.as_str(), "us-east-1");
        assert_eq!(settings.operator, "kubelambda-operator:9710");
        assert_eq!(settings.environment_wait, Duration::from_mins(1));
    }

    #[test]
    fn every_wrong_value_is_reported_at_once() {
        let wrong = flags(&[
            "--listen",
            "here",
            "--region",
            "Mars",
            "--operator",
            "nowhere",
            "--environment-wait-seconds",
            "0",
            "--connections-max",
            "0",
            "--default-namespace",
            "-",
            "--otlp-endpoint",
            "somewhere",
        ]);
        let lines = wrong.check().unwrap_err();
        assert_eq!(lines.len(), 8, "{lines:?}");
        for flag in
            ["--auth", "--listen", "--region", "--operator", "--environment-wait", "--connections-max"]
        {
            assert!(lines.iter().any(|line| line.starts_with(flag)), "{flag} in {lines:?}");
        }
    }
}
