//! A function on AWS's unmodified Rust runtime client that does what its event says: for conformance tests, bad
//! behaviour on command, and, as `{}` or `{"echo": …}` is answered at once, for benchmarks.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

/// The event: any of these together, carried out in this order.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Command {
    /// Writes a line to standard output.
    print: Option<String>,
    /// Takes this much memory, uses every page of it and holds it until the answer.
    allocate_mb: usize,
    sleep_ms: u64,
    /// Keeps one core busy.
    burn_ms: u64,
    /// Answers with an error of this message.
    error: Option<String>,
    panic: Option<String>,
    /// Ends the process with this status.
    exit: Option<i32>,
    /// Answers with a JSON string that has exactly this many bytes, its two quotes included.
    bytes_out: Option<usize>,
    echo: Value,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    // An event that is no command, such as a list, is answered like an empty one, echoed.
    let command = serde_json::from_value(event.payload.clone())
        .unwrap_or_else(|_| Command { echo: event.payload, ..Command::default() });
    if let Some(line) = command.print {
        println!("{line}");
    }
    let remaining_ms = remaining_ms(&event.context);
    let memory = vec![1_u8; command.allocate_mb << 20];
    if command.sleep_ms > 0 {
        tokio::time::sleep(Duration::from_millis(command.sleep_ms)).await;
    }
    let end = SystemTime::now() + Duration::from_millis(command.burn_ms);
    while SystemTime::now() < end {}
    if let Some(message) = command.error {
        return Err(message.into());
    }
    if let Some(message) = command.panic {
        panic!("{message}");
    }
    if let Some(status) = command.exit {
        std::process::exit(status);
    }
    std::hint::black_box(memory);
    Ok(match command.bytes_out {
        Some(bytes) => Value::String("x".repeat(bytes.saturating_sub(2))),
        None => report(&event.context, remaining_ms, command.echo),
    })
}

fn remaining_ms(context: &Context) -> u64 {
    let remaining = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)
}

/// Every field of the context, the remaining time also as it was before the command, and what was to be echoed.
fn report(context: &Context, remaining_ms_before: u64, echo: Value) -> Value {
    json!({
        "echo": echo,
        "remaining_ms_before": remaining_ms_before,
        "remaining_ms_after": remaining_ms(context),
        "function_name": context.env_config.function_name,
        "function_version": context.env_config.version,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.env_config.memory,
        "aws_request_id": context.request_id,
        "log_group_name": context.env_config.log_group,
        "log_stream_name": context.env_config.log_stream,
        "tenant_id": context.tenant_id,
        "trace_id": context.xray_trace_id,
        "trace_variable": std::env::var("_X_AMZN_TRACE_ID").ok(),
        "identity": context.identity,
        "client_context": client_context(context),
        // What the standard library knows of who runs the program: it has no name.
        "user": { "home": std::env::home_dir() },
    })
}

/// The client context with its keys as they were sent; the client reads `env` by the name `environment`.
fn client_context(context: &Context) -> Option<Value> {
    let sent = context.client_context.as_ref()?;
    Some(json!({
        "custom": sent.custom,
        "env": sent.environment,
        "client": {
            "installation_id": sent.client.installation_id,
            "app_title": sent.client.app_title,
            "app_version_name": sent.client.app_version_name,
            "app_version_code": sent.client.app_version_code,
            "app_package_name": sent.client.app_package_name,
        },
    }))
}
