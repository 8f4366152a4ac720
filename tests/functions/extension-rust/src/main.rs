//! An extension on AWS's unmodified crate that writes down each event and each record that it is given, as the
//! crate reads them: one line of text each, to the file that `EXTENSION_FILE` names.

use std::io::Write;

use lambda_extension::{
    Error, Extension, LambdaEvent, LambdaTelemetry, LogBuffering, NextEvent, SharedService, service_fn,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let port = std::env::var("EXTENSION_PORT")?.parse()?;
    // The shortest that AWS takes, so that little is left when the environment is frozen.
    let buffering = LogBuffering { timeout_ms: 25, max_bytes: 262_144, max_items: 1_000 };
    Extension::new()
        .with_events(&["INVOKE", "SHUTDOWN"])
        .with_telemetry_types(&["platform", "function", "extension"])
        .with_telemetry_buffering(buffering)
        .with_telemetry_port_number(port)
        .with_telemetry_processor(SharedService::new(service_fn(telemetry)))
        .with_events_processor(service_fn(event))
        .run()
        .await
}

async fn event(event: LambdaEvent) -> Result<(), Error> {
    write(match event.next {
        NextEvent::Invoke(invoke) => format!("invoke {}", invoke.request_id),
        NextEvent::Shutdown(shutdown) => format!("shutdown {}", shutdown.shutdown_reason),
    })
}

async fn telemetry(events: Vec<LambdaTelemetry>) -> Result<(), Error> {
    events.into_iter().try_for_each(|event| write(format!("telemetry {:?}", event.record)))
}

fn write(line: String) -> Result<(), Error> {
    let file = std::env::var("EXTENSION_FILE")?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{line}")?)
}
