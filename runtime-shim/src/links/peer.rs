//! One link: its handshake, its reader and its writer.

use std::io;
use std::time::Duration;

use protocol::link::environment::{FromEnvironment, ToEnvironment};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, FrameError, read_frame, write_frame};
use protocol::link::handshake::{Dialler, HandshakeError, Role, open_as_environment};
use protocol::link::trust::{PublicKey, Ticket};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::diagnostics::say;
use crate::events::{Event, Events, LinkId};

/// How long a handshake may take, in seconds.
const HANDSHAKE_SECONDS_MAX: u64 = 5;
/// How long a peer may take to accept what is written to it, in seconds.
const WRITE_SECONDS_MAX: u64 = 30;
/// How many frames wait to be written. The largest answer is 25 frames, so two of them fit.
const QUEUE_FRAMES_MAX: usize = 64;
/// Frames that wait together are written together, up to about this many bytes.
const WRITE_BYTES: usize = 64 * 1024;
/// What a link keeps between two writes, in bytes: enough for most, so that what a large answer needed goes back.
const KEPT_BYTES_MAX: usize = 4 * 1024;

/// Both sides prove who they are, within [`HANDSHAKE_SECONDS_MAX`].
pub(super) async fn prove(
    mut stream: TcpStream,
    ticket: &Ticket,
    key: &PublicKey,
    dialler: Dialler,
) -> Result<(Role, TcpStream), HandshakeError> {
    let proof = open_as_environment(&mut stream, ticket, key, dialler);
    match tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), proof).await {
        Ok(Ok(role)) => Ok((role, stream)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(FrameError::Io(io::ErrorKind::TimedOut.into()).into()),
    }
}

/// Runs the link until either side ends it.
pub(super) async fn run(link: LinkId, role: Role, stream: TcpStream, events: &Events) {
    let (read, write) = stream.into_split();
    let (frames, queue) = mpsc::channel(QUEUE_FRAMES_MAX);
    if events.send(Event::LinkUp { link, role, frames }).await.is_err() {
        return;
    }
    // The writer ends when the actor cuts the link by dropping its queue.
    let ended = tokio::select! {
        ended = read_all(link, read, events) => ended,
        ended = write_all(write, queue) => ended,
    };
    if let Err(error) = ended
        && !matches!(error, FrameError::Closed)
    {
        say(format_args!("a link is lost: {error}"));
    }
    drop(events.send(Event::LinkDown { link }).await);
}

async fn read_all(link: LinkId, stream: OwnedReadHalf, events: &Events) -> Result<(), FrameError> {
    let mut stream = BufReader::new(stream);
    loop {
        let frame: Frame<ToEnvironment> = read_frame(&mut stream, FRAME_BYTES_MAX).await?;
        if events.send(Event::LinkFrame { link, frame }).await.is_err() {
            return Ok(());
        }
    }
}

async fn write_all(
    mut stream: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Frame<FromEnvironment>>,
) -> Result<(), FrameError> {
    let mut wire = Vec::new();
    while let Some(frame) = queue.recv().await {
        write_frame(&mut wire, &frame).await?;
        while wire.len() < WRITE_BYTES
            && let Ok(frame) = queue.try_recv()
        {
            write_frame(&mut wire, &frame).await?;
        }
        let written = stream.write_all(&wire);
        tokio::time::timeout(Duration::from_secs(WRITE_SECONDS_MAX), written)
            .await
            .map_err(|_| FrameError::Io(io::ErrorKind::TimedOut.into()))??;
        wire.clear();
        wire.shrink_to(KEPT_BYTES_MAX);
    }
    Ok(())
}
