//! What a person sets: flags, each with a variable of the environment.
//!
//! Values are read as text and judged together, so that every wrong one is named at once, before a port is
//! bound.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use domain::Region;
use protocol::link::OPERATOR_PORT;

/// Exit code for wrong settings (`EX_USAGE`).
pub const EXIT_USAGE: u8 = 64;

/// Turns Functions into pods.
#[derive(Debug, Clone, Parser)]
#[command(name = "operator", about = "Kubelambda's operator: turns Functions into pods and assignments")]
pub struct Flags {
    /// The operator's own namespace: of its Lease and of the link key.
    #[arg(long, env = "KUBELAMBDA_NAMESPACE", default_value = "")]
    pub namespace: String,
    /// The image that brings the shim.
    #[arg(long, env = "KUBELAMBDA_SHIM_IMAGE", default_value = "")]
    pub shim_image: String,
    /// How the images of pods are pulled: IfNotPresent, Always or Never; the kubelet's rule where not set.
    #[arg(long, env = "KUBELAMBDA_IMAGE_PULL_POLICY", default_value = "")]
    pub image_pull_policy: String,
    /// How long an environment without an invocation is kept, in seconds, where its Function does not say.
    #[arg(long, env = "KUBELAMBDA_IDLE_TIMEOUT", default_value = "600")]
    pub idle_timeout: String,
    /// A PEM file with certificate authorities that image registries may use beside the public ones.
    #[arg(long, env = "KUBELAMBDA_REGISTRY_CA_FILE", default_value = "")]
    pub registry_ca_file: String,
    /// The region in every ARN.
    #[arg(long, env = "KUBELAMBDA_REGION", default_value = "us-east-1")]
    pub region: String,
    /// The address at which this replica's pod is reached: where environments announce themselves.
    #[arg(long, env = "POD_IP", default_value = "")]
    pub pod_ip: String,
    /// This replica's name in the Lease, unlike every other's.
    #[arg(long, env = "POD_NAME", default_value = "")]
    pub pod_name: String,
    /// Name of the Lease by which replicas agree on who leads.
    #[arg(long, env = "KUBELAMBDA_LEASE_NAME", default_value = "kubelambda-operator")]
    pub lease_name: String,
    /// User and group id of everything in the pods of functions.
    #[arg(long, env = "KUBELAMBDA_POD_USER", default_value = "1000")]
    pub pod_user: String,
    /// Most environments of one Function that start at once.
    #[arg(long, env = "KUBELAMBDA_STARTS_PER_FUNCTION", default_value = "20")]
    pub starts_per_function: String,
    /// Most environments that start at once.
    #[arg(long, env = "KUBELAMBDA_STARTS", default_value = "100")]
    pub starts: String,
    /// Port on which environments and gateways link.
    #[arg(long, env = "KUBELAMBDA_LINK_PORT", default_value_t = OPERATOR_PORT.to_string())]
    pub link_port: String,
    /// Port of metrics and probes.
    #[arg(long, env = "KUBELAMBDA_METRICS_PORT", default_value = "9090")]
    pub metrics_port: String,
    /// What is logged, such as `info` or `operator=debug`.
    #[arg(long, env = "KUBELAMBDA_LOG", default_value = "info")]
    pub log: String,
}

/// Settings that hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// See [`Flags::namespace`].
    pub namespace: String,
    /// See [`Flags::shim_image`].
    pub shim_image: String,
    /// See [`Flags::image_pull_policy`].
    pub image_pull_policy: Option<String>,
    /// See [`Flags::idle_timeout`].
    pub idle_timeout: Duration,
    /// See [`Flags::registry_ca_file`].
    pub registry_ca_file: Option<PathBuf>,
    /// See [`Flags::region`].
    pub region: Region,
    /// Where environments announce themselves.
    pub announce: SocketAddr,
    /// See [`Flags::pod_name`].
    pub identity: String,
    /// See [`Flags::lease_name`].
    pub lease_name: String,
    /// See [`Flags::pod_user`].
    pub pod_user: i64,
    /// See [`Flags::starts_per_function`].
    pub starts_per_function: u32,
    /// See [`Flags::starts`].
    pub starts: u32,
    /// See [`Flags::metrics_port`].
    pub metrics_port: u16,
    /// See [`Flags::log`].
    pub log: String,
}

impl Settings {
    /// Judges all flags; names everything that is wrong.
    pub fn judge(flags: Flags) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let namespace = required("--namespace (KUBELAMBDA_NAMESPACE)", flags.namespace, &mut wrong);
        let shim_image = required("--shim-image (KUBELAMBDA_SHIM_IMAGE)", flags.shim_image, &mut wrong);
        let lease_name = required("--lease-name (KUBELAMBDA_LEASE_NAME)", flags.lease_name, &mut wrong);
        let policies = ["", "IfNotPresent", "Always", "Never"];
        if !policies.contains(&flags.image_pull_policy.as_str()) {
            wrong.push(format!(
                "--image-pull-policy: '{}' is not one of {policies:?}",
                flags.image_pull_policy
            ));
        }
        let idle_seconds = number("--idle-timeout", &flags.idle_timeout, 1, 86_400, &mut wrong);
        let pod_user = number("--pod-user", &flags.pod_user, 1, u64::from(u32::MAX), &mut wrong);
        let starts_per_function =
            number("--starts-per-function", &flags.starts_per_function, 1, 10_000, &mut wrong);
        let starts = number("--starts", &flags.starts, 1, 10_000, &mut wrong);
        let link_port = number("--link-port", &flags.link_port, 1, 65_535, &mut wrong);
        let metrics_port = number("--metrics-port", &flags.metrics_port, 1, 65_535, &mut wrong);
        let region = flags.region.parse().map_err(|error| wrong.push(format!("--region: {error}"))).ok();
        let pod_ip: Option<IpAddr> = flags
            .pod_ip
            .parse()
            .map_err(|_| wrong.push(format!("--pod-ip (POD_IP): '{}' is no IP address", flags.pod_ip)))
            .ok();
        let (Some(region), Some(pod_ip), true) = (region, pod_ip, wrong.is_empty()) else {
            return Err(wrong);
        };
        let announce = SocketAddr::new(pod_ip, u16::try_from(link_port).unwrap_or(OPERATOR_PORT));
        let identity = if flags.pod_name.is_empty() { announce.to_string() } else { flags.pod_name };
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Self {
            namespace,
            shim_image,
            image_pull_policy: some(flags.image_pull_policy),
            idle_timeout: Duration::from_secs(idle_seconds),
            registry_ca_file: some(flags.registry_ca_file).map(PathBuf::from),
            region,
            announce,
            identity,
            lease_name,
            pod_user: i64::try_from(pod_user).unwrap_or(1_000),
            starts_per_function: u32::try_from(starts_per_function).unwrap_or(u32::MAX),
            starts: u32::try_from(starts).unwrap_or(u32::MAX),
            metrics_port: u16::try_from(metrics_port).unwrap_or_default(),
            log: flags.log,
        })
    }
}

fn required(what: &str, value: String, wrong: &mut Vec<String>) -> String {
    if value.is_empty() {
        wrong.push(format!("{what} is required"));
    }
    value
}

fn number(what: &str, text: &str, least: u64, most: u64, wrong: &mut Vec<String>) -> u64 {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => number,
        _ => {
            wrong.push(format!("{what}: '{text}' is no number from {least} to {most}"));
            least
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(arguments: &[&str]) -> Result<Settings, Vec<String>> {
        Settings::judge(Flags::parse_from(["operator"].iter().chain(arguments)))
    }

    #[test]
    fn the_least_that_must_be_said() {
        let settings =
            judge(&["--namespace", "k", "--shim-image", "shim:1", "--pod-ip", "10.0.0.1"]).unwrap();
        assert_eq!(settings.announce.to_string(), "10.0.0.1:9710");
        assert_eq!(settings.identity, "10.0.0.1:9710");
        assert_eq!(settings.idle_timeout, Duration::from_mins(10));
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let wrong =
            judge(&["--region", "A B", "--idle-timeout", "soon", "--pod-ip", "here", "--starts", "0"]);
        let wrong = wrong.unwrap_err().join("\n");
        for flag in ["--namespace", "--shim-image", "--region", "--idle-timeout", "--pod-ip", "--starts"] {
            assert!(wrong.contains(flag), "{flag} in {wrong}");
        }
    }
}
