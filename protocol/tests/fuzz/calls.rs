//! Method and path of a call, and the error types that clients tell.

use protocol::extensions_api;
use protocol::runtime_api::{Call, headers};

use crate::run::Target;

const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

pub const TARGETS: [Target; 3] = [
    Target { name: "runtime_call", seeds: runtime_calls, check: runtime_call },
    Target { name: "extension_call", seeds: extension_calls, check: extension_call },
    Target { name: "error_type", seeds: error_types, check: error_type },
];

fn runtime_calls() -> Vec<Vec<u8>> {
    let prefix = "/2018-06-01/runtime";
    let lines = [
        format!("GET {prefix}/invocation/next"),
        format!("POST {prefix}/invocation/{ID}/response"),
        format!("POST {prefix}/invocation/{ID}/error"),
        format!("POST {prefix}/init/error"),
        format!("GET {prefix}/restore/next"),
        "GET /2018-06-01/ping".to_owned(),
    ];
    lines.map(String::into_bytes).into()
}

fn split(input: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(input).ok()?.split_once(' ')
}

fn runtime_call(input: &[u8]) -> String {
    let Some((method, path)) = split(input) else { return "no line".into() };
    let read = Call::read(method, path);
    if let Ok(call) = read {
        // Ids have more than one spelling, calls have not.
        assert_eq!(call.method(), method);
        assert!(call.path().eq_ignore_ascii_case(path), "{path} was read as {call:?}");
        assert_eq!(Call::read(call.method(), &call.path()), Ok(call));
    }
    format!("{read:?}").replace(|c: char| c.is_ascii_digit(), "")
}

fn extension_calls() -> Vec<Vec<u8>> {
    let lines = [
        "POST /2020-01-01/extension/register",
        "GET /2020-01-01/extension/event/next",
        "POST /2020-01-01/extension/init/error",
        "POST /2020-01-01/extension/exit/error",
        "PUT /2022-07-01/telemetry",
        "PUT /2020-08-15/logs",
        "POST /2020-08-15/logs",
    ];
    lines.map(|line| line.as_bytes().to_vec()).into()
}

fn extension_call(input: &[u8]) -> String {
    let Some((method, path)) = split(input) else { return "no line".into() };
    let read = extensions_api::Call::read(method, path);
    if let Some(Ok(call)) = read {
        assert_eq!(call.path(), path);
    }
    // No path belongs to both APIs.
    assert!(read.is_none() || Call::read(method, path).is_err(), "{path}");
    format!("{read:?}")
}

fn error_types() -> Vec<Vec<u8>> {
    let told = [
        "Runtime.ImportModuleError",
        "Runtime.UserCodeSyntaxError",
        "Runtime.ExitError",
        "Function.ResponseSizeTooLarge",
        "Function.unknown",
        "Extension.ConfigInvalid",
        "errorString",
        "unhandled",
        "class java.lang.RuntimeException",
    ];
    told.map(|told| told.as_bytes().to_vec()).into()
}

fn error_type(input: &[u8]) -> String {
    let Ok(told) = std::str::from_utf8(input) else { return "no text".into() };
    let runtime = headers::sanitised_error_type(Some(told));
    let extension = extensions_api::sanitised_error_type(told, "Extension.ExitError");
    for (kept, prefixes) in [(&runtime, &["Runtime.", "Function."][..]), (&extension, &["Extension."])] {
        let word = prefixes.iter().find_map(|prefix| kept.strip_prefix(prefix)).unwrap();
        assert!(word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_alphabetic()), "{kept}");
        assert!(kept.len() <= 256);
    }
    assert_eq!(headers::sanitised_error_type(Some(&runtime)), runtime);
    format!("{} {}", runtime == told, extension == told) + runtime.get(..9).unwrap_or_default()
}
