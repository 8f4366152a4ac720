//! An API server of a few lines: it accepts what is written and tells of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::mpsc;

/// What was written.
#[derive(Debug)]
pub(crate) enum Written {
    /// A pod, as it was sent.
    Created(Box<Value>),
    /// A pod's name.
    Deleted(String),
}

/// A client of such a server, what is written to it, and how often it was asked.
pub(crate) fn client() -> (Client, mpsc::UnboundedReceiver<Written>, Arc<AtomicUsize>) {
    let (sender, written) = mpsc::unbounded_channel();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        count.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, Infallible>(answer(request, &sender).await) }
    });
    (Client::new(service, "default"), written, requests)
}

async fn answer(request: Request<Body>, sender: &mpsc::UnboundedSender<Written>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path().to_owned();
    if path.contains("/secrets/") {
        // As an API server, or a registry after it, that does not answer.
        std::future::pending::<()>().await;
    }
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let told = match (head.method, path.rsplit('/').next()) {
        (Method::POST, Some("pods")) => Some(Written::Created(Box::new(sent.clone()))),
        (Method::DELETE, Some(name)) => Some(Written::Deleted(name.to_owned())),
        _ => None,
    };
    let answer = match &told {
        Some(Written::Deleted(_)) => {
            serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        }
        Some(Written::Created(_)) => {
            let mut created = sent;
            created["metadata"]["uid"] = "uid-1".into();
            created
        }
        None => sent,
    };
    if let Some(told) = told {
        sender.send(told).unwrap();
    }
    Response::new(Full::new(Bytes::from(answer.to_string())))
}
