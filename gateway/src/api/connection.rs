//! A client's connection with its time-outs: idle, in a header block, and with an answer that nobody reads.
//!
//! Hyper's own header time-out also ends idle connections, and an idle connection must be kept longer than a
//! header block may take: a pooled client would otherwise send its next request into a closing connection. So
//! the time-outs are here, where the difference is known: [`Exchange`] counts the requests being served.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::limits;

/// How many requests of a connection are being served: none, or one.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange(Arc<Serving>);

#[derive(Debug, Default)]
struct Serving {
    requests: AtomicUsize,
    /// The connection's task, which is to notice when it turns idle: its last read may lie before that.
    connection: AtomicWaker,
}

impl Exchange {
    /// A request is being served for as long as the result lives.
    pub(super) fn begin(&self) -> Served {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        Served(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.requests.load(Ordering::Acquire) == 0
    }

    /// Whether none is served; the task is woken when that changes.
    fn turns_idle(&self, context: &Context<'_>) -> bool {
        self.0.connection.register(context.waker());
        self.is_idle()
    }
}

/// A request that is being served.
#[derive(Debug)]
pub(super) struct Served(Exchange);

impl Drop for Served {
    fn drop(&mut self) {
        let serving = &self.0.0;
        serving.requests.fetch_sub(1, Ordering::AcqRel);
        serving.connection.wake();
    }
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two requests.
    pub(super) keep_alive: Duration,
    /// To read what is written.
    pub(super) answer_stall: Duration,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Nothing that is bounded here.
    Nothing,
    /// The first byte of a request.
    Request,
    /// The rest of a header block.
    Headers,
}

/// A connection that fails with `TimedOut` when its client takes too long.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    exchange: Exchange,
    waiting: Waiting,
    reading: Pin<Box<Sleep>>,
    patience: Patience,
    writing: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, exchange: Exchange, patience: Patience) -> Self {
        // A client that connects has something to say.
        let reading = Box::pin(sleep(limits::HEADER_READ));
        Self { stream, exchange, waiting: Waiting::Headers, reading, patience, writing: None }
    }

    fn wait_for(&mut self, waiting: Waiting, at_most: Duration) {
        self.waiting = waiting;
        self.reading.as_mut().reset(Instant::now() + at_most);
    }

    /// Nothing came: is it too late?
    fn check_reading(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match (self.exchange.turns_idle(context), self.waiting) {
            (false, _) => self.waiting = Waiting::Nothing,
            (true, Waiting::Nothing) => self.wait_for(Waiting::Request, self.patience.keep_alive),
            (true, _) => {}
        }
        if self.waiting == Waiting::Nothing {
            return Poll::Pending;
        }
        ready!(self.reading.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Bounds how long one write may not move on.
    fn check_writing<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let stalled = self.writing.get_or_insert_with(|| Box::pin(sleep(self.patience.answer_stall)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => this.check_reading(context),
            Poll::Ready(read) => {
                let came = buffer.filled().len() > before;
                if came && this.exchange.is_idle() && this.waiting != Waiting::Headers {
                    this.wait_for(Waiting::Headers, limits::HEADER_READ);
                } else if !this.exchange.is_idle() {
                    this.waiting = Waiting::Nothing;
                }
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.check_writing(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.check_writing(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.check_writing(context, written)
    }
}
