//! A client of the gateway: one connection, as many requests as one likes.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub struct Client(SendRequest<Full<Bytes>>);

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub async fn read(response: Response<hyper::body::Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.0.ready().await.unwrap();
        Answer::read(self.0.send_request(request).await.unwrap()).await
    }

    pub async fn invoke(&mut self, function: &str, body: impl Into<Bytes>) -> Answer {
        self.send(request(function, &[], body)).await
    }
}

pub fn request(function: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut builder = Request::post(format!("/2015-03-31/functions/{function}/invocations"));
    builder = builder.header("host", "lambda.test");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(body.into())).unwrap()
}

/// One invoke on a connection of its own.
pub async fn invoke(address: SocketAddr, function: &str, body: impl Into<Bytes>) -> Answer {
    Client::connect(address).await.invoke(function, body).await
}

/// One invoke with headers, on a connection of its own.
pub async fn invoke_with(address: SocketAddr, function: &str, headers: &[(&str, &str)]) -> Answer {
    Client::connect(address).await.send(request(function, headers, "{}")).await
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = Request::get(path).header("host", "lambda.test").body(Full::default()).unwrap();
    Client::connect(address).await.send(request).await
}
