//! The operator's connection with one gateway: demand one way, environments the other.

use std::time::Duration;

use protocol::link::control::{FromOperator, ToOperator};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, read_frame, write_frame};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{GATEWAY_QUEUE_FRAMES_MAX, Links, Message, WRITE_SECONDS_MAX, is_ordinary_end};
use crate::core::{GatewayId, Input};

impl Links {
    /// Serves a proven gateway until either side ends the connection.
    pub(super) async fn serve_gateway(self, stream: TcpStream, name: String) {
        let gateway = GatewayId(self.number());
        let (queue, messages) = mpsc::channel(GATEWAY_QUEUE_FRAMES_MAX);
        let (reader, writer) = stream.into_split();
        tracing::info!(name, "Linked with a gateway");
        self.report(Message::GatewayLinked { gateway, queue }).await;
        tokio::select! {
            () = self.read_demand(reader, gateway) => {}
            () = write_messages(writer, messages) => {}
        }
        tracing::info!(name, "The link with a gateway ended");
        self.report(Message::Observed(Input::GatewayUnlinked(gateway))).await;
    }

    async fn read_demand(&self, mut wire: OwnedReadHalf, gateway: GatewayId) {
        loop {
            match read_frame::<ToOperator, _>(&mut wire, FRAME_BYTES_MAX).await {
                Ok(Frame { header: ToOperator::Demand { revisions }, .. }) => {
                    self.report(Message::Observed(Input::GatewayDemand(gateway, revisions))).await;
                }
                Ok(_) => {}
                Err(error) if is_ordinary_end(&error) => return,
                Err(error) => {
                    tracing::info!(%error, "The link with a gateway failed");
                    return;
                }
            }
        }
    }
}

async fn write_messages(mut wire: OwnedWriteHalf, mut queue: mpsc::Receiver<FromOperator>) {
    let bound = Duration::from_secs(WRITE_SECONDS_MAX);
    while let Some(message) = queue.recv().await {
        if !matches!(timeout(bound, write_frame(&mut wire, &Frame::bare(message))).await, Ok(Ok(()))) {
            return;
        }
    }
}
