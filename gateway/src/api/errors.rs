//! The table: why an invocation has no answer, and how the Lambda API says so.
//!
//! | failure | answer | why this one |
//! | --- | --- | --- |
//! | cap of the function, or none at all | 429, `ReservedFunctionConcurrentInvocationLimitExceeded` | its `maxEnvironments` is what AWS calls reserved concurrency |
//! | too many wait, too many bytes in flight | 429, `ConcurrentInvocationLimitExceeded` | nothing ran; every SDK tries again later |
//! | no environment may start, or there is no room | the same, with the words of cluster or machine | AWS says so at the limit of an account |
//! | no environment in time | the same | nothing ran, so it is safe to try again |
//! | no tenant id where tenants are isolated, or one where they are not | 400 `InvalidParameterValueException` | as on AWS |
//! | unknown runtime, invalid manifest | 502 `InvalidRuntimeException` | trying again does not help |
//! | the image cannot be pulled or read | 502 `ResourceNotReadyException` | it may be there the next time |
//! | the environment was lost after hand-over | 500 `ServiceException` with the request id | it may have run |

use domain::placement::Throttled;
use protocol::lambda_api::errors::ThrottleReason::{
    ConcurrentInvocationLimitExceeded, ReservedFunctionConcurrentInvocationLimitExceeded,
};
use protocol::lambda_api::{Exception, ServiceError};
use protocol::link::control::Obstacle;

use crate::answer::InvokeError;
use crate::catalog::{NotResolved, Unavailable};

/// What AWS says at a limit.
const RATE_EXCEEDED: &str = "Rate Exceeded.";
/// What AWS says.
const NEEDS_TENANT: &str = "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your \
                            request and try again.";
/// What AWS's SAM CLI says; the guide says when, and of the service only the counterpart ("is enabled …") is known.
const HAS_NO_TENANTS: &str = "The invoked function is not enabled with tenancy configuration. Remove the tenant ID \
                              from your request and try again.";

/// The answer to an invocation that has none.
pub(super) fn service_error(error: InvokeError) -> ServiceError {
    match error {
        InvokeError::Request(error) => error,
        InvokeError::Target(error) => not_resolved(error),
        InvokeError::NeedsTenant => ServiceError::new(Exception::InvalidParameterValue, NEEDS_TENANT),
        InvokeError::HasNoTenants => ServiceError::new(Exception::InvalidParameterValue, HAS_NO_TENANTS),
        InvokeError::Unavailable(unavailable) => cannot_be_invoked(unavailable),
        InvokeError::Throttled(throttled) => at_a_limit(throttled),
        InvokeError::TooManyBytes => no_room("too many payload bytes are in flight in the gateway"),
        InvokeError::WaitedTooLong(wait) => {
            no_room(&format!("no environment was free or started within {} seconds", wait.as_secs()))
        }
        InvokeError::Obstructed { reason, message } => obstructed(reason, &message),
        InvokeError::Deleted { arn } => not_found(&arn),
        InvokeError::Lost { request_id } => ServiceError::new(
            Exception::Service,
            format!(
                "The execution environment was lost while it ran request {request_id}; the function may have run."
            ),
        ),
        InvokeError::BodyTimedOut => {
            ServiceError::new(Exception::RequestTimeout, "The request body did not come in time.")
        }
        InvokeError::BodyBroken => {
            ServiceError::new(Exception::InvalidRequestContent, "The request body broke off.")
        }
        InvokeError::NoRandomBytes(_) => {
            ServiceError::new(Exception::Service, "The service is out of entropy.")
        }
    }
}

fn not_resolved(error: NotResolved) -> ServiceError {
    match error {
        NotResolved::NotFound { arn } => not_found(&arn.to_string()),
        NotResolved::OtherRegion { asked, ours } => ServiceError::new(
            Exception::ResourceNotFound,
            format!("Functions from '{asked}' are not reachable in this region ('{ours}')"),
        ),
    }
}

fn not_found(arn: &str) -> ServiceError {
    ServiceError::new(Exception::ResourceNotFound, format!("Function not found: {arn}"))
}

fn cannot_be_invoked(unavailable: Unavailable) -> ServiceError {
    let message = match unavailable {
        Unavailable::UnknownRuntime { runtime } => {
            format!("The runtime {runtime} is not known in this cluster: no Runtime object has that name.")
        }
        Unavailable::Invalid { message } => format!("The function cannot be run: {message}"),
    };
    ServiceError::new(Exception::InvalidRuntime, message)
}

fn at_a_limit(throttled: Throttled) -> ServiceError {
    match throttled {
        Throttled::Disabled | Throttled::AtCap => {
            ServiceError::throttled(ReservedFunctionConcurrentInvocationLimitExceeded, RATE_EXCEEDED)
        }
        Throttled::TooManyWaiting => no_room("too many invocations of the function wait for an environment"),
        Throttled::Obstructed | Throttled::Closed => no_room("no environment can start"),
    }
}

fn obstructed(reason: Obstacle, message: &str) -> ServiceError {
    match reason {
        Obstacle::Refused => no_room(&format!("another environment cannot start: {message}")),
        Obstacle::Unschedulable => no_room(&format!("there is no room for another environment: {message}")),
        Obstacle::Image => ServiceError::new(
            Exception::ResourceNotReady,
            format!("The function's image cannot be used: {message}"),
        ),
        Obstacle::UnknownRuntime | Obstacle::Invalid => {
            cannot_be_invoked(Unavailable::Invalid { message: message.to_owned() })
        }
    }
}

fn no_room(why: &str) -> ServiceError {
    ServiceError::throttled(ConcurrentInvocationLimitExceeded, format!("Rate Exceeded: {why}."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(error: InvokeError, status: u16, body: &str) {
        let error = service_error(error);
        assert_eq!((error.exception.status(), error.body().as_str()), (status, body));
    }

    #[test]
    fn each_failure_has_the_answer_of_the_table() {
        check(
            InvokeError::Throttled(Throttled::AtCap),
            429,
            r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
        );
        check(
            InvokeError::WaitedTooLong(Duration::from_mins(1)),
            429,
            r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded: no environment was free or started within 60 seconds."}"#,
        );
        check(
            InvokeError::Obstructed { reason: Obstacle::Refused, message: "exceeded quota".to_owned() },
            429,
            r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded: another environment cannot start: exceeded quota."}"#,
        );
        check(
            InvokeError::Unavailable(Unavailable::UnknownRuntime { runtime: "cobol".to_owned() }),
            502,
            r#"{"Message":"The runtime cobol is not known in this cluster: no Runtime object has that name.","Type":"User"}"#,
        );
        check(
            InvokeError::Obstructed { reason: Obstacle::Image, message: "not found".to_owned() },
            502,
            r#"{"Type":"User","message":"The function's image cannot be used: not found"}"#,
        );
        check(
            InvokeError::NeedsTenant,
            400,
            r#"{"Type":"User","message":"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."}"#,
        );
        check(
            InvokeError::HasNoTenants,
            400,
            r#"{"Type":"User","message":"The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."}"#,
        );
        check(
            InvokeError::Deleted { arn: "a".to_owned() },
            404,
            r#"{"Message":"Function not found: a","Type":"User"}"#,
        );
    }
}
