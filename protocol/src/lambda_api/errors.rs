//! Errors of the Lambda API: name, status, and the key under which the body carries the message.
//!
//! AWS writes the message as `Message` in some shapes and as `message` in others, and clients read the one
//! that their model of the shape says. A row of the table is the shape as the service model has it.

use serde_json::{Map, Value};

/// An error shape of the Lambda API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exception {
    /// A parameter has a value that is not supported here.
    InvalidParameterValue,
    /// The payload or the client context is not JSON.
    InvalidRequestContent,
    /// A parameter breaks its pattern, length or set of values. Not modelled, and so without a `Type`.
    Validation,
    /// No such function, version or alias.
    ResourceNotFound,
    /// The payload is over its limit.
    RequestTooLarge,
    /// A limit on concurrency.
    TooManyRequests,
    /// The function's runtime cannot be used.
    InvalidRuntime,
    /// What the function needs is not there (yet).
    ResourceNotReady,
    /// The service failed.
    Service,
    /// No such path or method.
    UnknownOperation,
    /// The body did not come in time.
    RequestTimeout,
}

impl Exception {
    /// Every shape, for tests and documentation.
    pub const ALL: [Self; 11] = [
        Self::InvalidParameterValue,
        Self::InvalidRequestContent,
        Self::Validation,
        Self::ResourceNotFound,
        Self::RequestTooLarge,
        Self::TooManyRequests,
        Self::InvalidRuntime,
        Self::ResourceNotReady,
        Self::Service,
        Self::UnknownOperation,
        Self::RequestTimeout,
    ];

    /// The table: name on the wire, HTTP status, key of the message, and `Type`.
    fn row(self) -> (&'static str, u16, &'static str, Option<&'static str>) {
        let (user, service) = (Some("User"), Some("Service"));
        match self {
            Self::InvalidParameterValue => ("InvalidParameterValueException", 400, "message", user),
            Self::InvalidRequestContent => ("InvalidRequestContentException", 400, "message", user),
            Self::Validation => ("ValidationException", 400, "message", None),
            Self::ResourceNotFound => ("ResourceNotFoundException", 404, "Message", user),
            Self::RequestTooLarge => ("RequestTooLargeException", 413, "message", user),
            Self::TooManyRequests => ("TooManyRequestsException", 429, "message", user),
            Self::InvalidRuntime => ("InvalidRuntimeException", 502, "Message", user),
            Self::ResourceNotReady => ("ResourceNotReadyException", 502, "message", user),
            Self::Service => ("ServiceException", 500, "Message", service),
            Self::UnknownOperation => ("UnknownOperationException", 404, "message", None),
            Self::RequestTimeout => ("RequestTimeoutException", 408, "message", None),
        }
    }

    /// The name in [`super::headers::ERROR_TYPE`].
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }
}

/// `Reason` of a `TooManyRequestsException`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThrottleReason {
    /// The installation has no room.
    ConcurrentInvocationLimitExceeded,
    /// The function is at its own cap.
    ReservedFunctionConcurrentInvocationLimitExceeded,
}

impl ThrottleReason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrentInvocationLimitExceeded => "ConcurrentInvocationLimitExceeded",
            Self::ReservedFunctionConcurrentInvocationLimitExceeded => {
                "ReservedFunctionConcurrentInvocationLimitExceeded"
            }
        }
    }
}

/// What a parameter breaks, in AWS's words.
pub(super) fn violation(value: &str, parameter: &str, constraint: &str) -> String {
    format!("Value '{value}' at '{parameter}' failed to satisfy constraint: {constraint}")
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// The shape.
    pub exception: Exception,
    /// The message, for the caller.
    pub message: String,
    /// Only for throttles.
    pub reason: Option<ThrottleReason>,
}

impl ServiceError {
    /// An error without a reason.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: message.into(), reason: None }
    }

    /// A throttle.
    pub fn throttled(reason: ThrottleReason, message: impl Into<String>) -> Self {
        Self { exception: Exception::TooManyRequests, message: message.into(), reason: Some(reason) }
    }

    /// A parameter that breaks a constraint, in AWS's words.
    pub fn validation(value: &str, parameter: &str, constraint: &str) -> Self {
        Self::violations(&[violation(value, parameter, constraint)])
    }

    /// Several such parameters, each told by [`violation`].
    pub(super) fn violations(told: &[String]) -> Self {
        let (number, plural) = (told.len(), if told.len() == 1 { "" } else { "s" });
        let message = format!("{number} validation error{plural} detected: {}", told.join("; "));
        Self::new(Exception::Validation, message)
    }

    /// The body, JSON.
    pub fn body(&self) -> String {
        let (_, _, key, kind) = self.exception.row();
        let mut body = Map::new();
        if let Some(reason) = self.reason {
            body.insert("Reason".to_owned(), reason.as_str().into());
        }
        if let Some(kind) = kind {
            body.insert("Type".to_owned(), kind.into());
        }
        body.insert(key.to_owned(), self.message.as_str().into());
        Value::Object(body).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &ServiceError, status: u16, name: &str, body: &str) {
        assert_eq!(error.exception.status(), status);
        assert_eq!(error.exception.name(), name);
        assert_eq!(error.body(), body);
    }

    #[test]
    fn bodies_are_those_of_the_recordings() {
        check(
            &ServiceError::new(Exception::ResourceNotFound, "Function not found: a"),
            404,
            "ResourceNotFoundException",
            r#"{"Message":"Function not found: a","Type":"User"}"#,
        );
        let reason = ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded;
        check(
            &ServiceError::throttled(reason, "Rate Exceeded."),
            429,
            "TooManyRequestsException",
            r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
        );
        check(
            &ServiceError::validation("x", "logType", "Member must satisfy enum value set: [None, Tail]"),
            400,
            "ValidationException",
            r#"{"message":"1 validation error detected: Value 'x' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"}"#,
        );
    }

    #[test]
    fn every_shape_is_an_error() {
        for exception in Exception::ALL {
            assert!(exception.status() >= 400, "{exception:?}");
            assert!(exception.name().ends_with("Exception"), "{exception:?}");
        }
    }
}
