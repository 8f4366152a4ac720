//! `GET /2015-03-31/functions/{FunctionName}/configuration`, from the same snapshot as every invoke.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::Response;
use domain::RequestId;
use protocol::lambda_api::configuration::FunctionConfiguration;

use super::answer;
use super::invoke::{refused, target};
use crate::answer::InvokeError;
use crate::gateway::Gateway;

/// The handler: wire to value, one call, value to wire.
pub(super) async fn get(
    State(gateway): State<Gateway>,
    Extension(request_id): Extension<RequestId>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    match configuration(&gateway, name.ok().as_deref().map(String::as_str), query.as_deref()) {
        Ok(body) => answer::json(body),
        Err(error) => refused(error, request_id),
    }
}

fn configuration(gateway: &Gateway, name: Option<&str>, query: Option<&str>) -> Result<String, InvokeError> {
    let resolved = gateway.resolve(target(name, query)?)?;
    let function = &resolved.function;
    Ok(FunctionConfiguration {
        name: &function.name,
        arn: &resolved.invoked_arn,
        version: &function.revision.version,
        timeout_seconds: function.budget.as_duration().as_secs(),
        memory_mb: function.memory_mb,
        settings: &function.settings,
        state: &function.state,
    }
    .body())
}
