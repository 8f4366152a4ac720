//! The collector: OTLP as protobuf over HTTP (`POST …/v1/traces`), and what its answer means.
//!
//! gRPC is left out on purpose: every collector that takes OTLP takes it over HTTP too (port 4318), and HTTP is what
//! is there already.
//!
//! Source: the OTLP specification, "OTLP/HTTP Response": 200 with a message that may tell of spans that were not
//! taken; 429, 502, 503 and 504 may go through later, after `Retry-After`; nothing else will.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::limits;

/// Where spans go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole address, with its path.
    pub uri: Uri,
    /// What goes with each request, such as a key.
    pub headers: HeaderMap,
    /// Certificate authorities to trust beside the public ones.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// A collector.
#[derive(Debug, Clone)]
pub struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    target: Arc<Target>,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken, but for so many spans, or with a warning.
    Accepted { rejected: usize, message: String },
    /// It may go through later, after this wait where the collector says so.
    Later { after: Option<Duration>, why: String },
    /// It will not go through.
    Never { why: String },
}

impl Collector {
    /// A client for `target`. Nothing is dialled yet.
    pub fn new(target: Target) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in &target.certificates {
            roots.add(certificate.clone())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, target: Arc::new(target) })
    }

    /// Sends one batch, within [`limits::TRACE_EXPORT`].
    pub(super) async fn send(&self, body: Bytes) -> Sent {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = self.target.uri.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, hyper::header::HeaderValue::from_static("kubelambda"));
        headers.extend(self.target.headers.clone());
        headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/x-protobuf"));
        let exchange = async {
            // With its causes: what comes first says little.
            let causes = |error| format!("{:#}", anyhow::Error::new(error));
            let answer = self.client.request(request).await.map_err(causes)?;
            Ok(judge(answer).await)
        };
        match tokio::time::timeout(limits::TRACE_EXPORT, exchange).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(why)) => Sent::Later { after: None, why },
            Err(_) => Sent::Later { after: None, why: "it did not answer in time".to_owned() },
        }
    }
}

async fn judge(answer: Response<Incoming>) -> Sent {
    let (status, after) = (answer.status(), retry_after(answer.headers()));
    let body = Limited::new(answer.into_body(), limits::TRACE_ANSWER_BYTES_MAX).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if status.is_success() {
        let told = ExportTraceServiceResponse::decode(body).unwrap_or_default().partial_success;
        let told = told.unwrap_or_default();
        let rejected = usize::try_from(told.rejected_spans).unwrap_or_default();
        return Sent::Accepted { rejected, message: told.error_message };
    }
    let why = format!("it answered {status}");
    match status.as_u16() {
        429 | 502 | 503 | 504 => Sent::Later { after, why },
        _ => Sent::Never { why },
    }
}

/// How long the collector asks to wait, in seconds; a date is not looked at.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(limits::TRACE_RETRY_AFTER_MAX))
}

/// The certificate authorities in a PEM file: at least one, and each of them one that can be trusted.
pub(crate) fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| error.to_string())?;
    for certificate in &certificates {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| error.to_string())?;
    }
    if certificates.is_empty() {
        Err("there is no certificate in the file".to_owned())
    } else {
        Ok(certificates)
    }
}
