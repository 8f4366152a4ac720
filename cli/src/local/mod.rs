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
mod debugging;
mod emulator;
mod environment;
mod environments;
mod events;
mod folder;
mod greeting;
pub(crate) mod image;
mod interpreters;
mod java;
mod look;
mod node;
mod onward;
mod opt;
mod provider;
mod recipe;
mod report;
mod runtimes;
mod serving;
pub(crate) mod shim;
mod snapshot;
mod stamp;
mod starter;
mod surroundings;
mod turns;
mod workspace;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use folder::{FolderCatalog, Shelf};
use gateway::settings::OtlpFlags;
use gateway::traces::Collector;
use look::Look;
use serving::{Bound, Serving, Signals, bind, options};
use starter::Starter;
use tokio::sync::watch;

use crate::command_line::LocalArguments;
use crate::endpoint::{ENDPOINT_DEFAULT, ENDPOINT_VARIABLE};
use crate::output;
use crate::project::Choices;
use crate::values::Emulator;

/// Carries out the command: serves until Ctrl-C.
pub(crate) async fn run(arguments: &LocalArguments) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::watch()?;
    let region = arguments.region.clone();
    // All ports first: nothing is read or fetched in vain.
    let api = bind(arguments.listen, "--listen").await?;
    let emulator = bind_emulator(arguments.emulator).await?;
    let metrics = match arguments.metrics {
        Some(address) => Some(bind(address, "--metrics").await?),
        None => None,
    };
    let (shelf, look) = first_look(arguments)?;
    let snapshot = look.changed.unwrap_or_default();
    let mut options = options(&region, arguments.debug)?;
    options.collector = collector(arguments.otlp.clone())?;
    let starter = Starter::create(Arc::clone(&options.link_key), region).await?;
    let has_layers = snapshot.functions.iter().any(|served| !served.local.layers.is_empty());
    let greeting = greeting::Greeting {
        layers_elsewhere: if has_layers { starter.cannot_bind().await } else { None },
        api: api.1,
        emulator: emulator.as_ref().map(|(_, address)| *address),
        metrics: metrics.as_ref().map(|(_, address)| *address),
        debug: arguments.debug,
        emulator_taken: emulator.is_none() && arguments.emulator.is_none(),
        invoke_default: std::env::var(ENDPOINT_VARIABLE)
            .ok()
            .filter(|set| !set.is_empty())
            .unwrap_or_else(|| ENDPOINT_DEFAULT.to_owned()),
    }
    .lines(&snapshot);
    let (served, served_now) = watch::channel(Arc::new(snapshot));
    let serving = Serving {
        options,
        catalog: Box::new(FolderCatalog::new(shelf, served)),
        served: served_now,
        starter: Arc::new(starter),
        idle_timeout: Duration::from_secs(arguments.idle_timeout.into()),
        api,
        emulator,
        metrics,
    };
    serving.run(&mut signals, greeting).await?;
    Ok(ExitCode::SUCCESS)
}

/// Where spans go, if anywhere.
fn collector(flags: OtlpFlags) -> anyhow::Result<Option<Collector>> {
    let target = flags.target().map_err(|wrong| anyhow!(wrong.join("\n")))?;
    target.map(Collector::new).transpose().context("the collector")
}

fn first_look(arguments: &LocalArguments) -> anyhow::Result<(Shelf, Look)> {
    let folder = &arguments.folder;
    let root = folder.canonicalize().with_context(|| format!("{} cannot be read", folder.display()))?;
    let choices = Choices {
        parameters: arguments.parameters.iter().cloned().collect(),
        region: arguments.region.to_string(),
        account: snapshot::account().to_string(),
    };
    let mut shelf = Shelf::new(root, choices, arguments.debug);
    let look = shelf.look().with_context(|| format!("{} cannot be read", folder.display()))?;
    look.problems.iter().for_each(output::note);
    look.notes.iter().for_each(output::note);
    if look.changed.as_ref().is_none_or(|snapshot| snapshot.functions.is_empty()) {
        let hint = if look.problems.is_empty() && look.notes.is_empty() {
            ": there is neither a Function in a *.yaml, *.yml or *.json nor a SAM template.yaml"
        } else {
            ""
        };
        bail!("{} declares no function that can be served{hint}", folder.display());
    }
    Ok((shelf, look))
}

/// The emulator's port, where it was not switched off. That the default one is taken is no error.
async fn bind_emulator(wanted: Option<Emulator>) -> anyhow::Result<Option<Bound>> {
    match wanted {
        Some(Emulator::Off) => Ok(None),
        Some(Emulator::At(address)) => bind(address, "--emulator").await.map(Some),
        // That something else is there is told in the greeting.
        None => Ok(bind(emulator::ADDRESS_DEFAULT.parse()?, "--emulator").await.ok()),
    }
}
