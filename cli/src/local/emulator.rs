//! The path and port of AWS's emulator (RIE): one function under the name `function`.
//!
//! A request there is handed on to the Lambda API as it is, for the first function; so both answer alike.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves the emulator's path, in front of the API at `api`, for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, api: SocketAddr, served: watch::Receiver<Arc<Snapshot>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "A connection to the emulator's port could not be accepted");
                continue;
            }
        };
        let served = served.clone();
        drop(tokio::spawn(async move {
            let service = service_fn(|request| hand_on(request, api, served.clone()));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection to the emulator's port broke off");
            }
            drop(permit);
        }));
    }
}

async fn hand_on(
    mut request: Request<Incoming>,
    api: SocketAddr,
    served: watch::Receiver<Arc<Snapshot>>,
) -> Result<Response<Body>, hyper::Error> {
    if request.uri().path() != PATH {
        return Ok(said(StatusCode::NOT_FOUND, "404 page not found"));
    }
    let first = served.borrow().functions.first().map(|of| of.local.function.aws_name().to_owned());
    let Some(name) = first else { return Ok(said(StatusCode::NOT_FOUND, "no function is served")) };
    let Ok(uri) = format!("/2015-03-31/functions/{name}/invocations").parse::<Uri>() else {
        return Ok(said(StatusCode::NOT_FOUND, "the function's name is no part of a path"));
    };
    // The emulator takes any method.
    (*request.uri_mut(), *request.method_mut()) = (uri, Method::POST);
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
