//! `kubelambda local`: the functions of a folder on this machine, with the gateway and the shim of a cluster.
//!
//! ```text
//! folder ──▶ FolderCatalog ──▶ gateway ──▶ ProcessProvider ──▶ this program as a shim, once per environment
//! ```
//!
//! What it never does: decide anything about an invocation. That is the gateway's and the shim's, which do not
//! know that there is no cluster.

mod announcements;
mod clients;
mod emulator;
pub(crate) mod environment;
mod folder;
mod greeting;
mod provider;
mod recipe;
mod runtimes;
mod snapshot;
mod stamp;
mod starter;
mod workspace;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::Region;
use folder::{FolderCatalog, Look, Shelf};
use gateway::{Gateway, Options};
use protocol::link::trust::LinkKey;
use snapshot::{DEBUG_SECONDS, NAMESPACE, Snapshot};
use starter::Starter;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::command_line::LocalArguments;
use crate::output;
use crate::project::Choices;

/// How long requests in flight may take after Ctrl-C, in milliseconds.
const DRAIN_MILLIS: u64 = 500;
/// How long environments may take to end after that, in seconds.
const END_SECONDS_MAX: u64 = 10;
/// Where the emulator answers, unless something else is there.
const EMULATOR_DEFAULT: &str = "127.0.0.1:8080";

/// Carries out the command: serves until Ctrl-C.
pub(crate) async fn run(arguments: &LocalArguments) -> anyhow::Result<ExitCode> {
    // First of all, so that no signal is lost and nothing starts in vain.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let region: Region = arguments.region.parse()?;
    let (listener, address) = bind(arguments.listen).await?;
    let emulator = bind_emulator(arguments.emulator.as_deref()).await?;
    let (shelf, look) = first_look(arguments)?;
    let snapshot = look.changed.unwrap_or_default();

    let key = LinkKey::from_secret(&[starter::random()?, starter::random()?].concat())?;
    let mut options = Options::new(region.clone(), NAMESPACE.to_owned(), key);
    options.drain = Duration::from_millis(DRAIN_MILLIS);
    if arguments.debug {
        options.environment_wait = Duration::from_secs(DEBUG_SECONDS.into());
    }
    let starter = Starter {
        program: std::env::current_exe().context("this program's own path")?,
        runtimes: runtimes::Runtimes::new(clients::cache_folder()),
        workspace: workspace::Workspace::create(starter::random()?)?,
        announcements: announcements::Announcements::listen(Arc::clone(&options.link_key)).await?,
        region,
    };
    prepare(&starter, &snapshot).await;
    greeting::greet(&snapshot, address, emulator.as_ref().map(|(_, address)| *address), arguments.debug);

    let (served, served_now) = watch::channel(Arc::new(snapshot));
    let (stop, stop_api) = (CancellationToken::new(), CancellationToken::new());
    let (ended, mut all_ended) = mpsc::channel(1);
    let idle = Duration::from_secs(arguments.idle_timeout.into());
    let provider = provider::ProcessProvider::new(starter, served_now.clone(), idle, stop.clone(), ended);
    let catalog = FolderCatalog::new(shelf, served);
    let gateway = Gateway::new(options, Box::new(catalog), Box::new(provider))?;
    let emulating =
        emulator.map(|(listener, _)| tokio::spawn(emulator::serve(listener, address, served_now)));
    let serving = tokio::spawn({
        let (gateway, stop) = (gateway.clone(), stop_api.clone());
        async move { gateway.serve(listener, stop).await }
    });
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    output::note("Ending the environments …");
    gateway.leave();
    stop_api.cancel();
    serving.await??;
    stop.cancel();
    drop(tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), all_ended.recv()).await);
    if let Some(emulating) = emulating {
        emulating.abort();
    }
    gateway.end();
    Ok(ExitCode::SUCCESS)
}

fn first_look(arguments: &LocalArguments) -> anyhow::Result<(Shelf, Look)> {
    let folder = &arguments.folder;
    let root = folder.canonicalize().with_context(|| format!("{} cannot be read", folder.display()))?;
    let choices = Choices {
        parameters: arguments.parameters.iter().cloned().collect(),
        region: arguments.region.clone(),
        account: snapshot::account().to_string(),
    };
    let mut shelf = Shelf::new(root, choices, arguments.debug);
    let look = shelf.look().with_context(|| format!("{} cannot be read", folder.display()))?;
    look.problems.iter().for_each(output::note);
    look.notes.iter().for_each(output::note);
    if look.changed.as_ref().is_none_or(|snapshot| snapshot.functions.is_empty()) {
        bail!("{} declares no function that can be served", folder.display());
    }
    Ok((shelf, look))
}

async fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is taken by another program: choose another with --listen")
        }
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}"),
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The emulator's port, where it was not switched off. That the default one is taken is no error.
async fn bind_emulator(wanted: Option<&str>) -> anyhow::Result<Option<(TcpListener, SocketAddr)>> {
    match wanted {
        Some("off") => Ok(None),
        Some(address) => {
            let address = address
                .parse()
                .with_context(|| format!("--emulator {address}: neither an address nor off"))?;
            bind(address).await.map(Some).context("--emulator")
        }
        None => {
            let bound = bind(EMULATOR_DEFAULT.parse()?).await.ok();
            if bound.is_none() {
                output::note(format_args!(
                    "{EMULATOR_DEFAULT} is taken: the path of AWS's emulator is not served (--emulator)"
                ));
            }
            Ok(bound)
        }
    }
}

/// Finds interpreters and fetches clients before the first invocation waits for them.
async fn prepare(starter: &Starter, snapshot: &Snapshot) {
    let names: BTreeSet<_> = snapshot
        .functions
        .iter()
        .filter(|served| served.runtime.is_none())
        .filter_map(|served| served.local.function.spec.runtime.as_deref())
        .collect();
    for name in names {
        if let Err(message) = starter.runtimes.of(name).await {
            output::note(format_args!("Functions of {name} cannot run: {message}"));
        }
    }
}
