//! Keeps one environment linked for as long as the provider says that it exists.

use std::net::SocketAddr;
use std::time::Duration;

use domain::backoff::Backoff;
use protocol::link::assignment::Revision;
use protocol::link::handshake::{self, HandshakeError, Role};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::PodName;
use super::context::LinkContext;
use super::provider::is_same;
use super::reading;
use super::session::{Session, SessionEnd};
use crate::{chance, limits, sockets};

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
                let end = run(&context, stream, &known, &gone).await;
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

/// Runs one link until it ends, or its environment is `gone` and done. An environment belongs to the revision that its
/// provider tells, whatever it says of itself: its ticket names a pod, and any function's code may read it.
async fn run(
    context: &LinkContext,
    stream: TcpStream,
    known: &Revision,
    gone: &CancellationToken,
) -> SessionEnd {
    let (mut reader, writer) = stream.into_split();
    let first = tokio::select! {
        first = reading::until_assigned(&mut reader) => first,
        () = gone.cancelled() => return SessionEnd::Gone,
    };
    let (revision, said) = match first {
        Ok(first) => first,
        Err(error) => return SessionEnd::Useless(error),
    };
    if !is_same(&revision, known) {
        return SessionEnd::Stranger(Box::new(revision));
    }
    let (orders, mut queue) = mpsc::channel(limits::LINK_QUEUE_FRAMES);
    let session = Session::begin(context, revision, orders, gone.clone());
    session.state(said);
    let end = tokio::select! {
        end = reading::run(&session, reader) => end,
        end = session.write(writer, &mut queue) => end,
        end = session.watch() => end,
        end = session.leave(&context.ended) => end,
    };
    session.end();
    end
}
