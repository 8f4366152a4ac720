//! The Runtime API's server: HTTP/1.1 on loopback.
//!
//! It knows connections and bodies, and nothing of the environment's state: each call is told to the actor,
//! which says whether it may be.

mod answers;
mod body;
mod extensions;
mod handler;
mod stream;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

use crate::diagnostics::say;
use crate::events::Events;
use crate::far_end::Socket;
use crate::metadata::Metadata;

/// Connections of a function at once.
const CONNECTIONS_MAX: usize = 128;
/// Largest head of a request, in bytes: an X-Ray cause of 1 MiB travels in a header.
const HEAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Pause after a failed accept, in milliseconds.
const ACCEPT_PAUSE_MILLIS: u64 = 10;

/// The connections that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    closed: Notify,
}

impl Connections {
    /// None is open: everything that ended processes had sent has been read.
    pub(crate) fn none_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire) == 0
    }

    /// Returns when a connection has closed.
    pub(crate) async fn closed(&self) {
        self.0.closed.notified().await;
    }

    fn open(&self) -> Open {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        Open(self.clone())
    }
}

/// One open connection.
struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.0.closed.notify_one();
    }
}

/// Serves the API in the background.
pub(crate) fn serve(listener: TcpListener, events: Events, metadata: Metadata) -> Connections {
    let connections = Connections::default();
    drop(tokio::spawn(accept(listener, events, metadata, connections.clone())));
    connections
}

async fn accept(listener: TcpListener, events: Events, metadata: Metadata, connections: Connections) {
    let (room, server) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), server());
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (events, metadata, open) = (events.clone(), metadata.clone(), connections.open());
                let server = server.clone();
                drop(tokio::spawn(async move {
                    connection(server, stream, events, metadata).await;
                    drop((open, permit));
                }));
            }
            Err(error) => {
                say(format_args!("a connection to the Runtime API could not be accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
            }
        }
    }
}

/// What every connection is served with.
///
/// None is closed for being idle, as on AWS: a handler may run for longer than any such bound between `next` and its
/// answer, a frozen process for ever, and a client that keeps its connection would lose what it sends next. How many
/// there are is bounded, and how long a head is.
fn server() -> http1::Builder {
    let mut server = http1::Builder::new();
    server
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        // Trailers too: an error with its stack is longer than the default of 16 KiB.
        .max_header_size(HEAD_BYTES_MAX)
        // A runtime that posts its answer and exits at once has still posted it.
        .half_close(true);
    server
}

async fn connection(server: http1::Builder, stream: TcpStream, events: Events, metadata: Metadata) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(socket) = Socket::of(&stream) else { return };
    let service = service_fn(move |request| {
        handler::handle(request, events.clone(), metadata.clone(), socket.far_end())
    });
    // A connection that fails is the runtime's to tell of.
    drop(server.serve_connection(TokioIo::new(stream), service).await);
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Instant;

    use hyper::rt::{Sleep, Timer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A clock by which every time is over at once.
    #[derive(Debug)]
    struct Over;

    impl Future for Over {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    impl Sleep for Over {}

    impl Timer for Over {
        fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
            Box::pin(Self)
        }

        fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
            Box::pin(Self)
        }
    }

    #[tokio::test]
    async fn a_connection_stays_open_however_long_it_is_idle() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = server();
        server.timer(Over);
        let (events, _queue) = crate::events::queue();
        drop(tokio::spawn(connection(server, stream, events, Metadata::new(None))));
        for _ in 0..2 {
            client.write_all(b"GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\npong") {
                assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0, "it was closed");
            }
        }
    }
}
