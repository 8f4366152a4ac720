//! `kubelambda emulate`: the entry point inside of a Lambda image, in the place of AWS's emulator (RIE).
//!
//! The image's one function is served on the emulator's port and path, by the gateway and the shim as ever. What
//! the function is called, its time and its memory come from the variables that the emulator reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::Region;
use futures::future::BoxFuture;
use gateway::catalog::{CatalogSource, DeclaredSender};
use resources::Function;
use serde_json::json;
use tokio::sync::watch;

use super::serving::{Serving, Signals, bind, options};
use super::snapshot::Snapshot;
use super::{emulator, starter};
use crate::command_line::EmulateArguments;
use crate::project::{LocalCode, LocalFunction};

/// The name by which the emulator's call is taken for `kubelambda emulate`.
pub(crate) const EMULATOR_NAME: &str = "aws-lambda-rie";
/// The emulator's options that have a value. Its port is the only one of them that means anything here: the Runtime
/// API's port is any that is free, and the log is the function's.
const EMULATOR_OPTIONS: [&str; 3] = [EMULATOR_ADDRESS, "--runtime-api-address", "--log-level"];
const EMULATOR_ADDRESS: &str = "--runtime-interface-emulator-address";
/// Its option without one.
const EMULATOR_FLAG: &str = "--enable-init-caching";
/// What the emulator tells the function as its version.
const VERSION: &str = "AWS_LAMBDA_FUNCTION_VERSION";
/// Programs that an image without a command may start, in the emulator's order.
const BOOTSTRAPS: [&str; 3] = ["/var/task/bootstrap", "/opt/bootstrap", "/var/runtime/bootstrap"];
/// How long an environment is kept: as long as the container.
const IDLE: Duration = Duration::from_hours(24 * 365);

/// The arguments of a call as the emulator, as they are written here.
pub(crate) fn translated(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut translated = vec!["kubelambda".to_owned(), "emulate".to_owned()];
    let mut arguments = arguments.peekable();
    while let Some(word) = arguments.next_if(|word| word.starts_with("--") && word != "--") {
        let (name, written) =
            word.split_once('=').map_or((&*word, None), |(name, value)| (name, Some(value)));
        if name == EMULATOR_FLAG {
            continue;
        }
        if !EMULATOR_OPTIONS.contains(&name) {
            // What neither knows is refused by name.
            translated.push(word);
            continue;
        }
        let value = written.map(str::to_owned).or_else(|| arguments.next());
        if name == EMULATOR_ADDRESS {
            translated.extend(["--listen".to_owned(), value.unwrap_or_default()]);
        }
    }
    drop(arguments.next_if(|word| word == "--"));
    translated.push("--".to_owned());
    translated.extend(arguments);
    translated
}

/// Carries out the command: serves until it is told to end.
pub(crate) async fn run(arguments: &EmulateArguments) -> anyhow::Result<()> {
    let mut signals = Signals::watch()?;
    let region: Region = arguments.region.parse()?;
    let api = bind(([127, 0, 0, 1], 0).into(), "--listen").await?;
    let emulator = bind(arguments.listen, "--listen").await?;
    let command = if arguments.command.is_empty() { vec![bootstrap()?] } else { arguments.command.clone() };
    let snapshot = Arc::new(snapshot(command, |name| std::env::var(name).ok())?);
    let options = options(&region, false)?;
    let starter = starter::Starter::create(Arc::clone(&options.link_key), region).await?;
    let mut greeting = vec![format!("http://{}{}", emulator.1, emulator::PATH)];
    if std::env::var(VERSION).is_ok_and(|version| version != domain::LATEST) {
        greeting.push(format!("{VERSION} is not taken over: the version is {}.", domain::LATEST));
    }
    let (served, served_now) = watch::channel(Arc::clone(&snapshot));
    let serving = Serving {
        options,
        catalog: Box::new(Fixed(snapshot, served)),
        served: served_now,
        starter: Arc::new(starter),
        idle_timeout: IDLE,
        api,
        emulator: Some(emulator),
        metrics: None,
    };
    serving.run(&mut signals, greeting).await
}

fn bootstrap() -> anyhow::Result<String> {
    match BOOTSTRAPS.iter().find(|path| std::path::Path::new(path).is_file()) {
        Some(path) => Ok((*path).to_owned()),
        None => bail!("the image names no command, and there is no {}", BOOTSTRAPS.join(", no ")),
    }
}

/// The image's one function, named and sized as the emulator would have it.
fn snapshot(command: Vec<String>, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Snapshot> {
    let number = |name: &str, default: u32| match variable(name) {
        Some(text) => text.parse::<u32>().with_context(|| format!("{name} is no number: '{text}'")),
        None => Ok(default),
    };
    let name = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "test_function".to_owned());
    let _: domain::FunctionName = name.parse()?;
    let handler = variable("_HANDLER").or_else(|| variable("AWS_LAMBDA_FUNCTION_HANDLER"));
    let spec = json!({
        "functionName": name,
        "handler": handler.or_else(|| command.last().cloned()),
        "code": {"image": "this image"},
        "memorySize": number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 3_008)?,
        "timeout": number("AWS_LAMBDA_FUNCTION_TIMEOUT", 300)?,
    });
    let function = Function::new(&name.to_ascii_lowercase(), serde_json::from_value(spec)?);
    let working_directory = std::env::current_dir().context("the working directory")?;
    let task_root = variable("LAMBDA_TASK_ROOT").map_or_else(|| working_directory.clone(), PathBuf::from);
    let code = LocalCode::Image { command, task_root, working_directory };
    let local = LocalFunction { function, code, layers: Vec::new(), source: PathBuf::new() };
    Ok(Snapshot::build(vec![(local, 0)], &std::collections::BTreeMap::new(), false).0)
}

/// A catalog that never changes. The sender is held so that what is served stays known.
struct Fixed(Arc<Snapshot>, watch::Sender<Arc<Snapshot>>);

impl CatalogSource for Fixed {
    fn follow(self: Box<Self>, declared: DeclaredSender) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            declared.send_replace(Some(Arc::new(self.0.declared())));
            self.1.closed().await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_as_the_emulator_is_understood() {
        let check = |call: &str, expected: &str| {
            let words = call.split_whitespace().map(str::to_owned);
            assert_eq!(translated(words).join(" "), format!("kubelambda emulate {expected}"));
        };
        check("/var/runtime/bootstrap", "-- /var/runtime/bootstrap");
        check("", "--");
        check("--log-level=debug --enable-init-caching -- /entry a.b", "-- /entry a.b");
        check("--runtime-interface-emulator-address=0.0.0.0:9 /entry", "--listen 0.0.0.0:9 -- /entry");
        check("--unknown /entry", "--unknown -- /entry");
        check(
            "--log-level debug --runtime-interface-emulator-address 0.0.0.0:9 npx aws-lambda-ric a.b",
            "--listen 0.0.0.0:9 -- npx aws-lambda-ric a.b",
        );
    }

    #[test]
    fn the_function_is_what_the_emulator_s_variables_say() {
        let variables = |name: &str| match name {
            "AWS_LAMBDA_FUNCTION_TIMEOUT" => Some("7".to_owned()),
            "AWS_LAMBDA_FUNCTION_NAME" => Some("Mine".to_owned()),
            _ => None,
        };
        let snapshot = snapshot(vec!["ric".into(), "a.b".into()], variables).unwrap();
        let served = &snapshot.functions[0];
        assert_eq!((served.timeout_seconds, served.local.function.aws_name()), (7, "Mine"));
        assert_eq!(served.local.function.spec.handler.as_deref(), Some("a.b"));
        assert!(served.unavailable.is_none());
        assert!(super::snapshot(vec!["r".into()], |_| Some("x y".to_owned())).is_err());
    }
}
