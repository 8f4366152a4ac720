//! Accepts connections and serves each with HTTP/1.1, bounded in number, headers and time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use prometheus::IntGauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Exchange, Patience};
use super::held::Held;
use super::router;
use crate::gateway::Gateway;
use crate::{limits, sockets};

/// Serves until `shutdown`, then lets requests in flight finish, within the bound.
pub(crate) async fn serve(
    gateway: Gateway,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = router::router(gateway.clone());
    let room = Arc::new(Semaphore::new(gateway.options().connections_max));
    let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                    tracing::warn!("Too many connections: one more was closed");
                    continue;
                };
                let served = serve_connection(gateway.clone(), router.clone(), stream, shutdown.clone());
                let cut = cut.clone();
                connections.spawn(async move {
                    let _permit = permit;
                    cut.run_until_cancelled(served).await
                });
            }
            Err(error) => {
                tracing::warn!(%error, "No connection could be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(gateway.options().drain, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "Requests took too long at shutdown and were cut");
        cut.cancel();
    }
    Ok(())
}

async fn serve_connection(gateway: Gateway, router: Router, stream: TcpStream, shutdown: CancellationToken) {
    if let Err(error) = sockets::prepare_client(&stream) {
        tracing::debug!(%error, "A connection failed at once");
        return;
    }
    let _open = Open::new(gateway.gauges().connections.clone());
    let exchange = Exchange::default();
    let service = TowerToHyperService::new(router);
    let counted = exchange.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let served = counted.begin();
        let answered = hyper::service::Service::call(&service, request);
        async move {
            let answer = answered.await;
            answer.map(|answer| answer.map(|body| Held::new(body, served)))
        }
    });
    let options = gateway.options();
    let patience = Patience { keep_alive: options.keep_alive, answer_stall: options.answer_stall };
    let io = TokioIo::new(Connection::new(stream, exchange, patience));
    let mut connection = std::pin::pin!(builder().serve_connection(io, service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "A connection failed");
    }
}

/// A connection that counts as open for as long as this lives.
struct Open(IntGauge);

impl Open {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .keep_alive(true)
        .half_close(false)
        .max_headers(limits::HEADERS_MAX)
        .max_header_size(limits::HEADER_BLOCK_BYTES_MAX)
        .header_read_timeout(None);
    builder
}
