//! `/metrics`, `/healthz` and `/readyz`, on a port of their own: metrics name every tenant's functions.
//!
//! They are served before there is a gateway: while it waits for its link key the process is alive, not ready.

use std::io;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::TextEncoder;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Gateway;

/// A gateway, once there is one.
pub type ComingGateway = Arc<OnceLock<Gateway>>;

/// Serves until `shutdown`.
pub async fn serve(
    gateway: ComingGateway,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(gateway);
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn metrics(State(gateway): State<ComingGateway>) -> Response {
    let metrics = gateway.get().map(Gateway::gather).unwrap_or_default();
    match TextEncoder::new().encode_to_string(&metrics) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "Metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(gateway): State<ComingGateway>) -> Response {
    if gateway.get().is_some_and(Gateway::is_ready) {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: no link key or catalog yet, or shutting down\n")
            .into_response()
    }
}
