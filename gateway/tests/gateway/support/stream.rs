//! A caller of InvokeWithResponseStream, which reads frames as they come.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const FRAME_WAIT: Duration = Duration::from_secs(20);

pub struct Streamed {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    body: Incoming,
    read: BytesMut,
    connection: JoinHandle<hyper::Result<()>>,
}

#[derive(Debug, PartialEq)]
pub enum Event {
    Payload(Bytes),
    Complete(Value),
    /// The body ended without an end of the stream.
    BrokeOff,
}

pub async fn invoke(api: SocketAddr, function: &str, headers: &[(&str, &str)], event: &Value) -> Streamed {
    let path = format!("/2021-11-15/functions/{function}/response-streaming-invocations");
    let mut request = Request::post(path).header("host", "lambda.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let stream = TcpStream::connect(api).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let response =
        sender.send_request(request.body(Full::new(Bytes::from(event.to_string()))).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Streamed { status: head.status.as_u16(), headers: head.headers, body, read: BytesMut::new(), connection }
}

impl Streamed {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The next frame.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.take() {
                return event;
            }
            let came = timeout(FRAME_WAIT, self.body.frame()).await.unwrap();
            match came {
                Some(Ok(frame)) => self.read.extend_from_slice(frame.data_ref().unwrap()),
                None | Some(Err(_)) => return Event::BrokeOff,
            }
        }
    }

    fn take(&mut self) -> Option<Event> {
        let mut prelude = self.read.get(..8)?;
        let (total, headers) = (prelude.get_u32() as usize, prelude.get_u32() as usize);
        if self.read.len() < total {
            return None;
        }
        let frame = self.read.split_to(total).freeze();
        let payload = frame.slice(12 + headers..total - 4);
        let names = String::from_utf8_lossy(&frame[12..12 + headers]).into_owned();
        Some(match names {
            names if names.contains("PayloadChunk") => Event::Payload(payload),
            names if names.contains("InvokeComplete") => {
                Event::Complete(serde_json::from_slice(&payload).unwrap())
            }
            names => panic!("an unknown event: {names}"),
        })
    }

    /// Everything up to the end: the payload's length and its first bytes, and what the end tells.
    pub async fn rest(&mut self) -> (usize, Bytes, Value) {
        let (mut length, mut first) = (0, BytesMut::new());
        loop {
            match self.next().await {
                Event::Payload(part) => {
                    length += part.len();
                    let wanted = 64_usize.saturating_sub(first.len());
                    first.extend_from_slice(&part[..wanted.min(part.len())]);
                }
                Event::Complete(complete) => return (length, first.freeze(), complete),
                Event::BrokeOff => panic!("the stream broke off after {length} bytes"),
            }
        }
    }

    /// Closes the connection.
    pub fn leave(self) {
        self.connection.abort();
    }
}
