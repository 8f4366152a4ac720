//! From parts to a running gateway, and in order back to nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domain::Region;
use gateway::catalog::CatalogSource;
use gateway::{Gateway, Options};
use protocol::link::trust::LinkKey;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::emulator;
use super::provider::ProcessProvider;
use super::snapshot::{DEBUG_SECONDS, NAMESPACE, Snapshot};
use super::starter::{self, Starter};
use crate::output;

/// How long requests in flight may take after Ctrl-C, in milliseconds.
const DRAIN_MILLIS: u64 = 500;
/// How long environments may take to end after that, in seconds.
const END_SECONDS_MAX: u64 = 10;
/// How often it is looked whether the gateway has its catalog, in milliseconds: that takes one or two.
const READY_LOOK_MILLIS: u64 = 1;

/// Ctrl-C and its like.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on none is lost.
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when the program is to end.
    pub(crate) async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A listener and the address that it got.
pub(crate) type Bound = (TcpListener, SocketAddr);

/// Listens on `address`; an error names it.
pub(crate) async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<Bound> {
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is taken by another program: choose another with {option}")
        }
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}"),
    })?;
    let address = listener.local_addr().context("the address that was bound")?;
    Ok((listener, address))
}

/// The gateway's options, with a key of this run.
pub(crate) fn options(region: &Region, debug: bool) -> anyhow::Result<Options> {
    let key = LinkKey::from_secret(&[starter::random()?, starter::random()?].concat())?;
    let mut options = Options::new(region.clone(), NAMESPACE.to_owned(), key);
    options.drain = Duration::from_millis(DRAIN_MILLIS);
    if debug {
        options.environment_wait = Duration::from_secs(DEBUG_SECONDS.into());
    }
    Ok(options)
}

/// All that a run is made of.
pub(crate) struct Serving {
    /// The gateway's.
    pub options: Options,
    /// What is served.
    pub catalog: Box<dyn CatalogSource>,
    /// The same, as it is now.
    pub served: watch::Receiver<Arc<Snapshot>>,
    /// Starts environments.
    pub starter: Arc<Starter>,
    /// How long an environment is kept without an invocation.
    pub idle_timeout: Duration,
    /// Where the Lambda API is served.
    pub api: Bound,
    /// Where the emulator's path is served.
    pub emulator: Option<Bound>,
    /// Where metrics are served.
    pub metrics: Option<Bound>,
}

impl Serving {
    /// Serves until a signal; then everything that was started ends. Says `greeting` once requests may come.
    pub(crate) async fn run(self, signals: &mut Signals, greeting: Vec<String>) -> anyhow::Result<()> {
        let (stop, stop_api) = (CancellationToken::new(), CancellationToken::new());
        let runtimes = self.served.borrow().runtimes();
        let (ended, mut all_ended) = mpsc::channel(1);
        let served = self.served.clone();
        let starter = Arc::clone(&self.starter);
        let provider = ProcessProvider::new(starter, served, self.idle_timeout, stop.clone(), ended);
        let gateway = Gateway::new(self.options, self.catalog, Box::new(provider))?;
        // A request that comes earlier waits in its listener's queue; without a catalog no function is known.
        while !gateway.is_ready() {
            tokio::time::sleep(Duration::from_millis(READY_LOOK_MILLIS)).await;
        }
        let (api, address) = self.api;
        if let Some((listener, _)) = self.emulator {
            drop(tokio::spawn(emulator::serve(listener, address, self.served)));
        }
        if let Some((listener, _)) = self.metrics {
            let (gateway, stop) = (gateway.clone(), stop_api.clone());
            drop(tokio::spawn(async move { gateway.serve_metrics(listener, stop).await }));
        }
        let serving = tokio::spawn({
            let (gateway, stop) = (gateway.clone(), stop_api.clone());
            async move { gateway.serve(api, stop).await }
        });
        greeting.iter().for_each(output::note);
        // Whatever is missing is looked for and fetched while everything else is served already.
        for name in &runtimes {
            drop(self.starter.runtimes.of(name));
        }
        signals.any().await;
        output::note("Ending the environments …");
        gateway.leave();
        stop_api.cancel();
        serving.await??;
        stop.cancel();
        drop(tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), all_ended.recv()).await);
        gateway.flush_traces().await;
        gateway.end();
        Ok(())
    }
}
