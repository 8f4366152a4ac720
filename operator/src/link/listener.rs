//! The port on which environments announce themselves and gateways link.

use std::sync::Arc;
use std::time::Duration;

use protocol::link::handshake::{HandshakeError, Opening, accept_gateway, read_opening};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::sockets::prepare;
use super::{HANDSHAKE_SECONDS_MAX, Links};

/// Connections whose other side has not proved itself yet; more wait in the kernel's queue.
pub const HANDSHAKES_MAX: usize = 512;
/// How long accepting pauses after it failed (no file descriptor left), in milliseconds.
const ACCEPT_PAUSE_MILLIS: u64 = 100;

/// Accepts connections for as long as the program runs.
pub async fn listen(listener: TcpListener, links: Links) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let links = links.clone();
                tokio::spawn(async move {
                    let opened = open(&links, stream).await;
                    drop(permit);
                    if let Some(opened) = opened {
                        opened.serve(links).await;
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
            }
        }
    }
}

/// A connection whose other side proved itself.
enum Opened {
    Environment(TcpStream, crate::core::PodKey, std::net::SocketAddr),
    Gateway(TcpStream, String),
}

impl Opened {
    async fn serve(self, links: Links) {
        match self {
            Self::Environment(stream, pod, address) => links.serve_environment(stream, pod, address).await,
            Self::Gateway(stream, name) => links.serve_gateway(stream, name).await,
        }
    }
}

async fn open(links: &Links, mut stream: TcpStream) -> Option<Opened> {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "Cannot set a connection's options");
    }
    let peer = stream.peer_addr().ok();
    let bound = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
    match timeout(bound, prove(links, &mut stream)).await {
        Ok(Ok(Proven::Environment(pod, address))) => Some(Opened::Environment(stream, pod, address)),
        Ok(Ok(Proven::Gateway(name))) => Some(Opened::Gateway(stream, name)),
        Ok(Err(error)) => {
            tracing::warn!(%error, ?peer, "Refused a connection");
            None
        }
        Err(_) => {
            tracing::warn!(?peer, "A peer did not prove itself in time");
            None
        }
    }
}

enum Proven {
    Environment(crate::core::PodKey, std::net::SocketAddr),
    Gateway(String),
}

async fn prove(links: &Links, stream: &mut TcpStream) -> Result<Proven, HandshakeError> {
    let opening = read_opening(stream).await?;
    match opening {
        Opening::Environment { .. } => {
            let (pod, address) = links.announced(stream, opening).await?;
            Ok(Proven::Environment(pod, address))
        }
        Opening::Gateway { .. } => Ok(Proven::Gateway(accept_gateway(stream, &links.key, opening).await?)),
    }
}
