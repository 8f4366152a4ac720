//! One link with one replica of the operator: demand out, environments in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::link::control::{DEMAND_SECONDS, EnvironmentEntry, FromOperator, ToOperator};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, FrameError, read_frame, write_frame};
use protocol::link::handshake::{HandshakeError, open_as_gateway};
use protocol::link::trust::LinkKey;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::environments::{DemandReceiver, Environment, EnvironmentEvent, EventSender, PodName};
use crate::{limits, sockets};

/// What every link with the operator needs.
#[derive(Debug, Clone)]
pub(super) struct OperatorLink {
    pub(super) key: Arc<LinkKey>,
    pub(super) name: String,
    pub(super) demand: DemandReceiver,
    pub(super) events: EventSender,
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
enum LinkEnd {
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the gateway ends")]
    Over,
}

/// Links with the replica at `address` until the link fails.
pub(super) async fn run(link: OperatorLink, address: SocketAddr) -> SocketAddr {
    let stream = match timeout(limits::OPERATOR_DIAL, link.dial(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "The operator is not linked");
            return address;
        }
        Err(_) => {
            tracing::debug!(%address, error = %LinkEnd::TimedOut, "The operator is not linked");
            return address;
        }
    };
    tracing::info!(%address, "Linked with the operator");
    let (reader, writer) = stream.into_split();
    let end = tokio::select! {
        end = link.read(BufReader::new(reader)) => end,
        end = link.write(writer) => end,
    };
    tracing::info!(%address, end = %end, "Link with the operator has ended");
    address
}

impl OperatorLink {
    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, LinkEnd> {
        let mut stream = TcpStream::connect(address).await?;
        sockets::prepare(&stream)?;
        open_as_gateway(&mut stream, &self.key, &self.name).await?;
        Ok(stream)
    }

    async fn write(&self, mut writer: impl AsyncWrite + Unpin) -> LinkEnd {
        let mut demand = self.demand.clone();
        loop {
            let revisions = demand.borrow_and_update().to_vec();
            let frame = Frame::bare(ToOperator::Demand { revisions });
            if let Err(error) = write_frame(&mut writer, &frame).await {
                return error.into();
            }
            let changed = timeout(Duration::from_secs(DEMAND_SECONDS), demand.changed());
            if let Ok(Err(_)) = changed.await {
                return LinkEnd::Over;
            }
        }
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin) -> LinkEnd {
        loop {
            let message = match read_frame::<FromOperator, _>(&mut reader, FRAME_BYTES_MAX).await {
                Ok(frame) => frame.header,
                Err(error) => return error.into(),
            };
            if let Some(event) = event(message)
                && self.events.send(event).await.is_err()
            {
                return LinkEnd::Over;
            }
        }
    }
}

fn event(message: FromOperator) -> Option<EnvironmentEvent> {
    match message {
        FromOperator::EnvironmentUp(EnvironmentEntry { namespace, pod, address, revision }) => {
            let Ok(address) = address.parse() else {
                tracing::warn!(pod, address, "The operator told of an environment without a valid address");
                return None;
            };
            let pod = PodName { namespace, name: pod };
            Some(EnvironmentEvent::Up(Environment { pod, address, revision }))
        }
        FromOperator::EnvironmentGone { namespace, pod } => {
            Some(EnvironmentEvent::Gone(PodName { namespace, name: pod }))
        }
        FromOperator::Blocked { revision, reason, message } => {
            Some(EnvironmentEvent::Blocked { revision, reason, message })
        }
        FromOperator::Unblocked { revision } => Some(EnvironmentEvent::Unblocked { revision }),
        FromOperator::Unknown => None,
    }
}
