//! The headers: names, and the values that are sanitised before anything else sees them.

/// The invocation's identity.
pub const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
/// When the function's time is over, in milliseconds since the epoch.
pub const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
/// The ARN as the caller wrote it, completed.
pub const INVOKED_FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
/// The X-Ray header.
pub const TRACE_ID: &str = "lambda-runtime-trace-id";
/// The caller's client context, decoded.
pub const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
/// The caller's Cognito identity, as JSON.
pub const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";
/// The tenant.
pub const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
/// The attempt: handed out with the event, echoed by newer clients.
pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
/// What kind of error a runtime tells of.
pub const FUNCTION_ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// Why a handler failed, as JSON: [`super::error_cause`].
pub const XRAY_ERROR_CAUSE: &str = "lambda-runtime-function-xray-error-cause";
/// `streaming`, or absent.
pub const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
/// The only value of [`RESPONSE_MODE`].
pub const RESPONSE_MODE_STREAMING: &str = "streaming";
/// In the trailer of a response that failed half-way: base64 of the error's JSON.
pub const FUNCTION_ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// Longest error type that is kept, in bytes.
const ERROR_TYPE_BYTES_MAX: usize = 256;

/// The error type as callers, logs and metrics may see it.
///
/// Kept if it is `Runtime.` or `Function.` and a capitalised word of letters; what else begins with `Function.`
/// is `Function.Unknown`, and all the rest `Runtime.Unknown`.
pub fn sanitised_error_type(told: Option<&str>) -> String {
    let told = told.unwrap_or_default();
    let (function, word) = match (told.strip_prefix("Function."), told.strip_prefix("Runtime.")) {
        (Some(word), _) => (true, Some(word)),
        (None, word) => (false, word),
    };
    let well_formed = |word: &str| {
        let bytes = word.as_bytes();
        let first = bytes.first().is_some_and(u8::is_ascii_uppercase);
        first && bytes.len() >= 2 && bytes.iter().all(u8::is_ascii_alphabetic)
    };
    if told.len() <= ERROR_TYPE_BYTES_MAX && word.is_some_and(well_formed) {
        told.to_owned()
    } else if function {
        "Function.Unknown".to_owned()
    } else {
        "Runtime.Unknown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn well_formed_error_types_are_kept_and_others_replaced() {
        for (told, expected) in [
            (Some("Runtime.UserException"), "Runtime.UserException"),
            (Some("Function.ResponseSizeTooLarge"), "Function.ResponseSizeTooLarge"),
            (Some("Function.bad-type"), "Function.Unknown"),
            (Some("Function."), "Function.Unknown"),
            (Some("Runtime.X"), "Runtime.Unknown"),
            (Some("ValueError"), "Runtime.Unknown"),
            (Some("unhandled"), "Runtime.Unknown"),
            (Some("Runtime.Import\nModule"), "Runtime.Unknown"),
            (None, "Runtime.Unknown"),
        ] {
            assert_eq!(sanitised_error_type(told), expected, "{told:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_comes_out_well_formed(told in "((Runtime|Function)\\.)?\\PC{0,300}") {
            let sanitised = sanitised_error_type(Some(&told));
            let word = sanitised.split_once('.').unwrap().1;
            prop_assert!(word.bytes().all(|byte| byte.is_ascii_alphabetic()) && word.len() >= 2);
            prop_assert!(sanitised.len() <= ERROR_TYPE_BYTES_MAX);
            prop_assert_eq!(sanitised_error_type(Some(&sanitised)), sanitised);
        }
    }
}
