//! A small HTTP client for the Lambda API: one connection for each request, no signatures.

use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::FunctionReference;
use domain::limits::{RESPONSE_PAYLOAD_BYTES_MAX, TIMEOUT_SECONDS_MAX};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::command_line::InvokeArguments;
use crate::endpoint::Endpoint;

/// How long an answer is waited for, in seconds: the longest function, its cold start and its queue.
const ANSWER_SECONDS_MAX: u64 = TIMEOUT_SECONDS_MAX as u64 + 120;
/// Largest answer, in bytes: a response, or an error with its envelope.
const ANSWER_BYTES_MAX: usize = RESPONSE_PAYLOAD_BYTES_MAX + 64 * 1024;

/// What an endpoint answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) function_error: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) payload: Bytes,
    exception: Option<String>,
    log_base64: Option<String>,
}

impl Answer {
    fn new(status: u16, headers: &HeaderMap, payload: Bytes) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            status,
            function_error: text("x-amz-function-error"),
            request_id: text("x-amzn-requestid").or_else(|| text("x-amz-request-id")),
            exception: text("x-amzn-errortype"),
            log_base64: text("x-amz-log-result"),
            payload,
        }
    }

    /// The end of the log, or nothing.
    pub(super) fn log_tail(&self) -> String {
        let bytes = self.log_base64.as_ref().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// There is no function of that name.
    pub(super) fn knows_no_such_function(&self) -> bool {
        self.status == 404 && self.exception.as_deref() == Some("ResourceNotFoundException")
    }

    /// The error in one line.
    pub(super) fn said(&self) -> String {
        let body: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let field = |name: &str| body.get(name).and_then(Value::as_str);
        let message = ["errorMessage", "message", "Message"].into_iter().find_map(field);
        let Some(message) = message else { return String::from_utf8_lossy(&self.payload).into_owned() };
        let kind = field("errorType").or(self.exception.as_deref());
        let (kind, separator) = kind.map_or(("", ""), |kind| (kind, ": "));
        // Of a throttle, which limit it was.
        let reason = field("Reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{kind}{separator}{message}{reason}")
    }
}

impl Endpoint {
    /// Invokes the function and waits for its answer.
    pub(super) async fn invoke(
        &self,
        arguments: &InvokeArguments,
        event: Vec<u8>,
        client_context: Option<String>,
    ) -> anyhow::Result<Answer> {
        let function = path_part(&arguments.name)?;
        let query = match &arguments.qualifier {
            Some(qualifier) => format!("?Qualifier={}", path_text(&qualifier.to_string())),
            None => String::new(),
        };
        let path = format!("/2015-03-31/functions/{function}/invocations{query}");
        let mut request = Request::post(format!("{}{path}", self.prefix))
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("x-amz-log-type", "Tail");
        if let Some(context) = client_context {
            request = request.header("x-amz-client-context", context);
        }
        let response = self.send(request.body(Full::from(event))?).await?;
        Self::read(response).await
    }

    /// The function's time-out, where the endpoint tells it.
    pub(super) async fn timeout_seconds(&self, name: &str) -> Option<f64> {
        let path = format!("{}/2015-03-31/functions/{}/configuration", self.prefix, path_part(name).ok()?);
        let request = Request::get(path).header("host", &self.host).body(Full::default()).ok()?;
        let answer = Self::read(self.send(request).await.ok()?).await.ok()?;
        let configuration: Value = serde_json::from_slice(&answer.payload).ok()?;
        configuration.get("Timeout").filter(|_| answer.status == 200)?.as_f64()
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<hyper::body::Incoming>> {
        let stream = TcpStream::connect(&self.host).await.with_context(|| {
            format!("nothing answers on {}; `kubelambda local DIR` serves there", self.host)
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        drop(tokio::spawn(connection));
        let answer =
            tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), sender.send_request(request));
        let answer = answer.await.with_context(|| format!("no answer within {ANSWER_SECONDS_MAX} s"))?;
        answer.with_context(|| format!("{} gave no answer", self.host))
    }

    async fn read(response: Response<hyper::body::Incoming>) -> anyhow::Result<Answer> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let payload = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
        Ok(Answer::new(head.status.as_u16(), &head.headers, payload))
    }
}

/// A function's reference as a part of a path.
fn path_part(name: &str) -> anyhow::Result<String> {
    let _: FunctionReference = name.parse()?;
    Ok(path_text(name))
}

/// `$LATEST` and `:` are the only characters of a valid reference that a path would not take everywhere.
fn path_text(text: &str) -> String {
    text.replace('$', "%24").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_one_line() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", "TooManyRequestsException".parse().unwrap());
        let answer = |body: &'static str| Answer::new(429, &headers, Bytes::from_static(body.as_bytes()));
        assert_eq!(answer(r#"{"errorType":"E","errorMessage":"m"}"#).said(), "E: m");
        let throttled = r#"{"Reason":"ReservedLimit","Type":"User","message":"Rate Exceeded."}"#;
        assert_eq!(answer(throttled).said(), "TooManyRequestsException: Rate Exceeded. (ReservedLimit)");
        assert_eq!(answer("what").said(), "what");
    }
}
