//! What local mode says when it starts.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::debugging;
use super::emulator;
use super::snapshot::Snapshot;

/// What a run is told by.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// Where the Lambda API is served.
    pub api: SocketAddr,
    /// Where the emulator's path is served.
    pub emulator: Option<SocketAddr>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Nothing times out.
    pub debug: bool,
    /// The emulator's path was wanted where something else is.
    pub emulator_taken: bool,
    /// Why layers are not in `/opt`, where functions have some and they are not.
    pub layers_elsewhere: Option<String>,
    /// Where `kubelambda invoke` looks when it is told nothing.
    pub invoke_default: String,
}

impl Greeting {
    /// Tells where the functions are, how one is invoked, and what is not as on AWS.
    pub(crate) fn lines(&self, snapshot: &Snapshot) -> Vec<String> {
        let Self { api: address, emulator, metrics, debug, emulator_taken, .. } = self;
        let mut lines = vec![format!("Lambda API on http://{address}")];
        let widest =
            snapshot.functions.iter().map(|of| of.local.function.aws_name().len()).max().unwrap_or_default();
        for served in &snapshot.functions {
            let (name, spec) = (served.local.function.aws_name(), &served.local.function.spec);
            let runtime = spec.runtime.as_deref().or(spec.code.image.as_deref()).unwrap_or_default();
            let handler = spec.handler.as_deref().unwrap_or_default();
            let state = if served.unavailable.is_some() { " (an image: not served here)" } else { "" };
            lines.push(format!("  {name:<widest$}  {runtime}  {handler}{state}"));
        }
        if let (Some(emulator), Some(first)) = (emulator, snapshot.functions.first()) {
            lines.push(format!(
                "{} also on http://{emulator}{}",
                first.local.function.aws_name(),
                emulator::PATH
            ));
        }
        if let Some(first) = snapshot.functions.first() {
            let name = first.local.function.aws_name();
            let endpoint = self.endpoint();
            lines.push(format!("Try:  kubelambda invoke {name} --template hello-world{endpoint}"));
        }
        lines.push(
            "Not as in a cluster: functions run as you, with your files, network and installed packages (no \
             isolation), memory is watched but not capped by the kernel, /tmp is $TMPDIR."
                .to_owned(),
        );
        if let Some(why) = &self.layers_elsewhere {
            lines.push(format!("Layers are on the search paths instead of in /opt: {why}."));
        }
        if let Some(metrics) = metrics {
            lines.push(format!("Metrics on http://{metrics}/metrics"));
        }
        if !address.ip().is_loopback() {
            lines.push(format!("Whoever reaches {address} can run these functions as you."));
        }
        if *emulator_taken {
            let wanted = emulator::ADDRESS_DEFAULT;
            lines.push(format!("{wanted} is taken: the path of AWS's emulator is not served (--emulator)."));
        }
        if *debug {
            lines.push(format!(
                "--debug: no invocation times out, and nothing is stopped in between. Each environment says how to \
                 attach; {} of this shell are handed on.",
                debugging::HANDED_ON.join(", ")
            ));
        }
        lines.push("Saved files are taken over at once. Ctrl-C ends.".to_owned());
        lines
    }

    /// What `kubelambda invoke` must be told, if anything.
    fn endpoint(&self) -> String {
        let mut reached = self.api;
        if reached.ip().is_unspecified() {
            let is_v4 = reached.is_ipv4();
            reached.set_ip(if is_v4 { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        let reached = format!("http://{reached}");
        let is_default = self.invoke_default.trim_end_matches('/') == reached;
        if is_default { String::new() } else { format!(" --endpoint {reached}") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use resources::Function;
    use serde_json::json;

    use super::*;
    use crate::project::LocalFunction;

    fn greeting(api: SocketAddr) -> Greeting {
        let invoke_default = "http://127.0.0.1:9000".to_owned();
        Greeting {
            api,
            emulator: None,
            metrics: None,
            debug: false,
            emulator_taken: false,
            layers_elsewhere: None,
            invoke_default,
        }
    }

    #[test]
    fn the_endpoint_is_named_where_invoke_would_look_elsewhere() {
        let check = |api: &str, invoke_default: &str, expected: &str| {
            let invoke_default = invoke_default.to_owned();
            let greeting = Greeting { invoke_default, ..greeting(api.parse().unwrap()) };
            assert_eq!(greeting.endpoint(), expected);
        };
        check("127.0.0.1:9000", "http://127.0.0.1:9000", "");
        check("0.0.0.0:9000", "http://127.0.0.1:9000", "");
        check("127.0.0.2:9000", "http://127.0.0.1:9000", " --endpoint http://127.0.0.2:9000");
        check("127.0.0.1:9000", "http://elsewhere", " --endpoint http://127.0.0.1:9000");
        check("[::]:9001", "http://[::1]:9001/", "");
    }

    #[test]
    fn the_greeting_names_address_functions_command_and_what_is_missing() {
        let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
        let function = Function::new("hello", serde_json::from_value(spec).unwrap());
        let local = LocalFunction::of_manifest(function, Path::new("f.yaml"));
        let (snapshot, _) = Snapshot::build(vec![(local, 0)], &BTreeMap::new(), false);
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let layers_elsewhere = Some("not permitted".to_owned());
        let greeting =
            Greeting { emulator: Some(address(8080)), layers_elsewhere, ..greeting(address(9000)) };
        let text = greeting.lines(&snapshot).join("\n");
        for part in [
            "http://127.0.0.1:9000\n",
            "hello  python3.11  a.b",
            "kubelambda invoke hello --template hello-world\n",
            "installed packages",
            "search paths instead of in /opt: not permitted",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let api = SocketAddr::from(([0, 0, 0, 0], 9001));
        let text = Greeting { api, emulator: None, debug: true, ..greeting }.lines(&snapshot).join("\n");
        for part in ["--endpoint http://127.0.0.1:9001\n", "--debug", "can run these functions as you"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
