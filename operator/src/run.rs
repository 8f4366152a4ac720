//! The program put together: from settings to the end.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::actor::{Actor, MESSAGES_MAX};
use crate::cluster::writes::Writes;
use crate::cluster::{link_key, watches};
use crate::core::{Core, Input, Rules};
use crate::http::{self, Shown};
use crate::image::registry::Registries;
use crate::image::transport::Transport;
use crate::leadership::Candidate;
use crate::link::listener::listen;
use crate::link::{Links, Message};
use crate::metrics::Metrics;
use crate::moment::{Clock, system_draw};
use crate::pod::Installation;
use crate::settings::Settings;

/// How long the start waits for the API server to give out the link key, in seconds.
const KEY_SECONDS_MAX: u64 = 30;

/// Runs until a signal to end, or until this replica loses the Lease, which is an error: whoever started the
/// program starts it again, with a state that is new.
pub async fn run(settings: Settings) -> Result<()> {
    let client = Client::try_default().await.context("no API server is configured")?;
    let transport = Transport::new(settings.registry_ca_file.as_deref()).context("--registry-ca-file")?;
    let links_port = bind(settings.announce.port()).await?;
    let http_port = bind(settings.metrics_port).await?;
    let metrics = Metrics::new()?;
    let key = tokio::time::timeout(
        Duration::from_secs(KEY_SECONDS_MAX),
        link_key::obtain(client.clone(), &settings.namespace),
    )
    .await
    .context("the API server did not give out the link key in time")??;
    let key = Arc::new(key);

    let clock = Clock::start();
    let (messages, inbox) = mpsc::channel(MESSAGES_MAX);
    let (leads, leading) = watch::channel(false);
    let (ready_sender, ready) = watch::channel(false);
    let links = Links::new(Arc::clone(&key), messages.clone(), clock);
    let installation = Installation {
        shim_image: settings.shim_image,
        image_pull_policy: settings.image_pull_policy,
        announce: settings.announce,
        public_key: key.public_key(),
        user: settings.pod_user,
    };
    let rules = Rules {
        region: settings.region,
        idle_timeout: settings.idle_timeout,
        starts_per_function_max: settings.starts_per_function,
        starts_max: settings.starts,
    };
    let core = Core::new(rules, installation, key, system_draw());
    let actor = Actor::new(
        core,
        links.clone(),
        Writes::new(client.clone(), leading.clone()),
        Registries::new(transport, client.clone()),
        metrics.clone(),
        ready_sender,
    );
    let candidate =
        Candidate { namespace: settings.namespace, lease: settings.lease_name, identity: settings.identity };
    tracing::info!(announce = %settings.announce, "The operator runs");
    tokio::select! {
        () = actor.run(inbox) => bail!("the deciding task ended"),
        () = watches::watch_all(client.clone(), messages.clone()) => bail!("the watches ended"),
        () = listen(links_port, links) => bail!("the link port closed"),
        served = http::serve(http_port, Shown { metrics, ready }) => served.context("the metrics port closed"),
        () = tell_leadership(leading, messages) => bail!("nobody takes observations any more"),
        () = candidate.campaign(client.clone(), clock, &leads) => bail!("this replica does not lead any more"),
        signal = ended() => {
            let signal = signal?;
            tracing::info!(signal, "Ending; environments go on");
            leads.send_replace(false);
            candidate.release(client.clone()).await;
            Ok(())
        }
    }
}

async fn tell_leadership(mut leading: watch::Receiver<bool>, messages: mpsc::Sender<Message>) {
    while leading.wait_for(|&leads| leads).await.is_ok() {
        if messages.send(Message::Observed(Input::Leads)).await.is_err() {
            return;
        }
        if leading.wait_for(|&leads| !leads).await.is_err() {
            return;
        }
    }
}

async fn bind(port: u16) -> Result<TcpListener> {
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let bound = match TcpListener::bind(all).await {
        Ok(listener) => Ok(listener),
        // A kernel without IPv6.
        Err(_) => TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], port))).await,
    };
    bound.with_context(|| format!("port {port} cannot be bound"))
}

async fn ended() -> Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
