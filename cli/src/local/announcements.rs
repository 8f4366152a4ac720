//! The operator's side of local mode: shims announce themselves here, prove their tickets, and are handed to the
//! environment that waits for them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::link::handshake::{Role, accept_environment, read_opening};
use protocol::link::trust::{LinkKey, TicketClaims};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::snapshot::NAMESPACE;

/// How long a handshake may take, in seconds.
const HANDSHAKE_SECONDS_MAX: u64 = 5;
/// How long a ticket is accepted, in seconds: longer than anybody leaves local mode running (a year).
const TICKET_SECONDS: u64 = 365 * 86_400;
/// What every environment of local mode could become.
const POOL: &str = "local";

/// Where shims announce themselves.
#[derive(Debug, Clone)]
pub(crate) struct Announcements {
    address: SocketAddr,
    key: Arc<LinkKey>,
    expected: Arc<Mutex<HashMap<String, oneshot::Sender<TcpStream>>>>,
}

impl Announcements {
    /// Listens on a port of its own, in the background.
    pub(crate) async fn listen(key: Arc<LinkKey>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let announcements = Self { address: listener.local_addr()?, key, expected: Arc::default() };
        drop(tokio::spawn(announcements.clone().accept(listener)));
        Ok(announcements)
    }

    /// The settings of the shim `name`, and where its link will arrive.
    pub(crate) fn expect(&self, name: &str) -> (Vec<(String, String)>, oneshot::Receiver<TcpStream>) {
        let ticket = self.key.issue(TicketClaims {
            namespace: NAMESPACE.to_owned(),
            pod: name.to_owned(),
            pool: POOL.to_owned(),
            expires_epoch_seconds: epoch_seconds() + TICKET_SECONDS,
        });
        let settings = vec![
            ("KUBELAMBDA_TICKET".to_owned(), ticket.to_text()),
            ("KUBELAMBDA_PUBLIC_KEY".to_owned(), self.key.public_key().to_text()),
            ("KUBELAMBDA_ANNOUNCE".to_owned(), self.address.to_string()),
        ];
        let (sender, receiver) = oneshot::channel();
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), sender);
        (settings, receiver)
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().prove(stream))),
                Err(error) => tracing::warn!(%error, "An environment's link could not be accepted"),
            }
        }
    }

    async fn prove(self, mut stream: TcpStream) {
        let handshake = async {
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            let opening = read_opening(&mut stream).await.map_err(|error| error.to_string())?;
            accept_environment(&mut stream, &self.key, Role::Operator, opening, None, epoch_seconds())
                .await
                .map_err(|error| error.to_string())
        };
        match tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), handshake).await {
            Ok(Ok(claims)) => {
                let waiting =
                    self.expected.lock().unwrap_or_else(PoisonError::into_inner).remove(&claims.pod);
                // One that nobody waits for is cut.
                drop(waiting.map(|waiting| waiting.send(stream)));
            }
            Ok(Err(error)) => tracing::warn!(%error, "An announcement is refused"),
            Err(_) => tracing::warn!("An announcement was not finished"),
        }
    }
}

fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
