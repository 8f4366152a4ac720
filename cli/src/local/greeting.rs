//! What local mode says when it starts.

use std::net::SocketAddr;

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
}

impl Greeting {
    /// Tells where the functions are, how one is invoked, and what is not as on AWS.
    pub(crate) fn lines(&self, snapshot: &Snapshot) -> Vec<String> {
        let Self { api: address, emulator, metrics, debug } = self;
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
            let endpoint = match address.port() {
                9000 => String::new(),
                _ => format!(" --endpoint http://{address}"),
            };
            lines.push(format!("Try:  kubelambda invoke {name} --template hello-world{endpoint}"));
        }
        lines.push(
        "Not as in a cluster: functions run as you, with your files and network (no isolation), memory is watched \
         but not capped by the kernel, /tmp is $TMPDIR, layers are on the search paths instead of /opt."
            .to_owned(),
    );
        if let Some(metrics) = metrics {
            lines.push(format!("Metrics on http://{metrics}/metrics"));
        }
        if !address.ip().is_loopback() {
            lines.push(format!("Whoever reaches {address} can run these functions as you."));
        }
        if *debug {
            lines.push("--debug: no invocation times out, and nothing is stopped in between.".to_owned());
        }
        lines.push("Saved files are taken over at once. Ctrl-C ends.".to_owned());
        lines
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

    #[test]
    fn the_greeting_names_address_functions_command_and_what_is_missing() {
        let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
        let function = Function::new("hello", serde_json::from_value(spec).unwrap());
        let local = LocalFunction::of_manifest(function, Path::new("f.yaml"));
        let (snapshot, _) = Snapshot::build(vec![(local, 0)], &BTreeMap::new(), false);
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let greeting =
            Greeting { api: address(9000), emulator: Some(address(8080)), metrics: None, debug: false };
        let text = greeting.lines(&snapshot).join("\n");
        for part in [
            "http://127.0.0.1:9000\n",
            "hello  python3.11  a.b",
            "kubelambda invoke hello --template hello-world\n",
            "no isolation",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let api = SocketAddr::from(([0, 0, 0, 0], 9001));
        let text = Greeting { api, emulator: None, debug: true, ..greeting }.lines(&snapshot).join("\n");
        for part in ["--endpoint http://0.0.0.0:9001", "--debug", "can run these functions as you"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
