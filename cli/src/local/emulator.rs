//! The path and port of AWS's emulator (RIE): one function under the name `function`.
//!
//! A request there is handed on to the Lambda API as it is, for the first function; so both answer alike. Only one of
//! the type `Event`, which that API does not take, is answered here: with 202, and then it is run, once. Like all
//! that runs it ends with the program.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::limits::REQUEST_PAYLOAD_BYTES_MAX;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::TRANSFER_ENCODING;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::snapshot::Snapshot;

/// Where the emulator answers, unless something else is there.
pub(crate) const ADDRESS_DEFAULT: &str = "127.0.0.1:8080";
/// The emulator's one path.
pub(crate) const PATH: &str = "/2015-03-31/functions/function/invocations";
/// Connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 1_000;
/// Events at once that were answered and still run; further ones are refused.
const EVENTS_MAX: usize = 1_000;
/// Says how a function is invoked.
const INVOCATION_TYPE: &str = "x-amz-invocation-type";

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves the emulator's path, in front of the API at `api`, for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, api: SocketAddr, served: watch::Receiver<Arc<Snapshot>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let emulator = Emulator { api, served, events: Arc::new(Semaphore::new(EVENTS_MAX)) };
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
    events: Arc<Semaphore>,
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
        if request.headers().get(INVOCATION_TYPE).is_some_and(|kind| kind == "Event") {
            return Ok(self.take_event(request).await);
        }
        hand_on(request, self.api).await
    }

    /// Runs it after the answer.
    async fn take_event(self, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, REQUEST_PAYLOAD_BYTES_MAX).collect().await else {
            return said(StatusCode::PAYLOAD_TOO_LARGE, "the event broke off, or is too large");
        };
        let Ok(permit) = self.events.try_acquire_owned() else {
            return said(StatusCode::TOO_MANY_REQUESTS, "too many events still run");
        };
        head.headers.remove(INVOCATION_TYPE);
        // It is whole now, however it came.
        head.headers.remove(TRANSFER_ENCODING);
        let request = Request::from_parts(head, Full::from(body.to_bytes()));
        drop(tokio::spawn(async move {
            match hand_on(request, self.api).await {
                // What a function answers, or how it failed, is in its log.
                Ok(answer) if answer.status() == StatusCode::OK => {}
                Ok(answer) => tracing::warn!(status = %answer.status(), "An event was not run"),
                Err(error) => tracing::warn!(%error, "An event was not run"),
            }
            drop(permit);
        }));
        said(StatusCode::ACCEPTED, "")
    }
}

/// The API's own answer.
async fn hand_on<B>(request: Request<B>, api: SocketAddr) -> Result<Response<Body>, hyper::Error>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Ok(stream) = TcpStream::connect(api).await else {
        return Ok(said(StatusCode::BAD_GATEWAY, "the Lambda API does not answer"));
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    drop(tokio::spawn(connection));
    sender.send_request(request).await.map(|response| response.map(BodyExt::boxed))
}

fn said(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::from(text).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
