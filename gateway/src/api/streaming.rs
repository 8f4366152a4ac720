//! `POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations`.

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::RequestId;
use futures::stream;
use protocol::event_stream::{self, InvokeComplete};
use protocol::lambda_api::headers;

use super::answer;
use super::invoke::{Asked, refused};
use crate::answer::InvokeError;
use crate::gateway::Gateway;
use crate::streaming::{Completed, Events, LOST_CODE, StreamEvent, Streamed};
use crate::traces::{Answering, Arrival};

/// The handler: wire to value, one call, value to wire.
pub(super) async fn invoke(
    State(gateway): State<Gateway>,
    Extension(request_id): Extension<RequestId>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    mut headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    // As on AWS, the invocation type is not looked at.
    headers.remove(headers::INVOCATION_TYPE);
    let asked = Asked { name: name.ok().map(|Path(name)| name), query, headers };
    match invoked(&gateway, request_id, asked, body).await {
        Ok(response) => response,
        Err(error) => refused(error, request_id),
    }
}

async fn invoked(
    gateway: &Gateway,
    request_id: RequestId,
    asked: Asked,
    body: Body,
) -> Result<Response<Body>, InvokeError> {
    let arrived = Arrival::now();
    let request = asked.read(gateway, request_id, body).await?;
    let (call, mut answering) = gateway.call(request, arrived)?;
    let trace = call.options.trace.for_answer();
    let Streamed { version, content_type, events } = match gateway.invoke_streaming(call).await {
        Ok(streamed) => streamed,
        Err(error) => {
            let response = refused(error, request_id);
            answering.with(response.status().as_u16(), answer::error_type(&response));
            return Ok(response);
        }
    };
    let mut response = Response::new(frames(gateway.clone(), events, answering));
    let kind = HeaderValue::from_static(event_stream::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer::set(&mut response, headers::EXECUTED_VERSION, &version);
    answer::set(&mut response, headers::REMAPPED_CONTENT_TYPE, &content_type);
    answer::set(&mut response, headers::TRACE_ID, &trace);
    Ok(response)
}

/// The body: a frame for each event, which counts as in flight until it is written.
///
/// A trace ends with it: with the status that its head had, where the caller read all of it.
fn frames(gateway: Gateway, events: Events, answering: Answering) -> Body {
    let state = (gateway, events, answering);
    Body::from_stream(stream::unfold(state, |(gateway, mut events, mut answering)| async move {
        let event = events.next().await?;
        if let StreamEvent::Complete(Completed { lost, .. }) = &event {
            answering.with(StatusCode::OK.as_u16(), lost.then_some(LOST_CODE));
        }
        let frame = frame(event);
        let counted = gateway.payload_budget().count(frame);
        Some((Ok::<Bytes, Infallible>(counted), (gateway, events, answering)))
    }))
}

fn frame(event: StreamEvent) -> Bytes {
    match event {
        StreamEvent::Payload(payload) => event_stream::payload_chunk(&payload),
        StreamEvent::Complete(Completed { error, log_tail, .. }) => {
            let (error_code, error_details) = error.unzip();
            let log_result = log_tail.map(|tail| STANDARD.encode(tail));
            InvokeComplete { error_code, error_details, log_result }.frame()
        }
    }
}
