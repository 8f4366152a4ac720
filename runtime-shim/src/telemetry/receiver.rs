//! The connection to one subscriber's receiver, and how a batch gets over it.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use protocol::telemetry::Destination;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What is read at once of what a receiver says over TCP, in bytes, and how often.
const SCRAP_BYTES: usize = 256;
const SCRAPS_MAX: usize = 64;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Taken,
    /// The receiver is there, and has not taken it.
    Refused,
    /// The receiver let itself be connected to, and the connection broke off.
    BrokenOff,
    /// Nobody is there, or not any more.
    Unreachable,
}

/// The connection to the receiver, if there is one.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    http: Option<SendRequest<Full<Bytes>>>,
    tcp: Option<TcpStream>,
}

impl Receiver {
    /// Returns once the receiver has taken the batch, or has not.
    pub(super) async fn deliver(&mut self, to: &Destination, batch: &Bytes, id: &str) -> Outcome {
        match to {
            Destination::Http { port, path, put } => match request(*port, path, *put, batch, id) {
                Ok(request) => self.post(*port, request).await,
                Err(_) => Outcome::Refused,
            },
            Destination::Tcp { port } => self.write(*port, batch).await,
        }
    }

    async fn post(&mut self, port: u16, request: Request<Full<Bytes>>) -> Outcome {
        let known = self.http.take().filter(|sender| !sender.is_closed());
        let broken = Outcome::of_break(known.is_some());
        let sender = match known {
            Some(sender) => Ok(sender),
            None => connect(port).await,
        };
        let Ok(mut sender) = sender else { return Outcome::Unreachable };
        let Ok(taken) = exchange(&mut sender, request).await else { return broken };
        self.http = Some(sender);
        if taken { Outcome::Taken } else { Outcome::Refused }
    }

    async fn write(&mut self, port: u16, batch: &Bytes) -> Outcome {
        let known = self.tcp.take().filter(is_open);
        let broken = Outcome::of_break(known.is_some());
        let stream = match known {
            Some(stream) => Ok(stream),
            None => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await,
        };
        let Ok(mut stream) = stream else { return Outcome::Unreachable };
        if stream.write_all(batch).await.is_err() {
            return broken;
        }
        self.tcp = Some(stream);
        Outcome::Taken
    }
}

impl Outcome {
    /// A connection broke off: one that had been there before may just have been too old.
    fn of_break(was_there: bool) -> Self {
        if was_there { Self::Unreachable } else { Self::BrokenOff }
    }
}

/// True if the answer says that the batch was taken.
async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<bool> {
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let mut body = answer.into_body();
    // What it says is of no interest, but has to be read before the next request.
    while let Some(frame) = body.frame().await {
        drop(frame?);
    }
    Ok(!status.is_client_error() && !status.is_server_error())
}

/// The receiver is still there. What is written for one that is gone is taken by the kernel all the same, and lost
/// without an error.
fn is_open(stream: &TcpStream) -> bool {
    let mut scrap = [0; SCRAP_BYTES];
    for _ in 0..SCRAPS_MAX {
        match recv(stream, &mut scrap, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return false,
            // What it says is of no interest, but its end is behind it.
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return error == Errno::AGAIN,
        }
    }
    true
}

async fn connect(port: u16) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with its sender, or with its peer.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}

fn request(port: u16, path: &str, put: bool, batch: &Bytes, id: &str) -> io::Result<Request<Full<Bytes>>> {
    Request::builder()
        .method(if put { Method::PUT } else { Method::POST })
        .uri(path)
        .header(HOST, format!("sandbox.localdomain:{port}"))
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "awslambda-worker/1.0")
        .header("sequence-id", id)
        .body(Full::new(batch.clone()))
        .map_err(io::Error::other)
}
