//! One subscriber's task: collects events into batches and delivers them, to a port of the sandbox.
//!
//! A batch is kept until somebody takes it: a receiver that is stopped between invocations, or that is being
//! started again after a reset, gets it afterwards. A receiver that answers has taken it, whatever it answers. One
//! that is not there is tried again and again, with pauses that double up to a bound.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use protocol::telemetry::{Destination, Subscription};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::subscriber::Shared;
use crate::clock::{self, Instant};
use crate::diagnostics::say;

/// First and longest pause before a receiver that does not answer is tried again, in milliseconds.
const RETRY_MILLIS_MIN: u64 = 50;
const RETRY_MILLIS_MAX: u64 = 1_000;
/// Events that one batch may have beyond its bytes: separators.
const SEPARATOR_BYTES: usize = 1;

/// What a subscriber's task is told.
#[derive(Debug)]
pub(super) enum Item {
    /// An event.
    Event(Bytes),
    /// Send what there is.
    Flush,
}

/// Runs until the environment ends.
pub(super) async fn run(subscription: Subscription, mut queue: mpsc::Receiver<Item>, shared: Arc<Shared>) {
    let mut batches = Batches { subscription, events: VecDeque::new(), bytes: 0, due: None };
    let mut receiver = Receiver::default();
    let mut ids = BatchIds::new();
    loop {
        tokio::select! {
            biased;
            item = queue.recv() => match item {
                Some(item) => batches.take(item),
                None => return,
            },
            () = due(batches.due) => batches.due = Some(clock::now()),
        }
        while batches.is_due() {
            let (batch, count) = batches.next();
            let id = ids.next();
            let mut pause = RETRY_MILLIS_MIN;
            while receiver.deliver(&batches.subscription.destination, &batch, &id).await.is_err() {
                receiver = Receiver::default();
                if queue.is_closed() {
                    return;
                }
                tokio::select! {
                    () = shared.wake.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(pause)) => {}
                }
                pause = (pause * 2).min(RETRY_MILLIS_MAX);
            }
            shared.waiting_bytes.fetch_sub(batches.delivered(count), Ordering::Relaxed);
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Events that wait, oldest first.
struct Batches {
    subscription: Subscription,
    events: VecDeque<Bytes>,
    bytes: usize,
    due: Option<Instant>,
}

impl Batches {
    fn take(&mut self, item: Item) {
        match item {
            Item::Event(event) => {
                if self.events.is_empty() {
                    let timeout = Duration::from_millis(self.subscription.buffering.timeout_millis);
                    self.due = Some(clock::now() + timeout);
                }
                self.bytes += event.len();
                self.events.push_back(event);
            }
            Item::Flush if self.events.is_empty() => {}
            Item::Flush => self.due = Some(clock::now()),
        }
    }

    fn is_due(&self) -> bool {
        let buffering = self.subscription.buffering;
        let full = self.events.len() >= buffering.max_items || self.bytes >= buffering.max_bytes;
        !self.events.is_empty() && (full || self.due.is_some_and(|due| due <= clock::now()))
    }

    /// The next batch as it is sent, and how many events are in it; they stay until they are delivered.
    fn next(&self) -> (Bytes, usize) {
        let buffering = self.subscription.buffering;
        let lines = matches!(self.subscription.destination, Destination::Tcp { .. });
        let mut batch = BytesMut::new();
        let mut count = 0;
        for event in self.events.iter().take(buffering.max_items) {
            if count > 0 && batch.len() + event.len() + SEPARATOR_BYTES > buffering.max_bytes {
                break;
            }
            match (lines, count) {
                (false, 0) => batch.put_u8(b'['),
                (false, _) => batch.put_u8(b','),
                (true, _) => {}
            }
            batch.extend_from_slice(event);
            if lines {
                batch.put_u8(b'\n');
            }
            count += 1;
        }
        if !lines {
            batch.put_u8(b']');
        }
        (batch.freeze(), count)
    }

    /// Forgets the first `count` events; returns their bytes.
    fn delivered(&mut self, count: usize) -> usize {
        let bytes = self.events.drain(..count.min(self.events.len())).map(|event| event.len()).sum();
        self.bytes -= bytes;
        if self.events.is_empty() {
            self.due = None;
            self.events.shrink_to(0);
        }
        bytes
    }
}

/// Names of batches: opaque, 32 bytes in base64 as the service writes them. A batch keeps its name when it is sent
/// again, so that a receiver can tell.
struct BatchIds([u8; 32]);

impl BatchIds {
    fn new() -> Self {
        let mut bytes = [0; 32];
        if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
            say(format_args!("the kernel gives no random bytes"));
        }
        Self(bytes)
    }

    fn next(&mut self) -> String {
        for byte in &mut self.0 {
            let carry;
            (*byte, carry) = byte.overflowing_add(1);
            if !carry {
                break;
            }
        }
        STANDARD_NO_PAD.encode(self.0)
    }
}

/// The connection to the receiver, if there is one.
#[derive(Default)]
struct Receiver {
    http: Option<SendRequest<Full<Bytes>>>,
    tcp: Option<TcpStream>,
}

impl Receiver {
    async fn deliver(&mut self, to: &Destination, batch: &Bytes, id: &str) -> io::Result<()> {
        match to {
            Destination::Http { port, path, put } => {
                let request = request(*port, path, *put, batch, id)?;
                self.post(*port, request).await.map_err(io::Error::other)
            }
            Destination::Tcp { port } => self.write(*port, batch).await,
        }
    }

    async fn post(&mut self, port: u16, request: Request<Full<Bytes>>) -> io::Result<()> {
        let mut sender = match self.http.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => connect(port).await?,
        };
        sender.ready().await.map_err(io::Error::other)?;
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let mut body = answer.into_body();
        // What it says is of no interest, but has to be read before the next request.
        while let Some(frame) = body.frame().await {
            drop(frame.map_err(io::Error::other)?);
        }
        self.http = Some(sender);
        Ok(())
    }

    async fn write(&mut self, port: u16, batch: &Bytes) -> io::Result<()> {
        let mut stream = match self.tcp.take() {
            Some(stream) => stream,
            None => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?,
        };
        stream.write_all(batch).await?;
        self.tcp = Some(stream);
        Ok(())
    }
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

#[cfg(test)]
mod tests;
