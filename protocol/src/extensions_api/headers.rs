//! The headers' names.

/// The name under which an extension registers; an external one's is that of its file.
pub const NAME: &str = "lambda-extension-name";
/// What an extension proves itself with.
pub const IDENTIFIER: &str = "lambda-extension-identifier";
/// What an extension understands beyond the first version; `accountId` is one.
pub const ACCEPT_FEATURE: &str = "lambda-extension-accept-feature";
/// What an error was.
pub const FUNCTION_ERROR_TYPE: &str = "Lambda-Extension-Function-Error-Type";
/// Which event this is; only with INVOKE.
pub const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";
/// The value of [`ACCEPT_FEATURE`] that asks for the account.
pub const FEATURE_ACCOUNT_ID: &str = "accountId";
