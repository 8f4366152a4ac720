//! What a call is refused with.

/// A refused call; status and body are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The id is not the outstanding invocation's, or was answered before.
    InvalidRequestId,
    /// The header `Lambda-Runtime-Function-Response-Mode` has an unknown value.
    InvalidResponseMode,
    /// The body broke off.
    TruncatedRequest,
    /// The call is not allowed in the present state.
    InvalidStateTransition,
    /// The invocation is over, or the answer is that of another attempt.
    InvokeTimeout,
    /// The body is over the bound.
    TooLarge,
    /// The path is none of the API's.
    NotFound,
    /// The path is, the method is not.
    MethodNotAllowed,
    /// The environment is at its end.
    Internal,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequestId | Self::InvalidResponseMode | Self::TruncatedRequest => 400,
            Self::InvalidStateTransition => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::InvokeTimeout => 410,
            Self::TooLarge => 413,
            Self::Internal => 500,
        }
    }

    /// The body, a JSON object and a line feed: so the service writes those of the Extensions API.
    pub fn body(self) -> &'static str {
        match self {
            Self::InvalidRequestId => {
                "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n"
            }
            Self::InvalidResponseMode => {
                "{\"errorMessage\":\"Invalid function response mode\",\"errorType\":\"InvalidFunctionResponseMode\"}\n"
            }
            Self::TruncatedRequest => {
                "{\"errorMessage\":\"HTTP request detected as truncated\",\"errorType\":\"TruncatedHTTPRequest\"}\n"
            }
            Self::InvalidStateTransition => {
                "{\"errorMessage\":\"State transition is not allowed\",\"errorType\":\"InvalidStateTransition\"}\n"
            }
            Self::InvokeTimeout => "{\"errorMessage\":\"Invoke timeout\",\"errorType\":\"InvokeTimeout\"}\n",
            Self::TooLarge => {
                "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n"
            }
            Self::NotFound => "{\"errorMessage\":\"Not found\",\"errorType\":\"NotFound\"}\n",
            Self::MethodNotAllowed => {
                "{\"errorMessage\":\"Method not allowed\",\"errorType\":\"MethodNotAllowed\"}\n"
            }
            Self::Internal => {
                "{\"errorMessage\":\"Internal Server Error\",\"errorType\":\"InternalServerError\"}\n"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_an_object_with_message_and_type() {
        for refusal in [
            Refusal::InvalidRequestId,
            Refusal::InvalidResponseMode,
            Refusal::TruncatedRequest,
            Refusal::InvalidStateTransition,
            Refusal::InvokeTimeout,
            Refusal::TooLarge,
            Refusal::NotFound,
            Refusal::MethodNotAllowed,
            Refusal::Internal,
        ] {
            let body: serde_json::Value = serde_json::from_str(refusal.body()).unwrap();
            assert!(body["errorMessage"].is_string() && body["errorType"].is_string(), "{refusal:?}");
        }
    }
}
