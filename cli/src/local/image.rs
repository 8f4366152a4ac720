//! `kubelambda emulate`: the entry point inside of a Lambda image, in the place of AWS's emulator (RIE).
//!
//! The image's one function is served on the emulator's port and path, by the gateway and the shim as ever. What
//! the function is called, its version, time, memory and handler come from the variables that the emulator reads; a
//! variable without a value counts as not set, as it does there. Its log group may be set likewise, and is otherwise
//! named as AWS names it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
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
    let region = arguments.region.clone();
    let api = bind(([127, 0, 0, 1], 0).into(), "--listen").await?;
    let emulator = bind(arguments.listen, "--listen").await?;
    let command = if arguments.command.is_empty() { vec![bootstrap()?] } else { arguments.command.clone() };
    let snapshot = Arc::new(snapshot(command, |name| std::env::var(name).ok())?);
    let options = options(&region, false)?;
    let starter = starter::Starter::create(Arc::clone(&options.link_key), region).await?;
    let greeting = vec![format!("http://{}{}", emulator.1, emulator::PATH)];
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
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let number = |name: &str, default: u32| match variable(name) {
        Some(text) => text.parse::<u32>().with_context(|| format!("{name} is no number: '{text}'")),
        None => Ok(default),
    };
    let name = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "test_function".to_owned());
    let _: domain::FunctionName = name.parse()?;
    let version = variable("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_else(|| domain::LATEST.to_owned());
    let _: domain::Qualifier = version.parse().context("AWS_LAMBDA_FUNCTION_VERSION")?;
    let handler = variable("AWS_LAMBDA_FUNCTION_HANDLER").or_else(|| variable("_HANDLER"));
    // A program alone is no handler.
    let last = command.last().filter(|_| command.len() > 1).cloned();
    let log_group = variable("AWS_LAMBDA_LOG_GROUP_NAME");
    let spec = json!({
        "functionName": name,
        "handler": handler.or(last),
        "code": {"image": "this image"},
        "memorySize": number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 3_008)?,
        "timeout": number("AWS_LAMBDA_FUNCTION_TIMEOUT", 300)?,
        "loggingConfig": {"logGroup": log_group},
    });
    let function = Function::new(&name.to_ascii_lowercase(), serde_json::from_value(spec)?);
    let working_directory = std::env::current_dir().context("the working directory")?;
    let task_root = variable("LAMBDA_TASK_ROOT").map_or_else(|| working_directory.clone(), PathBuf::from);
    let code = LocalCode::Image { command, task_root, working_directory };
    let local = LocalFunction { function, code, layers: Vec::new(), source: PathBuf::new() };
    let mut snapshot = Snapshot::build(vec![(local, 0)], &std::collections::BTreeMap::new(), false).0;
    for served in &mut snapshot.functions {
        Arc::make_mut(served).revision.version.clone_from(&version);
    }
    Ok(snapshot)
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

    fn served(command: &[&str], set: &[(&str, &str)]) -> anyhow::Result<Arc<super::super::snapshot::Served>> {
        let variable =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let snapshot = snapshot(command.iter().map(|word| (*word).to_owned()).collect(), variable)?;
        Ok(Arc::clone(&snapshot.functions[0]))
    }

    /// Name, version, time-out, memory and log group.
    fn told(set: &[(&str, &str)]) -> (String, String, u32, u32, String) {
        let served = served(&["ric", "a.b"], set).unwrap();
        assert!(served.unavailable.is_none());
        let (function, spec) = (&served.local.function, &served.local.function.spec);
        let group = spec.log_group(&function.aws_name().parse().unwrap());
        let version = served.revision.version.clone();
        (function.aws_name().to_owned(), version, served.timeout_seconds, spec.memory_size, group)
    }

    #[test]
    fn the_function_is_what_the_emulator_s_variables_say() {
        // The emulator's source, rie/handlers.go: GetenvWithDefault of each with "test_function", "$LATEST", "300",
        // "3008"; what is empty counts as not set.
        let unset =
            ("test_function".into(), "$LATEST".into(), 300, 3_008, "/aws/lambda/test_function".into());
        assert_eq!(told(&[]), unset);
        let names =
            ["NAME", "VERSION", "TIMEOUT", "MEMORY_SIZE"].map(|name| format!("AWS_LAMBDA_FUNCTION_{name}"));
        assert_eq!(told(&names.each_ref().map(|name| (name.as_str(), ""))), unset);
        let mut set: Vec<_> = names.iter().map(String::as_str).zip(["Mine", "7", "9", "512"]).collect();
        set.push(("AWS_LAMBDA_LOG_GROUP_NAME", "mine"));
        assert_eq!(told(&set), ("Mine".into(), "7".into(), 9, 512, "mine".into()));
        for (name, value) in [("NAME", "x y"), ("VERSION", "1\n2"), ("TIMEOUT", "soon"), ("MEMORY_SIZE", "x")]
        {
            let name = format!("AWS_LAMBDA_FUNCTION_{name}");
            assert!(served(&["ric"], &[(&name, value)]).is_err(), "{name}");
        }
    }

    #[test]
    fn the_handler_is_a_variable_or_the_last_word_after_the_program() {
        // rie/handlers.go: GetenvWithDefault("AWS_LAMBDA_FUNCTION_HANDLER", os.Getenv("_HANDLER")), which takes the
        // place of what rie/run.go has: "Assume last arg is the handler" of more than one word.
        let handler = |command: &[&str], set: &[(&str, &str)]| {
            served(command, set).unwrap().local.function.spec.handler.clone()
        };
        let own = [("_HANDLER", "own.h"), ("AWS_LAMBDA_FUNCTION_HANDLER", "given.h")];
        assert_eq!(handler(&["/main"], &[]), None);
        assert_eq!(handler(&["ric", "a.b"], &[]).as_deref(), Some("a.b"));
        assert_eq!(handler(&["ric", "a.b"], &own[..1]).as_deref(), Some("own.h"));
        assert_eq!(handler(&["ric", "a.b"], &own).as_deref(), Some("given.h"));
    }
}
