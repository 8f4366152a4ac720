//! Links: connections with gateways and operators, whoever dialled.
//!
//! Each has one task that reads and one that writes. A peer that does not prove itself in time is cut, and so
//! is one that does not read what it is sent: its queue is bounded and the actor never waits for it.

mod peer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::link::handshake::Dialler;
use protocol::link::trust::{PublicKey, Ticket};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::diagnostics::say;
use crate::events::{Events, LinkId};
use crate::settings::Settings;

/// How many links are open at once, those in their handshake among them.
const LINKS_MAX: usize = 64;
/// How often the operator is dialled at the start before the shim only listens.
const ANNOUNCE_TRIES_MAX: u32 = 5;
/// Pause after the first failed announcement, in milliseconds; it doubles each time.
const ANNOUNCE_PAUSE_MILLIS: u64 = 50;
/// How long dialling the operator may take, in seconds.
const ANNOUNCE_SECONDS_MAX: u64 = 2;

/// What every link needs.
#[derive(Clone)]
struct Shared {
    identity: Arc<(Ticket, PublicKey)>,
    events: Events,
    room: Arc<Semaphore>,
    numbers: Arc<AtomicU64>,
}

impl Shared {
    fn next_link(&self) -> LinkId {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Accepts links and announces the environment, in the background.
pub(crate) fn serve(listener: TcpListener, settings: &Settings, events: &Events) {
    let shared = Shared {
        identity: Arc::new((settings.ticket.clone(), settings.public_key.clone())),
        events: events.clone(),
        room: Arc::new(Semaphore::new(LINKS_MAX)),
        numbers: Arc::default(),
    };
    if let Some(operator) = settings.announce {
        drop(tokio::spawn(announce(operator, shared.clone())));
    }
    drop(tokio::spawn(accept(listener, shared)));
}

async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        // Permit first: connections over the bound wait in the kernel's queue.
        let Ok(permit) = shared.room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                drop(tokio::spawn(async move {
                    run(stream, Dialler::Peer, &shared).await;
                    drop(permit);
                }));
            }
            Err(error) => {
                say(format_args!("a link could not be accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(ANNOUNCE_PAUSE_MILLIS)).await;
            }
        }
    }
}

/// Tells the operator that the environment is there; its watch of pods is the backstop.
async fn announce(operator: std::net::SocketAddr, shared: Shared) {
    let mut pause = Duration::from_millis(ANNOUNCE_PAUSE_MILLIS);
    for _ in 0..ANNOUNCE_TRIES_MAX {
        let dialled =
            tokio::time::timeout(Duration::from_secs(ANNOUNCE_SECONDS_MAX), TcpStream::connect(operator));
        if let Ok(Ok(stream)) = dialled.await
            && run(stream, Dialler::Environment, &shared).await
        {
            return;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    say(format_args!("the operator at {operator} was not reached; waiting to be dialled"));
}

/// Runs one link to its end; false if the peer did not prove itself.
async fn run(stream: TcpStream, dialler: Dialler, shared: &Shared) -> bool {
    // Frames are written whole; waiting to fill packets would only add delay.
    if let Err(error) = stream.set_nodelay(true) {
        say(format_args!("a link is lost: {error}"));
        return false;
    }
    let (ticket, key) = &*shared.identity;
    match peer::prove(stream, ticket, key, dialler).await {
        Ok((role, stream)) => {
            peer::run(shared.next_link(), role, stream, &shared.events).await;
            true
        }
        Err(error) => {
            say(format_args!("a link is refused: {error}"));
            false
        }
    }
}
