//! A collector: it takes OTLP over HTTP, decodes it with OpenTelemetry's own types, and answers as it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway::traces::{Collector, Target};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// What it answers to one request.
#[derive(Debug, Clone, Copy)]
pub enum Say {
    /// A status, and how long to wait.
    Status(u16, Option<&'static str>),
    /// It took all but so many.
    Rejected(i64),
    /// Nothing, for ever.
    Nothing,
}

#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Vec<Say>>,
    came: Mutex<Vec<Instant>>,
    requests: Mutex<Vec<(String, HeaderMap, ExportTraceServiceRequest)>>,
}

#[derive(Debug, Clone)]
pub struct Receiver {
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

/// A span, and whose it is.
#[derive(Debug, Clone)]
pub struct Received {
    pub resource: BTreeMap<String, String>,
    pub scope: String,
    pub span: Span,
    pub attributes: BTreeMap<String, String>,
}

impl Received {
    pub fn id(&self) -> String {
        domain::hex::encode(&self.span.span_id)
    }

    pub fn parent(&self) -> String {
        domain::hex::encode(&self.span.parent_span_id)
    }

    pub fn trace(&self) -> String {
        domain::hex::encode(&self.span.trace_id)
    }

    /// The end of the resource's origin, or the scope.
    pub fn origin(&self) -> &str {
        self.attributes.get("aws.xray.origin").map_or("", String::as_str)
    }
}

impl Receiver {
    /// Answers `said` one after the other, then always 200.
    pub async fn start(said: &[Say]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let said = said.iter().rev().copied().collect();
        let shared = Arc::new(Shared { said: Mutex::new(said), ..Shared::default() });
        let served = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&served);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, shared }
    }

    /// What a gateway is given to export to it.
    pub fn collector(&self) -> Collector {
        let uri = format!("http://{}/v1/traces", self.address).parse().unwrap();
        let headers = HeaderMap::from_iter([("x-key".parse().unwrap(), "secret".parse().unwrap())]);
        Collector::new(Target { uri, headers, certificates: Vec::new() }).unwrap()
    }

    /// How long it was from each request to the next, those that were not taken too.
    pub fn pauses(&self) -> Vec<Duration> {
        let came = self.shared.came.lock().unwrap();
        came.windows(2).map(|two| two[1] - two[0]).collect()
    }

    /// Paths and headers of the requests that were taken.
    pub fn requests(&self) -> Vec<(String, HeaderMap)> {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().map(|(path, headers, _)| (path.clone(), headers.clone())).collect()
    }

    /// Every span that came.
    pub fn spans(&self) -> Vec<Received> {
        let requests = self.shared.requests.lock().unwrap();
        let mut all = Vec::new();
        for of in requests.iter().flat_map(|(_, _, request)| &request.resource_spans) {
            let resource = plain(&of.resource.as_ref().unwrap().attributes);
            for scoped in &of.scope_spans {
                let scope = scoped.scope.as_ref().unwrap().name.clone();
                all.extend(scoped.spans.iter().map(|span| Received {
                    resource: resource.clone(),
                    scope: scope.clone(),
                    attributes: plain(&span.attributes),
                    span: span.clone(),
                }));
            }
        }
        all
    }

    /// Waits until so many spans came, and returns all of them.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        for _ in 0..1_000 {
            let spans = self.spans();
            if spans.len() >= count {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} spans: {:#?}", self.spans().len(), self.spans());
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    shared.came.lock().unwrap().push(Instant::now());
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let said = shared.said.lock().unwrap().pop();
    let mut response = Response::new(Full::default());
    match said {
        Some(Say::Nothing) => std::future::pending().await,
        Some(Say::Status(status, after)) => {
            *response.status_mut() = status.try_into().unwrap();
            if let Some(after) = after {
                response.headers_mut().insert("retry-after", after.parse().unwrap());
            }
            return Ok(response);
        }
        Some(Say::Rejected(rejected_spans)) => {
            let told = ExportTracePartialSuccess { rejected_spans, error_message: "too old".into() };
            let body = ExportTraceServiceResponse { partial_success: Some(told) }.encode_to_vec();
            *response.body_mut() = Full::new(body.into());
        }
        None => {}
    }
    let decoded = ExportTraceServiceRequest::decode(body).unwrap();
    shared.requests.lock().unwrap().push((head.uri.path().to_owned(), head.headers, decoded));
    Ok(response)
}

pub fn plain(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}
