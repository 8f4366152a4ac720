//! Requests that are handed on to the Lambda API, and answers in its words that do without it.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::lambda_api::{ServiceError, headers};
use tokio::net::TcpStream;

pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// The API's own answer.
pub(super) async fn hand_on<B>(request: Request<B>, api: SocketAddr) -> Result<Response<Body>, hyper::Error>
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

/// An answer in plain words.
pub(super) fn said(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::from(text.into()).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// An error as the API says it.
pub(super) fn refused(error: &ServiceError) -> Response<Body> {
    let status = StatusCode::from_u16(error.exception.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = said(status, error.body());
    let set = response.headers_mut();
    set.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set.insert(headers::ERROR_TYPE, HeaderValue::from_static(error.exception.name()));
    response
}
