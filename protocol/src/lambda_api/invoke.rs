//! `POST /2015-03-31/functions/{FunctionName}/invocations`: what its headers may say.

use super::client_context;
use super::errors::{Exception, ServiceError};
use super::tenant;
use super::trace::{Seed, TraceHeader};

/// The path of Invoke in the router's notation.
pub const PATH: &str = "/2015-03-31/functions/{function_name}/invocations";

/// The path of InvokeWithResponseStream likewise; its headers are those of Invoke.
pub const STREAMING_PATH: &str = "/2021-11-15/functions/{function_name}/response-streaming-invocations";

/// How the caller wants the function to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvocationType {
    /// The caller waits for the answer.
    #[default]
    RequestResponse,
    /// Only whether the caller may invoke.
    DryRun,
}

/// Whether the caller wants the log tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogType {
    /// No.
    #[default]
    None,
    /// The last 4 KiB.
    Tail,
}

/// The headers of one request, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvokeHeaders<'a> {
    /// [`super::headers::INVOCATION_TYPE`].
    pub invocation_type: Option<&'a [u8]>,
    /// [`super::headers::LOG_TYPE`].
    pub log_type: Option<&'a [u8]>,
    /// [`super::headers::CLIENT_CONTEXT`].
    pub client_context: Option<&'a [u8]>,
    /// [`super::headers::TENANT_ID`].
    pub tenant_id: Option<&'a [u8]>,
    /// [`super::headers::TRACE_ID`].
    pub trace: Option<&'a [u8]>,
    /// [`super::headers::DURABLE_EXECUTION_NAME`].
    pub durable_execution_name: Option<&'a [u8]>,
}

/// What the headers ask for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeOptions {
    /// How to run.
    pub invocation_type: InvocationType,
    /// Whether to send the log tail.
    pub log_type: LogType,
    /// The decoded client context.
    pub client_context: Option<String>,
    /// The tenant id.
    pub tenant_id: Option<String>,
    /// The trace, complete.
    pub trace: TraceHeader,
}

impl InvokeHeaders<'_> {
    /// Checks every header; `seed` makes what a trace lacks.
    pub fn parse(self, seed: Seed) -> Result<InvokeOptions, ServiceError> {
        if self.durable_execution_name.is_some() {
            let message = "Durable executions are not supported";
            return Err(ServiceError::new(Exception::InvalidParameterValue, message));
        }
        Ok(InvokeOptions {
            invocation_type: invocation_type(self.invocation_type)?,
            log_type: log_type(self.log_type)?,
            client_context: self.client_context.map(client_context::decode).transpose()?,
            tenant_id: self.tenant_id.map(tenant::parse).transpose()?,
            trace: TraceHeader::complete(self.trace, seed),
        })
    }
}

fn invocation_type(header: Option<&[u8]>) -> Result<InvocationType, ServiceError> {
    match header {
        None | Some(b"" | b"RequestResponse") => Ok(InvocationType::RequestResponse),
        Some(b"DryRun") => Ok(InvocationType::DryRun),
        Some(b"Event") => {
            let message = "InvocationType Event is not supported yet: use RequestResponse";
            Err(ServiceError::new(Exception::InvalidParameterValue, message))
        }
        Some(other) => Err(not_in_set(other, "invocationType", "[Event, RequestResponse, DryRun]")),
    }
}

fn log_type(header: Option<&[u8]>) -> Result<LogType, ServiceError> {
    match header {
        None | Some(b"" | b"None") => Ok(LogType::None),
        Some(b"Tail") => Ok(LogType::Tail),
        Some(other) => Err(not_in_set(other, "logType", "[None, Tail]")),
    }
}

fn not_in_set(value: &[u8], parameter: &str, set: &str) -> ServiceError {
    let shown = String::from_utf8_lossy(value.get(..64).unwrap_or(value)).escape_debug().to_string();
    ServiceError::validation(&shown, parameter, &format!("Member must satisfy enum value set: {set}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: Seed = Seed { epoch_seconds: 1, random: [1; 20] };

    #[test]
    fn defaults_are_those_of_the_api() {
        let options = InvokeHeaders::default().parse(SEED).unwrap();
        assert_eq!(options.invocation_type, InvocationType::RequestResponse);
        assert_eq!(options.log_type, LogType::None);
        assert_eq!(options.client_context, None);
    }

    fn refused(headers: InvokeHeaders<'_>) -> (Exception, String) {
        let error = headers.parse(SEED).unwrap_err();
        (error.exception, error.message)
    }

    #[test]
    fn values_outside_the_sets_are_refused() {
        let types =
            |value: &'static [u8]| InvokeHeaders { invocation_type: Some(value), ..Default::default() };
        assert_eq!(refused(types(b"Event")).0, Exception::InvalidParameterValue);
        assert_eq!(
            refused(types(b"event")).1,
            "1 validation error detected: Value 'event' at 'invocationType' failed to satisfy constraint: \
             Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
        );
        let logs = |value: &'static [u8]| InvokeHeaders { log_type: Some(value), ..Default::default() };
        for value in [&b"tail"[..], b"Tail\r\nX-Evil: 1", b"Tail\0", b"\xff"] {
            assert_eq!(refused(logs(value)).0, Exception::Validation);
        }
        let durable = InvokeHeaders { durable_execution_name: Some(b"x"), ..Default::default() };
        assert_eq!(refused(durable).0, Exception::InvalidParameterValue);
    }

    proptest! {
        #[test]
        fn no_header_value_is_echoed_raw(value: Vec<u8>) {
            if let Err(error) = log_type(Some(&value)) {
                prop_assert!(!error.message.contains(['\r', '\n', '\0']));
            }
        }
    }
}
