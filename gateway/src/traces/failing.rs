//! How a traced invocation failed: what the environment told of it, and why, as the runtime told X-Ray.

use std::sync::OnceLock;

use bytes::Bytes;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use protocol::link::environment::{FunctionError, FunctionErrorCause};
use protocol::runtime_api::error_cause::ERROR_CAUSE_BYTES_MAX;
use protocol::xray::document::Cause;

use super::attributes::Attributes;
use super::document;

/// How it failed, once it has.
#[derive(Debug, Default)]
pub(super) struct Failing {
    failure: OnceLock<FunctionError>,
    /// As it came: read, it is many times as large, and an invocation may take long to finish.
    cause: OnceLock<Bytes>,
}

impl Failing {
    /// The function failed. There is one answer, and so one failure.
    pub(super) fn failed(&self, error: &FunctionError) {
        drop(self.failure.set(error.clone()));
    }

    /// Why; what is no cause is passed over.
    pub(super) fn caused(&self, cause: Bytes) {
        if cause.len() <= ERROR_CAUSE_BYTES_MAX {
            drop(self.cause.set(cause));
        }
    }

    /// The error's type.
    pub(super) fn error_type(&self) -> Option<&str> {
        Some(&self.failure.get()?.error_type)
    }

    /// The same, unless it is an error that the handler told of: what ended the function.
    pub(super) fn ended_by(&self) -> Option<&str> {
        let failure = self.failure.get().filter(|failure| failure.cause != FunctionErrorCause::Handler)?;
        Some(&failure.error_type)
    }

    /// Its exceptions: those that the cause tells of; without any, what is known of the failure.
    pub(super) fn exceptions(&self, end_us: u64) -> Vec<Event> {
        let Some(error_type) = self.error_type() else { return Vec::new() };
        let cause: Option<Cause> = self.cause.get().and_then(|cause| serde_json::from_slice(cause).ok());
        let told = cause.as_ref().map(|cause| document::events(cause, end_us)).unwrap_or_default();
        if !told.is_empty() {
            return told;
        }
        let mut attributes = Attributes::default();
        attributes.put("exception.type", error_type);
        if let Some(Cause::Here { message, .. }) = &cause {
            attributes.put_some("exception.message", message.as_ref());
        }
        let (time_unix_nano, attributes) = (end_us.saturating_mul(1_000), attributes.into_parts().0);
        vec![Event { time_unix_nano, name: "exception".to_owned(), attributes, ..Event::default() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(cause: &[u8]) -> Failing {
        let failing = Failing::default();
        failing.caused(Bytes::copy_from_slice(cause));
        let (handler, error_type) = (FunctionErrorCause::Handler, "Some.Error".to_owned());
        failing.failed(&FunctionError { cause: handler, error_type });
        failing
    }

    fn names(failing: &Failing) -> Vec<String> {
        let events = failing.exceptions(1);
        events.iter().flat_map(|event| event.attributes.iter().map(|pair| pair.key.clone())).collect()
    }

    #[test]
    fn what_is_told_of_the_cause_comes_before_what_is_known() {
        assert!(Failing::default().exceptions(1).is_empty());
        assert_eq!(names(&failing(b"")), ["exception.type"]);
        assert_eq!(
            names(&failing(br#"{"exceptions":[],"message":"m"}"#)),
            ["exception.type", "exception.message"]
        );
        let two = failing(br#"{"exceptions":[{"message":"m"},{"type":"T"}],"message":"m"}"#);
        assert_eq!(names(&two), ["exception.message", "exception.type"]);
    }

    #[test]
    fn a_cause_is_bounded() {
        let cause = |bytes: usize| {
            let empty = br#"{"message":""}"#.len();
            format!(r#"{{"message":"{}"}}"#, "m".repeat(bytes - empty)).into_bytes()
        };
        assert_eq!(names(&failing(&cause(ERROR_CAUSE_BYTES_MAX))).len(), 2);
        assert_eq!(names(&failing(&cause(ERROR_CAUSE_BYTES_MAX + 1))).len(), 1);
    }
}
