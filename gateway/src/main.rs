//! The gateway as a program in a cluster.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use gateway::kubernetes::{KubernetesCatalog, OperatorProvider, await_link_key, read_link_key};
use gateway::metrics::{self, ComingGateway};
use gateway::settings::{EXIT_USAGE, Flags, Settings};
use gateway::traces::Collector;
use gateway::{Gateway, Options};
use kube::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() { EXIT_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let settings = match flags.check() {
        Ok(settings) => settings,
        Err(wrong) => {
            drop(writeln!(std::io::stderr(), "{}", wrong.join("\n")));
            return EXIT_USAGE.into();
        }
    };
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    match start(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "The gateway has failed");
            ExitCode::FAILURE
        }
    }
}

fn start(settings: Settings) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(settings))
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut terminated = terminated()?;
    let listener = TcpListener::bind(settings.metrics_listen).await.context("metrics address")?;
    let api = TcpListener::bind(settings.listen).await.context("API address")?;
    // Before everything that may have to wait: a process that is only waiting is alive.
    let (coming, stop_metrics) = (ComingGateway::default(), CancellationToken::new());
    tokio::spawn(metrics::serve(Arc::clone(&coming), listener, stop_metrics.clone()));
    let gateway = tokio::select! {
        gateway = gateway(&settings) => gateway?,
        () = any(&mut terminated) => return Ok(()),
    };
    drop(coming.set(gateway.clone()));
    tracing::info!(listen = %settings.listen, metrics = %settings.metrics_listen, "The gateway has started");
    serve(gateway, api, &mut terminated, &settings).await?;
    stop_metrics.cancel();
    tracing::info!("The gateway has ended");
    Ok(())
}

/// The gateway, once its link key is there.
async fn gateway(settings: &Settings) -> anyhow::Result<Gateway> {
    let client = Client::try_default().await.context("API server")?;
    let namespace = settings.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let link_key = if let Some(path) = &settings.link_key_file {
        read_link_key(path)?
    } else {
        await_link_key(client.clone(), &namespace).await
    };
    let options = options(settings, link_key)?;
    let provider = OperatorProvider::new(
        client.clone(),
        settings.operator.clone(),
        Arc::clone(&options.link_key),
        settings.pod_name.clone(),
    );
    let catalog = KubernetesCatalog::new(client);
    Ok(Gateway::new(options, Box::new(catalog), Box::new(provider))?)
}

/// Serves until SIGTERM. From then on it is not ready, but takes requests a little longer: whoever routes to it
/// learns of that late. Then it finishes what is in flight.
async fn serve(
    gateway: Gateway,
    api: TcpListener,
    terminated: &mut [Signal; 2],
    settings: &Settings,
) -> anyhow::Result<()> {
    let stop_api = CancellationToken::new();
    let serving = tokio::spawn({
        let (gateway, stop) = (gateway.clone(), stop_api.clone());
        async move { gateway.serve(api, stop).await }
    });
    any(terminated).await;
    tracing::info!("The gateway is leaving");
    gateway.leave();
    tokio::time::sleep(settings.drain_delay).await;
    stop_api.cancel();
    serving.await??;
    gateway.flush_traces().await;
    gateway.end();
    Ok(())
}

/// Waits for any of the signals.
async fn any([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn terminated() -> std::io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?])
}

fn options(settings: &Settings, link_key: protocol::link::trust::LinkKey) -> anyhow::Result<Options> {
    let collector = settings.traces.clone().map(Collector::new).transpose().context("the collector")?;
    Ok(Options {
        environment_wait: settings.environment_wait,
        waiting_per_function_max: settings.waiting_per_function_max,
        payload_bytes_in_flight_max: settings.payload_bytes_in_flight_max,
        connections_max: settings.connections_max,
        drain: settings.drain,
        collector,
        ..Options::new(settings.region.clone(), settings.default_namespace.clone(), link_key)
    })
}
