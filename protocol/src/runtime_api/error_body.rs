//! An error's body that tells its cause too, of which only the error itself is the caller's.
//!
//! Done as AWS's emulator does it (`rapi/handler/mime_type_error_cause_json.go`): message, type and stack are written
//! anew, the cause goes to X-Ray, and whatever else is in the body goes nowhere.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error_cause;
use crate::tolerant::null_or;

/// Content type of such a body.
pub const ERROR_WITH_CAUSE: &str = "application/vnd.aws.lambda.error.cause+json";

/// The body in the stead of one that is no such error.
const INVALID: &[u8] = b"\"Invalid error body\"";

/// What a caller gets of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallersError {
    /// The body.
    pub body: Vec<u8>,
    /// Its content type.
    pub content_type: &'static str,
    /// The cause, for X-Ray.
    pub cause: Option<Vec<u8>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    #[serde(deserialize_with = "null_or")]
    error_message: String,
    #[serde(deserialize_with = "null_or")]
    error_type: String,
    #[serde(deserialize_with = "null_or", skip_serializing_if = "Vec::is_empty")]
    stack_trace: Vec<String>,
    #[serde(skip_serializing)]
    error_cause: Value,
}

/// Takes the error out of a body of the type [`ERROR_WITH_CAUSE`].
pub fn without_cause(body: &[u8]) -> CallersError {
    let error = serde_json::from_slice::<Option<Map<String, Value>>>(body)
        .and_then(|members| Told::deserialize(Value::Object(members.unwrap_or_default())))
        .and_then(|told| Ok((serde_json::to_vec(&told)?, told.error_cause)));
    let Ok((body, cause)) = error else {
        let (body, content_type) = (INVALID.to_vec(), "application/octet-stream");
        return CallersError { body, content_type, cause: None };
    };
    let cause = error_cause::checked(cause.to_string().as_bytes());
    CallersError { body, content_type: "application/json", cause }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(told: &str) -> (String, &'static str, Option<String>) {
        let CallersError { body, content_type, cause } = without_cause(told.as_bytes());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(body), content_type, cause.map(text))
    }

    #[test]
    fn only_the_error_is_the_caller_s() {
        for (told, expected, cause) in [
            (
                r#"{"errorType":"T","errorMessage":"m","stackTrace":["a","b"],"errorCause":{"message":"c"},"more":1}"#,
                r#"{"errorMessage":"m","errorType":"T","stackTrace":["a","b"]}"#,
                Some(r#"{"exceptions":[],"working_directory":"","paths":[],"message":"c"}"#),
            ),
            (r#"{"errorType":null,"stackTrace":[]}"#, r#"{"errorMessage":"","errorType":""}"#, None),
            (r#"{"errorType":"T","errorCause":"c"}"#, r#"{"errorMessage":"","errorType":"T"}"#, None),
            ("null", r#"{"errorMessage":"","errorType":""}"#, None),
        ] {
            assert_eq!(read(told), (expected.to_owned(), "application/json", cause.map(str::to_owned)));
        }
    }

    #[test]
    fn what_is_no_error_is_not_shown() {
        let none = ("\"Invalid error body\"".to_owned(), "application/octet-stream", None);
        for told in
            ["", "{", "[]", "\"text\"", r#"{"errorMessage":1}"#, r#"{"stackTrace":[{"line":1}]}"#, "{} {}"]
        {
            assert_eq!(read(told), none, "{told}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(body: Vec<u8>) {
            drop(without_cause(&body));
        }
    }
}
