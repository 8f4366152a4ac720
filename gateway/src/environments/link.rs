//! Keeps one environment linked for as long as the provider says that it exists.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::backoff::Backoff;
use protocol::link::assignment::Revision;
use protocol::link::handshake::{self, HandshakeError, Role};
use protocol::link::trust::LinkKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::PodName;
use super::session::{self, SessionEnd};
use crate::fleets::Fleets;
use crate::payload_budget::PayloadBudget;
use crate::traces::Traces;
use crate::{chance, limits, sockets};

/// What every link needs.
#[derive(Debug, Clone)]
pub(crate) struct LinkContext {
    pub(crate) key: Arc<LinkKey>,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) sessions: Arc<std::sync::atomic::AtomicU64>,
    /// The payload bytes of the whole gateway.
    pub(crate) payload: Arc<PayloadBudget>,
    /// Where segment documents go.
    pub(crate) traces: Traces,
    /// The gateway's end.
    pub(crate) ended: CancellationToken,
}

/// Why an environment could not be linked.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

const REDIAL: Backoff = Backoff {
    first: limits::REDIAL_FIRST,
    longest: limits::REDIAL_LONGEST,
    least: Duration::from_millis(10),
};

/// Links with an environment of the revision `known`, again and again, until `gone`.
pub(crate) async fn keep(
    context: LinkContext,
    pod: PodName,
    address: SocketAddr,
    known: Revision,
    gone: CancellationToken,
) {
    let mut failures = 0_u32;
    while !gone.is_cancelled() {
        let dialled = tokio::select! {
            dialled = dial(&context, &pod, address) => dialled,
            () = gone.cancelled() => return,
        };
        match dialled {
            Ok(stream) => {
                let end = session::run(&context, stream, &known, &gone).await;
                let is_useless = matches!(end, SessionEnd::Useless(_) | SessionEnd::Stranger(_));
                failures = if is_useless { failures.saturating_add(1) } else { 1 };
                tracing::info!(pod = pod.name, namespace = pod.namespace, end = %end, "Link has ended");
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::debug!(pod = pod.name, namespace = pod.namespace, %error, "Environment not linked");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(REDIAL.wait(failures, chance::jitter())) => {}
            () = gone.cancelled() => {}
        }
    }
}

async fn dial(context: &LinkContext, pod: &PodName, address: SocketAddr) -> Result<TcpStream, DialError> {
    let dialled = timeout(limits::DIAL, async {
        let mut stream = TcpStream::connect(address).await?;
        sockets::prepare(&stream)?;
        let opening = handshake::read_opening(&mut stream).await?;
        let expected = Some((pod.namespace.as_str(), pod.name.as_str()));
        let (key, now) = (&context.key, chance::epoch_seconds());
        handshake::accept_environment(&mut stream, key, Role::Gateway, opening, expected, now).await?;
        Ok(stream)
    });
    dialled.await.unwrap_or(Err(DialError::TimedOut))
}
