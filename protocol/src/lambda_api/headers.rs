//! Names of the headers of Invoke, in lower case as HTTP libraries compare them.

/// `RequestResponse`, `Event` or `DryRun`.
pub const INVOCATION_TYPE: &str = "x-amz-invocation-type";
/// `None` or `Tail`.
pub const LOG_TYPE: &str = "x-amz-log-type";
/// The client context, base64.
pub const CLIENT_CONTEXT: &str = "x-amz-client-context";
/// The tenant id.
pub const TENANT_ID: &str = "x-amz-tenant-id";
/// Name of a durable execution; not supported.
pub const DURABLE_EXECUTION_NAME: &str = "x-amz-durable-execution-name";
/// The X-Ray trace header.
pub const TRACE_ID: &str = "x-amzn-trace-id";
/// The request id, on every answer.
pub const REQUEST_ID: &str = "x-amzn-requestid";
/// The exception's name, on every error.
pub const ERROR_TYPE: &str = "x-amzn-errortype";
/// `Unhandled`, when the payload tells of a function error.
pub const FUNCTION_ERROR: &str = "x-amz-function-error";
/// The only value of [`FUNCTION_ERROR`] that AWS sends today.
pub const FUNCTION_ERROR_UNHANDLED: &str = "Unhandled";
/// The log tail, base64.
pub const LOG_RESULT: &str = "x-amz-log-result";
/// The version that ran.
pub const EXECUTED_VERSION: &str = "x-amz-executed-version";
/// The runtime's content type, on a streamed answer.
pub const REMAPPED_CONTENT_TYPE: &str = "x-amzn-remapped-content-type";
