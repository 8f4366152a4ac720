//! The Extensions API, 2020-01-01, as data: its calls, bodies and events. Served by the shim, spoken by tests.
//!
//! Nothing here reads a connection or knows who has registered; refusals are [`domain::extensions::Refusal`].

mod call;
mod events;
pub mod headers;

pub use call::Call;
pub use events::{Tracing, invoke_event, shutdown_event};

use domain::extensions::Refusal;
use serde_json::{Value, json};

/// Largest body of a call, in bytes: 64 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Status of every refusal.
pub const REFUSED_STATUS: u16 = 403;

/// What `register` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Register {
    /// Names of events.
    pub events: Vec<String>,
}

impl Register {
    /// Reads a body: `{"events":[…]}`, of which `null` is an empty list. AWS refuses `configurationKeys`.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let refused = |why: &str| Refusal::InvalidFormat(why.to_owned());
        let body: Value = serde_json::from_slice(body).map_err(|error| refused(&error.to_string()))?;
        let body = body.as_object().ok_or_else(|| refused("the body is no JSON object"))?;
        let keys = body.get("configurationKeys").and_then(Value::as_array);
        if keys.is_some_and(|keys| !keys.is_empty()) {
            return Err(refused("configurationKeys is not supported"));
        }
        match body.get("events") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Array(names)) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                let events = names.collect::<Option<_>>();
                Ok(Self { events: events.ok_or_else(|| refused("events is no list of strings"))? })
            }
            Some(_) => Err(refused("events is no list of strings")),
        }
    }
}

/// The answer to `register`: keys in their order, with a line feed, as the service writes it. The account comes
/// only where the extension says that it accepts it.
pub fn registered(name: &str, version: &str, handler: Option<&str>, account: Option<&str>) -> String {
    let mut body =
        json!({"functionName": name, "functionVersion": version, "handler": handler.unwrap_or("")});
    if let Some(account) = account {
        body["accountId"] = json!(account);
    }
    format!("{body}\n")
}

/// The body of a refusal, with a line feed as the service writes it.
pub fn refused(refusal: &Refusal) -> String {
    let body = json!({"errorMessage": refusal.to_string(), "errorType": refusal.error_type()});
    format!("{body}\n")
}

/// The error type that an extension told, where it is `Extension.` and a capitalised word; else `default`.
pub fn sanitised_error_type(told: &str, default: &'static str) -> String {
    /// Longest type that is kept, in bytes.
    const ERROR_TYPE_BYTES_MAX: usize = 256;
    let word = told.strip_prefix("Extension.").unwrap_or_default();
    let kept = word.len() >= 2
        && told.len() <= ERROR_TYPE_BYTES_MAX
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if kept { told.to_owned() } else { default.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn registration_is_read_or_refused() {
        for (body, expected) in [
            (r#"{"events":["INVOKE","X"]}"#, Some(vec!["INVOKE", "X"])),
            (r#"{"events":null}"#, Some(vec![])),
            ("{}", Some(vec![])),
            (r#"{"events":"INVOKE"}"#, None),
            (r#"{"events":[1]}"#, None),
            (r#"{"events":[],"configurationKeys":["k"]}"#, None),
            ("", None),
            ("[]", None),
        ] {
            let read = Register::read(body.as_bytes());
            assert_eq!(
                read.clone().ok().map(|read| read.events),
                expected.map(|names| names.into_iter().map(str::to_owned).collect()),
                "{body}"
            );
            assert!(read.err().is_none_or(|refusal| refusal.error_type() == "InvalidRequestFormat"));
        }
    }

    #[test]
    fn bodies_are_those_of_the_service() {
        assert_eq!(
            registered("f", "$LATEST", Some("a.b"), None),
            "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"a.b\"}\n"
        );
        assert!(
            registered("f", "1", None, Some("123456789012")).starts_with(r#"{"accountId":"123456789012","#)
        );
        assert_eq!(
            refused(&Refusal::EmptyName),
            "{\"errorMessage\":\"Empty extension name\",\"errorType\":\"Extension.InvalidExtensionName\"}\n"
        );
    }

    #[test]
    fn a_told_error_type_is_kept_if_it_is_one() {
        let default = "Extension.InitError";
        assert_eq!(sanitised_error_type("Extension.NoKey", default), "Extension.NoKey");
        for told in ["", "NoKey", "Extension.x", "Extension.No-Key", "Extension.A\nB"] {
            assert_eq!(sanitised_error_type(told, default), default, "{told}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in "(\\{\"events\":)?\\PC{0,60}") {
            drop(Register::read(body.as_bytes()));
        }
    }
}
