//! What a failed init phase is called in a Function's condition.
//!
//! The invoker gets the runtime's own error as it came (`Runtime.ImportModuleError` for any import that fails, as on
//! AWS). The condition tells its author where to look: `HandlerNotFound` only where the handler's module or function
//! is not there, `InitFailed` for everything that the code did itself, such as importing a package that is missing.

use resources::Reason;

/// Types that say that the handler's function, or its name, is wrong.
const NO_HANDLER: [&str; 3] = ["HandlerNotFound", "MalformedHandlerName", "NoSuchHandler"];
/// Of a module that cannot be imported: the handler's own, or one that it imports.
const NO_MODULE: &str = "ImportModuleError";
/// Java's type for whatever keeps a handler from being loaded.
const BAD_CODE: &str = "BadFunctionCode";
/// How Java's client begins where a class is there and fails.
const CLASS_FAILED: &str = "Error loading ";

/// The words for people in what a runtime posted: `errorMessage` of the JSON object that clients send.
pub fn words(message: &str) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Posted {
        error_message: String,
    }
    serde_json::from_str(message).map_or_else(|_| message.to_owned(), |posted: Posted| posted.error_message)
}

/// Which reason a failed init phase of a function with this `handler` has; `words` are [`words`]'.
pub fn reason(error_type: &str, words: &str, handler: Option<&str>) -> Reason {
    let has_no_handler = NO_HANDLER.iter().any(|word| error_type.contains(word))
        || (error_type.contains(NO_MODULE) && lacks_own_module(words, handler.unwrap_or_default()))
        || (error_type.contains(BAD_CODE) && !words.starts_with(CLASS_FAILED));
    if has_no_handler {
        Reason::HandlerNotFound
    } else if error_type == "Sandbox.Timedout" {
        Reason::InitTimedOut
    } else {
        Reason::InitFailed
    }
}

/// Whether the module that could not be found is the handler's own, in the words of AWS's clients.
fn lacks_own_module(words: &str, handler: &str) -> bool {
    let quoted = |before: &str| words.split_once(before)?.1.split('\'').next();
    if let Some(missing) = quoted("No module named '") {
        // Python: `Unable to import module 'a/b': No module named 'a'`, a package in which it lies included.
        let own = handler.rsplit_once('.').map_or(handler, |(module, _)| module).replace('/', ".");
        return own.strip_prefix(missing).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    }
    // Node.js: `Error: Cannot find module 'b'`, without the folder and up to the first dot.
    let file = handler.rsplit('/').next().unwrap_or(handler);
    let own = file.split('.').next().unwrap_or(file);
    quoted("Cannot find module '").is_some_and(|missing| missing == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posted_error_is_told_in_its_own_words() {
        assert_eq!(words(r#"{"errorMessage": "no module", "stackTrace": []}"#), "no module");
        assert_eq!(words("exit status 1"), "exit status 1");
    }

    #[test]
    fn errors_of_init_are_told_apart() {
        let check = |error_type: &str, words: &str, expected: Reason| {
            assert_eq!(reason(error_type, words, Some("src/app.handler")), expected, "{error_type}: {words}");
        };
        check(
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'app'",
            Reason::HandlerNotFound,
        );
        check("Runtime.MalformedHandlerName", "Bad handler", Reason::HandlerNotFound);
        check("Runtime.BadFunctionCode", "Class not found: example.App", Reason::HandlerNotFound);
        check("Runtime.BadFunctionCode", "Error loading class example.App: boom", Reason::InitFailed);
        check("Sandbox.Timedout", "", Reason::InitTimedOut);
        check("ValueError", "No module named 'app'", Reason::InitFailed);
    }

    #[test]
    fn an_import_that_fails_is_the_handler_s_only_where_its_own_module_is_missing() {
        let check = |handler: &str, words: &str, expected: Reason| {
            assert_eq!(
                reason("Runtime.ImportModuleError", words, Some(handler)),
                expected,
                "{handler}: {words}"
            );
        };
        let python = |module: &str, missing: &str| {
            format!("Unable to import module '{module}': No module named '{missing}'")
        };
        check("app.handler", &python("app", "app"), Reason::HandlerNotFound);
        check("src/app.handler", &python("src/app", "src"), Reason::HandlerNotFound);
        check("src.app.handler", &python("src.app", "src.app"), Reason::HandlerNotFound);
        check("app.handler", &python("app", "requests"), Reason::InitFailed);
        check("src.app.handler", &python("src.app", "src.other"), Reason::InitFailed);
        check("application.handler", &python("application", "app"), Reason::InitFailed);
        let cannot = "Unable to import module 'app': cannot import name 'x' from 'app' (/var/task/app.py)";
        check("app.handler", cannot, Reason::InitFailed);
        let node =
            |missing: &str| format!("Error: Cannot find module '{missing}'\nRequire stack:\n- /a/app.js");
        check("src/app.handler", &node("app"), Reason::HandlerNotFound);
        check("src/app.handler", &node("aws-sdk"), Reason::InitFailed);
        assert_eq!(reason("Runtime.ImportModuleError", &node("x"), None), Reason::InitFailed);
    }
}
