//! Which path leads where, and what every answer has in common.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use protocol::lambda_api::invoke::{PATH, STREAMING_PATH};
use protocol::lambda_api::{Exception, ServiceError, configuration as get_configuration, headers};

use super::{answer, configuration, invoke, streaming};
use crate::chance;
use crate::gateway::Gateway;

/// Every route.
pub(super) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route(PATH, post(invoke::invoke).fallback(other_method))
        .route(STREAMING_PATH, post(streaming::invoke).fallback(other_method))
        .route(get_configuration::PATH, get(configuration::get).fallback(other_method))
        .fallback(other_path)
        .layer(middleware::from_fn_with_state(gateway.clone(), identified))
        .with_state(gateway)
}

/// Gives every request its id, which every answer carries.
async fn identified(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response<Body> {
    let request_id = match chance::request_id() {
        Ok(request_id) => request_id,
        Err(error) => return answer::failed(&ServiceError::new(Exception::Service, error.to_string())),
    };
    request.extensions_mut().insert(request_id);
    let mut response = next.run(request).await;
    answer::set(&mut response, headers::REQUEST_ID, &request_id.to_string());
    if gateway.is_leaving() {
        // Pooled clients look for another gateway before this one closes.
        answer::set(&mut response, "connection", "close");
    }
    gateway.gauges().request(response.status().as_u16());
    response
}

async fn other_path() -> Response<Body> {
    let message = "No operation has this path. Invoke, InvokeWithResponseStream and GetFunctionConfiguration are \
                   served; functions are listed and changed as Function objects, with kubectl.";
    answer::failed(&ServiceError::new(Exception::UnknownOperation, message))
}

async fn other_method() -> Response<Body> {
    let error = ServiceError::new(Exception::UnknownOperation, "No operation has this path and method.");
    let mut response = answer::failed(&error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
