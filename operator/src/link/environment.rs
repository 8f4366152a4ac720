//! The operator's connection with one environment, whoever dialled.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::link::ENVIRONMENT_PORT;
use protocol::link::environment::{FromEnvironment, ToEnvironment};
use protocol::link::frame::{Frame, read_frame, write_frame};
use protocol::link::handshake::{HandshakeError, Opening, Role, accept_environment, read_opening};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::sockets::prepare;
use super::{
    ENVIRONMENT_QUEUE_FRAMES_MAX, HANDSHAKE_SECONDS_MAX, Links, Message, STATE_FRAME_BYTES_MAX,
    WRITE_SECONDS_MAX, is_ordinary_end,
};
use crate::core::{Input, LinkId, PodKey};

/// How long a connection may take to be made, in seconds.
const CONNECT_SECONDS_MAX: u64 = 3;

/// Why an environment could not be dialled.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nothing answers at the address.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The other side is not the environment that is meant.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A bound passed.
    #[error("no answer in time")]
    TimedOut,
}

impl Links {
    /// Dials an environment; reports a failure.
    pub async fn dial(self, pod: PodKey, address: SocketAddr) {
        if let Err(error) = self.dialled(&pod, address).await {
            tracing::debug!(%error, pod = pod.name, %address, "Cannot dial an environment");
            self.report(Message::Observed(Input::DialFailed(pod))).await;
        }
    }

    async fn dialled(&self, pod: &PodKey, address: SocketAddr) -> Result<(), DialError> {
        let connect = Duration::from_secs(CONNECT_SECONDS_MAX);
        let mut stream =
            timeout(connect, TcpStream::connect(address)).await.map_err(|_| DialError::TimedOut)??;
        prepare(&stream)?;
        let prove = async {
            let opening = read_opening(&mut stream).await?;
            self.prove(&mut stream, opening, Some((&pod.namespace, &pod.name))).await
        };
        let bound = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
        let pod = timeout(bound, prove).await.map_err(|_| DialError::TimedOut)??;
        tokio::spawn(self.clone().serve_environment(stream, pod, address));
        Ok(())
    }

    async fn prove(
        &self,
        stream: &mut TcpStream,
        opening: Opening,
        expected: Option<(&str, &str)>,
    ) -> Result<PodKey, HandshakeError> {
        let now = self.clock.now().epoch_seconds;
        let claims = accept_environment(stream, &self.key, Role::Operator, opening, expected, now).await?;
        Ok(PodKey { namespace: claims.namespace, name: claims.pod })
    }

    /// An environment that announced itself: its address is where it called from.
    pub(super) async fn announced(
        &self,
        stream: &mut TcpStream,
        opening: Opening,
    ) -> Result<(PodKey, SocketAddr), HandshakeError> {
        let pod = self.prove(stream, opening, None).await?;
        let peer = stream.peer_addr().map_err(protocol::link::frame::FrameError::from)?;
        Ok((pod, SocketAddr::new(peer.ip().to_canonical(), ENVIRONMENT_PORT)))
    }

    /// Serves a proven environment until either side ends the connection.
    pub(super) async fn serve_environment(self, stream: TcpStream, pod: PodKey, address: SocketAddr) {
        let link = LinkId(self.number());
        let (queue, frames) = mpsc::channel(ENVIRONMENT_QUEUE_FRAMES_MAX);
        let (reader, writer) = stream.into_split();
        tracing::info!(pod = pod.name, namespace = pod.namespace, %address, "Linked with an environment");
        self.report(Message::EnvironmentLinked { pod: pod.clone(), link, address, queue }).await;
        tokio::select! {
            () = self.read_states(reader, link) => {}
            () = write_frames(writer, frames) => {}
        }
        tracing::debug!(pod = pod.name, "The link with an environment ended");
        self.report(Message::Observed(Input::EnvironmentUnlinked(link))).await;
    }

    async fn read_states(&self, mut wire: OwnedReadHalf, link: LinkId) {
        loop {
            match read_frame::<FromEnvironment, _>(&mut wire, STATE_FRAME_BYTES_MAX).await {
                Ok(Frame { header: FromEnvironment::State(state), .. }) => {
                    self.report(Message::Observed(Input::EnvironmentState(link, state))).await;
                }
                Ok(_) => {}
                Err(error) if is_ordinary_end(&error) => return,
                Err(error) => {
                    tracing::info!(%error, "The link with an environment failed");
                    return;
                }
            }
        }
    }
}

async fn write_frames(mut wire: OwnedWriteHalf, mut queue: mpsc::Receiver<Frame<ToEnvironment>>) {
    let bound = Duration::from_secs(WRITE_SECONDS_MAX);
    while let Some(frame) = queue.recv().await {
        if !matches!(timeout(bound, write_frame(&mut wire, &frame)).await, Ok(Ok(()))) {
            return;
        }
    }
}
