//! Labels, annotations and names that Kubelambda puts on objects and that more than one program goes by. A label's value is a name of Kubernetes or a digest;
//! whatever a caller or an author may choose freely is an annotation.

/// On every pod of a function, with the value `kubelambda`: what programs select by.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const MANAGER: &str = "kubelambda";
/// `metadata.name` of the Function that the pod was made for.
pub const FUNCTION: &str = "kubelambda.dev/function";
/// Digest of the configuration that the pod was made for.
pub const CONFIGURATION: &str = "kubelambda.dev/configuration";
/// The 32 hexadecimal digits that end the environment's log stream name.
pub const LOG_STREAM: &str = "kubelambda.dev/log-stream";
/// `environment` on pods of functions.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The value of [`COMPONENT`] on pods of functions.
pub const ENVIRONMENT: &str = "environment";

/// Name of the Secret with the installation's link key: the operator makes it, gateways read it.
pub const LINK_KEY_SECRET: &str = "kubelambda-link-key";
/// The entry of that Secret: 32 bytes.
pub const LINK_KEY_ENTRY: &str = "secret";

/// Annotation on pods: the function's AWS name.
pub const FUNCTION_NAME: &str = "kubelambda.dev/function-name";
/// Annotation on pods: `metadata.uid` of the Function.
pub const FUNCTION_UID: &str = "kubelambda.dev/function-uid";
/// Annotation on pods: `$LATEST` or a version number.
pub const FUNCTION_VERSION: &str = "kubelambda.dev/function-version";
/// Annotation on a namespace: the 12-digit account id that it stands for.
pub const ACCOUNT_ID: &str = "kubelambda.dev/account-id";
