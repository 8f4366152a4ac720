//! `POST /2015-03-31/functions/{FunctionName}/invocations`.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use domain::{FunctionReference, RequestId};
use percent_encoding::percent_decode_str;
use protocol::lambda_api::invoke::InvokeHeaders;
use protocol::lambda_api::{Exception, ServiceError, headers, payload, target as reference};

use super::{answer, body, errors};
use crate::answer::InvokeError;
use crate::chance;
use crate::gateway::Gateway;
use crate::invocation::Request;
use crate::traces::Arrival;

/// The handler: wire to value, one call, value to wire.
pub(super) async fn invoke(
    State(gateway): State<Gateway>,
    Extension(request_id): Extension<RequestId>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
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
    let response = match gateway.invoke(call).await {
        Ok(answer) => answer::invoked(answer, &trace),
        Err(error) => refused(error, request_id),
    };
    answering.with(response.status().as_u16(), answer::error_type(&response));
    Ok(response)
}

pub(super) fn refused(error: InvokeError, request_id: RequestId) -> Response<Body> {
    tracing::debug!(%request_id, %error, "A request was refused");
    answer::failed(&errors::service_error(error))
}

/// A request's head.
pub(super) struct Asked {
    pub(super) name: Option<String>,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
}

impl Asked {
    /// Reads the whole request. The body comes first: a client that still writes would not read a refusal.
    pub(super) async fn read(
        self,
        gateway: &Gateway,
        request_id: RequestId,
        body: Body,
    ) -> Result<Request, InvokeError> {
        let mut payload = body::read(body, gateway.payload_budget().reservation()).await?;
        let target = target(self.name.as_deref(), self.query.as_deref())?;
        let options = self.invoke_headers().parse(chance::trace_seed()?)?;
        payload.bytes = payload::check(payload.bytes)?;
        Ok(Request { id: request_id, target, options, payload })
    }

    fn invoke_headers(&self) -> InvokeHeaders<'_> {
        let value = |name: &str| self.headers.get(name).map(axum::http::HeaderValue::as_bytes);
        InvokeHeaders {
            invocation_type: value(headers::INVOCATION_TYPE),
            log_type: value(headers::LOG_TYPE),
            client_context: value(headers::CLIENT_CONTEXT),
            tenant_id: value(headers::TENANT_ID),
            trace: value(headers::TRACE_ID),
            durable_execution_name: value(headers::DURABLE_EXECUTION_NAME),
        }
    }
}

/// The function that path and query name together.
pub(super) fn target(name: Option<&str>, query: Option<&str>) -> Result<FunctionReference, ServiceError> {
    let unreadable = || ServiceError::new(Exception::Validation, "The function name is not UTF-8.");
    let qualifier = query.map(qualifier).transpose()?.flatten();
    reference::parse(name.ok_or_else(unreadable)?, qualifier.as_deref())
}

/// The value of `Qualifier` in a query; two different ones are refused.
fn qualifier(query: &str) -> Result<Option<String>, ServiceError> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == "Qualifier").map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(ServiceError::validation("", "qualifier", "Member must be given once"));
    }
    Ok(Some(percent_decode_str(value).decode_utf8_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualifier_is_read_once() {
        assert_eq!(qualifier("Qualifier=%24LATEST&x=1"), Ok(Some("$LATEST".to_owned())));
        assert_eq!(qualifier("x=1&Qualifiers=2"), Ok(None));
        assert_eq!(qualifier("Qualifier=1&Qualifier=1"), Ok(Some("1".to_owned())));
        assert!(qualifier("Qualifier=1&Qualifier=2").is_err());
    }
}
