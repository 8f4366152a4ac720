//! The collector, by the names that OpenTelemetry gives its settings.
//!
//! Source: the OpenTelemetry specification, "OpenTelemetry Protocol Exporter": to a common endpoint `v1/traces` is
//! added, one for traces is taken as it is; an empty variable counts as not set; headers are written as
//! `key=value,key=value` with percent-encoded values.

use std::path::Path;

use clap::Args;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{PathAndQuery, Uri};
use percent_encoding::percent_decode_str;

use super::wrong::Wrong;
use crate::traces::{Target, authorities};

/// The only protocol so far.
const PROTOCOL: &str = "http/protobuf";

/// Where traces go.
#[derive(Debug, Clone, Default, Args)]
pub struct OtlpFlags {
    /// URL of an OpenTelemetry collector, such as "http://collector:4318" [default: none, no traces are collected].
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// The same for traces only, with the whole path.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL")]
    pub otlp_traces_endpoint: Option<String>,
    /// Headers for the collector, such as a key: KEY=VALUE,KEY=VALUE.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", hide_env_values = true, value_name = "LIST")]
    pub otlp_headers: Option<String>,
    /// The same for traces only.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_HEADERS", hide_env_values = true, value_name = "LIST")]
    pub otlp_traces_headers: Option<String>,
    /// File with certificate authorities (PEM) to trust beside the public ones.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_CERTIFICATE", value_name = "FILE")]
    pub otlp_certificate: Option<String>,
    /// How spans are sent; the only value so far is http/protobuf.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", value_name = "PROTOCOL")]
    pub otlp_protocol: Option<String>,
}

impl OtlpFlags {
    /// Where spans go, if anywhere; the error has one line for each value that is wrong.
    pub fn target(self) -> Result<Option<Target>, Vec<String>> {
        let mut wrong = Wrong(Vec::new());
        let target = self.check(&mut wrong);
        if wrong.0.is_empty() { Ok(target) } else { Err(wrong.0) }
    }

    pub(super) fn check(self, wrong: &mut Wrong) -> Option<Target> {
        let set = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
        let uri = match (set(self.otlp_traces_endpoint), set(self.otlp_endpoint)) {
            (Some(whole), _) => endpoint(&whole, "--otlp-traces-endpoint", "", wrong),
            (None, Some(common)) => endpoint(&common, "--otlp-endpoint", "v1/traces", wrong),
            (None, None) => return None,
        };
        if let Some(protocol) = set(self.otlp_protocol).filter(|protocol| protocol != PROTOCOL) {
            wrong.add("--otlp-protocol", &protocol, "the only value so far is http/protobuf");
        }
        let mut headers = HeaderMap::new();
        for (flag, list) in
            [("--otlp-headers", self.otlp_headers), ("--otlp-traces-headers", self.otlp_traces_headers)]
        {
            for (name, value) in self::headers(&list.unwrap_or_default(), flag, wrong) {
                headers.insert(name, value);
            }
        }
        let certificates = set(self.otlp_certificate).map(|file| {
            authorities(Path::new(&file)).unwrap_or_else(|cause| {
                wrong.add("--otlp-certificate", &file, &cause);
                Vec::new()
            })
        });
        Some(Target { uri: uri?, headers, certificates: certificates.unwrap_or_default() })
    }
}

/// The address, with `path` added to its own.
fn endpoint(text: &str, flag: &str, path: &str, wrong: &mut Wrong) -> Option<Uri> {
    let found = text.trim().parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    let whole = found.and_then(|uri| {
        let mut parts = uri.into_parts();
        if !path.is_empty() {
            let before = parts.path_and_query.as_ref().map_or("/", PathAndQuery::path).trim_end_matches('/');
            parts.path_and_query = Some(format!("{before}/{path}").parse().ok()?);
        }
        Uri::from_parts(parts).ok()
    });
    if whole.is_none() {
        wrong.add(flag, text, "it must be http://host:port or https://host, with a path where there is one");
    }
    whole
}

/// The headers of a list. What is wrong is told without the values, which may be secrets.
fn headers(list: &str, flag: &str, wrong: &mut Wrong) -> Vec<(HeaderName, HeaderValue)> {
    let mut found = Vec::new();
    for (number, pair) in list.split(',').filter(|pair| !pair.trim().is_empty()).enumerate() {
        let read = pair.split_once('=').and_then(|(name, value)| {
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((name.trim().parse().ok()?, value))
        });
        match read {
            Some(header) => found.push(header),
            None => wrong.add(flag, &format!("entry {}", number + 1), "it must be KEY=VALUE, as in HTTP"),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(endpoint: &str) -> OtlpFlags {
        OtlpFlags { otlp_endpoint: Some(endpoint.to_owned()), ..OtlpFlags::default() }
    }

    fn uri(flags: OtlpFlags) -> String {
        flags.target().unwrap().unwrap().uri.to_string()
    }

    #[test]
    fn to_a_common_endpoint_the_path_is_added_and_one_for_traces_is_taken_as_it_is() {
        assert_eq!(uri(with("http://c:4318")), "http://c:4318/v1/traces");
        assert_eq!(uri(with("https://c.test/otlp/")), "https://c.test/otlp/v1/traces");
        let traces = Some("http://other:1/take".to_owned());
        assert_eq!(
            uri(OtlpFlags { otlp_traces_endpoint: traces, ..with("http://c") }),
            "http://other:1/take"
        );
    }

    #[test]
    fn nothing_is_collected_unless_it_is_asked_for() {
        assert_eq!(OtlpFlags::default().target(), Ok(None));
        assert_eq!(with(" ").target(), Ok(None));
    }

    #[test]
    fn headers_are_decoded_and_those_for_traces_win() {
        let flags = OtlpFlags {
            otlp_headers: Some("Authorization=Bearer%20a, x-team = one ,".to_owned()),
            otlp_traces_headers: Some("x-team=two".to_owned()),
            ..with("http://c")
        };
        let headers = flags.target().unwrap().unwrap().headers;
        assert_eq!(
            (&headers["authorization"], &headers["x-team"]),
            (&"Bearer a".parse().unwrap(), &"two".parse().unwrap())
        );
    }

    #[test]
    fn every_wrong_value_is_told_by_its_name_and_no_secret_is() {
        let flags = OtlpFlags {
            otlp_headers: Some("ok=1,secret,a b=secret".to_owned()),
            otlp_protocol: Some("grpc".to_owned()),
            otlp_certificate: Some("/nowhere/ca.pem".to_owned()),
            ..with("collector:4317")
        };
        let wrong = flags.target().unwrap_err();
        assert_eq!(wrong.len(), 5, "{wrong:?}");
        for (line, flag) in wrong.iter().zip([
            "--otlp-endpoint",
            "--otlp-protocol",
            "--otlp-headers entry 2",
            "--otlp-headers entry 3",
            "--otlp-certificate /nowhere/ca.pem",
        ]) {
            assert!(line.starts_with(flag) && !line.contains("secret"), "{line}");
        }
    }
}
