//! Connections with environments and gateways: from bytes to observations, and back.
//!
//! A connection is two tasks, one that only reads and one that only writes what is in its queue. The queue's
//! end closes the connection: whoever drops its sender hangs up.
//!
//! Architecture invariant: nothing here decides anything. Whether a proven environment is one that the
//! operator expects, is the core's question.

pub mod environment;
pub mod gateway;
pub mod listener;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::link::control::FromOperator;
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::{Frame, FrameError};
use protocol::link::trust::LinkKey;
use tokio::sync::mpsc;

use crate::core::{GatewayId, Input, LinkId, PodKey};
use crate::moment::Clock;

/// How long a peer may take to prove itself, in seconds.
pub const HANDSHAKE_SECONDS_MAX: u64 = 5;
/// How long one frame may take to be written, in seconds: a peer that reads nothing is hung up on.
pub const WRITE_SECONDS_MAX: u64 = 15;
/// Frames that wait to be written to one environment: an assignment and a drain, with room.
pub const ENVIRONMENT_QUEUE_FRAMES_MAX: usize = 16;
/// Frames that wait to be written to one gateway: one for each environment when it links, with room.
pub const GATEWAY_QUEUE_FRAMES_MAX: usize = 32_768;
/// Largest frame from an environment, in bytes: its state, with the message of a failed init phase.
pub const STATE_FRAME_BYTES_MAX: usize = 1024 * 1024;

/// What connections and the rest of the program tell the task that decides.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are observations, which are moved, not copied")]
pub enum Message {
    /// An observation.
    Observed(Input),
    /// An environment proved itself; its queue comes with it.
    EnvironmentLinked {
        /// Which.
        pod: PodKey,
        /// Over which connection.
        link: LinkId,
        /// Where it is dialled.
        address: SocketAddr,
        /// What is to be written.
        queue: mpsc::Sender<Frame<ToEnvironment>>,
    },
    /// A gateway proved itself; its queue comes with it.
    GatewayLinked {
        /// Which.
        gateway: GatewayId,
        /// What is to be written.
        queue: mpsc::Sender<FromOperator>,
    },
}

/// What every connection needs.
#[derive(Debug, Clone)]
pub struct Links {
    /// The installation's key.
    pub key: Arc<LinkKey>,
    /// Where observations go.
    pub messages: mpsc::Sender<Message>,
    /// The program's clock.
    pub clock: Clock,
    numbers: Arc<AtomicU64>,
}

impl Links {
    /// Connections that report to `messages`.
    pub fn new(key: Arc<LinkKey>, messages: mpsc::Sender<Message>, clock: Clock) -> Self {
        Self { key, messages, clock, numbers: Arc::new(AtomicU64::new(0)) }
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Reports; after the end of the program there is nobody to report to.
    async fn report(&self, message: Message) {
        if self.messages.send(message).await.is_err() {
            tracing::debug!("Nobody takes observations any more");
        }
    }
}

fn is_ordinary_end(error: &FrameError) -> bool {
    matches!(error, FrameError::Closed)
}
