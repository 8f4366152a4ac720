//! The path and port of AWS's emulator (RIE): one function under the name `function`.
//!
//! A request there is handed on to the Lambda API as it is, for the first function; so both answer alike. Only one of
//! the type `Event`, which that API does not take, is answered here (see [`super::events`]).

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use protocol::lambda_api::headers;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::events::Events;
use super::onward::{Body, hand_on, said};
use super::snapshot::Snapshot;

/// Where the emulator answers, unless something else is there.
pub(crate) const ADDRESS_DEFAULT: &str = "127.0.0.1:8080";
/// The emulator's one path.
pub(crate) const PATH: &str = "/2015-03-31/functions/function/invocations";
/// Connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 1_000;

/// Serves the emulator's path, in front of the API at `api`, for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, api: SocketAddr, served: watch::Receiver<Arc<Snapshot>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let emulator = Emulator { api, served, events: Events::new() };
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "A connection to the emulator's port could not be accepted");
                continue;
            }
        };
        let emulator = emulator.clone();
        drop(tokio::spawn(async move {
            let service = service_fn(|request| emulator.clone().answer(request));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection to the emulator's port broke off");
            }
            drop(permit);
        }));
    }
}

#[derive(Debug, Clone)]
struct Emulator {
    api: SocketAddr,
    served: watch::Receiver<Arc<Snapshot>>,
    events: Events,
}

impl Emulator {
    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        if request.uri().path() != PATH {
            return Ok(said(StatusCode::NOT_FOUND, "404 page not found"));
        }
        let first = self.served.borrow().functions.first().map(|of| of.local.function.aws_name().to_owned());
        let Some(name) = first else { return Ok(said(StatusCode::NOT_FOUND, "no function is served")) };
        let Ok(uri) = format!("/2015-03-31/functions/{name}/invocations").parse::<Uri>() else {
            return Ok(said(StatusCode::NOT_FOUND, "the function's name is no part of a path"));
        };
        // The emulator takes any method.
        (*request.uri_mut(), *request.method_mut()) = (uri, Method::POST);
        if request.headers().get(headers::INVOCATION_TYPE).is_some_and(|kind| kind == "Event") {
            return self.events.take(request, self.api).await;
        }
        hand_on(request, self.api).await
    }
}
